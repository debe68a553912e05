"""Draw notices on a picture: the bytes of a new file, in which only what lies under them has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from provenance._files import open_input
from provenance.errors import AssetNotFound, MediaError, UnsupportedFormat
from provenance.model.notice import Notice
from provenance.notices.jpeg import draw_jpeg
from provenance.notices.png import draw_png, is_animated
from provenance.notices.refusal import LARGEST_FILE, WAY_ON, check_file_size

_DRAWABLE: Final = frozenset({"jpeg", "png"})


@dataclass(frozen=True, slots=True)
class DrawResult:
    """What drawing did: `media_change` as in the post file, `method` for a person."""

    media_change: Literal["blocks", "full"]
    method: str


def drawable(source: Path, format: str) -> bool:  # noqa: A002 - the word of the whole package
    """Return whether a file is of a kind that `draw` draws on: a JPEG, or a PNG that is no animation.

    A file of another kind can only be labelled without its notice. One of these kinds may still be refused by `draw`,
    where the picture at hand is too small for the notice or would lose it.

    Args:
        source: The file.
        format: Its format, as `draw` takes it.

    Raises:
        AssetNotFound: `source` cannot be read.
        MalformedMedia: a PNG file breaks its format.
    """
    if format != "png":
        return format in _DRAWABLE
    with open_input(source) as file:
        try:
            return not is_animated(file)
        except OSError as error:
            raise AssetNotFound("asset-not-readable", path=source, reason=error.strerror) from error
        except MediaError as error:
            raise type(error)(error.code, **{**error.details, "path": source}) from error


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
        source: A JPEG or PNG file.
        target: An open file; written from where it stands.
        notices: Where and what, as `layout` returned it.
        orientation: EXIF orientation of the file, 1 to 8: boxes count displayed pixels.
        format: ``jpeg`` or ``png``.
        blocks: False draws on JPEG by encoding the whole picture again, as if libturbojpeg were missing.

    Raises:
        AssetNotFound: `source` cannot be read.
        GlyphMissing: the shipped font lacks a character.
        MalformedMedia: the file breaks its format.
        MediaTooLarge: more than 1 GiB or 200 megapixels.
        NoticeDoesNotFit: the notice cannot be drawn on this picture without losing something.
        UnsupportedFormat: neither JPEG nor PNG.
    """
    if format not in _DRAWABLE:
        raise UnsupportedFormat("notice-format", way_on=WAY_ON, path=source, format=format)
    with open_input(source) as file:
        data = file.read(LARGEST_FILE + 1)
    try:
        check_file_size(len(data))
        if format == "jpeg":
            pieces, change, method = draw_jpeg(data, notices, orientation, blocks=blocks)
        else:
            pieces, change, method = draw_png(data, notices, orientation)
    except MediaError as error:
        # Where the picture lies is known only here.
        raise type(error)(error.code, **{**error.details, "path": source}) from error
    target.writelines(pieces)
    return DrawResult(change, method)
