"""Platforms' declaration options, word for word, and which of them what is true of a post leads to.

The wordings are what publishing tools showed when they were captured. The platform's own page is authoritative and
changes; so each form says when it was captured, and a newer one is added beside it, never in its place.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field, model_validator

from provenance.catalog.data import Id, ProvisionId, SafeArea
from provenance.model.base import Flag, Line, Name, Value, refuse
from provenance.model.post import Content, Origin
from provenance.model.report import Certainty, Localized

Code: TypeAlias = Literal["ai", "fiction", "marketing", "repost", "opinion", "none"]
"""The options of `declaration.option`."""
CODES: tuple[Code, ...] = get_args(Code)
Purpose = Literal[
    "self-shot",
    "past-event",
    "minors",
    "danger",
    "discomfort",
    "spending",
    "health",
    "investment",
    "original",
    "quotation",
]
Captured = Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?(/\d{4}(-\d{2}(-\d{2})?)?)?$")]


class Linked(Value):
    """A field that the platform shows beside an option, and the label's field that fills it.

    `title` is the platform's own word where it was captured.
    """

    field: Literal["source.publisher", "source.url", "capture.time", "capture.place"]
    title: Line | None = None
    required: Flag = False


class PlatformOption(Value):
    """An option of the declaration as the platform words it.

    Attributes:
        code: What it means.
        texts: Its words; several where captures or surfaces differ.
        field: The field it stands in, where that is another than the form's.
        linked: What has to be filled in beside it.
        certainty: How sure these words are, where less sure than the form's.
        note: What a user has to know to choose it.
    """

    code: Code
    texts: Annotated[tuple[Line, ...], Field(min_length=1)]
    field: Line | None = None
    linked: tuple[Linked, ...] = ()
    certainty: Certainty | None = None
    note: Localized | None = None


class PlatformExtra(Value):
    """A choice beyond the six; `separate`: in a list of its own, so that it can be chosen as well."""

    purpose: Purpose
    text: Line
    field: Line | None = None
    separate: Flag = False
    linked: tuple[Linked, ...] = ()


class PlatformForm(Value):
    """A declaration form as it was captured.

    Attributes:
        field: What the form is called there.
        choose: One option, or every one that is true.
        captured_at: When, as an ISO 8601 date or interval.
        since: The first day this form, and no earlier one, is taken to be shown.
        certainty: How sure the words are.
        empty_is_none: Nothing chosen means that no declaration is needed.
        option: The options with a meaning of the six.
        extra: The others.
    """

    field: Line
    choose: Literal["one", "many"] = "one"
    captured_at: Captured
    since: date | None = None
    certainty: Certainty
    empty_is_none: Flag = False
    note: Localized | None = None
    option: Annotated[tuple[PlatformOption, ...], Field(min_length=1)]
    extra: tuple[PlatformExtra, ...] = ()

    @model_validator(mode="after")
    def _one_option_a_code(self) -> PlatformForm:
        codes = [each.code for each in self.option]
        if repeated := next((each for each in codes if codes.count(each) > 1), None):
            raise refuse("platform-option-repeated", "two options of one code", value=repeated)
        return self

    def offers(self, code: Code) -> PlatformOption | None:
        """Return the option that means `code`."""
        return next((each for each in self.option if each.code == code), None)


class Platform(Value):
    """One platform, its names, and its forms, the newest first.

    `safe_area` is there only where the platform's own is known; else the notice style's holds.
    """

    id: Id
    title: Localized
    names: tuple[Name, ...] = ()
    source: Line
    safe_area: SafeArea | None = None
    form: Annotated[tuple[PlatformForm, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _newest_first(self) -> Platform:
        days = [each.since or date.min for each in self.form]
        if days != sorted(set(days), reverse=True) or self.form[-1].since is not None:
            raise refuse("platform-forms-order", "not the newest first", value=self.id)
        return self

    def form_on(self, day: date) -> PlatformForm:
        """Return the form shown on a day."""
        return next(each for each in self.form if each.since is None or each.since <= day)


class DeclarationOption(Value):
    """What leads to an option: a label, a statement of `facts.contains`, an asset's origin, or that it is a repost."""

    code: Code
    title: Localized
    labels: tuple[Id, ...] = ()
    contains: tuple[Content, ...] = ()
    origins: tuple[Origin, ...] = ()
    reposted: Flag = False


class Declarations(Value):
    """The options by precedence: where several are true and one may be chosen, the first is; ``none`` comes last."""

    cites: tuple[ProvisionId, ...]
    certainty: Certainty
    source: Line
    option: Annotated[tuple[DeclarationOption, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_code_once(self) -> Declarations:
        codes = [each.code for each in self.option]
        last = self.option[-1]
        if sorted(codes) != sorted(CODES) or last.code != "none":
            raise refuse("declaration-options", "not each of the six once, none last")
        if last.labels or last.contains or last.origins or last.reposted:
            raise refuse("declaration-options", "something leads to none")
        return self
