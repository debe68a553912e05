"""How new pictures become samples of a film: with the number of their parameter sets, and what the old ones carried."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia
from provenance.notices import video_codec, video_config, video_nal, video_obu
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_codec import Setting
from provenance.notices.video_config import Config
from provenance.notices.video_film import Film, Span, order
from provenance.notices.video_nal import KINDS, Codec, kind_of

# Which numbers new parameter sets may have; see `video_nal.renumbered` for those of H.265.
_NUMBERS: Final[dict[Codec, range]] = {"h264": range(1, 32), "hevc": range(1, 16)}
_BEFORE_SLICES: Final = 1 << 12  # bytes of a sample in which its parameter sets lie, if it has any


class Packing(Protocol):
    """Makes samples of what an encoder gives."""

    def setting(self, quality: int, delay: int) -> Setting:
        """Return what the encoder must be told."""

    def config(self, header: bytes) -> bytes | None:
        """Return the record for decoders, given what the encoder says of its stream; None if none speaks for all."""

    def sample(self, at: int, data: bytes) -> bytes:
        """Return the sample in place `at` of the span."""


@dataclass(frozen=True, slots=True)
class Plain:
    """VP9, whose samples stand for themselves."""

    film: Film

    def setting(self, quality: int, delay: int) -> Setting:
        """Return what the encoder must be told."""
        return Setting(quality, delay=delay)

    def config(self, header: bytes) -> bytes:
        """Return the record of the source, which holds for new pictures as well."""
        del header
        return self.film.config

    def sample(self, at: int, data: bytes) -> bytes:
        """Return the data."""
        del at
        return data


@dataclass(frozen=True, slots=True)
class Obus:
    """AV1: each picture that decoding can start at has a header of the stream before it, so that streams may follow.

    Attributes:
        source: The record of the source.
        noted: By place in the span, what the source says about the content.
        is_whole: Whether nothing of the source remains.
    """

    source: bytes
    noted: Sequence[Sequence[video_obu.Unit]]
    is_whole: bool

    def setting(self, quality: int, delay: int) -> Setting:
        """Return what the encoder must be told."""
        return Setting(quality, delay=delay)

    def config(self, header: bytes) -> bytes | None:
        """Return the record of the new stream, or the source's where it says the same of both."""
        try:
            new = video_config.av1(self.source, header)
        except ValueError as error:
            raise does_not_fit("video-parameter-sets", codec="av1") from error
        if self.is_whole:
            return new
        stated = video_config.AV1_STATED
        return self.source if new[:stated] == self.source[:stated] else None

    def sample(self, at: int, data: bytes) -> bytes:
        """Return the data with what the source says of the picture."""
        return video_obu.with_notes(data, self.noted[at])


@dataclass(frozen=True, slots=True)
class Units:
    """H.264 or H.265: x264 numbers its parameter sets as it is told, those of x265 are given their number here.

    Attributes:
        codec: Which of the two.
        source: The record of the source.
        kept: By place in the span, in the order of decoding, the units that survive.
        shown: By place in the span, in the order of presentation, the place in the order of decoding.
        number: Of the new parameter sets.
    """

    codec: Codec
    source: Config
    kept: Sequence[Sequence[bytes]]
    shown: NDArray[np.intp]
    number: int

    def setting(self, quality: int, delay: int) -> Setting:
        """Return what the encoder must be told."""
        return Setting(quality, self.number, self.source.profile, self.source.level, delay)

    def config(self, header: bytes) -> bytes:
        """Return the source's record with the new parameter sets behind its own."""
        units = self._units(header, KINDS[self.codec].sets)
        config = video_config.merged(self.source, units)
        if config is None or not all(self._has_number(unit) for unit in units):
            raise does_not_fit("video-parameter-sets", codec=self.codec)
        return config.record()

    def sample(self, at: int, data: bytes) -> bytes:
        """Return the slices of a picture, with the parameter sets and messages that the source has there.

        Parameter sets stand where they stood in the order of decoding; messages go with the picture they speak of.
        """
        kinds = KINDS[self.codec]
        sets = [unit for unit in self.kept[at] if kind_of(self.codec, unit) in kinds.sets]
        messages = [unit for unit in self.kept[self.shown[at]] if kind_of(self.codec, unit) in kinds.messages]
        slices = self._units(data, kinds.slices)
        before = [unit for unit in messages if kind_of(self.codec, unit) not in kinds.behind]
        behind = [unit for unit in messages if kind_of(self.codec, unit) in kinds.behind]
        units = [*sets, *before, *slices, *behind]
        if not slices or max(map(len, units)) >= 1 << 8 * self.source.width:
            raise does_not_fit("video-parameter-sets", codec=self.codec)
        return video_nal.join(units, self.source.width)

    def _has_number(self, unit: bytes) -> bool:
        own = video_nal.own_number(self.codec, kind_of(self.codec, unit), self.number)
        return video_nal.set_number(self.codec, unit) == own

    def _units(self, stream: bytes, wanted: frozenset[int]) -> list[bytes]:
        units = [unit for unit in video_nal.from_stream(stream) if kind_of(self.codec, unit) in wanted]
        try:
            return [video_nal.renumbered(unit, self.number) for unit in units] if self.codec == "hevc" else units
        except ValueError as error:
            raise does_not_fit("video-parameter-sets", codec=self.codec) from error


def check_samples(film: Film) -> None:
    """Refuse a film with a sample that no picture can be: cut off, overwritten, or never loaded.

    Of what is copied only the heads of units are read, since nothing of it is decoded.

    Raises:
        MalformedMedia: ``video-damaged``.
        NoticeDoesNotFit: ``video-samples-shared``: together they are longer than the file.
        OSError: Reading failed.
    """
    if int(film.sizes.sum()) > film.file.seek(0, os.SEEK_END):
        raise does_not_fit("video-samples-shared")
    if film.codec not in _NUMBERS:
        return
    width = video_config.parse("h264" if film.codec == "h264" else "hevc", film.config).width
    for offset, size in zip(film.offsets.tolist(), film.sizes.tolist(), strict=True):
        at, end = offset, offset + size
        while at < end:
            film.file.seek(at)
            length = int.from_bytes(film.file.read(width), "big")
            at += width + length
            if not length or at > end:
                raise MalformedMedia("video-damaged", offset=offset)


def packings(film: Film, spans: Sequence[Span]) -> list[Packing]:
    """Return for each span how its new pictures become samples.

    Raises:
        NoticeDoesNotFit: the encoder here does not write that profile, or a sample holds what it cannot.
        MalformedMedia: a sample breaks its form.
        OSError: Reading failed.
    """
    if film.codec == "av1":
        return [_obus(film, span) for span in spans]
    if film.codec not in _NUMBERS:
        return [Plain(film) for _ in spans]
    codec: Codec = "h264" if film.codec == "h264" else "hevc"
    source = video_config.parse(codec, film.config)
    if not video_codec.known_profile(codec, source.profile):
        raise does_not_fit("video-profile", codec=codec, profile=source.profile)
    kept = [[_kept(film, number, source) for number in range(*span)] for span in spans]
    inside = [unit for samples in kept for units in samples for unit in units]
    number = _free_number(source, [*inside, *_sets_elsewhere(film, source)])
    return [
        Units(codec, source, samples, order(film, span) - span.first, number)
        for span, samples in zip(spans, kept, strict=True)
    ]


def _obus(film: Film, span: Span) -> Obus:
    if len(film.config) < video_config.AV1_STATED:
        raise MalformedMedia("video-damaged", offset=int(film.offsets[span.first]))
    if video_obu.is_layered(film.sample(span.first)):
        raise does_not_fit("video-kind", name="several layers")
    noted = [video_obu.notes(film.sample(number)) for number in range(*span)]
    return Obus(film.config, noted, span == (0, film.count))


def _kept(film: Film, number: int, source: Config) -> list[bytes]:
    units, foreign = video_nal.kept(film.sample(number), source.width, source.codec)
    if foreign:
        raise does_not_fit("video-kind", name=foreign)
    return units


def _sets_elsewhere(film: Film, source: Config) -> Iterator[bytes]:
    """Yield the parameter sets that stand beside pictures that decoding can start at."""
    for number in np.flatnonzero(film.keys):
        film.file.seek(int(film.offsets[number]))
        start = film.file.read(min(int(film.sizes[number]), _BEFORE_SLICES))
        yield from video_nal.sets_before_slices(start, source.width, source.codec)


def _free_number(source: Config, units: Iterable[bytes]) -> int:
    """Return a number that no parameter set of the source has: one would take the other's place."""
    codec = source.codec
    kinds = KINDS[codec].sets
    inside = {(kind, video_nal.set_number(codec, unit)) for unit in units if (kind := kind_of(codec, unit)) in kinds}
    used = source.numbers() | inside
    for number in _NUMBERS[codec]:
        if not any((kind, video_nal.own_number(codec, kind, number)) in used for kind in kinds):
            return number
    raise does_not_fit("video-parameter-sets", codec=codec)
