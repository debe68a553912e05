"""The tag in the first frame of an MP3 file that tells how many frames follow and where, kept true.

Sources: the Xing tag and its extension by LAME, as the authors of both describe them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.formats.mpeg_audio import HEAD, Head
from provenance.formats.splice import Edit
from provenance.notices.refusal import does_not_fit

_MAGICS: Final = (b"Xing", b"Info")
_OTHER: Final = b"VBRI"
_OTHER_AT: Final = 36
_CHECKSUM: Final = 2
_COUNT, _BYTES, _TABLE, _QUALITY = 1, 2, 4, 8  # flags of what it holds
_PLACES: Final = 100
_DECODER: Final = 529  # samples that every decoder is late
# From the start of what LAME added.
_DELAYS_AT, _LENGTH_AT, _SUM_AT, _TAG_SUM_AT, _END = 21, 28, 32, 34, 36
_POLYNOMIAL: Final = 0xA001


class Xing(NamedTuple):
    """The tag: where its frame starts, that frame, where in it the flags stand, and LAME's part, 0 if there is none."""

    start: int
    data: bytes
    flags_at: int
    lame_at: int

    @property
    def flags(self) -> int:
        """What it holds."""
        return int.from_bytes(self.data[self.flags_at : self.flags_at + 4], "big")

    @property
    def skipped(self) -> int:
        """Samples that players leave out at the start."""
        if not self.lame_at:
            return 0
        delays = int.from_bytes(self.data[self.lame_at + _DELAYS_AT : self.lame_at + _DELAYS_AT + 3], "big")
        return (delays >> 12) + _DECODER


def xing_in(data: bytes, start: int, head: Head) -> Xing | None:
    """Return the tag in a frame, if it holds one.

    Raises:
        NoticeDoesNotFit: ``audio-kind``: another maker's, or one that is not whole.
    """
    at = HEAD + _CHECKSUM * head.has_checksum + head.side_size
    if data[_OTHER_AT:].startswith(_OTHER):
        raise does_not_fit("audio-kind", name="VBRI")
    if not data[at:].startswith(_MAGICS):
        return None
    at += 4
    flags = int.from_bytes(data[at : at + 4], "big")
    sizes = ((_COUNT, 4), (_BYTES, 4), (_TABLE, _PLACES), (_QUALITY, 4))
    end = at + 4 + sum(size for flag, size in sizes if flags & flag)
    if end > len(data):
        raise does_not_fit("audio-kind", name="Xing")
    is_lame = data[end : end + 4].isalnum() and end + _END <= len(data)
    return Xing(start, data, at, end if is_lame else 0)


def renewed(
    file: BinaryIO, xing: Xing, frames: tuple[NDArray[np.int64], int], edits: Sequence[Edit], added: Sequence[int]
) -> Edit:
    """Return the edit that makes the tag true of a file with frames put in.

    Args:
        file: The source.
        xing: Its tag.
        frames: Where its frames start, that of the tag first, and where the last one ends.
        edits: What is put in.
        added: How many frames each of them is.

    Raises:
        OSError: Reading failed.
    """
    offsets, end = frames
    data = bytearray(xing.data)
    growth = sum(each.growth for each in edits)
    at = xing.flags_at + 4
    if xing.flags & _COUNT:
        _put(data, at, 4, len(offsets) - 1 + sum(added))
        at += 4
    if xing.flags & _BYTES:
        _put(data, at, 4, end - xing.start + growth)
        at += 4
    if xing.flags & _TABLE:
        data[at : at + _PLACES] = _table(offsets, end, edits, added)
    if xing.lame_at:
        _put(data, xing.lame_at + _LENGTH_AT, 4, end - xing.start + growth)
        old = int.from_bytes(data[xing.lame_at + _SUM_AT : xing.lame_at + _TAG_SUM_AT], "big")
        sound = int(offsets[1]) if len(offsets) > 1 else end
        _put(data, xing.lame_at + _SUM_AT, 2, _sum_of(file, old, (sound, end), edits))
        _put(data, xing.lame_at + _TAG_SUM_AT, 2, checksum(bytes(data[: xing.lame_at + _TAG_SUM_AT])))
    return Edit(xing.start, xing.start + len(data), bytes(data))


def _put(data: bytearray, at: int, size: int, value: int) -> None:
    data[at : at + size] = min(value, (1 << 8 * size) - 1).to_bytes(size, "big")


def _table(offsets: NDArray[np.int64], end: int, edits: Sequence[Edit], added: Sequence[int]) -> bytes:
    """Return for each hundredth of the time which of 256 parts of the bytes it is in."""
    start = int(offsets[0])
    sounding = offsets[1:] - start
    places = [sounding]
    for each, count in zip(reversed(edits), reversed(added), strict=True):
        moved = [np.where(place >= each.start - start, place + each.growth, place) for place in places]
        places = [*moved, each.start - start + np.arange(count) * each.growth // count]
    ordered = np.sort(np.concatenate(places))
    whole = end - start + sum(each.growth for each in edits)
    picked = ordered[np.arange(_PLACES) * len(ordered) // _PLACES]
    return bytes(np.minimum(picked * 256 // max(1, whole), 255).astype(np.uint8))


def _sum_of(file: BinaryIO, old: int, sound: tuple[int, int], edits: Sequence[Edit]) -> int:
    """Return the checksum of the frames with others put in, from that of what there was.

    Of parts that follow each other, that of the whole is the first one's, moved on by the length of the second, with
    that of the second (modulo 2).
    """
    total = 0
    position = sound[0]
    for each in edits:
        part = _part(file, old, sound, (position, each.start))
        total = _moved_on(_moved_on(total, each.start - position) ^ part, len(each.new)) ^ checksum(each.new)
        position = each.start
    return _moved_on(total, sound[1] - position) ^ _part(file, old, sound, (position, sound[1]))


def _part(file: BinaryIO, old: int, sound: tuple[int, int], part: tuple[int, int]) -> int:
    if part == sound:
        return old
    file.seek(part[0])
    total, left = 0, part[1] - part[0]
    while left and (block := file.read(min(left, 1 << 16))):
        total = checksum(block, total)
        left -= len(block)
    return total


def _shifted(value: int, bits: int) -> int:
    for _ in range(bits):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_BYTE_SUMS: Final = [_shifted(byte, 8) for byte in range(256)]


def checksum(data: bytes, total: int = 0) -> int:
    """Return the CRC-16 that LAME writes, on from `total`."""
    for byte in data:
        total = total >> 8 ^ _BYTE_SUMS[(total ^ byte) & 0xFF]
    return total


def _moved_on(value: int, count: int) -> int:
    """Return a checksum once `count` zero bytes have followed, in as many steps as that number has digits."""
    step = [_shifted(1 << bit, 8) for bit in range(16)]
    while count:
        if count & 1:
            value = _applied(step, value)
        step = [_applied(step, each) for each in step]
        count >>= 1
    return value


def _applied(columns: Sequence[int], value: int) -> int:
    total = 0
    for bit, column in enumerate(columns):
        if value >> bit & 1:
            total ^= column
    return total
