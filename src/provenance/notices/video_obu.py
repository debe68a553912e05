"""Open bitstream units of AV1: cut out of samples, and put into new ones (AV1 bitstream specification, 5.3 to 5.10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from provenance.errors import MalformedMedia

_SEQUENCE_HEADER, _DELIMITER, _FRAME_HEADER, _METADATA, _FRAME, _REPEATED_HEADER = 1, 2, 3, 5, 6, 7
_PICTURES: Final = frozenset({_FRAME_HEADER, _FRAME, _REPEATED_HEADER})
_HAS_EXTENSION, _HAS_SIZE = 4, 2
_MOST_SIZE_BYTES: Final = 8


class Unit(NamedTuple):
    """A unit: its type, what it holds, and whether it belongs to one of several layers."""

    kind: int
    body: bytes
    layered: bool


def split(sample: bytes) -> Iterator[Unit]:
    """Yield the units of a sample.

    Raises:
        MalformedMedia: ``video-damaged``: a length leaves the sample.
    """
    at = 0
    while at < len(sample):
        head = sample[at]
        at += 1
        layered = bool(head & _HAS_EXTENSION)
        at += layered
        size = len(sample) - at
        if head & _HAS_SIZE:
            size, at = _number(sample, at)
        if head & 0x80 or size < 0 or at + size > len(sample):
            raise MalformedMedia("video-damaged", offset=0)
        yield Unit(head >> 3 & 15, sample[at : at + size], layered)
        at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the least first, and what is behind it (4.10.5)."""
    value = 0
    for place in range(_MOST_SIZE_BYTES):
        if at + place >= len(data):
            break
        value |= (data[at + place] & 0x7F) << 7 * place
        if not data[at + place] & 0x80:
            return value, at + place + 1
    raise MalformedMedia("video-damaged", offset=at)


def join(units: Iterable[Unit]) -> bytes:
    """Return units of one layer as a sample, each with its size."""
    return b"".join(bytes([unit.kind << 3 | _HAS_SIZE]) + _sized(len(unit.body)) + unit.body for unit in units)


def _sized(number: int) -> bytes:
    pieces = []
    while number > 0x7F:  # noqa: PLR2004 -- seven bits
        pieces.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*pieces, number])


def starts_anew(sample: bytes) -> bool:
    """Say whether a sample states all that a decoder must know, and its first picture is shown and needs no other.

    Raises:
        MalformedMedia: see `split`.
    """
    units = list(split(sample))
    kinds = [unit.kind for unit in units]
    first = next((unit.body for unit in units if unit.kind in _PICTURES), b"")
    if not first or _SEQUENCE_HEADER not in kinds[: next(at for at, kind in enumerate(kinds) if kind in _PICTURES)]:
        return False
    # show_existing_frame is 0, frame_type KEY_FRAME, show_frame 1 (5.9.2).
    return first[0] >> 4 == 1


def notes(sample: bytes) -> list[Unit]:
    """Return what a sample says about the content, such as its brightness, whoever encoded it (5.8).

    Raises:
        MalformedMedia: see `split`.
    """
    return [unit for unit in split(sample) if unit.kind == _METADATA]


def is_layered(sample: bytes) -> bool:
    """Say whether a sample holds several layers, of which players show one.

    Raises:
        MalformedMedia: see `split`.
    """
    return any(unit.layered for unit in split(sample))


def with_notes(data: bytes, noted: Iterable[Unit]) -> bytes:
    """Return a new sample with the notes of the old one before its picture, and without a mark of its start.

    Containers leave that mark out (AV1 Codec ISO Media File Format Binding, 2.4).
    """
    units = [unit for unit in split(data) if unit.kind != _DELIMITER]
    place = next((at for at, unit in enumerate(units) if unit.kind in _PICTURES), len(units))
    return join([*units[:place], *noted, *units[place:]])
