"""EBML, the binary tree under Matroska and WebM: an identifier, a size, content (RFC 8794).

A file is walked by the heads of its elements. What is to be edited is read whole, as a tree of nodes, and every node
that nobody touches packs to the bytes that it came from.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection, Iterator
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.formats.base import check_carrier_size

HEADER: Final = 0x1A45DFA3
VOID: Final = 0xEC
CRC_32: Final = 0xBF

MAX_ID_LENGTH: Final = 4
MAX_SIZE_LENGTH: Final = 8

_LARGEST_HEAD: Final = MAX_ID_LENGTH + MAX_SIZE_LENGTH
_ELEMENT_LIMIT: Final = 1 << 21  # heads read of one file; a day of video has some 100 000 clusters
_NODE_LIMIT: Final = 200_000  # in one tree; a day of video has some 100 000 entries in its index
_DEPTH_LIMIT: Final = 16
_CRC_LENGTH: Final = 4
_LARGEST_NUMBER: Final = 8  # bytes


class Element(NamedTuple):
    """One element: offset of its identifier, of what it holds, and of the first byte after it.

    One that is `open` does not say how much it holds; its `end` is that of its parent.
    """

    kind: int
    start: int
    data: int
    end: int
    open: bool = False


class Reader:
    """Reads the elements of one file, and no more of them than any sound file has."""

    def __init__(self, file: BinaryIO) -> None:
        """Take an open file."""
        self.file = file
        self.size = file.seek(0, os.SEEK_END)
        self._left = _ELEMENT_LIMIT

    def element(self, start: int, end: int) -> Element:
        """Return the element at `start` of a parent that ends at `end`.

        Raises:
            MalformedMedia: ``ebml-truncated``: it leaves its parent; ``ebml-damaged``: it has no identifier or size.
            MediaTooLarge: ``ebml-too-many-elements``.
            OSError: Reading failed.
        """
        self._left -= 1
        if self._left < 0:
            raise MediaTooLarge("ebml-too-many-elements", offset=start, limit=_ELEMENT_LIMIT)
        self.file.seek(start)
        kind, data, length = _head(self.file.read(min(_LARGEST_HEAD, end - start)), 0, start)
        if length is None:
            return Element(kind, start, start + data, end, open=True)
        if start + data + length > end:
            raise MalformedMedia("ebml-truncated", offset=start)
        return Element(kind, start, start + data, start + data + length)

    def children(self, parent: Element) -> Iterator[Element]:
        """Yield what an element holds; see `element` for the errors."""
        at = parent.data
        while at < parent.end:
            child = self.element(at, parent.end)
            yield child
            at = child.end

    def content(self, element: Element) -> bytes:
        """Return what an element holds.

        Raises:
            MediaTooLarge: It holds more than any metadata may.
            MalformedMedia: ``ebml-truncated``, or ``ebml-damaged`` where it does not say how much it holds.
            OSError: Reading failed.
        """
        if element.open:
            raise damaged(element.start)
        length = element.end - element.data
        check_carrier_size(length, element.start)
        self.file.seek(element.data)
        data = self.file.read(length)
        if len(data) < length:
            raise MalformedMedia("ebml-truncated", offset=element.start)
        return data


class Node(NamedTuple):
    """An element in memory: its identifier, the width of its size field, and its content or children."""

    kind: int
    width: int
    body: bytes | tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """Its children; none if it is not a master."""
        return self.body if isinstance(self.body, tuple) else ()

    def data(self, kind: int) -> bytes | None:
        """Return the content of its first child of that kind."""
        return next((each.body for each in self.children if each.kind == kind and isinstance(each.body, bytes)), None)

    def number(self, kind: int) -> int | None:
        """Return the unsigned integer in its first child of that kind; None if it is larger than any may be."""
        data = self.data(kind)
        return None if data is None or len(data) > _LARGEST_NUMBER else int.from_bytes(data, "big")

    def text(self, kind: int) -> str | None:
        """Return the text in its first child of that kind, which zeros may end early (RFC 8794, 7.4)."""
        data = self.data(kind)
        return None if data is None else data.partition(b"\0")[0].decode("utf-8", "replace")

    def holding(self, children: tuple[Node, ...]) -> Node:
        """Return this element with other children, and with the checksum that they ask for (RFC 8794, 11.3.1)."""
        if children and children[0].kind == CRC_32:
            rest = b"".join(map(pack, children[1:]))
            children = (children[0]._replace(body=checksum(zlib.crc32(rest))), *children[1:])
        return self._replace(body=children)


def tree(element: Element, data: bytes, masters: Collection[int]) -> Node:
    """Return an element that holds `data`; of its descendants, those of `masters` hold children of their own.

    Raises:
        MalformedMedia: ``ebml-truncated`` or ``ebml-damaged``: a descendant leaves its parent, or is open, or they are
            too many or nested too deeply.
    """
    width = element.data - element.start - _width(element.kind)
    return Node(element.kind, width, nodes(data, masters, element.data))


def nodes(data: bytes, masters: Collection[int], offset: int) -> tuple[Node, ...]:
    """Return the elements in `data`, which lies at `offset`; see `tree`."""
    left = _NODE_LIMIT

    def within(at: int, end: int, depth: int) -> Iterator[Node]:
        nonlocal left
        while at < end:
            left -= 1
            kind, start, length = _head(data[at : min(at + _LARGEST_HEAD, end)], at, offset + at)
            if left < 0 or depth > _DEPTH_LIMIT or length is None:
                raise damaged(offset + at)
            stop = start + length
            if stop > end:
                raise MalformedMedia("ebml-truncated", offset=offset + at)
            width = start - at - _width(kind)
            inner = tuple(within(start, stop, depth + 1)) if kind in masters else data[start:stop]
            yield Node(kind, width, inner)
            at = stop

    return tuple(within(0, len(data), 0))


def pack(node: Node) -> bytes:
    """Return the bytes of an element; its size field grows where it must."""
    body = packed_body(node)
    return head(node.kind, len(body), node.width) + body


def packed_body(node: Node) -> bytes:
    """Return the bytes of what an element holds."""
    return node.body if isinstance(node.body, bytes) else b"".join(map(pack, node.body))


def head(kind: int, length: int, width: int = 1) -> bytes:
    """Return an identifier and a size field of at least `width` bytes."""
    return identifier(kind) + size_field(length, width)


def identifier(kind: int) -> bytes:
    """Return the bytes of an identifier."""
    return kind.to_bytes(_width(kind), "big")


def size_field(length: int, width: int = 1) -> bytes:
    """Return a size field of at least `width` bytes; one with all bits set would say that the size is unknown."""
    while length >= (1 << 7 * width) - 1:
        width += 1
    return (1 << 7 * width | length).to_bytes(width, "big")


def void_head(size: int) -> bytes:
    """Return the head of a Void of `size` bytes, at least two, its head included."""
    width = next(width for width in range(1, MAX_SIZE_LENGTH + 1) if size - 1 - width < (1 << 7 * width) - 1)
    return head(VOID, size - 1 - width, width)


def unsigned(value: int) -> bytes:
    """Return an unsigned integer in as few bytes as it takes."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def checksum(crc: int) -> bytes:
    """Return the content of a CRC-32 element."""
    return crc.to_bytes(_CRC_LENGTH, "little")


def damaged(offset: int) -> MalformedMedia:
    """Return the error for a defect at `offset`."""
    return MalformedMedia("ebml-damaged", offset=offset)


def _head(data: bytes, at: int, offset: int) -> tuple[int, int, int | None]:
    """Return identifier, offset of the content counted from where `at` stands, and size (None: unknown)."""
    if not data:
        raise MalformedMedia("ebml-truncated", offset=offset)
    id_width = MAX_SIZE_LENGTH + 1 - data[0].bit_length()
    if id_width > MAX_ID_LENGTH:
        raise damaged(offset)
    size = data[id_width : id_width + MAX_SIZE_LENGTH]
    if not size:
        raise MalformedMedia("ebml-truncated", offset=offset)
    width = MAX_SIZE_LENGTH + 1 - size[0].bit_length()
    if width > MAX_SIZE_LENGTH:
        raise damaged(offset)
    if len(size) < width:
        raise MalformedMedia("ebml-truncated", offset=offset)
    unknown = (1 << 7 * width) - 1
    length = int.from_bytes(size[:width], "big") & unknown
    return int.from_bytes(data[:id_width], "big"), at + id_width + width, None if length == unknown else length


def _width(kind: int) -> int:
    return (kind.bit_length() + 7) // 8
