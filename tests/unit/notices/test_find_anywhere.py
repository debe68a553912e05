"""Notices that do not stand where the record says, or of which no record says anything."""

import subprocess

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.errors import MalformedMedia
from provenance.model.notice import Box, Notice
from provenance.notices import layout, measure, search
from provenance.notices.find import readings
from provenance.notices.video_measure import measure_video, search_video

from .conftest import drawn, encoded, scene

W, H = 960, 640
TEXT = ("ai-generated", "AI生成")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Return a picture with one notice, and the notice."""
    (notice,) = layout([TEXT], W, H)
    target, _ = drawn(encoded(scene(W, H), "PNG"), (notice,), tmp_path_factory.mktemp("shown"))
    return Image.open(target).convert("RGB"), notice


def look(picture, *notices):
    return readings(np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]), notices)


def moved_to(shown, x, y):
    """Return a plain scene with the notice's plate at another place."""
    picture, notice = shown
    box = notice.box
    plate = picture.crop((box.x, box.y, box.x + box.width, box.y + box.height))
    canvas = scene(W, H, seed=4)
    canvas.paste(plate, (x, y))
    return canvas


@pytest.mark.parametrize("corner", ["top right", "bottom left", "bottom right", "left", "middle"])
def test_a_notice_is_found_wherever_it_was_moved(shown, corner):
    box = shown[1].box
    x, y = {
        "top right": (W - box.width, 0),
        "bottom left": (0, H - box.height),
        "bottom right": (W - box.width - 9, H - box.height - 9),
        "left": (3, 300),
        "middle": (400, 300),
    }[corner]
    for notice in (shown[1], shown[1].model_copy(update={"box": None})):
        (reading,) = look(moved_to(shown, x, y), notice)
        assert reading.found
        assert reading.evidence == "template"
        assert (reading.box.x, reading.box.y) == pytest.approx((x, y), abs=8)


def test_a_plate_cut_off_beside_its_text_still_counts(shown):
    picture, notice = shown
    box = notice.box
    (reading,) = look(picture.crop((box.x + 10, box.y + 8, W, H)), notice)
    assert reading.found
    assert (reading.box.x, reading.box.y) == (0, 0)


def test_a_text_cut_through_is_not_found(shown):
    picture, notice = shown
    box = notice.box
    assert not look(picture.crop((box.x + box.width // 3, 0, W, H)), notice)[0].found
    assert not look(picture.crop((0, box.y + box.height // 2, W, H)), notice)[0].found


def test_in_a_frame_the_notice_is_as_small_as_viewers_see_it(shown):
    picture, notice = shown
    tall = Image.new("RGB", (W, W * 16 // 9))
    tall.paste(picture, (0, 500))
    (reading,) = look(tall, notice)
    assert not reading.found
    assert reading.height_ratio == pytest.approx(0.0575 * H / W, abs=0.003)
    assert reading.box.y == pytest.approx(500 + notice.box.y, abs=8)


def test_a_very_long_picture_is_looked_through_at_both_ends(shown):
    picture, notice = shown
    for at in (0, 14 * H):
        long = Image.new("RGB", (W, 15 * H), (90, 90, 90))
        long.paste(picture, (0, at))
        (reading,) = look(long, notice.model_copy(update={"box": None}))
        assert reading.evidence == "template"
        assert reading.box.y == pytest.approx(at + notice.box.y, abs=9)


def test_search_returns_what_is_there_and_nothing_else(shown, tmp_path):
    shown[0].save(tmp_path / "a.jpg", quality=60)
    texts = [("fiction", "虚构内容"), TEXT, ("ai-generated", "疑似AI生成"), ("ai-generated", "\u6cf8")]
    (reading,) = search(tmp_path / "a.jpg", texts, orientation=1)
    assert (reading.kind, reading.text, reading.found) == (*TEXT, True)
    shown[0].rotate(90, expand=True).save(tmp_path / "turned.jpg", quality=60)
    assert search(tmp_path / "turned.jpg", texts, orientation=1) == ()
    assert search(tmp_path / "turned.jpg", [TEXT], orientation=6)[0].found


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_every_frame_and_page_has_to_show_it(shown, tmp_path, kind):
    picture, notice = shown
    options = {"save_all": True, **({} if kind == "TIFF" else {"duration": 100})}
    plain = scene(W, H, seed=9)
    for frames, found in (
        ([picture] * 3, True),
        ([picture, picture, plain], False),
        ([plain, picture, picture], False),
    ):
        changed = [frame.point(lambda level, by=by: min(255, level + by)) for by, frame in enumerate(frames)]
        path = tmp_path / f"a.{kind.lower()}"
        changed[0].save(path, kind, append_images=changed[1:], **options)
        assert measure(path, [notice], orientation=1)[0].found is found


def test_sixteen_bits_and_four_inks_are_looked_at_too(shown, tmp_path):
    picture, notice = shown
    deep = np.asarray(picture).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "deep.png"), deep[:, :, ::-1])
    picture.convert("CMYK").save(tmp_path / "inks.jpg", quality=90)
    for name in ("deep.png", "inks.jpg"):
        assert measure(tmp_path / name, [notice], orientation=1)[0].found, name


def test_a_picture_cut_short_is_refused(shown, tmp_path):
    (tmp_path / "a.gif").write_bytes(encoded(shown[0], "GIF", compress_level=1)[:40])
    with pytest.raises(MalformedMedia):
        measure(tmp_path / "a.gif", [shown[1]], orientation=1)


def film_of(picture, path, *, seconds=4, before=0.0):
    """Write a film of a still picture, after a plain one for `before` seconds."""
    picture.resize((480, 320)).save(path.with_suffix(".png"))
    delay = ("-vf", f"tpad=start_duration={before}:color=gray") if before else ()
    source = ("-loop", "1", "-framerate", "10", "-t", str(seconds), "-i", str(path.with_suffix(".png")))
    subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            *source,
            *delay,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            str(path),
        ],
        check=True,
    )
    return path


def test_in_a_film_a_moved_notice_is_found_with_its_seconds(shown, tmp_path):
    path = film_of(moved_to(shown, 700, 20), tmp_path / "a.mp4")
    (found,) = search_video(path, [TEXT, ("fiction", "虚构内容")])
    assert found.found
    assert (found.seconds.start, found.seconds.end) == pytest.approx((0, 4), abs=0.11)
    (stated,) = measure_video(path, [Notice(kind=TEXT[0], text=TEXT[1], box=Box(x=16, y=16, width=96, height=32))])
    assert stated.found
    assert stated.box.x == pytest.approx(350, abs=6)


def test_in_a_film_a_late_notice_is_told_from_when(shown, tmp_path):
    path = film_of(shown[0], tmp_path / "a.mp4", before=1.6)
    (found,) = search_video(path, [TEXT])
    assert found.seconds.start == pytest.approx(3.0, abs=1.5)
    assert found.seconds.start > 0
