"""Where notices go: stacked from the top left of the picture as it is displayed, and turned into stored pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.model.notice import Box, Notice
from provenance.notices.refusal import does_not_fit
from provenance.notices.typeset import sized_by_ink

# The style `labels/notices/plate.toml`; a test holds both equal.
SMALLEST_SIDE: Final = 320
DRAWN_HEIGHT: Final = 0.0575  # of ink, by the short side; GB 45438-2025 5.2 e asks for 5 %
_MARGIN: Final = 0.03
_GAP: Final = 0.012
# The largest MCU of a common JPEG: an aligned plate leaves no half-covered block.
_GRID: Final = 16

Rectangle = tuple[int, int, int, int]


def layout(texts: Sequence[tuple[str, str]], width: int, height: int, taken: Sequence[Box] = ()) -> tuple[Notice, ...]:
    """Place notices, given as (kind, text), in a displayed picture of `width` × `height` pixels.

    They stand at the top left, one below the other, clear of the boxes in `taken`; the boxes include the plate.

    Raises:
        GlyphMissing: the shipped font lacks a character.
        NoticeDoesNotFit: the short side is under 320 pixels, or the stack leaves the picture.
    """
    if min(width, height) < SMALLEST_SIDE:
        raise does_not_fit("notice-picture-too-small", width=width, height=height, limit=SMALLEST_SIDE)
    side = min(width, height)
    margin = _to_grid(_MARGIN * side)
    gap = _to_grid(_GAP * side)
    room = (width - 2 * margin) // _GRID * _GRID
    occupied = list(taken)
    placed = []
    for kind, text in texts:
        box_width, box_height = plate_size(text, side, room)
        y = _free_from(margin, (margin, box_width, box_height), gap, occupied)
        if y + box_height > height:
            raise does_not_fit("notice-stack-too-high", text=text, width=width, height=height)
        box = Box(x=margin, y=y, width=box_width, height=box_height)
        occupied.append(box)
        placed.append(Notice(kind=kind, text=text, box=box))
    return tuple(placed)


def ink_target(side: int) -> int:
    """Return the ink height, in pixels, asked for in a picture whose short side is `side` pixels."""
    return round(DRAWN_HEIGHT * side)


def plate_size(text: str, side: int, room: int) -> tuple[int, int]:
    """Return the plate's width and height in pixels; a text of several lines takes all of `room`."""
    setting = sized_by_ink(text, ink_target(side), room)
    width = room if len(setting.lines) > 1 else _up_to_grid(setting.width)
    return width, _up_to_grid(setting.height)


def stored_rectangle(rectangle: Rectangle, width: int, height: int, orientation: int) -> Rectangle:
    """Turn (x, y, width, height) of the displayed picture into stored pixels.

    `width` and `height` are those displayed; `orientation` is EXIF tag 0x0112 (EXIF 3.0, 4.6.5.1.6), 1 to 8.
    """
    x, y, w, h = rectangle
    right, below = width - x - w, height - y - h
    return {
        2: (right, y, w, h),
        3: (right, below, w, h),
        4: (x, below, w, h),
        5: (y, x, h, w),
        6: (y, right, h, w),
        7: (below, right, h, w),
        8: (below, x, h, w),
    }.get(orientation, rectangle)


def to_stored(displayed: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Turn a displayed bitmap into stored orientation; a view, nothing is resampled."""
    turned = {
        2: lambda: displayed[:, ::-1],
        3: lambda: displayed[::-1, ::-1],
        4: lambda: displayed[::-1],
        5: lambda: displayed.T,
        6: lambda: np.rot90(displayed, 1),
        7: lambda: displayed[::-1, ::-1].T,
        8: lambda: np.rot90(displayed, -1),
    }.get(orientation)
    return turned() if turned else displayed


def to_displayed(stored: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn a stored picture (rows, columns, channels) into displayed orientation; a view."""
    turned = {
        2: lambda: stored[:, ::-1],
        3: lambda: stored[::-1, ::-1],
        4: lambda: stored[::-1],
        5: lambda: stored.swapaxes(0, 1),
        6: lambda: np.rot90(stored, -1),
        7: lambda: stored[::-1, ::-1].swapaxes(0, 1),
        8: lambda: np.rot90(stored, 1),
    }.get(orientation)
    return turned() if turned else stored


def displayed_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return width and height as displayed, given those stored."""
    return (height, width) if orientation in {5, 6, 7, 8} else (width, height)


def _free_from(y: int, shape: tuple[int, int, int], gap: int, occupied: Sequence[Box]) -> int:
    x, width, height = shape
    # From top to bottom: each box in the way moves the notice below it, so one pass is enough.
    for box in sorted(occupied, key=lambda other: other.y):
        beside = box.x >= x + width or box.x + box.width <= x
        clear = box.y >= y + height + gap or box.y + box.height + gap <= y
        if not beside and not clear:
            y = _up_to_grid(box.y + box.height + gap)
    return y


def _to_grid(length: float) -> int:
    return max(_GRID, round(length / _GRID) * _GRID)


def _up_to_grid(length: float) -> int:
    return math.ceil(length / _GRID) * _GRID
