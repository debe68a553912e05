"""Where notices go: stacked from the top left of the picture as it is displayed, and turned into stored pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from provenance.model.notice import Box, Notice
from provenance.notices.faces import Face, face_for
from provenance.notices.refusal import check_picture_size, does_not_fit
from provenance.notices.safe_area import GRID, Area, free_part, margins, to_grid
from provenance.notices.typeset import sized_by_ink

# The style `labels/notices/plate.toml`; a test holds both equal.
SMALLEST_SIDE: Final = 320
DRAWN_HEIGHT: Final = 0.0575  # of ink, by the short side; GB 45438-2025 5.2 e asks for 5 %
_GAP: Final = 0.012

Rectangle = tuple[int, int, int, int]


class Placed(Notice):
    """A notice that a font given by the caller is needed for: it takes the font along to where it is drawn."""

    font: Annotated[Path, Field(exclude=True)]


def layout(
    texts: Sequence[tuple[str, str]],
    width: int,
    height: int,
    taken: Sequence[Box] = (),
    *,
    area: Area | None = None,
    font: Path | None = None,
) -> tuple[Notice, ...]:
    """Place notices, given as (kind, text), in a displayed picture of `width` × `height` pixels.

    They stand at the top left, one below the other, clear of the boxes in `taken`; the boxes include the plate. In a
    picture as tall as a telephone's screen they begin where players' controls end. A stack that is too high for what
    controls leave free goes on below it (`safe_area.outside` says which do), and begins above it only where the picture
    would end before the stack does.

    Args:
        texts: What the notices say, in their order.
        width: Of the picture as displayed, in pixels.
        height: The same.
        taken: Where other notices stand already.
        area: What controls cover of a tall picture; by default what they cover on any platform.
        font: Draws the texts that the shipped font cannot draw.

    Raises:
        GlyphMissing: no font at hand has every character of a text.
        MediaTooLarge: the picture has more than 200 megapixels.
        NoticeDoesNotFit: the short side is under 320 pixels, or the stack leaves the picture.
    """
    check_picture_size(width, height)
    if min(width, height) < SMALLEST_SIDE:
        raise does_not_fit("notice-picture-too-small", width=width, height=height, limit=SMALLEST_SIDE)
    faces = [face_for(text, font) for _, text in texts]
    for part in (free_part(width, height, area), margins(width, height)):
        boxes = _stack(texts, faces, part, (width, height), taken)
        if len(boxes) == len(texts):
            return tuple(map(_notice, texts, boxes, faces, [font] * len(texts)))
    raise does_not_fit("notice-stack-too-high", text=texts[len(boxes)][1], width=width, height=height)


def _stack(
    texts: Sequence[tuple[str, str]],
    faces: Sequence[Face],
    part: Box,
    size: tuple[int, int],
    taken: Sequence[Box],
) -> list[Box]:
    """Return the boxes of notices in a part of the picture, up to the first that leaves the picture."""
    side = min(size)
    gap = to_grid(_GAP * side)
    boxes: list[Box] = []
    for (_, text), face in zip(texts, faces, strict=True):
        box_width, box_height = plate_size(text, side, part.width, face)
        y = _free_from(part.y, (part.x, box_width, box_height), gap, [*taken, *boxes])
        if y + box_height > size[1]:
            break
        boxes.append(Box(x=part.x, y=y, width=box_width, height=box_height))
    return boxes


def _notice(text: tuple[str, str], box: Box, face: Face, font: Path | None) -> Notice:
    if font is None or face.path != font:
        return Notice(kind=text[0], text=text[1], box=box)
    return Placed(kind=text[0], text=text[1], box=box, font=font)


def ink_target(side: int) -> int:
    """Return the ink height, in pixels, asked for in a picture whose short side is `side` pixels."""
    return round(DRAWN_HEIGHT * side)


def plate_size(text: str, side: int, room: int, face: Face | None = None) -> tuple[int, int]:
    """Return the plate's width and height in pixels; a text of several lines takes all of `room`."""
    setting = sized_by_ink(text, ink_target(side), room, face)
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


def _up_to_grid(length: float) -> int:
    return math.ceil(length / GRID) * GRID
