"""The index of a JPEG that holds several pictures (CIPA DC-007, Multi-Picture Format).

The index sits in the first picture's APP2 and counts offsets from its own TIFF header. What grows in front of it
changes nothing in it but the size of the first picture; what grows between it and the next picture, every offset.
"""

from __future__ import annotations

import struct
from typing import Final

PREFIX: Final = b"MPF\0"
_ENTRIES: Final = 0xB002
_ENTRY_SIZE: Final = 16


def count(payload: bytes) -> int:
    """Return how many pictures the index lists; 0 if it cannot be read. `payload` is the whole APP2 payload."""
    return len(_entries(payload))


def moved(payload: bytes, grown: int, behind: int) -> bytes:
    """Return `payload` as it must read once the first picture has changed its size.

    An index that cannot be read is returned as it is.

    Args:
        payload: The whole APP2 payload.
        grown: Bytes that the whole first picture gains, its metadata included.
        behind: Bytes of these that lie behind the index.
    """
    order = _order(payload)
    result = bytearray(payload)
    for number, at in enumerate(_entries(payload)):
        size, offset = struct.unpack_from(order + "II", payload, at + 4)
        if number == 0:
            struct.pack_into(order + "I", result, at + 4, (size + grown) & 0xFFFFFFFF)
        elif offset:
            struct.pack_into(order + "I", result, at + 8, (offset + behind) & 0xFFFFFFFF)
    return bytes(result)


def _order(payload: bytes) -> str:
    return "<" if payload.startswith(b"II", len(PREFIX)) else ">"


def _entries(payload: bytes) -> range:
    """Return where in `payload` each 16-byte MP Entry lies."""
    header = len(PREFIX)
    order = _order(payload)
    nothing = range(0)
    if payload[header : header + 4] not in {b"II*\0", b"MM\0*"} or len(payload) < header + 10:
        return nothing
    ifd = header + struct.unpack_from(order + "I", payload, header + 4)[0]
    if ifd + 2 > len(payload):
        return nothing
    entries = struct.unpack_from(order + "H", payload, ifd)[0]
    if ifd + 2 + 12 * entries > len(payload):
        return nothing
    for at in range(ifd + 2, ifd + 2 + 12 * entries, 12):
        tag, _, length, value = struct.unpack_from(order + "HHII", payload, at)
        if tag == _ENTRIES:
            first = header + value
            fits = length >= _ENTRY_SIZE and first + length <= len(payload)
            return range(first, first + length // _ENTRY_SIZE * _ENTRY_SIZE, _ENTRY_SIZE) if fits else nothing
    return nothing
