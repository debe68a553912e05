"""The directories of a TIFF file, classic or BigTIFF, read where they lie (TIFF 6.0, section 2; BigTIFF, libtiff).

A file may be larger than memory: one directory at a time is held, and lists of strips are read block by block.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia
from provenance.formats.base import BLOCK, check_carrier_size
from provenance.metadata.ifd import EXIF_IFD, GPS_IFD, IFD, INTEROP_IFD, LONG, SHORT, SUB_IFDS, Entry

WIDTH, HEIGHT = 0x0100, 0x0101
PAGE: Final = -1
"""Name of a directory in the main chain, which no tag names."""
LONG8: Final = 16

_IFD8: Final = 18
_SIZES: Final = {
    **dict.fromkeys((1, 2, 6, 7, 129), 1),
    **dict.fromkeys((SHORT, 8), 2),
    **dict.fromkeys((LONG, 9, 11, IFD), 4),
    **dict.fromkeys((5, 10, 12, LONG8, 17, _IFD8), 8),
}
_INTEGERS: Final = {SHORT: "H", LONG: "I", IFD: "I", LONG8: "Q", _IFD8: "Q"}
_OFFSETS: Final = frozenset({LONG, IFD, LONG8, _IFD8})
_POINTERS: Final = (EXIF_IFD, GPS_IFD, INTEROP_IFD, SUB_IFDS)
# Offsets and byte counts of strips, of tiles, and of a JPEG stream of the old form.
_PIXELS: Final = ((0x0111, 0x0117), (0x0144, 0x0145), (0x0201, 0x0202))
_DIRECTORY_LIMIT: Final = 65_536
_ENTRY_LIMIT: Final = 65_535  # of one directory; a classic one cannot say more
_CHILD_LIMIT: Final = 256
_DEPTH_LIMIT: Final = 8
_ENTRIES_LIMIT: Final = 1_000_000  # in all directories together
SPAN_LIMIT: Final = 10_000_000
"""Most strips and tiles in all directories together; what `check_pixels` begins with."""


class Span(NamedTuple):
    """Bytes from `start` up to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stream:
    """An open TIFF file: its size, its byte order as `struct` writes it, and where its first directory starts."""

    file: BinaryIO
    size: int
    order: str
    big: bool
    first: int

    @property
    def pointer(self) -> int:
        """Bytes of an offset, and of a value that lies in its entry; also where the header keeps `first`."""
        return 8 if self.big else 4

    @property
    def header(self) -> int:
        """Bytes before anything else."""
        return 2 * self.pointer

    @property
    def pointer_code(self) -> str:
        """How `struct` names an offset."""
        return "Q" if self.big else "I"

    @property
    def entry(self) -> struct.Struct:
        """An entry: tag, type, count, and the value or its offset."""
        return struct.Struct(self.order + ("HHQQ" if self.big else "HHII"))

    @property
    def count(self) -> struct.Struct:
        """The number of entries that a directory begins with."""
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    def offset(self, value: int) -> bytes:
        """Return an offset as the file writes it."""
        return struct.pack(self.order + self.pointer_code, value)


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory, the first entry of each tag, and the offset of the one that follows it in the chain, or zero."""

    span: Span
    entries: tuple[Entry, ...]
    following: int
    first: dict[int, Entry] = field(repr=False, compare=False)

    def get(self, tag: int) -> Entry | None:
        """Return the first entry of a tag."""
        return self.first.get(tag)


class Found(NamedTuple):
    """A directory that `walk` reached.

    Attributes:
        name: The tag that led to it, or `PAGE`.
        page: The number of its page, from zero.
        is_first: Whether it is the first page or what that page itself leads to.
        directory: What it holds.
    """

    name: int
    page: int
    is_first: bool
    directory: Directory


def open_stream(file: BinaryIO) -> Stream:
    """Return what the header says.

    Raises:
        MalformedMedia: ``tiff-truncated``, or ``tiff-damaged`` when it is no header of TIFF.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    version = {b"*\0": False, b"\0*": False, b"+\0": True, b"\0+": True}
    if order is None or head[2:4] not in version or (head[2] == 0) != (order == ">"):
        raise damaged(0)
    big = version[head[2:4]]
    if len(head) < (16 if big else 8):
        raise truncated(len(head))
    if not big:
        return Stream(file, size, order, big, struct.unpack_from(order + "I", head, 4)[0])
    width, reserved, first = struct.unpack_from(order + "HHQ", head, 4)
    if (width, reserved) != (8, 0):
        raise damaged(4)
    return Stream(file, size, order, big, first)


def walk(stream: Stream) -> Iterator[Found]:
    """Yield every directory once: the first page, what it leads to, the next page and so on.

    Raises:
        MalformedMedia: ``tiff-damaged``: they loop or are too many, or an entry makes no sense; ``tiff-truncated``: a
            directory or a value leaves the file.
        OSError: Reading failed.
    """
    pages: set[int] = set()
    children: set[int] = set()
    entries = 0
    waiting: list[tuple[int, int, tuple[int, ...]]] = [(PAGE, stream.first, ())]
    while waiting:
        name, start, above = waiting.pop()
        seen = pages if name == PAGE else children
        if start in above or (name == PAGE and start in seen) or len(above) > _DEPTH_LIMIT:
            raise damaged(start)
        if start in seen:
            continue  # some writers let all pages share one Exif directory
        seen.add(start)
        found = directory(stream, start)
        entries += len(found.entries)
        if len(pages) + len(children) > _DIRECTORY_LIMIT or entries > _ENTRIES_LIMIT:
            raise damaged(start)
        page = len(pages) - 1
        yield Found(name, page, page == 0 and above in {(), (stream.first,)}, found)
        if name == PAGE and found.following:
            waiting.append((PAGE, found.following, ()))
        waiting += ((tag, child, (*above, start)) for tag, child in _children(stream, found))


def directory(stream: Stream, start: int) -> Directory:
    """Return the directory at an offset; see `walk` for the errors."""
    if start < stream.header:
        raise damaged(start)
    (count,) = stream.count.unpack(bytes_at(stream, start, stream.count.size))
    if count > _ENTRY_LIMIT:
        raise damaged(start)
    first = start + stream.count.size
    size = count * stream.entry.size
    raw = bytes_at(stream, first, size + stream.pointer)
    (following,) = struct.unpack_from(stream.order + stream.pointer_code, raw, size)
    entries = tuple(_entries(stream, first, raw[:size]))
    by_tag = {entry.tag: entry for entry in reversed(entries)}
    return Directory(Span(start, first + len(raw)), entries, following, by_tag)


def is_outside(stream: Stream, entry: Entry) -> bool:
    """Say whether a value lies elsewhere than in its entry."""
    return entry.size > stream.pointer


def data(stream: Stream, entry: Entry) -> bytes:
    """Return the bytes of a value.

    Raises:
        MediaTooLarge: It is larger than any metadata may be.
        MalformedMedia: The file ends before it does.
        OSError: Reading failed.
    """
    check_carrier_size(entry.size, entry.at)
    return bytes_at(stream, entry.at, entry.size)


def integer(stream: Stream, entry: Entry | None) -> int | None:
    """Return the first number of a value, or None if there is none."""
    if entry is None or entry.kind not in _INTEGERS or not entry.number:
        return None
    code = stream.order + _INTEGERS[entry.kind]
    return int(struct.unpack(code, bytes_at(stream, entry.at, struct.calcsize(code)))[0])


def check_pixels(stream: Stream, directory: Directory, left: int) -> int:
    """Refuse picture data outside of the file or in its header; return how many more strips and tiles `left` allows.

    Raises:
        MalformedMedia: ``tiff-truncated``, or ``tiff-damaged``: there are too many of them.
        OSError: Reading failed.
    """
    for starts, lengths in _pixels(stream, directory):
        left -= len(starts)
        end = max(map(int.__add__, starts, lengths), default=0)
        if end > stream.size:
            raise truncated(stream.size)
        # A strip of no length lies nowhere: so do writers say that it is blank.
        first = min((start for start, length in zip(starts, lengths, strict=True) if length), default=stream.header)
        if left < 0 or first < stream.header:
            raise damaged(directory.span.start)
    return left


def pixel_spans(stream: Stream, directory: Directory) -> Iterator[Span]:
    """Yield where the picture data of a directory lie."""
    for starts, lengths in _pixels(stream, directory):
        for start, length in zip(starts, lengths, strict=True):
            yield Span(start, start + length)


def bytes_at(stream: Stream, start: int, count: int) -> bytes:
    """Return `count` bytes from an offset.

    Raises:
        MalformedMedia: ``tiff-truncated``: the file ends before.
        OSError: Reading failed.
    """
    if start + count > stream.size:
        raise truncated(min(start, stream.size))
    stream.file.seek(start)
    found = stream.file.read(count)
    if len(found) < count:
        raise truncated(start + len(found))
    return found


def damaged(offset: int) -> MalformedMedia:
    """Return the error for a structure that makes no sense."""
    return MalformedMedia("tiff-damaged", offset=offset)


def truncated(offset: int) -> MalformedMedia:
    """Return the error for a file that ends too early."""
    return MalformedMedia("tiff-truncated", offset=offset)


def _entries(stream: Stream, first: int, raw: bytes) -> Iterator[Entry]:
    form, pointer, header, end = stream.entry, stream.pointer, stream.header, stream.size
    for index, (tag, kind, number, value) in enumerate(form.iter_unpack(raw)):
        at = first + index * form.size
        # A kind nobody knows has no size: its value is carried over as it is.
        size = number * _SIZES.get(kind, 0)
        start = value if size > pointer else at + form.size - pointer
        if start + size > end:
            # A value that lies outside would point into whatever is appended.
            raise truncated(at)
        if start < header:
            # One that lies in the header would change with it.
            raise damaged(at)
        yield Entry(tag, raw[at - first : at - first + form.size], kind, number, start, size)


def _children(stream: Stream, directory: Directory) -> Iterator[tuple[int, int]]:
    """Yield name and offset of each directory that the entries of `directory` lead to."""
    pointers = [entry for entry in directory.entries if entry.tag in _POINTERS]
    if len({entry.tag for entry in pointers}) < len(pointers):
        raise damaged(directory.span.start)
    for entry in pointers:
        most = _CHILD_LIMIT if entry.tag == SUB_IFDS else 1
        if entry.kind not in _OFFSETS or entry.number > most:
            # Some readers follow such a pointer and some do not: replacing it could lose what it leads to.
            raise damaged(entry.at)
        for block in _integers(stream, entry):
            yield from ((entry.tag, start) for start in block if start)


def _pixels(stream: Stream, directory: Directory) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield offsets and byte counts, block by block; where a count is missing, one byte is sure."""
    for starts_tag, lengths_tag in _PIXELS:
        starts, lengths = directory.get(starts_tag), directory.get(lengths_tag)
        if starts is None:
            continue
        if starts.kind not in _INTEGERS or (lengths and lengths.kind not in _INTEGERS):
            raise damaged(directory.span.start)
        counts = _integers(stream, lengths) if lengths else iter(())
        for block in _integers(stream, starts):
            known = next(counts, ())[: len(block)]
            yield block, known + (1,) * (len(block) - len(known))


def _integers(stream: Stream, entry: Entry) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of a value, as many at a time whatever their kind."""
    code = _INTEGERS[entry.kind]
    width = struct.calcsize("=" + code)
    step = BLOCK // 8
    for index in range(0, entry.number, step):
        number = min(step, entry.number - index)
        yield struct.unpack(f"{stream.order}{number}{code}", bytes_at(stream, entry.at + index * width, number * width))
