"""The end of a PDF file: its last cross-reference section, and a further one of the same kind (ISO 32000-2, 7.5)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from itertools import groupby
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia

_TAIL: Final = 2048  # bytes in which the last offset stands
_START = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF")
_KIND = re.compile(rb"\s*(?:(xref)\s|\d+\s+\d+\s+obj\b)")


class Number(NamedTuple):
    """Number and generation of an object."""

    number: int
    generation: int


class Section(NamedTuple):
    """The last cross-reference section of a file of `size` bytes: its offset, and whether it is a table."""

    size: int
    offset: int
    is_table: bool


def last(file: BinaryIO) -> Section:
    """Return the last cross-reference section of a file.

    Raises:
        MalformedMedia: ``pdf-damaged``: the end of the file names none.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    start = max(size - _TAIL, 0)
    file.seek(start)
    tail = file.read(size - start)
    found = _START.match(tail, max(tail.rfind(b"startxref"), 0))
    offset = int(found[1]) if found else size
    file.seek(min(offset, size))
    kind = _KIND.match(file.read(64))
    if kind is None:
        raise MalformedMedia("pdf-damaged", offset=offset)
    return Section(size, offset, bool(kind[1]))


def dictionary(*entries: bytes) -> bytes:
    """Return a dictionary with these entries."""
    return b"<< " + b" ".join(entries).strip() + b" >>"


def appended(section: Section, objects: Mapping[Number, bytes], count: int, trailer: bytes) -> bytes:
    """Return what to append to a file so that objects have another content.

    Args:
        section: The file's last section; the new one is of its kind.
        objects: The objects, in the syntax of PDF.
        count: One more than the highest object number, those of `objects` included.
        trailer: Entries of the new trailer; size and the way back are added.
    """
    out = bytearray(b"\n")
    offsets: dict[Number, int] = {}
    for number, data in sorted(objects.items()):
        offsets[number] = section.size + len(out)
        out += b"%d %d obj\n" % number + data + b"\nendobj\n"
    start = section.size + len(out)
    trailer = b"/Prev %d " % section.offset + trailer
    if section.is_table:
        out += _table(offsets) + b"trailer\n" + dictionary(b"/Size %d" % count, trailer)
    else:
        offsets[Number(count, 0)] = start
        index, rows = _rows(offsets)
        head = b"/Type /XRef /W [1 8 2] /Index [%s] /Length %d /Size %d" % (index, len(rows), count + 1)
        out += b"%d 0 obj\n" % count + dictionary(head, trailer) + b"\nstream\n" + rows + b"\nendstream\nendobj"
    return bytes(out) + b"\nstartxref\n%d\n%%%%EOF\n" % start


def _table(offsets: Mapping[Number, int]) -> bytes:
    """Return a cross-reference table (7.5.4)."""
    lines = [b"xref\n"]
    for run in _runs(offsets):
        lines.append(b"%d %d\n" % (run[0].number, len(run)))
        lines += [b"%010d %05d n \n" % (offsets[each], each.generation) for each in run]
    return b"".join(lines)


def _rows(offsets: Mapping[Number, int]) -> tuple[bytes, bytes]:
    """Return index and data of a cross-reference stream (7.5.8)."""
    runs = _runs(offsets)
    index = b" ".join(b"%d %d" % (run[0].number, len(run)) for run in runs)
    in_order = [each for run in runs for each in run]
    return index, b"".join(
        b"\1" + offsets[each].to_bytes(8, "big") + each.generation.to_bytes(2, "big") for each in in_order
    )


def _runs(offsets: Mapping[Number, int]) -> list[list[Number]]:
    """Return the objects in runs of consecutive numbers."""
    runs = groupby(enumerate(sorted(offsets)), key=lambda pair: pair[1].number - pair[0])
    return [[each for _, each in run] for _, run in runs]
