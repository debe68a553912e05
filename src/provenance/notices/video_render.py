"""Encode a span of a film anew with notices on it, into a scratch file, so that its samples fit in the old ones' places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from provenance.notices import video_codec, video_config, video_nal
from provenance.notices.overlay import Patch
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_codec import Setting, av
from provenance.notices.video_config import Config
from provenance.notices.video_film import Film, New, Span, order
from provenance.notices.video_paint import Look, blend, look_of, stamps

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_LAST_NUMBER: Final = {"h264": 31, "hevc": 15}
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Rendered:
    """New samples for a span, and the record of what a decoder must know first."""

    new: tuple[New, ...]
    config: bytes


@dataclass(frozen=True, slots=True)
class Task:
    """What to draw where.

    Attributes:
        film: The source.
        span: Its samples that are encoded anew.
        ticks: From when up to when notices show, in ticks of the track.
        patches: The notices in stored pixels.
        quality: The quantiser.
    """

    film: Film
    span: Span
    ticks: tuple[int, int]
    patches: Sequence[Patch]
    quality: int

    def is_drawn(self, number: int) -> bool:
        """Say whether a sample shows the notices: it is on screen at some moment between the two times."""
        return bool(self._first_time() <= self.film.times[number] < self.ticks[1])

    def _first_time(self) -> int:
        earlier = self.film.times[self.film.times <= self.ticks[0]]
        return int(earlier.max()) if len(earlier) else self.ticks[0]


def render(task: Task, scratch: BinaryIO, progress: Progress | None = None) -> Rendered:
    """Encode the samples of a task and append them to `scratch`.

    Raises:
        NoticeDoesNotFit: the pictures or parameter sets are of a kind that cannot be encoded here.
        MalformedMedia: a sample cannot be decoded.
        OSError: Reading or writing failed.
    """
    film, span = task.film, task.span
    if film.codec in _LAST_NUMBER:
        return _render_units(task, scratch, progress)
    setting = Setting(task.quality)
    pieces = _encoded(task, setting, progress)
    _, config = next(pieces)
    new = tuple(_stored(scratch, data, key=bool(film.keys[span.first + at])) for at, (data, _) in enumerate(pieces))
    return Rendered(_complete(new, span), film.config or config[:0])


def _render_units(task: Task, scratch: BinaryIO, progress: Progress | None) -> Rendered:
    film, span = task.film, task.span
    codec: video_nal.Codec = "h264" if film.codec == "h264" else "hevc"
    source = video_config.parse(codec, film.config)
    if not video_codec.known_profile(codec, source.profile):
        raise does_not_fit("video-profile", codec=codec, profile=source.profile)
    kept = _kept(film, span, source, codec)
    number = _number_for(source, kept, codec)
    pieces = _encoded(task, Setting(task.quality, number, source.profile, source.level), progress)
    _, sets = next(pieces)
    own = [unit for unit in video_nal.from_stream(sets) if video_nal.kind_of(codec, unit) in video_nal.KINDS[codec].sets]
    config = video_config.merged(source, own)
    if config is None or any(video_nal.set_number(codec, unit) != number for unit in own):
        raise does_not_fit("video-parameter-sets", codec=codec)
    shown = order(film, span)
    new = []
    for at, (data, _) in enumerate(pieces):
        units = [
            *(unit for unit in kept[at] if video_nal.kind_of(codec, unit) in video_nal.KINDS[codec].sets),
            *_with_messages(codec, video_nal.from_stream(data), kept[shown[at] - span.first]),
        ]
        if max(map(len, units)) >= 1 << 8 * source.width:
            raise does_not_fit("video-parameter-sets", codec=codec)
        sample = video_nal.join(units, source.width)
        new.append(_stored(scratch, sample, key=bool(film.keys[span.first + at])))
    return Rendered(_complete(tuple(new), span), config.record())


def _kept(film: Film, span: Span, source: Config, codec: video_nal.Codec) -> list[list[bytes]]:
    found = []
    for number in range(*span):
        units, is_plain = video_nal.kept(film.sample(number), source.width, codec)
        if not is_plain:
            raise does_not_fit("video-kind", name="NAL")
        found.append(units)
    return found


def _number_for(source: Config, kept: Sequence[Sequence[bytes]], codec: video_nal.Codec) -> int:
    """Return a number that no parameter set of the source has, in the record or in the samples of the span."""
    inside = (unit for units in kept for unit in units if video_nal.kind_of(codec, unit) in video_nal.KINDS[codec].sets)
    used = {number for _, number in source.numbers()} | {video_nal.set_number(codec, unit) for unit in inside}
    number = video_nal.free_number(used, 1, _LAST_NUMBER[codec])
    if number is None:
        raise does_not_fit("video-parameter-sets", codec=codec)
    return number


def _with_messages(codec: video_nal.Codec, encoded: Sequence[bytes], kept: Sequence[bytes]) -> list[bytes]:
    """Return the slices of a new picture with the messages of the old one around them."""
    kinds = video_nal.KINDS[codec]
    slices = [unit for unit in encoded if video_nal.kind_of(codec, unit) in kinds.slices]
    messages = [unit for unit in kept if video_nal.kind_of(codec, unit) in kinds.messages]
    before = [unit for unit in messages if video_nal.kind_of(codec, unit) != max(kinds.messages) or codec == "h264"]
    return [*before, *slices, *(unit for unit in messages if unit not in before)]


def _encoded(task: Task, setting: Setting, progress: Progress | None) -> Iterator[tuple[bytes, bytes]]:
    """Yield first nothing with what the encoder says of its stream, then each sample."""
    film, span = task.film, task.span
    library = av()
    pictures = library.video.frame.PictureType
    context = None
    look: Look | None = None
    drawn = None
    for at, frame in enumerate(video_codec.decoded(film, span)):
        if context is None:
            look = look_of(frame)
            _check_look(film, frame, look)
            context = video_codec.encoder(film, frame, setting)
            drawn = stamps(task.patches, look)
            yield b"", context.extradata or b""
        elif look_of(frame) != look:
            raise does_not_fit("video-pictures-change", codec=film.codec)
        shown = frame.pts
        frame.make_writable()
        if drawn and shown is not None and task.is_drawn(shown):
            blend(frame, drawn)
        frame.pts, frame.time_base = at, context.time_base
        frame.pict_type = pictures.I if at == 0 or film.keys[span.first + at] else pictures.NONE
        yield from _ordered(library, context.encode(frame))
        if progress:
            progress(at + 1, span.end - span.first, "draw")
    if context is not None:
        yield from _ordered(library, context.encode(None))


def _ordered(library: object, packets: Sequence[object]) -> Iterator[tuple[bytes, bytes]]:
    del library
    for packet in packets:
        yield bytes(packet), b""  # type: ignore[call-overload]


def _check_look(film: Film, frame: VideoFrame, look: Look) -> None:
    if not look.known:
        raise does_not_fit("video-pictures", codec=film.codec, layout=look.layout)
    if frame.interlaced_frame and film.codec != "h264":
        raise does_not_fit("video-kind", name="interlaced")


def _stored(scratch: BinaryIO, data: bytes, *, key: bool) -> New:
    at = scratch.tell()
    scratch.write(data)
    return New(at, len(data), key)


def _complete(new: tuple[New, ...], span: Span) -> tuple[New, ...]:
    if len(new) != span.end - span.first:
        raise does_not_fit("video-encoder", reason=f"{len(new)} / {span.end - span.first}")
    return new


def differs(one: VideoFrame, other: VideoFrame) -> bool:
    """Say whether two pictures have other samples anywhere."""
    from provenance.notices.video_paint import planes

    return not all(map(np.array_equal, planes(one), planes(other)))
