"""The pages of notices as Chromium shows them, and what it shows of other pages compared with what is read of them."""

import json
import random
from html import escape

import pytest

from provenance.catalog import Catalog
from provenance.export import claim_reviews
from provenance.model.post import Post
from provenance.pages import html_page, sheet_of
from provenance.text.markup import seen_in_html

HOSTILE = "</script><script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
LONG = "长" * 150 + "W" * 140
CONTRAST = """(() => {
  const parse = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = color => parse(color).map(channel).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = light(getComputedStyle(document.body).backgroundColor);
  return Math.min(...[...document.querySelectorAll("aside p, aside a, h1, h2, li")].map(each => {
    const ink = light(getComputedStyle(each).color);
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
  }));
})()"""
READ = """Promise.all(CASES.map(page => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.srcdoc = "<!doctype html>" + page;
  frame.width = 900;
  frame.onload = () => done(frame.contentDocument.body ? frame.contentDocument.body.innerText : "");
  document.body.append(frame);
})))"""
TOLD = [
    *("a < 5 b", "a<!-->b<!-- c -->d", "a<!--->b-->c", "x<!--!>y-->z", "<p>a<p hidden>b<p>c", "a<br>b<wbr>c"),
    *("<ul><li hidden>a<li>b</ul>", "<table><tr><td hidden>a<td>b</table>", "<dl><dt hidden>a<dd>b</dl>"),
    *("<p><b hidden>x</p>y</b>z", "<p><b hidden><p>x</p>y</b>z", "<a hidden>a<a>b", "<p hidden>x<div>c</div>"),
    *("<dialog>a</dialog><dialog open>b</dialog>", "<video>a</video>b", "<template>a<p>b</template>c", "</p>a"),
    *(
        "<noscript>a</noscript>b",
        "<title>a</title>b",
        "&lt;b&gt;&#20449;&nbsp;x",
        "<p style='visibility:hidden'>a</p>b",
    ),
    *(
        "<p style='DISPLAY:/**/none'>a</p>b",
        "<head>a</head>b",
        "<svg><text>a</text></svg>b",
        "<p hidden=until-found>a</p>b",
    ),
]


def post_with(text):
    label = {"by": text, "at": "2026-05-02"}
    return Post.from_dict(
        {
            "schema": "provenance/post/1",
            "id": "p-1",
            "kind": "video",
            "title": text,
            "account": {
                "id": "a-1",
                "name": text,
                "mcn": {"name": text},
                "domains": ["finance"],
                "qualifications": [{"name": text, "domain": "finance", "status": "verified", "expires": "2027-01-31"}],
            },
            "labels": [
                {"kind": "source", "publisher": text, "title": text, "url": "https://example.com/s?a=1&copy=2"},
                {"kind": "rumor", "claim": text, "debunk_url": "https://example.com/" + "d" * 400, **label},
                {"kind": "disputed", "reason": text, **label},
            ],
            "assets": [{"id": "1", "path": "a.mp4", "labels": [{"kind": "capture", "place": {"name": text}}]}],
        }
    )


@pytest.fixture
def written(tmp_path):
    """Return a function that writes the page of a post with a text everywhere, and returns its address and notices."""

    def write(text):
        post, catalog = post_with(text), Catalog.packaged()
        notices = catalog.notices_of(post, ["video"])
        path = tmp_path / "notices.html"
        sheet = sheet_of(post, notices, catalog=catalog, json_ld=claim_reviews(post, catalog=catalog))
        path.write_text(html_page(sheet), encoding="utf-8")
        return path.as_uri(), [each.text for each in notices if each.surface != "media"]

    return write


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("text", [HOSTILE, LONG, "成都观察员"], ids=["hostile", "long", "plain"])
def test_every_notice_can_be_read_in_light_and_dark_and_on_a_telephone(browser, written, text, scheme):
    address, notices = written(text)
    with browser.page(address, width=320, color_scheme=scheme) as page:
        shown = page.evaluate("document.body.innerText")
        assert all(each in shown for each in notices)
        assert page.evaluate(CONTRAST) >= 4.5
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate("document.title").startswith("须展示的提示")
        assert page.evaluate("document.images.length") == 0
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark is (scheme == "dark")


def test_the_page_says_the_same_without_its_style_and_its_data_are_data(browser, written):
    address, notices = written(HOSTILE)
    with browser.page(address) as page:
        page.evaluate("document.querySelector('style').remove()")
        assert all(each in page.evaluate("document.body.innerText") for each in notices)
        scripts = page.evaluate("[...document.scripts].map(each => [each.type, each.textContent])")
        assert {kind for kind, _ in scripts} == {"application/ld+json"}
        assert [json.loads(text)["@type"] for _, text in scripts] == ["ClaimReview", "ClaimReview"]
        roles = page.evaluate("[...document.querySelectorAll('aside')].map(each => each.computedRole || each.role)")
        assert set(roles) == {"note"}


def nested(rng, depth=0):
    """Return a piece of a page whose elements are closed in order, or by what follows where HTML allows it."""
    pieces = []
    for _ in range(rng.randint(1, 3)):
        kind = rng.choice(["text", "text", "inline", "block", "list"])
        hides = rng.choice(["", "", "", " hidden", " style='display:none'"])
        if kind == "text" or depth > 3:
            pieces.append(rng.choice(["甲", "乙", "a &amp; b", "<br>", "<!-- x -->", "&lt;p&gt;"]))
        elif kind == "inline":
            name = rng.choice(["b", "i", "span", "a", "code"])
            pieces.append(f"<{name}{hides}>{escape(rng.choice('xyz'))}</{name}>")
        elif kind == "block":
            name = rng.choice(["div", "section", "aside", "blockquote"])
            pieces.append(f"<{name}{hides}>{nested(rng, depth + 1)}</{name}>")
        else:
            items = "".join(f"<li{rng.choice(['', ' hidden'])}>{rng.choice('pq')}" for _ in range(3))
            pieces.append(f"<p{hides}>{rng.choice('rs')}<ul>{items}</ul>")
    return "".join(pieces)


def test_what_is_read_of_a_page_is_what_chromium_shows(browser):
    rng = random.Random(6)
    cases = [*TOLD, *(nested(rng) for _ in range(150))]
    with browser.page("about:blank") as page:
        shown = page.evaluate(READ.replace("CASES", json.dumps(cases)))
    for case, text in zip(cases, shown, strict=True):
        assert "".join(seen_in_html(case).split()) == "".join(text.split()), case
