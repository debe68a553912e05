"""The head of an HTML page, taken apart by byte as a browser does (WHATWG HTML, 13.2.5 and 13.2.6.4).

Only what a browser puts into the head counts: nothing inside comments, templates, scripts or titles, and nothing behind
the first thing that starts the body. The bytes that matter are ASCII, and no encoding that a browser knows but UTF-16
and ISO-2022-JP uses them for parts of other characters, so that no encoding has to be known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MediaTooLarge, UnsupportedFormat
from provenance.formats.base import METADATA_LIMIT

BOM: Final = b"\xef\xbb\xbf"
SPACE: Final = b" \t\n\r\f"

_USUAL_SIZE: Final = 1 << 18  # of a head, in bytes
_MOST_PARTS: Final = 20_000  # tags and comments of a head
_MOST_ATTRIBUTES: Final = 1_000  # of a tag
_VOID: Final = frozenset({"base", "basefont", "bgsound", "link"})
_RAW: Final = frozenset({"title", "style", "script", "noscript", "noframes"})
_RAW_IN_TEMPLATE: Final = _RAW | {"textarea", "xmp", "iframe", "noembed"}
_ENDS_HEAD: Final = frozenset({"body", "html", "br"})
_OTHER_BYTES = re.compile(r"iso-?2022|hz-gb|utf-?7\b")

_COMMENT = re.compile(rb"<!--(?:-?>|.*?--!?>)", re.DOTALL)
_BOGUS = re.compile(rb"<(?:[!?]|/(?![A-Za-z]))[^>]*+>")
_NAME = re.compile(rb"<(/?)([A-Za-z][^ \t\n\r\f/>]*+)")
_ATTRIBUTE = re.compile(
    rb"""[ \t\n\r\f/]*+(?:(?P<close>>)|(?P<name>=?[^ \t\n\r\f/>=]*+)"""
    rb"""(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+"""
    rb"""(?:(?P<value>"[^"]*+"|'[^']*+'|[^ \t\n\r\f>"'][^ \t\n\r\f>]*+)|(?=>)|(?P<cut>)))?)"""
)
_SCRIPT_PART = re.compile(rb"<!--|-->|<(/?)script(?=[ \t\n\r\f/>])", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*+=\s*+[\"']?([^\s\"';]++)")


class Attribute(NamedTuple):
    """An attribute's value without quotes, and the bytes it takes with them; -1 where there is none."""

    value: bytes
    start: int
    end: int


class Tag(NamedTuple):
    """A start or an end tag; of attributes with one name the first counts."""

    name: str
    start: int
    end: int
    closes: bool
    is_empty: bool
    attributes: dict[str, Attribute]

    def keyword(self, name: str) -> str:
        """Return an attribute as ASCII, in lower case; empty where there is none."""
        found = self.attributes.get(name)
        return found.value.decode("ascii", "replace").strip().lower() if found else ""


class Script(NamedTuple):
    """A script with its tag; its text lies between the offsets `text` and `text_end`."""

    tag: Tag
    text: int
    text_end: int
    end: int


@dataclass(slots=True)
class Head:
    """What a page's head holds.

    Attributes:
        data: The file's first bytes, the whole head among them.
        metas: Its ``meta`` elements.
        scripts: Its ``script`` elements.
        free: Where something new goes: before its end tag, or before what starts the body.
        is_xml: Whether the page is XHTML by its first line.
        encoding: The encoding that it declares, in lower case.
    """

    data: bytes
    metas: list[Tag] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    free: int = 0
    is_xml: bool = False
    encoding: str = ""


def parse(file: BinaryIO) -> Head:
    """Return the head of a page.

    Raises:
        MalformedMedia: ``html-unfinished``, ``html-starts-with-text``, or ``html-doctype``.
        UnsupportedFormat: ``html-encoding``: its encoding hides tags from whoever looks for bytes.
        MediaTooLarge: Its head exceeds `METADATA_LIMIT`, or ``html-too-complex``.
        OSError: Reading failed.
    """
    file.seek(0)
    data = file.read(_USUAL_SIZE)
    more = len(data) == _USUAL_SIZE
    while True:
        try:
            head = _Parser(data).run()
        except MalformedMedia as error:
            if not more or error.code != "html-unfinished":
                raise
        else:
            if head.free < len(data) or not more:
                return _checked(head)
        if len(data) > METADATA_LIMIT:
            raise MediaTooLarge("metadata-too-large", size=len(data), limit=METADATA_LIMIT, offset=0)
        data += file.read(METADATA_LIMIT + 1 - len(data))
        more = len(data) > METADATA_LIMIT


def _checked(head: Head) -> Head:
    head.encoding = next(filter(None, map(_declared, head.metas)), "")
    if _OTHER_BYTES.match(head.encoding):
        raise UnsupportedFormat("html-encoding", encoding=head.encoding)
    return head


def _declared(meta: Tag) -> str:
    if "charset" in meta.attributes:
        return meta.keyword("charset")
    found = _CHARSET.search(meta.keyword("content")) if meta.keyword("http-equiv") == "content-type" else None
    return found[1] if found else ""


class _Parser:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = len(BOM) if data.startswith(BOM) else 0
        self.head = Head(data, is_xml=data.startswith(b"<?xml", self.at))
        self.templates = self.parts = 0
        self.in_head = True
        self.begun = False

    def run(self) -> Head:
        while self.at < len(self.data):
            start = self.at
            at = self.data.find(b"<", start)
            at = len(self.data) if at < 0 else at
            if not self.templates and (text := self.data[start:at].lstrip(SPACE)):
                return self.body(at - len(text))
            self.at = at
            if at < len(self.data) and not self.markup(start):
                return self.head
        if self.templates:
            raise MalformedMedia("html-unfinished", offset=self.at)
        return self.body(self.at)

    def body(self, at: int) -> Head:
        """Note where the body starts, which ends a head that nothing has ended before."""
        if not self.begun:
            raise MalformedMedia("html-starts-with-text", offset=at)
        if self.in_head:
            self.head.free = at
        return self.head

    def markup(self, text: int) -> bool:
        """Take what starts with ``<``; `text` is where the spaces before it start. Return whether the head goes on."""
        data, at = self.data, self.at
        self.parts += 1
        if self.parts > _MOST_PARTS:
            raise MediaTooLarge("html-too-complex", offset=at)
        if name := _NAME.match(data, at):
            return self.tag(_tag(data, name), text)
        if data.startswith(b"<!--", at):
            found = _COMMENT.match(data, at)
        elif data.startswith((b"<!", b"<?", b"</"), at):
            found = _BOGUS.match(data, at)
            if found and found[0][:9].lower() == b"<!doctype" and b"[" in found[0]:
                raise MalformedMedia("html-doctype", offset=at)
        elif at + 1 == len(data):
            raise MalformedMedia("html-unfinished", offset=at)
        elif self.templates:
            self.at = at + 1
            return True
        else:
            self.body(at)
            return False
        if found is None:
            raise MalformedMedia("html-unfinished", offset=at)
        self.at = found.end()
        return True

    def tag(self, tag: Tag, text: int) -> bool:
        self.begun = True
        self.at = tag.end
        if tag.name == "template":
            self.templates = max(self.templates - 1, 0) if tag.closes else self.templates + 1
        elif self.templates:
            if tag.name in _RAW_IN_TEMPLATE and not tag.closes:
                self.raw(tag)
        elif tag.closes:
            return self.end_tag(tag, text)
        elif tag.name == "meta":
            self.head.metas.append(tag)
        elif tag.name in _RAW:
            self.raw(tag)
        elif tag.name not in _VOID | {"html", "head"}:
            self.body(tag.start)
            return False
        return True

    def end_tag(self, tag: Tag, text: int) -> bool:
        if tag.name == "head" and self.in_head:
            self.in_head = False
            self.head.free = _line_start(self.data, tag.start, text)
        elif tag.name in _ENDS_HEAD:
            self.body(tag.start)
            return False
        return True

    def raw(self, tag: Tag) -> None:
        """Pass over an element whose text holds no tags, and note it if it is a script."""
        if self.head.is_xml:
            text_end = tag.end if tag.is_empty else _xml_end(self.data, tag)
        else:
            text_end = _script_end(self.data, tag) if tag.name == "script" else _raw_end(self.data, tag)
        if not (self.head.is_xml and tag.is_empty):
            name = _NAME.match(self.data, text_end)
            self.at = _tag(self.data, name).end if name else text_end
        if tag.name == "script" and not self.templates:
            self.head.scripts.append(Script(tag, tag.end, text_end, self.at))


def _tag(data: bytes, name: re.Match[bytes]) -> Tag:
    attributes: dict[str, Attribute] = {}
    at = name.end()
    for _ in range(_MOST_ATTRIBUTES):
        found = _ATTRIBUTE.match(data, at)
        if found is None or found["cut"] is not None or found.end() == at:
            raise MalformedMedia("html-unfinished", offset=name.start())
        if found["close"]:
            is_empty = data.endswith(b"/", at, found.end() - 1)
            return Tag(_lower(name[2]), name.start(), found.end(), bool(name[1]), is_empty, attributes)
        value = found["value"] or b""
        text = value[1:-1] if value[:1] in {b'"', b"'"} else value
        attributes.setdefault(_lower(found["name"]), Attribute(text, *found.span("value")))
        at = found.end()
    raise MediaTooLarge("html-too-complex", offset=name.start())


def _raw_end(data: bytes, tag: Tag) -> int:
    found = re.compile(rb"</%s(?=[ \t\n\r\f/>])" % tag.name.encode(), re.IGNORECASE).search(data, tag.end)
    if found is None:
        raise MalformedMedia("html-unfinished", offset=tag.start)
    return found.start()


def _xml_end(data: bytes, tag: Tag) -> int:
    end = rb"(</%s(?=[ \t\n\r>]))" % tag.name.encode()
    part = re.compile(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|" + end, re.DOTALL | re.IGNORECASE)
    for found in part.finditer(data, tag.end):
        if found[1]:
            return found.start()
    raise MalformedMedia("html-unfinished", offset=tag.start)


def _script_end(data: bytes, tag: Tag) -> int:
    """Return where a script ends: not in a script that a comment in it mentions (13.2.5.15 to 13.2.5.31)."""
    commented = nested = False
    at = tag.end
    while found := _SCRIPT_PART.search(data, at):
        at = found.end()
        if found[0] == b"<!--":
            commented = True
            at -= 2  # these hyphens can be those of the end, too
        elif found[0] == b"-->":
            commented = nested = False
        elif not found[1]:
            nested = commented
        elif not nested:
            return found.start()
        else:
            nested = False
    raise MalformedMedia("html-unfinished", offset=tag.start)


def _lower(name: bytes) -> str:
    return name.decode("ascii", "replace").lower()


def _line_start(data: bytes, at: int, floor: int) -> int:
    """Return where the line of an offset starts, if that is behind `floor` and only spaces stand between."""
    start = at - len(data[floor:at]) + len(data[floor:at].rstrip(b" \t"))
    return start if start > floor and data[start - 1 : start] in {b"\n", b"\r"} else at
