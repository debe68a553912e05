"""Encoders of libavcodec for sound: a notice as packets that stand among those of the content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from provenance.notices.audio_stream import Samples, Sound
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_codec import av

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame

ENCODERS: Final = {"mp3": "libmp3lame", "mp2": "mp2", "aac": "aac", "alac": "alac", "opus": "libopus", "flac": "flac"}
"""By codec, both as libavcodec names them."""


class Setting(NamedTuple):
    """How to encode.

    Attributes:
        bit_rate: Bits a second; 0 leaves it to the encoder.
        sample_format: As libavutil names it; empty leaves it to the encoder.
        options: The encoder's own.
    """

    bit_rate: int = 0
    sample_format: str = ""
    options: Mapping[str, str] = {}


class Encoded(NamedTuple):
    """A notice as packets.

    Attributes:
        packets: Its packets.
        delay: How many samples a decoder gives before the first one encoded.
        config: What it must know first.
        size: Samples of a packet.
    """

    packets: list[bytes]
    delay: int
    config: bytes
    size: int


def encoder(sound: Sound, setting: Setting) -> AudioCodecContext:
    """Return an encoder for sound like `sound`.

    Raises:
        NoticeDoesNotFit: ``audio-encoder``: it refused, or is not there.
    """
    library = av()
    try:
        context: AudioCodecContext = library.CodecContext.create(ENCODERS[sound.codec], "w")
        context.sample_rate = sound.rate
        context.layout = sound.layout
        formats = context.codec.audio_formats or []
        context.format = setting.sample_format or formats[0].name
        if setting.bit_rate:
            context.bit_rate = setting.bit_rate
        context.options = dict(setting.options)
        context.flags |= library.codec.context.Flags.global_header
        context.open()
    except (library.FFmpegError, ValueError, LookupError) as error:
        raise does_not_fit("audio-encoder", codec=sound.codec, reason=str(error)) from error
    return context


def packets(context: AudioCodecContext, frames: Iterable[AudioFrame]) -> Iterator[tuple[int, bytes]]:
    """Yield what an encoder makes of frames of sound: when each packet begins, in samples, and its bytes."""
    resampler = av().AudioResampler(
        format=context.format.name,
        layout=context.layout.name,
        rate=context.sample_rate,
        frame_size=context.frame_size or None,
    )
    done = 0
    for frame in frames:
        frame.time_base, frame.pts = Fraction(1, context.sample_rate), done
        done += frame.samples
        for part in resampler.resample(frame):
            yield from _encoded(context, part)
    for part in resampler.resample(None):
        yield from _encoded(context, part)
    yield from _encoded(context, None)


def frame_of(samples: Samples, sound: Sound) -> AudioFrame:
    """Return sound as a frame."""
    frame: AudioFrame = av().AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=sound.layout)
    frame.rate = sound.rate
    return frame


def encoded(sound: Sound, setting: Setting, label: Samples) -> Encoded:
    """Return a notice in whole packets, silence filling the last one.

    Raises:
        NoticeDoesNotFit: ``audio-encoder``.
    """
    context = encoder(sound, setting)
    config = bytes(context.extradata or b"")
    first = next(packets(context, [frame_of(label, sound)]))[0]
    missing = -(label.shape[1] - first) % context.frame_size
    whole = np.concatenate((label, np.zeros((label.shape[0], missing), np.float32)), axis=1)
    made = [data for _, data in packets(encoder(sound, setting), [frame_of(whole, sound)])]
    return Encoded(made, -first, config, context.frame_size)


def _encoded(context: AudioCodecContext, frame: AudioFrame | None) -> Iterator[tuple[int, bytes]]:
    library = av()
    try:
        for packet in context.encode(frame):
            if packet.size:
                yield packet.pts or 0, bytes(packet)
    except library.FFmpegError as error:
        raise does_not_fit("audio-encoder", codec=context.name, reason=str(error)) from error
