"""Notices in text documents: put in where they were asked for, every other byte as it was, and found again."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.errors import AssetNotFound, MalformedMedia, MediaTooLarge, NoticeDoesNotFit, UnsupportedFormat
from provenance.model.notice import Notice
from provenance.notices.in_text import draw_text, measure_text
from provenance.text.visible import seen

NOTICE = ("ai-generated", "AI生成")
BOTH = (NOTICE, ("fiction", "演绎内容"))
EVERYWHERE = ("start", "middle", "end")
LONG = "五一假期首日,成都大熊猫基地客流回升。" * 8

TEXT = f"第一段。{LONG}\n\n第二段。{LONG}\n\n第三段。{LONG}\n"
MARKDOWN = f"---\ntitle: 标题\n---\n\n# 标题\n\n{LONG}\n\n- 一\n- 二\n\n```\n代码\n\n代码\n```\n\n{LONG}\n"
HTML = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>题</title></head>\n<body class="x">\n<h1>题</h1>\n'
    f"<p>{LONG}</p>\n<ul><li>一<li>二</ul>\n<script>'</body>'</script>\n<p>{LONG}</p>\n</body></html>\n"
)
DOCUMENTS = {"text": TEXT, "markdown": MARKDOWN, "html": HTML}


@pytest.fixture
def draw(tmp_path: Path) -> Any:
    """Return a function that puts notices into a document and returns its bytes and the result."""

    def put_in(data: bytes | str, form: str, at: Any = ("start",), texts: Any = (NOTICE,)) -> tuple[bytes, Any]:
        source, target = tmp_path / "source", io.BytesIO()
        content = data.encode() if isinstance(data, str) else data
        source.write_bytes(content)
        result = draw_text(source, target, texts, format=form, at=at)
        assert source.read_bytes() == content
        return target.getvalue(), result

    return put_in


def found(data: bytes, form: str, tmp_path: Path, texts: Any = (NOTICE,)) -> list[bool]:
    path = tmp_path / "finished"
    path.write_bytes(data)
    return [each.found for each in measure_text(path, [Notice(kind=k, text=t) for k, t in texts], format=form)]


def without_additions(data: bytes, original: bytes) -> bool:
    """Say whether `original` is left when pieces are cut out of `data`: every one of its bytes, in order."""
    rest = iter(data)
    return all(byte in rest for byte in original)


@pytest.mark.parametrize("form", DOCUMENTS)
@pytest.mark.parametrize("at", [("start",), ("middle",), ("end",), ("start", "end"), EVERYWHERE])
def test_notices_stand_where_they_were_asked_for_and_are_found_again(
    draw: Any, tmp_path: Path, form: str, at: tuple[str, ...]
) -> None:
    original = DOCUMENTS[form].encode()
    data, result = draw(original, form, at, BOTH)
    assert found(original, form, tmp_path, BOTH) == [False, False]
    assert found(data, form, tmp_path, BOTH) == [True, True]
    assert without_additions(data, original)
    assert (result.media_change, result.method, result.reason) == ("blocks", f"{form}-block", None)
    assert [(each.kind, each.text, each.box, each.seconds) for each in result.notices] == [
        (kind, text, None, None) for kind, text in BOTH
    ]
    lines = [line.lstrip("> ") for line in seen(data.decode(), form).splitlines() if line.strip()]
    assert [line for line in lines if line in {"AI生成", "演绎内容"}] == ["AI生成", "演绎内容"] * len(at)
    body = [line for line in lines if line not in {"---", "title: 标题"}]
    assert (body[0] == "AI生成", body[-1] == "演绎内容") == ("start" in at, "end" in at)


@pytest.mark.parametrize("form", DOCUMENTS)
def test_what_stands_there_is_not_put_there_again(draw: Any, form: str) -> None:
    once, _ = draw(DOCUMENTS[form], form, EVERYWHERE, BOTH)
    twice, result = draw(once, form, EVERYWHERE, BOTH)
    assert twice == once
    assert (result.media_change, result.method, len(result.notices)) == ("none", None, 2)


@pytest.mark.parametrize("form", DOCUMENTS)
def test_only_what_is_missing_is_put_in(draw: Any, tmp_path: Path, form: str) -> None:
    once, _ = draw(DOCUMENTS[form], form)
    both, _ = draw(once, form, ("start",), BOTH)
    assert both.count("AI生成".encode()) == 1
    assert found(both, form, tmp_path, BOTH) == [True, True]


def test_bytes_that_a_text_starts_and_ends_its_lines_with_stay(draw: Any) -> None:
    assert draw("\ufeff第一段\r\n\r\n第二段\r\n", "text")[0] == "\ufeffAI生成\r\n\r\n第一段\r\n\r\n第二段\r\n".encode()
    assert draw("一\r二\r", "text", ("middle",))[0] == "一\r\rAI生成\r\r二\r".encode()
    assert draw("一", "text", ("end",))[0] == "一\n\nAI生成\n".encode()
    assert draw("", "text")[0] == "AI生成\n".encode()
    assert draw("\n\n一\n", "text")[0] == "AI生成\n\n\n一\n".encode()


def test_markdown_keeps_its_front_matter_first_and_its_code_whole(draw: Any) -> None:
    data, _ = draw(MARKDOWN, "markdown", EVERYWHERE)
    assert data.startswith("---\ntitle: 标题\n---\n\n> AI生成\n\n# 标题".encode())
    assert "```\n代码\n\n代码\n```".encode() in data
    assert draw("\ufeff# 题\r\n", "markdown")[0] == "\ufeff> AI生成\r\n\r\n# 题\r\n".encode()
    assert draw("---\na: 1\n---", "markdown")[0] == b"---\na: 1\n---\n\n> AI\xe7\x94\x9f\xe6\x88\x90\n"


@pytest.mark.parametrize("tail", ["```\n代码", "<!-- 注释\n", "<script>\nx", "~~~~\n```\n"])
def test_markdown_that_leaves_something_open_gets_its_last_notice_before_it(
    draw: Any, tmp_path: Path, tail: str
) -> None:
    data, _ = draw(f"# 题\n\n段\n\n{tail}", "markdown", ("end",))
    assert data.endswith(f"> AI生成\n\n{tail}".encode())
    assert found(data, "markdown", tmp_path) == [True]


def test_marks_in_a_notice_are_plain_in_markdown_and_references_in_html(draw: Any, tmp_path: Path) -> None:
    texts = (("source", "信息来源:<b>*a*</b> [x](y) & #"),)
    for form in ("markdown", "html"):
        data, _ = draw(DOCUMENTS[form], form, ("start",), texts)
        assert found(data, form, tmp_path, texts) == [True]
        assert b"<b>" not in data


@pytest.mark.parametrize(
    ("charset", "codec", "raw"),
    [("gbk", "gb18030", True), ("big5", "big5hkscs", True), ("utf-8", "utf-8", True), ("iso-8859-1", "cp1252", False)],
)
def test_a_page_keeps_its_encoding(draw: Any, tmp_path: Path, charset: str, codec: str, raw: bool) -> None:
    page = f'<html><head><meta charset="{charset}"></head><body><p>a</p></body></html>'.encode()
    data, _ = draw(page, "html")
    assert ("AI生成".encode(codec, "xmlcharrefreplace")) in data
    assert ("AI生成".encode(codec, "ignore") in data and b"&#" not in data) is raw
    assert found(data, "html", tmp_path) == [True]


@pytest.mark.parametrize(
    ("page", "before"),
    [
        ("<!doctype html><title>t</title><h1>题</h1>", b"<h1>"),
        ("<!doctype html><html><head></head><p>一</p>", "<p>一".encode()),
        ("<!doctype html><html><head><script>'<body>'</script></head><BODY onload=x><p>一</p>", "<p>一".encode()),
        ("<!doctype html><title>t</title><!-- c -->一", "一".encode()),
        ("\ufeff<!doctype html><body><main>一</main>", b"<main>"),
        ("<!doctype html><html><head></head></html>", b"</html>"),
    ],
)
def test_a_page_shows_it_first_in_its_body(draw: Any, tmp_path: Path, page: str, before: bytes) -> None:
    data, _ = draw(page, "html")
    note = data.index(b'<aside role="note"')
    assert data.index(b"</aside>") < data.index(before, note)
    assert not data[:note].endswith(before)
    assert found(data, "html", tmp_path) == [True]


def test_a_page_shows_it_last_in_its_body_or_where_it_stops(draw: Any) -> None:
    assert b"</aside>\n</body></html>" in draw(HTML, "html", ("end",))[0]
    assert draw("<!doctype html><p>一", "html", ("end",))[0].endswith(b"</aside>\n")
    assert b"</aside>\n</html>" in draw("<!doctype html><html><p>一</html>", "html", ("end",))[0]


@pytest.mark.parametrize(
    ("text", "form", "at", "code"),
    [
        ("只有一段", "text", "middle", "notice-no-middle"),
        ("只有一段", "markdown", "middle", "notice-no-middle"),
        ("<!doctype html><p>只有一段", "html", "middle", "notice-no-middle"),
        ("<!doctype html><body hidden><p>一", "html", "start", "notice-no-start"),
        ("<!doctype html><body><p>一<script>x", "html", "end", "notice-no-end"),
    ],
)
def test_a_text_without_such_a_place_is_refused_with_a_way_on(
    draw: Any, text: str, form: str, at: str, code: str
) -> None:
    with pytest.raises(NoticeDoesNotFit) as caught:
        draw(text, form, (at,))
    assert caught.value.code == code
    assert '"draw": []' in str(caught.value)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        (f"AI生成\n\n{LONG}", True),
        (f"【AI生成】\n{LONG}", True),
        (f"本文由AI生成。{LONG}", True),
        (f"{LONG}本文由AI生成", True),
        (f"{LONG}\n\n(AI 生成)\n\n{LONG}", True),
        (f"{LONG}有人说这是AI生成,也有人说不是。{LONG}", False),
        (f"AI生成物的监管。{LONG}", False),
        (f"{LONG}\nAI\n生成\n{LONG}", False),
        (LONG, False),
        ("", False),
    ],
)
def test_a_notice_is_told_from_a_mention(tmp_path: Path, text: str, is_found: bool) -> None:
    for form in ("text", "markdown"):
        assert found(text.encode(), form, tmp_path) == [is_found]
    page = "<!doctype html><body>" + "".join(f"<p>{line}</p>" for line in text.splitlines())
    assert found(page.encode(), "html", tmp_path) == [is_found]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("html", "<!doctype html><p hidden>AI生成</p><p>一"),
        ("html", "<!doctype html><title>AI生成</title><p>一"),
        ("markdown", "<!-- AI生成 -->\n\n一"),
        ("markdown", "---\ntitle: AI生成\n---\n一"),
    ],
)
def test_what_no_reader_sees_is_not_found(tmp_path: Path, form: str, text: str) -> None:
    assert found(text.encode(), form, tmp_path) == [False]


def test_a_reading_says_that_it_is_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("AI生成\n", encoding="utf-8")
    (reading,) = measure_text(path, [Notice(kind="ai-generated", text="AI生成")], format="text")
    assert (reading.form, reading.height_ratio, reading.contrast, reading.box) == ("text", None, None, None)
    assert measure_text(path, [], format="text") == ()


def test_what_cannot_be_read_is_refused(tmp_path: Path, draw: Any) -> None:
    with pytest.raises(MalformedMedia) as caught:
        draw("信息".encode("gbk"), "text")
    assert (caught.value.code, caught.value.details["offset"]) == ("text-not-utf-8", 0)
    with pytest.raises(MediaTooLarge):
        draw(b"a" * 2_000_001, "markdown")
    with pytest.raises(UnsupportedFormat):
        draw(b"a", "pdf")
    with pytest.raises(AssetNotFound):
        measure_text(tmp_path / "nowhere", [], format="text")
    with pytest.raises(MalformedMedia) as caught:
        draw(b"text<p>", "html")
    assert (caught.value.code, caught.value.details["path"]) == ("html-starts-with-text", tmp_path / "source")


BLOCKS = st.lists(
    st.sampled_from(
        ["# 题", "段落", "- 一\n- 二", "> 引", "```\n码\n```", "<div>\n\n块\n\n</div>", "|a|\n|-|", "    码", "***", ""]
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BLOCKS, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["start", "end"]), st.booleans())
def test_any_markdown_shows_the_notice_and_keeps_its_bytes(
    draw: Any, tmp_path: Path, blocks: list[str], eol: str, at: Any, marked: bool
) -> None:
    original = ("\ufeff" * marked + "\n\n".join(blocks).replace("\n", eol)).encode()
    data, _ = draw(original, "markdown", (at,))
    assert found(data, "markdown", tmp_path) == [True]
    assert without_additions(data, original)


def test_notices_in_text_load_no_codec() -> None:
    program = (
        "import provenance.notices.in_text, sys; print([m for m in ('numpy', 'cv2', 'PIL', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
