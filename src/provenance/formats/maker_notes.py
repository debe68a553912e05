"""What maker notes say about bytes outside of their own block.

No maker publishes its notes, but the directories in them look like those of TIFF. Minolta and Olympus keep a preview
behind the picture and state its offset and its length, one right after the other; from where the offset counts differs.
"""

from __future__ import annotations

import re
import struct
from typing import Final

_BASES: Final = 1 << 16  # an offset counts from somewhere in the first segments
_SMALLEST: Final = 1024  # bytes of a preview
# Two entries that follow each other, each one number of four bytes: tag, type LONG, count 1, value.
_PAIRS: Final = {
    b"II": re.compile(rb"(?=(..)\x04\0\x01\0\0\0(....)(..)\x04\0\x01\0\0\0(....))", re.DOTALL),
    b"MM": re.compile(rb"(?=(..)\0\x04\0\0\0\x01(....)(..)\0\x04\0\0\0\x01(....))", re.DOTALL),
}


def point_behind(block: bytes, picture_end: int, file_end: int) -> bool:
    """Say whether an EXIF block points at a preview between the end of the picture and that of the file."""
    pairs = _PAIRS.get(block[:2])
    order = "<" if block[:2] == b"II" else ">"
    for found in pairs.finditer(block) if pairs else ():
        tag, start, next_tag, length = struct.unpack(order + "HIHI", b"".join(found.groups()))
        is_pair = next_tag == tag + 1 and length >= _SMALLEST
        if is_pair and start + _BASES >= picture_end and file_end - _BASES < start + length <= file_end:
            return True
    return False
