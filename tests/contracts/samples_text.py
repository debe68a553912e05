"""Texts: Markdown and what has no place for a label."""

import io

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


SAMPLES = {
    "markdown": markdown_samples,
    "text": lambda: [("full", "正文,一行。\n".encode()), ("windows", b"\xef\xbb\xbfa\r\nb\r\n")],
}
DECODED = {"markdown": body, "text": lambda content: content}
OPEN_ENDED = {"markdown", "text"}
