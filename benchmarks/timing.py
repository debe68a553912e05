"""Time two ways of doing one thing in turns, so that whatever else the machine does falls on both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line of the table: milliseconds, one of ours and one of the baseline a round; `bar` is the largest ratio."""

    what: str
    against: str
    ours: Sequence[float] = ()
    baseline: Sequence[float] = ()
    bar: float | None = None
    not_run: str = ""

    @property
    def of_bests(self) -> float:
        """Return the ratio of the shortest times, which others disturb least."""
        return min(self.ours) / min(self.baseline)

    @property
    def ratio(self) -> float:
        """Return the median of the rounds' ratios, which the bar judges."""
        return median(ours / baseline for ours, baseline in zip(self.ours, self.baseline, strict=True))

    @property
    def holds(self) -> bool:
        return self.bar is None or self.ratio <= self.bar


def milliseconds(call: Callable[[], object], times: int = 1) -> float:
    """Return how long one of `times` calls takes."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) * 1000 / times


def in_turns(rounds: int, *calls: Callable[[], float]) -> list[list[float]]:
    """Return for each call, which times itself, its value in every round; a first round only warms up."""
    found = [[call() for call in calls] for _ in range(rounds + 1)]
    return [list(times) for times in zip(*found[1:], strict=True)]
