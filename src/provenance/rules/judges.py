"""The rules of one edition, jurisdiction and day, compiled once to plain functions.

A verdict is exact about what is unknown: where facts are absent, a rule is judged under every value they may have, and
is undecided only if the outcomes differ. Tests on one fact are never taken apart, so no impossible case is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple, cast

from provenance.catalog import Catalog
from provenance.catalog.conditions import (
    AllOf,
    Condition,
    EveryLabel,
    FactIs,
    HasLabel,
    RepostChanges,
    facts_read,
    walk,
)
from provenance.catalog.data import Evidence, Provision, Rule
from provenance.catalog.facts import FACTS
from provenance.model.report import Certainty, Localized, Severity
from provenance.rules.compiled import Check, compiled
from provenance.rules.guards import Docket, Guard, guard_of, media_of
from provenance.rules.matched import Finder, finders_of
from provenance.rules.views import Facts, Undeclared, View

_STRONGEST_FIRST: Final[tuple[Certainty, ...]] = ("S", "V", "V*", "P", "I")


Texts = tuple[tuple[Check | None, Localized], ...]


class Verdict(NamedTuple):
    """A rule that is not satisfied; `preferred` when only what it prefers is lacking."""

    preferred: bool
    severity: Severity
    cites: tuple[str, ...]
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Duty:
    """A provision in force that a rule cites, and whom it binds how."""

    id: str
    certainty: Certainty
    bearers: frozenset[str]
    binds: Check | None
    obliges: bool
    encourages: bool


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """One compiled rule.

    Attributes:
        guard: What it needs to find anything; `media`: in what.
        keys: The facts it reads.
        cases: For each of them, one value for every way its tests can come out.
        advised_duties: What is cited as advice where no preferred duty binds.
        evidence: The texts of what was found, each with its condition.
        fixes: The same of what to do, the plain `fix` last; `preferred_fixes` when only what it prefers is lacking.
        finders: What find the words that its conditions look for.
        reads_labels: Its conditions ask for labels.
        reads_changes: Its conditions ask what a repost changed.
        reads_sources: They ask whether a name is on the list of news source units.
    """

    rule: Rule
    guard: Guard
    media: frozenset[str] | None
    keys: tuple[str, ...]
    cases: Mapping[str, tuple[Any, ...]]
    applies: Check
    requires: Check | None
    prefers: Check | None
    inferred: Check | None
    duties: tuple[Duty, ...]
    preferred_duties: tuple[Duty, ...]
    advised_duties: tuple[Duty, ...]
    evidence: Texts
    fixes: Texts
    preferred_fixes: Texts
    finders: tuple[Finder, ...]
    reads_labels: bool
    reads_changes: bool
    reads_sources: bool

    def decide(self, view: View, facts: Facts, role: str) -> tuple[Verdict | None, tuple[str, ...]]:
        """Return the verdict and, where it is open, the absent facts on which it hangs."""
        try:
            return self._judge(view, facts, role), ()
        except Undeclared:
            absent = [key for key in self.keys if key not in facts]
        tried: dict[tuple[Any, ...], Verdict | None] = {}

        def verdict(values: tuple[Any, ...]) -> Verdict | None:
            if values not in tried:
                tried[values] = self._judge(view, _with(facts, absent, values), role)
            return tried[values]

        cases = [self.cases[key] for key in absent]
        blamed = tuple(key for at, key in enumerate(absent) if _hangs_on(at, cases, verdict))
        # Where no fact alone changes the outcome, no facts together do; then every case has been tried.
        return (None, blamed) if blamed else (_common(list(tried.values())), ())

    def _judge(self, view: View, facts: Facts, role: str) -> Verdict | None:
        # What is required comes first: where labels satisfy it, no fact has to be known.
        preferred = self.requires is not None and self.requires(view, facts)
        if preferred and (self.prefers is None or self.prefers(view, facts)):
            return None
        if not self.applies(view, facts):
            return None
        duties = self.preferred_duties if preferred else self.duties
        live = [each for each in duties if each.binds is None or each.binds(view, facts)]
        if preferred and not live:
            live = [each for each in self.advised_duties if each.binds is None or each.binds(view, facts)]
        if not live:
            return None
        borne = [each for each in live if role in each.bearers]
        inferred = self.inferred is not None and self.inferred(view, facts)
        cited = borne or live
        certainty = "I" if inferred else min((each.certainty for each in cited), key=_STRONGEST_FIRST.index)
        severity = self._severity(role, borne, preferred=preferred, inferred=inferred)
        return Verdict(preferred, severity, tuple(each.id for each in cited), certainty)

    def _severity(self, role: str, borne: list[Duty], *, preferred: bool, inferred: bool) -> Severity:
        if role == "author":
            own: Severity = "advisory" if preferred else self.rule.severity
            return "warning" if inferred and own == "blocking" else own
        if any(each.obliges for each in borne):
            return "warning" if inferred else "blocking"
        return "warning" if any(each.encourages for each in borne) else "advisory"


@dataclass(frozen=True, slots=True)
class Bench:
    """The judges of one day."""

    post: Docket[Judge]
    asset: Docket[Judge]


@lru_cache(maxsize=64)
def bench_for(catalog: Catalog, jurisdiction: str, on: date) -> Bench:
    """Compile the rules in force on a day.

    Raises:
        UsageError: the edition holds no rules for that jurisdiction.
    """
    judges = [_judge_for(rule, catalog, on) for rule in catalog.in_force(on, jurisdiction) if not rule.house]
    return Bench(
        Docket.of(each for each in judges if each.rule.scope == "post"),
        Docket.of(each for each in judges if each.rule.scope == "asset"),
    )


def _judge_for(rule: Rule, catalog: Catalog, on: date) -> Judge:
    words = catalog.words
    cited = _in_force(rule.cites, catalog, on)
    preferred = _in_force(rule.prefers.cites if rule.prefers else (), catalog, on)
    advised = _in_force(rule.prefers.advised_by if rule.prefers else (), catalog, on)
    binding = (catalog.binding(each.id) for each in (*cited, *preferred, *advised))
    deciding = (*rule.conditions(), *(each for each in binding if each is not None))
    keys = facts_read(*deciding)
    # The catalog refuses a legal rule that does not say what it applies to.
    applies = cast("Condition", rule.applies_to)
    return Judge(
        rule=rule,
        guard=guard_of(applies),
        media=media_of(applies),
        keys=keys,
        cases={key: _cases(key, deciding) for key in keys},
        applies=compiled(applies, words),
        requires=None if rule.requires is None else compiled(rule.requires, words),
        prefers=None if rule.prefers is None or not (preferred or advised) else compiled(rule.prefers.condition, words),
        inferred=None if rule.inference is None else compiled(rule.inference.when, words),
        duties=tuple(_duty(each, catalog, rule.cited_when.get(each.id)) for each in cited),
        preferred_duties=tuple(_duty(each, catalog) for each in preferred),
        advised_duties=tuple(replace(_duty(each, catalog), obliges=False, encourages=False) for each in advised),
        evidence=_texts(rule.evidence, catalog),
        fixes=(*_texts(rule.fix_when, catalog), (None, rule.fix)),
        preferred_fixes=(*_texts(rule.prefers.fix_when, catalog), (None, rule.prefers.fix)) if rule.prefers else (),
        finders=finders_of(rule.conditions(), words),
        reads_labels=any(isinstance(each, HasLabel | EveryLabel) for one in deciding for each in walk(one)),
        reads_changes=any(isinstance(each, RepostChanges) for one in deciding for each in walk(one)),
        reads_sources=any(_asks_list(each) for one in deciding for each in walk(one)),
    )


def _texts(texts: Iterable[Evidence], catalog: Catalog) -> Texts:
    return tuple((None if each.when is None else compiled(each.when, catalog.words), each) for each in texts)


def _asks_list(condition: Condition) -> bool:
    tests = (*condition.where, *condition.where_not) if isinstance(condition, HasLabel) else ()
    return any(each.unlisted for each in tests)


def _in_force(ids: Iterable[str], catalog: Catalog, on: date) -> list[Provision]:
    return [each for each in map(catalog.provisions.__getitem__, ids) if each.covers(on)]


def _duty(provision: Provision, catalog: Catalog, only_when: Condition | None = None) -> Duty:
    parts = tuple(each for each in (catalog.binding(provision.id), only_when) if each is not None)
    inference = provision.certainty == "I"
    obliges = not {"MUST", "NOT"}.isdisjoint(provision.modality)
    return Duty(
        id=provision.id,
        certainty=provision.certainty,
        bearers=frozenset(provision.bearers),
        binds=compiled(AllOf(all=parts), catalog.words) if parts else None,
        obliges=obliges and not inference,
        encourages="ENC" in provision.modality or (obliges and inference),
    )


def _cases(key: str, conditions: Iterable[Condition]) -> tuple[Any, ...]:
    """Return one value of a fact for every way the tests on it can come out together."""
    tests = [each for one in conditions for each in walk(one) if isinstance(each, FactIs) and each.fact == key]
    checks = [compiled(each, {}) for each in tests]
    nowhere = View()
    found: dict[tuple[bool, ...], Any] = {}
    for value in _values(key, tests):
        found.setdefault(tuple(check(nowhere, Facts({key: value})) for check in checks), value)
    return tuple(found.values())


def _values(key: str, tests: Iterable[FactIs]) -> Iterator[Any]:
    fact = FACTS[key]
    if fact.number:
        yield from (None, *(value for each in tests if each.below for value in (each.below - 1, each.below)))
        return
    if not fact.many:
        yield from fact.values
        if fact.gap:
            yield from (None,) if fact.values else (None, key)
        return
    named = sorted({str(value) for each in tests for value in each.accepted})
    for chosen in product((False, True), repeat=len(named)):
        yield tuple(value for value, taken in zip(named, chosen, strict=True) if taken)


def _with(facts: Facts, keys: Iterable[str], values: Iterable[Any]) -> Facts:
    complete = Facts(facts)
    complete.update(zip(keys, values, strict=True))
    return complete


def _outcome(verdict: Verdict | None) -> tuple[bool, str] | None:
    return None if verdict is None else (verdict.preferred, verdict.severity)


def _hangs_on(at: int, cases: Sequence[tuple[Any, ...]], verdict: Callable[[tuple[Any, ...]], Verdict | None]) -> bool:
    """Say whether changing the absent fact number `at` alone can change the outcome."""
    for others in product(*cases[:at], *cases[at + 1 :]):
        outcomes = (_outcome(verdict((*others[:at], value, *others[at:]))) for value in cases[at])
        first = next(outcomes)
        if any(each != first for each in outcomes):
            return True
    return False


def _common(verdicts: list[Verdict | None]) -> Verdict | None:
    """Return the verdict all cases agree on, citing what holds in each of them, as sure as the least sure one."""
    found = [each for each in verdicts if each is not None]
    if not found:
        return None
    shared = [cite for cite in found[0].cites if all(cite in each.cites for each in found)]
    certainty = max((each.certainty for each in found), key=_STRONGEST_FIRST.index)
    return found[0]._replace(cites=tuple(shared) or found[0].cites, certainty=certainty)
