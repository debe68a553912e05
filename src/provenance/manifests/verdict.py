"""The verdict on what the C2PA binding tells of a manifest: plain values in, plain values out.

A state speaks of the active manifest. A tampered ingredient does not change it: what an ingredient was found to be
when it was taken in is stated by whoever signed the manifest around it, so every ingredient is listed with a state of
its own.

Source: C2PA Technical Specification 2.2, section 15 (validation).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance.manifests import binding, cose

if TYPE_CHECKING:  # a worker starts without the model behind it
    from provenance.model.observation import ManifestState

_UNTRUSTED: Final = "signingCredential.untrusted"
_EXPIRED: Final = "signingCredential.expired"
_TRUSTED: Final = "signingCredential.trusted"
_SIGNED: Final = "claimSignature.validated"
_BOUND: Final = frozenset(f"assertion.{kind}.match" for kind in ("dataHash", "bmffHash", "boxesHash", "collectionHash"))
_UNREACHABLE: Final = "manifest.inaccessible"
_MAX_INGREDIENTS: Final = 1000
_IDENTITY: Final = "cawg.identity"
_IDENTITY_UNTRUSTED: Final = "cawg.x509.credential.untrusted"
_IDENTITY_TRUSTED: Final = "cawg.x509.credential.trusted"
_IDENTITY_HOLDS: Final = frozenset({"cawg.x509.signature.validated", "cawg.identity.well-formed"})
_URL: Final = re.compile(r"https?://\S+$")


@dataclass(frozen=True, slots=True)
class ManifestReading:
    """What a file's C2PA manifest says, and the verdict on it.

    Attributes:
        state: As in the contract, section 4.
        issuer: Organisation, else common name, of the signing certificate.
        codes: C2PA status codes of the active manifest, failures first; of `unreadable`, the binding's kind of
            error, or `crash`, `limit.time`, `limit.memory`, `limit.size`.
        ingredients: Every ingredient, those of ingredients included, as
            ``{"title", "relationship", "manifest", "state", "codes"}``.
        identity: The organisation that signed beside the claim's signer, as ``{"name", "state", "roles",
            "covers_labels", "codes"}``; None without one.
        labels: The payloads of our assertion in the active manifest, numbers exact; normally one.
        signer_fingerprint: SHA-256 of the signing certificate in hex, where its signature holds.
        digital_source_types: IPTC URIs that the active manifest's actions name.
        active: Label of the active manifest.
        reason: The binding's words on an `unreadable` or `remote` manifest.
        url: Where a `remote` manifest is said to lie; anybody may have written that.
    """

    state: ManifestState
    issuer: str | None = None
    codes: tuple[str, ...] = ()
    ingredients: tuple[dict[str, Any], ...] = ()
    identity: dict[str, Any] | None = None
    labels: tuple[dict[str, Any], ...] = ()
    signer_fingerprint: str | None = None
    digital_source_types: tuple[str, ...] = ()
    active: str | None = None
    reason: str | None = None
    url: str | None = None


def as_plain(found: ManifestReading) -> dict[str, Any]:
    """Return a reading as JSON can hold it."""
    return asdict(found)


def from_plain(told: Mapping[str, Any]) -> ManifestReading:
    """Return the reading that `as_plain` made this of.

    Raises:
        TypeError: it made it of no reading.
    """
    plain: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in told.items()}
    return ManifestReading(**plain)


def refused(reason: str) -> ManifestReading:
    """Return the reading of a file that the binding refuses with these words."""
    kind = reason.partition(":")[0]
    if kind != "Remote":
        return ManifestReading("unreadable", codes=(kind,), reason=reason)
    url = _URL.search(reason)
    return ManifestReading("remote", codes=(kind,), reason=reason, url=url[0] if url else None)


def reading(reader: Any) -> ManifestReading:
    """Return the reading of a manifest that the binding has opened.

    Raises:
        LookupError, TypeError, AttributeError, ValueError, RecursionError: it tells what no manifest can hold.
    """
    told: dict[str, Any] = json.loads(reader.json())
    active: str = told["active_manifest"]
    # The binding leaves out a manifest whose assertions it cannot load; its verdict is there all the same.
    manifest: dict[str, Any] = told["manifests"].get(active) or {}
    results: dict[str, Any] = told.get("validation_results", {})
    signature: dict[str, Any] = manifest.get("signature_info") or {}
    state = _state(told.get("validation_state"), results)
    return ManifestReading(
        state=state,
        issuer=signature.get("issuer") or signature.get("common_name"),
        codes=_codes(_statuses(results)),
        ingredients=tuple(_ingredients(told["manifests"], active, results)),
        identity=_identity(manifest, results, state),
        labels=tuple(_labels(reader, manifest, active)),
        signer_fingerprint=_fingerprint(reader, active) if state != "invalid" else None,
        digital_source_types=tuple(_source_types(manifest)),
        active=active,
    )


Statuses = dict[str, list[str]]
"""Status codes by outcome: ``failure``, ``informational``, ``success``."""


def _statuses(results: Mapping[str, Any]) -> Statuses:
    """Return the codes on the active manifest, with what has come to light on its ingredients since it was signed."""
    found = _outcomes(results.get("activeManifest"))
    for delta in results.get("ingredientDeltas") or ():
        found["failure"] += _outcomes(delta.get("validationDeltas"))["failure"]
    return found


def _outcomes(results: Mapping[str, Any] | None) -> Statuses:
    return {
        outcome: [status["code"] for status in (results or {}).get(outcome) or ()]
        for outcome in ("failure", "informational", "success")
    }


def _codes(statuses: Statuses) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for codes in statuses.values() for code in codes))


def _state(verdict: str | None, results: Mapping[str, Any]) -> ManifestState:
    if verdict == "Trusted":
        # The binding lets any list vouch for a claim signer; only ours, of kind "manifest", may.
        return "trusted" if results.get("trustListUri") == binding.TRUST_URI else "valid"
    statuses = _statuses(results)
    if verdict == "Valid":
        # An organisation whose authority is not on our list says nothing against who signed the claim.
        others = set(statuses["failure"]) - {_IDENTITY_UNTRUSTED}
        ours = _TRUSTED in statuses["success"] and results.get("trustListUri") == binding.TRUST_URI
        return "trusted" if ours and not others else "valid"
    passed, failed = set(statuses["success"]), set(statuses["failure"])
    intact = _SIGNED in passed and bool(passed & _BOUND)
    return "expired" if intact and _EXPIRED in failed and failed <= {_EXPIRED, _UNTRUSTED} else "invalid"


def _identity(manifest: Mapping[str, Any], results: Mapping[str, Any], state: ManifestState) -> dict[str, Any] | None:
    """Return who signed beside the claim's signer, of several the first one."""
    stated = next(_assertions(manifest, _IDENTITY), None)
    if not isinstance(stated, dict):
        return None
    payload, signature = (stated.get(each) or {} for each in ("signer_payload", "signature_info"))
    statuses = _outcomes(results.get("activeManifest"))
    own = {kind: [code for code in codes if code.startswith("cawg.")] for kind, codes in statuses.items()}
    broken = (
        state == "invalid" or set(own["failure"]) - {_IDENTITY_UNTRUSTED} or not set(own["success"]) >= _IDENTITY_HOLDS
    )
    trusted = _IDENTITY_TRUSTED in own["success"]
    referenced = [str(each.get("url")).rpartition("/")[2] for each in payload.get("referenced_assertions") or ()]
    return {
        "name": signature.get("issuer") or signature.get("common_name"),
        "state": "invalid" if broken else "trusted" if trusted else "valid",
        "roles": [str(each) for each in payload.get("role") or ()],
        "covers_labels": binding.LABELS in referenced,
        "codes": list(_codes(own)),
    }


def _ingredients(manifests: Mapping[str, Any], active: str, results: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every ingredient reachable from the active manifest, each manifest's own once."""
    deltas = {
        delta.get("ingredientAssertionURI"): _outcomes(delta.get("validationDeltas"))
        for delta in results.get("ingredientDeltas") or ()
    }
    waiting, seen = [active], {active}
    left = _MAX_INGREDIENTS
    while waiting:
        owner = waiting.pop()
        for ingredient in (manifests.get(owner) or {}).get("ingredients") or ():
            if not left:
                return
            left -= 1
            uri = f"self#jumbf=/c2pa/{owner}/c2pa.assertions/{ingredient.get('label')}"
            yield _ingredient(ingredient, deltas.get(uri, {}))
            inner = ingredient.get("active_manifest")
            if inner and inner not in seen:
                seen.add(inner)
                waiting.append(inner)


def _ingredient(ingredient: Mapping[str, Any], delta: Mapping[str, list[str]]) -> dict[str, Any]:
    recorded = _outcomes((ingredient.get("validation_results") or {}).get("activeManifest"))
    # Claims before version 2 list failures only.
    recorded["failure"] += [status["code"] for status in ingredient.get("validation_status") or ()]
    statuses = {outcome: codes + delta.get(outcome, []) for outcome, codes in recorded.items()}
    if _TRUSTED in delta.get("success", ()):
        statuses["failure"] = [code for code in statuses["failure"] if code != _UNTRUSTED]
    manifest = ingredient.get("active_manifest")
    return {
        "title": ingredient.get("title"),
        "relationship": ingredient.get("relationship"),
        "manifest": manifest,
        "state": _ingredient_state(manifest, set(statuses["failure"]), delta.get("success", ())),
        "codes": list(_codes(statuses)),
    }


def _ingredient_state(manifest: str | None, failed: set[str], found_now: Iterable[str]) -> ManifestState:
    if manifest is None:
        return "absent" if not failed else "remote" if _UNREACHABLE in failed else "unreadable"
    if failed - {_EXPIRED, _UNTRUSTED}:
        return "invalid"
    if _EXPIRED in failed:
        return "expired"
    # What the record says of trust was judged by somebody else's list.
    return "trusted" if _TRUSTED in found_now else "valid"


def _assertions(manifest: Mapping[str, Any], label: str) -> Iterator[Any]:
    for assertion in manifest.get("assertions") or ():
        if assertion.get("label", "").startswith(label):
            yield assertion.get("data")


def _source_types(manifest: Mapping[str, Any]) -> list[str]:
    actions = [
        action
        for data in _assertions(manifest, "c2pa.actions")
        for action in (data.get("actions") if isinstance(data, dict) else None) or ()
    ]
    types = [action.get("digitalSourceType") for action in actions if isinstance(action, dict)]
    return list(dict.fromkeys(each for each in types if isinstance(each, str)))


def _labels(reader: Any, manifest: Mapping[str, Any], active: str) -> Iterator[dict[str, Any]]:
    """Yield the payloads of our assertion, read through the one form of the binding that keeps arrays of numbers."""
    if not any(True for _ in _assertions(manifest, binding.LABELS)):
        return
    for exact in json.loads(reader.crjson())["manifests"]:
        if exact.get("label") != active:
            continue
        for label, payload in exact["assertions"].items():
            # A repeated assertion is called "…__1", "…__2".
            if label.partition("__")[0] == binding.LABELS and isinstance(payload, dict):
                yield payload


def _fingerprint(reader: Any, active: str) -> str | None:
    store = io.BytesIO()
    reader.resource_to_stream(active, store)
    certificate = cose.signing_certificate(store.getvalue(), active)
    return hashlib.sha256(certificate).hexdigest() if certificate else None
