"""Offsets in ISO base media files, made to follow their data when metadata before those grow (ISO/IEC 14496-12).

What a file says of places relative to something that moves along stays as it is: runs of samples in a fragment whose
base is its own box, and sizes in an index of segments.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from provenance.errors import MetadataNotWritten
from provenance.formats import bmff
from provenance.formats.bmff import Box, Fields, Move
from provenance.formats.splice import Edit

_CODES: Final = {4: "I", 8: "Q"}
_TABLES: Final = frozenset({b"stco", b"co64", b"saio"})
_CHUNKS: Final = {b"stco": 4, b"co64": 8}
# Tables of positions that one dash camera maker writes; they count from the start of the file.
_FOREIGN: Final = frozenset({b"gps "})
_HAS_BASE: Final = 1  # flag of tfhd (8.8.7)
_HAS_TYPE: Final = 1  # flag of saio (8.7.9)
_IN_THIS_FILE: Final = 1  # flag of an entry of dref (8.7.2)
_SEGMENT: Final = 12  # bytes of one reference in sidx (8.16.3)
_SEGMENT_SIZE: Final = 0x7FFFFFFF


def moved(file: BinaryIO, top: Sequence[Box], moov: Box, move: Move) -> list[Edit]:
    """Return edits of the same size that make every offset in a film follow its data.

    Raises:
        MalformedMedia: ``bmff-damaged``: a table breaks its form.
        MetadataNotWritten: ``bmff-offset-full``: an offset has become too large for its field;
            ``bmff-offsets-unknown``: there are offsets that this does not know how to move.
        MediaTooLarge: A table is larger than any metadata may be.
        OSError: Reading failed.
    """
    edits = moved_chunks(file, moov, move)
    for box in top:
        if box.kind == b"moof":
            edits += _moved_fragment(file, box, move)
        elif box.kind == b"sidx":
            edits += _moved_segments(file, box, move)
        elif box.kind == b"mfra":
            for tfra in bmff.find(file, box, b"tfra"):
                edits += _moved_entries(file, tfra, move)
        else:
            _refuse_items_in(file, box)
    return edits


def moved_chunks(file: BinaryIO, moov: Box, move: Move) -> list[Edit]:
    """Return edits of the same size that make the chunk offsets of every track follow their data (8.7.5, 8.7.9).

    Raises:
        MalformedMedia: See `moved`, also for the others.
    """
    edits = []
    for box in bmff.boxes(file, moov, limit=bmff.PARTS_LIMIT, padded=True):
        if box.kind in _FOREIGN:
            raise _unknown(box)
        _refuse_items_in(file, box)
        if box.kind == b"trak":
            for inner in bmff.boxes(file, box, limit=bmff.PARTS_LIMIT, padded=True):
                _refuse_items_in(file, inner)
            for table, is_certain in _tables_of(file, box):
                if not is_certain:
                    raise _unknown(table)
                edits += _moved_table(file, table, move)
    return edits


def points_into(file: BinaryIO, moov: Box, start: int, end: int) -> bool:
    """Say whether a chunk of any track starts between two offsets; see `moved` for the errors."""
    tables = (table for track in bmff.find(file, moov, b"trak") for _, table in chunks(file, track))
    return any(start <= offset < end for table in tables for offset in table)


def chunks(file: BinaryIO, track: Box) -> Iterator[tuple[Box, array[int]]]:
    """Yield each table of chunks of a track that lie in this file, and their offsets; see `moved` for the errors."""
    for box, is_certain in _tables_of(file, track):
        if is_certain and box.kind in _CHUNKS:
            yield box, _table(file, box)[1]


def _tables_of(file: BinaryIO, track: Box) -> Iterator[tuple[Box, bool]]:
    """Yield the tables of a track that hold offsets in this file, and whether all of them are."""
    minf = bmff.only(file, track, b"mdia", b"minf")
    stbl = bmff.only(file, minf, b"stbl") if minf else None
    if minf is None or stbl is None:
        return
    here = _in_this_file(file, minf)
    for table in bmff.boxes(file, stbl, limit=bmff.PARTS_LIMIT, padded=True) if here is not False else ():
        if table.kind in _TABLES:
            yield table, here is True


def _in_this_file(file: BinaryIO, minf: Box) -> bool | None:
    """Say whether the samples of a track lie in this file; None where some do and some do not (8.7.2)."""
    dref = bmff.only(file, minf, b"dinf", b"dref")
    entries = bmff.boxes(file, dref, skip=8, limit=bmff.PARTS_LIMIT, padded=True) if dref else ()
    flags = {bmff.fields(file, entry).version()[1] & _IN_THIS_FILE for entry in entries}
    return None if len(flags) > 1 else 0 not in flags


def _table(file: BinaryIO, box: Box) -> tuple[int, array[int]]:
    """Return the offsets of a table, and where in the file they start."""
    fields = bmff.fields(file, box)
    version, flags = fields.version()
    size = _CHUNKS.get(box.kind, 8 if version else 4)
    if box.kind == b"saio" and flags & _HAS_TYPE:
        fields.raw(8)
    count = fields.number(4)
    start = fields.offset + fields.at
    table = array(_CODES[size])
    table.frombytes(fields.raw(count * size))
    if sys.byteorder == "little":
        table.byteswap()
    return start, table


def _moved_table(file: BinaryIO, box: Box, move: Move) -> list[Edit]:
    start, table = _table(file, box)
    if not table:
        return []
    try:
        new = array(table.typecode, map(move, table))
    except OverflowError:
        raise MetadataNotWritten("bmff-offset-full", offset=box.start) from None
    if sys.byteorder == "little":
        new.byteswap()
    return [Edit(start, start + len(new) * new.itemsize, new.tobytes())]


def _moved_fragment(file: BinaryIO, moof: Box, move: Move) -> Iterator[Edit]:
    """Yield edits of the bases that the track fragments count from, where those are offsets in the file (8.8.7)."""
    for header in bmff.find(file, moof, b"traf", b"tfhd"):
        fields = bmff.fields(file, header)
        if fields.version()[1] & _HAS_BASE:
            fields.raw(4)
            yield _renumbered(fields, 8, move(fields.number(8)), header)


def _moved_segments(file: BinaryIO, box: Box, move: Move) -> Iterator[Edit]:
    """Yield the edit of how far behind its index the first segment starts (8.16.3)."""
    fields = bmff.fields(file, box)
    version, _ = fields.version()
    size = 8 if version else 4
    fields.raw(8 + size)
    first = fields.number(size)
    at = fields.at
    fields.raw(2)
    sizes = [fields.number(4) & _SEGMENT_SIZE for _ in _each(fields, fields.number(2))]
    start = box.end + first
    last = max(start, start + sum(sizes) - 1)
    new = move(start) - (move(box.start) + box.end - box.start)
    if new < 0 or move(last) - last != move(start) - start:
        raise _unknown(box)
    fields.at = at
    yield _renumbered(fields, size, new, box)


def _each(fields: Fields, count: int) -> Iterator[None]:
    for _ in range(count):
        yield
        fields.raw(_SEGMENT - 4)


def _moved_entries(file: BinaryIO, box: Box, move: Move) -> Iterator[Edit]:
    """Yield the edit of where the fragments lie that a table for random access names (8.8.10)."""
    fields = bmff.fields(file, box)
    version, _ = fields.version()
    size = 8 if version else 4
    fields.raw(4)
    lengths = fields.number(4)
    rest = sum((lengths >> shift & 3) + 1 for shift in (0, 2, 4))
    count = fields.number(4)
    start = fields.at
    new = bytearray(fields.raw(count * (2 * size + rest)))
    for at in range(size, len(new), 2 * size + rest):
        offset = move(int.from_bytes(new[at : at + size], "big"))
        if offset >= 1 << 8 * size:
            raise MetadataNotWritten("bmff-offset-full", offset=box.start)
        new[at : at + size] = offset.to_bytes(size, "big")
    yield Edit(box.payload + start, box.payload + start + len(new), bytes(new))


def _renumbered(fields: Fields, size: int, value: int, box: Box) -> Edit:
    """Return the edit of the number that ends where the fields have been read to."""
    if value >= 1 << 8 * size:
        raise MetadataNotWritten("bmff-offset-full", offset=box.start)
    end = fields.offset + fields.at
    return Edit(end - size, end, value.to_bytes(size, "big"))


def _refuse_items(box: Box, meta: bytes) -> None:
    """Refuse items whose data may lie anywhere in the file (8.11.3)."""
    if any(each.kind == b"iloc" for each in bmff.atoms(meta[0 if meta[4:8] == b"hdlr" else 4 :])[0]):
        raise _unknown(box)


def _refuse_items_in(file: BinaryIO, box: Box) -> None:
    """Refuse them in a ``meta`` box, or in those within ``udta``; other boxes hold none."""
    if box.kind == b"meta":
        _refuse_items(box, bmff.content(file, box))
    elif box.kind == b"udta":
        for inner in bmff.atoms(bmff.content(file, box))[0]:
            if inner.kind == b"meta":
                _refuse_items(box, inner.payload)


def _unknown(box: Box) -> MetadataNotWritten:
    return MetadataNotWritten("bmff-offsets-unknown", offset=box.start)
