"""What a notice must do to stand in every frame of an animation, whatever its format.

Frames of GIF, APNG and animated WebP paint a part of the canvas each, and may clear it afterwards. A plate that hides
what is below it needs painting only where a frame paints over it, so most frames stay as they are. Where frames leave
the plate's place bare, that does not do: then every frame is written as players compose it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from provenance.notices.overlay import Patch
from provenance.notices.place import Rectangle

Leaves = Literal["all", "nothing", "before"]


class Step(NamedTuple):
    """One frame: the rectangle that it paints, and what it leaves of that: all, nothing, or what was there before."""

    area: Rectangle
    leaves: Leaves


def solid(painted: Iterable[Patch]) -> list[Patch]:
    """Return patches that let nothing shine through: a frame behind the plate then changes nothing in front of it."""
    return [replace(patch, keep=np.zeros_like(patch.keep)) for patch in painted]


def within(patch: Patch, area: Rectangle) -> Patch | None:
    """Return the part of a patch that lies in `area`, counted from its top left; None if none does."""
    x, y, width, height = area
    rows, columns = patch.keep.shape
    left, top = max(patch.x, x), max(patch.y, y)
    right, bottom = min(patch.x + columns, x + width), min(patch.y + rows, y + height)
    if right <= left or bottom <= top:
        return None
    part = np.s_[top - patch.y : bottom - patch.y, left - patch.x : right - patch.x]
    return Patch(left - x, top - y, patch.keep[part], patch.ink[part])


def all_within(painted: Iterable[Patch], area: Rectangle) -> list[Patch]:
    """Return the parts of patches that lie in `area`."""
    return [part for part in (within(patch, area) for patch in painted) if part]


def standing(painted: Sequence[Patch], steps: Sequence[Step]) -> list[bool] | None:
    """Return of each frame whether all patches stand whole before it, if they are painted where frames paint.

    None if that leaves a part of one bare in some frame.
    """
    each = [_standing(patch, steps) for patch in painted]
    whole = [found for found in each if found is not None]
    if len(whole) < len(each):
        return None
    return [all(found) for found in zip(*whole, strict=True)]


def _standing(patch: Patch, steps: Sequence[Step]) -> list[bool] | None:
    shown = np.zeros(patch.keep.shape, bool)
    found = []
    for area, leaves in steps:
        found.append(bool(shown.all()))
        part = within(patch, area)
        place = _place(part, area, patch) if part else np.s_[:0, :0]
        before = shown[place].copy()
        shown[place] = True
        if not shown.all():
            return None
        if leaves != "all":
            shown[place] = before if leaves == "before" else False
    return found


def _place(part: Patch, area: Rectangle, patch: Patch) -> tuple[slice, slice]:
    """Return where a part that lies in `area` lies in its patch."""
    top, left = part.y + area[1] - patch.y, part.x + area[0] - patch.x
    rows, columns = part.keep.shape
    return slice(top, top + rows), slice(left, left + columns)


def difference(before: np.ndarray, after: np.ndarray) -> Rectangle:
    """Return the smallest rectangle that holds every pixel in which two canvases differ; at least one pixel."""
    other = before != after
    if other.ndim > 2:  # noqa: PLR2004 - rows, columns, channels
        other = other.any(axis=-1)
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    if not rows.size:
        return 0, 0, 1, 1
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1
