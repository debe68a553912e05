"""TIFF and BigTIFF: EXIF in its directories, XMP in tag 700, C2PA in tag 52545; edited by appending only (TIFF 6.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

from provenance.errors import MetadataNotWritten, UnsupportedFormat
from provenance.formats import photoshop, tiff, tiff_exif, tiff_positions
from provenance.formats.base import Container, Handler, Places, check_carrier_size, check_picture_size
from provenance.formats.splice import Edit, splice
from provenance.formats.tiff import HEIGHT, PAGE, SPAN_LIMIT, WIDTH, Directory, Found, Span, Stream
from provenance.formats.tiff_append import Appendix, shared
from provenance.metadata.ifd import EXIF_IFD, GPS_IFD, INTEROP_IFD, UNDEFINED, Entry, Value

_IPTC: Final = 0x83BB
_PHOTOSHOP: Final = 0x8649
_MANIFEST: Final = 0xCD41
_MAKE, _PHOTOMETRIC, _DNG_VERSION = 0x010F, 0x0106, 0xC612
_RAW_PHOTOMETRIC: Final = frozenset({32803, 34892})  # a colour filter array, as read or taken apart (TIFF/EP; DNG)
_METADATA: Final = frozenset({EXIF_IFD, GPS_IFD, INTEROP_IFD})
_PAGE_LOST: Final = "tiff-page-would-be-added"


@dataclass(slots=True)
class _Layout:
    stream: Stream
    image: Directory
    exif: Directory | None = None
    gps: Directory | None = None
    pages: int = 0
    has_manifest: bool = False
    further_position: bool = False


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a TIFF or BigTIFF file does."""
    return head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a TIFF file holds, every directory and picture in its place; without `whole`, of the first page.

    `Container.exif` is a block made from the directories of the first page: see `tiff_exif`.

    Raises:
        MalformedMedia: ``tiff-truncated``, or ``tiff-damaged`` for any other defect.
        MediaTooLarge: The first picture or one of its carriers exceeds a limit.
        UnsupportedFormat: ``tiff-camera-raw``: it holds what a sensor saw.
        OSError: Reading failed.
    """
    layout = _parse(file, whole=whole)
    stream, image = layout.stream, layout.image
    packets = _packets(image)
    iim, iim_damaged = _iim(stream, image)
    several = layout.pages > 1
    warnings = {
        "xmp-repeated": len(packets) > 1,
        "photoshop-damaged": iim_damaged,
        "tiff-several-pages": several,
        "tiff-further-position": layout.further_position,
        _PAGE_LOST: several,
    }
    return Container(
        format="tiff",
        media="image",
        mime="image/tiff",
        width=tiff.integer(stream, image.get(WIDTH)) or 0,
        height=tiff.integer(stream, image.get(HEIGHT)) or 0,
        exif=tiff_exif.block(stream, image, layout.exif, layout.gps),
        xmp=_packet(stream, packets[0]) if packets else None,
        xmp_count=len(packets),
        iim=iim,
        has_manifest=layout.has_manifest,
        unsignable=_PAGE_LOST if several else None,
        warnings=tuple(code for code, holds in warnings.items() if holds),
    )


def write(source: BinaryIO, target: BinaryIO, *, exif: bytes | None, xmp: bytes | None, known: bool = False) -> None:
    """Append a copy of `source` to `target` with other carriers; of `exif` the Exif and GPS directories are taken.

    The bytes of a position that changes or goes, and of an XMP packet that is replaced, are overwritten with zeros: a
    search through the file would still find them. XMP has the type that TC260-PG-20259A asks for.

    Raises:
        MetadataNotWritten: ``xmp-repeated``: the first page has several packets and readers would not agree on one;
            ``tiff-full``: a classic TIFF would exceed 4 GiB.
        MalformedMedia: See `read`; ``exif-damaged``: `exif` is no EXIF block.
        OSError: Reading or writing failed.
    """
    layout = _parse(source, whole=not known)
    splice(source, target, _edits(layout, exif, xmp))


def _edits(layout: _Layout, exif: bytes | None, xmp: bytes | None) -> list[Edit]:
    stream = layout.stream
    appendix = Appendix(stream)
    image: dict[int, Value | None] = {}
    old: dict[Span, tuple[int, int]] = {}  # what is no longer needed: offset of its directory, and tag
    positions: dict[Span, tuple[int, int]] = {}  # of it, what must not be found again
    if exif is not None:
        for name, part, changes in _changed(layout, exif):
            kept = part is not None and any(entry.tag not in changes for entry in part.entries)
            image[name] = appendix.add(part, changes) if kept or any(changes.values()) else None
            if name == GPS_IFD and part is not None:
                positions |= _positions(stream, part, changes)
    if xmp is not None:
        packets = _packets(layout.image)
        if len(packets) > 1:
            raise MetadataNotWritten("xmp-repeated", offset=packets[1].at)
        check_carrier_size(len(xmp), 0)
        if not packets or _packet(stream, packets[0]) != xmp:
            image[tiff_positions.XMP] = Value(UNDEFINED, len(xmp), xmp)
            page = layout.image.span.start
            old |= {_span(entry): (page, tiff_positions.XMP) for entry in packets if tiff.is_outside(stream, entry)}
    if not image:
        return []
    return appendix.edits(appendix.add(layout.image, image), _erasable(stream, old, positions))


def _changed(layout: _Layout, exif: bytes) -> list[tuple[int, Directory | None, tiff_exif.Changes]]:
    found = tiff_exif.changes(exif, layout.stream, layout.exif, layout.gps)
    parts = {EXIF_IFD: layout.exif, GPS_IFD: layout.gps}
    return [(name, parts[name], changes) for name, changes in found.items() if changes]


def _positions(stream: Stream, gps: Directory, changes: tiff_exif.Changes) -> dict[Span, tuple[int, int]]:
    """Return where the values lie that an edit changes or takes out, and their directory; nothing if it only adds."""
    gone = [entry for entry in gps.entries if entry.tag in changes]
    spans = {_span(entry): (gps.span.start, entry.tag) for entry in gone if tiff.is_outside(stream, entry)}
    return {**spans, gps.span: (gps.span.start, PAGE)} if gone else {}


def _erasable(stream: Stream, old: dict[Span, tuple[int, int]], positions: dict[Span, tuple[int, int]]) -> list[Span]:
    """Return what of `old` may be overwritten, and all `positions`.

    Raises:
        MalformedMedia: ``tiff-damaged``: a position shares its bytes with something else, so it cannot be taken out.
    """
    both = old | positions
    taken = shared(stream, both.keys(), set(both.values())) if both else set()
    if lost := taken & positions.keys():
        raise tiff.damaged(min(lost).start)
    return sorted(both.keys() - taken)


def _parse(file: BinaryIO, *, whole: bool) -> _Layout:
    stream = tiff.open_stream(file)
    layout: _Layout | None = None
    left = SPAN_LIMIT
    search = tiff_positions.Search(stream)
    for found in tiff.walk(stream):
        if layout is None:
            layout = _Layout(stream, found.directory)
            _check_first(stream, found.directory)
        elif found.page and not whole:
            break
        _note(layout, found)
        layout.further_position = layout.further_position or search.finds(found)
        if found.name not in _METADATA:
            _refuse_raw(layout, found.directory)
            if whole:
                left = tiff.check_pixels(stream, found.directory, left)
    if layout is None:
        raise tiff.truncated(stream.size)
    return layout


def _note(layout: _Layout, found: Found) -> None:
    if found.is_first and found.name == EXIF_IFD:
        layout.exif = found.directory
    elif found.is_first and found.name == GPS_IFD:
        layout.gps = found.directory
    elif found.name == PAGE:
        # C2PA's library keeps the manifest of a file with several pages in a page of its own, without a picture.
        layout.pages += found.directory.get(WIDTH) is not None
        layout.has_manifest |= found.directory.get(_MANIFEST) is not None


def _check_first(stream: Stream, image: Directory) -> None:
    sides = [tiff.integer(stream, image.get(tag)) for tag in (WIDTH, HEIGHT)]
    if not sides[0] or not sides[1]:
        raise tiff.damaged(image.span.start)
    check_picture_size(sides[0], sides[1])


def _refuse_raw(layout: _Layout, directory: Directory) -> None:
    """Refuse what a camera wrote for a developer to read: nobody publishes it, and its makers publish no format."""
    stream = layout.stream
    is_raw = tiff.integer(stream, directory.get(_PHOTOMETRIC)) in _RAW_PHOTOMETRIC
    if not is_raw and directory.get(_DNG_VERSION) is None and tiff.bytes_at(stream, 8, 2) != b"CR":
        return
    make = layout.image.get(_MAKE)
    maker = tiff.data(stream, make)[:40].partition(b"\0")[0].decode("ascii", "replace").strip() if make else ""
    raise UnsupportedFormat("tiff-camera-raw", maker=maker)


def _packets(image: Directory) -> list[Entry]:
    return [entry for entry in image.entries if entry.tag == tiff_positions.XMP and entry.size]


def _packet(stream: Stream, entry: Entry) -> bytes:
    # Some writers close it with a NUL as they do texts.
    return tiff.data(stream, entry).rstrip(b"\0")


def _span(entry: Entry) -> Span:
    return Span(entry.at, entry.at + entry.size)


def _iim(stream: Stream, image: Directory) -> tuple[bytes | None, bool]:
    """Return the IIM datasets and whether their block is damaged; those outside of Photoshop's block come first."""
    if entry := image.get(_IPTC):
        return tiff.data(stream, entry), False
    entry = image.get(_PHOTOSHOP)
    try:
        return (photoshop.iptc_of(tiff.data(stream, entry)) if entry else None), False
    except ValueError:
        return None, True


HANDLER: Final = Handler(
    "tiff",
    "image",
    "image/tiff",
    (".tif", ".tiff", ".btf", ".tf8"),
    sniff,
    read,
    write,
    places=Places(
        exif="Exif IFD, GPS IFD",
        xmp="tag 700",
        iptc="tag 33723, tag 34377",
        manifest="tag 52545",
        aigc=("xmp", "exif-user-comment", "exif-image-description"),
    ),
    positions_elsewhere=tiff_positions.edits,
    draws_notices=True,
)
