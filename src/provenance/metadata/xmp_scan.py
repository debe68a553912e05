"""Find every top-level property of an XMP packet and the bytes it occupies (ISO 16684-1, clause 7 and Annex C).

The packet is parsed once by expat, which gives the byte offset of each tag; nothing is re-serialised. A DOCTYPE is
refused before anything in it is read, so no entity is ever expanded. Size, depth and number of nodes are limited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.metadata.xmp_values import RDF, XML, Alt, Bag, LangAlt, Name, Occurrence, Seq, Struct, XmpValue

MAX_BYTES: Final = 10 << 20
MAX_DEPTH: Final = 64
MAX_NODES: Final = 200_000  # elements and attributes; a 10 MB list of ancestor ids, the largest seen, stays below

PADDING: Final = b"\0 \t\r\n"

_SEPARATOR: Final = "\n"  # cannot stand in a namespace name that expat accepts
_TAG = re.compile(rb"""<[^\s/>]+(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_ATTRIBUTE = re.compile(rb"""\s++([^\s=]++)\s*=\s*("[^"]*+"|'[^']*+')""")
_AFTER_ROOT = re.compile(rb"(?:[\s\0]++|<\?(?>.*?\?>)|<!--(?>.*?-->))*+", re.DOTALL)
_UTF_8: Final = {None, "utf-8", "us-ascii", "ascii"}

_RDF: Final = Name(RDF, "RDF")
_ABOUT: Final = {Name(RDF, "about"), Name("", "about")}
_RESOURCE: Final = Name(RDF, "resource")
_PARSE_TYPE: Final = Name(RDF, "parseType")
_VALUE: Final = Name(RDF, "value")
_LANG: Final = Name(XML, "lang")
_NOT_PROPERTIES: Final = {"", RDF, XML}


@dataclass(slots=True)
class Description:
    """One node element of ``rdf:RDF``: its span, and what stands in it."""

    start: int
    inner: int
    self_closing: bool
    about: bytes = b""
    other_attributes: bool = False
    occurrences: list[Occurrence] = field(default_factory=list)
    inner_end: int = 0
    end: int = 0


@dataclass(slots=True)
class Scan:
    """A packet taken apart.

    Attributes:
        descriptions: The node elements of every ``rdf:RDF``, in order.
        rdf_name: The last ``rdf:RDF`` as written, prefix included; empty if there is none.
        rdf_end: Where its end tag starts, or one past its tag if it is self-closing.
        rdf_self_closing: It is ``<rdf:RDF …/>``.
        prefixes: Every namespace prefix the packet declares, and what for.
    """

    descriptions: list[Description] = field(default_factory=list)
    rdf_name: bytes = b""
    rdf_end: int = 0
    rdf_self_closing: bool = False
    prefixes: dict[str, set[str]] = field(default_factory=dict)

    def occurrences(self) -> list[Occurrence]:
        """Return every top-level property of the packet, in document order."""
        return [occurrence for description in self.descriptions for occurrence in description.occurrences]


def scan(packet: bytes) -> Scan:
    """Take a packet apart.

    Raises:
        MediaTooLarge: more than 10 MiB, or than 200,000 elements and attributes.
        MalformedMedia: not well-formed XML in UTF-8, a DOCTYPE, nested too deeply, or no ``rdf:RDF``.
    """
    if len(packet) > MAX_BYTES:
        raise MediaTooLarge("xmp-too-large", size=len(packet), limit=MAX_BYTES)
    scanner = _Scanner(packet)
    scanner.run()
    if not scanner.result.rdf_name:
        raise MalformedMedia("xmp-without-rdf", offset=0)
    return scanner.result


@dataclass(slots=True)
class _Node:
    name: Name
    attributes: dict[Name, str]
    text: list[str] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)


class _Scanner:
    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.base = len(packet) - len(packet.lstrip(PADDING))
        # expat would detect UTF-16 by itself, but its tags cannot be found by byte.
        if packet.startswith((b"\xff\xfe", b"\xfe\xff"), self.base) or packet.startswith(b"\0", self.base + 1):
            raise MalformedMedia("xmp-not-utf-8", offset=self.base, encoding="UTF-16")
        self.result = Scan()
        self.depth = 0
        self.count = 0
        self.rdf_depth = 0
        self.root_end = 0
        self.description: Description | None = None
        self.nodes: list[_Node] = []
        self.property_tag: re.Match[bytes] | None = None
        self.parser = expat.ParserCreate("UTF-8", _SEPARATOR)
        self.parser.ordered_attributes = True
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self.declaration
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.StartNamespaceDeclHandler = self.namespace
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text

    def run(self) -> None:
        try:
            self.parser.Parse(self.packet[self.base :], True)  # noqa: FBT003 - expat takes it by position only
        except expat.ExpatError as error:
            # Padding made of NULs behind the root is common and harmless; a second root is not.
            if not self.root_end or not _AFTER_ROOT.fullmatch(self.packet, self.root_end):
                offset = self.base + self.parser.ErrorByteIndex
                raise MalformedMedia("xmp-damaged", offset=offset, reason=expat.ErrorString(error.code)) from error

    def at(self) -> int:
        return self.base + self.parser.CurrentByteIndex

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding.lower() if encoding else None) not in _UTF_8:
            raise MalformedMedia("xmp-not-utf-8", offset=self.at(), encoding=str(encoding)[:40])

    def doctype(self, *_: object) -> None:
        raise MalformedMedia("xmp-doctype", offset=self.at())

    def namespace(self, prefix: str | None, uri: str | None) -> None:
        self.counted(1)
        self.result.prefixes.setdefault(prefix or "", set()).add(uri or "")

    def counted(self, more: int) -> None:
        self.count += more
        if self.count > MAX_NODES:
            raise MediaTooLarge("xmp-too-complex", offset=self.at(), limit=MAX_NODES)

    def start(self, raw_name: str, raw_attributes: list[str]) -> None:
        self.counted(1 + len(raw_attributes) // 2)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise MalformedMedia("xmp-too-deep", offset=self.at(), limit=MAX_DEPTH)
        name = _name(raw_name)
        attributes = [(_name(key), value) for key, value in zip(*[iter(raw_attributes)] * 2, strict=True)]
        if self.nodes:
            node = _Node(name, dict(attributes))
            self.nodes[-1].children.append(node)
            self.nodes.append(node)
        elif self.description is not None:
            self.nodes.append(_Node(name, dict(attributes)))
            self.property_tag = self.tag()
        elif self.rdf_depth:
            self.start_description(attributes)
        elif name == _RDF:
            self.start_rdf()

    def start_rdf(self) -> None:
        tag = self.tag()
        self.rdf_depth = self.depth
        self.result.rdf_self_closing = _self_closing(tag)
        self.result.rdf_name = re.split(rb"[\s/>]", tag[0][1:], maxsplit=1)[0]
        self.result.rdf_end = tag.end()

    def start_description(self, attributes: list[tuple[Name, str]]) -> None:
        tag = self.tag()
        description = Description(tag.start(), tag.end(), _self_closing(tag))
        for (name, value), (start, end, raw) in zip(attributes, _attribute_spans(tag), strict=True):
            if name in _ABOUT:
                description.about = raw
            elif name.namespace in _NOT_PROPERTIES:
                description.other_attributes = True
            else:
                description.occurrences.append(Occurrence(name, value, "attribute", start, end))
        self.description = description
        self.result.descriptions.append(description)

    def text(self, data: str) -> None:
        if self.nodes:
            self.nodes[-1].text.append(data)

    def end(self, _name: str) -> None:
        if self.nodes:
            node = self.nodes.pop()
            if not self.nodes:
                self.end_property(node)
        elif self.description is not None:
            self.description.inner_end = self.at()
            self.description.end = self.description.inner if self.description.self_closing else self.tag_end()
            self.description = None
        elif self.rdf_depth == self.depth:
            self.rdf_depth = 0
            if not self.result.rdf_self_closing:
                self.result.rdf_end = self.at()
        self.depth -= 1
        if not self.depth:
            # The end event of a self-closing tag already stands behind it.
            closing = self.packet.startswith(b"</", self.at())
            self.root_end = self.tag_end() if closing else self.at()

    def end_property(self, node: _Node) -> None:
        if self.description is None or self.property_tag is None:  # pragma: no cover - held by start()
            return
        tag = self.property_tag
        end = tag.end() if _self_closing(tag) else self.tag_end()
        value = _value(node)
        self.description.occurrences.append(Occurrence(node.name, value, "element", tag.start(), end))

    def tag(self) -> re.Match[bytes]:
        match = _TAG.match(self.packet, self.at())
        if match is None:  # pragma: no cover - expat has just accepted this tag
            raise MalformedMedia("xmp-damaged", offset=self.at(), reason="tag")
        return match

    def tag_end(self) -> int:
        return self.packet.index(b">", self.at()) + 1


def _name(raw: str) -> Name:
    namespace, _, local = raw.rpartition(_SEPARATOR)
    return Name(namespace, local)


def _self_closing(tag: re.Match[bytes]) -> bool:
    return tag[0].endswith(b"/>")


def _attribute_spans(tag: re.Match[bytes]) -> list[tuple[int, int, bytes]]:
    """Return start, end and quoted value of the attributes of a tag, as written, namespace declarations left out."""
    found = _ATTRIBUTE.finditer(tag.string, tag.start(), tag.end())
    return [(one.start(), one.end(), one[2]) for one in found if one[1].partition(b":")[0] != b"xmlns"]


def _value(node: _Node) -> XmpValue:
    if (resource := node.attributes.get(_RESOURCE)) is not None:
        return resource
    if node.attributes.get(_PARSE_TYPE) == "Resource":
        return _struct({}, node.children)
    if not node.children:
        text = "".join(node.text)
        shorthand = _fields(node.attributes)
        return _struct(node.attributes, []) if shorthand and not text.strip() else text
    inner = node.children[0]
    if inner.name.namespace == RDF and inner.name.local in {"Bag", "Seq", "Alt"}:
        return _array(inner)
    return _struct(inner.attributes, inner.children)


def _array(node: _Node) -> XmpValue:
    items = tuple(_value(child) for child in node.children)
    if node.name.local == "Bag":
        return Bag(items)
    if node.name.local == "Seq":
        return Seq(items)
    if any(_LANG in child.attributes for child in node.children):
        languages = (child.attributes.get(_LANG, "") for child in node.children)
        return LangAlt(tuple((tag, text) for tag, text in zip(languages, items, strict=True) if isinstance(text, str)))
    return Alt(items)


def _struct(attributes: dict[Name, str], children: list[_Node]) -> XmpValue:
    fields: dict[Name, XmpValue] = dict(_fields(attributes))
    for child in children:
        fields.setdefault(child.name, _value(child))
    # A value with qualifiers is written as a structure whose rdf:value is the value itself.
    return fields[_VALUE] if _VALUE in fields else attributes.get(_VALUE, Struct(fields))


def _fields(attributes: dict[Name, str]) -> dict[Name, str]:
    return {name: value for name, value in attributes.items() if name.namespace not in _NOT_PROPERTIES}
