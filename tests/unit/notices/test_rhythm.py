"""The rhythm is found where it is, whatever coded it, and nowhere else."""

import itertools

import numpy as np
import pytest

from provenance.catalog.edition import Catalog
from provenance.notices import rhythm
from provenance.notices.rhythm import RATE, find, sound

from .conftest import FULL_PROOF
from .sounds import music, noise, talk

MORSE = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
        ],
        strict=True,
    )
)
SILENCE = np.zeros(RATE)


def keyed(word: str, *, unit: float = 0.1, tone: float = 800.0, gap: int = 2) -> np.ndarray:
    """Return Morse code, made otherwise than the package makes it."""
    cells = []
    for letter in word:
        for sign in MORSE[letter]:
            cells += [1] * (1 if sign == "." else 3) + [0]
        cells += [0] * gap
    gate = np.convolve(np.repeat(np.array(cells, float), round(unit * RATE)), np.ones(40) / 40, "same")
    return 0.1 * gate * np.sin(2 * np.pi * tone * np.arange(len(gate)) / RATE)


def heard(*parts: np.ndarray):
    return find(np.concatenate(parts).astype(np.float32))


def test_it_is_the_rhythm_of_the_edition_and_lasts_eleven_units():
    assert Catalog.packaged().kinds["ai-generated"].notice.rhythm == rhythm.TEXT
    assert pytest.approx(1.1) == rhythm.LENGTH
    made = sound(RATE)
    assert len(made) == round(rhythm.LENGTH * RATE)
    units = np.abs(made).reshape(11, -1)[:, 200:600].max(axis=1) > 0.5
    assert "".join("#" if each else "." for each in units) == "#.###...#.#"


def test_its_effective_value_is_one_while_it_sounds_and_it_starts_and_ends_softly():
    made = sound(44_100)
    dash = made[round(0.25 * 44_100) : round(0.45 * 44_100)]
    assert np.sqrt(np.mean(dash**2)) == pytest.approx(1, abs=0.01)
    assert abs(made[0]) < 0.01
    assert np.abs(np.diff(made)).max() < 0.2  # no click: no step larger than those of the tone itself


@pytest.mark.parametrize("before", [0.0, 0.3, 1.234, 7.0])
def test_it_is_found_where_it_is_and_sounds_alone(before):
    found = heard(np.zeros(round(before * RATE)), 0.1 * sound(RATE), np.zeros(900))
    assert found.start == pytest.approx(before, abs=0.03)
    assert found.clear
    assert not found.over_content


def test_another_maker_s_morse_code_is_found_too():
    assert heard(SILENCE, keyed("AI"), SILENCE).start == pytest.approx(1.0, abs=0.03)


def test_no_other_letter_and_no_longer_word_is_taken_for_it():
    near = MORSE if FULL_PROOF else "AIEL"
    words = [*MORSE, *(first + second for first, second in itertools.product(MORSE, near))]
    words += ["AIR", "HAI", "SAID", "MAIN", "AIAI", "EAI", "AIE"]
    assert [word for word in words if heard(SILENCE, keyed(word), SILENCE)] == ["AI"]


def test_without_the_gap_between_its_letters_it_is_another_letter():
    assert heard(SILENCE, keyed("AI", gap=0), SILENCE) is None


@pytest.mark.parametrize(("unit", "tone"), [(0.05, 800), (0.15, 800), (0.1, 600), (0.1, 1000)])
def test_another_speed_or_tone_is_not_it(unit, tone):
    assert heard(SILENCE, keyed("AI", unit=unit, tone=tone), SILENCE) is None


def test_telephone_tones_are_not_it():
    time = np.arange(10 * RATE) / RATE
    tones = {"dial": (425,), "eight": (852, 1336), "at its pitch": (800,)}
    patterns = ((0.35, 0.35), (0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (0.1, 0.9), (1, 4), (1, 0))
    for (name, parts), (on, off) in itertools.product(tones.items(), patterns):
        gate = time % (on + off) < on
        assert find((0.1 * gate * sum(np.sin(2 * np.pi * part * time) for part in parts)).astype(np.float32)) is None, (
            name
        )


@pytest.mark.parametrize("seed", range(8 if FULL_PROOF else 2))
def test_music_speech_and_noise_are_not_it(seed):
    for made in (music(20, seed, RATE), talk(20, seed, RATE), noise(20, seed, RATE)):
        assert heard(made) is None


def test_over_content_it_is_found_and_said_to_be_so():
    content = noise(4, 1, RATE, level=0.02)
    content[RATE : RATE + len(sound(RATE))] += 0.1 * sound(RATE)
    found = heard(content)
    assert found.over_content
    assert found.clear


def test_where_the_content_is_as_loud_it_is_not_clear():
    content = noise(4, 1, RATE, level=0.1)
    content[RATE : RATE + len(sound(RATE))] += 0.1 * sound(RATE)
    found = heard(content)
    assert found.over_content
    assert not found.clear


def test_what_cannot_be_heard_is_not_found():
    assert heard(SILENCE, 0.0005 * sound(RATE), SILENCE) is None


@pytest.mark.parametrize("length", [0, 1, 500, 4000])
def test_what_is_too_short_is_not_it(length):
    assert find(np.zeros(length, np.float32)) is None
