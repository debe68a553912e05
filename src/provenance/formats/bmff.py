"""The box structure of ISO base media files: MP4, HEIF and what borrows it (ISO/IEC 14496-12, 4.2 and 8.7.5).

Nothing is decoded. Boxes are passed over by their sizes; only those that are asked for are read.
"""

from __future__ import annotations

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
_MEMORY_LIMIT: Final = 10_000  # in one box that is held in memory; what follows is passed over
PARTS_LIMIT: Final = 1_000
"""Most boxes on one level of an index, a track or a fragment, which are few by nature."""
_FOUR_BYTES: Final = (1 << 32) - 1
_C2PA: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_PURPOSES: Final = (b"manifest\0", b"original\0", b"update\0")

PICTURES: Final = {
    "avif": frozenset({b"avif", b"avis"}),
    "heic": frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}),
    "heif": frozenset({b"mif1", b"mif2", b"msf1"}),
}
"""Brands of files that are pictures, by their format (ISO/IEC 23008-12, 10)."""

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


class Atom(NamedTuple):
    """A box in memory: its kind, its whole bytes, and how many of them its head takes."""

    kind: bytes
    raw: bytes
    head: int = _HEAD.size

    @property
    def payload(self) -> bytes:
        """What it holds."""
        return self.raw[self.head :]


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


def boxes(
    file: BinaryIO, within: Box | None = None, *, skip: int = 0, limit: int = _BOX_LIMIT, padded: bool = False
) -> Iterator[Box]:
    """Yield the boxes of a file, or those within a box behind its first `skip` bytes.

    Args:
        file: The file.
        within: The box around them.
        skip: What stands before them there, in bytes.
        limit: How many there may be.
        padded: Whether a few zeros may stand behind the last one, as QuickTime writes them.

    Raises:
        MalformedMedia: ``bmff-truncated``: the file ends inside a box; ``bmff-damaged``: a size breaks its form.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    start, end = (within.payload + skip, within.end) if within else (0, size)
    for _ in range(limit):
        if start == end or (padded and end - start < _HEAD.size):
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


def find(file: BinaryIO, within: Box, kind: bytes, *path: bytes) -> Iterator[Box]:
    """Yield the boxes of a kind in a box, or those at a whole path of kinds below it; see `boxes` for the errors."""
    for box in boxes(file, within, limit=PARTS_LIMIT, padded=True):
        if box.kind == kind:
            yield from find(file, box, *path) if path else (box,)


def only(file: BinaryIO, within: Box, kind: bytes, *path: bytes) -> Box | None:
    """Return the box at a path of kinds in a box, on which each kind may stand but once; None where there is none.

    Raises:
        MalformedMedia: ``bmff-damaged``: one stands there twice; or see `boxes`.
        OSError: Reading failed.
    """
    found = list(find(file, within, kind))
    if len(found) > 1:
        raise damaged(found[1].start)
    if not found:
        return None
    return only(file, found[0], *path) if path else found[0]


def atoms(data: bytes) -> tuple[list[Atom], bytes]:
    """Return the boxes in what a box holds, and what stands behind them: a few zeros, or what is no box."""
    found: list[Atom] = []
    at = 0
    while len(data) - at >= _HEAD.size and len(found) < _MEMORY_LIMIT:
        size, head = int.from_bytes(data[at : at + 4], "big"), _HEAD.size
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), _HEAD.size + _LARGE.size
        if not head <= size <= len(data) - at:
            break
        found.append(Atom(data[at + 4 : at + 8], data[at : at + size], head))
        at += size
    return found, data[at:]


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


def brands(head: bytes) -> list[bytes]:
    """Return the major brand and the compatible ones that the first bytes of a file name; none without ``ftyp``."""
    if head[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]


def picture_format(head: bytes) -> str | None:
    """Return which of `PICTURES` a file is: its major brand, else the compatible ones, decide; None for no picture."""
    named = brands(head)
    structural = not PICTURES["heif"].isdisjoint(named)
    for name, known in PICTURES.items():
        if named and (named[0] in known or (structural and not known.isdisjoint(named))):
            return name
    return None


def is_manifest(file: BinaryIO, box: Box) -> bool:
    """Say whether a box holds a C2PA manifest store (C2PA Technical Specification 2.2, A.5.1)."""
    if box.kind != b"uuid":
        return False
    # The UUID, version and flags, and what the box is for.
    head = content(file, box, limit=32)
    return head[:16] == _C2PA and head[20:].startswith(_PURPOSES)


def damaged(offset: int) -> MalformedMedia:
    """Return the error for a structure that breaks its form at `offset`."""
    return MalformedMedia("bmff-damaged", offset=offset)
