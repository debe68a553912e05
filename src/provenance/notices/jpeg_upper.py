"""Draw on the upper rows of a JPEG picture and keep the bits of the rest, which nobody has to decode.

A baseline scan is one run of bits, row after row. libturbojpeg codes the upper rows anew twice: drawn on, and as they
were. Where the second comes out as the source has it, its length says where in the source the rest begins, and that is
put behind the first, shifted by some bits. The last of those rows stays free of the notice, so that the rest goes on
from the same values. Anything out of the ordinary is left to the way that codes the whole picture.

Source: ITU-T T.81, B.1.1.5 (entropy-coded segments), F.1.2 (baseline coding).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from provenance.errors import MalformedMedia
from provenance.formats import jpeg_segments
from provenance.formats.jpeg_segments import DHT, DRI, FRAMES, SOS, Layout, Segment
from provenance.notices.jpeg_blocks import draw_blocks
from provenance.notices.jpeg_frame import Frame
from provenance.notices.overlay import Patch

_SOI, _EOI, _STUFFED = b"\xff\xd8", b"\xff\xd9", b"\xff\0"
_MOST: Final = 0.5  # of the rows; more is no quicker than all of them
_SPARE: Final = 3  # times the bytes that the upper rows would take on average
_BYTE: Final = 8  # bits
_FULL: Final = 0xFF
_HEIGHT_AT: Final = 1  # in a frame header, behind its precision
_BASELINE: Final = 0xC0
# The rest, shifted, must not need a whole byte of filling: with many ones at its end it mostly would, and as many tries
# would take longer than coding all of it.
_MOST_ONES: Final = 3
_TRIES: Final = 3


class _Bits(NamedTuple):
    """The bits of a scan, and how many of them are not filling."""

    data: bytes
    number: int


def draw_upper(data: bytes, layout: Layout, frame: Frame, patches: Sequence[Patch]) -> bytes | None:
    """Return the picture with `patches` drawn, as a bare JPEG stream; None where only the whole can be coded anew.

    Raises:
        NoticeDoesNotFit: see `draw_blocks`.
    """
    unit = _BYTE * frame.sampling[1]
    rows = (-(-max(patch.y + len(patch.keep) for patch in patches) // unit) + 1) * unit
    scans = [part for part in layout.body if part.marker == SOS]
    parts = [*layout.header, *layout.body]
    plain = layout.frame == _BASELINE and len(scans) == 1 and all(part.marker != DRI for part in parts)
    if not plain or rows > _MOST * frame.height:
        return None
    scan = data[layout.scan.end : scans[0].end]
    if scan.count(b"\xff") != scan.count(_STUFFED) or _ones_at_end(scan) > _MOST_ONES:
        return None
    enough = len(scan) * rows // frame.height * _SPARE
    upper = _head(data, parts, layout.scan, rows) + scan[:enough].rstrip(b"\xff") + _EOI
    try:
        before = draw_blocks(upper, replace(frame, height=rows), ())
        if before is None or _tables(before, jpeg_segments.parse(io.BytesIO(before))) != _tables(data, layout):
            return None
        bits = _bits(before)
        source = scan.replace(_STUFFED, b"\xff")
        tries = (draw_blocks(upper, _dimmed(frame, rows, each), patches) for each in range(_TRIES))
        joined = next(filter(None, (_joined(source, bits, _bits(after)) for after in tries if after)), None)
    except MalformedMedia:
        # They took more than their share, or the picture is damaged, which is said better where all of it is coded.
        return None
    head = _head(data, parts, layout.scan, frame.height)
    return None if joined is None else head + joined.replace(b"\xff", _STUFFED) + _EOI


def _dimmed(frame: Frame, rows: int, step: int) -> Frame:
    """Return the frame of the upper rows, with an ink that nobody can tell from white and that codes otherwise."""
    first, *others = frame.components
    return replace(frame, height=rows, components=(replace(first, ink=max(0, first.ink - step)), *others))


def _head(data: bytes, parts: Sequence[Segment], scan: Segment, height: int) -> bytes:
    """Return the tables, frame and scan header, the picture `height` pixels high."""
    kept = [_SOI]
    for part in parts:
        if part.is_picture and part.start < scan.start:
            segment = data[part.start : part.end]
            if part.marker in FRAMES:
                at = part.payload - part.start + _HEIGHT_AT
                segment = segment[:at] + height.to_bytes(2, "big") + segment[at + 2 :]
            kept.append(segment)
    return b"".join([*kept, data[scan.start : scan.end]])


def _tables(data: bytes, layout: Layout) -> dict[int, bytes]:
    """Return the Huffman tables in front of the scan, by class and destination (T.81, B.2.4.2)."""
    found = {}
    for part in (*layout.header, *layout.body):
        table = part.payload
        while part.marker == DHT and part.start < layout.scan.start and table < part.end:
            size = 17 + sum(data[table + 1 : table + 17])
            found[data[table]] = data[table + 1 : table + size]
            table += size
    return found


def _bits(drawn: bytes) -> _Bits | None:
    """Return the bits of the only scan of a picture, or None where they might end with a byte of ones.

    The last byte is filled up with ones. Where the last code ends with ones as well they count as filling too: the
    same code ends the rows drawn on, and the source's rest begins with them.
    """
    scan = jpeg_segments.parse(io.BytesIO(drawn)).scan
    data = drawn[scan.end : -len(_EOI)].replace(_STUFFED, b"\xff")
    if not data or data[-1] == _FULL:
        return None
    return _Bits(data, _BYTE * len(data) - _ones_at_end(data))


def _ones_at_end(scan: bytes) -> int:
    last = scan[-1] if scan else _FULL
    return _BYTE if last == _FULL else (~last & last + 1).bit_length() - 1


def _joined(source: bytes, before: _Bits | None, after: _Bits | None) -> bytes | None:
    """Return `after` and what follows `before` in `source`.

    None where that does not begin with `before`, or would end with a byte of filling alone, which belongs to no row.
    """
    if before is None or after is None:
        return None
    whole, rest = divmod(before.number, _BYTE)
    mask = (0xFF00 >> rest) & _FULL
    if source[:whole] != before.data[:whole] or (rest and (source[whole] ^ before.data[whole]) & mask):
        return None
    head, used = after.data[: after.number // _BYTE], after.number % _BYTE
    if (rest - used) % _BYTE + _ones_at_end(source) >= _BYTE:
        return None
    tail = bytearray(_moved(source[whole:], rest, used))
    if used:
        tail[0] |= after.data[len(head)] & (0xFF00 >> used)
    return head + bytes(tail)


def _moved(code: bytes, skip: int, room: int) -> bytes:
    """Return bits without the first `skip`, behind `room` zero bits, filled up with ones."""
    wide = np.frombuffer(code + b"\xff", np.uint8).copy()
    wide[0] &= _FULL >> skip
    step = room - skip
    if step == 0:
        return wide[:-1].tobytes()
    if step < 0:
        return (wide[:-1] << np.uint8(-step) | wide[1:] >> np.uint8(_BYTE + step)).tobytes()
    moved = wide >> np.uint8(step)
    moved[1:] |= wide[:-1] << np.uint8(_BYTE - step)
    return moved.tobytes()
