"""XMP that does not fit one JPEG segment: the packet names a second one by its MD5, which lies in parts behind it.

Source: Adobe XMP Specification Part 3, section 1.1.3.1 (Extended XMP in JPEG).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from provenance.formats.base import METADATA_LIMIT
from provenance.formats.jpeg_segments import PAYLOAD_LIMIT
from provenance.metadata.xmp_split import name_of

PREFIX: Final = b"http://ns.adobe.com/xmp/extension/\0"
MAIN_LIMIT: Final = 65_502
"""Most bytes of the packet that one segment holds."""
_NAME: Final = re.compile(rb"HasExtendedXMP\s*(?:=\s*[\"']|>)\s*([0-9A-Fa-f]{32})")
_GUID: Final = 32
_HEAD: Final = len(PREFIX) + _GUID + 8  # and the length of the whole, and where this part begins


def belongs(part: bytes, main: bytes) -> bool:
    """Say whether the payload of a segment is a part of the extension that `main` names."""
    named = _NAME.search(main)
    return named is not None and part[len(PREFIX) : len(PREFIX) + _GUID].upper() == named[1].upper()


def joined(main: bytes, parts: Sequence[bytes]) -> bytes | None:
    """Return the extension that `main` names, from the payloads of its segments; None if it is not whole.

    Args:
        main: The main packet.
        parts: Whole payloads, prefix included, in any order.
    """
    named = _NAME.search(main)
    own = [part for part in parts if belongs(part, main)]
    if not named or not own or any(len(part) <= _HEAD for part in own):
        return None
    length = int.from_bytes(own[0][_HEAD - 8 : _HEAD - 4], "big")
    pieces = sorted((int.from_bytes(part[_HEAD - 4 : _HEAD], "big"), part[_HEAD:]) for part in own)
    if length > METADATA_LIMIT or sum(len(piece) for _, piece in pieces) != length:
        return None
    whole = b"".join(piece for _, piece in pieces)
    # Parts that overlap or repeat have the right length at most by chance, and never the right digest.
    return whole if name_of(whole).encode() == named[1].upper() else None


def parts_of(packet: bytes) -> Iterator[bytes]:
    """Yield the payloads of the segments that hold an extension."""
    room = PAYLOAD_LIMIT - _HEAD
    name = name_of(packet).encode()
    for start in range(0, len(packet), room):
        place = len(packet).to_bytes(4, "big") + start.to_bytes(4, "big")
        yield PREFIX + name + place + packet[start : start + room]
