"""The chunk structure of a RIFF file: where each chunk lies (Multimedia Programming Interface 1.0, chapter 2).

Only chunk headers are read, so a walk costs the same however large the chunks are. WAVE, AVI and WebP share it, and
the first two also the texts of a ``LIST`` of type ``INFO``.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats.base import Field, check_carrier_size

HEADER_SIZE: Final = 12
"""Bytes of ``RIFF``, the size of what follows, and the form type."""
CHUNK_HEAD: Final = 8
"""Bytes of a chunk's identifier and size."""
UNKNOWN: Final = 0xFFFFFFFF
"""A size that stands elsewhere, as in RF64, or that the writer could not go back to fill in."""
XMP: Final = b"_PMX"
"""Identifier of an XMP packet in WAVE and AVI (XMP specification, part 3, 1.1.6)."""
LIST: Final = b"LIST"
INFO: Final = b"INFO"
AIGC: Final = b"AIGC"
IN_CHUNK: Final = "RIFF:AIGC"
IN_LIST: Final = "LIST INFO:AIGC"

NO_SIZES: Final[Mapping[bytes, int]] = MappingProxyType({})

_SIZE_AT: Final = 4
_LARGEST: Final = (1 << 32) - 10  # of all that follows the size field, even (WebP Container Specification)
_DEPTH: Final = 4  # of lists in lists
_CHUNK_LIMIT: Final = 200_000


class Chunk(NamedTuple):
    """One chunk: its identifier, the offset of that, how many bytes it holds, and the first byte after its padding."""

    kind: bytes
    start: int
    length: int
    end: int

    @property
    def data(self) -> int:
        """Offset of what it holds."""
        return self.start + CHUNK_HEAD


def form(file: BinaryIO) -> tuple[bytes, int]:
    """Return the form type, such as ``WEBP``, and the offset of the first byte after the RIFF.

    Raises:
        MalformedMedia: ``riff-truncated`` or ``riff-damaged``.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEADER_SIZE)
    if len(head) < HEADER_SIZE:
        raise MalformedMedia("riff-truncated", offset=len(head))
    kind, length, form_type = struct.unpack("<4sI4s", head)
    if kind != b"RIFF" or length < len(form_type):
        raise MalformedMedia("riff-damaged", offset=0)
    end = CHUNK_HEAD + length
    if end > size:
        raise MalformedMedia("riff-truncated", offset=size)
    return form_type, end


def chunks(file: BinaryIO, start: int, end: int, sizes: Mapping[bytes, int] = NO_SIZES) -> Iterator[Chunk]:
    """Yield every chunk between two offsets; padding that the last one lacks is not missed.

    Args:
        file: An open file.
        start: Of the first chunk.
        end: Behind the last one.
        sizes: What a chunk of size `UNKNOWN` holds, by its identifier; no other chunk may have that size.

    Raises:
        MalformedMedia: ``riff-truncated``: a chunk leaves its place; ``riff-damaged``: there are too many, or it has no
            identifier.
        OSError: Reading failed.
    """
    for _ in range(_CHUNK_LIMIT):
        if start == end:
            return
        file.seek(start)
        head = file.read(CHUNK_HEAD)
        if len(head) < CHUNK_HEAD or start + CHUNK_HEAD > end:
            raise MalformedMedia("riff-truncated", offset=start)
        kind, length = struct.unpack("<4sI", head)
        if not kind.isascii() or not (kind[:1].isalnum() or kind == XMP):
            raise MalformedMedia("riff-damaged", offset=start)
        if length == UNKNOWN:
            length = sizes.get(kind, UNKNOWN)
        stop = start + CHUNK_HEAD + length
        if stop > end:
            raise MalformedMedia("riff-truncated", offset=start)
        chunk = Chunk(kind, start, length, min(stop + length % 2, end))
        yield chunk
        start = chunk.end
    raise MalformedMedia("riff-damaged", offset=start)


def content(file: BinaryIO, chunk: Chunk) -> bytes:
    """Return what a chunk holds.

    Raises:
        MediaTooLarge: It holds more than any metadata may.
        MalformedMedia: The file ends before it does.
        OSError: Reading failed.
    """
    check_carrier_size(chunk.length, chunk.start)
    return head(file, chunk, chunk.length)


def head(file: BinaryIO, chunk: Chunk, count: int) -> bytes:
    """Return the first `count` bytes of what a chunk holds.

    Raises:
        MalformedMedia: ``riff-truncated``: it holds fewer.
        OSError: Reading failed.
    """
    file.seek(chunk.data)
    data = file.read(min(count, chunk.length))
    if len(data) < count:
        raise MalformedMedia("riff-truncated", offset=chunk.data + len(data))
    return data


def list_type(file: BinaryIO, chunk: Chunk) -> bytes:
    """Return what a ``LIST`` or ``RIFF`` is a list of, such as ``INFO``; nothing for any other chunk.

    Raises:
        MalformedMedia: ``riff-truncated``: it is too short to say.
        OSError: Reading failed.
    """
    return head(file, chunk, len(INFO)) if chunk.kind in {LIST, b"RIFF"} else b""


def children(file: BinaryIO, chunk: Chunk) -> Iterator[Chunk]:
    """Yield the chunks of a list; see `chunks` for the errors."""
    return chunks(file, chunk.data + len(INFO), chunk.data + chunk.length)


def info_elements(file: BinaryIO, chunk: Chunk) -> list[Chunk]:
    """Return every AIGC element in a ``LIST`` of type ``INFO``; of another chunk, or of a damaged list, none.

    Raises:
        OSError: Reading failed.
    """
    if not is_sound_info(file, chunk):
        return []
    return [each for each in children(file, chunk) if is_aigc(each)]


def is_sound_info(file: BinaryIO, chunk: Chunk) -> bool:
    """Say whether a chunk is a ``LIST`` of type ``INFO`` that can be read and changed.

    One that is damaged does not make the sound or the pictures unusable; it is left alone.

    Raises:
        OSError: Reading failed.
    """
    try:
        check_carrier_size(chunk.length if chunk.kind == LIST else 0, chunk.start)
        return list_type(file, chunk) == INFO and all(each.end for each in children(file, chunk))
    except (MalformedMedia, MediaTooLarge):
        return False


def is_regular(file: BinaryIO, start: int, end: int, depth: int = _DEPTH) -> bool:
    """Say whether the C2PA binding keeps every chunk between two offsets.

    It takes lists apart and writes them anew, those of type ``seqt`` too: what is not padded, or no list inside, comes
    out changed.

    Raises:
        OSError: Reading failed.
    """
    try:
        return all(_is_kept(file, chunk, depth) for chunk in chunks(file, start, end))
    except MalformedMedia:
        return False


def _is_kept(file: BinaryIO, chunk: Chunk, depth: int) -> bool:
    padded = chunk.end == chunk.data + chunk.length + chunk.length % 2
    if chunk.kind != LIST:
        return padded and chunk.kind not in {b"RIFF", b"seqt"}
    inner = chunk.data + len(INFO)
    return padded and depth > 0 and inner <= chunk.end and is_regular(file, inner, chunk.data + chunk.length, depth - 1)


def text(file: BinaryIO, chunk: Chunk) -> str:
    """Return a chunk's text without the zero that ends it; see `content` for the errors."""
    return content(file, chunk).rstrip(b"\0").decode(errors="replace")


def elements(file: BinaryIO, alone: Sequence[Chunk], lists: Sequence[Chunk]) -> Iterator[Field]:
    """Yield the AIGC elements that are chunks of their own, and those in lists of texts.

    Raises:
        MediaTooLarge: They are larger together than any metadata may be.
        MalformedMedia: The file ends before they do.
        OSError: Reading failed.
    """
    within = [each for chunk in lists for each in info_elements(file, chunk)]
    found = [*alone, *within]
    check_carrier_size(sum(each.length for each in found), min((each.start for each in found), default=0))
    for each in alone:
        yield Field("aigc", text(file, each), IN_CHUNK, "riff-chunk")
    for each in within:
        yield Field("aigc", text(file, each), IN_LIST, "riff-info")


def info(file: BinaryIO, chunk: Chunk, value: str | None) -> bytes:
    """Return what a ``LIST`` of type ``INFO`` becomes when it states the AIGC element `value`, or none at all.

    The element stands where one was, else last; a list that is left empty is left out.

    Raises:
        MediaTooLarge: The list is larger than any metadata may be.
        MalformedMedia: See `chunks`.
        OSError: Reading failed.
    """
    check_carrier_size(chunk.length, chunk.start)
    parts: list[bytes] = []
    new = b"" if value is None else info_text(value)
    for each in children(file, chunk):
        if is_aigc(each):
            parts.append(new)
            new = b""
        else:
            parts.append(pack(each.kind, content(file, each)))
    entries = b"".join((*parts, new))
    return pack(LIST, INFO + entries) if entries else b""


def info_text(value: str) -> bytes:
    """Return the AIGC element as a text of an ``INFO`` list: ended by a zero."""
    return pack(AIGC, value.encode() + b"\0")


def is_aigc(chunk: Chunk) -> bool:
    """Say whether a chunk is named as the AIGC element is, in whatever case."""
    return chunk.kind.upper() == AIGC


def pack(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with its size and padding."""
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def size_field(end: int) -> bytes:
    """Return the size field of a RIFF whose first byte behind is at `end`.

    Raises:
        MetadataNotWritten: ``riff-full``: it would be larger than RIFF can say.
    """
    length = end - CHUNK_HEAD
    if length > _LARGEST:
        raise MetadataNotWritten("riff-full", size=length, limit=_LARGEST)
    return struct.pack("<I", length)


SIZE_FIELD: Final = (_SIZE_AT, CHUNK_HEAD)
"""Where the size field of the RIFF starts and ends."""
