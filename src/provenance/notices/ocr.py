"""Read what stands in a picture, to find notices in words that nothing states (the `[ocr]` extra).

RapidOCR reads with the models of PP-OCRv6, which lie in its wheel: nothing is fetched when it runs.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from provenance.errors import MissingExtra
from provenance.model.notice import Box, NoticeReading
from provenance.notices.decode import frames
from provenance.notices.find import LEAST_CONTRAST, LEAST_HEIGHT
from provenance.notices.match import Gray, Mask, Picture, luminance
from provenance.notices.seek import pieces_of

KindOf = Callable[[str], str | None]
"""Says of which label kind a text is the notice, if of any."""

_SETTINGS: Final = {
    "Global.log_level": "critical",
    "Global.use_cls": False,
    "Global.text_score": 0.0,
    "Det.limit_type": "max",
    "Det.limit_side_len": 960,
    "EngineConfig.onnxruntime.intra_op_num_threads": 2,
}
_SIDE: Final = 720  # pixels of the short side of what is looked through
_LONGEST: Final = 2  # short sides; of a longer picture, both ends are looked through
_WIDEST: Final = 40  # line heights
_MOST_LINES: Final = 32  # that are read; a page of print has more, and notices are larger than print
_LEAST_HEIGHT: Final = 0.02  # of the short side
_LEAST_SCORE: Final = 0.80
_MOST_PICTURES: Final = 3
_ROWS: Final = 72  # of a line when its ink is measured
_MARGIN: Final = 0.1  # of its height, about a line
_BESIDE: Final = 4
_LEAST_ROW: Final = 0.12  # of the row with most ink, for another to be one of the letters and no spot beside them
_LEAST_PART: Final = 0.45  # of the highest piece of ink, for another to count as a character
_lock: Final = threading.Lock()


class TextLine(NamedTuple):
    """A line that was read: its text, and the box that holds it in the displayed picture."""

    text: str
    box: Box


def read_notices(source: Path, kind_of: KindOf, *, orientation: int) -> tuple[NoticeReading, ...]:
    """Read the notices in the picture `source`, whatever their words and look.

    Args:
        source: An image file; of an animation or of pages, the first pictures are read.
        kind_of: Says of which label kind a text is the notice, if of any.
        orientation: Its EXIF orientation, 1 to 8.

    Raises:
        AssetNotFound: `source` cannot be read.
        MalformedMedia: it cannot be decoded.
        MediaTooLarge: more than 1 GiB or 200 megapixels.
        MissingExtra: RapidOCR is not installed.
    """
    require()
    found: dict[str, NoticeReading] = {}
    for number, picture in enumerate(frames(source, orientation)):
        if number == _MOST_PICTURES:
            break
        for reading in notices_read(picture, kind_of):
            found.setdefault(reading.text, reading)
    return tuple(found.values())


def notices_read(picture: Picture, kind_of: KindOf) -> Iterator[NoticeReading]:
    """Yield what the lines of a displayed picture (rows, columns, 3; blue, green, red) say of the kinds asked for."""
    side = min(picture.shape[:2])
    for line in lines_in(picture):
        kind = kind_of(line.text)
        if kind is None:
            continue
        rows, contrast = _ink_of(picture, line.box)
        yield NoticeReading(
            kind=kind,
            text=line.text,
            found=rows / side >= LEAST_HEIGHT and contrast >= LEAST_CONTRAST,
            height_ratio=round(rows / side, 4),
            contrast=round(contrast, 2),
            evidence="ocr",
            box=line.box,
        )


def lines_in(picture: Picture) -> Iterator[TextLine]:
    """Yield the lines of text in a displayed picture, those nearest to its sides first.

    Raises:
        MissingExtra: RapidOCR is not installed.
    """
    for left, top, piece in pieces_of(picture, longest=_LONGEST):
        for text, box in _lines(piece):
            yield TextLine(text, box.model_copy(update={"x": box.x + left, "y": box.y + top}))


def _lines(picture: Picture) -> Iterator[TextLine]:
    height, width = picture.shape[:2]
    side = min(height, width)
    shrink = max(1.0, side / _SIDE)
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    boxes = [_box(corners, shrink, width, height) for corners in _detected(small)]
    # A line is resized to the height its model reads: a hostile one would be of any width then.
    fit = [box for box in boxes if box.height >= _LEAST_HEIGHT * side and box.width <= _WIDEST * box.height]
    for box in sorted(fit, key=lambda box: _from_side(box, width, height))[:_MOST_LINES]:
        if text := _recognised(picture[box.y : box.y + box.height, box.x : box.x + box.width]):
            yield TextLine(text, box)


def require() -> None:
    """Refuse to read where nothing can.

    Raises:
        MissingExtra: RapidOCR is not installed.
    """
    _engine()


@functools.cache
def _engine() -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        requirement = "provenance-labels[ocr]"
        raise MissingExtra("extra-missing", feature="reading text in pictures", requirement=requirement) from error
    return RapidOCR(params=_SETTINGS)


def _detected(picture: Picture) -> Sequence[Any]:
    """Return the corners of each line of text."""
    # Every step is named in every call: what one call leaves out keeps the value of the call before.
    with _lock:
        found = _engine()(picture, use_det=True, use_cls=False, use_rec=False)
    return () if found.boxes is None else found.boxes


def _recognised(line: Picture) -> str | None:
    """Return what a picture of one line says; None where that is doubtful."""
    with _lock:
        found = _engine()(line, use_det=False, use_cls=False, use_rec=True)
    if not found.txts or found.scores[0] < _LEAST_SCORE:
        return None
    return "".join(one for one in str(found.txts[0]) if one.isprintable()).strip() or None


def _box(corners: Any, scale: float, width: int, height: int) -> Box:
    points = np.asarray(corners, np.float64) * scale
    left, top = (max(0, int(length)) for length in points.min(axis=0))
    right, below = (int(np.ceil(length)) for length in points.max(axis=0))
    left, top = min(left, width - 1), min(top, height - 1)
    return Box(x=left, y=top, width=max(1, min(right, width) - left), height=max(1, min(below, height) - top))


def _from_side(box: Box, width: int, height: int) -> int:
    return min(box.x, box.y, width - box.x - box.width, height - box.y - box.height)


def _ink_of(picture: Picture, box: Box) -> tuple[float, float]:
    """Return the ink height of a line, in rows of the picture, and its contrast with what surrounds it."""
    room = round(_MARGIN * box.height)
    line = picture[max(0, box.y - room) : box.y + box.height + room, max(0, box.x - room) : box.x + box.width + room]
    scale = _ROWS / line.shape[0]
    zoomed = np.asarray(cv2.resize(line, (max(1, round(line.shape[1] * scale)), _ROWS)), np.uint8)
    gray = cv2.cvtColor(zoomed, cv2.COLOR_BGR2GRAY)
    level, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = luminance(zoomed)
    # Light on dark or dark on light: the outline of a letter stands out less than the letter.
    rows, contrast = max((_letters(mask, light) for mask in (gray > level, gray <= level)), key=lambda each: each[1])
    return rows / scale, contrast


def _letters(mask: Mask, light: Gray) -> tuple[int, float]:
    """Return the height of the letters in a mask, which no border cuts, and their contrast; 0 and 1 without any."""
    _, labels, pieces, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    left, top, width, height, _ = pieces.T
    free = (left > 0) & (top > 0) & (left + width < mask.shape[1]) & (top + height < mask.shape[0])
    free[0] = False  # what is not in the mask
    if not free.any():
        return 0, 1.0
    letters = free & (height >= _LEAST_PART * height[free].max())
    ink = letters[labels]
    beside = _grown(ink, _BESIDE) & ~_grown(ink, 1)
    across = ink.sum(axis=1)
    rows = np.flatnonzero(across >= _LEAST_ROW * across.max())
    return int(rows[-1] - rows[0] + 1), _contrast(light[ink], light[beside])


def _grown(mask: Mask, by: int) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)).astype(bool)


def _contrast(ink: Gray, beside: Gray) -> float:
    """Return the contrast of WCAG 2.2; of what lies beside, the quarter most like the ink is left out."""
    one = float(np.median(ink))
    other = float(np.quantile(beside, 0.75 if one > float(np.median(beside)) else 0.25))
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
