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
