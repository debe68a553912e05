import re
import tomllib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from provenance.catalog import Catalog
from provenance.errors import NoticeDoesNotFit
from provenance.notices import require_glyphs
from provenance.notices.typeset import at_size, coverage, ink_height, measured_characters, sized_by_ink

ROOT = Path(__file__).resolve().parents[3]
FONTS = files("provenance.notices") / "fonts"
CONTRACT = (
    "AI生成", "可能为AI生成", "疑似AI生成", "虚构内容", "演绎内容", "摆拍演绎", "信息来源:新华社 2026-05-01",
    "拍摄于 2026-05-01 08:30 四川省成都市", "旧闻:事件发生于 2024-05-01 四川省成都市", "所属MCN机构:有限公司",
    "争议信息", "谣言", "已辟谣", "营销信息", "广告", "个人观点", "可能引发模仿 不良价值观 未成年人 个人信息",
)  # fmt: skip


def wordings() -> list[str]:
    found = []
    for path in sorted((ROOT / "labels/kinds").glob("*.toml")):
        kind = tomllib.loads(path.read_text(encoding="utf-8"))
        for wording in kind.get("notice", {}).get("wording", []):
            found += [re.sub(r"\{[^}]*\}|[\[\]]", "", wording[locale]) for locale in ("zh-CN", "en")]
    return found


@pytest.mark.parametrize("text", [*CONTRACT, *wordings()])
def test_every_built_in_wording_is_drawn_with_ink_for_each_character(text):
    setting = sized_by_ink(text, 40, 3000)
    plate = coverage(setting, setting.width, setting.height)
    assert plate.max() == 1
    for character in set(text) - {" "}:
        assert coverage(setting, setting.width, setting.height, only=character).max() > 0.4, character


def test_the_label_kinds_are_looked_at():
    assert {"AI生成", "虚构内容"} <= set(wordings())


def test_the_list_of_characters_is_what_the_font_maps():
    from fontTools.ttLib import TTFont

    with (FONTS / "notice.otf").open("rb") as file:
        mapped = {chr(code) for code in TTFont(file).getBestCmap()}
    assert set((FONTS / "characters.txt").read_text(encoding="utf-8").rstrip("\n")) == mapped


def test_the_font_stays_small_and_its_licence_lies_beside_it():
    assert len((FONTS / "notice.otf").read_bytes()) <= 60_000
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text(encoding="utf-8")


def test_provinces_and_their_capitals_can_be_written():
    require_glyphs(
        "北京市 天津 河北省石家庄 山西太原 内蒙古自治区呼和浩特 辽宁沈阳 吉林长春 黑龙江哈尔滨 上海 江苏南京"
    )
    require_glyphs("浙江杭州 安徽合肥 福建福州 江西南昌 山东济南 河南郑州 湖北武汉 湖南长沙 广东广州 广西南宁 海南海口")
    require_glyphs(
        "重庆 四川成都 贵州贵阳 云南昆明 西藏拉萨 陕西西安 甘肃兰州 青海西宁 宁夏银川 新疆乌鲁木齐 台湾台北 香港 澳门"
    )


@pytest.mark.parametrize("text", ["AI生成", "AI-generated", "2026", "(成都)", "source"])
@pytest.mark.parametrize("ink", [18, 31, 60, 173])
def test_ink_is_never_lower_than_asked_and_hardly_higher(text, ink):
    setting = sized_by_ink(text, ink, 100_000)
    assert ink <= ink_height(measured_characters(text), setting.size) <= ink + 2


def test_brackets_do_not_count_as_height():
    assert measured_characters("(成都),AI") == "成都"
    assert measured_characters("AI (x)") == "AIx"


def test_a_long_text_breaks_into_lines_that_stay_in_the_room():
    text = "旧闻:事件发生于 2024-05-01 四川省成都市"
    setting = sized_by_ink(text, 30, 300)
    assert len(setting.lines) > 1
    assert "".join(setting.lines).replace(" ", "") == text.replace(" ", "")
    assert setting.width <= 300
    columns = np.flatnonzero(coverage(setting, 300, setting.height).any(axis=0))
    assert columns[0] > 0
    assert columns[-1] < 299


def test_a_line_never_starts_with_a_comma_nor_ends_with_a_bracket():
    for room in range(120, 400, 7):
        for line in at_size("争议(成都),官方通报(北京)、信息来源:新华社。", 30, room).lines:
            assert line[0] not in ",、。):", line
            assert line[-1] != "(", line


@pytest.mark.parametrize("room", [120, 200, 300, 1000])
def test_an_address_is_parted_where_a_line_ends(room):
    address = "https://example.com/news/2026-05-01/a-rather-long-title-of-a-story?id=20260501&from=feed"
    setting = sized_by_ink(f"信息来源:新华社 {address}", 30, room)
    assert setting.width <= room
    assert "".join(setting.lines).replace(" ", "") == f"信息来源:新华社{address}"
    broken = [line for line in setting.lines[:-1] if line[-1].isascii()]
    assert room < 300 or all(line[-1] in "/?&=#-_.:" for line in broken)


def test_a_mark_before_an_address_stays_with_the_word_that_it_ends():
    assert at_size("谣言(辟谣:https://piyao.org.cn)", 30, 300).lines == ("谣言(辟谣:", "https://piyao.", "org.cn)")


def test_a_word_without_a_mark_is_parted_anywhere():
    setting = sized_by_ink("MCN-" + "x" * 60, 30, 300)
    assert "".join(setting.lines) == "MCN-" + "x" * 60
    assert setting.width <= 300


def test_a_character_wider_than_the_room_does_not_fit():
    with pytest.raises(NoticeDoesNotFit, match='"draw"'):
        sized_by_ink("AI生成", 30, 40)


@pytest.mark.parametrize("text", ["-", "……", "——", "."])
def test_marks_alone_are_no_notice(text):
    with pytest.raises(NoticeDoesNotFit) as caught:
        sized_by_ink(text, 40, 1000)
    assert caught.value.code == "notice-too-flat"


def test_an_endless_text_does_not_fit():
    with pytest.raises(NoticeDoesNotFit):
        sized_by_ink("成" * 2000, 30, 3000)


def test_every_notice_of_fixed_words_can_be_drawn():
    kinds = Catalog.packaged().kinds.values()
    fixed = [text["zh-CN"] for kind in kinds for text in kind.notice.wording if "{" not in text["zh-CN"]]
    assert len(fixed) >= 11
    for text in fixed:
        require_glyphs(text)
