"""What platforms ask of accounts beyond single posts, as data: waits, mutes and sanctions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from provenance.catalog.data import Id, ProvisionId
from provenance.model.base import Value, refuse
from provenance.model.report import Localized

Cites = Annotated[tuple[ProvisionId, ...], Field(min_length=1)]


class Wait(Value):
    """Calendar months that have to pass after an event."""

    id: Literal["clean-record", "owner-change"]
    cites: Cites
    months: Annotated[int, Field(ge=1, le=120)]
    title: Localized


class MuteFactors(Value):
    """How many times a mute's length monetisation is suspended, at least and at most."""

    cites: Cites
    shortest: Annotated[int, Field(ge=1, le=100)]
    longest: Annotated[int, Field(ge=1, le=100)]
    title: Localized

    @model_validator(mode="after")
    def _shortest_first(self) -> MuteFactors:
        if self.shortest > self.longest:
            raise refuse("conduct-factors", "the shortest exceeds the longest", value=str(self.shortest))
        return self


class Restriction(Value):
    """What holds while an account is muted."""

    id: Id
    cites: Cites
    title: Localized


class Measure(Value):
    """A sanction a platform can take."""

    id: Id
    title: Localized


class Disposition(Value):
    """What a provision demands against a conduct.

    `taken`: each of the measures, or those that the case calls for; the provision names them in this order.
    """

    id: Id
    cites: Cites
    taken: Literal["all", "graded"]
    measures: Annotated[tuple[Id, ...], Field(min_length=1)]
    title: Localized


class Conduct(Value):
    """Articles 8, 9, 10 and 12 of the 2023 notice as numbers and lists."""

    wait: Annotated[tuple[Wait, ...], Field(min_length=1)]
    mute: MuteFactors
    while_muted: tuple[Restriction, ...]
    disposition: tuple[Disposition, ...]
    measure: tuple[Measure, ...]

    @model_validator(mode="after")
    def _measures_known(self) -> Conduct:
        known = {each.id for each in self.measure}
        if strange := sorted({one for each in self.disposition for one in each.measures} - known):
            raise refuse("conduct-measure", "a measure that is not listed", value=strange[0])
        return self

    def cited(self) -> set[str]:
        """Return every provision that is cited."""
        parts: list[Wait | MuteFactors | Restriction | Disposition] = [*self.wait, self.mute]
        parts += [*self.while_muted, *self.disposition]
        return {cite for part in parts for cite in part.cites}
