"""Other Tags for a Matroska or WebM segment, and every position in it true afterwards (RFC 9559, 5.1.1 and 5.1.5).

Tags that grow take the Voids behind them. Where those are too small, all that follows moves back by whole pages, which
is as fast as not moving, and leaves room for the next change; the indices (``SeekHead``, ``Cues``) are told. Tags stay
in front of the clusters where they were, since many readers look no further. Only where clusters themselves say where
they are do the Tags go to the end instead, for nothing else may move then.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from provenance.errors import MetadataNotWritten
from provenance.formats import ebml, matroska_layout
from provenance.formats.base import BLOCK, check_carrier_size
from provenance.formats.ebml import Element, Node, Reader
from provenance.formats.matroska_layout import CUES, SEEK_HEAD, Layout
from provenance.formats.matroska_tags import TAGS
from provenance.formats.moves import Moves, moves
from provenance.formats.splice import Edit

_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_CUE_POINT, _CUE_MASTERS = 0xBB, frozenset({0xB7, 0xDB})  # CueTrackPositions, CueReference
_CUE_POSITIONS: Final = frozenset({0xF1, 0xEA, 0x97, 0xEB})  # of a cluster or codec state, and of one referred to
_LEAST_VOID: Final = 2
_PAGE: Final = 4096
_ID_WIDTH: Final = 4  # bytes of the identifier of a segment
_ROUNDS: Final = 8  # an index that grows moves what it leads to; the second round settles that but for rare cases


@dataclass(slots=True)
class _Plan:
    """What becomes of the Tags.

    Attributes:
        edits: What that takes.
        written: Those of them that write Tags.
        pushing: The one that makes clusters move, and is to make them move by whole pages.
        gone: Offsets of Tags that are no more where they were.
        fixed: Whether nothing in front of a cluster may move; None until it matters.
    """

    reader: Reader
    layout: Layout
    edits: list[Edit] = field(default_factory=list)
    written: list[Edit] = field(default_factory=list)
    pushing: Edit | None = None
    gone: set[int] = field(default_factory=set)
    fixed: bool | None = None


def edits(
    reader: Reader, layout: Layout, elements: Sequence[Element], old: Sequence[Node], new: Sequence[Node | None]
) -> list[Edit]:
    """Return the edits that make `new` Tags of `old` ones, which lie at `elements`; see `matroska_tags.edited`.

    One at most may be larger than it was.

    Raises:
        MetadataNotWritten: ``matroska-no-room``: an index cannot hold the place of the Tags; ``matroska-full``: the
            segment would be longer than it can say.
        MalformedMedia: An index or a cluster is damaged.
        MediaTooLarge: An index is larger than any metadata may be.
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
    return _settled(plan) if plan.edits else []


def _settled(plan: _Plan) -> list[Edit]:
    """Return the edits with those of the indices, which may themselves grow and move what they lead to."""
    whole = _in_pages(plan, ())
    for _ in range(_ROUNDS):
        moved = moves(whole)
        indices = [*_seek_heads(plan, moved), *_cues(plan, moved)]
        whole = [*_in_pages(plan, indices), *indices]
        if moves(whole) == moved:
            return [*whole, *_checksum(plan, whole), *_size(plan, whole)]
    raise MetadataNotWritten("matroska-no-room", offset=plan.layout.segment.data)


def _clear(plan: _Plan, element: Element) -> None:
    """Leave a Void, of zeros: what was said there may be what its owner wants gone."""
    plan.edits.append(_voided(element))
    plan.gone.add(element.start)


def _replace(plan: _Plan, element: Element, node: Node) -> None:
    layout = plan.layout
    edit = _in_its_place(layout, element, node)
    if edit.growth and element.start < layout.last_cluster:
        if _free_void(layout, node) is not None or _is_fixed(plan):
            _clear(plan, element)
            _add(plan, node)
            return
        plan.pushing = edit
    plan.written.append(edit)
    plan.edits.append(edit)


def _add(plan: _Plan, node: Node) -> None:
    """Find a place for Tags that have none."""
    layout = plan.layout
    void = _free_void(layout, node)
    if void is not None:
        edit = _in_its_place(layout, void, node)
    elif layout.first_cluster is None or _is_fixed(plan):
        edit = Edit(layout.segment.end, layout.segment.end, ebml.pack(node))
    else:
        edit = plan.pushing = Edit(layout.first_cluster, layout.first_cluster, ebml.pack(node))
    plan.written.append(edit)
    plan.edits.append(edit)


def _is_fixed(plan: _Plan) -> bool:
    if plan.fixed is None:
        plan.fixed = matroska_layout.clusters_say_where_they_are(plan.reader, plan.layout)
    return plan.fixed


def _free_void(layout: Layout, node: Node) -> Element | None:
    """Return a Void before the clusters that is large enough, and that no other element may grow into."""
    node = node._replace(body=ebml.packed_body(node))
    ends = {each.end for each in layout.elements if each.kind in {SEEK_HEAD, TAGS}}
    for start, end in layout.voids.items():
        if start in ends:
            ends.add(end)
        elif end <= (layout.first_cluster or 0) and _filled(node, end - start, layout.size_length) is not None:
            return Element(ebml.VOID, start, start, end)
    return None


def _in_its_place(layout: Layout, element: Element, node: Node) -> Edit:
    """Return the edit that puts a node where an element lies, which only grows when the Voids behind it are too few."""
    node = node._replace(body=ebml.packed_body(node))
    room = layout.room_behind(element.end)
    for end in (element.end, room):
        data = _filled(node, end - element.start, layout.size_length)
        if data is not None:
            data = data.ljust(element.end - element.start, b"\0")
            return Edit(element.start, element.start + len(data), data)
    return Edit(element.start, room, ebml.pack(node))


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


def _voided(element: Element) -> Edit:
    size = element.end - element.start
    return Edit(element.start, element.end, ebml.void_head(size).ljust(size, b"\0"))


def _in_pages(plan: _Plan, others: Iterable[Edit]) -> list[Edit]:
    """Return the edits of the Tags; those that make the clusters move do it by whole pages, with a Void behind them."""
    pushing = plan.pushing
    if pushing is None:
        return plan.edits
    behind = plan.layout.last_cluster
    size = -sum(edit.growth for edit in (*plan.edits, *others) if edit.end <= behind) % _PAGE
    if 0 < size < _LEAST_VOID:
        size += _PAGE
    padded = pushing._replace(new=pushing.new + (ebml.void_head(size).ljust(size, b"\0") if size else b""))
    return [padded if edit is pushing else edit for edit in plan.edits]


def _seek_heads(plan: _Plan, moved: Moves) -> list[Edit]:
    """Return what lets each ``SeekHead`` say where everything is; the first one names the Tags if none has."""
    layout = plan.layout
    heads = layout.of_kind(SEEK_HEAD)
    old = _trees(plan, heads, {_SEEK})
    new = [[each for seek in head.children for each in _followed(plan, seek, moved)] for head in old]
    for edit in plan.written if heads else ():
        target = layout.position(moved.of_edit(edit))
        if not any(_leads_to(seek, TAGS, target) for children in new for seek in children):
            listed = [*new[0], _seek(TAGS, target)]
            # Who reads what is in front needs no index for it: not worth moving all else.
            in_front = edit.start < layout.last_cluster and plan.pushing is None
            if not in_front or not _in_its_place(layout, heads[0], old[0].holding(tuple(listed))).growth:
                new[0] = listed
    result = []
    for element, head, children in zip(heads, old, new, strict=True):
        if _same(children, head.children):
            continue
        if any(each.kind == _SEEK for each in children):
            result.append(_in_its_place(layout, element, head.holding(tuple(children))))
        else:
            result.append(_voided(element))
    for edit in result:
        if edit.growth and edit.start < layout.last_cluster and _is_fixed(plan):
            raise MetadataNotWritten("matroska-no-room", offset=edit.start)
    return result


def _trees(plan: _Plan, elements: Sequence[Element], masters: Collection[int]) -> list[Node]:
    if elements:
        check_carrier_size(sum(each.end - each.data for each in elements), elements[0].start)
    return [ebml.tree(each, plan.reader.content(each), masters) for each in elements]


def _same(one: Sequence[Node], other: Sequence[Node]) -> bool:
    return len(one) == len(other) and all(each is that for each, that in zip(one, other, strict=True))


def _followed(plan: _Plan, seek: Node, moved: Moves) -> Iterator[Node]:
    """Yield an entry as it is after the moves; nothing where what it leads to is no more."""
    position = seek.number(_SEEK_POSITION)
    if seek.kind != _SEEK or position is None:
        yield seek
        return
    offset = position + plan.layout.segment.data
    if offset not in plan.gone or not _leads_to(seek, TAGS, position):
        yield _shifted(seek, {_SEEK_POSITION}, plan.layout, moved)


def _shifted(node: Node, kinds: Collection[int], layout: Layout, moved: Moves) -> Node:
    """Return an element with the positions in it, of some kinds, as they are after the moves."""
    children = []
    for each in node.children:
        now = each
        if isinstance(each.body, tuple):
            now = _shifted(each, kinds, layout, moved)
        elif each.kind in kinds:
            offset = int.from_bytes(each.body[:8], "big") + layout.segment.data
            body = ebml.unsigned(layout.position(moved.of(offset))).rjust(len(each.body), b"\0")
            now = each if body == each.body else each._replace(body=body)
        children.append(now)
    return node if _same(children, node.children) else node.holding(tuple(children))


def _leads_to(seek: Node, kind: int, position: int) -> bool:
    return seek.data(_SEEK_ID) == ebml.identifier(kind) and seek.number(_SEEK_POSITION) == position


def _seek(kind: int, position: int) -> Node:
    fields = Node(_SEEK_ID, 1, ebml.identifier(kind)), Node(_SEEK_POSITION, 1, ebml.unsigned(position))
    return Node(_SEEK, 1, fields)


def _cues(plan: _Plan, moved: Moves) -> list[Edit]:
    """Return what lets the index of clusters lead to them after the moves."""
    layout = plan.layout
    if moved.of(layout.last_cluster) == layout.last_cluster:
        return []
    cues = layout.of_kind(CUES)
    result = []
    for element, old in zip(cues, _trees(plan, cues, ()), strict=True):
        # One entry after another: a whole tree of a long film would take more memory than all else.
        points = tuple(_shifted_point(each, element.start, layout, moved) for each in old.children)
        if not _same(points, old.children):
            result.append(_in_its_place(layout, element, old.holding(points)))
    return result


def _shifted_point(point: Node, offset: int, layout: Layout, moved: Moves) -> Node:
    if point.kind != _CUE_POINT or not isinstance(point.body, bytes):
        return point
    whole = point._replace(body=ebml.nodes(point.body, _CUE_MASTERS, offset))
    now = _shifted(whole, _CUE_POSITIONS, layout, moved)
    return point if now is whole else now._replace(body=ebml.packed_body(now))


def _size(plan: _Plan, edits: Iterable[Edit]) -> list[Edit]:
    """Return what lets the segment say its new size; wider if it must be, for no position counts from before it."""
    segment = plan.layout.segment
    growth = sum(edit.growth for edit in edits)
    if segment.open or not growth:
        return []
    start = segment.start + _ID_WIDTH
    length = segment.end - segment.data + growth
    size = ebml.size_field(length, segment.data - start)
    if len(size) > plan.layout.size_length:
        raise MetadataNotWritten("matroska-full", size=length)
    return [Edit(start, segment.data, size)]


def _checksum(plan: _Plan, edits: Iterable[Edit]) -> list[Edit]:
    """Return the new checksum of a segment that has one, for which the whole of it must be read."""
    segment = plan.layout.segment
    first = plan.layout.elements[0] if plan.layout.elements else None
    if first is None or first.kind != ebml.CRC_32 or first.start != segment.data:
        return []
    crc, at = 0, first.end
    for edit in sorted([*edits, Edit(segment.end, segment.end, b"")]):
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
