"""`attach --fix`: what a file states of itself becomes its label where that is missing; nothing is ever invented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from provenance.errors import MediaError, ProvenanceError
from provenance.model.compare import same
from provenance.model.observation import Evidence, Observation
from provenance.model.post import Post
from provenance.observe import look

_SHOT: Final = "self-shot"
_GENERATED: Final = frozenset({"grade", "producer", "produce_id", "propagator", "propagate_id", "tool", "extent"})


def fixed(post: Post) -> tuple[Post, tuple[ProvenanceError, ...]]:
    """Return the post with the labels that its own files state and it does not, and a note on each.

    A capture time and place are taken for self-shot media, a statement that something was generated for any; where two
    carriers of a file disagree, none is. What only a person knows stays missing.

    Raises:
        AssetNotFound: an asset is missing.
        MediaError: a file is not supported or damaged.
    """
    data = post.as_json()
    notes: list[ProvenanceError] = []
    for index, asset in enumerate(data.get("assets", ())):
        seen = look(post.asset_path(index)).observation
        labels = asset.setdefault("labels", [])
        if asset.get("origin") == _SHOT:
            notes += _add(labels, "capture", _captured(seen), index)
        if not any(each["kind"] == "ai-generated" for each in labels):
            notes += _add(labels, "ai-generated", _generated(seen), index)
    return (Post.from_dict(data, folder=post.folder) if notes else post), tuple(notes)


def _add(labels: list[dict[str, Any]], kind: str, found: dict[str, Evidence], index: int) -> Iterator[ProvenanceError]:
    """Put into a label what it lacks of `found`, field by field, and yield a note on each."""
    label = next((each for each in labels if each["kind"] == kind), None)
    missing = {field: said for field, said in found.items() if label is None or field not in label}
    if label is None and missing:
        label = {"kind": kind}
        labels.append(label)
    for field, said in missing.items():
        value = said.value[field]
        if label is not None:
            label[field] = value
        where = {"carrier": said.carrier, "location": said.location}
        yield MediaError(
            "fixed-from-file", pointer=f"/assets/{index}/labels", kind=kind, field=field, value=value, **where
        )


def _captured(seen: Observation) -> dict[str, Evidence]:
    said = [*seen.says("capture")]
    times = [each for each in said if "time" in each.value]
    places = [named for each in said if (named := _named(each))]
    found = {}
    if times and _agree("time", times):
        found["time"] = max(times, key=lambda each: len(each.value["time"]))
    if places and _agree("place", places):
        found["place"] = places[0]
    return found


def _named(said: Evidence) -> Evidence | None:
    """Return a statement of a place by its name alone: coordinates are no place name, and stay where they are."""
    place = said.value.get("place", {})
    name = place.get("name") or place.get("city")
    return said.model_copy(update={"value": {"place": {"name": name}}}) if name else None


def _agree(field: str, said: Sequence[Evidence]) -> bool:
    return all(same(field, said[0].value[field], each.value[field]) for each in said)


def _generated(seen: Observation) -> dict[str, Evidence]:
    """Return what one AIGC element, or else a digital source type, says of generation."""
    said = sorted(seen.says("ai-generated"), key=lambda each: each.carrier != "aigc")
    if not said or "grade" not in said[0].value or seen.aigc.count > 1:
        return {}
    return {field: said[0] for field in said[0].value if field in _GENERATED}
