"""Draw on a PNG file: the scanlines under the notice are filtered again, every other byte of them stays.

Colours outside the notice are the same numbers. A picture of palette indexes, or of grey levels with a transparent one,
is spread to 8-bit colours, since a notice needs shades that it does not have; an interlaced one is written again
line after line. Chunks that are not the picture's own stay as they are.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia
from provenance.formats import png_chunks
from provenance.formats.png_chunks import CHANNELS, GRAY, INDEXED, RGB, SIGNATURE, Chunk, Header, pack
from provenance.model.notice import Notice
from provenance.notices.overlay import Patch, patches
from provenance.notices.place import displayed_size
from provenance.notices.png_lines import BYTE, Lines, inflate, refiltered, unfiltered
from provenance.notices.png_pixels import blend, colour_type, deinterlaced, filtered_size, lines_of, samples_of, spread
from provenance.notices.refusal import check_picture_size, does_not_fit

_LEVEL: Final = 6
_UP: Final = 2  # filter type
_STRIPE: Final = 256  # lines at a time
_IDAT: Final = 1 << 20
_COLOURS: Final = frozenset({b"PLTE", b"tRNS", b"sBIT", b"bKGD"})
_ANIMATION: Final = frozenset({b"acTL", b"fcTL", b"fdAT"})

Colours = Mapping[bytes, bytes]
Drawn = tuple[Header, list[bytes], dict[bytes, bytes]]


def is_animated(file: BinaryIO) -> bool:
    """Return whether a PNG file is an animation (third edition, 11.3.7), on which `draw_png` cannot draw.

    Raises:
        MalformedMedia: its chunks break PNG.
        OSError: reading failed.
    """
    return _animated(png_chunks.chunks(file, whole=False))


def _animated(parts: Iterable[Chunk]) -> bool:
    return any(part.kind in _ANIMATION for part in parts)


def draw_png(data: bytes, notices: Sequence[Notice], orientation: int) -> tuple[list[bytes], Literal["blocks"], str]:
    """Return the new file in pieces, what changed, and how.

    Raises:
        GlyphMissing, MalformedMedia, MediaTooLarge, NoticeDoesNotFit: see `provenance.notices.draw`.
    """
    file = io.BytesIO(data)
    parts = list(png_chunks.chunks(file))
    header = png_chunks.header(file, parts[0])
    check_picture_size(header.width, header.height)
    if _animated(parts):
        raise does_not_fit("notice-animated")
    painted = patches(notices, *displayed_size(header.width, header.height, orientation), orientation)
    # Of several, the first one counts.
    colours = {part.kind: png_chunks.content(file, part) for part in reversed(parts) if part.kind in _COLOURS}
    table = _table(colours, header)
    lines = inflate(data, parts, filtered_size(header))
    new: dict[bytes, bytes] = {}
    if table is None and not header.interlaced:
        picture, method = _in_place(lines, header, painted, _key(colours, header)), "png"
    else:
        header, picture, new = _whole(lines, header, painted, colours, table)
        method = "png, rewritten"
    return _file(data, parts, {**new, b"IHDR": header.chunk()}, picture), "blocks", method


def _in_place(inflated: Lines, header: Header, painted: Sequence[Patch], key: tuple[int, ...]) -> list[bytes]:
    """Filter again the lines under the notices and the one below, which is predicted from them."""
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


def _whole(
    inflated: Lines, header: Header, painted: Sequence[Patch], colours: Colours, table: NDArray[np.uint8] | None
) -> Drawn:
    """Write the picture again, spread to the colours of `table` if there is one, not interlaced."""
    if header.interlaced:
        samples = deinterlaced(inflated, header)
    else:
        samples = samples_of(unfiltered(inflated.reshape(header.height, -1), header), header)
    plain = replace(header, interlaced=False)
    new: dict[bytes, bytes] = {}
    if table is not None:
        samples = spread(samples, table)
        plain = replace(plain, depth=8, colour=colour_type(table))
        new = _matching(colours, header, table)
    blend(samples, plain, painted, 0, _key(colours, plain))
    return plain, _deflated(_filtered(samples, plain)), new


def _filtered(samples: NDArray[np.uint8], header: Header) -> Iterator[Lines]:
    above = np.zeros(header.line_bytes, np.uint8)
    for start in range(0, header.height, _STRIPE):
        lines = lines_of(samples[start : start + _STRIPE], header)
        types = np.full(len(lines), _UP, np.uint8)
        yield refiltered(lines, above, types, header.pixel_bytes)
        above = lines[-1]


def _deflated(stripes: Iterable[Lines]) -> list[bytes]:
    """Return the IDAT chunks of filtered scanlines."""
    engine = zlib.compressobj(_LEVEL)
    pieces, waiting = [], bytearray()
    for stripe in stripes:
        waiting += engine.compress(stripe.tobytes())
        if len(waiting) >= _IDAT:
            pieces.append(pack(b"IDAT", bytes(waiting)))
            waiting.clear()
    return [*pieces, pack(b"IDAT", bytes(waiting) + engine.flush())]


def _file(data: bytes, parts: Sequence[Chunk], new: Mapping[bytes, bytes], picture: Sequence[bytes]) -> list[bytes]:
    pieces = [SIGNATURE]
    waiting = picture
    for part in parts:
        if part.kind == b"IDAT":
            pieces += waiting
            waiting = ()
        else:
            pieces.append(new.get(part.kind, data[part.start : part.end]))
    return [*pieces, data[parts[-1].end :]]


def _table(colours: Colours, header: Header) -> NDArray[np.uint8] | None:
    """Return the 8-bit colours of the picture's few values, alpha last where there is one; `None` if it has many."""
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
        levels = np.arange(1 << header.depth, dtype=np.uint8)
        step = 255 // int(levels[-1])
        alpha = np.where(levels == int.from_bytes(clear, "big"), 0, 255).astype(np.uint8)
        return np.stack((levels * np.uint8(step), alpha), axis=1)
    return None


def _matching(colours: Colours, header: Header, table: NDArray[np.uint8]) -> dict[bytes, bytes]:
    """Return the chunks that count in the old colour type, as the new one counts them."""
    new = {b"tRNS": b""}
    if bits := colours.get(b"sBIT"):
        opaque = table.shape[1] == CHANNELS[RGB]
        new[b"sBIT"] = pack(b"sBIT", bits if opaque else bits + bytes([BYTE]))
    if ground := colours.get(b"bKGD"):
        value = int.from_bytes(ground, "big")
        entry = table[value : value + 1, : 1 if header.colour == GRAY else 3]
        new[b"bKGD"] = pack(b"bKGD", entry.astype(">u2").tobytes()) if entry.size else b""
    return new


def _key(colours: Colours, header: Header) -> tuple[int, ...]:
    clear = colours.get(b"tRNS")
    if clear is None or header.colour not in {GRAY, RGB} or len(clear) != 2 * CHANNELS[header.colour]:
        return ()
    return struct.unpack(f">{CHANNELS[header.colour]}H", clear)
