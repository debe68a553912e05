"""Films that notices would harm are refused by name, with a way on; damaged ones as damaged; nothing is left behind."""

import subprocess

import pytest

from provenance.errors import MalformedMedia, NoticeDoesNotFit
from provenance.notices import layout
from provenance.notices.video import draw_video

from .films import Films

pytest.importorskip("av")

SPHERE = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"))


def refusal(source, folder):
    """Return the error, having seen that the source is as it was and nothing is beside it."""
    before = source.read_bytes()
    into = folder / "into"
    into.mkdir()
    with pytest.raises((NoticeDoesNotFit, MalformedMedia)) as caught:
        draw_video(source, into / f"out{source.suffix}", layout((("ai-generated", "AI生成"),), 432, 320))
    assert list(into.iterdir()) == []
    assert source.read_bytes() == before
    return caught.value


def remuxed(source, target, *told, beside=()):
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(source), *beside, "-c", "copy", *told, "-y", str(target)]
    subprocess.run(command, check=True)
    return target


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("hevc-422", "video-profile", "profile 4"),
        ("hevc-interlaced", "video-kind", "interlaced"),
        ("vp9-10-bit", "video-pictures", "yuv420p10"),
        ("vp9-alpha", "video-kind", "AlphaMode"),
        ("prores", "video-codec", "ap"),
        ("two-pictures", "video-several-tracks", "2"),
    ],
)
def test_what_no_encoder_here_reproduces_is_refused_by_name(films, tmp_path, name, code, said):
    error = refusal(films(name), tmp_path)
    assert (type(error), error.code) == (NoticeDoesNotFit, code)
    for part in (said, "player", '"draw": []'):
        assert part in str(error)


def test_an_encrypted_film_is_refused(films, tmp_path):
    keys = [
        "-encryption_key",
        "76a6c65c5ea762046bd749a2e632ccbb",
        "-encryption_kid",
        "a7e61c373e219033c21091fa607bf3b8",
    ]
    path = remuxed(films("h264"), tmp_path / "in.mp4", "-encryption_scheme", "cenc-aes-ctr", *keys)
    error = refusal(path, tmp_path)
    assert error.code == "video-kind"
    assert "encrypted" in str(error)


def test_a_stereoscopic_segment_is_refused(films, tmp_path):
    path = remuxed(films("h264-matroska"), tmp_path / "in.mkv", "-metadata:s:v", "stereo_mode=left_right")
    assert "StereoMode" in str(refusal(path, tmp_path))


def test_a_sphere_is_refused(films, tmp_path):
    """The box of the first specification stands in the track, which grows by it."""
    data = films("h264").read_bytes()
    box = (16 + 8 + 4).to_bytes(4, "big") + b"uuid" + SPHERE + b"<a/>"
    for kind in (b"moov", b"trak"):
        at = data.index(kind)
        size = int.from_bytes(data[at - 4 : at], "big") + len(box)
        data = data[: at - 4] + size.to_bytes(4, "big") + data[at:]
    at = data.index(b"trak")
    end = at - 4 + int.from_bytes(data[at - 4 : at], "big") - len(box)
    path = tmp_path / "in.mp4"
    path.write_bytes(data[:end] + box + data[end:])
    assert "spherical" in str(refusal(path, tmp_path))


def test_a_film_that_starts_between_key_frames_is_refused(films, tmp_path):
    """Pictures shown before the first one are coded by those that were cut off."""
    path = remuxed(films("h264-open-gop"), tmp_path / "in.mkv", "-bsf:v", "noise=drop='lt(n,20)'")
    assert isinstance(refusal(path, tmp_path), MalformedMedia)


@pytest.mark.parametrize("name", ["h264-moov-first", "h264-matroska", "vp9"])
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_film_cut_off_is_refused(films, tmp_path, name, share):
    data = films(name).read_bytes()
    path = tmp_path / f"in{films(name).suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    assert isinstance(refusal(path, tmp_path), MalformedMedia)


@pytest.mark.parametrize("filler", [bytes(8_000), bytes(range(256)) * 32], ids=["never-loaded", "overwritten"])
def test_a_film_with_a_spoilt_tail_is_refused(films, tmp_path, filler):
    data = films("h264-moov-first").read_bytes()
    path = tmp_path / "in.mp4"
    path.write_bytes(data[: -len(filler)] + filler)
    error = refusal(path, tmp_path)
    assert (type(error), error.code) == (MalformedMedia, "video-damaged")


def test_a_picture_that_stands_for_the_film_stays(films, tmp_path):
    red = ["-f", "lavfi", "-i", "color=red:s=64x64:d=1"]
    cover = ["-map", "0", "-map", "1", "-c:v:1", "png", "-frames:v:1", "1", "-disposition:v:1", "attached_pic"]
    path = remuxed(films("h264"), tmp_path / "in.mp4", *cover, beside=red)
    target = tmp_path / "out.mp4"
    result = draw_video(path, target, layout((("ai-generated", "AI生成"),), 432, 320))
    assert result.media_change == "head"
    picture = path.read_bytes()[path.read_bytes().index(b"\x89PNG") :][:100]
    assert picture in target.read_bytes()
