"""Films are drawn on in the head alone: decoded whole by ffmpeg, they are the source's but for those pictures."""

import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from provenance.errors import MalformedMedia, MissingExtra, NoticeDoesNotFit, UnsupportedFormat, UsageError
from provenance.formats import ebml, matroska_layout, registry
from provenance.formats.ebml import Reader
from provenance.formats.matroska_layout import CLUSTER, CUES, SEEK_HEAD
from provenance.model.notice import Seconds
from provenance.notices import layout
from provenance.notices.video import draw_video, probe, video_drawable
from provenance.notices.video_measure import measure_video
from provenance.notices.video_render import LEAST_LIKENESS

from .conftest import FULL_PROOF, TEXTS
from .films import GOP, RATE, SECONDS, Films, packets, pictures

pytest.importorskip("av")

GBK = "保留".encode("gbk")  # no UTF-8, as old tools write it
TWO_SECONDS = (0.0, 2.0)
# Name of the film: message code of why all of it is encoded anew, or None.
# The contract of films has one of each shape, and looks at more.
SHAPES = {"h264-moov-first": None, "h264-matroska": None, "hevc": None}
MORE_SHAPES = {
    "h264-rotated": None,
    "h264-two-sounds": None,
    "h264-variable-rate": None,
    "h264-edit-list": None,
    "vp9": None,
    "av1": None,
    "h264": None,
    "h264-baseline": None,
    "h264-quicktime": None,
    "h264-interlaced": None,
    "h264-full-range": None,
    "h264-10-bit": None,
    "h264-said": None,
    "h264-one-gop": "video-full-short",
    "h264-open-gop": "video-full-short",
    "hevc-in-band": None,
    "hevc-matroska": None,
    "hevc-hdr10": None,
    "hevc-open-gop": "video-full-short",
    "vp9-mp4": None,
    "vp9-live": None,
    "av1-matroska": None,
}


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"))


def drawn(source, folder, **options):
    """Draw on a film and return the new one, the notices with their seconds, and what was done."""
    before = source.read_bytes()
    size = probe(source)
    notices = layout(TEXTS, size.width, size.height)
    target = folder / f"drawn{source.suffix}"
    options = {"seconds": TWO_SECONDS, **options}
    result = draw_video(source, target, notices, **options)
    assert source.read_bytes() == before
    start, end = options["seconds"]
    seconds = Seconds(start=start, end=end)
    return target, [notice.model_copy(update={"seconds": seconds}) for notice in notices], result


@pytest.mark.parametrize("name", [*SHAPES, *(MORE_SHAPES if FULL_PROOF else ())])
def test_only_the_head_changes(films, tmp_path, name):
    source = films(name)
    reason = {**SHAPES, **MORE_SHAPES}[name]
    target, notices, result = drawn(source, tmp_path)
    assert (result.media_change, result.reason) == (("full", reason) if reason else ("head", None))
    old, new = pictures(source), pictures(target)
    assert [time for time, _ in old] == [time for time, _ in new]
    changed = [at for at, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    ((first, end),) = result.frames
    count = end - first
    assert changed == list(range(len(changed)))
    assert 2 * RATE * 0.8 <= len(changed) <= count
    if not reason:
        assert count <= 3 * GOP < len(old) or name == "h264-edit-list"
    (old_seen, old_rest), (new_seen, new_rest) = packets(source), packets(target)
    assert old_rest == new_rest
    assert old_seen[count:] == new_seen[count:]
    for reading in measure_video(target, notices):
        assert reading.found
        assert reading.height_ratio >= 0.05
        assert reading.contrast >= 4.5
        assert (reading.seconds.start, reading.seconds.end) == (pytest.approx(0, abs=0.1), 2.0)


def test_what_is_not_covered_stays_as_it_looked(films, tmp_path):
    source = films("h264-moov-first")
    target, notices, result = drawn(source, tmp_path)
    old, new = cv2.VideoCapture(str(source)), cv2.VideoCapture(str(target))
    for at in range(RATE * SECONDS):
        (has_old, one), (has_new, other) = old.read(), new.read()
        assert has_old
        assert has_new
        if at >= result.frames[0].end:
            assert np.array_equal(one, other)
            continue
        is_covered = np.zeros(one.shape[:2], bool)
        for box in (notice.box for notice in notices):
            is_covered[box.y - 8 : box.y + box.height + 8, box.x - 8 : box.x + box.width + 8] = at < 2 * RATE
        gray, now = (cv2.cvtColor(each, cv2.COLOR_BGR2GRAY).astype(float) for each in (one, other))
        assert 10 * np.log10(255**2 / ((gray - now)[~is_covered] ** 2).mean()) >= LEAST_LIKENESS - 0.5
    assert not old.read()[0]
    assert not new.read()[0]


def test_metadata_chapters_and_every_other_box_go_over(films, tmp_path):
    plain, rich = films("h264-quicktime"), tmp_path / "rich.mov"
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(";FFMETADATA1\ntitle=kept\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=2\ntitle=first\n")
    told = ["-i", str(plain), "-i", str(chapters), "-map", "0", "-map_metadata", "1", "-c", "copy", "-movflags"]
    subprocess.run(["ffmpeg", "-v", "error", *told, "+use_metadata_tags", str(rich)], check=True)
    rich.write_bytes(rich.read_bytes().replace(b"kept", GBK))
    uuid = b"\0\0\0\x20uuid" + bytes(range(16)) + b"a secret"
    rich.write_bytes(rich.read_bytes() + uuid)
    target, _, result = drawn(rich, tmp_path)
    assert result.media_change == "head"
    assert target.read_bytes().endswith(uuid)
    told = ["-show_chapters", "-show_entries", "format_tags:stream_tags:stream=codec_name,time_base,disposition"]
    seen = [
        subprocess.run(["ffprobe", "-v", "error", *told, str(path)], capture_output=True, check=True).stdout
        for path in (rich, target)
    ]
    assert seen[0] == seen[1]
    assert GBK in target.read_bytes()
    assert b"first" in seen[0]
    assert registry.read(rich).fields == registry.read(target).fields


@pytest.mark.parametrize("name", ["h264-matroska", "h264-cues-first", "vp9"])
def test_the_index_of_a_segment_leads_to_its_blocks(films, tmp_path, name):
    target, _, result = drawn(films(name), tmp_path)
    assert result.media_change == "head"
    points = cue_points(target)
    assert len(points) == len(cue_points(films(name))) >= SECONDS
    for time, cluster_time, block_time in points:
        assert block_time == time
        assert cluster_time <= time


def cue_points(path):
    """Return for each entry of the index its time, that of the cluster and that of the block it leads to."""
    with path.open("rb") as file:
        reader = Reader(file)
        layout = matroska_layout.read(reader)
        (cues,) = layout.of_kind(CUES)
        assert cues.start in {
            seek.number(0x53AC) + layout.segment.data
            for head in layout.of_kind(SEEK_HEAD)
            for seek in ebml.tree(head, reader.content(head), {0x4DBB}).children
            if seek.kind == 0x4DBB
        }
        tree = ebml.tree(cues, reader.content(cues), {0xBB, 0xB7})
        assert tree.holding(tree.children) == tree  # its checksum
        points = []
        for point in tree.children:
            if point.kind != 0xBB:
                continue
            for place in (each for each in point.children if each.kind == 0xB7):
                cluster = reader.element(place.number(0xF1) + layout.segment.data, layout.segment.end)
                assert cluster.kind == CLUSTER
                content = file.seek(cluster.data) and file.read(cluster.end - cluster.data)
                whole = ebml.tree(cluster, content, ())
                assert whole.holding(whole.children) == whole
                block = reader.element(cluster.data + place.number(0xF0), cluster.end)
                data = reader.content(block)
                if block.kind == 0xA0:
                    data = ebml.tree(block, data, ()).data(0xA1)
                time = whole.number(0xE7)
                points.append((point.number(0xB3), time, time + int.from_bytes(data[1:3], "big", signed=True)))
        return points


def test_messages_beside_pictures_stay(films, tmp_path):
    source = films("h264-said")
    target, _, result = drawn(source, tmp_path)
    assert result.media_change == "head"
    count = source.read_bytes().count(b"spoken")
    assert count >= SECONDS
    assert target.read_bytes().count(b"spoken") == count


def test_a_notice_in_the_middle_has_two_seams(films, tmp_path):
    source = films("h264")
    target, notices, result = drawn(source, tmp_path, seconds=(2.2, 4.2))
    assert result.media_change == "head"
    old, new = pictures(source), pictures(target)
    changed = [at for at, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    assert changed == list(range(*result.frames[0]))
    assert result.frames[0].first == 2 * GOP
    assert all(reading.found for reading in measure_video(target, notices))
    before = [notice.model_copy(update={"seconds": Seconds(start=0, end=2)}) for notice in notices]
    assert not any(reading.found for reading in measure_video(target, before))


def test_a_notice_over_the_whole_film(films, tmp_path):
    target, notices, result = drawn(films("h264"), tmp_path, seconds=(0.0, None))
    assert (result.media_change, result.reason) == ("full", "video-full-shown")
    for reading in measure_video(target, notices):
        assert reading.seconds.end == pytest.approx(SECONDS, abs=0.1)


def test_progress_is_told_and_an_interruption_leaves_nothing(films, tmp_path):
    seen = []
    drawn(films("h264"), tmp_path, progress=lambda *told: seen.append(told))
    assert seen == [(at + 1, seen[-1][1], "draw") for at in range(len(seen))]
    assert seen[-1][0] == seen[-1][1]

    def interrupt(done, *_):
        if done > 20:
            raise KeyboardInterrupt

    folder = tmp_path / "interrupted"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        drawn(films("h264"), folder, progress=interrupt)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("sound-only", NoticeDoesNotFit, "video-no-pictures"),
        ("one-picture", NoticeDoesNotFit, "video-no-duration"),
        ("short", NoticeDoesNotFit, "video-too-short"),
        ("small", NoticeDoesNotFit, "notice-picture-too-small"),
        ("wide-pixels", NoticeDoesNotFit, "video-pixels-not-square"),
        ("mpeg4", NoticeDoesNotFit, "video-codec"),
        ("fragmented", NoticeDoesNotFit, "video-fragmented"),
    ],
)
def test_what_cannot_be_drawn_on_is_refused(films, tmp_path, name, error, code):
    assert refusal(films(name), tmp_path, error) == code


def refusal(source, folder, error, **options):
    """Return the code of the error, having seen that nothing is left; the way on is named where there is one."""
    before = source.read_bytes()
    notices = layout(TEXTS, 432, 320)
    (folder / "into").mkdir()
    with pytest.raises(error) as caught:
        draw_video(source, folder / "into" / "out.mp4", notices, **{"seconds": TWO_SECONDS, **options})
    assert list((folder / "into").iterdir()) == []
    assert source.read_bytes() == before
    assert caught.value.details.get("path", source) == source
    if error is NoticeDoesNotFit:
        assert '"draw": []' in str(caught.value) or caught.value.code.startswith("video-notice")
    return caught.value.code


def patched(films, folder, old: bytes, new: bytes, name="h264", most=1):
    path = folder / "patched.mp4"
    data = films(name).read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, most))
    return path


@pytest.mark.parametrize(
    ("old", "new", "error", "code"),
    [
        (b"avc1\0\0\0\0\0\0\0\1", b"encv\0\0\0\0\0\0\0\1", NoticeDoesNotFit, "video-kind"),
        (b"pasp", b"dvvC", NoticeDoesNotFit, "video-kind"),
        (b"pasp", b"vexu", NoticeDoesNotFit, "video-kind"),
        (b"avc1\0\0\0\0\0\0\0\1", b"xvid\0\0\0\0\0\0\0\1", NoticeDoesNotFit, "video-codec"),
        (b"stss\0\0\0\0\0\0\0\5\0\0\0\1", b"stss\0\0\0\0\0\0\0\5\0\0\0\2", MalformedMedia, "video-no-key-frame"),
        (b"stsz" + bytes(8), b"stsz" + bytes(7) + b"\1", MalformedMedia, "video-damaged"),
        (b"stts", b"sttx", MalformedMedia, "bmff-damaged"),
    ],
    ids=["encrypted", "dolby-vision", "stereoscopic", "unknown", "no-key-frame", "sizes", "no-times"],
)
def test_broken_and_protected_films_are_refused(films, tmp_path, old, new, error, code):
    assert refusal(patched(films, tmp_path, old, new), tmp_path, error) == code


def test_a_film_cut_off_is_refused(films, tmp_path):
    path = tmp_path / "cut.mp4"
    data = films("h264-moov-first").read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert refusal(path, tmp_path, MalformedMedia).startswith("bmff")


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.mp4"
    path.touch()
    assert refusal(path, tmp_path, UnsupportedFormat) == "media-empty"


def test_pictures_that_cannot_be_decoded_are_refused(films, tmp_path):
    path = tmp_path / "noise.mp4"
    data = bytearray(films("h264-moov-first").read_bytes())
    start = data.index(b"mdat") + 40
    data[start : start + 4000] = np.random.default_rng(1).bytes(4000)
    path.write_bytes(data)
    assert refusal(path, tmp_path, MalformedMedia).startswith("video-damaged")


@pytest.mark.parametrize("name", ["h264-one-gop", "h264-open-gop"])
def test_a_full_encoding_can_be_forbidden(films, tmp_path, name):
    assert refusal(films(name), tmp_path, NoticeDoesNotFit, reencode="never") == "video-full-short"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        ((0.0, 1.9), "video-notice-too-brief"),
        ((3.5, None), "video-notice-too-brief"),
        ((9.0, 12.0), "video-notice-too-brief"),
    ],
)
def test_a_notice_shows_for_two_seconds(films, tmp_path, seconds, code):
    assert refusal(films("h264"), tmp_path, NoticeDoesNotFit, seconds=seconds) == code


def test_an_unknown_option_is_refused(films, tmp_path):
    assert refusal(films("h264"), tmp_path, UsageError, reencode="often") == "option-unknown"


def test_without_pyav_the_extra_is_named(films, tmp_path, monkeypatch):
    source = films("h264")
    monkeypatch.setitem(sys.modules, "av", None)
    assert refusal(source, tmp_path, MissingExtra) == "extra-missing"
    assert video_drawable(source) is None
    with pytest.raises(MissingExtra):
        measure_video(source, layout(TEXTS, 432, 320))


def test_drawable_names_the_reason(films):
    assert video_drawable(films("h264")) is None
    assert video_drawable(films("small")).code == "notice-picture-too-small"


def test_probe_turns_the_picture(films):
    size = probe(films("h264-rotated"))
    assert (size.width, size.height, size.codec) == (320, 432, "h264")
    assert size.duration == pytest.approx(SECONDS, abs=0.1)
    assert size.rate == pytest.approx(RATE, abs=0.1)


def test_an_open_file_is_written_too(films, tmp_path):
    source, target = films("vp9"), tmp_path / "open.webm"
    with target.open("wb+") as file:
        draw_video(source, file, layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
    assert len(pictures(target)) == RATE * SECONDS


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_a_drawn_film_is_not_drawn_on_twice_by_itself(films, tmp_path):
    """The numbers of parameter sets that the first drawing took are not free for a second one."""
    first, _, _ = drawn(films("h264"), tmp_path)
    folder = tmp_path / "again"
    folder.mkdir()
    second, notices, result = drawn(first, folder, seconds=(2.2, 4.2))
    assert result.media_change == "head"
    assert all(reading.found for reading in measure_video(second, notices))
    assert [time for time, _ in pictures(first)] == [time for time, _ in pictures(second)]
