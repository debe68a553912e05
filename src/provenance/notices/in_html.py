"""Where a block goes in a page, and how it is written there: an element that says it is a note, without a script."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from provenance.formats import html_head
from provenance.text.encoding import codec_named
from provenance.text.markup import Part, parts

# What holds the blocks of a page; in anything else a block may not stand, or belongs to something.
_HOLDERS: Final = frozenset({"", "html", "body", "main", "article", "section", "div"})
_BLOCKS: Final = frozenset(
    {
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "dl",
        "blockquote",
        "figure",
        "table",
        "pre",
        "section",
        "div",
    }
)
_HEAD: Final = frozenset(
    {"html", "head", "meta", "title", "link", "script", "style", "base", "noscript", "template", "basefont", "bgsound"}
)
_HAN: Final = range(0x3400, 0xA000)


def decoded(data: bytes) -> str:
    """Return a page as text, by the encoding that it declares; else as UTF-8.

    Raises:
        MediaError: see `html_head.parse`.
    """
    return data.decode(_codec(data) or "utf-8", "replace").removeprefix("\ufeff")


def blocks(
    data: bytes, texts: Sequence[str], position: Literal["start", "middle", "end"]
) -> Iterator[tuple[int, bytes]]:
    """Yield the places of a block with its bytes for each, the best first."""
    eol = b"\r\n" if b"\r\n" in data[: 1 << 16] else b"\n"
    # What the page's encoding lacks, and everything where it declares none, becomes references.
    codec = _codec(data) or "ascii"
    block = b"".join(_element(text).encode(codec, "xmlcharrefreplace") + eol for text in texts)
    page = list(parts(data.decode("latin-1")))  # one character a byte, so that offsets are those of bytes
    places = {"start": _starts, "middle": _middles, "end": _ends}[position]
    for offset in places(page, len(data)):
        yield offset, (eol + block if position == "start" else block)


def _element(text: str) -> str:
    language = ' lang="zh-CN"' if any(ord(character) in _HAN for character in text) else ""
    return f'<aside role="note"{language}><p>{html.escape(text)}</p></aside>'


def _codec(data: bytes) -> str | None:
    if data.startswith(html_head.BOM):
        return "utf-8"
    return codec_named(html_head.parse(io.BytesIO(data)).encoding)


def _starts(page: Sequence[Part], size: int) -> Iterator[int]:
    """Yield where the body begins: behind its tag, else behind the head, else before the first thing of it."""
    body = next((part.end for part in page if part.name == "body" and not part.closes), None)
    head = next((part.end for part in page if part.name == "head" and part.closes), None)
    yield next((at for at in (body, head) if at is not None), None) or next(
        (part.start for part in page if _is_content(part)), size
    )


def _is_content(part: Part) -> bool:
    return part.name not in _HEAD if part.name else bool(part.text.strip()) and part.inside not in _HEAD - {"html"}


def _middles(page: Sequence[Part], size: int) -> Iterator[int]:
    """Yield where blocks end, those nearest to the middle of what a reader sees first."""
    del size
    seen, found = 0, []
    for part in page:
        seen += len(part.text.strip())
        if part.closes and part.name in _BLOCKS and part.inside in _HOLDERS and not part.hidden:
            found.append((seen, part.end))
    yield from (end for count, end in sorted(found, key=lambda each: abs(each[0] - seen / 2)) if 0 < count < seen)


def _ends(page: Sequence[Part], size: int) -> Iterator[int]:
    """Yield where the body ends: before its end tag, else before that of the page, else the end of the file."""
    for name in ("body", "html"):
        yield from [part.start for part in page if part.name == name and part.closes][-1:]
    yield size
