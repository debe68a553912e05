"""Find notices again in the finished pixels: is the stated text there, how high is it, and does it stand out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from provenance.errors import GlyphMissing, NoticeDoesNotFit
from provenance.model.notice import Box, Notice, NoticeReading
from provenance.notices.decode import frames
from provenance.notices.faces import SHIPPED, Face, faces_for, require_plain
from provenance.notices.match import (
    INK,
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
from provenance.notices.place import DRAWN_HEIGHT, SMALLEST_SIDE, Placed, ink_target, plate_size
from provenance.notices.seek import anywhere, parts_of
from provenance.notices.typeset import Setting, sized_by_ink

# The style `labels/notices/plate.toml`; a test holds both equal.
LEAST_HEIGHT: Final = 0.05  # of the short side: GB 45438-2025, 5.2 e
LEAST_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3
# Normalised cross-correlation. Over photographs, other texts stayed below 0.6 and drawn ones above 0.85.
_LIKENESS: Final = 0.70
_SURE: Final = 0.93
_MOST_SEARCHED: Final = 16  # notices that are looked for in a whole picture; records come from anywhere
_SCALES: Final = tuple(1 + step / 100 for step in range(-20, 11, 2))


def measure(source: Path, notices: Sequence[Notice], *, orientation: int) -> tuple[NoticeReading, ...]:
    """Measure each notice in the picture `source`; `orientation` is its EXIF orientation, 1 to 8.

    A notice is found when its text stands in or about its box, or anywhere else if not there, with an ink height of at
    least 5 % of the short side and a contrast of at least 4.5 : 1: also after the picture was resized, cropped, framed
    or encoded again. Of an animation it has to be in the first, middle and last frame, of a file of pages on each page.
    Of one that is not found, the reading still says what was measured, if anything resembled it.

    Raises:
        AssetNotFound: `source` cannot be read.
        MalformedMedia: it cannot be decoded.
        MediaTooLarge: more than 1 GiB or 200 megapixels, or what `refusal` allows of an animation.
    """
    if not notices:
        return ()
    seen = [readings(picture, notices) for picture in _asked(frames(source, orientation))]
    return tuple(map(_in_all, zip(*seen, strict=True)))


def search(source: Path, texts: Sequence[tuple[str, str]], *, orientation: int) -> tuple[NoticeReading, ...]:
    """Look for notices, given as (kind, text), of which no record says where they are; return what is there.

    Raises:
        AssetNotFound, MalformedMedia, MediaTooLarge: see `measure`.
    """
    wanted = [Notice(kind=kind, text=text) for kind, text in texts]
    return tuple(each for each in measure(source, wanted, orientation=orientation) if each.evidence is not None)


def readings(picture: Picture, notices: Sequence[Notice]) -> tuple[NoticeReading, ...]:
    """Return what is seen of notices in a picture as displayed, an array of rows, columns and colours."""
    found = [reading_at_box(picture, notice) for notice in notices]
    lacking = [at for at, reading in enumerate(found) if not reading.found]
    elsewhere = readings_elsewhere(picture, [notices[at] for at in lacking])
    for at, reading in zip(lacking, elsewhere, strict=True):
        found[at] = reading or found[at]
    return tuple(found)


def reading_at_box(picture: Picture, notice: Notice) -> NoticeReading:
    """Return what is seen of one notice in or about its box."""
    height, width = picture.shape[:2]
    best: Match | None = None
    faces = _faces(notice)
    for model, box, scales in (way for face in faces for way in _models(notice, width, height, face)):
        match = find_plate(picture, model, box, scales)
        if match and (best is None or match.likeness > best.likeness):
            best = match
        if best and best.likeness >= _SURE:
            break
    reading = NoticeReading(kind=notice.kind, text=notice.text, found=False)
    if best is not None and best.likeness >= _LIKENESS:
        reading = _told(notice, best, min(width, height))
    in_doubt = not reading.found and SHIPPED not in faces
    return reading.model_copy(update={"font_in_doubt": True}) if in_doubt else reading


def readings_elsewhere(picture: Picture, notices: Sequence[Notice]) -> list[NoticeReading | None]:
    """Return what is seen of notices anywhere in a picture; None where nothing says the same."""
    height, width = picture.shape[:2]
    settings = [tuple(_settings(notice, width, height)) for notice in notices[:_MOST_SEARCHED]]
    parts = parts_of(picture) if any(settings) else ()
    found: list[NoticeReading | None] = [None] * len(notices)
    for at, ways in enumerate(settings):
        resembling = (match for setting in ways for match in anywhere(picture, parts, setting, notices[at].text))
        same = (match for match in resembling if match.likeness >= _LIKENESS and says_the_same(match))
        if match := next(same, None):
            found[at] = _told(notices[at], match, min(width, height))
    return found


def _faces(notice: Notice) -> tuple[Face, ...]:
    """Return the faces that a notice may have been drawn in: none where no font at hand has its characters."""
    try:
        require_plain(notice.text)
    except GlyphMissing:
        return ()
    return tuple(faces_for(notice.text, notice.font if isinstance(notice, Placed) else None))


def _settings(notice: Notice, width: int, height: int) -> Iterator[Setting]:
    """Yield how a notice would be set in a picture of that size, and how it was for its box if in other lines."""
    for face in _faces(notice):
        try:
            usual = sized_by_ink(notice.text, INK, round(INK / DRAWN_HEIGHT * width / min(width, height)), face)
        except NoticeDoesNotFit:
            return
        yield usual
        recorded = setting_on(notice.text, notice.box, face) if notice.box else None
        if recorded and recorded.lines != usual.lines:
            yield recorded


def _told(notice: Notice, match: Match, side: int) -> NoticeReading:
    ratio = ink_rows(match) * match.step / side
    contrast = contrast_of(match)
    legible = ratio >= LEAST_HEIGHT and contrast >= LEAST_CONTRAST
    return NoticeReading(
        kind=notice.kind,
        text=notice.text,
        found=legible and says_the_same(match),
        height_ratio=round(ratio, 4),
        contrast=round(contrast, 2),
        evidence="template",
        box=match.box,
    )


def _asked(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """Yield the first picture, and of the others those that a notice fits on."""
    for number, picture in enumerate(pictures):
        if number == 0 or min(picture.shape[:2]) >= SMALLEST_SIDE:
            yield picture


def _in_all(seen: Sequence[NoticeReading]) -> NoticeReading:
    """Return the reading of the picture that shows a notice worst, where a viewer may stop."""
    return min(seen, key=lambda each: (each.found, each.evidence is not None, each.height_ratio or 0))


def _models(notice: Notice, width: int, height: int, face: Face) -> Iterator[tuple[Model, Box, tuple[float, ...]]]:
    """Yield what the record can mean, its box, and the scales to look at: this picture's own size, then a resized."""
    box, side = notice.box, min(width, height)
    if box is None:
        return
    with contextlib.suppress(NoticeDoesNotFit):  # not at this size: the record is of a larger picture
        if side >= SMALLEST_SIDE and plate_size(notice.text, side, box.width, face) == (box.width, box.height):
            setting = sized_by_ink(notice.text, ink_target(side), box.width, face)
            if model := model_of(setting, box, notice.text):
                yield model, box, (1.0,)
    guess = setting_on(notice.text, box, face)
    if guess and (model := model_of(guess, box, notice.text)):
        sizes = {1.0, ink_target(side) / model.recorded_ink}
        yield model, box, tuple(size * factor for size in sorted(sizes) for factor in _SCALES)
