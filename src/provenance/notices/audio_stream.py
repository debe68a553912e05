"""The sound of a file as PyAV decodes it, a block at a time: what it is, how loud it is, and where it is quiet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance import _files
from provenance.errors import MalformedMedia, MediaError, UnsupportedFormat
from provenance.formats import registry
from provenance.notices.refusal import WAY_ON, does_not_fit
from provenance.notices.video_codec import av

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

Samples = NDArray[np.float32]
"""Sound by channel and time, 1 being full scale."""
Progress = Callable[[float, float, str], None]
"""Called with what is done, what there is in all, and message code of what is being done."""

DEMUXERS: Final = {"wav": "wav", "mp3": "mp3", "flac": "flac", "m4a": "mov", "ogg": "ogg", "opus": "ogg"}
"""Name of libavformat's reader by ours: a file cannot talk it into trying another one."""
_FILMS: Final = {"mp4": "mov", "mov": "mov", "3gp": "mov", "mkv": "matroska", "webm": "matroska", "avi": "avi"}
_CLIPS: Final = "wav,mp3,flac,mov,ogg,matroska,aac,aiff,amr,caf,w64"

MOST_CHANNELS: Final = 8
_RATES: Final = range(4_000, 768_001)
_MICROSECONDS: Final = 1_000_000
_BUFFER: Final = 1 << 18
_MOST_ERRORS: Final = 50
_SOUNDED: Final = 30  # of places at which the loudness of a long file is measured
_PIECE: Final = 10.0  # seconds of each
_BLOCK: Final = 0.4  # seconds (ITU-R BS.1770, annex 1)
_SILENCE: Final = 1e-7  # power below which a block does not count, -70 dBFS
_SOFT: Final = 0.1  # of the average power; softer blocks do not count either
_QUIET_BLOCK: Final = 0.05
_QUIET_AROUND: Final = 10.0


class Sound(NamedTuple):
    """What a sound is.

    Attributes:
        codec: As libavcodec names it.
        rate: Samples a second.
        channels: How many.
        layout: Which, as libavutil names them.
        bit_rate: Bits a second; 0 where nobody says.
        seconds: How long it is.
        config: What a decoder must know first.
        profile: Name of the codec's profile; empty where it has none.
    """

    codec: str
    rate: int
    channels: int
    layout: str
    bit_rate: int
    seconds: float
    config: bytes
    profile: str


@contextlib.contextmanager
def opened(source: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Yield a file with sound, and the name of its format.

    Raises:
        AssetNotFound: it cannot be read.
        UnsupportedFormat: ``audio-format``: nothing that sound can be put into.
    """
    try:
        with _files.open_input(source) as file:
            name = registry.identify(file, source).name
            if name not in DEMUXERS:
                raise UnsupportedFormat("audio-format", format=name, way_on=WAY_ON)
            yield file, name
    except MediaError as error:
        error.details.setdefault("path", source)
        raise


@contextlib.contextmanager
def track(file: BinaryIO, name: str | None) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Yield the sound of an open file; a clip of the caller's has no `name`.

    Raises:
        MalformedMedia: ``audio-damaged``, ``audio-none``.
        MissingExtra: PyAV is not installed.
        NoticeDoesNotFit: ``audio-shape``: more channels or samples than any sound has.
    """
    library = av()
    known = {**DEMUXERS, **_FILMS}.get(name or "")
    options = {} if name else {"format_whitelist": _CLIPS}
    try:
        file.seek(0)
        with library.open(
            file, format=known, options=options, mode="r", metadata_errors="replace", buffer_size=_BUFFER
        ) as container:
            if not container.streams.audio:
                raise MalformedMedia("audio-none")
            stream = container.streams.audio[0]
            if not 0 < stream.channels <= MOST_CHANNELS or stream.rate not in _RATES:
                raise does_not_fit("audio-shape", channels=stream.channels, rate=stream.rate)
            yield container, stream
    except (library.FFmpegError, ValueError, AttributeError) as error:
        raise MalformedMedia("audio-damaged", reason=str(error)) from error


def probe(file: BinaryIO, name: str | None) -> Sound:
    """Return what the sound of an open file is; see `track` for the errors."""
    with track(file, name) as (container, stream):
        seconds = (container.duration or 0) / _MICROSECONDS
        if stream.duration and stream.time_base:
            seconds = float(stream.duration * stream.time_base)
        context = stream.codec_context
        return Sound(
            codec=context.codec.canonical_name,
            rate=stream.rate,
            channels=stream.channels,
            layout=stream.layout.name,
            bit_rate=stream.bit_rate or 0,
            seconds=seconds,
            config=bytes(context.extradata or b""),
            profile=context.profile or "",
        )


def frames(container: InputContainer, stream: AudioStream, start: float = 0.0) -> Iterator[tuple[float, AudioFrame]]:
    """Yield decoded frames from second `start` on, each with when it sounds; damage is passed over.

    Raises:
        MalformedMedia: ``audio-damaged``: nearly nothing can be decoded.
    """
    library = av()
    first = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
    if start > _PIECE:
        container.seek(int((start + first) * _MICROSECONDS))
    at, errors = 0.0, 0
    for packet in container.demux(stream):
        try:
            decoded = packet.decode()
        except library.FFmpegError as error:
            errors += 1
            if errors > _MOST_ERRORS:
                raise MalformedMedia("audio-damaged", reason=str(error)) from error
            continue
        for frame in decoded:
            at = frame.time - first if frame.time is not None else at
            length = frame.samples / frame.sample_rate
            if at + length > start:
                yield at, frame
            at += length


def blocks(
    file: BinaryIO, name: str | None, *, start: float = 0.0, end: float | None = None, rate: int | None = None
) -> Iterator[tuple[float, Samples]]:
    """Yield the sound between two seconds, each block with when it starts.

    Args:
        file: An open file.
        name: Of its format.
        start: In seconds.
        end: Likewise; None is the end of the sound.
        rate: Samples a second to resample to, in one channel; None leaves both as they are.
    """
    library = av()
    with track(file, name) as (container, stream):
        layout = "mono" if rate else stream.layout.name
        resampler = library.AudioResampler(format="fltp", layout=layout, rate=rate or stream.rate)
        rate = rate or stream.rate
        begun: float | None = None
        done = 0
        for at, frame in frames(container, stream, start):
            if end is not None and at >= end:
                break
            begun = at if begun is None else begun
            frame.pts = None
            for made in resampler.resample(frame):
                block = np.asarray(made.to_ndarray(), np.float32)
                yield begun + done / rate, block
                done += block.shape[1]


def between(file: BinaryIO, name: str | None, start: float, end: float, rate: int) -> tuple[float, Samples]:
    """Return the sound between two seconds in one channel, and when it starts."""
    found = list(blocks(file, name, start=start, end=end, rate=rate))
    if not found:
        return start, np.zeros(0, np.float32)
    return found[0][0], np.concatenate([block for _, block in found], axis=1)[0]


def loudness(file: BinaryIO, name: str, sound: Sound, progress: Progress | None = None) -> float | None:
    """Return the effective value of what sounds, 1 being full scale; None where nothing does.

    It is the gated average of ITU-R BS.1770, annex 1, without its weighting by pitch: blocks below -70 dBFS, and those
    10 dB below the average of the others, do not count. Of a long sound it listens to thirty pieces.
    """
    powers: list[float] = []
    pieces = _pieces(sound.seconds)
    for number, (start, end) in enumerate(pieces):
        if progress:
            progress(number, len(pieces), "listening")
        powers += (power for _, power in _powers(file, name, sound, (start, end), _BLOCK))
    heard = np.array([power for power in powers if _SILENCE < power < np.inf])
    if not len(heard):
        return None
    return float(np.sqrt(heard[heard >= heard.mean() * _SOFT].mean()))


def quiet_point(file: BinaryIO, name: str, sound: Sound) -> float:
    """Return when it is quiet about the middle of a sound, in seconds: the nearest of the quietest moments."""
    middle = sound.seconds / 2
    around = min(_QUIET_AROUND, sound.seconds / 4)
    found = list(_powers(file, name, sound, (middle - around, middle + around), _QUIET_BLOCK))
    least = max(_SILENCE, 2 * min((power for _, power in found), default=0.0))
    moments = [at + _QUIET_BLOCK / 2 for at, power in found if power <= least]
    return min(moments, key=lambda at: abs(at - middle), default=middle)


def _pieces(seconds: float) -> list[tuple[float, float | None]]:
    if seconds <= _SOUNDED * _PIECE:
        return [(0.0, None)]
    return [(float(at), float(at) + _PIECE) for at in np.linspace(0, seconds - _PIECE, _SOUNDED)]


def _powers(
    file: BinaryIO, name: str, sound: Sound, span: tuple[float, float | None], length: float
) -> Iterator[tuple[float, float]]:
    """Yield when each block of `length` seconds starts, and its power, on average over the channels."""
    size = max(1, round(sound.rate * length))
    left = np.zeros((sound.channels, 0), np.float32)
    for at, block in blocks(file, name, start=span[0], end=span[1]):
        begin = at - left.shape[1] / sound.rate
        left = np.concatenate((left, block), axis=1)
        count = left.shape[1] // size
        parts = left[:, : count * size].reshape(sound.channels, count, size).astype(np.float64)
        yield from ((begin + number * length, float(each)) for number, each in enumerate((parts**2).mean(axis=(0, 2))))
        left = left[:, count * size :]
