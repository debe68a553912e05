"""What a repost says otherwise than its original: numbers, negations and names that were changed.

Provision OP2021-6: 转载新闻信息时,不得歪曲、篡改标题原意和新闻信息内容. What is left out, added or put into another
order is no change; a change is found only where both texts say the same around it. So a change that comes with a new
wording is missed, and what is found can be shown side by side to a person, who decides.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

from provenance.text.lexicon import words
from provenance.text.names import replaced_name
from provenance.text.normal import Normal, normalise
from provenance.text.numbers import Number
from provenance.text.symbols import Symbol, symbols_of

MAX_CHARACTERS: Final = 100_000  # of each text; what is longer is compared up to here
_LONGEST_CLAUSE: Final = 100  # symbols; a longer one is cut, which keeps the time proportional to the text
_COMMON: Final = 48  # clauses; a pair of symbols that stands in more of them tells nothing
_FOUND: Final = 16  # clauses that share the most of what is rare
_CANDIDATES: Final = 4
_ALIKE: Final = 0.5  # share of a clause's pairs of symbols that its counterpart has too
_SURROUNDED: Final = 2  # symbols that have to be the same beside a change
_SAID: Final = 4  # symbols that both clauses say, for one to negate the other
_REACH: Final = 6  # symbols between a negation and what it speaks of
_STRETCH: Final = 6  # symbols of one replaced piece, or shown with a denial
_MOST_CHANGES: Final = 1000
# What stands between a negation and its object and takes the negation to itself (并非首次, 不是A而是B).
_TURNS: Final = frozenset("而但却、首全都只仅唯")
_CURRENCIES: Final = frozenset(("元", "美元", "欧元", "日元", "港元", "韩元", "英镑", "卢布", "新台币"))

Kind = Literal["number", "negation", "name"]


class Span(NamedTuple):
    """Characters `start` to `end` of a given text, and what they are."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One statement that was changed: where the original makes it, and where the repost does."""

    kind: Kind
    original: Span
    repost: Span


class _Change(NamedTuple):
    kind: Kind
    original: Sequence[Symbol]
    repost: Sequence[Symbol]


class _Step(NamedTuple):
    """Symbols `a` to `b` of the original's clause, and `c` to `d` of the repost's in their place."""

    same: bool
    a: int
    b: int
    c: int
    d: int


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two texts, taken apart.

    Attributes:
        given: The text.
        normal: Its normal form.
        clauses: What stands between two marks, as symbols.
        numbers: Its numbers, each value once, by what they count.
        negated: What stands behind its negations: two characters of each.
        denies: Something in it is called false.
    """

    given: str
    normal: Normal
    clauses: tuple[tuple[Symbol, ...], ...]
    numbers: Mapping[str, Sequence[Number]]
    negated: frozenset[str]
    denies: bool

    def states(self, number: Number) -> bool:
        """Say whether the text states a number somewhere."""
        return any(each.agrees(number) for each in self.numbers.get(number.dimension, ()))

    def text_of(self, symbols: Sequence[Symbol]) -> str:
        """Return the normal form of symbols that stand side by side."""
        return self.normal.text[symbols[0].start : symbols[-1].end]

    def span_of(self, symbols: Sequence[Symbol]) -> Span:
        """Return where they stand in the given text."""
        start, end = self.normal.given(symbols[0].start, symbols[-1].end)
        return Span(start, end, self.given[start:end])


def compare(original: str, repost: str) -> tuple[Difference, ...]:
    """Return what `repost` changed of what `original` says, in the repost's order.

    Args:
        original: The original's title and text, a line break between them; offsets count its characters.
        repost: The repost's.

    Time grows with the length of the texts; of each the first 100,000 characters are compared.
    """
    there, here = _taken_apart(original[:MAX_CHARACTERS]), _taken_apart(repost[:MAX_CHARACTERS])
    finder = _Finder(there.clauses)
    verbatim = set(map(there.text_of, there.clauses))
    changes: list[_Change] = []
    for clause in here.clauses:
        if here.text_of(clause) in verbatim:
            continue
        found = [_changes(counterpart, clause) for counterpart in finder.like(clause)]
        # Where one counterpart says exactly this, the others are other statements.
        if found and all(found):
            changes += found[0]
        if len(changes) > _MOST_CHANGES:
            break
    swapped = _swapped(changes)
    kept = [each for each in changes if _stands(each, there, here, swapped)]
    return tuple(
        dict.fromkeys(Difference(each.kind, there.span_of(each.original), here.span_of(each.repost)) for each in kept)
    )


def _taken_apart(text: str) -> _Side:
    normal = normalise(text)
    clauses = tuple(_clauses(symbols_of(normal.text)))
    numbers: dict[str, dict[tuple[object, ...], Number]] = {}
    negated = set()
    for each in (symbol for clause in clauses for symbol in clause):
        if each.number is not None:
            known = numbers.setdefault(each.number.dimension, {})
            known.setdefault((each.number.value, each.number.step, each.number.loose), each.number)
        elif each.sort == "negation":
            negated.add(normal.text[each.end : each.end + 2])
    return _Side(
        given=text,
        normal=normal,
        clauses=clauses,
        numbers={dimension: tuple(known.values()) for dimension, known in numbers.items()},
        negated=frozenset(negated),
        denies=any(word in normal.text for word in words("denials")),
    )


def _clauses(symbols: Iterable[Symbol]) -> Iterator[tuple[Symbol, ...]]:
    clause: list[Symbol] = []
    for symbol in symbols:
        if clause and (symbol.sort == "mark" or len(clause) == _LONGEST_CLAUSE):
            yield tuple(clause)
            clause = []
        if symbol.sort != "mark":
            clause.append(symbol)
    if clause:
        yield tuple(clause)


class _Finder:
    """Finds the clauses of the original that say much the same as a clause of the repost."""

    def __init__(self, clauses: Sequence[tuple[Symbol, ...]]) -> None:
        self._clauses = clauses
        self._pairs = [_pairs(each) for each in clauses]
        self._where: dict[tuple[str, str], list[int]] = {}
        for at, pairs in enumerate(self._pairs):
            for pair in pairs:
                places = self._where.setdefault(pair, [])
                if len(places) <= _COMMON:
                    places.append(at)

    def like(self, clause: tuple[Symbol, ...]) -> list[tuple[Symbol, ...]]:
        """Return the clauses that are most alike, the best first; none where none is alike enough."""
        pairs = _pairs(clause)
        shared: Counter[int] = Counter()
        for pair in pairs:
            places = self._where.get(pair, ())
            if len(places) <= _COMMON:
                shared.update(places)
        # What is rare finds the candidates; all that is shared, common or not, says how much they are alike.
        counted = [(len(pairs & self._pairs[at]), len(self._pairs[at]), at) for at, _ in shared.most_common(_FOUND)]
        alike = [
            (count, count / min(len(pairs), size), at)
            for count, size, at in counted
            if count >= _ALIKE * min(len(pairs), size)
        ]
        best = sorted(alike, key=lambda each: (-each[0], -each[1], each[2]))[:_CANDIDATES]
        return [self._clauses[at] for count, _, at in best if count >= best[0][0] - 1]


def _pairs(clause: Sequence[Symbol]) -> set[tuple[str, str]]:
    keys = [each.key for each in clause if each.sort not in {"negation", "denial"}]
    return set(itertools.pairwise(keys))


def _changes(original: Sequence[Symbol], repost: Sequence[Symbol]) -> list[_Change]:
    """Return what differs between two clauses that say much the same."""
    keys = [each.key for each in original], [each.key for each in repost]
    if keys[0] == keys[1]:
        steps = [_Step(True, 0, len(original), 0, len(repost))]  # noqa: FBT003 - a field of its name
    else:
        codes = SequenceMatcher(None, *keys, autojunk=False).get_opcodes()
        steps = [_Step(tag == "equal", *at) for tag, *at in codes]
    found: list[_Change] = []
    for step in steps:
        found += _within(original, repost, step) if step.same else _replaced(original, repost, step)
    return [*found, *_negations(original, repost, steps), *_denials(original, repost, steps)]


def _within(original: Sequence[Symbol], repost: Sequence[Symbol], step: _Step) -> Iterator[_Change]:
    """Yield the numbers that differ where all else is the same."""
    if step.b - step.a > _SURROUNDED:
        for one, other in zip(original[step.a : step.b], repost[step.c : step.d], strict=True):
            if _numbers_differ(one.number, other.number):
                yield _Change("number", (one,), (other,))


def _replaced(original: Sequence[Symbol], repost: Sequence[Symbol], step: _Step) -> Iterator[_Change]:
    one = [each for each in original[step.a : step.b] if each.number is not None]
    other = [each for each in repost[step.c : step.d] if each.number is not None]
    if len(one) == len(other) == 1 and max(step.b - step.a, step.d - step.c) <= _STRETCH:
        if _numbers_differ(one[0].number, other[0].number) or _other_currency(one[0].number, other[0].number):
            yield _Change("number", one, other)
    elif found := replaced_name(original, repost, (step.a, step.b, step.c, step.d)):
        yield _Change("name", original[slice(*found.original)], repost[slice(*found.repost)])


def _numbers_differ(one: Number | None, other: Number | None) -> bool:
    return one is not None and other is not None and one.dimension == other.dimension and not one.agrees(other)


def _other_currency(one: Number | None, other: Number | None) -> bool:
    dimensions = {each.dimension for each in (one, other) if each is not None}
    return len(dimensions) > 1 and dimensions <= _CURRENCIES


def _negations(original: Sequence[Symbol], repost: Sequence[Symbol], steps: Sequence[_Step]) -> Iterator[_Change]:
    """Yield where a negation came or went before what both clauses say.

    Two negations are none: only an odd difference changes what is said.
    """
    said = sum(b - a for same, a, b, _, _ in steps if same)
    if (_count(original) - _count(repost)) % 2 == 0 or said < _SAID:
        return
    for step, behind in itertools.pairwise(steps):
        gap, other = original[step.a : step.b], repost[step.c : step.d]
        if step.same or (_count(gap) - _count(other)) % 2 == 0:
            continue
        shared = behind.b - behind.a
        ends_both = behind.b == len(original) and behind.d == len(repost)
        enough = shared > _SURROUNDED or (shared == _SURROUNDED and ends_both)
        if enough and _speaks_on(gap if _count(gap) else other):
            yield _Change("negation", original[step.a : step.b + _SURROUNDED], repost[step.c : step.d + _SURROUNDED])


def _count(symbols: Iterable[Symbol]) -> int:
    return sum(each.sort == "negation" for each in symbols)


def _speaks_on(gap: Sequence[Symbol]) -> bool:
    """Say whether the last negation of a gap speaks of what both clauses say behind it, not of what is left out."""
    last = max(index for index, each in enumerate(gap) if each.sort == "negation")
    rest = gap[last + 1 :]
    return len(rest) <= _REACH and not any(each.key in _TURNS for each in rest)


def _denials(original: Sequence[Symbol], repost: Sequence[Symbol], steps: Sequence[_Step]) -> Iterator[_Change]:
    """Yield where the end of a clause, and only in one of the two, calls false what both say."""
    if len(steps) > 1 and steps[-2].same and steps[-2].b - steps[-2].a >= _SAID:
        (_, start, b, other_start, d), same = steps[-1], steps[-2]
        shown = min(same.b - same.a, _STRETCH)
        if _denies(original[start:b]) != _denies(repost[other_start:d]):
            yield _Change("negation", original[start - shown : b], repost[other_start - shown : d])


def _denies(end: Sequence[Symbol]) -> bool:
    return any(each.sort == "denial" for each in end[-_SURROUNDED:]) and len(end) <= _REACH


def _swapped(changes: Iterable[_Change]) -> set[tuple[object, ...]]:
    """Return the changes of numbers that another one undoes: 死3人伤5人 became 死5人伤3人."""
    found = {_values(each) for each in changes if each.kind == "number"}
    return {each for each in found if (each[0], each[2], each[1]) in found}


def _values(change: _Change) -> tuple[object, ...]:
    one, other = change.original[0].number, change.repost[0].number
    return (one and one.dimension, one and one.value, other and other.value)


def _stands(change: _Change, there: _Side, here: _Side, swapped: set[tuple[object, ...]]) -> bool:
    """Say whether neither text says elsewhere what the change would have it not say."""
    one, other = change.original[0].number, change.repost[0].number
    if one is not None and other is not None and change.kind == "number":
        return _values(change) in swapped or not (there.states(other) or here.states(one))
    stated, instead = there.text_of(change.original), here.text_of(change.repost)
    if change.kind == "name":
        return stated not in here.normal.text and instead not in there.normal.text
    if there.denies and here.denies and any(word in stated + instead for word in words("denials")):
        return False
    return not (_heads(change.repost, here) & there.negated or _heads(change.original, there) & here.negated)


def _heads(symbols: Sequence[Symbol], side: _Side) -> set[str]:
    return {side.normal.text[each.end : each.end + 2] for each in symbols if each.sort == "negation"}
