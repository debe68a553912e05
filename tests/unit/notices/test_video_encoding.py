"""Encoders, decoders and films that do not do as they should: each is named, and nothing wrong is written."""

import dataclasses
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from provenance.errors import MalformedMedia, NoticeDoesNotFit
from provenance.notices import (
    layout,
    video_codec,
    video_config,
    video_film,
    video_mkv,
    video_mp4,
    video_render,
    video_span,
    video_units,
)
from provenance.notices.video import draw_video, video_drawable
from provenance.notices.video_film import Shown, Span, Swap
from provenance.notices.video_measure import measure_video

from .conftest import TEXTS
from .films import RATE, SECONDS, Films, pictures
from .mkv_elements import Picture, Writing, read
from .mp4_boxes import TABLES, full, numbers, replaced, with_entry

av = pytest.importorskip("av")

TWO_SECONDS = (0.0, 2.0)
SLICES = frozenset({1, 5})


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"))


def draw(source, folder, seconds=TWO_SECONDS):
    return draw_video(source, folder / f"drawn{source.suffix}", layout(TEXTS, 432, 320), seconds=seconds)


def refusal(source, folder, seconds=TWO_SECONDS):
    """Return the error that drawing ends with; nothing is left then."""
    with pytest.raises((NoticeDoesNotFit, MalformedMedia)) as caught:
        draw(source, folder, seconds)
    assert not (folder / f"drawn{source.suffix}").exists()
    return caught.value


def written(data, folder, suffix=".mp4"):
    path = folder / f"made{suffix}"
    path.write_bytes(data)
    return path


def film_of(source, read=video_mp4.read):
    return read(io.BytesIO(source.read_bytes()))


class Wrapped:
    """A codec of libavcodec of which one answer is another."""

    def __init__(self, context, answer):
        self._context, self._answer = context, answer

    def __getattr__(self, name):
        return getattr(self._context, name)

    def encode(self, frame):
        return self._answer(frame, self._context.encode(frame))

    def decode(self, packet):
        return self._answer(packet, self._context.decode(packet))


def with_answer(monkeypatch, name, answer, **only):
    """Let encoders or decoders answer otherwise; `only` names arguments of those that are meant."""
    made = getattr(video_codec, name)

    def wrapped(*told, **more):
        context = made(*told, **more)
        return Wrapped(context, answer) if only.items() <= more.items() else context

    monkeypatch.setattr(video_codec, name, wrapped)


def test_an_encoder_that_is_not_there_is_named(films, tmp_path, monkeypatch):
    monkeypatch.setitem(video_codec.ENCODERS, "h264", "no such encoder")
    assert refusal(films("h264"), tmp_path).code == "video-encoder"


def test_an_encoder_that_keeps_pictures_to_itself_is_named(films, tmp_path, monkeypatch):
    with_answer(monkeypatch, "encoder", lambda frame, packets: packets if frame else [])
    monkeypatch.setattr(video_codec, "_DELAYS", ("bframes=0:sync-lookahead=0:sliced-threads=0:threads=4",) * 3)
    assert refusal(films("h264"), tmp_path).code == "video-encoder"


@pytest.mark.parametrize(
    "answer",
    [lambda packet, frames: frames if packet else [], lambda _, frames: [each for each in frames for _ in (0, 1)]],
    ids=["too few", "too many"],
)
def test_new_samples_that_decode_to_other_pictures_are_not_written(films, tmp_path, monkeypatch, answer):
    with_answer(monkeypatch, "decoder", answer, threads=1)
    assert refusal(films("h264-moov-first"), tmp_path).code == "video-not-verified"


def test_pictures_that_change_their_kind_inside_a_film_are_refused(films, tmp_path, monkeypatch):
    look, seen = video_render.look_of, []

    def changing(frame):
        seen.append(frame)
        return look(frame)._replace(range=2) if len(seen) > 20 else look(frame)

    monkeypatch.setattr(video_render, "look_of", changing)
    assert refusal(films("h264"), tmp_path).code == "video-pictures-change"


def test_a_picture_of_another_kind_is_like_none():
    one, small, deep = (
        av.VideoFrame(*told) for told in ((64, 48, "yuv420p"), (32, 48, "yuv420p"), (64, 48, "yuv444p"))
    )
    assert video_render._likeness(one, small, 0) == 0
    assert video_render._likeness(one, deep, 0) == 0


def test_pictures_of_a_kind_that_nobody_can_draw_on_are_refused(films, tmp_path, monkeypatch):
    look = video_render.look_of
    monkeypatch.setattr(video_render, "look_of", lambda frame: look(frame)._replace(layout="gbrp"))
    assert refusal(films("h264"), tmp_path).code == "video-pictures"


def test_pictures_of_another_size_than_the_film_says_are_refused(films, tmp_path):
    data = with_entry(films("h264").read_bytes(), lambda old: old[:32] + numbers(400, 320, form="H") + old[36:])
    assert refusal(written(data, tmp_path), tmp_path).code == "video-damaged"


def test_a_sample_without_a_picture_is_refused(films, tmp_path):
    film = film_of(films("h264-baseline"))
    data = bytearray(films("h264-baseline").read_bytes())
    start, size = int(film.offsets[-1]), int(film.sizes[-1])
    data[start : start + size] = (size - 4).to_bytes(4, "big") + b"\x0c" + b"\xff" * (size - 6) + b"\x80"
    assert refusal(written(data, tmp_path), tmp_path, (0.0, None)).code == "video-damaged"


def test_a_sample_that_no_decoder_takes_is_refused(films, tmp_path):
    film = film_of(films("vp9"), video_mkv.read)
    data = bytearray(films("vp9").read_bytes())
    start, size = int(film.offsets[5]), int(film.sizes[5])
    data[start : start + size] = bytes(size)
    assert refusal(written(data, tmp_path, ".webm"), tmp_path).code == "video-damaged"


def test_samples_that_lie_in_each_other_are_refused(films, tmp_path):
    data = films("h264").read_bytes()
    count = RATE * SECONDS
    data = replaced(data, f"{TABLES}/stsz", full(b"stsz", numbers(100_000, count)))
    data = replaced(data, f"{TABLES}/stsc", full(b"stsc", numbers(1, 1, 1, 1)))
    data = replaced(data, f"{TABLES}/stco", full(b"stco", numbers(count, *[48] * count)))
    assert refusal(written(data, tmp_path), tmp_path).code == "video-samples-shared"


def test_a_film_without_a_picture_to_start_at_is_encoded_anew_and_said_why(films, tmp_path, monkeypatch):
    monkeypatch.setattr(video_span, "_FARTHEST", 1)
    result = draw(films("h264-one-gop"), tmp_path)
    assert (result.media_change, result.reason) == ("full", "video-full-no-key-frame")


def test_lengths_of_two_bytes_stay_so(films, tmp_path):
    shown, private, size = read(films("h264"))

    def narrow(data):
        at, pieces = 0, []
        while at < len(data):
            length = int.from_bytes(data[at : at + 4], "big")
            pieces.append(length.to_bytes(2, "big") + data[at + 4 : at + 4 + length])
            at += 4 + length
        return b"".join(pieces)

    record = private[:4] + bytes([private[4] & 0xFC | 1]) + private[5:]
    data = Writing().film([Picture(each.time, each.key, narrow(each.data)) for each in shown], record, size)
    source = written(data, tmp_path, ".mkv")
    result = draw(source, tmp_path)
    assert result.media_change == "head"
    old, new = pictures(source), pictures(tmp_path / "drawn.mkv")
    assert old[result.frames[0].end :] == new[result.frames[0].end :]
    assert len(old) == len(new) == len(shown)
    assert all(reading.found for reading in measure_video(tmp_path / "drawn.mkv", layout(TEXTS, 432, 320)))


@pytest.mark.parametrize("private", [b"", b"\x81"])
def test_an_av1_film_without_its_record_is_refused(films, tmp_path, private):
    shown, _, size = read(films("av1"))
    data = Writing(codec="V_AV1").film(shown, private, size)
    assert refusal(written(data, tmp_path, ".mkv"), tmp_path).code == "video-damaged"


HEADER = b"\x0a\x0b\x00\x00\x00\x04\x3c\xff\xbc\xff\xe7\xfa\xe0"


@pytest.mark.parametrize("header", [b"", b"\x12\x00", b"\x0a\x02\x18\x00", b"\x0a\x02\x04\x00"])
def test_a_header_of_av1_that_is_of_no_known_form_is_refused(header):
    with pytest.raises(ValueError, match=r"\d"):
        video_config.av1(b"\x81\x00\x0c\x00", header)


def test_a_header_of_av1_behind_a_long_size_is_found():
    short = video_config.av1(b"\x81\x00\x0c\x00", HEADER)
    long = video_config.av1(b"\x81\x00\x0c\x00", HEADER[:1] + b"\x8b\x00" + HEADER[2:])
    assert short[:4] == long[:4]


def golomb(number):
    bits = f"{number + 1:b}"
    bits = "0" * (len(bits) - 1) + bits + "1"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@pytest.mark.parametrize("free", [1, 17, 31, None])
def test_new_parameter_sets_take_a_number_that_is_free(free):
    units = [b"\x67\x64\x00\x15" + golomb(number) for number in range(1, 32) if number != free]
    source = video_config.Config("h264", b"\x01\x64\x00\x15\xff", ((7, tuple(units[:5])), (8, ())), (), b"")
    if free:
        assert video_units._free_number(source, units[5:]) == free
        return
    with pytest.raises(NoticeDoesNotFit) as caught:
        video_units._free_number(source, units[5:])
    assert caught.value.code == "video-parameter-sets"


def test_samples_too_large_or_cut_off_are_named(films):
    film = film_of(films("h264"))
    large = dataclasses.replace(film, sizes=film.sizes + (1 << 27))
    with pytest.raises(MalformedMedia) as caught:
        large.sample(0)
    assert caught.value.code == "video-damaged"
    beyond = dataclasses.replace(film, offsets=film.offsets + (1 << 27))
    with pytest.raises(MalformedMedia) as caught:
        beyond.sample(0)
    assert caught.value.code == "video-cut-off"


def test_times_are_those_of_what_is_presented(films):
    film = dataclasses.replace(film_of(films("h264")), shown=(Shown(0, 0, 100), Shown(1, 200, 300)))
    assert 1 / film.tick == 12288
    assert video_film.in_ticks(film, 1, 1 + 1 / 256) == (200, 248)
    with pytest.raises(NoticeDoesNotFit) as caught:
        video_film.in_ticks(film, 100, 102)
    assert caught.value.code == "video-notice-after-end"


def test_any_times_give_a_rate_that_an_encoder_can_write_down(films):
    film = film_of(films("h264"))
    assert video_codec._rate(film) == RATE
    for other in (dataclasses.replace(film, times=film.times << 40), dataclasses.replace(film, tick=film.tick / 10**9)):
        assert 0.0009 <= video_codec._rate(other) <= 1000


def test_far_too_many_samples_are_refused(films, monkeypatch):
    monkeypatch.setattr(video_film, "MOST_SAMPLES", 10)
    with pytest.raises(MalformedMedia):
        video_film.check_track(film_of(films("h264")))


def test_what_is_put_into_each_other_is_refused(films):
    with pytest.raises(NoticeDoesNotFit) as caught:
        video_film.put_together(
            film_of(films("h264")), [Swap(10, 20, 0, 1), Swap(15, 30, 0, 1)], io.BytesIO(b"x"), io.BytesIO()
        )
    assert caught.value.code == "video-samples-shared"


@pytest.mark.parametrize("name", ["h264-moov-first", "h264-baseline"])
def test_the_delay_of_a_careful_decoder_is_counted(films, name):
    """A stream that does not say how many pictures come out of order has its decoder wait for the most there may be."""
    film = film_of(films(name))
    true = av.open(str(films(name))).streams.video[0].codec_context.reorder_depth if name != "h264-baseline" else 0
    assert video_codec.delay_of(film, SimpleNamespace(reorder_depth=16)) == true
    assert video_codec.delay_of(film, SimpleNamespace(reorder_depth=3)) == 3


def test_a_picture_is_no_film(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.zeros((400, 400, 3), np.uint8)).save(path)
    assert video_drawable(path).code == "video-format"


def test_a_part_of_a_film_need_not_start_at_its_beginning(films):
    film = film_of(films("h264"))
    assert video_span.seam_before(film, film.count) == int(np.flatnonzero(film.keys)[-1])
    assert video_span.seam_before(dataclasses.replace(film, codec="other"), film.count) == 0
    assert Span(0, film.count) == (0, RATE * SECONDS)
