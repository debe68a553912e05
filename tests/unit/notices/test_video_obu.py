"""Units of AV1: notes about the content go over, a picture that starts anew is known, and hostile ones are refused."""

import contextlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import MalformedMedia
from provenance.notices import layout, video_obu
from provenance.notices.video import draw_video, probe
from provenance.notices.video_obu import Unit

from .films import Films, pictures

SEQUENCE, DELIMITER, FRAME_HEADER, METADATA, FRAME = 1, 2, 3, 5, 6
KEY, INTER, HIDDEN, REPEATED = b"\x10k", b"\x30p", b"\x00h", b"\x90r"


def sample(*units):
    return video_obu.join(Unit(kind, body, False) for kind, body in units)


@given(st.lists(st.tuples(st.integers(0, 15), st.binary(max_size=300)), max_size=5))
def test_units_come_back_from_a_sample(units):
    assert list(video_obu.split(sample(*units))) == [Unit(kind, body, False) for kind, body in units]


@given(st.binary(max_size=40))
def test_any_bytes_are_units_or_damaged(data):
    units = []
    with contextlib.suppress(MalformedMedia):
        units += video_obu.split(data)
    assert sum(len(unit.body) for unit in units) <= len(data)


@pytest.mark.parametrize("data", [b"\x0a", b"\x0a\x05abc", b"\x8a\x00", b"\x0a" + b"\x80" * 9, b"\x0e"])
def test_a_unit_beyond_its_sample_is_refused(data):
    with pytest.raises(MalformedMedia):
        list(video_obu.split(data))


def test_the_last_unit_may_leave_its_size_out():
    assert [unit.body for unit in video_obu.split(sample((SEQUENCE, b"s")) + b"\x30picture")] == [b"s", b"picture"]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([(SEQUENCE, b"s"), (FRAME, KEY)], True),
        ([(SEQUENCE, b"s"), (METADATA, b"m"), (FRAME_HEADER, KEY)], True),
        ([(FRAME, KEY)], False),
        ([(FRAME, KEY), (SEQUENCE, b"s")], False),
        ([(SEQUENCE, b"s"), (FRAME, INTER)], False),
        ([(SEQUENCE, b"s"), (FRAME, HIDDEN), (FRAME, KEY)], False),
        ([(SEQUENCE, b"s"), (FRAME_HEADER, REPEATED)], False),
        ([(SEQUENCE, b"s"), (FRAME, b"")], False),
        ([(SEQUENCE, b"s")], False),
        ([], False),
    ],
)
def test_only_a_key_frame_that_is_shown_starts_anew(units, expected):
    assert video_obu.starts_anew(sample(*units)) is expected


def test_notes_stand_before_the_new_picture():
    old = sample((SEQUENCE, b"old"), (METADATA, b"light"), (FRAME, KEY), (METADATA, b"captions"))
    new = sample((DELIMITER, b""), (SEQUENCE, b"new"), (FRAME, KEY))
    made = video_obu.with_notes(new, video_obu.notes(old))
    expected = sample((SEQUENCE, b"new"), (METADATA, b"light"), (METADATA, b"captions"), (FRAME, KEY))
    assert made == expected


def test_layers_are_seen():
    assert video_obu.is_layered(b"\x36\x08\x01x")
    assert not video_obu.is_layered(sample((FRAME, KEY)))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"))


def drawn(source, folder):
    pytest.importorskip("av")
    size, target = probe(source), folder / f"drawn{source.suffix}"
    notices = layout((("ai-generated", "AI生成"),), size.width, size.height)
    return target, draw_video(source, target, notices)


def test_another_kind_of_stream_takes_all_pictures(films, tmp_path):
    """The record in front cannot speak for both: it says the level of one, and the new pictures have another."""
    data = films("av1").read_bytes()
    at = data.index(b"av1C") + 4
    path = tmp_path / "in.mp4"
    path.write_bytes(data[: at + 1] + bytes([data[at + 1] + 1]) + data[at + 2 :])
    target, result = drawn(path, tmp_path)
    assert (result.media_change, result.reason) == ("full", "video-full-not-verified")
    assert len(pictures(target)) == len(pictures(path))


@pytest.mark.parametrize("decoder", ["libdav1d", "libaom-av1"])
def test_other_decoders_take_the_new_stream_and_the_old_one_behind_it(films, tmp_path, decoder):
    source = films("av1")
    target, result = drawn(source, tmp_path)
    ((first, end),) = result.frames
    seen = []
    for path in (source, target):
        command = ["ffmpeg", "-v", "warning", "-c:v", decoder, "-i", str(path), "-f", "framemd5", "-"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "Unknown decoder" in done.stderr:
            pytest.skip(f"ffmpeg has no {decoder}")
        seen.append([line.split(",")[-1] for line in done.stdout.splitlines() if line[0] != "#"])
    assert not done.stderr
    assert [at for at, (one, other) in enumerate(zip(*seen, strict=True)) if one != other] == list(range(first, end))
