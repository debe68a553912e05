"""The tags of an FLV file: where each lies, and script data among them (FLV specification 10.1, E.2 to E.4)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten

MAGIC: Final = b"FLV\x01"
AUDIO, VIDEO, SCRIPT = 8, 9, 18
TAG_HEAD: Final = 11
"""Bytes of a tag before its data."""

_HEADER: Final = struct.Struct(">3sBBI")
_HAS_AUDIO, _HAS_VIDEO = 4, 1
_BACK: Final = 4  # bytes of the size of the tag before
_KIND: Final = 0x1F  # without the bit for encryption
_LARGEST: Final = (1 << 24) - 1
_TAG_LIMIT: Final = 4_000_000  # some eleven hours
_NAME_LIMIT: Final = 32


class Tag(NamedTuple):
    """One tag: its kind, its offset, and the first byte after the size that follows it."""

    kind: int
    start: int
    end: int

    @property
    def data(self) -> int:
        """Offset of what it holds."""
        return self.start + TAG_HEAD


def header(file: BinaryIO) -> tuple[int, bool]:
    """Return where the first tag starts, and whether the file says that it holds sound and no pictures.

    Raises:
        MalformedMedia: ``flv-truncated`` or ``flv-damaged``.
        OSError: Reading failed.
    """
    file.seek(0)
    data = file.read(_HEADER.size)
    if len(data) < _HEADER.size:
        raise MalformedMedia("flv-truncated", offset=len(data))
    magic, version, flags, length = _HEADER.unpack(data)
    if magic + bytes([version]) != MAGIC or length < _HEADER.size:
        raise MalformedMedia("flv-damaged", offset=0)
    return length + _BACK, flags & (_HAS_AUDIO | _HAS_VIDEO) == _HAS_AUDIO


def tags(file: BinaryIO, start: int) -> Iterator[Tag]:
    """Yield every tag from an offset on.

    Raises:
        MalformedMedia: ``flv-truncated``: a tag leaves the file; ``flv-damaged``: what is there is no tag.
        MediaTooLarge: ``flv-too-many-tags``.
        OSError: Reading failed.
    """
    size = file.seek(0, os.SEEK_END)
    if start > size:
        raise MalformedMedia("flv-truncated", offset=size)
    for _ in range(_TAG_LIMIT):
        if start == size:
            return
        file.seek(start)
        head = file.read(TAG_HEAD)
        length = int.from_bytes(head[1:4], "big")
        end = start + TAG_HEAD + length + _BACK
        if len(head) < TAG_HEAD or end > size:
            raise MalformedMedia("flv-truncated", offset=start)
        kind = head[0] & _KIND
        if kind not in {AUDIO, VIDEO, SCRIPT} and not _ends_itself(file, end, length):
            raise MalformedMedia("flv-damaged", offset=start)
        yield Tag(kind, start, end)
        start = end
    raise MediaTooLarge("flv-too-many-tags", offset=start, limit=_TAG_LIMIT)


def _ends_itself(file: BinaryIO, end: int, length: int) -> bool:
    """Say whether a tag of a kind that nobody knows is followed by its own size, as any tag is."""
    file.seek(end - _BACK)
    return file.read(_BACK) == struct.pack(">I", TAG_HEAD + length)


def script_name(file: BinaryIO, tag: Tag) -> bytes:
    """Return the name of a script tag; empty if it has none, or a longer one than any that is looked for.

    Raises:
        OSError: Reading failed.
    """
    file.seek(tag.data)
    data = file.read(min(_NAME_LIMIT, tag.end - _BACK - tag.data))
    length = int.from_bytes(data[1:3], "big")
    return data[3 : 3 + length] if data[:1] == b"\2" and 3 + length <= len(data) else b""


def content(file: BinaryIO, tag: Tag) -> bytes:
    """Return what a tag holds.

    Raises:
        MalformedMedia: ``flv-truncated``.
        OSError: Reading failed.
    """
    length = tag.end - _BACK - tag.data
    file.seek(tag.data)
    data = file.read(length)
    if len(data) < length:
        raise MalformedMedia("flv-truncated", offset=tag.start)
    return data


def pack(data: bytes, head: bytes = bytes([SCRIPT]).ljust(TAG_HEAD, b"\0")) -> bytes:
    """Return a script tag with other data, and its size behind it; the rest of its head stays.

    Raises:
        MetadataNotWritten: ``flv-tag-full``: it would be larger than a tag can be.
    """
    if len(data) > _LARGEST:
        raise MetadataNotWritten("flv-tag-full", size=len(data), limit=_LARGEST)
    return head[:1] + len(data).to_bytes(3, "big") + head[4:] + data + struct.pack(">I", TAG_HEAD + len(data))
