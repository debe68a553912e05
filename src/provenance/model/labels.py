"""The label kinds of the contract as typed values; a kind not named here is an `ExtensionLabel`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Discriminator, Field, GetJsonSchemaHandler, Tag, model_validator

from provenance.model.base import Line, Name, Number, Prose, Url, Value, refuse
from provenance.model.times import PastTime, Time

Datum = Literal["wgs84", "gcj02", "bd09"]


class Coordinates(Value):
    """Degrees north and east in a named datum; all three together."""

    latitude: Annotated[Number, Field(ge=-90, le=90)]
    longitude: Annotated[Number, Field(ge=-180, le=180)]
    datum: Datum


class Place(Value):
    """A place by name; its parts are written where given, never parsed out of the name."""

    name: Name
    country_code: Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")] | None = None
    province: Name | None = None
    city: Name | None = None
    county: Name | None = None
    precision: Literal["exact", "county", "city", "province", "country"] | None = None
    coordinates: Coordinates | None = None


class LabelValue(Value):
    """What every typed label has: a kind, which a label in a post file must name."""

    def fields(self) -> Mapping[str, Any]:
        """Return every field under its name in a post file, those that are not given too; not to be changed."""
        return vars(self)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core_schema))
        schema["required"] = sorted({"kind", *schema.get("required", ())})
        return schema


class Source(LabelValue):
    """Where the information comes from; `text` is the original's, for comparison only, never written into files."""

    kind: Literal["source"] = "source"
    publisher: Name
    title: Line | None = None
    url: Url | None = None
    published_at: PastTime | None = None
    copyright_owner: Name | None = None
    author: Name | None = None
    text: Prose | None = None


class _Event(LabelValue):
    time: PastTime | None = None
    place: Place | None = None

    @model_validator(mode="after")
    def _says_something(self) -> _Event:
        if self.time is None and self.place is None:
            raise refuse("label-without-time-or-place", "neither time nor place")
        return self


class Capture(_Event):
    """When and where an asset was recorded."""

    kind: Literal["capture"] = "capture"


class PastEvent(_Event):
    """When and where an old event that the item quotes took place."""

    kind: Literal["past-event"] = "past-event"


class AIGenerated(LabelValue):
    """Made with AI: `confirmed`, `possible` or `suspected` (GB 45438-2025 Annex E, Label 1, 2, 3)."""

    kind: Literal["ai-generated"] = "ai-generated"
    grade: Literal["confirmed", "possible", "suspected"]
    producer: Name | None = None
    produce_id: Name | None = None
    propagator: Name | None = None
    propagate_id: Name | None = None
    tool: Name | None = None
    extent: Literal["whole", "part"] | None = None


class Fiction(LabelValue):
    """Invented, acted or staged content."""

    kind: Literal["fiction"] = "fiction"
    form: Literal["fictional", "dramatised", "staged"]


class Disputed(LabelValue):
    """Somebody disputes the item."""

    kind: Literal["disputed"] = "disputed"
    by: Name
    at: PastTime
    reason: Line | None = None
    url: Url | None = None


class Rumor(LabelValue):
    """An authority or a moderator has found the item to be a rumor."""

    kind: Literal["rumor"] = "rumor"
    by: Name
    at: PastTime
    claim: Line | None = None
    debunk_url: Url | None = None
    authority: Name | None = None


class Marketing(LabelValue):
    """The item promotes something."""

    kind: Literal["marketing"] = "marketing"
    advertiser: Name | None = None


class Opinion(LabelValue):
    """The item is its author's opinion."""

    kind: Literal["opinion"] = "opinion"


class MinorsRisk(LabelValue):
    """The item may affect minors' health."""

    kind: Literal["minors-risk"] = "minors-risk"
    risk: Annotated[Literal["imitation", "values", "image-misuse", "data-misuse"], Field(alias="class")]

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, populate_by_name=True)

    def fields(self) -> Mapping[str, Any]:
        """Return every field under its name in a post file."""
        return {"kind": self.kind, "class": self.risk}


class Affiliation(LabelValue):
    """The multi-channel network (MCN) an account belongs to."""

    kind: Literal["mcn"] = "mcn"
    name: Name
    uscc: Annotated[str, Field(pattern=r"^[0-9A-HJ-NP-RT-UW-Y]{18}$")] | None = None
    as_of: Time | None = None


class ExtensionLabel(Value):
    """A kind this code has no class for; the edition judges whether it exists."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    kind: Name

    def fields(self) -> Mapping[str, Any]:
        """Return every field that is given; not to be changed."""
        return {**vars(self), **(self.model_extra or {})}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core_schema))
        schema["properties"]["kind"]["not"] = {"enum": list(KIND_TYPES)}
        return schema


_Typed = (
    Source
    | Capture
    | PastEvent
    | AIGenerated
    | Fiction
    | Disputed
    | Rumor
    | Marketing
    | Opinion
    | MinorsRisk
    | Affiliation
)
KIND_TYPES: dict[str, type[Value]] = {kind.model_fields["kind"].default: kind for kind in get_args(_Typed)}
REPEATABLE = frozenset({"source", "past-event", "disputed", "rumor", "minors-risk"})


def _tag(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) and kind in KIND_TYPES else "extension"


Label = Annotated[
    Annotated[Source, Tag("source")]
    | Annotated[Capture, Tag("capture")]
    | Annotated[PastEvent, Tag("past-event")]
    | Annotated[AIGenerated, Tag("ai-generated")]
    | Annotated[Fiction, Tag("fiction")]
    | Annotated[Disputed, Tag("disputed")]
    | Annotated[Rumor, Tag("rumor")]
    | Annotated[Marketing, Tag("marketing")]
    | Annotated[Opinion, Tag("opinion")]
    | Annotated[MinorsRisk, Tag("minors-risk")]
    | Annotated[Affiliation, Tag("mcn")]
    | Annotated[ExtensionLabel, Tag("extension")],
    Discriminator(_tag),
]
