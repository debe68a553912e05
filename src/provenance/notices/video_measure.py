"""Find notices again in a finished film: decode pictures of the seconds they are stated for, and measure each."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance._files import open_input
from provenance.errors import MalformedMedia
from provenance.formats import registry
from provenance.formats.base import check_picture_size
from provenance.model.notice import Notice, NoticeReading, Seconds
from provenance.notices.find import reading_at_box, readings_elsewhere
from provenance.notices.match import Picture
from provenance.notices.place import to_displayed
from provenance.notices.video_codec import av
from provenance.notices.video_film import MOMENT

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

Numbers = NDArray[np.float64]
_Timed = tuple["VideoFrame", float, float]

_STEP: Final = 0.5  # seconds between two looks
_MOST_LOOKS: Final = 13
_CLOSE_LOOKS: Final = 7  # of these, one every half second; the others over what remains
_ANYWHERE: Final = 3  # every third picture is looked through for what is not in its box
_WORTH_SEEKING: Final = 10.0  # seconds that are skipped rather than decoded
_MOST_PICTURES: Final = 20_000  # decoded on the way to one look
_UNSAID: Final = 60.0  # seconds that are looked at of a film that does not say how long it is
_MICROSECONDS: Final = 1_000_000
_BUFFER: Final = 1 << 20


class _Look(NamedTuple):
    """A picture, and from when up to when it is on screen, in seconds."""

    picture: Picture
    start: float
    end: float


class _Sight(NamedTuple):
    """What a picture shows of one notice, and from when up to when it is on screen, in seconds."""

    reading: NoticeReading
    start: float
    end: float


def measure_video(source: Path, stated: Sequence[Notice]) -> tuple[NoticeReading, ...]:
    """Measure each notice in the film `source`, in pictures of the seconds stated for it.

    They are half a second apart; of a long time the first three seconds are, and the rest is sampled. A notice is found
    where it is in one of them, in its box or anywhere else; its `seconds` are those from the first picture that shows
    it to the last one without a break, its height and contrast the least of these. What is stated without seconds is
    looked for from the start to the end.

    Raises:
        AssetNotFound: `source` cannot be read.
        MalformedMedia: it cannot be decoded.
        MediaTooLarge: its pictures are larger than any may be.
        MissingExtra: PyAV is not installed.
        UnsupportedFormat: nothing knows its content.
    """
    if not stated:
        return ()
    library = av()
    orientation = registry.read(source, whole=False).orientation or 1
    found: dict[int, NoticeReading] = {}
    try:
        with (
            open_input(source) as file,
            library.open(file, mode="r", metadata_errors="replace", buffer_size=_BUFFER) as container,
        ):
            if not container.streams.video:
                raise MalformedMedia("video-no-pictures", path=source)
            container.streams.video[0].thread_type = "AUTO"
            for seconds in dict.fromkeys(notice.seconds for notice in stated):
                together = [at for at, notice in enumerate(stated) if notice.seconds == seconds]
                looks = _looks(container, seconds or Seconds(start=0), orientation)
                found.update(zip(together, _seen([stated[at] for at in together], looks), strict=True))
    except library.FFmpegError as error:
        raise MalformedMedia("video-damaged", path=source, offset=0) from error
    return tuple(found[at] for at in range(len(stated)))


def search_video(source: Path, texts: Sequence[tuple[str, str]]) -> tuple[NoticeReading, ...]:
    """Look for notices, given as (kind, text), of which no record says where they are; return what is there.

    Raises:
        AssetNotFound, MalformedMedia, MediaTooLarge, MissingExtra, UnsupportedFormat: see `measure_video`.
    """
    wanted = [Notice(kind=kind, text=text) for kind, text in texts]
    return tuple(each for each in measure_video(source, wanted) if each.evidence is not None)


def _seen(notices: Sequence[Notice], looks: Iterable[_Look]) -> Iterator[NoticeReading]:
    """Yield what several looks say of each notice; where one was found elsewhere, the next looks go there."""
    placed = list(notices)
    sights: list[list[_Sight]] = [[] for _ in notices]
    for number, look in enumerate(looks):
        found = [reading_at_box(look.picture, notice) for notice in placed]
        if number % _ANYWHERE == 0:
            lacking = [at for at, reading in enumerate(found) if not reading.found]
            elsewhere = readings_elsewhere(look.picture, [notices[at] for at in lacking])
            for at, reading in zip(lacking, elsewhere, strict=True):
                if reading is not None:
                    found[at], placed[at] = reading, notices[at].model_copy(update={"box": reading.box})
        for seen, reading in zip(sights, found, strict=True):
            seen.append(_Sight(reading, look.start, look.end))
    yield from map(_joined, notices, sights)


def _joined(notice: Notice, sights: Sequence[_Sight]) -> NoticeReading:
    """Return what several looks say of one notice."""
    found = itertools.dropwhile(lambda each: not each.reading.found, sights)
    run = list(itertools.takewhile(lambda each: each.reading.found, found))
    if not run:
        # Something that resembles it may still have been measured.
        measured = (each.reading for each in sights if each.reading.evidence is not None)
        return next(measured, NoticeReading(kind=notice.kind, text=notice.text, found=False))
    seconds = Seconds(start=round(run[0].start, 3), end=round(run[-1].end, 3))
    least = {name: min(getattr(each.reading, name) for each in run) for name in ("height_ratio", "contrast")}
    return run[0].reading.model_copy(update={**least, "seconds": seconds})


def _looks(container: InputContainer, seconds: Seconds, orientation: int) -> Iterator[_Look]:
    """Yield the pictures on screen at times from `seconds.start` on, and the last one before `seconds.end`."""
    first = _start(container)
    end = _end(container, seconds)
    frames = _frames(container, first)
    shown = next(frames, None)
    for at in _times(float(seconds.start), end):
        if shown and at - shown[2] > _WORTH_SEEKING:
            container.seek(int((at + first) * _MICROSECONDS))
            frames = _frames(container, first)
        if shown and shown[2] <= at:
            shown = _following(frames, shown, at)
        if shown:
            frame, start, until = shown
            yield _Look(_picture(frame, orientation), max(0.0, start), min(until, max(end, start)))
    # The next notice starts from the beginning.
    container.seek(0)


def _following(frames: Iterator[_Timed], shown: _Timed, at: float) -> _Timed | None:
    """Return the picture on screen at a time; the last one stays there while sound goes on for a moment."""
    last = shown
    for each in itertools.islice(frames, _MOST_PICTURES):
        last = each
        if each[2] > at:
            break
    return last if at - last[2] < _STEP else None


def _start(container: InputContainer) -> float:
    """Return when the film starts, in seconds of its clock; see `video_film.without_delay`."""
    stream = container.streams.video[0]
    seen = float((stream.start_time or 0) * (stream.time_base or 0))
    first = max(0.0, (container.start_time or 0) / _MICROSECONDS)
    return seen if seen - first < MOMENT else first


def _end(container: InputContainer, seconds: Seconds) -> float:
    """Return up to when to look, in seconds from the start of the film."""
    if not container.duration:
        return float(seconds.start + _UNSAID if seconds.end is None else seconds.end)
    stream = container.streams.video[0]
    length = container.duration / _MICROSECONDS
    if stream.duration and stream.time_base:
        # Sound may go on when the pictures have ended.
        length = float((stream.start_time or 0) + stream.duration) * float(stream.time_base)
        length -= _start(container)
    return length if seconds.end is None else min(length, float(seconds.end))


def _times(start: float, end: float) -> list[float]:
    """Return when to look: every half second, after three seconds less often in a long time, and before the end.

    A film that was cut after it was drawn on may end before a notice starts.
    """
    if end < start:
        return []
    last = max(start, end - 0.001)
    count = int((end - start) / _STEP) + 1
    if count <= _MOST_LOOKS:
        return [float(at) for at in np.linspace(start, last, count)]
    close = [start + number * _STEP for number in range(_CLOSE_LOOKS)]
    return close + [float(at) for at in np.linspace(close[-1], last, _MOST_LOOKS - _CLOSE_LOOKS + 1)[1:]]


def _frames(container: InputContainer, first: float) -> Iterator[_Timed]:
    """Yield each picture with when it comes on screen and when the next one does, in seconds from the start."""
    stream = container.streams.video[0]
    usual = float(1 / stream.average_rate) if stream.average_rate else 0.04
    held: Any = None
    for frame in container.decode(stream):
        if frame.pts is None:
            continue
        check_picture_size(frame.width, frame.height)
        at = frame.time - first
        if held is not None:
            yield held, held.time - first, at
        held = frame
    if held is not None:
        yield held, held.time - first, held.time - first + usual


def _picture(frame: VideoFrame, orientation: int) -> Picture:
    stored = np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
    if frame.color_trc in _BRIGHTNESS:
        stored = np.asarray(cv2.LUT(stored, _plain_levels(int(frame.color_trc))), dtype=np.uint8)
    return np.ascontiguousarray(to_displayed(stored, orientation))


@functools.cache
def _plain_levels(transfer: int) -> Picture:
    """Return for each level of a high-dynamic-range signal the one of sRGB that is as bright, up to graphics white."""
    light = np.minimum(_BRIGHTNESS[transfer](np.arange(256) / 255), 1.0)
    level = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)  # noqa: PLR2004 -- IEC 61966-2-1
    levels: Picture = np.rint(level * 255).astype(np.uint8)
    return levels


def _of_pq(level: Numbers) -> Numbers:
    """Return the light of a PQ signal (ITU-R BT.2100, table 4), 1 for the 203 cd/m2 of graphics white."""
    power = level ** (1 / 78.84375)
    light = (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
    return np.asarray(light * 10_000 / 203, np.float64)


def _of_hlg(level: Numbers) -> Numbers:
    """Return the light of an HLG signal (ITU-R BT.2100, table 5), 1 for graphics white, which is at 75 %."""
    light = np.where(level <= 0.5, level**2 / 3, (np.exp((level - 0.55991073) / 0.17883277) + 0.28466892) / 12)  # noqa: PLR2004
    return np.asarray(light / 0.26496256, np.float64)


_BRIGHTNESS: Final = {16: _of_pq, 18: _of_hlg}  # by libavutil's number of the transfer
