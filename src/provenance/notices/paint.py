"""Draw notices on a picture: the bytes of a new file, in which only what lies under them has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from provenance._files import open_input
from provenance.errors import MediaError, UnsupportedFormat
from provenance.model.notice import Notice
from provenance.notices.jpeg import draw_jpeg
from provenance.notices.png import draw_png
from provenance.notices.refusal import LARGEST_FILE, WAY_ON, check_file_size


@dataclass(frozen=True, slots=True)
class DrawResult:
    """What drawing did: `media_change` as in the post file, `method` for a person."""

    media_change: Literal["blocks", "full"]
    method: str


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
    if format not in {"jpeg", "png"}:
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
