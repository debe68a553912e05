"""The scanlines of a PNG picture: out of its zlib stream, the filters taken off (PNG third edition, 7 and 9)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.formats.png_chunks import CHANNELS, GRAY, RGB, RGBA, SIGNATURE, Header, pack
from provenance.notices.refusal import WAY_ON

BYTE: Final = 8  # bits
_AVERAGE, _PAETH = 3, 4  # filter types
# A byte-for-byte twin of each pixel size: (bit depth, colour type), for a library that only has to undo the filters.
_TWIN: Final = {1: (8, GRAY), 2: (16, GRAY), 3: (8, RGB), 4: (8, RGBA), 6: (16, RGB), 8: (16, RGBA)}
_SWAPPED: Final = {3: (2, 1, 0), 4: (2, 1, 0, 3)}

Lines = NDArray[np.uint8]


def inflate(data: bytes, places: Sequence[tuple[int, int]], size: int) -> Lines:
    """Return the `size` bytes that a zlib stream holds, which lies in `data` at `places`, each from start to end.

    Raises:
        MalformedMedia: it holds fewer, or is no zlib stream.
    """
    engine = zlib.decompressobj()
    view = memoryview(data)
    lines = np.empty(size, np.uint8)
    at = 0
    try:
        for start, end in places:
            piece = engine.decompress(view[start:end], size - at) if at < size else b""
            lines[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
            while engine.unconsumed_tail and at < size:
                piece = engine.decompress(engine.unconsumed_tail, size - at)
                lines[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
                at += len(piece)
    except zlib.error as error:
        raise MalformedMedia("png-damaged", offset=places[0][0]) from error
    if at < size:
        raise MalformedMedia("png-damaged", offset=places[-1][1] if places else 0)
    return lines


def unfiltered(filtered: Lines, header: Header) -> Lines:
    """Return scanlines (rows, bytes) of `filtered` ones, whose first column is the filter type.

    The Paeth filter runs byte after byte, which is slow here: libpng does it, given a file of the same shape.

    Raises:
        MalformedMedia: a filter type that PNG does not define.
    """
    import cv2

    rows = len(filtered)
    if filtered[:, 0].max() > _PAETH:
        raise MalformedMedia("png-damaged")
    depth, colour = _TWIN[header.pixel_bytes]
    twin = Header(header.line_bytes // header.pixel_bytes, rows, depth, colour, interlaced=False)
    file = [SIGNATURE, twin.chunk(), pack(b"IDAT", zlib.compress(filtered.tobytes(), 0)), pack(b"IEND", b"")]
    try:
        pixels = cv2.imdecode(np.frombuffer(b"".join(file), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise MediaTooLarge(
            "notice-picture-too-large", way_on=WAY_ON, width=header.width, height=rows, limit=1 << 30
        ) from error
    if pixels is None:
        raise MalformedMedia("png-damaged")
    channels = CHANNELS[colour]
    if channels in _SWAPPED:
        pixels = pixels[:, :, _SWAPPED[channels]]
    if depth > BYTE:
        pixels = pixels.astype(">u2")
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(rows, -1)


def refiltered(lines: Lines, above: Lines, types: Lines, pixel_bytes: int) -> Lines:
    """Filter scanlines (rows, bytes) again, each with its own type; `above` is the line before the first.

    Returns:
        Lines with the filter type in their first column.
    """
    up = np.vstack((above[np.newaxis], lines[:-1]))
    left, corner = np.zeros_like(lines), np.zeros_like(lines)
    left[:, pixel_bytes:] = lines[:, :-pixel_bytes]
    corner[:, pixel_bytes:] = up[:, :-pixel_bytes]
    filtered = np.empty((lines.shape[0], lines.shape[1] + 1), np.uint8)
    filtered[:, 0] = types
    for kind in np.unique(types):
        chosen = types == kind
        filtered[chosen, 1:] = lines[chosen] - _predicted(int(kind), left[chosen], up[chosen], corner[chosen])
    return filtered


def _predicted(kind: int, left: Lines, up: Lines, corner: Lines) -> Lines:
    if kind == _AVERAGE:
        return ((left.astype(np.uint16) + up) // 2).astype(np.uint8)
    if kind == _PAETH:
        a, b, c = left.astype(np.int16), up.astype(np.int16), corner.astype(np.int16)
        near_a, near_b, near_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
        nearest = np.where((near_a <= near_b) & (near_a <= near_c), left, np.where(near_b <= near_c, up, corner))
        return nearest.astype(np.uint8)
    return {0: np.zeros_like(left), 1: left, 2: up}[kind]
