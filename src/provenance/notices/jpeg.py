"""Draw on a JPEG file: new frame, tables and scans between other people's segments, which stay byte for byte."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from provenance.errors import MalformedMedia
from provenance.formats import jpeg_segments, mpf
from provenance.formats.jpeg_segments import APP2, EOI, FIRST, SOI, Layout, Segment
from provenance.model.notice import Notice
from provenance.notices.jpeg_blocks import draw_blocks
from provenance.notices.jpeg_dct import draw_coefficients
from provenance.notices.jpeg_frame import Frame, read_frame
from provenance.notices.jpeg_reencode import reencode
from provenance.notices.jpeg_upper import draw_upper
from provenance.notices.overlay import Drawing, patches
from provenance.notices.place import displayed_size
from provenance.notices.refusal import WAY_ON, check_picture_size, does_not_fit

# What announces a second picture that re-lights the first: a notice would shine in it, or vanish.
_GAIN_MAP_MARKS: Final = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"urn:iso:std:iso:ts:21496:-1",
    b"http://ns.apple.com/HDRGainMap/1.0/",
    b"urn:com:apple:photo:2020:aux:hdrgainmap",
    b'Item:Semantic="GainMap"',
)


def draw_jpeg(data: bytes, notices: Sequence[Notice], orientation: int, *, blocks: bool = True) -> Drawing:
    """Return the new file; see `provenance.notices.draw` for the errors."""
    layout = jpeg_segments.parse(io.BytesIO(data))
    check_picture_size(layout.width, layout.height)
    if layout.stray is not None:
        # Nobody knows which side of the new picture they belong to.
        raise MalformedMedia("jpeg-damaged", offset=layout.stray)
    frame = read_frame(data, layout)
    if any(mark in data for mark in _GAIN_MAP_MARKS):
        raise does_not_fit("notice-gain-map")
    painted = patches(notices, *displayed_size(frame.width, frame.height, orientation), orientation)
    drawn = None
    if blocks and _whole_steps(frame):
        drawn = draw_upper(data, layout, frame, painted) or draw_blocks(data, frame, painted)
    if drawn is not None:
        return Drawing(_merged(data, layout, drawn), "blocks", "libturbojpeg")
    drawn = draw_coefficients(data, frame, painted) if blocks else None
    if drawn is not None:
        return Drawing(_merged(data, layout, drawn), "blocks", "jpeglib, baseline" if frame.progressive else "jpeglib")
    drawn, sampling = reencode(data, frame, painted)
    return Drawing(_merged(data, layout, drawn), "full", f"re-encode {sampling}")


def _whole_steps(frame: Frame) -> bool:
    across, down = frame.sampling
    return not any(across % one.horizontal or down % one.vertical for one in frame.components)


def _merged(data: bytes, layout: Layout, drawn: bytes) -> list[bytes]:
    """Put the picture of `drawn` between the segments of `data` that are no picture."""
    new = jpeg_segments.parse(io.BytesIO(drawn)).segments
    picture = b"".join(drawn[part.start : part.end] for part in new if part.is_picture or part.marker == EOI)
    # Fill bytes go with the segment behind them.
    others = [
        (before.end, part)
        for before, part in pairwise([Segment(SOI, 0, FIRST), *layout.segments])
        if not part.is_picture and part.marker != EOI
    ]
    grown = FIRST + sum(part.end - start for start, part in others) + len(picture) - layout.end
    pieces = [data[:FIRST]]
    at = FIRST
    for start, part in others:
        pieces.append(data[start : part.payload])
        pieces.append(_payload(data, layout, part, grown, grown - (at - start)))
        at += part.end - start
    return [*pieces, picture, data[layout.end :]]


def _payload(data: bytes, layout: Layout, part: Segment, grown: int, behind: int) -> bytes:
    """Return what a segment holds, an index of further pictures changed so that it still points at them."""
    payload = data[part.payload : part.end]
    if part.marker != APP2 or not payload.startswith(mpf.PREFIX):
        return payload
    if layout.end < layout.size and not mpf.count(payload):
        raise MalformedMedia("notice-jpeg-mpf-broken", way_on=WAY_ON, offset=part.payload)
    return mpf.moved(payload, grown, behind)
