"""Look at a film just drawn on: nothing but the span has changed, and the span shows what it should."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from provenance.notices.video_codec import av
from provenance.notices.video_film import Film, Span
from provenance.notices.video_render import Rendered, Task

_BUFFER: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Stream:
    """The packets of one stream as libavformat reads them: their times, and what they hold, digested."""

    kind: str
    times: tuple[tuple[int | None, int | None, int | None], ...]
    digests: tuple[bytes, ...]


def same_elsewhere(source: BinaryIO, target: BinaryIO, span: Span, count: int) -> bool:
    """Say whether every packet of two files is the same but for the span, and has the same times there.

    Args:
        source: The source.
        target: What was made of it.
        span: Which samples were encoded anew.
        count: How many samples the track has.

    Raises:
        OSError: Reading failed.
    """
    old, new = _streams(source), _streams(target)
    if old is None or new is None or len(old) != len(new):
        return False
    changed = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
    return len(changed) == 1 and _differ_inside(*changed[0], span, count)


def _differ_inside(one: Stream, other: Stream, span: Span, count: int) -> bool:
    """Say whether two streams of pictures differ in what lies in a span only, and not in times."""
    if one.kind != "video" or other.kind != "video" or len(one.times) != len(other.times):
        return False
    changed = [at for at in range(len(one.times)) if _packet(one, at) != _packet(other, at)]
    # What an edit list cuts off in front, libavformat leaves out: then nobody knows where the span starts.
    first = span.first if len(one.times) == count else changed[0]
    part = slice(changed[0], changed[-1] + 1)
    inside = first <= changed[0] and changed[-1] < first + span.end - span.first
    return inside and _times(one, part) == _times(other, part)


def _packet(stream: Stream, at: int) -> tuple[object, ...]:
    return stream.times[at], stream.digests[at]


def _times(stream: Stream, part: slice) -> tuple[list[int | None], list[int | None]]:
    """Return the times of presentation in order, and those of decoding as they stand."""
    shown = sorted((pts for pts, _, _ in stream.times[part]), key=lambda pts: -1 if pts is None else pts)
    return shown, [dts for _, dts, _ in stream.times[part]]


def _streams(file: BinaryIO) -> list[Stream] | None:
    library = av()
    file.seek(0)
    times: dict[int, list[tuple[int | None, int | None, int | None]]] = {}
    digests: dict[int, list[bytes]] = {}
    try:
        with library.open(file, mode="r", metadata_errors="replace", buffer_size=_BUFFER) as container:
            kinds = [stream.type for stream in container.streams]
            for packet in container.demux():
                if packet.size:
                    times.setdefault(packet.stream_index, []).append((packet.pts, packet.dts, packet.duration))
                    digests.setdefault(packet.stream_index, []).append(_digest(packet))
    except library.FFmpegError:
        return None
    return [
        Stream(kind, tuple(times.get(number, ())), tuple(digests.get(number, ()))) for number, kind in enumerate(kinds)
    ]


def _digest(packet: object) -> bytes:
    return hashlib.sha256(memoryview(packet)).digest()  # type: ignore[arg-type]


def holds(task: Task, made: Film, rendered: Rendered, scratch: BinaryIO) -> bool:
    """Say whether the tables of a film just made say what they should, and lead to the new samples.

    Raises:
        MalformedMedia: the film is cut off.
        OSError: Reading failed.
    """
    film, span = task.film, task.span
    part = slice(*span)
    times, sizes = film.times.copy(), film.sizes.copy()
    times[part], sizes[part] = np.sort(times[part]), [each.size for each in rendered.new]
    if not (np.array_equal(times, made.times) and np.array_equal(sizes, made.sizes)):
        return False
    if not np.array_equal(film.keys, made.keys) or made.config != rendered.config:
        return False
    if (film.shown, film.size, film.orientation) != (made.shown, made.size, made.orientation):
        return False
    for number, each in zip(range(*span), rendered.new, strict=True):
        scratch.seek(each.at)
        if scratch.read(each.size) != made.sample(number):
            return False
    return True
