"""Blend notices into the planes of a decoded picture: no conversion to RGB and back, only what is covered changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.notices.overlay import Patch, Weights

# Name without "j" and byte order: how many pixels of luma one of chroma spans, and bits.
_FORMATS: Final = {
    "yuv420p": ((2, 2), 8),
    "yuvj420p": ((2, 2), 8),
    "yuv422p": ((2, 1), 8),
    "yuvj422p": ((2, 1), 8),
    "yuv444p": ((1, 1), 8),
    "yuvj444p": ((1, 1), 8),
    "yuv420p10le": ((2, 2), 10),
    "yuv422p10le": ((2, 1), 10),
    "yuv444p10le": ((1, 1), 10),
}
_FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG
# Reference white on a screen brighter than that (ITU-R BT.2408, table 1), by the transfer that the film states.
_WHITE: Final = {16: 0.58, 18: 0.75}

Plane = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What one notice does to one plane: ``samples * keep + add``, rounded, where its corner is at `x`, `y`."""

    x: int
    y: int
    keep: Weights
    add: Weights


class Look(NamedTuple):
    """How a film stores its pictures: libavutil's name of the layout, and its numbers for range and transfer."""

    layout: str
    range: int
    transfer: int

    @property
    def known(self) -> bool:
        """Whether notices can be drawn on such pictures."""
        return self.layout in _FORMATS

    @property
    def bits(self) -> int:
        """Bits of a sample."""
        return _FORMATS[self.layout][1]


def look_of(frame: Any) -> Look:
    """Return how a picture of libavcodec is stored."""
    full = frame.format.name.startswith("yuvj")
    return Look(frame.format.name, _FULL_RANGE if full else int(frame.color_range), int(frame.color_trc))


def stamps(patches: Sequence[Patch], look: Look) -> tuple[list[Stamp], list[Stamp], list[Stamp]]:
    """Return what to do to each of the three planes."""
    chroma, bits = _FORMATS[look.layout]
    scale = float(1 << bits - 8)
    full = look.range == _FULL_RANGE
    black, white = (0.0, scale * 256 - 1) if full else (16 * scale, 235 * scale)
    white = black + (white - black) * _WHITE.get(look.transfer, 1.0)
    luma = [_stamp(patch, (1, 1), black, white) for patch in patches]
    colour = [_stamp(patch, chroma, 128 * scale, 128 * scale) for patch in patches]
    return luma, colour, colour


def _stamp(patch: Patch, step: tuple[int, int], plate: float, ink: float) -> Stamp:
    across, down = step
    left, top = patch.x % across, patch.y % down
    keep = _averaged(patch.keep, (left, top), step, 1)
    weight = _averaged(patch.ink, (left, top), step, 0)
    add = weight * np.float32(ink) + (1 - keep - weight) * np.float32(plate)
    return Stamp((patch.x - left) // across, (patch.y - top) // down, keep, add + np.float32(0.5))


def _averaged(weights: Weights, offset: tuple[int, int], step: tuple[int, int], outside: float) -> Weights:
    (left, top), (across, down) = offset, step
    height, width = weights.shape
    right, below = -(left + width) % across, -(top + height) % down
    whole = np.pad(weights, ((top, below), (left, right)), constant_values=outside)
    rows, columns = whole.shape
    mean: Weights = whole.reshape(rows // down, down, columns // across, across).mean(axis=(1, 3), dtype=np.float32)
    return mean


def planes(frame: Any) -> list[Plane]:
    """Return the three planes of a picture as arrays over its own memory."""
    bits = _FORMATS[frame.format.name][1]
    kind = np.uint8 if bits == 8 else np.uint16  # noqa: PLR2004 -- bits of a byte
    found = []
    for plane in frame.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height]
        found.append(rows[:, : plane.width * np.dtype(kind).itemsize].view(kind))
    return found


def blend(frame: Any, drawn: tuple[list[Stamp], list[Stamp], list[Stamp]]) -> None:
    """Draw on a picture in place; it must be writable."""
    for plane, of_plane in zip(planes(frame), drawn, strict=True):
        for stamp in of_plane:
            height, width = stamp.keep.shape
            area = plane[stamp.y : stamp.y + height, stamp.x : stamp.x + width]
            rows, columns = area.shape
            area[...] = area * stamp.keep[:rows, :columns] + stamp.add[:rows, :columns]
