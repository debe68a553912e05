"""What a decoder must know first, of the source and of the new pictures together: ``avcC`` and ``hvcC`` records.

Two sample entries would say the same, but players exist that leave out a track with two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from provenance.errors import MalformedMedia
from provenance.formats.bmff import Fields
from provenance.notices import video_nal
from provenance.notices.video_nal import Bits, Codec

_AVC_SETS: Final = 5  # bytes before the parameter sets of avcC; those of hvcC are behind 22
_HEVC_SETS: Final = 22
_SPS, _PPS = 7, 8
_MOST_AVC_SPS: Final = 31
_LEVEL_OF_HEVC: Final = 12
_SEQUENCE_HEADER: Final = 0x0A  # head of the unit, with its size behind it (AV1 specification, 5.3.2)
_LAST_WITHOUT_TIER: Final = 7
AV1_STATED: Final = 4
"""Bytes of an ``av1C`` record in which it says what kind of stream it is; the units behind them are optional."""


@dataclass(frozen=True, slots=True)
class Config:
    """A record, apart.

    Attributes:
        codec: Which of the two.
        head: What stands before the parameter sets.
        sets: The parameter sets, by their unit type and in their order.
        marks: Of hvcC, the first byte of each array.
        rest: What stands behind them.
    """

    codec: Codec
    head: bytes
    sets: tuple[tuple[int, tuple[bytes, ...]], ...]
    marks: tuple[int, ...]
    rest: bytes

    @property
    def width(self) -> int:
        """Bytes of the length before each unit of a sample."""
        return (self.head[4 if self.codec == "h264" else 21] & 3) + 1

    @property
    def profile(self) -> int:
        """The profile, in the numbers of the standard."""
        return self.head[1] if self.codec == "h264" else self.head[1] & 31

    @property
    def level(self) -> int:
        """The level, in the numbers of the standard."""
        return self.head[3] if self.codec == "h264" else self.head[_LEVEL_OF_HEVC]

    def numbers(self) -> set[tuple[int, int]]:
        """Return type and number of each parameter set."""
        return {(kind, video_nal.set_number(self.codec, unit)) for kind, units in self.sets for unit in units}

    def record(self) -> bytes:
        """Return the bytes of the record."""
        if self.codec == "hevc":
            arrays = b"".join(
                bytes([mark]) + len(units).to_bytes(2, "big") + _lengthened(units)
                for mark, (_, units) in zip(self.marks, self.sets, strict=True)
            )
            return self.head + bytes([len(self.sets)]) + arrays + self.rest
        (_, sps), (_, pps) = self.sets
        return (
            self.head + bytes([0xE0 | len(sps)]) + _lengthened(sps) + bytes([len(pps)]) + _lengthened(pps) + self.rest
        )


def parse(codec: Codec, data: bytes) -> Config:
    """Return a record, apart.

    Raises:
        MalformedMedia: ``bmff-damaged``, or ``video-damaged``: it is of a form that nobody knows.
    """
    fields = Fields(data, 0)
    head = fields.raw(_AVC_SETS if codec == "h264" else _HEVC_SETS)
    if head[0] != 1:
        raise MalformedMedia("video-damaged", offset=0)
    marks, sets = [], []
    if codec == "h264":
        for kind, count in ((_SPS, fields.number(1) & 31), (_PPS, None)):
            sets.append((kind, _units(fields, fields.number(1) if count is None else count, codec)))
    else:
        for _ in range(fields.number(1)):
            marks.append(fields.number(1))
            sets.append((marks[-1] & 63, _units(fields, fields.number(2), codec)))
    return Config(codec, head, tuple(sets), tuple(marks), fields.raw(fields.left))


def merged(source: Config, units: Sequence[bytes]) -> Config | None:
    """Return a record with more parameter sets, behind its own; None if it has no room for them."""
    new: dict[int, tuple[bytes, ...]] = {}
    for unit in units:
        kind = video_nal.kind_of(source.codec, unit)
        new[kind] = (*new.get(kind, ()), unit)
    sets = [(kind, own + new.pop(kind, ())) for kind, own in source.sets]
    if source.codec == "h264":
        return replace(source, sets=tuple(sets)) if len(sets[0][1]) <= _MOST_AVC_SPS and not new else None
    # An array of a kind that was not there is not marked as complete.
    level = max([source.level, *(video_nal.level_of(unit) for unit in units if video_nal.is_sps(unit))])
    head = source.head[:_LEVEL_OF_HEVC] + bytes([level]) + source.head[_LEVEL_OF_HEVC + 1 :]
    return replace(source, head=head, sets=(*sets, *new.items()), marks=(*source.marks, *new))


def av1(source: bytes, header: bytes) -> bytes:
    """Return an ``av1C`` record with another sequence header (AV1 Codec ISO Media File Format Binding, 2.3.3).

    Raises:
        ValueError: the header is of a form that the encoder here does not write.
    """
    at = header.find(bytes([_SEQUENCE_HEADER])) + 1
    while at and header[at] & 0x80:
        at += 1
    bits = Bits(header[at + 1 :])
    profile, _, reduced = bits.bits(3), bits.bits(1), bits.bits(1)
    if not at or reduced or bits.bits(1):
        raise ValueError(at)
    level = bits.skip(1 + 5 + 12).bits(5)
    tier = bits.bits(1) if level > _LAST_WITHOUT_TIER else 0
    return bytes([source[0], profile << 5 | level, tier << 7 | source[2] & 0x7F, source[3]]) + header[at - 1 :]


def _units(fields: Fields, count: int, codec: Codec) -> tuple[bytes, ...]:
    units = tuple(fields.raw(fields.number(2)) for _ in range(count))
    if any(len(unit) <= video_nal.KINDS[codec].head for unit in units):
        raise MalformedMedia("video-damaged", offset=fields.offset)
    return units


def _lengthened(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
