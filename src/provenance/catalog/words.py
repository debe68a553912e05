"""Word lists as patterns: what a text says, in whatever width, letter case or spacing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from provenance.model.base import Line, Value
from provenance.model.report import Localized

# Where a word of a list has this mark, other characters may stand between its parts.
GAP: Final = "…"
_LONGEST_GAP: Final = 8
_LONGEST_TEXT: Final = 20_000
_SHORT: Final = 100
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")


class WordList(Value):
    """Words that a rule looks for.

    Attributes:
        words: Said anywhere in a text; ``…`` stands for up to eight other characters of the line.
        whole: The whole text and nothing else.
        unless: Where one of these holds a word of the list, that word does not count.
        source: Where the words come from; what no text lists is this edition's choice.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=80)]
    title: Localized
    source: Line
    words: tuple[Line, ...] = ()
    whole: tuple[Line, ...] = ()
    unless: tuple[Line, ...] = ()

    def said_in(self, text: str | Readable) -> tuple[str, ...]:
        """Return what `text` says of the list, as it says it, each once, in the order of the text.

        Only the first 20,000 characters are read.
        """
        given, lower = readable(text) if isinstance(text, str) else text
        if (pattern := _pattern(self.whole)) and pattern.fullmatch(lower):
            return (given,)
        found = (_spans_in_short if len(lower) <= _SHORT else _spans)(self.words, lower)
        if found and self.unless:
            spared = _spans(self.unless, lower)
            found = tuple((start, end) for start, end in found if not any(a <= start and end <= b for a, b in spared))
        return tuple(dict.fromkeys(given[start:end] for start, end in found))


class Readable(NamedTuple):
    """A text made ready for word lists: NFKC without invisible characters, and the same in small letters."""

    given: str
    lower: str


def readable(text: str) -> Readable:
    """Make a text ready for word lists; once for all of them."""
    given = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text[:_LONGEST_TEXT])).strip()
    lower = given.lower()
    return Readable(given, lower if len(lower) == len(given) else given)  # some letters have no one small letter


def _spans(words: tuple[str, ...], text: str) -> tuple[tuple[int, int], ...]:
    pattern = _pattern(words)
    return tuple(match.span() for match in pattern.finditer(text)) if pattern else ()


# The names of accounts and the words of notices come again and again.
_spans_in_short: Final = lru_cache(maxsize=4096)(_spans)


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    # No flag for letter case: it would keep the engine from skipping to the first characters of the words.
    return re.compile("|".join(map(_of_word, sorted(words, key=len, reverse=True)))) if words else None


def _of_word(word: str) -> str:
    """Return the pattern of one word: spaces may stand between Chinese characters, Latin words stand alone."""
    parts = [_of_part(unicodedata.normalize("NFKC", part).lower()) for part in word.split(GAP)]
    return rf"[^\n]{{0,{_LONGEST_GAP}}}?".join(parts)


def _of_part(part: str) -> str:
    pieces = re.findall(r"[!-~]+|[^!-~\s]", part)
    return r"\s*".join(_alone(piece) if piece.isascii() else re.escape(piece) for piece in pieces)


def _alone(piece: str) -> str:
    return rf"(?<![a-z0-9]){re.escape(piece)}(?![a-z0-9])"
