"""Our own record: one JSON text in a file's XMP and the payload of our C2PA assertion (contract, head).

It carries every label in force on the file, post labels included, and the notices drawn into it. It has no time stamp,
so that attaching twice equals once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from provenance.model.compare import PROPAGATION, differences
from provenance.model.labels import REPEATABLE
from provenance.model.notice import Notice
from provenance.model.post import PlacedLabel

VERSION: Final = 1
# A record is read from files anybody may have written.
_MOST_LABELS: Final = 200
_MOST_NOTICES: Final = 16
_PLACING: Final = ("kind", "on")


@dataclass(frozen=True, slots=True)
class Record:
    """A record: the post and asset ids, each label as ``{"kind", "on", …fields}``, and the notices drawn."""

    post: str | None = None
    asset: str | None = None
    labels: tuple[dict[str, Any], ...] = ()
    notices: tuple[Notice, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Return the record as plain JSON data."""
        return {
            "version": VERSION,
            "post": self.post,
            "asset": self.asset,
            "labels": list(self.labels),
            "notices": [notice.as_json() for notice in self.notices],
        }

    def text(self) -> str:
        """Return the record as one line of JSON, its keys sorted."""
        return json.dumps(self.payload(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def parse(data: str | Mapping[str, Any]) -> Record | None:
    """Read a record from its text or its payload; ``None`` when it is not one of ours or damaged."""
    try:
        payload = json.loads(data, parse_constant=_no_constant) if isinstance(data, str) else data
        labels = tuple(payload["labels"])
        notices = tuple(Notice.model_validate(each) for each in payload["notices"])
        known = payload["version"] == VERSION and len(labels) <= _MOST_LABELS and len(notices) <= _MOST_NOTICES
        if not known or not all(_is_label(each) for each in labels):
            return None
        return Record(_id(payload.get("post")), _id(payload.get("asset")), labels, notices)
    except (ValueError, ValidationError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def fields_of_label(label: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded label's own fields, without kind and level."""
    return {key: value for key, value in label.items() if key not in _PLACING}


def merged(recorded: Sequence[dict[str, Any]], labels: Sequence[PlacedLabel]) -> tuple[dict[str, Any], ...]:
    """Add `labels` to the recorded ones: what agrees is completed, what is new or differs is added beside it."""
    own = {placed.kind for placed in labels if placed.on == "asset"}
    # An asset's own label replaces the post's label of that kind for that asset.
    result = [dict(each) for each in recorded if each["on"] == "asset" or each["kind"] not in own]
    for placed in labels:
        ours = placed.value()
        at = next((at for at, each in enumerate(result) if _takes(each, placed, ours)), None)
        if at is None:
            result.append({"kind": placed.kind, "on": placed.on, **ours})
        else:
            result[at] = {**united(result[at], ours), **_propagation(ours), "kind": placed.kind, "on": placed.on}
    return tuple(result)


def stands_beside_another(recorded: Sequence[Mapping[str, Any]], placed: PlacedLabel) -> bool:
    """Say whether a label would be recorded beside another of its kind that it does not agree with."""
    same_level = [each for each in recorded if each["kind"] == placed.kind and each["on"] == placed.on]
    return bool(same_level) and not any(_takes(each, placed, placed.value()) for each in same_level)


def _takes(recorded: Mapping[str, Any], placed: PlacedLabel, ours: Mapping[str, Any]) -> bool:
    if recorded["kind"] != placed.kind or (recorded.get("on") != placed.on and placed.kind in REPEATABLE):
        return False
    return not any(field not in PROPAGATION for field, _, _ in differences(ours, fields_of_label(recorded)))


def united(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of two statements that do not differ; where both have a field, `one`'s stays."""
    joined = dict(one)
    for field, value in other.items():
        known = joined.get(field)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            joined[field] = {**value, **known}
        else:
            joined.setdefault(field, value)
    return joined


def _propagation(label: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in label.items() if field in PROPAGATION}


def _is_label(label: Any) -> bool:
    return isinstance(label, dict) and isinstance(label.get("kind"), str) and label.get("on") in {"post", "asset"}


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _no_constant(text: str) -> float:
    raise ValueError(text)
