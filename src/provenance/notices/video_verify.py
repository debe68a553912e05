"""Look at a film just drawn on: nothing but the span has changed, and the span shows what it should."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from provenance.notices.video_codec import av
from provenance.notices.video_film import Film, Part, Span, in_decoding_order

if TYPE_CHECKING:
    from av.container import InputContainer

_BUFFER: Final = 1 << 20

Times = tuple[int | None, int | None]


def same_elsewhere(film: Film, target: BinaryIO, spans: Sequence[Span]) -> bool:
    """Say whether every packet of two files is the same, and has the same times, but for what was encoded anew.

    Of that, the times must be the same in another order: its pictures are decoded in the order they are shown.

    Args:
        film: The source.
        target: What was made of it.
        spans: Which samples were encoded anew.

    Raises:
        OSError: Reading failed.
    """
    library = av()
    changed: dict[tuple[int, Span], list[tuple[Times, Times]]] = {}
    places = np.argsort(film.offsets)
    film.file.seek(0)
    target.seek(0)
    try:
        with _opened(film.file) as one, _opened(target) as other:
            if [stream.type for stream in one.streams] != [stream.type for stream in other.streams]:
                return False
            for old, new in itertools.zip_longest(one.demux(), other.demux()):
                if _same(old, new):
                    continue
                span = _span_of(film, spans, old, places)
                if span is None or new is None or old.stream_index != new.stream_index:
                    return False
                pair = (old.pts, old.dts), (new.pts, new.dts)
                changed.setdefault((old.stream_index, span), []).append(pair)
    except library.FFmpegError:
        return False
    return len({stream for stream, _ in changed}) == 1 and all(map(_same_times, changed.values()))


def _opened(file: BinaryIO) -> InputContainer:
    container: InputContainer = av().open(file, mode="r", metadata_errors="replace", buffer_size=_BUFFER)
    return container


def _same(old: Any, new: Any) -> bool:
    if old is None or new is None:
        return False
    said = [(each.stream_index, each.pts, each.dts, each.duration) for each in (old, new)]
    return said[0] == said[1] and bytes(old) == bytes(new)


def _span_of(film: Film, spans: Sequence[Span], packet: Any, places: NDArray[np.intp]) -> Span | None:
    """Return in which of the spans a packet of the source lies, by its position in the file."""
    if packet is None or packet.stream.type != "video" or packet.pos is None:
        return None
    # In Matroska the position is that of the block about the sample.
    at = int(np.searchsorted(film.offsets, packet.pos, sorter=places))
    number = int(places[at]) if at < film.count else film.count
    return next((span for span in spans if span.first <= number < span.end), None)


def _same_times(pairs: Sequence[tuple[Times, Times]]) -> bool:
    """Say whether the times of decoding are the same one by one, and those of presentation in their order."""
    shown = [sorted(-1 if times[0] is None else times[0] for times in side) for side in zip(*pairs, strict=True)]
    return shown[0] == shown[1] and all(old[1] == new[1] for old, new in pairs)


def holds(film: Film, parts: Sequence[Part], config: bytes, made: Film, scratch: BinaryIO) -> bool:
    """Say whether the tables of a film just made say what they should, and lead to the new samples.

    Raises:
        MalformedMedia: the film is cut off.
        OSError: Reading failed.
    """
    sizes = film.sizes.copy()
    for span, new in parts:
        sizes[slice(*span)] = [each.size for each in new]
    times = in_decoding_order(film, [part.span for part in parts])
    if not (np.array_equal(times, made.times) and np.array_equal(sizes, made.sizes)):
        return False
    if not np.array_equal(film.keys, made.keys) or made.config != config:
        return False
    if (film.shown, film.size, film.orientation) != (made.shown, made.size, made.orientation):
        return False
    for span, new in parts:
        for number, each in zip(range(*span), new, strict=True):
            scratch.seek(each.at)
            if scratch.read(each.size) != made.sample(number):
                return False
    return True
