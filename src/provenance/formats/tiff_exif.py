"""What a TIFF file says as EXIF, as a small stream of its own, and what an edit of that stream changes in the file.

A TIFF file is itself the stream that other containers hold as a block, but with the pictures in it. The block made here
has the texts and orientation of the first directory and all small values of the Exif and GPS directories.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from provenance.formats import tiff
from provenance.formats.base import METADATA_LIMIT
from provenance.formats.tiff import Directory, Stream
from provenance.metadata import ifd
from provenance.metadata.ifd import EXIF_IFD, GPS_IFD, LONG, SUB_IFDS, Value

Changes = Mapping[int, Value | None]
"""Tag → its new value, or None where it goes."""

# Description, maker, model, orientation, software, time, artist, copyright, and what belongs into the Exif directory.
_IMAGE_TAGS: Final = frozenset({0x010E, 0x010F, 0x0110, 0x0112, 0x0131, 0x0132, 0x013B, 0x8298, 0x9003, 0x9286})
_POINTERS: Final = frozenset({EXIF_IFD, GPS_IFD, ifd.INTEROP_IFD, SUB_IFDS})
_UNITS: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 129: 1}
_LARGEST: Final = 1 << 16  # a maker note beyond it stays out of the block, and as it is


def block(stream: Stream, image: Directory, exif: Directory | None, gps: Directory | None) -> bytes | None:
    """Return the EXIF block that stands for a file, or None if it says nothing.

    Raises:
        MalformedMedia: The file ends before a value does.
        OSError: Reading failed.
    """
    found = {tag: values(stream, part) for tag, part in ((EXIF_IFD, exif), (GPS_IFD, gps)) if part}
    texts = {tag: value for tag, value in values(stream, image).items() if tag in _IMAGE_TAGS}
    if not texts and not any(found.values()):
        return None
    out = bytearray(b"II*\0" if stream.order == "<" else b"MM\0*") + bytes(ifd.POINTER)
    for tag, part in found.items():
        at = ifd.append(out, stream.order, ifd.Directory(), part)
        texts[tag] = Value(LONG, 1, struct.pack(stream.order + "I", at))
    start = ifd.append(out, stream.order, ifd.Directory(), texts)
    struct.pack_into(stream.order + "I", out, 4, start)
    return bytes(out)


def changes(edited: bytes, stream: Stream, exif: Directory | None, gps: Directory | None) -> dict[int, Changes]:
    """Return what an edited block changes in the Exif and the GPS directory of a file, by the tag of each.

    Raises:
        MalformedMedia: ``exif-damaged``: `edited` is no EXIF block; or the file ends before a value does.
        OSError: Reading failed.
    """
    parsed = ifd.parse(edited)
    found: dict[int, Changes] = {}
    for tag, part, wanted in ((EXIF_IFD, exif, parsed.exif), (GPS_IFD, gps, parsed.gps)):
        present = values(stream, part) if part else {}
        after = {
            entry.tag: Value(entry.kind, entry.number, _in_order(entry.kind, parsed.data(entry), parsed, stream))
            for entry in reversed(wanted.entries)
            if entry.kind in _UNITS and entry.tag not in _POINTERS
        }
        tags = sorted(present.keys() | after.keys())
        found[tag] = {tag: after.get(tag) for tag in tags if after.get(tag) != present.get(tag)}
    return found


def values(stream: Stream, directory: Directory) -> dict[int, Value]:
    """Return the values of a directory that a block takes up; the first one where a tag is repeated."""
    found: dict[int, Value] = {}
    left = METADATA_LIMIT
    for entry in directory.entries:
        fits = entry.kind in _UNITS and entry.size <= min(_LARGEST, left)
        if fits and entry.tag not in _POINTERS and entry.tag not in found:
            found[entry.tag] = Value(entry.kind, entry.number, tiff.data(stream, entry))
            left -= entry.size
    return found


def _in_order(kind: int, data: bytes, block: ifd.Stream, stream: Stream) -> bytes:
    """Return a value in the byte order of the file."""
    unit = _UNITS[kind]
    if block.order == stream.order or unit == 1:
        return data
    return b"".join(data[at : at + unit][::-1] for at in range(0, len(data), unit))
