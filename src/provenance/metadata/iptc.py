"""Labels as the standard fields of photographs, and back (IPTC Photo Metadata 2025.1, PLUS, Dublin Core, Adobe).

``LocationCreated`` is a bag of location structures whose ``LocationName`` has language alternatives and whose other
parts are plain text; ``CopyrightOwner`` is a sequence of structures; ``creator`` a sequence of texts. Our own record
and the element of GB 45438-2025 are single texts in namespaces of their own.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import Final, Literal

from provenance.metadata.problems import Problem
from provenance.metadata.xmp_values import (
    DC,
    EXIF,
    IPTC_EXT,
    PHOTOSHOP,
    PLUS,
    PVL,
    TC260,
    Alt,
    Bag,
    LangAlt,
    Name,
    Occurrence,
    Properties,
    Seq,
    Struct,
    XmpValue,
    first,
)
from provenance.model.times import parts_of

DATE_CREATED: Final = Name(PHOTOSHOP, "DateCreated")
SOURCE: Final = Name(PHOTOSHOP, "Source")
CREDIT: Final = Name(PHOTOSHOP, "Credit")
CREATOR: Final = Name(DC, "creator")
COPYRIGHT_OWNER: Final = Name(PLUS, "CopyrightOwner")
COPYRIGHT_OWNER_NAME: Final = Name(PLUS, "CopyrightOwnerName")
DIGITAL_SOURCE_TYPE: Final = Name(IPTC_EXT, "DigitalSourceType")
AI_SYSTEM_USED: Final = Name(IPTC_EXT, "AISystemUsed")
LOCATION_CREATED: Final = Name(IPTC_EXT, "LocationCreated")
LOCATION_NAME: Final = Name(IPTC_EXT, "LocationName")
GPS_LATITUDE: Final = Name(EXIF, "GPSLatitude")
GPS_LONGITUDE: Final = Name(EXIF, "GPSLongitude")
GPS_MAP_DATUM: Final = Name(EXIF, "GPSMapDatum")
RECORD: Final = Name(PVL, "Labels")
AIGC: Final = Name(TC260, "AIGC")

SOURCE_TYPE_BASE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_LOCATION_PARTS: Final = {
    "country_code": Name(IPTC_EXT, "CountryCode"),
    "province": Name(IPTC_EXT, "ProvinceState"),
    "city": Name(IPTC_EXT, "City"),
    "county": Name(IPTC_EXT, "Sublocation"),
}
_ONCE: Final = (
    DATE_CREATED,
    SOURCE,
    CREDIT,
    CREATOR,
    COPYRIGHT_OWNER,
    DIGITAL_SOURCE_TYPE,
    AI_SYSTEM_USED,
    LOCATION_CREATED,
    RECORD,
)
_WGS84: Final = {"WGS84", "WGS1984", ""}
_ANGLE = re.compile(r"(\d{1,3}),([0-5]?\d(?:\.\d{1,20})?)(?:,([0-5]?\d(?:\.\d{1,20})?))?([NSEW])", re.ASCII)
_ISO = re.compile(
    r"(\d{4})(?:[-:](\d{2})(?:[-:](\d{2})"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?:(Z)|([+-]\d{2}):?(\d{2})?)?)?)?)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Location:
    """A place as photo metadata says it; unlike a label's place, it may have no name."""

    name: str | None = None
    country_code: str | None = None
    province: str | None = None
    city: str | None = None
    county: str | None = None


@dataclass(frozen=True, slots=True)
class StandardFields:
    """What the standard fields of a carrier say.

    Attributes:
        captured_at: A time of the contract.
        place: Where it was recorded.
        coordinates: Latitude and longitude in WGS-84, degrees north and east.
        source: Who the content comes from.
        credit: The credit line.
        creators: Authors, in order.
        copyright_owners: In order.
        digital_source_type: A URI of the IPTC vocabulary.
        ai_system: The AI tool it was made with (AISystemUsed, IPTC 2025.1).
        problems: Values that are there but cannot be read, or stand there more than once.
    """

    captured_at: str | None = None
    place: Location | None = None
    coordinates: tuple[float, float] | None = None
    source: str | None = None
    credit: str | None = None
    creators: tuple[str, ...] = ()
    copyright_owners: tuple[str, ...] = ()
    digital_source_type: str | None = None
    ai_system: str | None = None
    problems: tuple[Problem, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AigcText:
    """One text of the GB 45438-2025 element, as it stands in XMP."""

    name: Name
    form: Literal["element", "attribute"]
    text: str


def to_xmp(wanted: StandardFields, existing: Properties | None = None) -> dict[Name, XmpValue]:
    """Return the properties that say `wanted`; of an existing location only the parts given are replaced."""
    texts = {
        DATE_CREATED: wanted.captured_at,
        SOURCE: wanted.source,
        CREDIT: wanted.credit,
        DIGITAL_SOURCE_TYPE: wanted.digital_source_type,
        AI_SYSTEM_USED: wanted.ai_system,
    }
    properties: dict[Name, XmpValue] = {name: text for name, text in texts.items() if text is not None}
    if wanted.creators:
        properties[CREATOR] = Seq(wanted.creators)
    if wanted.copyright_owners:
        properties[COPYRIGHT_OWNER] = _owners_value(wanted.copyright_owners, first(existing or {}, COPYRIGHT_OWNER))
    if wanted.place is not None:
        properties[LOCATION_CREATED] = _location_value(wanted.place, first(existing or {}, LOCATION_CREATED))
    if wanted.coordinates is not None:
        latitude, longitude = wanted.coordinates
        properties[GPS_LATITUDE] = _angle_text(latitude, "NS")
        properties[GPS_LONGITUDE] = _angle_text(longitude, "EW")
        properties[GPS_MAP_DATUM] = "WGS-84"
    return properties


def from_xmp(properties: Properties) -> StandardFields:
    """Return what the standard properties say; the first occurrence of each, the others reported as problems."""
    problems = [
        Problem("xmp-property-repeated", "warning", {"property": name.local, "count": len(properties[name])})
        for name in _ONCE
        if len(properties.get(name, ())) > 1
    ]
    return StandardFields(
        captured_at=time_of(_text(first(properties, DATE_CREATED)), "photoshop:DateCreated", problems),
        place=_location(first(properties, LOCATION_CREATED)),
        coordinates=_coordinates(properties, problems),
        source=_text(first(properties, SOURCE)),
        credit=_text(first(properties, CREDIT)),
        creators=_texts(first(properties, CREATOR)),
        copyright_owners=_owners(first(properties, COPYRIGHT_OWNER)),
        digital_source_type=_text(first(properties, DIGITAL_SOURCE_TYPE)),
        ai_system=_text(first(properties, AI_SYSTEM_USED)),
        problems=tuple(problems),
    )


def record_of(properties: Properties) -> str | None:
    """Return the JSON text of our own record."""
    return _text(first(properties, RECORD))


def aigc_texts(properties: Properties) -> list[AigcText]:
    """Return every text of the AIGC element, in any form, letter case or array; each counts."""
    return [
        AigcText(name, occurrence.form, text)
        for name, occurrences in properties.items()
        if name.namespace.rstrip("/") == TC260.rstrip("/") and name.local.casefold() == AIGC.local.casefold()
        for occurrence in occurrences
        for text in _aigc_of(occurrence)
    ]


def time_of(text: str | None, where: str, problems: list[Problem]) -> str | None:
    """Return a date of any ISO 8601 form in use as a time of the contract; what is none is added to `problems`."""
    if text is None:
        return None
    if (match := _ISO.fullmatch(text)) is not None:
        year, month, day, hour, minute, second, fraction, zulu, hours, minutes = match.groups()
        time = "-".join(part for part in (year, month, day) if part)
        if hour:
            time += f"T{hour}:{minute}" + (f":{second}" if second else "") + (f".{fraction[:9]}" if fraction else "")
        time += "Z" if zulu else f"{hours}:{minutes or '00'}" if hours else ""
        with contextlib.suppress(ValueError):
            parts_of(time)
            return time
    problems.append(Problem("metadata-time", "warning", {"where": where, "value": shown(text)}))
    return None


def shown(text: str) -> str:
    """Make a text from a hostile file safe to print, and short."""
    return "".join(one if one.isprintable() else f"U+{ord(one):04X}" for one in text[:40])


def _texts(value: XmpValue | None) -> tuple[str, ...]:
    """Return the texts of a simple value, an array or language alternatives, without those that are blank."""
    if isinstance(value, str):
        found: list[str] = [value]
    elif isinstance(value, Bag | Seq | Alt):
        found = [item for item in value.items if isinstance(item, str)]
    elif isinstance(value, LangAlt):
        found = [text for _, text in sorted(value.texts, key=_language_rank)]
    else:
        found = []
    return tuple(text.strip() for text in found if text.strip())


def _language_rank(item: tuple[str, str]) -> int:
    language = item[0].casefold()
    return 0 if language == "x-default" else 1 if language.startswith("zh") else 2


def _text(value: XmpValue | None) -> str | None:
    return next(iter(_texts(value)), None)


def _owners(value: XmpValue | None) -> tuple[str, ...]:
    structs = [item for item in _items(value) if isinstance(item, Struct)]
    names = [_text(struct.fields.get(COPYRIGHT_OWNER_NAME)) for struct in structs]
    return tuple(name for name in names if name) or _texts(value)


def _owners_value(names: tuple[str, ...], existing: XmpValue | None) -> Seq:
    """Return the owners by name; an owner there without a name, such as one known by its id, gets the first one."""
    there = list(_items(existing))
    nameless = next((at for at, item in enumerate(there) if isinstance(item, Struct) and not _named(item)), None)
    waiting = list(names)
    if nameless is not None:
        owner = there[nameless]
        fields = owner.fields if isinstance(owner, Struct) else {}
        there[nameless] = Struct({**fields, COPYRIGHT_OWNER_NAME: waiting.pop(0)})
    return Seq((*there, *(Struct({COPYRIGHT_OWNER_NAME: name}) for name in waiting)))


def _named(owner: Struct) -> bool:
    return _text(owner.fields.get(COPYRIGHT_OWNER_NAME)) is not None


def _items(value: XmpValue | None) -> tuple[XmpValue, ...]:
    if isinstance(value, Bag | Seq | Alt):
        return value.items
    return () if value is None else (value,)


def _location(value: XmpValue | None) -> Location | None:
    struct = next((item for item in _items(value) if isinstance(item, Struct)), None)
    if struct is None:
        return None
    parts = {part: _text(struct.fields.get(name)) for part, name in _LOCATION_PARTS.items()}
    location = Location(name=_text(struct.fields.get(LOCATION_NAME)), **parts)
    return location if location != Location() else None


def _location_value(place: Location, existing: XmpValue | None) -> Bag:
    items = _items(existing)
    index = next((number for number, item in enumerate(items) if isinstance(item, Struct)), None)
    old = items[index] if index is not None else None
    written: dict[Name, XmpValue] = dict(old.fields) if isinstance(old, Struct) else {}
    if place.name is not None and _text(written.get(LOCATION_NAME)) != place.name:
        written[LOCATION_NAME] = LangAlt((("x-default", place.name),))
    for part, name in _LOCATION_PARTS.items():
        if (text := getattr(place, part)) is not None:
            written[name] = text
    if index is None:
        return Bag((*items, Struct(written)))
    return Bag((*items[:index], Struct(written), *items[index + 1 :]))


def _coordinates(properties: Properties, problems: list[Problem]) -> tuple[float, float] | None:
    texts = [_text(first(properties, name)) for name in (GPS_LATITUDE, GPS_LONGITUDE)]
    if texts == [None, None]:
        return None
    datum = _text(first(properties, GPS_MAP_DATUM)) or ""
    if re.sub(r"[\s_-]", "", datum.upper()) not in _WGS84:
        problems.append(Problem("gps-datum", "warning", {"value": shown(datum)}))
        return None
    latitude, longitude = _angle(texts[0], "NS", 90), _angle(texts[1], "EW", 180)
    if latitude is None or longitude is None:
        problems.append(Problem("gps-form", "warning", {"value": shown(" ".join(text or "?" for text in texts))}))
        return None
    return latitude, longitude


def _angle(text: str | None, signs: str, limit: int) -> float | None:
    match = _ANGLE.fullmatch(text or "")
    if match is None or match[4] not in signs:
        return None
    degrees = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
    if degrees > limit:
        return None
    return -degrees if match[4] == signs[1] else degrees


def _angle_text(degrees: float, signs: str) -> str:
    whole, minutes = divmod(round(abs(degrees) * 60, 6), 60)
    return f"{int(whole)},{minutes:.6f}{signs[degrees < 0]}"


def _aigc_of(occurrence: Occurrence) -> list[str]:
    value = occurrence.value
    items = [text for _, text in value.texts] if isinstance(value, LangAlt) else list(_items(value))
    return [item if isinstance(item, str) else json.dumps(_plain(item), ensure_ascii=False) for item in items] or [""]


def _plain(value: XmpValue) -> object:
    """Return a value as JSON data, so that an element spelled as a structure is read and judged too."""
    if isinstance(value, Struct):
        return {name.local: _plain(item) for name, item in value.fields.items()}
    if isinstance(value, Bag | Seq | Alt):
        return [_plain(item) for item in value.items]
    return dict(value.texts) if isinstance(value, LangAlt) else value
