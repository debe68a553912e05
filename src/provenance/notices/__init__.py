"""Notices people see, hear and read: laid out, put into media, and found again in the finished files.

What concerns pictures loads numpy, Pillow and OpenCV when one of these names is first used; the modules for text and
sound are imported by themselves and cost none of that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from provenance.notices.find import measure, search
    from provenance.notices.paint import DrawResult, draw, drawable
    from provenance.notices.place import layout
    from provenance.notices.typeset import require_glyphs

__all__ = ["DrawResult", "draw", "drawable", "layout", "measure", "require_glyphs", "search"]

_MODULES: Final = {
    "DrawResult": "paint",
    "draw": "paint",
    "drawable": "paint",
    "layout": "place",
    "measure": "find",
    "require_glyphs": "typeset",
    "search": "find",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
