"""What got lost, altered or added between two files (contract, end of section 4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from provenance.model.base import Value
from provenance.model.observation import Carrier

Subject = Literal["label", "notice", "manifest", "aigc"]
ChangeKind = Literal["lost", "altered", "added"]


class Change(Value):
    """One difference between two files; `kind` is the label's, and `None` for a manifest.

    `before` and `after` are what the carrier says in each file, `None` where it says nothing.
    """

    what: Subject
    kind: str | None
    carrier: Carrier
    change: ChangeKind
    before: Any = None
    after: Any = None


class Comparison(Value):
    """Every difference between two files; what was only added has survived."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, title="provenance/comparison/1", populate_by_name=True
    )

    schema_: Annotated[Literal["provenance/comparison/1"], Field(alias="schema")] = "provenance/comparison/1"
    before: str
    after: str
    survived: bool
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison in the shape of the contract."""
        return self.model_dump(mode="json", by_alias=True)
