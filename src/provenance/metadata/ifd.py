"""The directories of a TIFF stream (TIFF 6.0, section 2): walked whole, and extended by appending only.

No byte of a stream is ever moved, because maker notes count offsets from places nobody documents. A directory that
changes is written anew behind everything else; the old one stays where it was, unused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from provenance.errors import MalformedMedia

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, IFD = 1, 2, 3, 4, 5, 7, 13
EXIF_IFD, GPS_IFD, INTEROP_IFD, SUB_IFDS = 0x8769, 0x8825, 0xA005, 0x014A
NEW_STREAM: Final = b"MM\0*\0\0\0\0"
POINTER: Final = 4

_OFFSET_KINDS: Final = frozenset({LONG, IFD})
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_ENTRY: Final = 12
_INLINE: Final = 4  # a value this short lies in its entry
_DIRECTORY_LIMIT: Final = 32
_ENTRY_LIMIT: Final = 10_000  # in all directories together; 64 KB hold half of that
_POINTERS: Final = frozenset({EXIF_IFD, GPS_IFD, INTEROP_IFD, SUB_IFDS})
_IMAGE, _THUMBNAIL, _OTHER = -1, -2, -3  # directories that no tag names: IFD0, IFD1 and further, any below those
_JPEG_START, _JPEG_LENGTH = 0x0201, 0x0202


class Value(NamedTuple):
    """A value to write: its TIFF type, how many of that type, and their bytes in the stream's order."""

    kind: int
    number: int
    data: bytes


class Entry(NamedTuple):
    """One entry of a directory, and where in the stream its value lies."""

    tag: int
    raw: bytes  # all twelve bytes
    kind: int
    number: int
    at: int  # where its value begins
    size: int  # of its value in bytes


@dataclass(frozen=True, slots=True)
class Directory:
    """The entries of one directory, and the offset of the one that follows it."""

    entries: tuple[Entry, ...] = ()
    following: int = 0

    def get(self, tag: int) -> Entry | None:
        """Return the first entry of a tag."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


@dataclass(slots=True)
class Stream:
    """A TIFF stream, each directory of which lies inside it and is reached once."""

    blob: bytes
    order: str = ">"
    image: Directory = Directory()
    exif: Directory = Directory()
    gps: Directory = Directory()

    def data(self, entry: Entry | None) -> bytes:
        """Return the bytes of a value."""
        return self.blob[entry.at : entry.at + entry.size] if entry else b""

    def text(self, entry: Entry | None) -> str | None:
        """Return a value as text up to its first NUL; None when that is blank."""
        return decoded(self.data(entry).partition(b"\0")[0]).strip() or None


def parse(blob: bytes) -> Stream:
    """Walk every directory; the whole structure is sound, or none of it is trusted.

    Raises:
        MalformedMedia: ``exif-damaged``: it loops, leaves the stream, or is too large.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(blob[:4])
    if order is None or len(blob) < len(NEW_STREAM):
        raise damaged(0)
    found: dict[int, Directory] = {}
    waiting = [(_IMAGE, _long(order, blob, 4))]
    seen: set[int] = set()
    entries = 0
    while waiting:
        name, start = waiting.pop()
        if start in seen or len(seen) == _DIRECTORY_LIMIT:
            raise damaged(start)
        seen.add(start)
        directory = _directory(order, blob, start)
        entries += len(directory.entries)
        if entries > _ENTRY_LIMIT:
            raise damaged(start)
        found.setdefault(name, directory)
        waiting += _children(order, blob, name, directory)
    nothing = Directory()
    return Stream(blob, order, found[_IMAGE], found.get(EXIF_IFD, nothing), found.get(GPS_IFD, nothing))


def _directory(order: str, blob: bytes, start: int) -> Directory:
    end = start + 2
    if start < len(NEW_STREAM) or end > len(blob):
        raise damaged(start)
    count = struct.unpack_from(order + "H", blob, start)[0]
    end += count * _ENTRY
    if end > len(blob):
        raise damaged(start)
    entries = tuple(_entry(order, blob, at) for at in range(start + 2, end, _ENTRY))
    if end == len(blob):
        # Some writers leave out the last field of a directory that ends the stream.
        return Directory(entries)
    if end + POINTER > len(blob):
        raise damaged(start)
    return Directory(entries, _long(order, blob, end))


def _entry(order: str, blob: bytes, at: int) -> Entry:
    tag, kind, count, value = struct.unpack_from(order + "HHII", blob, at)
    # A kind nobody knows has no size: its four bytes are carried over as they are.
    size = count * _SIZES.get(kind, 0)
    start = value if size > _INLINE else at + 8
    if start + size > len(blob):
        # A value that lies outside would point into whatever is appended.
        raise damaged(at)
    return Entry(tag, blob[at : at + _ENTRY], kind, count, start, size)


def _children(order: str, blob: bytes, name: int, directory: Directory) -> Iterator[tuple[int, int]]:
    """Yield name and offset of each directory that `directory` leads to."""
    for entry in directory.entries:
        if entry.tag not in _POINTERS:
            continue
        if entry.kind not in _OFFSET_KINDS or (entry.number > 1 and entry.tag != SUB_IFDS):
            # Some readers follow such a pointer and some do not: replacing it could lose what it leads to.
            raise damaged(entry.at)
        for at in range(entry.at, entry.at + min(entry.size, POINTER * _DIRECTORY_LIMIT), POINTER):
            if start := _long(order, blob, at):
                yield (entry.tag if name == _IMAGE else _OTHER), start
    if name in {_IMAGE, _THUMBNAIL}:
        _check_thumbnail(order, blob, directory)
        if directory.following:
            yield _THUMBNAIL, directory.following


def _check_thumbnail(order: str, blob: bytes, directory: Directory) -> None:
    start, length = directory.get(_JPEG_START), directory.get(_JPEG_LENGTH)
    if start is None or length is None or not start.size == length.size == _INLINE:
        return
    first = _long(order, blob, start.at)
    if first + _long(order, blob, length.at) > len(blob):
        raise damaged(first)


def append(out: bytearray, order: str, directory: Directory, values: Mapping[int, Value | None]) -> int:
    """Append `directory` with `values` put in or, where None, taken out; return where it starts."""
    kept = [(entry.tag, entry.raw, b"") for entry in directory.entries if entry.tag not in values]
    start = len(out) + len(out) % 2  # a directory begins on a word boundary
    count = len(kept) + sum(value is not None for value in values.values())
    free = start + 2 + count * _ENTRY + 4
    for tag, value in values.items():
        if value is None:
            continue
        raw = struct.pack(order + "HHI", tag, value.kind, value.number)
        if len(value.data) <= _INLINE:
            kept.append((tag, raw + value.data.ljust(_INLINE, b"\0"), b""))
        else:
            padded = value.data + bytes(len(value.data) % 2)
            kept.append((tag, raw + struct.pack(order + "I", free), padded))
            free += len(padded)
    # Stable: entries that share a tag keep their order, and so do the values behind the directory.
    ordered = sorted(kept, key=lambda entry: entry[0])
    out += bytes(start - len(out)) + struct.pack(order + "H", count)
    out += b"".join(raw for _, raw, _ in ordered)
    out += struct.pack(order + "I", directory.following)
    out += b"".join(data for _, _, data in kept)
    return start


def changes(stream: Stream, directory: Directory, wanted: Mapping[int, Value | None]) -> dict[int, Value | None]:
    """Return what of `wanted` the directory does not say already."""
    changes = {}
    for tag, value in wanted.items():
        present = [Value(e.kind, e.number, stream.data(e)) for e in directory.entries if e.tag == tag]
        if present != ([value] if value else []):
            changes[tag] = value
    return changes


def _long(order: str, blob: bytes, at: int) -> int:
    return int(struct.unpack_from(order + "I", blob, at)[0])


def damaged(offset: int) -> MalformedMedia:
    """Return the error for a stream that must not be edited."""
    return MalformedMedia("exif-damaged", offset=offset)


def decoded(data: bytes) -> str:
    """Return text of a field that does not say in which character set it is."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
