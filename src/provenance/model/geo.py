"""Coordinates of Chinese map services as WGS-84, which EXIF and IPTC ask for.

Formula source: the GCJ-02 shift as published by the open-source project "eviltransform", and the BD-09 shift on top of
it; neither has a public specification, so how well they match a given map service is not known here. Both are inverted
by fixed-point iteration, which returns to its start within a micrometre (subtracting the shift once: up to 2.5 m).

The datum is always the caller's word, never guessed from the position: a rectangle around China also holds Seoul,
Hanoi, Hong Kong and Taipei, where WGS-84 is usual. Whoever says ``gcj02`` there gets the conversion. Outside the
formula's own domain it defines no shift: both datums equal WGS-84 there, and the position is returned as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, cos, hypot, pi, radians, sin, sqrt
from typing import Final, Literal

Datum = Literal["wgs84", "gcj02", "bd09"]
Position = tuple[float, float]

_SOUTH, _NORTH, _WEST, _EAST = 0.8293, 55.8271, 72.004, 137.8347  # the formula's domain, degrees
_AXIS: Final = 6378245.0  # Krasovsky 1940: semi-major axis in metres, first eccentricity squared
_ECCENTRICITY: Final = 0.00669342162296594323
_BD09_ANGLE: Final = pi * 3000 / 180
_ROUNDS: Final = 12  # each round shrinks the error about a hundredfold


def to_wgs84(latitude: float, longitude: float, datum: Datum) -> Position:
    """Return latitude and longitude in WGS-84, degrees north and east, of a position in `datum`."""
    position = (latitude, longitude)
    if datum == "wgs84" or not (_SOUTH <= latitude <= _NORTH and _WEST <= longitude <= _EAST):
        return position
    if datum == "bd09":
        position = _inverse(_gcj02_to_bd09, position)
    return _inverse(_wgs84_to_gcj02, position)


def _inverse(forward: Callable[[float, float], Position], target: Position) -> Position:
    latitude, longitude = target
    for _ in range(_ROUNDS):
        reached = forward(latitude, longitude)
        latitude += target[0] - reached[0]
        longitude += target[1] - reached[1]
    return latitude, longitude


def _wgs84_to_gcj02(latitude: float, longitude: float) -> Position:
    x, y = longitude - 105, latitude - 35
    shared = 20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north += (shared + _waves(y, 20, 40) + 160 * sin(y / 12 * pi) + 320 * sin(y / 30 * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east += (shared + _waves(x, 20, 40) + 150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    flattening = 1 - _ECCENTRICITY * sin(radians(latitude)) ** 2
    meridian = _AXIS * (1 - _ECCENTRICITY) / flattening**1.5
    parallel = _AXIS / sqrt(flattening) * cos(radians(latitude))
    return latitude + north / meridian * 180 / pi, longitude + east / parallel * 180 / pi


def _waves(degrees: float, short: float, long: float) -> float:
    return short * sin(degrees * pi) + long * sin(degrees / 3 * pi)


def _gcj02_to_bd09(latitude: float, longitude: float) -> Position:
    radius = hypot(longitude, latitude) + 0.00002 * sin(latitude * _BD09_ANGLE)
    angle = atan2(latitude, longitude) + 0.000003 * cos(longitude * _BD09_ANGLE)
    return radius * sin(angle) + 0.006, radius * cos(angle) + 0.0065
