"""Put notices into sound: before the content begins, after it has ended, or between two parts of it.

Nothing is mixed over the content (GB 45438-2025, 5.3), and the content is not encoded again: new samples or packets
stand between those of the source.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, get_args

from provenance import _files
from provenance.errors import MediaError, NoticeDoesNotFit, UsageError
from provenance.model.notice import Notice, Seconds
from provenance.notices import (
    audio_flac,
    audio_label,
    audio_mp3,
    audio_mp4_edit,
    audio_opus,
    audio_stream,
    audio_verify,
    audio_wav,
    audio_whole,
)
from provenance.notices.audio_job import Job, Written
from provenance.notices.audio_label import Position, Voice
from provenance.notices.audio_stream import Progress
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_codec import av


@dataclass(frozen=True, slots=True)
class AudioResult:
    """What putting notices into a sound did.

    Attributes:
        notices: Each notice, once for each position, with when it is heard.
        media_change: ``head``: every sample or packet of the source is there unchanged; ``full``: it was encoded anew.
        method: How, for a person.
        reason: Message code of why it was encoded anew; None where it was not.
        unsaid: Kind and text of the notices that it does not say.
    """

    notices: tuple[Notice, ...]
    media_change: Literal["head", "full"]
    method: str
    reason: str | None = None
    unsaid: tuple[tuple[str, str], ...] = ()


Writer = Callable[[Job, BinaryIO], Written]
_WRITERS: Final[Mapping[str, Writer]] = {
    "wav": audio_wav.insert,
    "mp3": audio_mp3.insert,
    "flac": audio_flac.insert,
    "m4a": audio_mp4_edit.insert,
    "opus": audio_opus.insert,
}
_WHOLE: Final[Mapping[str, Writer]] = {"mp3": audio_whole.insert_mp3}
_REASONS: Final = {"audio-kind": "audio-full-kind", "audio-not-verified": "audio-full-not-verified"}
_ORDER: Final[tuple[Position, ...]] = get_args(Position)
_CODECS: Final = {"mp3": {"mp3", "mp2"}, "m4a": {"aac", "alac"}, "opus": {"opus"}, "flac": {"flac"}}
_PROFILE: Final = "LC"  # of AAC: the only one that the encoder writes
_RECORDS: Final = frozenset(
    bytes([0b00010 << 3 | rate]) for rate in range(8)
)  # how its record begins (14496-3, 1.6.2.1)
_LEAST_SECONDS: Final = 0.05


def draw_audio(  # noqa: PLR0913 - what, where, and how
    source: Path,
    target: Path | BinaryIO,
    texts: Sequence[tuple[str, str]],
    *,
    at: Sequence[Position] = ("start",),
    voice: Voice | None = None,
    reencode: bool = True,
    progress: Progress | None = None,
) -> AudioResult:
    """Write a sound with notices put in to `target`.

    Args:
        source: A WAVE, FLAC, MP3, M4A or Opus file.
        target: A path that is free, or an empty file open for reading and writing.
        texts: Kind and text of each notice. Without `voice` the rhythm is put in, which says "AI-generated" only.
        at: Where: before the content, at a quiet place in its middle, behind it.
        voice: A recording that speaks the notices, and its text.
        reencode: False refuses a sound of which all would have to be encoded anew.
        progress: Called with what is done, what there is in all, and what is being done.

    Raises:
        AssetNotFound: `source` or the recording cannot be read.
        MalformedMedia: the file breaks its format, or its sound cannot be decoded.
        MediaTooLarge: a limit on size is exceeded.
        MissingExtra: PyAV is not installed.
        NoticeDoesNotFit: the notices cannot be put into this sound without losing something; the code says what.
        OutputNotWritten: the file system refused. Nothing is left at a `target` that is a path.
        OutputRefused: that path is taken.
        UnsupportedFormat: nothing that is known to hold sound alone.
        UsageError: an option has no such value, or the recording does not do; the code says why.
    """
    if not at or not set(at) <= set(_ORDER):
        raise UsageError("option-unknown", option="at", value=", ".join(at), known=", ".join(_ORDER))
    av()
    said = audio_label.said(texts, voice)
    with contextlib.ExitStack() as stack:
        file, name = stack.enter_context(audio_stream.opened(source))
        sound = _checked(file, name)
        volume = audio_label.level(audio_stream.loudness(file, name, sound, progress))
        quiet = functools.cache(lambda: audio_stream.quiet_point(file, name, sound))
        positions = tuple(each for each in _ORDER if each in at)
        job = Job(file, name, sound, said, volume, positions, quiet, progress)
        out = stack.enter_context(_files.new_file(target)) if isinstance(target, Path) else target
        return _written(job, out, reencode=reencode)


def audio_drawable(source: Path) -> MediaError | None:
    """Return why notices cannot be put into a sound, or None where its head speaks against nothing.

    Raises:
        AssetNotFound: `source` cannot be read.
        MissingExtra: PyAV is not installed.
    """
    try:
        with audio_stream.opened(source) as (file, name):
            _checked(file, name)
    except MediaError as error:
        return error
    return None


def _checked(file: BinaryIO, name: str) -> audio_stream.Sound:
    sound = audio_stream.probe(file, name)
    if name not in _WRITERS or sound.codec not in _CODECS.get(name, {sound.codec}):
        raise does_not_fit("audio-codec", codec=sound.codec)
    if sound.codec == "aac" and (sound.profile != _PROFILE or sound.config[:1] not in _RECORDS):
        raise does_not_fit("audio-profile", profile=sound.profile)
    if sound.seconds < _LEAST_SECONDS:
        raise does_not_fit("audio-empty")
    return sound


def _written(job: Job, out: BinaryIO, *, reencode: bool) -> AudioResult:
    """Put packets in, and where that does not do, encode all of the sound anew."""
    start = out.seek(0, os.SEEK_END)
    error, found = _attempt(job, out, _WRITERS[job.name])
    reason = None
    if found is None and job.name in _WHOLE:
        reason = _REASONS.get(error.code)
    if reason is not None:
        if not reencode:
            raise does_not_fit(reason)
        out.seek(start)
        out.truncate()
        error, found = _attempt(job, out, _WHOLE[job.name])
    if found is None:
        raise error
    written, notices = found
    return AudioResult(notices, "full" if reason else "head", written.method, reason, job.said.unsaid)


def _attempt(
    job: Job, out: BinaryIO, writer: Writer
) -> tuple[NoticeDoesNotFit, tuple[Written, tuple[Notice, ...]] | None]:
    """Return what was written, or why it does not do."""
    error = does_not_fit("audio-not-verified")
    try:
        written = writer(job, out)
    except NoticeDoesNotFit as refused:
        return refused, None
    notices = _notices(job, written)
    out.flush()
    return error, (written, notices) if audio_verify.holds(job, out, written, notices) else None


def _notices(job: Job, written: Written) -> tuple[Notice, ...]:
    length = len(audio_label.sounding(job.said, job.sound.rate, job.volume)) / job.sound.rate
    return tuple(
        Notice(kind=kind, text=text, seconds=Seconds(start=round(max(0.0, start), 3), end=round(start + length, 3)))
        for start in written.starts
        for kind, text in job.said.notices
    )
