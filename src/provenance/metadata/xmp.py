"""Read an XMP packet, and merge properties into it by byte span (ISO 16684-1).

`merge` cuts the occurrences it replaces and adds one ``rdf:Description``; every other byte of the packet stays as it
was: comments, white space, processing instructions, namespaces nobody knows, padding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from provenance.errors import MetadataNotWritten
from provenance.metadata.xmp_scan import MAX_BYTES, PADDING, Description, Scan, scan
from provenance.metadata.xmp_values import (
    PREFERRED_PREFIXES,
    RDF,
    Alt,
    Bag,
    LangAlt,
    Name,
    Occurrence,
    Properties,
    Seq,
    Struct,
    XmpValue,
    first,
)

__all__ = [
    "MAX_BYTES",
    "Alt",
    "Bag",
    "LangAlt",
    "Name",
    "Occurrence",
    "Properties",
    "Seq",
    "Struct",
    "XmpValue",
    "first",
    "merge",
    "read",
]

_FRESH: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f' <rdf:RDF xmlns:rdf="{RDF}">\n'
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
).encode()
_WHITE: Final = b" \t\r\n"
# What XML 1.0 cannot hold, lone surrogates included.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(packet: bytes) -> Properties:
    """Return every top-level property of every ``rdf:Description``, with each of its occurrences.

    Properties inside a structure or an array (a thumbnail's, an ingredient's) belong to that value, not to the file.

    Raises:
        MediaTooLarge: over 10 MiB or 200,000 elements and attributes.
        MalformedMedia: damaged, not UTF-8, with a DOCTYPE, too deep, or without ``rdf:RDF``; ``offset`` says where.
    """
    return _grouped(scan(packet).occurrences()) if packet.strip(PADDING) else {}


def merge(packet: bytes | None, properties: Mapping[Name, XmpValue], removed: Collection[Name] = ()) -> bytes:
    """Return the packet with `properties` set and `removed` taken out, all other bytes unchanged.

    A property that already says the same, once, stays where it is; a packet that needs no change is returned as it is,
    so merging twice equals once. Without a packet a new one is made.

    Raises:
        MediaTooLarge, MalformedMedia: as `read`.
        MetadataNotWritten: a value holds a character that XML cannot.
    """
    base = packet if packet is not None and packet.strip(PADDING) else _FRESH
    found = scan(base)
    present = _grouped(found.occurrences())
    changed = {name: value for name, value in properties.items() if not _says(present.get(name, ()), value)}
    gone = changed.keys() | (set(removed) - properties.keys())
    cuts = [cut for description in found.descriptions for cut in _cuts(base, description, gone)]
    if not changed:
        return spliced(base, ((start, end, b"") for start, end in cuts)) if cuts else base
    added = insertion(base, found, _block(found, changed))
    return spliced(base, (*((start, end, b"") for start, end in cuts), added))


def spliced(packet: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Return a packet with new bytes at some spans, which are in order and do not overlap."""
    pieces = []
    position = 0
    for start, end, text in edits:
        pieces += [packet[position:start], text]
        position = end
    pieces.append(packet[position:])
    return b"".join(pieces)


def insertion(packet: bytes, found: Scan, block: bytes) -> tuple[int, int, bytes]:
    """Return the edit that adds a node element behind the last one of a packet."""
    if found.rdf_self_closing:
        return found.rdf_end - 2, found.rdf_end, b">" + block + b"\n</" + found.rdf_name + b">"
    # Before the white space of the end tag, so that cutting the block again restores the packet.
    position = _line_start(packet, found.rdf_end, 0)
    return position, position, block


def _grouped(occurrences: Iterable[Occurrence]) -> dict[Name, tuple[Occurrence, ...]]:
    groups: dict[Name, list[Occurrence]] = {}
    for occurrence in occurrences:
        groups.setdefault(occurrence.name, []).append(occurrence)
    return {name: tuple(group) for name, group in groups.items()}


def _says(occurrences: tuple[Occurrence, ...], value: XmpValue) -> bool:
    return len(occurrences) == 1 and occurrences[0].value == value


def _cuts(packet: bytes, description: Description, gone: Collection[Name]) -> Iterator[tuple[int, int]]:
    doomed = [one for one in description.occurrences if one.name in gone]
    if not doomed:
        return
    if _emptied(packet, description, doomed):
        yield _line_start(packet, description.start, 0), description.end
        return
    for one in doomed:
        start = _line_start(packet, one.start, description.inner) if one.form == "element" else one.start
        yield start, one.end


def _emptied(packet: bytes, description: Description, doomed: list[Occurrence]) -> bool:
    """Say whether nothing but white space and declarations is left of a description without `doomed`."""
    if description.other_attributes or len(doomed) != len(description.occurrences):
        return False
    position = description.inner
    for one in doomed:
        if one.form == "element":
            if packet[position : one.start].strip(_WHITE):
                return False
            position = one.end
    return not packet[position : description.inner_end].strip(_WHITE)


def _line_start(packet: bytes, position: int, floor: int) -> int:
    while position > floor and packet[position - 1] in _WHITE:
        position -= 1
    return position


def _block(found: Scan, properties: Mapping[Name, XmpValue]) -> bytes:
    inherited = found.rdf_name.rpartition(b":")[0].decode()
    prefixes = {RDF: inherited} if inherited else {}
    wanted = [] if inherited else [RDF]
    for name, value in properties.items():
        wanted += [name.namespace, *_namespaces(value)]
    for namespace in dict.fromkeys(wanted):
        if namespace not in prefixes:
            prefixes[namespace] = _free_prefix(namespace, found.prefixes, prefixes.values())
    rdf = prefixes[RDF]
    about = next((one.about for one in found.descriptions if len(one.about) > len('""')), b'""').decode()
    lines = [f"\n  <{rdf}:Description {rdf}:about={about}"]
    lines += [
        f"\n    xmlns:{prefix}={quoteattr(namespace)}" for namespace, prefix in prefixes.items() if prefix != inherited
    ]
    lines.append(">")
    lines += [f"\n   {_element(name, value, prefixes)}" for name, value in properties.items()]
    lines.append(f"\n  </{rdf}:Description>")
    return "".join(lines).encode()


def _free_prefix(namespace: str, declared: Mapping[str, set[str]], ours: Collection[str]) -> str:
    """Return a prefix that nothing in the packet uses for another namespace: some readers know no prefix scopes."""
    preferred = PREFERRED_PREFIXES.get(namespace, "ns")
    number = 0
    prefix = preferred
    while prefix in ours or declared.get(prefix, set()) - {namespace}:
        number += 1
        prefix = f"{preferred}{number}"
    return prefix


def _namespaces(value: XmpValue) -> Iterator[str]:
    if isinstance(value, Struct):
        for name, field in value.fields.items():
            yield name.namespace
            yield from _namespaces(field)
    elif isinstance(value, Bag | Seq | Alt):
        for item in value.items:
            yield from _namespaces(item)


def _element(name: Name, value: XmpValue, prefixes: Mapping[str, str], attributes: str = "") -> str:
    tag = f"{prefixes[name.namespace]}:{name.local}"
    rdf = prefixes[RDF]
    if isinstance(value, Struct):
        attributes = f' {rdf}:parseType="Resource"'
        content = "".join(_element(key, field, prefixes) for key, field in value.fields.items())
    elif isinstance(value, str):
        content = _text(name, value)
    elif isinstance(value, LangAlt):
        items = (
            _element(Name(RDF, "li"), text, prefixes, f" xml:lang={quoteattr(_checked(name, language))}")
            for language, text in value.texts
        )
        content = f"<{rdf}:Alt>{''.join(items)}</{rdf}:Alt>"
    else:
        kind = type(value).__name__
        items = (_element(Name(RDF, "li"), item, prefixes) for item in value.items)
        content = f"<{rdf}:{kind}>{''.join(items)}</{rdf}:{kind}>"
    return f"<{tag}{attributes}>{content}</{tag}>"


def _text(name: Name, value: str) -> str:
    # A bare carriage return would come back as a line feed.
    return escape(_checked(name, value), {"\r": "&#13;"})


def _checked(name: Name, value: str) -> str:
    if found := _NOT_XML.search(value):
        raise MetadataNotWritten("xmp-character", property=name.local, character=f"U+{ord(found[0]):04X}")
    return value
