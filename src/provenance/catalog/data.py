"""The files of `labels/` as frozen values; `labels/schema/` is generated from these classes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from provenance.catalog.conditions import Condition
from provenance.model.base import Line, Name, Pixels, Value, refuse
from provenance.model.notice import Surface
from provenance.model.observation import Carrier
from provenance.model.post import Role
from provenance.model.report import Certainty, Localized, Severity

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=80)]
ProvisionId = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Za-z0-9.]+)+$", max_length=40)]
Ratio = Annotated[float, Field(gt=0, le=1)]
Modality = Literal["MUST", "NOT", "ENC", "MAY", "OBS"]
Status = Literal["automated", "manual", "planned", "out-of-scope"]


class Period(Value):
    """From the first day to the last one, both included; without `until`, still in force."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, populate_by_name=True)

    from_: Annotated[date, Field(alias="from")]
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Say whether `day` lies inside."""
        return self.from_ <= day and (self.until is None or day <= self.until)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Period:
        if self.until is not None and self.until < self.from_:
            raise refuse("period-reversed", "ends before it begins", value=str(self.until), first=str(self.from_))
        return self


class FieldSpec(Value):
    """One field of a label kind and the standard fields it is written to."""

    name: Name
    written_to: tuple[Line, ...] = ()


class Wording(Localized):
    """A notice's text; `when` is the value of the label's field named by `by` that it is for."""

    when: Name | None = None


class NoticeSpec(Value):
    """Where a kind's notice is shown by default, and its texts.

    Attributes:
        surfaces: Where it is shown.
        style: How it looks where it is drawn, and what it is measured by where it is found.
        drawn_from_post: A label on the post is drawn on every picture.
        by: The field whose value chooses among the wordings.
        must_say: The word list of which any text or speech that serves as this notice says something.
        rhythm: The rhythm that may stand for it in sound.
        wording: Its texts.
    """

    surfaces: Annotated[tuple[Surface, ...], Field(min_length=1)]
    style: Id | None = None
    drawn_from_post: bool = False
    by: Name | None = None
    must_say: Id | None = None
    rhythm: Line | None = None
    wording: Annotated[tuple[Wording, ...], Field(min_length=1)]


class Kind(Value):
    """One label kind: fields, carriers, notice."""

    id: Id
    title: Localized
    about: Localized
    needs_all: tuple[Name, ...] = ()
    needs_one_of: tuple[Name, ...] = ()
    repeatable: bool = False
    carriers: tuple[Carrier, ...]
    notice: NoticeSpec
    field: tuple[FieldSpec, ...] = ()


class SafeArea(Value):
    """What the controls of players leave free of a picture that fills the screen of a telephone.

    Attributes:
        width: Of the screen that the other numbers are pixels of; `height`: the same.
        top: So much of the screen controls may cover at its top; `right`, `bottom`, `left`: the same.
        least_ratio: Pictures are shown like that whose height is at least this, by their width.
        most_ratio: And at most this; longer ones are scrolled.
    """

    width: Annotated[Pixels, Field(gt=0)]
    height: Annotated[Pixels, Field(gt=0)]
    top: Annotated[Pixels, Field(ge=0)]
    right: Annotated[Pixels, Field(ge=0)]
    bottom: Annotated[Pixels, Field(ge=0)]
    left: Annotated[Pixels, Field(ge=0)]
    least_ratio: Annotated[float, Field(ge=1)] = 1.6
    most_ratio: Annotated[float, Field(ge=1)] = 2.4
    certainty: Certainty
    source: Line
    note: Localized | None = None

    @model_validator(mode="after")
    def _leaves_room(self) -> SafeArea:
        if self.left + self.right >= self.width or self.top + self.bottom >= self.height:
            raise refuse("safe-area-empty", "nothing is left free", value=f"{self.width}x{self.height}")
        return self


class Style(Value):
    """How a drawn notice looks and how it is measured; ratios are of the picture's short side.

    Attributes:
        margin_ratio: Between a notice and the sides of the picture, where no safe area holds.
        edge_ratio: A notice no farther than this from a side of the picture is at its edge.
        player_bar_ratio: So much of a video's height, at its bottom, lies under the player's progress bar.
        min_seconds: How long a notice in a video has to stay.
        min_pace: The least speed of a spoken notice, in Chinese characters a minute; `max_pace`: the highest.
    """

    id: Id
    about: Localized
    position: Literal["top-left"]
    drawn_height_ratio: Ratio
    min_height_ratio: Ratio
    min_contrast: Annotated[float, Field(ge=1, le=21)]
    min_short_side: Annotated[int, Field(gt=0)]
    margin_ratio: Ratio
    edge_ratio: Ratio
    player_bar_ratio: Ratio
    min_seconds: Annotated[float, Field(gt=0)]
    min_pace: Annotated[int, Field(gt=0)]
    max_pace: Annotated[int, Field(gt=0)]
    safe_area: SafeArea


class TextSource(Value):
    """Where a text was taken from."""

    text: Line
    url: Line | None = None


class Provision(Value):
    """One provision: its own words, whom it binds, how strongly, and how sure we are of the text.

    Attributes:
        aliases: Other numbers under which the regulation matrix lists it.
        quote: Its words; `None` where none were seen or none may be copied, and `zh` says in ours what it asks.
        quote_verified: Whether the words are the text's, not shortened or put together from pieces.
        copied_from: The copy that quotes it, where the text itself was not at hand.
        modality: Empty for a definition, which obliges nobody.
        in_force: `None` for a draft, which no rule may cite.
        reason: Why no rule decides it, or why none can.
        binds: When it binds anybody at all.
    """

    id: ProvisionId
    aliases: tuple[ProvisionId, ...] = ()
    article: Line
    quote: Line | None = None
    zh: Line | None = None
    quote_verified: bool = True
    copied_from: Line | None = None
    en: Line
    bearers: tuple[Role, ...]
    modality: tuple[Modality, ...]
    certainty: Certainty
    in_force: Period | None = None
    status: Status
    reason: Localized | None = None
    binds: Condition | None = None
    note: Line | None = None

    def covers(self, day: date) -> bool:
        """Say whether it is in force on `day`; a draft never is."""
        return self.in_force is not None and self.in_force.covers(day)

    @model_validator(mode="after")
    def _says_what_and_why(self) -> Provision:
        if (self.quote is None) == (self.zh is None):
            raise refuse("provision-words", "either a quote or our own words", value=self.id)
        if (self.reason is None) == (self.status in {"manual", "out-of-scope"}):
            raise refuse("provision-reason", "a reason exactly where no rule decides", value=self.id)
        return self


class Instrument(Value):
    """One legal text and the provisions taken from it; `binds` holds for every one of them."""

    id: ProvisionId | Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*$")]
    title: Localized
    issuer: Line
    issued: date
    document: Literal["A", "B", "C", "D"] | None = None
    source: TextSource
    binds: Condition | None = None
    provision: Annotated[tuple[Provision, ...], Field(min_length=1)]


class Evidence(Localized):
    """What was found; the first text whose condition holds is used, and the one without a condition last."""

    when: Condition | None = None


class Remedy(Evidence):
    """What to do instead of `fix`; the first one whose condition holds."""

    when: Condition


class Inference(Value):
    """When the rule applies by inference only: a warning then, with certainty I."""

    when: Condition
    switch: Name
    note: Localized


class Preference(Value):
    """What is better than the least that is required; an advisory, or a duty of those that `cites` binds.

    `advised_by` names provisions that the least satisfies: where `cites` binds nobody, they are cited as advice.
    """

    condition: Condition
    cites: tuple[ProvisionId, ...] = ()
    advised_by: tuple[ProvisionId, ...] = ()
    message: Localized
    fix: Localized
    fix_when: tuple[Remedy, ...] = ()

    @model_validator(mode="after")
    def _cites_something(self) -> Preference:
        if not (self.cites or self.advised_by):
            raise refuse("preference-without-provision", "cites nothing")
        return self


class Rule(Value):
    """One rule. `severity` is an author's; another role's follows from the provisions it is bound by.

    `fix_when` replaces `fix` where the usual remedy cannot help. A provision in `cited_when` is cited, and binds, only
    where its condition holds.
    """

    id: Id
    house: bool = False
    title: Localized
    message: Localized
    fix: Localized
    fix_when: tuple[Remedy, ...] = ()
    cites: tuple[ProvisionId, ...] = ()
    cited_when: Mapping[ProvisionId, Condition] = Field(default_factory=dict)
    in_force: Period | None = None
    scope: Literal["post", "asset"]
    pointer: Annotated[str, Field(pattern=r"^(/[a-z0-9_]+)*$")] = ""
    severity: Severity
    applies_to: Condition | None = None
    requires: Condition | None = None
    prefers: Preference | None = None
    inference: Inference | None = None
    switches: tuple[Name, ...] = ()
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1)]

    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions that decide the verdict."""
        parts = [self.applies_to, self.requires]
        if self.prefers is not None:
            parts.append(self.prefers.condition)
        if self.inference is not None:
            parts.append(self.inference.when)
        parts += self.cited_when.values()
        return tuple(part for part in parts if part is not None)

    @model_validator(mode="after")
    def _law_or_house(self) -> Rule:
        legal = bool(self.cites) and self.in_force is not None and self.applies_to is not None
        plain = not self.cites and self.in_force is None and not self.conditions()
        if not (plain if self.house else legal):
            raise refuse("rule-house-or-law", "neither a house rule nor a legal one", value=self.id)
        return self


class SourceType(Value):
    """An IPTC digital source type."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z]+$")]
    title: Localized


class SourceTypeChoice(Value):
    """Which type an asset gets; a choice without a grade is for assets without an `ai-generated` label."""

    type: Name
    origin: Name | None = None
    grade: Name | None = None
    extent: Name | None = None


class SourceTypes(Value):
    """The vocabulary of digital source types; the first choice that fits is taken, and none if none fits."""

    base: Line
    term: Annotated[tuple[SourceType, ...], Field(min_length=1)]
    choice: tuple[SourceTypeChoice, ...]


class CarrierSpec(Value):
    """A place in or beside a file that can hold a label."""

    id: Carrier
    title: Localized
    about: Localized


class Carriers(Value):
    """The vocabulary of carriers."""

    carrier: tuple[CarrierSpec, ...]


class Switch(Value):
    """A question the law leaves open (``Q``) or this edition raises (``E``), the default, and what the default does."""

    id: Annotated[str, Field(pattern=r"^[QE][0-9]+$")]
    question: Localized
    default: Localized
    effect: Localized
    source: Line


class Switches(Value):
    """The open questions (regulation matrix, section 12) that rules refer to."""

    switch: tuple[Switch, ...]
