"""Look for a text of which nothing says where it stands: anywhere in a picture, at every size a notice may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

import cv2
import numpy as np

from provenance.model.notice import Box
from provenance.notices.match import INK, Match, Model, Picture, find_plate, model_of
from provenance.notices.typeset import Setting, coverage

# Ink by the short side: from what is too small already up to what 5.75 % are of a third of a picture.
_RATIOS: Final = tuple(float(ratio) for ratio in np.geomspace(0.035, 0.16, 32))
_SMALL: Final = 16  # rows of ink, where whole pictures are looked through
# Normalised cross-correlation at that size: of photographs at most 0.62, of notices encoded badly at least 0.7.
_WORTH_A_LOOK: Final = 0.55
_CLOSER_LOOKS: Final = 4
_NEAR: Final = tuple(1 + step / 100 for step in range(-4, 5))
_ROOM: Final = 12  # rows and columns around the picture: a plate may be cut through where its text is not
_LONGEST: Final = 6  # short sides; of a longer picture, both ends are looked through


class Part(NamedTuple):
    """A part of a picture at one size: gray, with room around; how many pixels one spans, and where they start."""

    gray: Picture
    step: float
    left: float
    top: float


class _Place(NamedTuple):
    """Where something resembles a text: how much, the plate's left and top, and pixels a row of the model."""

    likeness: float
    left: float
    top: float
    step: float


def parts_of(picture: Picture) -> tuple[Part, ...]:
    """Return a picture at every size at which a notice in it may be 16 pixels high."""
    side = min(picture.shape[:2])
    found = []
    for left, top, piece in pieces_of(picture, longest=_LONGEST):
        large = _resized(piece, max(1.0, _RATIOS[0] * side / _SMALL / 2))
        for ratio in _RATIOS:
            step = ratio * side / _SMALL
            gray = _resized(large, step * large.shape[1] / piece.shape[1])
            framed = cv2.copyMakeBorder(gray, _ROOM, _ROOM, _ROOM, _ROOM, cv2.BORDER_REPLICATE)
            found.append(Part(np.asarray(framed, np.uint8), step, left - _ROOM * step, top - _ROOM * step))
    return tuple(found)


def anywhere(picture: Picture, parts: Sequence[Part], setting: Setting, text: str) -> Iterator[Match]:
    """Yield what resembles `text`, set as `setting`, in a picture and its `parts`; each is still to be proved."""
    model = _model(setting, text)
    if model is None:
        return
    places = sorted(_places(parts, _small(model)), reverse=True)
    for place in _apart(places, model):
        if match := _closer(picture, model, place):
            yield match


def pieces_of(picture: Picture, *, longest: int) -> Iterator[tuple[int, int, Picture]]:
    """Yield left, top and pixels of a picture, or of both ends of one longer than twice `longest` short sides."""
    height, width = picture.shape[:2]
    most = longest * min(height, width)
    if max(height, width) <= 2 * most:
        yield 0, 0, picture
        return
    yield 0, 0, picture[:most, :most]
    yield max(0, width - most), max(0, height - most), picture[-most:, -most:]


def _resized(picture: Picture, step: float) -> Picture:
    size = tuple(max(1, round(length / step)) for length in picture.shape[1::-1])
    gray = picture if picture.ndim == 2 else None  # noqa: PLR2004
    smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if step > 1 else cv2.INTER_LINEAR)
    return np.asarray(smaller if gray is not None else cv2.cvtColor(smaller, cv2.COLOR_BGR2GRAY), np.uint8)


@lru_cache(maxsize=32)
def _model(setting: Setting, text: str) -> Model | None:
    return model_of(setting, Box(x=0, y=0, width=setting.width, height=setting.height), text)


def _small(model: Model) -> Picture:
    scale = _SMALL / INK
    height, width = (max(1, round(length * scale)) for length in model.ink.shape)
    ink = coverage(replace(model.setting, size=model.setting.size * scale), width, height)
    return np.rint(ink * 255).astype(np.uint8)


def _places(parts: Sequence[Part], wanted: Picture) -> Iterator[_Place]:
    height, width = wanted.shape
    for part in parts:
        if part.gray.shape[0] < height or part.gray.shape[1] < width:
            continue
        likeness = np.nan_to_num(cv2.matchTemplate(part.gray, wanted, cv2.TM_CCOEFF_NORMED), posinf=0, neginf=0)
        for _ in range(_CLOSER_LOOKS):
            _, best, _, (x, y) = cv2.minMaxLoc(likeness)
            if best < _WORTH_A_LOOK:
                break
            yield _Place(best, part.left + x * part.step, part.top + y * part.step, part.step * _SMALL / INK)
            likeness[max(0, y - height // 2) : y + height // 2 + 1, max(0, x - width // 2) : x + width // 2 + 1] = 0


def _apart(places: Sequence[_Place], model: Model) -> Iterator[_Place]:
    """Yield the likeliest places of which none is another at the next size."""
    taken: list[_Place] = []
    height, width = model.ink.shape
    for place in places:
        if len(taken) == _CLOSER_LOOKS:
            return
        down, across = height * place.step / 2, width * place.step / 2
        if not any(abs(place.left - one.left) < across and abs(place.top - one.top) < down for one in taken):
            taken.append(place)
            yield place


def _closer(picture: Picture, model: Model, place: _Place) -> Match | None:
    """Return the best match about a place, at the full resolution of the model."""
    height, width = (round(length * place.step) for length in model.ink.shape)
    room = height
    left, top = round(place.left) - room, round(place.top) - room
    piece = _cut(picture, left, top, width + 2 * room, height + 2 * room)
    # The box in pixels that the model counts in, of which one is `place.step * model.zoom` here.
    scale = place.step * model.zoom
    box = Box(
        x=round(room / scale), y=round(room / scale), width=max(1, round(width / scale)), height=round(height / scale)
    )
    match = find_plate(piece, model, box, tuple(scale * factor for factor in _NEAR))
    return match and replace(match, corner=(match.corner[0] + left, match.corner[1] + top))


def _cut(picture: Picture, left: int, top: int, width: int, height: int) -> Picture:
    """Return a rectangle of a picture, what lies outside filled with its border."""
    rows, columns = picture.shape[:2]
    inner = picture[max(0, top) : min(rows, top + height), max(0, left) : min(columns, left + width)]
    beyond = (max(0, -top), max(0, top + height - rows), max(0, -left), max(0, left + width - columns))
    return np.asarray(cv2.copyMakeBorder(inner, *beyond, cv2.BORDER_REPLICATE), np.uint8)
