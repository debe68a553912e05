"""The pages of a post's notices: everything that has to be shown is on them, and nothing of it is anything but text."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from provenance.catalog import Catalog
from provenance.export import claim_reviews
from provenance.model.post import Post
from provenance.pages import html_page, markdown_page, sheet_of
from provenance.text.visible import shown, shows

CATALOG = Catalog.packaged()
HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "--> <!-- <style>*{display:none}</style>",
    "[x](javascript:alert(1)) ![x](//evil.example/x.png)",
    "# 标题 - 列表 > 引文 1. 数 `码` **粗** __粗__ ~~删~~ | 表 |",
    "\\ &lt;b&gt; &#60; &copy; \u2028 \u200b",
    "مرحبا بالعالم",
    "长" * 299,
)
RUMOR = {"kind": "rumor", "by": "审核员", "at": "2026-05-02", "debunk_url": "https://example.com/d?a=1&copy=2"}


def post_of(text: str = "甲", **changes: Any) -> Post:
    data = {
        "schema": "provenance/post/1",
        "id": "p-1",
        "kind": "image-text",
        "title": "标题",
        "account": {
            "id": "a-1",
            "name": text,
            "mcn": {"name": text},
            "domains": ["finance", "health"],
            "qualifications": [
                {"name": text, "domain": "finance", "status": "verified", "expires": "2027-01-31"},
                {"name": "未核验的资质", "domain": "health", "status": "unverified"},
            ],
        },
        "labels": [
            {
                "kind": "source",
                "publisher": text,
                "title": text,
                "url": "https://example.com/s",
                "copyright_owner": text,
            },
            {**RUMOR, "claim": text, "authority": text},
            {"kind": "disputed", "by": text, "at": "2026-05-02", "reason": text, "url": "https://example.com/r"},
            {"kind": "minors-risk", "class": "imitation"},
            {"kind": "ai-generated", "grade": "confirmed"},
        ],
        "assets": [
            {
                "id": "1",
                "path": "a.jpg",
                "labels": [{"kind": "capture", "time": "2026-05-01", "place": {"name": text}}],
            },
            {"id": "2", "path": "b.png", "labels": [{"kind": "ai-generated", "grade": "confirmed"}]},
        ],
        **changes,
    }
    return Post.from_dict(data)


def sheet_for(post: Post) -> Any:
    media = ["image"] * len(post.assets)
    return sheet_of(
        post, CATALOG.notices_of(post, media), catalog=CATALOG, json_ld=claim_reviews(post, catalog=CATALOG)
    )


class Elements(HTMLParser):
    """Every start tag with its attributes, and what the scripts hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "script" and data.strip():
            self.scripts.append(data)


@pytest.mark.parametrize("text", HOSTILE)
def test_every_notice_is_on_both_pages_and_nothing_in_it_is_markup(text: str) -> None:
    post = post_of(text)
    page, markdown = html_page(sheet_for(post)), markdown_page(sheet_for(post))
    wanted = [each for each in CATALOG.notices_of(post) if each.surface != "media"]
    assert {each.surface for each in wanted} == {"post", "player", "account"}
    for notice in wanted:
        assert shows(shown(page, "html"), notice.text), notice
        assert shows(shown(markdown, "markdown"), notice.text), notice
    for name, rendered in (("html", page), ("markdown", MarkdownIt("commonmark").render(markdown))):
        found = Elements(rendered)
        assert {tag for tag, _ in found.tags} <= ALLOWED[name], name
        links = [attributes["href"] for tag, attributes in found.tags if tag == "a"]
        assert sorted(set(links)) == [
            "https://example.com/d?a=1&copy=2",
            "https://example.com/r",
            "https://example.com/s",
        ]
        handlers = {key for _, attributes in found.tags for key in attributes if key.startswith(("on", "src"))}
        assert not handlers


ALLOWED = {
    "html": {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "script",
            "body",
            "h1",
            "h2",
            "section",
            "aside",
            "p",
            "a",
            "ul",
            "li",
        ),
    },
    "markdown": {"h1", "h2", "blockquote", "p", "a", "ul", "li"},
}


@pytest.mark.parametrize("text", HOSTILE)
def test_json_ld_is_data_that_ends_no_script(text: str) -> None:
    post = post_of(text)
    found = Elements(html_page(sheet_for(post)))
    kinds = [attributes.get("type") for tag, attributes in found.tags if tag == "script"]
    assert kinds == ["application/ld+json"] * 2
    assert tuple(json.loads(each) for each in found.scripts) == claim_reviews(post, catalog=CATALOG)


def test_the_page_says_what_its_notes_are_without_style_or_script() -> None:
    page = html_page(sheet_for(post_of()))
    found = Elements(page)
    notes = [attributes for tag, attributes in found.tags if tag == "aside"]
    assert all((each["role"], each["lang"]) == ("note", "zh-CN") for each in notes)
    assert ("html", {"lang": "zh-CN"}) in found.tags
    policy = next(each["content"] for tag, each in found.tags if tag == "meta" and "http-equiv" in each)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    labelled = [attributes["aria-labelledby"] for tag, attributes in found.tags if tag == "section"]
    assert labelled == [attributes["id"] for tag, attributes in found.tags if tag == "h2"]
    assert labelled == ["post", "asset-1", "player", "account"]


def test_the_prompt_for_minors_stands_before_everything_else() -> None:
    sections = {each.name: [note.kind for note in each.notes] for each in sheet_for(post_of()).sections()}
    assert sections["post"] == ["minors-risk", "source", "rumor", "disputed", "ai-generated"]
    assert sections["player"] == ["minors-risk", "rumor", "disputed"]
    assert sections["asset"] == ["capture"]
    assert sections["account"] == ["mcn"]


def test_the_account_shows_its_domains_and_only_what_was_verified() -> None:
    page = html_page(sheet_for(post_of("证券投资咨询执业资格")))
    assert "所属领域:金融、医疗卫生" in page
    assert "证券投资咨询执业资格(金融,有效期至 2027-01-31)" in page
    assert "未核验的资质" not in page
    assert "未核验的资质" not in markdown_page(sheet_for(post_of()))


def test_apps_get_the_same_as_data() -> None:
    sheet = sheet_for(post_of())
    data = sheet.as_json()
    assert (data["schema"], data["post"], data["language"], data["edition"]) == (
        "provenance/notices/1",
        "p-1",
        "zh-CN",
        CATALOG.edition,
    )
    assert json.loads(json.dumps(data)) == data
    by = {(each["surface"], each["kind"]): each for each in data["notices"]}
    assert by["post", "source"] == {
        "surface": "post",
        "kind": "source",
        "pointer": "/labels/0",
        "asset": None,
        "text": "信息来源:甲",
        "detail": "《甲》 著作权人:甲",
        "links": [{"url": "https://example.com/s", "text": "查看来源"}],
    }
    assert by["player", "rumor"]["overlay"] == {
        "anchor": "top-left",
        "seconds": {"start": 0, "end": None},
        "min_height_ratio": 0.05,
    }
    assert by["player", "rumor"]["detail"] == "认定者:审核员,依据 甲,2026-05-02"
    assert (by["post", "capture"]["asset"], by["post", "capture"]["detail"]) == ("1", None)
    assert data["account"]["domains"] == [{"id": "finance", "title": "金融"}, {"id": "health", "title": "医疗卫生"}]
    assert [each["status"] for each in data["account"]["qualifications"]] == ["verified", "unverified"]


def test_a_post_without_notices_has_pages_that_say_so() -> None:
    post = post_of(labels=[], assets=[], account={"id": "a", "name": "甲"})
    sheet = sheet_for(post)
    assert "此处没有须展示的提示" in html_page(sheet)
    assert "此处没有须展示的提示" in markdown_page(sheet)
    assert sheet.as_json()["notices"] == []
