"""Notices at several places of one film: what lies between is the source's, byte for byte, and what shows them is not."""

import dataclasses
import gc
import itertools
from pathlib import Path

import pytest

from provenance.errors import NoticeDoesNotFit
from provenance.model.notice import Seconds
from provenance.notices import layout, video, video_mp4
from provenance.notices.video import draw_video, probe, shown_at
from provenance.notices.video_measure import measure_video

from .conftest import FULL_PROOF, TEXTS
from .films import GOP, RATE, Films, packets, pictures

pytest.importorskip("av")

LENGTH = 15  # seconds
PAGE = 4096
SHAPES = ["h264", "hevc", "vp9", "h264-matroska"]
MORE_SHAPES = [
    "av1",
    "h264-moov-first",
    "h264-rotated",
    "hevc-matroska",
    "hevc-in-band",
    "h264-quicktime",
    "h264-10-bit",
]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"), seconds=LENGTH)


def drawn(source, folder, times, **options):
    """Draw two notices at each of some times; return the film, the notices as they should be found, and the result."""
    size = probe(source)
    placed = layout(TEXTS, size.width, size.height)
    notices = [each.model_copy(update={"seconds": when}) for when in times for each in placed]
    target = folder / f"drawn{source.suffix}"
    return target, notices, draw_video(source, target, notices, **options)


@pytest.mark.parametrize("name", [*SHAPES, *(MORE_SHAPES if FULL_PROOF else ())])
def test_start_middle_and_end_are_encoded_anew_and_nothing_else(films, tmp_path, name):
    source = films(name)
    times = shown_at(LENGTH, ("start", "middle", "end"), 2.5)
    target, notices, result = drawn(source, tmp_path, times)
    assert (result.media_change, result.reason) == ("head", None)
    assert len(result.frames) == len(result.seconds) == 3
    assert result.frames[0].first == 0
    assert result.frames[-1].end == LENGTH * RATE
    assert all(one.end + GOP <= other.first for one, other in itertools.pairwise(result.frames))
    inside = {number for span in result.frames for number in range(*span)}
    old, new = pictures(source), pictures(target)
    assert [time for time, _ in old] == [time for time, _ in new]
    changed = {at for at, (one, other) in enumerate(zip(old, new, strict=True)) if one != other}
    assert changed <= inside
    shown = {at for at in range(LENGTH * RATE) for each in times if each.start <= at / RATE < (each.end or LENGTH)}
    assert shown <= changed
    (old_seen, old_rest), (new_seen, new_rest) = packets(source), packets(target)
    assert old_rest == new_rest
    outside = [number for number in range(LENGTH * RATE) if number not in inside]
    assert [old_seen[number] for number in outside] == [new_seen[number] for number in outside]
    for reading, notice in zip(measure_video(target, notices), notices, strict=True):
        assert reading.found
        assert reading.seconds.start == pytest.approx(notice.seconds.start, abs=1 / RATE)
        assert reading.seconds.end == pytest.approx(notice.seconds.end or LENGTH, abs=2 / RATE)


def test_what_is_copied_moves_by_whole_pages(films, tmp_path):
    """The kernel copies pages as they are; between two notices and behind them it is asked for megabytes."""
    source = films("h264-grain")
    target, _, result = drawn(source, tmp_path, [Seconds(start=0, end=2), Seconds(start=7, end=9)])
    assert len(result.frames) == 2
    places = []
    for path in (source, target):
        with path.open("rb") as file:
            film = video_mp4.read(file)
            places.append(film.offsets)
    moved = places[1] - places[0]
    for number in (result.frames[0].end + 2 * GOP, result.frames[1].end + 2 * GOP):
        assert moved[number] > 0
        assert moved[number] % PAGE == 0
    assert pictures(source)[result.frames[1].end :] == pictures(target)[result.frames[1].end :]


def test_a_notice_said_twice_of_one_moment_is_drawn_once(films, tmp_path):
    source = films("h264")
    once, _, _ = drawn(source, tmp_path, [Seconds(start=1, end=5)])
    (tmp_path / "twice").mkdir()
    twice, _, _ = drawn(source, tmp_path / "twice", [Seconds(start=1, end=4), Seconds(start=2, end=5)])
    assert pictures(once) == pictures(twice)


def test_films_can_be_drawn_on_again_and_again(films, tmp_path):
    """Each time the new parameter sets need a number that none has yet."""
    path = films("hevc")
    for start in (0, 5, 10):
        (tmp_path / str(start)).mkdir()
        path, notices, result = drawn(path, tmp_path / str(start), [Seconds(start=start, end=start + 2)])
        assert result.media_change == "head"
        assert all(reading.found for reading in measure_video(path, notices))


def test_what_shows_everywhere_takes_all_pictures(films, tmp_path):
    source = films("h264")
    times = [Seconds(start=0, end=8), Seconds(start=8)]
    _, _, result = drawn(source, tmp_path, times)
    assert (result.media_change, result.reason) == ("full", "video-full-shown")
    (tmp_path / "never").mkdir()
    with pytest.raises(NoticeDoesNotFit, match="player") as caught:
        drawn(source, tmp_path / "never", times, reencode="never")
    assert caught.value.code == "video-full-shown"
    assert '"draw": []' in str(caught.value)


def test_progress_counts_the_pictures_of_all_parts(films, tmp_path):
    seen = []
    _, _, result = drawn(
        films("h264"), tmp_path, shown_at(LENGTH, ("start", "end")), progress=lambda *it: seen.append(it)
    )
    total = sum(span.end - span.first for span in result.frames)
    assert seen == [(at, total, "draw") for at in range(1, total + 1)]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="not run: needs /proc to count threads")
@pytest.mark.parametrize("name", ["h264", "hevc", "vp9", "av1"])
def test_an_interruption_leaves_no_thread_and_no_open_file(films, tmp_path, capfd, name):
    source = films(name)

    def stop(done, *_):
        if done == GOP:
            raise KeyboardInterrupt

    def held():
        gc.collect()
        return [len(list(Path("/proc/self", what).iterdir())) for what in ("task", "fd")]

    before = held()
    with pytest.raises(KeyboardInterrupt):
        drawn(source, tmp_path, [Seconds(start=0, end=3)], progress=stop)
    assert held() == before
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("duration", "at", "seconds", "expected"),
    [
        (60, ("start",), 3, [(0, 3)]),
        (60, ("end", "start", "middle"), 3, [(0, 3), (28.5, 31.5), (57, None)]),
        (60, ("start",), float("inf"), [(0, None)]),
        (60, ("start", "middle", "end"), float("inf"), [(0, None)]),
        (5, ("start", "middle", "end"), 3, [(0, None)]),
        (8, ("start", "middle"), 3, [(0, 5.5)]),
        (2.5, ("start",), 3, [(0, None)]),
        (20.01, ("end",), 3, [(17.01, None)]),
    ],
)
def test_where_a_notice_shows(duration, at, seconds, expected):
    assert [(each.start, each.end) for each in shown_at(duration, at, seconds)] == expected


def test_parts_that_no_record_speaks_for_together_take_all_pictures(films, tmp_path, monkeypatch):
    real, made = video.render, []

    def other_each_time(*told):
        made.append(real(*told))
        return dataclasses.replace(made[-1], config=made[-1].config + bytes([len(made)]))

    monkeypatch.setattr(video, "render", other_each_time)
    monkeypatch.setattr(video.video_verify, "holds", lambda *_: True)
    _, _, result = drawn(films("h264"), tmp_path, shown_at(LENGTH, ("start", "end"), 2))
    assert len(made) == 3
    assert (result.media_change, result.reason) == ("full", "video-full-not-verified")
