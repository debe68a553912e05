"""Films changed at random are drawn on as they should, or refused by our errors: nothing else, and nothing is left.

`PROVENANCE_PROOF=full` tries a thousand; each is made from its number alone.
"""

import random

import pytest

from provenance.errors import ProvenanceError
from provenance.notices import layout
from provenance.notices.video import draw_video, probe, video_drawable

from .conftest import FULL_PROOF
from .films import Films

pytest.importorskip("av")

SECONDS = 3
TEXTS = (("ai-generated", "AI生成"),)
NAMES = ("h264", "h264-matroska", "hevc", "vp9", "av1")
MUTANTS = 1000 if FULL_PROOF else 20
INDEX = 900  # bytes; where a segment says what it holds


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"), seconds=SECONDS)


def index_of(data):
    """Return from where up to where a film says how its pictures lie."""
    if data[4:8] != b"ftyp":
        return 0, INDEX
    start = data.rindex(b"moov") - 4
    return start, start + int.from_bytes(data[start : start + 4], "big")


def bytes_of_index(chance, data, start, end):
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        data[chance.randrange(start, end)] = chance.randrange(256)


def number(chance, data, start, end):
    width = chance.choice([1, 2, 4, 8])
    at = chance.randrange(start, end - width)
    values = (0, (1 << 8 * width) - 1, 1 << 8 * width - 1, 1, chance.getrandbits(8 * width))
    data[at : at + width] = chance.choice(values).to_bytes(width, "big")


def bytes_anywhere(chance, data, start, end):
    for _ in range(chance.choice([1, 4, 50])):
        data[chance.randrange(len(data))] = chance.randrange(256)


def cut(chance, data, start, end):
    del data[chance.randrange(len(data)) :]


def more(chance, data, start, end):
    at = chance.randrange(start, end)
    data[at:at] = chance.randbytes(chance.choice([1, 4, 8, 100]))


def less(chance, data, start, end):
    at = chance.randrange(start, end)
    del data[at : at + chance.choice([1, 4, 8, 100])]


def swapped(chance, data, start, end):
    one, other = (chance.randrange(start, end - 8) for _ in range(2))
    data[one : one + 8], data[other : other + 8] = data[other : other + 8], data[one : one + 8]


KINDS = (bytes_of_index, bytes_of_index, number, number, bytes_anywhere, cut, more, less, swapped)


@pytest.mark.parametrize("seed", range(MUTANTS))
def test_a_film_changed_at_random_raises_our_errors_only(films, tmp_path, seed):
    chance = random.Random(seed)
    origin = films(NAMES[seed % len(NAMES)])
    data = bytearray(origin.read_bytes())
    chance.choice(KINDS)(chance, data, *index_of(origin.read_bytes()))
    source, target = tmp_path / f"mutant{origin.suffix}", tmp_path / f"drawn{origin.suffix}"
    source.write_bytes(data)
    try:
        video_drawable(source)
        size = probe(source)
        draw_video(source, target, layout(TEXTS, size.width, size.height), seconds=(0.0, 2.0))
    except ProvenanceError as error:
        left = {each.name for each in tmp_path.iterdir()}
        assert left == {source.name}, error.code  # noqa: PT017 -- both outcomes are right
    else:
        assert probe(target).duration == pytest.approx(size.duration)
    assert source.read_bytes() == data
