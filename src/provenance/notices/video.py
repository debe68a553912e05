"""Draw notices on a film: only the pictures that show them are encoded anew, up to the next one that starts afresh."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple, get_args

from provenance import _files
from provenance.errors import MediaError, UnsupportedFormat, UsageError
from provenance.formats import registry
from provenance.model.notice import Notice
from provenance.notices import video_codec, video_mkv, video_mkv_edit, video_mp4, video_mp4_edit, video_verify
from provenance.notices.overlay import patches
from provenance.notices.place import SMALLEST_SIDE
from provenance.notices.refusal import WAY_ON, does_not_fit
from provenance.notices.video_film import Film, New, Span, Swap, check_track, in_ticks, put_together
from provenance.notices.video_render import LEAST_LIKENESS, Progress, Task, render
from provenance.notices.video_span import span_of


class Container(NamedTuple):
    """What a container can do."""

    read: Callable[[BinaryIO], Film]
    swaps: Callable[[Film, Span, Sequence[New], bytes, BinaryIO], list[Swap]]


DEFAULT_SECONDS: Final = (0.0, 3.0)
LEAST_SECONDS: Final = 2.0  # GB 45438-2025, 5.4 g
_SMART: Final = frozenset({"h264", "hevc", "vp9"})
_MP4: Final = Container(video_mp4.read, video_mp4_edit.swaps)
_MATROSKA: Final = Container(video_mkv.read, video_mkv_edit.swaps)
_CONTAINERS: Final = {"mp4": _MP4, "mov": _MP4, "3gp": _MP4, "mkv": _MATROSKA, "webm": _MATROSKA}
Reencode = Literal["auto", "never"]


@dataclass(frozen=True, slots=True)
class VideoSize:
    """What laying out notices needs to know of a film.

    Attributes:
        width: Of the picture as displayed, in pixels.
        height: Likewise.
        orientation: Exif's number of the turn from the stored picture to the displayed one, 1 to 8.
        rate: Pictures per second, on average.
        duration: In seconds.
        codec: As libavcodec names it.
    """

    width: int
    height: int
    orientation: int
    rate: float
    duration: float
    codec: str


@dataclass(frozen=True, slots=True)
class VideoResult:
    """What drawing did.

    Attributes:
        media_change: ``head``: only pictures about the notice were encoded anew; ``full``: all of them.
        method: How, for a person.
        frames: Number of the first picture encoded anew, and of the first one behind them, in decoding order.
        seconds: When these are presented.
        reason: Message code of why all pictures were encoded anew; None where they were not.
    """

    media_change: Literal["head", "full"]
    method: str
    frames: tuple[int, int]
    seconds: tuple[float, float]
    reason: str | None = None


def draw_video(
    source: Path,
    target: Path | BinaryIO,
    notices: Sequence[Notice],
    *,
    seconds: tuple[float, float | None] = DEFAULT_SECONDS,
    reencode: Reencode = "auto",
    progress: Progress | None = None,
) -> VideoResult:
    """Write a film with `notices` drawn to `target`; every packet that does not show them stays as it is.

    Args:
        source: An MP4, QuickTime, 3GP, Matroska or WebM file.
        target: A path that is free, or an empty file open for reading and writing.
        notices: Where and what, as `layout` returned it for the displayed picture.
        seconds: From when up to when they show; None is the end of the film.
        reencode: ``never`` refuses a film of which all pictures would have to be encoded anew.
        progress: Called with pictures done, pictures in all, and what is being done.

    Raises:
        AssetNotFound: `source` cannot be read.
        GlyphMissing: the shipped font lacks a character.
        MalformedMedia: the file breaks its format, or its pictures cannot be decoded.
        MediaTooLarge: a limit on size is exceeded.
        MissingExtra: PyAV is not installed.
        NoticeDoesNotFit: the notice cannot be drawn on this film without losing something; the code says what.
        OutputNotWritten: the file system refused. Nothing is left at a `target` that is a path.
        OutputRefused: that path is taken.
        UnsupportedFormat: nothing that is known to hold a film.
    """
    if reencode not in get_args(Reencode):
        raise UsageError("option-unknown", option="reencode", value=reencode, known="auto, never")
    video_codec.av()
    with contextlib.ExitStack() as stack:
        file, container = stack.enter_context(_opened(source))
        out = stack.enter_context(_files.new_file(target)) if isinstance(target, Path) else target
        film = _checked(container, file)
        for tasks, reason in _attempts(film, notices, seconds):
            if reason is not None and reencode == "never":
                raise does_not_fit(reason)
            for task in tasks:
                outcome = _rendered(task, container, out, progress)
                if outcome == "sound":
                    return _result(task, reason)
                if outcome == "wrong":
                    break
        raise does_not_fit("video-not-verified")


def probe(source: Path) -> VideoSize:
    """Return what laying out notices on a film needs to know of it.

    Raises:
        AssetNotFound, MalformedMedia, MediaTooLarge, NoticeDoesNotFit, UnsupportedFormat: see `draw_video`.
    """
    with _opened(source) as (file, container):
        film = _read(container, file)
        duration = float(film.duration)
        return VideoSize(*film.displayed, film.orientation, film.count / duration, duration, film.codec)


def video_drawable(source: Path) -> MediaError | None:
    """Return why notices cannot be drawn on a film, or None where its index speaks against nothing.

    Its pictures are not looked at: `draw_video` may still refuse it.

    Raises:
        AssetNotFound: `source` cannot be read.
    """
    try:
        with _opened(source) as (file, container):
            _checked(container, file)
    except MediaError as error:
        return error
    return None


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[tuple[BinaryIO, Container]]:
    try:
        with _files.open_input(source) as file:
            name = registry.identify(file, source).name
            if name not in _CONTAINERS:
                raise UnsupportedFormat("video-format", format=name, way_on=WAY_ON)
            yield file, _CONTAINERS[name]
    except MediaError as error:
        error.details.setdefault("path", source)
        raise


def _read(container: Container, file: BinaryIO) -> Film:
    film = container.read(file)
    check_track(film)
    return film


def _checked(container: Container, file: BinaryIO) -> Film:
    film = _read(container, file)
    width, height = film.displayed
    if min(width, height) < SMALLEST_SIDE:
        raise does_not_fit("notice-picture-too-small", width=width, height=height, limit=SMALLEST_SIDE)
    if film.duration < LEAST_SECONDS:
        raise does_not_fit("video-too-short", seconds=f"{float(film.duration):.2f}", least=LEAST_SECONDS)
    return film


def _attempts(
    film: Film, notices: Sequence[Notice], seconds: tuple[float, float | None]
) -> Iterator[tuple[list[Task], str | None]]:
    """Yield what to try, one quality after another, and the message code of why it takes all pictures, if it does."""
    start, end = seconds
    shown = (float(film.duration) if end is None else min(end, float(film.duration))) - start
    if shown < LEAST_SECONDS:
        raise does_not_fit("video-notice-too-brief", seconds=f"{max(0.0, shown):.2f}", least=LEAST_SECONDS)
    ticks = in_ticks(film, start, end)
    painted = patches(notices, *film.displayed, film.orientation)
    for span, reason in _spans(film, ticks):
        yield [Task(film, span, ticks, painted, each) for each in video_codec.QUALITIES[film.codec]], reason


def _spans(film: Film, ticks: tuple[int, int]) -> Iterator[tuple[Span, str | None]]:
    """Yield the span that is needed, then all of the film."""
    reason: str | None = "video-full-codec"
    if film.codec in _SMART:
        span, reason = span_of(film, ticks)
        yield span, reason
        if span == (0, film.count):
            return
        reason = "video-full-not-verified"
    yield Span(0, film.count), reason


def _rendered(
    task: Task, container: Container, target: BinaryIO, progress: Progress | None
) -> Literal["sound", "coarse", "wrong"]:
    """Write the film with a span encoded anew; say whether it turned out as it must, or only not near enough to it."""
    film = task.film
    start = target.seek(0, os.SEEK_END)
    with tempfile.TemporaryFile() as scratch:
        rendered = render(task, scratch, progress)
        if rendered.likeness < LEAST_LIKENESS:
            return "coarse" if rendered.likeness else "wrong"
        swaps = container.swaps(film, task.span, rendered.new, rendered.config, scratch)
        put_together(film, swaps, scratch, target)
        target.flush()
        with contextlib.suppress(MediaError):
            if video_verify.holds(task, container.read(target), rendered, scratch) and video_verify.same_elsewhere(
                film.file, target, task.span, film.count
            ):
                return "sound"
    target.seek(start)
    target.truncate()
    return "wrong"


def _result(task: Task, reason: str | None) -> VideoResult:
    film, span = task.film, task.span
    end = film.times[span.end] if span.end < film.count else film.times.max() + 1
    first = min(part.start - part.at / film.tick for part in film.shown)
    seconds = tuple(max(0.0, float((int(tick) - first) * film.tick)) for tick in (film.times[span.first], end))
    how = "whole" if span == (0, film.count) else "smart"
    return VideoResult(
        "full" if how == "whole" else "head",
        f"{how} {film.codec} {video_codec.ENCODERS[film.codec]} qp {task.quality}",
        (span.first, span.end),
        (seconds[0], seconds[1]),
        reason,
    )
