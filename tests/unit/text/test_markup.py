"""A page is taken apart as a browser's tokeniser does, each character once."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.text.markup import parts, seen_in_html

PIECES = st.lists(
    st.sampled_from(
        [
            *("<p>", "</p>", "<b hidden>", "</b>", "<div hidden>", "</div>", "<br/>", "<!-- x -->", "<!--", "-->"),
            *(
                "<script>",
                "</script>",
                "<textarea>",
                "</textarea>",
                "<a href='x",
                "'>",
                "<",
                "&amp;",
                "字",
                " ",
                "<li>",
            ),
        ]
    ),
    max_size=25,
)


def words(page: str) -> list[str]:
    return seen_in_html(page).split()


@given(PIECES)
def test_parts_lie_side_by_side_and_cover_the_page_up_to_what_is_unfinished(pieces: list[str]) -> None:
    page = "".join(pieces)
    found = list(parts(page))
    assert [each.start for each in found][1:] == [each.end for each in found][: len(found) - 1] or "<script" in page
    assert all(each.start < each.end <= len(page) for each in found)


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        ("3 < 5 <信", ["3", "<", "5", "<信"]),
        ("a<!-->b<!--->c<!-- x --!>d<!--!>e-->f", ["abcdf"]),
        ("a<!x>b<?y>c</ z>d", ["abcd"]),
        ("a&lt;b&gt;&#20449;", ["a<b>信"]),
        ("<p>a<p>b", ["a", "b"]),
        ("<i>a</i>b<wbr>c<br>d", ["abc", "d"]),
        ("<script>if (a < b) '</p>'</script>c", ["c"]),
        ("<ScRiPt>x</sCrIpT >c", ["c"]),
        ("<textarea><b>x</b></textarea>c", ["<b>x</b>", "c"]),
        ("<textarea></textarea>c", ["c"]),
        ("<video>old browsers</video>c", ["c"]),
        ("<dialog>x</dialog><dialog open>c</dialog>", ["c"]),
        ("<ul><li hidden>x<li>c</ul>", ["c"]),
        ("<table><tr><td hidden>x<td>c<tr><td>d</table>", ["c", "d"]),
        ("<dl><dt hidden>x<dd>c</dl>", ["c"]),
        ("<p hidden>x<div>c</div>", ["c"]),
        ("<div hidden>x</p>y</div>c", ["c"]),
        # Formatting goes on behind the paragraph that it began in, and hides there, too.
        ("<p><b hidden>x</p>y</b>c", ["c"]),
        ("<a hidden>x<a>c", ["c"]),
        ("<p><span hidden><i>x</i></span>c", ["c"]),
        ("<div hidden><div hidden>x</div>y</div>c", ["c"]),
        ("<p STYLE='Display/**/:/* x */NONE'>x</p>c", ["c"]),
        ("<p style='font-size:0px'>x</p><p style='opacity: 0;'>y</p>c", ["c"]),
        ("<p style='opacity:0.5'>c</p><p style='--display:none'>d</p>", ["c", "d"]),
        ("<p aria-hidden='&#116;rue'>x</p>c", ["c"]),
        ("<p title=hidden>c</p>", ["c"]),
        ("<p hidden=false>x</p>c", ["c"]),
        ("<input hidden>c<hr hidden>d", ["c", "d"]),
        ("</p>c</b></div>", ["c"]),
        ("c<a href='x", ["c"]),
        ("c<", ["c<"]),
        ("c<script>x", ["c"]),
        ("c<!-- x", ["c"]),
        ("<title>x</title><noscript>x</noscript><iframe>x</iframe><template>x</template>c", ["c"]),
        ("<p lang=\u212a hidden>x</p>c", ["c"]),
        ("<B\u0130>c", ["c"]),
        ("<p a=>c", ["c"]),
    ],
)
def test_what_a_reader_sees(page: str, seen: list[str]) -> None:
    assert words(page) == seen


def test_a_part_says_where_it_stands() -> None:
    found = {each.name + "/" * each.closes: each for each in parts("<div><p>a</p></div><p hidden>b</p>") if each.name}
    assert (found["p/"].inside, found["p/"].hidden) == ("", False)
    assert [each.inside for each in parts("<div><p>a")] == ["", "div", "p"]
    assert [each.hidden for each in parts("<p hidden>b</p>")] == [False, True, False]


@pytest.mark.parametrize(
    "piece",
    [
        "<a>",
        "</b>",
        "<div><b>",
        "<b></div>",
        "<p><b>",
        "<span hidden>",
        "<textarea>",
        "<p/ =",
        '<p a="',
        "<li>",
        "<a b",
    ],
)
def test_a_hostile_page_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    seen_in_html(piece * (300_000 // len(piece)))
    assert time.process_time() - start < 15
