"""`provenance declare`."""

import json

import pytest

POST = {
    "schema": "provenance/post/1",
    "id": "p-1",
    "kind": "short-video",
    "account": {"id": "a-1", "name": "成都观察员"},
    "facts": {"contains": ["marketing"], "reposted": True},
    "labels": [{"kind": "source", "publisher": "新华社"}],
    "assets": [{"id": "1", "path": "a.mp4", "origin": "other"}],
}


@pytest.fixture
def post(tmp_path):
    def write(**changes):
        path = tmp_path / "post.json"
        path.write_text(json.dumps(POST | changes, ensure_ascii=False), encoding="utf-8")
        return path

    return write


def test_the_option_the_reasons_and_the_fields_are_said(run, post):
    done = run("declare", post(), "--platform", "小红书", "--lang", "zh-CN")
    assert done.code == 0
    assert "在“内容来源声明”中选择:来源转载" in done.out
    assert "/facts/contains/0 = marketing" in done.out
    assert "填写 source.publisher:新华社" in done.out


def test_json_holds_every_key(run, post):
    found = run("declare", post(), "--platform", "douyin", "--on", "2026-11-21", "--json").json
    assert found["schema"] == "provenance/advice/1"
    assert (found["option"], found["choose"][0]["texts"], found["missing"]) == ("marketing", ["内容含营销推广信息"], [])
    assert found["reasons"][0] == {"code": "marketing", "pointer": "/facts/contains/0", "value": "marketing"}


def test_missing_facts_are_named_and_exit_1(run, post):
    done = run("declare", post(facts={}), "--platform", "weibo")
    assert done.code == 1
    assert "Not decided" in done.out
    assert "/facts/contains, /facts/reposted" in done.out


def test_nothing_to_declare_says_so(run, post):
    quiet = {"facts": {"contains": [], "reposted": False}, "labels": []}
    assert "内容无需标注" in run("declare", post(**quiet), "--platform", "weibo").out
    assert "nothing has to be declared" in run("declare", post(**quiet), "--platform", "toutiao").out


def test_a_field_the_post_lacks_is_pointed_at(run, post):
    done = run("declare", post(labels=[], facts={"contains": [], "reposted": True}), "--platform", "bilibili")
    assert "the post does not say; add it at /labels" in done.out


def test_what_no_option_says_is_to_be_shown_otherwise(run, post):
    done = run("declare", post(facts={"contains": ["opinion"], "reposted": False}), "--platform", "toutiao")
    assert "Leave the declaration empty: this platform has no option" in done.out
    assert "to be said in the caption or drawn: opinion" in done.out


def test_another_declaration_than_the_facts_call_for_is_pointed_out(run, post):
    done = run("declare", post(declaration={"platform": "douyin", "option": "none"}), "--platform", "douyin")
    assert "The post says that none needed was declared" in done.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--platform", "myspace"], "douyin (抖音)"),
        ([], "--platform"),
        (["--platform", "douyin", "--on", "yesterday"], "YYYY-MM-DD"),
    ],
)
def test_wrong_use_exits_2(run, post, arguments, told):
    done = run("declare", post(), *arguments)
    assert done.code == 2
    assert told in done.err


def test_a_post_that_is_not_there_exits_2(run, tmp_path):
    assert run("declare", tmp_path / "none.json", "--platform", "douyin").code == 2
