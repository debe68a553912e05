"""What a film just drawn on is looked at for: any other change than the one that was meant is noticed."""

import dataclasses
import errno
import io

import numpy as np
import pytest

from provenance import _files
from provenance.errors import AssetNotFound, NoticeDoesNotFit, ProvenanceError
from provenance.notices import layout, video, video_codec, video_mkv, video_mp4, video_verify
from provenance.notices.video import draw_video
from provenance.notices.video_film import New, Part, Shown, Span

from .conftest import FULL_PROOF, TEXTS
from .films import GOP, RATE, SECONDS, Films
from .mp4_boxes import TABLES, changed, full, numbers, payload_of, replaced

pytest.importorskip("av")

TWO_SECONDS = (0.0, 2.0)
HEAD = Span(0, 2 * GOP)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def drawn(films, tmp_path_factory):
    """Return a function that gives the bytes of a film before and after drawing."""
    made = {}

    def of(name):
        if name not in made:
            source = films(name)
            target = tmp_path_factory.mktemp("drawn") / source.name
            result = draw_video(source, target, layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
            assert result.frames == (HEAD,)
            made[name] = source.read_bytes(), target.read_bytes()
        return made[name]

    return of


def same(old, new, spans=(HEAD,), read=video_mp4.read):
    return video_verify.same_elsewhere(read(io.BytesIO(old)), io.BytesIO(new), spans)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def offset_of(data, track, chunk):
    return int.from_bytes(payload_of(data, f"{TABLES}/stco", track)[8 + 4 * chunk :][:4], "big")


def test_nothing_else_has_changed(drawn):
    assert same(*drawn("h264"))
    assert same(*drawn("h264-matroska"), read=video_mkv.read)


@pytest.mark.parametrize("chunk", [-1, 0])
@pytest.mark.parametrize("track", [0, 1])
def test_a_changed_byte_of_a_packet_is_noticed(drawn, track, chunk):
    old, new = drawn("h264")
    film = video_mp4.read(io.BytesIO(new))
    count = int.from_bytes(payload_of(new, f"{TABLES}/stco", track)[4:8], "big")
    at = offset_of(new, track, chunk % count) + 6
    in_head = film.offsets[0] <= at < film.offsets[HEAD.end] and track == 0
    assert same(old, flipped(new, at)) == in_head


def test_a_changed_byte_in_a_cluster_is_noticed(drawn):
    old, new = drawn("h264-matroska")
    film = video_mkv.read(io.BytesIO(new))
    assert not same(old, flipped(new, int(film.offsets[-1]) + 50), read=video_mkv.read)


CHANGES = {
    "a time of decoding": lambda new: replaced(
        new, f"{TABLES}/stts", full(b"stts", numbers(2, 100, 512, RATE * SECONDS - 100, 513))
    ),
    "a time of presentation": lambda new: changed(
        new, f"{TABLES}/ctts", lambda old: full(b"ctts", old[4:-4] + numbers(int.from_bytes(old[-4:], "big") + 1))
    ),
    "times in the head": lambda new: changed(
        new,
        f"{TABLES}/ctts",
        lambda old: full(b"ctts", old[4:12] + numbers(int.from_bytes(old[12:16], "big") + 1) + old[16:]),
    ),
    "no sound": lambda new: replaced(new, "moov/trak", b"", nth=1),
    "one packet less": lambda new: replaced(
        new, f"{TABLES}/stsz", full(b"stsz", payload_of(new, f"{TABLES}/stsz", 1)[4:-4] + numbers(0)), nth=1
    ),
    "no film": lambda new: b"",
    "noise": lambda new: np.random.default_rng(1).bytes(5000),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_else_may_go_wrong_is_noticed(drawn, name):
    old, new = drawn("h264")
    assert not same(old, CHANGES[name](new))


def test_a_change_outside_the_parts_that_were_meant_is_noticed(drawn):
    old, new = drawn("h264")
    assert not same(old, new, [Span(0, 2 * GOP - 1)])
    assert not same(old, new, [Span(1, 2 * GOP)])
    assert not same(old, old)


def holding(drawn):
    """Return the arguments with which a film just made is found to hold what it should."""
    old, new = drawn("h264")
    film, made = video_mp4.read(io.BytesIO(old)), video_mp4.read(io.BytesIO(new))
    scratch, places = io.BytesIO(), []
    for number in range(*HEAD):
        places.append(New(scratch.tell(), int(made.sizes[number])))
        scratch.write(made.sample(number))
    return film, [Part(HEAD, tuple(places))], made.config, made, scratch


def test_a_film_holds_what_was_put_in(drawn):
    assert video_verify.holds(*holding(drawn))


OTHERWISE = {
    "times": lambda made: made.times + 1,
    "sizes": lambda made: made.sizes + 1,
    "keys": lambda made: ~made.keys,
    "config": lambda made: made.config + b"\0",
    "shown": lambda made: (*made.shown, Shown(made.duration, 0, 1)),
    "size": lambda made: (made.size[1], made.size[0]),
    "orientation": lambda made: 3,
    "offsets": lambda made: made.offsets + 1,
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_film_that_says_otherwise_is_noticed(drawn, name):
    film, parts, config, made, scratch = holding(drawn)
    other = dataclasses.replace(made, **{name: OTHERWISE[name](made)})
    assert not video_verify.holds(film, parts, config, other, scratch)


def test_a_coarse_picture_is_encoded_finer(films, tmp_path, monkeypatch):
    monkeypatch.setitem(video_codec.QUALITIES, "h264", (48, 18))
    result = draw_video(films("h264"), tmp_path / "out.mp4", layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
    assert result.method.endswith("qp 18")
    assert result.media_change == "head"


def refused(source, folder):
    (folder / "into").mkdir()
    with pytest.raises(NoticeDoesNotFit) as caught:
        draw_video(source, folder / "into" / "out.mp4", layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
    assert list((folder / "into").iterdir()) == []
    return caught.value.code


def test_what_no_quality_is_near_enough_to_is_refused(films, tmp_path, monkeypatch):
    monkeypatch.setitem(video_codec.QUALITIES, "h264", (48,))
    assert refused(films("h264"), tmp_path) == "video-not-verified"


@pytest.mark.parametrize("check", ["holds", "same_elsewhere"])
def test_a_film_that_turned_out_wrong_is_not_written(films, tmp_path, monkeypatch, check):
    monkeypatch.setattr(video_verify, check, lambda *_: False)
    assert refused(films("h264"), tmp_path) == "video-not-verified"


def test_where_the_head_turned_out_wrong_all_is_encoded_anew_and_said_why(films, tmp_path, monkeypatch):
    answers = iter([False])
    holds = video_verify.holds
    monkeypatch.setattr(video_verify, "holds", lambda *told: next(answers, True) and holds(*told))
    result = draw_video(films("h264"), tmp_path / "out.mp4", layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
    assert (result.media_change, result.reason) == ("full", "video-full-not-verified")


class Failing:
    """A file of which one read or write fails."""

    def __init__(self, file, method, number):
        self._file, self._method, self._left = file, method, number

    def __getattr__(self, name):
        return self._failing if name == self._method else getattr(self._file, name)

    def _failing(self, *told):
        self._left -= 1
        if self._left < 0:
            raise OSError(errno.EIO, "Input/output error")
        return getattr(self._file, self._method)(*told)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


@pytest.mark.parametrize("number", [0, 1, 5, 30, 100, 300] if FULL_PROOF else [0, 30, 150])
@pytest.mark.parametrize("name", ["h264", "h264-matroska"])
def test_a_read_that_fails_leaves_our_error_and_no_file(films, tmp_path, monkeypatch, name, number):
    opened = _files.open_input
    source = films(name)
    before = source.read_bytes()
    monkeypatch.setattr(video._files, "open_input", lambda path: Failing(opened(path), "read", number))
    with pytest.raises(ProvenanceError):
        draw_video(source, tmp_path / f"out{source.suffix}", layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
    assert list(tmp_path.iterdir()) == []
    assert source.read_bytes() == before


@pytest.mark.parametrize("look", [video.probe, video.video_drawable])
@pytest.mark.parametrize("number", [0, 8])
def test_a_read_that_fails_is_named_when_a_film_is_only_looked_at(films, monkeypatch, look, number):
    opened = _files.open_input
    monkeypatch.setattr(video._files, "open_input", lambda path: Failing(opened(path), "read", number))
    with pytest.raises(AssetNotFound) as caught:
        look(films("h264"))
    assert caught.value.code == "asset-not-readable"


@pytest.mark.parametrize("number", [0, 3, 40, 80] if FULL_PROOF else [0, 40])
def test_a_write_that_fails_leaves_our_error_and_no_file(films, tmp_path, monkeypatch, number):
    source = films("h264")
    made = video.tempfile.TemporaryFile

    class Scratch(Failing):
        def __enter__(self):
            self._file.__enter__()
            return self

    monkeypatch.setattr(video.tempfile, "TemporaryFile", lambda **told: Scratch(made(**told), "write", number))
    with pytest.raises(ProvenanceError):
        draw_video(source, tmp_path / "out.mp4", layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
    assert list(tmp_path.iterdir()) == []
