"""The rhythm that says "AI" in sound: 短长 短短, made and found again.

GB 45438-2025, 5.3 c, asks for Morse code of ``A`` and ``I`` with the gap between letters; without it the code says
``L``. It names neither tone nor length: a dot is 100 ms, a dash three of them, and so is the gap (ITU-R M.1677, 2).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Mono = NDArray[np.float32]
Levels = NDArray[np.float64]

TEXT: Final = "短长 短短"
"""How a notice writes it."""
UNIT: Final = 0.1
"""Seconds of a dot, and of the gap behind a sign of a letter."""
TONE: Final = 800.0
"""Hertz: above the hum and the ground tones of voices, below what coders at low rates leave out."""
RATE: Final = 8_000
"""Samples a second that `find` takes."""
AROUND: Final = 0.5
"""Seconds of silence that belong to it: more than the gap between letters, else it would be part of a longer word."""

_SIGNS: Final = {"短": "=.", "长": "===.", " ": ".."}
_CELLS: Final = "".join(_SIGNS[sign] for sign in TEXT).rstrip(".")  # one a unit: sounding or not
LENGTH: Final = len(_CELLS) * UNIT
"""Seconds from its first sound to its last one."""
_EDGE: Final = 0.008  # seconds in which the tone comes and goes: no click

_HOP: Final = round(RATE * 0.01)
_WINDOW: Final = 4 * _HOP
_PER_UNIT: Final = round(UNIT * RATE / _HOP)
_RIM: Final = 3  # hops at a border that hear both sides of it
_QUIET: Final = 4  # cells before and behind that must be silent: the gap between letters has three
_BESIDE: Final = (-150.0, 150.0)  # hertz: where a tone does not sound, but noise does
_FLOOR: Final = 1e-9  # power of what is taken for silence, -90 dBFS
_LEAST_LEVEL: Final = 1e-6  # power of what can be heard, -60 dBFS
_MARGIN: Final = 10**0.8  # by which each sound exceeds each gap in power: 8 dB
_SPREAD: Final = 10**0.6  # by which sounds may differ
_PURITY: Final = 10**0.5  # by which the tone exceeds what is beside it in pitch
_CLEAR: Final = 10**0.3  # by which it exceeds all else that sounds
_OVER: Final = 0.01  # of its power that sounds beside it, from which on content does: 20 dB below


class Heard(NamedTuple):
    """A rhythm that was found.

    Attributes:
        start: Of its first sound, in seconds.
        clear: Whether it is stronger than all else that sounds meanwhile.
        over_content: Whether something else does.
    """

    start: float
    clear: bool
    over_content: bool


def sound(rate: int) -> Mono:
    """Return the rhythm at `rate` samples a second; while it sounds its effective value is 1."""
    unit = round(rate * UNIT)
    gate = np.repeat(np.array([cell == "=" for cell in _CELLS], np.float64), unit)
    edge = np.hanning(2 * round(rate * _EDGE) + 1)
    soft = np.convolve(gate, edge / edge.sum(), "same")
    return np.asarray(np.sqrt(2) * np.sin(2 * np.pi * TONE / rate * np.arange(len(soft))) * soft, np.float32)


def find(heard: Mono) -> Heard | None:
    """Return the strongest rhythm in `heard`, mono at `RATE`; None if there is none.

    What is before and behind counts as silent, so it is found at either end too. The first of equally strong ones
    is returned.
    """
    quiet = np.zeros(round(_QUIET * UNIT * RATE) + _WINDOW, np.float32)
    samples = np.concatenate((quiet, heard, quiet))
    tone, beside, rest = _powers(samples)
    hops = _inner_hops()
    last = len(tone) - (len(_CELLS) + _QUIET) * _PER_UNIT
    starts = np.arange(_QUIET * _PER_UNIT, max(last, _QUIET * _PER_UNIT) + 1)
    if last < starts[0]:
        return None
    score, level = _scores(tone, beside, starts, hops)
    top = int(np.argmax(score))
    if score[top] < 1:
        return None
    near = np.arange(max(0, top - _RIM), min(len(score), top + _RIM + 1))
    best = int(np.median(near[score[near] >= min(1.0, score[top])]))
    within = [each for each in hops if 0 <= each.first < len(_CELLS) * _PER_UNIT]
    others = float(np.mean([_mean(_sums(rest), starts[best : best + 1], each) for each in within]))
    at = (starts[best] * _HOP + _WINDOW / 2 - len(quiet)) / RATE
    return Heard(max(0.0, float(at)), float(level[best]) > _CLEAR * others, others > _OVER * float(level[best]))


def _powers(samples: Mono) -> tuple[Levels, Levels, Levels]:
    """Return for every hop the power of the tone, the higher one of what is beside it in pitch, and of all else."""
    shape = np.hanning(_WINDOW + 2)[1:-1]
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    times = np.arange(_WINDOW) / RATE

    def at(frequency: float) -> Levels:
        probe = shape * np.exp(-2j * np.pi * frequency * times)
        return np.asarray(2 * np.abs(windows @ probe) ** 2 / shape.sum() ** 2, np.float64)

    tone = at(TONE)
    beside = np.maximum(*(at(TONE + offset) for offset in _BESIDE))
    whole = (windows.astype(np.float64) ** 2) @ shape**2 / (shape**2).sum()
    return np.maximum(tone, _FLOOR), beside, np.maximum(whole - tone, _FLOOR)


class _Hops(NamedTuple):
    """What of a cell is far enough from where sound and silence change, in hops from the start of the rhythm."""

    first: int
    last: int
    sounds: bool


def _inner_hops() -> list[_Hops]:
    cells = "." * _QUIET + _CELLS + "." * _QUIET
    changes = [before != behind for before, behind in itertools.pairwise(cells)]
    rims = [0, *(_RIM * change for change in changes), 0]
    found = []
    for number, cell in enumerate(cells):
        begin = (number - _QUIET) * _PER_UNIT
        found.append(_Hops(begin + rims[number], begin + _PER_UNIT - rims[number + 1], cell == "="))
    return found


def _scores(tone: Levels, beside: Levels, starts: NDArray[np.int64], hops: Sequence[_Hops]) -> tuple[Levels, Levels]:
    """Return for every start how near what sounds there is to the rhythm, 1 and more if it is it, and its level."""
    tones, others = _sums(tone), _sums(beside)
    on = [_mean(tones, starts, each) for each in hops if each.sounds]
    near = [_mean(others, starts, each) for each in hops if each.sounds]
    off = [_mean(tones, starts, each) for each in hops if not each.sounds]
    weakest, strongest = np.min(on, axis=0), np.max(on, axis=0)
    conditions = (
        weakest / np.max(off, axis=0) / _MARGIN,
        _SPREAD * weakest / strongest,
        np.min(np.divide(on, np.maximum(near, _FLOOR)), axis=0) / _PURITY,
        weakest / _LEAST_LEVEL,
    )
    return np.min(conditions, axis=0), np.mean(on, axis=0)


def _sums(values: Levels) -> Levels:
    return np.concatenate(([0.0], np.cumsum(values)))


def _mean(sums: Levels, starts: NDArray[np.int64], hops: _Hops) -> Levels:
    ends = np.minimum(starts + hops.last, len(sums) - 1)
    return np.asarray((sums[ends] - sums[starts + hops.first]) / (hops.last - hops.first), np.float64)
