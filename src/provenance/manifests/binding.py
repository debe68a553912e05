"""The C2PA binding, loaded on first use and set up the one way that is safe.

Nothing native is kept between calls: a context or signer made before ``fork`` is unusable in the child, and making
both costs less than half a millisecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provenance.errors import ManifestError

DETACHED: Final = "application/octet-stream"
"""Media type under which a manifest beside a file is signed and read: any bytes at all."""

LABELS: Final = "org.w3id.provenance-labels.labels"
"""Label of our assertion. ASCII, as every label of ours must be: see the package."""

_TRUST_URI: Final = "urn:provenance:trust:{kind}"
TRUST_URI: Final = _TRUST_URI.format(kind="manifest")
"""Name of our list of claim signers; a verdict "trusted" counts only when the binding says that it comes from it."""

CLAIM_SIGNING_EKUS: Final = (
    "1.3.6.1.4.1.62558.2.1",  # c2pa-kp-claimSigning
    "1.3.6.1.5.5.7.3.4",  # id-kp-emailProtection
    "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning
    "1.3.6.1.4.1.311.76.59.1.9",  # Microsoft C2PA signing
)
"""Extended key usages of a claim signer; the binding's own default lacks the first, third and fourth."""

_SPILL_MB: Final = 64
_SETTINGS: Final[dict[str, Any]] = {
    "core": {"backing_store_memory_threshold_in_mb": _SPILL_MB, "allowed_network_hosts": []},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign_hash": True},
    "builder": {
        "thumbnail": {"enabled": False},
        # Left out of the hash, a `free` box could carry anything into a signed video.
        "bmff_hash_exclude_free_and_skip_boxes": False,
        # "Created": the signer vouches for them; the default, "gathered", says that somebody else does.
        "created_assertion_labels": ["c2pa.actions", "c2pa.ingredient", LABELS],
    },
}


def load() -> Any:
    """Return the binding.

    Raises:
        ManifestError: its native library is missing on this machine.
    """
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError) as error:
        raise ManifestError("manifest-library-missing", reason=error) from error
    return c2pa


def context(trust: Mapping[str, str] | None = None) -> Any:
    """Return a context for one call; `trust` holds the PEM texts of the authorities by kind, none by default."""
    anchors = [
        {"trust_anchors": pem, "trust_uri": _TRUST_URI.format(kind=kind), "trust_kind": kind}
        for kind, pem in (trust or {}).items()
        if pem
    ]
    told = {"trust_config": "\n".join(CLAIM_SIGNING_EKUS), **({"anchors": anchors} if anchors else {})}
    return load().Context.from_dict({**_SETTINGS, "trust": told})


def supports(mime: str) -> bool:
    """Tell whether the binding can look for a manifest in this media type."""
    known: list[str] = load().Reader.get_supported_mime_types()
    return mime.lower() in known
