"""Notices are measured in films of every kind, for as long as they are there, and damage is named."""

import shutil
import subprocess

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, UnsupportedFormat
from provenance.model.notice import Seconds
from provenance.notices import draw, layout, video_measure
from provenance.notices.video import draw_video
from provenance.notices.video_measure import measure_video

from .conftest import TEXTS, encoded, scene
from .films import Films

av = pytest.importorskip("av")

WIDTH, HEIGHT, RATE = 432, 320, 8


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return a picture without notices and with them, and the notices."""
    folder = tmp_path_factory.mktemp("pair")
    plain, drawn = folder / "plain.png", folder / "drawn.png"
    notices = layout(TEXTS, WIDTH, HEIGHT)
    plain.write_bytes(encoded(scene(WIDTH, HEIGHT), "PNG"))
    with drawn.open("wb") as file:
        draw(plain, file, notices, orientation=1, format="png")
    return *(np.asarray(Image.open(path).convert("RGB")) for path in (plain, drawn)), notices


def filmed(pair, shown, path, **options):
    """Write a film whose pictures have the notices where `shown` says so, one by one."""
    plain, drawn, _ = pair
    with av.open(str(path), "w", **options) as file:
        stream = file.add_stream("libx264", rate=RATE, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p")
        stream.options = {"preset": "ultrafast", "crf": "16", "g": "16"}
        for is_shown in shown:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(drawn if is_shown else plain, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def stated(notices, start, end):
    seconds = Seconds(start=start, end=end)
    return [notice.model_copy(update={"seconds": seconds}) for notice in notices]


def test_nothing_stated_is_nothing_measured(tmp_path):
    assert measure_video(tmp_path / "no such file", []) == ()


def test_a_notice_that_goes_away_and_comes_back_lasts_up_to_where_it_goes(pair, tmp_path):
    shown = [True] * 2 * RATE + [False] * RATE + [True] * RATE
    path = filmed(pair, shown, tmp_path / "film.mp4")
    for reading in measure_video(path, stated(pair[2], 0, 4)):
        assert reading.found
        assert (reading.seconds.start, reading.seconds.end) == (0, pytest.approx(2, abs=0.51))


def test_a_notice_that_comes_late_is_not_there_before(pair, tmp_path):
    path = filmed(pair, [False] * RATE + [True] * 3 * RATE, tmp_path / "film.mp4")
    for reading in measure_video(path, stated(pair[2], 0, 4)):
        assert reading.found
        assert reading.seconds.start == pytest.approx(1, abs=0.51)
        assert reading.seconds.end == pytest.approx(4, abs=0.01)


def test_far_into_a_film_pictures_are_skipped(pair, tmp_path):
    """The seconds before are not decoded: there the film is damaged."""
    path = filmed(pair, [False] * 30 * RATE + [True] * 3 * RATE + [False] * RATE, tmp_path / "film.mkv")
    for reading in measure_video(path, stated(pair[2], 30, 33)):
        assert reading.found
        assert (reading.seconds.start, reading.seconds.end) == (30, 33)
    assert not any(reading.found for reading in measure_video(path, stated(pair[2], 0, 3)))
    assert not any(reading.found for reading in measure_video(path, stated(pair[2], 40, 43)))


@pytest.mark.parametrize("seconds", [None, Seconds(start=0)])
def test_what_is_stated_without_an_end_is_looked_for_up_to_the_end(pair, tmp_path, seconds):
    path = filmed(pair, [True] * 12 * RATE, tmp_path / "film.mp4")
    notices = [notice.model_copy(update={"seconds": seconds}) for notice in pair[2]]
    for reading in measure_video(path, notices):
        assert reading.found
        assert (reading.seconds.start, reading.seconds.end) == (0, pytest.approx(12, abs=0.2))


def test_a_film_that_does_not_say_how_long_it_is(pair, tmp_path):
    path = filmed(pair, [True] * 3 * RATE, tmp_path / "film.mkv", options={"live": "1"})
    with av.open(str(path)) as film:
        assert film.duration is None
    for end in (2, None):
        for reading in measure_video(path, stated(pair[2], 0, end)):
            assert reading.found
            assert reading.seconds.end >= 2


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_a_film_of_high_dynamic_range_is_as_legible_as_it_looks(tmp_path):
    """Hybrid log-gamma; `films` has perceptual quantisation."""
    source, target = tmp_path / "hlg.mp4", tmp_path / "drawn.mp4"
    colours = "log-level=error:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc:keyint=8:open-gop=0"
    told = ["-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x{HEIGHT}:r={RATE}:d=3", "-pix_fmt", "yuv420p10le"]
    coded = ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", colours]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *told, *coded, str(source)], check=True)
    notices = layout(TEXTS, WIDTH, HEIGHT)
    draw_video(source, target, notices, seconds=(0.0, 2.0))
    for reading in measure_video(target, stated(notices, 0, 2)):
        assert reading.found
        assert 4.5 <= reading.contrast <= 21


def test_a_film_without_pictures_is_named(films):
    with pytest.raises(MalformedMedia) as caught:
        measure_video(films("sound-only"), layout(TEXTS, WIDTH, HEIGHT))
    assert caught.value.code == "video-no-pictures"


def test_what_is_no_film_is_named(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_bytes(b"\0\1\2 no film")
    with pytest.raises(UnsupportedFormat):
        measure_video(path, layout(TEXTS, WIDTH, HEIGHT))


def test_pictures_that_cannot_be_decoded_are_named(films, tmp_path):
    path = tmp_path / "noise.mp4"
    data = bytearray(films("h264-moov-first").read_bytes())
    start = data.index(b"mdat") + 40
    data[start : start + 40_000] = np.random.default_rng(1).bytes(40_000)
    path.write_bytes(data)
    with pytest.raises(MalformedMedia) as caught:
        measure_video(path, stated(layout(TEXTS, WIDTH, HEIGHT), 0, 2))
    assert caught.value.code == "video-damaged"


def test_pictures_larger_than_any_may_be_are_not_looked_at(pair, tmp_path, monkeypatch):
    path = filmed(pair, [True] * RATE, tmp_path / "film.mp4")

    def refuse(width, height):
        assert (width, height) == (WIDTH, HEIGHT)
        raise MediaTooLarge("picture-too-large", width=width, height=height, limit=1)

    monkeypatch.setattr(video_measure, "check_picture_size", refuse)
    with pytest.raises(MediaTooLarge):
        measure_video(path, stated(pair[2], 0, 1))


@pytest.mark.parametrize("keep", [0.05, 0.3, 0.6, 0.95])
def test_a_film_cut_off_is_named(pair, tmp_path, keep):
    data = filmed(pair, [True] * 4 * RATE, tmp_path / "film.mkv").read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(MalformedMedia) as caught:
        measure_video(path, stated(pair[2], 0, 2))
    assert caught.value.code == "ebml-truncated"


def test_a_small_or_faint_notice_is_measured_and_not_found(pair, tmp_path):
    """A quarter of the contrast is left: there is something, and it is not clear enough."""
    plain, drawn, notices = pair
    mixed = cv2.addWeighted(plain, 0.75, drawn, 0.25, 0)
    path = filmed((plain, mixed, notices), [True] * 3 * RATE, tmp_path / "film.mp4")
    assert not any(reading.found for reading in measure_video(path, stated(notices, 0, 3)))
