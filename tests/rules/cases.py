"""Rule cases: reads `fixtures/rules/`, and makes the perfect finished file that a case starts from."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance.catalog import Catalog
from provenance.metadata.aigc import LABEL_OF_GRADE
from provenance.model.notice import NoticeReading
from provenance.model.observation import AigcElement, AigcReading, Evidence, FileError, Observation
from provenance.model.post import Post
from provenance.model.report import Report
from provenance.rules import evaluate
from provenance.text import name_key
from provenance.text.visible import shown

FOLDER = Path(__file__).parents[2] / "fixtures" / "rules"
DIGEST = "a" * 64


@dataclass(frozen=True)
class Case:
    rule: str
    expects_finding: bool
    data: dict[str, Any]

    def run(self, catalog: Catalog) -> Report:
        post = Post.from_dict(self.data["post"])
        changes = self.data.get("observation", [])
        seen = [observed(post, at, catalog, changes[at] if at < len(changes) else {}) for at in range(len(post.assets))]
        listed = self.data.get("sources")
        sources = None if listed is None else frozenset(map(name_key, listed))
        pages = [shown(each, "html") for each in self.data.get("pages", [])]
        return evaluate(post, seen, catalog, on=self.data["on"], sources=sources, pages=pages)


def case_files() -> list[Path]:
    return sorted(FOLDER.glob("*/*.toml"))


def read_case(path: Path) -> Case:
    changes = tomllib.loads(path.read_text("utf-8"))
    data = merged(base(), changes)
    for pointer in changes.get("without", []):
        remove(data["post"], pointer)
    return Case(path.parent.name, path.name.endswith(".fail.toml"), data)


def base() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "base.toml").read_text("utf-8"))


def merged(one: Any, other: Any) -> Any:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return copy.deepcopy(other)
    return {**copy.deepcopy(one), **{key: merged(one.get(key), value) for key, value in other.items()}}


def remove(post: dict[str, Any], pointer: str) -> None:
    *path, last = pointer.strip("/").split("/")
    here: Any = post
    for step in path:
        here = here[int(step) if isinstance(here, list) else step]
    del here[last]


def observed(post: Post, at: int, catalog: Catalog, changes: dict[str, Any] | None = None) -> Observation:
    """Return what a perfect finished file shows of asset number `at`, with `changes`."""
    labels = post.labels_on_asset(at)
    record = [
        Evidence(kind=each.kind, carrier="xmp", location="pvl:Labels", value=each.value(), on=each.on)
        for each in labels
    ]
    perfect = {
        "path": post.assets[at].path,
        "format": "jpeg",
        "media": "image",
        "sha256": DIGEST,
        "evidence": record,
        "aigc": [_element(each.value()) for each in labels if each.on == "asset" and _complete(each.value())],
        "notices": [
            {"kind": kind, "text": text, "found": True, "height_ratio": 0.056, "contrast": 8.7}
            for kind, text, _ in catalog.notice_texts_for(post, at)
        ],
    }
    stated = {**perfect, **(changes or {})}
    problems = tuple(stated.get("problems", ()))
    elements = [AigcElement(slot="xmp", form="bare", value=value, problems=problems) for value in stated["aigc"]]
    return Observation(
        path=stated["path"],
        format=stated["format"],
        media=stated["media"] or None,
        width=stated.get("width"),
        height=stated.get("height"),
        sha256=stated["sha256"],
        evidence=tuple(each if isinstance(each, Evidence) else Evidence(**each) for each in stated["evidence"]),
        aigc=AigcReading(count=len(elements), conformant=True if elements else None, elements=tuple(elements)),
        notices=tuple(NoticeReading(**each) for each in stated["notices"]),
        exact_location=stated.get("exact_location", False),
        error=FileError(**stated["error"]) if "error" in stated else None,
    )


def _complete(value: dict[str, Any]) -> bool:
    return "producer" in value and "produce_id" in value


def _element(value: dict[str, Any]) -> dict[str, str]:
    producer, number = value["producer"], value["produce_id"]
    return {
        "Label": LABEL_OF_GRADE[value["grade"]],
        "ContentProducer": producer,
        "ProduceID": number,
        "ContentPropagator": producer,
        "PropagateID": number,
    }
