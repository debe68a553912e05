"""A JPEG file as its segments (ITU-T T.81, annex B): which bytes are picture, and which belong to somebody else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from provenance.errors import MalformedMedia

SOI, EOI, SOS, DQT, DHT, DRI, DAC, DNL = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xCC, 0xDC
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
SOF: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_TABLES: Final = SOF | {DQT, DHT, DRI, DAC, DNL, SOS}
# What may stand between SOI and EOI: T.81, table B.1, without restart markers and reserved codes below SOF0.
_FOLLOWING: Final = frozenset(range(0xC0, 0xFF)) - frozenset(range(0xD0, 0xD9))
# In a scan, 0xFF starts a marker unless a stuffed zero, a restart marker or another 0xFF follows.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment: bytes `start` to `end` of the file, a scan's entropy-coded data included."""

    marker: int
    start: int
    end: int
    payload: int  # where the bytes after the length field start

    @property
    def is_picture(self) -> bool:
        """Whether an encoder replaces it: frame, tables and scans."""
        return self.marker in _TABLES


def segments(data: bytes) -> list[Segment]:
    """Return the segments after SOI, the last one being EOI; what follows it in the file is not a segment.

    Raises:
        MalformedMedia: the file is not a JPEG file, or ends before its EOI.
    """
    if data[:2] != b"\xff\xd8":
        raise MalformedMedia("notice-jpeg-broken", offset=0)
    found: list[Segment] = []
    at = 2
    while not found or found[-1].marker != EOI:
        found.append(_segment(data, at))
        at = found[-1].end
    return found


def _segment(data: bytes, start: int) -> Segment:
    at = start
    while data[at : at + 2] == b"\xff\xff":  # fill bytes
        at += 1
    marker = int.from_bytes(data[at : at + 2], "big") ^ 0xFF00
    if at + 2 > len(data) or marker not in _FOLLOWING:
        raise MalformedMedia("notice-jpeg-broken", offset=start)
    if marker == EOI:
        return Segment(marker, start, at + 2, at + 2)
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    end = at + 2 + length
    if end < at + 4 or end > len(data):
        raise MalformedMedia("notice-jpeg-broken", offset=start)
    if marker == SOS:
        following = _MARKER.search(data, end)
        if following is None:
            raise MalformedMedia("notice-jpeg-broken", offset=len(data))
        end = following.start()
    return Segment(marker, start, end, at + 4)
