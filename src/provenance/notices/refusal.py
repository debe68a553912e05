"""What is too large to draw on, and the one way on from every notice that cannot be drawn."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from provenance._files import open_input
from provenance.errors import AssetNotFound, MediaTooLarge, NoticeDoesNotFit

# A value, not a part of the message: brackets in a message mark its optional parts.
WAY_ON: Final = '"draw": []'
LARGEST_FILE: Final = 1 << 30  # bytes
LARGEST_PICTURE: Final = 200_000_000  # pixels
LARGEST_ANIMATION: Final = 4_000_000_000  # pixels of all frames: some two thousand of 1080p


def does_not_fit(code: str, **details: object) -> NoticeDoesNotFit:
    """Return the error that says why, and names the post's key that goes on without the notice."""
    return NoticeDoesNotFit(code, way_on=WAY_ON, **details)


def content(source: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        AssetNotFound: it cannot be read.
        MediaTooLarge: see `check_file_size`.
    """
    with open_input(source) as file:
        size = os.fstat(file.fileno()).st_size
        check_file_size(size, path=source)
        try:
            return file.read(size)
        except OSError as error:
            raise AssetNotFound("asset-not-readable", path=source, reason=error.strerror) from error


def check_file_size(size: int, **details: object) -> None:
    """Refuse a file of more than `LARGEST_FILE` bytes.

    Raises:
        MediaTooLarge: it is.
    """
    if size > LARGEST_FILE:
        raise MediaTooLarge("notice-file-too-large", way_on=WAY_ON, limit=LARGEST_FILE, **details)


def check_picture_size(width: int, height: int, **details: object) -> None:
    """Refuse a picture of more than `LARGEST_PICTURE` pixels.

    Raises:
        MediaTooLarge: it is.
    """
    if width * height > LARGEST_PICTURE:
        raise MediaTooLarge(
            "notice-picture-too-large", way_on=WAY_ON, width=width, height=height, limit=LARGEST_PICTURE, **details
        )


def check_animation_size(width: int, height: int, frames: int, **details: object) -> None:
    """Refuse an animation of more than `LARGEST_ANIMATION` pixels in all its frames.

    Raises:
        MediaTooLarge: it is.
    """
    if width * height * frames > LARGEST_ANIMATION:
        raise MediaTooLarge(
            "notice-animation-too-large", way_on=WAY_ON, frames=frames, limit=LARGEST_ANIMATION, **details
        )
