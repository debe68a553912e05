"""The picture track of MP4 and QuickTime files: read from its tables, and put back with other samples in place.

Every box that does not speak of the changed samples goes over as it is, and so does every other track: nothing is
muxed anew (ISO/IEC 14496-12; 14496-15).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, Final

import numpy as np

from provenance.errors import MalformedMedia
from provenance.formats import bmff, movie
from provenance.formats.base import check_picture_size
from provenance.formats.bmff import Atom, Box, Fields
from provenance.notices.video_film import MOST_SAMPLES, Film, Numbers, Shown, unsupported, without_delay

CODINGS: Final = {
    b"avc1": ("h264", b"avcC"),
    b"avc3": ("h264", b"avcC"),
    b"hvc1": ("hevc", b"hvcC"),
    b"hev1": ("hevc", b"hvcC"),
    b"vp09": ("vp9", b""),
    b"av01": ("av1", b"av1C"),
}
"""By sample entry, the codec as libavcodec names it, and the box with what a decoder must know first."""
ENTRY_HEAD: Final = 86  # bytes of a sample entry of pictures before its boxes (14496-12, 12.1.3)

# Encrypted, of two layers, of two eyes, or with brightness that a second stream steers: drawn on, they would be lost.
_REFUSED_ENTRIES: Final = {
    b"encv": "encrypted",
    b"dvh1": "Dolby Vision",
    b"dvhe": "Dolby Vision",
    b"dva1": "Dolby Vision",
    b"dvav": "Dolby Vision",
    b"dav1": "Dolby Vision",
}
_REFUSED_BOXES: Final = {
    b"sinf": "encrypted",
    b"dvcC": "Dolby Vision",
    b"dvvC": "Dolby Vision",
    b"dvwC": "Dolby Vision",
    b"hvcE": "Dolby Vision",
    b"lhvC": "several layers",
    b"mvcC": "several layers",
    b"svcC": "several layers",
    b"vexu": "stereoscopic",
    b"st3d": "stereoscopic",
    b"sv3d": "spherical",
}
_SPHERE: Final = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
# Tables that speak of samples one by one, and that drawing does not keep true.
_REFUSED_TABLES: Final = {
    b"senc": "encrypted",
    b"saiz": "encrypted",
    b"saio": "encrypted",
    b"csgp": "csgp",
    b"subs": "subs",
    b"padb": "padb",
    b"stdp": "stdp",
}
_ENABLED: Final = 1  # flag of tkhd
_HERE: Final = 1  # flag of an entry of dref
_FIXED: Final = 1 << 16
_MOST_EDITS: Final = 1_000
_TURNS: Final = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, -1, 0): 6,
    (0, -1, 1, 0): 8,
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies that other samples change.

    Attributes:
        top: The boxes of the file.
        moov: Its index.
        around: The boxes around the tables, from the outermost in, without the index.
        tables: The tables by their kind; groups of samples are a kind of their own each.
        entry: The whole sample entry.
        chunks: Where each chunk starts.
        first_of: Number of the first sample of each chunk.
        others: Where the chunks of the other tracks start.
    """

    top: list[Box]
    moov: Box
    around: tuple[Box, ...]
    tables: dict[bytes, list[Box]]
    entry: bytes
    chunks: Numbers
    first_of: Numbers
    others: Numbers


def read(file: BinaryIO) -> Film:
    """Return the one picture track of a film.

    Raises:
        MalformedMedia: A table breaks its form, or samples lie behind the end of the file.
        MediaTooLarge: An index or a picture is larger than any may be.
        NoticeDoesNotFit: There is no picture track, or several, or one that cannot be drawn on: the code says why.
        UnsupportedFormat: See `movie.read`.
        OSError: Reading failed.
    """
    found = movie.read(file)
    if any(True for _ in bmff.find(file, found.moov, b"mvex")) or found.is_fragmented:
        raise unsupported("video-fragmented")
    if found.tail is not None:
        raise MalformedMedia("movie-index-repeated", offset=found.tail)
    track, others = _picture_track(file, found.moov)
    return _film(file, found, track, others)


def _picture_track(file: BinaryIO, moov: Box) -> tuple[Box, list[Box]]:
    tracks = list(bmff.find(file, moov, b"trak"))
    chapters = {number for track in tracks for number in _chapters(file, track)}
    seen = []
    for track in tracks:
        header = bmff.fields(file, _only(file, track, b"tkhd"))
        version, flags = header.version()
        header.raw(16 if version else 8)
        is_chapters = header.number(4) in chapters
        # A picture that stands for the film, and nobody's choice, has one sample.
        is_shown = flags & _ENABLED or _count(file, track) > 1
        if is_shown and not is_chapters and _handler(file, track) == b"vide":
            seen.append(track)
    if len(seen) != 1:
        raise unsupported("video-several-tracks" if seen else "video-no-pictures", count=len(seen))
    return seen[0], [track for track in tracks if track is not seen[0]]


def _count(file: BinaryIO, track: Box) -> int:
    """Return how many samples a track has, 0 where its table does not say so."""
    for kind in (b"stsz", b"stz2"):
        for box in bmff.find(file, track, b"mdia", b"minf", b"stbl", kind):
            return int.from_bytes(bmff.content(file, box, limit=12)[8:], "big")
    return 0


def _chapters(file: BinaryIO, track: Box) -> Iterator[int]:
    for chap in bmff.find(file, track, b"tref", b"chap"):
        data = bmff.content(file, chap)
        yield from (int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4))


def _handler(file: BinaryIO, track: Box) -> bytes:
    for hdlr in bmff.find(file, track, b"mdia", b"hdlr"):
        return bmff.content(file, hdlr, limit=12)[8:]
    return b""


def _film(file: BinaryIO, found: movie.Movie, track: Box, others: Sequence[Box]) -> Film:
    mdia = _only(file, track, b"mdia")
    minf = _only(file, mdia, b"minf")
    stbl = _only(file, minf, b"stbl")
    tables = _tables(file, stbl)
    _check_here(file, minf)
    _check_flat(file, track)
    entry = _entry(file, _table_of(tables, b"stsd", stbl))
    codec, config = _config_of(entry, stbl)
    sizes = _sizes(file, tables, stbl)
    chunks, first_of = _chunks(file, tables, stbl, len(sizes))
    offsets = _offsets(chunks, first_of, sizes)
    if len(sizes) and int((offsets + sizes).max()) > found.size:
        raise MalformedMedia("bmff-truncated", offset=found.size)
    decoded = _runs(file, _table_of(tables, b"stts", stbl), len(sizes), signed=False)
    starts = np.concatenate(([0], np.cumsum(decoded)))
    rate = _timescale(file, mdia)
    layout = Layout(
        found.top,
        found.moov,
        (track, mdia, minf, stbl),
        tables,
        entry,
        chunks,
        first_of,
        np.concatenate([np.zeros(0, np.int64), *(_starts(file, other) for other in others)]),
    )
    times = starts[:-1] + composition(file, tables, len(sizes))
    whole = int(times.min(initial=0)), int(times.max(initial=0) + decoded[-1:].sum())
    width, height = (int.from_bytes(entry[at : at + 2], "big") for at in (32, 34))
    check_picture_size(width, height)
    return Film(
        file=file,
        codec=codec,
        config=config,
        size=(width, height),
        orientation=_orientation(file, track),
        aspect=_aspect(entry),
        tick=Fraction(1, rate),
        offsets=offsets,
        sizes=sizes,
        times=times,
        keys=_keys(file, tables, len(sizes)),
        shown=without_delay(list(_shown(file, found.moov, track, rate, whole))),
        layout=layout,
    )


def _tables(file: BinaryIO, stbl: Box) -> dict[bytes, list[Box]]:
    tables: dict[bytes, list[Box]] = {}
    for box in bmff.boxes(file, stbl, padded=True):
        tables.setdefault(box.kind, []).append(box)
    for kind, name in _REFUSED_TABLES.items():
        if kind in tables:
            raise unsupported("video-kind", name=name)
    return tables


def _only(file: BinaryIO, within: Box, kind: bytes) -> Box:
    found = list(bmff.find(file, within, kind))
    if len(found) != 1:
        raise bmff.damaged(within.start)
    return found[0]


def _table_of(tables: dict[bytes, list[Box]], kind: bytes, stbl: Box) -> Box:
    found = tables.get(kind, [])
    if len(found) != 1:
        raise bmff.damaged(stbl.start)
    return found[0]


def _check_here(file: BinaryIO, minf: Box) -> None:
    for dref in bmff.find(file, minf, b"dinf", b"dref"):
        for entry in bmff.boxes(file, dref, skip=8, padded=True):
            if not bmff.fields(file, entry).version()[1] & _HERE:
                raise unsupported("video-kind", name="dref")


def _check_flat(file: BinaryIO, track: Box) -> None:
    """Refuse a sphere as cameras wrote it before there were boxes for it (Spherical Video V1 RFC)."""
    for box in bmff.find(file, track, b"uuid"):
        if bmff.content(file, box, limit=16) == _SPHERE:
            raise unsupported("video-kind", name="spherical")


def _entry(file: BinaryIO, stsd: Box) -> bytes:
    fields = bmff.fields(file, stsd)
    fields.version()
    if fields.number(4) != 1:
        raise unsupported("video-kind", name="stsd")
    found, _ = bmff.atoms(fields.raw(fields.left))
    if not found or len(found[0].raw) < ENTRY_HEAD:
        raise bmff.damaged(stsd.start)
    return found[0].raw


def _config_of(entry: bytes, stbl: Box) -> tuple[str, bytes]:
    kind = entry[4:8]
    if kind in _REFUSED_ENTRIES:
        raise unsupported("video-kind", name=_REFUSED_ENTRIES[kind])
    if kind not in CODINGS:
        raise unsupported("video-codec", codec=kind.decode("ascii", "backslashreplace"))
    inner = inner_boxes(entry)
    for each in inner:
        if each.kind in _REFUSED_BOXES:
            raise unsupported("video-kind", name=_REFUSED_BOXES[each.kind])
    _check_aperture(entry, inner)
    codec, wanted = CODINGS[kind]
    configs = [each.payload for each in inner if each.kind == wanted]
    if len(configs) != bool(wanted):
        raise bmff.damaged(stbl.start)
    return codec, configs[0] if configs else b""


def inner_boxes(entry: bytes) -> list[Atom]:
    """Return the boxes in a sample entry."""
    return bmff.atoms(entry[ENTRY_HEAD:])[0]


def _check_aperture(entry: bytes, inner: Sequence[Atom]) -> None:
    """Refuse a picture of which players cut off a rim (14496-12, 12.1.4)."""
    for each in inner:
        if each.kind == b"clap" and len(each.payload) >= 32:  # noqa: PLR2004 -- eight numbers
            parts = [int.from_bytes(each.payload[at : at + 4], "big") for at in range(0, 16, 4)]
            sides = [int.from_bytes(entry[at : at + 2], "big") for at in (32, 34)]
            if parts[0] != sides[0] * parts[1] or parts[2] != sides[1] * parts[3]:
                raise unsupported("video-kind", name="clap")


def _aspect(entry: bytes) -> Fraction:
    for each in inner_boxes(entry):
        if each.kind == b"pasp" and len(each.payload) >= 8:  # noqa: PLR2004 -- two numbers
            across, down = (int.from_bytes(each.payload[at : at + 4], "big") for at in (0, 4))
            return Fraction(across, down) if across and down else Fraction(1)
    return Fraction(1)


def _table(file: BinaryIO, box: Box) -> tuple[Fields, int]:
    """Return the fields of a table behind its head, and its version."""
    fields = bmff.fields(file, box)
    return fields, fields.version()[0]


def _numbers(fields: Fields, count: int, columns: int = 1, *, kind: str = ">u4") -> Numbers:
    data = fields.raw(count * columns * np.dtype(kind).itemsize)
    return np.frombuffer(data, kind).astype(np.int64).reshape(count, columns)


def _sizes(file: BinaryIO, tables: dict[bytes, list[Box]], stbl: Box) -> Numbers:
    if b"stsz" in tables:
        fields, _ = _table(file, _table_of(tables, b"stsz", stbl))
        fixed, count = fields.number(4), fields.number(4)
        if count > MOST_SAMPLES:
            raise bmff.damaged(stbl.start)
        return np.full(count, fixed, np.int64) if fixed else _numbers(fields, count)[:, 0]
    fields, _ = _table(file, _table_of(tables, b"stz2", stbl))
    bits, count = fields.number(4) & 0xFF, fields.number(4)
    if bits not in {8, 16}:
        raise unsupported("video-kind", name="stz2")
    return _numbers(fields, count, kind=">u1" if bits == 8 else ">u2")[:, 0]  # noqa: PLR2004 -- bits of a byte


def _chunk_starts(file: BinaryIO, tables: dict[bytes, list[Box]], stbl: Box) -> Numbers:
    kind = b"stco" if b"stco" in tables else b"co64"
    fields, _ = _table(file, _table_of(tables, kind, stbl))
    starts = _numbers(fields, fields.number(4), kind=">u4" if kind == b"stco" else ">u8")[:, 0]
    if starts.min(initial=0) < 0:
        raise bmff.damaged(stbl.start)
    return starts


def _starts(file: BinaryIO, track: Box) -> Numbers:
    """Return where the chunks of another track start."""
    starts = [np.zeros(0, np.int64)]
    for stbl in bmff.find(file, track, b"mdia", b"minf", b"stbl"):
        tables = {box.kind: [box] for box in bmff.boxes(file, stbl, padded=True)}
        if not tables.keys().isdisjoint({b"stco", b"co64"}):
            starts.append(_chunk_starts(file, tables, stbl))
    return np.concatenate(starts)


def _chunks(file: BinaryIO, tables: dict[bytes, list[Box]], stbl: Box, count: int) -> tuple[Numbers, Numbers]:
    """Return where each chunk starts, and the number of its first sample (8.7.4)."""
    starts = _chunk_starts(file, tables, stbl)
    fields, _ = _table(file, _table_of(tables, b"stsc", stbl))
    runs = _numbers(fields, fields.number(4), 3)
    bounds = np.append(runs[:, 0] - 1, len(starts))
    lengths = np.diff(bounds)
    if (runs[:1, 0] != 1).any() or (lengths < 0).any() or (runs[:, 1] > MOST_SAMPLES).any():
        raise bmff.damaged(stbl.start)
    first_of = np.concatenate(([0], np.cumsum(np.repeat(runs[:, 1], lengths))))
    if int(first_of[-1]) < count or len(first_of) != len(starts) + 1:
        raise bmff.damaged(stbl.start)
    return starts, np.minimum(first_of[:-1], count)


def _offsets(chunks: Numbers, first_of: Numbers, sizes: Numbers) -> Numbers:
    before = np.concatenate(([0], np.cumsum(sizes)))
    chunk_of = np.searchsorted(first_of, np.arange(len(sizes)), side="right") - 1
    return np.asarray(chunks[chunk_of] + before[:-1] - before[first_of[chunk_of]], np.int64)


def _runs(file: BinaryIO, box: Box, count: int, *, signed: bool) -> Numbers:
    """Return a table of runs, how many and which value, as one value per sample (8.6.1)."""
    fields, version = _table(file, box)
    total = fields.number(4)
    lengths, values = _numbers(fields, total, 2).T
    if signed and (version or (values >> 31).any()):
        # QuickTime writes negative offsets in version 0 as well.
        values = values.astype(np.uint32).view(np.int32).astype(np.int64)
    ends = np.minimum(np.cumsum(lengths), count)
    if (int(ends[-1]) if total else 0) < count:
        raise bmff.damaged(box.start)
    return np.repeat(values, np.diff(np.concatenate(([0], ends))))


def composition(file: BinaryIO, tables: dict[bytes, list[Box]], count: int) -> Numbers:
    """Return by how many ticks each sample is presented after it is decoded."""
    if b"ctts" not in tables:
        return np.zeros(count, np.int64)
    return _runs(file, tables[b"ctts"][0], count, signed=True)


def _keys(file: BinaryIO, tables: dict[bytes, list[Box]], count: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if b"stss" not in tables:
        return np.ones(count, np.bool_)
    fields, _ = _table(file, tables[b"stss"][0])
    numbers = _numbers(fields, fields.number(4))[:, 0] - 1
    keys = np.zeros(count, np.bool_)
    keys[numbers[(numbers >= 0) & (numbers < count)]] = True
    return keys


def _timescale(file: BinaryIO, mdia: Box) -> int:
    fields, version = _table(file, _only(file, mdia, b"mdhd"))
    fields.raw(16 if version else 8)
    rate = fields.number(4)
    if not rate:
        raise bmff.damaged(mdia.start)
    return rate


def _orientation(file: BinaryIO, track: Box) -> int:
    fields, version = _table(file, _only(file, track, b"tkhd"))
    fields.raw(48 if version else 36)
    matrix = np.frombuffer(fields.raw(20), ">i4") / _FIXED
    first, second, third, fourth = (int(each) if each == int(each) else 0 for each in matrix[[0, 1, 3, 4]])
    turn = _TURNS.get((first, second, third, fourth))
    if turn is None:
        raise unsupported("video-kind", name="tkhd")
    return turn


def _shown(file: BinaryIO, moov: Box, track: Box, rate: int, whole: tuple[int, int]) -> Iterator[Shown]:
    """Yield what the edit list presents (8.6.6), at normal speed only."""
    lists = list(bmff.find(file, track, b"edts", b"elst"))
    if not lists:
        yield Shown(Fraction(0), *whole)
        return
    fields, version = _table(file, _only(file, moov, b"mvhd"))
    fields.raw(16 if version else 8)
    film_rate = fields.number(4) or 1
    fields, version = _table(file, lists[0])
    wide = 8 if version else 4
    count = fields.number(4)
    if count > _MOST_EDITS:
        raise bmff.damaged(lists[0].start)
    at = Fraction(0)
    for _ in range(count):
        length = Fraction(fields.number(wide), film_rate)
        start = int.from_bytes(fields.raw(wide), "big", signed=True)
        speed = fields.number(4)
        if start >= 0:
            if speed != _FIXED:
                raise unsupported("video-kind", name="elst")
            ticks = int(length * rate) if length else whole[1] - start
            yield Shown(at, start, min(start + ticks, max(whole[1], start)))
        at += length
