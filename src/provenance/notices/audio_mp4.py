"""The track of sound of M4A files, read from its tables (ISO/IEC 14496-12, 8.6 and 8.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia
from provenance.formats import bmff, movie
from provenance.formats.bmff import Box, Fields
from provenance.notices.refusal import does_not_fit

Numbers = NDArray[np.int64]

_ENCRYPTED: Final = {b"drms", b"enca", b"p608"}
_CODECS: Final = {b"mp4a", b"alac"}
_KNOWN: Final = frozenset({b"stsd", b"stts", b"stsz", b"stsc", b"stco", b"co64", b"sgpd", b"sbgp", b"free"})
_MOST: Final = 1 << 24  # packets


@dataclass(frozen=True, slots=True)
class Track:
    """The one track of sound.

    Attributes:
        top: The boxes of the file.
        moov: Its index.
        around: The boxes around the tables, from the outermost in, without the index.
        tables: The tables by their kind.
        header: The one with its length.
        rate: Ticks a second.
        durations: Of each packet, in ticks.
        sizes: Of each packet, in bytes.
        chunks: Where each chunk starts.
        counts: Packets in each.
        edits: The edit list, if there is one.
    """

    top: list[Box]
    moov: Box
    around: tuple[Box, ...]
    tables: dict[bytes, list[Box]]
    header: Box
    rate: int
    durations: Numbers
    sizes: Numbers
    chunks: Numbers
    counts: Numbers
    edits: Box | None

    def offset(self, number: int) -> int:
        """Return where a packet starts, or behind the last one."""
        firsts = np.concatenate(([0], np.cumsum(self.counts)))
        if number == len(self.sizes):
            return self.offset(number - 1) + int(self.sizes[number - 1])
        chunk = int(np.searchsorted(firsts, number, side="right")) - 1
        return int(self.chunks[chunk] + self.sizes[firsts[chunk] : number].sum())


def read(file: BinaryIO) -> tuple[Track, list[bytes]]:
    """Return the one track of sound, and the kinds of the others.

    Raises:
        MalformedMedia: A table breaks its form, or packets lie behind the end of the file.
        MediaTooLarge: An index is larger than any may be.
        NoticeDoesNotFit: ``audio-kind``: it is fragmented, encrypted, or has tables that could not be kept true;
            ``audio-several``: there is not one track of sound; ``audio-codec``.
        UnsupportedFormat: See `movie.read`.
        OSError: Reading failed.
    """
    found = movie.read(file)
    if found.is_fragmented or any(True for _ in bmff.find(file, found.moov, b"mvex")):
        raise does_not_fit("audio-kind", name="fragmented MP4")
    if found.tail is not None:
        raise MalformedMedia("movie-index-repeated", offset=found.tail)
    kinds = [(_handler(file, box), box) for box in bmff.find(file, found.moov, b"trak")]
    sounds = [box for kind, box in kinds if kind == b"soun"]
    if len(sounds) != 1:
        raise does_not_fit("audio-several", count=len(sounds))
    return _track(file, found, sounds[0]), [kind for kind, _ in kinds if kind != b"soun"]


def _handler(file: BinaryIO, track: Box) -> bytes:
    for hdlr in bmff.find(file, track, b"mdia", b"hdlr"):
        return bmff.content(file, hdlr, limit=12)[8:]
    return b""


def _track(file: BinaryIO, found: movie.Movie, track: Box) -> Track:
    mdia = _only(file, track, b"mdia")
    minf = _only(file, mdia, b"minf")
    stbl = _only(file, minf, b"stbl")
    tables: dict[bytes, list[Box]] = {}
    for box in bmff.boxes(file, stbl, padded=True):
        tables.setdefault(box.kind, []).append(box)
    for kind in tables.keys() - _KNOWN:
        raise does_not_fit("audio-kind", name=kind.decode("ascii", "backslashreplace"))
    _check_entry(file, _one(tables, b"stsd", stbl))
    sizes = _sizes(file, _one(tables, b"stsz", stbl))
    durations = _durations(file, _one(tables, b"stts", stbl), len(sizes))
    chunks, counts = _chunks(file, tables, stbl)
    if not len(sizes) or int(counts.sum()) != len(sizes):
        raise bmff.damaged(stbl.start)
    header = _only(file, mdia, b"mdhd")
    fields = bmff.fields(file, header)
    fields.raw(16 if fields.version()[0] else 8)  # when it was made and changed
    lists = list(bmff.find(file, track, b"edts", b"elst"))
    if len(lists) > 1:
        raise bmff.damaged(lists[1].start)
    return Track(
        top=found.top,
        moov=found.moov,
        around=(track, mdia, minf, stbl),
        tables=tables,
        header=header,
        rate=fields.number(4) or 1,
        durations=durations,
        sizes=sizes,
        chunks=chunks,
        counts=counts,
        edits=lists[0] if lists else None,
    )


def _only(file: BinaryIO, within: Box, kind: bytes) -> Box:
    found = bmff.only(file, within, kind)
    if found is None:
        raise bmff.damaged(within.start)
    return found


def _one(tables: dict[bytes, list[Box]], kind: bytes, stbl: Box) -> Box:
    found = tables.get(kind, [])
    if len(found) != 1:
        raise bmff.damaged(stbl.start)
    return found[0]


def _check_entry(file: BinaryIO, stsd: Box) -> None:
    fields = bmff.fields(file, stsd)
    fields.version()
    if fields.number(4) != 1:
        raise does_not_fit("audio-kind", name="stsd")
    entries, _ = bmff.atoms(fields.raw(fields.left))
    kind = entries[0].kind if entries else b""
    if kind in _ENCRYPTED:
        raise does_not_fit("audio-encrypted")
    if kind not in _CODECS:
        raise does_not_fit("audio-codec", codec=kind.decode("ascii", "backslashreplace"))


def numbers(fields: Fields, count: int, columns: int = 1, *, kind: str = ">u4") -> Numbers:
    """Return the next numbers of a table, a row for each entry.

    Raises:
        MalformedMedia: There are fewer.
    """
    data = fields.raw(count * columns * np.dtype(kind).itemsize)
    return np.frombuffer(data, kind).astype(np.int64).reshape(count, columns)


def _table(file: BinaryIO, box: Box) -> Fields:
    fields = bmff.fields(file, box)
    fields.version()
    return fields


def _sizes(file: BinaryIO, box: Box) -> Numbers:
    fields = _table(file, box)
    fixed, count = fields.number(4), fields.number(4)
    if count > _MOST:
        raise bmff.damaged(box.start)
    return np.full(count, fixed, np.int64) if fixed else numbers(fields, count)[:, 0]


def _durations(file: BinaryIO, box: Box, count: int) -> Numbers:
    fields = _table(file, box)
    runs = numbers(fields, fields.number(4), 2)
    if int(runs[:, 0].sum()) != count:
        raise bmff.damaged(box.start)
    return np.repeat(runs[:, 1], runs[:, 0])


def _chunks(file: BinaryIO, tables: dict[bytes, list[Box]], stbl: Box) -> tuple[Numbers, Numbers]:
    """Return where each chunk starts, and how many packets it holds (8.7.4)."""
    kind = b"stco" if b"stco" in tables else b"co64"
    fields = _table(file, _one(tables, kind, stbl))
    starts = numbers(fields, fields.number(4), kind=">u4" if kind == b"stco" else ">u8")[:, 0]
    fields = _table(file, _one(tables, b"stsc", stbl))
    runs = numbers(fields, fields.number(4), 3)
    lengths = np.diff(np.append(runs[:, 0] - 1, len(starts)))
    if (runs[:1, 0] != 1).any() or (lengths < 0).any() or (runs[:, 1] > _MOST).any() or (runs[:, 2] != 1).any():
        raise bmff.damaged(stbl.start)
    if starts.min(initial=0) < 0:
        raise bmff.damaged(stbl.start)
    return starts, np.repeat(runs[:, 1], lengths)
