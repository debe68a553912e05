"""The values of script data in FLV: AMF0, found but not decoded (Action Message Format 0, 2; FLV specification, E.4.4).

A value is a span of bytes. What is of a kind that the format does not define ends the reading, for nobody can tell how
long it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from provenance.errors import MalformedMedia

NUMBER, _BOOLEAN, STRING, OBJECT, ECMA_ARRAY, STRICT_ARRAY, LONG_STRING = 0, 1, 2, 3, 8, 10, 12
_TYPED_OBJECT: Final = 16
# How many bytes follow the kind, for those where that is fixed: null, undefined, reference, date, unsupported.
_FIXED: Final = {NUMBER: 8, _BOOLEAN: 1, 5: 0, 6: 0, 7: 2, 11: 10, 13: 0}
_TEXTS: Final = {STRING: 2, LONG_STRING: 4, 15: 4}  # and XML: how many bytes their length takes
END: Final = b"\0\0\x09"
"""What ends the pairs of an object or array."""
NUMBER_SIZE: Final = 9
_LARGEST_STRING: Final = 0xFFFF
_DEPTH_LIMIT: Final = 32
_VALUE_LIMIT: Final = 500_000


class Pair(NamedTuple):
    """A name and its value: where the name starts, where the value does, and the first byte after it."""

    key: str
    start: int
    value: int
    end: int


class Data:
    """Script data, and where in the file they lie, which errors name."""

    def __init__(self, data: bytes, offset: int) -> None:
        """Take the data of one tag."""
        self.data = data
        self.offset = offset
        self._left = _VALUE_LIMIT

    def pairs(self, at: int) -> Iterator[Pair]:
        """Yield the pairs of the object or array whose value starts at `at`; its end may be missing at that of all.

        Raises:
            MalformedMedia: ``flv-script-unknown``: a value is cut off, or of no kind that is defined.
        """
        return self._pairs(self._first_pair(at), 0)

    def numbers(self, at: int) -> list[int]:
        """Return where each number of a strict array starts; empty if it is none, or holds anything else."""
        if self.kind(at) != STRICT_ARRAY:
            return []
        count = self._unsigned(at + 1, 4)
        starts = range(at + 5, at + 5 + count * NUMBER_SIZE, NUMBER_SIZE)
        if count * NUMBER_SIZE > len(self.data) - at or any(self.data[at + 5 : starts.stop : NUMBER_SIZE]):
            return []
        return [start + 1 for start in starts]

    def kind(self, at: int) -> int:
        """Return the kind of the value at `at`."""
        return self._unsigned(at, 1)

    def text(self, at: int) -> str | None:
        """Return the text of the value at `at`; None if it is none."""
        raw = self.raw(at)
        return None if raw is None else raw.decode("utf-8", "replace")

    def raw(self, at: int) -> bytes | None:
        """Return the bytes of the text at `at`; None if it is none."""
        width = _TEXTS.get(self.kind(at))
        if width is None:
            return None
        return self.data[at + 1 + width : self._text_end(at + 1, width)]

    def end(self, at: int, depth: int = 0) -> int:
        """Return the first byte after the value at `at`; see `pairs` for the errors."""
        kind = self.kind(at)
        self._left -= 1
        if depth > _DEPTH_LIMIT or self._left < 0:
            raise self._unknown(at)
        if kind in _FIXED:
            return self._checked(at, at + 1 + _FIXED[kind])
        if kind in _TEXTS:
            return self._text_end(at + 1, _TEXTS[kind])
        if kind == STRICT_ARRAY:
            return self._array_end(at, depth)
        end = self._first_pair(at)
        for pair in self._pairs(end, depth):
            end = pair.end
        return self._checked(at, end + len(END))

    def _array_end(self, at: int, depth: int) -> int:
        if numbers := self.numbers(at):
            return numbers[-1] + NUMBER_SIZE - 1
        count, at = self._unsigned(at + 1, 4), at + 5
        for _ in range(count):
            at = self.end(at, depth + 1)
        return at

    def _first_pair(self, at: int) -> int:
        kind = self.kind(at)
        if kind == _TYPED_OBJECT:
            return self._text_end(at + 1, 2)
        if kind not in {OBJECT, ECMA_ARRAY}:
            raise self._unknown(at)
        return self._checked(at, at + (1 if kind == OBJECT else 5))

    def _pairs(self, at: int, depth: int) -> Iterator[Pair]:
        while at < len(self.data) and not self.data.startswith(END, at):
            value = self._text_end(at, 2)
            key = self.data[at + 2 : value].decode("utf-8", "replace")
            end = self.end(value, depth + 1)
            yield Pair(key, at, value, end)
            at = end

    def _text_end(self, at: int, width: int) -> int:
        return self._checked(at, at + width + self._unsigned(at, width))

    def _unsigned(self, at: int, width: int) -> int:
        return int.from_bytes(self.data[at : self._checked(at, at + width)], "big")

    def _checked(self, at: int, end: int) -> int:
        if end > len(self.data):
            raise self._unknown(at)
        return end

    def _unknown(self, at: int) -> MalformedMedia:
        return MalformedMedia("flv-script-unknown", offset=self.offset + at)


def pack_text(text: bytes, *, long: bool = False) -> bytes:
    """Return a value that is a text; one longer than a string can be is a long string."""
    if long or len(text) > _LARGEST_STRING:
        return struct.pack(">BI", LONG_STRING, len(text)) + text
    return struct.pack(">BH", STRING, len(text)) + text


def pack_pair(key: str, value: bytes) -> bytes:
    """Return a name and its value."""
    name = key.encode()
    return struct.pack(">H", len(name)) + name + value


def pack_message(name: str, *pairs: bytes) -> bytes:
    """Return script data: the name of the message and an array of pairs."""
    return pack_text(name.encode()) + struct.pack(">BI", ECMA_ARRAY, len(pairs)) + b"".join(pairs) + END
