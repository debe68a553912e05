"""See that the samples of a film lie in its media data, where nothing changes (ISO/IEC 14496-12, 8.7).

What a chunk holds is told by two tables, of samples in a chunk and of bytes in a sample. Both may have millions of
entries, so they are never gone through one by one in Python.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, repeat
from operator import add, le, sub
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia
from provenance.formats import bmff, bmff_offsets
from provenance.formats.bmff import Box
from provenance.formats.movie import Movie

_RUN: Final = 3  # numbers in an entry of stsc: first chunk, samples in each, and what describes them
_MOST: Final = 0x7FFFFFFF  # what readers hold in signed numbers
_CODES: Final = {8: "B", 16: "H", 32: "I"}
_HALF: Final = 4  # bits of the smallest size in stz2
# In stsd, of its first entry: version, samples in a packet, bytes in a frame.
_SOUND_SIZES: Final = ((24, 2), (44, 4), (52, 4))
_SOUND_HEAD: Final = 56


def check(file: BinaryIO, found: Movie) -> None:
    """See that every chunk ends within the file, and that none lies in what a label may change.

    Raises:
        MalformedMedia: ``bmff-truncated``: samples lie behind the end of the file; ``bmff-damaged``: they lie in the
            index, in a packet or in a label, or a table breaks its form.
        MediaTooLarge: A table of offsets is larger than any metadata may be.
        OSError: Reading failed.
    """
    packets = (each.box for each in found.packets)
    manifests = (box for box in found.top if bmff.is_manifest(file, box))
    changing = {box for box in (found.moov, *packets, *found.literal, *manifests) if box in found.top}
    for track in bmff.find(file, found.moov, b"trak"):
        for table, offsets in bmff_offsets.chunks(file, track):
            _check_track(file, track, offsets, size=found.size, changing=changing, table=table)


def _check_track(
    file: BinaryIO, track: Box, offsets: Sequence[int], *, size: int, changing: Iterable[Box], table: Box
) -> None:
    def ends() -> Iterator[int]:
        return map(add, offsets, _lengths(file, track, len(offsets)))

    first, last = min(offsets, default=size), max(offsets, default=0)
    if last <= size:
        last = max(ends(), default=last)
    if last > size:
        raise MalformedMedia("bmff-truncated", offset=size)
    for box in changing:
        if box.start < last and box.end > first:
            spans = zip(offsets, ends(), strict=False)
            if any(start < box.end and end > max(start, box.start) for start, end in spans):
                raise bmff.damaged(table.start)


def _lengths(file: BinaryIO, track: Box, chunks: int) -> Iterator[int]:
    """Return how many bytes each chunk takes, up to the last one that holds a sample."""
    found = (bmff.only(file, track, b"mdia", b"minf", b"stbl", kind) for kind in (b"stsc", b"stsz", b"stz2", b"stsd"))
    runs, sizes, small, entries = found
    sizes = sizes or small
    if runs is None or sizes is None:
        return repeat(0, chunks)
    fields = bmff.Fields(_held(file, sizes, 12), sizes.payload)
    fields.version()
    size, count = fields.number(4), fields.number(4)
    counted = _runs(file, runs, chunks)
    if sizes.kind == b"stsz" and size:
        return _of_one_size(counted, count, *_unit(file, entries, size))
    return _of_sizes(counted, count, _sizes(file, sizes, size & 0xFF if sizes.kind == b"stz2" else 32, count))


def _runs(file: BinaryIO, box: Box, chunks: int) -> Iterator[tuple[int, int]]:
    """Yield how many samples a chunk holds, and how many chunks that follow each other hold as many."""
    fields = bmff.Fields(_held(file, box), box.payload)
    fields.version()
    numbers = _numbers(fields.raw(4 * _RUN * fields.number(4)), 32)
    firsts, counts, kinds = (numbers[at::_RUN] for at in range(_RUN))
    if not chunks:
        return
    # Readers guess at an entry that cannot be, each in its own way.
    ordered = firsts[:1] == array("I", [1]) and all(map(le, firsts, firsts[1:]))
    if not ordered or 0 in counts or 0 in kinds[:-1] or max(chain(counts, kinds)) > _MOST:
        raise bmff.damaged(box.start)
    for first, following, count in zip(firsts, chain(firsts[1:], (chunks + 1,)), counts, strict=False):
        yield count, max(0, min(following, chunks + 1) - first)


def _of_one_size(runs: Iterable[tuple[int, int]], left: int, samples: int, size: int) -> Iterator[int]:
    """Return the lengths of chunks of which `samples` samples take `size` bytes."""
    parts: list[Iterable[int]] = []
    for count, chunks in runs:
        whole = min(chunks, left // count)
        parts.append(repeat(count * size // samples, whole))
        left -= count * whole
        if whole < chunks:
            parts.append((left * size // samples,))
            break
    return chain.from_iterable(parts)


def _of_sizes(runs: Iterable[tuple[int, int]], left: int, sizes: Iterable[int]) -> Iterator[int]:
    """Return the lengths of chunks by the size of every sample."""
    parts: list[Iterable[int]] = []
    sums, before = accumulate(sizes), 0
    for count, chunks in runs:
        whole = min(chunks, left // count)
        ends = array("Q", islice(sums, count - 1, count * whole, count))
        parts.append(map(sub, ends, chain((before,), ends)))
        before = ends[-1] if ends else before
        left -= count * whole
        if whole < chunks:
            parts.append(each - before for each in deque(sums, maxlen=1))
            break
    return chain.from_iterable(parts)


def _unit(file: BinaryIO, entries: Box | None, size: int) -> tuple[int, int]:
    """Return how many samples of one size take how many bytes.

    QuickTime states 1 for sound, whatever its sizes are; its description tells them, or nobody does (QuickTime File
    Format, sound sample description, version 1).
    """
    head = _held(file, entries, _SOUND_HEAD) if entries else b""
    version, samples, bytes_ = (int.from_bytes(head[at : at + length], "big") for at, length in _SOUND_SIZES)
    if size > 1 or len(head) < _SOUND_HEAD:
        return 1, size
    return (samples, bytes_) if version == 1 and samples and bytes_ else (1, 0)


def _sizes(file: BinaryIO, box: Box, bits: int, count: int) -> Iterable[int]:
    if bits == _HALF:
        pairs = _held(file, box)[12:][: (count + 1) // 2]
        return islice(chain.from_iterable((each >> _HALF, each & 0xF) for each in pairs), count)
    if bits not in _CODES:
        raise bmff.damaged(box.start)
    length = count * bits // 8
    data = _held(file, box, 12 + length)[12:]
    if len(data) < length:
        raise bmff.damaged(box.start)
    return _numbers(data, bits)


def _numbers(data: bytes, bits: int) -> array[int]:
    numbers = array(_CODES[bits])
    numbers.frombytes(data)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _held(file: BinaryIO, box: Box, limit: int | None = None) -> bytes:
    """Return what a box in the index holds, which is bounded, or its first bytes."""
    file.seek(box.payload)
    length = box.end - box.payload
    return file.read(length if limit is None else min(limit, length))
