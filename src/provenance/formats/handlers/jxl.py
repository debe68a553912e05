"""JPEG XL: EXIF and XMP in boxes of their own before the picture; a bare codestream holds neither (ISO/IEC 18181-2).

Boxes may be compressed, and encoders do so unasked. One that is edited is written plain; all others stay as they are.
"""

from __future__ import annotations

from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import bmff, brotli_box, exif_item
from provenance.formats.base import (
    BLOCK,
    METADATA_LIMIT,
    Container,
    Handler,
    Places,
    check_carrier_size,
    check_picture_size,
)
from provenance.formats.bmff import Box
from provenance.formats.splice import Edit, splice
from provenance.metadata import exif, position

_CODESTREAM: Final = b"\xff\x0a"
_SIGNATURE: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
_NO_OFFSET: Final = bytes(4)  # the TIFF stream follows at once
_HEADER_SIZE: Final = 32  # bytes; sizes and orientation take 16 at most
_LAST_PART: Final = 1 << 31
_RDF: Final = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_MANIFEST: Final = b"jumdc2pa"  # type of the description box, start of the UUID in it
_COMPRESSED: Final = b"brob"  # the type of what is in it comes first
_TYPE_SIZE: Final = 4
_CARRIERS: Final = frozenset({b"Exif", b"xml ", b"jumb"})

# SizeHeader (ISO/IEC 18181-1, D.2): bits of a side; and widths of the aspect ratios 1 to 7, in parts of the height.
_SIDE_BITS: Final = (9, 13, 18, 30)
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


class _Layout(NamedTuple):
    boxes: list[Box]
    exif: list[Box]
    xmp: list[Box]
    width: int
    height: int
    orientation: int
    has_manifest: bool


class _Bits:
    """Reads a codestream bit by bit, the lowest one first."""

    def __init__(self, data: bytes) -> None:
        self.left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self.left & ((1 << count) - 1)
        self.left >>= count
        return value


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a JPEG XL file with boxes does."""
    return head.startswith(_SIGNATURE)


def sniff_bare(head: bytes) -> bool:
    """Say whether the content starts as a JPEG XL codestream does."""
    return head.startswith(_CODESTREAM)


def read(file: BinaryIO, *, whole: bool = True) -> Container:  # noqa: ARG001 -- pictures have no checksum
    """Return what a file with boxes holds.

    Raises:
        MalformedMedia: ``jxl-damaged``, ``jxl-truncated``, ``brotli-damaged``, or see `bmff.boxes`.
        MediaTooLarge: The picture or one of its carriers exceeds a limit.
        OSError: Reading failed.
    """
    layout = _parse(file)
    warnings = {"exif-repeated": len(layout.exif) > 1, "xmp-repeated": len(layout.xmp) > 1}
    return Container(
        format="jxl",
        media="image",
        mime="image/jxl",
        width=layout.width,
        height=layout.height,
        orientation=layout.orientation,
        exif=exif_item.split(_content(file, layout.exif[0]))[1] if layout.exif else None,
        xmp=_content(file, layout.xmp[0]) if layout.xmp else None,
        xmp_count=len(layout.xmp),
        has_manifest=layout.has_manifest,
        warnings=tuple(code for code, holds in warnings.items() if holds),
    )


def read_bare(file: BinaryIO, *, whole: bool = True) -> Container:  # noqa: ARG001 -- pictures have no checksum
    """Return what a codestream without boxes is: a picture of some size.

    Raises:
        MalformedMedia: ``jxl-truncated``: it ends within its header.
        MediaTooLarge: It has too many pixels.
        OSError: Reading failed.
    """
    file.seek(0)
    width, height, orientation = _header(file.read(_HEADER_SIZE), 0)
    return Container(
        format="jxl-codestream",
        media="image",
        mime="image/jxl",
        width=width,
        height=height,
        orientation=orientation,
    )


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    known: bool = False,  # noqa: ARG001 -- pictures have no checksum that a second look could find wrong
) -> None:
    """Append a copy of `source` to `target` with other carriers; new ones go before the picture.

    Raises:
        MetadataNotWritten: ``xmp-repeated``: the file has several packets and readers would not agree on one.
        MalformedMedia: See `read`.
        OSError: Reading or writing failed.
    """
    layout = _parse(source)
    if xmp is not None and len(layout.xmp) > 1:
        raise MetadataNotWritten("xmp-repeated", offset=layout.xmp[1].start)
    edits = []
    if exif is not None:
        old = _content(source, layout.exif[0]) if layout.exif else b""
        edits.append(_edit(layout, layout.exif, b"Exif", (exif_item.split(old)[0] or _NO_OFFSET) + exif))
    if xmp is not None:
        edits.append(_edit(layout, layout.xmp, b"xml ", xmp))
    splice(source, target, edits)


def write_bare(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    known: bool = False,  # noqa: ARG001 -- nothing is checked
) -> None:
    """Append a copy of `source` to `target`.

    Raises:
        MetadataNotWritten: ``container-holds-no-metadata``: a carrier is given.
        OSError: Reading or writing failed.
    """
    if exif is not None or xmp is not None:
        raise MetadataNotWritten("container-holds-no-metadata")
    splice(source, target, [])


def _edit(layout: _Layout, present: list[Box], kind: bytes, data: bytes) -> Edit:
    check_carrier_size(len(data), 0)
    if present:
        return Edit(present[0].start, present[0].end, bmff.pack(kind, data))
    # The level comes right after the file type (18181-2, 9.4).
    head = [box for at, box in enumerate(layout.boxes[:3]) if at < 2 or box.kind == b"jxll"]  # noqa: PLR2004
    return Edit(head[-1].end, head[-1].end, bmff.pack(kind, data))


def _parse(file: BinaryIO) -> _Layout:
    boxes = list(bmff.boxes(file))
    if [box.kind for box in boxes[:2]] != [b"JXL ", b"ftyp"]:
        raise MalformedMedia("jxl-damaged", offset=0)
    carriers = [(box, _kind(file, box)) for box in boxes if box.kind == _COMPRESSED or box.kind in _CARRIERS]
    return _Layout(
        boxes,
        [box for box, kind in carriers if kind == b"Exif"],
        _packets(file, [box for box, kind in carriers if kind == b"xml "]),
        *_header(_codestream(file, boxes), boxes[1].end),
        has_manifest=any(kind == b"jumb" and _is_manifest(file, box) for box, kind in carriers),
    )


def _kind(file: BinaryIO, box: Box) -> bytes:
    """Return the type of what a box holds, compressed or not."""
    return bmff.content(file, box, limit=_TYPE_SIZE) if box.kind == _COMPRESSED else box.kind


def _content(file: BinaryIO, box: Box, limit: int = METADATA_LIMIT) -> bytes:
    """Return what a box holds, expanded if it is compressed.

    Raises:
        MediaTooLarge: It is more than `limit`.
        MalformedMedia: ``brotli-damaged``.
    """
    data = bmff.content(file, box)
    return brotli_box.expanded(data[_TYPE_SIZE:], box.start, limit) if box.kind == _COMPRESSED else data


def _packets(file: BinaryIO, boxes: list[Box]) -> list[Box]:
    """Return which of the XML boxes hold XMP."""
    found = []
    left = METADATA_LIMIT  # a few bytes may expand to very many
    for box in boxes:
        data = _content(file, box, left)
        left -= len(data) if box.kind == _COMPRESSED else 0
        if _RDF in data:
            found.append(box)
    return found


def _positions_elsewhere(file: BinaryIO) -> list[Edit]:
    """Return the edits that take positions out of further EXIF boxes.

    Raises:
        MetadataNotWritten: ``position-not-erased``: a compressed box that `write` does not reach states one, and cannot
            change without moving what follows it.
        MediaTooLarge: They expand to more than any metadata may.
        MalformedMedia: See `read`.
        OSError: Reading failed.
    """
    layout = _parse(file)
    edits = []
    left = METADATA_LIMIT
    for box in layout.boxes:
        if box in (*layout.exif[:1], *layout.xmp[:1]) or box.kind not in {_COMPRESSED, b"Exif"}:
            continue
        data = _content(file, box, left)
        left -= len(data)
        cleaned = _without_position(_kind(file, box), data)
        if cleaned is None or (cleaned != data and box.kind == _COMPRESSED):
            raise MetadataNotWritten("position-not-erased", where=box.kind.decode(), offset=box.start)
        if cleaned != data:
            edits.append(Edit(box.payload, box.end, cleaned))
    return edits


def _without_position(kind: bytes, data: bytes) -> bytes | None:
    """Return as many bytes without a position; None where it cannot be taken out."""
    if kind != b"Exif":
        return None if any(position.stated(data)) else data
    before, block = exif_item.split(data)
    try:
        return before + exif.without_position(block)
    except MalformedMedia:
        return None


def _codestream(file: BinaryIO, boxes: list[Box]) -> bytes:
    """Return the first bytes of the codestream, which lies in one box, or in several that count themselves."""
    whole = [box for box in boxes if box.kind == b"jxlc"]
    parts = [box for box in boxes if box.kind == b"jxlp"]
    if len(whole) + bool(parts) != 1:
        raise MalformedMedia("jxl-truncated" if not whole else "jxl-damaged", offset=boxes[-1].end)
    if whole:
        return bmff.content(file, whole[0], limit=_HEADER_SIZE)
    start = b""
    for box in parts:
        data = bmff.content(file, box, limit=4 + _HEADER_SIZE)
        start += data[4:] if len(start) < _HEADER_SIZE else b""
    if not int.from_bytes(data[:4], "big") & _LAST_PART:
        raise MalformedMedia("jxl-truncated", offset=parts[-1].end)
    return start


def _header(codestream: bytes, offset: int) -> tuple[int, int, int]:
    """Return width, height and orientation of the picture (ISO/IEC 18181-1, D.2 and D.3)."""
    bits = _Bits(codestream + b"\1")
    if bits.take(16) != int.from_bytes(_CODESTREAM, "little"):
        raise MalformedMedia("jxl-damaged", offset=offset)
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    upper, lower = _RATIOS[ratio - 1]
    width = height * upper // lower if ratio else _side(bits, small)
    has_defaults = bits.take(1)
    orientation = 1 + bits.take(3) if not has_defaults and bits.take(1) else 1
    if not bits.left:
        # The bit set behind the end has been used up.
        raise MalformedMedia("jxl-truncated", offset=offset + len(codestream))
    check_picture_size(width, height)
    return width, height, orientation


def _side(bits: _Bits, small: int) -> int:
    return 8 * (1 + bits.take(5)) if small else 1 + bits.take(_SIDE_BITS[bits.take(2)])


def _is_manifest(file: BinaryIO, box: Box) -> bool:
    """Say whether a box is a C2PA store: a JUMBF superbox described so (ISO 19566-5, annex D)."""
    head = bmff.content(file, box, limit=12 if box.kind != _COMPRESSED else BLOCK)
    if box.kind == _COMPRESSED:
        head = brotli_box.start(head[_TYPE_SIZE:], box.start, 12)
    return head[4:] == _MANIFEST


_PLACES: Final = Places(
    exif="Exif box",
    xmp="xml box",
    manifest="jumb box",
    aigc=("xmp", "exif-user-comment", "exif-image-description"),
)

HANDLERS: Final = (
    Handler(
        "jxl",
        "image",
        "image/jxl",
        (".jxl",),
        sniff,
        read,
        write,
        places=_PLACES,
        positions_elsewhere=_positions_elsewhere,
    ),
    Handler(
        "jxl-codestream",
        "image",
        "image/jxl",
        (".jxl",),
        sniff_bare,
        read_bare,
        write_bare,
        embeds=False,
        signs=False,
    ),
)
