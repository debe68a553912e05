"""`provenance notice preview`."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def poster(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((1280, 720, 3), 200, np.uint8)).save(tmp_path / "poster.png")
    return tmp_path / "poster.png"


def test_a_page_is_written_here_by_default(run, poster, tmp_path):
    done = run("notice", "preview", "poster.png", "--ai-generated")
    assert done.code == 0, done.err
    assert "poster-preview.html" in done.out
    assert '<html lang="en">' in (tmp_path / "poster-preview.html").read_text("utf-8")
    assert run("notice", "preview", "poster.png", "--ai-generated").code == 2, "an existing page is kept"


def test_a_page_in_chinese_for_one_platform(run, poster):
    done = run(
        "notice", "preview", poster, "--fiction", "staged", "-o", "a.HTM", "--platform", "抖音", "--lang", "zh-CN"
    )
    assert done.code == 0, done.err
    text = (poster.parent / "a.HTM").read_text("utf-8")
    assert '<html lang="zh-CN">' in text
    assert "用于未公布数值的平台:抖音。" in text
    assert "摆拍演绎" in text


def test_a_picture_with_what_it_shows_as_json(run, poster):
    found = run("notice", "preview", poster, "--ai-generated", "-o", "a.png", "--json").json
    assert found["schema"] == "provenance/preview/1"
    assert (found["media"], found["width"], found["height"]) == ("image", 720, 1280)
    assert found["notices"][0]["text"] == "AI生成"
    with Image.open(poster.parent / "a.png") as picture:
        box = found["notices"][0]["box"]
        assert picture.convert("L").getpixel((box["x"] + 2, box["y"] + 2)) < 70


def test_draw_none_shows_the_file_as_it_is(run, poster):
    assert (
        run("notice", "preview", poster, "--ai-generated", "--draw", "none", "-o", "a.png", "--json").json["notices"]
        == []
    )


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["poster.png"], 2, "no-label-given"),
        (["poster.png", "--ai-generated", "-o", "a.gif"], 2, "preview-output-kind"),
        (["poster.png", "--ai-generated", "--platform", "myspace"], 2, "douyin"),
        (["poster.png", "--ai-generated", "--font", "absent.ttf", "--draw", "none"], 0, ""),
        (["absent.png", "--ai-generated"], 2, "absent.png"),
        (["poster.png", "--ai-generated", "--grade", "maybe"], 2, "--grade"),
        ([], 2, "MEDIA"),
    ],
)
def test_wrong_use_is_said(run, poster, arguments, code, told):
    done = run("notice", "preview", *arguments)
    assert done.code == code, done.err
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_picture_too_small_exits_3_and_writes_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (100, 100)).save("small.png")
    done = run("notice", "preview", "small.png", "--ai-generated")
    assert done.code == 3
    assert '"draw": []' in done.err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["small.png"]


def test_the_group_alone_shows_its_help(run):
    done = run("notice")
    assert done.code == 2
    assert "preview" in done.err


@pytest.mark.parametrize("seconds", ["1", "-3", "nan", "long"])
@pytest.mark.parametrize("command", [("attach",), ("notice", "preview")])
def test_a_time_too_short_for_a_notice_is_wrong_use_in_the_readers_language(run, poster, command, seconds):
    done = run(*command, poster, "-o", "out.html", "--ai-generated", "--notice-seconds", seconds, "--lang", "zh-CN")
    assert (done.code, "(notice-seconds-form)" in done.err) == (2, True)
    assert "Invalid" not in done.err
