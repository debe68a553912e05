"""Part an XMP packet too large for its place: whole properties move to a second packet that the first one names.

A property moves with every byte of it; nothing is re-serialised. Only what other people wrote moves, the largest first,
because readers that do not know the second packet should still find all labels.

Source: Adobe XMP Specification Part 3, section 1.1.3.1 (Extended XMP in JPEG).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import quoteattr

from provenance.metadata.xmp import insertion, merge, spliced
from provenance.metadata.xmp_scan import Description, Scan, scan
from provenance.metadata.xmp_values import NOTE, PVL, RDF, TC260, Name, Occurrence

HAS_EXTENDED: Final = Name(NOTE, "HasExtendedXMP")
"""Names the second packet in the first one."""

# Labels, and what tells a reader how to take the file apart: it looks in the first packet only.
_STANDING: Final = frozenset(
    {
        NOTE,
        PVL,
        TC260,
        "http://ns.adobe.com/hdr-gain-map/1.0/",
        "http://ns.google.com/photos/1.0/camera/",
        "http://ns.google.com/photos/1.0/container/",
        "http://ns.google.com/photos/1.0/container/item/",
        "http://ns.google.com/photos/1.0/panorama/",
        "http://purl.org/dc/terms/",
    }
)
_PREFIX: Final = re.compile(rb"""[\s</]([^\s<>/=:"']+):""")
_NO_NAME: Final = "0" * 32


@dataclass(slots=True)
class _Property:
    """A property that may move, with each of its occurrences."""

    name: Name
    size: int = 0
    movable: bool = True


def name_of(packet: bytes) -> str:
    """Return the name under which the first packet must refer to a second one: its MD5 in capital hexadecimals."""
    return hashlib.md5(packet, usedforsecurity=False).hexdigest().upper()


def split(packet: bytes, extension: bytes | None, *, limit: int, keep: Collection[Name]) -> tuple[bytes, bytes | None]:
    """Return the packet with so many properties moved to `extension` that at most `limit` bytes of it are left.

    A packet that is small enough, or cannot become so, is returned as it is.

    Args:
        packet: The first packet.
        extension: The second packet, if there is one already; what moves joins it.
        limit: Bytes.
        keep: Properties that stay in the first packet.

    Raises:
        MediaTooLarge, MalformedMedia: as `provenance.metadata.xmp.read`, of either.
    """
    if len(packet) <= limit:
        return packet, extension
    found = scan(packet)
    base = extension if extension is not None else _fresh(found)
    second = scan(base)
    moved: set[Name] = set()
    left = len(merge(packet, {HAS_EXTENDED: _NO_NAME}))
    for candidate in _candidates(packet, found, second, keep):
        if left <= limit:
            break
        moved.add(candidate.name)
        left -= candidate.size
    if left > limit:
        return packet, extension
    position = insertion(base, second, b"".join(_copies(packet, found, second, moved)))
    joined = spliced(base, [position])
    return merge(packet, {HAS_EXTENDED: name_of(joined)}, moved), joined


def _fresh(found: Scan) -> bytes:
    """Return an empty packet without wrapper or padding, as one must be that is found by its digest."""
    rdf = found.rdf_name
    prefix = rdf.rpartition(b":")[0]
    declared = b"xmlns:" + prefix if prefix else b"xmlns"
    head = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><' + rdf + b" " + declared + b'="' + RDF.encode() + b'">'
    return head + b"\n</" + rdf + b"></x:xmpmeta>"


def _candidates(packet: bytes, found: Scan, second: Scan, keep: Collection[Name]) -> list[_Property]:
    """Return what may move, the largest first."""
    kept = {*keep, *(one.name for one in second.occurrences())}
    properties: dict[Name, _Property] = {}
    for description in found.descriptions:
        for one in description.occurrences:
            each = properties.setdefault(one.name, _Property(one.name))
            each.size += one.end - one.start
            each.movable &= not description.other_attributes and _means_the_same(packet, one, found, second)
    movable = (
        each
        for each in properties.values()
        if each.movable and each.name not in kept and each.name.namespace not in _STANDING
    )
    return sorted(movable, key=lambda each: each.size, reverse=True)


def _means_the_same(packet: bytes, one: Occurrence, found: Scan, second: Scan) -> bool:
    """Say whether every prefix in a property has one meaning in both packets: some readers know no prefix scopes."""
    if "" in found.prefixes or "" in second.prefixes:
        return False
    return all(
        len(found.prefixes[prefix] | second.prefixes.get(prefix, set())) == 1 for prefix in _used(packet, [one], found)
    )


def _used(packet: bytes, occurrences: Collection[Occurrence], found: Scan) -> list[str]:
    """Return the prefixes in the bytes of some properties; a few more than there are do no harm."""
    used = {prefix for one in occurrences for prefix in _PREFIX.findall(packet, one.start, one.end)}
    return sorted(prefix for raw in used if (prefix := raw.decode()) in found.prefixes)


def _copies(packet: bytes, found: Scan, second: Scan, moved: Collection[Name]) -> Iterator[bytes]:
    """Yield an element of the second packet for each of the first one that properties move out of."""
    rdf = second.rdf_name.rpartition(b":")[0]
    for description in found.descriptions:
        own = [one for one in description.occurrences if one.name in moved]
        if own:
            yield _copy(packet, description, own, found, rdf)


def _copy(packet: bytes, description: Description, own: Collection[Occurrence], found: Scan, rdf: bytes) -> bytes:
    scopes = [
        f"\n    xmlns:{prefix}={quoteattr(next(iter(found.prefixes[prefix])))}".encode()
        for prefix in _used(packet, own, found)
        if prefix.encode() != rdf
    ]
    attributes = [packet[one.start : one.end] for one in own if one.form == "attribute"]
    elements = [b"\n   " + packet[one.start : one.end] for one in own if one.form == "element"]
    about = description.about or b'""'
    head = b"\n  <" + rdf + b":Description " + rdf + b":about=" + about + b"".join((*scopes, *attributes)) + b">"
    return head + b"".join(elements) + b"\n  </" + rdf + b":Description>"
