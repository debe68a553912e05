"""Encode all of a sound anew with a notice in it, where no packets can stand among those of the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from provenance._files import copy_range
from provenance.errors import MalformedMedia
from provenance.formats import id3, mpeg_audio
from provenance.notices import audio_codec
from provenance.notices.audio_codec import Setting
from provenance.notices.audio_job import Job, Written, copy_tag
from provenance.notices.audio_stream import Samples, blocks
from provenance.notices.refusal import does_not_fit

_TIMED: Final = frozenset({b"CHAP", b"SYLT", b"MLLT", b"ETCO", b"SYTC", b"ASPI"})


def insert_mp3(job: Job, target: BinaryIO) -> Written:
    """Append an MP3 or MP2 file with the tags of the source and all its sound encoded anew.

    Raises:
        MalformedMedia: ``audio-damaged``: hardly any of it can be decoded.
        NoticeDoesNotFit: ``audio-positions``: a tag speaks of times in the sound; ``audio-encoder``.
        OSError: Reading or writing failed.
    """
    tags = id3.tags(job.file)
    for tag in tags if job.at != ("end",) else []:
        for frame in tag.frames:
            if frame.name in _TIMED:
                raise does_not_fit("audio-positions", name=frame.name.decode("ascii"))
    generation, layer = (1 if job.sound.rate >= 32_000 else 2), (2 if job.sound.codec == "mp2" else 3)  # noqa: PLR2004
    rates = mpeg_audio.bit_rates(generation, layer)
    rate = min(rates, key=lambda each: abs(each - (job.sound.bit_rate or 128_000)))
    context = audio_codec.encoder(job.sound, Setting(rate, "s16" if layer == 2 else "fltp"))  # noqa: PLR2004
    starts: list[float] = []
    copy_range(job.file, target, 0, tags[-1].end if tags else 0)
    first = 0
    frames = (audio_codec.frame_of(block, job.sound) for block in _mixed(job, starts))
    for number, (begin, data) in enumerate(audio_codec.packets(context, frames)):
        first = first if number else begin
        target.write(data)
    copy_tag(job.file, target, tags[-1].end if tags else 0)
    delay = -first / job.sound.rate
    return Written([start + delay for start in starts], f"whole {job.sound.codec} {rate // 1000}k")


def _mixed(job: Job, starts: list[float]) -> Iterator[Samples]:
    """Yield the sound with the notice in it, and note in `starts` when that begins."""
    rate = job.sound.rate
    whole = round(job.sound.seconds * rate)
    pending = [(job.sample_at(each, whole), each) for each in job.at]
    done = longer = 0

    def label() -> Samples:
        samples, silence = job.framed(pending.pop(0)[1])
        starts.append((done + longer + silence) / rate)
        return samples

    for _, block in blocks(job.file, job.name):
        length, start = block.shape[1], 0
        while pending and pending[0][1] != "end" and pending[0][0] < done + length - start:
            cut = start + max(0, pending[0][0] - done)
            if cut > start:
                yield block[:, start:cut]
                done += cut - start
                start = cut
            made = label()
            yield made
            longer += made.shape[1]
        if start < length:
            yield block[:, start:]
            done += length - start
        if job.progress:
            job.progress(min(done / rate, job.sound.seconds), job.sound.seconds, "encoding")
    if not done:
        raise MalformedMedia("audio-damaged", reason="no sound")
    while pending:
        made = label()
        yield made
        longer += made.shape[1]
