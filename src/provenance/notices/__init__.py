"""Visible notices on pictures: laid out, drawn, and found again in the finished pixels.

Importing this package loads numpy, Pillow and OpenCV: use cases import it inside their functions.
"""

from provenance.notices.find import measure
from provenance.notices.paint import DrawResult, draw, drawable
from provenance.notices.place import layout
from provenance.notices.typeset import require_glyphs

__all__ = ["DrawResult", "draw", "drawable", "layout", "measure", "require_glyphs"]
