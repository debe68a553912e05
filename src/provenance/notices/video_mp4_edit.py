"""Put other samples into an MP4 or QuickTime file: each chunk grows where it lies, and every offset follows.

The order of the media data stays, so a file that could be played while it loads still can, and nothing of the pictures
that were replaced stays behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final

import numpy as np

from provenance.formats import bmff, bmff_offsets, movie_edit
from provenance.formats.bmff import Box
from provenance.formats.splice import Edit
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_film import Film, Numbers, Part, Span, Swap, in_decoding_order, mover
from provenance.notices.video_mp4 import CODINGS, ENTRY_HEAD, Layout, composition, inner_boxes

_PAGE: Final = 4096
_WORTH_A_PAGE: Final = 1 << 20
_INDEPENDENT: Final = 0x20  # of sdtp: sample_depends_on = 2 (14496-12, 8.6.4)
_VERSIONED: Final = {0: 12, 1: 16}  # bytes of sbgp before its runs, by version


def swaps(film: Film, parts: Sequence[Part], config: bytes, scratch: BinaryIO) -> list[Swap]:
    """Return what to replace so that a file has other samples in some parts; what is not in `scratch` yet is put there.

    Args:
        film: The source.
        parts: Which samples are replaced by which, as they lie in `scratch`; in order.
        config: The record of what a decoder must know first.
        scratch: Where new bytes lie.

    Raises:
        NoticeDoesNotFit: ``video-samples-shared``: something else lies in the samples.
        MalformedMedia: A table breaks its form.
        MediaTooLarge: A table is larger than any metadata may be.
        MetadataNotWritten: An offset or a size does not fit its field, or is of a kind that cannot be moved.
        OSError: Reading or writing failed.
    """
    layout: Layout = film.layout
    media = [swap for part in parts for swap in _media(film, part)]
    _refuse_shared(layout, media)
    index = [*_tables(film, parts), _description(film, config)]
    growth = sum(each.growth for each in index)
    for box in layout.around:
        index += bmff.resized(box, growth)
    index += movie_edit.index_size(layout.moov, growth)
    changed = [_as_swap(edit, scratch) for edit in index]
    media += _in_pages(film, [*changed, *media], scratch)
    sizes = [_as_swap(edit, scratch) for edit in _sizes(layout.top, media)]
    whole = [*changed, *sizes, *media]
    offsets = bmff_offsets.moved(film.file, layout.top, layout.moov, mover(whole))
    return [*whole, *(_as_swap(edit, scratch) for edit in offsets)]


def _as_swap(edit: Edit, scratch: BinaryIO) -> Swap:
    at = scratch.tell()
    scratch.write(edit.new)
    return Swap(edit.start, edit.end, at, len(edit.new))


def _media(film: Film, part: Part) -> Iterator[Swap]:
    """Yield the samples of each chunk, or those at its end or start, as one replacement."""
    layout: Layout = film.layout
    span, new = part
    first = int(np.searchsorted(layout.first_of, span.first, side="right")) - 1
    for chunk in range(first, len(layout.chunks)):
        start = max(span.first, int(layout.first_of[chunk]))
        following = layout.first_of[chunk + 1] if chunk + 1 < len(layout.chunks) else film.count
        end = min(span.end, int(following))
        if start >= span.end:
            return
        if start < end:
            old = int(film.offsets[start]), int(film.offsets[end - 1] + film.sizes[end - 1])
            samples = new[start - span.first : end - span.first]
            yield Swap(*old, samples[0].at, sum(each.size for each in samples))


def _refuse_shared(layout: Layout, media: Sequence[Swap]) -> None:
    """Refuse samples that another track or another chunk uses as well, or that overlap."""
    ordered = sorted(media)
    starts = np.array([each.start for each in ordered])
    ends = np.array([each.end for each in ordered])
    others = np.concatenate((layout.others, layout.chunks))
    at = np.searchsorted(starts, others, side="right") - 1
    inside = (at >= 0) & (others < ends[at]) & (others > starts[at])
    same = np.isin(layout.others, starts)
    if (
        inside.any()
        or same.any()
        or (starts[1:] < ends[:-1]).any()
        or len(np.unique(layout.chunks)) < len(layout.chunks)
    ):
        raise does_not_fit("video-samples-shared")


def _in_pages(film: Film, swaps: Sequence[Swap], scratch: BinaryIO) -> list[Swap]:
    """Return zeros before chunks of new samples that make what follows them move by whole pages.

    The kernel copies whole pages faster than parts of them. What is too little to be worth it follows as it may.
    """
    ordered = sorted(swaps)
    starts_chunk = np.isin([each.start for each in ordered], film.layout.chunks)
    behind = [*(each.start for each in ordered[1:]), int(film.offsets[-1])]
    pages: list[Swap] = []
    chunk: int | None = None
    growth = 0
    for each, is_start, following in zip(ordered, starts_chunk, behind, strict=True):
        chunk = each.start if is_start else chunk
        growth += each.length - (each.end - each.start)
        if following - each.end < _WORTH_A_PAGE:
            continue
        if chunk is not None and growth % _PAGE:
            pages.append(_as_swap(Edit(chunk, chunk, bytes(-growth % _PAGE)), scratch))
            growth = 0
        chunk = None
    return pages


def _sizes(top: Sequence[Box], media: Sequence[Swap]) -> Iterator[Edit]:
    grown: dict[Box, int] = {}
    for each in media:
        around = next((box for box in top if box.payload <= each.start and each.end <= box.end), None)
        if around is None or around.kind != b"mdat":
            raise does_not_fit("video-samples-shared")
        grown[around] = grown.get(around, 0) + each.length - (each.end - each.start)
    for box, growth in grown.items():
        yield from bmff.resized(box, growth)


def _tables(film: Film, parts: Sequence[Part]) -> Iterator[Edit]:
    """Yield the tables that speak of the changed samples."""
    layout: Layout = film.layout
    spans = [part.span for part in parts]
    kind = b"stsz" if b"stsz" in layout.tables else b"stz2"
    sizes = film.sizes.copy()
    for span, new in parts:
        sizes[slice(*span)] = [each.size for each in new]
    yield _replaced(layout.tables[kind][0], b"stsz", bytes(8) + _four_bytes(len(sizes)) + sizes.astype(">u4").tobytes())
    for box in layout.tables.get(b"ctts", []):
        yield _compositions(film, spans, box)
    for box in layout.tables.get(b"sdtp", []):
        yield from _dependencies(film, spans, box)
    for box in layout.tables.get(b"stps", []):
        yield _partial(film, spans, box)
    for box in layout.tables.get(b"sbgp", []):
        yield _groups(film, spans, box)


def _replaced(box: Box, kind: bytes, payload: bytes) -> Edit:
    return Edit(box.start, box.end, bmff.pack(kind, payload))


def _four_bytes(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _compositions(film: Film, spans: Sequence[Span], box: Box) -> Edit:
    """Return the times of presentation, those of the spans in the order of decoding (8.6.1.3)."""
    head = bmff.content(film.file, box, limit=4)
    offsets = composition(film.file, {b"ctts": [box]}, film.count)
    offsets += in_decoding_order(film, spans) - film.times
    lengths, values = _runs_of(offsets)
    pairs = np.stack((lengths, values & 0xFFFFFFFF), axis=1).astype(">u4")
    return _replaced(box, b"ctts", head + _four_bytes(len(pairs)) + pairs.tobytes())


def _runs_of(values: Numbers) -> tuple[Numbers, Numbers]:
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    return np.diff(np.append(starts, len(values))), values[starts]


def _dependencies(film: Film, spans: Sequence[Span], box: Box) -> Iterator[Edit]:
    """Yield what samples depend on, unknown now but for those that start anew (8.6.4)."""
    for span in spans:
        start = box.payload + 4 + span.first
        end = min(box.payload + 4 + span.end, box.end)
        said = np.where(film.keys[slice(*span)], _INDEPENDENT, 0).astype(np.uint8).tobytes()
        if start < end:
            yield Edit(start, end, said[: end - start])


def _partial(film: Film, spans: Sequence[Span], box: Box) -> Edit:
    """Return QuickTime's list of pictures that decoding can nearly start at, without those that are none any more."""
    fields = bmff.fields(film.file, box)
    head = fields.raw(4)
    numbers = np.frombuffer(fields.raw(4 * fields.number(4)), ">u4")
    left = numbers[[not any(span.first < number <= span.end for span in spans) for number in numbers]]
    return _replaced(box, b"stps", head + _four_bytes(len(left)) + left.tobytes())


def _groups(film: Film, spans: Sequence[Span], box: Box) -> Edit:
    """Return a grouping of samples without the spans (8.9.2): groups say how the old pictures were coded."""
    fields = bmff.fields(film.file, box)
    version, _ = fields.version()
    head = bmff.content(film.file, box, limit=_VERSIONED.get(version, 12) - 4)
    fields.raw(len(head) - 4)
    runs = np.frombuffer(fields.raw(8 * fields.number(4)), ">u4").reshape(-1, 2).astype(np.int64)
    ends = np.minimum(np.cumsum(runs[:, 0]), film.count)
    groups = np.zeros(film.count, np.int64)
    grouped = np.repeat(runs[:, 1], np.diff(np.concatenate(([0], ends))))
    groups[: len(grouped)] = grouped
    for span in spans:
        groups[slice(*span)] = 0
    lengths, values = _runs_of(groups)
    pairs = np.stack((lengths, values), axis=1).astype(">u4")
    return _replaced(box, b"sbgp", head + _four_bytes(len(pairs)) + pairs.tobytes())


def _description(film: Film, config: bytes) -> Edit:
    """Return the description of the samples with another record in it, all else as it was."""
    layout: Layout = film.layout
    box = layout.tables[b"stsd"][0]
    wanted = CODINGS[layout.entry[4:8]][1]
    entry = _with_config(layout.entry, {wanted: config} if wanted else {})
    content = bmff.content(film.file, box)
    behind = content[8 + len(layout.entry) :]
    return _replaced(box, b"stsd", content[:8] + entry + behind)


def _with_config(entry: bytes, new: Mapping[bytes, bytes]) -> bytes:
    at = ENTRY_HEAD
    pieces = [entry[4:at]]
    for each in inner_boxes(entry):
        pieces.append(bmff.pack(each.kind, new[each.kind]) if each.kind in new else each.raw)
        at += len(each.raw)
    pieces.append(entry[at:])
    body = b"".join(pieces)
    return (len(body) + 4).to_bytes(4, "big") + body
