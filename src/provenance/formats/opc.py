"""The parts of an Office document that say what it is and what properties it has (ISO/IEC 29500-2; 29500-1, 22.3).

Each of the three that can change is edited by byte span; no other part is ever unpacked.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, UnsupportedFormat
from provenance.formats import xml_part, zip_parts
from provenance.formats.splice import Edit
from provenance.formats.xml_part import Child, Document
from provenance.formats.zip_parts import Archive

CONTENT_TYPES: Final = "[Content_Types].xml"
RELATIONSHIPS: Final = "_rels/.rels"
_CUSTOM_PART: Final = "docProps/custom.xml"
_CUSTOM_TYPE: Final = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_FORMAT_ID: Final = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"  # of every custom property
_LEAST_ID: Final = 2


class _Dialect(NamedTuple):
    """The names that one conformance class uses (29500-1 strict, 29500-4 transitional)."""

    document: str
    custom: str
    properties: str
    values: str


_TRANSITIONAL: Final = _Dialect(
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties",
    "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties",
    "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes",
)
_STRICT: Final = _Dialect(
    "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument",
    "http://purl.oclc.org/ooxml/officeDocument/relationships/customProperties",
    "http://purl.oclc.org/ooxml/officeDocument/customProperties",
    "http://purl.oclc.org/ooxml/officeDocument/docPropsVTypes",
)
_DIALECTS: Final = (_TRANSITIONAL, _STRICT)
_SIGNATURES: Final = "/digital-signature/"


@dataclass(frozen=True, slots=True)
class Package:
    """An Office document.

    Attributes:
        archive: Its parts.
        types: Its content types.
        relationships: Those of the package itself.
        custom: Its custom properties; None without any.
        custom_name: The part they are in, or would be.
        dialect: The names it uses.
        main_type: Content type of the main part.
        is_signed: Whether it has a digital signature, which any change to these parts can break.
    """

    archive: Archive
    types: Document
    relationships: Document
    custom: Document | None
    custom_name: str
    dialect: _Dialect
    main_type: str
    is_signed: bool

    def properties(self) -> Iterator[tuple[str, str]]:
        """Yield name and text of the custom properties."""
        for child in self.custom.children if self.custom else ():
            yield child.attributes.get("name", ""), child.text


def read(file: BinaryIO) -> Package:
    """Return what an archive holds, if it is an Office document.

    Raises:
        UnsupportedFormat: ``zip-not-ooxml``, or see `zip_parts`.
        MalformedMedia: ``ooxml-damaged``: one of its parts is missing or named twice; or see `zip_parts`, `xml_part`.
        MediaTooLarge: One of these parts exceeds a limit.
        OSError: Reading failed.
    """
    archive = zip_parts.read(file)
    if not {CONTENT_TYPES, RELATIONSHIPS} <= archive.entries.keys():
        raise UnsupportedFormat("zip-not-ooxml")
    types, relationships = _part(file, archive, CONTENT_TYPES), _part(file, archive, RELATIONSHIPS)
    kinds = [(child.attributes.get("Type", ""), child) for child in relationships.children]
    dialect = next((each for each in _DIALECTS if any(kind == each.document for kind, _ in kinds)), None)
    if dialect is None:
        raise UnsupportedFormat("zip-not-ooxml")
    main = next(child for kind, child in kinds if kind == dialect.document)
    custom = [child for kind, child in kinds if kind in {each.custom for each in _DIALECTS}]
    if len(custom) > 1:
        raise MalformedMedia("ooxml-damaged", part=RELATIONSHIPS)
    name = _target(custom[0]) if custom else _free_name(archive)
    if custom and name not in archive.entries:
        raise MalformedMedia("ooxml-damaged", part=name)
    return Package(
        archive=archive,
        types=types,
        relationships=relationships,
        custom=_part(file, archive, name) if custom else None,
        custom_name=name,
        dialect=dialect,
        main_type=_type_of(types, _target(main)),
        is_signed=any(_SIGNATURES in kind for kind, _ in kinds)
        or any(part.startswith("_xmlsignatures/") for part in archive.entries),
    )


def updated(package: Package, wanted: dict[str, str | None]) -> dict[str, bytes]:
    """Return the parts that change when properties get other texts, or, where None, are removed.

    A property that says so already, once and as we write it, changes nothing. Names are compared without regard to case
    (29500-1, 22.3.2.2).
    """
    changes: list[Edit] = []
    new: list[bytes] = []
    custom = package.custom
    children = custom.children if custom else []
    taken = {child.attributes.get("pid", "") for child in children}
    free = (str(number) for number in count(_LEAST_ID) if str(number) not in taken)
    prefix = custom.prefix if custom else ""
    for name, text in wanted.items():
        old = [child for child in children if child.attributes.get("name", "").casefold() == name.casefold()]
        kept = old[:1] if text is not None else []
        changes += [Edit(child.start, child.end, b"") for child in old[len(kept) :]]
        if text is None or (kept and _says(kept[0], name, text)):
            continue
        number = kept[0].attributes.get("pid") if kept else None
        element = _property(prefix, package.dialect, number or next(free), name, text)
        if kept:
            changes.append(Edit(kept[0].start, kept[0].end, element))
        else:
            new.append(element)
    if custom is None:
        return _with_custom_part(package, b"".join(new)) if new else {}
    if new:
        changes.append(custom.insertion(b"".join(new)))
    return {package.custom_name: xml_part.spliced(custom.data, changes)} if changes else {}


def _part(file: BinaryIO, archive: Archive, name: str) -> Document:
    return xml_part.scan(zip_parts.content(file, archive.entries[name]), name)


def _target(relationship: Child) -> str:
    """Return the part that a relationship of the package leads to."""
    target = relationship.attributes.get("Target", "")
    return posixpath.normpath("/" + target.lstrip("/")).lstrip("/")


def _free_name(archive: Archive) -> str:
    """Return a name for the custom properties; one may be taken by a part that nothing leads to."""
    taken = {name.casefold() for name in archive.entries}
    names = (_CUSTOM_PART if not number else f"docProps/custom{number}.xml" for number in count())
    return next(name for name in names if name.casefold() not in taken)


def _type_of(types: Document, part: str) -> str:
    """Return the content type of a part: its own, or that of its extension (29500-2, 10.1.2.4)."""
    by_extension = ""
    for child in types.children:
        kind = child.attributes.get("ContentType", "")
        if child.name == "Override" and child.attributes.get("PartName", "").casefold() == f"/{part}".casefold():
            return kind
        extension = child.attributes.get("Extension", "").casefold()
        if child.name == "Default" and extension == posixpath.splitext(part)[1].lstrip(".").casefold():
            by_extension = kind
    return by_extension


def _says(child: Child, name: str, text: str) -> bool:
    is_native = child.inner == ["lpwstr"] and child.attributes.get("fmtid", "").upper() == _FORMAT_ID
    has_number = child.attributes.get("pid", "").isdecimal()
    return is_native and has_number and (child.attributes.get("name"), child.text) == (name, text)


def _property(prefix: str, dialect: _Dialect, number: str, name: str, text: str) -> bytes:
    value = f'<vt:lpwstr xmlns:vt="{dialect.values}">{xml_part.escaped(text)}</vt:lpwstr>'
    start = f'<{prefix}property fmtid="{_FORMAT_ID}" pid="{number}" name="{name}">'
    return f"{start}{value}</{prefix}property>".encode()


def _with_custom_part(package: Package, properties: bytes) -> dict[str, bytes]:
    """Return a new part with properties, and the two that have to know of it."""
    types, relationships, dialect = package.types, package.relationships, package.dialect
    taken = {child.attributes.get("Id", "") for child in relationships.children}
    number = next(f"rId{each}" for each in count(1) if f"rId{each}" not in taken)
    target = package.custom_name
    leads = f'<{relationships.prefix}Relationship Id="{number}" Type="{dialect.custom}" Target="{target}"/>'
    kind = f'<{types.prefix}Override PartName="/{target}" ContentType="{_CUSTOM_TYPE}"/>'
    head = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="{dialect.properties}">'
    known = _type_of(types, target) == _CUSTOM_TYPE
    parts = {RELATIONSHIPS: xml_part.spliced(relationships.data, [relationships.insertion(leads.encode())])}
    if not known:
        parts[CONTENT_TYPES] = xml_part.spliced(types.data, [types.insertion(kind.encode())])
    return {**parts, target: head.encode() + properties + b"</Properties>"}
