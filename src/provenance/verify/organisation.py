"""Affiliations: stated by whoever labels, or signed by the organisation itself (CAWG identity)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from provenance.model.compare import same
from provenance.model.observation import Evidence, Manifest
from provenance.model.verification import Conflict, ConflictingValue, Statement, statements

_KIND: Final = "mcn"
_BY_MANIFEST: Final = frozenset({"manifest", "sidecar"})


def signed_by(manifest: Manifest) -> str | None:
    """Return the organisation whose signature over the labels holds, or None."""
    identity = manifest.identity
    holds = identity is not None and identity["state"] != "invalid" and identity["covers_labels"]
    return identity["name"] if identity and holds else None


def said(evidence: Sequence[Evidence], manifest: Manifest) -> Iterator[Statement]:
    """Yield what each carrier states; of an affiliation also whether the organisation itself has signed it."""
    signer = signed_by(manifest)
    for each in statements(evidence):
        if each.kind != _KIND:
            yield each
            continue
        own = each.carrier in _BY_MANIFEST and signer is not None and same("name", each.value.get("name"), signer)
        yield each.model_copy(update={"signed": own})


def conflicts_with(evidence: Iterable[Evidence], manifest: Manifest) -> Iterator[Conflict]:
    """Yield where the organisation that signed is not the one that the labels state."""
    signer = signed_by(manifest)
    for each in evidence if signer else ():
        name = each.value.get("name")
        if each.kind == _KIND and each.carrier in _BY_MANIFEST and name and not same("name", name, signer):
            sides = ((each.location, name), ("cawg.identity", signer))
            yield Conflict(
                kind=_KIND,
                field="name",
                values=tuple(
                    ConflictingValue(carrier=each.carrier, location=location, value=value) for location, value in sides
                ),
            )
            return
