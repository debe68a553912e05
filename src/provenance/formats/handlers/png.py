"""PNG and APNG: EXIF in eXIf, XMP in iTXt, C2PA in caBX; every other chunk goes over byte-exact (W3C PNG, 3rd ed.)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats import png_chunks
from provenance.formats.base import METADATA_LIMIT, Container, Handler, Places, check_carrier_size
from provenance.formats.png_chunks import HEADER_END, SIGNATURE, Chunk, Header, content
from provenance.formats.splice import Edit, splice

_XMP: Final = b"XML:com.adobe.xmp"
_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_KEYWORD_LIMIT: Final = 79  # bytes (11.3.3.1)
_TEXT_LIMIT: Final = 1000  # text chunks read, of which real files have a handful
_EXIF_PREFIX: Final = b"Exif\0\0"  # some writers leave the JPEG prefix in eXIf


class _Text(NamedTuple):
    keyword: bytes
    value: bytes
    utf8: bool


@dataclass(slots=True)
class _Layout:
    header: Header
    exif: list[Chunk] = field(default_factory=list)
    texts: list[Chunk] = field(default_factory=list)
    first_data: int = 0
    has_manifest: bool = False
    end: int = 0


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a PNG file does, even one whose line ends a transfer changed."""
    return head.startswith(SIGNATURE[:4])


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a PNG file holds, every CRC checked; without `whole`, all but those of the picture data.

    Raises:
        MalformedMedia: ``png-truncated``, ``png-crc``, ``png-damaged`` or ``xmp-unreadable``.
        MediaTooLarge: The picture or one of its carriers exceeds a limit.
        OSError: Reading failed.
    """
    layout = _parse(file, whole=whole)
    xmp_chunks = _xmp_chunks(file, layout)
    texts, text_damaged = _other_texts(file, layout)
    file.seek(layout.end)
    warnings = {
        "exif-repeated": len(layout.exif) > 1,
        "xmp-repeated": len(xmp_chunks) > 1,
        "png-text-unreadable": text_damaged,
        "data-after-picture": bool(file.read(1)),
    }
    return Container(
        format="png",
        media="image",
        mime="image/png",
        width=layout.header.width,
        height=layout.header.height,
        exif=content(file, layout.exif[0]).removeprefix(_EXIF_PREFIX) if layout.exif else None,
        xmp=_xmp(file, xmp_chunks[0]) if xmp_chunks else None,
        xmp_count=len(xmp_chunks),
        texts=texts,
        has_manifest=layout.has_manifest,
        warnings=tuple(code for code, holds in warnings.items() if holds),
    )


def write(source: BinaryIO, target: BinaryIO, *, exif: bytes | None, xmp: bytes | None, known: bool = False) -> None:
    """Append a copy of `source` to `target` with other carriers; picture data of a `known` source are only copied.

    XMP is written uncompressed and before the pixels, as its specification (part 3, 1.1.5) and TC260-PG-20257A ask.

    Raises:
        MetadataNotWritten: ``xmp-repeated``: the file has several packets and readers would not agree on one.
        MalformedMedia: See `read`.
        OSError: Reading or writing failed.
    """
    layout = _parse(source, whole=not known)
    edits = []
    if exif is not None:
        edits += _edits(layout, layout.exif, b"eXIf", exif)
    if xmp is not None:
        present = _xmp_chunks(source, layout)
        if len(present) > 1:
            raise MetadataNotWritten("xmp-repeated", offset=present[1].start)
        # Keyword, then: not compressed, method 0, no language, no translated keyword.
        edits += _edits(layout, present, b"iTXt", _XMP + b"\0\0\0\0\0" + xmp)
    splice(source, target, edits)


def _edits(layout: _Layout, present: list[Chunk], kind: bytes, data: bytes) -> list[Edit]:
    check_carrier_size(len(data), 0)
    chunk = png_chunks.pack(kind, data)
    if not present:
        return [Edit(HEADER_END, HEADER_END, chunk)]
    old = present[0]
    if old.start < layout.first_data:
        return [Edit(old.start, old.end, chunk)]
    return [Edit(HEADER_END, HEADER_END, chunk), Edit(old.start, old.end, b"")]


def _parse(file: BinaryIO, *, whole: bool) -> _Layout:
    chunks = png_chunks.chunks(file, whole=whole)
    previous = next(chunks)
    layout = _Layout(png_chunks.header(file, previous))
    for chunk in chunks:
        if chunk.kind == b"IDAT":
            layout.first_data = layout.first_data or chunk.start
            if previous.kind != b"IDAT" and layout.first_data != chunk.start:
                raise MalformedMedia("png-damaged", offset=chunk.start)
        elif chunk.kind == b"eXIf":
            layout.exif.append(chunk)
        elif chunk.kind in _TEXTS:
            layout.texts.append(chunk)
        layout.has_manifest |= chunk.kind == b"caBX"
        layout.end = chunk.end
        previous = chunk
    if not layout.first_data:
        raise MalformedMedia("png-damaged", offset=layout.end)
    return layout


def _xmp_chunks(file: BinaryIO, layout: _Layout) -> list[Chunk]:
    found = []
    for chunk in layout.texts:
        file.seek(chunk.data)
        if chunk.kind == b"iTXt" and file.read(min(chunk.length, len(_XMP) + 1)) == _XMP + b"\0":
            found.append(chunk)
    return found


def _xmp(file: BinaryIO, chunk: Chunk) -> bytes:
    try:
        return _text(chunk.kind, content(file, chunk), METADATA_LIMIT).value
    except ValueError:
        raise MalformedMedia("xmp-unreadable", offset=chunk.start) from None


def _other_texts(file: BinaryIO, layout: _Layout) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Return the text fields other than XMP, and whether any had to be left out."""
    found = []
    left = METADATA_LIMIT
    damaged = len(layout.texts) > _TEXT_LIMIT
    for chunk in layout.texts[:_TEXT_LIMIT]:
        try:
            text = _text(chunk.kind, content(file, chunk), left)
        except (ValueError, MediaTooLarge):
            damaged = True
            continue
        if text.keyword == _XMP and chunk.kind == b"iTXt":
            continue
        left -= len(text.value)
        found.append((text.keyword.decode("latin-1"), _decoded(text)))
    return tuple(found), damaged


def _decoded(text: _Text) -> str:
    # tEXt and zTXt are Latin-1 by the standard; generators in China put UTF-8 there, which Latin-1 text hardly ever is.
    try:
        return text.value.decode("utf-8")
    except UnicodeDecodeError:
        return text.value.decode("utf-8", errors="replace") if text.utf8 else text.value.decode("latin-1")


def _text(kind: bytes, data: bytes, limit: int) -> _Text:
    """Split a text chunk (11.3.3).

    Raises:
        ValueError: It breaks its form, or expands beyond `limit` bytes.
    """
    keyword, separator, rest = data.partition(b"\0")
    if not separator or len(keyword) > _KEYWORD_LIMIT:
        raise ValueError(kind)
    compressed = kind == b"zTXt"
    if kind == b"iTXt":
        compressed = rest[:1] == b"\1"
        # Flag, method, language, translated keyword, text.
        _, language_ends, rest = rest[2:].partition(b"\0")
        _, keyword_ends, rest = rest.partition(b"\0")
        if not language_ends or not keyword_ends:
            raise ValueError(kind)
    elif compressed:
        rest = rest[1:]
    value = _expanded(rest, limit) if compressed else rest
    if len(value) > limit:
        raise ValueError(kind)
    return _Text(keyword, value, utf8=kind == b"iTXt")


def _expanded(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        value = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not stream.eof:
        raise ValueError(len(value))
    return value


HANDLER: Final = Handler(
    "png",
    "image",
    "image/png",
    (".png", ".apng"),
    sniff,
    read,
    write,
    places=Places(
        exif="eXIf",
        xmp="iTXt",
        manifest="caBX",
        aigc=("xmp", "png-text", "exif-user-comment", "exif-image-description"),
    ),
    draws_notices=True,
)
