"""ZIP archives, edited without touching an entry that does not change (PKWARE APPNOTE 6.3.10, section 4).

Headers and data of every other entry go over byte-exact; the central directory keeps every record, with new offsets.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MetadataNotWritten, UnsupportedFormat
from provenance.formats.base import check_carrier_size
from provenance.formats.splice import Edit

STORED: Final = 0
DEFLATED: Final = 8

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LONGEST_COMMENT: Final = 0xFFFF
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_ZIP64_LOCATOR_SIZE: Final = 20
_ZIP64: Final = 0x0001  # id of the extra field
_MANY: Final = 0xFFFF
_LARGE: Final = 0xFFFFFFFF
_ENCRYPTED: Final = 0x0001
_HAS_DESCRIPTOR: Final = 0x0008
_UTF_8: Final = 0x0800
_BASIC_VERSION: Final = 20
_NEW_YEAR_1980: Final = (0, 0x0021)  # the first moment that the format knows; time, then date
_DESCRIPTOR_SIZES: Final = (12, 16, 20, 24)


class Entry(NamedTuple):
    """One entry, as the central directory has it.

    Attributes:
        name: Its path, decoded.
        method: How it is packed.
        crc: CRC-32 of its content.
        packed: Bytes that its data take.
        size: Bytes of its content.
        start: Where its local header starts.
        data: Where its data start.
        end: Where the next entry, or the central directory, starts.
        record: Its record in the central directory.
    """

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int
    data: int
    end: int
    record: bytes


class Archive(NamedTuple):
    """An archive: its entries by name in the order of the directory, and where that and its end record stand."""

    entries: dict[str, Entry]
    directory: int
    end: int
    comment: bytes
    size: int


def read(file: BinaryIO) -> Archive:
    """Return what an archive holds, its entries unread.

    Raises:
        MalformedMedia: ``zip-truncated``, or ``zip-damaged``: the directory contradicts the entries, two have one name,
            or they overlap.
        UnsupportedFormat: ``zip-64`` or ``zip-encrypted``.
        MediaTooLarge: The directory exceeds a limit.
        OSError: Reading failed.
    """
    size = file.seek(0, 2)
    end, tail = _end_record(file, size)
    _, disk, first_disk, here, count, length, directory, _ = _END.unpack_from(tail)
    if _MANY in (here, count) or _LARGE in (length, directory):
        raise UnsupportedFormat("zip-64", offset=end)
    if disk or first_disk or here != count or directory + length != end:
        raise MalformedMedia("zip-damaged", offset=end)
    check_carrier_size(length, directory)
    file.seek(directory)
    records = _records(file.read(length), directory, count)
    found: dict[str, Entry] = {}
    ends = [*sorted(entry.start for entry in records), directory]
    after = dict(pairwise(ends))
    for record in records:
        entry = _checked(file, record, after.get(record.start, 0))
        if entry.name.casefold() in found:
            raise MalformedMedia("zip-damaged", offset=entry.start, name=entry.name)
        found[entry.name.casefold()] = entry
    return Archive({entry.name: entry for entry in found.values()}, directory, end, tail[_END.size :], size)


def content(file: BinaryIO, entry: Entry) -> bytes:
    """Return the content of an entry.

    Raises:
        MalformedMedia: ``zip-damaged``: it does not unpack to what the directory says.
        UnsupportedFormat: ``zip-method``: it is packed otherwise than usual.
        MediaTooLarge: It exceeds a limit, packed or unpacked, whatever the directory says.
        OSError: Reading failed.
    """
    check_carrier_size(max(entry.size, entry.packed), entry.start)
    file.seek(entry.data)
    data = file.read(entry.packed)
    if entry.method == DEFLATED:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = unpacker.decompress(data, entry.size + 1)
        except zlib.error as error:
            raise MalformedMedia("zip-damaged", offset=entry.start, name=entry.name) from error
    elif entry.method != STORED:
        raise UnsupportedFormat("zip-method", offset=entry.start, name=entry.name)
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise MalformedMedia("zip-damaged", offset=entry.start, name=entry.name)
    return data


def edits(file: BinaryIO, archive: Archive, parts: Mapping[str, bytes]) -> list[Edit]:
    """Return the edits that give entries another content; those that are new come last.

    Raises:
        MetadataNotWritten: ``zip-full``: it would take the 64-bit form.
        OSError: Reading failed.
    """
    if not parts:
        return []
    changes: list[Edit] = []
    shift = 0
    by_place = sorted(archive.entries.values(), key=lambda entry: entry.start)
    moved: dict[str, bytes] = {}
    for entry in by_place:
        start = entry.start + shift
        if entry.name in parts:
            local, moved[entry.name] = _packed_again(file, entry, parts[entry.name], start)
            changes.append(Edit(entry.start, entry.end, local))
            shift += changes[-1].growth
        else:
            moved[entry.name] = _moved(entry, start) if shift else entry.record
    records = [moved[name] for name in archive.entries]
    start = archive.directory + shift
    for name, data in parts.items():
        if name not in archive.entries:
            local, record = _new(name, data, start)
            changes.append(Edit(archive.directory, archive.directory, local))
            records.append(record)
            start += len(local)
    directory = b"".join(records)
    if start + len(directory) >= _LARGE or len(records) >= _MANY:
        raise MetadataNotWritten("zip-full", size=start + len(directory), limit=_LARGE)
    count, comment = len(records), archive.comment
    end = _END.pack(_END_MAGIC, 0, 0, count, count, len(directory), start, len(comment)) + comment
    return [*changes, Edit(archive.directory, archive.size, directory + end)]


def _end_record(file: BinaryIO, size: int) -> tuple[int, bytes]:
    """Return offset and bytes of the end record, which only a comment may follow."""
    start = max(size - _END.size - _LONGEST_COMMENT, 0)
    file.seek(start)
    tail = file.read(size - start)
    at = tail.rfind(_END_MAGIC)
    while at >= 0:
        if at + _END.size <= len(tail) and at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail):
            if tail.startswith(_ZIP64_LOCATOR, max(at - _ZIP64_LOCATOR_SIZE, 0)):
                raise UnsupportedFormat("zip-64", offset=start + at)
            return start + at, tail[at:]
        at = tail.rfind(_END_MAGIC, 0, at)
    raise MalformedMedia("zip-truncated", offset=size)


def _records(data: bytes, directory: int, count: int) -> list[Entry]:
    found: list[Entry] = []
    at = 0
    for _ in range(count):
        if not data.startswith(_CENTRAL_MAGIC, at) or at + _CENTRAL.size > len(data):
            raise MalformedMedia("zip-damaged", offset=directory + at)
        fields = _CENTRAL.unpack_from(data, at)
        flags, method = fields[3:5]
        crc, packed, size, name_size, extra_size, comment_size = fields[7:13]
        after = at + _CENTRAL.size + name_size + extra_size + comment_size
        record = data[at:after]
        if len(record) != after - at:
            raise MalformedMedia("zip-damaged", offset=directory + at)
        name = record[_CENTRAL.size : _CENTRAL.size + name_size]
        if flags & _ENCRYPTED:
            raise UnsupportedFormat("zip-encrypted", offset=directory + at)
        extra = record[_CENTRAL.size + name_size : len(record) - comment_size]
        size, packed, start = _wide(extra, (size, packed, fields[-1]), directory + at)
        text = name.decode("utf-8" if flags & _UTF_8 else "cp437", "replace")
        found.append(Entry(text, method, crc, packed, size, start, 0, 0, record))
        at = after
    if at != len(data):
        raise MalformedMedia("zip-damaged", offset=directory + at)
    return found


def _wide(extra: bytes, numbers: Iterable[int], offset: int) -> tuple[int, ...]:
    """Return sizes and offset of an entry, those that are too large for 32 bits from its extra field (4.5.3)."""
    wide = dict(_extras(extra)).get(_ZIP64, b"")
    found = []
    for number in numbers:
        if number == _LARGE:
            if len(wide) < 8:  # noqa: PLR2004 -- bytes of a number
                raise MalformedMedia("zip-damaged", offset=offset)
            number, wide = int.from_bytes(wide[:8], "little"), wide[8:]  # noqa: PLW2901
        found.append(number)
    return tuple(found)


def _extras(extra: bytes) -> Iterable[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _without_zip64(extra: bytes) -> bytes:
    kept = [(kind, data) for kind, data in _extras(extra) if kind != _ZIP64]
    return b"".join(struct.pack("<2H", kind, len(data)) + data for kind, data in kept)


def _checked(file: BinaryIO, entry: Entry, end: int) -> Entry:
    """Return an entry with the place of its data, which its local header must confirm."""
    file.seek(entry.start)
    head = file.read(_LOCAL.size)
    if len(head) != _LOCAL.size or not head.startswith(_LOCAL_MAGIC):
        raise MalformedMedia("zip-damaged", offset=entry.start, name=entry.name)
    _, _, flags, method, _, _, _, packed, size, name_size, extra_size = _LOCAL.unpack(head)
    data = entry.start + _LOCAL.size + name_size + extra_size
    same_name = file.read(name_size) == entry.record[_CENTRAL.size : _CENTRAL.size + _name_size(entry)]
    extent = data + entry.packed + (_DESCRIPTOR_SIZES[0] if flags & _HAS_DESCRIPTOR else 0)
    same_size = flags & _HAS_DESCRIPTOR or _LARGE in (packed, size) or (packed, size) == (entry.packed, entry.size)
    if not (same_name and same_size and method == entry.method and extent <= end):
        raise MalformedMedia("zip-damaged", offset=entry.start, name=entry.name)
    return entry._replace(data=data, end=end)


def _name_size(entry: Entry) -> int:
    return int(_CENTRAL.unpack_from(entry.record)[10])


def _moved(entry: Entry, start: int) -> bytes:
    if int.from_bytes(entry.record[42:46], "little") == _LARGE:
        raise UnsupportedFormat("zip-64", offset=entry.start)
    return entry.record[:42] + struct.pack("<L", start & _LARGE) + entry.record[46:]


def _packed_again(file: BinaryIO, entry: Entry, data: bytes, start: int) -> tuple[bytes, bytes]:
    """Return local header with data, and directory record, of an entry with another content and all else the same."""
    fields = list(_CENTRAL.unpack_from(entry.record))
    name_size, extra_size, comment_size = fields[10:13]
    name = entry.record[_CENTRAL.size : _CENTRAL.size + name_size]
    extra = _without_zip64(entry.record[_CENTRAL.size + name_size :][:extra_size])
    comment = entry.record[len(entry.record) - comment_size :] if comment_size else b""
    file.seek(entry.start + _LOCAL.size + name_size)
    local_extra = _without_zip64(file.read(entry.data - file.tell()))
    packed = _deflated(data) if entry.method == DEFLATED else data
    fields[3] &= _UTF_8
    fields[7:10] = zlib.crc32(data), len(packed), len(data)
    fields[11] = len(extra)
    fields[16] = start & _LARGE
    local = _LOCAL.pack(_LOCAL_MAGIC, *fields[2:10], name_size, len(local_extra))
    return local + name + local_extra + packed, _CENTRAL.pack(*fields) + name + extra + comment


def _new(name: str, data: bytes, start: int) -> tuple[bytes, bytes]:
    packed, path = _deflated(data), name.encode("ascii")
    common = (_BASIC_VERSION, 0, DEFLATED, *_NEW_YEAR_1980, zlib.crc32(data), len(packed), len(data), len(path), 0)
    local = _LOCAL.pack(_LOCAL_MAGIC, *common) + path + packed
    return local, _CENTRAL.pack(_CENTRAL_MAGIC, _BASIC_VERSION, *common, 0, 0, 0, 0, start & _LARGE) + path


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()
