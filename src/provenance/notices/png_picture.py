"""One picture of a PNG file, a still or a frame: out of its zlib stream, drawn on, and into a new one.

Colours outside the notice are the same numbers. A picture of palette indexes, or of grey levels with a transparent one,
is spread to 8-bit colours, since a notice needs shades that it does not have; an interlaced one is written again
line after line.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia
from provenance.formats.png_chunks import CHANNELS, GRAY, GRAY_ALPHA, INDEXED, RGB, RGBA, Header, pack
from provenance.notices.overlay import Patch
from provenance.notices.png_lines import BYTE, Lines, refiltered, unfiltered
from provenance.notices.png_pixels import Samples, blend, colour_type, deinterlaced, lines_of, samples_of, spread

COLOURS: Final = frozenset({b"PLTE", b"tRNS", b"sBIT", b"bKGD"})
"""Chunks that say what samples mean."""
_LEVEL: Final = 6
_UP: Final = 2  # filter type
_STRIPE: Final = 256  # lines at a time
_PIECE: Final = 1 << 20
_TRANSPARENT: Final = {GRAY: GRAY_ALPHA, RGB: RGBA}

Colours = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the samples of a file's pictures mean.

    Attributes:
        table: The 8-bit colour of each value, alpha last where there is one; None of a picture with many.
        key: The colour that tRNS makes transparent, or nothing.
    """

    table: NDArray[np.uint8] | None
    key: tuple[int, ...]


def meaning(colours: Colours, header: Header) -> Meaning:
    """Return what samples mean, given the contents of the chunks that say so.

    Raises:
        MalformedMedia: a palette that PNG does not allow.
    """
    return Meaning(_table(colours, header), _key(colours, header))


def plain(header: Header, table: NDArray[np.uint8] | None) -> Header:
    """Return the header of a picture once it is spread to the colours of `table` and not interlaced."""
    if table is None:
        return replace(header, interlaced=False)
    return replace(header, interlaced=False, depth=BYTE, colour=colour_type(table))


def in_place(inflated: Lines, header: Header, painted: Sequence[Patch], key: tuple[int, ...]) -> list[bytes]:
    """Return a zlib stream in which the lines under the notices and the one below, predicted from them, are new."""
    filtered = inflated.reshape(header.height, -1)
    top = min(patch.y for patch in painted)
    bottom = max(patch.y + len(patch.keep) for patch in painted)
    below = min(bottom + 1, header.height)
    lines = unfiltered(filtered[:below], header)
    samples = samples_of(lines[top:bottom], header)
    blend(samples, header, painted, top, key)
    lines[top:bottom] = lines_of(samples, header)
    above = lines[top - 1] if top else np.zeros_like(lines[0])
    filtered[top:below] = refiltered(lines[top:below], above, filtered[top:below, 0], header.pixel_bytes)
    return _deflated(filtered[start : start + _STRIPE] for start in range(0, header.height, _STRIPE))


def samples(inflated: Lines, header: Header, table: NDArray[np.uint8] | None) -> Samples:
    """Return the samples of a picture, spread to the colours of `table` if there is one.

    Raises:
        MalformedMedia: an index beyond the palette, or a filter type that PNG does not define.
    """
    if header.interlaced:
        found = deinterlaced(inflated, header)
    else:
        found = samples_of(unfiltered(inflated.reshape(header.height, -1), header), header)
    return found if table is None else spread(found, table)


def stream(picture: Samples, header: Header) -> list[bytes]:
    """Return the zlib stream of samples, in pieces."""
    return _deflated(_filtered(picture, header))


def with_alpha(picture: Samples, header: Header, key: tuple[int, ...]) -> tuple[Samples, Header]:
    """Return samples of grey or colour with an alpha channel, at least 8 bits deep, and their header.

    They need to be spread already where they are fewer bits deep.
    """
    if header.colour not in _TRANSPARENT:
        return picture, header
    white = (1 << header.depth) - 1
    alpha = np.full((*picture.shape[:2], 1), white, picture.dtype)
    if key:
        alpha[(picture == np.array(key, dtype=np.uint16)).all(axis=-1)] = 0
    return np.concatenate((picture, alpha), axis=2), replace(header, colour=_TRANSPARENT[header.colour])


def matching(colours: Colours, header: Header, table: NDArray[np.uint8]) -> dict[bytes, bytes]:
    """Return the chunks that count in the colour type of `header`, as that of `table` counts them."""
    new = {b"tRNS": b""}
    if bits := colours.get(b"sBIT"):
        opaque = table.shape[1] == CHANNELS[RGB]
        new[b"sBIT"] = pack(b"sBIT", bits if opaque else bits + bytes([BYTE]))
    if ground := colours.get(b"bKGD"):
        value = int.from_bytes(ground, "big")
        entry = table[value : value + 1, : 1 if header.colour == GRAY else 3]
        new[b"bKGD"] = pack(b"bKGD", entry.astype(">u2").tobytes()) if entry.size else b""
    return new


def levels(header: Header) -> NDArray[np.uint8]:
    """Return the 8-bit grey and alpha of each level of a grey picture of fewer bits."""
    found = np.arange(1 << header.depth, dtype=np.uint8)
    step = np.uint8(255 // int(found[-1]))
    return np.stack((found * step, np.full_like(found, 255)), axis=1)


def _filtered(picture: Samples, header: Header) -> Iterator[Lines]:
    above = np.zeros(header.line_bytes, np.uint8)
    for start in range(0, header.height, _STRIPE):
        lines = lines_of(picture[start : start + _STRIPE], header)
        types = np.full(len(lines), _UP, np.uint8)
        yield refiltered(lines, above, types, header.pixel_bytes)
        above = lines[-1]


def _deflated(stripes: Iterable[Lines]) -> list[bytes]:
    engine = zlib.compressobj(_LEVEL)
    pieces, waiting = [], bytearray()
    for stripe in stripes:
        waiting += engine.compress(stripe.tobytes())
        if len(waiting) >= _PIECE:
            pieces.append(bytes(waiting))
            waiting.clear()
    return [*pieces, bytes(waiting) + engine.flush()]


def _table(colours: Colours, header: Header) -> NDArray[np.uint8] | None:
    clear = colours.get(b"tRNS")
    if header.colour == INDEXED:
        entries = colours.get(b"PLTE", b"")
        if len(entries) % 3 or not 0 < len(entries) // 3 <= 1 << header.depth:
            raise MalformedMedia("png-damaged")
        palette = np.frombuffer(entries, np.uint8).reshape(-1, 3)
        if clear is None:
            return palette
        alpha = np.full((len(palette), 1), 255, np.uint8)
        given = np.frombuffer(clear[: len(palette)], np.uint8)
        alpha[: len(given), 0] = given
        return np.hstack((palette, alpha))
    if header.colour == GRAY and header.depth < BYTE and clear is not None:
        table = levels(header)
        table[int.from_bytes(clear, "big") == np.arange(len(table)), 1] = 0
        return table
    return None


def _key(colours: Colours, header: Header) -> tuple[int, ...]:
    clear = colours.get(b"tRNS")
    if clear is None or header.colour not in {GRAY, RGB} or len(clear) != 2 * CHANNELS[header.colour]:
        return ()
    return struct.unpack(f">{CHANNELS[header.colour]}H", clear)
