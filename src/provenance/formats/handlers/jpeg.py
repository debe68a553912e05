"""JPEG: EXIF and XMP in APP1, IPTC-IIM in APP13, C2PA in APP11; everything else goes over byte-exact."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, Final

from provenance._files import begin_flush
from provenance.errors import MetadataNotWritten
from provenance.formats import jpeg_segments, maker_notes, mpf, photoshop, xmp_extension
from provenance.formats.base import Container, Handler, Places, check_carrier_size
from provenance.formats.jpeg_segments import APP0, APP1, APP2, APP11, APP13, PAYLOAD_LIMIT, Layout, Segment
from provenance.formats.splice import Edit, splice

_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP: Final = b"Photoshop 3.0\0"
_JUMBF: Final = b"JP"
_TRAILER_PEEK: Final = 4096
_SECOND_PICTURE_LOST: Final = "jpeg-second-picture-would-be-lost"


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a JPEG file does, even one cut down to its first two bytes."""
    return head.startswith(b"\xff\xd8\xff") or head == b"\xff\xd8"


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a JPEG file holds; without `whole`, its scans and what follows them are not looked at.

    Raises:
        MalformedMedia: See `jpeg_segments.parse`.
        MediaTooLarge: The picture has too many pixels.
        OSError: Reading failed.
    """
    layout = jpeg_segments.parse(file) if whole else jpeg_segments.parse_header(file)
    exif = _with_prefix(file, layout, APP1, _EXIF)
    xmp = _with_prefix(file, layout, APP1, _XMP)
    iim, iim_damaged = _iim(file, layout)
    pictures = max((mpf.count(jpeg_segments.payload(file, s)) for s in _mpf(file, layout)), default=1)
    manifests = _manifests(file, layout)
    extension, extension_damaged = _extension(file, layout, xmp)
    block = jpeg_segments.payload(file, exif[0])[len(_EXIF) :] if exif else None
    trails = whole and pictures <= 1 and _has_trailer(file, layout)
    unsignable = pictures > 1 and _manifest_goes_behind(_mpf(file, layout)[0], layout, manifests)
    warnings = {
        "exif-repeated": len(exif) > 1,
        "xmp-repeated": len(xmp) > 1,
        "xmp-extension-damaged": extension_damaged,
        "photoshop-damaged": iim_damaged,
        "jpeg-stray-bytes": layout.stray is not None,
        "jpeg-several-pictures": pictures > 1,
        _SECOND_PICTURE_LOST: unsignable,
        "data-after-picture": trails,
        "preview-after-picture": trails
        and maker_notes.point_behind(block or b"", layout.end, file.seek(0, os.SEEK_END)),
    }
    return Container(
        format="jpeg",
        media="image",
        mime="image/jpeg",
        width=layout.width,
        height=layout.height,
        exif=block,
        xmp=jpeg_segments.payload(file, xmp[0])[len(_XMP) :] if xmp else None,
        xmp_count=len(xmp),
        xmp_extension=extension,
        iim=iim,
        has_manifest=bool(manifests),
        unsignable=_SECOND_PICTURE_LOST if unsignable else None,
        warnings=tuple(code for code, holds in warnings.items() if holds),
    )


def write(source: BinaryIO, target: BinaryIO, *, exif: bytes | None, xmp: bytes | None, known: bool = False) -> None:
    """Append a copy of `source` to `target` with other carriers; the scans of a `known` source are not checked again.

    Raises:
        MetadataNotWritten: ``exif-segment-full`` or ``xmp-segment-full``: it does not fit one segment;
            ``xmp-repeated``: the file has several packets and readers would not agree on one.
        MalformedMedia: See `jpeg_segments.parse`.
        OSError: Reading or writing failed.
    """
    write_extended(source, target, exif=exif, xmp=xmp, extension=None, known=known)


def write_extended(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    extension: bytes | None,
    known: bool = False,
) -> None:
    """Append a copy as `write` does, with an XMP extension that `xmp` names; None leaves it as it is.

    An extension is given together with the packet that names it.

    Raises:
        See `write`.
    """
    _check_fits("exif", _EXIF, exif)
    _check_fits("xmp", _XMP, xmp)
    layout = jpeg_segments.parse_header(source)
    exif_at = _with_prefix(source, layout, APP1, _EXIF)
    xmp_at = _with_prefix(source, layout, APP1, _XMP)
    if xmp is not None and len(xmp_at) > 1:
        raise MetadataNotWritten("xmp-repeated", offset=xmp_at[1].start)
    # The Exif standard puts APP1 right after SOI and JFIF puts APP0 there. Every reader looks behind APP0 for EXIF,
    # some want JFIF first; what follows JFIF as APP0 (its extension, CIFF) belongs to it. XMP comes next.
    start = _after_leading_app0(layout)
    edits = []
    if exif is not None:
        edits.append(_edit(exif_at, start, _EXIF + exif))
    if xmp is not None:
        edits.append(_edit(xmp_at, max(start, exif_at[0].end) if exif_at else start, _XMP + xmp))
    if extension is not None:
        edits += _extension_edits(source, layout, xmp_at, edits[-1].end, extension)
    for index in _mpf(source, layout) if edits else ():
        grown = sum(edit.growth for edit in edits)
        behind = sum(edit.growth for edit in edits if edit.start > index.start)
        new = mpf.moved(jpeg_segments.payload(source, index), grown, behind)
        edits.append(Edit(index.payload, index.end, new))
    splice(source, target, edits)
    if not known:
        # The header decides what changes, so the disk is at work already while the scans, nearly all of it, are read.
        begin_flush(target)
        jpeg_segments.check_scans(source, layout)


def _check_fits(carrier: str, prefix: bytes, value: bytes | None) -> None:
    limit = PAYLOAD_LIMIT - len(prefix)
    if value is not None and len(value) > limit:
        raise MetadataNotWritten(f"{carrier}-segment-full", size=len(value), limit=limit)


def _edit(present: list[Segment], start: int, content: bytes) -> Edit:
    segment = _segment(content)
    return Edit(present[0].start, present[0].end, segment) if present else Edit(start, start, segment)


def _extension_edits(
    source: BinaryIO, layout: Layout, packets: list[Segment], start: int, extension: bytes
) -> Iterator[Edit]:
    """Yield edits that put an extension in the place of the one that the packet names, or else at `start`."""
    parts = [(each, jpeg_segments.payload(source, each)) for each in _extension_parts(source, layout)]
    main = jpeg_segments.payload(source, packets[0]) if packets else b""
    old = [segment for segment, payload in parts if xmp_extension.belongs(payload, main)]
    new = b"".join(map(_segment, xmp_extension.parts_of(extension)))
    yield Edit(old[0].start, old[0].end, new) if old else Edit(start, start, new)
    yield from (Edit(segment.start, segment.end, b"") for segment in old[1:])


def _extension_parts(file: BinaryIO, layout: Layout) -> list[Segment]:
    parts = _with_prefix(file, layout, APP1, xmp_extension.PREFIX)
    check_carrier_size(sum(part.end - part.start for part in parts), parts[0].start if parts else 0)
    return parts


def _segment(content: bytes) -> bytes:
    return bytes((0xFF, APP1)) + (len(content) + 2).to_bytes(2, "big") + content


def _extension(file: BinaryIO, layout: Layout, xmp: list[Segment]) -> tuple[bytes | None, bool]:
    """Return the XMP extension and whether one is there that is not whole."""
    parts = _extension_parts(file, layout)
    if not parts or not xmp:
        return None, bool(parts)
    payloads = [jpeg_segments.payload(file, part) for part in parts]
    extension = xmp_extension.joined(jpeg_segments.payload(file, xmp[0]), payloads)
    return extension, extension is None


def _after_leading_app0(layout: Layout) -> int:
    end = jpeg_segments.FIRST
    for segment in layout.header:
        if segment.marker != APP0:
            break
        end = segment.end
    return end


def _with_prefix(file: BinaryIO, layout: Layout, marker: int, prefix: bytes) -> list[Segment]:
    return [
        segment
        for segment in layout.header
        if segment.marker == marker and jpeg_segments.payload(file, segment, len(prefix)) == prefix
    ]


def _mpf(file: BinaryIO, layout: Layout) -> list[Segment]:
    return _with_prefix(file, layout, APP2, mpf.PREFIX)[:1]


def _iim(file: BinaryIO, layout: Layout) -> tuple[bytes | None, bool]:
    """Return the IIM datasets and whether their block is damaged; a block over 64 KB goes on in the next APP13."""
    parts = _with_prefix(file, layout, APP13, _PHOTOSHOP)
    check_carrier_size(sum(part.end - part.start for part in parts), parts[0].start if parts else 0)
    block = b"".join(jpeg_segments.payload(file, part)[len(_PHOTOSHOP) :] for part in parts)
    try:
        return photoshop.iptc_of(block), False
    except ValueError:
        return None, True


def _manifests(file: BinaryIO, layout: Layout) -> list[Segment]:
    """Return each APP11 that starts a C2PA store: a JUMBF superbox described so (ISO 19566-5, annex D; C2PA, A.3.1)."""
    found = []
    for segment in _with_prefix(file, layout, APP11, _JUMBF):
        # "JP", instance, packet number; size and type of the superbox; size, type and UUID of its description.
        head = jpeg_segments.payload(file, segment, 28)
        if head[12:16] == b"jumb" and head[20:28] == b"jumdc2pa":
            found.append(segment)
    return found


def _manifest_goes_behind(index: Segment, layout: Layout, manifests: list[Segment]) -> bool:
    """Say whether a new manifest would part the MPF index from the pictures it points at.

    C2PA's library puts a manifest in the place of an old one, or else behind the last APP0, and leaves the index as it
    is: its offsets stay true only if what grows lies in front of it.
    """
    anchors = manifests or [segment for segment in layout.header if segment.marker == APP0]
    return any(segment.start > index.start for segment in anchors)


def _has_trailer(file: BinaryIO, layout: Layout) -> bool:
    """Say whether something other than padding follows the picture: a motion photo's video, a vendor's block."""
    file.seek(layout.end)
    return bool(file.read(_TRAILER_PEEK).strip(b"\0\xff"))


HANDLER: Final = Handler(
    "jpeg",
    "image",
    "image/jpeg",
    (".jpg", ".jpeg", ".jpe"),
    sniff,
    read,
    write,
    places=Places(
        exif="APP1",
        xmp="APP1",
        iptc="APP13",
        manifest="APP11",
        aigc=("xmp", "exif-user-comment", "exif-image-description"),
    ),
    draws_notices=True,
    write_extended=write_extended,
    xmp_limit=xmp_extension.MAIN_LIMIT,
)
