"""Certificates as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provenance.cli import output

if TYPE_CHECKING:
    from provenance.manifests.inspection import Description


def lines(found: Description, *, as_signer: bool) -> Iterator[str]:
    """Yield what a certificate is; of one that is to sign, also what keeps it from it and how to mend that."""
    yield output.text("certificate-line", name=found.name, issuer=found.issuer)
    dates = {"since": f"{found.since:%Y-%m-%d}", "until": f"{found.until:%Y-%m-%d}"}
    yield "  " + output.text("certificate-dates", **dates)
    yield "  " + output.text("certificate-key", key=found.key, fingerprint=found.fingerprint)
    if found.ends_soon:
        yield "  ! " + output.text("certificate-ends-soon", until=dates["until"])
    if not as_signer:
        yield "  " + output.text("certificate-authority" if found.is_authority else "certificate-no-authority")
    elif not found.defects:
        yield "  ✓ " + output.text("certificate-can-sign")
    details = {"name": found.name, "oids": _signing_usages(), **dates}
    for code in found.defects if as_signer else ():
        yield "  ✗ " + output.text(code, **details) + f" [{code}]"


def _signing_usages() -> str:
    from provenance.manifests.binding import CLAIM_SIGNING_EKUS

    return ", ".join(CLAIM_SIGNING_EKUS)
