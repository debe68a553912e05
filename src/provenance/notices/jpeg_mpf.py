"""Files with more than one picture (CIPA DC-007, Multi-Picture Format): keep their index pointing at the others."""

from __future__ import annotations

import struct
from typing import Final

from provenance.errors import MalformedMedia
from provenance.notices.refusal import WAY_ON

SIGNATURE: Final = b"MPF\0"
_ENTRY_TAG: Final = 0xB002
_ENTRY: Final = 16  # attribute, size, offset, two dependents

# What announces a second picture that re-lights the first: a notice would shine in it, or vanish.
GAIN_MAP_MARKS: Final = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"urn:iso:std:iso:ts:21496:-1",
    b"http://ns.apple.com/HDRGainMap/1.0/",
    b"urn:com:apple:photo:2020:aux:hdrgainmap",
    b'Item:Semantic="GainMap"',
)


def moved(segment: bytes, base: int, new_base: int, end: int, new_end: int) -> bytes:
    """Return an APP2 MPF segment whose index fits the rewritten first picture.

    Args:
        segment: The whole segment, marker included.
        base: Offset in the file of the segment's TIFF header, from which the index counts.
        new_base: The same in the new file.
        end: Offset of the first byte after the first picture's EOI.
        new_end: The same in the new file.

    Raises:
        MalformedMedia: the index cannot be read.
    """
    head = segment.index(SIGNATURE) + len(SIGNATURE)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(segment[head : head + 4])
    entries = _entries(segment, head, order) if order else None
    if not order or entries is None:
        raise MalformedMedia("notice-jpeg-mpf-broken", way_on=WAY_ON, offset=base)
    changed = bytearray(segment)
    for number, at in enumerate(entries):
        size, offset = struct.unpack_from(f"{order}II", segment, at + 4)
        # The first entry is the picture itself: its offset is 0 by definition.
        if number == 0:
            size += new_end - end
        elif base + offset >= end:
            offset += (new_end - end) - (new_base - base)
        if not (0 <= size < 1 << 32 and 0 <= offset < 1 << 32):
            raise MalformedMedia("notice-jpeg-mpf-broken", way_on=WAY_ON, offset=base)
        struct.pack_into(f"{order}II", changed, at + 4, size, offset)
    return bytes(changed)


def _entries(segment: bytes, head: int, order: str) -> range | None:
    """Return where the index entries start in `segment`."""
    try:
        (directory,) = struct.unpack_from(f"{order}I", segment, head + 4)
        (count,) = struct.unpack_from(f"{order}H", segment, head + directory)
        for number in range(count):
            tag, _, length, at = struct.unpack_from(f"{order}HHII", segment, head + directory + 2 + 12 * number)
            if tag == _ENTRY_TAG and length % _ENTRY == 0 and head + at + length <= len(segment):
                return range(head + at, head + at + length, _ENTRY)
    except struct.error:
        return None
    return None
