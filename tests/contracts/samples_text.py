"""Texts: Markdown, HTML, and what has no place for a label."""

import io
from html.parser import HTMLParser

MARKDOWN = """---
# kept by hand
title: "客流回升: 五一"
tags: [a, "b]",
  c]   # flow over two lines
author: &who {name: 记者, mail: x@example.com}
editor: *who
summary: |
  AIGC: not a key here
AIGC:   # the label
  Label: 1
  ContentProducer: 'it''s'
aliases:
- one
- two
---

# 标题

正文,一行。
---
AIGC: not in the text either
"""


def markdown_samples():
    plain = "# 标题\n\n正文\n"
    yield "full", MARKDOWN.encode()
    yield "bare", plain.encode()
    yield "windows", b"\xef\xbb\xbf" + MARKDOWN.replace("\n", "\r\n").encode()
    yield "rule", f"---\n\n{plain}---\n".encode()
    yield "variant", b'---\naigc: \'{"Label":"1"}\'\nPVL_LABELS: {"version": 1}\n...\ntext'


def body(content):
    """Return what a reader of Markdown shows: all but the front matter."""
    lines = io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")).read().splitlines(keepends=True)
    if lines[0].strip() != b"---" or not lines[1].strip():
        return b"".join(lines)
    end = next(at for at, line in enumerate(lines[1:], 1) if line.strip() in {b"---", b"..."})
    return b"".join(lines[end + 1 :])


PAGE = """<!DOCTYPE html>
<!-- <head><meta name="AIGC" content="not here"> -->
<html lang="zh-CN">
  <head>
    <meta charset="%s">
    <title>标题 <meta name="AIGC" content="not here"></title>
    <meta name="Keywords" content="kept">
    <meta data-kept=1 NAME=aigc content='{"Label":"1"}'>
    <template><head><meta name="AIGC" content="not here"></template>
    <script type="application/ld+json">{"@type":"Article","author":"kept"}</script>
    <script><!-- document.write("<script></head></script>") --></script>
    <style>p:after { content: "</head>" }</style>
    <meta name="PVL_LABELS" content="one"><meta name="PVL_LABELS" content="two">
    <script type="application/ld+json" id="provenance-labels">{"author":{"@id":"#a","name":"x"},"kept":1}</script>
  </head>
  <body><meta name="AIGC" content="not here"><p>正文 <b>粗</b> <!-- </body> --> &amp;</p>
</body></html>
"""
XHTML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><script src="a.js"/><title/>
<style><![CDATA[ p:after { content: "</style>" } ]]></style></head><body><p>正文</p></body></html>
"""


def html_samples():
    yield "full", (PAGE % "utf-8").encode()
    yield "gbk", (PAGE % "gbk").replace("\n", "\r\n").encode("gbk")
    yield "bom", b"\xef\xbb\xbf<!DOCTYPE html><title>t</title>\n<p>text"
    yield "fragment", b"<html>\n<p>text</p>\n"
    yield "xhtml", XHTML.encode()


class Tokens(HTMLParser):
    """What is in a page but our own elements and the spaces between tags."""

    def __init__(self):
        super().__init__()
        self.found, self.ours = [], False

    def handle_starttag(self, tag, attributes):
        named = {key: (value or "").lower() for key, value in attributes}
        self.ours = named.get("name") in {"aigc", "pvl_labels"} or named.get("id") == "provenance-labels"
        self.found += [] if self.ours else [(tag, attributes)]
        self.ours &= tag == "script"

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_data(self, data):
        self.found += [data.strip()] if data.strip() and not self.ours else []

    def handle_endtag(self, tag):
        self.found += [] if self.ours and tag == "script" else ["/" + tag]
        self.ours = False


def tokens(content):
    parser = Tokens()
    parser.feed(content.decode("gb18030" if b'charset="gbk' in content else "utf-8"))
    parser.close()
    return parser.found


SAMPLES = {
    "html": html_samples,
    "markdown": markdown_samples,
    "text": lambda: [("full", "正文,一行。\n".encode()), ("windows", b"\xef\xbb\xbfa\r\nb\r\n")],
}
DECODED = {"html": tokens, "markdown": body, "text": lambda content: content}
OPEN_ENDED = {"html", "markdown", "text"}
