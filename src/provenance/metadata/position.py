"""Positions in XMP: found under any name that cameras, drones and editors give them, to be taken out or made coarse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from provenance.metadata.iptc import GPS_LATITUDE, GPS_LONGITUDE, GPS_MAP_DATUM, StandardFields, to_xmp
from provenance.metadata.xmp_values import Alt, Bag, Name, Properties, Seq, Struct, XmpValue

_STEP: Final = 10  # parts of a degree: 0.1 degrees is about ten kilometres
# Whatever the namespace: exif:GPSLatitude, drone-dji:GpsLongtitude, aux:…, and the parts of an IPTC location.
_POSITION: Final = re.compile(
    r"gps.*(latitude|longitude|longtitude|altitude|areainformation|positioning|dest)|^(absolute|relative)altitude$",
    re.IGNORECASE,
)


STATED: Final = re.compile(
    rb"[Gg][Pp][Ss]L(?:atitude|ongt?itude)"
    rb"|[+-]\d\d\.\d{3,}[+-]\d{3}\.\d{3,}"
    # In a label that was signed, as JSON or as CBOR; one decimal is as coarse as we leave it.
    rb'|"latitude"\s*:\s*-?\d+\.\d{2,}|\x68latitude'
)
"""What names or states a position as text: XMP and C2PA assertions, ISO 6709 of a video."""
_ISO_6709: Final = re.compile(
    r"([+-])(\d{2}|\d{4}|\d{6})(\.\d+)?([+-])(\d{3}|\d{5}|\d{7})(\.\d+)?(?:[+-].*|CRS.*|/.*)?", re.ASCII
)
_MOST: Final = (90, 180)  # degrees of latitude, of longitude


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
