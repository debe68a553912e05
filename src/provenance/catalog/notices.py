"""Which notices a post owes, on which surface, in which words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provenance._messages import Locale, fill
from provenance.catalog.data import Kind, Wording
from provenance.model.base import Value
from provenance.model.notice import Surface
from provenance.model.post import PlacedLabel, Post
from provenance.model.times import shown

LEGAL_LOCALE: Final[Mapping[str, Locale]] = {"cn": "zh-CN"}
_TIMES: Final = frozenset({"time", "published_at", "at", "as_of"})
_PICTURES: Final = frozenset({"image", "video"})


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """One notice on one surface; `assets` are the numbers of the assets that have to show it (surface ``media``)."""

    kind: str
    surface: Surface
    pointer: str
    text: str
    assets: tuple[int, ...] = ()


def text_for(kind: Kind, label: Value, locale: Locale) -> str:
    """Return the notice's text for one label, in the words of the edition."""
    value = vars(label) | (label.model_extra or {})
    fields = {name: shown(each) if name in _TIMES and isinstance(each, str) else each for name, each in value.items()}
    return fill(wording_for(kind, value)[locale], fields)


def wording_for(kind: Kind, value: Mapping[str, Any]) -> Wording:
    """Return the wording for a label's value: the one for its grade or form, else the first."""
    wanted = value.get(kind.notice.by) if kind.notice.by else None
    return next((each for each in kind.notice.wording if each.when == wanted), kind.notice.wording[0])


def planned(
    post: Post, kinds: Mapping[str, Kind], media: Sequence[str | None], locale: Locale
) -> Iterator[PlannedNotice]:
    """Yield every notice of `post`, the post's own labels first."""
    pictures = [at for at, medium in enumerate(media) if medium in _PICTURES]
    for placed in post.labels_on_post():
        kind = kinds[placed.kind]
        bare = [at for at in pictures if not _has_own(post, at, placed.kind)] if kind.notice.drawn_from_post else []
        yield from _of_label(kind, placed, tuple(bare), locale)
    for at in range(len(post.assets)):
        for placed in post.own_labels(at):
            yield from _of_label(kinds[placed.kind], placed, (at,), locale)


def drawn_on(post: Post, at: int, kinds: Mapping[str, Kind], locale: Locale) -> Iterator[tuple[str, str, str]]:
    """Yield ``(kind, text, pointer)`` of every notice to draw on one asset, its own labels first."""
    draw = post.assets[at].draw
    candidates = [*post.own_labels(at)]
    candidates += [
        placed
        for placed in post.labels_on_post()
        if kinds[placed.kind].notice.drawn_from_post and not _has_own(post, at, placed.kind)
    ]
    for placed in candidates:
        kind = kinds[placed.kind]
        if placed.kind in draw if draw is not None else "media" in kind.notice.surfaces:
            yield placed.kind, text_for(kind, placed.label, locale), placed.pointer


def _has_own(post: Post, at: int, kind: str) -> bool:
    return any(str(label.kind) == kind for label in post.assets[at].labels)


def _of_label(kind: Kind, placed: PlacedLabel, assets: tuple[int, ...], locale: Locale) -> Iterator[PlannedNotice]:
    text = text_for(kind, placed.label, locale)
    for surface in kind.notice.surfaces:
        # A label whose notice belongs into the picture has nowhere to be drawn: it is shown beside the text instead.
        beside = surface == "media" and not assets
        yield PlannedNotice(placed.kind, "post" if beside else surface, placed.pointer, text, () if beside else assets)
