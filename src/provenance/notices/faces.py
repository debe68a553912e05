"""Which font a text is set in: the shipped one, else the first at hand that has every character of it.

The order is fixed, and a text is set in one font as a whole, so that it is measured in the font that it was drawn in:
the shipped one, one that the caller names, that of the ``fonts`` extra, those that operating systems keep.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from PIL import ImageFont

from provenance.errors import GlyphMissing, UsageError
from provenance.notices.refusal import WAY_ON

EXTRA: Final = "provenance-labels[fonts]"
_EXTRA_MODULE: Final = "manimgx_fonts_cjk"
_EXTRA_FILE: Final = "NotoSansCJK-VF.otf.ttc"

# Free fonts for Chinese, the best first: their licences let pictures drawn with them be published, which those of the
# fonts that Windows and macOS come with restrict.
_SYSTEM_FILES: Final = (
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJKsc-Bold.otf",
    "NotoSansSC-Bold.otf",
    "NotoSansSC-Bold.ttf",
    "SourceHanSansSC-Bold.otf",
    "SourceHanSansCN-Bold.otf",
    "SourceHanSans-Bold.ttc",
    "NotoSansCJK-VF.otf.ttc",
    "NotoSansSC-VF.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
)
_MOST_FOLDERS: Final = 2000
_LARGEST_FONT: Final = 128 << 20  # bytes
_MOST_FACES: Final = 16
_BOLD: Final = 700
_WEIGHT: Final = b"Weight"
_PROBE: Final = 48.0  # pixels
_LARGEST_GLYPH: Final = 4  # em
_NOWHERE: Final = "\U0010ffff"  # no character, and none ever: fonts draw what they draw for those they lack

# Cc, Cf, Zl, Zp: not seen, or seen to turn others about; Cs: half a character; Co: whatever a font makes of it.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
# Marks that stand on other characters, and scripts that run from right to left or whose letters join: a notice is set
# one character after the other.
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_JOINING: Final = re.compile("[\u1100-\u11ff\u1800-\u18af\ua960-\ua97f\ud7b0-\ud7ff]")


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a font file; without a path the shipped font."""

    path: Path | None = None
    index: int = 0


SHIPPED: Final = Face()


def face_for(text: str, font: Path | None = None) -> Face:
    """Return the face that `text` is set in.

    Args:
        text: What a notice says.
        font: A font file that is asked for what the shipped font lacks, before any other.

    Raises:
        GlyphMissing: no font at hand has every character, or one cannot be set as it is written.
        UsageError: `font` is none.
    """
    require_plain(text)
    found = next(faces_for(text, font), None)
    if found is not None:
        return found
    absent = min((_lacking(each, text) for each in (SHIPPED, *_others(font))), key=len)
    code = "glyph-missing" if _from_extra() else "glyph-missing-here"
    raise GlyphMissing(code, text=text, characters=" ".join(sorted(absent)), extra=EXTRA, way_on=WAY_ON)


def faces_for(text: str, font: Path | None = None) -> Iterator[Face]:
    """Yield every face at hand that has all of `text`, in their order; the shipped one alone where it has."""
    if not _lacking(SHIPPED, text):
        yield SHIPPED
        return
    yield from (each for each in _others(font) if not _lacking(each, text))


def require_plain(text: str) -> None:
    """Refuse characters that are not seen, or that cannot be set one after the other.

    Raises:
        GlyphMissing: there is one.
    """
    kinds = {character: unicodedata.category(character) for character in text}
    if hidden := sorted(one for one, kind in kinds.items() if kind in _HIDDEN):
        raise GlyphMissing("glyph-hidden", text=_printable(text), characters=_codes(hidden), way_on=WAY_ON)
    if joined := sorted(one for one, kind in kinds.items() if kind[0] == "M" or _joins(one)):
        raise GlyphMissing("glyph-joined", text=_printable(text), characters=_codes(joined), way_on=WAY_ON)


@lru_cache(maxsize=32)
def loaded(face: Face, size: float) -> ImageFont.FreeTypeFont:
    """Return a face at a size in pixels; a font whose weight varies is set bold.

    Raises:
        UsageError: its file is no font.
    """
    # The basic engine: the same line on every machine, whether or not a shaping library is installed.
    layout = ImageFont.Layout.BASIC
    if face.path is None:
        return ImageFont.truetype(io.BytesIO(_shipped_bytes()), size, layout_engine=layout)
    with legible(face):
        if face.path.stat().st_size > _LARGEST_FONT:
            raise UsageError("font-too-large", path=face.path, limit=_LARGEST_FONT)
        font = ImageFont.truetype(str(face.path), size, index=face.index, layout_engine=layout)
        _make_bold(font)
    return font


def _make_bold(font: ImageFont.FreeTypeFont) -> None:
    try:
        axes = font.get_variation_axes()
    except (OSError, NotImplementedError):  # no such font, or a FreeType that knows none
        return
    values = [_value(axis["name"], axis["minimum"], axis["default"], axis["maximum"]) for axis in axes]
    font.set_variation_by_axes(values)


def _value(name: bytes | None, least: int | None, usual: int | None, most: int | None) -> float:
    return min(max(_BOLD, least or 0), most or _BOLD) if name == _WEIGHT else usual or 0


def _others(font: Path | None) -> Iterator[Face]:
    if font is not None:
        yield _face_of(font)
    extra = _from_extra()
    for path in ([extra] if extra else []) + list(_of_system()):
        try:
            yield _face_of(path)
        except UsageError:  # one that the system keeps and that cannot be read is as good as none
            continue


@cache
def _face_of(path: Path) -> Face:
    """Return the face of a font file for simplified Chinese, else its first."""
    first = loaded(Face(path), _PROBE)
    name = first.getname()
    for index in range(1, _MOST_FACES):
        if _is_simplified(name):
            return Face(path, index - 1)
        try:
            name = loaded(Face(path, index), _PROBE).getname()
        except UsageError:
            break
    return Face(path)


def _is_simplified(name: tuple[str | None, str | None]) -> bool:
    return (name[0] or "").endswith((" SC", " CN"))


def _from_extra() -> Path | None:
    if find_spec(_EXTRA_MODULE) is None:
        return None
    path = Path(str(files(_EXTRA_MODULE) / _EXTRA_FILE))
    return path if path.is_file() else None


@cache
def _of_system() -> tuple[Path, ...]:
    """Return the known fonts that the system keeps, the best first."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for number, (where, below, names) in enumerate(os.walk(folder)):
            if number >= _MOST_FOLDERS:
                break
            below.sort()
            for name in names:
                if name in _SYSTEM_FILES:
                    found.setdefault(name, Path(where, name))
    return tuple(found[name] for name in _SYSTEM_FILES if name in found)


def _folders() -> tuple[Path, ...]:
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", r"C:\Windows"), "Fonts"),)
    if sys.platform == "darwin":
        return (Path("/Library/Fonts"), Path("~/Library/Fonts").expanduser())
    data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    return (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), data / "fonts", Path("~/.fonts").expanduser())


def _lacking(face: Face, text: str) -> set[str]:
    """Return the characters of `text` that a face cannot draw."""
    if face.path is None:
        return set(text) - _shipped_characters()
    return {character for character in set(text) if not _draws(face, character)}


@lru_cache(maxsize=1 << 14)
def _draws(face: Face, character: str) -> bool:
    try:
        drawn, lacking = _mask(face, character), _mask(face, _NOWHERE)
    except UsageError:  # one damaged glyph need not be another text's
        return False
    if drawn is None or drawn == lacking:
        return False
    return any(drawn[1]) or unicodedata.category(character) == "Zs"


def _mask(face: Face, character: str) -> tuple[tuple[int, int], bytes] | None:
    """Return what a face draws for a character; None where it is larger than any character."""
    font = loaded(face, _PROBE)
    with legible(face):
        left, top, right, bottom = font.getbbox(character)
        if max(right - left, bottom - top, font.getlength(character)) > _LARGEST_GLYPH * _PROBE:
            return None
        mask = font.getmask(character)
    return mask.size, bytes(mask)


@contextlib.contextmanager
def legible(face: Face) -> Iterator[None]:
    """Refuse a font whose damage shows only when something is set in it.

    Raises:
        UsageError: FreeType cannot draw with it.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        raise UsageError("font-unreadable", path=face.path, reason=error) from error


def _joins(character: str) -> bool:
    return unicodedata.bidirectional(character) in _RIGHT_TO_LEFT or bool(_JOINING.match(character))


def _codes(characters: list[str]) -> str:
    return " ".join(f"U+{ord(one):04X}" for one in characters)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@cache
def _shipped_bytes() -> bytes:
    return (files("provenance.notices") / "fonts" / "notice.otf").read_bytes()


@cache
def _shipped_characters() -> frozenset[str]:
    text = (files("provenance.notices") / "fonts" / "characters.txt").read_text(encoding="utf-8")
    return frozenset(text.rstrip("\n"))
