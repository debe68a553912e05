"""The box structure of ISO base media files: MP4, HEIF and what borrows it (ISO/IEC 14496-12, 4.2 and 8.7.5).

Nothing is decoded. Boxes are passed over by their sizes; only those that are asked for are read.
"""

from __future__ import annotations

import io
import os
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats.base import check_carrier_size
from provenance.formats.splice import Edit

_HEAD: Final = struct.Struct(">I4s")
_LARGE: Final = struct.Struct(">Q")
_BOX_LIMIT: Final = 100_000  # in one box; a long fragmented video has tens of thousands
_FOUR_BYTES: Final = (1 << 32) - 1
_PATH_TO_SAMPLES: Final = frozenset({b"trak", b"mdia", b"minf", b"stbl"})
_OFFSET_SIZES: Final = {b"stco": 4, b"co64": 8}

Move = Callable[[int], int]
"""Takes the offset of a byte in the source to its offset in the target."""


class Box(NamedTuple):
    """One box: offset of its size field, of what it holds, and of the first byte after it.

    The size of one that is `open` says only: to the end of the file.
    """

    kind: bytes
    start: int
    payload: int
    end: int
    open: bool = False


class Fields:
    """The fields of a box, read one after another; each is checked to lie within it."""

    def __init__(self, data: bytes, offset: int) -> None:
        """Take what a box holds, and where in the file that starts: errors name it."""
        self.data = data
        self.offset = offset
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self.data) - self.at

    def raw(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises:
            MalformedMedia: ``bmff-damaged``: there are fewer.
        """
        if size > self.left:
            raise damaged(self.offset + self.at)
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """Return the next unsigned number of `size` bytes; 0 where it takes no space."""
        return int.from_bytes(self.raw(size), "big")

    def text(self) -> bytes:
        """Return the bytes up to the next zero or, as some writers leave it out, the end."""
        text = self.data[self.at :].partition(b"\0")[0]
        self.at = min(len(self.data), self.at + len(text) + 1)
        return text

    def version(self) -> tuple[int, int]:
        """Return version and flags of a full box, its first four bytes."""
        return self.number(1), self.number(3)


def boxes(file: BinaryIO, within: Box | None = None, *, skip: int = 0) -> Iterator[Box]:
    """Yield the boxes of a file, or those within a box behind its first `skip` bytes.

    Raises:
        MalformedMedia: ``bmff-truncated``: the file ends inside a box; ``bmff-damaged``: a size breaks its form.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    start, end = (within.payload + skip, within.end) if within else (0, size)
    for _ in range(_BOX_LIMIT):
        if start == end:
            return
        box = _box_at(file, start, end if within else None, size)
        yield box
        start = box.end
    raise damaged(start)


def _box_at(file: BinaryIO, start: int, limit: int | None, size: int) -> Box:
    file.seek(start)
    head = file.read(_HEAD.size + _LARGE.size)
    if len(head) < _HEAD.size:
        raise MalformedMedia("bmff-truncated", offset=start)
    length, kind = _HEAD.unpack_from(head)
    payload = start + _HEAD.size
    if length == 1:
        if len(head) < _HEAD.size + _LARGE.size:
            raise MalformedMedia("bmff-truncated", offset=start)
        (length,) = _LARGE.unpack_from(head, _HEAD.size)
        payload += _LARGE.size
    is_open = length == 0 and limit is None
    end = size if is_open else start + length
    if end < payload or (limit is not None and end > limit):
        raise damaged(start)
    if end > size:
        raise MalformedMedia("bmff-truncated", offset=start)
    return Box(kind, start, payload, end, is_open)


def content(file: BinaryIO, box: Box, *, limit: int | None = None) -> bytes:
    """Return what a box holds, or its first `limit` bytes.

    Raises:
        MalformedMedia: ``bmff-truncated``: the file has become shorter.
        MediaTooLarge: It holds more than any metadata may.
        OSError: Reading failed.
    """
    length = box.end - box.payload
    if limit is not None:
        length = min(limit, length)
    return span(file, box.payload, length)


def span(file: BinaryIO, start: int, length: int) -> bytes:
    """Return `length` bytes from offset `start`; see `content` for the errors."""
    check_carrier_size(length, start)
    file.seek(start)
    data = file.read(length)
    if len(data) < length:
        raise MalformedMedia("bmff-truncated", offset=start)
    return data


def fields(file: BinaryIO, box: Box) -> Fields:
    """Return the fields of a box; see `content` for the errors."""
    return Fields(content(file, box), box.payload)


def pack(kind: bytes, payload: bytes) -> bytes:
    """Return a box with its size."""
    return _HEAD.pack(_HEAD.size + len(payload), kind) + payload


def resized(box: Box, growth: int) -> list[Edit]:
    """Return the edit of a box's size field once it holds `growth` more bytes.

    Raises:
        MetadataNotWritten: ``bmff-size-full``: the field has no room for it.
    """
    length = box.end - box.start + growth
    if box.open or not growth:
        return []
    if box.payload - box.start > _HEAD.size:
        return [Edit(box.start + _HEAD.size, box.payload, _LARGE.pack(length))]
    if length > _FOUR_BYTES:
        raise MetadataNotWritten("bmff-size-full", offset=box.start)
    return [Edit(box.start, box.start + 4, length.to_bytes(4, "big"))]


def move_by(edits: Sequence[Edit]) -> Move:
    """Return where each byte of the source comes to lie once `edits`, which do not overlap, are applied."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    ends = [edit.end for edit in ordered]
    grown = [0, *accumulate(edit.growth for edit in ordered)]
    return lambda offset: offset + grown[bisect_right(ends, offset)]


def moved_chunks(file: BinaryIO, moov: Box, move: Move) -> list[Edit]:
    """Return edits of the same size that make the chunk offsets of every track follow their data (8.7.5).

    Raises:
        MalformedMedia: ``bmff-damaged``: the tables break their form.
        MetadataNotWritten: ``bmff-offset-full``: an offset has become too large for its field;
            ``bmff-offsets-unknown``: there are offsets that this does not know how to move.
        MediaTooLarge: The box is larger than any metadata may be.
        OSError: Reading failed.
    """
    data = content(file, moov)
    table = io.BytesIO(data)
    edits = []
    waiting = [Box(b"moov", 0, 0, len(data))]
    while waiting:
        for box in boxes(table, waiting.pop()):
            if box.kind in _PATH_TO_SAMPLES:
                waiting.append(box)
            elif box.kind in _OFFSET_SIZES:
                edits += _moved_table(data, box, moov.payload, move)
            elif box.kind == b"saio" or (box.kind == b"meta" and b"iloc" in data[box.payload : box.end]):
                raise MetadataNotWritten("bmff-offsets-unknown", offset=moov.payload + box.start)
    return edits


def _moved_table(data: bytes, box: Box, base: int, move: Move) -> list[Edit]:
    size = _OFFSET_SIZES[box.kind]
    table = Fields(data[box.payload : box.end], base + box.payload)
    table.version()
    count = table.number(4)
    if count * size > table.left:
        raise damaged(base + box.start)
    kind = ">%d" + ("I" if size == 4 else "Q")  # noqa: PLR2004 -- the two sizes of the table above
    old = struct.unpack_from(kind % count, table.data, table.at)
    new = [move(offset) for offset in old]
    if max(new, default=0) >= 1 << (8 * size):
        raise MetadataNotWritten("bmff-offset-full", offset=base + box.start)
    start = base + box.payload + table.at
    return [Edit(start, start + count * size, struct.pack(kind % count, *new))] if count else []


def damaged(offset: int) -> MalformedMedia:
    """Return the error for a structure that breaks its form at `offset`."""
    return MalformedMedia("bmff-damaged", offset=offset)
