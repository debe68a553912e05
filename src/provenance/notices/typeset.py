"""Set the text of a notice in one font: size from ink, lines from the room there is, coverage from FreeType."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from provenance.notices.faces import SHIPPED, Face, face_for, legible, loaded
from provenance.notices.refusal import does_not_fit

Coverage = NDArray[np.float32]

LONGEST_TEXT: Final = 400
_PAD: Final = 0.4  # of the font size, left and right of the text
_LEADING: Final = 1.3
_EM_AND_PADS: Final = 1.5  # height of a one-line plate
_BASELINE: Final = 0.88  # below the top of a line's em box; centres the ink of ideographs in it
_REFERENCE: Final = 256.0
_MOST_PER_INK: Final = 4  # of font size; letters and ideographs need 1 to 2
_HALF_COVERED: Final = 128

_IDEOGRAPH = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# A line may break between any two atoms: marks that close something, a run of ASCII, or one other character.
_ATOM = re.compile(r"[!%),.:;?\]}]+|[!-~]+| +|[^ -~]")
_NEVER_FIRST: Final = frozenset("、。,.:;!?)》〉」』】”’…%\uff0c\uff1a\uff1b\uff01\uff1f\uff09")
_PARTS_ADDRESS: Final = frozenset("/?&=#-_.:,;@+")
_NEVER_LAST: Final = frozenset("(《〈「『【“‘\uff08")


@dataclass(frozen=True, slots=True)
class Setting:
    """A text broken into lines at a font size; `width` × `height` is the smallest plate it needs, all in pixels."""

    lines: tuple[str, ...]
    size: float
    width: int
    height: int
    face: Face = SHIPPED


@dataclass(frozen=True, slots=True)
class Cell:
    """One character on the plate: its em box, `size` high, in pixels from the plate's top left."""

    character: str
    left: float
    top: float
    width: float
    size: float
    baseline: int


def require_glyphs(text: str) -> None:
    """Refuse a text that no font at hand can draw as it is written.

    Raises:
        GlyphMissing: a character has no glyph, is a control or direction mark, or cannot be set by itself.
    """
    face_for(text)


def sized_by_ink(text: str, ink: int, room: int, face: Face | None = None) -> Setting:
    """Set `text` so that its ink is at least `ink` pixels high, in lines of at most `room` pixels, pads included.

    Ink is that of the ideographs, or of letters and digits where there are none: brackets and commas reach further.

    Raises:
        GlyphMissing: no face is given, and none at hand can draw the text.
        NoticeDoesNotFit: the text is too long, has no letter, digit or ideograph, or `room` is too narrow for one.
    """
    face = face or face_for(text)
    measured = measured_characters(text)
    size = ink * _REFERENCE / max(1, ink_height(measured, _REFERENCE, face))
    if size > _MOST_PER_INK * ink:  # dashes and dots alone
        raise does_not_fit("notice-too-flat", text=text)
    # Hinting and anti-aliasing can cost a row: grow until the rows are there.
    while ink_height(measured, size, face) < ink and size < _MOST_PER_INK * ink:
        size += 0.5
    return at_size(text, size, room, face)


def at_size(text: str, size: float, room: int, face: Face | None = None) -> Setting:
    """Set `text` at a font size in lines of at most `room` pixels, pads included.

    Raises:
        GlyphMissing: no face is given, and none at hand can draw the text.
        NoticeDoesNotFit: the text is too long, or `room` too narrow for one character.
    """
    if len(text) > LONGEST_TEXT:
        raise does_not_fit("notice-too-long", text=text[:40], limit=LONGEST_TEXT)
    face = face or face_for(text)
    lines = _break(text, face, room / size - 2 * _PAD)
    if lines is None:
        raise does_not_fit("notice-too-wide", text=text, width=room)
    widest = max(_advance(line, face) for line in lines) * size
    height = (_EM_AND_PADS + _LEADING * (len(lines) - 1)) * size
    return Setting(lines, size, int(np.ceil(widest + 2 * _PAD * size)), int(np.ceil(height)), face)


def size_of_lines(height: float, lines: int) -> float:
    """Return the font size at which `lines` lines need a plate of `height` pixels."""
    return height / (_EM_AND_PADS + _LEADING * (lines - 1))


def cells(setting: Setting, height: int) -> list[Cell]:
    """Return where each character stands on a plate `height` pixels high: all lines at the left, centred in height."""
    size = setting.size
    left = _PAD * size
    top = (height - (1 + _LEADING * (len(setting.lines) - 1)) * size) / 2
    placed = []
    for number, line in enumerate(setting.lines):
        y = top + number * _LEADING * size
        x = left
        for character in line:
            advance = _unit_advance(character, setting.face) * size
            placed.append(Cell(character, x, y, advance, size, round(y + _BASELINE * size)))
            x += advance
    return placed


def coverage(setting: Setting, width: int, height: int, only: str | None = None) -> Coverage:
    """Draw the ink on a plate of `width` × `height` pixels: 0 = none, 1 = full; `only` leaves other characters out."""
    plate = Image.new("L", (width, height))
    canvas = ImageDraw.Draw(plate)
    font = loaded(setting.face, setting.size)
    with legible(setting.face):
        for cell in cells(setting, height):
            if only is None or cell.character in only:
                canvas.text((round(cell.left), cell.baseline), cell.character, fill=255, font=font, anchor="ls")
    return np.asarray(plate, dtype=np.float32) / np.float32(255)


def measured_characters(text: str) -> str:
    """Return the characters whose ink counts as the height of `text`."""
    chosen = set(_IDEOGRAPH.findall(text)) or {one for one in text if one.isalnum()} or set(text)
    return "".join(sorted(chosen))


def ink_height(characters: str, size: float, face: Face | None = None) -> int:
    """Return the rows from the highest to the lowest ink of `characters` on one line, in pixels."""
    face = face or face_for(characters)
    font = loaded(face, size)
    with legible(face):
        _, top, _, bottom = font.getbbox(characters, anchor="ls")
        width = int(np.ceil(font.getlength(characters))) + 2
        line = Image.new("L", (width, int(bottom - top) + 4))
        ImageDraw.Draw(line).text((1, 2 - int(top)), characters, fill=255, font=font, anchor="ls")
    rows = np.flatnonzero((np.asarray(line) >= _HALF_COVERED).any(axis=1))
    return int(rows[-1] - rows[0] + 1) if rows.size else 0


def _break(text: str, face: Face, room: float) -> tuple[str, ...] | None:
    """Return the lines of `text` where each has `room` for so many em."""
    lines: list[str] = []
    line = ""
    for atom in _fitting(text, face, room):
        if line and _advance((line + atom).rstrip(), face) > room:
            lines.append(line.rstrip())
            line = ""
        line = (line + atom) if line else atom.lstrip()
        if _advance(line.rstrip(), face) > room:
            return None
    return (*lines, line.rstrip()) if line.strip() else tuple(lines) or None


def _fitting(text: str, face: Face, room: float) -> Iterator[str]:
    """Yield the atoms of a text; one that is wider than a line, as addresses are, in pieces."""
    for atom in _atoms(text):
        rest = atom
        while len(rest) > 1 and _advance(rest, face) > room:
            end = _fill(rest, face, room)
            yield rest[:end]
            rest = rest[end:]
        yield rest


def _fill(word: str, face: Face, room: float) -> int:
    """Return how much of a word goes on one line, if it can up to a mark that parts an address."""
    end, width = 0, 0.0
    for character in word:
        width += _unit_advance(character, face)
        if width > room:
            break
        end += 1
    marks = [at for at in range(end // 2, end) if word[at - 1] in _PARTS_ADDRESS]
    return max(1, marks[-1] if marks else end)


def _atoms(text: str) -> list[str]:
    atoms: list[str] = []
    for atom in _ATOM.findall(text):
        if atoms and not atom.isspace() and (atom[0] in _NEVER_FIRST or atoms[-1][-1] in _NEVER_LAST):
            atoms[-1] += atom
        else:
            atoms.append(atom)
    return atoms


def _advance(text: str, face: Face) -> float:
    """Return how wide a text is, in em: linear in size, so that a plate found at half its size has the same lines."""
    return sum(_unit_advance(character, face) for character in text)


@lru_cache(maxsize=1 << 16)
def _unit_advance(character: str, face: Face) -> float:
    font = loaded(face, _REFERENCE)
    with legible(face):
        return font.getlength(character) / _REFERENCE
