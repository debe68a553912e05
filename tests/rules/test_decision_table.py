"""The decision table of the regulation matrix (section 1): each fact, for each medium it can hold of, on both sides."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, get_args

import pytest

from provenance.catalog import Catalog
from provenance.model.post import Post, Role
from provenance.model.report import Report
from provenance.rules import evaluate

from .cases import base, merged, observed

ON = date(2026, 11, 21)
FORMATS = {"image": "jpeg", "video": "mp4", "audio": "mp3", "document": "pdf"}
CAPTURE = {"kind": "capture", "time": "2026-05-01", "place": {"name": "四川省成都市"}}
SOURCE = {"kind": "source", "publisher": "新华社", "copyright_owner": "新华社", "url": "https://example.com/1"}
GENERATED = {"kind": "ai-generated", "grade": "confirmed", "producer": "x", "produce_id": "y"}
FICTION = {"kind": "fiction", "form": "dramatised"}
RUMOR = {"kind": "rumor", "by": "平台", "at": "2026-11-01", "debunk_url": "https://example.com/2"}
MINORS = {"kind": "minors-risk", "class": "imitation"}
NOTICE = {"kind": "ai-generated", "text": "AI生成", "found": True, "height_ratio": 0.06, "contrast": 9.0}
SPOKEN = {"kind": "ai-generated", "text": "本音频由AI生成", "found": True, "form": "voice"}
SMALL = {**NOTICE, "found": False, "height_ratio": 0.02}
QUALIFIED = {"name": "证券投资咨询执业资格", "domain": "finance", "status": "verified", "expires": "2027-01-31"}


def asset(medium: str, *labels: dict[str, Any], origin: str = "other", **seen: Any) -> tuple[dict[str, Any], Any]:
    """Return an asset and what was observed of it."""
    stated = {"id": "1", "path": f"a.{FORMATS[medium]}", "origin": origin, "labels": list(labels)}
    return stated, {"media": medium, "format": FORMATS[medium], **seen}


@dataclass
class Item:
    """A post: what it changes of the post every case starts from, and its one asset, if any."""

    change: dict[str, Any] = field(default_factory=dict)
    asset: tuple[dict[str, Any], Any] | None = None
    on: date = ON

    def judged(self, catalog: Catalog, role: str) -> Report:
        data = merged(base()["post"], {**copy.deepcopy(self.change), "acting_as": role})
        data["assets"] = [self.asset[0]] if self.asset else []
        post = Post.from_dict(data)
        seen = [observed(post, 0, catalog, self.asset[1])] if self.asset else []
        return evaluate(post, seen, catalog, on=self.on)


class Row(NamedTuple):
    """A post that lacks something, the rule that says so and how strongly, and the same post with it."""

    name: str
    rule: str
    severity: str
    lacking: Item
    whole: Item


def facts(**given: Any) -> dict[str, Any]:
    return {"facts": given}


def labelled(*labels: dict[str, Any], **change: Any) -> dict[str, Any]:
    return {"labels": list(labels), **change}


SOCIAL = facts(topics=["social-event"])
REPOST = facts(reposted=True)
SHORT = {"kind": "short-video"}
FINANCE = {"account": {"domains": ["finance"]}}
ELEMENT = {
    "Label": "1",
    "ContentProducer": "x",
    "ProduceID": "y",
    "ContentPropagator": "x",
    "PropagateID": "y",
}


def declared(option: str, **change: Any) -> dict[str, Any]:
    return {"declaration": {"option": option}, **change}


def generated(medium: str, **seen: Any) -> tuple[dict[str, Any], Any]:
    return asset(medium, GENERATED, origin="ai-generated", **seen)


TABLE = [
    # F1: any generated part.
    *(
        Row(
            f"F1 {medium} without label",
            f"generated-{'audio' if medium == 'audio' else 'media'}-without-ai-notice",
            "blocking",
            Item(asset=asset(medium, origin="ai-generated", notices=[])),
            Item(asset=generated(medium, notices=[SPOKEN if medium == "audio" else NOTICE])),
        )
        for medium in ("image", "video", "audio")
    ),
    *(
        Row(
            f"F1 {medium} neither noticed nor declared",
            f"generated-{'audio' if medium == 'audio' else 'media'}-without-ai-notice",
            "blocking",
            Item(asset=generated(medium, notices=[])),
            Item({**declared("ai"), "acting_as": "author"}, generated(medium, notices=[])),
        )
        for medium in ("image", "video", "audio")
    ),
    Row(
        "F1 document",
        "generated-document-undeclared",
        "blocking",
        Item(asset=generated("document", notices=[])),
        Item(declared("ai"), generated("document", notices=[])),
    ),
    Row(
        "F1 text",
        "generated-text-without-ai-notice",
        "blocking",
        Item({**facts(contains=["ai-text"]), "body": "客流回升。"}),
        Item(
            {
                **facts(contains=["ai-text"]),
                **labelled({"kind": "ai-generated", "grade": "confirmed"}),
                "body": "AI生成。客流回升。",
            }
        ),
    ),
    Row(
        "F1 short video",
        "no-label-option-against-facts",
        "blocking",
        Item({**SHORT, **declared("none")}, generated("video", notices=[NOTICE])),
        Item({**SHORT, **declared("ai")}, generated("video", notices=[NOTICE])),
    ),
    # F2: an element that is there is neither lost nor doubled.
    *(
        Row(
            f"F2 lost {medium}",
            "aigc-element-lost",
            "blocking",
            Item(declared("ai"), generated(medium, aigc=[])),
            Item(declared("ai"), generated(medium)),
        )
        for medium in FORMATS
    ),
    Row(
        "F2 doubled",
        "aigc-element-repeated",
        "warning",
        Item(asset=generated("image", aigc=[ELEMENT, ELEMENT])),
        Item(asset=generated("image", aigc=[ELEMENT])),
    ),
    # F3: current affairs, public policy, social events.
    *(
        Row(
            f"F3 {topic}",
            "current-affairs-without-source",
            "blocking",
            Item(facts(topics=[topic])),
            Item({**facts(topics=[topic]), **labelled(SOURCE)}),
        )
        for topic in ("current-affairs-domestic", "current-affairs-foreign", "public-policy", "social-event")
    ),
    Row(
        "F3 vague source",
        "untraceable-source",
        "blocking",
        Item({**SOCIAL, **labelled({"kind": "source", "publisher": "来源于互联网"})}),
        Item({**SOCIAL, **labelled(SOURCE)}),
    ),
    Row(
        "F3 source of the own matrix",
        "untraceable-source",
        "blocking",
        Item(
            {
                **SOCIAL,
                **labelled({**SOURCE, "publisher": "成都速报"}),
                "account": {"matrix": [{"id": "a-2", "name": "成都速报"}]},
            }
        ),
        Item({**SOCIAL, **labelled(SOURCE), "account": {"matrix": [{"id": "a-2", "name": "成都速报"}]}}),
    ),
    # F4: self-shot, inside the topics and outside them (Q1).
    *(
        Row(
            f"F4 {medium}, {where}",
            "self-shot-without-time-and-place",
            severity,
            Item({**change, **labelled(SOURCE)}, asset(medium, origin="self-shot")),
            Item({**change, **labelled(SOURCE)}, asset(medium, CAPTURE, origin="self-shot")),
        )
        for medium in ("image", "video")
        for where, change, severity in (("in scope", SOCIAL, "blocking"), ("out of scope", {}, "warning"))
    ),
    # F5: old news.
    Row(
        "F5",
        "past-event-without-time-and-place",
        "blocking",
        Item(facts(contains=["past-event"])),
        Item({**facts(contains=["past-event"]), **labelled({**CAPTURE, "kind": "past-event"})}),
    ),
    # F6: fiction and acting.
    *(
        Row(
            f"F6 {medium}",
            "fiction-without-label",
            "blocking",
            Item(facts(contains=["dramatised"]), asset(medium)),
            Item({**facts(contains=["dramatised"]), **labelled(FICTION)}, asset(medium)),
        )
        for medium in ("image", "video", "audio")
    ),
    Row(
        "F6 text",
        "fiction-without-label",
        "blocking",
        Item(facts(contains=["fictional"])),
        Item({**facts(contains=["fictional"]), **labelled(FICTION)}),
    ),
    Row(
        "F6 short video",
        "no-label-option-against-facts",
        "blocking",
        Item({**SHORT, **declared("none"), **facts(contains=["staged"]), **labelled(FICTION)}),
        Item({**SHORT, **declared("fiction"), **facts(contains=["staged"]), **labelled(FICTION)}),
    ),
    # F7: disputed.
    Row(
        "F7",
        "disputed-without-label",
        "warning",
        Item(facts(contains=["disputed"])),
        Item({**facts(contains=["disputed"]), **labelled({"kind": "disputed", "by": "平台", "at": "2026-11-01"})}),
    ),
    # F8: a known rumor; the platform's side is below.
    Row("F8", "rumor-published", "blocking", Item(facts(contains=["rumor"])), Item(facts(contains=[]))),
    # F9: reposts.
    Row(
        "F9 post",
        "repost-without-owner-and-source",
        "blocking",
        Item({**REPOST, **labelled({"kind": "source", "publisher": "新华社"})}),
        Item({**REPOST, **labelled(SOURCE)}),
    ),
    *(
        Row(
            f"F9 {medium}",
            "reposted-asset-without-owner-and-source",
            "blocking",
            Item(asset=asset(medium, origin="reposted")),
            Item(asset=asset(medium, SOURCE, origin="reposted")),
        )
        for medium in FORMATS
    ),
    Row(
        "F9 title",
        "repost-distorts-original",
        "blocking",
        Item(
            {
                **facts(reposted=True, topics=["social-event"]),
                **labelled({**SOURCE, "title": "成都大熊猫基地五一接待游客3万人"}),
                "title": "成都大熊猫基地五一接待游客30万人",
            }
        ),
        Item(
            {
                **facts(reposted=True, topics=["social-event"]),
                **labelled({**SOURCE, "title": "成都大熊猫基地五一接待游客3万人"}),
                "title": "成都大熊猫基地五一接待游客三万人",
            }
        ),
    ),
    Row(
        "F9 short video",
        "no-label-option-against-facts",
        "blocking",
        Item({**SHORT, **declared("none"), **REPOST, **labelled(SOURCE)}),
        Item({**SHORT, **declared("repost"), **REPOST, **labelled(SOURCE)}),
    ),
    # F10: marketing in a short video.
    Row(
        "F10",
        "marketing-without-label",
        "blocking",
        Item({**SHORT, **declared("opinion"), **facts(contains=["marketing"])}),
        Item({**SHORT, **declared("marketing"), **facts(contains=["marketing"])}),
    ),
    # F11: professional domains.
    Row(
        "F11 missing",
        "domain-without-qualification",
        "blocking",
        Item(FINANCE),
        Item({"account": {"domains": ["finance"], "qualifications": [QUALIFIED]}}),
    ),
    Row(
        "F11 expired",
        "domain-without-qualification",
        "blocking",
        Item({"account": {"domains": ["finance"], "qualifications": [QUALIFIED]}}, on=date(2027, 2, 1)),
        Item({"account": {"domains": ["finance"], "qualifications": [QUALIFIED]}}, on=date(2027, 1, 31)),
    ),
    # F12: managed by an MCN, under the notice and under the final rule.
    *(
        Row(
            f"F12 {on}",
            "mcn-managed-account-without-name",
            "blocking",
            Item({"account": {"mcn_managed": True}}, on=on),
            Item({"account": {"mcn_managed": True, "mcn": {"name": "星河文化传媒(成都)有限公司"}}}, on=on),
        )
        for on in (date(2026, 8, 31), date(2026, 9, 1))
    ),
    # F13: no name.
    Row("F13", "account-name-not-shown", "blocking", Item({"account": {"anonymous": True}}), Item()),
    # F14: minors, the prompt before the content.
    Row(
        "F14",
        "minors-risk-without-prompt",
        "blocking",
        Item(facts(contains=["minors-risk"])),
        Item({**facts(contains=["minors-risk"]), **labelled(MINORS)}),
    ),
    Row(
        "F14 behind the content",
        "minors-prompt-behind-content",
        "blocking",
        Item({**labelled(MINORS), "body": "高空跳水的一天。未成年人请勿模仿"}),
        Item({**labelled(MINORS), "body": "未成年人请勿模仿。高空跳水的一天。"}),
    ),
    Row(
        "F14 video",
        "minors-prompt-not-from-the-start",
        "blocking",
        Item(
            asset=asset(
                "video", MINORS, notices=[{**NOTICE, "kind": "minors-risk", "text": "x", "seconds": {"start": 2.0}}]
            )
        ),
        Item(
            asset=asset(
                "video", MINORS, notices=[{**NOTICE, "kind": "minors-risk", "text": "x", "seconds": {"start": 0.0}}]
            )
        ),
    ),
    # F15: a label that is there, and weak.
    *(
        Row(
            f"F15 {medium} too small",
            "ai-notice-hard-to-read",
            "blocking",
            Item(declared("ai"), generated(medium, notices=[SMALL])),
            Item(declared("ai"), generated(medium, notices=[NOTICE])),
        )
        for medium in ("image", "video")
    ),
    *(
        Row(
            f"F15 {medium} hidden",
            "ai-notice-hard-to-read",
            "blocking",
            Item(declared("ai"), generated(medium, notices=[{**NOTICE, "contrast": 1.2}])),
            Item(declared("ai"), generated(medium, notices=[{**NOTICE, "contrast": 4.5}])),
        )
        for medium in ("image", "video")
    ),
    Row(
        "F15 covered",
        "notice-covered",
        "blocking",
        Item(asset=generated("video", notices=[{**NOTICE, "covered": True}])),
        Item(asset=generated("video", notices=[{**NOTICE, "covered": False}])),
    ),
    Row(
        "F15 fiction",
        "notice-hard-to-read",
        "blocking",
        Item(declared("fiction"), asset("video", FICTION, notices=[{**SMALL, "kind": "fiction", "text": "演绎内容"}])),
        Item(declared("fiction"), asset("video", FICTION, notices=[{**NOTICE, "kind": "fiction", "text": "演绎内容"}])),
    ),
    # F16: a short video without a mandatory label.
    Row("F16", "short-video-without-option", "blocking", Item(SHORT), Item({**SHORT, **declared("none")})),
]


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_what_is_lacking_is_found_and_what_is_whole_is_not(row: Row, catalog: Catalog) -> None:
    lacking = row.lacking.judged(catalog, "author")
    found = [each for each in lacking.findings if each.rule == row.rule]
    assert [each.severity for each in found] == [row.severity], [each.as_json() for each in lacking.findings]
    assert found[0].cites
    assert found[0].certainty
    assert lacking.publishable is (not lacking.blocking)
    whole = row.whole.judged(catalog, "author")
    assert row.rule not in {each.rule for each in whole.findings if each.severity == row.severity}
    assert whole.publishable is True, [(each.rule, each.pointer, each.evidence.en) for each in whole.blocking]


def test_every_fact_of_the_table_is_decided() -> None:
    assert {row.name.split()[0] for row in TABLE} == {f"F{number}" for number in range(1, 17)}


def test_a_platform_labels_a_rumor_that_an_author_may_not_publish(catalog: Catalog) -> None:
    about_policy = facts(contains=["rumor"], topics=["emergency"])
    bare = Item(about_policy).judged(catalog, "platform")
    assert [(each.rule, each.severity) for each in bare.blocking] == [("rumor-without-label", "blocking")]
    labelled_one = Item({**about_policy, **labelled(RUMOR)})
    assert labelled_one.judged(catalog, "platform").publishable is True
    assert [each.rule for each in labelled_one.judged(catalog, "author").blocking] == ["rumor-published"]


# What each row is to an author, an MCN, a generating service and a platform; rows of one fact that differ stand apart.
ROLES = {
    "F1 image without label": ("blocking", "blocking", "blocking", "blocking"),
    "F1 audio without label": ("blocking", "blocking", "blocking", "advisory"),
    "F1 document": ("blocking", "blocking", "warning", "advisory"),
    "F1 text": ("blocking", "blocking", "warning", "advisory"),
    "F2 lost image": ("blocking", "blocking", "blocking", "blocking"),
    "F2 doubled": ("warning", "advisory", "blocking", "blocking"),
    "F3 social-event": ("blocking", "blocking", "advisory", "blocking"),
    "F3 vague source": ("blocking", "blocking", "advisory", "blocking"),
    "F4 image, in scope": ("blocking", "blocking", "advisory", "blocking"),
    "F4 image, out of scope": ("warning", "warning", "advisory", "warning"),
    "F5": ("blocking", "blocking", "advisory", "blocking"),
    "F6 image": ("blocking", "blocking", "advisory", "blocking"),
    "F7": ("warning", "advisory", "advisory", "warning"),
    "F8": ("blocking", "blocking", "advisory", "advisory"),
    "F9 post": ("blocking", "blocking", "advisory", "advisory"),
    "F9 title": ("blocking", "advisory", "advisory", "blocking"),
    "F10": ("blocking", "blocking", "advisory", "blocking"),
    "F11 missing": ("blocking", "blocking", "advisory", "blocking"),
    "F12 2026-09-01": ("blocking", "blocking", "advisory", "blocking"),
    "F13": ("blocking", "advisory", "advisory", "blocking"),
    "F14": ("blocking", "blocking", "advisory", "blocking"),
    "F15 image too small": ("blocking", "advisory", "blocking", "advisory"),
    "F15 covered": ("blocking", "advisory", "advisory", "advisory"),
    "F16": ("blocking", "blocking", "advisory", "blocking"),
}


@pytest.mark.parametrize("name", ROLES)
def test_the_same_post_is_judged_by_the_duties_of_each_role(name: str, catalog: Catalog) -> None:
    row = next(row for row in TABLE if row.name == name)
    found = []
    for role in get_args(Role):
        (finding,) = [each for each in row.lacking.judged(catalog, role).findings if each.rule == row.rule]
        found.append(finding.severity)
        borne = [role in catalog.provisions[cite].bearers for cite in finding.cites]
        assert all(borne) or not any(borne), (role, finding.cites)
    assert tuple(found) == ROLES[name]


def test_only_a_platform_is_asked_for_the_three_outcomes(catalog: Catalog) -> None:
    one = Item(declared("ai"), asset("image", GENERATED, origin="ai-generated", aigc=[]))
    outcome = "declared-generation-not-possible"
    for role in get_args(Role):
        assert (outcome in {each.rule for each in one.judged(catalog, role).findings}) is (role == "platform")
