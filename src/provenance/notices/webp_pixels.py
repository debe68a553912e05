"""The pixels of a WebP picture: out of its chunks, and back into lossless ones (RFC 9649); libwebp by way of Pillow."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.errors import MalformedMedia
from provenance.formats import riff
from provenance.notices.overlay import Patch

Pixels = NDArray[np.uint8]

ALPHA, LOSSY, LOSSLESS = b"ALPH", b"VP8 ", b"VP8L"
_HAS_ALPHA: Final = 0x10
_CHANNELS_WITH_ALPHA: Final = 4
# A twentieth larger than what ten times the work achieves on a photograph.
_EFFORT: Final = {"quality": 20, "method": 1}
_BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)

Parts = dict[bytes, bytes]


def file_of(parts: Parts, width: int, height: int) -> bytes:
    """Return a file of one picture, given the contents of its chunks."""
    chunks = [riff.pack(kind, parts[kind]) for kind in (ALPHA, LOSSY, LOSSLESS) if kind in parts]
    if ALPHA in parts:
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks.insert(0, riff.pack(b"VP8X", bytes([_HAS_ALPHA, 0, 0, 0]) + sides))
    return riff.pack(b"RIFF", b"WEBP" + b"".join(chunks))


def pixels_of(file: bytes, offset: int) -> Pixels:
    """Return the pixels of a file of one picture: (rows, columns, 3 or 4), red, green, blue and alpha.

    Raises:
        MalformedMedia: it cannot be decoded; `offset` says where it lies.
    """
    return next(frames_of(file, 1, offset))


def frames_of(file: bytes, number: int, offset: int = 0) -> Iterator[Pixels]:
    """Yield what a player shows of each of `number` frames; see `pixels_of`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(file), formats=("WEBP",)) as picture:
                for index in range(number):
                    picture.seek(index)
                    yield np.array(picture if picture.mode in {"RGB", "RGBA"} else picture.convert("RGB"))
    except _BROKEN as error:
        raise MalformedMedia("webp-damaged", offset=offset) from error


def lossless(pixels: Pixels) -> bytes:
    """Return what a chunk of lossless pixels holds; the colours of what is transparent are kept too."""
    output = io.BytesIO()
    Image.fromarray(pixels).save(output, "WEBP", lossless=True, exact=True, **_EFFORT)
    return _chunk(output.getvalue(), LOSSLESS)


def alpha(opacity: Pixels) -> bytes:
    """Return what a chunk of opacity alone holds, given it as (rows, columns)."""
    output = io.BytesIO()
    pixels = np.zeros((*opacity.shape, _CHANNELS_WITH_ALPHA), np.uint8)
    pixels[..., -1] = opacity
    Image.fromarray(pixels).save(output, "WEBP", quality=0, alpha_quality=100, method=0)
    return _chunk(output.getvalue(), ALPHA)


def blend(pixels: Pixels, painted: Iterable[Patch]) -> None:
    """Draw `painted` into `pixels` in place."""
    for patch in painted:
        rows, columns = patch.keep.shape
        area = pixels[patch.y : patch.y + rows, patch.x : patch.x + columns]
        colours = area[..., :3].astype(np.float32)
        if area.shape[2] == _CHANNELS_WITH_ALPHA:
            # What shines through is what a viewer saw: transparent pixels count as black.
            colours *= area[..., 3:] / np.float32(255)
            area[..., 3] = 255
        for channel in range(3):
            area[..., channel] = np.rint(patch.over(colours[..., channel], 255, 0))


def _chunk(file: bytes, kind: bytes) -> bytes:
    stream = io.BytesIO(file)
    found = next(each for each in riff.chunks(stream, riff.HEADER_SIZE, len(file)) if each.kind == kind)
    return file[found.data : found.data + found.length]
