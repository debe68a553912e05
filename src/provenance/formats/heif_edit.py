"""Put metadata items into a HEIF file: every offset to what moves is corrected, nothing else changes.

An item that is there is replaced where it lies. A new one goes, in a box of its own, right behind the meta box: at the
end it would come to lie behind the video of a motion photo, which is found from there.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MetadataNotWritten
from provenance.formats.base import METADATA_LIMIT, check_carrier_size
from provenance.formats.bmff import Box, Move, content, move_by, pack, resized, span
from provenance.formats.bmff_offsets import moved_chunks
from provenance.formats.heif_items import FILE, IDAT, Extent, Item, Location, Meta, Sizes
from provenance.formats.splice import Edit

_FRAGMENTS: Final = frozenset({b"moof", b"mfra", b"sidx", b"ssix"})
_SHORT_IDS: Final = 1 << 16
_HIDDEN: Final = 1  # flag of an item that is not shown; every camera sets it for metadata
_FOUR_BYTES: Final = 1 << 32
_MDAT_HEAD: Final = 8


class Change(NamedTuple):
    """Data for `item`, or for a `new` item like it, whose number does not matter."""

    item: Item
    data: bytes
    new: bool = False


@dataclass(slots=True)
class _Plan:
    """What changes besides the meta box: spans of the file, and data to be added, by item."""

    edits: list[Edit] = field(default_factory=list)
    growth: dict[Box, int] = field(default_factory=dict)
    added: dict[int, bytes] = field(default_factory=dict)
    replaced: dict[int, Location] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    idat: bytearray | None = None


def edits(file: BinaryIO, top: Sequence[Box], meta: Meta, changes: Sequence[Change]) -> list[Edit]:
    """Return the edits that put `changes` into a file with the boxes `top`.

    Raises:
        MetadataNotWritten: ``heif-fragmented``, ``heif-items-full``, or an offset that cannot be moved, see
            `bmff_offsets.moved_chunks` and `bmff.resized`.
        MalformedMedia: The tables of an image sequence break their form.
        MediaTooLarge: An item is larger than any metadata may be.
        OSError: Reading failed.
    """
    _check_movable(top, meta)
    plan = _Plan()
    numbers = _free_numbers(meta, sum(change.new for change in changes))
    for change in changes:
        check_carrier_size(len(change.data), meta.box.start)
        if change.new:
            number = numbers.pop(0)
            plan.items.append(change.item._replace(number=number))
            plan.added[number] = change.data
        else:
            _replace(file, top, meta, plan, change)
    around = plan.edits + [edit for box, growth in plan.growth.items() for edit in resized(box, growth)]
    mdat = pack(b"mdat", b"".join(plan.added.values())) if plan.added else b""
    # The size of the new box does not depend on the offsets in it, which depend on its size.
    length = len(_meta_box(file, meta, plan, lambda offset: offset, 0))
    move = move_by([*around, Edit(meta.box.start, meta.box.end, bytes(length + len(mdat)))])
    start = move(meta.box.start)
    new = _meta_box(file, meta, plan, move, start + length + _MDAT_HEAD)
    chunks = [edit for box in top if box.kind == b"moov" for edit in moved_chunks(file, box, move)]
    return [*around, *chunks, Edit(meta.box.start, meta.box.end, new + mdat)]


def _check_movable(top: Sequence[Box], meta: Meta) -> None:
    fragment = next((box for box in top if box.kind in _FRAGMENTS), None)
    if fragment:
        raise MetadataNotWritten("heif-fragmented", offset=fragment.start)
    start, end = meta.box.start, meta.box.end
    for location in meta.locations.values():
        elsewhere = location.method == FILE and location.source
        if elsewhere or (location.in_file and any(_overlap(each, start, end) for each in location.extents)):
            raise MetadataNotWritten("bmff-offsets-unknown", offset=meta.known[b"iloc"].start)


def _overlap(extent: Extent, start: int, end: int) -> bool:
    return extent.offset < end and start < extent.offset + extent.length


def _free_numbers(meta: Meta, count: int) -> list[int]:
    used = {*meta.items, *meta.locations, *meta.groups}
    used.update(number for reference in meta.references for number in (reference.source, *reference.targets))
    first = max(used) + 1
    if first + count <= _SHORT_IDS:
        return list(range(first, first + count))
    free = [number for number in range(1, _SHORT_IDS) if number not in used][:count]
    if len(free) < count:
        raise MetadataNotWritten("heif-items-full", offset=meta.box.start)
    return free


def _replace(file: BinaryIO, top: Sequence[Box], meta: Meta, plan: _Plan, change: Change) -> None:
    """Plan new data for an item: where the old data lie, or behind the meta box with the old data zeroed."""
    number = change.item.number
    old = meta.locations.get(number, Location(FILE, 0, ()))
    alone = _is_alone(meta, number, old)
    boxes = [_holding(top, extent) for extent in old.extents] if old.in_file else []
    box = boxes[0] if alone and len(boxes) == 1 else None
    if box:
        (extent,) = old.extents
        edit = Edit(extent.offset, extent.offset + extent.length, change.data)
        plan.edits.append(edit)
        plan.growth[box] = plan.growth.get(box, 0) + edit.growth
        plan.replaced[number] = old._replace(extents=(extent._replace(length=len(change.data)),))
        return
    plan.added[number] = change.data
    if not alone:
        return
    # What the new data leave out, such as a position, must not stay behind.
    if old.in_file and all(boxes):
        plan.edits += [Edit(each.offset, each.offset + each.length, bytes(each.length)) for each in old.extents]
    elif old.method == IDAT:
        plan.idat = plan.idat or bytearray(content(file, meta.known[b"idat"]))
        for each in old.extents:
            plan.idat[each.offset : each.offset + each.length] = bytes(each.length)


def _is_alone(meta: Meta, number: int, location: Location) -> bool:
    """Say whether no other item, and no other extent of this one, shares any of its data."""
    others = [
        extent
        for other, place in meta.locations.items()
        if other != number and (place.method, place.source) == (location.method, location.source)
        for extent in place.extents
    ]
    own = sorted(location.extents, key=lambda extent: extent.offset)
    touching = any(before.offset + before.length > after.offset for before, after in itertools.pairwise(own))
    return not touching and not any(
        _overlap(each, extent.offset, extent.offset + extent.length) for extent in own for each in others
    )


def _holding(top: Sequence[Box], extent: Extent) -> Box | None:
    """Return the box of media data that an extent lies in."""
    start, end = extent.offset, extent.offset + extent.length
    held = (box for box in top if box.kind == b"mdat" and box.payload <= start < end <= box.end)
    return next(held, None)


def _meta_box(file: BinaryIO, meta: Meta, plan: _Plan, move: Move, added_at: int) -> bytes:
    """Return the meta box with its new items, whose data lie at `added_at`; its other boxes stay as they are."""
    locations = {number: _moved(plan.replaced.get(number, place), move) for number, place in meta.locations.items()}
    for number, data in plan.added.items():
        locations[number] = Location(FILE, 0, (Extent(0, added_at, len(data)),))
        added_at += len(data)
    new = {b"iloc": _locations(meta, locations, _sizes(file, meta))}
    if plan.items:
        new[b"iinf"] = _item_list(file, meta, plan.items)
        new[b"iref"] = _reference_list(file, meta, plan.items)
    if plan.idat is not None:
        new[b"idat"] = pack(b"idat", bytes(plan.idat))
    parts = [span(file, meta.box.payload, 4)]
    parts += [new.pop(box.kind, b"") or span(file, box.start, box.end - box.start) for box in meta.children]
    return pack(b"meta", b"".join([*parts, *new.values()]))


def _moved(location: Location, move: Move) -> Location:
    if not location.in_file:
        return location
    extents = tuple(extent._replace(offset=move(extent.offset)) for extent in location.extents)
    return location._replace(extents=extents)


def _sizes(file: BinaryIO, meta: Meta) -> Sizes:
    """Return field sizes that hold every offset, whatever is added.

    Offsets count from no base any more: the parts of an item may move differently, and C2PA's library, which moves
    everything once more, would move a base and what counts from it.
    """
    room = file.seek(0, os.SEEK_END) + 4 * METADATA_LIMIT
    needed = 8 if room >= _FOUR_BYTES else 4
    old = meta.sizes
    return Sizes(max(old.offset, old.base, needed), max(old.length, 4), 0, old.reference)


def _locations(meta: Meta, locations: Mapping[int, Location], sizes: Sizes) -> bytes:
    version = meta.location_version
    number_size = 2 if version < 2 else 4  # noqa: PLR2004 -- the version with long numbers
    packed = sizes.offset << 12 | sizes.length << 8 | sizes.base << 4 | sizes.reference
    parts = [_numbers((version, 1), (0, 3), (packed, 2), (len(locations), number_size))]
    for number, place in locations.items():
        parts.append(_numbers((number, number_size)))
        if version:
            parts.append(_numbers((place.method, 2)))
        parts.append(_numbers((place.source, 2), (len(place.extents), 2)))
        for reference, offset, length in place.extents:
            parts.append(_numbers((reference, sizes.reference), (offset, sizes.offset), (length, sizes.length)))
    return pack(b"iloc", b"".join(parts))


def _item_list(file: BinaryIO, meta: Meta, items: Sequence[Item]) -> bytes:
    data = content(file, meta.known[b"iinf"])
    size = 4 if data[0] else 2
    count = int.from_bytes(data[4 : 4 + size], "big") + len(items)
    if count >= 1 << (8 * size):
        raise MetadataNotWritten("heif-items-full", offset=meta.box.start)
    entries = (_numbers((2, 1), (_HIDDEN, 3), (item.number, 2), (0, 2)) + _kind(item) for item in items)
    added = b"".join(pack(b"infe", entry) for entry in entries)
    return pack(b"iinf", data[:4] + count.to_bytes(size, "big") + data[4 + size :] + added)


def _kind(item: Item) -> bytes:
    return item.kind + b"\0" + (item.content_type + b"\0" if item.content_type else b"")


def _reference_list(file: BinaryIO, meta: Meta, items: Sequence[Item]) -> bytes:
    """Return the references with one more for each item: it describes the primary picture."""
    box = meta.known.get(b"iref")
    size = 4 if (meta.reference_version if box else meta.primary >= _SHORT_IDS) else 2
    if meta.primary >= 1 << (8 * size):
        raise MetadataNotWritten("heif-items-full", offset=meta.box.start)
    old = content(file, box) if box else _numbers((size // 4, 1), (0, 3))
    added = (pack(b"cdsc", _numbers((each.number, size), (1, 2), (meta.primary, size))) for each in items)
    return pack(b"iref", old + b"".join(added))


def _numbers(*values: tuple[int, int]) -> bytes:
    return b"".join(value.to_bytes(size, "big") for value, size in values)
