"""A small XML document and the bytes that the children of its root take; nothing is ever emitted anew.

A DOCTYPE is refused before anything in it is read, so no entity is ever expanded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.formats.splice import Edit

_MOST_DEPTH: Final = 32
_MOST_ELEMENTS: Final = 200_000
_SEPARATOR: Final = "\n"  # cannot stand in a namespace name that expat accepts
_TAG = re.compile(rb"""<([^\s/>]+)(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Child:
    """A child of the root: its name, its attributes without a prefix, the bytes it takes, and what is in it.

    `inner` are the names of the elements in it.
    """

    namespace: str
    name: str
    attributes: Mapping[str, str]
    start: int
    end: int
    texts: list[str] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(self.texts)


@dataclass(slots=True)
class Document:
    """A document: its root's name as written and namespace, its children, and where a new one goes."""

    data: bytes
    root: str = ""
    namespace: str = ""
    children: list[Child] = field(default_factory=list)
    free: int = 0
    is_empty_tag: bool = False

    @property
    def prefix(self) -> str:
        """The namespace prefix of the root with its colon; empty where it has none."""
        before, colon, _ = self.root.rpartition(":")
        return before + colon

    def insertion(self, new: bytes) -> Edit:
        """Return the edit that puts elements behind the last child."""
        if self.is_empty_tag:
            return Edit(self.free - 2, self.free, b">" + new + f"</{self.root}>".encode())
        return Edit(self.free, self.free, new)


def scan(data: bytes, where: str) -> Document:
    """Take a document apart; `where` names it in errors.

    Raises:
        MalformedMedia: ``part-damaged``: it is not well-formed, not in UTF-8, nested too deeply, or has a DOCTYPE.
        MediaTooLarge: ``part-too-complex``.
    """
    scanner = _Scanner(data, where)
    try:
        scanner.parser.Parse(data, True)  # noqa: FBT003 -- expat takes it by position only
    except (expat.ExpatError, UnicodeDecodeError) as error:
        raise MalformedMedia("part-damaged", part=where, offset=scanner.parser.ErrorByteIndex) from error
    return scanner.result


def spliced(data: bytes, edits: list[Edit]) -> bytes:
    """Return `data` with edits applied; none may overlap."""
    pieces = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces += [data[at : edit.start], edit.new]
        at = edit.end
    return b"".join([*pieces, data[at:]])


def escaped(text: str) -> str:
    """Return a text as character data; what XML cannot hold is spelt as in JSON."""
    spelt = _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    for sign, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        spelt = spelt.replace(sign, reference)
    return spelt


class _Scanner:
    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where = data, where
        self.result = Document(data)
        self.depth = self.count = 0
        self.parser = expat.ParserCreate("UTF-8", _SEPARATOR)
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self.declaration
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding or "utf-8").lower() != "utf-8":
            raise MalformedMedia("part-damaged", part=self.where, offset=self.parser.CurrentByteIndex)

    def doctype(self, *_: object) -> None:
        raise MalformedMedia("part-damaged", part=self.where, offset=self.parser.CurrentByteIndex)

    def start(self, raw_name: str, raw_attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        self.depth += 1
        self.count += 1
        if self.depth > _MOST_DEPTH or self.count > _MOST_ELEMENTS:
            raise MediaTooLarge("part-too-complex", part=self.where, offset=at)
        namespace, _, name = raw_name.rpartition(_SEPARATOR)
        if self.depth == 1:
            tag = self.tag(at)
            self.result.root, self.result.namespace = tag[1].decode(), namespace
            self.result.is_empty_tag, self.result.free = tag[0].endswith(b"/>"), tag.end()
        elif self.depth == 2:  # noqa: PLR2004 -- children of the root
            attributes = {key: value for key, value in raw_attributes.items() if _SEPARATOR not in key}
            tag = self.tag(at)
            end = tag.end() if tag[0].endswith(b"/>") else 0
            self.result.children.append(Child(namespace, name, attributes, at, end))
        else:
            self.result.children[-1].inner.append(name)

    def text(self, data: str) -> None:
        if self.depth > 1:
            self.result.children[-1].texts.append(data)

    def end(self, _: str) -> None:
        at = self.parser.CurrentByteIndex
        if self.depth == 2:  # noqa: PLR2004 -- children of the root
            child = self.result.children[-1]
            child.end = child.end or self.data.index(b">", at) + 1
        elif self.depth == 1 and not self.result.is_empty_tag:
            self.result.free = at
        self.depth -= 1

    def tag(self, at: int) -> re.Match[bytes]:
        found = _TAG.match(self.data, at)
        if found is None:  # expat, told that it is UTF-8, read something else
            raise MalformedMedia("part-damaged", part=self.where, offset=at)
        return found
