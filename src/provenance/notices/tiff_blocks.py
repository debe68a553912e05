"""The samples of one strip or tile of a TIFF picture: out of its code and back into the same one (TIFF 6.0, 9, 13, 14).

zlib has Deflate; Pillow's libtiff has LZW and PackBits, and is handed one grey picture whose pixels are the bytes.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.errors import MalformedMedia

Samples = NDArray[Any]

NONE, LZW, DEFLATE, OLD_DEFLATE, PACK_BITS = 1, 5, 8, 32946, 32773
CODES: Final = frozenset({NONE, LZW, DEFLATE, OLD_DEFLATE, PACK_BITS})
_NAMES: Final = {LZW: "tiff_lzw", PACK_BITS: "packbits"}
_BYTE: Final = 8  # bits
_LEVEL: Final = 6
_STRIP_OFFSETS, _ROWS, _STRIP_SIZES = 273, 278, 279
_BROKEN: Final = (OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True)
class Coding:
    """How blocks of a picture are coded: `compression` as TIFF numbers it, `bits` of a sample, `order` of bytes."""

    compression: int
    bits: int
    order: str
    differences: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A strip or tile: where its pixels lie in the picture, its channels, and where its code lies in the file."""

    number: int
    x: int
    y: int
    width: int
    height: int
    channels: range
    start: int
    size: int


def decoded(code: bytes, block: Block, coding: Coding) -> Samples:
    """Return the samples of a block: (rows, columns, channels), in the byte order of the file.

    Raises:
        MalformedMedia: there are fewer than it should hold.
    """
    channels = len(block.channels)
    row = (block.width * channels * coding.bits + 7) // 8
    raw = _unpacked(code, row, block, coding.compression)
    lines = np.frombuffer(raw, np.uint8, row * block.height).reshape(block.height, row)
    if coding.bits < _BYTE:
        bits = np.unpackbits(lines, axis=1)[:, : block.width * coding.bits]
        weights = 1 << np.arange(coding.bits - 1, -1, -1, dtype=np.uint8)
        return np.asarray(
            (bits.reshape(block.height, block.width, coding.bits) * weights).sum(axis=2, dtype=np.uint8)[..., None]
        )
    kind = np.dtype(np.uint8 if coding.bits == _BYTE else coding.order + "u2")
    samples = lines.view(kind).reshape(block.height, block.width, channels)
    return (
        np.cumsum(samples, axis=1, dtype=kind.newbyteorder("=")).astype(kind) if coding.differences else samples.copy()
    )


def coded(samples: Samples, coding: Coding) -> bytes:
    """Return samples, as `decoded` gave them, in the code they came in."""
    if coding.bits < _BYTE:
        shifts = np.arange(coding.bits - 1, -1, -1, dtype=np.uint8)
        lines = np.packbits(((samples >> shifts) & 1).reshape(len(samples), -1).astype(np.uint8), axis=1)
    else:
        if coding.differences:
            left, samples = samples, samples.copy()
            samples[:, 1:] -= left[:, :-1]
        lines = np.ascontiguousarray(samples).view(np.uint8).reshape(len(samples), -1)
    if coding.compression == NONE:
        return lines.tobytes()
    if coding.compression in _NAMES:
        return _by_libtiff(lines, _NAMES[coding.compression])
    return zlib.compress(lines.tobytes(), _LEVEL)


def _unpacked(code: bytes, row: int, block: Block, compression: int) -> bytes:
    size = row * block.height
    try:
        if compression == NONE:
            raw = code[:size]
        elif compression in _NAMES:
            raw = _from_libtiff(code, row, block.height, compression)
        else:
            raw = zlib.decompressobj().decompress(code, size)
    except (zlib.error, *_BROKEN) as error:
        raise MalformedMedia("notice-tiff-block", offset=block.start) from error
    if len(raw) < size:
        raise MalformedMedia("notice-tiff-block", offset=block.start)
    return raw


def _from_libtiff(code: bytes, width: int, height: int, compression: int) -> bytes:
    short, long = 3, 4
    entries = [
        (256, long, width),
        (257, long, height),
        (258, short, _BYTE),
        (259, short, compression),
        (262, short, 1),
        (_STRIP_OFFSETS, long, 0),
        (277, short, 1),
        (_ROWS, long, height),
        (_STRIP_SIZES, long, len(code)),
    ]
    start = 8 + 2 + 12 * len(entries) + 4
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    for tag, kind, value in entries:
        head += struct.pack("<HHII", tag, kind, 1, start if tag == _STRIP_OFFSETS else value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(head + bytes(4) + code), formats=("TIFF",)) as picture:
            return picture.tobytes()


def _by_libtiff(lines: NDArray[np.uint8], name: str) -> bytes:
    output = io.BytesIO()
    Image.fromarray(lines).save(output, "TIFF", compression=name, tiffinfo={_ROWS: len(lines)})
    with Image.open(output) as picture:
        tags: Any = picture.tag_v2  # type: ignore[attr-defined]
        (start,), (size,) = tags[_STRIP_OFFSETS], tags[_STRIP_SIZES]
    return output.getvalue()[start : start + size]
