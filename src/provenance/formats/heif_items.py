"""The items of a HEIF file: what its meta box says about them (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 6 and 9)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, UnsupportedFormat
from provenance.formats.base import check_carrier_size, check_picture_size
from provenance.formats.bmff import Box, Fields, boxes, content, damaged, fields, span

FILE, IDAT = 0, 1
"""Construction methods: the data lie in the file, or in the meta box itself (8.11.3.3)."""

_ITEM_LIMIT: Final = 70_000  # a grid holds 65,536 tiles at most
_REFERENCE_LIMIT: Final = 200_000  # references and extents
_ONCE: Final = (b"pitm", b"iinf", b"iloc", b"iref", b"iprp", b"idat")
_FIELD_SIZES: Final = frozenset({0, 4, 8})
_LAST_BARE_VERSION: Final = 1  # of infe: without a type
_SHORT: Final = 2
_LONG: Final = 4
# Exif's orientations, and which one each becomes when the displayed picture is turned or mirrored once more.
_MIRRORED: Final = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 7: 8, 8: 7}  # left and right exchanged
_FLIPPED: Final = {1: 4, 4: 1, 2: 3, 3: 2, 5: 8, 8: 5, 6: 7, 7: 6}  # top and bottom exchanged
_TURNED: Final = {1: 8, 8: 3, 3: 6, 6: 1, 2: 5, 5: 4, 4: 7, 7: 2}  # a quarter turn to the left


class Item(NamedTuple):
    """One entry of the item list; type and encoding of its content only where its kind is ``mime``."""

    number: int
    kind: bytes
    content_type: bytes = b""
    encoding: bytes = b""


class Extent(NamedTuple):
    """Where a part of an item lies, its base offset included; `reference` serves other construction methods."""

    reference: int
    offset: int
    length: int


class Location(NamedTuple):
    """Where the data of an item lie: in this file where `source` is 0."""

    method: int
    source: int
    extents: tuple[Extent, ...]

    @property
    def in_file(self) -> bool:
        """Whether its extents are offsets in this file."""
        return self.method == FILE and not self.source


class Sizes(NamedTuple):
    """How many bytes each field of the location table takes."""

    offset: int
    length: int
    base: int
    reference: int


class Reference(NamedTuple):
    """A reference between items, such as ``cdsc``: what describes what."""

    kind: bytes
    source: int
    targets: tuple[int, ...]


@dataclass(slots=True)
class Meta:
    """The meta box; `children` in their order, `known` those that may stand there once."""

    box: Box
    children: list[Box]
    known: dict[bytes, Box]
    primary: int = 0
    width: int = 0
    height: int = 0
    orientation: int = 1
    items: dict[int, Item] = field(default_factory=dict)
    locations: dict[int, Location] = field(default_factory=dict)
    location_version: int = 0
    sizes: Sizes = field(default=Sizes(4, 4, 0, 0))
    references: list[Reference] = field(default_factory=list)
    reference_version: int = 0
    groups: tuple[int, ...] = ()

    def describing(self, kind: bytes, content_type: bytes = b"") -> list[Item]:
        """Return the items of a kind that describe the primary picture, or nothing in particular.

        Auxiliary pictures, such as a depth map, have metadata of their own.
        """
        pictures = {self.primary}
        described: defaultdict[int, set[int]] = defaultdict(set)
        for reference in self.references:
            if reference.kind == b"dimg" and reference.source == self.primary:
                pictures.update(reference.targets)
            elif reference.kind == b"cdsc":
                described[reference.source].update(reference.targets)
        return [
            item
            for item in self.items.values()
            if (item.kind, item.content_type) == (kind, content_type)
            and (item.number not in described or described[item.number] & pictures)
        ]

    def data(self, file: BinaryIO, item: Item) -> bytes:
        """Return the data of an item.

        Raises:
            UnsupportedFormat: ``heif-item-elsewhere``: they lie in another item or another file.
            MalformedMedia: The file has become shorter.
            MediaTooLarge: There are more of them than any metadata may have.
            OSError: Reading failed.
        """
        location = self.locations.get(item.number)
        if location is None:
            return b""
        if location.source or location.method > IDAT:
            raise UnsupportedFormat("heif-item-elsewhere", item=item.number, offset=self.known[b"iloc"].start)
        check_carrier_size(sum(extent.length for extent in location.extents), self.box.start)
        start = self.known[b"idat"].payload if location.method == IDAT else 0
        return b"".join(span(file, start + extent.offset, extent.length) for extent in location.extents)


def read(file: BinaryIO, box: Box, size: int) -> Meta:
    """Return what a meta box says; `size` is that of the file in bytes.

    Raises:
        MalformedMedia: ``heif-no-picture``: it describes none; ``heif-truncated``: an item lies beyond the end;
            ``heif-loop``: a picture is derived from itself; ``bmff-damaged``: anything else that breaks its form.
        MediaTooLarge: The picture or a table exceeds a limit.
        OSError: Reading failed.
    """
    if box.open:
        raise damaged(box.start)
    check_carrier_size(box.end - box.payload, box.start)
    children = list(boxes(file, box, skip=4))
    times = Counter(child.kind for child in children)
    if any(times[kind] > 1 for kind in _ONCE):
        raise damaged(box.start)
    known = {child.kind: child for child in children if child.kind in _ONCE}
    meta = Meta(box, children, known)
    handler = next((content(file, child, limit=12)[8:] for child in children if child.kind == b"hdlr"), b"")
    if handler != b"pict" or not {b"pitm", b"iinf", b"iloc", b"iprp"} <= known.keys():
        raise MalformedMedia("heif-no-picture", offset=box.start)
    pitm = fields(file, known[b"pitm"])
    meta.primary = pitm.number(_LONG if pitm.version()[0] else _SHORT)
    _read_items(file, meta)
    _read_locations(file, meta)
    _read_references(file, meta)
    meta.groups = tuple(_groups(file, children))
    _check_extents(meta, size)
    _check_loops(meta)
    _read_properties(file, meta)
    return meta


def _read_items(file: BinaryIO, meta: Meta) -> None:
    box = meta.known[b"iinf"]
    head = Fields(content(file, box, limit=8), box.payload)
    skip = 4 + (_LONG if head.version()[0] else _SHORT)
    for entry in boxes(file, box, skip=skip):
        item = _item(fields(file, entry)) if entry.kind == b"infe" else None
        if item is None:
            continue
        if item.number in meta.items or len(meta.items) == _ITEM_LIMIT:
            raise damaged(entry.start)
        meta.items[item.number] = item
    if meta.primary not in meta.items:
        raise MalformedMedia("heif-no-picture", offset=box.start)


def _item(entry: Fields) -> Item:
    version, _ = entry.version()
    number = entry.number(_LONG if version > _LAST_BARE_VERSION + 1 else _SHORT)
    entry.number(2)  # protection
    if version <= _LAST_BARE_VERSION:
        entry.text()
        return Item(number, b"mime", entry.text(), entry.text())
    kind = entry.raw(4)
    if kind != b"mime":
        return Item(number, kind)
    entry.text()
    return Item(number, kind, entry.text(), entry.text())


def _read_locations(file: BinaryIO, meta: Meta) -> None:
    table = fields(file, meta.known[b"iloc"])
    version, _ = table.version()
    packed = table.number(2)
    sizes = Sizes(packed >> 12, packed >> 8 & 15, packed >> 4 & 15, packed & 15 if version else 0)
    if version > _SHORT or not _FIELD_SIZES.issuperset(sizes):
        raise damaged(table.offset)
    meta.location_version, meta.sizes = version, sizes
    left = _REFERENCE_LIMIT
    for _ in range(table.number(_SHORT if version < _SHORT else _LONG)):
        number = table.number(_SHORT if version < _SHORT else _LONG)
        method = table.number(2) & 15 if version else FILE
        source, base = table.number(2), table.number(sizes.base)
        count = table.number(2)
        left -= count + 1
        if left < 0 or number in meta.locations:
            raise damaged(table.offset + table.at)
        extents = tuple(
            Extent(table.number(sizes.reference), base + table.number(sizes.offset), table.number(sizes.length))
            for _ in range(count)
        )
        meta.locations[number] = Location(method, source, extents)


def _read_references(file: BinaryIO, meta: Meta) -> None:
    box = meta.known.get(b"iref")
    if box is None:
        return
    meta.reference_version = Fields(content(file, box, limit=4), box.payload).version()[0]
    width = _LONG if meta.reference_version else _SHORT
    left = _REFERENCE_LIMIT
    for entry in boxes(file, box, skip=4):
        reference = fields(file, entry)
        source, count = reference.number(width), reference.number(2)
        left -= count
        if left < 0:
            raise damaged(entry.start)
        meta.references.append(Reference(entry.kind, source, tuple(reference.number(width) for _ in range(count))))


def _groups(file: BinaryIO, children: list[Box]) -> Iterator[int]:
    """Yield the numbers of groups of items, which share one space with those of items (8.15.3)."""
    for child in children:
        for group in boxes(file, child) if child.kind == b"grpl" else ():
            entry = fields(file, group)
            entry.version()
            yield entry.number(4)


def _check_extents(meta: Meta, size: int) -> None:
    idat = meta.known.get(b"idat")
    held = {FILE: size, IDAT: idat.end - idat.payload if idat else 0}
    for location in meta.locations.values():
        if location.source or location.method not in held:
            continue
        for extent in location.extents:
            if extent.offset + extent.length > held[location.method]:
                raise MalformedMedia("heif-truncated", offset=extent.offset)


def _check_loops(meta: Meta) -> None:
    """Refuse a picture that is derived from itself: take away, again and again, what nothing is derived from."""
    sources: defaultdict[int, list[int]] = defaultdict(list)
    waits: Counter[int] = Counter()
    for reference in meta.references:
        if reference.kind == b"dimg":
            waits[reference.source] += len(reference.targets)
            for target in reference.targets:
                sources[target].append(reference.source)
    free = [number for number in sources if not waits[number]]
    while free:
        for source in sources.pop(free.pop(), ()):
            waits[source] -= 1
            if not waits[source]:
                free.append(source)
    if sources:
        raise MalformedMedia("heif-loop", offset=meta.known[b"iref"].start)


def _read_properties(file: BinaryIO, meta: Meta) -> None:
    """Find size and orientation among the properties of the primary picture (ISO/IEC 23008-12, 6.5)."""
    iprp = meta.known[b"iprp"]
    parts = list(boxes(file, iprp))
    containers = [part for part in parts if part.kind == b"ipco"]
    if len(containers) != 1:
        raise damaged(iprp.start)
    properties = list(boxes(file, containers[0]))
    for number in (each for part in parts if part.kind == b"ipma" for each in _associated(fields(file, part), meta)):
        if number > len(properties):
            raise damaged(iprp.start)
        if number:
            _apply(meta, file, properties[number - 1])
    if not meta.width or not meta.height:
        raise MalformedMedia("heif-no-picture", offset=iprp.start)
    check_picture_size(meta.width, meta.height)


def _associated(table: Fields, meta: Meta) -> list[int]:
    """Return the numbers of the properties of the primary picture, in the order in which they apply."""
    version, flags = table.version()
    width, mask = (2, 0x7FFF) if flags & 1 else (1, 0x7F)
    found: list[int] = []
    for _ in range(table.number(4)):
        item = table.number(_LONG if version else _SHORT)
        numbers = table.raw(table.number(1) * width)
        if item == meta.primary:
            found += (int.from_bytes(numbers[at : at + width], "big") & mask for at in range(0, len(numbers), width))
    return found


def _apply(meta: Meta, file: BinaryIO, box: Box) -> None:
    if box.kind == b"ispe":
        size = fields(file, box)
        size.version()
        meta.width, meta.height = size.number(4), size.number(4)
    elif box.kind == b"irot":
        for _ in range(fields(file, box).number(1) & 3):
            meta.orientation = _TURNED[meta.orientation]
    elif box.kind == b"imir":
        exchange = _MIRRORED if fields(file, box).number(1) & 1 else _FLIPPED
        meta.orientation = exchange[meta.orientation]
