"""Which option of a platform's declaration a post calls for."""

import copy
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from provenance.catalog import Catalog
from provenance.catalog.platforms import CODES, Declarations, Platform
from provenance.declare import declare
from provenance.errors import UsageError
from provenance.model.post import Post

DAY = date(2026, 11, 21)
CATALOG = Catalog.packaged()
PLATFORMS = sorted(CATALOG.platforms)
KNOWN = {
    "schema": "provenance/post/1",
    "id": "p-1",
    "kind": "short-video",
    "account": {"id": "a-1", "name": "成都观察员"},
    "facts": {"contains": [], "reposted": False},
    "assets": [{"id": "1", "path": "a.mp4", "origin": "other"}],
}
# What makes each option true.
TRUE = {"ai": "ai-generated", "fiction": "staged", "marketing": "marketing", "repost": True, "opinion": "opinion"}


def post_with(*codes, **changes):
    data = copy.deepcopy(KNOWN) | changes
    for code in codes:
        if code == "ai":
            data["assets"][0]["origin"] = TRUE[code]
        elif code == "repost":
            data["facts"]["reposted"] = TRUE[code]
        else:
            data["facts"]["contains"] = [*data["facts"]["contains"], TRUE[code]]
    return Post.from_dict(data)


def advise(post, platform="cac", on=DAY):
    return declare(post, platform, catalog=CATALOG, on=on)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ai", "含有AI生成内容"),
        ("fiction", "含有虚构演绎内容"),
        ("marketing", "含有营销信息"),
        ("repost", "内容为转载"),
        ("opinion", "内容为个人观点"),
    ],
)
def test_each_of_the_six_is_chosen_where_it_alone_is_true(code, text):
    found = advise(post_with(code))
    assert (found.option, [each.texts for each in found.choose]) == (code, [(text,)])
    assert [each.code for each in found.reasons] == [code]


def test_none_is_chosen_where_nothing_is_true():
    found = advise(post_with())
    assert (found.option, found.choose[0].texts, found.reasons, found.missing) == ("none", ("无需标注",), (), ())


@given(st.sets(st.sampled_from(sorted(TRUE))))
def test_the_first_by_precedence_is_chosen_and_the_others_are_to_be_shown(codes):
    found = advise(post_with(*codes))
    true = [code for code in CODES if code in codes]
    assert found.option == (true[0] if true else "none")
    assert list(found.show_otherwise) == true[1:]


@given(st.sampled_from(PLATFORMS), st.sets(st.sampled_from(sorted(TRUE))), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_no_platform_is_told_none_while_anything_is_true(platform, codes, day):
    found = advise(post_with(*codes), platform, day)
    assert (found.option == "none") == (not codes)
    assert not (codes and any(each.code == "none" for each in found.choose))
    said = {each.code for each in found.choose if each.code}
    assert said | set(found.show_otherwise) == (codes or said)
    assert set(found.not_offered) <= set(found.show_otherwise)


@pytest.mark.parametrize(
    ("data", "missing"),
    [
        ({"facts": {"reposted": False}}, ("/facts/contains",)),
        ({"facts": {"contains": []}}, ("/facts/reposted",)),
        ({"assets": [{"id": "1", "path": "a.mp4"}]}, ("/assets/0/origin",)),
        ({"facts": {}, "assets": []}, ("/facts/contains", "/facts/reposted")),
    ],
)
def test_an_absent_fact_is_unknown_and_asked_for_never_taken_as_false(data, missing):
    found = advise(Post.from_dict(KNOWN | data))
    assert (found.option, found.choose, found.leave_empty, found.missing) == (None, (), False, missing)


def test_an_absent_fact_does_not_matter_where_what_outranks_it_is_true():
    post = Post.from_dict(KNOWN | {"facts": {}, "labels": [{"kind": "ai-generated", "grade": "confirmed"}]})
    assert (advise(post).option, advise(post).missing) == ("ai", ())


def test_an_absent_origin_matters_to_every_option_below_ai():
    post = Post.from_dict(
        KNOWN | {"facts": {"contains": ["opinion"], "reposted": False}, "assets": [{"id": "1", "path": "a"}]}
    )
    assert (advise(post).option, advise(post).missing) == (None, ("/assets/0/origin",))


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ([{"kind": "ai-generated", "grade": "suspected"}], "ai"),
        ([{"kind": "fiction", "form": "dramatised"}], "fiction"),
        ([{"kind": "marketing"}], "marketing"),
        ([{"kind": "opinion"}], "opinion"),
        ([{"kind": "source", "publisher": "新华社"}], "none"),
    ],
)
def test_a_label_leads_to_an_option_and_is_named_as_the_reason(labels, code):
    found = advise(Post.from_dict(KNOWN | {"labels": labels}))
    assert found.option == code
    assert [each.pointer for each in found.reasons] == ([] if code == "none" else ["/labels/0"])


def test_where_several_may_be_chosen_all_that_is_true_is():
    found = advise(post_with("ai", "fiction", "opinion"), "tencent-video")
    assert [each.texts[0] for each in found.choose] == ["内容由AI生成", "剧情演绎,仅供娱乐", "个人观点,仅供参考"]
    assert (found.show_otherwise, found.option) == ((), "ai")


def test_an_option_of_another_field_is_chosen_beside_the_first():
    found = advise(post_with("marketing", "repost"), "小红书")
    assert [(each.field, each.texts[0]) for each in found.choose] == [
        ("内容类型声明", "内容包含营销广告"),
        ("内容来源声明", "来源转载"),
    ]


def test_what_a_platform_does_not_offer_is_shown_otherwise_and_the_next_is_chosen():
    found = advise(post_with("marketing", "repost"), "toutiao")
    assert (found.option, found.not_offered, found.show_otherwise) == ("repost", ("marketing",), ("marketing",))


def test_a_declaration_stays_empty_where_no_option_says_what_is_true():
    found = advise(post_with("opinion"), "toutiao")
    assert (found.option, found.choose, found.leave_empty) == (None, (), True)


def test_a_declaration_stays_empty_where_none_is_needed_and_the_platform_has_no_option_for_it():
    found = advise(post_with(), "toutiao")
    assert (found.option, found.choose, found.leave_empty) == ("none", (), True)


@pytest.mark.parametrize(("day", "option"), [(date(2026, 5, 31), "repost"), (date(2026, 6, 1), "marketing")])
def test_the_form_of_the_day_is_used(day, option):
    assert advise(post_with("marketing", "repost"), "douyin", day).option == option


def test_a_source_that_a_platform_asks_for_is_filled_in_from_the_label():
    label = {"kind": "source", "publisher": "新华社", "url": "https://example.com/a"}
    (fill,) = advise(post_with("repost", labels=[label]), "bilibili").choose[0].fill
    assert (fill.field, fill.value, fill.pointer, fill.required) == (
        "source.publisher",
        "新华社",
        "/labels/0/publisher",
        True,
    )
    (fill,) = advise(post_with("repost", labels=[label]), "alipay").choose[0].fill
    assert (fill.value, fill.pointer) == ("https://example.com/a", "/labels/0/url")


def test_a_field_the_post_does_not_fill_is_pointed_at_and_never_invented():
    (fill,) = advise(post_with("repost"), "bilibili").choose[0].fill
    assert (fill.value, fill.pointer) == (None, "/labels")


def test_self_shot_media_have_their_time_and_place_filled_in_one_by_one():
    capture = {"kind": "capture", "time": "2026-05-01", "place": {"name": "四川省成都市"}}
    assets = [
        {"id": "1", "path": "a.mp4", "origin": "self-shot", "labels": [capture]},
        {"id": "2", "path": "b.mp4", "origin": "self-shot"},
        {"id": "3", "path": "c.mp4", "origin": "other"},
    ]
    (choice,) = advise(Post.from_dict(KNOWN | {"assets": assets}), "视频号").choose
    assert choice.texts == ("内容为自行拍摄",)
    assert [(each.field, each.value, each.pointer) for each in choice.fill] == [
        ("capture.time", "2026-05-01", "/assets/0/labels/0/time"),
        ("capture.time", None, "/assets/1/labels"),
        ("capture.place", "四川省成都市", "/assets/0/labels/0/place"),
        ("capture.place", None, "/assets/1/labels"),
    ]


@pytest.mark.parametrize(
    ("platform", "changes", "text"),
    [
        ("tencent-content", {"facts": {"contains": ["past-event"], "reposted": False}}, "旧闻"),
        ("公众号", {"account": {"id": "a", "name": "b", "domains": ["health"]}}, "健康医疗分享,仅供参考"),
        ("头条", {"account": {"id": "a", "name": "b", "domains": ["finance"]}}, "投资观点,仅供参考"),
        ("微博", {"labels": [{"kind": "minors-risk", "class": "imitation"}]}, "含有高危险行为,请勿模仿"),
        ("百家号", {"facts": {"contains": ["minors-risk"], "reposted": False}}, "未成年人请在监护人指导下浏览"),
    ],
)
def test_choices_beyond_the_six_are_named_where_they_are_true(platform, changes, text):
    assert text in [each.texts[0] for each in advise(Post.from_dict(KNOWN | changes), platform).choose]


@pytest.mark.parametrize(("option", "agrees"), [("ai", True), ("none", False), (None, None)])
def test_what_was_declared_is_compared_with_what_is_called_for(option, agrees):
    declaration = {"platform": "抖音"} | ({"option": option} if option else {})
    found = advise(post_with("ai", declaration=declaration), "douyin")
    assert (found.declared, found.agrees) == (option, agrees)
    assert advise(post_with("ai", declaration=declaration), "weibo").agrees is None


@pytest.mark.parametrize("name", ["douyin", "抖音", "Douyin", "DOUYIN"])
def test_a_platform_has_several_names(name):
    assert advise(post_with(), name).platform == "douyin"


def test_an_unknown_platform_is_refused_with_those_that_are_known():
    with pytest.raises(UsageError) as caught:
        advise(post_with(), "myspace")
    assert all(each in caught.value.diagnostics() for each in PLATFORMS)


def test_every_wording_of_a_platform_says_when_it_was_captured_and_how_sure_it_is():
    for platform in CATALOG.platforms.values():
        for form in platform.form:
            assert form.captured_at[:2] == "20"
            assert form.certainty in {"V", "P"}
            assert platform.form_on(form.since or date.min) is form
            if form.since:
                assert platform.form_on(form.since - timedelta(days=1)) is not form


@pytest.mark.parametrize(
    ("platform", "code", "text"),
    [
        ("douyin", "marketing", "内容含营销推广信息"),
        ("kuaishou", "ai", "内容为AI生成"),
        ("bilibili", "none", "内容无需标注"),
        ("xiaohongshu", "ai", "笔记含AI合成内容"),
        ("wechat-channels", "fiction", "内容为虚构剧情,仅供娱乐"),
        ("wechat-official-account", "fiction", "内容剧情演绎,仅供娱乐"),
        ("toutiao", "fiction", "虚构演绎,故事经历"),
        ("baijiahao", "none", "无需声明"),
        ("tencent-video", "repost", "取材网络,谨慎甄别"),
        ("tencent-content", "none", "暂不申明"),
        ("alipay", "fiction", "内容虚构演绎,仅供娱乐"),
        ("jd", "marketing", "内容含营销广告"),
        ("sohu", "opinion", "内容为个人观点"),
    ],
)
def test_wordings_are_word_for_word(platform, code, text):
    assert text in CATALOG.platforms[platform].form[0].offers(code).texts


FORM = {"field": "f", "captured_at": "2026", "certainty": "V", "option": [{"code": "ai", "texts": ["x"]}]}
PLATFORM = {"id": "a", "title": {"zh-CN": "a", "en": "a"}, "source": "s", "form": [FORM]}


@pytest.mark.parametrize(
    "change",
    [
        {"form": [FORM | {"option": FORM["option"] * 2}]},
        {"form": [FORM, FORM]},
        {"form": [FORM | {"since": date(2026, 1, 1)}]},
        {"form": [FORM, FORM | {"since": date(2026, 1, 1)}]},
        {"form": [FORM | {"captured_at": "lately"}]},
        {"form": []},
        {"form": [FORM | {"strange": 1}]},
    ],
)
def test_a_platform_that_contradicts_itself_is_refused(change):
    Platform.model_validate(PLATFORM)
    with pytest.raises(ValidationError):
        Platform.model_validate(PLATFORM | change)


def test_the_precedence_holds_each_code_once_and_nothing_leads_to_none():
    data = CATALOG.declarations.model_dump(by_alias=True)
    Declarations.model_validate(data)
    for broken in (
        data["option"][:-1],
        data["option"][::-1],
        [*data["option"][:-1], data["option"][-1] | {"reposted": True}],
    ):
        with pytest.raises(ValidationError):
            Declarations.model_validate(data | {"option": broken})
