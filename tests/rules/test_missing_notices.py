"""A notice that is missing from a picture is never only a line in a list: the rule that asks for it speaks of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.text.visible import shown

from .test_unknown_facts import judged, looks, posts

ASKED_BY = {"ai-generated": "generated-media-without-ai-notice", "fiction": "fiction-without-label"}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    posts(),
    st.dates(min_value=date(2023, 7, 5), max_value=date(2027, 1, 1)),
    st.sampled_from([{"notices": []}, {"notices": [], "media": "audio"}]) | looks,
)
def test_a_missing_notice_has_a_finding_of_its_rule(data: dict[str, Any], on: date, look: dict[str, Any]) -> None:
    data["account"]["self_media"] = True
    report = judged(data, on, look)
    found = {each.rule for each in report.findings}
    missing = {each.kind for each in report.notices if each.status == "missing"}
    assert {ASKED_BY[kind] for kind in missing} <= found


@settings(max_examples=100, deadline=None, derandomize=True)
@given(posts(), st.dates(min_value=date(2023, 7, 5), max_value=date(2027, 1, 1)), st.sampled_from(["", "客流回升"]))
def test_a_notice_missing_from_a_page_is_named_by_a_finding(data: dict[str, Any], on: date, page: str) -> None:
    """With a page, nothing is left unverified; a page changes no verdict for the better, and none on other surfaces."""
    without, report = judged(data, on, {}), judged(data, on, {}, pages=[shown(page, "html")])
    named = {each.pointer for each in report.findings if each.rule == "notice-not-on-page"}
    beside = [each for each in report.notices if each.surface != "media"]
    assert "required" not in {each.status for each in report.notices}
    assert named == {each.pointer for each in beside if each.status == "missing"}
    assert [each for each in report.notices if each.surface == "media"] == [
        each for each in without.notices if each.surface == "media"
    ]
    assert report.publishable <= without.publishable
    kept = {(each.rule, each.pointer) for each in without.findings if each.rule != "notice-not-verified"}
    assert kept <= {(each.rule, each.pointer) for each in report.findings}
