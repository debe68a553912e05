"""See that the indexes of an AVI file name pictures and sound in its ``movi`` lists, where nothing changes.

Of a block of an index only the farthest entries count: half a million of them are not gone through one by one.

Sources: Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02, 3.0.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import add
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia
from provenance.formats import riff
from provenance.formats.base import BLOCK
from provenance.formats.riff import CHUNK_HEAD, Chunk

_OLD_ENTRY: Final = 4  # numbers in an entry of idx1: identifier, flags, offset of a chunk, length of what it holds
_HEAD: Final = struct.Struct("<HxBI4sQ4x")  # numbers in an entry, kind of index, entries in use, base of offsets
_OF_INDEXES: Final = (4, 0)
_OF_CHUNKS: Final = (2, 1)
_PART: Final = struct.Struct("<QII")  # of an index of indexes: offset of an index, its size, how long its part lasts
_LENGTH: Final = 0x7FFFFFFF  # the other bit says that a picture needs another one


class _Span(NamedTuple):
    start: int
    end: int


def reach(index: bytes) -> int:
    """Return where the last index ends that an index of indexes names; 0 for an index of another kind."""
    return max((at + length for at, length in _parts(index)), default=0)


def check_old(file: BinaryIO, index: Chunk, movi: Chunk) -> None:
    """See that what ``idx1`` names lies in the list before it; offsets count from there, or from the file's start.

    Raises:
        MalformedMedia: ``riff-damaged``: something does not.
        OSError: Reading failed.
    """
    blocks = _numbers(file, index.data, index.length, _OLD_ENTRY)
    spans = [span for each in blocks if (span := _span(each[2::_OLD_ENTRY], each[3::_OLD_ENTRY]))]
    if not spans:
        return
    whole = _Span(min(each.start for each in spans), max(each.end for each in spans) + CHUNK_HEAD)
    if not any(_holds(movi, whole, base) for base in (movi.data, 0)):
        raise MalformedMedia("riff-damaged", offset=index.start)


def check_new(file: BinaryIO, tops: Iterable[Chunk], movies: Sequence[Chunk]) -> None:
    """See that what the indexes of OpenDML name lies within one of the lists.

    Args:
        file: The file.
        tops: The index of each stream, ``indx``: of its pictures or sound, or of other indexes.
        movies: The lists.

    Raises:
        MalformedMedia: ``riff-damaged``: something does not, or what an index of indexes names is none.
        MediaTooLarge: An index of indexes is larger than any metadata may be.
        OSError: Reading failed.
    """
    left = file.seek(0, os.SEEK_END)
    for top in tops:
        _check_entries(file, top, movies)
        for at, length in _parts(riff.content(file, top)):
            file.seek(at)
            kind, size = struct.unpack("<4sI", file.read(CHUNK_HEAD).ljust(CHUNK_HEAD, b"\0"))
            left -= size  # all of them together are no larger than the file, unless one is named again and again
            if length and (not kind.startswith(b"ix") or left < 0):
                raise MalformedMedia("riff-damaged", offset=top.start)
            if length:
                _check_entries(file, Chunk(kind, at, size, at + CHUNK_HEAD + size), movies)


def _parts(index: bytes) -> Iterator[tuple[int, int]]:
    """Yield offset and size of every index that an index of indexes names; nothing for an index of another kind."""
    if len(index) < _HEAD.size:
        return
    size, kind, count, _, _ = _HEAD.unpack_from(index)
    if (size, kind) != _OF_INDEXES:
        return
    entries = index[_HEAD.size :][: count * _PART.size]
    whole = len(entries) // _PART.size * _PART.size
    yield from ((at, length) for at, length, _ in _PART.iter_unpack(entries[:whole]))


def _check_entries(file: BinaryIO, index: Chunk, movies: Sequence[Chunk]) -> None:
    """See what an index of pictures or sound names; one of another kind says nothing."""
    if index.length < _HEAD.size:
        return
    size, kind, count, _, base = _HEAD.unpack(riff.head(file, index, _HEAD.size))
    if (size, kind) != _OF_CHUNKS:
        return
    length = min(index.length - _HEAD.size, count * 8)
    for block in _numbers(file, index.data + _HEAD.size, length, 2):
        span = _span(block[::2], [each & _LENGTH for each in block[1::2]])
        if span and not any(_holds(each, span, base) for each in movies):
            raise MalformedMedia("riff-damaged", offset=index.start)


def _span(offsets: Sequence[int], lengths: Sequence[int]) -> _Span | None:
    """Return what entries take together; one without a length is a picture that was left out, wherever it points."""
    start = min(compress(offsets, lengths), default=None)
    return None if start is None else _Span(start, max(compress(map(add, offsets, lengths), lengths)))


def _holds(movi: Chunk, span: _Span, base: int) -> bool:
    return movi.data <= base + span.start and base + span.end <= movi.data + movi.length


def _numbers(file: BinaryIO, start: int, length: int, entry: int) -> Iterator[array[int]]:
    """Yield the 32-bit numbers of every whole entry from an offset on, a block at a time."""
    end = start + length // (4 * entry) * 4 * entry
    for at in range(start, end, BLOCK):
        file.seek(at)
        numbers = array("I")
        data = file.read(min(BLOCK, end - at))
        numbers.frombytes(data[: len(data) // 4 * 4])
        if sys.byteorder == "big":
            numbers.byteswap()
        yield numbers
