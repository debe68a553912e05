"""HEIC, HEIF and AVIF: EXIF and XMP in items that describe the primary picture; everything else goes over byte-exact.

Source: ISO/IEC 23008-12 (HEIF), annex A; AOM AV1 Image File Format.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MetadataNotWritten, UnsupportedFormat
from provenance.formats import bmff, exif_item, heif_edit, heif_items
from provenance.formats.base import HEAD, Container, Handler, Places
from provenance.formats.bmff import Box
from provenance.formats.heif_edit import Change
from provenance.formats.heif_items import Item, Meta
from provenance.formats.splice import splice

_XMP: Final = Item(0, b"mime", b"application/rdf+xml")
_EXIF: Final = Item(0, b"Exif")
# Android looks for this prefix and takes nothing else for EXIF; the offset before it passes over it.
_EXIF_PREFIX: Final = b"\0\0\0\6Exif\0\0"
_MOTION: Final = b"mpvd"  # the video of a motion photo


class _Layout(NamedTuple):
    top: list[Box]
    meta: Meta


def _sniff(name: str, head: bytes) -> bool:
    return bmff.picture_format(head) == name


def _read(name: str, file: BinaryIO, *, whole: bool = True) -> Container:  # noqa: ARG001 -- pictures have no checksum
    """Return what a file holds.

    Raises:
        UnsupportedFormat: ``xmp-compressed`` or ``heif-item-elsewhere``: metadata that this cannot read.
        MalformedMedia: See `bmff.boxes` and `heif_items.read`.
        MediaTooLarge: The picture or one of its carriers exceeds a limit.
        OSError: Reading failed.
    """
    file.seek(0)
    if not _sniff(name, file.read(HEAD)):
        raise bmff.damaged(0)
    top, meta = _parse(file)
    exif, xmp = meta.describing(_EXIF.kind), _xmp_items(meta)
    warnings = {
        "exif-repeated": len(exif) > 1,
        "xmp-repeated": len(xmp) > 1,
        "data-after-picture": any(box.kind == _MOTION for box in top),
    }
    return Container(
        format=name,
        media="image",
        mime=f"image/{name}",
        width=meta.width,
        height=meta.height,
        orientation=meta.orientation,
        exif=exif_item.split(meta.data(file, exif[0]))[1] if exif else None,
        xmp=meta.data(file, xmp[0]) if xmp else None,
        xmp_count=len(xmp),
        has_manifest=any(bmff.is_manifest(file, box) for box in top),
        warnings=tuple(code for code, holds in warnings.items() if holds),
    )


def _write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    known: bool = False,  # noqa: ARG001 -- pictures have no checksum that a second look could find wrong
) -> None:
    """Append a copy of `source` to `target` with other carriers.

    Raises:
        MetadataNotWritten: ``xmp-repeated``: the file has several packets and readers would not agree on one; for
            others see `heif_edit.edits`.
        UnsupportedFormat: See `_read`.
        MalformedMedia: See `_read`.
        OSError: Reading or writing failed.
    """
    top, meta = _parse(source)
    changes = []
    if exif is not None:
        changes += _change(source, meta, meta.describing(_EXIF.kind), _EXIF, exif)
    if xmp is not None:
        present = _xmp_items(meta)
        if len(present) > 1:
            raise MetadataNotWritten("xmp-repeated", offset=meta.known[b"iinf"].start)
        changes += _change(source, meta, present, _XMP, xmp)
    splice(source, target, heif_edit.edits(source, top, meta, changes) if changes else [])


def _change(file: BinaryIO, meta: Meta, present: list[Item], like: Item, value: bytes) -> list[Change]:
    """Return what must change for the first item `present`, or else a new one, to hold `value`."""
    old = meta.data(file, present[0]) if present else None
    if like is _EXIF:
        value = (exif_item.split(old or b"")[0] or _EXIF_PREFIX) + value
    if value == old:
        return []
    return [Change(present[0] if present else like, value, new=not present)]


def _parse(file: BinaryIO) -> _Layout:
    top = list(bmff.boxes(file))
    if not top or top[0].kind != b"ftyp":
        raise bmff.damaged(0)
    found = [box for box in top if box.kind == b"meta"]
    if not found:
        raise MalformedMedia("heif-no-picture", offset=top[-1].end)
    if len(found) > 1:
        raise bmff.damaged(found[1].start)
    return _Layout(top, heif_items.read(file, found[0], file.seek(0, os.SEEK_END)))


def _xmp_items(meta: Meta) -> list[Item]:
    """Return the items that hold XMP of the primary picture.

    Raises:
        UnsupportedFormat: One is compressed; a second one beside it would contradict it.
    """
    items = meta.describing(_XMP.kind, _XMP.content_type)
    if any(item.encoding for item in items):
        raise UnsupportedFormat("xmp-compressed", offset=meta.known[b"iinf"].start)
    return items


_PLACES: Final = Places(
    exif="Exif item",
    xmp="mime item",
    manifest="uuid box",
    aigc=("xmp", "exif-user-comment", "exif-image-description"),
)


def _handler(name: str, *extensions: str) -> Handler:
    sniff: Callable[[bytes], bool] = partial(_sniff, name)
    return Handler(name, "image", f"image/{name}", extensions, sniff, partial(_read, name), _write, places=_PLACES)


HANDLERS: Final = (
    _handler("heic", ".heic", ".heics", ".hif"),
    _handler("heif", ".heif", ".heifs"),
    _handler("avif", ".avif", ".avifs"),
)
