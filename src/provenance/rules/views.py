"""What the conditions look at: a post's labels and each asset's labels and finished file, gathered once per check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from provenance.catalog import Catalog, PlannedNotice
from provenance.catalog.facts import ASSET_FACTS, FACTS, POST_FACTS
from provenance.model.observation import FILE_CARRIERS, AigcElement, Observation
from provenance.model.post import Asset, PlacedLabel, Post
from provenance.rules.flaws import NO_FLAWS, Flaws, flaws_of, large_and_clear
from provenance.rules.said import Said
from provenance.text.visible import Shown

Labels = Mapping[str, Sequence[Mapping[str, Any]]]
# Something that a condition can hold because of: (what, its value). A view has them; a rule may need one of some.
Token = tuple[str, Any]
UNKNOWN: Final = ("unknown",)  # the value of a fact that is absent


class Undeclared(Exception):
    """A fact was read that is not there."""


class Facts(dict[str, Any]):
    """The facts that are there; reading another one raises `Undeclared`."""

    def __missing__(self, key: str) -> Any:
        raise Undeclared(key)


NO_FACTS: Final = Facts()


@dataclass(slots=True)
class View:
    """A post, or one of its assets.

    Attributes:
        on_post: The fields of the post's labels, by kind.
        own: The fields of the asset's own labels, by kind.
        medium: ``image``, ``video``, ``audio``, or `None` when the file could not be read.
        format: The file's format, or `None` when it could not be read.
        shown: The kinds whose notice was found in the picture.
        flaws: By kind, the flaws of each of its notices that was found.
        says: What the file's own carriers state about the asset, by kind.
        elements: The file's AIGC elements.
        lacks: The kinds of whose notices one is missing from the pages that were given.
        assets: A post's assets.
        said: What the post says in words; `None` for a file without its post.
    """

    on_post: Labels = field(default_factory=dict)
    own: Labels = field(default_factory=dict)
    medium: str | None = None
    format: str | None = None
    shown: frozenset[str] = frozenset()
    flaws: Flaws = field(default_factory=lambda: NO_FLAWS)
    says: Labels = field(default_factory=dict)
    elements: tuple[AigcElement, ...] = ()
    lacks: frozenset[str] = frozenset()
    assets: tuple[View, ...] = ()
    said: Said | None = None

    def tokens(self) -> list[Token]:
        """Return what its conditions can hold because of, but facts."""
        found: list[Token] = [("media", self.medium)]
        found += [("own", kind) for kind in self.own]
        found += [("notice", kind) for kind in self.shown]
        found += [("flaw", each) for flaws in self.flaws.values() for one in flaws for each in one]
        found += [("says", kind) for kind in self.says]
        for number, element in enumerate(self.elements, 1):
            found.append(("element", min(number, 2)))
            found += [("problem", each) for each in element.problems]
        return found


@dataclass(slots=True)
class Case:
    """One check, gathered.

    Attributes:
        view: What the conditions look at; its `assets` in the post's order.
        facts: The post's facts.
        asset_facts: The same with each asset's own.
        on_post: The post's labels.
        own: Each asset's own labels.
        notices: Every notice the labels ask for.
        readable: ``(kind, text)`` of the notices found in each asset, large and clear enough.
        stated: What each file's own carriers say, by kind, on either level.
        said: What the post says in words.
    """

    view: View
    facts: Facts
    asset_facts: tuple[Facts, ...]
    on_post: tuple[PlacedLabel, ...]
    own: tuple[tuple[PlacedLabel, ...], ...]
    notices: tuple[PlannedNotice, ...]
    readable: tuple[frozenset[tuple[str, str]], ...]
    stated: tuple[Labels, ...]
    said: Said


def case_of(  # noqa: PLR0913 - all that a verdict rests on
    post: Post,
    observations: Sequence[Observation],
    catalog: Catalog,
    jurisdiction: str,
    on: date,
    *,
    sources: frozenset[str] | None = None,
    pages: Sequence[Shown] = (),
) -> Case:
    """Gather what the rules ask of a post and of its finished files, one observation an asset, in their order."""
    on_post = post.labels_on_post()
    own = tuple(post.own_labels(at) for at in range(len(post.assets)))
    notices = catalog.notices_for(on_post, own, [*map(_surface_medium, observations)], jurisdiction)
    readable = tuple(_readable(each, catalog) | _heard(at, each, notices) for at, each in enumerate(observations))
    wanted: dict[tuple[int, str], set[str]] = {}
    for notice in notices:
        for at in notice.assets:
            wanted.setdefault((at, notice.kind), set()).add(notice.text)
    labels = _by_kind(on_post)
    said = Said(post, notices, on, sources, pages)
    lacks = _lacking(notices, said) if pages else {}
    stated = tuple(_says(each) for each in observations)
    assets = tuple(
        View(
            on_post=labels,
            own=_by_kind(own[at]),
            medium=seen.media,
            format=seen.format,
            shown=_shown(at, readable[at], wanted),
            flaws=flaws_of(seen, catalog) if seen.notices else NO_FLAWS,
            says=stated[at][0],
            elements=seen.aigc.elements,
            lacks=lacks.get(at, frozenset()),
            said=said,
        )
        for at, seen in enumerate(observations)
    )
    facts = _facts_of(post)
    return Case(
        view=View(on_post=labels, lacks=lacks.get(None, frozenset()), assets=assets, said=said),
        facts=facts,
        asset_facts=tuple(_facts_of_asset(each, facts) for each in post.assets),
        on_post=on_post,
        own=own,
        notices=notices,
        readable=readable,
        stated=tuple(every for _, every in stated),
        said=said,
    )


def view_of_file(observation: Observation, catalog: Catalog) -> View:
    """Return the view of a file without its post: its labels are what its own carriers say, on either level."""
    levels: dict[bool, dict[str, list[dict[str, Any]]]] = {True: {}, False: {}}
    for each in observation.evidence:
        if each.carrier in FILE_CARRIERS:
            levels[each.on == "post"].setdefault(each.kind, [{}])[0].update(each.value)
    return View(
        on_post=levels[True],
        own=levels[False],
        medium=observation.media,
        format=observation.format,
        shown=frozenset(kind for kind, _ in _readable(observation, catalog)),
        flaws=flaws_of(observation, catalog),
        says=_says(observation)[0],
        elements=observation.aigc.elements,
    )


def _facts_of_asset(asset: Asset, facts: Facts) -> Facts:
    found = Facts(facts)
    for key in ASSET_FACTS:
        value = FACTS[key].read(asset)
        if value is not None:
            found[key] = value
    return found


def _facts_of(post: Post) -> Facts:
    found = {key: FACTS[key].read(post) for key in POST_FACTS}
    return Facts({key: value for key, value in found.items() if value is not None or FACTS[key].gap})


def _by_kind(placed: Iterable[PlacedLabel]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in placed:
        found.setdefault(each.kind, []).append(each.label.fields())  # type: ignore[attr-defined]
    return found


def _lacking(notices: Iterable[PlannedNotice], said: Said) -> dict[int | None, frozenset[str]]:
    """Return the kinds of whose notices one is missing, by the number of the asset labelled; None is the post."""
    found: dict[int | None, frozenset[str]] = {}
    for each in notices:
        if each.surface != "media" and said.status(each) == "missing":
            at = each.assets[0] if each.assets else None
            found[at] = found.get(at, frozenset()) | {each.kind}
    return found


def _readable(seen: Observation, catalog: Catalog) -> frozenset[tuple[str, str]]:
    """Return ``(kind, text)`` of the notices that were found, large and clear enough; words in a text have no looks."""
    is_text = seen.media == "document"
    return frozenset(
        (each.kind, each.text) for each in seen.notices if each.found and (is_text or large_and_clear(each, catalog))
    )


def _surface_medium(seen: Observation) -> str | None:
    """Return what an asset is; None for a sound that says its notices itself."""
    return None if seen.media == "audio" and any(each.found for each in seen.notices) else seen.media


def _heard(at: int, seen: Observation, notices: Iterable[PlannedNotice]) -> frozenset[tuple[str, str]]:
    """Return the notices that a sound says in a form of its own: as a rhythm, or in the words of a recording."""
    kinds = {each.kind for each in seen.notices if each.found} if seen.media == "audio" else set()
    return frozenset((each.kind, each.text) for each in notices if at in each.assets and each.kind in kinds)


def _shown(at: int, readable: frozenset[tuple[str, str]], wanted: Mapping[tuple[int, str], set[str]]) -> frozenset[str]:
    """Return the kinds of which every text the asset's labels ask for was found; any text where they ask for none."""
    found: dict[str, set[str]] = {}
    for kind, text in readable:
        found.setdefault(kind, set()).add(text)
    return frozenset(kind for kind, texts in found.items() if wanted.get((at, kind), set()) <= texts)


def _says(observation: Observation) -> tuple[Labels, Labels]:
    """Return what the file's own carriers state of itself, and on either level."""
    own: dict[str, list[Mapping[str, Any]]] = {}
    every: dict[str, list[Mapping[str, Any]]] = {}
    for each in observation.evidence:
        if each.carrier in FILE_CARRIERS:
            every.setdefault(each.kind, []).append(each.value)
            # What our record says of the post (its title and body) is no statement about this file.
            if each.on != "post":
                own.setdefault(each.kind, []).append(each.value)
    return own, every
