"""The chunk structure of a PNG file: where each chunk lies, and what its header says (W3C PNG, 3rd ed., 5 and 11.2.1).

Nothing is decoded, and never more than a block of the file is in memory.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia
from provenance.formats.base import BLOCK, check_carrier_size, check_picture_size

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, INDEXED, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS: Final = {GRAY: 1, RGB: 3, INDEXED: 1, GRAY_ALPHA: 2, RGBA: 4}

_DEPTHS: Final = {GRAY: {1, 2, 4, 8, 16}, RGB: {8, 16}, INDEXED: {1, 2, 4, 8}, GRAY_ALPHA: {8, 16}, RGBA: {8, 16}}
_IHDR: Final = struct.Struct(">IIBBBBB")
_LARGEST: Final = (1 << 31) - 1  # of a chunk and of a side (5.3)
_PICTURE: Final = frozenset({b"IDAT", b"fdAT"})
_HEAD_SIZE: Final = 8  # length and kind
_CRC_SIZE: Final = 4

HEADER_END: Final = len(SIGNATURE) + _HEAD_SIZE + _IHDR.size + _CRC_SIZE
"""Offset of the first byte after IHDR."""


class Chunk(NamedTuple):
    """One chunk: its kind, the offset of its length field, and how many bytes it holds."""

    kind: bytes
    start: int
    length: int

    @property
    def data(self) -> int:
        """Offset of what it holds."""
        return self.start + _HEAD_SIZE

    @property
    def end(self) -> int:
        """Offset of the first byte after its CRC."""
        return self.data + self.length + _CRC_SIZE


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of IHDR that can differ; sizes in pixels, `depth` in bits of a sample."""

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
        return pack(b"IHDR", _IHDR.pack(self.width, self.height, self.depth, self.colour, 0, 0, self.interlaced))


def chunks(file: BinaryIO, *, whole: bool = True) -> Iterator[Chunk]:
    """Yield every chunk up to IEND, its CRC checked; without `whole`, not those of picture data.

    Raises:
        MalformedMedia: ``png-truncated``, ``png-crc``, or ``png-damaged`` for any other defect.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise MalformedMedia("png-damaged", offset=0)
    chunk = Chunk(b"", 0, 0)
    start = len(SIGNATURE)
    while chunk.kind != b"IEND":
        chunk = _chunk_at(file, start, size)
        if whole or chunk.kind not in _PICTURE:
            _check_crc(file, chunk)
        yield chunk
        start = chunk.end


def content(file: BinaryIO, chunk: Chunk) -> bytes:
    """Return what a chunk holds.

    Raises:
        MediaTooLarge: It holds more than any metadata may.
        OSError: Reading failed.
    """
    check_carrier_size(chunk.length, chunk.start)
    file.seek(chunk.data)
    return file.read(chunk.length)


def header(file: BinaryIO, chunk: Chunk) -> Header:
    """Return what IHDR, the first chunk, says.

    Raises:
        MalformedMedia: ``png-damaged``: a field has a value that PNG does not define.
        MediaTooLarge: The picture has too many pixels.
        OSError: Reading failed.
    """
    data = content(file, chunk)
    if len(data) != _IHDR.size:
        raise MalformedMedia("png-damaged", offset=chunk.start)
    width, height, depth, colour, compression, filtering, interlace = _IHDR.unpack(data)
    sound = 0 < width <= _LARGEST and 0 < height <= _LARGEST and depth in _DEPTHS.get(colour, ())
    if not sound or compression or filtering or interlace > 1:
        raise MalformedMedia("png-damaged", offset=chunk.start)
    check_picture_size(width, height)
    return Header(width, height, depth, colour, bool(interlace))


def pack(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with its length and CRC."""
    crc = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def _chunk_at(file: BinaryIO, start: int, size: int) -> Chunk:
    head = _head_at(file, start)
    if len(head) < _HEAD_SIZE:
        raise MalformedMedia("png-truncated", offset=start)
    length, kind = struct.unpack(">I4s", head)
    if length > _LARGEST or not kind.isalpha() or (kind == b"IHDR") != (start == len(SIGNATURE)):
        raise MalformedMedia("png-damaged", offset=start)
    chunk = Chunk(kind, start, length)
    if chunk.end > size:
        raise MalformedMedia("png-truncated", offset=start)
    return chunk


def _head_at(file: BinaryIO, start: int) -> bytes:
    if isinstance(file, io.BufferedReader) and hasattr(os, "pread"):
        # A buffered read of eight bytes fetches a thousand times as many, for each of hundreds of chunks.
        head = os.pread(file.fileno(), _HEAD_SIZE, start)
        file.seek(start + len(head))
        return head
    file.seek(start)
    return file.read(_HEAD_SIZE)


def _check_crc(file: BinaryIO, chunk: Chunk) -> None:
    crc = zlib.crc32(chunk.kind)
    left = chunk.length
    while left:
        block = file.read(min(BLOCK, left))
        if not block:
            raise MalformedMedia("png-truncated", offset=chunk.start)
        crc = zlib.crc32(block, crc)
        left -= len(block)
    if file.read(_CRC_SIZE) != crc.to_bytes(_CRC_SIZE, "big"):
        raise MalformedMedia("png-crc", offset=chunk.start, chunk=chunk.kind.decode("ascii"))
