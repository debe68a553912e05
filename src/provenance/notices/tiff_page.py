"""One picture of a TIFF file: what its tags say of its samples, where strips or tiles lie, and ink in its colours."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.errors import NoticeDoesNotFit
from provenance.formats import tiff
from provenance.formats.tiff import Directory, Stream
from provenance.metadata.ifd import Entry
from provenance.notices.animation import within
from provenance.notices.overlay import Patch
from provenance.notices.refusal import check_picture_size, does_not_fit
from provenance.notices.tiff_blocks import CODES, NONE, Block, Coding, Samples

STRIP_OFFSETS, STRIP_SIZES, TILE_OFFSETS, TILE_SIZES = 273, 279, 324, 325
COLOR_MAP: Final = 320
_SUBFILE, _BITS, _COMPRESSION, _MEANING, _FILL_ORDER = 254, 258, 259, 262, 266
_ORIENTATION, _SAMPLES, _ROWS, _PLANES, _PREDICTOR = 274, 277, 278, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _INK_SET, _EXTRA, _FORMAT = 322, 323, 332, 338, 339
_NUMBERS: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, PALETTE, _INKS = 0, 1, 2, 3, 5
_COLOURS: Final = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, PALETTE: 1, _INKS: 4}
_PREMULTIPLIED, _STRAIGHT = 1, 2
_DEPTHS: Final = frozenset({1, 2, 4, 8, 16})
_WHOLE: Final = 8  # bits
_MOST_SAMPLES: Final = 16
_REDUCED, _MASK = 1, 4


@dataclass(frozen=True, slots=True)
class Page:
    """A picture: sides in pixels as stored, and how and where its samples are; `alpha` numbers the opacity channel."""

    directory: Directory
    width: int
    height: int
    orientation: int
    meaning: int
    samples: int
    alpha: int | None
    premultiplied: bool
    coding: Coding
    block: tuple[int, int]
    planar: bool
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def white(self) -> int:
        """The largest sample."""
        return (1 << self.coding.bits) - 1

    @property
    def is_tiled(self) -> bool:
        """Whether its blocks are tiles."""
        return self.directory.get(TILE_OFFSETS) is not None


def is_picture(stream: Stream, directory: Directory) -> bool:
    """Return whether a directory describes a picture, and no mask of one."""
    is_mask = (tiff.integer(stream, directory.get(_SUBFILE)) or 0) & _MASK
    return directory.get(tiff.WIDTH) is not None and not is_mask


def is_reduced(stream: Stream, directory: Directory) -> bool:
    """Return whether a picture is a smaller copy of another one."""
    return bool((tiff.integer(stream, directory.get(_SUBFILE)) or 0) & _REDUCED)


def page(stream: Stream, directory: Directory) -> Page:
    """Return what the tags of a picture say.

    Raises:
        MalformedMedia: they contradict each other or the file.
        MediaTooLarge: it has too many pixels.
        NoticeDoesNotFit: it is coded in a way that cannot be written back without loss.
    """

    def number(tag: int, default: int) -> int:
        found = tiff.integer(stream, directory.get(tag))
        return default if found is None else found

    width, height = number(tiff.WIDTH, 0), number(tiff.HEIGHT, 0)
    if not width or not height:
        raise tiff.damaged(directory.span.start)
    check_picture_size(width, height)
    coding, meaning, samples = _coding(stream, directory), number(_MEANING, -1), number(_SAMPLES, 1)
    alpha, premultiplied = _alpha(stream, directory, meaning)
    planar = number(_PLANES, 1) == 2 and samples > 1  # noqa: PLR2004 - PlanarConfiguration
    odd = coding.bits < _WHOLE and (samples > 1 or coding.differences)
    short = samples < _COLOURS.get(meaning, 1) or (meaning == PALETTE and (samples > 1 or coding.bits > _WHOLE))
    if meaning not in _COLOURS or odd or short or number(_INK_SET, 1) != 1 or (alpha is not None and alpha >= samples):
        raise _refused(coding.compression, coding.bits, meaning)
    block = _block_size(stream, directory, width, height)
    check_picture_size(*block)
    rows = (width * (1 if planar else samples) * coding.bits + 7) // 8
    offsets, sizes = _places(stream, directory, coding, rows * block[1])
    made = Page(
        directory,
        width,
        height,
        number(_ORIENTATION, 1),
        meaning,
        samples,
        alpha,
        premultiplied,
        coding,
        block,
        planar,
        offsets,
        sizes,
    )
    across, down = -(-width // block[0]), -(-height // block[1])
    if len(offsets) < across * down * (samples if planar else 1):
        raise tiff.damaged(directory.span.start)
    return made


def blocks_under(of: Page, painted: Sequence[Patch]) -> Iterator[tuple[Block, list[Patch]]]:
    """Yield each strip or tile that lies under a notice, and the notices counted from its top left."""
    across, down = -(-of.width // of.block[0]), -(-of.height // of.block[1])
    areas: dict[tuple[int, int], list[Patch]] = {}
    for patch in painted:
        rows, columns = patch.keep.shape
        for row in range(patch.y // of.block[1], -(-(patch.y + rows) // of.block[1])):
            for column in range(patch.x // of.block[0], -(-(patch.x + columns) // of.block[0])):
                part = within(patch, (column * of.block[0], row * of.block[1], *of.block))
                areas.setdefault((row, column), []).extend([part] if part else [])
    for (row, column), parts in sorted(areas.items()):
        for plane in range(of.samples if of.planar else 1):
            number = (plane * down + row) * across + column
            yield _block(of, number, row, column, plane), parts


def all_blocks(of: Page) -> Iterator[Block]:
    """Yield every strip or tile of the first plane."""
    across, down = -(-of.width // of.block[0]), -(-of.height // of.block[1])
    for number in range(across * down):
        yield _block(of, number, number // across, number % across, 0)


def blend(samples: Samples, block: Block, of: Page, painted: Sequence[Patch]) -> None:
    """Draw `painted` into the samples of a block in place."""
    white = np.float32(of.white)
    for patch in painted:
        rows, columns = patch.keep.shape
        area = samples[patch.y : patch.y + rows, patch.x : patch.x + columns]
        opacity: NDArray[np.float32] | np.float32 = np.float32(1)
        if of.alpha is not None and not of.planar:
            opacity = area[..., of.alpha].astype(np.float32) / white
        for place, channel in enumerate(block.channels):
            if channel == of.alpha:
                area[..., place] = of.white
            elif channel < _COLOURS[of.meaning]:
                ink, plate = _ink(of, channel)
                shown = area[..., place].astype(np.float32)
                # What shines through is what a viewer saw: transparent pixels count as the plate.
                shown = shown * (1 if of.premultiplied else opacity) + plate * (1 - opacity)
                area[..., place] = np.clip(np.rint(patch.over(shown, ink, plate)), 0, of.white)


def numbers(stream: Stream, entry: Entry | None) -> tuple[int, ...]:
    """Return all numbers of a value; none if there is no such value."""
    if entry is None:
        return ()
    if entry.kind not in _NUMBERS:
        raise tiff.damaged(entry.at)
    code = f"{stream.order}{entry.number}{_NUMBERS[entry.kind]}"
    return struct.unpack(code, tiff.bytes_at(stream, entry.at, struct.calcsize(code)))


def _ink(of: Page, channel: int) -> tuple[int, int]:
    """Return the samples of white ink and of the black plate."""
    if of.meaning == _WHITE_IS_ZERO:
        return 0, of.white
    if of.meaning == _INKS:
        return 0, of.white if channel == _COLOURS[_INKS] - 1 else 0
    return of.white, 0


def _block(of: Page, number: int, row: int, column: int, plane: int) -> Block:
    width, height = of.block
    # The last strip ends with the picture, the last tile does not.
    rows = height if of.is_tiled else min(height, of.height - row * height)
    channels = range(plane, plane + 1) if of.planar else range(of.samples)
    start, size = of.offsets[number], of.sizes[number]
    return Block(number, column * width, row * height, width, rows, channels, start, size)


def _coding(stream: Stream, directory: Directory) -> Coding:
    compression = tiff.integer(stream, directory.get(_COMPRESSION)) or NONE
    samples = tiff.integer(stream, directory.get(_SAMPLES)) or 1
    bits = set(numbers(stream, directory.get(_BITS))) or {1}
    formats = set(numbers(stream, directory.get(_FORMAT))) or {1}
    predictor = tiff.integer(stream, directory.get(_PREDICTOR)) or 1
    order = tiff.integer(stream, directory.get(_FILL_ORDER)) or 1
    plain = samples <= _MOST_SAMPLES and formats == {1} and order == 1 and len(bits) == 1 and bits <= _DEPTHS
    coded = compression in CODES and predictor in {1, 2}
    if not plain or not coded:
        meaning = tiff.integer(stream, directory.get(_MEANING))
        raise _refused(compression, max(bits), -1 if meaning is None else meaning)
    differences = predictor == 2 and compression not in {NONE, 32773}  # noqa: PLR2004 - Predictor; PackBits has none
    return Coding(compression, bits.pop(), stream.order, differences)


def _alpha(stream: Stream, directory: Directory, meaning: int) -> tuple[int | None, bool]:
    for place, kind in enumerate(numbers(stream, directory.get(_EXTRA))):
        if kind in {_PREMULTIPLIED, _STRAIGHT}:
            return _COLOURS.get(meaning, 0) + place, kind == _PREMULTIPLIED
    return None, False


def _block_size(stream: Stream, directory: Directory, width: int, height: int) -> tuple[int, int]:
    if directory.get(TILE_OFFSETS) is None:
        rows = tiff.integer(stream, directory.get(_ROWS)) or height
        return width, min(rows, height)
    sides = [tiff.integer(stream, directory.get(tag)) or 0 for tag in (_TILE_WIDTH, _TILE_HEIGHT)]
    if not all(sides):
        raise tiff.damaged(directory.span.start)
    return sides[0], sides[1]


def _places(stream: Stream, directory: Directory, coding: Coding, most: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    tags = (TILE_OFFSETS, TILE_SIZES) if directory.get(TILE_OFFSETS) else (STRIP_OFFSETS, STRIP_SIZES)
    offsets, sizes = (numbers(stream, directory.get(tag)) for tag in tags)
    if not sizes and coding.compression == NONE:
        sizes = tuple(min(most, stream.size - start) for start in offsets)
    if not offsets or len(sizes) != len(offsets) or any(start < stream.header for start in offsets):
        raise tiff.damaged(directory.span.start)
    return offsets, sizes


def _refused(compression: int, bits: int, meaning: int) -> NoticeDoesNotFit:
    return does_not_fit("notice-tiff-coding", compression=compression, bits=bits, meaning=meaning)
