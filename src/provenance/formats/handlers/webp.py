"""WebP: EXIF in ``EXIF``, XMP in ``XMP ``, C2PA in ``C2PA``; every other chunk goes over byte-exact (RFC 9649)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import riff
from provenance.formats.base import Container, Handler, Places, check_carrier_size, check_picture_size
from provenance.formats.riff import HEADER_SIZE, SIZE_FIELD, Chunk
from provenance.formats.splice import Edit, splice

_EXTENDED: Final = b"VP8X"
_LOSSY: Final = b"VP8 "
_LOSSLESS: Final = b"VP8L"
_PIXELS: Final = frozenset({_LOSSY, _LOSSLESS, b"ANMF"})
# Flags of VP8X (RFC 9649, 2.7).
_HAS_ICC, _HAS_ALPHA, _HAS_EXIF, _HAS_XMP, _ANIMATED = 0x20, 0x10, 0x08, 0x04, 0x02
_EXTENDED_SIZE: Final = 10  # flags, three reserved bytes, and each side less one in three bytes
_FRAME_SIZE: Final = 16  # of ANMF before its chunks
_LOSSY_HEAD: Final = 10
_LOSSLESS_HEAD: Final = 5
_LOSSLESS_SIGNATURE: Final = 0x2F
_SIDE: Final = 0x3FFF  # VP8 and VP8L give each side in 14 bits
_EXIF_PREFIX: Final = b"Exif\0\0"  # some writers leave the prefix of JPEG in place
_TRAILER_LOST: Final = "webp-trailer-would-be-lost"


@dataclass(slots=True)
class _Layout:
    first: Chunk
    width: int = 0
    height: int = 0
    flags: int = 0
    data_end: int = 0
    exif: list[Chunk] = field(default_factory=list)
    xmp: list[Chunk] = field(default_factory=list)
    has_manifest: bool = False
    end: int = 0


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a WebP file does."""
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a WebP file holds; of the picture data only the heads are ever read, with `whole` or without.

    Raises:
        MalformedMedia: ``riff-truncated``, ``riff-damaged``, or ``webp-damaged`` for a defect of the picture.
        MediaTooLarge: The picture or one of its carriers exceeds a limit.
        OSError: Reading failed.
    """
    del whole
    layout = _parse(file)
    file.seek(layout.end)
    trailer = bool(file.read(1))
    warnings = {
        "exif-repeated": len(layout.exif) > 1,
        "xmp-repeated": len(layout.xmp) > 1,
        "data-after-picture": trailer,
        _TRAILER_LOST: trailer,
    }
    return Container(
        format="webp",
        media="image",
        mime="image/webp",
        width=layout.width,
        height=layout.height,
        exif=riff.content(file, layout.exif[0]).removeprefix(_EXIF_PREFIX) if layout.exif else None,
        xmp=riff.content(file, layout.xmp[0]) if layout.xmp else None,
        xmp_count=len(layout.xmp),
        has_manifest=layout.has_manifest,
        unsignable=_TRAILER_LOST if trailer else None,
        warnings=tuple(code for code, holds in warnings.items() if holds),
    )


def write(source: BinaryIO, target: BinaryIO, *, exif: bytes | None, xmp: bytes | None, known: bool = False) -> None:
    """Append a copy of `source` to `target` with other carriers; a file without a VP8X chunk gets one.

    Raises:
        MetadataNotWritten: ``xmp-repeated``: the file has several packets and readers would not agree on one;
            ``riff-full``: it would exceed 4 GiB.
        MalformedMedia: See `read`.
        OSError: Reading or writing failed.
    """
    del known
    layout = _parse(source)
    if xmp is not None and len(layout.xmp) > 1:
        raise MetadataNotWritten("xmp-repeated", offset=layout.xmp[1].start)
    edits = []
    flags = layout.flags
    new = b""
    for kind, flag, data, present in (
        (b"EXIF", _HAS_EXIF, exif, layout.exif),
        (b"XMP ", _HAS_XMP, xmp, layout.xmp),
    ):
        if data is None:
            continue
        check_carrier_size(len(data), 0)
        flags |= flag
        if present:
            edits.append(Edit(present[0].start, present[0].end, riff.pack(kind, data)))
        else:
            new += riff.pack(kind, data)
    if new:
        edits.append(_insertion(layout, new, edits))
    if edits:
        edits.append(_header(layout, flags))
        end = layout.end + sum(edit.growth for edit in edits)
        edits.append(Edit(*SIZE_FIELD, riff.size_field(end)))
    splice(source, target, edits)


def _insertion(layout: _Layout, new: bytes, edits: list[Edit]) -> Edit:
    """Return the edit that puts new chunks in the order of the container: pixels, EXIF, XMP, and what nobody knows."""
    start = max(layout.data_end, layout.exif[0].end if layout.exif else 0)
    # A last chunk of odd length may lack its padding; one that is replaced has it.
    padding = start % 2 if all(edit.end != start for edit in edits) else 0
    return Edit(start, start, bytes(padding) + new)


def _header(layout: _Layout, flags: int) -> Edit:
    if layout.first.kind == _EXTENDED:
        return Edit(layout.first.data, layout.first.data + 1, bytes([flags]))
    sides = (layout.width - 1).to_bytes(3, "little") + (layout.height - 1).to_bytes(3, "little")
    return Edit(HEADER_SIZE, HEADER_SIZE, riff.pack(_EXTENDED, bytes([flags, 0, 0, 0]) + sides))


def _parse(file: BinaryIO) -> _Layout:
    form_type, end = riff.form(file)
    if form_type != b"WEBP":
        raise MalformedMedia("webp-damaged", offset=8)
    found = riff.chunks(file, HEADER_SIZE, end)
    first = next(found, None)
    if first is None:
        raise MalformedMedia("riff-truncated", offset=end)
    layout = _Layout(first, end=end)
    _note_first(file, layout)
    for chunk in found:
        _note(file, layout, chunk)
    if not layout.data_end:
        raise MalformedMedia("webp-damaged", offset=first.start)
    check_picture_size(layout.width, layout.height)
    return layout


def _note_first(file: BinaryIO, layout: _Layout) -> None:
    chunk = layout.first
    if chunk.kind == _EXTENDED:
        if chunk.length < _EXTENDED_SIZE:
            raise MalformedMedia("webp-damaged", offset=chunk.start)
        data = riff.head(file, chunk, _EXTENDED_SIZE)
        layout.flags = data[0]
        layout.width = int.from_bytes(data[4:7], "little") + 1
        layout.height = int.from_bytes(data[7:10], "little") + 1
        return
    if chunk.kind not in {_LOSSY, _LOSSLESS}:
        raise MalformedMedia("webp-damaged", offset=chunk.start)
    layout.width, layout.height, alpha = _bitstream(file, chunk)
    layout.flags = _HAS_ALPHA if alpha else 0
    layout.data_end = chunk.end


def _note(file: BinaryIO, layout: _Layout, chunk: Chunk) -> None:
    if chunk.kind == b"EXIF":
        layout.exif.append(chunk)
    elif chunk.kind == b"XMP ":
        layout.xmp.append(chunk)
    elif chunk.kind == b"C2PA":
        layout.has_manifest = True
    elif chunk.kind in _PIXELS:
        _check_pixels(file, layout, chunk)
        layout.data_end = chunk.end


def _check_pixels(file: BinaryIO, layout: _Layout, chunk: Chunk) -> None:
    """Refuse picture data that their header contradicts, so that no damaged file gets a label."""
    animated = bool(layout.flags & _ANIMATED)
    if animated != (chunk.kind == b"ANMF") or (layout.data_end and not animated):
        raise MalformedMedia("webp-damaged", offset=chunk.start)
    if not animated:
        _bitstream(file, chunk)
        return
    inner = riff.chunks(file, chunk.data + _FRAME_SIZE, chunk.data + chunk.length) if chunk.length > _FRAME_SIZE else ()
    pixels = next((each for each in inner if each.kind in {_LOSSY, _LOSSLESS}), None)
    if pixels is None:
        raise MalformedMedia("webp-damaged", offset=chunk.start)
    _bitstream(file, pixels)


def _bitstream(file: BinaryIO, chunk: Chunk) -> tuple[int, int, bool]:
    """Return width, height and whether there is transparency (RFC 6386, 9.1; RFC 9649, 3.4)."""
    if chunk.kind == _LOSSLESS:
        data = riff.head(file, chunk, _LOSSLESS_HEAD)
        bits = int.from_bytes(data[1:], "little")
        if data[0] != _LOSSLESS_SIGNATURE or bits >> 29:
            raise MalformedMedia("webp-damaged", offset=chunk.start)
        return (bits & _SIDE) + 1, (bits >> 14 & _SIDE) + 1, bool(bits >> 28 & 1)
    data = riff.head(file, chunk, _LOSSY_HEAD)
    width, height = (int.from_bytes(data[at : at + 2], "little") & _SIDE for at in (6, 8))
    first_partition = int.from_bytes(data[:3], "little") >> 5
    inter_frame = data[0] & 1
    if inter_frame or data[3:6] != b"\x9d\x01\x2a" or not width or not height or first_partition > chunk.length:
        raise MalformedMedia("webp-damaged", offset=chunk.start)
    return width, height, False


HANDLER: Final = Handler(
    "webp",
    "image",
    "image/webp",
    (".webp",),
    sniff,
    read,
    write,
    places=Places(exif="EXIF", xmp="XMP", manifest="C2PA", aigc=("xmp", "exif-user-comment", "exif-image-description")),
    draws_notices=True,
)
