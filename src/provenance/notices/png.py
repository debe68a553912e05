"""Draw on a PNG file: the scanlines under the notice are filtered again, every other byte of them stays.

Colours outside the notice are the same numbers. A picture of palette indexes, or of grey levels with a transparent one,
is spread to 8-bit colours, since a notice needs shades that it does not have; an interlaced one is written again
line after line. Chunks that are not the picture's own stay as they are.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.model.notice import Notice
from provenance.notices.overlay import Patch, patches
from provenance.notices.place import displayed_size
from provenance.notices.png_chunks import (
    BYTE,
    CHANNELS,
    GRAY,
    INDEXED,
    RGB,
    SIGNATURE,
    Chunk,
    Header,
    Lines,
    chunks,
    inflate,
    pack,
    read_header,
    refiltered,
    unfiltered,
)
from provenance.notices.png_pixels import (
    blend,
    colour_type,
    deinterlaced,
    interlaced_size,
    lines_of,
    samples_of,
    spread,
)
from provenance.notices.refusal import WAY_ON, does_not_fit

LARGEST_PICTURE: Final = 200_000_000
_LEVEL: Final = 6
_UP: Final = 2  # filter type
_STRIPE: Final = 256  # lines at a time
_IDAT: Final = 1 << 20

Drawn = tuple[Header, list[bytes], dict[bytes, bytes]]


def draw_png(data: bytes, notices: Sequence[Notice], orientation: int) -> tuple[list[bytes], Literal["blocks"], str]:
    """Return the new file in pieces, what changed, and how.

    Raises:
        GlyphMissing, MalformedMedia, MediaTooLarge, NoticeDoesNotFit: see `provenance.notices.draw`.
    """
    parts = chunks(data)
    header = read_header(parts)
    if header.width * header.height > LARGEST_PICTURE:
        raise MediaTooLarge(
            "notice-picture-too-large", way_on=WAY_ON, width=header.width, height=header.height, limit=LARGEST_PICTURE
        )
    if any(part.kind in {b"acTL", b"fcTL", b"fdAT"} for part in parts):
        raise does_not_fit("notice-animated")
    painted = patches(notices, *displayed_size(header.width, header.height, orientation), orientation)
    table = _table(parts, header)
    if table is None and not header.interlaced:
        new: dict[bytes, bytes] = {}
        picture, method = _in_place(parts, header, painted), "png"
    else:
        header, picture, new = _whole(parts, header, painted, table)
        method = "png, rewritten"
    return _file(data, parts, {**new, b"IHDR": header.chunk()}, picture), "blocks", method


def _in_place(parts: Sequence[Chunk], header: Header, painted: Sequence[Patch]) -> list[bytes]:
    """Filter again the lines under the notices and the one below, which is predicted from them."""
    filtered = inflate(parts, (header.line_bytes + 1) * header.height).reshape(header.height, -1)
    top = min(patch.y for patch in painted)
    bottom = max(patch.y + len(patch.keep) for patch in painted)
    below = min(bottom + 1, header.height)
    lines = unfiltered(filtered[:below], header)
    samples = samples_of(lines[top:bottom], header)
    blend(samples, header, painted, top, _key(parts, header))
    lines[top:bottom] = lines_of(samples, header)
    above = lines[top - 1] if top else np.zeros_like(lines[0])
    filtered[top:below] = refiltered(lines[top:below], above, filtered[top:below, 0], header.pixel_bytes)
    return _deflated(filtered[start : start + _STRIPE] for start in range(0, header.height, _STRIPE))


def _whole(parts: Sequence[Chunk], header: Header, painted: Sequence[Patch], table: NDArray[np.uint8] | None) -> Drawn:
    """Write the picture again, spread to the colours of `table` if there is one, not interlaced."""
    if header.interlaced:
        samples = deinterlaced(inflate(parts, interlaced_size(header)), header)
    else:
        filtered = inflate(parts, (header.line_bytes + 1) * header.height).reshape(header.height, -1)
        samples = samples_of(unfiltered(filtered, header), header)
    plain = replace(header, interlaced=False)
    new: dict[bytes, bytes] = {}
    if table is not None:
        samples = spread(samples, table)
        plain = replace(plain, depth=8, colour=colour_type(table))
        new = _matching(parts, header, table)
    blend(samples, plain, painted, 0, _key(parts, plain))
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


def _table(parts: Sequence[Chunk], header: Header) -> NDArray[np.uint8] | None:
    """Return the 8-bit colours of the picture's few values, alpha last where there is one; `None` if it has many."""
    clear = _only(parts, b"tRNS")
    if header.colour == INDEXED:
        entries = _only(parts, b"PLTE")
        if not entries or len(entries.data) % 3 or not 0 < len(entries.data) // 3 <= 1 << header.depth:
            raise MalformedMedia("notice-png-broken", offset=entries.start if entries else parts[0].end)
        colours = np.frombuffer(entries.data, np.uint8).reshape(-1, 3)
        if clear is None:
            return colours
        alpha = np.full((len(colours), 1), 255, np.uint8)
        given = np.frombuffer(clear.data[: len(colours)], np.uint8)
        alpha[: len(given), 0] = given
        return np.hstack((colours, alpha))
    if header.colour == GRAY and header.depth < BYTE and clear is not None:
        levels = np.arange(1 << header.depth, dtype=np.uint8)
        step = 255 // int(levels[-1])
        alpha = np.where(levels == int.from_bytes(clear.data, "big"), 0, 255).astype(np.uint8)
        return np.stack((levels * np.uint8(step), alpha), axis=1)
    return None


def _matching(parts: Sequence[Chunk], header: Header, table: NDArray[np.uint8]) -> dict[bytes, bytes]:
    """Return the chunks that count in the old colour type, as the new one counts them."""
    new = {b"tRNS": b""}
    if bits := _only(parts, b"sBIT"):
        opaque = table.shape[1] == CHANNELS[RGB]
        new[b"sBIT"] = pack(b"sBIT", bytes(bits.data) if opaque else bytes(bits.data) + bytes([BYTE]))
    if ground := _only(parts, b"bKGD"):
        value = int.from_bytes(ground.data, "big")
        colours = table[value : value + 1, : 1 if header.colour == GRAY else 3]
        new[b"bKGD"] = pack(b"bKGD", colours.astype(">u2").tobytes()) if colours.size else b""
    return new


def _key(parts: Sequence[Chunk], header: Header) -> tuple[int, ...]:
    clear = _only(parts, b"tRNS")
    if clear is None or header.colour not in {GRAY, RGB} or len(clear.data) != 2 * CHANNELS[header.colour]:
        return ()
    return struct.unpack(f">{CHANNELS[header.colour]}H", clear.data)


def _only(parts: Sequence[Chunk], kind: bytes) -> Chunk | None:
    return next((part for part in parts if part.kind == kind), None)
