"""Compare pixels with the plate that a record describes, at one size for all: 48 pixels of ink."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.errors import NoticeDoesNotFit
from provenance.model.notice import Box
from provenance.notices.faces import Face
from provenance.notices.typeset import (
    Cell,
    Setting,
    at_size,
    cells,
    coverage,
    ink_height,
    measured_characters,
    size_of_lines,
)

Picture = NDArray[np.uint8]
Gray = NDArray[np.float32]
Mask = NDArray[np.bool_]

INK: Final = 48  # enough to tell characters apart, little to compute
_REACH: Final = 0.5  # of the plate's height, searched around it
_COARSE: Final = 0.5
_FINE: Final = (0.99, 0.995, 1.0, 1.005, 1.01)
_LARGEST_MODEL: Final = 1 << 22  # pixels
_LARGEST_ZOOM: Final = 4
# Likeness of each single character: of drawn ones, resized and encoded badly, at least 0.8; of others most have less,
# but not those that differ by a stroke (生 and 主).
_LEAST_CHARACTER: Final = 0.74
_MOST_BESIDE: Final = 0.03  # of the plate on each side of the text may be as bright as ink
_GRID: Final = 16
_LARGEST_SIDE: Final = 1 << 16
_MOST_LINES: Final = 32
_REFERENCE: Final = 256.0
_DIGITS: Final = "0123456789"
_ANY_DIGIT: Final = re.compile("[0-9]")
_RIM: Final = 4
_HALF: Final = 0.5
_FULL: Final = 242
_LINEAR_UP_TO: Final = 0.04045  # IEC 61966-2-1


@dataclass(frozen=True, slots=True)
class Model:
    """A plate as it should look: its ink, where each character stands, and pixels of it per recorded pixel."""

    ink: Picture
    measured: Mask
    cells: tuple[Cell, ...]
    setting: Setting
    zoom: float

    @property
    def recorded_ink(self) -> float:
        """Ink height in the picture that was recorded, in pixels."""
        return INK / self.zoom


@dataclass(frozen=True, slots=True)
class Match:
    """The pixels where a plate was found (BGR, the size of its model) and how many picture pixels each spans.

    `corner` is the plate's top left in the picture.
    """

    likeness: float
    pixels: Picture
    step: float
    model: Model
    corner: tuple[float, float]

    @property
    def box(self) -> Box:
        """Where the plate stands in the picture, without what was cut off at its left or top."""
        height, width = self.model.ink.shape
        left, top = (round(start) for start in self.corner)
        right, below = left + round(width * self.step), top + round(height * self.step)
        x, y = max(0, left), max(0, top)
        return Box(x=x, y=y, width=max(1, right - x), height=max(1, below - y))


def model_of(setting: Setting, box: Box, text: str) -> Model | None:
    """Return the plate `box` with `text` set as `setting`; `None` if no text would be on so large a plate."""
    measured = measured_characters(text)
    # Linear, not rendered: a hostile record may ask for glyphs of a gigabyte.
    zoom = INK / (setting.size * max(1, ink_height(measured, _REFERENCE, setting.face)) / _REFERENCE)
    width, height = round(box.width * zoom), round(box.height * zoom)
    if width < 1 or height < 1 or width * height > _LARGEST_MODEL:
        return None
    zoomed = replace(setting, size=setting.size * zoom)
    ink = coverage(zoomed, width, height)
    only = coverage(zoomed, width, height, measured) > _HALF
    return Model(np.rint(ink * 255).astype(np.uint8), only, tuple(cells(zoomed, height)), zoomed, zoom)


def setting_on(text: str, box: Box, face: Face) -> Setting | None:
    """Return how `text` must have been set in a face to fill `box`, to within the grid that plates are laid on."""
    if max(box.width, box.height) > _LARGEST_SIDE:
        return None
    try:
        unit = at_size(text, 100.0, 1 << 30, face).width / 100
        by_width = at_size(text, max(1.0, (box.width - _GRID / 2) / unit), 1 << 30, face)
        if by_width.height <= box.height + _GRID:
            return by_width
        for lines in range(2, _MOST_LINES):
            setting = at_size(text, max(1.0, size_of_lines(box.height - _GRID / 2, lines)), box.width, face)
            if len(setting.lines) == lines:
                return setting
    except NoticeDoesNotFit:
        return None
    return None


def find_plate(picture: Picture, model: Model, box: Box, scales: Sequence[float]) -> Match | None:
    """Look for `model` about `box`, shown at each of `scales`; return the best match, however poor."""
    looks = [(look[0], scale) for scale in scales if (look := _look(picture, model, box, scale, _COARSE))]
    if not looks:
        return None
    _, scale = max(looks)
    fine = [match for factor in _FINE if (match := _matched(picture, model, box, scale * factor))]
    return max(fine, key=lambda match: match.likeness, default=None)


def ink_rows(match: Match) -> int:
    """Return the ink height that the pixels show, in rows of the model: from highest to lowest, most of all lines."""
    bright = _brightness(match)
    # Only about the strokes: a lamp beside the text is no ink.
    near = cv2.dilate(match.model.measured.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    ink = (bright > _HALF) & near
    highest = 0
    for top in sorted({cell.top for cell in match.model.cells}):
        first = max(0, round(top - 0.15 * match.model.setting.size))
        rows = np.flatnonzero(ink[first : round(top + 1.15 * match.model.setting.size)].any(axis=1))
        highest = max(highest, int(rows[-1] - rows[0] + 1) if rows.size else 0)
    return highest


def contrast_of(match: Match) -> float:
    """Return the contrast of ink and plate as WCAG 2.2 defines it; the plate's brightest tenth is left out."""
    ink, plate = _parts(match.model)
    if not ink.any() or not plate.any():
        return 1.0
    light = luminance(match.pixels)
    one, other = float(np.median(light[ink])), float(np.quantile(light[plate], 0.9))
    return (max(one, other) + 0.05) / (min(one, other) + 0.05) if one > other else 1.0


def says_the_same(match: Match) -> bool:
    """Return whether each single character is there, and no other beside the text."""
    bright, model = _brightness(match), match.model
    likeness = {cell: _likeness_in(cell, bright, model.ink) for cell in model.cells if cell.character.isalnum()}
    if min(likeness.values(), default=1.0) < _LEAST_CHARACTER:
        return False
    digits = [cell for cell in likeness if cell.character in _DIGITS]
    for rival in _DIGITS if digits else ():
        # 3, 6, 8 and 0 are so alike that only the comparison tells one date from another.
        lines = tuple(_ANY_DIGIT.sub(rival, line) for line in model.setting.lines)
        ink = coverage(replace(model.setting, lines=lines), bright.shape[1], bright.shape[0])
        if any(_likeness_in(cell, bright, ink) > likeness[cell] for cell in digits if cell.character != rival):
            return False
    return _blank_beside(bright, model)


def _likeness_in(cell: Cell, bright: Gray, ink: NDArray[Any]) -> float:
    rows = slice(max(0, round(cell.top)), round(cell.top + cell.size))
    area = (rows, slice(max(0, round(cell.left)), round(cell.left + cell.width)))
    return _likeness(bright[area], ink[area].astype(np.float32))


def _blank_beside(bright: Gray, model: Model) -> bool:
    first = min(cell.left for cell in model.cells) - 3
    last = max(cell.left + cell.width for cell in model.cells) + 3
    # The rim may show what lies around a plate that does not end on a whole pixel.
    inner = bright[_RIM:-_RIM]
    sides = inner[:, _RIM : max(_RIM, round(first))], inner[:, round(last) : -_RIM]
    return all(side.size == 0 or float((side > _HALF).mean()) <= _MOST_BESIDE for side in sides)


def _look(
    picture: Picture, model: Model, box: Box, scale: float, resolution: float
) -> tuple[float, Picture, tuple[int, int]] | None:
    """Return the best likeness about `box` at `scale`, the region at the model's resolution, and where in it."""
    step = scale / (model.zoom * resolution)
    if step < 1 / _LARGEST_ZOOM:
        return None
    region = _region(picture, box, scale)
    height, width = round(region.shape[0] / step), round(region.shape[1] / step)
    wanted = cv2.resize(model.ink, None, fx=resolution, fy=resolution, interpolation=cv2.INTER_AREA)
    if height < wanted.shape[0] or width < wanted.shape[1]:
        return None
    method = cv2.INTER_AREA if step > 1 else cv2.INTER_LINEAR
    region = np.asarray(cv2.resize(region, (width, height), interpolation=method), dtype=np.uint8)
    likeness = cv2.matchTemplate(cv2.cvtColor(region, cv2.COLOR_BGR2GRAY), wanted, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(np.nan_to_num(likeness, posinf=0, neginf=0))
    return float(best), region, (x, y)


def _matched(picture: Picture, model: Model, box: Box, scale: float) -> Match | None:
    look = _look(picture, model, box, scale, 1.0)
    if look is None:
        return None
    likeness, region, (x, y) = look
    height, width = model.ink.shape
    left, top = _corner(box, scale)
    step = scale / model.zoom
    pixels = region[y : y + height, x : x + width]
    return Match(likeness, pixels, step, model, (left + x * step, top + y * step))


def _corner(box: Box, scale: float) -> tuple[int, int]:
    reach = _reach(box, scale)
    return max(0, int(box.x * scale - reach)), max(0, int(box.y * scale - reach))


def _reach(box: Box, scale: float) -> float:
    return _REACH * box.height * scale + _GRID


def _region(picture: Picture, box: Box, scale: float) -> Picture:
    reach = _reach(box, scale)
    left, top = _corner(box, scale)
    right, bottom = int((box.x + box.width) * scale + reach), int((box.y + box.height) * scale + reach)
    return picture[top : max(top, bottom), left : max(left, right)]


def _parts(model: Model) -> tuple[Mask, Mask]:
    """Return where ink is beyond doubt, and where plate is."""
    ink = model.ink > _FULL
    if (core := cv2.erode(ink.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)).any():
        ink = core
    plate = cv2.dilate((model.ink > 0).astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    return ink, plate


def _brightness(match: Match) -> Gray:
    """Return the pixels as 0 = plate to 1 = ink."""
    ink, plate = _parts(match.model)
    gray = cv2.cvtColor(match.pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    low = float(np.median(gray[plate])) if plate.any() else 0.0
    high = float(np.median(gray[ink])) if ink.any() else 255.0
    return (gray - low) / max(1.0, high - low)


def _likeness(one: Gray, other: Gray) -> float:
    a, b = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / spread if spread else 0.0


def luminance(pixels: Picture) -> Gray:
    """Return the relative luminance of BGR pixels (WCAG 2.2; IEC 61966-2-1)."""
    value = pixels.astype(np.float32) / 255
    linear = np.where(value <= _LINEAR_UP_TO, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    light: Gray = linear @ np.array([0.0722, 0.7152, 0.2126], dtype=np.float32)
    return light
