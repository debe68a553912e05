"""Matroska and WebM: labels in tags of the segment; every packet stays where it is (RFC 9559, TC260-PG-20257A 6.1)."""

from __future__ import annotations

from functools import partial
from typing import BinaryIO, Final

from provenance.errors import MetadataNotWritten, UnsupportedFormat
from provenance.formats import matroska_edit, matroska_layout, matroska_tags
from provenance.formats.base import (
    NO_FIELDS,
    Container,
    Fields,
    Handler,
    Media,
    Places,
    check_carrier_size,
    check_picture_size,
)
from provenance.formats.ebml import Element, Node, Reader, pack, tree
from provenance.formats.matroska_layout import ATTACHMENTS, TRACKS, Layout
from provenance.formats.matroska_tags import TAGS
from provenance.formats.splice import splice

_DOC_TYPES: Final = {"mkv": "matroska", "webm": "webm"}
_MIMES: Final[dict[tuple[str, Media], str]] = {
    ("mkv", "video"): "video/x-matroska",
    ("mkv", "audio"): "audio/x-matroska",
    ("webm", "video"): "video/webm",
    ("webm", "audio"): "audio/webm",
}
_TRACK_ENTRY, _TRACK_TYPE, _VIDEO, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xAE, 0x83, 0xE0, 0xB0, 0xBA
_SEEN, _HEARD = 1, 2  # types of tracks
_ATTACHED_FILE, _MEDIA_TYPE = 0x61A7, 0x4660
_MANIFEST: Final = b"application/c2pa"


def _sniff(name: str, head: bytes) -> bool:
    """Say whether the content starts as a file of that DocType does."""
    return matroska_layout.doc_type(head) == _DOC_TYPES[name]


def _read(name: str, file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a file holds; of the clusters only the heads are ever read, with `whole` or without.

    Raises:
        UnsupportedFormat: ``ebml-kind-unknown`` or ``ebml-version-unknown``.
        MalformedMedia: ``ebml-truncated`` or ``ebml-damaged``.
        MediaTooLarge: The picture, the tags or the number of elements exceeds a limit.
        OSError: Reading failed.
    """
    del whole
    reader = Reader(file)
    layout = matroska_layout.read(reader)
    if layout.doc_type != _DOC_TYPES[name]:
        raise UnsupportedFormat("ebml-kind-unknown", found=layout.doc_type)
    _, tags = _tags(reader, layout)
    tracks = [
        track for each in layout.of_kind(TRACKS) for track in _tree(reader, each, {_TRACK_ENTRY, _VIDEO}).children
    ]
    types = {track.number(_TRACK_TYPE) for track in tracks}
    media: Media = "audio" if _HEARD in types and _SEEN not in types else "video"
    width, height = _size(tracks)
    return Container(
        format=name,
        media=media,
        mime=_MIMES[name, media],
        width=width,
        height=height,
        fields=tuple(matroska_tags.statements(tags)),
        has_manifest=any(_holds_manifest(reader, each) for each in layout.of_kind(ATTACHMENTS)),
        warnings=("matroska-data-after",) if layout.segment.end < reader.size else (),
    )


def _write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    fields: Fields = NO_FIELDS,
    known: bool = False,
) -> None:
    """Append a copy of `source` to `target` with other tags, wherever the tags of that name stood before.

    Raises:
        MetadataNotWritten: ``matroska-holds-no-xmp``, or see `matroska_edit.edits`.
        UnsupportedFormat: See `_read`.
        MalformedMedia: See `_read`.
        MediaTooLarge: See `_read`; also where the tags would be larger than they may be.
        OSError: Reading or writing failed.
    """
    del known
    if exif is not None or xmp is not None:
        raise MetadataNotWritten("matroska-holds-no-xmp")
    reader = Reader(source)
    layout = matroska_layout.read(reader)
    elements, old = _tags(reader, layout)
    new = matroska_tags.edited(old, fields)
    check_carrier_size(sum(len(pack(each)) for each in new if each is not None), 0)
    splice(source, target, matroska_edit.edits(reader, layout, elements, old, new))


def _tags(reader: Reader, layout: Layout) -> tuple[list[Element], list[Node]]:
    elements = layout.of_kind(TAGS)
    if elements:
        check_carrier_size(sum(each.end - each.data for each in elements), elements[0].start)
    return elements, [_tree(reader, each, matroska_tags.MASTERS) for each in elements]


def _tree(reader: Reader, element: Element, masters: frozenset[int] | set[int]) -> Node:
    return tree(element, reader.content(element), masters)


def _size(tracks: list[Node]) -> tuple[int, int] | tuple[None, None]:
    """Return the stored columns and rows of the first track with pictures."""
    for track in tracks:
        for video in track.children:
            width, height = video.number(_PIXEL_WIDTH), video.number(_PIXEL_HEIGHT)
            if video.kind == _VIDEO and width and height:
                check_picture_size(width, height)
                return width, height
    return None, None


def _holds_manifest(reader: Reader, attachments: Element) -> bool:
    """Say whether a C2PA manifest store is attached."""
    for attached in reader.children(attachments):
        if attached.kind != _ATTACHED_FILE:
            continue
        for each in reader.children(attached):
            is_name = each.kind == _MEDIA_TYPE and each.end - each.data == len(_MANIFEST)
            if is_name and reader.content(each) == _MANIFEST:
                return True
    return False


def _handler(name: str, *extensions: str) -> Handler:
    return Handler(
        name,
        "video",
        _MIMES[name, "video"],
        extensions,
        partial(_sniff, name),
        partial(_read, name),
        _write,
        holds_exif=False,
        signs=False,
        places=Places(fields=matroska_tags.NATIVE, aigc=("matroska-tag",)),
        draws_notices=True,
        write_fields=_write,
    )


HANDLERS: Final = (_handler("mkv", ".mkv", ".mka", ".mk3d"), _handler("webm", ".webm"))
