"""A film as drawing needs it: one picture track, sample by sample, whatever container it lies in."""

from __future__ import annotations

import math
import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance._files import copy_range
from provenance.errors import MalformedMedia, NoticeDoesNotFit
from provenance.notices.place import displayed_size
from provenance.notices.refusal import does_not_fit

Numbers = NDArray[np.int64]
Marks = NDArray[np.bool_]

LARGEST_SAMPLE: Final = 1 << 26  # bytes of one coded picture; 8K intra pictures have a tenth of it
MOMENT: Final = Fraction(1, 10)  # seconds; that sound warms its decoder up takes less
MOST_SAMPLES: Final = 1 << 23  # ten hours at 240 pictures a second


class Shown(NamedTuple):
    """A part of the track that is presented: from second `at` on, its times from `start` up to `end`, in ticks."""

    at: Fraction
    start: int
    end: int


class Span(NamedTuple):
    """Samples `first` up to `end`, in decoding order."""

    first: int
    end: int


class New(NamedTuple):
    """A sample encoded anew: where in the scratch file it lies."""

    at: int
    size: int


class Part(NamedTuple):
    """A span, and its new samples."""

    span: Span
    new: tuple[New, ...]


class Swap(NamedTuple):
    """Put `length` bytes from offset `at` of the scratch file where the source has the bytes `start` to `end`."""

    start: int
    end: int
    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Film:
    """The picture track of an open file.

    Attributes:
        file: The file.
        codec: Its coding, as libavcodec names it.
        config: What a decoder must know first; empty where the samples say it all.
        size: Stored width and height, in pixels.
        orientation: Exif's number of the turn for display, 1 to 8.
        aspect: Width of a pixel by its height.
        tick: Seconds per unit of time.
        offsets: Where each sample starts in the file, in decoding order.
        sizes: How long each is, in bytes.
        times: When each is presented, in ticks of the track.
        keys: At which of them decoding can start, as the container says.
        shown: What of the track is presented, in order.
        layout: What the container needs to put other samples in.
    """

    file: BinaryIO
    codec: str
    config: bytes
    size: tuple[int, int]
    orientation: int
    aspect: Fraction
    tick: Fraction
    offsets: Numbers
    sizes: Numbers
    times: Numbers
    keys: Marks
    shown: tuple[Shown, ...]
    layout: Any

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.sizes)

    @property
    def displayed(self) -> tuple[int, int]:
        """Width and height as displayed, in pixels."""
        return displayed_size(*self.size, self.orientation)

    @property
    def duration(self) -> Fraction:
        """How long it is presented, in seconds."""
        return max((part.at + (part.end - part.start) * self.tick for part in self.shown), default=Fraction(0))

    def sample(self, number: int) -> bytes:
        """Return the bytes of one sample.

        Raises:
            MalformedMedia: ``video-cut-off``: the file ends before it does; ``video-damaged``: no picture is so large.
            OSError: Reading failed.
        """
        offset, size = int(self.offsets[number]), int(self.sizes[number])
        if size > LARGEST_SAMPLE:
            raise MalformedMedia("video-damaged", offset=offset)
        self.file.seek(offset)
        data = self.file.read(size)
        if len(data) < size:
            raise MalformedMedia("video-cut-off", offset=offset)
        return data


def in_ticks(film: Film, start: float, end: float | None) -> tuple[int, int]:
    """Return which times of the track are presented from second `start` up to `end`, from the first to the last.

    Raises:
        NoticeDoesNotFit: ``video-notice-after-end``: nothing is presented then.
    """
    found: list[tuple[int, int]] = []
    for part in film.shown:
        first = max(part.start, part.start + math.floor((Fraction(start) - part.at) / film.tick))
        last = part.end
        if end is not None:
            last = min(last, part.start + math.ceil((Fraction(end) - part.at) / film.tick))
        if first < last:
            found.append((first, last))
    if not found:
        raise does_not_fit("video-notice-after-end", start=start)
    # Pictures before the first one presented are decoded, and shown by nobody: they may have the notice as well.
    return (int(film.times.min()) if start <= 0 else min(found)[0]), max(last for _, last in found)


def check_track(film: Film) -> None:
    """Refuse a track that nothing can be drawn on.

    Raises:
        NoticeDoesNotFit: it has less than two pictures, or pixels that are not square.
        MalformedMedia: its first picture cannot be decoded alone, two pictures have one time, or the file is cut off.
    """
    if film.count <= 1 or film.duration <= 0:
        raise does_not_fit("video-no-duration", frames=film.count)
    if film.count > MOST_SAMPLES:
        raise MalformedMedia("video-damaged", offset=0)
    if not film.keys[0]:
        raise MalformedMedia("video-no-key-frame", offset=int(film.offsets[0]))
    if len(np.unique(film.times)) < film.count:
        raise MalformedMedia("video-times-repeated", offset=int(film.offsets[0]))
    if abs(film.aspect - 1) > Fraction(1, 20):
        raise does_not_fit("video-pixels-not-square", aspect=str(film.aspect))


def order(film: Film, span: Span) -> NDArray[np.intp]:
    """Return the samples of a span in the order of presentation."""
    return span.first + np.argsort(film.times[span.first : span.end], kind="stable")


def in_decoding_order(film: Film, spans: Sequence[Span]) -> Numbers:
    """Return the times of presentation once the pictures of some spans are decoded in the order they are shown."""
    times = film.times.copy()
    for span in spans:
        times[slice(*span)] = np.sort(times[slice(*span)])
    return times


def without_delay(shown: Sequence[Shown]) -> tuple[Shown, ...]:
    """Return what is presented as if it began with the first picture, where sound begins a mere moment before it."""
    delay = min((part.at for part in shown), default=Fraction(0))
    return tuple(part._replace(at=part.at - delay) for part in shown) if delay < MOMENT else tuple(shown)


def is_apart(film: Film, at: int) -> bool:
    """Say whether every sample before `at` is presented before every one from there on."""
    return at in {0, film.count} or bool(film.times[:at].max() < film.times[at:].min())


def unsupported(code: str, **details: object) -> NoticeDoesNotFit:
    """Return the error for a film that no notice can be drawn on without losing something."""
    return does_not_fit(code, **details)


def mover(swaps: Sequence[Swap]) -> Callable[[int], int]:
    """Return where each byte of the source comes to lie once `swaps`, which do not overlap, are done."""
    ordered = sorted(swaps, key=lambda each: (each.start, each.end))
    ends = [each.end for each in ordered]
    grown = [0, *accumulate(each.length - (each.end - each.start) for each in ordered)]
    return lambda offset: offset + grown[bisect_right(ends, offset)]


def put_together(film: Film, swaps: Sequence[Swap], scratch: BinaryIO, target: BinaryIO) -> None:
    """Append the source with `swaps` done to `target`.

    Raises:
        OSError: Reading or writing failed.
    """
    scratch.flush()
    size = film.file.seek(0, os.SEEK_END)
    position = 0
    for each in sorted(swaps, key=lambda each: (each.start, each.end)):
        if each.start < position:
            raise unsupported("video-samples-shared")
        copy_range(film.file, target, position, each.start - position)
        copy_range(scratch, target, each.at, each.length)
        position = each.end
    copy_range(film.file, target, position, size - position)
