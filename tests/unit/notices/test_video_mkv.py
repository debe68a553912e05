"""Matroska films written in every way that the standard allows, and in some that it does not."""

import struct
import zlib

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, NoticeDoesNotFit
from provenance.notices import layout
from provenance.notices.video import draw_video, video_drawable
from provenance.notices.video_measure import measure_video

from .conftest import TEXTS
from .films import GOP, RATE, SECONDS, Films, packets, pictures
from .mkv_elements import Writing, element, read

pytest.importorskip("av")

TWO_SECONDS = (0.0, 2.0)
CLUSTER = bytes.fromhex("1F43B675")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return pictures, record and size of a film."""
    return read(Films(tmp_path_factory.mktemp("films"))("h264"))


def written(data, folder):
    path = folder / "made.mkv"
    path.write_bytes(data)
    return path


def drawn_well(data, folder):
    """Draw on a film of which only the head needs it, and hold all the rest to the source; return the new film."""
    source, target = written(data, folder), folder / "drawn.mkv"
    notices = layout(TEXTS, 432, 320)
    result = draw_video(source, target, notices, seconds=TWO_SECONDS)
    assert result.media_change == "head"
    old, new = pictures(source), pictures(target)
    assert [time for time, _ in old] == [time for time, _ in new]
    assert len(old) == RATE * SECONDS
    end = result.frames[-1][1]
    assert end <= 3 * GOP
    assert old[end:] == new[end:]
    assert packets(source)[0][end:] == packets(target)[0][end:]
    assert all(reading.found for reading in measure_video(target, notices))
    return target.read_bytes()


def elements(data):
    """Yield name, where it starts and payload of each element in a row of them; one of open size takes all the rest."""
    at = 0
    while at < len(data):
        start = at
        width = 9 - data[at].bit_length()
        name = data[at : at + width].hex().upper()
        at += width
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width], "big") & (1 << 7 * width) - 1
        is_open = size == (1 << 7 * width) - 1
        at += width
        end = len(data) if is_open else at + size
        yield name, start, data[at:end]
        at = end


def segment_of(data):
    return next(payload for name, _, payload in elements(data) if name == "18538067")


@pytest.mark.parametrize(
    "how",
    [
        Writing(groups=True, checksums=True, previous=True, cues=True),
        Writing(open_sizes=True, behind=element("1254C367", b"")),
        Writing(cluster_pictures=7, previous=True, cues=True, checksums=True),
    ],
    ids=["groups", "open", "many clusters"],
)
def test_every_way_to_write_clusters_is_kept(plain, tmp_path, how):
    new = drawn_well(how.film(*plain), tmp_path)
    if how.open_sizes:
        return
    content = segment_of(new)
    before = None
    for name, start, payload in elements(content):
        if name != CLUSTER.hex().upper():
            continue
        inner = list(elements(payload))
        if how.checksums:
            assert inner[0][0] == "BF"
            assert struct.unpack("<I", inner[0][2])[0] == zlib.crc32(payload[inner[1][1] :])
        said = [value for kind, _, value in inner if kind == "AB"]
        # Who says how long the one before it is says the truth, or says it no more.
        assert all(int.from_bytes(value, "big") == start - before for value in said)
        before = start
    for time, place in points_of(content):
        cluster = content[place["F1"] :]
        assert cluster.startswith(CLUSTER)
        payload = next(elements(cluster))[2]
        name, _, block = next(elements(payload[place["F0"] :]))
        block = next(elements(block))[2] if name == "A0" else block
        assert name == ("A0" if how.groups else "A3")
        cluster_time = next(int.from_bytes(value, "big") for kind, _, value in elements(payload) if kind == "E7")
        assert cluster_time + struct.unpack(">h", block[1:3])[0] == time


def points_of(content):
    for name, _, payload in elements(content):
        if name == "1C53BB6B":
            for _, _, point in elements(payload):
                parts = {kind: value for kind, _, value in elements(point)}
                places = {kind: int.from_bytes(value, "big") for kind, _, value in elements(parts["B7"])}
                yield int.from_bytes(parts["B3"], "big"), places


def test_groups_say_what_new_pictures_refer_to(plain, tmp_path):
    new = drawn_well(Writing(groups=True).film(*plain), tmp_path)
    times, keys = [], []
    for name, _, payload in elements(segment_of(new)):
        if name != CLUSTER.hex().upper():
            continue
        time = next(int.from_bytes(value, "big") for kind, _, value in elements(payload) if kind == "E7")
        for kind, _, group in elements(payload):
            if kind != "A0":
                continue
            parts = {each: value for each, _, value in elements(group)}
            assert int.from_bytes(parts["9B"], "big") == 42
            times.append(time + struct.unpack(">h", parts["A1"][1:3])[0])
            keys.append("FB" not in parts)
            if len(times) <= 2 * GOP and not keys[-1]:
                assert times[-1] + int.from_bytes(parts["FB"], "big", signed=True) == times[-2]
    assert [at for at, key in enumerate(keys) if key] == [at for at, each in enumerate(plain[0]) if each.key]


REFUSED = {
    "Position": Writing(positions=True),
    "CRC-32": Writing(segment=element("BF", b"1234")),
    "Lacing": Writing(lacing=2),
    "ContentEncodings": Writing(track=element("6D80", element("6240", b"\1"))),
    "StereoMode": Writing(video=element("53B8", 1)),
    "AlphaMode": Writing(video=element("53C0", 1)),
    "PixelCropTop": Writing(video=element("54BB", 8)),
    "ProjectionType": Writing(video=element("7670", element("7671", 1))),
    "TrackTimestampScale": Writing(track=element("23314F", struct.pack(">f", 2))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_drawing_would_break_is_refused(plain, tmp_path, name):
    source, target = written(REFUSED[name].film(*plain), tmp_path), tmp_path / "drawn.mkv"
    with pytest.raises(NoticeDoesNotFit) as caught:
        draw_video(source, target, layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
    assert (caught.value.code, caught.value.details["name"]) == ("video-kind", name)
    assert not target.exists()


@pytest.mark.parametrize(
    ("how", "error", "code"),
    [
        (Writing(codec="V_THEORA"), NoticeDoesNotFit, "video-codec"),
        (Writing(track=element("B9", 0)), NoticeDoesNotFit, "video-no-pictures"),
        (Writing(video=None), MalformedMedia, "ebml-damaged"),
        (Writing(video=element("54B0", 432) + element("54BA", 240)), NoticeDoesNotFit, "video-pixels-not-square"),
    ],
    ids=["codec", "not enabled", "not described", "wide pixels"],
)
def test_tracks_that_cannot_be_drawn_on_are_refused(plain, tmp_path, how, error, code):
    found = video_drawable(written(how.film(*plain), tmp_path))
    assert (type(found), found.code) == (error, code)


def test_two_picture_tracks_are_refused(plain, tmp_path):
    data = Writing().film(*plain)
    content = segment_of(data)
    track = next(payload for name, _, payload in elements(content) if name == "1654AE6B")
    twice = data.replace(element("1654AE6B", track), element("1654AE6B", track * 2))
    assert len(twice) > len(data)
    twice = twice.replace(
        struct.pack(">Q", 1 << 56 | len(content)), struct.pack(">Q", 1 << 56 | len(content) + len(track))
    )
    assert video_drawable(written(twice, tmp_path)).code == "video-several-tracks"


def test_a_film_without_pictures_is_refused(plain, tmp_path):
    _, private, size = plain
    assert video_drawable(written(Writing().film([], private, size), tmp_path)).code == "video-no-duration"


def test_a_picture_larger_than_any_may_be_is_refused(plain, tmp_path):
    shown, private, _ = plain
    found = video_drawable(written(Writing().film(shown, private, (1 << 20, 1 << 20)), tmp_path))
    assert isinstance(found, MediaTooLarge)


@pytest.mark.parametrize("block", [b"", b"\0\0\0\0", b"\x81\0", b"\x01"])
def test_a_block_without_a_whole_head_is_refused(plain, tmp_path, block):
    data = Writing().film(*plain)
    broken = element("1F43B675", element("E7", 0) + element("A3", block))
    content = segment_of(data) + broken
    head = data[: data.index(bytes.fromhex("18538067"))]
    found = video_drawable(written(head + element("18538067", content), tmp_path))
    assert (type(found), found.code) == (MalformedMedia, "ebml-damaged")


def test_a_checksum_that_is_not_the_first_is_an_element_like_others(plain, tmp_path):
    data = Writing().film(*plain)
    content = segment_of(data)
    name, start, payload = next(each for each in elements(content) if each[0] == CLUSTER.hex().upper())
    odd = element(name, payload + element("BF", b"abcd"))
    size = len(content) + len(odd) - (len(payload) + 12)
    content = content[:start] + odd + content[start + 12 + len(payload) :]
    assert len(content) == size
    head = data[: data.index(bytes.fromhex("18538067"))]
    new = drawn_well(head + element("18538067", content), tmp_path)
    assert element("BF", b"abcd") in new


def test_an_index_that_leads_between_blocks_is_refused(plain, tmp_path):
    data = Writing(cues=True).film(*plain)
    place = data.rindex(bytes.fromhex("F0") + struct.pack(">Q", 1 << 56 | 1))
    broken = data[: place + 9] + bytes([data[place + 9] ^ 1]) + data[place + 10 :]
    source, target = written(broken, tmp_path), tmp_path / "drawn.mkv"
    with pytest.raises(NoticeDoesNotFit) as caught:
        draw_video(source, target, layout(TEXTS, 432, 320), seconds=(0.0, None))
    assert caught.value.details["name"] == "CueRelativePosition"
