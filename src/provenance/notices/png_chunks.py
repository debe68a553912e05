"""A PNG file as its chunks, and its scanlines with the filters taken off (PNG third edition, sections 5, 7 and 9)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.notices.refusal import WAY_ON

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, INDEXED, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS: Final = {GRAY: 1, RGB: 3, INDEXED: 1, GRAY_ALPHA: 2, RGBA: 4}
_DEPTHS: Final = {GRAY: {1, 2, 4, 8, 16}, RGB: {8, 16}, INDEXED: {1, 2, 4, 8}, GRAY_ALPHA: {8, 16}, RGBA: {8, 16}}
_IHDR: Final = ">IIBBBBB"
_AVERAGE, _PAETH = 3, 4  # filter types
# A byte-for-byte twin of each pixel size: (bit depth, colour type), for a library that only has to undo the filters.
_TWIN: Final = {1: (8, GRAY), 2: (16, GRAY), 3: (8, RGB), 4: (8, RGBA), 6: (16, RGB), 8: (16, RGBA)}
BYTE: Final = 8  # bits
_SWAPPED: Final = {3: (2, 1, 0), 4: (2, 1, 0, 3)}

Lines = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: its four-letter type, and where it and its data lie in the file."""

    kind: bytes
    start: int
    end: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of IHDR that can differ."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def pixel_bytes(self) -> int:
        """Bytes from a sample to the one beside it: what filters count in."""
        return max(1, CHANNELS[self.colour] * self.depth // 8)

    @property
    def line_bytes(self) -> int:
        """Bytes of one scanline, filter type not included."""
        return (self.width * CHANNELS[self.colour] * self.depth + 7) // 8

    def chunk(self) -> bytes:
        """Return the IHDR chunk."""
        fields = (self.width, self.height, self.depth, self.colour, 0, 0, int(self.interlaced))
        return pack(b"IHDR", struct.pack(_IHDR, *fields))


def chunks(data: bytes) -> list[Chunk]:
    """Return every chunk up to and with IEND; what follows it in the file is not a chunk.

    Raises:
        MalformedMedia: no PNG file, a chunk that leaves the file, or a bad CRC.
    """
    if not data.startswith(SIGNATURE):
        raise MalformedMedia("notice-png-broken", offset=0)
    view = memoryview(data)
    found: list[Chunk] = []
    at = len(SIGNATURE)
    while not found or found[-1].kind != b"IEND":
        if at + 12 > len(data):
            raise MalformedMedia("notice-png-broken", offset=at)
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 12 + length
        if end > len(data) or zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise MalformedMedia("notice-png-crc", offset=at)
        found.append(Chunk(data[at + 4 : at + 8], at, end, view[at + 8 : end - 4]))
        at = end
    return found


def pack(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with its length and CRC."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read_header(parts: Sequence[Chunk]) -> Header:
    """Read IHDR.

    Raises:
        MalformedMedia: a field has a value that PNG does not define.
    """
    first = parts[0]
    if first.kind != b"IHDR" or len(first.data) != struct.calcsize(_IHDR):
        raise MalformedMedia("notice-png-broken", offset=first.start)
    width, height, depth, colour, compression, filters, interlace = struct.unpack(_IHDR, first.data)
    sized = 0 < width < 1 << 31 and 0 < height < 1 << 31
    if not sized or depth not in _DEPTHS.get(colour, ()) or compression or filters or interlace > 1:
        raise MalformedMedia("notice-png-broken", offset=first.start)
    return Header(width, height, depth, colour, bool(interlace))


def inflate(parts: Sequence[Chunk], size: int) -> Lines:
    """Return the `size` bytes that the IDAT chunks hold.

    Raises:
        MalformedMedia: they hold fewer, or are no zlib stream.
    """
    engine = zlib.decompressobj()
    lines = np.empty(size, np.uint8)
    at = 0
    images = [part for part in parts if part.kind == b"IDAT"]
    try:
        for part in images:
            piece = engine.decompress(part.data, size - at) if at < size else b""
            lines[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
            while engine.unconsumed_tail and at < size:
                piece = engine.decompress(engine.unconsumed_tail, size - at)
                lines[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
                at += len(piece)
    except zlib.error as error:
        raise MalformedMedia("notice-png-broken", offset=images[0].start) from error
    if at < size:
        raise MalformedMedia("notice-png-broken", offset=images[-1].end if images else parts[-1].start)
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
        raise MalformedMedia("notice-png-broken", offset=0)
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
        raise MalformedMedia("notice-png-broken", offset=0)
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
