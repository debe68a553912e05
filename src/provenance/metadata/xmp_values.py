"""The values an XMP property can have (ISO 16684-1, clause 6.3), and the namespaces this package knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
DC: Final = "http://purl.org/dc/elements/1.1/"
EXIF: Final = "http://ns.adobe.com/exif/1.0/"
IPTC_EXT: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
NOTE: Final = "http://ns.adobe.com/xmp/note/"
PHOTOSHOP: Final = "http://ns.adobe.com/photoshop/1.0/"
PLUS: Final = "http://ns.useplus.org/ldf/xmp/1.0/"
PVL: Final = "https://w3id.org/provenance-labels/1.0/"
TC260: Final = "http://www.tc260.org.cn/ns/AIGC/1.0/"

PREFERRED_PREFIXES: Final[Mapping[str, str]] = {
    RDF: "rdf",
    DC: "dc",
    EXIF: "exif",
    IPTC_EXT: "Iptc4xmpExt",
    NOTE: "xmpNote",
    PHOTOSHOP: "photoshop",
    PLUS: "plus",
    PVL: "pvl",
    TC260: "TC260",
}


class Name(NamedTuple):
    """A qualified property name."""

    namespace: str
    local: str


@dataclass(frozen=True, slots=True)
class Bag:
    """An unordered array."""

    items: tuple[XmpValue, ...]


@dataclass(frozen=True, slots=True)
class Seq:
    """An ordered array."""

    items: tuple[XmpValue, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """Alternatives that are not told apart by language."""

    items: tuple[XmpValue, ...]


@dataclass(frozen=True, slots=True)
class LangAlt:
    """One text in several languages: pairs of language tag (such as ``x-default``) and text, at least one."""

    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Struct:
    """Named fields; their order carries no meaning."""

    fields: Mapping[Name, XmpValue]


XmpValue: TypeAlias = "str | Bag | Seq | Alt | LangAlt | Struct"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place where a top-level property stands.

    Attributes:
        name: The property.
        value: What it says there; qualifiers are left out.
        form: Written as an element or as an attribute of an ``rdf:Description``.
        start: First byte in the packet; for an attribute, of the white space before it.
        end: One past its last byte.
    """

    name: Name
    value: XmpValue
    form: Literal["element", "attribute"]
    start: int
    end: int


Properties: TypeAlias = Mapping[Name, tuple[Occurrence, ...]]


def first(properties: Properties, name: Name) -> XmpValue | None:
    """Return the value of the first occurrence of a property."""
    occurrences = properties.get(name)
    return occurrences[0].value if occurrences else None
