"""The pictures of a file as viewers show them: of an animation three frames, of a TIFF every page."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from provenance.errors import MalformedMedia
from provenance.formats import tiff
from provenance.notices.place import to_displayed
from provenance.notices.refusal import check_animation_size, check_picture_size, content

Picture = NDArray[np.uint8]

_PLAYED: Final = frozenset({"GIF", "PNG", "WEBP"})
_DEEP: Final = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
_BIG_ENDIAN: Final = b"MM\0+"
_MOST_PAGES: Final = 1000
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    cv2.error,
    Image.DecompressionBombError,
)


def frames(source: Path, orientation: int) -> Iterator[Picture]:
    """Yield pictures of a file as they are displayed: (rows, columns, 3) in the order blue, green, red.

    Of an animation these are the first, middle and last frame as a player composes them, of a TIFF every page, of any
    other file the one picture there is. What is transparent shows a ground of some colour. One picture is held at a
    time, and of an animation what its decoder needs.

    Args:
        source: An image file.
        orientation: Its EXIF orientation, 1 to 8; pages of a TIFF have their own.

    Raises:
        AssetNotFound: `source` cannot be read.
        MalformedMedia: it cannot be decoded.
        MediaTooLarge: more than 1 GiB, 200 megapixels, or what `refusal` allows of an animation.
    """
    data = content(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from _decoded(data, source, orientation)
    except _BROKEN as error:
        raise MalformedMedia("notice-picture-unreadable", path=source) from error


def _decoded(data: bytes, source: Path, orientation: int) -> Iterator[Picture]:
    if data.startswith(_BIG_ENDIAN):
        yield from _by_opencv(data, source)
        return
    with Image.open(io.BytesIO(data)) as picture:
        check_picture_size(*picture.size, path=source)
        if picture.format == "TIFF":
            yield from _pages(picture, source)
            return
        number = getattr(picture, "n_frames", 1)
        if picture.format in _PLAYED and number > 1:
            check_animation_size(*picture.size, number, path=source)
            for index in sorted({0, number // 2, number - 1}):
                picture.seek(index)
                yield to_displayed(_colours(picture), orientation)
            return
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is None:
        raise MalformedMedia("notice-picture-unreadable", path=source)
    yield to_displayed(np.asarray(found, dtype=np.uint8), orientation)


def _by_opencv(data: bytes, source: Path) -> Iterator[Picture]:
    """Yield the pages of a big-endian BigTIFF, which Pillow does not know."""
    stream = tiff.open_stream(io.BytesIO(data))
    for found in tiff.walk(stream):
        sides = [tiff.integer(stream, found.directory.get(tag)) or 0 for tag in (tiff.WIDTH, tiff.HEIGHT)]
        check_picture_size(sides[0], sides[1], path=source)
    sound, pages = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if not sound or not pages:
        raise MalformedMedia("notice-picture-unreadable", path=source)
    yield from (np.asarray(page, dtype=np.uint8) for page in pages)


def _pages(picture: Image.Image, source: Path) -> Iterator[Picture]:
    for number, page in enumerate(ImageSequence.Iterator(picture)):
        if number == _MOST_PAGES:
            return
        check_picture_size(*page.size, path=source)
        yield _colours(page)


def _colours(picture: Image.Image) -> Picture:
    if picture.mode in _DEEP:
        deep: NDArray[Any] = np.asarray(picture)
        return np.repeat((deep >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
