"""The structure of a film: MP4, QuickTime and what is built like them (ISO/IEC 14496-12; QuickTime File Format).

Only the index, the ``moov`` box, is looked into, box by box; media data are never read, and neither is what lies in
``free`` boxes: nobody signs it, and nothing that readers would show stands there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MediaTooLarge, UnsupportedFormat
from provenance.formats import bmff, quicktime
from provenance.formats.bmff import Box
from provenance.formats.quicktime import Statement

INDEX_LIMIT: Final = 64 << 20
"""Largest ``moov`` box, in bytes: that of a day of film. It is copied, and only its tables of offsets are held."""
XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EMPTY: Final = frozenset({b"free", b"skip", b"wide"})

_ENTRY: Final = 1 << 16  # bytes that are looked at in the description of samples, and in an element in its own box
_LITERAL: Final = frozenset({b"AIGC", b"aigc"})
_LITERAL_LIMIT: Final = 100
_KEYS_OF_POSITION: Final = (b"location.ISO6709", b"gps")
# Samples that hold positions: GoPro, Google's camera motion, dash cameras, Sony, Canon, DJI.
_POSITION_SAMPLES: Final = frozenset({b"gpmd", b"camm", b"gps0", b"gps ", b"rtmd", b"CTMD", b"djmd"})
# By how a ``tkhd`` box turns the picture, Exif's number for it (14496-12, 8.3.2): a, b, c and d of its matrix.
_TURNS: Final[Mapping[tuple[float, ...], int]] = {
    (0, 1, -1, 0): 6,
    (-1, 0, 0, -1): 3,
    (0, -1, 1, 0): 8,
    (-1, 0, 0, 1): 2,
    (1, 0, 0, -1): 4,
}
_FIXED: Final = 1 << 16


class Holder(NamedTuple):
    """A ``udta`` or ``meta`` box: its path, the boxes around it from the outermost in, and what it holds."""

    path: str
    box: Box
    around: tuple[Box, ...]
    payload: bytes

    def statements(self) -> Iterator[Statement]:
        """Yield what it states; see `quicktime.user_statements` for the error."""
        if self.box.kind == b"udta":
            return quicktime.user_statements(self.payload, self.path)
        return quicktime.list_statements(self.payload, self.path)


class Packet(NamedTuple):
    """An XMP packet, and the box it stands in: a ``uuid`` box, or the ``udta`` box around it."""

    box: Box
    data: bytes


@dataclass(slots=True)
class Movie:
    """A film.

    Attributes:
        size: Of the file, in bytes.
        top: Its boxes, up to `tail`.
        moov: Its index.
        inside: Where new boxes go in the index: behind the last one.
        tail: Where what an interrupted change in place left behind starts; None where there is none.
        is_ours: Whether that is all that stands there.
        holders: Where metadata stand, those of the whole film first.
        literal: Boxes in the index or beside it that are an AIGC element each.
        headers: Boxes that hold a time of creation, that of the whole film first.
        width: Of its first picture track, in pixels; None where there is none.
        height: Likewise.
        orientation: Exif's number of the turn that this track asks for.
        states_position: Whether samples of a track seem to hold positions.
    """

    size: int
    top: list[Box]
    moov: Box
    inside: int
    tail: int | None
    is_ours: bool
    holders: list[Holder]
    literal: list[Box]
    headers: list[Box]
    packets: list[Packet]
    width: int | None = None
    height: int | None = None
    orientation: int = 1
    states_position: bool = False

    @property
    def is_fragmented(self) -> bool:
        """Whether samples lie in fragments with an index of their own each."""
        return any(box.kind == b"moof" for box in self.top)

    def statements(self, file: BinaryIO) -> Iterator[Statement]:
        """Yield every statement of the film; see `quicktime.user_statements` and `bmff.content` for the errors."""
        for holder in self.holders:
            yield from holder.statements()
        for box in self.literal:
            data = bmff.Atom(box.kind, bmff.content(file, box, limit=_ENTRY), 0)
            yield quicktime.box_statement("aigc", data, "" if box in self.top else "moov")


def read(file: BinaryIO) -> Movie:
    """Return the structure of a film.

    Raises:
        MalformedMedia: ``movie-without-index``, or see `bmff.boxes`.
        UnsupportedFormat: ``movie-index-compressed``.
        MediaTooLarge: Its index or one of its carriers exceeds a limit.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    top, tail, is_ours = _top(file)
    moov = next((box for box in top if box.kind == b"moov"), None)
    if moov is None:
        raise MalformedMedia("movie-without-index", offset=top[-1].end if top else 0)
    if moov.end - moov.start > INDEX_LIMIT:
        raise MediaTooLarge("metadata-too-large", size=moov.end - moov.start, limit=INDEX_LIMIT, offset=moov.start)
    literal = [box for box in top if box.kind in _LITERAL]
    movie = Movie(size, top, moov, moov.payload, tail, is_ours, [], literal, [], [])
    _note_index(file, movie)
    for box in top:
        if _is_packet(file, box):
            # Of more than one packet none is taken.
            movie.packets.append(Packet(box, b"" if movie.packets else bmff.content(file, box)[len(XMP_UUID) :]))
    if len(movie.literal) > _LITERAL_LIMIT:
        raise bmff.damaged(movie.literal[_LITERAL_LIMIT].start)
    return movie


def _top(file: BinaryIO) -> tuple[list[Box], int | None, bool]:
    """Return the boxes of a file, where what stands behind a second index starts, and whether that is all our own.

    An edit in place first appends the new index and only then takes the old one out. What it left behind, cut off or
    not, says nothing: ffmpeg passes over a second index as well.
    """
    found: list[Box] = []
    behind: list[Box] = []
    has_index = False
    tail = None
    try:
        for box in bmff.boxes(file):
            if tail is None and has_index and box.kind == b"moov":
                tail = box.start
            has_index = has_index or box.kind == b"moov"
            (found if tail is None else behind).append(box)
    except MalformedMedia as error:
        offset = error.details.get("offset")
        if error.code != "bmff-truncated" or not has_index or not isinstance(offset, int):
            raise
        if tail is None and not _starts_index(file, offset):
            raise
        tail = offset if tail is None else tail
    is_ours = all(box.kind == b"moov" if number == 0 else _is_packet(file, box) for number, box in enumerate(behind))
    return found, tail, is_ours and len(behind) <= 2  # noqa: PLR2004 -- the index and the packet


def _starts_index(file: BinaryIO, offset: int) -> bool:
    """Say whether the file breaks off in an index, or in the free box before it, or in what may be the head of one."""
    file.seek(offset + 4)
    kind = file.read(4)
    return any(each.startswith(kind) for each in (b"moov", b"free"))


def _is_packet(file: BinaryIO, box: Box) -> bool:
    return box.kind == b"uuid" and bmff.content(file, box, limit=16) == XMP_UUID


def _note_index(file: BinaryIO, movie: Movie) -> None:
    tracks = 0
    for box in bmff.boxes(file, movie.moov, limit=bmff.PARTS_LIMIT, padded=True):
        movie.inside = box.end
        if box.kind == b"cmov":
            raise UnsupportedFormat("movie-index-compressed", offset=box.start)
        if box.kind == b"mvhd":
            movie.headers.insert(0, box)
        elif box.kind in {b"udta", b"meta"}:
            _note_holder(file, movie, box, "moov", ())
        elif box.kind in _LITERAL:
            movie.literal.append(box)
        elif box.kind == b"gps ":
            movie.states_position = True
        elif box.kind == b"trak":
            tracks += 1
            _note_track(file, movie, box, tracks)
    movie.holders.sort(key=lambda holder: len(holder.around))


def _note_holder(file: BinaryIO, movie: Movie, box: Box, path: str, around: tuple[Box, ...]) -> None:
    payload = bmff.content(file, box)
    movie.holders.append(Holder(f"{path}.{box.kind.decode()}", box, (movie.moov, *around), payload))
    if box.kind == b"udta" and not around:
        movie.packets += [Packet(box, data) for data in quicktime.packets(payload)]


def _note_track(file: BinaryIO, movie: Movie, track: Box, number: int) -> None:
    header, media = (bmff.only(file, track, kind) for kind in (b"tkhd", b"mdia"))
    if header:
        movie.headers.append(header)
    if media:
        _note_media(file, movie, media, _orientation(file, header) if header else 1)
    for box in bmff.boxes(file, track, limit=bmff.PARTS_LIMIT, padded=True):
        if box.kind in {b"udta", b"meta"}:
            _note_holder(file, movie, box, f"moov.trak[{number}]", (track,))


def _note_media(file: BinaryIO, movie: Movie, media: Box, orientation: int) -> None:
    header, handler = (bmff.only(file, media, kind) for kind in (b"mdhd", b"hdlr"))
    entries = bmff.only(file, media, b"minf", b"stbl", b"stsd")
    if header:
        movie.headers.append(header)
    if entries:
        kind = bmff.content(file, handler, limit=12)[8:] if handler else b""
        _note_samples(movie, bmff.content(file, entries, limit=_ENTRY), kind, orientation)


def _note_samples(movie: Movie, descriptions: bytes, handler: bytes, orientation: int) -> None:
    """Note what the description of a track's samples tells (8.5.2, 12.1.3); its first entry stands for all."""
    kind = descriptions[12:16]
    if handler == b"vide" and movie.width is None and len(descriptions) >= 44:  # noqa: PLR2004 -- up to the sides
        movie.width, movie.height = (int.from_bytes(descriptions[at : at + 2], "big") for at in (40, 42))
        movie.orientation = orientation
    keyed = kind == b"mebx" and any(key in descriptions for key in _KEYS_OF_POSITION)
    movie.states_position |= keyed or kind in _POSITION_SAMPLES


def _orientation(file: BinaryIO, header: Box) -> int:
    """Return Exif's number of the turn in a track's header; 1 where it is none that Exif knows."""
    data = bmff.content(file, header, limit=_ENTRY)
    start = 52 if data[:1] == b"\1" else 40
    matrix = [int.from_bytes(data[start + at : start + at + 4], "big", signed=True) / _FIXED for at in (0, 4, 12, 16)]
    return _TURNS.get(tuple(matrix), 1)
