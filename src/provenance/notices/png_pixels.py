"""The samples of PNG scanlines: unpacked, spread from a palette, put together from interlaced passes, blended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia
from provenance.formats.png_chunks import CHANNELS, GRAY_ALPHA, RGB, RGBA, Header
from provenance.notices.overlay import Patch
from provenance.notices.png_lines import BYTE, Lines, unfiltered

Samples = NDArray[Any]

# PNG third edition, section 8.1: first column and row, then steps, of the seven passes.
_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def samples_of(lines: Lines, header: Header) -> Samples:
    """Return scanlines (rows, bytes) as samples (rows, columns, channels), uint8 or uint16."""
    if header.depth > BYTE:
        values: Samples = lines.view(">u2").astype(np.uint16)
    elif header.depth == BYTE:
        values = lines
    else:
        bits = np.unpackbits(lines, axis=1).reshape(len(lines), -1, header.depth)
        weights = 1 << np.arange(header.depth - 1, -1, -1, dtype=np.uint8)
        values = (bits * weights).sum(axis=2, dtype=np.uint8)[:, : header.width]
    return values.reshape(len(lines), header.width, CHANNELS[header.colour])


def lines_of(samples: Samples, header: Header) -> Lines:
    """Return samples (rows, columns, channels) as scanlines (rows, bytes)."""
    rows = len(samples)
    if header.depth > BYTE:
        return np.ascontiguousarray(samples.astype(">u2")).view(np.uint8).reshape(rows, -1)
    if header.depth == BYTE:
        return np.ascontiguousarray(samples, dtype=np.uint8).reshape(rows, -1)
    shifts = np.arange(header.depth - 1, -1, -1, dtype=np.uint8)
    bits = (samples.reshape(rows, -1, 1) >> shifts) & 1
    return np.packbits(bits.reshape(rows, -1).astype(np.uint8), axis=1)


def passes(header: Header) -> list[tuple[Header, tuple[slice, slice]]]:
    """Return each pass of an interlaced picture as a picture of its own, with the pixels it fills."""
    found = []
    for column, row, across, down in _PASSES:
        width, height = -((column - header.width) // across), -((row - header.height) // down)
        if width > 0 and height > 0:
            small = replace(header, width=width, height=height, interlaced=False)
            found.append((small, (slice(row, None, down), slice(column, None, across))))
    return found


def filtered_size(header: Header) -> int:
    """Return the bytes of all filtered scanlines."""
    pictures = [small for small, _ in passes(header)] if header.interlaced else [header]
    return sum((picture.line_bytes + 1) * picture.height for picture in pictures)


def deinterlaced(data: Lines, header: Header) -> Samples:
    """Return the samples of an interlaced picture, given its inflated bytes."""
    kind = np.uint16 if header.depth > BYTE else np.uint8
    whole = np.empty((header.height, header.width, CHANNELS[header.colour]), kind)
    at = 0
    for small, place in passes(header):
        end = at + (small.line_bytes + 1) * small.height
        lines = unfiltered(data[at:end].reshape(small.height, -1), small)
        whole[place] = samples_of(lines, small)
        at = end
    return whole


def spread(samples: Samples, table: NDArray[np.uint8]) -> Samples:
    """Return 8-bit colours for palette indexes; `table` is (entries, channels).

    Raises:
        MalformedMedia: an index beyond the palette.
    """
    indexes = samples[:, :, 0]
    if indexes.size and indexes.max() >= len(table):
        raise MalformedMedia("notice-png-palette", index=int(indexes.max()), entries=len(table))
    return table[indexes]


def blend(samples: Samples, header: Header, patches: Sequence[Patch], top: int, key: tuple[int, ...]) -> None:
    """Draw `patches` into `samples` in place; row 0 of them is row `top` of the picture.

    Args:
        samples: (rows, columns, channels), no palette indexes.
        header: Of the picture.
        patches: Notices in stored pixels.
        top: First row of `samples` in the picture.
        key: The colour that tRNS makes transparent, or nothing: no drawn pixel may get it.
    """
    white = (1 << header.depth) - 1
    for patch in patches:
        height, width = patch.keep.shape
        area = samples[patch.y - top : patch.y - top + height, patch.x : patch.x + width]
        colours = area.astype(np.float32)
        if header.colour in {GRAY_ALPHA, RGBA}:
            # What shines through is what a viewer saw: transparent pixels count as black.
            colours[..., :-1] *= colours[..., -1:] / white
            area[..., -1] = white
            colours = colours[..., :-1]
        for channel in range(colours.shape[-1]):
            area[..., channel] = np.rint(patch.over(colours[..., channel], white, 0))
        if key:
            _avoid(area, key)


def _avoid(area: Samples, key: tuple[int, ...]) -> None:
    hit = (area[..., : len(key)] == np.array(key, dtype=np.uint16)).all(axis=-1)
    area[hit, 0] = key[0] + 1 if key[0] == 0 else key[0] - 1


def colour_type(table: NDArray[np.uint8]) -> int:
    """Return the colour type of the entries of `table`."""
    return {CHANNELS[kind]: kind for kind in (GRAY_ALPHA, RGB, RGBA)}[table.shape[1]]
