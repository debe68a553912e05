"""Heads of frames of MPEG sound, layers II and III.

Sources: ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3; ISO/IEC 13818-3, 2.4.2.3, for the lower sampling rates.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

HEAD: Final = 4
"""Bytes of a head."""
SYNC: Final = re.compile(rb"\xff[\xe2-\xff]")
"""How a head begins."""

# Of MPEG-1, then of MPEG-2 and 2.5; by generation and layer.
_RATES: Final = {
    each: dict(enumerate(rates, 1))
    for each, rates in {
        (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
        (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
        (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
        (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    }.items()
}  # kilobits a second
_SAMPLES: Final = {(1, 3): 1152, (1, 2): 1152, (2, 3): 576, (2, 2): 1152}  # in a frame
_FREQUENCIES: Final = (44100, 48000, 32000)
_VERSIONS: Final = {3: (1, 1), 2: (2, 2), 0: (2, 4)}  # generation, and what divides the frequencies
_LAYERS: Final = {1: 3, 2: 2}  # the first layer is in no file of these names; none at all is AAC
_SAME: Final = 0xFE  # all of the second byte but whether there is a checksum
_ONE_CHANNEL: Final = 3


class Head(NamedTuple):
    """What the head of a frame says.

    Attributes:
        generation: 1, or 2 for the lower sampling rates.
        layer: 2 or 3.
        bit_rate: Bits a second.
        rate: Samples a second.
        channels: 1 or 2.
        samples: In this frame, of each channel.
        length: Of the frame, in bytes.
        has_checksum: Whether one of two bytes follows the head.
    """

    generation: int
    layer: int
    bit_rate: int
    rate: int
    channels: int
    samples: int
    length: int
    has_checksum: bool

    @property
    def side_size(self) -> int:
        """Bytes that say how the frame's sound is coded (layer III)."""
        return {(1, 1): 17, (1, 2): 32, (2, 1): 9, (2, 2): 17}[self.generation, self.channels]


def head_of(data: bytes) -> Head | None:
    """Return what four bytes say; None if no frame starts so, or one of a free rate, which tells no length."""
    if len(data) < HEAD or SYNC.match(data) is None:
        return None
    version, layer = _VERSIONS.get(data[1] >> 3 & 3), _LAYERS.get(data[1] >> 1 & 3)
    rate, frequency = data[2] >> 4, data[2] >> 2 & 3
    if version is None or layer is None or frequency == len(_FREQUENCIES):
        return None
    generation, divisor = version
    bits = _RATES[generation, layer].get(rate)
    if bits is None:
        return None
    samples = _SAMPLES[generation, layer]
    length = samples // 8 * bits * 1000 * divisor // _FREQUENCIES[frequency] + (data[2] >> 1 & 1)
    channels = 1 if data[3] >> 6 == _ONE_CHANNEL else 2
    sample_rate = _FREQUENCIES[frequency] // divisor
    return Head(generation, layer, bits * 1000, sample_rate, channels, samples, length, not data[1] & 1)


def bit_rates(generation: int, layer: int) -> list[int]:
    """Return the bits a second that frames may have, from the lowest to the highest."""
    return [bits * 1000 for bits in _RATES[generation, layer].values()]


def go_together(one: bytes, other: bytes) -> bool:
    """Say whether two heads have one version and one layer, as all frames of a file do."""
    return (one[1] ^ other[1]) & _SAME == 0
