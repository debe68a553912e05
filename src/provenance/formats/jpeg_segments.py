"""The marker structure of a JPEG file: where each segment lies, and whether the picture is whole (ITU-T T.81, annex B).

Nothing is decoded. A scan is searched for the next marker at the speed of the regex engine, block by block: unlike a
memory map this stays safe while another process shortens the file, and works on any file object.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia
from provenance.formats.base import BLOCK, check_picture_size

DHT: Final = 0xC4
DAC: Final = 0xCC
SOI: Final = 0xD8
EOI: Final = 0xD9
SOS: Final = 0xDA
DQT: Final = 0xDB
DNL: Final = 0xDC
DRI: Final = 0xDD
APP0: Final = 0xE0
APP1: Final = 0xE1
APP2: Final = 0xE2
APP11: Final = 0xEB
APP13: Final = 0xED
APP14: Final = 0xEE
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, DAC}
"""SOFn; 0xC8 is reserved."""

FIRST: Final = 2
"""Offset of the first segment, right after SOI."""
PAYLOAD_LIMIT: Final = 0xFFFF - 2
"""Most bytes that one segment holds."""

_LENGTH_SIZE: Final = 2
_HEAD_SIZE: Final = 2 + _LENGTH_SIZE  # marker and length
_SEGMENT_LIMIT: Final = 20_000
_FRAME_SIZE: Final = 6  # of SOFn, without its components
_SAMPLING: Final = range(1, 5)  # of a component; as many components as well
_HUFFMAN_SEQUENTIAL: Final = frozenset({0xC0, 0xC1})
_LOSSLESS: Final = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_RESERVED: Final = frozenset(range(0x02, 0xC0))
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_TABLES: Final = frozenset({DHT, DAC, DQT, DNL, DRI})
# What may stand between two scans: tables, APPn, COM; and EOI. Anything else is damage.
_AFTER_SCAN: Final = _TABLES | {EOI, SOS, *range(0xE0, 0xF0), 0xFE}
_PICTURE: Final = FRAMES | _TABLES | {SOS}
_MARKER: Final = re.compile(rb"\xff[^\x00\xff]")
_MARKER_BUT_RESTART: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")


class Segment(NamedTuple):
    """One marker segment: `start` is the offset of its 0xFF, `end` of the first byte after it."""

    marker: int
    start: int
    end: int

    @property
    def payload(self) -> int:
        """Offset of what it holds, after its marker and, where it has one, its length."""
        return min(self.start + _HEAD_SIZE, self.end)

    @property
    def is_picture(self) -> bool:
        """Whether an encoder replaces it: frame, tables and scans."""
        return self.marker in _PICTURE


class Component(NamedTuple):
    """Sampling factors and quantisation table number of a component."""

    horizontal: int
    vertical: int
    table: int


@dataclass(slots=True)
class Layout:
    """Where everything lies.

    Attributes:
        size: Size of the file in bytes.
        header: Segments before the first scan, without SOI; readers look for metadata only here.
        scan: The first SOS, without its entropy-coded data.
        body: Segments from the first scan to EOI; a scan ends where its entropy-coded data end.
        end: Offset of the first byte after EOI; what follows belongs to somebody else.
        stray: Offset of the first bytes in the header that belong to no segment, or None.
        frame: Marker of the first frame.
        precision: Bits of a sample.
        components: By their identifier.
    """

    size: int
    header: list[Segment] = field(default_factory=list)
    scan: Segment = field(default_factory=lambda: Segment(SOS, 0, 0))
    body: list[Segment] = field(default_factory=list)
    end: int = 0
    width: int = 0
    height: int = 0
    stray: int | None = None
    frame: int = 0
    precision: int = 0
    components: dict[int, Component] = field(default_factory=dict)
    scanned: set[int] = field(default_factory=set)
    interval: int = 0

    @property
    def segments(self) -> list[Segment]:
        """Everything between SOI and `end`, but for fill and stray bytes."""
        return [*self.header, *self.body]


def parse(file: BinaryIO) -> Layout:
    """Walk a JPEG from SOI to its EOI: `parse_header`, then `check_scans`."""
    layout = parse_header(file)
    check_scans(file, layout)
    return layout


def parse_header(file: BinaryIO) -> Layout:
    """Walk a JPEG from SOI to its first scan.

    Raises:
        MalformedMedia: See `check_scans`.
        OSError: Reading failed.
    """
    layout = Layout(size=file.seek(0, os.SEEK_END))
    if _bytes_at(file, 0, FIRST) != bytes((0xFF, SOI)):
        raise MalformedMedia("jpeg-damaged", offset=0)
    for segment in _segments(file, layout, FIRST):
        if segment.marker == SOS:
            if not layout.components:
                raise MalformedMedia("jpeg-damaged", offset=segment.start)
            layout.scan = segment
            return layout
        if segment.marker in {SOI, EOI} or segment.marker in _RESERVED:
            raise MalformedMedia("jpeg-damaged", offset=segment.start)
        _note(file, layout, segment)
        layout.header.append(segment)
    raise MalformedMedia("jpeg-truncated", offset=layout.size)


def check_scans(file: BinaryIO, layout: Layout) -> None:
    """Walk every scan up to EOI and complete `layout`.

    Raises:
        MalformedMedia: ``jpeg-truncated`` when data end before the picture does, ``jpeg-damaged`` for any other defect.
        MediaTooLarge: The picture has too many pixels.
        OSError: Reading failed.
    """
    _read_scans(file, layout)
    if layout.height == 0 or layout.scanned != set(layout.components):
        # A height only DNL could give never came, or a component has no scan.
        raise MalformedMedia("jpeg-truncated", offset=layout.end)
    check_picture_size(layout.width, layout.height)


def payload(file: BinaryIO, segment: Segment, limit: int = PAYLOAD_LIMIT) -> bytes:
    """Return at most the first `limit` bytes of what a segment holds, without marker and length."""
    return _bytes_at(file, segment.payload, min(limit, segment.end - segment.payload))


def _segments(file: BinaryIO, layout: Layout, position: int) -> Iterator[Segment]:
    for _ in range(_SEGMENT_LIMIT):
        found = _find_marker(file, position, _MARKER)
        if found is None:
            return
        if layout.stray is None and not _is_fill(file, position, found.marker_at):
            layout.stray = position
        segment = _segment_at(file, layout, found.marker_at)
        yield segment
        position = segment.end
    raise MalformedMedia("jpeg-damaged", offset=position)


def _read_scans(file: BinaryIO, layout: Layout) -> None:
    segment = layout.scan
    for _ in range(_SEGMENT_LIMIT):
        if segment.marker == SOS:
            start = segment.end
            found = _find_marker(file, start, _MARKER_BUT_RESTART if layout.interval else _MARKER)
            if found is None:
                raise MalformedMedia("jpeg-truncated", offset=layout.size)
            follower = _follower(file, layout, found.marker_at)
            _check_scan(file, layout, segment, found)
            segment = segment._replace(end=found.marker_at)
        else:
            follower = _follower(file, layout, segment.end)
        layout.body.append(segment)
        segment = follower
        if segment.marker == EOI:
            layout.body.append(segment)
            layout.end = segment.end
            return
        _note(file, layout, segment)
    raise MalformedMedia("jpeg-damaged", offset=segment.start)


def _follower(file: BinaryIO, layout: Layout, position: int) -> Segment:
    """Return the segment at `position`, after a scan or between two; any byte out of order means the scan broke off."""
    found = _find_marker(file, position, _MARKER)
    if found is None or not _is_fill(file, position, found.marker_at):
        raise MalformedMedia("jpeg-truncated", offset=position)
    if found.marker not in _AFTER_SCAN:
        raise MalformedMedia("jpeg-truncated", offset=found.marker_at)
    return _segment_at(file, layout, found.marker_at)


class _Found(NamedTuple):
    marker_at: int
    marker: int
    restarts: int


def _find_marker(file: BinaryIO, position: int, pattern: re.Pattern[bytes]) -> _Found | None:
    """Return the next marker from `position` on that `pattern` takes, and how many restart markers come before it."""
    count = pattern is _MARKER_BUT_RESTART
    restarts = 0
    file.seek(position)
    # Segments of a header follow each other: a short first look finds nearly all of them.
    size = 64 if pattern is _MARKER else BLOCK
    while len(block := file.read(size)) > 1:
        match = pattern.search(block)
        stop = match.start() if match else len(block)
        if count:
            restarts += sum(1 for _ in _RESTART.finditer(block, 0, stop))
        if match:
            return _Found(position + match.start(), block[match.start() + 1], restarts)
        # An 0xFF at the end may begin a marker: read it again with what follows.
        step = len(block) - block.endswith(b"\xff")
        position += step
        file.seek(position)
        size = BLOCK
    return None


def _segment_at(file: BinaryIO, layout: Layout, start: int) -> Segment:
    head = _bytes_at(file, start, min(_HEAD_SIZE, layout.size - start))
    marker = head[1]
    if marker in _STANDALONE or marker in {SOI, EOI}:
        return Segment(marker, start, start + 2)
    length = int.from_bytes(head[2:4], "big")
    end = start + 2 + length
    if len(head) < _HEAD_SIZE or end > layout.size:
        raise MalformedMedia("jpeg-truncated", offset=start)
    if length < _LENGTH_SIZE:
        raise MalformedMedia("jpeg-damaged", offset=start)
    return Segment(marker, start, end)


def _note(file: BinaryIO, layout: Layout, segment: Segment) -> None:
    """Keep what a segment says about the picture."""
    if segment.marker in FRAMES and not layout.components:
        _note_frame(payload(file, segment), layout, segment)
    elif segment.marker == DRI:
        layout.interval = int.from_bytes(payload(file, segment, 2), "big")
    elif segment.marker == DNL and layout.height == 0:
        layout.height = int.from_bytes(payload(file, segment, 2), "big")


def _note_frame(data: bytes, layout: Layout, segment: Segment) -> None:
    """Read SOFn: precision, height, width, then id, sampling factors and table of each component (B.2.2)."""
    if len(data) < _FRAME_SIZE or data[5] not in _SAMPLING or len(data) < _FRAME_SIZE + 3 * data[5]:
        raise MalformedMedia("jpeg-damaged", offset=segment.start)
    layout.frame = segment.marker
    layout.precision = data[0]
    layout.height = int.from_bytes(data[1:3], "big")
    layout.width = int.from_bytes(data[3:5], "big")
    for at in range(_FRAME_SIZE, _FRAME_SIZE + 3 * data[5], 3):
        component = Component(data[at + 1] >> 4, data[at + 1] & 15, data[at + 2])
        if component.horizontal not in _SAMPLING or component.vertical not in _SAMPLING:
            raise MalformedMedia("jpeg-damaged", offset=segment.start)
        layout.components[data[at]] = component
    if layout.width == 0 or len(layout.components) != data[5]:
        raise MalformedMedia("jpeg-damaged", offset=segment.start)


def _check_scan(file: BinaryIO, layout: Layout, segment: Segment, found: _Found) -> None:
    """Refuse a scan that holds less than its frame needs, although a marker follows it.

    What can be known without decoding: each restart interval is there, and a sequential scan has at least one DC and
    one AC code, two bits, for each block.
    """
    head = payload(file, segment)
    names = list(head[1 : 1 + 2 * head[0] : 2]) if head else []
    if not names or any(name not in layout.components for name in names):
        raise MalformedMedia("jpeg-damaged", offset=segment.start)
    layout.scanned.update(names)
    if layout.height == 0 or layout.frame in _LOSSLESS:
        return
    units, blocks = _units(layout, names)
    expected = ceil(units / layout.interval) - 1 if layout.interval else 0
    short = layout.frame in _HUFFMAN_SEQUENTIAL and (found.marker_at - segment.end) * 8 < units * blocks * 2
    if found.restarts < expected or short:
        raise MalformedMedia("jpeg-truncated", offset=found.marker_at)


def _units(layout: Layout, names: list[int]) -> tuple[int, int]:
    """Return how many MCUs a scan has, and how many blocks each (A.2)."""
    widest = max(component.horizontal for component in layout.components.values())
    tallest = max(component.vertical for component in layout.components.values())
    if len(names) > 1:
        across, down = ceil(layout.width / (8 * widest)), ceil(layout.height / (8 * tallest))
        return across * down, sum(layout.components[n].horizontal * layout.components[n].vertical for n in names)
    only = layout.components[names[0]]
    columns = ceil(layout.width * only.horizontal / widest)
    rows = ceil(layout.height * only.vertical / tallest)
    return ceil(columns / 8) * ceil(rows / 8), 1


def _is_fill(file: BinaryIO, start: int, end: int) -> bool:
    """Say whether only fill bytes lie there (B.1.1.2 allows any number of 0xFF before a marker)."""
    if start == end:
        return True
    return end - start <= PAYLOAD_LIMIT and not _bytes_at(file, start, end - start).strip(b"\xff")


def _bytes_at(file: BinaryIO, start: int, count: int) -> bytes:
    file.seek(start)
    data = file.read(count)
    # A file that another process shortens ends before the size it had.
    if len(data) < count:
        raise MalformedMedia("jpeg-truncated", offset=start + len(data))
    return data
