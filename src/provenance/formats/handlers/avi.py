"""AVI, also in several RIFFs (OpenDML): the AIGC element in ``LIST``/``INFO``, XMP in ``_PMX``, C2PA in ``C2PA``.

Indexes say where in the file each picture lies, so nothing moves up to the end of the last ``movi``. What is new takes
the place of empty ``JUNK`` before it, as encoders leave it beside their own texts, or stands behind everything.

Sources: Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02; XMP specification, part 3, 1.1.6;
TC260-PG-20257A.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import avi_index, riff
from provenance.formats.base import NO_FIELDS, Container, Field, Fields, Handler, Places, check_carrier_size
from provenance.formats.riff import CHUNK_HEAD, HEADER_SIZE, Chunk
from provenance.formats.splice import Edit, splice

_SIDES_AT: Final = 32  # in the main header: width and height
_CHUNK_LIMIT: Final = 200_000
_JUNK: Final = b"JUNK"


@dataclass(slots=True)
class _Layout:
    riffs: list[Chunk] = field(default_factory=list)
    count: int = 0  # of chunks in all of them
    junk: dict[int, Chunk] = field(default_factory=dict)  # by its offset
    sides: tuple[int, int] | None = None
    fixed: int = 0  # nothing before it may move
    reach: int = 0  # where what the indexes name ends
    movies: list[Chunk] = field(default_factory=list)
    indexes: list[tuple[Chunk, Chunk]] = field(default_factory=list)  # idx1, and the list that it is of
    tops: list[Chunk] = field(default_factory=list)  # indx
    elements: list[Chunk] = field(default_factory=list)  # beside the lists
    lists: list[Chunk] = field(default_factory=list)
    xmp: list[Chunk] = field(default_factory=list)
    has_manifest: bool = False

    @property
    def end(self) -> int:
        return self.riffs[-1].end


def sniff(head: bytes) -> bool:
    """Say whether the content starts as an AVI file does."""
    return head.startswith(b"RIFF") and head[8:12] == b"AVI "


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what an AVI file holds; of pictures and sound only heads and indexes are read, only with `whole`.

    Raises:
        MalformedMedia: ``riff-truncated``, ``riff-damaged``, also where an index names what is no picture or sound, or
            ``avi-damaged`` without a header or ``movi``.
        MediaTooLarge: A carrier exceeds its limit.
        OSError: Reading failed.
    """
    layout = _parse(file)
    if whole:
        for index, movi in layout.indexes:
            avi_index.check_old(file, index, movi)
        avi_index.check_new(file, layout.tops, layout.movies)
    return Container(
        format="avi",
        media="video",
        mime="video/avi",
        width=layout.sides[0] if layout.sides else None,
        height=layout.sides[1] if layout.sides else None,
        xmp=riff.content(file, layout.xmp[0]) if layout.xmp else None,
        xmp_count=len(layout.xmp),
        fields=_fields(file, layout),
        has_manifest=layout.has_manifest,
        unsignable=_unsignable(file, layout) if whole else None,
        warnings=("xmp-repeated",) if len(layout.xmp) > 1 else (),
    )


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    fields: Fields = NO_FIELDS,
    known: bool = False,
) -> None:
    """Append a copy of `source` to `target` with another XMP packet or AIGC element.

    Raises:
        MetadataNotWritten: ``riff-holds-no-exif``; ``riff-full``: the last RIFF would exceed 4 GiB; ``xmp-repeated``:
            there are several packets and readers would not agree on one.
        MalformedMedia: See `read`.
        MediaTooLarge: A carrier exceeds its limit.
        OSError: Reading or writing failed.
    """
    del known
    if exif is not None:
        raise MetadataNotWritten("riff-holds-no-exif")
    layout = _parse(source)
    edits: list[Edit] = []
    new = b""
    if "aigc" in fields:
        new += _element(source, layout, fields["aigc"], edits)
    if xmp is not None:
        new += _packet(source, layout, xmp, edits)
    if new:
        padding = layout.end % 2 if all(edit.end != layout.end for edit in edits) else 0
        edits.append(Edit(layout.end, layout.end, bytes(padding) + new))
    growth = sum(edit.growth for edit in edits)
    if growth:
        last = layout.riffs[-1]
        size = riff.size_field(last.end + growth - last.start)
        edits.append(Edit(last.start + 4, last.data, size))
    splice(source, target, edits)


def _fields(file: BinaryIO, layout: _Layout) -> tuple[Field, ...]:
    return tuple(sorted(riff.elements(file, layout.elements, layout.lists), key=lambda each: each.location))


def _unsignable(file: BinaryIO, layout: _Layout) -> str | None:
    """Say what a manifest would cost: it is put behind the first RIFF, and what follows them all is dropped."""
    if len(layout.riffs) > 1:
        return "avi-index-would-break"
    if file.seek(0, os.SEEK_END) > layout.end:
        return "riff-trailer-would-be-lost"
    return None if riff.is_regular(file, HEADER_SIZE, layout.end) else "riff-would-be-rearranged"


def _element(file: BinaryIO, layout: _Layout, value: str | None, edits: list[Edit]) -> bytes:
    """Note what becomes of the elements that are there and where the new one goes; return what has to come last."""
    if value is not None and [each[1:3] for each in _fields(file, layout)] == [(value, riff.IN_LIST)]:
        return b""
    edits += [_gone(layout, each) for each in layout.elements]
    for each in layout.lists:
        edit = _list(file, layout, each, value) if value is not None else None
        if edit is not None:
            value = None
        elif riff.info_elements(file, each):
            edit = _list(file, layout, each, None)
        edits += [edit] if edit else []
    if value is None:
        return b""
    new = riff.pack(riff.LIST, riff.INFO + riff.info_text(value))
    check_carrier_size(len(new), 0)
    junk = (each for each in layout.junk.values() if each.end <= layout.fixed)
    edit = next(filter(None, (_over(file, each.start, each.start, each.end, new) for each in junk)), None)
    edits += [edit] if edit else []
    return b"" if edit else new


def _list(file: BinaryIO, layout: _Layout, chunk: Chunk, value: str | None) -> Edit | None:
    """Return the edit that leaves a list of texts with an element, or without; None if it has no room for it."""
    new = riff.info(file, chunk, value)
    if chunk.start >= layout.fixed:
        return Edit(chunk.start, chunk.end, new)
    junk = layout.junk.get(chunk.end, chunk)
    own = _over(file, chunk.start, chunk.end, chunk.end, new)
    return own or _over(file, chunk.start, chunk.end, junk.end, new)


def _packet(file: BinaryIO, layout: _Layout, xmp: bytes, edits: list[Edit]) -> bytes:
    """Note what becomes of the packet that is there; return what has to come last."""
    if len(layout.xmp) > 1:
        raise MetadataNotWritten("xmp-repeated", offset=layout.xmp[1].start)
    check_carrier_size(len(xmp), 0)
    new = riff.pack(riff.XMP, xmp)
    for old in layout.xmp:
        free = old.start >= layout.fixed
        edit = Edit(old.start, old.end, new) if free else _over(file, old.start, old.end, old.end, new)
        edits.append(edit or _gone(layout, old))
        new = b"" if edit else new
    return new


def _gone(layout: _Layout, chunk: Chunk) -> Edit:
    if chunk.start >= layout.fixed:
        return Edit(chunk.start, chunk.end, b"")
    return Edit(chunk.start, chunk.end, riff.pack(_JUNK, bytes(chunk.end - chunk.data)))


def _over(file: BinaryIO, start: int, own: int, end: int, new: bytes) -> Edit | None:
    """Return the edit that puts new chunks over what stands between two offsets, and ``JUNK`` over the rest.

    What was there up to `own` is erased. From there on is other ``JUNK``, of which only zeros are used: some cameras
    keep notes in it. None if there is no room.
    """
    room = end - start - len(new)
    if room < 0 or 0 < room < CHUNK_HEAD:
        return None
    head = _JUNK + struct.pack("<I", room - CHUNK_HEAD) if room else b""
    data = (new + head).ljust(own - start, b"\0")
    stop = start + len(data)
    file.seek(own + CHUNK_HEAD)
    if file.read(max(0, stop - own - CHUNK_HEAD)).strip(b"\0"):
        return None
    return Edit(start, stop, data)


def _parse(file: BinaryIO) -> _Layout:
    layout = _Layout()
    size = file.seek(0, os.SEEK_END)
    form_type, end = riff.form(file)
    if form_type != b"AVI ":
        raise MalformedMedia("avi-damaged", offset=CHUNK_HEAD)
    start = 0
    while _is_riff(file, start):
        chunk = next(riff.chunks(file, start, size))
        layout.riffs.append(chunk)
        for each in riff.children(file, chunk):
            layout.count += 1
            _note(file, layout, each)
        if layout.count + len(layout.riffs) > _CHUNK_LIMIT:
            raise MalformedMedia("riff-damaged", offset=chunk.start)
        start = chunk.end
    if not layout.fixed or layout.sides is None:
        raise MalformedMedia("avi-damaged", offset=end)
    if layout.reach > size:
        # A cut between two RIFFs leaves a file that only its index knows to be shorter.
        raise MalformedMedia("riff-truncated", offset=size)
    layout.fixed = max(layout.fixed, layout.reach)
    return layout


def _is_riff(file: BinaryIO, start: int) -> bool:
    """Say whether one of the RIFFs of a file starts here, and not something that merely follows them."""
    file.seek(start)
    head = file.read(HEADER_SIZE)
    return head.startswith(b"RIFF") and head[CHUNK_HEAD:] in {b"AVI ", b"AVIX"}


def _note(file: BinaryIO, layout: _Layout, chunk: Chunk) -> None:
    kind = riff.list_type(file, chunk)
    if kind == b"movi" or chunk.kind.startswith(b"ix"):
        layout.fixed = chunk.end
        layout.movies += [chunk] if kind else []
    elif chunk.kind == b"idx1" and layout.movies:
        layout.indexes.append((chunk, layout.movies[-1]))
    elif kind == b"hdrl" and layout.sides is None:
        _note_header(file, layout, chunk)
    elif kind == riff.INFO and riff.is_sound_info(file, chunk):
        layout.lists.append(chunk)
    elif chunk.kind == _JUNK:
        layout.junk[chunk.start] = chunk
    elif chunk.kind == riff.XMP:
        layout.xmp.append(chunk)
    elif chunk.kind == b"C2PA":
        layout.has_manifest = True
    elif riff.is_aigc(chunk):
        layout.elements.append(chunk)


def _note_header(file: BinaryIO, layout: _Layout, header: Chunk) -> None:
    main = next(riff.children(file, header), None)
    if main is None or main.kind != b"avih":
        raise MalformedMedia("avi-damaged", offset=header.start)
    layout.sides = struct.unpack_from("<II", riff.head(file, main, _SIDES_AT + 8), _SIDES_AT)
    for stream in riff.children(file, header):
        if riff.list_type(file, stream) != b"strl":
            continue
        for chunk in riff.children(file, stream):
            if chunk.kind == b"indx":
                layout.tops.append(chunk)
                layout.reach = max(layout.reach, avi_index.reach(riff.content(file, chunk)))


HANDLER: Final = Handler(
    "avi",
    "video",
    "video/avi",
    (".avi",),
    sniff,
    read,
    write,
    holds_exif=False,
    places=Places(
        xmp="_PMX",
        manifest="C2PA",
        fields={"aigc": "LIST INFO:AIGC"},
        aigc=("riff-info", "riff-chunk"),
    ),
    write_fields=write,
)
