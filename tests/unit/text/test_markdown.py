"""Markdown as what it becomes, its blocks, and plain text written so that it stays plain."""

from __future__ import annotations

import html
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from provenance.text.markdown import blocks_of, escaped, html_of_markdown, is_plain
from provenance.text.visible import seen

NOTICE = "AI生成"


@pytest.mark.parametrize(
    "source",
    [
        "> AI生成",
        "# AI生成",
        "**AI**生成",
        "[AI生成](https://example.com)",
        "AI&#29983;成",
        "- AI生成",
        "|AI生成|\n|-|",
        "~~AI~~生成",
    ],
)
def test_marks_are_not_part_of_the_text(source: str) -> None:
    assert NOTICE in "".join(seen(source, "markdown").split())


@pytest.mark.parametrize(
    "source",
    ["<!-- AI生成 -->", "[x]: https://example.com 'AI生成'", "![AI生成](x.png)", "<div hidden>\n\nAI生成\n\n</div>"],
)
def test_what_markdown_does_not_show_is_not_seen(source: str) -> None:
    assert NOTICE not in seen(source, "markdown")


def test_a_text_without_marks_inside_its_lines_is_seen_as_it_stands() -> None:
    assert is_plain("# 标题\n\n- 一\n")
    assert seen("# 标题\n\n- 一\n", "markdown") == "# 标题\n\n- 一\n"
    assert not is_plain("*一*")


@given(
    st.text(alphabet="# >-+=*_`~[]()<>&|$\\!1.)\taz字\u2028", min_size=1, max_size=30).filter(lambda text: text.strip())
)
def test_escaped_text_means_itself_and_nothing_else(text: str) -> None:
    line = " ".join(text.split())
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(f"> {escaped(line)}\n")
    assert page == f"<blockquote>\n<p>{html.escape(line).replace('&#x27;', chr(39))}</p>\n</blockquote>\n"


def test_blocks_are_those_that_stand_in_no_other() -> None:
    source = "# 标题\r\n\r\n段落\r\n二行\r\n\r\n- a\r\n- b\r\n\r\n```\r\nx\r\n"
    found = [(each.kind, source[each.start : each.end].split(maxsplit=1)[0]) for each in blocks_of(source)]
    assert found == [("heading", "#"), ("paragraph", "段落"), ("bullet_list", "-"), ("fence", "```")]
    assert list(blocks_of("")) == []


def test_a_paragraph_too_long_for_emphasis_stands_as_it_is_written() -> None:
    assert "<em>" not in html_of_markdown("*字*" * 4_000)
    assert "<em>" in html_of_markdown("*字*")


@pytest.mark.parametrize("piece", ["[", "**a", "> ", "- ", "a\n", "![", "`", "<a ", "[a]: ", "|a", "* * "])
def test_hostile_markdown_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    seen(piece * (100_000 // len(piece)), "markdown")
    assert time.process_time() - start < 15


def test_a_lone_surrogate_does_not_stop_it() -> None:
    assert NOTICE in seen("*a*\ud800\n\nAI生成", "markdown")
