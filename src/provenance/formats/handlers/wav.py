"""WAVE, also as RF64 and BW64: the AIGC element in a chunk ``AIGC``, XMP in ``_PMX``, C2PA in ``C2PA``.

Every other chunk goes over byte-exact. New ones stand behind the sound, which so is copied without moving it.

Sources: Multimedia Programming Interface 1.0, chapter 3; EBU Tech 3306 (RF64); ITU-R BS.2088 (BW64); XMP
specification, part 3, 1.1.6; TC260-PG-202510A.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import id3, riff
from provenance.formats.base import NO_FIELDS, Container, Field, Fields, Handler, Places, check_carrier_size
from provenance.formats.id3 import Frame, Tag
from provenance.formats.riff import CHUNK_HEAD, HEADER_SIZE, SIZE_FIELD, UNKNOWN, Chunk
from provenance.formats.splice import Edit, splice

_LARGE: Final = frozenset({b"RF64", b"BW64"})
_SIZES: Final = b"ds64"
_SIZES_HEAD: Final = struct.Struct("<QQQI")  # of the RIFF, of the sound, number of samples, length of the table
_SIZES_ENTRY: Final = struct.Struct("<4sQ")
_SOUND: Final = b"data"
_TAGS: Final = b"id3 "


@dataclass(slots=True)
class _Layout:
    end: int
    open_ended: bool  # the writer could not go back to say how long it is
    sizes_at: int | None  # of the 64-bit sizes
    format: Chunk | None = None
    sound: Chunk | None = None
    elements: list[Chunk] = field(default_factory=list)
    lists: list[Chunk] = field(default_factory=list)  # with an element
    tags: list[Tag] = field(default_factory=list)
    xmp: list[Chunk] = field(default_factory=list)
    has_manifest: bool = False


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a WAVE file does."""
    return head[:4] in {b"RIFF", *_LARGE} and head[8:12] == b"WAVE"


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a WAVE file holds; of the sound nothing is read. Without `whole` it is not asked what signing costs.

    Raises:
        MalformedMedia: ``riff-truncated``, ``riff-damaged``, or ``wav-damaged`` where format or sound is missing.
        MediaTooLarge: A carrier exceeds its limit.
        OSError: Reading failed.
    """
    layout = _parse(file)
    return Container(
        format="wav",
        media="audio",
        mime="audio/wav",
        xmp=riff.content(file, layout.xmp[0]) if layout.xmp else None,
        xmp_count=len(layout.xmp),
        fields=_fields(file, layout),
        has_manifest=layout.has_manifest,
        unsignable=_unsignable(file, layout) if whole else None,
        warnings=("xmp-repeated",) if len(layout.xmp) > 1 else (),
    )


def _unsignable(file: BinaryIO, layout: _Layout) -> str | None:
    """Say why a manifest would not be embedded: the binding takes plain RIFF only, and drops what follows it."""
    if layout.sizes_at is not None or layout.open_ended:
        return "wav-manifest-needs-plain-sizes"
    if file.seek(0, os.SEEK_END) > layout.end:
        return "riff-trailer-would-be-lost"
    return None if riff.is_regular(file, HEADER_SIZE, layout.end) else "riff-would-be-rearranged"


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

    New chunks come last; before the sound only where that has no end but the file's.

    Raises:
        MetadataNotWritten: ``riff-holds-no-exif``; ``wav-full``: the file would exceed 4 GiB and is no RF64;
            ``xmp-repeated``: it has several packets and readers would not agree on one.
        MalformedMedia: See `read`.
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
        new += _packet(layout, xmp, edits)
    if new:
        edits.append(_insertion(layout, new, edits))
    if edits and not layout.open_ended:
        edits += _sizes(source, layout, layout.end + sum(edit.growth for edit in edits))
    splice(source, target, edits)


def _fields(file: BinaryIO, layout: _Layout) -> tuple[Field, ...]:
    tagged = (each for _, _, each in _tagged(layout))
    return (*riff.elements(file, layout.elements, layout.lists), *tagged)


def _tagged(layout: _Layout) -> Iterator[tuple[Tag, Frame, Field]]:
    """Yield the AIGC elements in ID3 tags, which tag editors put into a chunk."""
    return (each for each in id3.statements(layout.tags) if each[2].name == "aigc")


def _element(file: BinaryIO, layout: _Layout, value: str | None, edits: list[Edit]) -> bytes:
    """Note what becomes of the elements that are there; return the chunk to add."""
    if value is not None and [each[1:3] for each in _fields(file, layout)] == [(value, riff.IN_CHUNK)]:
        return b""
    edits += [Edit(each.start, each.end, riff.info(file, each, None)) for each in layout.lists]
    edits += id3.edits(layout.tags, [each[:2] for each in _tagged(layout)], b"")
    new = b"" if value is None else riff.pack(riff.AIGC, value.encode())
    check_carrier_size(len(new), 0)
    for chunk in layout.elements:
        edits.append(Edit(chunk.start, chunk.end, new))
        new = b""
    return new


def _packet(layout: _Layout, xmp: bytes, edits: list[Edit]) -> bytes:
    if len(layout.xmp) > 1:
        raise MetadataNotWritten("xmp-repeated", offset=layout.xmp[1].start)
    check_carrier_size(len(xmp), 0)
    new = riff.pack(riff.XMP, xmp)
    for chunk in layout.xmp:
        edits.append(Edit(chunk.start, chunk.end, new))
        new = b""
    return new


def _insertion(layout: _Layout, new: bytes, edits: list[Edit]) -> Edit:
    sound = layout.sound
    if layout.open_ended and sound is not None and sound.end == layout.end:
        return Edit(sound.start, sound.start, new)
    # A last chunk of odd length may lack its padding; one that is replaced has it.
    padding = layout.end % 2 if all(edit.end != layout.end for edit in edits) else 0
    return Edit(layout.end, layout.end, bytes(padding) + new)


def _sizes(file: BinaryIO, layout: _Layout, end: int) -> Iterator[Edit]:
    """Yield the edits of the sizes of a RIFF that is to end at `end`."""
    length = end - CHUNK_HEAD
    if layout.sizes_at is not None:
        yield Edit(layout.sizes_at, layout.sizes_at + 8, struct.pack("<Q", length))
        file.seek(SIZE_FIELD[0])
        if int.from_bytes(file.read(4), "little") == UNKNOWN:
            return
    if length >= UNKNOWN:
        raise MetadataNotWritten("wav-full", size=length, limit=UNKNOWN - 1)
    yield Edit(*SIZE_FIELD, struct.pack("<I", length))


def _parse(file: BinaryIO) -> _Layout:
    layout, start, sizes = _header(file)
    for chunk in riff.chunks(file, start, layout.end, sizes):
        if chunk.kind != _SOUND or layout.sound is not None:
            _note(file, layout, chunk)
            continue
        layout.sound = chunk
        if not chunk.length and layout.open_ended:
            # A sound of no size in a file of no size goes on to its end.
            layout.sound = Chunk(_SOUND, chunk.start, layout.end - chunk.data, layout.end)
            break
    if layout.format is None or layout.sound is None:
        raise MalformedMedia("wav-damaged", offset=layout.end)
    return layout


def _note(file: BinaryIO, layout: _Layout, chunk: Chunk) -> None:
    if chunk.kind == b"fmt ":
        layout.format = layout.format or chunk
    elif chunk.kind == riff.XMP:
        layout.xmp.append(chunk)
    elif chunk.kind == b"C2PA":
        layout.has_manifest = True
    elif riff.is_aigc(chunk):
        layout.elements.append(chunk)
    elif chunk.kind.lower() == _TAGS and not layout.tags:
        layout.tags += _tags(file, chunk)
    elif riff.info_elements(file, chunk):
        layout.lists.append(chunk)


def _tags(file: BinaryIO, chunk: Chunk) -> list[Tag]:
    """Return the tags in a chunk that can be changed without changing their size; others are left alone."""
    try:
        found = id3.tags(file, chunk.data)
    except MalformedMedia:
        return []
    return [each for each in found if each.end <= chunk.data + chunk.length and each.shrinkable]


def _header(file: BinaryIO) -> tuple[_Layout, int, dict[bytes, int]]:
    """Return an empty layout, where the chunks start, and the sizes of those that say `UNKNOWN`."""
    file_end = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEADER_SIZE)
    if len(head) < HEADER_SIZE:
        raise MalformedMedia("riff-truncated", offset=len(head))
    if not sniff(head):
        raise MalformedMedia("wav-damaged", offset=0)
    length = int.from_bytes(head[slice(*SIZE_FIELD)], "little")
    start, sizes_at = HEADER_SIZE, None
    sizes: dict[bytes, int] = {}
    if head[:4] in _LARGE:
        chunk = next(riff.chunks(file, HEADER_SIZE, file_end), None)
        if chunk is None or chunk.kind != _SIZES:
            raise MalformedMedia("wav-damaged", offset=HEADER_SIZE)
        start, sizes_at = chunk.end, chunk.data
        stated, sizes = _stated_sizes(file, chunk)
        length = stated if length == UNKNOWN else length
    open_ended = length in {0, UNKNOWN}
    end = file_end if open_ended else CHUNK_HEAD + length
    if end > file_end:
        raise MalformedMedia("riff-truncated", offset=file_end)
    return _Layout(end, open_ended, sizes_at), start, {_SOUND: 0} if open_ended else sizes


def _stated_sizes(file: BinaryIO, chunk: Chunk) -> tuple[int, dict[bytes, int]]:
    """Return the size of the RIFF and those of its chunks, as RF64 gives them in 64 bits (EBU Tech 3306, 3.5)."""
    data = riff.content(file, chunk)
    if len(data) < _SIZES_HEAD.size:
        raise MalformedMedia("wav-damaged", offset=chunk.start)
    whole, sound, _, count = _SIZES_HEAD.unpack_from(data)
    table = data[_SIZES_HEAD.size :]
    if count * _SIZES_ENTRY.size > len(table):
        raise MalformedMedia("wav-damaged", offset=chunk.start)
    entries = _SIZES_ENTRY.iter_unpack(table[: count * _SIZES_ENTRY.size])
    return whole, {**dict(entries), _SOUND: sound}


HANDLER: Final = Handler(
    "wav",
    "audio",
    "audio/wav",
    (".wav", ".rf64", ".bw64", ".bwf"),
    sniff,
    read,
    write,
    holds_exif=False,
    places=Places(
        xmp="_PMX",
        manifest="C2PA",
        fields={"aigc": "AIGC"},
        aigc=("riff-chunk", "riff-info", "id3-text"),
    ),
    write_fields=write,
    draws_notices=True,
)
