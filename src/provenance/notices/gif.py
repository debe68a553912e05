"""Draw on every frame of a GIF file (GIF89a, sections 20 to 25).

Frames that paint over the plate are drawn on, or become transparent there where the plate stands already; all others
and every other block keep their bytes. Where that leaves the plate's place bare in some frame, each frame becomes what
a player shows. Colours outside the plate stay what they are: a notice takes colours that are there, or entries of a
colour table that nothing uses.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia
from provenance.formats import gif_blocks
from provenance.formats.gif_blocks import EXTENSION, IMAGE, Block
from provenance.model.notice import Notice
from provenance.notices.animation import Leaves, Step, all_within, difference, solid, standing
from provenance.notices.gif_pixels import Indexes, code_of, indexes_of
from provenance.notices.overlay import Drawing, Patch, patches
from provenance.notices.palette import inked, with_notice
from provenance.notices.place import Rectangle
from provenance.notices.refusal import check_animation_size, check_picture_size, does_not_fit

_SCREEN_SIZE: Final = 13  # bytes of header and logical screen descriptor
_DESCRIPTOR_SIZE: Final = 10
_CONTROL: Final = 0xF9
_CONTROL_SIZE: Final = 8
_HAS_TABLE, _INTERLACED = 0x80, 0x40
_FULL_TABLE: Final = _HAS_TABLE | 7
_HAS_TRANSPARENT, _WAITS = 0x01, 0x02
_LEAVES: Final[dict[int, Leaves]] = {2: "nothing", 3: "before"}
_DISPOSAL: Final[dict[Leaves, int]] = {"all": 1, "nothing": 2, "before": 3}
_COLOURS: Final = 256
_OPAQUE: Final = 0xFF000000
_VERSION_AT: Final = 4

Canvas = NDArray[np.uint32]  # opacity, red, green, blue; zero where nothing is


@dataclass(frozen=True, slots=True)
class _Frame:
    """One image, its control extension, and what both say; `table` is its colours or the global ones."""

    image: Block
    control: Block | None
    area: Rectangle
    leaves: Leaves
    flags: int
    control_flags: int
    transparent: int | None
    table: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Film:
    data: bytes
    width: int
    height: int
    painted: Sequence[Patch]
    frames: Sequence[_Frame]


def draw_gif(data: bytes, notices: Sequence[Notice], orientation: int) -> Drawing:
    """Return the new file; see `provenance.notices.draw` for the errors."""
    file = io.BytesIO(data)
    head = gif_blocks.header(file)
    check_picture_size(head.width, head.height)
    frames = list(_frames(data, list(gif_blocks.blocks(file, head.end)), data[_SCREEN_SIZE : head.end]))
    if not frames:
        raise MalformedMedia("gif-damaged", offset=head.end)
    check_animation_size(head.width, head.height, len(frames))
    # A frame may be larger than the canvas.
    check_animation_size(1, 1, sum(frame.area[2] * frame.area[3] for frame in frames))
    # No place of GIF says how to turn it.
    del orientation
    painted = solid(patches(notices, head.width, head.height, 1))
    film = _Film(data, head.width, head.height, painted, frames)
    stood = standing(painted, [Step(frame.area, frame.leaves) for frame in frames])
    if stood is None:
        return Drawing(_rewritten(film), "blocks", f"gif, {len(frames)} frames composed")
    touched = [bool(all_within(painted, frame.area)) for frame in frames]
    return Drawing(_edited(film, stood), "blocks", f"gif, {sum(touched)} of {len(frames)} frames")


def _frames(data: bytes, blocks: Sequence[Block], table: bytes) -> Iterator[_Frame]:
    control: Block | None = None
    for block in blocks:
        if block.kind == EXTENSION and block.label == _CONTROL:
            control = block
        elif block.kind == IMAGE:
            yield _frame(data, block, control, table)
            control = None


def _frame(data: bytes, image: Block, control: Block | None, table: bytes) -> _Frame:
    x, y, width, height = (
        int.from_bytes(data[at : at + 2], "little") for at in range(image.start + 1, image.data - 1, 2)[:4]
    )
    flags = data[image.start + _DESCRIPTOR_SIZE - 1]
    if control and (control.end - control.start != _CONTROL_SIZE or data[control.data] != _CONTROL_SIZE - 4):
        raise MalformedMedia("gif-damaged", offset=control.start)
    if not width or not height:
        raise MalformedMedia("gif-damaged", offset=image.start)
    check_picture_size(width, height)
    control_flags = data[control.data + 1] if control else 0
    own = data[image.start + _DESCRIPTOR_SIZE : image.data - 1] or table
    return _Frame(
        image,
        control,
        (x, y, width, height),
        _LEAVES.get(control_flags >> 2 & 7, "all"),
        flags,
        control_flags,
        data[control.data + 4] if control and control_flags & _HAS_TRANSPARENT else None,
        np.frombuffer(own, np.uint8).reshape(-1, 3),
    )


def _indexes(film: _Film, frame: _Frame) -> Indexes:
    code = film.data[frame.image.data - 1 : frame.image.end]
    interlaced = bool(frame.flags & _INTERLACED)
    return indexes_of(code, *frame.area[2:], interlaced=interlaced, offset=frame.image.start)


def _edited(film: _Film, stood: Sequence[bool]) -> Iterator[bytes]:
    """Yield the file with other images where they lie under the notices."""
    at = 0
    for frame, whole in zip(film.frames, stood, strict=True):
        painted = all_within(film.painted, frame.area)
        if painted:
            yield film.data[at : frame.image.start]
            yield from _drawn(film, frame, painted, hidden=whole)
            at = frame.image.end
    yield film.data[at:]


def _drawn(film: _Film, frame: _Frame, painted: Sequence[Patch], *, hidden: bool) -> Iterator[bytes]:
    """Yield an image that is drawn on or, where the notice stands already, `hidden` behind it."""
    indexes = _indexes(film, frame).copy()
    places = [_place(each) for each in painted]
    descriptor, table = film.data[frame.image.start : frame.image.start + _DESCRIPTOR_SIZE], frame.table
    if hidden and frame.transparent is not None:
        for place in places:
            indexes[place] = frame.transparent
    else:
        outside = np.ones(indexes.shape, bool)
        for place in places:
            outside[place] = False
        table, levels = _palette(frame, np.unique(indexes[outside]))
        for place, patch in zip(places, painted, strict=True):
            indexes[place] = inked(patch.ink, levels)
    if table is frame.table:
        yield descriptor + film.data[frame.image.start + _DESCRIPTOR_SIZE : frame.image.data - 1]
    else:
        yield descriptor[:-1] + bytes([frame.flags & _INTERLACED | _FULL_TABLE]) + table.tobytes()
    yield code_of(indexes, interlaced=bool(frame.flags & _INTERLACED))


def _palette(frame: _Frame, used: NDArray[Any]) -> tuple[NDArray[np.uint8], Indexes]:
    """Return the colours of a frame and the index for each level of ink; the colours are its own if they do."""
    number = len(frame.table)
    full = np.vstack((frame.table, np.zeros((_COLOURS - number, 3), np.uint8)))
    # The last ones first: they are the least likely to mean something to another frame of the same table.
    free = np.setdiff1d(np.arange(_COLOURS), used)[::-1]
    found = with_notice(full, number, free, frame.transparent)
    if found is None:
        raise does_not_fit("notice-gif-colours", offset=frame.image.start)
    return (frame.table, found[1]) if found[0] is full else found


def _rewritten(film: _Film) -> Iterator[bytes]:
    """Yield the file with each frame as a player shows it."""
    yield film.data[:_VERSION_AT] + b"9"
    at = _VERSION_AT + 1
    shown = chain(zip(film.frames, _composed(film), strict=True), [None])
    before: Canvas | None = None
    for now, after in pairwise(shown):
        if now is None:
            continue
        frame, canvas = now
        clears = after is not None and bool(((canvas != 0) & (after[1] == 0)).any())
        whole = (0, 0, film.width, film.height)
        area = whole if before is None or clears else difference(before, canvas)
        start = frame.control.start if frame.control else frame.image.start
        yield film.data[at:start]
        x, y, width, height = area
        table, indexes, transparent = _reduced(canvas[y : y + height, x : x + width])
        yield _control(film, frame, transparent, "nothing" if clears else "all")
        if frame.control:
            yield film.data[frame.control.end : frame.image.start]
        sides = b"".join(side.to_bytes(2, "little") for side in area)
        yield bytes([IMAGE]) + sides + bytes([_FULL_TABLE]) + table.tobytes() + code_of(indexes, interlaced=False)
        at = frame.image.end
        before = None if clears else canvas
    yield film.data[at:]


def _composed(film: _Film) -> Iterator[Canvas]:
    """Yield what a player shows, frame after frame, with the notices."""
    canvas: Canvas = np.zeros((film.height, film.width), np.uint32)
    for frame in film.frames:
        x, y, _, _ = frame.area
        place = canvas[y : y + frame.area[3], x : x + frame.area[2]]
        saved = place.copy() if frame.leaves == "before" else None
        _paint(place, _indexes(film, frame)[: len(place), : place.shape[1]], frame)
        yield _with_notices(canvas, film.painted, frame.image.start)
        if frame.leaves != "all":
            place[:] = 0 if saved is None else saved


def _with_notices(canvas: Canvas, painted: Sequence[Patch], offset: int) -> Canvas:
    """Return a canvas that is drawn on, of as many colours as a table holds."""
    shown = canvas.copy()
    outside = np.ones(canvas.shape, bool)
    for place in map(_place, painted):
        outside[place] = False
    colours = np.unique(canvas[outside])
    number = len(colours)
    if number > _COLOURS:
        raise does_not_fit("notice-gif-colours", offset=offset)
    table, free = _table(colours), np.arange(number, _COLOURS)
    found = with_notice(table, number, free, None if colours[:1].all() else 0)
    if found is None:
        raise does_not_fit("notice-gif-colours", offset=offset)
    for patch in painted:
        red, green, blue = found[0][inked(patch.ink, found[1])].astype(np.uint32).transpose(2, 0, 1)
        shown[_place(patch)] = red << 16 | green << 8 | blue | _OPAQUE
    return shown


def _place(patch: Patch) -> tuple[slice, slice]:
    rows, columns = patch.ink.shape
    return slice(patch.y, patch.y + rows), slice(patch.x, patch.x + columns)


def _table(colours: Canvas) -> NDArray[np.uint8]:
    table = np.zeros((_COLOURS, 3), np.uint8)
    for channel, shift in enumerate((16, 8, 0)):
        table[: len(colours), channel] = colours >> shift & 0xFF
    return table


def _paint(place: Canvas, indexes: Indexes, frame: _Frame) -> None:
    table = np.zeros(_COLOURS, np.uint32)
    red, green, blue = frame.table.astype(np.uint32).T if len(frame.table) else np.zeros((3, 0), np.uint32)
    table[: len(frame.table)] = red << 16 | green << 8 | blue
    table |= _OPAQUE
    painted = np.ones(place.shape, bool) if frame.transparent is None else indexes != frame.transparent
    place[painted] = table[indexes[painted]]


def _reduced(canvas: Canvas) -> tuple[NDArray[np.uint8], Indexes, int | None]:
    """Return colour table and indexes of a canvas, and the index of what is transparent."""
    colours, indexes = np.unique(canvas, return_inverse=True)
    # Zero comes first, if there is any.
    return _table(colours), indexes.reshape(canvas.shape).astype(np.uint8), None if colours[0] else 0


def _control(film: _Film, frame: _Frame, transparent: int | None, leaves: Leaves) -> bytes:
    delay = film.data[frame.control.data + 2 : frame.control.data + 4] if frame.control else b"\0\0"
    flags = _DISPOSAL[leaves] << 2 | frame.control_flags & _WAITS | (transparent is not None)
    return bytes([EXTENSION, _CONTROL, 4, flags]) + delay + bytes([transparent or 0, 0])
