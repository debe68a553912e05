"""How notices are put in, said by options of `attach`."""

import math

import pytest

from provenance.attach import DrawOptions, VoiceClip
from provenance.cli import notice_options
from provenance.errors import UsageError

NONE = dict.fromkeys(notice_options._OPTIONS)


def test_without_options_notices_are_put_in_by_default():
    assert notice_options.drawing(NONE) == DrawOptions()


def test_every_option_arrives(tmp_path):
    given = {
        "notice_at": ["start", "end"],
        "notice_seconds": math.inf,
        "no_reencode": True,
        "platform": "douyin",
        "voice": tmp_path / "a.wav",
        "voice_text": "由人工智能生成",
        "font": tmp_path / "a.ttf",
    }
    assert notice_options.drawing(given) == DrawOptions(
        at=("start", "end"),
        seconds=math.inf,
        reencode=False,
        platform="douyin",
        voice=VoiceClip(tmp_path / "a.wav", "由人工智能生成"),
        font=tmp_path / "a.ttf",
    )


def test_an_unknown_place_is_refused():
    with pytest.raises(UsageError, match="start, middle, end"):
        notice_options.drawing({**NONE, "notice_at": ["top"]})


@pytest.mark.parametrize("half", ["voice", "voice_text"])
def test_a_recording_and_its_words_go_together(half, tmp_path):
    with pytest.raises(UsageError) as caught:
        notice_options.drawing({**NONE, half: tmp_path})
    assert caught.value.code == "voice-needs-both"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "three", ""])
def test_seconds_that_are_no_time_are_named(run, media, tmp_path, seconds):
    done = run(
        "attach", media / "poster.png", "-o", tmp_path / "o.png", "--ai-generated", f"--notice-seconds={seconds}"
    )
    assert (done.code, "3, or all" in done.err) == (2, True)


def test_an_unknown_platform_is_refused_before_anything_is_written(run, media, tmp_path):
    done = run("attach", media / "poster.png", "-o", tmp_path / "o.png", "--ai-generated", "--platform", "nowhere")
    assert (done.code, "nowhere" in done.err, (tmp_path / "o.png").exists()) == (2, True, False)
