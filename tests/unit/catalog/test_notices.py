"""Which notices a post owes, where and in which words; which are drawn; which source type an asset gets."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.catalog import Catalog
from provenance.errors import InvalidPost, UnknownLabelKind
from provenance.model.labels import AIGenerated, Capture, Fiction
from provenance.model.post import Post

CATALOG = Catalog.packaged()
AI = {"kind": "ai-generated", "grade": "confirmed"}
FICTION = {"kind": "fiction", "form": "staged"}
CAPTURE = {"kind": "capture", "time": "2026-05-01T08:30:15+08:00", "place": {"name": "四川省成都市"}}
BASE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def post_with(labels: list[Any] | None = None, *assets: dict[str, Any], **keys: Any) -> Post:
    return Post.from_dict(
        {
            "schema": "provenance/post/1",
            "id": "p",
            "kind": "image-text",
            "account": {"id": "a", "name": "b"},
            "labels": labels or [],
            "assets": [{"id": str(at), "path": f"{at}.jpg", **asset} for at, asset in enumerate(assets)],
            **keys,
        }
    )


def shown(post: Post, media: list[str | None] | None = None) -> list[tuple[str, str, str, str]]:
    return [(each.pointer, each.kind, each.surface, each.text) for each in CATALOG.notices_of(post, media)]


def test_an_assets_label_is_shown_on_its_picture_or_beside_it() -> None:
    assert shown(post_with([], {"labels": [AI, CAPTURE]})) == [
        ("/assets/0/labels/0", "ai-generated", "media", "AI生成"),
        ("/assets/0/labels/1", "capture", "post", "拍摄于 2026-05-01 08:30 四川省成都市"),
    ]


def test_a_post_that_is_fiction_is_drawn_on_every_picture_without_its_own_label() -> None:
    post = post_with([FICTION], {"labels": [{"kind": "fiction", "form": "dramatised"}]}, {}, {})
    (first, second) = CATALOG.notices_of(post, ["image", "image", "audio"])
    assert (first.pointer, first.surface, first.assets) == ("/assets/0/labels/0", "media", (0,))
    assert (second.pointer, second.surface, second.assets, second.text) == ("/labels/0", "media", (1,), "摆拍演绎")
    assert CATALOG.notice_texts_for(post, 0) == (("fiction", "演绎内容", "/assets/0/labels/0"),)
    assert CATALOG.notice_texts_for(post, 1) == (("fiction", "摆拍演绎", "/labels/0"),)


@pytest.mark.parametrize("label", [AI, FICTION])
def test_a_label_on_a_post_without_pictures_is_shown_in_the_post(label: dict[str, str]) -> None:
    assert [each[2] for each in shown(post_with([label]))] == ["post"]


def test_an_ai_label_on_the_post_is_about_its_text_and_never_drawn() -> None:
    post = post_with([AI], {})
    assert shown(post) == [("/labels/0", "ai-generated", "post", "AI生成")]
    assert CATALOG.notice_texts_for(post, 0) == ()


def test_the_mcn_is_shown_on_the_account() -> None:
    post = post_with(account={"id": "a", "name": "b", "mcn_managed": True, "mcn": {"name": "星河文化"}})
    assert shown(post) == [("/account/mcn", "mcn", "account", "所属MCN机构:星河文化")]


@pytest.mark.parametrize(
    ("draw", "kinds"),
    [(None, ["ai-generated", "fiction"]), ([], []), (["fiction"], ["fiction"]), (["ai-generated"], ["ai-generated"])],
)
def test_draw_chooses_among_the_notices_an_asset_has(draw: list[str] | None, kinds: list[str]) -> None:
    asset = {"labels": [AI, FICTION, CAPTURE]} | ({} if draw is None else {"draw": draw})
    post = post_with([], asset)
    CATALOG.require_kinds(post)
    assert [kind for kind, _, _ in CATALOG.notice_texts_for(post, 0)] == kinds


def test_free_text_is_drawn_only_where_draw_names_its_kind() -> None:
    post = post_with([], {"labels": [AI, CAPTURE]}, {"labels": [AI, CAPTURE], "draw": ["capture", "source"]})
    CATALOG.require_kinds(post)
    assert [kind for kind, _, _ in CATALOG.notice_texts_for(post, 0)] == ["ai-generated"]
    ((kind, text, _),) = CATALOG.notice_texts_for(post, 1)
    assert (kind, text.startswith("拍摄于 ")) == ("capture", True)


def test_a_kind_that_is_none_cannot_be_drawn() -> None:
    with pytest.raises(InvalidPost) as caught:
        CATALOG.require_kinds(post_with([], {}, {"draw": ["fiction", "nonsense"]}))
    assert caught.value.details["pointer"] == "/assets/1/draw/1"
    assert "ai-generated" in caught.value.diagnostics("en")


@pytest.mark.parametrize("kind", ["advice", "horoscope"])
def test_a_kind_the_edition_lacks_is_refused_wherever_it_stands(kind: str) -> None:
    label = {"kind": kind, "by": "x", "at": "2026-01-01"}
    with pytest.raises(UnknownLabelKind) as caught:
        CATALOG.require_kinds(post_with([FICTION], {}, {"labels": [AI, label]}))
    assert caught.value.details["pointer"] == "/assets/1/labels/1/kind"


@pytest.mark.parametrize(
    ("label", "zh", "en"),
    [
        (AIGenerated(grade="possible"), "可能为AI生成", "Possibly AI-generated"),
        (Fiction(form="fictional"), "虚构内容", "Fictional content"),
        (Capture(time="2026-05"), "拍摄于 2026-05", "Captured 2026-05"),
        (
            Capture.model_validate(CAPTURE),
            "拍摄于 2026-05-01 08:30 四川省成都市",
            "Captured 2026-05-01 08:30 四川省成都市",
        ),
    ],
)
def test_a_wording_shows_times_cut_to_minutes_and_drops_what_is_missing(label: Any, zh: str, en: str) -> None:
    assert CATALOG.wording(label) == zh
    assert CATALOG.wording(label, "en") == en


def test_a_name_that_looks_like_a_template_is_shown_as_it_is() -> None:
    post = post_with([{"kind": "source", "publisher": "{title}[x]", "title": "t"}])
    assert shown(post)[0][3] == "信息来源:{title}[x]"


@pytest.mark.parametrize(
    ("origin", "label", "expected"),
    [
        ("self-shot", None, "digitalCapture"),
        ("screen-capture", None, "screenCapture"),
        ("ai-generated", AIGenerated(grade="confirmed"), "trainedAlgorithmicMedia"),
        ("ai-generated", AIGenerated(grade="confirmed", extent="whole"), "trainedAlgorithmicMedia"),
        ("ai-generated", AIGenerated(grade="confirmed", extent="part"), "compositeWithTrainedAlgorithmicMedia"),
        ("ai-edited", AIGenerated(grade="confirmed"), "compositeWithTrainedAlgorithmicMedia"),
        ("ai-edited", None, "compositeWithTrainedAlgorithmicMedia"),
        (None, AIGenerated(grade="confirmed"), "trainedAlgorithmicMedia"),
        ("ai-generated", None, None),
        ("ai-generated", AIGenerated(grade="possible"), None),
        ("ai-edited", AIGenerated(grade="suspected"), None),
        ("self-shot", AIGenerated(grade="possible"), None),
        ("reposted", None, None),
        ("archive", None, None),
        ("other", None, None),
        (None, None, None),
    ],
)
def test_the_source_type_follows_the_origin_and_the_ai_label(origin: Any, label: Any, expected: str | None) -> None:
    assert CATALOG.source_type(origin, label) == (BASE + expected if expected else None)


@pytest.mark.parametrize("label", [AI, FICTION])
def test_a_label_on_audio_has_nowhere_to_be_drawn_and_is_shown_in_the_post(label: dict[str, str]) -> None:
    assert [each[2] for each in shown(post_with([], {"labels": [label]}), ["audio"])] == ["post"]


@pytest.mark.parametrize(
    ("label", "surfaces", "text"),
    [
        (
            {"kind": "disputed", "by": "平台", "at": "2026-05-01", "reason": "说法不一"},
            ["player", "post"],
            "信息存在争议:说法不一",
        ),
        ({"kind": "disputed", "by": "平台", "at": "2026-05-01"}, ["player", "post"], "信息存在争议"),
        ({"kind": "rumor", "by": "平台", "at": "2026-05-01"}, ["player", "post"], "谣言"),
        (
            {"kind": "rumor", "by": "x", "at": "2026-05-01", "claim": "停水", "debunk_url": "https://example.com/1"},
            ["player", "post"],
            "谣言:停水(辟谣:https://example.com/1)",
        ),
        ({"kind": "marketing", "advertiser": "某公司"}, ["post"], "含有营销信息:某公司"),
        ({"kind": "marketing"}, ["post"], "含有营销信息"),
        ({"kind": "opinion"}, ["post"], "内容为个人观点"),
        ({"kind": "minors-risk", "class": "imitation"}, ["player", "post"], "未成年人请勿模仿"),
        ({"kind": "minors-risk", "class": "data-misuse"}, ["player", "post"], "不当使用未成年人个人信息"),
    ],
)
def test_each_label_is_shown_on_its_surfaces_in_its_words(
    label: dict[str, Any], surfaces: list[str], text: str
) -> None:
    notices = shown(post_with([label]))
    assert [each[2] for each in notices] == surfaces
    assert {each[3] for each in notices} == {text}


def test_a_notice_of_fixed_words_can_be_drawn_where_it_is_asked_for() -> None:
    post = post_with([], {"labels": [{"kind": "minors-risk", "class": "values"}], "draw": ["minors-risk"]})
    CATALOG.require_kinds(post)
    assert [(kind, text) for kind, text, _ in CATALOG.notice_texts_for(post, 0)] == [
        ("minors-risk", "未成年人请在监护下观看")
    ]
