"""Draw notices on a film: only the pictures that show them are encoded anew, up to the next one that starts afresh."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple, get_args

from provenance import _files
from provenance.errors import AssetNotFound, MediaError, UnsupportedFormat, UsageError
from provenance.formats import registry
from provenance.model.notice import Notice, Seconds
from provenance.notices import video_codec, video_mkv, video_mkv_edit, video_mp4, video_mp4_edit, video_verify
from provenance.notices.overlay import Patch, patches
from provenance.notices.place import SMALLEST_SIDE
from provenance.notices.refusal import WAY_ON, does_not_fit
from provenance.notices.video_film import Film, Part, Span, Swap, check_track, in_ticks, put_together
from provenance.notices.video_render import LEAST_LIKENESS, Progress, Rendered, Task, render
from provenance.notices.video_span import spans_of
from provenance.notices.video_units import check_samples, packings


class Container(NamedTuple):
    """What a container can do."""

    read: Callable[[BinaryIO], Film]
    swaps: Callable[[Film, Sequence[Part], bytes, BinaryIO], list[Swap]]


DEFAULT_SECONDS: Final = (0.0, 3.0)
LEAST_SECONDS: Final = 2.0  # GB 45438-2025, 5.4 g
_PLACES: Final = 3  # of a second
_DRAW: Final = "draw"
_MP4: Final = Container(video_mp4.read, video_mp4_edit.swaps)
_MATROSKA: Final = Container(video_mkv.read, video_mkv_edit.swaps)
_CONTAINERS: Final = {"mp4": _MP4, "mov": _MP4, "3gp": _MP4, "mkv": _MATROSKA, "webm": _MATROSKA}
Reencode = Literal["auto", "never"]
Position = Literal["start", "middle", "end"]
Shown = tuple[Patch, Sequence[tuple[int, int]]]


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
        media_change: ``head``: only pictures about the notices were encoded anew; ``full``: all of them.
        method: How, for a person.
        frames: For each part encoded anew, the number of its first picture and of the first one behind it, in decoding
            order.
        seconds: When these are presented.
        reason: Message code of why all pictures were encoded anew; None where they were not.
    """

    media_change: Literal["head", "full"]
    method: str
    frames: tuple[Span, ...]
    seconds: tuple[tuple[float, float], ...]
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
    """Write a film with `notices` drawn to `target`; every packet that is not about one stays as it is, byte for byte.

    Pictures are encoded anew from the last one before a notice that decoding can start at, up to the next one after it.

    Args:
        source: An MP4, QuickTime, 3GP, Matroska or WebM file.
        target: A path that is free, or an empty file open for reading and writing.
        notices: Where and what, as `layout` returned it for the displayed picture, and when: see `shown_at`.
        seconds: From when up to when those show that do not say it; None is the end of the film.
        reencode: ``never`` refuses a film of which all pictures would have to be encoded anew.
        progress: Called with pictures done, pictures in all, and what is being done: ``draw``.

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
        with _reading(source):
            film = _checked(container, file)
            check_samples(film)
        shown = _patches(film, notices, seconds)
        for spans, reason in _spans(film, [ticks for _, times in shown for ticks in times]):
            if reason is not None and reencode == "never":
                raise does_not_fit(reason)
            tasks = _made(_tasks(film, spans, shown), container, out, progress)
            if tasks:
                return _result(tasks, reason)
        raise does_not_fit("video-not-verified")


def shown_at(duration: float, at: Iterable[Position] = ("start",), seconds: float = 3.0) -> tuple[Seconds, ...]:
    """Return when a notice shows in a film of `duration` seconds, for `seconds` at each place; what overlaps is one.

    GB 45438-2025, 5.4: it shows from the start; it may show in the middle and at the end as well.
    """
    starts = {"start": 0.0, "middle": (duration - seconds) / 2, "end": duration - seconds}
    shown: list[tuple[float, float]] = []
    for start in sorted(max(0.0, round(starts[each], _PLACES)) for each in at):
        joined = bool(shown) and start <= shown[-1][1]
        shown.append((shown.pop()[0] if joined else start, start + seconds))
    return tuple(Seconds(start=start, end=round(end, _PLACES) if end < duration else None) for start, end in shown)


def probe(source: Path) -> VideoSize:
    """Return what laying out notices on a film needs to know of it.

    Raises:
        AssetNotFound, MalformedMedia, MediaTooLarge, NoticeDoesNotFit, UnsupportedFormat: see `draw_video`.
    """
    with _opened(source) as (file, container), _reading(source):
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
        with _opened(source) as (file, container), _reading(source):
            _checked(container, file)
    except MediaError as error:
        return error
    return None


@contextlib.contextmanager
def _reading(source: Path) -> Iterator[None]:
    """Name a failure of the file system inside the block, where nothing but `source` is read."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise AssetNotFound("asset-not-readable", path=source, reason=reason) from error


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[tuple[BinaryIO, Container]]:
    try:
        with _files.open_input(source) as file:
            with _reading(source):
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


def _patches(film: Film, notices: Sequence[Notice], seconds: tuple[float, float | None]) -> list[Shown]:
    """Return what is drawn, and from when up to when, in ticks of the track."""
    times: dict[Notice, list[tuple[int, int]]] = {}
    for notice in notices:
        start, end = seconds
        if notice.seconds is not None:
            start, end = float(notice.seconds.start), notice.seconds.end
        shown = min(math.inf if end is None else end, float(film.duration)) - start
        if round(shown, _PLACES) < LEAST_SECONDS:
            raise does_not_fit("video-notice-too-brief", seconds=f"{max(0.0, shown):.2f}", least=LEAST_SECONDS)
        # Said several times of the same moment, it is drawn once.
        times.setdefault(notice.model_copy(update={"seconds": None}), []).append(in_ticks(film, start, end))
    return list(zip(patches(list(times), *film.displayed, film.orientation), times.values(), strict=True))


def _spans(film: Film, times: Sequence[tuple[int, int]]) -> Iterator[tuple[list[Span], str | None]]:
    """Yield the spans that are needed, then all of the film."""
    spans, reason = spans_of(film, times)
    yield spans, reason
    if reason is None:
        yield [Span(0, film.count)], "video-full-not-verified"


def _tasks(film: Film, spans: Sequence[Span], shown: Sequence[Shown]) -> Iterator[list[Task]]:
    """Yield what to do, one quality after another."""
    packed = packings(film, spans)
    for quality in video_codec.QUALITIES[film.codec]:
        yield [Task(film, span, shown, quality, each) for span, each in zip(spans, packed, strict=True)]


def _made(
    attempts: Iterable[list[Task]], container: Container, target: BinaryIO, progress: Progress | None
) -> list[Task] | None:
    """Write the film with some spans encoded anew; return what it took, or None if it did not turn out as it must."""
    for tasks in attempts:
        start = target.seek(0, os.SEEK_END)
        with tempfile.TemporaryFile(dir=_folder_of(target)) as scratch:
            rendered = list(_rendered(tasks, scratch, progress))
            least = min(each.likeness for each in rendered)
            if least >= LEAST_LIKENESS and _put_in(tasks, rendered, container, (scratch, target)):
                return tasks
            target.seek(start)
            target.truncate()
            if least >= LEAST_LIKENESS or not least:
                return None
    return None


def _folder_of(file: BinaryIO) -> Path | None:
    """Return where a file lies, which has room for what is written; a folder for scratch files may lie in memory."""
    name = getattr(file, "name", None)
    return Path(name).parent if isinstance(name, str | os.PathLike) else None


def _rendered(tasks: Sequence[Task], scratch: BinaryIO, progress: Progress | None) -> Iterator[Rendered]:
    """Yield the new samples of each task, up to the first that are not near enough to what they should show."""
    done, total = itertools.count(1), sum(task.span.end - task.span.first for task in tasks)
    for task in tasks:
        rendered = render(task, scratch, progress and (lambda: progress(next(done), total, _DRAW)))
        yield rendered
        if rendered.likeness < LEAST_LIKENESS:
            return


def _put_in(
    tasks: Sequence[Task], rendered: Sequence[Rendered], container: Container, files: tuple[BinaryIO, BinaryIO]
) -> bool:
    """Append the film with the new samples in it; say whether it holds them, and all else as it was."""
    film, (scratch, target), config = tasks[0].film, files, rendered[0].config
    # One record speaks for all of them.
    if any(each.config != config for each in rendered):
        return False
    parts = [Part(task.span, each.new) for task, each in zip(tasks, rendered, strict=True)]
    put_together(film, container.swaps(film, parts, config, scratch), scratch, target)
    target.flush()
    with contextlib.suppress(MediaError):
        made = container.read(target)
        return video_verify.holds(film, parts, config, made, scratch) and video_verify.same_elsewhere(
            film, target, [part.span for part in parts]
        )
    return False


def _result(tasks: Sequence[Task], reason: str | None) -> VideoResult:
    film, spans = tasks[0].film, tuple(task.span for task in tasks)
    how = "whole" if spans == (Span(0, film.count),) else "smart"
    return VideoResult(
        "full" if how == "whole" else "head",
        f"{how} {film.codec} {video_codec.ENCODERS[film.codec]} qp {tasks[0].quality}",
        spans,
        tuple(_seconds(film, span) for span in spans),
        reason,
    )


def _seconds(film: Film, span: Span) -> tuple[float, float]:
    """Return when the pictures of a span are presented."""
    first = min(part.start - part.at / film.tick for part in film.shown)
    end = film.times[span.end] if span.end < film.count else film.times.max() + 1
    start, end = (max(0.0, float((int(tick) - first) * film.tick)) for tick in (film.times[span.first], end))
    return start, end
