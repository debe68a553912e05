"""Draw on every frame of an animated PNG (W3C PNG, third edition, 11.3.7).

Frames that paint over the plate are drawn on; all others keep their zlib streams. Where that leaves the plate's place
bare in some frame, each frame becomes what a player shows, cut to where it differs from the one before. Delays, the
number of plays and the chunks of others stay; sequence numbers are counted anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from provenance.errors import MalformedMedia
from provenance.formats.png_chunks import CHANNELS, GRAY, SIGNATURE, Chunk, Header, pack
from provenance.notices import png_picture
from provenance.notices.animation import Leaves, Step, all_within, difference, solid, standing
from provenance.notices.overlay import Drawing, Patch
from provenance.notices.place import Rectangle
from provenance.notices.png_lines import BYTE, inflate
from provenance.notices.png_picture import Colours, Meaning
from provenance.notices.png_pixels import Samples, blend, filtered_size
from provenance.notices.refusal import check_animation_size

_CONTROL: Final = struct.Struct(">IIIII4sBB")  # sequence, width, height, x, y, delay, disposal, blending
_LEAVES: Final[tuple[Leaves, ...]] = ("all", "nothing", "before")  # by disposal
_SOURCE, _OVER = 0, 1
_PICTURES: Final = frozenset({b"IDAT", b"fdAT"})
_NUMBER_SIZE: Final = 4


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame, or without a delay the picture for readers that play nothing; `places` of its zlib stream."""

    area: Rectangle
    delay: bytes
    leaves: Leaves
    blending: int
    places: list[tuple[int, int]]


class _Drawn(NamedTuple):
    """A frame as it is written: the pieces of its zlib stream, and what its control chunk says."""

    frame: _Frame
    stream: list[bytes]


@dataclass(frozen=True, slots=True)
class _Film:
    """All that frames share."""

    data: bytes
    header: Header
    meant: Meaning
    painted: Sequence[Patch]
    frames: Sequence[_Frame]

    def inflated(self, frame: _Frame) -> tuple[np.ndarray, Header]:
        small = replace(self.header, width=frame.area[2], height=frame.area[3])
        return inflate(self.data, frame.places, filtered_size(small)), small


def is_animated(parts: Sequence[Chunk]) -> bool:
    """Return whether players would play a file: it announces so before its first picture."""
    kinds = [part.kind for part in parts]
    return b"acTL" in kinds and b"IDAT" in kinds and kinds.index(b"acTL") < kinds.index(b"IDAT")


def draw_frames(
    data: bytes, parts: Sequence[Chunk], header: Header, colours: Colours, painted: Sequence[Patch]
) -> Drawing:
    """Return the new file.

    Args:
        data: The file.
        parts: Its chunks.
        header: Of its canvas.
        colours: What the chunks hold that say what samples mean.
        painted: The notices in stored pixels.

    Raises:
        MalformedMedia: frames are missing, out of order or off the canvas, or cannot be decoded.
        MediaTooLarge: see `refusal.check_animation_size`.
    """
    frames = _frames(data, parts, header)
    check_animation_size(header.width, header.height, len(frames))
    film = _Film(data, header, png_picture.meaning(colours, header), solid(painted), frames)
    steps = [Step(frame.area, frame.leaves) for frame in frames if frame.delay]
    if standing(film.painted, steps):
        plain = png_picture.plain(header, film.meant.table)
        drawn: Iterable[_Drawn] = (_drawn(film, frame, plain) for frame in frames)
        method = f"apng, {sum(_is_touched(film, frame) for frame in frames)} of {len(frames)} frames"
    else:
        film = _with_table(film)
        plain = _with_alpha(film)
        drawn = _composed(film, plain)
        method = f"apng, {len(frames)} frames composed"
    new = {b"IHDR": plain.chunk(), **_translated(colours, header, plain, film.meant)}
    return Drawing(_file(data, parts, new, iter(drawn)), "blocks", method)


def _frames(data: bytes, parts: Sequence[Chunk], header: Header) -> list[_Frame]:
    whole = (0, 0, header.width, header.height)
    frames: list[_Frame] = []
    kinds: list[bytes] = []
    for part in parts:
        if part.kind == b"fcTL":
            frames.append(_controlled(data, part, header))
            kinds.append(b"")
        elif part.kind in _PICTURES:
            if not frames and part.kind == b"IDAT":
                frames.append(_Frame(whole, b"", "all", _SOURCE, []))
                kinds.append(b"")
            if not frames or kinds[-1] not in {b"", part.kind} or (part.kind == b"fdAT" and not frames[-1].delay):
                raise MalformedMedia("png-damaged", offset=part.start)
            kinds[-1] = part.kind
            number = _NUMBER_SIZE if part.kind == b"fdAT" else 0
            if part.length < number:
                raise MalformedMedia("png-damaged", offset=part.start)
            frames[-1].places.append((part.data + number, part.data + part.length))
    sound = b"" not in kinds and kinds.count(b"IDAT") == 1 and any(frame.delay for frame in frames)
    if not sound or frames[0].area != whole:
        raise MalformedMedia("png-damaged", offset=parts[0].start)
    return frames


def _controlled(data: bytes, part: Chunk, header: Header) -> _Frame:
    if part.length != _CONTROL.size:
        raise MalformedMedia("png-damaged", offset=part.start)
    _, width, height, x, y, delay, disposal, blending = _CONTROL.unpack_from(data, part.data)
    inside = width and height and x + width <= header.width and y + height <= header.height
    if not inside or disposal >= len(_LEAVES) or blending > _OVER:
        raise MalformedMedia("png-damaged", offset=part.start)
    return _Frame((x, y, width, height), delay, _LEAVES[disposal], blending, [])


def _is_touched(film: _Film, frame: _Frame) -> bool:
    return film.header.interlaced or film.meant.table is not None or bool(all_within(film.painted, frame.area))


def _drawn(film: _Film, frame: _Frame, plain: Header) -> _Drawn:
    """Draw on a frame where it lies under the notices."""
    if not _is_touched(film, frame):
        return _Drawn(frame, [film.data[start:end] for start, end in frame.places])
    painted = all_within(film.painted, frame.area)
    lines, small = film.inflated(frame)
    if film.meant.table is None and not small.interlaced:
        return _Drawn(frame, png_picture.in_place(lines, small, painted, film.meant.key))
    picture = png_picture.samples(lines, small, film.meant.table)
    small = replace(plain, width=small.width, height=small.height)
    blend(picture, small, painted, 0, film.meant.key)
    return _Drawn(frame, png_picture.stream(picture, small))


def _with_table(film: _Film) -> _Film:
    """Spread grey levels of few bits: an alpha channel needs eight."""
    if film.header.colour != GRAY or film.header.depth >= BYTE or film.meant.table is not None:
        return film
    return replace(film, meant=Meaning(png_picture.levels(film.header), ()))


def _with_alpha(film: _Film) -> Header:
    plain = png_picture.plain(film.header, film.meant.table)
    return png_picture.with_alpha(np.empty((0, 0, CHANNELS[plain.colour]), np.uint8), plain, ())[1]


def _composed(film: _Film, plain: Header) -> Iterator[_Drawn]:
    """Return each frame as a player shows it, cut to where it differs from the one before."""
    kind = np.uint16 if plain.depth > BYTE else np.uint8
    canvas: Samples = np.zeros((plain.height, plain.width, CHANNELS[plain.colour]), kind)
    before: Samples | None = None
    for frame in film.frames:
        lines, small = film.inflated(frame)
        picture = png_picture.samples(lines, small, film.meant.table)
        picture, _ = png_picture.with_alpha(
            picture, png_picture.plain(small, film.meant.table), film.meant.key if film.meant.table is None else ()
        )
        x, y, width, height = frame.area
        place = canvas[y : y + height, x : x + width]
        # The very first frame has nothing before it to go back to.
        saved = place.copy() if frame.leaves == "before" and before is not None else np.zeros_like(place[:1, :1])
        place[:] = _over(picture, place) if frame.blending == _OVER else picture
        shown = canvas.copy()
        blend(shown, plain, film.painted, 0, ())
        area = (0, 0, plain.width, plain.height) if before is None else difference(before, shown)
        cut = shown[area[1] : area[1] + area[3], area[0] : area[0] + area[2]]
        written = replace(plain, width=area[2], height=area[3])
        yield _Drawn(_Frame(area, frame.delay, "all", _SOURCE, []), png_picture.stream(cut, written))
        if not frame.delay:
            place[:] = 0
            continue
        before = shown
        if frame.leaves != "all":
            place[:] = saved


def _over(picture: Samples, ground: Samples) -> Samples:
    """Return `picture` over `ground`, both with alpha (PNG third edition, 11.3.7.3, 13.16)."""
    white = np.float32(np.iinfo(picture.dtype).max)
    front, back = picture[..., -1:] / white, ground[..., -1:] / white
    behind = back * (1 - front)
    alpha = front + behind
    colours = (picture[..., :-1] * front + ground[..., :-1] * behind) / np.maximum(alpha, 1 / white / white)
    mixed = np.rint(np.concatenate((colours, alpha * white), axis=-1)).astype(picture.dtype)
    opaque = np.broadcast_to(picture[..., -1:] == white, picture.shape)
    clear = np.broadcast_to(picture[..., -1:] == 0, picture.shape)
    # What needs no mixing stays what it was to the bit.
    return np.where(opaque, picture, np.where(clear, ground, mixed))


def _translated(colours: Colours, header: Header, plain: Header, meant: Meaning) -> dict[bytes, bytes]:
    """Return the chunks that say what samples mean, where those of `plain` mean something else."""
    if meant.table is not None:
        return png_picture.matching(colours, header, meant.table)
    if plain.colour == header.colour:
        return {}
    new = {b"tRNS": b""}
    if bits := colours.get(b"sBIT"):
        new[b"sBIT"] = pack(b"sBIT", bits + bytes([plain.depth]))
    return new


def _file(data: bytes, parts: Sequence[Chunk], new: Mapping[bytes, bytes], drawn: Iterator[_Drawn]) -> Iterator[bytes]:
    """Yield the new file; frames are drawn as they are due."""
    yield SIGNATURE
    number = 0
    waiting: _Drawn | None = None
    for part in parts:
        if part.kind == b"fcTL":
            waiting = next(drawn)
            yield _control(waiting.frame, number)
            number += 1
        elif part.kind == b"IDAT":
            waiting = waiting or (next(drawn) if number == 0 else None)
            yield from (pack(b"IDAT", piece) for piece in (waiting.stream if waiting else ()))
            # What follows of this picture is written already.
            waiting = _Drawn(waiting.frame, []) if waiting else None
        elif part.kind == b"fdAT":
            for piece in waiting.stream if waiting else ():
                yield pack(b"fdAT", number.to_bytes(_NUMBER_SIZE, "big") + piece)
                number += 1
            waiting = _Drawn(waiting.frame, []) if waiting else None
        else:
            yield new.get(part.kind, data[part.start : part.end])
    yield data[parts[-1].end :]


def _control(frame: _Frame, number: int) -> bytes:
    x, y, width, height = frame.area
    disposal = _LEAVES.index(frame.leaves)
    return pack(b"fcTL", _CONTROL.pack(number, width, height, x, y, frame.delay, disposal, frame.blending))
