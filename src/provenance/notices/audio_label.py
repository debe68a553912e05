"""What a notice in sound says and how it sounds: the rhythm, or a clip that somebody spoke.

GB 45438-2025, 5.3: speech holds both elements and is spoken at normal speed; the rhythm says "AI" and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np

from provenance._files import open_input
from provenance.catalog.data import NoticeSpec
from provenance.catalog.edition import Catalog
from provenance.errors import MediaError, UsageError
from provenance.notices import rhythm
from provenance.notices.audio_stream import Samples, between
from provenance.notices.refusal import does_not_fit
from provenance.notices.rhythm import Mono

Position = Literal["start", "middle", "end"]


class Voice(Protocol):
    """A recording that speaks a notice: its file, and word for word what it says."""

    @property
    def path(self) -> Path:
        """The recording."""
        ...

    @property
    def text(self) -> str:
        """What it says."""
        ...


class Said(NamedTuple):
    """What is put into a sound.

    Attributes:
        notices: Kind and text of each notice that it says.
        unsaid: Kind and text of each that it cannot say.
        clip: The recording, without the silence around what is said; None for the rhythm.
    """

    notices: tuple[tuple[str, str], ...]
    unsaid: tuple[tuple[str, str], ...]
    clip: Mono | None = None


_LOUDEST, _SOFTEST = 0.355, 0.025  # effective value of a notice, -9 and -32 dBFS
_ALONE: Final = 0.071  # where nothing else sounds: -23 dBFS, as EBU R 128 levels programmes
_PEAK: Final = 0.89
_SILENCES: Final = {"start": (0.1, 0.5), "middle": (0.5, 0.5), "end": (0.5, 0.2)}
"""Seconds of silence before and behind a notice, by its position: what it takes to stand apart from the content."""
_CLIP_RATE: Final = 48_000
_LONGEST_CLIP: Final = 30.0
_LARGEST_CLIP: Final = 1 << 26
_STEP: Final = 0.02  # seconds
_SPEAKS: Final = 0.01  # of the loudest step; 40 dB below it is silence
_LEAST_LEVEL: Final = 1e-3  # of the loudest step; a clip below it says nothing
# A Chinese character is a syllable, and so is what is read out letter by letter or digit by digit.
_SYLLABLE: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffffA-Z0-9]")


def said(texts: Sequence[tuple[str, str]], voice: Voice | None) -> Said:
    """Return what a recording, or else the rhythm, says of notices given by kind and text.

    Raises:
        AssetNotFound: the recording cannot be read.
        MalformedMedia: ``voice-damaged``.
        NoticeDoesNotFit: ``audio-not-sayable``: nothing of it.
        UsageError: ``voice-elements``, ``voice-silent``, ``voice-length``, ``voice-pace``: the recording does not do.
    """
    catalog = Catalog.packaged()
    kinds = {kind: catalog.kinds[kind].notice for kind, _ in texts}
    if voice is None:
        sayable = [each for each in texts if kinds[each[0]].rhythm == rhythm.TEXT]
        told = tuple((kind, rhythm.TEXT) for kind, _ in sayable)
    else:
        sayable = [each for each in texts if _speaks_of(voice.text, each[1], kinds[each[0]], catalog)]
        told = tuple((kind, voice.text) for kind, _ in sayable)
        missed = [kind for kind, _ in texts if kinds[kind].must_say and kind not in dict(sayable)]
        if missed:
            raise UsageError("voice-elements", path=voice.path, text=voice.text)
    unsaid = tuple(each for each in texts if each not in sayable)
    if not told:
        raise does_not_fit("audio-not-sayable", text=", ".join(text for _, text in unsaid))
    clip = None
    if voice is not None:
        style = catalog.styles[next(style for kind, _ in sayable if (style := kinds[kind].style))]
        clip = _clip(voice, (style.min_pace, style.max_pace))
    return Said(told, unsaid, clip)


def level(loudness: float | None) -> float:
    """Return the effective value that a notice gets in a sound of that loudness: the same, within what is sensible."""
    return _ALONE if loudness is None else min(_LOUDEST, max(_SOFTEST, loudness))


def sounding(label: Said, rate: int, volume: float) -> Mono:
    """Return a notice at `rate` samples a second and at an effective value, which its peaks may not allow."""
    if label.clip is None:
        return rhythm.sound(rate) * np.float32(volume)
    clip = _resampled(label.clip, rate)
    loud = np.sqrt(np.mean(np.square(clip, dtype=np.float64)))
    return np.asarray(clip * min(volume / loud, _PEAK / np.abs(clip).max()), np.float32)


def framed(label: Mono, rate: int, position: Position, layout: str) -> tuple[Samples, int]:
    """Return a notice in every channel but that of the lowest tones, silence around it, and at which sample it begins.

    Args:
        label: The notice.
        rate: Samples a second.
        position: Where it is put.
        layout: The channels, as libavutil names them.
    """
    before, behind = (round(rate * seconds) for seconds in _SILENCES[position])
    one = np.concatenate((np.zeros(before, np.float32), label, np.zeros(behind, np.float32)))
    heard = [name != "LFE" for name in _channels(layout)]
    return np.outer(np.array(heard, np.float32), one).astype(np.float32), before


def syllables(text: str) -> int:
    """Return how many syllables are spoken: Chinese characters, and capital letters and digits read out one by one."""
    return len(_SYLLABLE.findall(unicodedata.normalize("NFKC", text)))


def spoken_part(heard: Mono, rate: int) -> tuple[int, int]:
    """Return from which sample up to which one something sounds, the silence around it left out; nothing: (0, 0)."""
    size = max(1, round(rate * _STEP))
    count = len(heard) // size
    steps = np.sqrt(np.mean(np.square(heard[: count * size].reshape(count, size), dtype=np.float64), axis=1))
    loudest = float(steps.max(initial=0.0))
    if not _LEAST_LEVEL < loudest < np.inf:
        return 0, 0
    loud = np.flatnonzero(steps > loudest * _SPEAKS)
    return int(loud[0]) * size, int(loud[-1] + 1) * size


def _channels(layout: str) -> list[str]:
    from provenance.notices.video_codec import av

    return [channel.name for channel in av().AudioLayout(layout).channels]


def _speaks_of(spoken: str, text: str, notice: NoticeSpec, catalog: Catalog) -> bool:
    if notice.must_say is not None:
        return bool(catalog.words[notice.must_say].said_in(spoken))
    return _bare(text) in _bare(spoken)


def _bare(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKC", text) if each.isalnum())


def _clip(voice: Voice, paces: tuple[int, int]) -> Mono:
    with open_input(voice.path) as file:
        if file.seek(0, 2) > _LARGEST_CLIP:
            raise UsageError("voice-length", path=voice.path, limit=_LONGEST_CLIP)
        try:
            _, heard = between(file, None, 0.0, _LONGEST_CLIP + 1, _CLIP_RATE)
        except MediaError as error:
            raise UsageError("voice-damaged", path=voice.path) from error
    if len(heard) > _LONGEST_CLIP * _CLIP_RATE:
        raise UsageError("voice-length", path=voice.path, limit=_LONGEST_CLIP)
    first, end = spoken_part(heard, _CLIP_RATE)
    if first == end:
        raise UsageError("voice-silent", path=voice.path)
    pace = syllables(voice.text) * 60 * _CLIP_RATE / (end - first)
    if not paces[0] <= pace <= paces[1]:
        raise UsageError("voice-pace", path=voice.path, pace=round(pace), least=paces[0], most=paces[1])
    return heard[first:end]


def _resampled(clip: Mono, rate: int) -> Mono:
    from provenance.notices.video_codec import av

    library = av()
    frame = library.AudioFrame.from_ndarray(clip[np.newaxis], format="fltp", layout="mono")
    frame.rate = _CLIP_RATE
    resampler = library.AudioResampler(format="fltp", layout="mono", rate=rate)
    made = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([np.asarray(each.to_ndarray(), np.float32)[0] for each in made])
