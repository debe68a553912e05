"""What a reader of the body sees, and nothing else, counts as shown."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.text.visible import shown, shows

NOTICE = "信息来源:新华社 2026-05-01"


@pytest.mark.parametrize(
    "body",
    [
        NOTICE,
        "正文。\n信息来源:新华社\n2026-05-01",
        "信息来源:新华社 2026-05-01",
        "信息来源:新华社\u30002026-05-01",
    ],
)
def test_width_and_white_space_do_not_matter(body: str) -> None:
    assert shows(shown(body, "text"), NOTICE)
    assert shows(shown(body, None), NOTICE)


@pytest.mark.parametrize(
    "body",
    [
        f"<p>{NOTICE}</p>",
        "<p>信息来源:<b>新华社</b><br/>2026-05-01",
        "&#20449;息来源:新华社&nbsp;2026-05-01",
        f"<SCRIPT>x</SCRIPT><p>{NOTICE}</p>",
        f"<!-- x -->{NOTICE}",
        f'<img alt="x>y">{NOTICE}',
        f"<header>{NOTICE}</header>",
        f"<p hidden>x</p>{NOTICE}",
        f"<img hidden>{NOTICE}",
        f'<p title="the hidden valley" style="display:block">{NOTICE}</p>',
        f'<div aria-hidden="false">{NOTICE}</div>',
        f"<script>' hidden style=display:none</script><p>{NOTICE}</p>",
    ],
)
def test_html_is_read_as_a_reader_sees_it(body: str) -> None:
    assert shows(shown(body, "html"), NOTICE)


@pytest.mark.parametrize(
    "body",
    [
        f"<!-- {NOTICE} -->",
        f"<!-- <p>{NOTICE}</p> -->",
        f"<script>{NOTICE}</script>",
        f"<Style>{NOTICE}</STYLE>",
        f"<head><title>{NOTICE}</title></head>",
        f"<template>{NOTICE}</template>",
        f'<img alt="{NOTICE}">',
        f"<script>{NOTICE}",
        f"<!-- {NOTICE}",
        f"<p {NOTICE}",
        f'<p style="color:red; DISPLAY : none">{NOTICE}</p>',
        f"<p style=visibility:hidden>{NOTICE}</p>",
        f'<p style="display&#58;none">{NOTICE}</p>',
        f"<div hidden><div>x</div>{NOTICE}</div>",
        f'<div class="a"hidden="until-found"><!-- </div> -->{NOTICE}</div>',
        f'<span aria-hidden="true">{NOTICE}</span>',
        f"<section hidden>{NOTICE}",
        "",
        None,
    ],
)
def test_what_no_reader_sees_does_not_count(body: str | None) -> None:
    assert not shows(shown(body, "html"), NOTICE)


def test_tags_in_plain_text_are_text() -> None:
    assert shown("<b>x</b>", "text").text == "<b>x</b>"


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ("信息来源:新华社记者站", "text"),
        ("信息来源:新华社2", "text"),
        ("信息来源:新华社Asia", None),
        ("<p>信息来源:<b>新华社</b>记者站</p>", "html"),
        ("<p>信息来源:新华社<!-- -->记者站</p>", "html"),
        ("<p>信息来源:新华社<span hidden><b>,</b></span>记者站</p>", "html"),
    ],
)
def test_the_start_of_a_longer_name_is_not_the_notice(body: str, form: str | None) -> None:
    assert not shows(shown(body, form), "信息来源:新华社")
    assert shows(shown(body + ("<p>" if form == "html" else "\n") + "信息来源:新华社", form), "信息来源:新华社")


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ("信息来源:新华社\n客流回升", "text"),
        ("信息来源:新华社。客流回升", "text"),
        ("(信息来源:新华社)客流回升", "markdown"),
        ("<p>信息来源:新华社</p><p>客流回升</p>", "html"),
        ("信息来源:新华社<br>客流回升", "html"),
        ("信息来源:新华社&nbsp;客流回升", "html"),
    ],
)
def test_what_follows_apart_does_not_continue_the_notice(body: str, form: str | None) -> None:
    assert shows(shown(body, form), "信息来源:新华社")


@pytest.mark.parametrize(
    "piece", ["<", "<!--", "<script>", "<script", "&", "<a ", "-->", "</script", "<p hidden>", "<p style="]
)
def test_hostile_html_is_read_in_linear_time(piece: str) -> None:
    body = piece * (200_000 // len(piece))
    start = time.process_time()
    shown(body, "html")
    assert time.process_time() - start < 10


@given(
    st.text(alphabet="<>!-/sScCrRiIpPtT&;#x \u0130\u1e9e信", max_size=60),
    st.sampled_from(["html", "text", "markdown", None]),
)
def test_no_body_makes_it_raise(body: str, form: str | None) -> None:
    shown(body, form)
