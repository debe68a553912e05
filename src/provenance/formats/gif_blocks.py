"""The block structure of a GIF file: where each block lies, and what its header says (GIF89a, sections 15 to 27).

Nothing is decoded; picture data are followed from one length byte to the next, block by block.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia
from provenance.formats.base import BLOCK, check_carrier_size, check_picture_size

EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
COMMENT, APPLICATION = 0xFE, 0xFF
VERSIONS: Final = (b"GIF87a", b"GIF89a")

_SCREEN: Final = struct.Struct("<6sHHBBB")
_DESCRIPTOR: Final = 10  # of an image, its introducer included
_HAS_COLOURS: Final = 0x80
_COLOURS: Final = 0x07
_APPLICATION_SIZE: Final = 11
_FIRST_LOOK: Final = 512  # most extensions are no longer
_BLOCK_LIMIT: Final = 500_000


class Block(NamedTuple):
    """One block: its introducer, the label of an extension, where its sub-blocks start, and the first byte after it."""

    kind: int
    label: int
    start: int
    data: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """The logical screen in pixels; `end` is the first byte after its colours."""

    version: bytes
    width: int
    height: int
    end: int


def header(file: BinaryIO) -> Header:
    """Return what the header and the logical screen descriptor say.

    Raises:
        MalformedMedia: ``gif-truncated`` or ``gif-damaged``.
        MediaTooLarge: The screen has too many pixels.
        OSError: Reading failed.
    """
    file.seek(0)
    data = file.read(_SCREEN.size)
    if len(data) < _SCREEN.size:
        raise MalformedMedia("gif-truncated", offset=len(data))
    version, width, height, flags, _, _ = _SCREEN.unpack(data)
    if version not in VERSIONS or not width or not height:
        raise MalformedMedia("gif-damaged", offset=0)
    check_picture_size(width, height)
    return Header(version, width, height, _SCREEN.size + _colours(flags))


def blocks(file: BinaryIO, start: int) -> Iterator[Block]:
    """Yield every block up to the trailer.

    Raises:
        MalformedMedia: ``gif-truncated``, or ``gif-damaged`` for a byte that begins no block.
        OSError: Reading failed.
    """
    for _ in range(_BLOCK_LIMIT):
        block = _block_at(file, start)
        yield block
        if block.kind == TRAILER:
            return
        start = block.end
    raise MalformedMedia("gif-damaged", offset=start)


def application(file: BinaryIO, block: Block) -> bytes:
    """Return the eleven bytes that identify an application extension; nothing for any other block."""
    if block.kind != EXTENSION or block.label != APPLICATION:
        return b""
    file.seek(block.data)
    found = file.read(1 + _APPLICATION_SIZE)
    return found[1:] if found[:1] == bytes([_APPLICATION_SIZE]) else b""


def application_data(file: BinaryIO, block: Block) -> bytes:
    """Return everything behind the identification, length bytes and terminator included.

    Raises:
        MediaTooLarge: It is larger than any metadata may be.
        OSError: Reading failed.
    """
    start = block.data + 1 + _APPLICATION_SIZE
    check_carrier_size(block.end - start, start)
    file.seek(start)
    return file.read(block.end - start)


def _block_at(file: BinaryIO, start: int) -> Block:
    file.seek(start)
    head = file.read(_DESCRIPTOR)
    kind = head[0] if head else TRAILER
    if kind == TRAILER and head:
        return Block(kind, 0, start, start + 1, start + 1)
    if kind == EXTENSION and len(head) > 1:
        return Block(kind, head[1], start, start + 2, _sub_blocks_end(file, start + 2))
    if kind == IMAGE and len(head) == _DESCRIPTOR:
        # Colours of its own, then the code size of its data.
        data = start + _DESCRIPTOR + _colours(head[-1]) + 1
        return Block(kind, 0, start, data, _sub_blocks_end(file, data))
    if kind in {EXTENSION, IMAGE, TRAILER}:
        raise MalformedMedia("gif-truncated", offset=start)
    raise MalformedMedia("gif-damaged", offset=start)


def _sub_blocks_end(file: BinaryIO, start: int) -> int:
    """Return the first byte after the terminator of the sub-blocks that start there."""
    size = _FIRST_LOOK
    while True:
        file.seek(start)
        block = file.read(size)
        if not block:
            raise MalformedMedia("gif-truncated", offset=start)
        at = 0
        while at < len(block):
            length = block[at]
            at += 1 + length
            if not length:
                return start + at
        start += at
        size = BLOCK


def _colours(flags: int) -> int:
    """Return the size of the colour table that a packed field announces, in bytes."""
    return 3 << (flags & _COLOURS) + 1 if flags & _HAS_COLOURS else 0
