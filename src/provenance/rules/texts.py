"""Texts of findings, and whether a text is found in a post's body."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
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


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader of a body sees: its folded text, and the offsets in it that white space or a block follows."""

    text: str
    breaks: frozenset[int]


def plain_text(body: str | None, body_format: str | None) -> str:
    """Return the body without markup that no reader sees."""
    return _text_of_html(body or "") if body_format == "html" else body or ""


def body_text(body: str | None, body_format: str | None) -> Shown:
    """Return what a reader of the body sees."""
    words = unicodedata.normalize("NFKC", plain_text(body, body_format)).split()
    return Shown("".join(words), frozenset(accumulate(map(len, words))))


def shows(body: Shown, text: str) -> bool:
    """Say whether `text` stands in the body as such, not as the start of a longer name or number."""
    wanted = folded(text)
    at = body.text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if end in body.breaks or not body.text[end : end + 1].isalnum():
            return True
        at = body.text.find(wanted, at + 1)
    return False


def _text_of_html(source: str) -> str:
    """Drop tags, comments and elements that are never shown, in one pass; what is cut short is dropped to the end."""
    pieces: list[str] = []
    lowered = source.lower() if source.isascii() else source.translate(_ASCII_LOWER)
    at = depth = 0
    hidden = ""
    while (start := source.find("<", at)) >= 0:
        if not depth:
            pieces.append(source[at:start])
        at = _end_of_markup(lowered, start)
        if at < 0:
            break
        tag = lowered[start:at]
        name = _name(tag.removeprefix("</").removeprefix("<"))
        if depth:
            depth += (-1 if tag.startswith("</") else 1) if name == hidden else 0
        elif name not in _VOID and name not in _HIDDEN and _hides(tag):
            hidden, depth = name, 1
        if not (depth or name in _INLINE or name.startswith("!--")):
            pieces.append("\n")
    else:
        if not depth:
            pieces.append(source[at:])
    return html.unescape("".join(pieces))


def _name(tag: str) -> str:
    return _NAME_END.split(tag, maxsplit=1)[0]


def _hides(tag: str) -> bool:
    """Say whether an opening tag, in lower case, hides what is in it by an attribute or its own style."""
    if tag.startswith("</") or not any(word in tag for word in ("hidden", "style")):
        return False
    if _HIDDEN_ATTRIBUTE.search(_QUOTED.sub("''", tag)) or _ARIA_HIDDEN.search(tag):
        return True
    style = _STYLE.search(tag)
    return style is not None and _HIDING.search("".join(html.unescape(style[1]).split())) is not None


_NAME_END: Final = re.compile(r"[\s/>]")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_HIDDEN_ATTRIBUTE: Final = re.compile(r"[\s'/]hidden(?=[\s=/>])")
_ARIA_HIDDEN: Final = re.compile(r"[\s\"'/]aria-hidden\s*=\s*[\"']?true\b")
_STYLE: Final = re.compile(r"[\s\"'/]style\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)")
_HIDING: Final = re.compile(r"(?<![a-z-])(?:display:none|visibility:(?:hidden|collapse))(?![a-z-])")
# Elements without an end tag hold no text; elements inside a line do not part what stands before and behind them.
_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_INLINE: Final = frozenset(
    (
        *(
            "a",
            "abbr",
            "b",
            "bdi",
            "bdo",
            "cite",
            "code",
            "data",
            "em",
            "font",
            "i",
            "ins",
            "kbd",
            "label",
            "mark",
            "q",
        ),
        *("s", "small", "span", "strong", "sub", "sup", "time", "u", "wbr"),
    )
)
# Lower-casing that keeps every offset: `str.lower` may change a text's length.
_ASCII_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _end_of_markup(lowered: str, start: int) -> int:
    """Return the offset behind the markup at `start`, or -1 when it has no end."""
    if lowered.startswith("<!--", start):
        return _behind(lowered, "-->", start + 4)
    end = _behind(lowered, ">", start)
    name = _name(lowered[start + 1 : start + 12])
    if name in _HIDDEN and end >= 0:
        close = lowered.find(f"</{name}", end)
        return -1 if close < 0 else _behind(lowered, ">", close)
    return end


def _behind(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return -1 if found < 0 else found + len(mark)
