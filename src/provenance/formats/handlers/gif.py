"""GIF: XMP and C2PA in application extensions, no place for EXIF; every other block goes over byte-exact (GIF89a)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Final

from provenance._files import begin_flush
from provenance.errors import MetadataNotWritten
from provenance.formats import gif_blocks
from provenance.formats.base import Container, Handler, Places, check_carrier_size
from provenance.formats.gif_blocks import APPLICATION, COMMENT, EXTENSION, IMAGE, VERSIONS, Block, Header
from provenance.formats.splice import Edit, splice

_XMP: Final = b"XMP DataXMP"
_MANIFEST: Final = b"C2PA_GIF"
_LOOPS: Final = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})
_VERSION_AT: Final = 4
# The packet stands there bare, so a reader of sub-blocks takes its letters for lengths. From wherever it comes to the
# trailer, each length leads on to the last byte, which ends the extension (XMP specification, part 3, 1.1.2).
_XMP_TRAILER: Final = b"\x01" + bytes(range(255, -1, -1)) + b"\0"


@dataclass(slots=True)
class _Layout:
    header: Header
    free: int  # where a new extension goes
    xmp: list[Block] = field(default_factory=list)
    first_image: int = 0
    has_manifest: bool = False
    end: int = 0


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a GIF file does."""
    return head.startswith(VERSIONS)


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a GIF file holds; without `whole`, its frames and what follows the first one are not looked at.

    Raises:
        MalformedMedia: ``gif-truncated``, or ``gif-damaged`` for any other defect.
        MediaTooLarge: The picture or one of its carriers exceeds a limit.
        OSError: Reading failed.
    """
    layout = _parse(file, whole=whole)
    file.seek(layout.end)
    warnings = {
        "xmp-repeated": len(layout.xmp) > 1,
        "data-after-picture": whole and bool(file.read(1)),
    }
    return Container(
        format="gif",
        media="image",
        mime="image/gif",
        width=layout.header.width,
        height=layout.header.height,
        xmp=_packet(file, layout.xmp[0]) if layout.xmp else None,
        xmp_count=len(layout.xmp),
        has_manifest=layout.has_manifest,
        warnings=tuple(code for code, holds in warnings.items() if holds),
    )


def write(source: BinaryIO, target: BinaryIO, *, exif: bytes | None, xmp: bytes | None, known: bool = False) -> None:
    """Append a copy of `source` to `target` with another XMP packet, which stands before the first frame.

    A file that says it is GIF87a says GIF89a afterwards: the version names the least a decoder must know (section 17),
    and application extensions came with 89a.

    Raises:
        MetadataNotWritten: ``gif-holds-no-exif``; ``xmp-repeated``: the file has several packets and readers would not
            agree on one.
        MalformedMedia: See `read`.
        OSError: Reading or writing failed.
    """
    if exif is not None:
        raise MetadataNotWritten("gif-holds-no-exif")
    start = target.tell()
    head = _parse(source, whole=False)
    splice(source, target, _edits(head, xmp))
    if known and xmp is None:
        return
    # The disk is at work already while the frames are walked; hardly any file has a packet behind them.
    begin_flush(target)
    layout = _parse(source, whole=True)
    if xmp is not None and layout.xmp != head.xmp:
        target.seek(start)
        target.truncate()
        splice(source, target, _edits(layout, xmp))


def _edits(layout: _Layout, xmp: bytes | None) -> list[Edit]:
    if xmp is None:
        return []
    if len(layout.xmp) > 1:
        raise MetadataNotWritten("xmp-repeated", offset=layout.xmp[1].start)
    check_carrier_size(len(xmp), 0)
    extension = bytes([EXTENSION, APPLICATION, len(_XMP)]) + _XMP + xmp + _XMP_TRAILER
    edits = [Edit(_VERSION_AT, _VERSION_AT + 1, b"9")]
    for old in layout.xmp:
        if old.start < layout.first_image:
            return [*edits, Edit(old.start, old.end, extension)]
        edits.append(Edit(old.start, old.end, b""))
    return [*edits, Edit(layout.free, layout.free, extension)]


def _parse(file: BinaryIO, *, whole: bool) -> _Layout:
    header = gif_blocks.header(file)
    layout = _Layout(header, free=header.end)
    leading = True
    for block in gif_blocks.blocks(file, header.end):
        layout.end = block.end
        name = gif_blocks.application(file, block)
        leading &= bool(name) or (block.kind == EXTENSION and block.label == COMMENT)
        if name == _XMP:
            layout.xmp.append(block)
        elif name.startswith(_MANIFEST):
            layout.has_manifest = True
        elif name in _LOOPS and leading:
            # Browsers look for the number of loops right behind the colours, so that stays in front.
            layout.free = block.end
        elif block.kind == IMAGE:
            layout.first_image = layout.first_image or block.start
            if not whole:
                break
    return layout


def _packet(file: BinaryIO, block: Block) -> bytes:
    """Return a packet, which stands bare before its trailer or, as some writers have it, in sub-blocks."""
    data = gif_blocks.application_data(file, block)
    if data.endswith(_XMP_TRAILER):
        return data[: -len(_XMP_TRAILER)]
    parts = []
    at = 0
    while data[at : at + 1].strip(b"\0"):
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts)


HANDLER: Final = Handler(
    "gif",
    "image",
    "image/gif",
    (".gif",),
    sniff,
    read,
    write,
    holds_exif=False,
    places=Places(xmp="application extension", manifest="application extension", aigc=("xmp",)),
    draws_notices=True,
)
