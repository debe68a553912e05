import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from provenance.errors import GlyphMissing, NoticeDoesNotFit
from provenance.model.notice import Box
from provenance.notices import layout
from provenance.notices.find import LEAST_CONTRAST, LEAST_HEIGHT
from provenance.notices.place import (
    DRAWN_HEIGHT,
    SMALLEST_SIDE,
    ink_target,
    stored_rectangle,
    to_displayed,
    to_stored,
)

ROOT = Path(__file__).resolve().parents[3]
CAPTURE = ("capture", "拍摄于 2026-05-01 08:30 四川省成都市")


def apart(one: Box, other: Box) -> bool:
    return one.y + one.height <= other.y or other.y + other.height <= one.y or one.x + one.width <= other.x


def test_notices_stand_at_the_top_left_one_below_the_other():
    first, second, third = layout([("ai-generated", "AI生成"), ("fiction", "摆拍演绎"), CAPTURE], 1920, 1080)
    assert (first.kind, first.text) == ("ai-generated", "AI生成")
    assert first.box.x == second.box.x == third.box.x <= 0.05 * 1080
    assert first.box.y <= 0.05 * 1080
    assert first.box.y + first.box.height < second.box.y
    assert second.box.y + second.box.height < third.box.y


@pytest.mark.parametrize(
    ("width", "height"), [(320, 320), (322, 466), (540, 960), (1080, 1920), (4031, 3023), (320, 5000)]
)
def test_every_notice_stays_in_the_picture(width, height):
    for notice in layout([("ai-generated", "疑似AI生成"), CAPTURE], width, height):
        assert notice.box.x + notice.box.width <= width
        assert notice.box.y + notice.box.height <= height


def test_the_ink_asked_for_is_between_5_and_6_percent():
    for side in range(320, 4000):
        assert 0.055 <= ink_target(side) / side <= 0.06


def test_the_numbers_are_those_of_the_notice_style():
    (style,) = (tomllib.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "labels/notices").glob("*.toml"))
    del style["about"]
    (notice,) = layout([("a", "AI")], 5000, 5000)
    where = {"edge_ratio", "margin_ratio", "safe_area"}  # held by test_safe_area
    for_films_and_sound = {"player_bar_ratio", "min_seconds", "min_pace", "max_pace"}
    assert {key: value for key, value in style.items() if key not in for_films_and_sound | where} == {
        "id": "plate",
        "position": "top-left"
        if max(notice.box.x + notice.box.width, notice.box.y + notice.box.height) < 2500
        else "elsewhere",
        "drawn_height_ratio": DRAWN_HEIGHT,
        "min_height_ratio": LEAST_HEIGHT,
        "min_contrast": LEAST_CONTRAST,
        "min_short_side": SMALLEST_SIDE,
    }
    assert ink_target(100_000) == style["drawn_height_ratio"] * 100_000
    with pytest.raises(NoticeDoesNotFit):
        layout([("a", "AI")], style["min_short_side"] - 1, 2000)
    assert layout([("a", "AI")], style["min_short_side"], 2000)


def test_a_small_picture_is_refused_with_the_way_on():
    with pytest.raises(NoticeDoesNotFit) as caught:
        layout([("ai-generated", "AI生成")], 2000, 319)
    assert '"draw": []' in caught.value.diagnostics("en")
    assert '"draw": []' in caught.value.diagnostics("zh-CN")


def test_a_stack_that_leaves_the_picture_is_refused_with_the_way_on():
    with pytest.raises(NoticeDoesNotFit, match='"draw": \\[\\]'):
        layout([("fiction", "摆拍演绎")] * 8, 640, 320)


def test_notices_go_below_what_is_taken():
    taken = (Box(x=0, y=0, width=900, height=333), Box(x=10, y=380, width=40, height=60))
    (notice,) = layout([("ai-generated", "AI生成")], 1920, 1080, taken)
    assert all(apart(box, notice.box) for box in taken)
    assert notice.box.y >= 440


def test_a_taken_box_elsewhere_is_no_obstacle():
    free = layout([("ai-generated", "AI生成")], 1920, 1080)
    taken = [Box(x=1500, y=0, width=400, height=200), Box(x=0, y=900, width=400, height=100)]
    assert layout([("ai-generated", "AI生成")], 1920, 1080, taken) == free


def test_a_character_without_a_glyph_is_refused_before_anything_is_drawn():
    with pytest.raises(GlyphMissing):
        layout([("source", "信息来源:😀")], 1920, 1080)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_and_bitmaps_turn_as_exif_says(orientation):
    stored = np.zeros((40, 60), np.uint8)
    width, height = (40, 60) if orientation >= 5 else (60, 40)
    rectangle = (3, 5, 11, 7)
    x, y, w, h = stored_rectangle(rectangle, width, height, orientation)
    bitmap = np.arange(1, 78, dtype=np.float32).reshape(7, 11)
    stored[y : y + h, x : x + w] = to_stored(bitmap, orientation)
    picture = Image.fromarray(stored)
    picture.getexif()[0x0112] = orientation
    displayed = np.asarray(ImageOps.exif_transpose(picture))
    assert np.array_equal(displayed[5:12, 3:14], bitmap)
    assert np.count_nonzero(displayed) == 77
    assert np.array_equal(to_displayed(stored[:, :, None], orientation)[:, :, 0], displayed)
