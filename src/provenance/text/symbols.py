"""A text as symbols: numbers, negations, known names and Latin words are one symbol each, the rest are characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from provenance.text.lexicon import Sort, lexicons
from provenance.text.numbers import Number, number_at

MARKS: Final = frozenset("。!?;,:\n|")
_NUMERIC: Final = frozenset("0123456789零一二三四五六七八九十百千万亿两〇壹贰叁肆伍陆柒捌玖拾佰仟第早上下中凌傍晚负")
# A Latin word, an address, or more digits than any quantity has.
_WORD: Final = re.compile(r"https?://[!-~]+|\d{19,}|[A-Za-zÀ-ɏ][A-Za-z0-9À-ɏ]*(?:['&.+-][A-Za-z0-9]+)*")
_NEGATES_NOT_BEHIND: Final = {
    "不": frozenset("差对了来忍说怪恨巴只莫禁得"),
    "没": frozenset("沉淹埋出吞隐湮"),
    "非": frozenset("南北东西中除莫是似并亚"),
    "无": frozenset("虚"),
}


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol of a text.

    Attributes:
        key: What has to be equal for two symbols to be the same; every number of one dimension has the same key.
        start: Offset of its first character in the normal form.
        end: Offset behind its last one.
        sort: What it is.
        number: The number, of a number.
    """

    key: str
    start: int
    end: int
    sort: Sort
    number: Number | None = None


def symbols_of(text: str) -> Iterator[Symbol]:
    """Yield the symbols of a normal form, one after another, in one pass."""
    at = 0
    while at < len(text):
        found = _symbol_at(text, at)
        yield found
        at = found.end


def _symbol_at(text: str, at: int) -> Symbol:
    character = text[at]
    if match := _WORD.match(text, at):
        return Symbol(match[0].casefold(), at, match.end(), "word")
    if character in _NUMERIC and (number := number_at(text, at)) is not None:
        return Symbol(f"#{number.dimension}", at, number.end, "number", number)
    if character in MARKS or character == " ":
        return Symbol(character, at, at + 1, "mark")
    for lexicon in lexicons():
        if (end := lexicon.longest(text, at)) is not None:
            sort, key = lexicon.entries[text[at:end]]
            if sort != "negation" or _negates(text, at):
                return Symbol(key, at, _with_suffix(text, end) if sort == "place" else end, sort)
    return Symbol(character, at, at + 1, "character")


def _negates(text: str, at: int) -> bool:
    if not at:
        return True
    # 是不是, 有没有: a question. 差不多, 除非: another word.
    return text[at - 1] != text[at + 1 : at + 2] and text[at - 1] not in _NEGATES_NOT_BEHIND.get(text[at], ())


def _with_suffix(text: str, end: int) -> int:
    for suffix in ("特别行政区", "自治区", "自治州", "省", "市"):
        if text.startswith(suffix, end):
            return end + len(suffix)
    return end
