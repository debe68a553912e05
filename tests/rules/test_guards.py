"""Judges that are left out would have found nothing: with every judge heard, the report is the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings

from provenance.catalog import Catalog
from provenance.catalog.conditions import AllOf, Condition
from provenance.model.post import Post
from provenance.rules import engine, evaluate
from provenance.rules.guards import Docket, guard_of, media_of
from provenance.rules.judges import Bench, bench_for
from provenance.rules.views import case_of

from .cases import case_files, observed, read_case
from .test_unknown_facts import CATALOG, days, looks, posts


def _unguarded(catalog: Catalog, jurisdiction: str, on: date) -> Bench:
    bench = bench_for(catalog, jurisdiction, on)
    return Bench(*(Docket(each.every, each.every, {}) for each in (bench.post, bench.asset)))


def _both(post: Post, seen: list[Any], on: date) -> tuple[dict[str, Any], dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        guarded = evaluate(post, seen, CATALOG, on=on).as_json()
        patch.setattr(engine, "bench_for", _unguarded)
        patch.setattr(engine, "_hearings", _every_hearing)
        return guarded, evaluate(post, seen, CATALOG, on=on).as_json()


def _every_hearing(bench: Bench, case: Any) -> Any:
    for judge in bench.post.every:
        yield judge, case.view, case.facts, -1
    for at, view in enumerate(case.view.assets):
        for judge in bench.asset.every:
            yield judge, view, case.asset_facts[at], at


@settings(max_examples=300, deadline=None, derandomize=True)
@given(posts(), days, looks)
def test_no_judge_that_is_left_out_would_have_found_something(
    data: dict[str, Any], on: date, look: dict[str, Any]
) -> None:
    post = Post.from_dict(data)
    guarded, every = _both(post, [observed(post, 0, CATALOG, look)], on)
    assert guarded == every


@pytest.mark.parametrize("path", case_files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_case_needs_a_judge_that_is_left_out(path: Any) -> None:
    case = read_case(path)
    post = Post.from_dict(case.data["post"])
    changes = case.data.get("observation", [])
    seen = [observed(post, at, CATALOG, changes[at] if at < len(changes) else {}) for at in range(len(post.assets))]
    guarded, every = _both(post, seen, case.data["on"])
    assert guarded == every


def condition(data: dict[str, Any]) -> Condition:
    (only,) = AllOf.model_validate({"all": [data]}).all
    return only


@pytest.mark.parametrize(
    ("data", "tokens"),
    [
        ({"fact": "facts.reposted", "is": True}, {("facts.reposted", True), ("facts.reposted", ("unknown",))}),
        ({"fact": "declaration.option", "is": "ai"}, {("declaration.option", "ai")}),
        ({"fact": "declaration.option", "given": True}, None),
        ({"media": ["image"]}, {("media", "image")}),
        ({"label": "fiction", "on": "effective"}, {("label", "fiction"), ("own", "fiction")}),
        ({"aigc": [], "least": 2}, {("element", 2)}),
        ({"aigc": [], "problems": ["aigc-character"]}, {("problem", "aigc-character")}),
        ({"flawed": ["fiction"], "by": ["covered"]}, {("flaw", "covered")}),
        ({"file_says": "fiction"}, {("says", "fiction")}),
        ({"not": {"media": ["image"]}}, None),
        ({"any": [{"notice": "fiction"}, {"not": {"media": ["image"]}}]}, None),
        ({"any": [{"notice": "fiction"}, {"media": ["audio"]}]}, {("notice", "fiction"), ("media", "audio")}),
        ({"all": [{"media": ["image"]}, {"notice": "fiction"}]}, {("notice", "fiction")}),
        ({"some_asset": {"notice": "fiction"}}, {("notice", "fiction")}),
        ({"text": ["body"], "says": "follow-bait"}, None),
    ],
    ids=str,
)
def test_a_guard_is_what_a_condition_cannot_hold_without(data: dict[str, Any], tokens: set[Any] | None) -> None:
    assert guard_of(condition(data)) == tokens


@pytest.mark.parametrize(
    ("data", "media"),
    [
        ({"media": ["image", "video"]}, {"image", "video"}),
        ({"all": [{"media": ["image", "video"]}, {"media": ["video", "audio"]}, {"notice": "fiction"}]}, {"video"}),
        ({"any": [{"media": ["image"]}, {"media": ["video"]}]}, None),
        ({"not": {"media": ["image"]}}, None),
    ],
    ids=str,
)
def test_the_media_of_a_condition_are_those_it_can_hold_in(data: dict[str, Any], media: set[str] | None) -> None:
    assert media_of(condition(data)) == media


def test_a_view_names_everything_that_a_rule_may_be_filed_under() -> None:
    """No rule of the edition is filed under a medium or a notice alone; one of an operator's may be."""
    label = {"kind": "ai-generated", "grade": "confirmed", "producer": "doubao", "produce_id": "1"}
    post = Post.from_dict(
        {
            "schema": "provenance/post/1",
            "id": "p",
            "kind": "image-text",
            "account": {"id": "a", "name": "b"},
            "assets": [{"id": "1", "path": "a.jpg", "labels": [label]}],
        }
    )
    case = case_of(post, [observed(post, 0, CATALOG)], CATALOG, "cn", date(2026, 11, 21))
    tokens = set(case.view.assets[0].tokens())
    assert {("media", "image"), ("own", "ai-generated"), ("notice", "ai-generated")} <= tokens
    assert {("says", "ai-generated"), ("element", 1)} <= tokens
