"""A post's notices as an HTML page to paste from: no script runs in it, and it says the same without its style."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provenance.pages.content import Note, Section, Sheet

# Colours are the reader's own, light or dark.
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font-family: system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; line-height: 1.6;
  max-width: 44rem; margin: 2rem auto; padding: 0 1rem; background: Canvas; color: CanvasText; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } h1, h2 { line-height: 1.3; }
aside { border: 1px solid; border-inline-start-width: .4rem; border-radius: .3rem; padding: .5rem 1rem;
  margin: .75rem 0; }
aside p, aside ul { margin: .25rem 0; } aside > p:first-child { font-weight: bold; }
h1, h2, p, li { overflow-wrap: anywhere; }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
# What could end a script, or start another, in JSON; in its strings these spellings mean the same.
_IN_SCRIPT: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def html_page(sheet: Sheet) -> str:
    """Return the page, each notice as ``<aside role="note">``."""
    title = html.escape(sheet.say("page-title", post=sheet.post))
    lines = [
        "<!doctype html>",
        f'<html lang="{sheet.locale}">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        f"<style>{_STYLE}</style>",
        *(_json_ld(each) for each in sheet.json_ld),
        "</head>",
        "<body>",
        f"<h1>{title}</h1>",
    ]
    for section in sheet.sections():
        lines += _section(sheet, section)
    return "\n".join([*lines, "</body>", "</html>"]) + "\n"


def _section(sheet: Sheet, section: Section) -> Iterator[str]:
    identity = html.escape(section.name if section.asset is None else f"{section.name}-{section.asset}")
    yield f'<section aria-labelledby="{identity}">'
    yield f'<h2 id="{identity}">{html.escape(section.heading)}</h2>'
    if section.name == "account":
        yield from _account(sheet, section)
    else:
        yield from (line for note in section.notes for line in _note(sheet, note))
        if not section.notes:
            yield _paragraph(sheet.say("page-nothing"))
    yield "</section>"


def _note(sheet: Sheet, note: Note) -> Iterator[str]:
    yield (
        f'<aside role="note" lang="{sheet.locale}" data-kind="{html.escape(note.kind)}" '
        f'data-surface="{note.surface}" data-pointer="{html.escape(note.pointer)}">'
    )
    yield _paragraph(note.text)
    if note.detail:
        yield _paragraph(note.detail)
    for link in note.links:
        address, text = html.escape(link.url), html.escape(link.text)
        yield f'<p><a href="{address}" rel="nofollow noopener noreferrer">{text}</a></p>'
    yield "</aside>"


def _account(sheet: Sheet, section: Section) -> Iterator[str]:
    yield f'<aside role="note" lang="{sheet.locale}" data-surface="account">'
    yield _paragraph(sheet.account.name)
    yield from (_paragraph(note.text) for note in section.notes)
    if domains := sheet.domains():
        yield _paragraph(domains)
    if credentials := sheet.credentials():
        yield _paragraph(sheet.say("page-qualifications"))
        yield "<ul>"
        yield from (f'<li dir="auto">{html.escape(each)}</li>' for each in credentials)
        yield "</ul>"
    yield "</aside>"


def _paragraph(text: str) -> str:
    return f'<p dir="auto">{html.escape(text)}</p>'


def _json_ld(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, indent=1).translate(_IN_SCRIPT)
    return f'<script type="application/ld+json">\n{text}\n</script>'
