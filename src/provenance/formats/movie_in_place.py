"""Put labels into a film where it lies: the new index goes to its end, then the old one becomes a free box.

At every moment the file is sound. What is appended says nothing as long as the old index stands before it, whole or
cut off; one write, which no disk tears, takes the old index out, and the XMP box beside it at once. What was taken out
stays readable in the file for who looks into free boxes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from provenance.errors import MetadataNotWritten
from provenance.formats import bmff
from provenance.formats.base import BLOCK
from provenance.formats.bmff import Box
from provenance.formats.movie import EMPTY, Movie
from provenance.formats.movie_edit import Plan, index_size
from provenance.formats.splice import Edit

_SECTOR: Final = 512
_HEAD: Final = 8
_LARGEST: Final = 1 << 32


def write(file: BinaryIO, movie: Movie, planned: Plan) -> None:
    """Carry out a plan in a file open for reading and writing; each step waits for the disk.

    Raises:
        MetadataNotWritten: ``movie-in-place-fragmented``, ``movie-in-place-open`` or ``movie-in-place-apart``; the
            file is as it was.
        OSError: Reading or writing failed; the file is sound, as it was or changed.
    """
    if not planned.changes:
        return
    _check(movie, planned)
    packet, switch = _switch(file, movie, planned)
    end = movie.size if movie.tail is None else movie.tail
    edits = [*planned.inside, *index_size(movie.moov, planned.growth)]
    file.truncate(end)
    try:
        at = end
        for piece in (_alignment(end), *_pieces(file, movie.moov, edits), packet):
            file.seek(at)
            at += file.write(piece)
        _sync(file)
    except BaseException:
        file.truncate(end)
        raise
    file.seek(switch.start)
    file.write(switch.new)
    _sync(file)


def _check(movie: Movie, planned: Plan) -> None:
    last = movie.top[-1]
    if movie.is_fragmented:
        raise MetadataNotWritten("movie-in-place-fragmented", offset=movie.moov.start)
    if last.open:
        raise MetadataNotWritten("movie-in-place-open", offset=last.start)
    if planned.silenced:
        raise MetadataNotWritten("movie-in-place-apart", offset=planned.silenced[0].start)


def _switch(file: BinaryIO, movie: Movie, planned: Plan) -> tuple[bytes, Edit]:
    """Return the packet's box to append, and the one write that makes what is appended count.

    A packet next to the index goes along with it, changed or not, and stays next to it.
    """
    moov = movie.moov
    alone = Edit(moov.start + 4, moov.start + 8, b"free")
    old = next((each.box for each in movie.packets if each.box.kind == b"uuid"), None)
    if old is None:
        return planned.packet or b"", alone
    first, last = sorted((moov, old), key=lambda box: box.start)
    size = last.end - first.start
    if (
        all(box.kind in EMPTY for box in movie.top if first.end <= box.start < last.start)
        and first.payload - first.start == _HEAD
        and size < _LARGEST
        and first.start // _SECTOR == (first.start + _HEAD - 1) // _SECTOR
    ):
        both = Edit(first.start, first.payload, size.to_bytes(4, "big") + b"free")
        return planned.packet or bmff.span(file, old.start, old.end - old.start), both
    if planned.packet is not None:
        raise MetadataNotWritten("movie-in-place-apart", offset=old.start)
    return b"", alone


def _alignment(end: int) -> bytes:
    """Return what makes the new index start where the head of no box crosses the border of a sector."""
    short = -end % _HEAD
    return bmff.pack(b"free", bytes(short)) if short else b""


def _pieces(file: BinaryIO, box: Box, edits: Iterable[Edit]) -> Iterator[bytes]:
    """Yield a box with edits applied, a few blocks at a time."""
    position = box.start
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        yield from _blocks(file, position, edit.start)
        yield edit.new
        position = edit.end
    yield from _blocks(file, position, box.end)


def _blocks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, BLOCK):
        yield bmff.span(file, at, min(BLOCK, end - at))


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
