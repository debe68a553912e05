"""Markdown (CommonMark 0.31, with tables and strikethrough) as HTML, and its blocks, through markdown-it-py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

# Emphasis and links are searched for in more than linear time; a longer paragraph stands there as it is written.
_LONGEST_INLINE: Final = 4_000
_LINE_END: Final = re.compile(r"\r\n?|\n")
_UNPAIRED: Final = re.compile(r"[\ud800-\udfff]")
# What means something inside a line; elsewhere a hyphen or a full stop is one.
_INLINE_MARKS: Final = re.compile(r"([\\`*_\[\]<>&~|$])")
_LINE_START: Final = re.compile(r"[#+=-]|[0-9]{1,9}(?=[.)])")
# Without these characters nothing in a Markdown text is hidden or means another character.
_TELLING: Final = frozenset("<[\\&*_~`")


class Block(NamedTuple):
    """A block that stands in no other: its kind, as markdown-it names it, and its span in characters."""

    kind: str
    start: int
    end: int


def is_plain(source: str) -> bool:
    """Say whether a reader sees every character of a Markdown text but marks of blocks."""
    return _TELLING.isdisjoint(source)


def escaped(text: str) -> str:
    """Return one line of text as Markdown that means it and no more, at the start of a line too."""
    marked = _INLINE_MARKS.sub(r"\\\1", text)
    if found := _LINE_START.match(marked):
        # Of a number, what follows it is made plain.
        at = found.end() if found[0].isdigit() else 0
        marked = f"{marked[:at]}\\{marked[at:]}"
    return marked


def html_of_markdown(source: str) -> str:
    """Return a Markdown text as HTML, the HTML in it as it stands."""
    return str(_parser().render(_UNPAIRED.sub("\ufffd", source)))


def blocks_of(source: str) -> Iterator[Block]:
    """Yield the blocks of a Markdown text that stand in no other, in their order."""
    starts = [0, *(found.end() for found in _LINE_END.finditer(source)), len(source)]
    last = len(starts) - 1
    for token in _block_parser().parse(_UNPAIRED.sub("\ufffd", source)):
        if token.level == 0 and token.nesting >= 0 and token.map:
            first, behind = (min(line, last) for line in token.map)
            yield Block(token.type.removesuffix("_open"), starts[first], starts[behind])


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.core.ruler.at("inline", _inline)
    return parser


@cache
def _block_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table"])
    parser.core.ruler.disable(["inline", "text_join"])
    return parser


def _inline(state: StateCore) -> None:
    """Take apart the text of each block that is short enough; a longer one becomes one text."""
    from markdown_it.token import Token

    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        if len(token.content) <= _LONGEST_INLINE:
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        else:
            token.children.append(Token("text", "", 0, content=token.content))
