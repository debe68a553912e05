"""What a reader sees of a text, and whether something stands in it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from provenance.text.markdown import html_of_markdown, is_plain
from provenance.text.markup import seen_in_html

TextFormat = Literal["text", "html", "markdown"]


def folded(text: str) -> str:
    """Return `text` for comparison: NFKC, without white space, which means nothing between Chinese characters."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader sees: folded text, and the offsets in it that white space or a block follows."""

    text: str
    breaks: frozenset[int]


def seen(source: str | None, form: str | None) -> str:
    """Return a text without markup that no reader sees; `form` is a `TextFormat`, or None for plain text."""
    if form == "html":
        return seen_in_html(source or "")
    if form != "markdown" or not source or is_plain(source):
        return source or ""
    return seen_in_html(html_of_markdown(source))


def shown(source: str | None, form: str | None) -> Shown:
    """Return what a reader of a text sees of it, as `shows` takes it."""
    words = unicodedata.normalize("NFKC", seen(source, form)).split()
    return Shown("".join(words), frozenset(accumulate(map(len, words))))


def shows(where: Shown, text: str) -> bool:
    """Say whether `text` stands there as such, not as the start of a longer name or number."""
    wanted = folded(text)
    at = where.text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if end in where.breaks or not where.text[end : end + 1].isalnum():
            return True
        at = where.text.find(wanted, at + 1)
    return False
