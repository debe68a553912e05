"""Units of AV1: cut out of samples and put together again, and what they say of a sample."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import MalformedMedia
from provenance.notices import video_obu
from provenance.notices.video_obu import Unit

SEQUENCE, DELIMITER, HEADER, METADATA, FRAME, PADDING = 1, 2, 3, 5, 6, 15
KEY, HIDDEN_KEY, INTER, AGAIN = b"\x10picture", b"\x00picture", b"\x30picture", b"\x80"

UNITS = st.lists(st.builds(Unit, st.integers(1, 15), st.binary(max_size=300), st.just(value=False)), max_size=6)


def sample(*units):
    return video_obu.join(Unit(kind, body, layered=False) for kind, body in units)


@given(UNITS)
def test_units_come_back_from_a_sample(units):
    assert list(video_obu.split(video_obu.join(units))) == units


def test_the_last_unit_may_leave_out_its_size():
    assert list(video_obu.split(bytes([FRAME << 3]) + KEY)) == [Unit(FRAME, KEY, layered=False)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x32\x05abc",
        b"\x32",
        b"\x32\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\xb2\x01a",
        b"\x36",
        b"\x34",
    ],
    ids=["size", "no size", "endless size", "forbidden bit", "layer and no size", "layer and nothing"],
)
def test_a_unit_that_leaves_the_sample_is_refused(data):
    with pytest.raises(MalformedMedia):
        list(video_obu.split(data))


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([(SEQUENCE, b"s"), (FRAME, KEY)], True),
        ([(DELIMITER, b""), (SEQUENCE, b"s"), (METADATA, b"m"), (HEADER, KEY)], True),
        ([(FRAME, KEY)], False),
        ([(FRAME, KEY), (SEQUENCE, b"s")], False),
        ([(SEQUENCE, b"s"), (FRAME, INTER)], False),
        ([(SEQUENCE, b"s"), (FRAME, HIDDEN_KEY)], False),
        ([(SEQUENCE, b"s"), (HEADER, AGAIN)], False),
        ([(SEQUENCE, b"s")], False),
        ([(SEQUENCE, b"s"), (FRAME, b"")], False),
    ],
)
def test_a_sample_starts_anew_with_a_key_frame_that_is_shown_behind_its_header(units, expected):
    assert video_obu.starts_anew(sample(*units)) == expected


def test_layers_are_seen():
    assert not video_obu.is_layered(sample((SEQUENCE, b"s"), (FRAME, KEY)))
    assert video_obu.is_layered(bytes([FRAME << 3 | 4 | 2, 0b01001000, 1]) + b"x")


def test_notes_go_before_the_new_picture():
    noted = video_obu.notes(sample((SEQUENCE, b"old"), (METADATA, b"one"), (FRAME, KEY), (METADATA, b"two")))
    assert [unit.body for unit in noted] == [b"one", b"two"]
    new = video_obu.with_notes(sample((DELIMITER, b""), (SEQUENCE, b"new"), (FRAME, KEY), (PADDING, b"0")), noted)
    assert new == sample((SEQUENCE, b"new"), (METADATA, b"one"), (METADATA, b"two"), (FRAME, KEY), (PADDING, b"0"))
    assert video_obu.with_notes(sample((SEQUENCE, b"s")), noted) == sample(
        (SEQUENCE, b"s"), (METADATA, b"one"), (METADATA, b"two")
    )
