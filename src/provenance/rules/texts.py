"""Texts of findings, and whether a text is found in a post's body."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping
from typing import Final

from provenance._messages import fill
from provenance.model.report import Localized

_HIDDEN: Final = ("script", "style", "template", "head", "noscript")


def localized(template: Localized, fields: Mapping[str, object]) -> Localized:
    """Fill a text in both languages."""
    zh, en = template["zh-CN"], template["en"]
    if "{" not in zh and "{" not in en:
        return template if type(template) is Localized else Localized(zh_CN=zh, en=en)
    return Localized(zh_CN=fill(zh, fields), en=fill(en, fields))


def folded(text: str) -> str:
    """Return `text` for comparison: NFKC, without white space, which means nothing between Chinese characters."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def body_text(body: str | None, body_format: str | None) -> str:
    """Return the folded text that a reader of the body sees."""
    if not body:
        return ""
    return folded(_text_of_html(body) if body_format == "html" else body)


def _text_of_html(source: str) -> str:
    """Drop tags, comments and elements that are never shown, in one pass; what is cut short is dropped to the end."""
    pieces: list[str] = []
    lowered = source.lower() if source.isascii() else source.translate(_ASCII_LOWER)
    at = 0
    while (start := source.find("<", at)) >= 0:
        pieces.append(source[at:start])
        at = _end_of_markup(lowered, start)
        if at < 0:
            break
    else:
        pieces.append(source[at:])
    return html.unescape("".join(pieces))


# Lower-casing that keeps every offset: `str.lower` may change a text's length.
_ASCII_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _end_of_markup(lowered: str, start: int) -> int:
    """Return the offset behind the markup at `start`, or -1 when it has no end."""
    if lowered.startswith("<!--", start):
        return _behind(lowered, "-->", start + 4)
    end = _behind(lowered, ">", start)
    name = lowered[start + 1 : start + 12].replace("/", " ").replace(">", " ").split(" ", 1)[0].strip()
    if name in _HIDDEN and end >= 0:
        close = lowered.find(f"</{name}", end)
        return -1 if close < 0 else _behind(lowered, ">", close)
    return end


def _behind(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return -1 if found < 0 else found + len(mark)
