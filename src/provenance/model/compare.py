"""When two statements about one thing agree (contract, "A file that already says something").

Times agree at the precision of the shorter; names are compared with names (NFKC) and coordinates with coordinates
(0.001 degrees), never one with the other; a field that only one side has is no difference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provenance.model.geo import to_wgs84
from provenance.model.times import same_time

# A later hop may name another propagator: the only fields of a label that may change (GB 45438-2025, Annex E, note 1).
PROPAGATION: Final = frozenset({"propagator", "propagate_id"})

_TIMES: Final = frozenset({"time", "published_at", "at", "as_of"})
_DEGREES: Final = 0.001


def first_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """Return ``(field, value, other value)`` of the first field that both have and that differs."""
    return next(differences(one, other), None)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield ``(field, value, other value)`` for every field that both have and that differs."""
    theirs = fields_of(other)
    for field, value in fields_of(one).items():
        if field in theirs and not same(field, value, theirs[field]):
            yield field, value, theirs[field]


def fields_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a label's fields with the parts of its place as ``place.name`` …; coordinates stay one field."""
    flat: dict[str, Any] = {}
    for field, content in value.items():
        if field == "place" and isinstance(content, Mapping):
            flat.update({f"place.{part}": inner for part, inner in content.items()})
        else:
            flat[field] = content
    return flat


def same(field: str, one: Any, other: Any) -> bool:
    """Say whether two values of one field agree."""
    if field.endswith("coordinates"):
        return _near(one, other)
    if isinstance(one, str) and isinstance(other, str):
        if field in _TIMES:
            return _same_time(one, other)
        return unicodedata.normalize("NFKC", one).strip() == unicodedata.normalize("NFKC", other).strip()
    return bool(one == other)


def _same_time(one: str, other: str) -> bool:
    try:
        return same_time(one, other)
    except ValueError:
        return one == other


def _near(one: Any, other: Any) -> bool:
    try:
        pairs = zip(_wgs84(one), _wgs84(other), strict=True)
        return all(abs(first - second) <= _DEGREES for first, second in pairs)
    except (KeyError, TypeError, ValueError):
        return False


def _wgs84(place: Mapping[str, Any]) -> tuple[float, float]:
    return to_wgs84(float(place["latitude"]), float(place["longitude"]), place["datum"])
