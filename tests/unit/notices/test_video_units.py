"""What an encoder gives becomes samples of the film, or is refused where the film has no room for it."""

import numpy as np
import pytest

from provenance.errors import NoticeDoesNotFit
from provenance.notices import layout, video_config, video_nal
from provenance.notices.video import draw_video
from provenance.notices.video_units import Obus, Units

from .conftest import TEXTS
from .films import Films
from .mkv_elements import Writing, read

pytest.importorskip("av")

AV1 = b"\x81\x00\x0c\x00"
HEADER = b"\x0a\x0b\x00\x00\x00\x04\x3c\xff\xbc\xff\xe7\xfa\xe0"
START = b"\0\0\0\1"


def golomb(number):
    bits = f"{number + 1:b}"
    bits = "0" * (len(bits) - 1) + bits + "1"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def sps(number):
    return b"\x67\x64\x00\x15" + golomb(number)


def units(numbers=(0,), codec="h264", width=4, number=31):
    """Return what packs the samples of a span of one picture."""
    head = b"\x01\x64\x00\x15" + bytes([0xFC | width - 1])
    sets = ((7, tuple(map(sps, numbers))), (8, (b"\x68" + golomb(0),)))
    source = video_config.Config("h264", head, sets, (), b"")
    return Units(codec, source, [[]], np.array([0]), number)


def refused(call, *told):
    with pytest.raises(NoticeDoesNotFit) as caught:
        call(*told)
    return caught.value.code


def test_new_parameter_sets_stand_behind_those_of_the_source():
    record = units((0, 1), number=2).config(START + sps(2) + START + b"\x68" + golomb(2))
    assert video_config.parse("h264", record).numbers() == {(7, 0), (7, 1), (7, 2), (8, 0), (8, 2)}


def test_a_record_that_is_full_takes_no_more():
    assert refused(units(range(31)).config, START + sps(31)) == "video-parameter-sets"


def test_parameter_sets_with_another_number_than_was_asked_for_are_refused():
    assert refused(units().config, START + sps(30)) == "video-parameter-sets"


def test_a_sample_has_slices_that_fit_the_lengths_of_the_film():
    assert units().sample(0, START + b"\x65slice") == b"\0\0\0\6\x65slice"
    assert units(width=1).sample(0, START + b"\x65slice") == b"\6\x65slice"
    assert refused(units().sample, 0, START + b"\x67set") == "video-parameter-sets"
    assert refused(units(width=1).sample, 0, START + b"\x65" + b"x" * 255) == "video-parameter-sets"


def test_a_slice_that_refers_to_other_parameter_sets_than_the_encoders_is_refused():
    other = bytes([19 << 1, 1, 0b10010101]) + b"rest"
    with pytest.raises(ValueError, match="2"):
        video_nal.renumbered(other, 15)
    assert refused(units(codec="hevc", number=15).sample, 0, START + other) == "video-parameter-sets"


def test_a_stream_of_av1_takes_the_place_of_another_or_says_the_same():
    new = Obus(AV1, [], is_whole=True).config(HEADER)
    assert new[:1] == AV1[:1]
    assert new.endswith(HEADER)
    assert Obus(new, [], is_whole=False).config(HEADER) == new
    assert Obus(new[:1] + b"\xff" + new[2:], [], is_whole=False).config(HEADER) is None
    assert refused(Obus(AV1, [], is_whole=True).config, b"") == "video-parameter-sets"


@pytest.mark.parametrize(
    ("name", "codec", "unit"),
    [("av1", "V_AV1", b"\x7e\x48\x00"), ("h264", "V_MPEG4/ISO/AVC", b"\0\0\0\5\x74abcd")],
)
def test_films_of_several_layers_are_refused(tmp_path, name, codec, unit):
    folder = tmp_path / "films"
    folder.mkdir()
    shown, private, size = read(Films(folder)(name))
    shown[0] = shown[0]._replace(data=shown[0].data + unit)
    source = tmp_path / "layers.mkv"
    source.write_bytes(Writing(codec=codec).film(shown, private, size))
    code = refused(draw_video, source, tmp_path / "out.mkv", layout(TEXTS, 432, 320))
    assert code == "video-kind"
    assert not (tmp_path / "out.mkv").exists()
