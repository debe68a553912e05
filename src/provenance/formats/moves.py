"""Where what lies in a file lies once edits have moved it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from provenance.formats.splice import Edit


class Moves(NamedTuple):
    """Ends and starts of the edits that change a size, in their order, and the sums of what they add."""

    places: tuple[tuple[int, int], ...]
    shifts: tuple[int, ...]

    def of(self, offset: int) -> int:
        """Return the new offset of what starts at `offset`."""
        return offset + self.shifts[bisect_left(self.places, (offset + 1, 0))]

    def of_edit(self, edit: Edit) -> int:
        """Return the offset that an edit gives to what it puts in."""
        return edit.start + self.shifts[bisect_left(self.places, (edit.start, edit.start))]


def moves(edits: Iterable[Edit]) -> Moves:
    """Return where `edits` move what follows each of them."""
    steps = sorted((edit.end, edit.start, edit.growth) for edit in edits if edit.growth)
    shifts = accumulate((growth for *_, growth in steps), initial=0)
    return Moves(tuple((end, start) for end, start, _ in steps), tuple(shifts))
