"""Which part of a displayed picture the controls of players leave free, and what notices leave it.

Controls lie over pictures that fill the screen of a telephone. There is advice of platforms on where they lie and a
duty to stand at an edge or in a corner (GB 45438-2025, 5.2 c and 5.4 d); where both cannot be had, the duty wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from provenance.catalog.data import SafeArea
from provenance.model.notice import Box, Notice

# The largest MCU of a common JPEG: an aligned plate leaves no half-covered block.
GRID: Final = 16


class Area(NamedTuple):
    """What controls may cover at each side, in shares of the picture's height (`top`, `bottom`) or width."""

    top: float
    right: float
    bottom: float
    left: float


# The style `labels/notices/plate.toml`; a test holds both equal.
COMMON: Final = Area(top=288 / 1920, right=192 / 1080, bottom=672 / 1920, left=120 / 1080)
LEAST_RATIO: Final = 1.6
MOST_RATIO: Final = 2.4
MARGIN: Final = 0.03
EDGE: Final = 0.10
_RIM: Final = 0.023  # of plate before the ink, by the short side: 0.4 of the ink's height


def area_of(known: SafeArea | None) -> Area:
    """Return what a platform's controls cover; without numbers of its own, what those of any platform do."""
    if known is None:
        return COMMON
    top, bottom = known.top / known.height, known.bottom / known.height
    return Area(top=top, right=known.right / known.width, bottom=bottom, left=known.left / known.width)


def fills_screen(width: int, height: int) -> bool:
    """Say whether a picture is as tall as telephones' screens, so that controls lie over it."""
    return LEAST_RATIO * width <= height <= MOST_RATIO * width


def margins(width: int, height: int) -> Box:
    """Return where notices stand in a picture that no controls lie over: its whole height below the margin."""
    margin = to_grid(MARGIN * min(width, height))
    room = (width - 2 * margin) // GRID * GRID
    return Box(x=margin, y=margin, width=max(GRID, room), height=max(1, height - margin))


def free_part(width: int, height: int, area: Area | None = None) -> Box:
    """Return where notices are to stand: what `area` leaves free of a tall picture, all but the margin of others.

    The left side is no farther from the picture's edge than a plate that counts as standing at it. What the area
    leaves free may begin a little to the right of that: the ink, which has the plate's rim before it, begins there.

    Args:
        width: Of the picture as displayed, in pixels.
        height: The same.
        area: A platform's own; by default what is free with all of them.
    """
    if not fills_screen(width, height):
        return margins(width, height)
    area = area or COMMON
    left = int(min(area.left * width, EDGE * min(width, height))) // GRID * GRID
    top = -(-int(area.top * height) // GRID) * GRID
    right, bottom = int(width - area.right * width), int(height - area.bottom * height)
    return Box(x=left, y=top, width=max(GRID, (right - left) // GRID * GRID), height=max(1, bottom - top))


def outside(notices: Iterable[Notice], width: int, height: int, area: Area | None = None) -> tuple[Notice, ...]:
    """Return the notices whose text is not wholly in the part that is left free: controls may cover some of it."""
    free = free_part(width, height, area)
    farthest = 0.0
    if fills_screen(width, height):
        farthest = (area or COMMON).left * width - _RIM * min(width, height) - GRID
    return tuple(each for each in notices if each.box and not (each.box.x >= farthest and _holds(free, each.box)))


def to_grid(length: float) -> int:
    """Return the multiple of the grid nearest to `length`, at least one."""
    return max(GRID, round(length / GRID) * GRID)


def _holds(outer: Box, inner: Box) -> bool:
    across = outer.x <= inner.x and inner.x + inner.width <= outer.x + outer.width
    return across and outer.y <= inner.y and inner.y + inner.height <= outer.y + outer.height
