"""What is wrong with a notice that was found; what was not measured is no flaw."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.catalog import Catalog
from provenance.model.notice import NoticeReading
from provenance.model.observation import Observation
from provenance.rules.flaws import flaws_of

CATALOG = Catalog.packaged()
GOOD = {"kind": "ai-generated", "text": "AI生成", "found": True, "height_ratio": 0.05, "contrast": 4.5}


def flaws(media: str = "video", **changes: Any) -> set[str]:
    reading = NoticeReading.model_validate({**GOOD, **changes})
    seen = Observation(path="a", media=media, width=1080, height=1920, notices=(reading,))
    (only,) = flaws_of(seen, CATALOG).get(str(reading.kind), (frozenset({"not there"}),))
    return set(only)


def box(x: int, y: int, width: int = 300, height: int = 100) -> dict[str, int]:
    return {"x": x, "y": y, "width": width, "height": height}


def test_a_notice_of_just_the_least_has_no_flaw() -> None:
    whole = {
        "box": box(108, 960),
        "seconds": {"start": 0.0, "end": 2.0},
        "pace": 120.0,
        "covered": False,
        "clear": True,
    }
    assert flaws() == set()
    assert flaws(**whole) == set()


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"height_ratio": 0.0499}, "too-small"),
        ({"height_ratio": 0.01, "found": False}, "too-small"),
        ({"contrast": 4.49}, "too-faint"),
        ({"covered": True}, "covered"),
        ({"box": box(109, 960)}, "not-at-edge"),
        ({"box": box(20, 1632)}, "under-player-bar"),
        ({"seconds": {"start": 0.1, "end": 9.0}}, "not-from-start"),
        ({"seconds": {"start": 0.0, "end": 1.99}}, "too-short"),
        ({"text": "AI"}, "words-missing"),
        ({"text": "由AI创作"}, "words-missing"),
        ({"text": "短长短短", "form": "rhythm"}, "other-rhythm"),
        ({"over_content": True}, "over-content"),
        ({"pace": 119.9, "form": "voice"}, "unusual-pace"),
        ({"pace": 160.1, "form": "voice"}, "unusual-pace"),
        ({"clear": False, "form": "rhythm", "text": "短长 短短"}, "unclear"),
    ],
    ids=str,
)
def test_each_flaw_is_named_alone(changes: dict[str, Any], flaw: str) -> None:
    assert flaws(**changes) == {flaw}


def test_text_is_no_notice_of_sound() -> None:
    assert flaws("audio", form="text") == {"neither-voice-nor-rhythm"}
    assert flaws("audio", form="voice") == set()
    assert flaws("audio", form="rhythm", text="短长 短短") == set()


def test_time_and_progress_bar_are_a_videos() -> None:
    assert flaws("image", seconds={"start": 3.0, "end": 3.5}, box=box(20, 1700)) == set()


def test_what_nothing_resembles_is_not_there() -> None:
    assert flaws(found=False, height_ratio=None, contrast=None) == {"not there"}
    assert flaws(kind="horoscope") == {"not there"}


def test_only_the_ai_notice_has_to_say_both_elements() -> None:
    assert flaws(kind="fiction", text="演绎内容") == set()
