import itertools
import struct
import tomllib
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from provenance.errors import GlyphMissing, MediaTooLarge, NoticeDoesNotFit
from provenance.model.notice import Box, Notice
from provenance.notices import draw, layout, measure
from provenance.notices.faces import face_for
from provenance.notices.find import LEAST_CONTRAST, LEAST_HEIGHT
from provenance.notices.place import (
    DRAWN_HEIGHT,
    SMALLEST_SIDE,
    ink_target,
    stored_rectangle,
    to_displayed,
    to_stored,
)
from provenance.notices.typeset import ink_height, measured_characters, sized_by_ink

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


URL = "https://www.example.com.cn/politics/2026-05/01/c_1131234567.htm?utm_source=feed&id=20260501"
LONG = (
    (
        "source",
        "信息来源:人民日报海外版驻成都记者站与四川日报全媒体报道组联合采写、新华社照片由当地居民提供,2026-05-01 编辑刊发于要闻版面头条",
    ),
    ("rumor", f"谣言:“某地今日发生6.1级地震”(辟谣:{URL})"),
    ("source", "Source: The Associated Press & Süddeutsche Zeitung, international desk 2026-05-01"),
)
SIDES = [
    (320, 569),
    (320, 1200),
    (569, 427),
    (640, 480),
    (1080, 1920),
    (1920, 1080),
    (3024, 4032),
    (8000, 6000),
    (4500, 8000),
]


@pytest.mark.parametrize(("width", "height"), SIDES)
@pytest.mark.parametrize("text", LONG, ids=["chinese", "address", "latin"])
def test_a_long_text_stands_whole_in_the_picture_at_every_size(text, width, height):
    assert len(text[1]) >= 60
    (notice,) = layout([text], width, height)
    box = notice.box
    assert box.x + box.width <= width
    assert box.y + box.height <= height
    setting = sized_by_ink(notice.text, ink_target(min(width, height)), box.width, face_for(notice.text))
    assert "".join(setting.lines).replace(" ", "") == text[1].replace(" ", "")
    assert (setting.width <= box.width, setting.height <= box.height) == (True, True)
    assert ink_height(measured_characters(text[1]), setting.size, setting.face) >= 0.055 * min(width, height) - 1


@pytest.mark.parametrize(("width", "height"), [(1080, 1920), (1920, 1080), (3024, 4032), (640, 1136)])
def test_several_long_texts_never_overlap(width, height):
    placed = layout([("ai-generated", "AI生成"), *LONG[:1], ("fiction", "摆拍演绎")], width, height)
    for one, other in itertools.combinations([each.box for each in placed], 2):
        assert apart(one, other)
    assert [each.box.y for each in placed] == sorted(each.box.y for each in placed)


@pytest.mark.parametrize("ground", [0, 128, 200, 255])
@pytest.mark.parametrize("side", [320, 541, 1080])
def test_the_contrast_holds_over_any_ground(tmp_path, ground, side):
    """White under the plate is the worst case: it shines through."""
    notices = layout([("ai-generated", "AI生成"), ("fiction", "摆拍演绎")], side, side)
    Image.new("RGB", (side, side), (ground,) * 3).save(tmp_path / "in.png")
    with (tmp_path / "out.png").open("wb") as file:
        draw(tmp_path / "in.png", file, notices, orientation=1, format="png")
    for reading in measure(tmp_path / "out.png", notices, orientation=1):
        assert reading.found
        assert reading.contrast >= (8 if ground == 255 else 9)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 5000), (319, 319), (5000, 319)])
def test_a_picture_under_320_pixels_is_refused(width, height):
    with pytest.raises(NoticeDoesNotFit) as caught:
        layout([("ai-generated", "AI生成")], width, height)
    assert caught.value.code == "notice-picture-too-small"
    assert caught.value.details["limit"] == SMALLEST_SIDE


def test_a_picture_too_small_for_its_wording_is_refused_by_name():
    texts = [("ai-generated", "AI生成"), ("source", "信息来源:" + "四川成都" * 60)]
    with pytest.raises(NoticeDoesNotFit) as caught:
        layout(texts, 320, 320)
    assert caught.value.code == "notice-stack-too-high"
    assert caught.value.details["text"] == texts[1][1]
    assert layout(texts, 320, 960)


@pytest.mark.parametrize("size", [(20_000, 20_000), (200_001, 1_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_of_400_megapixels_is_refused_before_anything_is_set(size):
    with pytest.raises(MediaTooLarge) as caught:
        layout([("ai-generated", "AI生成")], *size)
    assert '"draw": []' in caught.value.diagnostics("zh-CN")
    assert layout([("ai-generated", "AI生成")], 20_000, 10_000)


@pytest.mark.parametrize("size", [(1, 1), (20_000, 20_000)])
def test_drawing_refuses_what_laying_out_does(tmp_path, size):
    header = struct.pack(">2I5B", *size, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(8))), (b"IEND", b"")]
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    (tmp_path / "in.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    notice = Notice(kind="ai-generated", text="AI生成", box=Box(x=0, y=0, width=160, height=64))
    with pytest.raises((NoticeDoesNotFit, MediaTooLarge)) as caught, (tmp_path / "out.png").open("wb") as file:
        draw(tmp_path / "in.png", file, [notice], orientation=1, format="png")
    assert '"draw": []' in str(caught.value)
    assert (tmp_path / "out.png").stat().st_size == 0


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
