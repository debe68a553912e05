"""Positions that a TIFF file states elsewhere than on its first page: on later ones, and in pictures below any page.

They are taken out where they stand. A GPS directory only becomes shorter, so that it keeps its place; an XMP packet
goes to the end of the file and its entry points there. No byte moves, and nothing else has to be pointed anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats import tiff
from provenance.formats.base import METADATA_LIMIT
from provenance.formats.splice import Edit
from provenance.formats.tiff import PAGE, Found, Span, Stream
from provenance.formats.tiff_append import Appendix, shared
from provenance.metadata import position, xmp
from provenance.metadata.exif import POSITION_TAGS
from provenance.metadata.ifd import BYTE, GPS_IFD, SUB_IFDS, UNDEFINED, Entry

XMP: Final = 0x02BC
"""Tag of an XMP packet."""

_VERSION: Final = (0, BYTE, 4, b"\2\3\0\0")  # of GPS: a directory has one entry at least
_HINT: Final = re.compile(rb"gps|altitude", re.IGNORECASE)
_PACKETS_LIMIT: Final = 8 * METADATA_LIMIT  # bytes of XMP that are searched in all directories together


@dataclass(slots=True)
class Search:
    """Looks for positions in one directory after another, as `tiff.walk` yields them."""

    stream: Stream
    left: int = _PACKETS_LIMIT

    def in_gps(self, found: Found) -> list[Entry]:
        """Return the entries of a GPS directory that state a position; those of the first page are not looked at."""
        if found.name != GPS_IFD or found.is_first:
            return []
        return [entry for entry in found.directory.entries if entry.tag in POSITION_TAGS]

    def in_xmp(self, found: Found) -> Iterator[tuple[Entry, bytes]]:
        """Yield each packet of a picture that states a position, and what is left without it; of the first page none.

        Raises:
            MalformedMedia, MediaTooLarge: It cannot be read.
            OSError: Reading failed.
        """
        if found.name not in {PAGE, SUB_IFDS} or (found.name == PAGE and found.is_first):
            return
        for entry in found.directory.entries:
            if entry.tag != XMP or not entry.size:
                continue
            self.left -= entry.size
            if self.left < 0:
                raise MediaTooLarge("metadata-too-large", size=entry.size, limit=_PACKETS_LIMIT, offset=entry.at)
            packet = tiff.data(self.stream, entry)
            if _HINT.search(packet):
                changed, removed = position.without(xmp.read(packet), None)
                if changed or removed:
                    yield entry, xmp.merge(packet, changed, removed)

    def finds(self, found: Found) -> bool:
        """Say whether a directory states a position, or has a packet that nobody can look into."""
        try:
            return bool(self.in_gps(found)) or any(True for _ in self.in_xmp(found))
        except (MalformedMedia, MediaTooLarge):
            return True


def edits(file: BinaryIO) -> list[Edit]:
    """Return the edits that take every such position out; each replaces bytes by as many, or appends to the file.

    Raises:
        MetadataNotWritten: ``position-not-erased``: its bytes belong to something else as well, or a packet cannot be
            read; ``tiff-full``: a classic TIFF would exceed 4 GiB.
        MalformedMedia: The structure of the file is damaged.
        OSError: Reading failed.
    """
    stream = tiff.open_stream(file)
    search, appendix = Search(stream), Appendix(stream)
    changed: dict[Span, bytes] = {}
    old: dict[Span, bytes] = {}
    values: set[tuple[int, int]] = set()
    for found in tiff.walk(stream):
        gone = search.in_gps(found)
        packets = dict(_packets(search, found))
        if gone or packets:
            span = found.directory.span
            raws = dict.fromkeys(gone, b"") | {
                entry: _entry(stream, entry, len(packet), appendix.put(packet)) for entry, packet in packets.items()
            }
            changed[span] = _directory(stream, found, raws)
            values |= {(span.start, PAGE), *((span.start, entry.tag) for entry in raws)}
            outside = [Span(each.at, each.at + each.size) for each in raws if tiff.is_outside(stream, each)]
            old |= {each: bytes(each.end - each.start) for each in outside}
    if not changed:
        return []
    both = old | changed
    if len(both) < len(old) + len(changed) or shared(stream, both.keys(), values):
        raise MetadataNotWritten("position-not-erased", where="TIFF", offset=min(changed).start)
    return [*(Edit(span.start, span.end, new) for span, new in sorted(both.items())), *appendix.end()]


def _packets(search: Search, found: Found) -> Iterator[tuple[Entry, bytes]]:
    try:
        yield from search.in_xmp(found)
    except (MalformedMedia, MediaTooLarge) as error:
        raise MetadataNotWritten("position-not-erased", where="XMP", offset=found.directory.span.start) from error


def _directory(stream: Stream, found: Found, changed: Mapping[Entry, bytes]) -> bytes:
    """Return a directory with other entries, filled up with zeros to the length it had."""
    span = found.directory.span
    raws = [changed.get(entry, entry.raw) for entry in found.directory.entries]
    kept = [raw for raw in raws if raw] or [_packed(stream, *_VERSION)]
    new = stream.count.pack(len(kept)) + b"".join(kept) + stream.offset(found.directory.following)
    return new.ljust(span.end - span.start, b"\0")


def _entry(stream: Stream, old: Entry, size: int, where: bytes) -> bytes:
    """Return the entry of a packet of so many bytes, with the type it had if that counts bytes."""
    return _packed(stream, old.tag, old.kind if old.number == old.size else UNDEFINED, size, where)


def _packed(stream: Stream, tag: int, kind: int, number: int, where: bytes) -> bytes:
    return stream.entry.pack(tag, kind, number, 0)[: -stream.pointer] + where.ljust(stream.pointer, b"\0")
