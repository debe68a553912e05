"""A rendered page, read for what a reader sees of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provenance._files import open_input
from provenance.errors import AssetNotFound, MalformedMedia, MediaTooLarge, UnsupportedFormat
from provenance.text.encoding import codec_by_mark, codec_declared
from provenance.text.visible import Shown, TextFormat, shown

LARGEST_PAGE: Final = 10_000_000  # bytes
_SUFFIXES: Final[dict[str, TextFormat]] = {
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    ".txt": "text",
}
_IS_HTML: Final = re.compile(r"\s*<(?:!doctype\s|!--|\?xml\s|/?[a-z][a-z0-9-]*[\s/>])", re.IGNORECASE)
# Pages as browsers and printers save them where nothing can be read as it is shown.
_OTHERS: Final = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"From: <Saved by", "MHTML"),
    (b"MIME-Version:", "MHTML"),
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page that was looked at: its path, and what a reader sees of it."""

    path: Path
    seen: Shown


def read_page(path: Path) -> Rendered:
    """Read a page as it was rendered: HTML, Markdown or plain text, told by its name or its first characters.

    Raises:
        AssetNotFound: it cannot be read.
        MediaTooLarge: more than 10 MB.
        UnsupportedFormat: it is no text.
        MalformedMedia: its encoding is neither declared nor UTF-8, or what it declares it is not.
    """
    with open_input(path) as file:
        try:
            data = file.read(LARGEST_PAGE + 1)
        except OSError as error:
            raise AssetNotFound("asset-not-readable", path=path, reason=error.strerror or str(error)) from error
    if len(data) > LARGEST_PAGE:
        raise MediaTooLarge("page-too-large", path=path, limit=LARGEST_PAGE // 1_000_000)
    for magic, name in _OTHERS:
        if data.startswith(magic):
            raise UnsupportedFormat("page-not-text", path=path, found=name)
    text = _decoded(data, path)
    form = _SUFFIXES.get(path.suffix.lower()) or ("html" if _IS_HTML.match(text) else "text")
    return Rendered(path, shown(text, form))


def _decoded(data: bytes, path: Path) -> str:
    codec = codec_by_mark(data) or codec_declared(data)
    if codec is None and b"\0" in data:
        raise UnsupportedFormat("page-not-text", path=path, found="NUL")
    try:
        # A browser shows the rest of a page where a byte is wrong; so does this, where the page says what it is in.
        return data.decode(codec, "replace") if codec else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedMedia("page-encoding", path=path, offset=error.start) from error
