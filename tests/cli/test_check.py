"""`provenance check`: the gate as a command."""

import json
import shutil

import jsonschema
import pytest

from provenance.cli.commands.schema import json_schema
from provenance.model.notice import Box, NoticeReading
from provenance.model.observation import Observation


@pytest.fixture
def finished(sdk, write_post, post_data, tmp_path):
    """Return a function that attaches a post and returns its folder."""

    def make(data=None, name="out"):
        return sdk.attach(write_post(data or post_data, f"{name}.json"), into=tmp_path / name).folder

    return make


def rules_of(report, severity=None):
    return [each["rule"] for each in report["findings"] if severity in {None, each["severity"]}]


def test_a_labelled_post_is_publishable(run, finished):
    folder = finished()
    result = run("check", folder, "--json")
    assert result.code == 0
    report = result.json
    jsonschema.validate(report, json_schema("report"))
    assert report["publishable"] is True
    assert set(rules_of(report)) == {"notice-not-verified"}
    assert run("check", folder / "post.json", "--json").json == report


def test_a_draft_is_refused_with_rules_provisions_and_fixes(run, write_post, post_data):
    for asset in post_data["assets"]:
        del asset["labels"]
    del post_data["labels"], post_data["declaration"]
    result = run("check", write_post(post_data), "--json")
    assert result.code == 1
    blocking = {each["rule"]: each for each in result.json["findings"] if each["severity"] == "blocking"}
    assert blocking["self-shot-without-time-and-place"]["cites"] == ["SM2023-03-2"]
    assert blocking["self-shot-without-time-and-place"]["pointer"] == "/assets/0"
    assert blocking["self-shot-without-time-and-place"]["certainty"] == "S"
    assert {"current-affairs-without-source", "generated-media-without-ai-notice", "label-not-found-in-file"} <= set(
        blocking
    )
    for finding in result.json["findings"]:
        for text in ("message", "evidence", "fix"):
            assert set(finding[text]) == {"zh-CN", "en"}


def test_a_label_that_is_only_promised_is_a_finding(run, write_post, post_data):
    """The post says everything, its files nothing: the gate reads the files."""
    result = run("check", write_post(post_data), "--json")
    missing = [each["pointer"] for each in result.json["findings"] if each["rule"] == "label-not-found-in-file"]
    assert result.code == 1
    assert {"/assets/0/labels/0", "/assets/1/labels/0", "/labels/0", "/account/mcn"} <= set(missing)


def test_an_absent_fact_is_unknown_and_blocks(run, finished, post_data):
    del post_data["facts"]["reposted"], post_data["account"]["anonymous"]
    report = run("check", finished(post_data), "--json").json
    assert [
        (each["pointer"], each["severity"]) for each in report["findings"] if each["rule"] == "undeclared-fact"
    ] == [
        ("/account/anonymous", "blocking")
    ]  # the repost rule is satisfied either way: the source names its copyright owner


def test_a_file_that_changed_since_is_judged_as_found(run, finished):
    folder = finished()
    shutil.copyfile(folder / "media/2-poster.png", folder / "media/1-camera.jpg")
    report = run("check", folder, "--json").json
    assert "asset-changed" in rules_of(report, "warning")
    assert "label-not-found-in-file" in rules_of(report, "blocking")


@pytest.mark.parametrize("damage", ["gone", "cut", "text"])
def test_an_asset_that_cannot_be_read_blocks(run, finished, damage):
    folder = finished()
    path = folder / "media/1-camera.jpg"
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    else:
        path.write_text("hello")
    result = run("check", folder, "--json")
    unreadable = [each["pointer"] for each in result.json["findings"] if each["rule"] == "unreadable-asset"]
    assert (result.code, unreadable) == (1, ["/assets/0"])


def test_a_notice_painted_over_is_missing(run, finished, post_data):
    from PIL import Image, ImageDraw

    del post_data["declaration"]
    folder = finished(post_data)
    path = folder / "media/2-poster.png"
    with Image.open(path) as image:
        painted = image.convert("RGB")
    ImageDraw.Draw(painted).rectangle((0, 0, 400, 150), fill=(9, 9, 9))
    painted.save(path)
    report = run("check", folder, "--json").json
    assert "generated-media-without-ai-notice" in rules_of(report, "blocking")
    assert [each["status"] for each in report["notices"] if each["kind"] == "ai-generated"] == ["missing"]


def test_the_date_decides_which_provisions_are_cited(run, finished, post_data):
    del post_data["account"]["mcn"]
    folder = finished(post_data)

    def cites(day):
        report = run("check", folder, "--on", day, "--json").json
        return [each["cites"] for each in report["findings"] if each["rule"] == "mcn-managed-account-without-name"]

    assert cites("2026-08-31") == [["SM2023-11-1"]]
    assert cites("2026-09-01") == [["SM2023-11-1", "MCN-F-3"]]
    assert cites("2023-07-04") == []


def test_a_notice_found_in_the_body_is_present(run, finished, post_data):
    post_data["body"] = "五一假期首日,客流回升。\n信息来源:新华社 2026-05-01\n拍摄于 2026-05-01 08:30 四川省成都市"
    statuses = {each["kind"]: each["status"] for each in run("check", finished(post_data), "--json").json["notices"]}
    assert statuses == {"mcn": "required", "capture": "present", "ai-generated": "present", "source": "present"}


def test_a_file_alone_is_no_publishing_decision(run, finished):
    folder = finished()
    result = run("check", folder / "media/2-poster.png", "--json")
    assert (result.code, result.json["scope"], result.json["publishable"]) == (0, "media", None)
    assert result.json["not_evaluated"]
    assert set(result.json["subject"]) == {"path", "sha256"}
    assert "no publishing decision" in run("check", folder / "media/2-poster.png").out


def test_an_exact_position_is_a_warning(run, media):
    report = run("check", media / "camera-with-gps.jpg", "--json").json
    assert rules_of(report) == ["exact-location-in-file"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nowhere.json"], 2),
        (["nowhere.jpg"], 2),
        (["{media}/text-named.jpg"], 3),
        (["{media}/camera.jpg", "--on", "someday"], 2),
        (["{media}/camera.jpg", "--jurisdiction", "atlantis"], 2),
        (["{media}"], 2),
    ],
)
def test_bad_arguments_end_with_the_right_code(run, media, arguments, code):
    result = run("check", *(each.format(media=media) for each in arguments))
    assert (result.code, result.out) == (code, "")
    assert result.err


@pytest.mark.parametrize(("lang", "word"), [("en", "Publishable"), ("zh-CN", "可以发布")])
def test_the_text_is_in_the_language_asked_for(run, finished, lang, word):
    assert word in run("check", finished(), "--lang", lang).out


def test_a_zh_locale_gives_chinese(run, media, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "错误" in run("check", "nowhere.jpg").err


def test_the_post_schema_accepts_the_post_and_refuses_what_the_loader_refuses(post_data):
    schema = json_schema("post")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(post_data)
    for broken in (
        {**post_data, "colour": "red"},
        {**post_data, "labels": [{"kind": "source"}]},
        {**post_data, "labels": [{"kind": "fiction", "form": "odd"}]},
        {**post_data, "assets": [{"id": "1"}]},
    ):
        assert not validator.is_valid(broken), json.dumps(broken, ensure_ascii=False)


@pytest.mark.parametrize(("lang", "told"), [("en", "): /: [] is not an object."), ("zh-CN", "):/:[] 不是对象。")])
def test_a_post_that_is_no_object_is_named_by_the_pointer_to_the_whole(run, tmp_path, lang, told):
    (tmp_path / "post.json").write_text("[]", encoding="utf-8")
    result = run("check", tmp_path / "post.json", "--lang", lang)
    assert (result.code, told in result.err) == (2, True), result.err


@pytest.mark.parametrize(
    ("role", "word"), [("author", "作者"), ("mcn", "MCN机构"), ("generator", "生成服务提供者"), ("platform", "平台")]
)
def test_the_verdict_names_the_role_in_the_users_language(run, write_post, post_data, role, word):
    post = write_post({**post_data, "acting_as": role})
    assert f"身份 {word})" in run("check", post, "--lang", "zh-CN").out
    assert (
        f"as {'MCN' if role == 'mcn' else 'generation service' if role == 'generator' else role})"
        in run("check", post).out
    )


def statuses_of(report):
    return {(each["kind"], each["surface"]): each["status"] for each in report["notices"]}


@pytest.mark.parametrize("page", ["notices.html", "notices.md"])
def test_the_pages_that_attach_writes_show_every_notice(run, finished, page):
    folder = finished()
    result = run("check", folder, "--rendered", folder / page, "--json")
    assert set(statuses_of(result.json).values()) == {"present"}
    assert (result.code, rules_of(result.json)) == (0, [])


def test_a_notice_that_a_page_does_not_show_is_missing_with_its_rule(run, finished, tmp_path):
    folder = finished()
    page = tmp_path / "page.html"
    page.write_text(
        "<p hidden>信息来源:新华社 2026-05-01</p><p>拍摄于 2026-05-01 08:30 四川省成都市</p>", encoding="utf-8"
    )
    result = run("check", folder, "--rendered", page, "--json")
    assert statuses_of(result.json) == {
        ("mcn", "account"): "missing",
        ("capture", "post"): "present",
        ("ai-generated", "media"): "present",
        ("source", "post"): "missing",
    }
    assert (result.code, set(rules_of(result.json, "blocking"))) == (
        1,
        {"current-affairs-without-source", "mcn-managed-account-without-name"},
    )
    assert rules_of(result.json, "warning") == ["notice-not-on-page"] * 2
    account = tmp_path / "account.txt"
    account.write_text(
        "成都观察员\n所属MCN机构:星河文化传媒(成都)有限公司\n信息来源:新华社\n2026-05-01", encoding="utf-8"
    )
    result = run("check", folder, "--rendered", page, "--rendered", account, "--json")
    assert (result.code, rules_of(result.json)) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["{folder}", "--rendered", "nowhere.html"], 2, "nowhere.html"),
        (["{folder}", "--rendered", "{folder}/media/2-poster.png"], 3, "not a page as text"),
        (["{folder}/media/1-camera.jpg", "--rendered", "{folder}/notices.html"], 2, "has no page to show"),
        (["{folder}/post.json", "--jsonl", "--rendered", "{folder}/notices.html"], 2, "one by one"),
        (["{folder}", "--platform", "nowhere"], 2, "douyin"),
    ],
)
def test_a_page_or_platform_that_cannot_be_used_is_refused_with_the_reason(run, finished, arguments, code, words):
    folder = finished()
    result = run("check", *(each.format(folder=folder) for each in arguments))
    assert (result.code, result.out) == (code, "")
    assert words in result.err


@pytest.mark.parametrize(
    ("corner", "size", "platform", "severities"),
    [
        ((0, 0), (1080, 1920), "douyin", ["warning"]),
        ((0, 0), (1080, 1920), "抖音", ["warning"]),
        ((0, 0), (1080, 1920), None, []),
        ((128, 304), (1080, 1920), "douyin", []),
        ((0, 0), (1920, 1080), "douyin", []),
        (None, (1080, 1920), "douyin", []),
    ],
)
def test_a_platform_tells_which_notices_its_controls_may_cover(
    sdk, write_post, post_data, monkeypatch, corner, size, platform, severities
):
    box = corner and Box(x=corner[0], y=corner[1], width=300, height=90)
    reading = NoticeReading(kind="ai-generated", text="AI生成", found=True, height_ratio=0.06, contrast=9, box=box)
    seen = Observation(path="a.mp4", media="video", format="mp4", width=size[0], height=size[1], notices=(reading,))
    monkeypatch.setattr("provenance.check.observe", lambda *_, **__: seen)
    del post_data["assets"][0]
    report = sdk.check(write_post(post_data), platform=platform)
    assert [each.severity for each in report.findings if each.rule == "notice-covered"] == severities


def test_one_file_is_told_for_a_platform_too(run, finished):
    result = run("check", finished() / "media/2-poster.png", "--platform", "douyin", "--json")
    assert (result.code, rules_of(result.json, "blocking")) == (0, [])
