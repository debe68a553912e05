"""Which labels, notices and manifests a pipeline lost or broke between two files.

Carriers are compared one by one: a label that moved from EXIF to XMP is lost in EXIF and added in XMP, because a
platform may read only one of them. An AIGC element is one carrier whatever its slot, because the standard asks for one
element a file, not for a place. Notices are looked for in the pixels, whether or not the later file still states them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from provenance.manifests.trust import Trust
from provenance.model.compare import PROPAGATION, fields_of, same
from provenance.model.comparison import Change, ChangeKind, Comparison
from provenance.model.labels import REPEATABLE
from provenance.model.notice import NoticeReading
from provenance.model.observation import AigcElement, Carrier, Manifest, ManifestState, Observation
from provenance.model.verification import statements
from provenance.observe import measured, observed

# Of an element, what a later hop may write (GB 45438-2025, Annex E, note 1), and the propagator's own protection.
_PROPAGATION_KEYS: Final = frozenset({"ContentPropagator", "PropagateID", "ReservedCode2"})
_WORTH: Final[dict[ManifestState, int]] = {
    "absent": 0,
    "unreadable": 1,
    "invalid": 1,
    "remote": 2,
    "expired": 3,
    "valid": 4,
    "trusted": 5,
}


def compare(before: Path, after: Path, *, trust: Trust = ()) -> Comparison:
    """Compare what two files say of themselves.

    Args:
        before: The file that went into a pipeline.
        after: The file that came out.
        trust: Authorities (PEM) whose signers count as trusted; `TrustLists` for other purposes too.

    Raises:
        AssetNotFound: one of them cannot be opened.
        MediaError: one of them is not supported or damaged.
    """
    first, second = observed(before, trust=trust), observed(after, trust=trust)
    changes = (
        *_label_changes(first, second),
        *_aigc_changes(first, second),
        *_manifest_changes(first, second),
        *_notice_changes(first, second, after),
    )
    return Comparison(
        before=str(before),
        after=str(after),
        survived=all(each.change == "added" for each in changes),
        changes=changes,
    )


def _label_changes(before: Observation, after: Observation) -> Iterator[Change]:
    old, new = _said(before), _said(after)
    for kind, carrier in dict.fromkeys((*old, *new)):
        for change in _changes(kind, old.get((kind, carrier), []), new.get((kind, carrier), [])):
            yield Change.model_validate({"what": "label", "kind": kind, "carrier": carrier, **change})


def _said(found: Observation) -> dict[tuple[str, Carrier], list[dict[str, Any]]]:
    """Return the statements by label kind and carrier; the AIGC element is compared as a whole."""
    said: dict[tuple[str, Carrier], list[dict[str, Any]]] = {}
    for each in statements(found.evidence):
        if each.carrier != "aigc":
            said.setdefault((each.kind, each.carrier), []).append(each.value)
    return said


def _changes(kind: str, old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what became of each statement; one that kept every field and gained some was only added to."""
    left = [each for each in new if not any(_equal(each, other) for other in old)]
    for value in old:
        if any(_kept(value, other) for other in new):
            continue
        nearest = max(left, key=lambda other: _agreement(value, other), default=None)
        if nearest is None or (kind in REPEATABLE and not _agreement(value, nearest)):
            yield {"change": "lost", "before": value}
        else:
            left.remove(nearest)
            yield {"change": "altered", "before": value, "after": nearest}
    for value in left:
        yield {"change": "added", "before": next((each for each in old if _kept(each, value)), None), "after": value}


def _kept(value: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether `other` still says all that `value` does; a later hop may name another propagator."""
    theirs = fields_of(other)
    return all(
        field in theirs and (field in PROPAGATION or same(field, content, theirs[field]))
        for field, content in fields_of(value).items()
    )


def _equal(value: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return len(fields_of(value)) == len(fields_of(other)) == _agreement(value, other)


def _agreement(value: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    theirs = fields_of(other)
    return sum(field in theirs and same(field, content, theirs[field]) for field, content in fields_of(value).items())


def _aigc_changes(before: Observation, after: Observation) -> Iterator[Change]:
    old, new = before.aigc.elements, after.aigc.elements
    left = [each for each in new if not any(_same_element(other, each) for other in old)]
    for element in old:
        kept = next((each for each in new if _same_element(element, each)), None)
        if kept is None:
            instead = left.pop(0).as_json() if left else None
            yield _aigc_change("altered" if instead else "lost", element.as_json(), instead)
        elif set(kept.problems) - set(element.problems):
            yield _aigc_change("altered", element.as_json(), kept.as_json())
        elif kept.value != element.value:
            yield _aigc_change("added", element.as_json(), kept.as_json())
    if old and len(new) > max(len(old), 1):
        # GB 45438-2025, 6.1 c: one element a file; a second one takes the first one's force.
        yield _aigc_change("altered", {"count": len(old)}, {"count": len(new)})
    elif not old:
        yield from (_aigc_change("added", None, each.as_json()) for each in left)


def _same_element(one: AigcElement, other: AigcElement) -> bool:
    if not one.value or not other.value:
        return (one.form, one.slot, one.value) == (other.form, other.slot, other.value)
    return all(text == other.value.get(key) for key, text in one.value.items() if key not in _PROPAGATION_KEYS)


def _aigc_change(change: ChangeKind, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Change:
    return Change(what="aigc", kind="ai-generated", carrier="aigc", change=change, before=before, after=after)


def _manifest_changes(before: Observation, after: Observation) -> Iterator[Change]:
    change = _manifest_change(before, after)
    if change is not None:
        old, new = (_verdict(each.manifest) for each in (before, after))
        yield Change(what="manifest", kind=None, carrier="manifest", change=change, before=old, after=new)


def _manifest_change(before: Observation, after: Observation) -> ChangeKind | None:
    """Say what became of a manifest; one that was signed over and holds as an ingredient is still there."""
    old, new = _WORTH[before.manifest.state], _WORTH[after.manifest.state]
    if not old or not new:
        return None if old == new else "lost" if old else "added"
    if before.active_manifest == after.active_manifest or after.active_manifest is None:
        return "altered" if new < old else None
    ingredients = {each.get("manifest"): each["state"] for each in after.manifest.ingredients}
    if before.active_manifest not in ingredients:
        return "lost"
    # Whether an ingredient's signer is trusted is not always told: valid is all that can be asked of it.
    wanted = min(old, _WORTH["valid"])
    return "altered" if min(new, _WORTH[ingredients[before.active_manifest]]) < wanted else "added"


def _verdict(manifest: Manifest) -> dict[str, Any] | None:
    return None if manifest.state == "absent" else {"state": manifest.state, "issuer": manifest.issuer}


def _notice_changes(before: Observation, after: Observation, path: Path) -> Iterator[Change]:
    """Yield the notices that are gone from the pixels or new in them; what a file states of itself is not asked for."""
    stated = before.notices_stated
    same_ones = stated == after.notices_stated
    readings = (
        after.notices
        if same_ones
        else measured(path, stated, after.orientation, media=after.media, format=after.format)
    )
    for old, new in zip(before.notices, readings, strict=True):
        if old.found != new.found:
            yield _notice_change("lost" if old.found else "added", old, new)
    known = {(each.kind, each.text) for each in stated}
    for new in after.notices:
        if new.found and (new.kind, new.text) not in known:
            yield _notice_change("added", None, new)


def _notice_change(change: ChangeKind, before: NoticeReading | None, after: NoticeReading) -> Change:
    return Change(
        what="notice",
        kind=after.kind,
        carrier="notice",
        change=change,
        before=before and before.as_json(),
        after=after.as_json(),
    )
