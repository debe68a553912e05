"""Ogg pages and the packets in them: the header packets of one stream, and the same file with others.

Pages carry running numbers and checksums. The new packets are laid into as many pages as the old ones had, where they
fit, so that every later page stays as it is; else those are numbered anew, one in memory at a time.

Source: RFC 3533, sections 4 to 6.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

from provenance._files import copy_range
from provenance.errors import MalformedMedia
from provenance.formats.base import check_carrier_size

MAGIC: Final = b"OggS"
CONTINUED: Final = 1
FIRST: Final = 2
LAST: Final = 4

_HEAD: Final = struct.Struct("<4sBBqIIIB")
_NUMBER_AT: Final = 18
_SUM_AT: Final = 22
_SEGMENT: Final = 255
_MOST_SEGMENTS: Final = 255
_LARGEST: Final = _HEAD.size + _MOST_SEGMENTS * (1 + _SEGMENT)
_NO_PACKET_ENDS: Final = -1
# The checksum has the polynomial of zlib's, but takes the highest bit of each byte first and inverts nothing.
_TURNED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_INVERTED: Final = 0xFFFFFFFF


class Page(NamedTuple):
    """One page: where it lies, its head, and the sizes of its segments."""

    start: int
    end: int
    flags: int
    granule: int
    serial: int
    number: int
    checksum: int
    lacing: bytes

    @property
    def data(self) -> int:
        """Offset of the first segment."""
        return self.start + _HEAD.size + len(self.lacing)


class Headers(NamedTuple):
    """The packets from the second one on of a stream up to where a page ends with one, and the pages they fill."""

    packets: list[bytes]
    pages: list[Page]


def pages(file: BinaryIO, start: int = 0) -> Iterator[Page]:
    """Yield every page from an offset on; of each only the head is read.

    Raises:
        MalformedMedia: ``ogg-truncated``; ``ogg-damaged``: no page starts where the one before ends.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    while start < size:
        page = _page_at(file, start)
        if page is None:
            raise MalformedMedia("ogg-damaged", offset=start)
        if page.end > size:
            raise MalformedMedia("ogg-truncated", offset=size)
        yield page
        start = page.end


def _page_at(file: BinaryIO, start: int) -> Page | None:
    """Return the page at an offset, though the file may end before it does; None if none starts there."""
    file.seek(start)
    head = file.read(_HEAD.size + _MOST_SEGMENTS).ljust(_HEAD.size, b"\xff")
    magic, version, flags, granule, serial, number, checksum, count = _HEAD.unpack_from(head)
    if magic != MAGIC or version not in {0, 0xFF}:
        return None
    lacing = head[_HEAD.size : _HEAD.size + count].ljust(count, b"\xff")
    end = start + _HEAD.size + count + sum(lacing)
    return Page(start, end, flags, granule, serial, number, checksum, lacing)


def last_page(file: BinaryIO) -> Page:
    """Return the page that ends a file.

    Raises:
        MalformedMedia: ``ogg-truncated``: none does.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _LARGEST)
    file.seek(start)
    tail = file.read(_LARGEST)
    at = len(tail)
    while (at := tail.rfind(MAGIC, 0, at)) >= 0:
        page = _page_at(file, start + at)
        if page is not None and page.end == size:
            return page
    raise MalformedMedia("ogg-truncated", offset=size)


def payload(file: BinaryIO, page: Page) -> bytes:
    """Return the segments of a page, whose checksum must match.

    Raises:
        MalformedMedia: ``ogg-checksum``.
        OSError: Reading failed.
    """
    file.seek(page.start)
    whole = file.read(page.end - page.start)
    if _checksum(whole[:_SUM_AT] + bytes(4) + whole[_SUM_AT + 4 :]) != page.checksum:
        raise MalformedMedia("ogg-checksum", offset=page.start)
    return whole[page.data - page.start :]


def headers(file: BinaryIO, found: Iterator[Page], first: Page) -> Headers:
    """Return the header packets behind the first page of a stream, and the pages that hold nothing else.

    Args:
        file: The file.
        found: Its pages behind `first`.
        first: The first page of the stream.

    Raises:
        MalformedMedia: ``ogg-damaged``: they are not whole, not in order, or hold sound; ``ogg-checksum``.
        MediaTooLarge: They exceed `METADATA_LIMIT`.
        OSError: Reading failed.
    """
    packets: list[bytes] = []
    taken: list[Page] = []
    rest = b""
    for page in found:
        if page.serial != first.serial:
            continue
        in_order = page.number == first.number + len(taken) + 1 and bool(page.flags & CONTINUED) == bool(rest)
        if not in_order or not page.lacing or page.flags & FIRST or page.granule > 0:
            raise MalformedMedia("ogg-damaged", offset=page.start)
        taken.append(page)
        check_carrier_size(page.end - taken[0].start, taken[0].start)
        ended, rest = _packets(page.lacing, rest + payload(file, page))
        packets += ended
        if packets and not rest:
            return Headers(packets, taken)
    raise MalformedMedia("ogg-truncated", offset=first.end)


def _packets(lacing: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    """Return the packets that end in a page, and the start of one that does not.

    `data` are what earlier pages began and the segments of the page.
    """
    at = len(data) - sum(lacing)
    start = 0
    ended = []
    for size in lacing:
        at += size
        if size < _SEGMENT:
            ended.append(data[start:at])
            start = at
    return ended, data[start:]


def write(source: BinaryIO, target: BinaryIO, old: Sequence[Page], packets: Sequence[bytes]) -> None:
    """Append `source` to `target` with other packets in the pages `old`.

    Raises:
        MalformedMedia: ``ogg-checksum``: a later page, which has to be numbered anew, is damaged.
        OSError: Reading or writing failed.
    """
    new = _paged(old, packets)
    position = 0
    for number, page in enumerate(old):
        copy_range(source, target, position, page.start - position)
        target.write(b"".join(new[number:] if page is old[-1] else new[number : number + 1]))
        position = page.end
    shift = len(new) - len(old)
    for page in pages(source, position) if shift else ():
        if page.serial == old[0].serial:
            copy_range(source, target, position, page.start - position)
            target.write(packed(page._replace(number=(page.number + shift) & _INVERTED), payload(source, page)))
            position = page.end
    copy_range(source, target, position, source.seek(0, os.SEEK_END) - position)


def _paged(old: Sequence[Page], packets: Sequence[bytes]) -> list[bytes]:
    """Return packets in pages: as many as `old` if they fill those, else as few as they fit in."""
    lacing = b"".join(b"\xff" * (len(each) // _SEGMENT) + bytes([len(each) % _SEGMENT]) for each in packets)
    data = b"".join(packets)
    count = max(-(-len(lacing) // _MOST_SEGMENTS), min(len(old), len(lacing)))
    made = []
    taken = at = 0
    for number in range(count):
        # Each page that is still to come needs a segment.
        part = lacing[taken : taken + min(_MOST_SEGMENTS, len(lacing) - taken - (count - number - 1))]
        flags = CONTINUED if taken and lacing[taken - 1] == _SEGMENT else 0
        flags |= old[-1].flags & LAST if number == count - 1 else 0
        granule = 0 if min(part) < _SEGMENT else _NO_PACKET_ENDS
        size = sum(part)
        page = Page(0, 0, flags, granule, old[0].serial, (old[0].number + number) & _INVERTED, 0, part)
        made.append(packed(page, data[at : at + size]))
        taken, at = taken + len(part), at + size
    return made


def packed(page: Page, data: bytes) -> bytes:
    """Return a page that holds `data`, its checksum included; where `page` lies does not count."""
    head = _HEAD.pack(MAGIC, 0, page.flags, page.granule, page.serial, page.number, 0, len(page.lacing))
    whole = head + page.lacing + data
    return whole[:_SUM_AT] + _checksum(whole).to_bytes(4, "little") + whole[_SUM_AT + 4 :]


def _checksum(data: bytes) -> int:
    turned = zlib.crc32(data.translate(_TURNED), _INVERTED) ^ _INVERTED
    return int.from_bytes(turned.to_bytes(4, "little").translate(_TURNED), "big")
