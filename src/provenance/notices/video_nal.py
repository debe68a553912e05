"""NAL units of H.264 and H.265: cut out of samples, kept or renumbered, and put together again.

Sources: ITU-T H.264, 7.3 and Annex D; ITU-T H.265, 7.3 and Annex D; ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1.

Two encoders' pictures stand in one stream here. Each refers to its parameter sets by number, so the new ones get
numbers that the source does not use, and a decoder is given both from the start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from provenance.errors import MalformedMedia

Codec = Literal["h264", "hevc"]

_VPS, _SPS, _PPS = 32, 33, 34
_PPS_BEYOND: Final = 15
_FIRST_IRAP: Final = 16  # of the types of pictures that decoding can start at
_START_CODE: Final = re.compile(rb"\x00\x00\x01")
_EMULATED: Final = re.compile(rb"\x00\x00\x03(?=[\x00-\x03]|\Z)")
_MUST_ESCAPE: Final = re.compile(rb"\x00\x00(?=[\x00-\x03])")
# What says something of a picture's content, whoever encoded it: captions and brightness (4), what the camera noted
# (5), how to show it (45, 47), mastering and its light (137, 144, 147 to 149). Other messages speak of the bit stream.
_KEPT_MESSAGES: Final = frozenset({4, 5, 45, 47, 137, 144, 147, 148, 149})


# What a sample may hold beside its picture, by unit type.
_FOREIGN: Final[dict[str, dict[int, str]]] = {
    "h264": {
        **dict.fromkeys((2, 3, 4), "data partitioning"),
        **dict.fromkeys((14, 15, 20), "several layers"),
        19: "alpha",
    },
    "hevc": {-1: "several layers", 62: "Dolby Vision", 63: "Dolby Vision"},
}


@dataclass(frozen=True, slots=True)
class Kinds:
    """The unit types of one coding.

    Attributes:
        idr: Pictures that nothing behind them refers across.
        slices: Coded parts of pictures.
        sets: Parameter sets.
        messages: Supplemental information.
        behind: Those of them that stand behind the picture.
        passed: What says nothing of its own: delimiters, fillers, ends.
        head: Bytes of a unit's head.
    """

    idr: frozenset[int]
    slices: frozenset[int]
    sets: frozenset[int]
    messages: frozenset[int]
    behind: frozenset[int]
    passed: frozenset[int]
    head: int


KINDS: Final[dict[str, Kinds]] = {
    "h264": Kinds(
        idr=frozenset({5}),
        slices=frozenset({1, 5}),
        sets=frozenset({7, 8}),
        messages=frozenset({6}),
        behind=frozenset(),
        passed=frozenset({9, 10, 11, 12}),
        head=1,
    ),
    "hevc": Kinds(
        idr=frozenset({19, 20}),
        slices=frozenset({*range(10), *range(16, 22)}),
        sets=frozenset({_VPS, _SPS, _PPS}),
        messages=frozenset({39, 40}),
        behind=frozenset({40}),
        passed=frozenset({35, 36, 37, 38}),
        head=2,
    ),
}


def kind_of(codec: Codec, unit: bytes) -> int:
    """Return the type of a unit; -1 for one of another layer, which nobody here can draw on."""
    if codec == "h264":
        return unit[0] & 31
    other_layer = unit[0] & 1 or unit[1] >> 3
    return -1 if other_layer else unit[0] >> 1 & 63


def split(sample: bytes, width: int, codec: Codec) -> list[bytes]:
    """Return the units of a sample, each after its length in `width` bytes.

    Raises:
        MalformedMedia: ``video-damaged``: a length leaves the sample.
    """
    units = []
    at = 0
    while at < len(sample):
        start = at + width
        at = start + int.from_bytes(sample[start - width : start], "big")
        if at > len(sample) or start > len(sample):
            raise MalformedMedia("video-damaged", offset=0)
        if at - start >= KINDS[codec].head:
            units.append(sample[start:at])
    return units


def join(units: Iterable[bytes], width: int) -> bytes:
    """Return units as a sample; `width` is 4 where nothing forbids it."""
    return b"".join(len(unit).to_bytes(width, "big") + unit for unit in units)


def from_stream(data: bytes) -> list[bytes]:
    """Return the units of a byte stream with start codes (Annex B)."""
    starts = [match.end() for match in _START_CODE.finditer(data)]
    ends = [*(start - 3 for start in starts[1:]), len(data)]
    return [data[start:end].rstrip(b"\0") for start, end in zip(starts, ends, strict=False)]


def kept(sample: bytes, width: int, codec: Codec) -> tuple[list[bytes], str | None]:
    """Return what of a sample must survive that its picture is encoded anew, and the name of what could not, if any.

    What survives are its parameter sets, which later pictures may need, and messages about the content.
    """
    kinds = KINDS[codec]
    found = []
    for unit in split(sample, width, codec):
        kind = kind_of(codec, unit)
        if kind in kinds.sets:
            found.append(unit)
        elif kind in kinds.messages:
            found += _kept_messages(unit, kinds.head)
        elif kind not in kinds.slices and kind not in kinds.passed:
            return [], _FOREIGN[codec].get(kind, f"NAL {kind}")
    return found, None


def sets_before_slices(start: bytes, width: int, codec: Codec) -> list[bytes]:
    """Return the parameter sets that stand before the slices of a sample, given its first bytes."""
    found = []
    at = 0
    while at + width < len(start):
        end = at + width + int.from_bytes(start[at : at + width], "big")
        unit = start[at + width : end]
        kind = kind_of(codec, unit) if len(unit) > KINDS[codec].head else None
        if kind in KINDS[codec].sets:
            found.append(unit)
        elif kind in KINDS[codec].slices:
            break
        at = end
    return found


def is_idr(sample: bytes, width: int, codec: Codec) -> bool:
    """Say whether a sample is a picture that decoding can start at without any other before it.

    Raises:
        MalformedMedia: See `split`.
    """
    kinds = KINDS[codec]
    slices = [kind for unit in split(sample, width, codec) if (kind := kind_of(codec, unit)) in kinds.slices]
    return bool(slices) and set(slices) <= kinds.idr


def _kept_messages(unit: bytes, head: int) -> Iterator[bytes]:
    body = _plain(unit[head:])
    found = bytearray()
    at = 0
    while at < len(body) - 1:
        start = at
        at, kind = _number_at(body, at)
        at, size = _number_at(body, at)
        at += size
        if at >= len(body):
            break  # the last byte is none of a message: this one is cut off
        if kind in _KEPT_MESSAGES:
            found += body[start:at]
    if found:
        yield unit[:head] + _escaped(bytes(found) + b"\x80")


def _number_at(body: bytes, at: int) -> tuple[int, int]:
    """Return what follows a number of a message, and the number: bytes of 255 and one more (H.264, 7.3.2.3.1)."""
    value = 0
    while at < len(body) and body[at] == 0xFF:  # noqa: PLR2004 -- as the standard writes it
        value += 0xFF
        at += 1
    return (at + 1, value + body[at]) if at < len(body) else (at, value)


def _plain(data: bytes) -> bytes:
    return _EMULATED.sub(b"\0\0", data)


def _escaped(data: bytes) -> bytes:
    return _MUST_ESCAPE.sub(b"\0\0\3", data)


def set_number(codec: Codec, unit: bytes) -> int:
    """Return the number of a parameter set.

    Raises:
        MalformedMedia: ``video-damaged``: it is empty.
    """
    if len(unit) <= KINDS[codec].head:
        raise MalformedMedia("video-damaged", offset=0)
    kind = kind_of(codec, unit)
    if kind == _VPS and codec == "hevc":
        return unit[2] >> 4
    if kind == _SPS and codec == "hevc":
        return Bits(_plain(unit[2:])).skip(_before_number(unit)).golomb()
    return Bits(_plain(unit[4 if codec == "h264" and kind == 7 else KINDS[codec].head :])).golomb()  # noqa: PLR2004


def _before_number(sps: bytes) -> int:
    """Return the bits before the number of an H.265 sequence parameter set (7.3.2.2.1, 7.3.3)."""
    layers = sps[2] >> 1 & 7
    bits = 8 + 96
    if layers:
        flags = Bits(_plain(sps[2:])).skip(bits)
        present = [(flags.bits(1), flags.bits(1)) for _ in range(layers)]
        bits += 16 + sum(88 * profile + 8 * level for profile, level in present)
    return bits


def own_number(codec: Codec, kind: int, number: int) -> int:
    """Return the number of a new parameter set of a type, for one number of all of them; see `renumbered`."""
    return number + _PPS_BEYOND if codec == "hevc" and kind == _PPS else number


def renumbered(unit: bytes, number: int) -> bytes:
    """Return a unit of H.265 whose parameter sets have `number`, and no longer 0, which x265 always gives them.

    That is 1 to 15, and 15 more for picture parameter sets: in a slice, theirs takes nine bits instead of one, so that
    whatever follows moves by a whole byte and stays as it is.

    Raises:
        ValueError: the unit does not refer to parameter set 0.
    """
    kind = kind_of("hevc", unit)
    body = _plain(unit[2:])
    if kind == _VPS:
        return unit[:2] + _escaped(bytes([number << 4 | body[0] & 15]) + body[1:])
    bits = f"{int.from_bytes(body, 'big'):0{len(body) * 8}b}"
    if kind == _SPS:
        at = _before_number(unit)
        bits = f"{number:04b}" + bits[4:at] + _without_zero(bits, at, number)
    elif kind == _PPS:
        bits = _golomb(number + _PPS_BEYOND) + _without_zero(bits[1:] if bits[0] == "1" else "", 0, number)
    else:
        return unit[:2] + _escaped(_slice(body, 2 if kind >= _FIRST_IRAP else 1, number + _PPS_BEYOND))
    # The end of a set is marked by a one, and zeros up to a whole byte.
    bits = bits.rstrip("0")
    bits += "0" * (-len(bits) % 8)
    return unit[:2] + _escaped(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _without_zero(bits: str, at: int, number: int) -> str:
    if bits[at : at + 1] != "1":
        raise ValueError(at)
    return _golomb(number) + bits[at + 1 :]


def _golomb(number: int) -> str:
    text = f"{number + 1:b}"
    return "0" * (len(text) - 1) + text


def _slice(body: bytes, before: int, number: int) -> bytes:
    bits = f"{body[0]:08b}"
    return int(bits[:before] + _without_zero(bits, before, number), 2).to_bytes(2, "big") + body[1:]


def is_sps(unit: bytes) -> bool:
    """Say whether a unit of H.265 is a sequence parameter set."""
    return kind_of("hevc", unit) == _SPS


def level_of(sps: bytes) -> int:
    """Return the level in a sequence parameter set of H.265 (7.3.3)."""
    return _plain(sps[2:])[12]


class Bits:
    """Reads bits; behind the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        """Take the bytes."""
        self._value = int.from_bytes(data, "big")
        self._size = len(data) * 8
        self.at = 0

    def skip(self, count: int) -> Bits:
        """Pass over some bits."""
        self.at += count
        return self

    def bits(self, count: int) -> int:
        """Return the number in some bits."""
        self.at += count
        left = self._size - self.at
        return (self._value >> left if left >= 0 else self._value << -left) & (1 << count) - 1

    def golomb(self) -> int:
        """Return an unsigned number in exponential Golomb code (H.264, 9.1)."""
        zeros = 0
        while zeros < 32 and not self.bits(1):  # noqa: PLR2004 -- no number there is longer
            zeros += 1
        return (1 << zeros) - 1 + self.bits(zeros)
