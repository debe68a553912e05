"""Other Tags for a Matroska or WebM segment, by edits that move no cluster a position refers to (RFC 9559, 5.1.1).

Tags that grow take the Voids behind them, or go to another Void before the clusters, or to the end of the segment, and
the ``SeekHead`` follows. Only where no position refers to anything are they put in front of the clusters, since without
a ``SeekHead`` a player would not find them behind.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from provenance.errors import MetadataNotWritten
from provenance.formats import ebml, matroska_layout
from provenance.formats.base import BLOCK
from provenance.formats.ebml import Element, Node, Reader
from provenance.formats.matroska_layout import CUES, SEEK_HEAD, Layout
from provenance.formats.matroska_tags import TAGS
from provenance.formats.splice import Edit

_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_LEAST_VOID: Final = 2
_ID_WIDTH: Final = 4  # bytes of the identifier of a segment and of whatever else is edited


@dataclass(slots=True)
class _Plan:
    """Edits as they come together.

    Attributes:
        tail: What goes to the end of the segment.
        moved: Where elements went, by their old position; None for one that is no more.
        tags: Offset of the Tags that took the labels, once written.
    """

    reader: Reader
    layout: Layout
    edits: list[Edit] = field(default_factory=list)
    tail: bytes = b""
    moved: dict[int, int | None] = field(default_factory=dict)
    tags: int | None = None

    @property
    def end(self) -> int:
        """Offset of the first byte after the segment, once written."""
        return self.layout.segment.end + self.growth

    @property
    def growth(self) -> int:
        return sum(edit.growth for edit in self.edits) + len(self.tail)


def edits(
    reader: Reader, layout: Layout, elements: Sequence[Element], old: Sequence[Node], new: Sequence[Node | None]
) -> list[Edit]:
    """Return the edits that make `new` Tags of `old` ones, which lie at `elements`; see `matroska_tags.edited`.

    Raises:
        MetadataNotWritten: ``matroska-no-room``: the index of the segment cannot hold the place of the Tags;
            ``matroska-full``: the segment would be longer than it can say.
        MalformedMedia: The index or a cluster is damaged.
        MediaTooLarge: The index is larger than any metadata may be.
        OSError: Reading failed.
    """
    plan = _Plan(reader, layout)
    for element, before, node in zip(elements, old, new, strict=False):
        if node is None:
            _clear(plan, element)
        elif node is not before:
            _replace(plan, element, node)
    for node in new[len(old) :]:
        if node is not None:
            _add(plan, node)
    for number, head in enumerate(layout.of_kind(SEEK_HEAD)):
        _reindex(plan, head, is_first=number == 0)
    if plan.tail:
        plan.edits.append(Edit(layout.segment.end, layout.segment.end, plan.tail))
        plan.tail = b""
    return [*plan.edits, *_checksum(plan), *_size(plan)]


def _clear(plan: _Plan, element: Element) -> None:
    """Leave a Void, of zeros: what was said there may be what its owner wants gone."""
    size = element.end - element.start
    plan.edits.append(Edit(element.start, element.end, ebml.void_head(size).ljust(size, b"\0")))
    plan.moved[plan.layout.position(element.start)] = None


def _replace(plan: _Plan, element: Element, node: Node) -> None:
    plan.tags = element.start
    if _fit(plan, element, node):
        return
    room = plan.layout.room_behind(element.end)
    if room == plan.layout.segment.end:
        plan.edits.append(Edit(element.start, room, ebml.pack(node)))
        return
    _clear(plan, element)
    _add(plan, node)
    plan.moved[plan.layout.position(element.start)] = plan.layout.position(plan.tags)


def _fit(plan: _Plan, element: Element, node: Node) -> bool:
    """Put a node where an element lies, with the Voids behind it if need be; say whether there is room."""
    for end in (element.end, plan.layout.room_behind(element.end)):
        data = _filled(node, end - element.start, plan.layout.size_length)
        if data is not None:
            data = data.ljust(element.end - element.start, b"\0")
            plan.edits.append(Edit(element.start, element.start + len(data), data))
            return True
    return False


def _filled(node: Node, room: int, size_length: int) -> bytes | None:
    """Return a node, and the head of a Void for what it leaves; None if that is not possible."""
    for width in (node.width, *range(1, size_length + 1)):
        data = ebml.pack(node._replace(width=width))
        left = room - len(data)
        if left == 0:
            return data
        if left >= _LEAST_VOID:
            return data + ebml.void_head(left)
    return None


def _add(plan: _Plan, node: Node) -> None:
    """Find a place for Tags that have none."""
    data = ebml.pack(node)
    layout = plan.layout
    void = _free_void(layout, node)
    if void is not None:
        _fit(plan, void, node)
        plan.tags = void.start
    elif layout.first_cluster is not None and _may_move(plan):
        plan.edits.append(Edit(layout.first_cluster, layout.first_cluster, data))
        plan.tags = layout.first_cluster
    else:
        plan.tags = plan.end
        plan.tail += data


def _free_void(layout: Layout, node: Node) -> Element | None:
    """Return a Void before the clusters that is large enough, and that no other element may grow into."""
    ends = {each.end for each in (*layout.of_kind(SEEK_HEAD), *layout.of_kind(TAGS))}
    for start, end in layout.voids.items():
        if start in ends:
            ends.add(end)
        elif end <= (layout.first_cluster or 0) and _filled(node, end - start, layout.size_length) is not None:
            return Element(ebml.VOID, start, start, end)
    return None


def _may_move(plan: _Plan) -> bool:
    """Say whether nothing refers to where the clusters are."""
    layout = plan.layout
    indexed = layout.of_kind(SEEK_HEAD) or layout.of_kind(CUES)
    return not indexed and not matroska_layout.clusters_say_where_they_are(plan.reader, layout)


def _reindex(plan: _Plan, element: Element, *, is_first: bool) -> None:
    """Let a ``SeekHead`` say where the Tags are now; the first one names them if none has."""
    old = ebml.tree(element, plan.reader.content(element), {_SEEK})
    children = tuple(child for each in old.children for child in _followed(plan, each))
    target = None if plan.tags is None else plan.layout.position(plan.tags)
    if is_first and target is not None and not any(_leads_to(each, TAGS, target) for each in children):
        children = (*children, _seek(TAGS, target))
    if len(children) == len(old.children) and all(
        one is other for one, other in zip(children, old.children, strict=True)
    ):
        return
    if not any(each.kind == _SEEK for each in children):
        _clear(plan, element)
    elif not any(_fit(plan, element, each) for each in (old.holding(children), old.holding(_narrow(children)))):
        _continue_at_end(plan, element, old, children)


def _followed(plan: _Plan, seek: Node) -> tuple[Node, ...]:
    """Return an entry of the index as it is after the moves; nothing where what it leads to is no more."""
    position = seek.number(_SEEK_POSITION)
    if position not in plan.moved or seek.data(_SEEK_ID) != ebml.identifier(TAGS):
        return (seek,)
    now = plan.moved[position]
    if now is None:
        return ()
    children = (
        each._replace(body=ebml.unsigned(now).rjust(len(each.body), b"\0")) if each.kind == _SEEK_POSITION else each
        for each in seek.children
    )
    return (seek.holding(tuple(children)),)


def _continue_at_end(plan: _Plan, element: Element, old: Node, children: tuple[Node, ...]) -> None:
    """Put an index that outgrows its place behind the Tags, and let the one in its place lead there."""
    index = Node(SEEK_HEAD, 1, tuple(each for each in children if each.kind == _SEEK))
    checksums = tuple(each for each in children if each.kind == ebml.CRC_32)
    first = old.holding((*checksums, _seek(SEEK_HEAD, plan.layout.position(plan.end))))
    if not _fit(plan, element, first):
        raise MetadataNotWritten("matroska-no-room", offset=element.start)
    plan.tail += ebml.pack(index)


def _leads_to(seek: Node, kind: int, position: int) -> bool:
    return seek.data(_SEEK_ID) == ebml.identifier(kind) and seek.number(_SEEK_POSITION) == position


def _seek(kind: int, position: int) -> Node:
    fields = Node(_SEEK_ID, 1, ebml.identifier(kind)), Node(_SEEK_POSITION, 1, ebml.unsigned(position))
    return Node(_SEEK, 1, fields)


def _narrow(children: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the entries of an index in as few bytes as they take, without the Voids between them."""
    entries = []
    for each in children:
        kind, position = each.data(_SEEK_ID), each.number(_SEEK_POSITION)
        if each.kind == _SEEK and kind and position is not None:
            entries.append(_seek(int.from_bytes(kind, "big"), position))
        elif each.kind != ebml.VOID:
            entries.append(each)
    return tuple(entries)


def _size(plan: _Plan) -> list[Edit]:
    """Return what lets the segment say its new size; wider if it must be, for no position counts from before it."""
    segment = plan.layout.segment
    if segment.open or not plan.growth:
        return []
    start = segment.start + _ID_WIDTH
    length = segment.end - segment.data + plan.growth
    size = ebml.size_field(length, segment.data - start)
    if len(size) > plan.layout.size_length:
        raise MetadataNotWritten("matroska-full", size=length)
    return [Edit(start, segment.data, size)]


def _checksum(plan: _Plan) -> list[Edit]:
    """Return the new checksum of a segment that has one, which the whole of it must be read for."""
    first = plan.layout.elements[0] if plan.layout.elements else None
    if not plan.edits or first is None or first.kind != ebml.CRC_32 or first.start != plan.layout.segment.data:
        return []
    crc, at = 0, first.end
    for edit in sorted([*plan.edits, Edit(plan.layout.segment.end, plan.layout.segment.end, b"")]):
        crc = zlib.crc32(edit.new, _crc_of(plan.reader, at, edit.start, crc))
        at = edit.end
    return [Edit(first.data, first.end, ebml.checksum(crc))]


def _crc_of(reader: Reader, start: int, end: int, crc: int) -> int:
    reader.file.seek(start)
    while start < end:
        data = reader.file.read(min(BLOCK, end - start))
        if not data:
            raise ebml.damaged(start)
        crc = zlib.crc32(data, crc)
        start += len(data)
    return crc
