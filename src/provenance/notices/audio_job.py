"""What the writers of each format are given, and what they say they have done."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from provenance.formats.vorbis_comment import Comments
from provenance.notices import audio_label
from provenance.notices.audio_label import Position, Said
from provenance.notices.audio_stream import Progress, Samples, Sound
from provenance.notices.refusal import does_not_fit


@dataclass(frozen=True, slots=True)
class Job:
    """Put a notice into a sound.

    Attributes:
        file: The source.
        name: Of its format.
        sound: What it holds.
        said: The notice.
        volume: Its effective value.
        at: Where it goes, in the order of time.
        quiet: Returns a second near the middle at which it is quiet.
        progress: See `Progress`.
    """

    file: BinaryIO
    name: str
    sound: Sound
    said: Said
    volume: float
    at: tuple[Position, ...]
    quiet: Callable[[], float]
    progress: Progress | None = None

    def framed(self, position: Position, gain: float = 1.0) -> tuple[Samples, int]:
        """Return what is put in at a position, silence around the notice, and at which sample that begins."""
        label = audio_label.sounding(self.said, self.sound.rate, self.volume * gain)
        return audio_label.framed(label, self.sound.rate, position, self.sound.layout)

    def sample_at(self, position: Position, count: int) -> int:
        """Return before which of `count` samples a position is."""
        if position == "middle":
            return min(count, max(0, round(self.quiet() * self.sound.rate)))
        return 0 if position == "start" else count


class Put(NamedTuple):
    """A run of packets put in before one of the source's, by its number."""

    before: int
    packets: int


class Written(NamedTuple):
    """What was done.

    Attributes:
        starts: When the notice begins at each position, in seconds.
        method: How, for a person.
        put: The packets put in, where those of the source are untouched; None where there are no packets.
    """

    starts: Sequence[float]
    method: str
    put: Sequence[Put] | None = None


_TAG: Final = 128  # bytes of ID3v1
_CHAPTERS: Final = re.compile(rb"CHAPTER\d+=|CUESHEET=", re.IGNORECASE)


def refuse_chapters(comments: Comments) -> None:
    """Refuse Vorbis comments that name times in the sound, which a notice before its end moves.

    Raises:
        NoticeDoesNotFit: ``audio-positions``.
    """
    for entry in comments.entries:
        if _CHAPTERS.match(entry):
            raise does_not_fit("audio-positions", name=entry.partition(b"=")[0].decode("ascii"))


def copy_tag(file: BinaryIO, target: BinaryIO, least: int) -> None:
    """Append the ID3v1 tag that ends a file, behind offset `least`, if there is one.

    Raises:
        OSError: Reading or writing failed.
    """
    size = file.seek(0, os.SEEK_END)
    if size - _TAG >= least:
        file.seek(size - _TAG)
        tag = file.read(_TAG)
        target.write(tag if tag.startswith(b"TAG") else b"")
