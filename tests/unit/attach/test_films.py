"""Notices on films: drawn at the start, found again, and every sound packet as it was."""

import subprocess
import sys

import pytest

from provenance.errors import NoticeDoesNotFit
from provenance.sdk import Provenance

GENERATED = {
    "kind": "ai-generated",
    "grade": "confirmed",
    "producer": "001191510100MA0EXAMP0D10001",
    "produce_id": "v-1",
}
unsigned = Provenance(signer=None)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Six seconds of H.264 with sound, as a phone makes it."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=6")
    sound = ("-f", "lavfi", "-i", "sine=sample_rate=16000:duration=6")
    coding = ("-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-c:a", "aac")
    subprocess.run(["ffmpeg", "-v", "error", *picture, *sound, *coding, str(path)], check=True, timeout=60)
    return path


def packets(path, stream):
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", f"0:{stream}", "-c", "copy", "-f", "framehash", "-"]
    lines = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout.splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_a_notice_stands_in_the_first_seconds_and_all_else_is_as_it_was(film, tmp_path):
    done = unsigned.attach_media(film, {"labels": [GENERATED]}, into=tmp_path / "out.mp4")
    (notice,) = done.notices
    assert (done.media_change, notice.text, notice.seconds.start, notice.seconds.end) == ("head", "AI生成", 0, 3)
    (found,) = unsigned.verify(done.path).files
    assert found.clean
    assert [(each.text, each.found) for each in found.notices] == [("AI生成", True)]
    assert packets(done.path, "a") == packets(film, "a")
    assert packets(done.path, "v")[100:] == packets(film, "v")[100:]


def test_a_notice_that_is_there_is_not_drawn_again(film, tmp_path):
    once = unsigned.attach_media(film, {"labels": [GENERATED]}, into=tmp_path / "once.mp4")
    twice = unsigned.attach_media(once.path, {"labels": [GENERATED]}, into=tmp_path / "twice.mp4")
    assert (twice.media_change, twice.path.read_bytes() == once.path.read_bytes()) == ("none", True)


def test_a_film_that_lost_its_notice_does_not_survive_the_comparison(film, tmp_path):
    done = unsigned.attach_media(film, {"labels": [GENERATED]}, into=tmp_path / "out.mp4")
    covered = tmp_path / "covered.mp4"
    box = (
        "-vf",
        "drawbox=0:0:300:120:color=gray:t=fill",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-map_metadata",
        "0",
    )
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(done.path), *box, str(covered)], check=True, timeout=60)
    changes = unsigned.compare(done.path, covered).changes
    assert "lost" in {each.change for each in changes if each.what == "notice"}


def test_without_its_library_a_film_is_labelled_and_the_way_to_the_notice_is_named(film, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    done = unsigned.attach_media(film, {"labels": [GENERATED]}, into=tmp_path / "out.mp4")
    assert (done.media_change, done.notices) == ("none", ())
    assert {each.code for each in done.warnings} == {"notice-not-drawn", "extra-missing"}
    assert "provenance-labels[video]" in done.warnings[-1].diagnostics()


def test_a_film_that_is_too_small_for_a_notice_is_refused_and_nothing_is_left(tmp_path):
    small = tmp_path / "small.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=3")
    subprocess.run(["ffmpeg", "-v", "error", *picture, "-c:v", "libx264", str(small)], check=True, timeout=60)
    with pytest.raises(NoticeDoesNotFit, match='"draw": \\[\\]'):
        unsigned.attach_media(small, {"labels": [GENERATED]}, into=tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == [small]


def test_a_film_labelled_where_it_lies_is_told_that_a_copy_would_show_the_notice(film, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(film.read_bytes())
    (warning,) = unsigned.attach_in_place(path, {"labels": [GENERATED]}).warnings
    assert (warning.code, warning.details["text"]) == ("notice-not-in-place", "AI生成")
