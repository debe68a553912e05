"""NAL units: what is kept, renumbered and put together again is what a decoder takes it for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import MalformedMedia
from provenance.notices import video_config, video_nal

ZEROS = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), min_size=1, max_size=60).map(bytes)
UUID = bytes(range(16))


@given(ZEROS)
def test_escaping_comes_back(data):
    escaped = video_nal._escaped(data + b"\x80")
    assert video_nal._plain(escaped) == data + b"\x80"
    for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"):
        assert code not in escaped


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5), st.sampled_from([2, 4]))
def test_units_come_back_from_a_sample(units, width):
    assert video_nal.split(video_nal.join(units, width), width, "h264") == units


@pytest.mark.parametrize("sample", [b"\0\0\0\5abcd", b"\0\0", b"\xff\xff\xff\xff"])
def test_a_length_beyond_the_sample_is_refused(sample):
    with pytest.raises(MalformedMedia):
        video_nal.split(sample, 4, "h264")


def test_units_of_a_byte_stream_are_cut_at_start_codes():
    assert video_nal.from_stream(b"\0\0\0\1\x67abc\0\0\1\x68de\0\0\0\1\x65fg") == [b"\x67abc", b"\x68de", b"\x65fg"]


def test_only_messages_about_the_content_are_kept():
    captions, timing, recovery = b"\4\2ab", b"\1\1\7", b"\6\1\7"
    noted = b"\5\x13" + UUID + b"own"
    unit = b"\6" + timing + captions + recovery + noted + b"\x80"
    sample = video_nal.join([b"\x67sps", unit, b"\x65slice"], 4)
    found, foreign = video_nal.kept(sample, 4, "h264")
    assert foreign is None
    assert found == [b"\x67sps", b"\6" + video_nal._escaped(captions + noted + b"\x80")]


def test_a_message_of_more_than_255_bytes_is_kept_whole():
    unit = b"\6\5\xff\x11" + UUID + b"x" * 256 + b"\x80"
    assert video_nal.kept(video_nal.join([unit], 4), 4, "h264") == ([unit], None)


@pytest.mark.parametrize(
    ("codec", "unit", "name"),
    [
        ("h264", b"\x74svc", "several layers"),
        ("h264", b"\x62part", "data partitioning"),
        ("h264", b"\x73alpha", "alpha"),
        ("h264", b"\x7cunknown", "NAL 28"),
        ("hevc", b"\x7c\x01rpu", "Dolby Vision"),
        ("hevc", b"\x02\x09layer", "several layers"),
    ],
)
def test_a_sample_with_more_than_its_picture_cannot_be_drawn_on(codec, unit, name):
    assert video_nal.kept(video_nal.join([unit], 4), 4, codec) == ([], name)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_sets_before_slices_are_found_in_the_first_bytes_of_a_sample(codec):
    delimiter, slices, sets = {
        "h264": (b"\x09\xf0", b"\x65slice", [b"\x67\x64\0\x1f\x80", b"\x68\x80"]),
        "hevc": (b"\x46\1\x50", b"\x26\1slice", [b"\x40\1\x0c", b"\x42\1\1\x60", b"\x44\1\xc0"]),
    }[codec]
    sample = video_nal.join([delimiter, *sets, slices * 100, sets[0]], 4)
    assert video_nal.sets_before_slices(sample[:60], 4, codec) == sets
    assert video_nal.sets_before_slices(b"\0\0\0\0" * 9, 4, codec) == []


def test_an_empty_parameter_set_is_refused():
    with pytest.raises(MalformedMedia):
        video_nal.set_number("hevc", b"\x42\1")


def test_a_slice_gets_its_number_and_grows_by_one_byte():
    # first_slice_segment_in_pic_flag 1, no_output_of_prior_pics_flag 0, slice_pic_parameter_set_id 0, then 10101…
    slice_of_idr = bytes([19 << 1, 1, 0b10110101]) + b"rest"
    assert video_nal.renumbered(slice_of_idr, 1) == bytes([19 << 1, 1, 0b10000010, 0b00110101]) + b"rest"
    with pytest.raises(ValueError, match="2"):
        video_nal.renumbered(bytes([19 << 1, 1, 0b10010101]) + b"rest", 15)


@pytest.mark.parametrize("data", [b"", b"\1\2\3", b"\2" + bytes(20), b"\1\x64\0\x1f\xff\xe1\0\x09sps"])
def test_a_broken_record_is_refused(data):
    with pytest.raises(MalformedMedia):
        video_config.parse("h264", data)
