"""FLAC: every statement in its Vorbis comments, C2PA in an ID3v2 tag in front; every other block goes over byte-exact.

The padding that encoders leave takes what is new, so that the sound stays where it is; seek points count from the
first frame of it anyway.

Sources: RFC 9639, section 8; C2PA Technical Specification, A.3.5; TC260-PG-202510A.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import id3, id3_signing, vorbis_comment
from provenance.formats.base import NO_FIELDS, Container, Field, Fields, Handler, Places, check_carrier_size
from provenance.formats.id3 import Frame, Tag
from provenance.formats.splice import Edit, splice
from provenance.formats.vorbis_comment import Comments

_MAGIC: Final = b"fLaC"
_STREAM, _PADDING, _COMMENTS, _FORBIDDEN = 0, 1, 4, 127
_LAST: Final = 0x80
_HEAD: Final = 4
_STREAM_SIZE: Final = 34
_LARGEST: Final = (1 << 24) - 1  # more than comments may have here
_SYNC: Final = (b"\xff\xf8", b"\xff\xf9")
_BLOCK_LIMIT: Final = 10_000
_PAGE: Final = 4096
_EMPTY: Final = Comments(b"", (), b"")


class _Block(NamedTuple):
    kind: int
    start: int
    end: int
    last: int  # its flag

    @property
    def size(self) -> int:
        """Of all of it, its head included."""
        return self.end - self.start


class _Part(NamedTuple):
    """A block as it is to be: with new content, as it is, or gone."""

    kind: int
    block: _Block | None
    content: bytes | None = None
    gone: bool = False


@dataclass(slots=True)
class _Layout:
    tags: list[Tag]
    blocks: list[_Block]
    statements: list[tuple[Tag, Frame, Field]]  # in the tags
    comments: Comments | None = None


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a FLAC file does, perhaps behind a small tag."""
    length = id3.end_of(head)
    return head.startswith(_MAGIC, length or 0)


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a FLAC file holds; of the sound only the first frame's head is looked at.

    Raises:
        MalformedMedia: ``id3-truncated``, ``flac-truncated``, ``flac-damaged`` or ``vorbis-comment-damaged``.
        MediaTooLarge: A carrier exceeds its limit.
        OSError: Reading failed.
    """
    del whole
    layout = _parse(file)
    stated = [*vorbis_comment.fields(layout.comments or _EMPTY), *(each for _, _, each in layout.statements)]
    return Container(
        format="flac",
        media="audio",
        mime="audio/flac",
        fields=tuple(stated),
        has_manifest=id3_signing.has_manifest(layout.tags),
        unsignable=id3_signing.unsignable(layout.tags),
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
    """Append a copy of `source` to `target` with other statements in its Vorbis comments.

    Raises:
        MetadataNotWritten: ``vorbis-comment-only``: neither EXIF nor XMP has a place.
        MalformedMedia: See `read`.
        MediaTooLarge: A carrier exceeds its limit.
        OSError: Reading or writing failed.
    """
    del known
    if exif is not None or xmp is not None:
        raise MetadataNotWritten("vorbis-comment-only")
    layout = _parse(source)
    edits: list[Edit] = []
    edits += id3.edits(layout.tags, [each[:2] for each in layout.statements if each[2].name in fields], b"")
    old = layout.comments or _EMPTY
    new = vorbis_comment.changed(old, fields)
    if new != old:
        edits += _edits(_arranged(layout.blocks, vorbis_comment.pack(new)))
    splice(source, target, edits)


def _arranged(blocks: Sequence[_Block], comments: bytes) -> list[_Part]:
    """Return all blocks with other comments, which are second where there were none, and other padding."""
    old = next((block for block in blocks if block.kind == _COMMENTS), None)
    padding, size = _padding(blocks, _HEAD + len(comments) - (old.size if old else 0))
    parts = []
    for block in blocks:
        content = comments if block is old else bytes(max(0, size - _HEAD)) if block is padding else None
        parts.append(_Part(block.kind, block, content, gone=block is padding and not size))
    if old is None:
        parts.insert(1, _Part(_COMMENTS, None, comments))
    if padding is None and size:
        parts.append(_Part(_PADDING, None, bytes(size - _HEAD)))
    return parts


def _padding(blocks: Sequence[_Block], growth: int) -> tuple[_Block | None, int]:
    """Return the block of padding to change, and its new size with its head: 0 if it goes, or if none is needed."""
    left = [(block, block.size - growth) for block in blocks if block.kind == _PADDING]
    for each in left:
        if each[1] == 0 or _HEAD <= each[1] <= _HEAD + _LARGEST:
            return each
    too_small: Iterator[tuple[_Block | None, int]] = (each for each in left if each[1] < _HEAD)
    block, size = next(too_small, (None, -growth))
    pages = max(0, -((size - _HEAD) // _PAGE)) if size else 0
    return block, size + pages * _PAGE


def _edits(parts: Sequence[_Part]) -> Iterator[Edit]:
    """Yield the edits that leave `parts`; the flag of the last block may pass to another."""
    final = [each for each in parts if not each.gone][-1]
    at = 0
    for each in parts:
        start, end = (each.block.start, each.block.end) if each.block else (at, at)
        last = _LAST if each is final else 0
        if each.gone:
            yield Edit(start, end, b"")
        elif each.content is not None:
            head = bytes([each.kind | last]) + len(each.content).to_bytes(_HEAD - 1, "big")
            yield Edit(start, end, head + each.content)
        elif each.block and each.block.last != last:
            yield Edit(start, start + 1, bytes([each.kind | last]))
        at = end


def _parse(file: BinaryIO) -> _Layout:
    tags = id3.tags(file)
    start = tags[-1].end if tags else 0
    file.seek(start)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise MalformedMedia("flac-damaged", offset=start)
    layout = _Layout(tags, list(_blocks(file, start + len(_MAGIC))), list(id3.statements(tags)))
    if layout.blocks[0].kind != _STREAM or layout.blocks[0].size != _HEAD + _STREAM_SIZE:
        raise MalformedMedia("flac-damaged", offset=layout.blocks[0].start)
    for block in layout.blocks:
        if block.kind != _COMMENTS:
            continue
        if layout.comments is not None:
            # RFC 9639, 8.6: at most one. Readers would not agree on which one counts.
            raise MalformedMedia("flac-damaged", offset=block.start)
        check_carrier_size(block.size, block.start)
        file.seek(block.start + _HEAD)
        layout.comments = vorbis_comment.parse(file.read(block.size - _HEAD), block.start + _HEAD)
    return layout


def _blocks(file: BinaryIO, start: int) -> Iterator[_Block]:
    """Yield every block of metadata, and look whether sound follows them."""
    end = file.seek(0, os.SEEK_END)
    last = 0
    for _ in range(_BLOCK_LIMIT):
        file.seek(start)
        head = file.read(_HEAD)
        if last:
            if not head.startswith(_SYNC):
                raise MalformedMedia("flac-truncated" if len(head) < len(_SYNC[0]) else "flac-damaged", offset=start)
            return
        stop = start + _HEAD + int.from_bytes(head[1:], "big")
        if len(head) < _HEAD or stop > end:
            raise MalformedMedia("flac-truncated", offset=end)
        last, kind = head[0] & _LAST, head[0] & ~_LAST
        if kind == _FORBIDDEN:
            raise MalformedMedia("flac-damaged", offset=start)
        yield _Block(kind, start, stop, last)
        start = stop
    raise MalformedMedia("flac-damaged", offset=start)


HANDLER: Final = Handler(
    "flac",
    "audio",
    "audio/flac",
    (".flac",),
    sniff,
    read,
    write,
    holds_exif=False,
    places=Places(
        manifest="ID3v2 GEOB",
        fields=vorbis_comment.NATIVE,
        aigc=(vorbis_comment.SLOT, "id3-text"),
    ),
    write_fields=write,
    draws_notices=True,
)
