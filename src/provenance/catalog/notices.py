"""Which notices a post owes, on which surface, in which words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provenance._messages import Locale, fill
from provenance.catalog.data import Kind, Wording
from provenance.catalog.words import WordList, readable
from provenance.model.base import Value
from provenance.model.notice import Surface
from provenance.model.post import PlacedLabel, Post
from provenance.model.times import shown

LEGAL_LOCALE: Final[Mapping[str, Locale]] = {"cn": "zh-CN"}
_TIMES: Final = ("time", "published_at", "at", "as_of")
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
    value: Mapping[str, Any] = label.fields()  # type: ignore[attr-defined]
    template = wording_for(kind, value)[locale]
    if "{" not in template:
        return template
    fields = dict(value)
    for name in _TIMES:
        if isinstance(fields.get(name), str):
            fields[name] = shown(fields[name])
    return fill(template, fields)


def wording_for(kind: Kind, value: Mapping[str, Any]) -> Wording:
    """Return the wording for a label's value: the one for its grade or form, else the first."""
    if kind.notice.by is None:
        return kind.notice.wording[0]
    wanted = value.get(kind.notice.by)
    return next((each for each in kind.notice.wording if each.when == wanted), kind.notice.wording[0])


def standard_texts(kinds: Iterable[Kind], locale: Locale) -> Iterator[tuple[str, str]]:
    """Yield ``(kind, text)`` of every wording that is shown on media and holds no field."""
    for kind in kinds:
        if "media" in kind.notice.surfaces:
            yield from ((kind.id, each[locale]) for each in kind.notice.wording if "{" not in each[locale])


def kind_said(text: str, kinds: Mapping[str, Kind], words: Mapping[str, WordList]) -> str | None:
    """Return the kind that `text` is the notice of: it has the words that are needed, or else a standard wording."""
    close = "".join(readable(text).lower.split())
    for kind in kinds.values():
        if kind.notice.must_say is not None:
            said = bool(words[kind.notice.must_say].said_in(text))
        else:
            said = any(wording in close for _, wording in standard_texts([kind], "zh-CN"))
        if said:
            return kind.id
    return None


def planned(
    on_post: Sequence[PlacedLabel],
    own: Sequence[Sequence[PlacedLabel]],
    kinds: Mapping[str, Kind],
    media: Sequence[str | None],
    locale: Locale,
) -> Iterator[PlannedNotice]:
    """Yield every notice of a post's labels and of each asset's own.

    A sound in which nothing speaks up (``audio`` in `media`) has its notices shown beside the text instead.
    """
    for placed in on_post:
        kind = kinds[placed.kind]
        yield from _of_label(kind, placed, _bare(kind, own, media) if kind.notice.drawn_from_post else (), locale)
    for at, labels in enumerate(own):
        for placed in labels:
            yield from _of_label(kinds[placed.kind], placed, () if media[at] == "audio" else (at,), locale)


def drawn_on(post: Post, at: int, kinds: Mapping[str, Kind], locale: Locale) -> Iterator[tuple[str, str, str]]:
    """Yield ``(kind, text, pointer)`` of every notice to draw on one asset, its own labels first."""
    draw = post.assets[at].draw
    for placed in post.labels_on_asset(at):
        notice = kinds[placed.kind].notice
        if placed.on == "post" and not notice.drawn_from_post:
            continue
        if placed.kind in draw if draw is not None else "media" in notice.surfaces:
            yield placed.kind, text_for(kinds[placed.kind], placed.label, locale), placed.pointer


def _bare(kind: Kind, own: Sequence[Sequence[PlacedLabel]], media: Sequence[str | None]) -> tuple[int, ...]:
    """Return the numbers of the pictures that have no label of that kind themselves."""
    return tuple(
        at
        for at, (labels, medium) in enumerate(zip(own, media, strict=True))
        if medium in _PICTURES and not any(each.kind == kind.id for each in labels)
    )


def _of_label(kind: Kind, placed: PlacedLabel, assets: tuple[int, ...], locale: Locale) -> Iterator[PlannedNotice]:
    text = text_for(kind, placed.label, locale)
    for surface in kind.notice.surfaces:
        # A label whose notice belongs into the picture has nowhere to be drawn: it is shown beside the text instead.
        beside = surface == "media" and not assets
        yield PlannedNotice(placed.kind, "post" if beside else surface, placed.pointer, text, () if beside else assets)
