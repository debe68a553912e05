"""The normal form of a text, and the way back to the characters it was given with.

NFKC folds widths and presentation forms (Unicode Standard Annex 15); here also punctuation that means the same, and
white space. Traditional characters stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_FOLDED: Final = {
    **dict.fromkeys("「『﹁﹃«„‟″", "“"),
    **dict.fromkeys("」』﹂﹄»", "”"),
    **dict.fromkeys("‘‛", "‘"),
    **dict.fromkeys("〈<", "《"),
    **dict.fromkeys("〉>", "》"),
    **dict.fromkeys("‐‑‒–—―−─━", "-"),
    **dict.fromkeys("【〔", "["),
    **dict.fromkeys("】〕", "]"),
    **dict.fromkeys("・‧•", "·"),
    **dict.fromkeys("~〜∼", "~"),
}
# A character of the normal form and the span of the given text it stands for.
_Piece = tuple[str, int, int]
_SPACE: Final = re.compile(r"\s")
_UNSEEN: Final = frozenset(("Cc", "Cf"))


@dataclass(frozen=True, slots=True)
class Normal:
    """A text in normal form.

    Attributes:
        text: The normal form.
        starts: For each of its characters, the offset in the given text where what it stands for begins.
        ends: The offset behind it.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def given(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the given text that characters `start` to `end` (not empty) stand for."""
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normal:
    """Return the normal form of `text`: NFKC, one form of each mark, no invisible characters, no idle white space.

    White space stays, as one space, only between Latin letters or digits, and a line break stays a line break.
    """
    pieces: list[_Piece] = []
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and _joins(text[end]):
            end += 1
        pieces.extend((character, at, end) for character in _folded(text[at:end] if end - at < _CLUSTER else text[at]))
        at = end
    kept = list(_without_idle_space(pieces))
    return Normal("".join(each[0] for each in kept), tuple(each[1] for each in kept), tuple(each[2] for each in kept))


# No writing system stacks this many marks on a character.
_CLUSTER: Final = 16


@lru_cache(maxsize=4096)
def _joins(character: str) -> bool:
    """Say whether NFKC may merge the character with the one before it."""
    return unicodedata.combining(unicodedata.normalize("NFKC", character)[0]) != 0


@lru_cache(maxsize=8192)
def _folded(cluster: str) -> str:
    # A letter outside the basic plane is one character here, so every piece has a length of its own.
    if cluster in "\r\n\u2028\u2029\x85":
        return "\n"
    shown = "".join(_FOLDED.get(each, each) for each in unicodedata.normalize("NFKC", _FOLDED.get(cluster, cluster)))
    kept = ""
    for each in shown:
        if _SPACE.match(each):
            kept += " "
        # A mark that stands on nothing would join what comes before once the space between is gone.
        elif unicodedata.category(each) not in _UNSEEN and (kept.strip() or not unicodedata.combining(each)):
            kept += each
    return kept


def _without_idle_space(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    before, space = "", None
    for piece in pieces:
        if piece[0] == " ":
            space = space or piece
            continue
        if space is not None and _is_plain(before) and _is_plain(piece[0]):
            yield space
        before, space = piece[0], None
        yield piece


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isalnum()
