"""Draw on every page of a TIFF file, classic or BigTIFF (TIFF 6.0): strips or tiles under the notice are coded anew.

Each goes where it was if it is no longer and nothing else lies there, else behind the end of the file; then the entries
that say where strips lie are changed in place. Nothing else moves or changes, as in all edits of TIFF here.
"""

from __future__ import annotations

import io
import struct
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from provenance.errors import NoticeDoesNotFit
from provenance.formats import tiff
from provenance.formats.splice import Edit
from provenance.formats.tiff import Found, Span, Stream
from provenance.metadata.ifd import LONG, SHORT
from provenance.model.notice import Notice
from provenance.notices.overlay import Drawing, Patch, patches
from provenance.notices.palette import inked, with_notice
from provenance.notices.place import displayed_size, layout
from provenance.notices.refusal import check_animation_size, does_not_fit
from provenance.notices.tiff_blocks import Block, coded, decoded
from provenance.notices.tiff_page import (
    COLOR_MAP,
    PALETTE,
    STRIP_OFFSETS,
    STRIP_SIZES,
    TILE_OFFSETS,
    TILE_SIZES,
    Page,
    all_blocks,
    blend,
    blocks_under,
    is_picture,
    is_reduced,
    numbers,
    page,
)

_PICTURES: Final = frozenset({tiff.PAGE, 330})  # 330: SubIFDs
_BYTE: Final = 8  # bits
_DEEP: Final = 256  # a colour map counts to 65535; some writers count to 255 all the same


@dataclass(slots=True)
class _Drawn:
    """A page, its new blocks, and its new colour map where it has one."""

    page: Page
    blocks: list[tuple[Block, bytes]] = field(default_factory=list)
    colours: bytes = b""


def draw_tiff(data: bytes, notices: Sequence[Notice], orientation: int) -> Drawing:
    """Return the new file; see `provenance.notices.draw` for the errors.

    Pages of another size than the first, or turned otherwise, have the notices laid out anew.
    """
    stream = tiff.open_stream(io.BytesIO(data))
    drawn: list[_Drawn] = []
    pixels = 0
    for found in tiff.walk(stream):
        if found.name in _PICTURES and is_picture(stream, found.directory):
            one = _page(stream, found, notices, (drawn[0].page, orientation) if drawn else (None, orientation))
            drawn += [one] if one else []
            pixels += one.page.width * one.page.height if one else 0
            check_animation_size(1, 1, pixels)
    if not drawn:
        raise tiff.damaged(stream.first)
    pages = f", {len(drawn)} pages" if len(drawn) > 1 else ""
    return Drawing(_spliced(data, _edits(stream, drawn)), "blocks", f"tiff{pages}")


def _page(stream: Stream, found: Found, notices: Sequence[Notice], first: tuple[Page | None, int]) -> _Drawn | None:
    """Draw on a page; on a smaller copy of another one only where there is room and a way."""
    try:
        here = page(stream, found.directory)
        placed, turn = list(notices), first[1]
        if first[0] is not None:
            turn = here.orientation
            placed = _placed_anew(here, first, notices)
        painted = patches(placed, *displayed_size(here.width, here.height, turn), turn)
        return _drawn(stream, here, painted)
    except NoticeDoesNotFit:
        if first[0] is not None and is_reduced(stream, found.directory):
            return None
        raise


def _placed_anew(here: Page, first: tuple[Page | None, int], notices: Sequence[Notice]) -> list[Notice]:
    size = displayed_size(here.width, here.height, here.orientation)
    if first[0] and size == displayed_size(first[0].width, first[0].height, first[1]):
        return list(notices)
    return list(layout([(notice.kind, notice.text) for notice in notices], *size))


def _drawn(stream: Stream, here: Page, painted: Sequence[Patch]) -> _Drawn:
    result = _Drawn(here)
    levels = None
    if here.meaning == PALETTE:
        levels, result.colours = _levels(stream, here)
    for block, parts in blocks_under(here, painted):
        samples = decoded(tiff.bytes_at(stream, block.start, block.size), block, here.coding)
        if levels is None:
            blend(samples, block, here, parts)
        else:
            for part in parts:
                rows, columns = part.ink.shape
                samples[part.y : part.y + rows, part.x : part.x + columns, 0] = inked(part.ink, levels)
        result.blocks.append((block, coded(samples, here.coding)))
    return result


def _levels(stream: Stream, here: Page) -> tuple[np.ndarray, bytes]:
    """Return the palette index for each level of ink, and the new colour map where the old one does not do."""
    number = 1 << here.coding.bits
    stored = np.array(numbers(stream, here.directory.get(COLOR_MAP)), np.uint32)
    if len(stored) != 3 * number:
        raise tiff.damaged(here.directory.span.start)
    step = 257 if stored.max() >= _DEEP else 1
    colours = (stored // step).astype(np.uint8).reshape(3, number).T
    found = with_notice(colours, number, np.empty(0, np.intp), None, sure=True)
    if found is None:
        free = np.setdiff1d(np.arange(number), _used(stream, here))[::-1]
        found = with_notice(colours, number, free, None)
    if found is None:
        raise does_not_fit("notice-tiff-colours", offset=here.directory.span.start)
    if found[0] is colours:
        return found[1], b""
    changed = np.where((found[0] != colours).T, found[0].T.astype(np.uint32) * step, stored.reshape(3, number))
    return found[1], changed.astype(stream.order + "u2").tobytes()


def _used(stream: Stream, here: Page) -> np.ndarray:
    used = [
        np.unique(decoded(tiff.bytes_at(stream, block.start, block.size), block, here.coding))
        for block in all_blocks(here)
    ]
    return np.unique(np.concatenate(used))


def _edits(stream: Stream, drawn: Sequence[_Drawn]) -> Iterator[Edit]:
    spans = [Span(block.start, block.start + block.size) for one in drawn for block, _ in one.blocks]
    owned = _owned(stream, spans)
    tail = bytearray()

    def behind(content: bytes) -> int:
        tail.extend(bytes((stream.size + len(tail)) % 2))
        tail.extend(content)
        return stream.size + len(tail) - len(content)

    for one in drawn:
        offsets, sizes = list(one.page.offsets), list(one.page.sizes)
        for block, code in one.blocks:
            if len(code) <= block.size and Span(block.start, block.start + block.size) in owned:
                yield Edit(block.start, block.start + len(code), code)
            else:
                offsets[block.number] = behind(code)
            sizes[block.number] = len(code)
        tags = (TILE_OFFSETS, TILE_SIZES) if one.page.is_tiled else (STRIP_OFFSETS, STRIP_SIZES)
        for tag, old, new in zip(tags, (one.page.offsets, one.page.sizes), (offsets, sizes), strict=True):
            if list(old) != new and one.page.directory.get(tag):
                kind = tiff.LONG8 if stream.big else LONG
                content = struct.pack(f"{stream.order}{len(new)}{stream.pointer_code}", *new)
                yield _entry(stream, one.page, (tag, kind, len(new)), behind(content) if len(new) > 1 else new[0])
        if one.colours:
            yield _entry(stream, one.page, (COLOR_MAP, SHORT, len(one.colours) // 2), behind(one.colours))
    yield Edit(stream.size, stream.size, bytes(tail))


def _entry(stream: Stream, here: Page, head: tuple[int, int, int], value: int) -> Edit:
    """Return the edit that gives an entry another value, which lies at an offset or is that number."""
    index = next(index for index, entry in enumerate(here.directory.entries) if entry.tag == head[0])
    start = here.directory.span.start + stream.count.size + index * stream.entry.size
    return Edit(start, start + stream.entry.size, stream.entry.pack(*head, value))


def _owned(stream: Stream, spans: Collection[Span]) -> set[Span]:
    """Return those of `spans` where nothing else of the file lies."""
    ordered = sorted(spans)
    if any(one.end > other.start for one, other in pairwise(ordered)):
        return set()
    ends = [span.end for span in ordered]
    touched = dict.fromkeys(ordered, 0)
    for live in _live(stream):
        index = bisect_right(ends, live.start)
        while index < len(ordered) and ordered[index].start < live.end:
            touched[ordered[index]] += 1
            index += 1
    return {span for span, count in touched.items() if count == 1}


def _live(stream: Stream) -> Iterator[Span]:
    yield Span(0, stream.header)
    for found in tiff.walk(stream):
        yield found.directory.span
        for entry in found.directory.entries:
            if tiff.is_outside(stream, entry):
                yield Span(entry.at, entry.at + entry.size)
        yield from tiff.pixel_spans(stream, found.directory)


def _spliced(data: bytes, edits: Iterator[Edit]) -> Iterator[bytes]:
    at = 0
    for edit in sorted(edits):
        yield data[at : edit.start]
        yield edit.new
        at = edit.end
    yield data[at:]
