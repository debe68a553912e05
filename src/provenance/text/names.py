"""Names that stand in each other's place: known places and bodies, Latin words, quoted titles, persons, organisations.

There is no word segmentation here. What the two texts share around a difference says where a name begins and ends, and
a name is believed to be one only for a reason: a gazetteer has it, quotation marks hold it, a title or a legal form
stands beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from provenance.text.lexicon import part_of, words
from provenance.text.symbols import Symbol

_NAMING: Final = frozenset(("character", "word", "place"))
_PERSON: Final = range(2, 5)
_LONGEST_QUOTED: Final = 40
_LONGEST_MODIFIER: Final = 8
_QUOTES: Final = {"“": "”", "《": "》", "‘": "’", '"': '"'}
_SHORTEST_MODIFIER: Final = 2


class Replaced(NamedTuple):
    """A name of the original, and the one that the repost has in its place, as ranges of symbols."""

    original: tuple[int, int]
    repost: tuple[int, int]


def replaced_name(
    original: Sequence[Symbol], repost: Sequence[Symbol], at: tuple[int, int, int, int]
) -> Replaced | None:
    """Return the names that differ where symbols ``a`` to ``b`` of the original became ``c`` to ``d`` of the repost."""
    for look in (_known, _quoted, _person, _organisation):
        if (found := look(original, repost, at)) is not None:
            return found
    return None


def _known(original: Sequence[Symbol], repost: Sequence[Symbol], at: tuple[int, int, int, int]) -> Replaced | None:
    """Known places or bodies, as many on each side, or one Latin word instead of another."""
    a, b, c, d = at
    for sort in ("place", "body", "word"):
        here = [index for index in range(a, b) if original[index].sort == sort]
        there = [index for index in range(c, d) if repost[index].sort == sort]
        if len(here) != len(there) or (sort == "word" and not b - a == d - c == 1):
            continue
        for x, y in zip(here, there, strict=True):
            one, other = original[x].key, repost[y].key
            if not (_may_be_one(one, other) or (sort == "place" and _lies_in(one, other))):
                return Replaced((x, x + 1), (y, y + 1))
    return None


def _lies_in(one: str, other: str) -> bool:
    outer = part_of()
    return other in {outer[one], outer[outer[one]]} or one in {outer[other], outer[outer[other]]}


def _quoted(original: Sequence[Symbol], repost: Sequence[Symbol], at: tuple[int, int, int, int]) -> Replaced | None:
    """Two quoted texts of which a part differs."""
    a, b, c, d = at
    one, other = _quotation(original, a, b), _quotation(repost, c, d)
    if one is None or other is None or original[one[0] - 1].key != repost[other[0] - 1].key:
        return None
    if _may_be_one(_keys(original, *one), _keys(repost, *other)):
        return None
    return Replaced(one, other)


def _quotation(symbols: Sequence[Symbol], start: int, end: int) -> tuple[int, int] | None:
    """Return the range between the quotation marks that hold symbols `start` to `end`."""
    left = start
    while left and symbols[left - 1].key not in _QUOTES and start - left < _LONGEST_QUOTED:
        if symbols[left - 1].key in _QUOTES.values():
            return None
        left -= 1
    close = _QUOTES.get(symbols[left - 1].key) if left else None
    right = end
    while right < len(symbols) and symbols[right].key != close and right - end < _LONGEST_QUOTED:
        right += 1
    inside = close is not None and right < len(symbols) and symbols[right].key == close
    return (left, right) if inside and not any(each.key == close for each in symbols[start:end]) else None


def _person(original: Sequence[Symbol], repost: Sequence[Symbol], at: tuple[int, int, int, int]) -> Replaced | None:
    """Two persons' names beside the same title; a given name alone may differ."""
    a, b, c, d = at
    for left, right in ((0, 0), (1, 0), (0, 1), (0, 2), (1, 1)):
        one, other = (a - left, b + right), (c - left, d + right)
        if min(one[0], other[0]) < 0 or not (_is_person(original, *one) and _is_person(repost, *other)):
            continue
        titled = _after(original, one[1], words("titles")) or _before(original, one[0], words("titles"))
        if titled and not _may_be_one(_keys(original, *one), _keys(repost, *other)):
            return Replaced(one, other)
    return None


def _is_person(symbols: Sequence[Symbol], start: int, end: int) -> bool:
    name = _keys(symbols, start, end)
    plain = all(each.sort == "character" and len(each.key) == 1 for each in symbols[start:end])
    return (
        plain and len(name) in _PERSON and name[0] in words("surnames") and all("一" <= each <= "鿿" for each in name)
    )


def _organisation(
    original: Sequence[Symbol], repost: Sequence[Symbol], at: tuple[int, int, int, int]
) -> Replaced | None:
    """Two names before the same legal form (公司, 大学, 县 …)."""
    a, b, c, d = at
    one, other = _keys(original, a, b), _keys(repost, c, d)
    form = _after(original, b, words("forms"))
    if not form or not (_is_modifier(original[a:b]) and _is_modifier(repost[c:d])) or _may_be_one(one, other):
        return None
    opens = a == 0 or original[a - 1].sort in {"place", "body"} or original[a - 1].key in {"“", "(", "·"}
    return Replaced((a, b + form), (c, d + form)) if opens else None


def _is_modifier(symbols: Sequence[Symbol]) -> bool:
    name = "".join(each.key for each in symbols)
    plain = all(each.sort in _NAMING and each.key not in "的在是和与及" for each in symbols)
    return plain and _SHORTEST_MODIFIER <= len(name) <= _LONGEST_MODIFIER and name not in words("no_names")


def _after(symbols: Sequence[Symbol], at: int, known: Collection[str]) -> int:
    """Return how many symbols one of `known` takes that begins at symbol number `at`."""
    text = _keys(symbols, at, at + 6)
    word = next((each for each in known if text.startswith(each)), "")
    return len(word)


def _before(symbols: Sequence[Symbol], at: int, known: Collection[str]) -> bool:
    return _keys(symbols, max(0, at - 4), at).endswith(tuple(known))


def _keys(symbols: Sequence[Symbol], start: int, end: int) -> str:
    return "".join(each.key for each in symbols[start:end])


def _may_be_one(one: str, other: str) -> bool:
    """Say whether one name may be the other's short form (国家卫健委), or hides it (张某)."""
    if "某" in one + other:
        return one[:1] == other[:1] or one[:1] == "某" or other[:1] == "某"
    short, long = sorted((one.casefold(), other.casefold()), key=len)
    rest = iter(long)
    return all(each in rest for each in short)
