"""Put sound into FLAC files: all of it is encoded anew, which loses nothing, and every sample is compared.

Each frame carries its number and checksums, and the head a digest of all samples: with a notice put in, none of it
could stay as it is.

Source: RFC 9639, sections 8 and 9.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance._files import copy_range
from provenance.errors import MalformedMedia
from provenance.formats import id3, vorbis_comment
from provenance.formats.base import check_carrier_size
from provenance.notices import audio_codec
from provenance.notices.audio_codec import Setting
from provenance.notices.audio_job import Job, Written, copy_tag, refuse_chapters
from provenance.notices.audio_stream import Samples, Sound, track
from provenance.notices.audio_stream import frames as decoded
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_codec import av

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

_MAGIC: Final = b"fLaC"
_LAST: Final = 0x80
_HEAD: Final = 4
_STREAM, _SEEK, _COMMENTS, _CUES = 0, 3, 4, 5
_STREAM_SIZE: Final = 34
_POINT: Final = 18
_NO_POINT: Final = b"\xff" * 8
_MOST_BLOCKS: Final = 10_000
_SHORT, _LONG = 16, 24  # bits that the encoder writes
_FORMATS: Final = {_SHORT: "s16", _LONG: "s32"}
_TYPES: Final = {_SHORT: np.int16, _LONG: np.int32}
_SHIFTS: Final = {_SHORT: 0, _LONG: 8}  # of numbers that take the highest bits
_NO_DIGEST: Final = bytes(16)


Whole = NDArray[np.int16] | NDArray[np.int32]


class Head(NamedTuple):
    """What stands before the frames: where they start, the blocks by place, and what the first one says."""

    start: int
    blocks: list[tuple[int, int, int]]  # kind, start of what it holds, end
    bits: int
    length: int
    digest: bytes


class _Frame(NamedTuple):
    """Of a frame: its first sample, and where it starts behind the head."""

    sample: int
    at: int


class _Mix(NamedTuple):
    """What goes before which sample, when it is heard, how many samples the source has, and bits of the new ones."""

    labels: list[tuple[int, Samples]]
    starts: list[float]
    length: int
    bits: int


def insert(job: Job, target: BinaryIO) -> Written:
    """Append the source to `target` with the notice at each position.

    Raises:
        MalformedMedia: ``audio-damaged``: not every sample can be decoded as it was encoded; ``flac-damaged``.
        NoticeDoesNotFit: ``audio-kind``: it has more bits than the encoder writes; ``audio-positions``: it has marks
            that cannot be kept true; ``audio-not-verified``; ``audio-encoder``.
        OSError: Reading or writing failed.
    """
    head = read(job.file)
    if job.at != ("end",):
        _refuse_marks(job.file, head)
    mix = _mix(job, head)
    before = target.seek(0, os.SEEK_END)
    copy_range(job.file, target, 0, head.start)
    setting = Setting(sample_format=_FORMATS[mix.bits], options={"compression_level": "8"})
    context = audio_codec.encoder(job.sound, setting)
    frames = []
    begin = target.tell()
    # The encoder works one out as well, but anew each time it is asked for what it still has.
    digest = hashlib.md5(usedforsecurity=False)
    for sample, data in audio_codec.packets(context, _digested(_mixed(job, head, mix), mix.bits, digest)):
        frames.append(_Frame(sample, target.tell() - begin))
        target.write(data)
    stream = bytes(context.extradata or b"")[-_STREAM_SIZE : -len(_NO_DIGEST)] + digest.digest()
    copy_tag(job.file, target, head.start)
    _renew(target, before, head, stream, _points(job.file, head, mix, frames))
    target.seek(0, os.SEEK_END)
    target.flush()
    again = hashlib.md5(usedforsecurity=False)
    with track(target, job.name) as (container, sounding):
        for _ in _digested(_in_format(mix.bits, (frame for _, frame in decoded(container, sounding))), mix.bits, again):
            pass
    if again.digest() != digest.digest():
        raise does_not_fit("audio-not-verified")
    return Written(mix.starts, f"lossless flac {mix.bits} bit")


def read(file: BinaryIO) -> Head:
    """Return what stands before the frames; see `insert` for the errors."""
    tags = id3.tags(file)
    start = tags[-1].end if tags else 0
    size = file.seek(0, os.SEEK_END)
    file.seek(start)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise MalformedMedia("flac-damaged", offset=start)
    start += len(_MAGIC)
    blocks: list[tuple[int, int, int]] = []
    last = 0
    while not last and len(blocks) < _MOST_BLOCKS:
        file.seek(start)
        data = file.read(_HEAD)
        end = start + _HEAD + int.from_bytes(data[1:], "big")
        if len(data) < _HEAD or end > size:
            raise MalformedMedia("flac-truncated", offset=size)
        blocks.append((data[0] & ~_LAST, start + _HEAD, end))
        start, last = end, data[0] & _LAST
    kind, at, end = blocks[0]
    if kind != _STREAM or end - at != _STREAM_SIZE:
        raise MalformedMedia("flac-damaged", offset=at)
    file.seek(at)
    data = file.read(_STREAM_SIZE)
    numbers = int.from_bytes(data[10:18], "big")  # rate, channels, bits, number of samples
    bits = (numbers >> 36 & 31) + 1
    if bits > max(_FORMATS):
        raise does_not_fit("audio-kind", name=f"FLAC, {bits} bit")
    return Head(start, blocks, bits, numbers & ((1 << 36) - 1), data[18:])


def _refuse_marks(file: BinaryIO, head: Head) -> None:
    """Refuse positions in the sound that a notice before its end moves."""
    for kind, start, end in head.blocks:
        if kind == _CUES:
            raise does_not_fit("audio-positions", name="CUESHEET")
        if kind == _COMMENTS:
            check_carrier_size(end - start, start)
            file.seek(start)
            refuse_chapters(vorbis_comment.parse(file.read(end - start), start))


def _mix(job: Job, head: Head) -> _Mix:
    count = head.length
    if not count:
        with track(job.file, job.name) as (container, stream):
            count = sum(frame.samples for _, frame in decoded(container, stream))
    labels, starts, before = [], [], 0
    for position in job.at:
        at = job.sample_at(position, count)
        label, silence = job.framed(position)
        labels.append((at, label))
        starts.append((at + before + silence) / job.sound.rate)
        before += label.shape[1]
    return _Mix(labels, starts, count, _SHORT if head.bits <= _SHORT else _LONG)


def _mixed(job: Job, head: Head, mix: _Mix) -> Iterator[AudioFrame]:
    """Yield the samples of the source with the notice between them.

    Raises:
        MalformedMedia: ``audio-damaged``: the source does not decode to what its head says.
    """
    digest = hashlib.md5(usedforsecurity=False)
    pending = list(mix.labels)
    done, channels = 0, job.sound.channels
    with track(job.file, job.name) as (container, stream):
        for frame in _in_format(mix.bits, (frame for _, frame in decoded(container, stream))):
            data: Whole = np.asarray(frame.to_ndarray(), _TYPES[mix.bits])
            digest.update(_stored(data, head.bits))
            start = 0
            while pending and pending[0][0] < done + frame.samples:
                at, label = pending.pop(0)
                if at - done > start:
                    yield _frame(data[:, start * channels : (at - done) * channels], job.sound, mix.bits)
                yield _frame(_whole_numbers(label, mix.bits), job.sound, mix.bits)
                start = at - done
            yield _frame(data[:, start * channels :], job.sound, mix.bits)
            done += frame.samples
            if job.progress:
                job.progress(done / job.sound.rate, mix.length / job.sound.rate, "encoding")
    if done != mix.length or head.digest not in {_NO_DIGEST, digest.digest()}:
        raise MalformedMedia("audio-damaged", reason="FLAC MD5")
    for _, label in pending:
        yield _frame(_whole_numbers(label, mix.bits), job.sound, mix.bits)


def _digested(frames: Iterator[AudioFrame], bits: int, digest: hashlib._Hash) -> Iterator[AudioFrame]:
    for frame in frames:
        digest.update(_stored(np.asarray(frame.to_ndarray(), _TYPES[bits]), bits))
        yield frame


def _in_format(bits: int, frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Yield frames with whole numbers of all channels side by side, the highest bits in use."""
    resampler = av().AudioResampler(format=_FORMATS[bits])
    for frame in frames:
        frame.pts = None
        yield from resampler.resample(frame)


def _frame(data: Whole, sound: Sound, bits: int) -> AudioFrame:
    frame: AudioFrame = av().AudioFrame.from_ndarray(
        np.ascontiguousarray(data), format=_FORMATS[bits], layout=sound.layout
    )
    frame.rate = sound.rate
    return frame


def _whole_numbers(label: Samples, bits: int) -> Whole:
    full = 1 << (bits - 1)
    whole = np.clip(np.rint(label.T.astype(np.float64) * full), -full, full - 1).astype(np.int32)
    return np.asarray((whole << _SHIFTS[bits]).astype(_TYPES[bits]).reshape(1, -1))


def _stored(data: Whole, bits: int) -> bytes:
    """Return samples as the digest of the head takes them (8.2): in as few bytes as hold them."""
    size = -(-bits // 8)
    numbers = (data >> (8 * data.itemsize - bits)).astype("<i4")
    return numbers.reshape(-1, 1).view(np.uint8)[:, :size].tobytes()


def _points(file: BinaryIO, head: Head, mix: _Mix, frames: Sequence[_Frame]) -> dict[int, bytes]:
    """Return the new seek points of each block of them (8.5), by its place: at the same moments of the content."""
    samples = np.array([each.sample for each in frames], np.int64)
    found = {}
    for kind, start, end in head.blocks:
        if kind != _SEEK:
            continue
        check_carrier_size(end - start, start)
        file.seek(start)
        old = file.read(end - start)
        places = [old[at : at + 8] for at in range(0, len(old) - _POINT + 1, _POINT)]
        wanted = [int.from_bytes(place, "big") for place in places if place != _NO_POINT]
        moved = [at + sum(label.shape[1] for before, label in mix.labels if before <= at) for at in wanted]
        numbers = sorted({int(each) for each in np.searchsorted(samples, moved, side="right") - 1})
        new = b"".join(
            frames[number].sample.to_bytes(8, "big")
            + frames[number].at.to_bytes(8, "big")
            + _length_of(frames, number, mix).to_bytes(2, "big")
            for number in numbers
        )
        found[start] = new + (_NO_POINT + bytes(_POINT - 8)) * (len(places) - len(numbers))
    return found


def _length_of(frames: Sequence[_Frame], number: int, mix: _Mix) -> int:
    total = mix.length + sum(label.shape[1] for _, label in mix.labels)
    return (frames[number + 1].sample if number + 1 < len(frames) else total) - frames[number].sample


def _renew(target: BinaryIO, before: int, head: Head, stream: bytes, points: dict[int, bytes]) -> None:
    """Put in what the head says of the new frames."""
    for start, data in {head.blocks[0][1]: stream, **points}.items():
        target.seek(before + start)
        target.write(data)
