"""A notice on any shape of film: decoded whole by other readers, all but the head is the source's, bit for bit."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from provenance.model.notice import Notice
from provenance.notices import layout
from provenance.notices.video import VideoResult, draw_video, probe, shown_at, video_drawable
from provenance.notices.video_measure import measure_video

from . import film_readers as readers
from .film_shapes import RATE, SECONDS, SHAPES, Films, need_ffmpeg

pytest.importorskip("av")

TEXTS = (("ai-generated", "AI生成"), ("fiction", "演绎内容"))
SHOWN = 3.0  # seconds, by default
LEAST_LIKENESS = 45.0  # dB
VISIBLE = 20  # levels by which the pixels of a plate differ, on average
NOT_FOR_OPENCV = {"av1", "h264-interlaced"}  # its reader has no decoder, and no way to turn fields into BGR
CONVERTED = 3.0  # dB that the way to 8 bits of BGR may take
RING = 2  # pixels about a plate that its chroma samples reach


class Drawn(NamedTuple):
    source: Path
    target: Path
    notices: tuple[Notice, ...]
    result: VideoResult


def draw(source: Path, folder: Path, at: tuple[str, ...] = ("start",), seconds: float = SHOWN) -> Drawn:
    """Draw on a film, having seen that the source stays as it is."""
    before = source.read_bytes()
    size = probe(source)
    target = folder / f"drawn-{source.name}"
    placed = layout(TEXTS, size.width, size.height)
    times = shown_at(size.duration, at, seconds)
    notices = tuple(each.model_copy(update={"seconds": time}) for each in placed for time in times)
    result = draw_video(source, target, notices)
    assert source.read_bytes() == before
    return Drawn(source, target, notices, result)


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def drawings(films, tmp_path_factory):
    """Return a function that draws on a shape once."""
    made = {}
    folder = tmp_path_factory.mktemp("drawn")

    def drawing(name):
        if name not in made:
            made[name] = draw(films(name), folder)
        return made[name]

    return drawing


@pytest.fixture(params=SHAPES)
def drawn(request, drawings):
    return drawings(request.param)


@pytest.fixture(params=["with-gps.mov"])
def real(request, corpus, tmp_path_factory):
    need_ffmpeg()
    return draw(corpus / "video" / request.param, tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_encoded_anew_is_known_for_each_shape(drawings, name):
    _, _, _, result = drawings(name)
    assert result.media_change == SHAPES[name].change
    assert (result.reason is None) == (result.media_change == "head")
    ((start, end),) = result.seconds
    assert start == pytest.approx(0, abs=0.05)
    assert (SHOWN <= end < SECONDS - 0.5) == (result.media_change == "head")


def test_packets_beside_the_head_and_of_every_other_stream_are_the_same_bytes(drawn):
    the_same_packets(drawn)


def test_every_picture_is_there_at_its_time(drawn):
    the_same_times(drawn)


def test_pictures_differ_in_the_head_alone_and_little_beside_the_plate(drawn):
    the_same_pictures(drawn)


def test_streams_tags_side_data_and_chapters_are_described_alike(drawn):
    assert readers.description(drawn.target) == readers.description(drawn.source)


@pytest.mark.parametrize("name", [each for each in SHAPES if each not in NOT_FOR_OPENCV])
def test_the_reader_of_opencv_agrees(drawings, name):
    the_same_for_opencv(drawings(name))


def test_the_notice_is_found_from_the_start_for_two_seconds_and_more(drawn):
    found_again(drawn)


@pytest.mark.parametrize("name", ["h264-matroska", "h264-high"])
def test_a_notice_at_the_end_leaves_the_beginning_as_it_is(films, tmp_path, name):
    drawn = draw(films(name), tmp_path, ("end",), seconds=2.0)
    ((first, _),) = drawn.result.frames
    assert drawn.result.media_change == "head"
    assert first >= 2 * RATE
    the_same_packets(drawn)
    the_same_times(drawn)
    the_same_pictures(drawn)
    found_again(drawn)


def test_a_real_clip_keeps_all_that_a_generated_one_does(real):
    assert real.result.media_change == "head"
    the_same_packets(real)
    the_same_times(real)
    the_same_pictures(real)
    the_same_for_opencv(real)
    found_again(real)
    assert readers.description(real.target) == readers.description(real.source)


def test_every_real_clip_is_drawn_on_or_refused_for_a_reason(corpus, tmp_path):
    refused = {}
    for clip in sorted((corpus / "video").iterdir()):
        error = video_drawable(clip)
        if error is None:
            draw(clip, tmp_path)
        else:
            refused[clip.name] = error.code
    assert refused == {"with-gps.mp4": "video-too-short"}


def the_same_packets(drawn):
    old, new = readers.packets(drawn.source), readers.packets(drawn.target)
    assert old.keys() == new.keys()
    for name in old.keys() - {"video"}:
        assert old[name] == new[name], name
    seen, now = old["video"], new["video"]
    assert len(seen) == len(now)
    inside = inside_of(drawn, len(seen))
    assert [each for each in range(len(seen)) if seen[each] != now[each] and each not in inside] == []
    assert sorted(each.pts for each in seen) == sorted(each.pts for each in now)
    assert [each.dts for each in seen] == [each.dts for each in now]


def inside_of(drawn, count):
    """Return the numbers of packets, and of pictures in order of presentation, that may have changed.

    Both ends of a part encoded anew are closed: nothing behind one is shown before what is in it. What an edit list cuts
    off in front, readers leave out.
    """
    cut = sample_count(drawn.source) - count
    return {number - cut for first, end in drawn.result.frames for number in range(first, end)}


def sample_count(path):
    """Return how many samples the picture track has, whether an edit list shows them or not."""
    stream = next(each for each in readers.probed(path, "-show_streams")["streams"] if each["codec_type"] == "video")
    return int(stream["nb_frames"]) if "nb_frames" in stream else len(readers.packets(path)["video"])


def the_same_times(drawn):
    assert readers.shown(drawn.target) == readers.shown(drawn.source)


def the_same_pictures(drawn):
    old, new = readers.decoded(drawn.source), readers.decoded(drawn.target)
    assert (old.layout, old.size, len(old.planes)) == (new.layout, new.size, len(new.planes))
    assert set(new.warnings) <= set(old.warnings)
    inside = inside_of(drawn, len(old.planes))
    size = probe(drawn.source)
    covered = stored(mask(drawn.notices, (size.height, size.width), RING), size.orientation)
    for at, (one, other) in enumerate(zip(old.planes, new.planes, strict=True)):
        if at not in inside:
            assert all(map(np.array_equal, one, other)), at
            continue
        assert likeness(one[:1], other[:1], covered, old.peak) >= LEAST_LIKENESS
        assert likeness(one, other, covered, old.peak) >= LEAST_LIKENESS


def mask(notices, shape, ring):
    covered = np.zeros(shape, bool)
    for box in (each.box for each in notices):
        covered[max(0, box.y - ring) : box.y + box.height + ring, max(0, box.x - ring) : box.x + box.width + ring] = (
            True
        )
    return covered


def stored(covered, orientation):
    """Return a mask of the displayed picture as one of the stored picture."""
    turns = {1: 0, 3: 2, 6: 1, 8: 3}
    return np.rot90(covered, turns[orientation])


def likeness(planes, others, covered, peak):
    """Return the PSNR of planes off the plate, taken together, in dB."""
    errors = [
        (one.astype(float) - other)[~covered[:: covered.shape[0] // one.shape[0], :: covered.shape[1] // one.shape[1]]]
        for one, other in zip(planes, others, strict=True)
    ]
    return 10 * np.log10(peak**2 / max((np.concatenate(errors) ** 2).mean(), 1e-9))


def the_same_for_opencv(drawn):
    old, new = readers.opencv_pictures(drawn.source), readers.opencv_pictures(drawn.target)
    size = probe(drawn.source)
    plates, around = (mask(drawn.notices, (size.height, size.width), ring) for ring in (0, RING))
    changed = []
    count = 0
    for one, other in zip(old, new, strict=True):
        assert one.shape == other.shape == (size.height, size.width, 3)
        if not np.array_equal(one, other):
            changed.append(count)
            gray, now = (cv2.cvtColor(each, cv2.COLOR_BGR2GRAY) for each in (one, other))
            assert likeness([gray], [now], around, 255) >= LEAST_LIKENESS - CONVERTED
            if count < 2 * size.rate:
                assert np.abs(gray.astype(int) - now)[plates].mean() > VISIBLE
        count += 1
    assert set(changed) <= inside_of(drawn, count)
    assert changed[: int(2 * size.rate)] == list(range(int(2 * size.rate)))


def found_again(drawn):
    for notice, reading in zip(drawn.notices, measure_video(drawn.target, drawn.notices), strict=True):
        assert reading.found
        assert reading.height_ratio >= 0.05
        assert reading.contrast >= 4.5
        assert reading.seconds.start == pytest.approx(notice.seconds.start, abs=0.1)
        assert reading.seconds.end - reading.seconds.start >= 2 - 0.05  # where sound starts earlier than pictures
    assert not any(reading.found for reading in measure_video(drawn.source, drawn.notices))
