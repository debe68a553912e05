"""Draw on a JPEG picture by changing only the DCT blocks under the notice.

libturbojpeg (2.0 or later, through its C API) reads and writes the entropy-coded data; its transform hook hands over
every row of blocks as coefficients, and this module blends the notice into those that it covers. YCbCr is affine in
RGB, so ink and plate blend in the components themselves: no colour conversion, no chroma resampling, and blocks that
the notice does not touch keep their coefficients bit for bit.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from provenance._interruption import held_back
from provenance.errors import MalformedMedia
from provenance.notices.jpeg_frame import Component, Frame
from provenance.notices.overlay import Patch, Weights
from provenance.notices.refusal import does_not_fit

_NAMES: Final = ("libturbojpeg.so.0", "libturbojpeg.dylib", "turbojpeg.dll")
_OPTION_PROGRESSIVE: Final = 32  # TJXOPT_PROGRESSIVE
_OPTION_COPYNONE: Final = 64  # TJXOPT_COPYNONE
_FLAG_LIMITSCANS: Final = 32768  # TJFLAG_LIMITSCANS: a thousand empty scans would decode for hours
_ERROR_WARNING: Final = 0  # TJERR_WARNING
_HARMLESS: Final = b"extraneous bytes before marker 0xd9"

# Row k holds the k-th basis function of the orthonormal DCT-II (ITU-T T.81, A.3.3).
_DCT: Final = np.array(
    [[np.sqrt((1 if k == 0 else 2) / 8) * np.cos((2 * n + 1) * k * np.pi / 16) for n in range(8)] for k in range(8)],
    dtype=np.float32,
)
# What a Huffman code of baseline JPEG can carry (T.81, F.1.2): 11 bits for differences of DC, 10 for AC.
_LOWEST: Final = np.array([-1024] + [-1023] * 63, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Span:
    """Blocks `first` onward of one row of blocks, with the weights of ink and picture: (blocks, 8, 8) each."""

    first: int
    keep: Weights
    ink: Weights


class _Region(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int), ("w", ctypes.c_int), ("h", ctypes.c_int))


_FILTER = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_short),
    _Region,
    _Region,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_void_p,
)


class _Transform(ctypes.Structure):
    _fields_ = (
        ("region", _Region),
        ("operation", ctypes.c_int),
        ("options", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("filter", _FILTER),
    )


def available() -> bool:
    """Return whether libturbojpeg is installed."""
    return _library() is not None


def draw_blocks(data: bytes, frame: Frame, patches: Sequence[Patch]) -> bytes | None:
    """Return the picture with `patches` drawn, as a bare JPEG stream; `None` if the library has no such sampling.

    Raises:
        MalformedMedia: the scan is damaged or ends early.
        NoticeDoesNotFit: the library left out blocks that the notice covers.
    """
    library = _library()
    if library is None:
        return None
    spans = [spans_of(frame, component, patches) for component in frame.components]
    failure: list[BaseException] = []
    callback = _FILTER(_blender(frame, spans, failure))
    options = _OPTION_COPYNONE | (_OPTION_PROGRESSIVE if frame.progressive else 0)
    transform = _Transform(options=options, filter=callback)
    handle = ctypes.c_void_p(library.tjInitTransform())
    output = ctypes.POINTER(ctypes.c_ubyte)()
    size = ctypes.c_ulong()
    try:
        with held_back():
            status = library.tjTransform(
                handle,
                data,
                len(data),
                1,
                ctypes.byref(output),
                ctypes.byref(size),
                ctypes.byref(transform),
                _FLAG_LIMITSCANS,
            )
        if failure:
            raise failure[0]
        if status and not _forgivable(library, handle):
            if _unsupported(library, handle):
                return None
            reason = library.tjGetErrorStr2(handle).decode("ascii", "replace")
            raise MalformedMedia("notice-jpeg-scan-broken", reason=reason)
        if any(spans):
            raise does_not_fit("notice-jpeg-incomplete")
        return ctypes.string_at(output, size.value)
    finally:
        library.tjFree(output)
        library.tjDestroy(handle)


def spans_of(frame: Frame, component: Component, patches: Sequence[Patch]) -> dict[int, list[Span]]:
    """Return patches, averaged down to the samples of a component and cut into blocks, by their row of blocks."""
    across, down = (
        most // own for most, own in zip(frame.sampling, (component.horizontal, component.vertical), strict=True)
    )
    spans: dict[int, list[Span]] = {}
    for patch in patches:
        left, top = patch.x % (8 * across), patch.y % (8 * down)
        keep = _tiles(patch.keep, (left, top), (across, down), 1)
        ink = _tiles(patch.ink, (left, top), (across, down), 0)
        for row in range(keep.shape[0]):
            span = Span((patch.x - left) // (8 * across), keep[row], ink[row])
            spans.setdefault((patch.y - top) // (8 * down) + row, []).append(span)
    return spans


def _tiles(weights: Weights, offset: tuple[int, int], step: tuple[int, int], outside: float) -> Weights:
    """Return `weights` as (rows, columns, 8, 8) blocks; `offset` is its place in the first block, in pixels."""
    (left, top), (across, down) = offset, step
    height, width = weights.shape
    below, right = -(top + height) % (8 * down), -(left + width) % (8 * across)
    padded = np.pad(weights, ((top, below), (left, right)), constant_values=outside)
    rows, columns = padded.shape[0] // down, padded.shape[1] // across
    samples = padded
    if across * down > 1:
        samples = padded.reshape(rows, down, columns, across).mean(axis=(1, 3), dtype=np.float32)
    tiles: Weights = samples.reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2)
    return tiles


def _blender(frame: Frame, spans: Sequence[dict[int, list[Span]]], failure: list[BaseException]) -> Callable[..., int]:
    def blend(coefficients: Any, array: _Region, _plane: _Region, index: int, _number: int, _data: int | None) -> int:
        try:
            # What is left at the end was not drawn: an error that ctypes only prints, or a row never handed over.
            for span in spans[index].pop(array.y // 8, ()):
                row = np.ctypeslib.as_array(coefficients, (array.w // 8, 64))
                blend_span(row[span.first : span.first + len(span.keep)], span, frame.components[index])
        except BaseException as error:  # noqa: BLE001 - nothing may unwind through C; raised again by the caller
            failure.append(error)
            return -1
        return 0

    return blend


def blend_span(blocks: NDArray[np.int16], span: Span, component: Component) -> None:
    """Draw a span into quantised coefficients in place: (blocks, 64), row by row in each block."""
    values = (blocks * component.table).reshape(-1, 8, 8)
    samples = np.clip(_DCT.T @ values @ _DCT + 128, 0, 255)
    plate = 1 - span.keep - span.ink
    change = (span.keep - 1) * samples + span.ink * component.ink + plate * component.plate
    wanted = blocks + (_DCT @ change @ _DCT.T).reshape(-1, 64) / component.table
    blocks[:] = np.clip(np.rint(wanted), np.minimum(_LOWEST, blocks), np.maximum(1023, blocks))


def _forgivable(library: ctypes.CDLL, handle: ctypes.c_void_p) -> bool:
    return library.tjGetErrorCode(handle) == _ERROR_WARNING and _HARMLESS in library.tjGetErrorStr2(handle)


def _unsupported(library: ctypes.CDLL, handle: ctypes.c_void_p) -> bool:
    return b"subsampling" in library.tjGetErrorStr2(handle)


@cache
def _library() -> ctypes.CDLL | None:
    for name in (*_NAMES, None):
        # find_library starts processes, so it comes last.
        found = name or ctypes.util.find_library("turbojpeg")
        try:
            return _declared(ctypes.CDLL(found)) if found else None
        except (OSError, AttributeError):
            continue
    return None


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    library.tjInitTransform.restype = pointer
    library.tjDestroy.argtypes = [pointer]
    library.tjFree.argtypes = [ctypes.POINTER(ctypes.c_ubyte)]
    library.tjFree.restype = None
    library.tjGetErrorStr2.argtypes = [pointer]
    library.tjGetErrorStr2.restype = ctypes.c_char_p
    library.tjGetErrorCode.argtypes = [pointer]
    library.tjTransform.argtypes = [
        pointer,
        ctypes.c_char_p,
        ctypes.c_ulong,
        integer,
        ctypes.POINTER(ctypes.POINTER(ctypes.c_ubyte)),
        ctypes.POINTER(ctypes.c_ulong),
        ctypes.POINTER(_Transform),
        integer,
    ]
    return library
