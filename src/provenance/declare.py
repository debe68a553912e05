"""Which option of a platform's declaration to choose for a post, why, and what to fill in beside it.

What is true of the post is taken from its facts and labels; nothing is chosen because it is convenient, and "none
needed" only where everything that would speak against it is known and untrue (regulation matrix, SV2026-3, SV2026-6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from provenance.catalog import Catalog
from provenance.catalog.platforms import (
    Code,
    DeclarationOption,
    Linked,
    Platform,
    PlatformExtra,
    PlatformForm,
    PlatformOption,
    Purpose,
)
from provenance.model.base import Value
from provenance.model.labels import MinorsRisk, Place
from provenance.model.post import PlacedLabel, Post
from provenance.model.report import Certainty, Localized
from provenance.text import normalise

# Which of the choices beyond the six comes first, where only one can be made.
_EXTRAS: Final[tuple[Purpose, ...]] = ("past-event", "minors", "danger", "health", "investment", "self-shot")


class Reason(Value):
    """What in the post leads to an option: the key, and what stands there."""

    code: Code
    pointer: str
    value: str


class FieldToFill(Value):
    """A field that the platform shows beside a choice; `value` is `None` where the post does not say."""

    field: str
    title: str | None
    required: bool
    pointer: str
    value: str | None


class Choice(Value):
    """One option to choose on the platform."""

    code: Code | None
    field: str
    texts: tuple[str, ...]
    certainty: Certainty
    note: Localized | None
    fill: tuple[FieldToFill, ...]


class Advice(Value):
    """What to declare.

    Attributes:
        platform: The platform's id.
        captured_at: When the wordings were captured.
        option: The option's code; `None` while facts are missing that decide it.
        choose: What to choose on the platform, the declaration first; empty with `leave_empty`, or while undecided.
        leave_empty: Nothing is to be chosen: the platform has no option for what is true, or none is needed.
        reasons: What leads to each option that is true, by precedence.
        not_offered: True, and no option of this platform says it.
        show_otherwise: True, and not said by what is chosen: to be said in the caption or drawn.
        missing: Keys that are absent and could change the choice.
        declared: What the post says was declared, where it names this platform.
        agrees: Whether that is the option; `None` where nothing was declared or nothing is decided.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, title="provenance/advice/1", populate_by_name=True
    )

    schema_: Annotated[Literal["provenance/advice/1"], Field(alias="schema")] = "provenance/advice/1"
    edition: str
    platform: str
    title: Localized
    captured_at: str
    certainty: Certainty
    cites: tuple[str, ...]
    note: Localized | None
    option: Code | None
    choose: tuple[Choice, ...]
    leave_empty: bool
    reasons: tuple[Reason, ...]
    not_offered: tuple[Code, ...]
    show_otherwise: tuple[Code, ...]
    missing: tuple[str, ...]
    declared: Code | None
    agrees: bool | None

    def as_json(self) -> dict[str, Any]:
        """Return the advice as plain JSON data, every key of it."""
        return self.model_dump(mode="json", by_alias=True)


def declare(post: Post, platform: str, *, catalog: Catalog, on: date) -> Advice:
    """Say which option of a platform's declaration to choose.

    Args:
        post: The post; its files are not read.
        platform: The platform's id, or one of its names.
        catalog: The rule edition.
        on: The day of publishing, which decides between forms of the platform.

    Raises:
        UsageError: the edition does not know the platform; the error lists those it does.
        UnknownLabelKind: the edition lacks a kind the post uses.
    """
    catalog.require_kinds(post)
    found = catalog.platform(normalise(platform).text)
    form = found.form_on(on)
    reasons = tuple(each for option in catalog.declarations.option for each in _reasons(post, option))
    true = tuple(dict.fromkeys(each.code for each in reasons))
    missing = _missing(post, catalog.declarations.option, () if form.choose == "many" else true)
    chosen = () if missing else _chosen(form, true)
    option = chosen[0] if chosen else None if true or missing else "none"
    choices = () if missing else _choices(post, form, chosen, nothing_true=not true)
    declared = _declared(post, found)
    return Advice(
        edition=catalog.edition,
        platform=found.id,
        title=found.title,
        captured_at=form.captured_at,
        certainty=catalog.declarations.certainty,
        cites=catalog.declarations.cites,
        note=form.note,
        option=option,
        choose=choices,
        leave_empty=not choices and not missing,
        reasons=reasons,
        not_offered=tuple(each for each in true if not form.offers(each)),
        show_otherwise=() if missing else tuple(each for each in true if each not in chosen),
        missing=missing,
        declared=declared,
        agrees=None if declared is None or option is None else declared == option,
    )


def _declared(post: Post, platform: Platform) -> Code | None:
    if post.declaration is None or post.declaration.platform is None:
        return None
    stated = normalise(post.declaration.platform).text.casefold()
    here = stated in {each.casefold() for each in (platform.id, *platform.names)}
    return post.declaration.option if here else None


def _reasons(post: Post, option: DeclarationOption) -> Iterator[Reason]:
    """Yield everything in the post that leads to an option."""
    for at, stated in enumerate(post.facts.contains or ()):
        if stated in option.contains:
            yield Reason(code=option.code, pointer=f"/facts/contains/{at}", value=stated)
    if option.reposted and post.facts.reposted:
        yield Reason(code=option.code, pointer="/facts/reposted", value="true")
    for placed in _placed(post):
        if placed.kind in option.labels:
            yield Reason(code=option.code, pointer=placed.pointer, value=placed.kind)
    for at, asset in enumerate(post.assets):
        if asset.origin in option.origins:
            yield Reason(code=option.code, pointer=f"/assets/{at}/origin", value=str(asset.origin))


def _placed(post: Post) -> Iterator[PlacedLabel]:
    yield from post.labels_on_post()
    for at in range(len(post.assets)):
        yield from post.own_labels(at)


def _missing(post: Post, options: Sequence[DeclarationOption], true: Collection[Code]) -> tuple[str, ...]:
    """Return the absent keys that could lead to an option which comes before every one that is true."""
    absent: dict[str, None] = {}
    for option in options:
        if option.code in true:
            break
        if option.contains and post.facts.contains is None:
            absent["/facts/contains"] = None
        if option.reposted and post.facts.reposted is None:
            absent["/facts/reposted"] = None
        if option.origins:
            absent |= {f"/assets/{at}/origin": None for at, each in enumerate(post.assets) if each.origin is None}
    return tuple(sorted(absent))


def _chosen(form: PlatformForm, true: Sequence[Code]) -> tuple[Code, ...]:
    """Return the options to choose: every true one where that is allowed, else the first one of each field."""
    offered = {code: option for code in true if (option := form.offers(code)) is not None}
    if form.choose == "many":
        return tuple(offered)
    first: dict[str, Code] = {}
    for code, option in offered.items():
        first.setdefault(option.field or form.field, code)
    return tuple(first.values())


def _choices(post: Post, form: PlatformForm, chosen: Sequence[Code], *, nothing_true: bool) -> tuple[Choice, ...]:
    """Return what to choose: the options, or where nothing is true a more exact choice than none; then the others."""
    extras = [each for purpose in _EXTRAS for each in form.extra if each.purpose == purpose and _is_for(post, purpose)]
    instead = [each for each in extras if not each.separate][:1] if nothing_true else []
    codes: Sequence[Code] = ("none",) if nothing_true and not instead else chosen
    options = [option for code in codes if (option := form.offers(code)) is not None]
    taken = {each.field for each in options if each.field is not None}
    more = [each for each in extras if each.separate and each.field not in taken]
    more += [each for each in extras if not each.separate and form.choose == "many" and not nothing_true]
    return (
        *(_option(post, form, each) for each in options),
        *(_extra(post, form, each) for each in (*instead, *more)),
    )


def _is_for(post: Post, purpose: Purpose) -> bool:
    """Say whether a choice beyond the six is true of a post."""
    stated = {*(post.facts.contains or ()), *(each.kind for each in _placed(post))}
    domains = post.account.domains or ()
    risks = {each.label.risk for each in _placed(post) if isinstance(each.label, MinorsRisk)}
    holds: Mapping[Purpose, bool] = {
        "self-shot": any(each.origin == "self-shot" for each in post.assets),
        "past-event": "past-event" in stated,
        "minors": "minors-risk" in stated,
        "danger": "imitation" in risks,
        "health": "health" in domains,
        "investment": "finance" in domains,
    }
    return holds.get(purpose, False)


def _option(post: Post, form: PlatformForm, option: PlatformOption) -> Choice:
    return Choice(
        code=option.code,
        field=option.field or form.field,
        texts=option.texts,
        certainty=option.certainty or form.certainty,
        note=option.note,
        fill=_fields(post, option.linked),
    )


def _extra(post: Post, form: PlatformForm, extra: PlatformExtra) -> Choice:
    return Choice(
        code=None,
        field=extra.field or form.field,
        texts=(extra.text,),
        certainty=form.certainty,
        note=None,
        fill=_fields(post, extra.linked),
    )


def _fields(post: Post, linked: Iterable[Linked]) -> tuple[FieldToFill, ...]:
    return tuple(each for one in linked for each in _filled(post, one))


def _filled(post: Post, linked: Linked) -> Iterator[FieldToFill]:
    """Yield the field with what the post says; a capture once for every asset that the author shot."""
    kind, _, name = linked.field.partition(".")
    groups: list[tuple[str, Sequence[PlacedLabel]]]
    if kind == "capture":
        shot = [at for at, each in enumerate(post.assets) if each.origin == "self-shot"]
        groups = [(f"/assets/{at}/labels", post.own_labels(at)) for at in shot]
    else:
        groups = [("/labels", tuple(_placed(post)))]
    for add_to, placed in groups:
        stated = [(each, getattr(each.label, name, None)) for each in placed if each.kind == kind]
        label, value = next((each for each in stated if each[1] is not None), (None, None))
        yield FieldToFill(
            field=linked.field,
            title=linked.title,
            required=linked.required,
            pointer=add_to if label is None else f"{label.pointer}/{name}",
            value=value.name if isinstance(value, Place) else value,
        )
