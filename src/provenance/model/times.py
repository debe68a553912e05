"""Times of the contract: as short as they were given, with or without an offset, never guessed.

``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD`` or ``YYYY-MM-DDThh:mm[:ss[.f]]``; the last one may carry ``Z`` or ``±hh:mm``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from pydantic import AfterValidator, Field

from provenance.model.base import refuse

_FORM = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<offset>Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII,
)
_PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction")
_AHEAD_WITH_OFFSET = timedelta(minutes=5)
_FARTHEST_ZONE = 14  # hours ahead of UTC
_MINUTES = 60
_AHEAD_WITHOUT = timedelta(hours=_FARTHEST_ZONE)


def parts_of(text: str) -> dict[str, str]:
    """Split a time into the parts it states.

    Raises:
        ValueError: it is not one of the forms, or no such moment exists.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(text)
    parts = {name: value for name, value in match.groupdict().items() if value is not None}
    start_of(parts)
    return parts


def start_of(parts: dict[str, str]) -> datetime:
    """Return the first moment that `parts` may mean; aware only when they state an offset."""
    numbers = [int(parts.get(name, "1" if name in {"month", "day"} else "0")) for name in _PARTS[:6]]
    micro = int(parts.get("fraction", "0")[:6].ljust(6, "0"))
    return datetime(*numbers, micro, tzinfo=_zone(parts.get("offset")))  # type: ignore[arg-type,misc]


def same_time(one: str, other: str) -> bool:
    """Say whether two times agree at the precision of the shorter: as instants with two offsets, else by wall clock."""
    first, second = parts_of(one), parts_of(other)
    if "offset" in first and "offset" in second:
        coarser = min(first, second, key=len)
        return _truncated(first, coarser) == _truncated(second, coarser)
    shared = [name for name in _PARTS if name in first and name in second]
    return all(_number(name, first, second) for name in shared)


def in_the_future(text: str, now: datetime | None = None) -> bool:
    """Say whether a time is later than any clock could show: now + 14 h without an offset, now + 5 min with one."""
    start = start_of(parts_of(text))
    moment = now or datetime.now(UTC)
    if start.tzinfo is None:
        return start.replace(tzinfo=UTC) > moment + _AHEAD_WITHOUT
    return start > moment + _AHEAD_WITH_OFFSET


def shown(text: str) -> str:
    """Return a time as a notice shows it: as given, cut to minutes, without the offset."""
    return text[:16].replace("T", " ")


def _zone(offset: str | None) -> timezone | None:
    if offset is None:
        return None
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > _FARTHEST_ZONE or minutes >= _MINUTES:
        raise ValueError(offset)
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(-span if offset[0] == "-" else span)


def _number(name: str, first: dict[str, str], second: dict[str, str]) -> bool:
    if name != "fraction":
        return int(first[name]) == int(second[name])
    digits = min(len(first[name]), len(second[name]))
    return first[name][:digits] == second[name][:digits]


def _truncated(parts: dict[str, str], like: dict[str, str]) -> datetime:
    moment = start_of(parts).astimezone(UTC)
    if "second" not in like:
        return moment.replace(second=0, microsecond=0)
    if "fraction" not in like:
        return moment.replace(microsecond=0)
    unit = 10 ** max(0, 6 - len(like["fraction"]))
    return moment.replace(microsecond=moment.microsecond // unit * unit)


def _valid(text: str) -> str:
    try:
        parts_of(text)
    except ValueError:
        raise refuse("time-form", "not a time", value=text[:40]) from None
    return text


def _past(text: str) -> str:
    if in_the_future(_valid(text)):
        raise refuse("time-in-future", "a time in the future", value=text)
    return text


_SCHEMA = Field(
    json_schema_extra={"pattern": r"^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$"}
)
Time = Annotated[str, AfterValidator(_valid), _SCHEMA]
PastTime = Annotated[str, AfterValidator(_past), _SCHEMA]
