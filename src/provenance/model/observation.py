"""What a finished file says about itself, carrier by carrier; gathered once by `observe` for every use case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from provenance.model.base import Value
from provenance.model.compare import PROPAGATION, fields_of, same
from provenance.model.notice import Notice, NoticeReading

Carrier = Literal["manifest", "xmp", "exif", "iptc", "container", "aigc", "notice", "sidecar", "ledger"]
ManifestState = Literal["absent", "remote", "unreadable", "invalid", "expired", "valid", "trusted"]
# Carriers that hold data about the file, as opposed to pixels or someone else's records.
FILE_CARRIERS: Final = frozenset({"manifest", "xmp", "exif", "iptc", "container", "aigc", "sidecar"})


class Evidence(Value):
    """One statement: what one carrier says of one label kind, in the fields of the contract.

    `on` is the level our own record gives it; `location` is the property, tag or assertion it was read from.
    """

    kind: str
    carrier: Carrier
    location: str
    value: dict[str, Any]
    on: Literal["post", "asset"] | None = None


class ElementSignature(Value):
    """A signature of an AIGC element over its own label (TC260-PG-202511A)."""

    by: Literal["producer", "propagator"]
    state: Literal["intact", "broken", "unsupported"]
    algorithm: str | None = None


class AigcElement(Value):
    """One AIGC element (GB 45438-2025, Annex E): its slot, its form, what is wrong with it, and its seven values.

    `signatures` says of each signature in its reserved codes who made it, how it holds and by which algorithm; a broken
    one is a problem too, which is all that JSON says of them.
    """

    slot: str
    form: Literal["bare", "wrapped", "legacy", "unreadable"]
    problems: tuple[str, ...] = ()
    value: dict[str, str] = {}
    signatures: Annotated[SkipJsonSchema[tuple[ElementSignature, ...]], Field(exclude=True)] = ()


class AigcReading(Value):
    """Every AIGC element of a file; `conformant` is `None` without one."""

    count: int = 0
    conformant: bool | None = None
    elements: tuple[AigcElement, ...] = ()


class Manifest(Value):
    """The verdict on the active C2PA manifest and on each of its ingredients."""

    state: ManifestState = "absent"
    issuer: str | None = None
    codes: tuple[str, ...] = ()
    ingredients: tuple[dict[str, Any], ...] = ()
    identity: dict[str, Any] | None = None


class FileError(Value):
    """Why a file, or a part of it, could not be read; `offset` is a byte offset."""

    code: str
    message: str
    offset: int | None = None
    # What the message names, for whoever says it in another language; not part of the JSON.
    details: SkipJsonSchema[Annotated[dict[str, Any], Field(exclude=True)]] = {}


class Remark(Value):
    """Something to know about a file that keeps nobody from reading it: a message code and what it names."""

    code: str
    details: dict[str, Any] = {}


class Observation(Value):
    """Everything observed in one file.

    `width` and `height` are the displayed picture's; `notices_stated` is what the file's own record says was drawn and
    `notices` what was measured of it; `active_manifest` is that manifest's label. `error` is set, and the rest empty,
    when the file could not be read.
    """

    path: str
    format: str | None = None
    media: Literal["image", "video", "audio", "document"] | None = None
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    orientation: int = 1
    sha256: str | None = None
    evidence: tuple[Evidence, ...] = ()
    aigc: AigcReading = AigcReading()
    manifest: Manifest = Manifest()
    source_types: dict[str, str] = {}
    signer: str | None = None
    active_manifest: str | None = None
    notices_stated: tuple[Notice, ...] = ()
    notices: tuple[NoticeReading, ...] = ()
    exact_location: bool = False
    remarks: tuple[Remark, ...] = ()
    error: FileError | None = None

    def says(self, kind: str) -> Iterator[Evidence]:
        """Yield what the file's own carriers say of `kind`."""
        return (each for each in self.evidence if each.kind == kind and each.carrier in FILE_CARRIERS)

    def holds(self, kind: str, value: Mapping[str, Any]) -> bool:
        """Say whether the carriers together hold every field of a label, none of those used contradicting it."""
        found = [fields_of(each.value) for each in self.says(kind)]
        wanted = fields_of(value)
        return bool(found) and all(
            any(field in said and same(field, content, said[field]) for said in found)
            for field, content in wanted.items()
        )


def contradictions(value: Mapping[str, Any], said: Sequence[Evidence]) -> Iterator[tuple[Evidence, str, Any, Any]]:
    """Yield ``(evidence, field, our value, its value)`` where a place that states a field agrees nowhere with `value`.

    A place may state a field several times (two creators): one that agrees is enough. The propagator changes from hop
    to hop and contradicts nothing.
    """
    ours = fields_of(value)
    places: dict[tuple[str, str, str], list[Evidence]] = {}
    for each in said:
        for field in fields_of(each.value):
            if field in ours and field not in PROPAGATION:
                places.setdefault((each.carrier, each.location, field), []).append(each)
    for (_, _, field), there in places.items():
        values = [fields_of(each.value)[field] for each in there]
        if not any(same(field, ours[field], theirs) for theirs in values):
            yield there[0], field, ours[field], values[0]
