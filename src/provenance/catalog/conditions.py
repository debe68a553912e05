"""The condition language of the rule data: small, closed, and typed.

``all``, ``any`` and ``not`` join atoms. An atom asks one thing of a post or of one of its assets: a fact, a credential,
words in a text, the asset's medium, its file's format, one or every label of a kind and its fields, a notice found in
the finished file or in the body or missing from a page, an AIGC element, what the file itself says, or how a repost
differs from its original. ``every_asset`` and ``some_asset`` let a rule about the post look at its assets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from provenance.catalog.facts import FACTS
from provenance.model.base import Name, Value, refuse
from provenance.model.post import Domain

Medium = Literal["image", "video", "audio", "document"]
Text = Literal["account.name", "title", "body"]
QualificationStatus = Literal["verified", "unverified", "expired"]
Change = Literal["number", "negation", "name"]
Element = Literal[
    "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"
]
# How an AIGC element can depart from Annex E, and that its signature does not hold; the codes of whoever reads files.
ElementProblem = Literal[
    "aigc-not-json",
    "aigc-too-long",
    "aigc-legacy-schema",
    "aigc-key-unknown",
    "aigc-key-missing",
    "aigc-key-repeated",
    "aigc-key-case",
    "aigc-value-not-text",
    "aigc-quotes-escaped",
    "aigc-character",
    "aigc-label-unknown",
    "aigc-signature-broken",
]
# What can be wrong with a notice that was found: of its looks, its place, its time, its words or its sound.
Flaw = Literal[
    "too-small",
    "too-faint",
    "covered",
    "under-player-bar",
    "under-controls",
    "not-at-edge",
    "not-from-start",
    "too-short",
    "words-missing",
    "neither-voice-nor-rhythm",
    "other-rhythm",
    "over-content",
    "unusual-pace",
    "unclear",
]


class AllOf(Value):
    """Every part holds."""

    all: Annotated[tuple[Condition, ...], Field(min_length=1)]


class AnyOf(Value):
    """At least one part holds."""

    any: Annotated[tuple[Condition, ...], Field(min_length=1)]


class Not(Value):
    """The part does not hold."""

    part: Annotated[Condition, Field(alias="not")]


class FactIs(Value):
    """A fact has a value, or one of several; of a list, one of its elements.

    `given`: the key is there at all. `below`: it is there, and a smaller number.
    """

    fact: Name
    is_: Annotated[bool | str | None, Field(alias="is")] = None
    any_of: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    given: Literal[True] | None = None
    below: Annotated[int, Field(ge=1)] | None = None

    @property
    def accepted(self) -> frozenset[str | bool]:
        """Return the values that satisfy it; empty for `given` and `below`."""
        return frozenset(self.any_of if self.any_of is not None else () if self.is_ is None else (self.is_,))

    @model_validator(mode="after")
    def _asks_one_known_thing(self) -> FactIs:
        fact = FACTS.get(self.fact)
        if fact is None:
            raise refuse("condition-fact", "an unknown fact", value=self.fact, expected=", ".join(FACTS))
        asked = {"is": self.is_, "any_of": self.any_of, "given": self.given, "below": self.below}
        stated = [name for name, value in asked.items() if value is not None]
        fits = {"given": fact.gap, "below": fact.number}
        if len(stated) != 1 or not fits.get(stated[0], True):
            raise refuse("condition-test", "not one test", value=self.fact)
        if strange := sorted(map(str, self.accepted.difference(fact.values))):
            expected = ", ".join(str(value).lower() for value in fact.values)
            raise refuse(
                "condition-value", "a value the fact never has", value=strange[0], fact=self.fact, expected=expected
            )
        return self


class MediumIs(Value):
    """The asset is an image, a video or audio."""

    media: Annotated[tuple[Medium, ...], Field(min_length=1)]


class FormatIs(Value):
    """The asset's file has one of these formats."""

    format: Annotated[tuple[Name, ...], Field(min_length=1)]


class FieldTest(Value):
    """One test of one field of a label.

    It has one of these values; it names nobody but what a list of vague sources holds (`vocabulary/words/`); it names
    another account of the same operator; or it names nobody on the list of news source units that the user imported.
    """

    field: Name
    any_of: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    vague: Name | None = None
    own_matrix: Literal[True] | None = None
    unlisted: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one_test(self) -> FieldTest:
        if sum(each is not None for each in (self.any_of, self.vague, self.own_matrix, self.unlisted)) != 1:
            raise refuse("condition-test", "not one test", value=self.field)
        return self


class HasLabel(Value):
    """There is such a label: on the post, on the asset itself, or in effect on the asset.

    It has every field of `with`, passes every test of `where` and none of `where_not`.
    """

    label: Name
    on: Literal["post", "asset", "effective"]
    fields: Annotated[tuple[Name, ...], Field(alias="with")] = ()
    where: tuple[FieldTest, ...] = ()
    where_not: tuple[FieldTest, ...] = ()


class EveryLabel(Value):
    """Every label of that kind there has each field of `with`; it holds where there is none."""

    every_label: Name
    on: Literal["post", "asset", "effective"]
    fields: Annotated[tuple[Name, ...], Field(alias="with", min_length=1)]


class NoticeShown(Value):
    """The notice of that kind was found in the finished picture, large and clear enough."""

    notice: Name


class NoticeFlawed(Value):
    """A notice of one of these kinds was found in the finished file, and each one found of it has one of these flaws.

    What was not measured is no flaw.
    """

    flawed: Annotated[tuple[Name, ...], Field(min_length=1)]
    by: Annotated[tuple[Flaw, ...], Field(min_length=1)]


class NoticeInBody(Value):
    """The notice of that kind stands in the post's body; at its `start`: before everything else."""

    body_shows: Name
    at: Literal["start", "anywhere"]


class PageLacks(Value):
    """A page was given, and a notice of that kind of these labels stands neither there nor in the body.

    In a rule about the post these are its own labels, else the asset's. Without a page nothing is lacking.
    """

    page_lacks: Name


class ElementHolds(Value):
    """The file has an AIGC element in which these keys are not empty, and with one of these Labels; of `[]`, any.

    `problems`: with one of these; `least`: that many such elements.
    """

    aigc: tuple[Element, ...]
    label_any_of: Annotated[tuple[Literal["1", "2", "3"], ...], Field(min_length=1)] | None = None
    problems: Annotated[tuple[ElementProblem, ...], Field(min_length=1)] | None = None
    least: Annotated[int, Field(ge=1, le=9)] = 1


class FileSays(Value):
    """The file's own metadata or manifest makes a statement of that kind about the asset, with these fields."""

    file_says: Name
    fields: Annotated[tuple[Name, ...], Field(alias="with")] = ()


class TextSays(Value):
    """One of these texts of the post says a word of a list (`vocabulary/words/`)."""

    text: Annotated[tuple[Text, ...], Field(min_length=1)]
    says: Name


class HasQualification(Value):
    """The account has a credential for one of these domains.

    `status`: of this standing; `current`: its last valid day is not past on the day of the check.
    """

    qualification: Annotated[tuple[Domain, ...], Field(min_length=1)]
    status: QualificationStatus | None = None
    current: Literal[True] | None = None


class RepostChanges(Value):
    """Title or body differ from those of a quoted original (`source.title`, `source.text`) in one of these ways."""

    repost_changes: Annotated[tuple[Change, ...], Field(min_length=1)]


class EveryAsset(Value):
    """There is an asset of these media, and each one satisfies the part."""

    every_asset: Condition
    of: Annotated[tuple[Medium, ...], Field(min_length=1)] | None = None


class SomeAsset(Value):
    """One asset satisfies the part."""

    some_asset: Condition


_KINDS: Final = {
    "all": AllOf,
    "any": AnyOf,
    "not": Not,
    "fact": FactIs,
    "media": MediumIs,
    "format": FormatIs,
    "label": HasLabel,
    "every_label": EveryLabel,
    "notice": NoticeShown,
    "flawed": NoticeFlawed,
    "body_shows": NoticeInBody,
    "page_lacks": PageLacks,
    "aigc": ElementHolds,
    "file_says": FileSays,
    "text": TextSays,
    "qualification": HasQualification,
    "repost_changes": RepostChanges,
    "every_asset": EveryAsset,
    "some_asset": SomeAsset,
}


def _tag(value: Any) -> str:
    if isinstance(value, dict):
        return next((key for key in _KINDS if key in value), "fact")
    return next((key for key, kind in _KINDS.items() if isinstance(value, kind)), "fact")


Condition = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[FactIs, Tag("fact")]
    | Annotated[MediumIs, Tag("media")]
    | Annotated[FormatIs, Tag("format")]
    | Annotated[HasLabel, Tag("label")]
    | Annotated[EveryLabel, Tag("every_label")]
    | Annotated[NoticeShown, Tag("notice")]
    | Annotated[NoticeFlawed, Tag("flawed")]
    | Annotated[NoticeInBody, Tag("body_shows")]
    | Annotated[PageLacks, Tag("page_lacks")]
    | Annotated[ElementHolds, Tag("aigc")]
    | Annotated[FileSays, Tag("file_says")]
    | Annotated[TextSays, Tag("text")]
    | Annotated[HasQualification, Tag("qualification")]
    | Annotated[RepostChanges, Tag("repost_changes")]
    | Annotated[EveryAsset, Tag("every_asset")]
    | Annotated[SomeAsset, Tag("some_asset")],
    Discriminator(_tag),
]


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions directly inside `condition`."""
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            return parts
        case Not(part=part) | EveryAsset(every_asset=part) | SomeAsset(some_asset=part):
            return (part,)
        case _:
            return ()


def walk(condition: Condition | None) -> Iterator[Condition]:
    """Yield `condition` and everything inside it."""
    if condition is not None:
        yield condition
        for part in parts_of(condition):
            yield from walk(part)


def facts_read(*conditions: Condition | None) -> tuple[str, ...]:
    """Return the keys of the facts that `conditions` read, each once, in alphabetical order."""
    return tuple(sorted({each.fact for one in conditions for each in walk(one) if isinstance(each, FactIs)}))
