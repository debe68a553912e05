"""Encode a span of a film anew with notices on it, so that its samples fit in the old ones' places.

Each new sample is decoded as soon as it is there, and compared with the picture that it should show: the pictures are
decoded once, and few of them are in memory at a time.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import cv2
import numpy as np

from provenance.errors import MalformedMedia
from provenance.notices import video_codec
from provenance.notices.overlay import Patch
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_codec import av
from provenance.notices.video_film import Film, New, Span
from provenance.notices.video_paint import Look, blend, look_of, planes, stamps
from provenance.notices.video_span import seam_before
from provenance.notices.video_units import Packing

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

LEAST_LIKENESS: Final = 45.0  # dB of luma, of every picture
_BEHIND: Final = 8  # pictures behind the span that are decoded as well: they must be as they were

Progress = Callable[[int, int, str], None]
Tell = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What to draw where.

    Attributes:
        film: The source.
        span: Its samples that are encoded anew.
        shown: The notices in stored pixels, and from when up to when each shows, in ticks of the track.
        quality: The quantiser.
        packing: How new pictures become samples.
    """

    film: Film
    span: Span
    shown: Sequence[tuple[Patch, Sequence[tuple[int, int]]]]
    quality: int
    packing: Packing


@dataclass(frozen=True, slots=True)
class Rendered:
    """New samples for a span.

    Attributes:
        new: Where they lie.
        config: The record of what a decoder must know first.
        likeness: The least likeness of one to what it should show, as PSNR of luma in dB; 0 where a picture before or
            behind the span came out otherwise than from the source, or no record speaks for both.
    """

    new: tuple[New, ...]
    config: bytes
    likeness: float


@dataclass(slots=True)
class _Watch:
    """Decodes new samples, and compares them with what they should show.

    Attributes:
        decoder: What decodes them.
        covered: How many pixels of luma notices may cover: errors of the whole picture count as those of the rest.
        expected: The pictures that should come next, and whether to the bit.
        least: The least likeness so far.
        fed: Number of samples.
    """

    decoder: VideoCodecContext
    covered: int
    expected: deque[tuple[VideoFrame, bool]] = field(default_factory=deque)
    least: float = math.inf
    fed: int = 0

    def feed(self, sample: bytes | None) -> None:
        packet = None if sample is None else video_codec.packet_of(sample, self.fed)
        self.fed += 1
        for frame in self.decoder.decode(packet):
            if not self.expected:
                self.least = 0.0
                return
            wanted, exact = self.expected.popleft()
            self.least = min(self.least, _likeness(wanted, frame, None if exact else self.covered))


def _likeness(wanted: VideoFrame, frame: VideoFrame, covered: int | None) -> float:
    """Return the PSNR of luma in dB, no better than it is beside what is covered; None asks for the same picture."""
    if look_of(wanted) != look_of(frame) or (wanted.width, wanted.height) != (frame.width, frame.height):
        return 0.0
    if covered is None:
        return math.inf if all(map(np.array_equal, planes(wanted), planes(frame))) else 0.0
    luma, new = planes(wanted)[0], planes(frame)[0]
    error = cv2.norm(luma, new, cv2.NORM_L2SQR) / max(1, luma.size - covered)
    peak = (1 << look_of(wanted).bits) - 1
    return 10 * math.log10(peak * peak / error) if error else math.inf


def render(task: Task, scratch: BinaryIO, tell: Tell | None = None) -> Rendered:
    """Encode the samples of a task and append them to `scratch`; `tell` is called after each picture.

    Raises:
        NoticeDoesNotFit: the pictures or parameter sets are of a kind that cannot be encoded here.
        MalformedMedia: a sample cannot be decoded.
        OSError: Reading or writing failed.
    """
    library = av()
    try:
        return _rendered(task, scratch, tell)
    except library.FFmpegError as error:
        raise MalformedMedia("video-damaged", offset=int(task.film.offsets[task.span.first])) from error


def _rendered(task: Task, scratch: BinaryIO, tell: Tell | None) -> Rendered:
    film, span, packer = task.film, task.span, task.packing
    count = span.end - span.first
    # What is decoded about the span must come out as from the source.
    around = Span(seam_before(film, span.first), min(film.count, span.end + _BEHIND))
    source = video_codec.decoder(film.codec, film.config, reorders=bool((np.diff(film.times) < 0).any()))
    frames = video_codec.decoded(film, around, source)
    first = next(frames)
    look = look_of(first)
    _check_look(film, first, look)
    setting = packer.setting(task.quality, video_codec.delay_of(film, source))
    context = video_codec.encoder(film, first, setting, source.sample_aspect_ratio)
    config = packer.config(context.extradata or b"")
    if config is None:
        return Rendered((), b"", 0.0)
    covered = sum(patch.keep.size for patch, _ in task.shown)
    watch = _Watch(video_codec.decoder(film.codec, config, reorders=True, threads=1), covered)
    new: list[New] = []
    draw = _drawer(task, look)
    for number, frame in enumerate(itertools.chain((first,), frames), around.first):
        is_old = not span.first <= number < span.end
        watch.expected.append((frame, is_old))
        if is_old:
            _feed_before(film, span, number, watch)
            continue
        if look_of(frame) != look:
            raise does_not_fit("video-pictures-change", codec=film.codec)
        draw(frame)
        _stamp(frame, number - span.first, context, key=number == span.first or bool(film.keys[number]))
        _store(context.encode(frame), packer, scratch, watch, new)
        if tell:
            tell()
    _store(context.encode(None), packer, scratch, watch, new)
    if len(new) != count:
        raise does_not_fit("video-encoder", codec=film.codec, reason=f"{len(new)} / {count}")
    _finish(film, span, watch)
    return Rendered(tuple(new), config, watch.least)


def _feed_before(film: Film, span: Span, number: int, watch: _Watch) -> None:
    if number < span.first:
        watch.feed(film.sample(number))


def _check_look(film: Film, frame: VideoFrame, look: Look) -> None:
    if not look.known:
        raise does_not_fit("video-pictures", codec=film.codec, layout=look.layout)
    if frame.interlaced_frame and film.codec != "h264":
        raise does_not_fit("video-kind", name="interlaced")


def _drawer(task: Task, look: Look) -> Callable[[VideoFrame], None]:
    """Return what draws on a picture the notices that show then."""
    film = task.film
    drawn = [(stamps([patch], look), [_drawn_times(film, each) for each in ticks]) for patch, ticks in task.shown]

    def draw(frame: VideoFrame) -> None:
        time = int(film.times[frame.pts or 0])
        shown = [stamp for stamp, times in drawn if any(start <= time < end for start, end in times)]
        if shown:
            frame.make_writable()
        for stamp in shown:
            blend(frame, stamp)

    return draw


def _drawn_times(film: Film, ticks: tuple[int, int]) -> tuple[int, int]:
    """Return from which time of presentation on pictures are drawn on: that of the one on screen at the start."""
    start, end = ticks
    earlier = film.times[film.times <= start]
    return int(earlier.max()) if len(earlier) else start, end


def _stamp(frame: VideoFrame, at: int, context: VideoCodecContext, *, key: bool) -> None:
    pictures: Any = av().video.frame.PictureType
    frame.pts, frame.time_base = at, context.time_base
    frame.pict_type = pictures.I if key else pictures.P


def _store(packets: Iterable[Any], packer: Packing, scratch: BinaryIO, watch: _Watch, new: list[New]) -> None:
    for packet in packets:
        sample = packer.sample(len(new), bytes(packet))
        at = scratch.tell()
        scratch.write(sample)
        new.append(New(at, len(sample)))
        watch.feed(sample)


def _finish(film: Film, span: Span, watch: _Watch) -> None:
    """Decode what follows the span by the new record, as a player would."""
    for number in range(span.end, min(film.count, span.end + _BEHIND)):
        watch.feed(film.sample(number))
    watch.feed(None)
    if watch.expected:
        watch.least = 0.0
