"""What every carrier of a finished file says, whether it holds, and where carriers disagree (contract, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from provenance.model.base import Value
from provenance.model.compare import first_difference
from provenance.model.notice import NoticeReading
from provenance.model.observation import AigcReading, Carrier, Evidence, FileError, Manifest
from provenance.model.record import united


class Statement(Value):
    """One label as one carrier states it; `value` holds only what that carrier says.

    `signed` is there for an affiliation: whether the organisation itself has signed it, or it is stated only.
    """

    kind: str
    carrier: Carrier
    value: dict[str, Any]
    signed: bool | None = None


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
    """The verification of one file, or of a finished post.

    Attributes:
        files: Of a post, its media; None for a file. It is in the JSON of a post only.
        active_manifest: Label of the manifest that speaks of the file; not part of the JSON.
    """

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
    files: tuple[FileVerification, ...] | None = None
    active_manifest: SkipJsonSchema[Annotated[str | None, Field(exclude=True)]] = None


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
        data = self.model_dump(mode="json", by_alias=True)
        for each in data["files"]:
            _drop_none(each)
        return data


def _drop_none(file: dict[str, Any]) -> None:
    """Take ``files`` out of what is no post, and ``signed`` out of what nobody but the signer of the claim signs."""
    for label in file["labels"]:
        if label["signed"] is None:
            del label["signed"]
    if file["files"] is None:
        del file["files"]
        return
    for each in file["files"]:
        _drop_none(each)


def statements(evidence: Sequence[Evidence]) -> Iterator[Statement]:
    """Join what one carrier says of one label in several places; what differs stays apart."""
    joined: list[tuple[str, str, dict[str, Any]]] = []
    for each in evidence:
        fitting = (
            value
            for kind, carrier, value in joined
            if (kind, carrier) == (each.kind, each.carrier) and not first_difference(value, each.value)
        )
        known = next(fitting, None)
        if known is None:
            joined.append((each.kind, each.carrier, dict(each.value)))
        else:
            known.update(united(known, each.value))
    return (Statement(kind=kind, carrier=carrier, value=value) for kind, carrier, value in joined)
