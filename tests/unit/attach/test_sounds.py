"""A sound says what the rhythm can say; what it cannot is told, and asking again changes nothing."""

import subprocess

import pytest

from provenance.errors import NoticeDoesNotFit
from provenance.sdk import Provenance

AI = {"kind": "ai-generated", "grade": "confirmed"}
STAGED = {"kind": "fiction", "form": "staged"}


@pytest.fixture
def post(write_post, post_data):
    """Return a function that writes a post whose one asset is a sound."""

    def write(of_post, of_asset):
        sound = {"id": "1", "path": "a.wav", "labels": of_asset}
        path = write_post({**post_data, "kind": "audio", "labels": of_post, "assets": [sound]})
        tone = ["-f", "lavfi", "-i", "sine=d=8", path.parent / "a.wav"]
        subprocess.run(["ffmpeg", "-v", "error", *tone], check=True, timeout=60)
        return path

    return write


@pytest.fixture
def unsigned():
    return Provenance(signer=None)


@pytest.mark.parametrize(("of_post", "of_asset"), [([STAGED], [AI]), ([], [AI, STAGED])])
def test_what_only_the_rhythm_cannot_say_is_told_again_the_second_time(unsigned, post, tmp_path, of_post, of_asset):
    once = unsigned.attach(post(of_post, of_asset), into=tmp_path / "once")
    twice = unsigned.attach(once.folder, into=tmp_path / "twice")
    assert twice.assets[0].sha256 == once.assets[0].sha256
    for done in (once, twice):
        assert [each.text for each in done.assets[0].notices] == ["短长 短短"]
        (warning,) = [each for each in done.warnings if each.code == "notice-not-on-medium"]
        assert warning.details["text"] == "摆拍演绎"


def test_a_notice_of_the_post_that_a_sound_cannot_say_is_no_reason_to_refuse_the_post(unsigned, post, tmp_path):
    done = unsigned.attach(post([STAGED], []), into=tmp_path / "out")
    assert [each.code for each in done.warnings] == ["notice-not-on-medium"]
    assert (done.assets[0].notices, done.assets[0].media_change) == ((), "none")


def test_a_notice_of_its_own_that_a_sound_cannot_say_is_refused(unsigned, post, tmp_path):
    with pytest.raises(NoticeDoesNotFit) as error:
        unsigned.attach(post([], [STAGED]), into=tmp_path / "out")
    assert error.value.code == "audio-not-sayable"
    assert not (tmp_path / "out").exists()
