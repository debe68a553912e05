"""Put sound into WAVE files: samples into the one chunk that holds them, all else but positions in them byte-exact.

Sources: Multimedia Programming Interface 1.0, chapter 3; EBU Tech 3306 (RF64); Microsoft, Multiple channel audio data
and WAVE files.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia
from provenance.formats import riff
from provenance.formats.riff import CHUNK_HEAD, HEADER_SIZE, SIZE_FIELD, UNKNOWN, Chunk
from provenance.formats.splice import Edit, splice
from provenance.notices.audio_job import Job, Written
from provenance.notices.audio_stream import Samples
from provenance.notices.refusal import does_not_fit

_FORMAT: Final = struct.Struct("<HHIIHH")
_EXTENSIBLE: Final = 0xFFFE
_SUBFORMAT_AT: Final = 24
_WHOLE, _FLOAT = 1, 3
_SIZES: Final = b"ds64"
_SIZES_HEAD: Final = struct.Struct("<QQQ")  # of the RIFF, of the sound, number of samples
_LARGEST: Final = UNKNOWN - 1
_CUE: Final = 24  # bytes of one cue point; its position is the second number, its offset in the sound the last
_LOOP: Final = 24  # likewise of one loop; its start and end are the third and fourth number
_LOOPS_AT: Final = 36


class Wave(NamedTuple):
    """A WAVE file: its chunks by kind, and how a sample is stored."""

    chunks: Mapping[bytes, Sequence[Chunk]]
    kind: int
    rate: int
    channels: int
    bits: int
    frame: int
    sound: Chunk
    end: int
    sizes: Chunk | None  # of 64 bits
    is_open: bool  # the writer could not go back to say how long it is

    @property
    def samples(self) -> int:
        """Number of samples of each channel."""
        return self.sound.length // self.frame


def read(file: BinaryIO) -> Wave:
    """Return how a file stores its sound.

    Raises:
        MalformedMedia: It breaks its form.
        NoticeDoesNotFit: ``audio-codec``, ``audio-kind``: it is stored in a way that this cannot write.
        OSError: Reading failed.
    """
    start, end, sizes, is_open = _header(file)
    chunks: dict[bytes, list[Chunk]] = {}
    for chunk in riff.chunks(file, start, end, sizes):
        sound = chunk
        if chunk.kind == b"data" and is_open and not chunk.length:
            sound = chunk._replace(length=end - chunk.data, end=end)
        chunks.setdefault(chunk.kind, []).append(sound)
        if sound is not chunk:
            break
    if len(chunks.get(b"data", ())) != 1 or len(chunks.get(b"fmt ", ())) != 1:
        raise MalformedMedia("wav-damaged", offset=end)
    kind, channels, rate, _, frame, bits = _FORMAT.unpack(riff.head(file, chunks[b"fmt "][0], _FORMAT.size))
    if kind == _EXTENSIBLE:
        head = riff.head(file, chunks[b"fmt "][0], _SUBFORMAT_AT + 2)
        kind = int.from_bytes(head[_SUBFORMAT_AT:], "little")
    if (kind, bits) not in _STORED:
        raise does_not_fit("audio-codec", codec=f"WAVE {kind}, {bits} bit")
    if frame != channels * bits // 8 or not frame:
        raise MalformedMedia("wav-damaged", offset=chunks[b"fmt "][0].start)
    if b"wavl" in chunks or b"slnt" in chunks:
        raise does_not_fit("audio-kind", name="wavl")
    file.seek(0)
    wide = chunks[_SIZES][0] if file.read(4) != b"RIFF" else None
    return Wave(chunks, kind, rate, channels, bits, frame, chunks[b"data"][0], end, wide, is_open)


def insert(job: Job, target: BinaryIO) -> Written:
    """Append the source to `target` with the notice at each position.

    Raises:
        MalformedMedia: It breaks its form.
        NoticeDoesNotFit: ``audio-codec``, ``audio-kind``: it is stored in a way that this cannot write; ``audio-full``:
            it would exceed 4 GiB and is no RF64.
        OSError: Reading or writing failed.
    """
    wave = read(job.file)
    new, starts, before = [], [], 0
    for position in job.at:
        at = job.sample_at(position, wave.samples)
        label, silence = job.framed(position)
        starts.append((at + before + silence) / wave.rate)
        before += label.shape[1]
        new.append((at, label))
    _write(job.file, target, wave, new)
    return Written(starts, f"samples wav {wave.bits} bit")


def _write(source: BinaryIO, target: BinaryIO, wave: Wave, new: Sequence[tuple[int, Samples]]) -> None:
    sound = wave.sound
    edits = [_insertion(wave, at, samples) for at, samples in new]
    growth = sum(each.growth for each in edits)
    length = sound.length + growth
    padding = sound.end - sound.data - sound.length
    if length % 2 != padding and not wave.is_open:
        edits.append(Edit(sound.end - padding, sound.end, bytes(length % 2)))
        growth += length % 2 - padding
    splice(source, target, [*edits, *_positions(source, wave, new), *_sizes(source, wave, length, growth)])


def _header(file: BinaryIO) -> tuple[int, int, dict[bytes, int], bool]:
    """Return where chunks start, where they end, the sizes of those that do not say it, and whether none is said."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEADER_SIZE)
    length = int.from_bytes(head[slice(*SIZE_FIELD)], "little")
    if head[:4] == b"RIFF":
        is_open = length in {0, UNKNOWN}
        end = size if is_open else CHUNK_HEAD + length
        if end > size:
            raise MalformedMedia("riff-truncated", offset=size)
        return HEADER_SIZE, end, {b"data": 0} if is_open else {}, is_open
    chunk = next(riff.chunks(file, HEADER_SIZE, size), None)
    if chunk is None or chunk.kind != _SIZES:
        raise MalformedMedia("wav-damaged", offset=HEADER_SIZE)
    whole, sound, _ = _SIZES_HEAD.unpack(riff.head(file, chunk, _SIZES_HEAD.size))
    end = CHUNK_HEAD + (whole if length == UNKNOWN else length)
    if end > size:
        raise MalformedMedia("riff-truncated", offset=size)
    return HEADER_SIZE, end, {b"data": sound}, False


def _insertion(wave: Wave, at: int, samples: Samples) -> Edit:
    place = wave.sound.data + at * wave.frame
    return Edit(place, place, _STORED[wave.kind, wave.bits](np.ascontiguousarray(samples.T)))


def _sizes(file: BinaryIO, wave: Wave, length: int, growth: int) -> Iterator[Edit]:
    """Yield the edits of what says how long the sound is, and the whole."""
    for chunk in wave.chunks.get(b"fact", ()):
        if chunk.length >= 4:  # noqa: PLR2004 -- bytes of its one number
            frames = min(length // wave.frame, UNKNOWN)
            yield Edit(chunk.data, chunk.data + 4, struct.pack("<I", frames))
    if wave.is_open:
        return
    whole = wave.end + growth - CHUNK_HEAD
    if wave.sizes:
        numbers = _SIZES_HEAD.pack(whole, length, length // wave.frame)
        yield Edit(wave.sizes.data, wave.sizes.data + _SIZES_HEAD.size, numbers)
    for at, value in ((SIZE_FIELD[0], whole), (wave.sound.start + SIZE_FIELD[0], length)):
        file.seek(at)
        if wave.sizes and int.from_bytes(file.read(4), "little") == UNKNOWN:
            continue
        if value > _LARGEST:
            raise does_not_fit("audio-full")
        yield Edit(at, at + 4, struct.pack("<I", value))


def _positions(file: BinaryIO, wave: Wave, new: Sequence[tuple[int, Samples]]) -> Iterator[Edit]:
    """Yield the edits that make cue points and loops follow the samples they speak of."""
    for chunk in wave.chunks.get(b"cue ", ()):
        yield from _numbers(file, chunk, new, start=4, size=_CUE, places=(4, 20))
    for chunk in wave.chunks.get(b"smpl", ()):
        yield from _numbers(file, chunk, new, start=_LOOPS_AT, size=_LOOP, places=(8, 12))


def _numbers(
    file: BinaryIO, chunk: Chunk, new: Sequence[tuple[int, Samples]], *, start: int, size: int, places: Sequence[int]
) -> Iterator[Edit]:
    data = riff.content(file, chunk)
    for entry in range(start, len(data) - size + 1, size):
        for place in places:
            at = entry + place
            number = int.from_bytes(data[at : at + 4], "little")
            moved = number + sum(samples.shape[1] for where, samples in new if where <= number)
            if moved != number and moved <= _LARGEST:
                yield Edit(chunk.data + at, chunk.data + at + 4, struct.pack("<I", moved))


def _in_whole_numbers(samples: Samples, bits: int) -> NDArray[np.int64]:
    full = 1 << (bits - 1)
    return np.clip(np.rint(samples.astype(np.float64) * full), -full, full - 1).astype(np.int64)


def _in_three_bytes(samples: Samples) -> bytes:
    return _in_whole_numbers(samples, 24).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


_STORED: Final[Mapping[tuple[int, int], Callable[[Samples], bytes]]] = {
    (_WHOLE, 8): lambda samples: (_in_whole_numbers(samples, 8) + 128).astype(np.uint8).tobytes(),
    (_WHOLE, 16): lambda samples: _in_whole_numbers(samples, 16).astype("<i2").tobytes(),
    (_WHOLE, 24): _in_three_bytes,
    (_WHOLE, 32): lambda samples: _in_whole_numbers(samples, 32).astype("<i4").tobytes(),
    (_FLOAT, 32): lambda samples: samples.astype("<f4").tobytes(),
    (_FLOAT, 64): lambda samples: samples.astype("<f8").tobytes(),
}
"""By format and bits: the bytes of samples by time and channel."""
