"""Set the text of a notice in the shipped font: size from ink, lines from the room there is, coverage from FreeType."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from provenance.errors import GlyphMissing
from provenance.notices.refusal import WAY_ON, does_not_fit

Coverage = NDArray[np.float32]

LONGEST_TEXT: Final = 400
_PAD: Final = 0.4  # of the font size, left and right of the text
_LEADING: Final = 1.3
_EM_AND_PADS: Final = 1.5  # height of a one-line plate
_BASELINE: Final = 0.88  # below the top of a line's em box; centres the ink of ideographs in it
_REFERENCE: Final = 256.0
_HALF_COVERED: Final = 128

_IDEOGRAPH = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# A line may break between any two atoms: a run of ASCII, or one other character.
_ATOM = re.compile(r"[!-~]+| +|[^ -~]")
_NEVER_FIRST: Final = frozenset("、。,.:;!?)》〉」』】”’…%\uff0c\uff1a\uff1b\uff01\uff1f\uff09")
_NEVER_LAST: Final = frozenset("(《〈「『【“‘\uff08")


@dataclass(frozen=True, slots=True)
class Setting:
    """A text broken into lines at a font size; `width` × `height` is the smallest plate it needs, all in pixels."""

    lines: tuple[str, ...]
    size: float
    width: int
    height: int


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
    """Refuse a text that the shipped font cannot draw as it is written.

    Raises:
        GlyphMissing: a character has no glyph, or is a control or direction mark.
    """
    hidden = {character for character in text if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    if hidden:
        codes = " ".join(f"U+{ord(one):04X}" for one in sorted(hidden))
        raise GlyphMissing("glyph-hidden", text=text, characters=codes, way_on=WAY_ON)
    absent = sorted(set(text) - _covered())
    if absent:
        raise GlyphMissing("glyph-missing", text=text, characters=" ".join(absent), way_on=WAY_ON)


def sized_by_ink(text: str, ink: int, room: int) -> Setting:
    """Set `text` so that its ink is at least `ink` pixels high, in lines of at most `room` pixels, pads included.

    Ink is that of the ideographs, or of letters and digits where there are none: brackets and commas reach further.

    Raises:
        GlyphMissing: see `require_glyphs`.
        NoticeDoesNotFit: the text is too long, or one word is wider than `room`.
    """
    require_glyphs(text)
    measured = measured_characters(text)
    size = ink * _REFERENCE / max(1, ink_height(measured, _REFERENCE))
    # Hinting and anti-aliasing can cost a row: grow until the rows are there.
    while ink_height(measured, size) < ink and size < 4 * ink:
        size += 0.5
    return at_size(text, size, room)


def at_size(text: str, size: float, room: int) -> Setting:
    """Set `text` at a font size in lines of at most `room` pixels, pads included.

    Raises:
        NoticeDoesNotFit: the text is too long, or one word is wider than `room`.
    """
    if len(text) > LONGEST_TEXT:
        raise does_not_fit("notice-too-long", text=text[:40], limit=LONGEST_TEXT)
    lines = _break(text, size, room - 2 * _PAD * size)
    if lines is None:
        raise does_not_fit("notice-too-wide", text=text, width=room)
    widest = max(_advance(line, size) for line in lines)
    height = (_EM_AND_PADS + _LEADING * (len(lines) - 1)) * size
    return Setting(lines, size, int(np.ceil(widest + 2 * _PAD * size)), int(np.ceil(height)))


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
            advance = _advance(character, size)
            placed.append(Cell(character, x, y, advance, size, round(y + _BASELINE * size)))
            x += advance
    return placed


def coverage(setting: Setting, width: int, height: int, only: str | None = None) -> Coverage:
    """Draw the ink on a plate of `width` × `height` pixels: 0 = none, 1 = full; `only` leaves other characters out."""
    plate = Image.new("L", (width, height))
    canvas = ImageDraw.Draw(plate)
    font = _font(setting.size)
    for cell in cells(setting, height):
        if only is None or cell.character in only:
            canvas.text((round(cell.left), cell.baseline), cell.character, fill=255, font=font, anchor="ls")
    return np.asarray(plate, dtype=np.float32) / np.float32(255)


def measured_characters(text: str) -> str:
    """Return the characters whose ink counts as the height of `text`."""
    chosen = set(_IDEOGRAPH.findall(text)) or {one for one in text if one.isalnum()} or set(text)
    return "".join(sorted(chosen))


def ink_height(characters: str, size: float) -> int:
    """Return the rows from the highest to the lowest ink of `characters` on one line, in pixels."""
    font = _font(size)
    _, top, _, bottom = font.getbbox(characters, anchor="ls")
    width = int(np.ceil(font.getlength(characters))) + 2
    line = Image.new("L", (width, int(bottom - top) + 4))
    ImageDraw.Draw(line).text((1, 2 - int(top)), characters, fill=255, font=font, anchor="ls")
    rows = np.flatnonzero((np.asarray(line) >= _HALF_COVERED).any(axis=1))
    return int(rows[-1] - rows[0] + 1) if rows.size else 0


def _break(text: str, size: float, room: float) -> tuple[str, ...] | None:
    lines: list[str] = []
    line, used = "", 0.0
    for atom in _atoms(text):
        width = _advance(atom, size)
        if line and used + width > room and not atom.isspace():
            lines.append(line.rstrip())
            line, used = "", 0.0
        if not (atom.isspace() and not line):
            line, used = line + atom, used + width
        if _advance(line.rstrip(), size) > room:
            return None
    return (*lines, line.rstrip()) if line.strip() else tuple(lines) or None


def _atoms(text: str) -> list[str]:
    atoms: list[str] = []
    for atom in _ATOM.findall(text):
        if atoms and not atom.isspace() and (atom[0] in _NEVER_FIRST or atoms[-1][-1] in _NEVER_LAST):
            atoms[-1] += atom
        else:
            atoms.append(atom)
    return atoms


def _advance(text: str, size: float) -> float:
    # Linear in size, so that a plate found at half its size still has the same lines.
    return sum(map(_unit_advance, text)) * size


@cache
def _unit_advance(character: str) -> float:
    return _font(_REFERENCE).getlength(character) / _REFERENCE


@lru_cache(maxsize=16)
def _font(size: float) -> ImageFont.FreeTypeFont:
    # The basic engine: the same line on every machine, whether or not a shaping library is installed.
    return ImageFont.truetype(io.BytesIO(_font_bytes()), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _font_bytes() -> bytes:
    return (files("provenance.notices") / "fonts" / "notice.otf").read_bytes()


@cache
def _covered() -> frozenset[str]:
    text = (files("provenance.notices") / "fonts" / "characters.txt").read_text(encoding="utf-8")
    return frozenset(text.rstrip("\n"))
