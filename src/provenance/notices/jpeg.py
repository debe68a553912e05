"""Draw on a JPEG file: new frame, tables and scans between other people's segments, which stay byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from provenance.errors import MediaTooLarge
from provenance.model.notice import Notice
from provenance.notices import jpeg_mpf
from provenance.notices.jpeg_blocks import draw_blocks
from provenance.notices.jpeg_frame import Frame, read_frame
from provenance.notices.jpeg_reencode import reencode
from provenance.notices.jpeg_segments import APP2, EOI, Segment, segments
from provenance.notices.overlay import patches
from provenance.notices.place import displayed_size
from provenance.notices.refusal import WAY_ON, does_not_fit

LARGEST_PICTURE: Final = 200_000_000


def draw_jpeg(
    data: bytes, notices: Sequence[Notice], orientation: int, *, blocks: bool
) -> tuple[list[bytes], Literal["blocks", "full"], str]:
    """Return the new file in pieces, what changed, and how.

    Raises:
        GlyphMissing, MalformedMedia, MediaTooLarge, NoticeDoesNotFit: see `provenance.notices.draw`.
    """
    parts = segments(data)
    frame = read_frame(data, parts)
    if frame.width * frame.height > LARGEST_PICTURE:
        raise MediaTooLarge(
            "notice-picture-too-large", way_on=WAY_ON, width=frame.width, height=frame.height, limit=LARGEST_PICTURE
        )
    if any(mark in data for mark in jpeg_mpf.GAIN_MAP_MARKS):
        raise does_not_fit("notice-gain-map")
    painted = patches(notices, *displayed_size(frame.width, frame.height, orientation), orientation)
    drawn = draw_blocks(data, frame, painted) if blocks and _whole_steps(frame) else None
    if drawn is not None:
        return _merged(data, parts, drawn), "blocks", "libturbojpeg"
    drawn, sampling = reencode(data, frame, painted)
    return _merged(data, parts, drawn), "full", f"re-encode {sampling}"


def _whole_steps(frame: Frame) -> bool:
    across, down = frame.sampling
    return not any(across % one.horizontal or down % one.vertical for one in frame.components)


def _merged(data: bytes, parts: Sequence[Segment], drawn: bytes) -> list[bytes]:
    """Put the picture of `drawn` between the segments of `data` that are no picture."""
    others = [part for part in parts if not part.is_picture and part.marker != EOI]
    picture = b"".join(
        drawn[part.start : part.end] for part in segments(drawn) if part.is_picture or part.marker == EOI
    )
    end = parts[-1].end
    kept = 2 + sum(part.end - part.start for part in others)
    pieces = [data[:2]]
    at = 2
    for part in others:
        piece = data[part.start : part.end]
        if part.marker == APP2 and data[part.payload : part.payload + 4] == jpeg_mpf.SIGNATURE and end < len(data):
            base = part.payload + len(jpeg_mpf.SIGNATURE)
            piece = jpeg_mpf.moved(piece, base, base - part.start + at, end, kept + len(picture))
        pieces.append(piece)
        at += len(piece)
    return [*pieces, picture, data[end:]]
