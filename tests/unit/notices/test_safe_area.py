import itertools
import tomllib
from pathlib import Path

import pytest

from provenance.catalog import Catalog
from provenance.model.notice import Box, Notice
from provenance.notices import layout, safe_area
from provenance.notices.safe_area import Area, area_of, fills_screen, free_part, margins, outside

ROOT = Path(__file__).resolve().parents[3]
STYLE = tomllib.loads((ROOT / "labels/notices/plate.toml").read_text(encoding="utf-8"))
AI = ("ai-generated", "AI生成")
STACK = (AI, ("fiction", "摆拍演绎"), ("capture", "拍摄于 2026-05-01 08:30 四川省成都市"))
TALL = [(320, 569), (360, 640), (540, 960), (720, 1280), (1080, 1920), (1080, 2340), (1440, 2560), (2160, 3840)]
OTHERS = [(1920, 1080), (1080, 1080), (3024, 4032), (320, 5000), (5000, 320), (1080, 2700), (1080, 1600)]


def test_the_numbers_are_those_of_the_notice_style():
    area = STYLE["safe_area"]
    width, height = area["width"], area["height"]
    assert Area(*(area[key] / (height if key in {"top", "bottom"} else width) for key in Area._fields)) == (
        safe_area.COMMON
    )
    assert area_of(Catalog.packaged().styles["plate"].safe_area) == safe_area.COMMON == area_of(None)
    assert (area["least_ratio"], area["most_ratio"]) == (safe_area.LEAST_RATIO, safe_area.MOST_RATIO)
    assert (STYLE["margin_ratio"], STYLE["edge_ratio"]) == (safe_area.MARGIN, safe_area.EDGE)


def test_the_union_is_the_one_that_was_found():
    area = STYLE["safe_area"]
    assert (area["left"], area["width"] - area["right"]) == (120, 888)
    assert (area["top"], area["height"] - area["bottom"]) == (288, 1248)
    assert area["certainty"] == "I"


@pytest.mark.parametrize(("width", "height"), TALL)
def test_on_a_tall_picture_notices_stand_where_controls_end_and_still_at_the_edge(width, height):
    assert fills_screen(width, height)
    placed = layout(STACK, width, height)
    assert outside(placed, width, height) == ()
    for notice in placed:
        box = notice.box
        assert box.x <= STYLE["edge_ratio"] * min(width, height), "GB 45438-2025, 5.2 c and 5.4 d: at an edge"
        assert box.x + box.width <= width * 888 / 1080
        assert height * 287 / 1920 <= box.y
        assert box.y + box.height <= height * 1248 / 1920


@pytest.mark.parametrize(("width", "height"), TALL)
def test_the_ink_stands_clear_of_what_controls_cover_at_the_left(width, height):
    from provenance.notices.overlay import patches

    for patch in patches(layout(STACK, width, height), width, height, 1):
        assert patch.x + (patch.ink > 0.5).any(axis=0).argmax() >= width * 120 / 1080 - 2


@pytest.mark.parametrize(("width", "height"), OTHERS)
def test_other_pictures_keep_to_the_margin(width, height):
    assert not fills_screen(width, height)
    (notice,) = layout([AI], width, height)
    assert (notice.box.x, notice.box.y) == (margins(width, height).x, margins(width, height).y)
    assert notice.box.x <= 0.05 * min(width, height)
    assert outside([notice], width, height) == ()


def test_a_platform_may_cover_less_or_more():
    (notice,) = layout([AI], 1080, 1920, area=Area(top=0.05, right=0.1, bottom=0.2, left=0.02))
    assert (notice.box.x, notice.box.y) == (16, 96)
    assert outside([notice], 1080, 1920, Area(top=0.05, right=0.1, bottom=0.2, left=0.02)) == ()


def test_the_edge_that_the_law_asks_for_wins_over_what_a_platform_leaves_and_that_is_said():
    narrow = Area(top=0.3, right=0.1, bottom=0.2, left=0.4)
    (notice,) = layout([AI], 1080, 1920, area=narrow)
    assert (notice.box.x, notice.box.y) == (96, 576)
    assert outside([notice], 1080, 1920, narrow) == (notice,)


@pytest.mark.parametrize("side", range(320, 1300, 7))
def test_of_no_size_are_notices_of_one_line_covered(side):
    assert outside(layout([AI], side, round(side * 16 / 9)), side, round(side * 16 / 9)) == ()


def test_a_stack_too_high_for_the_area_goes_on_below_it_and_says_so():
    texts = [(f"kind-{number}", "摆拍演绎") for number in range(9)]
    placed = layout(texts, 1080, 1920)
    below = outside(placed, 1080, 1920)
    assert placed[0].box.y == 288
    assert [each.text for each in placed] == [text for _, text in texts]
    assert 0 < len(below) < len(placed)
    assert below == placed[-len(below) :]
    assert all(each.box.y + each.box.height > 1248 for each in below)


def test_a_stack_too_high_for_what_is_below_begins_at_the_top():
    texts = [(f"kind-{number}", "摆拍演绎") for number in range(14)]
    placed = layout(texts, 1080, 1920)
    assert placed[0].box.y == margins(1080, 1920).y
    assert all(one.box.y + one.box.height < other.box.y for one, other in itertools.pairwise(placed))
    assert placed[-1].box.y + placed[-1].box.height <= 1920
    assert outside(placed, 1080, 1920) != ()


def test_what_has_no_box_is_not_outside():
    assert outside([Notice(kind="ai-generated", text="AI生成")], 1080, 1920) == ()


def test_notices_go_below_what_is_taken_in_the_area_too():
    (notice,) = layout([AI], 1080, 1920, [Box(x=0, y=200, width=500, height=200)])
    assert notice.box.y >= 400
    assert notice.box.x == 96


def test_every_platform_s_own_area_is_a_part_of_its_screen():
    known = [each.safe_area for each in Catalog.packaged().platforms.values() if each.safe_area]
    for area in [*known, *(style.safe_area for style in Catalog.packaged().styles.values())]:
        assert free_part(area.width, area.height).width > 0
        assert area.source
