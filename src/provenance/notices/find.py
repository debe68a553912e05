"""Find notices again in the finished pixels: is the stated text there, how high is it, and does it stand out."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from provenance._files import open_input
from provenance.errors import GlyphMissing, MalformedMedia, NoticeDoesNotFit
from provenance.model.notice import Box, Notice, NoticeReading
from provenance.notices.match import (
    Match,
    Model,
    Picture,
    contrast_of,
    find_plate,
    ink_rows,
    model_of,
    says_the_same,
    setting_on,
)
from provenance.notices.place import SMALLEST_SIDE, ink_target, plate_size, to_displayed
from provenance.notices.refusal import LARGEST_FILE, check_file_size, check_picture_size
from provenance.notices.typeset import require_glyphs, sized_by_ink

# The style `labels/notices/plate.toml`; a test holds both equal.
LEAST_HEIGHT: Final = 0.05  # of the short side: GB 45438-2025, 5.2 e
LEAST_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3
# Normalised cross-correlation. Over photographs, other texts stayed below 0.6 and drawn ones above 0.85.
_LIKENESS: Final = 0.70
_SURE: Final = 0.93
_SCALES: Final = tuple(1 + step / 100 for step in range(-20, 11, 2))


def measure(source: Path, notices: Sequence[Notice], *, orientation: int) -> tuple[NoticeReading, ...]:
    """Measure each notice in the picture `source`; `orientation` is its EXIF orientation, 1 to 8.

    A notice is found when its text stands in or about its box, also after the picture was resized or encoded again,
    with an ink height of at least 5 % of the short side and a contrast of at least 4.5 : 1. Of one that is not found,
    the reading still says what was measured, if anything resembled it.

    Raises:
        AssetNotFound: `source` cannot be read.
        MalformedMedia: it cannot be decoded.
        MediaTooLarge: more than 1 GiB or 200 megapixels.
    """
    if not notices:
        return ()
    picture = to_displayed(_decoded(source), orientation)
    return tuple(reading(picture, notice) for notice in notices)


def _decoded(source: Path) -> Picture:
    with open_input(source) as file:
        data = file.read(LARGEST_FILE + 1)
    check_file_size(len(data), path=source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_picture_size(*Image.open(io.BytesIO(data)).size, path=source)
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except (OSError, SyntaxError, ValueError, cv2.error, Image.DecompressionBombError) as error:
        raise MalformedMedia("notice-picture-unreadable", path=source) from error
    if picture is None:
        raise MalformedMedia("notice-picture-unreadable", path=source)
    return np.asarray(picture, dtype=np.uint8)


def reading(picture: Picture, notice: Notice) -> NoticeReading:
    """Return what is seen of one notice in a picture as displayed, an array of rows, columns and colours."""
    height, width = picture.shape[:2]
    best: Match | None = None
    for model, box, scales in _models(notice, width, height):
        match = find_plate(picture, model, box, scales)
        if match and (best is None or match.likeness > best.likeness):
            best = match
        if best and best.likeness >= _SURE:
            break
    if best is None or best.likeness < _LIKENESS:
        return NoticeReading(kind=notice.kind, text=notice.text, found=False)
    ratio = ink_rows(best) * best.step / min(width, height)
    contrast = contrast_of(best)
    legible = ratio >= LEAST_HEIGHT and contrast >= LEAST_CONTRAST
    return NoticeReading(
        kind=notice.kind,
        text=notice.text,
        found=legible and says_the_same(best),
        height_ratio=round(ratio, 4),
        contrast=round(contrast, 2),
        evidence="template",
        box=best.box,
    )


def _models(notice: Notice, width: int, height: int) -> Iterator[tuple[Model, Box, tuple[float, ...]]]:
    """Yield what the record can mean, its box, and the scales to look at: this picture's own size, then a resized."""
    box, side = notice.box, min(width, height)
    if box is None:
        return
    try:
        require_glyphs(notice.text)
    except GlyphMissing:
        return
    with contextlib.suppress(NoticeDoesNotFit):  # not at this size: the record is of a larger picture
        if side >= SMALLEST_SIDE and plate_size(notice.text, side, box.width) == (box.width, box.height):
            setting = sized_by_ink(notice.text, ink_target(side), box.width)
            if model := model_of(setting, box, notice.text):
                yield model, box, (1.0,)
    guess = setting_on(notice.text, box)
    if guess and (model := model_of(guess, box, notice.text)):
        sizes = {1.0, ink_target(side) / model.recorded_ink}
        yield model, box, tuple(size * factor for size in sorted(sizes) for factor in _SCALES)
