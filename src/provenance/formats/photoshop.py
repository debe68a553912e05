"""Photoshop image resources, where JPEG and TIFF keep IPTC-IIM (Adobe Photoshop File Formats, "Image Resources")."""

from __future__ import annotations

from typing import Final

_SIGNATURE: Final = b"8BIM"
_IPTC: Final = 0x0404


def iptc_of(block: bytes) -> bytes | None:
    """Return the IPTC-IIM datasets in a block of resources, or None.

    Raises:
        ValueError: The block breaks its form; nothing in it can be relied on.
    """
    position = 0
    found: bytes | None = None
    while block.startswith(_SIGNATURE, position):
        if position + 7 > len(block):
            raise ValueError(position)
        number = int.from_bytes(block[position + 4 : position + 6], "big")
        # A Pascal string, padded so that its length byte and text fill an even number of bytes.
        name_end = position + 6 + (block[position + 6] + 2) // 2 * 2
        start = name_end + 4
        length = int.from_bytes(block[name_end:start], "big")
        if start + length > len(block):
            raise ValueError(position)
        if number == _IPTC and found is None:
            found = block[start : start + length]
        position = start + length + length % 2
    if block[position:].strip(b"\0"):
        raise ValueError(position)
    return found
