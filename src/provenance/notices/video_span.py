"""Which samples of a film must be encoded anew to show a notice for some seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from provenance.notices import video_config, video_nal, video_obu
from provenance.notices.video_film import Film, Span, is_apart

_FARTHEST: Final = 30  # seconds from the end of a notice to where copying begins


def spans_of(film: Film, times: Sequence[tuple[int, int]]) -> tuple[list[Span], str | None]:
    """Return the samples to encode anew, and the message code of why it must be all of them, if it must.

    Both ends of a span are pictures that decoding can start at, with none before them that is shown after them.

    Args:
        film: The film.
        times: From when up to when notices show, in ticks of the track.

    Raises:
        MalformedMedia: a sample breaks its form.
        OSError: Reading failed.
    """
    whole = Span(0, film.count)
    spans: list[Span] = []
    for ticks in sorted(times):
        span = _span_of(film, ticks)
        if span is None:
            return [whole], "video-full-no-key-frame"
        if spans and span.first <= spans[-1].end:
            last = spans.pop()
            span = Span(min(last.first, span.first), max(last.end, span.end))
        spans.append(span)
    if spans != [whole]:
        return spans, None
    return spans, "video-full-shown" if _cover(film, times) else "video-full-short"


def _cover(film: Film, times: Sequence[tuple[int, int]]) -> bool:
    """Say whether every picture shows a notice."""
    shown = np.zeros(film.count, np.bool_)
    for start, end in times:
        shown |= (film.times >= start) & (film.times < end)
    return bool(shown.all())


def _span_of(film: Film, ticks: tuple[int, int]) -> Span | None:
    """Return the samples about one notice; None where copying could begin only long after it."""
    starts = np.flatnonzero(film.keys)
    # From a picture on, the earliest that is shown: those that come behind it may be shown before it.
    earliest = np.minimum.accumulate(film.times[::-1])[::-1][starts]
    before = starts[earliest <= ticks[0]][::-1]
    first = next((int(at) for at in before if _is_seam(film, int(at))), 0)
    far = ticks[1] + int(_FARTHEST / film.tick)
    behind = starts[(earliest >= ticks[1]) & (earliest <= far)]
    end = next((int(at) for at in behind if _is_seam(film, int(at))), None)
    if end is not None:
        return Span(first, end)
    # Where there is none, the film may end before there could be one.
    return Span(first, film.count) if int(film.times.max()) < far else None


def seam_before(film: Film, at: int) -> int:
    """Return the last sample before another one that decoding can start at, with all that follows it.

    Raises:
        MalformedMedia: a sample breaks its form.
        OSError: Reading failed.
    """
    starts = np.flatnonzero(film.keys[:at])[::-1]
    return next((int(each) for each in starts if _is_seam(film, int(each))), 0)


def _is_seam(film: Film, at: int) -> bool:
    """Say whether nothing from a sample on refers to, or is shown before, anything that comes before it."""
    if at == 0 or not is_apart(film, at):
        return at == 0
    if film.codec == "vp9":
        return _vp9_starts(film.sample(at))
    if film.codec == "av1":
        return video_obu.starts_anew(film.sample(at))
    if film.codec in {"h264", "hevc"}:
        codec: video_nal.Codec = "h264" if film.codec == "h264" else "hevc"
        return video_nal.is_idr(film.sample(at), video_config.parse(codec, film.config).width, codec)
    return False


def _vp9_starts(sample: bytes) -> bool:
    """Say whether a VP9 frame is a key frame (VP9 bitstream specification, 6.2): 2 bits marker, profile, type."""
    bits = int.from_bytes(sample[:2], "big")
    profile = bits >> 13 & 1 | bits >> 11 & 2
    at = 11 - (profile == 3)  # noqa: PLR2004 -- the one with a reserved bit
    shows_existing, inter = bits >> at & 1, bits >> at - 1 & 1
    return bits >> 14 == 2 and not shows_existing and not inter  # noqa: PLR2004 -- the marker
