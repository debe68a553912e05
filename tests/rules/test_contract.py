"""The report has the shape and the content that the contract shows for its own example."""

from __future__ import annotations

from datetime import date

import pytest

from provenance.catalog import Catalog
from provenance.errors import NotPublishable, UnknownLabelKind, UsageError
from provenance.model.post import Post
from provenance.rules import evaluate, evaluate_media

from .cases import DIGEST, observed

ON = date(2026, 11, 21)
SOURCE = {
    "kind": "source",
    "publisher": "新华社",
    "title": "成都大熊猫基地客流回升",
    "url": "https://example.com/news/1",
    "published_at": "2026-05-01T07:00:00+08:00",
    "copyright_owner": "新华社",
}
CAPTURE = {
    "kind": "capture",
    "time": "2026-05-01T08:30:00+08:00",
    "place": {"name": "四川省成都市", "precision": "city"},
}
POST = {
    "schema": "provenance/post/1",
    "id": "p-1",
    "kind": "image-text",
    "body": "五一假期首日,客流回升。",
    "account": {
        "id": "a-1024",
        "name": "成都观察员",
        "anonymous": False,
        "self_media": True,
        "mcn_managed": True,
        "mcn": {"name": "星河文化传媒(成都)有限公司", "uscc": "91510100MA0EXAMP0D", "as_of": "2026-05-01"},
        "matrix": [{"id": "a-1025", "name": "成都速报"}],
        "domains": ["finance"],
        "qualifications": [
            {"name": "证券投资咨询执业资格", "domain": "finance", "status": "verified", "expires": "2027-01-31"}
        ],
    },
    "facts": {"topics": ["social-event"], "contains": ["past-event"], "reposted": False},
    "labels": [SOURCE, {"kind": "past-event", "time": "2024-05-01", "place": {"name": "四川省成都市"}}],
    "assets": [
        {"id": "1", "path": "scene.jpg", "origin": "self-shot", "labels": [CAPTURE]},
        {
            "id": "2",
            "path": "poster.png",
            "origin": "ai-generated",
            "labels": [
                {
                    "kind": "ai-generated",
                    "grade": "confirmed",
                    "producer": "001191510100MA0EXAMP0D10001",
                    "produce_id": "img-1",
                }
            ],
        },
    ],
    "declaration": {"platform": "douyin", "option": "ai"},
}


def checked(catalog: Catalog, data: dict[str, object]) -> dict[str, object]:
    post = Post.from_dict(data)
    return evaluate(post, [observed(post, at, catalog) for at in range(2)], catalog, on=ON).as_json()


def test_a_post_that_lost_its_capture_label_is_reported_as_the_contract_shows(catalog: Catalog) -> None:
    assets = [{**POST["assets"][0], "labels": []}, POST["assets"][1]]
    report = checked(catalog, {**POST, "assets": assets})
    findings = report.pop("findings")
    assert report == {
        "schema": "provenance/report/1",
        "scope": "post",
        "publishable": False,
        "edition": catalog.edition,
        "jurisdiction": "cn",
        "checked_on": "2026-11-21",
        "acting_as": "author",
        "subject": {
            "id": "p-1",
            "assets": [{"pointer": "/assets/0", "sha256": DIGEST}, {"pointer": "/assets/1", "sha256": DIGEST}],
        },
        "notices": [
            {
                "kind": "mcn",
                "surface": "account",
                "pointer": "/account/mcn",
                "text": "所属MCN机构:星河文化传媒(成都)有限公司",
                "status": "required",
            },
            {
                "kind": "ai-generated",
                "surface": "media",
                "pointer": "/assets/1/labels/0",
                "text": "AI生成",
                "status": "present",
            },
            {
                "kind": "source",
                "surface": "post",
                "pointer": "/labels/0",
                "text": "信息来源:新华社 2026-05-01",
                "status": "required",
            },
            {
                "kind": "past-event",
                "surface": "post",
                "pointer": "/labels/1",
                "text": "旧闻:事件发生于 2024-05-01 四川省成都市",
                "status": "required",
            },
        ],
        "not_evaluated": [],
    }
    brief = [(each["pointer"], each["rule"], each["severity"], each["cites"], each["certainty"]) for each in findings]
    assert brief == [
        ("/account/mcn", "notice-not-verified", "warning", [], None),
        ("/assets/0", "self-shot-without-time-and-place", "blocking", ["SM2023-03-2"], "S"),
        ("/labels/0", "notice-not-verified", "warning", [], None),
        ("/labels/1", "notice-not-verified", "warning", [], None),
    ]
    assert findings[1]["message"]["zh-CN"] == "自行拍摄的图片、视频未标注拍摄时间、地点"
    assert findings[1]["evidence"] == {"zh-CN": "素材 1 没有 capture 标签。", "en": "Asset 1 has no `capture` label."}
    assert all(
        set(each) == {"rule", "severity", "cites", "certainty", "pointer", "evidence", "message", "fix"}
        for each in findings
    )


def test_the_whole_post_is_publishable_with_its_page_notices_left_to_show(catalog: Catalog) -> None:
    report = checked(catalog, POST)
    assert report["publishable"] is True
    assert {each["rule"] for each in report["findings"]} == {"notice-not-verified"}
    required = [each["pointer"] for each in report["notices"] if each["status"] == "required"]
    assert [each["pointer"] for each in report["findings"]] == required


def test_the_order_of_assets_and_labels_changes_nothing_but_pointers(catalog: Catalog) -> None:
    broken = {
        **POST,
        "assets": [{**POST["assets"][0], "labels": []}, {**POST["assets"][1], "labels": []}],
        "declaration": {},
    }
    turned = {**broken, "assets": broken["assets"][::-1], "labels": broken["labels"][::-1]}
    assert sorted((each["rule"], each["severity"]) for each in checked(catalog, broken)["findings"]) == sorted(
        (each["rule"], each["severity"]) for each in checked(catalog, turned)["findings"]
    )


def test_a_notice_not_found_in_the_picture_is_missing(catalog: Catalog) -> None:
    post = Post.from_dict(POST)
    seen = [observed(post, 0, catalog), observed(post, 1, catalog, {"notices": []})]
    report = evaluate(post, seen, catalog, on=ON)
    assert [(each.pointer, each.status) for each in report.notices if each.surface == "media"] == [
        ("/assets/1/labels/0", "missing")
    ]


def test_a_kind_the_edition_lacks_is_refused(catalog: Catalog) -> None:
    advice = {"kind": "advice", "by": "x", "at": "2026-01-01"}
    post = Post.from_dict({**POST, "labels": [advice], "assets": []})
    with pytest.raises(UnknownLabelKind):
        evaluate(post, [], catalog, on=ON)


def test_observations_have_to_match_the_assets(catalog: Catalog) -> None:
    post = Post.from_dict(POST)
    with pytest.raises(ValueError, match="1 observations for 2 assets"):
        evaluate(post, [observed(post, 0, catalog)], catalog, on=ON)


def test_an_unknown_jurisdiction_is_never_publishable(catalog: Catalog) -> None:
    post = Post.from_dict(POST)
    with pytest.raises(UsageError):
        evaluate(post, [observed(post, at, catalog) for at in range(2)], catalog, on=ON, jurisdiction="xx")


def test_a_file_alone_gives_no_publishing_decision_and_says_what_each_rule_needs(catalog: Catalog) -> None:
    post = Post.from_dict(POST)
    report = evaluate_media(observed(post, 1, catalog), catalog, on=ON)
    assert (report.scope, report.publishable, report.acting_as) == ("media", None, "author")
    assert report.subject == {"path": "poster.png", "sha256": DIGEST}
    assert report.findings == ()
    needs = {each.rule: each.needs for each in report.not_evaluated}
    assert "generated-media-without-ai-notice" not in needs, "labelled and drawn: decided"
    assert "aigc-element-incomplete" not in needs, "the element is whole: decided"
    assert "reposted-asset-without-owner-and-source" not in needs, "the source in the file's record decides it"
    assert needs["account-name-not-shown"] == ("/account/anonymous", "/account/self_media")
    assert needs["current-affairs-without-source"] == ("/account/self_media", "/facts/topics", "/labels")
    with pytest.raises(NotPublishable) as caught:
        report.raise_for_findings()
    assert caught.value.code == "no-publishing-decision"


def test_a_file_that_says_it_is_generated_and_shows_no_notice_hangs_on_the_declaration(catalog: Catalog) -> None:
    post = Post.from_dict(POST)
    report = evaluate_media(observed(post, 1, catalog, {"notices": []}), catalog, on=ON)
    needs = {each.rule: each.needs for each in report.not_evaluated}
    assert needs["generated-media-without-ai-notice"] == ("/declaration/option",)


def test_a_file_that_lost_its_element_is_told_so(catalog: Catalog) -> None:
    post = Post.from_dict(POST)
    findings = evaluate_media(observed(post, 1, catalog, {"aigc": []}), catalog, on=ON).findings
    assert [(each.rule, each.severity, each.pointer) for each in findings] == [
        ("aigc-element-incomplete", "advisory", ""),
        ("aigc-element-lost", "blocking", ""),
    ]


def test_an_unreadable_asset_is_explained_in_both_languages_naming_it_once(catalog: Catalog) -> None:
    details = {"path": "/somewhere/scene.jpg"}
    error = {"code": "asset-not-found", "message": "/somewhere/scene.jpg: there is no such file.", "details": details}
    post = Post.from_dict({**POST, "assets": POST["assets"][:1]})
    report = evaluate(post, [observed(post, 0, catalog, {"media": "", "error": error})], catalog, on=ON)
    (finding,) = [each for each in report.findings if each.rule == "unreadable-asset"]
    assert finding.evidence.zh_CN == "scene.jpg:没有这个文件。请检查路径。"
    assert finding.evidence.en == "scene.jpg: there is no such file. Check the path."


def test_a_reason_without_a_text_is_passed_on_as_it_is(catalog: Catalog) -> None:
    error = {"code": "no-such-code", "message": "it is broken"}
    post = Post.from_dict({**POST, "assets": POST["assets"][:1]})
    report = evaluate(post, [observed(post, 0, catalog, {"media": "", "error": error})], catalog, on=ON)
    (finding,) = [each for each in report.findings if each.rule == "unreadable-asset"]
    assert finding.evidence.as_json() == {"zh-CN": "scene.jpg:it is broken", "en": "scene.jpg: it is broken"}


def test_a_file_with_coordinates_is_warned_about(catalog: Catalog) -> None:
    post = Post.from_dict(POST)
    report = evaluate_media(observed(post, 0, catalog, {"exact_location": True}), catalog, on=ON)
    assert [each.rule for each in report.findings] == ["exact-location-in-file"]
    assert "self-shot-without-time-and-place" not in {each.rule for each in report.not_evaluated}
