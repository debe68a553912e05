"""Days that platforms ask for: when monetisation may open, how long a mute suspends it, which sanctions are named.

Pure helpers for articles 8, 9, 10 and 12 of the 2023 notice on self-media. They compute and look up; whether an account
broke a rule, and what is done about it, the platform decides. Numbers and lists are data (`labels/vocabulary/
conduct.toml`), and hold on the days their provisions are in force.

Months are calendar months as the Civil Code counts them (articles 201, 202): the day of the event is not counted; a
period ends on the day of the same number, or where the month has none, on its last day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final

from provenance.catalog import Catalog
from provenance.catalog.conduct import Disposition, Measure, Restriction

BEIJING: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""All of China keeps one clock, without summer time since 1991."""
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wait that an event starts: monetisation is closed from the day of the event to `last_day`, both included."""

    id: str
    since: date
    last_day: date
    cites: tuple[str, ...]

    @property
    def opens(self) -> date:
        """Return the first day after the wait."""
        return self.last_day + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Mute:
    """A mute: when it begins, as an aware time, and how long it lasts."""

    start: datetime
    days: int = 0
    months: int = 0

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError("a mute begins at a time with an offset")
        if min(self.days, self.months) < 0 or self.days + self.months == 0:
            raise ValueError("a mute lasts some days or months")

    def end(self, times: int = 1) -> datetime:
        """Return the moment at which `times` its length has passed, in Beijing.

        The months of the whole are counted from the start at once, so that a short month does not shorten the rest.
        """
        start = self.start.astimezone(BEIJING)
        day = months_after(start.date(), self.months * times) + timedelta(days=self.days * times)
        return datetime.combine(day, start.timetz())


@dataclass(frozen=True, slots=True)
class Suspension:
    """How long monetisation is suspended beside a mute: from `start` to a moment the platform sets within these two."""

    start: datetime
    shortest: datetime
    longest: datetime
    cites: tuple[str, ...]


def day_in_beijing(moment: datetime) -> date:
    """Return the date that a moment falls on in China.

    Raises:
        ValueError: the time has no offset, so that it is no moment.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without an offset is on no certain day")
    return moment.astimezone(BEIJING).date()


def months_after(day: date, months: int) -> date:
    """Return the last day of a period of calendar months after `day`: the same number, or the month's last day."""
    index = day.year * _MONTHS + day.month - 1 + months
    year, month = index // _MONTHS, index % _MONTHS + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def monetisation_waits(
    catalog: Catalog, *, on: date, violations: Iterable[date] = (), owner_changes: Iterable[date] = ()
) -> tuple[Waiting, ...]:
    """Return the waits of SM2023-08 that a day lies in, the one that ends last first; empty: none of them bars it.

    需3个月内无违规记录; 账号主体变更的,自变更之日起3个月内,网站平台应当暂停或不得赋予其营利权限.

    Args:
        catalog: The rule edition.
        on: The day of the application, in Beijing.
        violations: The days of the account's recorded violations; later ones than `on` do not count.
        owner_changes: The days on which the account's owner changed.
    """
    events = {"clean-record": violations, "owner-change": owner_changes}
    found = []
    for wait in catalog.conduct.wait:
        past = [day for day in events[wait.id] if day <= on]
        if past and (cites := _in_force(catalog, wait.cites, on)):
            found.append(Waiting(wait.id, max(past), months_after(max(past), wait.months), cites))
    return tuple(sorted((each for each in found if on <= each.last_day), key=lambda each: each.last_day, reverse=True))


def monetisation_opens(
    catalog: Catalog, *, on: date, violations: Iterable[date] = (), owner_changes: Iterable[date] = ()
) -> date:
    """Return the first day, from `on`, that no wait of SM2023-08 bars; see `monetisation_waits`."""
    waits = monetisation_waits(catalog, on=on, violations=violations, owner_changes=owner_changes)
    return max((each.opens for each in waits), default=on)


def suspension_beside(catalog: Catalog, mute: Mute) -> Suspension | None:
    """Return how long monetisation is suspended beside a mute (SM2023-09), or `None` before that was in force.

    采取禁言措施的,应当同步暂停其营利权限,时长为禁言期限的2至3倍.
    """
    factors = catalog.conduct.mute
    start = mute.start.astimezone(BEIJING)
    cites = _in_force(catalog, factors.cites, start.date())
    return Suspension(start, mute.end(factors.shortest), mute.end(factors.longest), cites) if cites else None


def while_muted(catalog: Catalog, on: date) -> tuple[Restriction, ...]:
    """Return what holds while an account is muted (SM2023-09, SM2023-10)."""
    return tuple(each for each in catalog.conduct.while_muted if _in_force(catalog, each.cites, on))


def dispositions(catalog: Catalog, on: date) -> tuple[tuple[Disposition, tuple[Measure, ...]], ...]:
    """Return what SM2023-12 demands against which conduct, each with its measures in the provision's order."""
    measures = {each.id: each for each in catalog.conduct.measure}
    return tuple(
        (each, tuple(measures[name] for name in each.measures))
        for each in catalog.conduct.disposition
        if _in_force(catalog, each.cites, on)
    )


def _in_force(catalog: Catalog, cites: Iterable[str], on: date) -> tuple[str, ...]:
    periods = ((each, catalog.provisions[each].in_force) for each in cites)
    return tuple(each for each, period in periods if period is not None and period.covers(on))
