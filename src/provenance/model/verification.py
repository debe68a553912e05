"""What every carrier of a finished file says, whether it holds, and where carriers disagree (contract, section 4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from provenance.model.base import Value
from provenance.model.notice import NoticeReading
from provenance.model.observation import AigcReading, Carrier, FileError, Manifest


class Statement(Value):
    """One label as one carrier states it; `value` holds only what that carrier says."""

    kind: str
    carrier: Carrier
    value: dict[str, Any]


class ConflictingValue(Value):
    """One side of a conflict."""

    carrier: Carrier
    location: str
    value: Any


class Conflict(Value):
    """A field of which carriers say different things; every value is listed, none is picked."""

    kind: str
    field: str
    values: tuple[ConflictingValue, ...]


class FileVerification(Value):
    """The verification of one file."""

    path: str
    format: str | None
    sha256: str | None
    clean: bool
    error: FileError | None
    labels: tuple[Statement, ...]
    conflicts: tuple[Conflict, ...]
    aigc: AigcReading
    manifest: Manifest
    notices: tuple[NoticeReading, ...]


class Verification(Value):
    """The verification of one or more files."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, title="provenance/verification/1", populate_by_name=True
    )

    schema_: Annotated[Literal["provenance/verification/1"], Field(alias="schema")] = "provenance/verification/1"
    files: tuple[FileVerification, ...]

    @property
    def clean(self) -> bool:
        """Say whether every file is clean."""
        return all(each.clean for each in self.files)

    def as_json(self) -> dict[str, Any]:
        """Return the verification in the shape of the contract."""
        return self.model_dump(mode="json", by_alias=True)
