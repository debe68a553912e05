"""Conditions as plain functions, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, reduce
from typing import Any, Final

from provenance.catalog.conditions import (
    AllOf,
    AnyOf,
    Condition,
    ElementHolds,
    EveryAsset,
    EveryLabel,
    FactIs,
    FieldTest,
    FileSays,
    FormatIs,
    HasLabel,
    HasQualification,
    MediumIs,
    Not,
    NoticeFlawed,
    NoticeInBody,
    NoticeShown,
    PageLacks,
    RepostChanges,
    SomeAsset,
    TextSays,
)
from provenance.catalog.facts import FACTS
from provenance.catalog.words import WordList
from provenance.model.observation import AigcElement
from provenance.rules.views import Facts, View
from provenance.text import is_vague_source

Check = Callable[[View, Facts], bool]
Words = Mapping[str, WordList]


def compiled(condition: Condition, words: Words) -> Check:
    """Turn a condition into a function of a view and of facts that are all present; `words` are the edition's lists."""
    return _MAKERS[type(condition)](condition, words)


def _all(condition: AllOf, words: Words) -> Check:
    return reduce(_both, [compiled(each, words) for each in condition.all])


def _any(condition: AnyOf, words: Words) -> Check:
    return reduce(_either, [compiled(each, words) for each in condition.any])


def _both(one: Check, other: Check) -> Check:
    return lambda view, facts: one(view, facts) and other(view, facts)


def _either(one: Check, other: Check) -> Check:
    return lambda view, facts: one(view, facts) or other(view, facts)


def _not(condition: Not, words: Words) -> Check:
    check = compiled(condition.part, words)
    return lambda view, facts: not check(view, facts)


def _every(condition: EveryAsset, words: Words) -> Check:
    check, media = compiled(condition.every_asset, words), condition.of

    def holds(view: View, facts: Facts) -> bool:
        chosen = [each for each in view.assets if media is None or each.medium in media]
        return bool(chosen) and all(check(each, facts) for each in chosen)

    return holds


def _some(condition: SomeAsset, words: Words) -> Check:
    check = compiled(condition.some_asset, words)
    return lambda view, facts: any(check(each, facts) for each in view.assets)


def _fact(condition: FactIs, _: Words) -> Check:
    key, accepted = condition.fact, condition.accepted
    if condition.given:
        return lambda _, facts: facts[key] is not None
    if condition.below is not None:
        limit = condition.below
        return lambda _, facts: facts[key] is not None and facts[key] < limit
    if FACTS[key].many:
        return lambda _, facts: not accepted.isdisjoint(facts[key])
    return lambda _, facts: facts[key] in accepted


def _label(condition: HasLabel, words: Words) -> Check:
    kind, level, fields = condition.label, condition.on, condition.fields
    passed = [field_test(each, words) for each in condition.where]
    failed = [field_test(each, words) for each in condition.where_not]

    def fits(view: View, label: Mapping[str, Any]) -> bool:
        return (
            all(label.get(name) is not None for name in fields)
            and all(test(view, label) for test in passed)
            and not any(test(view, label) for test in failed)
        )

    if not (fields or passed or failed):
        return lambda view, _: bool(labels_in(view, kind, level))
    return lambda view, _: any(fits(view, label) for label in labels_in(view, kind, level))


def field_test(test: FieldTest, words: Words) -> Callable[[View, Mapping[str, Any]], bool]:
    """Turn a test of a label's field into a function of a view and of the label's fields."""
    field, accepted = test.field, frozenset(test.any_of or ())
    if test.any_of is not None:
        return lambda _, label: label.get(field) in accepted
    if test.vague is not None:
        is_vague = _vagueness(words[test.vague].words)
        return lambda _, label: is_vague(str(label.get(field) or ""))
    if test.unlisted is not None:
        return lambda view, label: view.said is not None and not view.said.lists(str(label.get(field) or ""))
    return lambda view, label: view.said is not None and view.said.is_own(str(label.get(field) or ""))


@cache
def _vagueness(phrases: tuple[str, ...]) -> Callable[[str], bool]:
    """Return what tells vague sources by `phrases`; many posts name the same few sources."""
    return lru_cache(maxsize=4096)(lambda text: is_vague_source(text, phrases))


def _every_label(condition: EveryLabel, _: Words) -> Check:
    kind, level, fields = condition.every_label, condition.on, condition.fields
    return lambda view, _: all(label.get(name) is not None for label in labels_in(view, kind, level) for name in fields)


def labels_in(view: View, kind: str, level: str) -> Sequence[Mapping[str, Any]]:
    """Return the fields of every label of a kind on a level: ``post``, ``asset`` or ``effective``."""
    found = view.on_post.get(kind, ()) if level == "post" else view.own.get(kind, ())
    return view.on_post.get(kind, ()) if level == "effective" and not found else found


def _medium(condition: MediumIs, _: Words) -> Check:
    media = condition.media
    return lambda view, _: view.medium in media


def _format(condition: FormatIs, _: Words) -> Check:
    formats = condition.format
    return lambda view, _: view.format in formats


def _notice(condition: NoticeShown, _: Words) -> Check:
    kind = condition.notice
    return lambda view, _: kind in view.shown


def _flawed(condition: NoticeFlawed, _: Words) -> Check:
    kinds, flaws = condition.flawed, frozenset(condition.by)

    def holds(view: View, _: Facts) -> bool:
        found = (view.flaws.get(kind) for kind in kinds)
        return any(each and not any(map(flaws.isdisjoint, each)) for each in found)

    return holds


def _in_body(condition: NoticeInBody, _: Words) -> Check:
    kind, first = condition.body_shows, condition.at == "start"
    return lambda view, _: view.said is not None and view.said.shows(kind, first=first)


def _lacks(condition: PageLacks, _: Words) -> Check:
    kind = condition.page_lacks
    return lambda view, _: kind in view.lacks


def _said(condition: FileSays, _: Words) -> Check:
    kind, fields = condition.file_says, condition.fields
    if not fields:
        return lambda view, _: kind in view.says
    return lambda view, _: any(all(name in value for name in fields) for value in view.says.get(kind, ()))


def _element(condition: ElementHolds, _: Words) -> Check:
    names, known, least = condition.aigc, condition.label_any_of, condition.least
    problems = frozenset(condition.problems or ())

    def fits(element: AigcElement) -> bool:
        value = element.value
        return (
            all(value.get(name, "").strip() for name in names)
            and (known is None or value.get("Label") in known)
            and (not problems or not problems.isdisjoint(element.problems))
        )

    return lambda view, _: len(view.elements) >= least and sum(map(fits, view.elements)) >= least


def _text(condition: TextSays, words: Words) -> Check:
    texts, listed = condition.text, words[condition.says]
    return lambda view, _: view.said is not None and any(view.said.words(each, listed) for each in texts)


def _qualification(condition: HasQualification, _: Words) -> Check:
    domains, status, current = condition.qualification, condition.status, bool(condition.current)
    return lambda view, _: view.said is not None and view.said.qualified(domains, status, current=current)


def _changes(condition: RepostChanges, _: Words) -> Check:
    kinds = frozenset(condition.repost_changes)
    return lambda view, _: view.said is not None and any(each.kind in kinds for each in view.said.changes)


_MAKERS: Final[dict[type[Any], Callable[[Any, Words], Check]]] = {
    AllOf: _all,
    AnyOf: _any,
    Not: _not,
    EveryAsset: _every,
    SomeAsset: _some,
    FactIs: _fact,
    HasLabel: _label,
    EveryLabel: _every_label,
    MediumIs: _medium,
    FormatIs: _format,
    NoticeShown: _notice,
    NoticeFlawed: _flawed,
    NoticeInBody: _in_body,
    PageLacks: _lacks,
    FileSays: _said,
    ElementHolds: _element,
    TextSays: _text,
    HasQualification: _qualification,
    RepostChanges: _changes,
}
