"""Draw on a JPEG picture block by block where libturbojpeg is missing: jpeglib, an extra, has the coefficients too.

It writes baseline files alone: a progressive one has the same pixels, but shows them from top to bottom.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from provenance._interruption import held_back
from provenance.errors import MalformedMedia
from provenance.notices.jpeg_blocks import blend_span, spans_of
from provenance.notices.jpeg_frame import Frame
from provenance.notices.overlay import Patch

_PLANES: Final = {"gray": ("Y",), "ycc": ("Y", "Cb", "Cr")}


def draw_coefficients(data: bytes, frame: Frame, patches: Sequence[Patch]) -> bytes | None:
    """Return the picture with `patches` drawn as a JPEG stream; None without jpeglib, or of colours that it mistakes.

    Raises:
        MalformedMedia: the scan cannot be read.
    """
    library = _library()
    if library is None or frame.colour not in _PLANES:
        return None
    # It reads and writes files only, and makes one more of its own that an interruption would leave behind.
    with tempfile.TemporaryDirectory(prefix="provenance-") as folder, held_back():
        source, target = Path(folder) / "in.jpg", Path(folder) / "out.jpg"
        source.write_bytes(data)
        try:
            picture = library.read_dct(str(source))
            for component, name in zip(frame.components, _PLANES[frame.colour], strict=True):
                plane = getattr(picture, name)
                for row, spans in spans_of(frame, component, patches).items():
                    for span in spans:
                        blend_span(
                            plane[row, span.first : span.first + len(span.keep)].reshape(-1, 64), span, component
                        )
            picture.write_dct(str(target))
            return target.read_bytes()
        except (OSError, RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
            raise MalformedMedia("notice-jpeg-scan-broken", reason=str(error)) from error


def _library() -> Any:
    try:
        return importlib.import_module("jpeglib")
    except ImportError:
        return None
