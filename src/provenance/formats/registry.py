"""Find the handler of a file by its content, never by its name."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Unpack

from provenance._files import open_input
from provenance.errors import AssetNotFound, MediaError, UnsupportedFormat
from provenance.formats import id3
from provenance.formats.base import HEAD, Carriers, Container, Handler
from provenance.formats.handlers import (
    avi,
    flac,
    flv,
    gif,
    heif,
    html,
    jpeg,
    jxl,
    markdown,
    matroska,
    mp3,
    mp4,
    ogg,
    ooxml,
    pdf,
    png,
    text,
    tiff,
    wav,
    webp,
)

_HANDLERS: Final[tuple[Handler, ...]] = (
    jpeg.HANDLER,
    png.HANDLER,
    webp.HANDLER,
    gif.HANDLER,
    tiff.HANDLER,
    *heif.HANDLERS,
    *jxl.HANDLERS,
    *mp4.HANDLERS,
    *matroska.HANDLERS,
    flv.HANDLER,
    avi.HANDLER,
    wav.HANDLER,
    mp3.HANDLER,
    flac.HANDLER,
    *ogg.HANDLERS,
    ooxml.HANDLER,
    pdf.HANDLER,
    html.HANDLER,
    markdown.HANDLER,
    text.HANDLER,
)

# What a file that no handler takes seems to be: name, offset, bytes there.
_OTHERS: Final[tuple[tuple[str, int, bytes], ...]] = (
    ("Canon CR3", 4, b"ftypcrx "),
    ("another kind of MP4", 4, b"ftyp"),
    ("another kind of EBML", 0, b"\x1aE\xdf\xa3"),
    ("JPEG 2000", 4, b"jP  \r\n\x87\n"),
    ("BMP", 0, b"BM"),
    ("Photoshop", 0, b"8BPS"),
    ("AAC", 0, b"\xff\xf1"),
    ("AAC", 0, b"\xff\xf9"),
    ("AAC", 10, b"\xff\xf1"),
    ("AAC", 10, b"\xff\xf9"),
    ("Office, encrypted or older than 2007", 0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("gzip", 0, b"\x1f\x8b"),
)


# How formats are named to people where it is not by their name in capitals.
_SHOWN: Final = {
    "webp": "WebP",
    "jxl": "JPEG XL",
    "webm": "WebM",
    "ogg": "Ogg",
    "opus": "Opus",
    "ooxml": "Word, Excel, PowerPoint",
    "markdown": "Markdown",
    "text": "TEXT",
}
_PARTS: Final = frozenset({"jxl-codestream"})  # forms of a format that has a handler of its own


def handlers() -> Sequence[Handler]:
    """Return every handler there is."""
    return _HANDLERS


def handler(name: str) -> Handler:
    """Return the handler of a format by its name, as `Container.format` gives it."""
    return next(each for each in _HANDLERS if each.name == name)


def identify(file: BinaryIO, path: Path) -> Handler:
    """Return the handler of an open file; `path` is named in errors, and tells one kind of text from another.

    Raises:
        UnsupportedFormat: The file is empty, or no handler knows its content; the message says what it looks like.
    """
    head = id3.head_behind(file, HEAD)
    for handler in _HANDLERS:
        if handler.sniff(head):
            return handler
    named = [each for each in _HANDLERS if each.is_text and path.suffix.lower() in each.extensions]
    if head and named and _is_text(head, "utf-8"):
        return named[0]
    raise _unknown(head, path, is_named_text=bool(named))


def read(path: Path, *, whole: bool = True, known_as: Handler | None = None) -> Container:
    """Return what the file at `path` holds.

    Args:
        path: The file.
        known_as: Its handler, for a file of our own whose name does not tell what its text is.
        whole: False leaves the picture data unread: enough for a file just written from a sound one.

    Raises:
        AssetNotFound: It cannot be opened or read.
        UnsupportedFormat: No handler knows its content.
        MalformedMedia: It breaks its format; nothing may be written into it.
        MediaTooLarge: A limit is exceeded.
    """
    with open_input(path) as file, _named(path):
        try:
            return (known_as or identify(file, path)).read(file, whole=whole)
        except OSError as error:
            reason = error.strerror or str(error)
            raise AssetNotFound("asset-not-readable", path=path, reason=reason) from error


def write(
    source: Path,
    target: BinaryIO,
    *,
    known: bool = False,
    known_as: Handler | None = None,
    **carriers: Unpack[Carriers],
) -> None:
    """Append a copy of `source` to the empty file `target` with other carriers.

    Args:
        source: The file to copy.
        target: An open file, as `provenance._files.new_file` yields it.
        known: `read` has just found the whole of `source` sound; its picture data are not checked again.
        known_as: Its handler, for a file of our own whose name does not tell what its text is.
        carriers: See `Carriers`.

    Raises:
        AssetNotFound: `source` cannot be opened.
        UnsupportedFormat: No handler knows its content.
        MalformedMedia: It breaks its format.
        MetadataNotWritten: A carrier does not fit: ``exif-segment-full``, ``xmp-segment-full``, or ``xmp-repeated``.
        OSError: Reading or writing failed half-way; `provenance._files.new_file` turns it into our error.
    """
    exif, xmp = carriers.get("exif"), carriers.get("xmp")
    extension, fields = carriers.get("extension"), carriers.get("fields")
    with open_input(source) as file, _named(source):
        handler = known_as or identify(file, source)
        if fields and handler.write_fields:
            handler.write_fields(file, target, exif=exif, xmp=xmp, fields=fields, known=known)
        elif extension is not None and handler.write_extended:
            handler.write_extended(file, target, exif=exif, xmp=xmp, extension=extension, known=known)
        else:
            handler.write(file, target, exif=exif, xmp=xmp, known=known)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except MediaError as error:
        error.details.setdefault("path", path)
        raise


def _unknown(head: bytes, path: Path, *, is_named_text: bool) -> UnsupportedFormat:
    if is_named_text and head and any(_is_text(head, each) for each in _codecs(head)):
        return UnsupportedFormat("text-encoding", path=path)
    supported = ", ".join(_SHOWN.get(each.name, each.name.upper()) for each in _HANDLERS if each.name not in _PARTS)
    found = _looks_like(head)
    if found is not None:
        return UnsupportedFormat("format-not-supported", path=path, found=found, supported=supported)
    code = ("format-is-text" if _is_text(head, "utf-8") else "format-unknown") if head else "media-empty"
    return UnsupportedFormat(code, path=path, supported=supported)


def _looks_like(head: bytes) -> str | None:
    return next((name for name, offset, magic in _OTHERS if head.startswith(magic, offset)), None)


def _codecs(head: bytes) -> tuple[str, ...]:
    """Return in what a text may be that is not in UTF-8: every second byte of Latin text in UTF-16 is zero."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-16-le", "utf-16-be") if b"\0" in head else ("gb18030",)


def _is_text(head: bytes, codec: str) -> bool:
    # The head may end inside a character.
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        return False
    readable = all(character.isprintable() or character.isspace() for character in text.removeprefix("\ufeff"))
    return readable and bool(text)
