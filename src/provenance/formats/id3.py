"""ID3v2 tags in front of a sound: where each frame lies, and the edits that change some and leave all others.

A tag may be large, since it holds covers: frames are passed over by their sizes, and only those asked for are read.
One that is unsynchronised as a whole (ID3v2.3) has its sizes counted before that; it is restored in memory.

Sources: ID3 tag version 2.3.0; ID3 tag version 2.4.0, main structure and native frames; XMP specification, part 3,
1.1.4, for the packet.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats.base import METADATA_LIMIT, Field, FieldName, check_carrier_size
from provenance.formats.splice import Edit, splice
from provenance.metadata.position import from_iso6709

MAGIC: Final = b"ID3"
HEAD: Final = 10
"""Bytes of the head of a tag, of its footer, and of a frame's head."""
TEXT: Final = b"TXXX"
PRIVATE: Final = b"PRIV"
OBJECT: Final = b"GEOB"

_AIGC: Final = "AIGC"
_LOCATION: Final = "LOCATION"
_PLACE: Final = "ID3v2:TXXX:"
_NATIVE: Final[dict[FieldName, str]] = {"aigc": _AIGC, "position": "location"}
_PLAIN: Final = 3
_VERSIONS: Final = range(2, 5)
_SAFE: Final = 4  # whose sizes have seven bits a byte
_GLANCE: Final = 64
# Flags of a tag.
_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
# Flags of a frame, and how many bytes each puts before the content.
_PLAIN_FLAGS: Final = {0x80: 4, 0x40: 1, 0x20: 1}
_SAFE_FLAGS: Final = {0x40: 1, 0x04: 1, 0x01: 4}
_COMPRESSED: Final = {_PLAIN: 0x80, _SAFE: 0x08}
_ENCRYPTED: Final = {_PLAIN: 0x40, _SAFE: 0x04}
_FRAME_UNSYNCHRONISED: Final = 0x02
_NAME: Final = re.compile(rb"[A-Z][A-Z0-9]{2}[A-Z0-9 \0]")  # some writers put names of version 2.2 into later tags
_TAG_LIMIT: Final = 16
_FRAME_LIMIT: Final = 100_000
_LARGEST: Final = (1 << 28) - 1
_PAGE: Final = 4096
_CODECS: Final = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
_LATIN, _WIDE, _UTF8 = 0, 1, 3
_FALSE_SYNC: Final = re.compile(rb"\xff(?=[\xe0-\xff\0]|\Z)")


class Frame(NamedTuple):
    """One frame: its name, the offset of its head and of its end in its tag's source, and its two bytes of flags."""

    name: bytes
    start: int
    end: int
    flags: int


@dataclass(slots=True)
class Tag:
    """One tag.

    Attributes:
        start: Offset of its head in the file.
        end: Offset behind it, its padding and its footer.
        version: 2, 3 or 4.
        flags: Of its head.
        source: What `frames` and the next two speak of: the file, or the restored tag.
        frames_start: Where frames start, behind an extended head.
        frames_end: Where they end and padding starts.
        frames: In their order.
        damage: Offset of what makes it unsafe to change; None where all is well.
    """

    start: int
    end: int
    version: int
    flags: int
    source: BinaryIO
    frames_start: int
    frames_end: int
    frames: list[Frame] = field(default_factory=list)
    damage: int | None = None

    @property
    def restored(self) -> bool:
        """Whether its source is not the file."""
        return self.version < _SAFE and bool(self.flags & _UNSYNCHRONISED)

    @property
    def shrinkable(self) -> bool:
        """Whether it can lose frames and keep its size: padding takes their place, which a footer forbids."""
        return self.version in {_PLAIN, _SAFE} and self.damage is None and not self.has_footer

    @property
    def has_footer(self) -> bool:
        """Whether its head stands behind it once more."""
        return self.version == _SAFE and bool(self.flags & _FOOTER)


def end_of(head: bytes) -> int | None:
    """Return how long the tag is that starts with these ten bytes; None if none does."""
    if len(head) < HEAD or not head.startswith(MAGIC) or head[3] not in _VERSIONS or not _is_safe(head[6:HEAD]):
        return None
    footer = HEAD if head[3] >= _SAFE and head[5] & _FOOTER else 0
    return HEAD + _unpacked(head[6:HEAD]) + footer


def head_behind(file: BinaryIO, size: int) -> bytes:
    """Return the first `size` bytes of a file as they would be if the tags in front of it were one empty tag.

    What follows a tag says what the file is; the tag may be larger than any head that one looks at.

    Raises:
        OSError: Reading failed.
    """
    start = 0
    for _ in range(_TAG_LIMIT):
        file.seek(start)
        head = file.read(size)
        length = end_of(head)
        if length is None:
            break
        start += length
    if start and head:
        return MAGIC + bytes([_SAFE, 0, 0, 0, 0, 0, 0]) + head[: size - HEAD]
    file.seek(0)
    return file.read(size)


def tags(file: BinaryIO, start: int = 0) -> list[Tag]:
    """Return the tags that follow each other from an offset on; there may be none.

    Raises:
        MalformedMedia: ``id3-truncated``: the file ends before the tag does; ``id3-damaged``: there are too many.
        MediaTooLarge: A tag that has to be restored exceeds `METADATA_LIMIT`.
        OSError: Reading failed.
    """
    found: list[Tag] = []
    size = file.seek(0, os.SEEK_END)
    while True:
        file.seek(start)
        head = file.read(HEAD)
        length = end_of(head)
        if length is None:
            return found
        if start + length > size:
            raise MalformedMedia("id3-truncated", offset=size)
        if len(found) == _TAG_LIMIT:
            raise MalformedMedia("id3-damaged", offset=start)
        found.append(_tag(file, start, start + length, head))
        start += length


def content(tag: Tag, frame: Frame) -> bytes | None:
    """Return what a frame holds; None if it is encrypted or cannot be expanded.

    Raises:
        MediaTooLarge: It exceeds `METADATA_LIMIT`.
        OSError: Reading failed.
    """
    check_carrier_size(frame.end - frame.start, frame.start)
    data = beginning(tag, frame, METADATA_LIMIT)
    if frame.flags & _ENCRYPTED[tag.version]:
        return None
    if tag.version == _SAFE and (frame.flags & _FRAME_UNSYNCHRONISED or tag.flags & _UNSYNCHRONISED):
        data = _synchronised(data)
    before = _PLAIN_FLAGS if tag.version == _PLAIN else _SAFE_FLAGS
    data = data[sum(size for flag, size in before.items() if frame.flags & flag) :]
    return _expanded(data) if frame.flags & _COMPRESSED[tag.version] else data


def frames_named(
    found: Sequence[Tag], name: bytes, wanted: Callable[[bytes], bool]
) -> Iterator[tuple[Tag, Frame, bytes]]:
    """Yield every readable frame of one name and what it holds, where `wanted` takes its first bytes.

    Raises:
        MediaTooLarge: They exceed `METADATA_LIMIT` together.
        OSError: Reading failed.
    """
    total = 0
    for tag in found:
        for each in tag.frames:
            if each.name != name or not (each.flags or wanted(beginning(tag, each, _GLANCE))):
                continue
            total += each.end - each.start
            check_carrier_size(total, each.start)
            data = content(tag, each)
            if data is not None and wanted(data[:_GLANCE]):
                yield tag, each, data


def beginning(tag: Tag, frame: Frame, size: int) -> bytes:
    """Return the first bytes behind a frame's head, as they stand there."""
    tag.source.seek(frame.start + HEAD)
    return tag.source.read(min(size, frame.end - frame.start - HEAD))


def _text(data: bytes) -> tuple[str, str] | None:
    """Return the description and the value of what a ``TXXX`` frame holds; None if it cannot be told."""
    codec = _CODECS.get(data[0]) if data else None
    if codec is None:
        return None
    width = 2 if codec.startswith("utf-16") else 1
    body = data[1:]
    cut = next((at for at in range(0, len(body), width) if body[at : at + width] == bytes(width)), None)
    if cut is None:
        return None
    description, value = (each.decode(codec, "replace") for each in (body[:cut], body[cut + width :]))
    return description, value.rstrip("\0")


def statements(found: Sequence[Tag]) -> Iterator[tuple[Tag, Frame, Field]]:
    """Yield every text that states something for us; see `frames_named` for errors.

    That is the AIGC element, its description in whatever case (TC260-PG-202510A), and the position of a phone's
    recording, which ffmpeg copies into texts ``location`` and ``location-eng``.
    """
    for tag, each, data in frames_named(found, TEXT, _may_state):
        description, value = _text(data) or ("", "")
        name = description.upper().partition("-")[0]
        if description.upper() == _AIGC:
            yield tag, each, Field("aigc", value, f"{_PLACE}{description}", "id3-text")
        elif name == _LOCATION and from_iso6709(value) is not None:
            yield tag, each, Field("position", value, f"{_PLACE}{description}")


def statement(tag: Tag | None, name: FieldName, value: str) -> bytes:
    """Return a statement for a tag, or for a new one, in the most compact encoding that its version has for it."""
    description = _NATIVE[name]
    if tag is None or tag.version == _SAFE:
        return frame(tag, TEXT, bytes([_UTF8]) + f"{description}\0{value}".encode())
    if value.isascii():
        return frame(tag, TEXT, bytes([_LATIN]) + f"{description}\0{value}".encode())
    parts = (b"\xff\xfe" + each.encode("utf-16-le") for each in (description, value))
    return frame(tag, TEXT, bytes([_WIDE]) + b"\0\0".join(parts))


def _may_state(data: bytes) -> bool:
    text = data.replace(b"\0", b"").decode("latin-1").upper()
    return _AIGC in text or _LOCATION in text


def frame(tag: Tag | None, name: bytes, data: bytes) -> bytes:
    """Return a frame for a tag, or for a new one.

    Raises:
        MediaTooLarge: It exceeds `METADATA_LIMIT`.
    """
    check_carrier_size(len(data), 0)
    size = _packed(len(data)) if tag is None or tag.version == _SAFE else struct.pack(">I", len(data))
    return name + size + bytes(2) + data


def edits(found: Sequence[Tag], dropped: Collection[tuple[Tag, Frame]], new: bytes, start: int = 0) -> list[Edit]:
    """Return the edits that drop some frames and put `new` ones behind those of the first tag.

    What fits into the padding leaves the sound where it is; else that moves by whole pages, as the kernel copies it
    best. Without a tag there is one at `start` afterwards.

    Raises:
        MetadataNotWritten: ``id3-version``, ``id3-full``.
        MalformedMedia: ``id3-damaged``: the tag to change is not sound.
        OSError: Reading failed.
    """
    if not found:
        return [Edit(start, start, _alone(new))] if new else []
    changed = []
    for tag in found:
        gone = [frame for owner, frame in dropped if owner is tag]
        added = new if tag is found[0] else b""
        if gone or added:
            _refuse_unsafe(tag)
            changed += _tag_edits(tag, gone, added)
    return changed


def _tag_edits(tag: Tag, gone: Sequence[Frame], added: bytes) -> list[Edit]:
    inner = [Edit(each.start, each.end, b"") for each in gone] + [Edit(tag.frames_end, tag.frames_end, added)]
    used = tag.frames_end - tag.frames_start + sum(each.growth for each in inner)
    if tag.restored:
        # Numbers of the extended head, which nobody reads, would no longer be true: it goes.
        body = io.BytesIO()
        whole = tag.source.seek(0, os.SEEK_END)
        splice(tag.source, body, [Edit(0, tag.frames_start, b""), *inner, Edit(tag.frames_end, whole, b"")])
        raw = _FALSE_SYNC.sub(b"\xff\0", body.getvalue())
        head, padding = _head(tag, len(raw))
        return [Edit(tag.start, tag.end, head + raw + padding)]
    head, tail = _head(tag, used)
    return [Edit(tag.start, tag.frames_start, head), *inner, Edit(tag.frames_end, tag.end, tail)]


def _head(tag: Tag, used: int) -> tuple[bytes, bytes]:
    """Return the head of a tag with so many bytes of frames, and what follows them: padding, or a footer."""
    flags = tag.flags & ~_EXTENDED
    if tag.has_footer:
        # A footer forbids padding (ID3v2.4, 3.3).
        rest = bytes([tag.version, 0, flags]) + _size(used)
        return MAGIC + rest, MAGIC[::-1] + rest
    padding = _padding(HEAD + used, tag.end - tag.start)
    return MAGIC + bytes([tag.version, 0, flags]) + _size(used + padding), bytes(padding)


def _alone(frames: bytes) -> bytes:
    padding = _padding(HEAD + len(frames), 0)
    return MAGIC + bytes([_SAFE, 0, 0]) + _size(len(frames) + padding) + frames + bytes(padding)


def _padding(used: int, before: int) -> int:
    pages = max(0, -((before - used) // _PAGE))
    return before + pages * _PAGE - used


def _refuse_unsafe(tag: Tag) -> None:
    if tag.version not in {_PLAIN, _SAFE}:
        raise MetadataNotWritten("id3-version", version=f"2.{tag.version}", offset=tag.start)
    if tag.damage is not None:
        raise MalformedMedia("id3-damaged", offset=tag.start if tag.restored else tag.damage)


def _tag(file: BinaryIO, start: int, end: int, head: bytes) -> Tag:
    version, flags = head[3], head[5]
    footer = HEAD if version >= _SAFE and flags & _FOOTER else 0
    tag = Tag(start, end, version, flags, file, start + HEAD, end - footer)
    if version not in {_PLAIN, _SAFE}:
        return tag
    if tag.restored:
        check_carrier_size(end - start, start)
        file.seek(start + HEAD)
        restored = _synchronised(file.read(end - start - HEAD))
        tag.source, tag.frames_start, tag.frames_end = io.BytesIO(restored), 0, len(restored)
    limit = tag.frames_end
    if flags & _EXTENDED:
        tag.frames_start += _extended_size(tag)
    tag.frames, tag.frames_end, tag.damage = _walk(tag, limit, safe=version == _SAFE)
    if tag.damage is not None and version == _SAFE:
        # Some writers gave the sizes of version 2.4 in eight bits a byte; the frames are read, but not changed.
        frames, frames_end, damage = _walk(tag, limit, safe=False)
        if damage is None:
            tag.frames, tag.frames_end = frames, frames_end
    return tag


def _extended_size(tag: Tag) -> int:
    tag.source.seek(tag.frames_start)
    size = tag.source.read(4)
    return _unpacked(size) if tag.version == _SAFE else 4 + int.from_bytes(size, "big")


def _walk(tag: Tag, limit: int, *, safe: bool) -> tuple[list[Frame], int, int | None]:
    """Return the frames, where they end, and where what follows is neither frame nor padding."""
    found: list[Frame] = []
    at = tag.frames_start
    while at + HEAD <= limit:
        tag.source.seek(at)
        head = tag.source.read(HEAD)
        if not head.strip(b"\0"):
            return found, at, None
        size = _unpacked(head[4:8]) if safe else int.from_bytes(head[4:8], "big")
        end = at + HEAD + size
        if not _NAME.match(head) or (safe and not _is_safe(head[4:8])) or end > limit or len(found) == _FRAME_LIMIT:
            return found, at, at
        found.append(Frame(head[:4], at, end, int.from_bytes(head[8:], "big")))
        at = end
    return found, at, at if at > limit else None


def _synchronised(data: bytes) -> bytes:
    return data.replace(b"\xff\0", b"\xff")


def _expanded(data: bytes) -> bytes | None:
    expander = zlib.decompressobj()
    try:
        expanded = expander.decompress(data, METADATA_LIMIT)
    except zlib.error:
        return None
    return None if expander.unconsumed_tail else expanded


def _is_safe(size: bytes) -> bool:
    return all(byte >> 7 == 0 for byte in size)


def _unpacked(data: bytes) -> int:
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value


def _packed(value: int) -> bytes:
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def _size(value: int) -> bytes:
    if value > _LARGEST:
        raise MetadataNotWritten("id3-full", size=value, limit=_LARGEST)
    return _packed(value)
