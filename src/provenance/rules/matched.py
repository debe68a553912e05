"""The words that a rule's conditions look for, as a post says them, for the evidence of a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from provenance.catalog.conditions import Condition, FieldTest, HasLabel, TextSays, walk
from provenance.rules.compiled import Words, field_test, labels_in
from provenance.rules.views import View
from provenance.text import Difference

Finder = Callable[[View], Iterable[str]]
_MOST_CHANGES: Final = 5


def finders_of(conditions: Iterable[Condition], words: Words) -> tuple[Finder, ...]:
    """Return what finds the words that `conditions` look for."""
    found: list[Finder] = []
    for condition in (each for one in conditions for each in walk(one)):
        if isinstance(condition, TextSays):
            found.append(_in_texts(condition, words))
        elif isinstance(condition, HasLabel):
            found += [_in_labels(condition, test, words) for test in (*condition.where, *condition.where_not)]
    return tuple(found)


def matched(finders: Iterable[Finder], view: View) -> list[str]:
    """Return every word found, each once; in a rule about the post, in its assets' labels too."""
    views = (view, *view.assets)
    return list(dict.fromkeys(word for find in finders for each in views for word in find(each)))


def changes_shown(changes: Iterable[Difference]) -> dict[str, str]:
    """Say in both languages what a repost changed: the original's words, then its own; at most five changes."""
    pairs = [(each.original.text, each.repost.text) for each in changes][:_MOST_CHANGES]
    return {
        "zh": ";".join(f"“{original}”→“{repost}”" for original, repost in pairs),
        "en": "; ".join(f"“{original}” → “{repost}”" for original, repost in pairs),
    }


def _in_texts(condition: TextSays, words: Words) -> Finder:
    listed = words[condition.says]

    def find(view: View) -> Iterator[str]:
        for text in condition.text:
            yield from view.said.words(text, listed) if view.said is not None else ()

    return find


def _in_labels(condition: HasLabel, test: FieldTest, words: Words) -> Finder:
    holds = field_test(test, words)

    def find(view: View) -> Iterator[str]:
        for label in labels_in(view, condition.label, condition.on):
            if holds(view, label):
                yield str(label.get(test.field) or "")

    return find
