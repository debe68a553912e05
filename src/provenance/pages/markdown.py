"""A post's notices as Markdown to paste from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provenance.pages.content import Note, Section, Sheet
from provenance.text.markdown import escaped


def markdown_page(sheet: Sheet) -> str:
    """Return the page, each notice as a quotation."""
    parts = [f"# {escaped(sheet.say('page-title', post=sheet.post))}"]
    for section in sheet.sections():
        parts += _section(sheet, section)
    return "\n\n".join(parts) + "\n"


def _section(sheet: Sheet, section: Section) -> Iterator[str]:
    yield f"## {escaped(section.heading)}"
    if section.name == "account":
        yield _quotation(list(_account(sheet, section)))
    elif section.notes:
        yield from (_quotation(_lines(note)) for note in section.notes)
    else:
        yield sheet.say("page-nothing")


def _lines(note: Note) -> list[str]:
    details = [escaped(note.detail)] if note.detail else []
    # An address holds no space, angle bracket or backslash; only a reference in it would mean something else.
    links = [f"[{escaped(link.text)}](<{link.url.replace('&', '&amp;')}>)" for link in note.links]
    return [escaped(note.text), *details, *links]


def _account(sheet: Sheet, section: Section) -> Iterator[str]:
    yield escaped(sheet.account.name)
    yield from (escaped(note.text) for note in section.notes)
    if domains := sheet.domains():
        yield escaped(domains)
    if credentials := sheet.credentials():
        yield escaped(sheet.say("page-qualifications"))
        yield "\n".join(f"- {escaped(each)}" for each in credentials)


def _quotation(paragraphs: Sequence[str]) -> str:
    return "\n>\n".join("\n".join(f"> {line}" for line in each.split("\n")) for each in paragraphs)
