"""Positions in XMP and as plain text: found under any name that cameras, drones and editors give them.

Those in XMP can be taken out or made coarse.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from provenance.metadata.iptc import GPS_LATITUDE, GPS_LONGITUDE, GPS_MAP_DATUM, StandardFields, to_xmp
from provenance.metadata.xmp_values import Alt, Bag, Name, Properties, Seq, Struct, XmpValue

_STEP: Final = 10  # parts of a degree: 0.1 degrees is about ten kilometres
# Whatever the namespace: exif:GPSLatitude, drone-dji:GpsLongtitude, aux:…, and the parts of an IPTC location.
_POSITION: Final = re.compile(
    r"gps.*(latitude|longitude|longtitude|altitude|areainformation|positioning|dest)|^(absolute|relative)altitude$",
    re.IGNORECASE,
)


# ISO 6709 of a video; and a label, as JSON or as CBOR: one decimal is as coarse as we leave it.
_VALUES: Final = (
    rb"[+-]\d\d\.\d{3,}[+-]\d{3}\.\d{3,}"
    rb'|"l(?:at|ong)itude"\s*:\s*-?\d+\.\d{2,}|\x68latitude'
)
# What web pages state for themselves.
_META: Final = rb"""(?i:name=["']?(?:geo\.position|icbm)["']?\s{1,9}content=["']?-?\d{1,3}\.\d{2,})"""
_STATED: Final = re.compile(rb"[Gg][Pp][Ss]L(?:atitude|ongt?itude)|" + _META + rb"|" + _VALUES)
_VALUE: Final = re.compile(_VALUES)
# A pair of degrees, from the point of the first one on, in a text of one or two bytes for a letter.
_PAIR: Final = re.compile(rb"\.\0?(?:\d\0?){3,15}(?:[ ,;/]\0?){1,3}(?:[+-]\0?)?(?:\d\0?){1,3}\.\0?(?:\d\0?){3,15}")
_FIRST_DEGREES: Final = re.compile(rb"[+-]?\d{1,3}\Z")
# In Matroska the letter D begins what follows a name: the value, an element 0x4487.
_NAMED: Final = re.compile(rb"[\w.:-]{0,40}(?:location|coord|geo|gps)(?:(?!D\x87)[\w.:-]){0,40}", re.IGNORECASE)
_PLACES: Final = (b"location", b"coord", b"geo", b"gps")
_AFTER_NAME: Final = 160  # bytes of a tag in front of a pair: its name, heads of binary fields, the name of a city
_ISO_6709: Final = re.compile(
    r"([+-])(\d{2}|\d{4}|\d{6})(\.\d+)?([+-])(\d{3}|\d{5}|\d{7})(\.\d+)?(?:[+-].*|CRS.*|/.*)?", re.ASCII
)
_MOST: Final = (90, 180)  # degrees of latitude, of longitude


class Stated(NamedTuple):
    """A position in bytes: where it starts, what is there, and the name of the tag it stands in, where that tells."""

    start: int
    text: str
    name: str | None = None


def stated(data: bytes | mmap.mmap, *, tags: bool = True) -> Iterator[Stated]:
    """Yield what names or states a position as text: XMP, C2PA assertions, ISO 6709; with `tags`, degrees in a tag.

    Such degrees are told by the name of their tag; prose may hold the like, so `tags` is for media only.
    """
    for found in _STATED.finditer(data):
        is_name = found[0][:1] in b"Gg"
        yield Stated(found.start(), _shown(found[0]), "XMP" if is_name else None)
    for found in _PAIR.finditer(data) if tags else ():
        head = data[max(0, found.start() - _AFTER_NAME) : found.start()].replace(b"\0", b"")
        if not any(word in head.lower() for word in _PLACES):
            continue
        name, first = next(reversed(list(_NAMED.finditer(head))), None), _FIRST_DEGREES.search(head)
        if name and first and _is_on_earth(pair := first[0] + found[0].replace(b"\0", b"")):
            yield Stated(found.start(), _shown(pair), _shown(name[0]))


def value_stated(packet: bytes) -> str | None:
    """Return a position that stands as a text in XMP, whatever the property; None if none does."""
    found = _VALUE.search(packet)
    return _shown(found[0]) if found else None


def _is_on_earth(pair: bytes) -> bool:
    """Say whether two numbers are degrees of latitude and longitude, in either order."""
    sizes = sorted(abs(float(each)) for each in re.split(rb"[ ,;/]+", pair))
    return sizes[0] <= _MOST[0] and sizes[1] <= _MOST[1]


def _shown(text: bytes) -> str:
    return "".join(letter for letter in text.decode("ascii", "replace") if letter.isprintable())


def from_iso6709(text: str) -> tuple[float, float] | None:
    """Return latitude and longitude in degrees of a position string (ISO 6709, annex H); None if it is none."""
    found = _ISO_6709.fullmatch(text.strip())
    if found is None:
        return None
    latitude, longitude = (_degrees(*found.groups()[at : at + 3], whole=whole) for at, whole in ((0, 2), (3, 3)))
    return (latitude, longitude) if abs(latitude) <= _MOST[0] and abs(longitude) <= _MOST[1] else None


def _degrees(sign: str, digits: str, fraction: str | None, *, whole: int) -> float:
    """Return degrees of ``DD``, ``DDMM`` or ``DDMMSS`` with a fraction of the last."""
    parts = [digits[:whole], *re.findall("..", digits[whole:])]
    parts[-1] += fraction or ""
    size = sum(float(part) / (1, 60, 3600)[power] for power, part in enumerate(parts))
    return -size if sign == "-" else size


def to_iso6709(coordinates: tuple[float, float]) -> str:
    """Return the position string of latitude and longitude in degrees (ISO 6709, annex H), to a decimetre."""
    latitude, longitude = (
        f"{degrees:+0{width}.6f}".rstrip("0") for degrees, width in zip(coordinates, (10, 11), strict=True)
    )
    return "".join(text + "0" if text.endswith(".") else text for text in (latitude, longitude)) + "/"


def coarse(coordinates: tuple[float, float]) -> tuple[float, float]:
    """Return coordinates rounded to 0.1 degrees."""
    latitude, longitude = (round(degrees * _STEP) / _STEP for degrees in coordinates)
    return latitude, longitude


def without(properties: Properties, instead: tuple[float, float] | None) -> tuple[dict[Name, XmpValue], set[Name]]:
    """Return the properties to set and those to take out so that no position but `instead` is left."""
    changed: dict[Name, XmpValue] = {}
    removed: set[Name] = set()
    for name, occurrences in properties.items():
        if _POSITION.search(name.local):
            removed.add(name)
        elif any((cleaned := _cleaned(each.value)) != each.value for each in occurrences):
            changed[name] = cleaned
    if instead is not None and removed & {GPS_LATITUDE, GPS_LONGITUDE}:
        changed |= to_xmp(StandardFields(coordinates=instead))
        removed -= {GPS_LATITUDE, GPS_LONGITUDE, GPS_MAP_DATUM}
    return changed, removed


def _cleaned(value: XmpValue) -> XmpValue:
    if isinstance(value, Struct):
        fields: Mapping[Name, XmpValue] = value.fields
        return Struct({name: _cleaned(part) for name, part in fields.items() if not _POSITION.search(name.local)})
    if isinstance(value, Bag):
        return Bag(tuple(_cleaned(each) for each in value.items))
    if isinstance(value, Seq):
        return Seq(tuple(_cleaned(each) for each in value.items))
    if isinstance(value, Alt):
        return Alt(tuple(_cleaned(each) for each in value.items))
    return value
