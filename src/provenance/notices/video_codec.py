"""Decoders and encoders of libavcodec, set so that pictures come back one for one and in the order they are shown.

The encoders write no B-pictures: then the order of decoding is that of presentation, so that the times of the source
fit whatever order it had. They announce the delay of the source all the same: libavcodec drops pictures where it grows.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from provenance.errors import MalformedMedia, MissingExtra
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_film import Film, Span, order
from provenance.notices.video_paint import look_of

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_DECODERS: Final = {"h264": "h264", "hevc": "hevc", "vp9": "vp9", "av1": "libdav1d"}
ENCODERS: Final = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1"}
QUALITIES: Final = {"h264": (18, 14, 9), "hevc": (18, 14, 9), "vp9": (20, 10, 4), "av1": (14, 7, 2)}
"""Quantisers by codec, tried one after another until what was not drawn on is near enough to the source."""
_AVC_PROFILES: Final = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}
_HEVC_PROFILES: Final = {1: "main", 2: "main10", 3: "main"}
# What makes x264 announce so much delay; it writes no B-pictures where it is told the type of each.
_DELAYS: Final = ("bframes=0", "bframes=1:b-pyramid=none:b-adapt=0", "bframes=2:b-pyramid=normal:b-adapt=0")
_SLOWEST, _FASTEST = Fraction(1, 1000), Fraction(1000)  # pictures per second that libavcodec can write down
_MOST_DELAY: Final = 4  # beyond it a decoder was only told to be careful


class Setting(NamedTuple):
    """What the new pictures must have in common with the old ones.

    Attributes:
        quality: The quantiser.
        number: Of the parameter sets.
        profile: In the numbers of the standard; 0 leaves it to the encoder.
        level: Likewise.
        delay: Pictures that a decoder holds back, because one that it shows earlier may come later.
    """

    quality: int
    number: int = 0
    profile: int = 0
    level: int = 0
    delay: int = 0


def av() -> Any:
    """Return PyAV, silent.

    Raises:
        MissingExtra: ``extra-missing``.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtra("extra-missing", feature="video", requirement="provenance-labels[video]") from error
    return av


def known_profile(codec: str, profile: int) -> bool:
    """Say whether the encoder at hand writes a profile."""
    known = {"h264": _AVC_PROFILES, "hevc": _HEVC_PROFILES}.get(codec)
    return known is None or profile in known


def delay_of(film: Film, context: VideoCodecContext) -> int:
    """Return how many pictures a decoder of the source holds back, given one that has begun."""
    if context.reorder_depth <= _MOST_DELAY:
        return context.reorder_depth
    places = np.argsort(order(film, Span(0, film.count)))
    return int((np.arange(len(places)) - places).max(initial=0))


def decoder(codec: str, config: bytes, *, reorders: bool, threads: int = 0) -> VideoCodecContext:
    """Return a decoder; with `reorders`, one that waits until it is sure which picture comes next.

    Each of its `threads` holds pictures of its own; 0 is as many as there are processors.
    """
    library = av()
    context: VideoCodecContext = library.CodecContext.create(_DECODERS[codec], "r")
    if config:
        context.extradata = config
    if reorders and codec == "h264":
        context.options = {"strict": "1"}
    context.thread_type = "AUTO"
    context.thread_count = threads
    return context


def decoded(film: Film, span: Span, context: VideoCodecContext) -> Iterator[VideoFrame]:
    """Yield the pictures of a span in the order of presentation; `pts` is the number of the sample.

    Raises:
        MalformedMedia: ``video-damaged``: a sample cannot be decoded, or gives no picture or several.
        OSError: Reading failed.
    """
    library = av()
    wanted = iter(order(film, span))
    try:
        packets = (packet_of(film.sample(number), number) for number in range(*span))
        for packet in itertools.chain(packets, (None,)):
            for frame in context.decode(packet):
                number = next(wanted, None)
                if frame.pts != number or frame.is_corrupt or (frame.width, frame.height) != film.size:
                    raise _damaged(film, span)
                yield frame
    except library.FFmpegError as error:
        raise _damaged(film, span) from error
    if next(wanted, None) is not None:
        raise _damaged(film, span)


def packet_of(sample: bytes, time: int) -> Packet[VideoStream]:
    """Return a sample as a packet.

    Its bytes are copied. PyAV would lend its own to libavcodec, and give them back in a thread of that, which waits for
    the interpreter; the interpreter, where it throws a decoder away in the meantime, waits for that thread.
    """
    packet: Packet[VideoStream] = av().Packet(len(sample))
    packet.update(sample)
    packet.pts = packet.dts = time
    return packet


def _damaged(film: Film, span: Span) -> MalformedMedia:
    return MalformedMedia("video-damaged", offset=int(film.offsets[span.first]))


def encoder(film: Film, frame: VideoFrame, setting: Setting, aspect: Fraction | None) -> VideoCodecContext:
    """Return an encoder for pictures like `frame`.

    Args:
        film: The film.
        frame: Its first picture.
        setting: What the new pictures must have in common with the old ones.
        aspect: Width of a pixel by its height, where the stream says so; None says nothing either.

    Raises:
        NoticeDoesNotFit: ``video-pictures``: it does not take such pictures; ``video-encoder``: it refused, or is not
            there.
    """
    library = av()
    look = look_of(frame)
    try:
        codec = library.Codec(ENCODERS[film.codec], "w")
        if look.layout not in {each.name for each in codec.video_formats or ()}:
            raise does_not_fit("video-pictures", codec=film.codec, layout=look.layout)
        context: VideoCodecContext = library.CodecContext.create(codec, "w")
        context.width, context.height = film.size
        context.pix_fmt = frame.format.name
        context.framerate = _rate(film)
        context.time_base = 1 / context.framerate
        if aspect:
            context.sample_aspect_ratio = aspect
        context.color_range, context.color_trc = look.range, look.transfer
        context.color_primaries, context.colorspace = frame.color_primaries, frame.colorspace
        flags = library.codec.context.Flags
        context.flags |= flags.global_header
        if frame.interlaced_frame:
            context.flags |= flags.interlaced_dct | flags.interlaced_me
        context.options = _OPTIONS[film.codec](setting)
        context.gop_size = 1 << 24
        context.open()
    except (library.FFmpegError, ValueError) as error:
        raise does_not_fit("video-encoder", codec=film.codec, reason=str(error)) from error
    return context


def _rate(film: Film) -> Fraction:
    """Return pictures per second, near enough for what an encoder does with it."""
    ticks = int(film.times.max() - film.times.min()) or 1
    rate = Fraction((film.count - 1) or 1, ticks) / film.tick
    return min(max(rate, _SLOWEST), _FASTEST).limit_denominator(1 << 16)


def _h264(setting: Setting) -> dict[str, str]:
    delay = _DELAYS[min(setting.delay, 2)]
    own = f"sps-id={setting.number}:level={setting.level}:{delay}:keyint=infinite:scenecut=0:rc-lookahead=0"
    options = {"preset": "veryfast", "qp": str(setting.quality), "forced-idr": "1", "a53cc": "0", "udu_sei": "0"}
    return {**options, "profile": _AVC_PROFILES[setting.profile], "x264-params": own}


def _hevc(setting: Setting) -> dict[str, str]:
    own = (
        f"qp={setting.quality}:bframes=0:keyint=-1:scenecut=0:open-gop=0:repeat-headers=0:info=0:log-level=none"
        ":high-tier=0:rc-lookahead=0"
    )
    profile = _HEVC_PROFILES[setting.profile]
    return {"preset": "veryfast", "forced-idr": "1", "profile": profile, "x265-params": own}


def _vp9(setting: Setting) -> dict[str, str]:
    quality = str(setting.quality)
    own = {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "auto-alt-ref": "0", "lag-in-frames": "0"}
    return {**own, "qmin": quality, "qmax": quality, "crf": quality, "b": "0"}


def _av1(setting: Setting) -> dict[str, str]:
    # The library prints what it does, and that it was broken off, unless its environment says otherwise.
    os.environ.setdefault("SVT_LOG", "0")
    own = "rc=0:aq-mode=0:pred-struct=1:scd=0:lp=2:enable-overlays=0:force-key-frames=1"
    return {"preset": "8", "qp": str(setting.quality), "svtav1-params": own}


_OPTIONS: Final = {"h264": _h264, "hevc": _hevc, "vp9": _vp9, "av1": _av1}
