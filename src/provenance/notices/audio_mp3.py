"""Put frames into MP3 and MP2 files: between those of the content, of which none changes.

A frame of layer III may begin in the room that earlier frames left free. Those that are put in leave none and use none;
where the content goes on behind them with such a frame, silent frames carry what it needs from before.

Sources: ISO/IEC 11172-3, 2.4.1.7 and 2.4.2.7 (main_data_begin); the Xing and LAME tags as their authors describe them;
ID3v2 Chapter Frame Addendum 1.0.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from provenance.errors import MalformedMedia
from provenance.formats import id3, mpeg_audio
from provenance.formats.mpeg_audio import HEAD, Head
from provenance.formats.splice import Edit, splice
from provenance.notices import audio_codec
from provenance.notices.audio_codec import Encoded, Setting
from provenance.notices.audio_job import Job, Put, Written
from provenance.notices.audio_xing import Xing, renewed, xing_in
from provenance.notices.refusal import does_not_fit

_BLOCK: Final = 1 << 20
_MOST_FRAMES: Final = 1 << 23
_STRAY: Final = 1 << 16
_CHECKSUM: Final = 2
_BEHIND: Final = re.compile(rb"TAG|APETAGEX|LYRICSBEGIN|ID3|3DI|\0")
_RESERVOIR: Final = {1: 511, 2: 255}  # most bytes before it that a frame may begin in, by generation
_POSITIONS: Final = (b"SYLT", b"MLLT", b"ETCO", b"SYTC", b"ASPI")
_CHAPTER: Final = b"CHAP"
_UNSAID: Final = b"\xff" * 8


class Frames(NamedTuple):
    """The frames of a file: where each starts and the last one ends, and what they have in common."""

    offsets: np.ndarray[tuple[int], np.dtype[np.int64]]
    end: int
    head: Head
    xing: Xing | None

    @property
    def first(self) -> int:
        """Number of the first one that sounds."""
        return int(self.xing is not None)

    @property
    def sounding(self) -> int:
        """Number of frames that sound."""
        return len(self.offsets) - self.first

    def offset(self, number: int) -> int:
        """Return where one that sounds starts, or behind the last one."""
        return int(self.offsets[number + self.first]) if number < self.sounding else self.end


def insert(job: Job, target: BinaryIO) -> Written:
    """Append the source to `target` with the notice at each position.

    Raises:
        MalformedMedia: ``mp3-no-sound``.
        NoticeDoesNotFit: ``audio-kind``: its frames are not of one kind, or damaged; ``audio-positions``: a tag speaks
            of times in a way that cannot be kept true; ``audio-encoder``.
        OSError: Reading or writing failed.
    """
    frames = read(job.file)
    setting = _setting(frames, job.sound.codec)
    edits, starts, put = [], [], []
    skipped = frames.xing.skipped if frames.xing else 0
    before = 0  # samples put in so far
    for position in job.at:
        number = min(
            frames.sounding, job.sample_at(position, frames.sounding * frames.head.samples) // frames.head.samples
        )
        label, silence = job.framed(position)
        made = audio_codec.encoded(job.sound, setting, label)
        new = [*made.packets, *_carriers(job.file, frames, number, made)]
        begin = number * frames.head.samples + before + made.delay + silence - skipped
        starts.append(begin / frames.head.rate)
        before += len(new) * frames.head.samples
        edits.append(Edit(frames.offset(number), frames.offset(number), b"".join(new)))
        put.append(Put(number, len(new)))
    if frames.xing:
        added = [each.packets for each in put]
        edits.append(renewed(job.file, frames.xing, (frames.offsets, frames.end), edits, added))
    edits += _chapters(job.file, frames, put)
    splice(job.file, target, edits)
    return Written(starts, f"frames {job.sound.codec} {setting.bit_rate // 1000}k", put)


def read(file: BinaryIO) -> Frames:
    """Return where the frames of a file lie; see `insert` for the errors."""
    tags = id3.tags(file)
    start = _first(file, tags[-1].end if tags else 0)
    offsets, end, head = _scan(file, start)
    file.seek(start)
    data = file.read(head.length)
    xing = xing_in(data, start, head) if head.layer == 3 else None  # noqa: PLR2004 -- the layer of that name
    return Frames(np.array(offsets, np.int64), end, head, xing)


def _first(file: BinaryIO, start: int) -> int:
    """Return where the first frame starts, behind tags and stray bytes."""
    file.seek(start)
    data = file.read(_STRAY)
    for match in mpeg_audio.SYNC.finditer(data):
        at = match.start()
        head = mpeg_audio.head_of(data[at : at + HEAD])
        if head is None:
            continue
        following = data[at + head.length : at + head.length + HEAD]
        whole = len(data) < _STRAY and at + head.length == len(data)
        if whole or (mpeg_audio.head_of(following) and mpeg_audio.go_together(data[at : at + HEAD], following)):
            return start + at
    raise MalformedMedia("mp3-no-sound", offset=start)


def _scan(file: BinaryIO, start: int) -> tuple[list[int], int, Head]:
    file.seek(start)
    data, base, at = file.read(_BLOCK), start, 0
    first = mpeg_audio.head_of(data[:HEAD])
    offsets: list[int] = []
    while first is not None and len(offsets) < _MOST_FRAMES:
        if at + HEAD > len(data):
            base += at
            file.seek(base)
            data, at = file.read(_BLOCK), 0
        head = mpeg_audio.head_of(data[at : at + HEAD])
        if head is None:
            if data[at:] and not _BEHIND.match(data, at):
                break
            break_off = file.seek(0, os.SEEK_END) < base + at  # the last one is cut off
            return (offsets[:-1], offsets[-1], first) if break_off else (offsets, base + at, first)
        if (head.generation, head.layer, head.rate, head.channels) != (
            first.generation,
            first.layer,
            first.rate,
            first.channels,
        ):
            break
        offsets.append(base + at)
        at += head.length
    raise does_not_fit("audio-kind", name=f"MPEG, {base + at}")


def _setting(frames: Frames, codec: str) -> Setting:
    """Return how to encode the notice: at the rate of the file, on average, or the next higher one there is."""
    rates = mpeg_audio.bit_rates(frames.head.generation, frames.head.layer)
    spent = (frames.end - frames.offset(0)) * 8 * frames.head.rate / max(1, frames.sounding * frames.head.samples)
    rate = frames.head.bit_rate if frames.xing is None else min(rates, key=lambda each: abs(each - spent))
    if codec == "mp2":
        return Setting(rate, "s16")
    return Setting(rate, "fltp", {"reservoir": "0"})


def _carriers(file: BinaryIO, frames: Frames, number: int, made: Encoded) -> list[bytes]:
    """Return silent frames that hold what the frame behind them begins with (2.4.2.7)."""
    if frames.head.layer != 3 or number in {0, frames.sounding}:  # noqa: PLR2004 -- the layer of that name
        return []
    needed = _RESERVOIR[frames.head.generation]
    kept = _main_data(file, frames, number, needed)
    first = made.packets[0][:HEAD]
    plain = bytes([first[0], first[1] | 1, first[2] & ~2, first[3]])  # no checksum, no padding
    head = mpeg_audio.head_of(plain)
    if head is None:
        raise does_not_fit("audio-kind", name="MPEG")
    size = head.length - HEAD - head.side_size
    count = -(-len(kept) // size)
    filled = kept.rjust(count * size, b"\0")
    return [plain + bytes(head.side_size) + filled[at : at + size] for at in range(0, len(filled), size)]


def _main_data(file: BinaryIO, frames: Frames, number: int, needed: int) -> bytes:
    """Return the last bytes of sound before a frame, heads and what says how it is coded left out."""
    kept = b""
    while number > 0 and len(kept) < needed:
        number -= 1
        start = frames.offset(number)
        file.seek(start)
        data = file.read(frames.offset(number + 1) - start)
        head = mpeg_audio.head_of(data[:HEAD])
        if head is not None:
            kept = data[HEAD + _CHECKSUM * head.has_checksum + head.side_size :] + kept
    return kept[-needed:]


def _chapters(file: BinaryIO, frames: Frames, put: Sequence[Put]) -> Iterator[Edit]:
    """Yield the edits that make chapters follow the sound; refuse other frames that speak of times in it."""
    inside = [each for each in put if each.before < frames.sounding]
    for tag in id3.tags(file) if inside else []:
        for frame in tag.frames:
            if frame.name not in {_CHAPTER, *_POSITIONS}:
                continue
            if frame.name != _CHAPTER or frame.flags or tag.restored or tag.damage is not None:
                raise does_not_fit("audio-positions", name=frame.name.decode("ascii"))
            yield from _chapter(file, frames, frame, inside)


def _chapter(file: BinaryIO, frames: Frames, frame: id3.Frame, put: Sequence[Put]) -> Iterator[Edit]:
    file.seek(frame.start + id3.HEAD)
    data = file.read(min(frame.end - frame.start - id3.HEAD, _STRAY))
    at = data.find(b"\0") + 1
    times = data[at : at + 16]
    if not at or len(times) < 16:  # noqa: PLR2004 -- two times and two offsets
        raise does_not_fit("audio-positions", name="CHAP")
    new = b""
    for number in (0, 4):
        time = int.from_bytes(times[number : number + 4], "big")
        sample = time * frames.head.rate / 1000
        # What begins at the start still does: a notice there is part of it.
        shift = sum(each.packets for each in put if each.before * frames.head.samples < sample)
        later = time + round(shift * frames.head.samples * 1000 / frames.head.rate)
        new += min(later, (1 << 32) - 1).to_bytes(4, "big")
    start = frame.start + id3.HEAD + at
    yield Edit(start, start + 16, new + _UNSAID)
