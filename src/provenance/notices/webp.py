"""Draw on a WebP file, still or animated (RFC 9649): the picture data under the notice are new, all other chunks stay.

VP8 predicts each block from those around it, so no part of a lossy picture can be changed alone: it becomes lossless,
each pixel off the notice what it was, and larger. Lossy frames that a notice stands before already keep their picture;
only an alpha channel is added, through which it shows.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from provenance.errors import MalformedMedia
from provenance.formats import riff
from provenance.formats.riff import HEADER_SIZE, Chunk
from provenance.model.notice import Notice
from provenance.notices.animation import Step, all_within, difference, solid, standing
from provenance.notices.overlay import Drawing, Patch, patches
from provenance.notices.place import Rectangle, displayed_size
from provenance.notices.refusal import check_animation_size, check_picture_size
from provenance.notices.webp_pixels import (
    ALPHA,
    LOSSLESS,
    LOSSY,
    Parts,
    Pixels,
    alpha,
    blend,
    file_of,
    frames_of,
    lossless,
    pixels_of,
)

_EXTENDED: Final = b"VP8X"
_FRAME: Final = b"ANMF"
_PIXELS: Final = frozenset({ALPHA, LOSSY, LOSSLESS})
_HAS_ALPHA, _ANIMATED = 0x10, 0x02  # of VP8X
_CLEARS, _REPLACES = 0x01, 0x02  # of a frame: dispose to background, do not blend
_EXTENDED_SIZE: Final = 10
_FRAME_SIZE: Final = 16
_REASON: Final = "notice-webp-lossless"


class _Frame(NamedTuple):
    """A frame: what its 16 bytes say, the contents of its picture's chunks, and its other chunks as they are."""

    chunk: Chunk
    area: Rectangle
    duration: bytes
    flags: int
    parts: Parts
    others: bytes


@dataclass(frozen=True, slots=True)
class _Film:
    data: bytes
    chunks: Sequence[Chunk]
    end: int
    width: int
    height: int
    painted: Sequence[Patch]


def draw_webp(data: bytes, notices: Sequence[Notice], orientation: int) -> Drawing:
    """Return the new file; see `provenance.notices.draw` for the errors."""
    file = io.BytesIO(data)
    form, end = riff.form(file)
    chunks = list(riff.chunks(file, HEADER_SIZE, end))
    if form != b"WEBP" or not chunks:
        raise MalformedMedia("webp-damaged", offset=0)
    first = chunks[0]
    if first.kind == _EXTENDED and data[first.data] & _ANIMATED:
        width, height = _canvas(data, first)
        check_picture_size(width, height)
        painted = solid(patches(notices, *displayed_size(width, height, orientation), orientation))
        return _animated(_Film(data, chunks, end, width, height, painted))
    return _still(data, chunks, end, notices, orientation)


def _still(data: bytes, chunks: Sequence[Chunk], end: int, notices: Sequence[Notice], orientation: int) -> Drawing:
    parts = _parts(data, [chunk for chunk in chunks if chunk.kind in _PIXELS], chunks[0].start)
    pixels = pixels_of(_sole(data, chunks, parts), chunks[0].start)
    height, width = pixels.shape[:2]
    blend(pixels, patches(notices, *displayed_size(width, height, orientation), orientation))
    new = riff.pack(LOSSLESS, lossless(pixels))
    edits = {chunk: new if chunk.kind in {LOSSY, LOSSLESS} else b"" for chunk in chunks if chunk.kind in _PIXELS}
    pieces = _file(data, chunks, end, edits)
    if LOSSY in parts:
        return Drawing(pieces, "full", "webp, lossy to lossless", _REASON)
    return Drawing(pieces, "blocks", "webp, lossless")


def _sole(data: bytes, chunks: Sequence[Chunk], parts: Parts) -> bytes:
    """Return the picture alone, its size checked before it is decoded."""
    if ALPHA in parts and LOSSY in parts and chunks[0].kind == _EXTENDED:
        width, height = _canvas(data, chunks[0])
    else:
        width, height = _coded_size(parts, chunks[0].start)
        parts = {kind: content for kind, content in parts.items() if kind != ALPHA}
    check_picture_size(width, height)
    return file_of(parts, width, height)


def _coded_size(parts: Parts, offset: int) -> tuple[int, int]:
    """Return the sides of a picture as its own data say (RFC 6386, 9.1; RFC 9649, 3.4)."""
    if LOSSY in parts and len(parts[LOSSY]) > 10:  # noqa: PLR2004 - its head
        width, height = (int.from_bytes(parts[LOSSY][at : at + 2], "little") & 0x3FFF for at in (6, 8))
    elif len(parts.get(LOSSLESS, b"")) > 5:  # noqa: PLR2004 - its head
        bits = int.from_bytes(parts[LOSSLESS][1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        raise MalformedMedia("webp-damaged", offset=offset)
    return width, height


def _parts(data: bytes, chunks: Sequence[Chunk], offset: int) -> Parts:
    parts = {chunk.kind: data[chunk.data : chunk.data + chunk.length] for chunk in chunks}
    if len(parts) < len(chunks) or (LOSSY in parts) == (LOSSLESS in parts):
        raise MalformedMedia("webp-damaged", offset=offset)
    return parts


def _canvas(data: bytes, extended: Chunk) -> tuple[int, int]:
    if extended.length < _EXTENDED_SIZE:
        raise MalformedMedia("webp-damaged", offset=extended.start)
    sides = (data[extended.data + at : extended.data + at + 3] for at in (4, 7))
    width, height = (int.from_bytes(side, "little") + 1 for side in sides)
    return width, height


def _animated(film: _Film) -> Drawing:
    frames = [_frame(film, chunk) for chunk in film.chunks if chunk.kind == _FRAME]
    if not frames:
        raise MalformedMedia("webp-damaged", offset=film.chunks[0].start)
    check_animation_size(film.width, film.height, len(frames))
    steps = [Step(frame.area, "nothing" if frame.flags & _CLEARS else "all") for frame in frames]
    stood = standing(film.painted, steps)
    edits: dict[Chunk, bytes] = {}
    if stood is None:
        method = f"webp, {len(frames)} frames composed"
        edits |= zip((frame.chunk for frame in frames), _composed(film, frames), strict=True)
    else:
        for frame, whole in zip(frames, stood, strict=True):
            if painted := all_within(film.painted, frame.area):
                edits[frame.chunk] = _drawn(frame, painted, hidden=whole)
        method = f"webp, {len(edits)} of {len(frames)} frames"
    lossy = any(LOSSY in frame.parts and LOSSLESS in _kinds(edits.get(frame.chunk, b"")) for frame in frames)
    pieces = _file(film.data, film.chunks, film.end, edits)
    return Drawing(pieces, "full" if lossy else "blocks", method, _REASON if lossy else None)


def _kinds(frame: bytes) -> set[bytes]:
    head = riff.CHUNK_HEAD + _FRAME_SIZE
    return {chunk.kind for chunk in riff.chunks(io.BytesIO(frame), head, len(frame))} if frame else set()


def _frame(film: _Film, chunk: Chunk) -> _Frame:
    data = film.data[chunk.data : chunk.data + chunk.length]
    if len(data) < _FRAME_SIZE:
        raise MalformedMedia("webp-damaged", offset=chunk.start)
    x, y, width, height = (int.from_bytes(data[at : at + 3], "little") for at in (0, 3, 6, 9))
    area = (2 * x, 2 * y, width + 1, height + 1)
    inner = list(riff.chunks(io.BytesIO(film.data), chunk.data + _FRAME_SIZE, chunk.data + chunk.length))
    parts = _parts(film.data, [each for each in inner if each.kind in _PIXELS], chunk.start)
    inside = area[0] + area[2] <= film.width and area[1] + area[3] <= film.height
    if not inside or _coded_size(parts, chunk.start) != area[2:]:
        raise MalformedMedia("webp-damaged", offset=chunk.start)
    others = [film.data[each.start : each.end] for each in inner if each.kind not in _PIXELS]
    return _Frame(chunk, area, data[12:15], data[15], parts, b"".join(others))


def _drawn(frame: _Frame, painted: Sequence[Patch], *, hidden: bool) -> bytes:
    """Return a frame that is drawn on or, where the notice stands already, lets it through."""
    if hidden and LOSSY in frame.parts and ALPHA not in frame.parts:
        opacity = np.full((frame.area[3], frame.area[2]), 255, np.uint8)
        for patch in painted:
            rows, columns = patch.keep.shape
            opacity[patch.y : patch.y + rows, patch.x : patch.x + columns] = 0
        return _packed(frame, frame.area, frame.flags & ~_REPLACES, {ALPHA: alpha(opacity), **frame.parts})
    pixels = pixels_of(file_of(frame.parts, *frame.area[2:]), frame.chunk.start)
    blend(pixels, painted)
    return _packed(frame, frame.area, frame.flags, {LOSSLESS: lossless(pixels)})


def _composed(film: _Film, frames: Sequence[_Frame]) -> Iterator[bytes]:
    """Yield each frame as a player shows it, cut to where it differs from the one before."""
    before: Pixels | None = None
    for frame, pixels in zip(frames, frames_of(film.data[: film.end], len(frames)), strict=True):
        blend(pixels, film.painted)
        x, y, width, height = (0, 0, film.width, film.height) if before is None else difference(before, pixels)
        # Places count in steps of two pixels.
        area = (x - x % 2, y - y % 2, width + x % 2, height + y % 2)
        cut = pixels[area[1] : area[1] + area[3], area[0] : area[0] + area[2]]
        flags = frame.flags & ~_CLEARS | _REPLACES
        yield _packed(frame, area, flags, {LOSSLESS: lossless(np.ascontiguousarray(cut))})
        before = pixels


def _packed(frame: _Frame, area: Rectangle, flags: int, parts: Parts) -> bytes:
    numbers = (area[0] // 2, area[1] // 2, area[2] - 1, area[3] - 1)
    head = b"".join(number.to_bytes(3, "little") for number in numbers) + frame.duration + bytes([flags])
    return riff.pack(_FRAME, head + b"".join(riff.pack(*part) for part in parts.items()) + frame.others)


def _file(data: bytes, chunks: Sequence[Chunk], end: int, edits: dict[Chunk, bytes]) -> list[bytes]:
    pieces = [b""]
    for chunk in chunks:
        new = edits.get(chunk, data[chunk.start : chunk.end])
        if chunk.kind == _EXTENDED and any(ALPHA in _kinds(each) for each in edits.values() if each[:4] == _FRAME):
            new = new[: riff.CHUNK_HEAD] + bytes([new[riff.CHUNK_HEAD] | _HAS_ALPHA]) + new[riff.CHUNK_HEAD + 1 :]
        pieces.append(new)
    pieces[0] = b"RIFF" + riff.size_field(HEADER_SIZE + sum(map(len, pieces))) + b"WEBP"
    return [*pieces, data[end:]]
