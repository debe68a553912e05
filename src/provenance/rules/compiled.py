"""Conditions as plain functions, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

from provenance.catalog.conditions import (
    AllOf,
    AnyOf,
    Condition,
    ElementHolds,
    EveryAsset,
    EveryLabel,
    FactIs,
    FileSays,
    FormatIs,
    HasLabel,
    MediumIs,
    Not,
    NoticeShown,
    SomeAsset,
)
from provenance.catalog.facts import FACTS
from provenance.rules.views import Facts, View

Check = Callable[[View, Facts], bool]


def compiled(condition: Condition) -> Check:
    """Turn a condition into a function of a view and of facts that are all present."""
    return _MAKERS[type(condition)](condition)


def _all(condition: AllOf) -> Check:
    return reduce(_both, map(compiled, condition.all))


def _any(condition: AnyOf) -> Check:
    return reduce(_either, map(compiled, condition.any))


def _both(one: Check, other: Check) -> Check:
    return lambda view, facts: one(view, facts) and other(view, facts)


def _either(one: Check, other: Check) -> Check:
    return lambda view, facts: one(view, facts) or other(view, facts)


def _not(condition: Not) -> Check:
    check = compiled(condition.part)
    return lambda view, facts: not check(view, facts)


def _every(condition: EveryAsset) -> Check:
    check, media = compiled(condition.every_asset), condition.of

    def holds(view: View, facts: Facts) -> bool:
        chosen = [each for each in view.assets if media is None or each.medium in media]
        return bool(chosen) and all(check(each, facts) for each in chosen)

    return holds


def _some(condition: SomeAsset) -> Check:
    check = compiled(condition.some_asset)
    return lambda view, facts: any(check(each, facts) for each in view.assets)


def _fact(condition: FactIs) -> Check:
    key, accepted = condition.fact, condition.accepted
    if condition.given:
        return lambda _, facts: facts[key] is not None
    if FACTS[key].many:
        return lambda _, facts: not accepted.isdisjoint(facts[key])
    return lambda _, facts: facts[key] in accepted


def _label(condition: HasLabel) -> Check:
    kind, level, fields = condition.label, condition.on, condition.fields

    def holds(view: View, _: Facts) -> bool:
        found = _labels(view, kind, level)
        if not (found and fields):
            return bool(found)
        return any(all(label.get(name) is not None for name in fields) for label in found)

    return holds


def _every_label(condition: EveryLabel) -> Check:
    kind, level, fields = condition.every_label, condition.on, condition.fields
    return lambda view, _: all(label.get(name) is not None for label in _labels(view, kind, level) for name in fields)


def _labels(view: View, kind: str, level: str) -> Sequence[Mapping[str, Any]]:
    found = view.on_post.get(kind, ()) if level == "post" else view.own.get(kind, ())
    return view.on_post.get(kind, ()) if level == "effective" and not found else found


def _medium(condition: MediumIs) -> Check:
    media = condition.media
    return lambda view, _: view.medium in media


def _format(condition: FormatIs) -> Check:
    formats = condition.format
    return lambda view, _: view.format in formats


def _notice(condition: NoticeShown) -> Check:
    kind = condition.notice
    return lambda view, _: kind in view.shown


def _said(condition: FileSays) -> Check:
    kind = condition.file_says
    return lambda view, _: kind in view.says


def _element(condition: ElementHolds) -> Check:
    names, known = condition.aigc, condition.label_any_of
    return lambda view, _: any(
        all(each.get(name, "").strip() for name in names) and (known is None or each.get("Label") in known)
        for each in view.elements
    )


_MAKERS: Final[dict[type[Any], Callable[[Any], Check]]] = {
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
    FileSays: _said,
    ElementHolds: _element,
}
