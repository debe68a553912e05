"""Draw notices on a picture: the bytes of a new file, in which only what lies under them has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from provenance.errors import MediaError
from provenance.model.notice import Notice
from provenance.notices.gif import draw_gif
from provenance.notices.jpeg import draw_jpeg
from provenance.notices.overlay import Drawing
from provenance.notices.png import draw_png
from provenance.notices.refusal import content, does_not_fit
from provenance.notices.tiff import draw_tiff
from provenance.notices.webp import draw_webp

_DRAWERS: Final[Mapping[str, Callable[[bytes, Sequence[Notice], int], Drawing]]] = {
    "jpeg": draw_jpeg,
    "png": draw_png,
    "gif": draw_gif,
    "webp": draw_webp,
    "tiff": draw_tiff,
}


@dataclass(frozen=True, slots=True)
class DrawResult:
    """What drawing did: `media_change` as in the post file, `method` for a person, `reason` the code of a warning."""

    media_change: Literal["blocks", "full"]
    method: str
    reason: str | None = None


def drawable(source: Path, format: str) -> bool:  # noqa: A002 - the word of the whole package
    """Return whether a file is of a kind that `draw` draws on.

    A file of another kind can only be labelled without its notice. One of these kinds may still be refused by `draw`,
    where the picture at hand is too small for the notice or would lose it.

    Args:
        source: The file.
        format: Its format, as `draw` takes it.
    """
    del source
    return format in _DRAWERS


def draw(
    source: Path,
    target: BinaryIO,
    notices: Sequence[Notice],
    *,
    orientation: int,
    format: str,  # noqa: A002 - the word of the whole package
    blocks: bool = True,
) -> DrawResult:
    """Write `source` with `notices` drawn to `target`; every other byte that is no picture data stays as it is.

    Args:
        source: A file of a `drawable` kind.
        target: An open file; written from where it stands.
        notices: Where and what, as `layout` returned it.
        orientation: EXIF orientation of the file, 1 to 8: boxes count displayed pixels.
        format: The name of its handler, such as ``jpeg``.
        blocks: False draws on JPEG by encoding the whole picture again, as if libturbojpeg were missing.

    Raises:
        AssetNotFound: `source` cannot be read.
        GlyphMissing: the shipped font lacks a character.
        MalformedMedia: the file breaks its format.
        MediaTooLarge: more than 1 GiB or 200 megapixels.
        NoticeDoesNotFit: the notice cannot be drawn on this picture without losing something, or on none of its format.
    """
    if format not in _DRAWERS:
        raise does_not_fit("notice-format", path=source, format=format)
    data = content(source)
    try:
        if format == "jpeg":
            drawing = draw_jpeg(data, notices, orientation, blocks=blocks)
        else:
            drawing = _DRAWERS[format](data, notices, orientation)
        # Frames are drawn as they are written.
        target.writelines(drawing.pieces)
    except MediaError as error:
        # Where the picture lies is known only here.
        raise type(error)(error.code, **{**error.details, "path": source}) from error
    return DrawResult(drawing.change, drawing.method, drawing.reason)
