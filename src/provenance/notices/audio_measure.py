"""Find notices again in a finished sound.

A rhythm is recognised. Speech is not, there is no recogniser here: a spoken notice counts as found where something
sounds for exactly the seconds that are stated, between two silences. That the file was cut or faded is noticed so, and
whether it was spoken too fast; whether it says what it is stated to say is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from provenance._files import open_input
from provenance.errors import MediaError
from provenance.formats import registry
from provenance.model.notice import Notice, NoticeReading, Seconds
from provenance.notices import rhythm
from provenance.notices.audio_label import spoken_part, syllables
from provenance.notices.audio_stream import between, probe
from provenance.notices.rhythm import Mono

_ABOUT: Final = 2.0  # seconds around what is stated
_EDGES: Final = 10.0  # seconds at either end, where else a rhythm is looked for
_LONGEST: Final = 60.0  # seconds that are listened to at once
# In samples at the rate of rhythms.
_APART: Final = round(0.3 * rhythm.RATE)  # of silence, that sets speech apart
_MARGIN: Final = round(0.05 * rhythm.RATE)  # over which coders smear speech
_NEAR: Final = round(0.15 * rhythm.RATE)  # by which speech may begin or end otherwise than stated
_SILENT: Final = 0.03  # of the level of speech: 30 dB below it


def measure_audio(source: Path, stated: Sequence[Notice]) -> tuple[NoticeReading, ...]:
    """Measure each notice in the sound of `source`, whose form its text tells: a rhythm is written ``短`` and ``长``.

    It is listened to about the seconds stated, and, for a rhythm that is not there, to the first and last ten.

    Raises:
        AssetNotFound: `source` cannot be read.
        MalformedMedia: it cannot be decoded.
        MissingExtra: PyAV is not installed.
        UnsupportedFormat: nothing knows its content.
    """
    if not stated:
        return ()
    try:
        with open_input(source) as file:
            return measured(file, registry.identify(file, source).name, stated)
    except MediaError as error:
        error.details.setdefault("path", source)
        raise


def measured(file: BinaryIO, name: str, stated: Sequence[Notice]) -> tuple[NoticeReading, ...]:
    """Measure notices in an open file of a format; see `measure_audio`."""
    seconds = probe(file, name).seconds
    return tuple(
        _rhythm(file, name, each, seconds) if is_rhythm(each.text) else _speech(file, name, each) for each in stated
    )


def is_rhythm(text: str) -> bool:
    """Say whether a notice's text is that of a rhythm."""
    return bool(text) and set(text) <= set("短长 ")


def _rhythm(file: BinaryIO, name: str, notice: Notice, length: float) -> NoticeReading:
    for start, end in _places(notice.seconds, length) if notice.text == rhythm.TEXT else ():
        at, samples = between(file, name, start, end, rhythm.RATE)
        heard = rhythm.find(samples)
        if heard is not None:
            begin = round(max(0.0, at + heard.start), 3)
            return NoticeReading(
                kind=notice.kind,
                text=notice.text,
                found=True,
                form="rhythm",
                seconds=Seconds(start=begin, end=round(begin + rhythm.LENGTH, 3)),
                over_content=heard.over_content,
                clear=heard.clear,
            )
    return NoticeReading(kind=notice.kind, text=notice.text, found=False, form="rhythm")


def _places(seconds: Seconds | None, length: float) -> Iterator[tuple[float, float]]:
    if seconds is not None:
        start = float(seconds.start)
        yield _about(start, float(start + rhythm.LENGTH if seconds.end is None else seconds.end))
    yield 0.0, _EDGES
    yield max(0.0, length - _EDGES), length + _EDGES


def _about(start: float, end: float) -> tuple[float, float]:
    return max(0.0, start - _ABOUT), min(end, start + _LONGEST) + _ABOUT


def _speech(file: BinaryIO, name: str, notice: Notice) -> NoticeReading:
    missing = NoticeReading(kind=notice.kind, text=notice.text, found=False, form="voice")
    if notice.seconds is None or notice.seconds.end is None:
        return missing
    start, end = float(notice.seconds.start), float(notice.seconds.end)
    at, samples = between(file, name, *_about(start, end), rhythm.RATE)
    stated = round((start - at) * rhythm.RATE), round((end - at) * rhythm.RATE)
    near = max(0, stated[0] - _NEAR), stated[1] + _NEAR
    first, last = (near[0] + each for each in spoken_part(samples[near[0] : near[1]], rhythm.RATE))
    if first == last:
        return missing
    apart = _is_apart(samples, first, last)
    return NoticeReading(
        kind=notice.kind,
        text=notice.text,
        found=apart and abs(first - stated[0]) <= _NEAR and abs(last - stated[1]) <= _NEAR,
        form="voice",
        seconds=Seconds(start=round(at + first / rhythm.RATE, 3), end=round(at + last / rhythm.RATE, 3)),
        over_content=not apart,
        clear=apart,
        pace=round(syllables(notice.text) * 60 * rhythm.RATE / (last - first), 1),
    )


def _is_apart(samples: Mono, first: int, last: int) -> bool:
    """Say whether what sounds between two samples has silence before and behind it; outside the sound there is."""
    beside = samples[max(0, first - _APART) : max(0, first - _MARGIN)], samples[last + _MARGIN : last + _APART]
    return max(map(_level, beside)) < _SILENT * _level(samples[first:last])


def _level(samples: Mono) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
