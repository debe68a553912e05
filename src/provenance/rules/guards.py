"""Which rules a case can break at all: most need something that most posts do not have.

A guard is a set of tokens: without one of them a condition cannot hold, whatever absent facts turn out to be. Judges
are filed under the tokens of what they apply to, so that a post is judged only by those it has given cause to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from provenance.catalog.conditions import (
    AllOf,
    AnyOf,
    Condition,
    ElementHolds,
    EveryAsset,
    FactIs,
    FileSays,
    HasLabel,
    MediumIs,
    NoticeFlawed,
    NoticeShown,
    SomeAsset,
)
from provenance.catalog.facts import FACTS, POST_FACTS
from provenance.rules.views import UNKNOWN, Facts, Token, View

Guard = frozenset[Token] | None
# How often a token is found, roughly: every asset has a medium; hardly one has a flaw.
_COMMON: Final = {"media": 40, "acting_as": 2, "kind": 2, "flaw": 1, "problem": 1}
_USUAL: Final = 6
_LEVELS: Final = {"post": ("label",), "asset": ("own",), "effective": ("label", "own")}


class Filed(Protocol):
    """What can be filed under a guard."""

    @property
    def guard(self) -> Guard:
        """The tokens of which it needs one; `None`: it can be needed anywhere."""
        ...


_Filed = TypeVar("_Filed", bound=Filed)


@dataclass(frozen=True, slots=True, eq=False)
class Docket(Generic[_Filed]):
    """Judges, filed under what they need.

    Attributes:
        every: All of them.
        unguarded: Those that can be needed anywhere.
        filed: The others, under each token of their guards.
    """

    every: tuple[_Filed, ...]
    unguarded: tuple[_Filed, ...]
    filed: dict[Token, tuple[_Filed, ...]]

    @classmethod
    def of(cls, judges: Iterable[_Filed]) -> Docket[_Filed]:
        """File `judges`."""
        every = tuple(judges)
        filed: dict[Token, tuple[_Filed, ...]] = {}
        for judge in every:
            for token in judge.guard or ():
                filed[token] = (*filed.get(token, ()), judge)
        return cls(every, tuple(each for each in every if each.guard is None), filed)

    def called(self, tokens: Iterable[Token]) -> dict[int, _Filed]:
        """Return the judges filed under one of `tokens`, each once."""
        filed = self.filed
        return {id(judge): judge for token in tokens if token in filed for judge in filed[token]}


def guard_of(condition: Condition) -> Guard:
    """Return the tokens of which a view or its facts must have one for `condition` to hold; `None`: any might do."""
    match condition:
        case AllOf(all=parts):
            found = [guard for part in parts if (guard := guard_of(part)) is not None]
            return min(found, key=_weight, default=None)
        case AnyOf(any=parts):
            guards = [guard_of(part) for part in parts]
            return None if None in guards else frozenset().union(*(each for each in guards if each is not None))
        case EveryAsset(every_asset=part) | SomeAsset(some_asset=part):
            return guard_of(part)
        case _:
            tokens = _tokens(condition)
            return frozenset(tokens) if tokens else None


def media_of(condition: Condition) -> frozenset[str] | None:
    """Return the media outside which `condition` cannot hold; `None`: any."""
    match condition:
        case MediumIs(media=media):
            return frozenset(media)
        case AllOf(all=parts):
            found = [each for part in parts if (each := media_of(part)) is not None]
            return frozenset.intersection(*found) if found else None
        case _:
            return None


def _tokens(condition: Condition) -> list[Token]:
    found: list[Token] = []
    match condition:
        case FactIs(given=None, below=None, fact=key):
            found = [(key, value) for value in condition.accepted]
            if not FACTS[key].gap:
                found.append((key, UNKNOWN))
        case MediumIs(media=names):
            found = [("media", each) for each in names]
        case HasLabel(label=kind, on=level):
            found = [(each, kind) for each in _LEVELS[level]]
        case NoticeShown(notice=kind):
            found = [("notice", kind)]
        case NoticeFlawed(by=flaws):
            found = [("flaw", each) for each in flaws]
        case FileSays(file_says=kind):
            found = [("says", kind)]
        case ElementHolds(problems=problems, least=least):
            found = [("problem", each) for each in problems] if problems else [("element", min(least, 2))]
    return found


def _weight(guard: frozenset[Token]) -> int:
    return sum(_COMMON.get(what, _USUAL) for what, _ in guard)


def tokens_of_post(view: View, facts: Facts) -> list[Token]:
    """Return the tokens of a post's facts and of its labels."""
    found: list[Token] = [("label", kind) for kind in view.on_post]
    for key in POST_FACTS:
        found += tokens_of_fact(key, facts)
    return found


def tokens_of_fact(key: str, facts: Facts) -> list[Token]:
    """Return the tokens of one fact."""
    if key not in facts:
        return [(key, UNKNOWN)]
    value = facts[key]
    if isinstance(value, tuple):
        return [(key, each) for each in value]
    return [] if value is None else [(key, value)]
