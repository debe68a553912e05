import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageFont

from provenance._messages import fill
from provenance.catalog import Catalog
from provenance.errors import GlyphMissing, NoticeDoesNotFit, UsageError
from provenance.model.notice import Notice
from provenance.notices import draw, faces, layout, require_glyphs
from provenance.notices.faces import SHIPPED, Face, face_for, faces_for, loaded
from provenance.notices.find import readings
from provenance.notices.place import Placed
from provenance.notices.typeset import at_size, coverage, ink_height, sized_by_ink

FULL_PROOF = os.environ.get("PROVENANCE_PROOF") == "full"
BEYOND = "信息来源:泸州日报"  # 泸 is none of the shipped characters


def box_glyph(height=880):
    pen = TTGlyphPen(None)
    for left, bottom, right, top in ((80, 0, 920, height),):
        pen.moveTo((left, bottom))
        pen.lineTo((left, top))
        pen.lineTo((right, top))
        pen.lineTo((right, bottom))
        pen.closePath()
    return pen.glyph()


def font_file(folder: Path, characters: str, *, name="Test Sans", blank="", advance=1000) -> Path:
    """Write a font in which each of `characters` is a solid block, and those in `blank` are nothing."""
    glyphs = {".notdef": box_glyph(height=300), "space": TTGlyphPen(None).glyph()}
    cmap = {0x20: "space"}
    for number, character in enumerate(characters + blank):
        glyphs[f"g{number}"] = TTGlyphPen(None).glyph() if character in blank else box_glyph(height=700 + 10 * number)
        cmap[ord(character)] = f"g{number}"
    builder = FontBuilder(1000)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(cmap)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (advance, 80)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = folder / f"{name.replace(' ', '')}.ttf"
    builder.save(path)
    return path


@pytest.fixture
def alone(monkeypatch):
    """Take away every font but the shipped one."""
    monkeypatch.setattr(faces, "_from_extra", lambda: None)
    monkeypatch.setattr(faces, "_of_system", tuple)


def test_what_the_shipped_font_has_is_set_in_it_alone(tmp_path):
    own = font_file(tmp_path, "AI生成")
    assert list(faces_for("AI生成", own)) == [SHIPPED]
    assert face_for("AI生成", own) == SHIPPED


def test_a_font_of_the_caller_comes_before_every_other(tmp_path):
    own = font_file(tmp_path, BEYOND)
    assert face_for(BEYOND, own) == Face(own)


def test_a_font_of_the_caller_that_lacks_a_character_too_is_passed_over(tmp_path, monkeypatch):
    own, system = font_file(tmp_path, "泸"), font_file(tmp_path, BEYOND, name="Other Sans")
    monkeypatch.setattr(faces, "_from_extra", lambda: None)
    monkeypatch.setattr(faces, "_of_system", lambda: (system,))
    assert face_for(BEYOND, own) == Face(system)


def test_the_extra_comes_before_the_system(tmp_path, monkeypatch):
    extra, system = font_file(tmp_path, BEYOND), font_file(tmp_path, BEYOND, name="Other Sans")
    monkeypatch.setattr(faces, "_from_extra", lambda: extra)
    monkeypatch.setattr(faces, "_of_system", lambda: (system,))
    assert [face.path for face in faces_for(BEYOND)] == [extra, system]


def test_a_text_is_set_in_one_font_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(faces, "_from_extra", lambda: None)
    monkeypatch.setattr(faces, "_of_system", lambda: (font_file(tmp_path, "泸州"),))
    with pytest.raises(GlyphMissing):
        face_for("信息来源:泸州")


def test_a_glyph_missing_everywhere_is_named_with_what_to_install(alone):
    with pytest.raises(GlyphMissing) as caught:
        require_glyphs("拍摄于泸州😀")
    assert caught.value.code == "glyph-missing-here"
    assert caught.value.details["characters"] == "泸 😀"
    for locale in ("en", "zh-CN"):
        assert "provenance-labels[fonts]" in caught.value.diagnostics(locale)
        assert '"draw": []' in caught.value.diagnostics(locale)


def test_where_the_extra_is_there_installing_it_is_not_advised(tmp_path, monkeypatch):
    monkeypatch.setattr(faces, "_from_extra", lambda: font_file(tmp_path, "拍摄于泸州"))
    monkeypatch.setattr(faces, "_of_system", tuple)
    with pytest.raises(GlyphMissing) as caught:
        require_glyphs("拍摄于泸州😀")
    assert (caught.value.code, caught.value.details["characters"]) == ("glyph-missing", "😀")
    assert "[fonts]" not in caught.value.diagnostics("zh-CN")


def test_the_box_that_fonts_draw_for_what_they_lack_is_no_glyph(tmp_path, alone):
    own = font_file(tmp_path, "泸")
    assert list(faces_for("泸", own)) == [Face(own)]
    assert list(faces_for("泸黔", own)) == []


def test_a_character_without_ink_is_none_unless_it_is_a_space(tmp_path, alone):
    own = font_file(tmp_path, "泸", blank="㋿\u3000")
    assert list(faces_for("泸\u3000", own)) == [Face(own)]
    assert list(faces_for("泸㋿", own)) == []


@pytest.mark.parametrize(
    "hidden",
    ["\u202e", "\u2066", "\u200b", "\u200d", "\n", "\x07", "\ufeff", "\u2028", "\ue000", "\U000e0041", "\ud800"],
)
def test_control_direction_and_half_characters_are_refused(hidden):
    with pytest.raises(GlyphMissing) as caught:
        require_glyphs(f"AI{hidden}生成")
    assert caught.value.code == "glyph-hidden"
    assert f"U+{ord(hidden):04X}" in str(caught.value)
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize("joined", ["e\u0301", "שלום", "مرحبا", "བོད", "ᠮᠣᠩᠭᠣᠯ", "\u1100\u1161", "नि", "℃\ufe0f"])
def test_what_cannot_be_set_one_character_after_the_other_is_refused(joined, tmp_path):
    with pytest.raises(GlyphMissing) as caught:
        layout([("source", f"信息来源:{joined}")], 1920, 1080, font=font_file(tmp_path, joined))
    assert caught.value.code == "glyph-joined"


@pytest.mark.parametrize(
    "content",
    [b"", b"no font", b"OTTO" + bytes(40), b"ttcf\0\1\0\0\xff\xff\xff\xff" + bytes(64), b"\0\1\0\0\xff\xff" * 99],
)
def test_a_file_that_is_no_font_is_refused(tmp_path, content):
    path = tmp_path / "a.ttf"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        layout([("source", BEYOND)], 1920, 1080, font=path)
    assert caught.value.code == "font-unreadable"
    assert str(path) in str(caught.value)


def test_a_font_that_is_not_there_or_too_large_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="absent"):
        layout([("source", BEYOND)], 1920, 1080, font=tmp_path / "absent.ttf")
    monkeypatch.setattr(faces, "_LARGEST_FONT", 100)
    with pytest.raises(UsageError) as caught:
        layout([("source", BEYOND)], 1920, 1080, font=font_file(tmp_path, BEYOND))
    assert caught.value.code == "font-too-large"


def test_a_font_cut_short_is_refused_or_draws(tmp_path):
    whole = font_file(tmp_path, BEYOND).read_bytes()
    refused = 0
    for number, length in enumerate(range(0, len(whole), max(1, len(whole) // 40))):
        path = tmp_path / f"{number}.ttf"
        path.write_bytes(whole[:length])
        try:
            layout([("source", BEYOND)], 1920, 1080, font=path)
        except (UsageError, GlyphMissing):
            refused += 1
    assert refused


def test_a_mutated_font_is_refused_or_draws(tmp_path):
    """FreeType finds some damage only when a glyph is drawn, and only at some sizes."""
    whole, chance = font_file(tmp_path, BEYOND).read_bytes(), np.random.default_rng(11)
    seen = set()
    for number in range(1000 if FULL_PROOF else 150):
        mutant = bytearray(whole)
        for at in chance.integers(0, len(whole), chance.choice((1, 3, 10, 60))):
            mutant[at] = chance.integers(0, 256)
        path = tmp_path / f"{number}.ttf"
        path.write_bytes(mutant)
        try:
            (notice,) = layout([("source", BEYOND)], 1280, 720, font=path)
            seen.add(type(notice))
            coverage(sized_by_ink(BEYOND, 41, notice.box.width, Face(path)), notice.box.width, notice.box.height)
        except (UsageError, NoticeDoesNotFit) as error:
            seen.add(type(error))
        path.unlink()
    assert {Placed, Notice} <= seen


def test_a_font_whose_glyphs_are_huge_is_passed_over(tmp_path, alone):
    path = font_file(tmp_path, BEYOND, advance=30_000)
    with pytest.raises(GlyphMissing):
        layout([("source", BEYOND)], 1280, 720, font=path)


def test_a_damaged_font_of_the_system_is_passed_over(tmp_path, monkeypatch):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    good = font_file(tmp_path, BEYOND)
    monkeypatch.setattr(faces, "_from_extra", lambda: None)
    monkeypatch.setattr(faces, "_of_system", lambda: (broken, good))
    assert face_for(BEYOND) == Face(good)


def test_the_system_s_fonts_are_found_by_name_the_best_first(tmp_path, monkeypatch):
    names = ["wqy-zenhei.ttc", "NotoSansCJK-Regular.ttc", "msyh.ttc", "NotoSansCJK-Bold.ttc"]
    for number, name in enumerate(names):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / name).touch()
    monkeypatch.setattr(faces, "_folders", lambda: (tmp_path, tmp_path / "absent"))
    found = faces._of_system.__wrapped__()
    assert [path.name for path in found] == ["NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc", "wqy-zenhei.ttc"]
    monkeypatch.setattr(faces, "_MOST_FOLDERS", 1)
    assert faces._of_system.__wrapped__() == ()


@pytest.mark.parametrize(
    ("platform", "folder"), [("win32", "Fonts"), ("darwin", "/Library/Fonts"), ("linux", "/usr/share/fonts")]
)
def test_each_system_has_its_folders(platform, folder, monkeypatch):
    monkeypatch.setattr(faces.sys, "platform", platform)
    assert any(str(path).endswith(folder) for path in faces._folders())


def test_the_font_of_the_caller_is_drawn_with_and_kept_out_of_the_file(tmp_path):
    own = font_file(tmp_path, BEYOND)
    placed = layout([("source", BEYOND), ("ai-generated", "AI生成")], 1280, 720, font=own)
    assert [type(each) for each in placed] == [Placed, Notice]
    assert set(placed[0].as_json()) == {"kind", "text", "box", "seconds"}
    assert placed[0].model_dump().keys() == placed[1].model_dump().keys()
    moved = placed[0].model_copy(update={"kind": "other"})
    assert moved.font == own
    picture = io.BytesIO()
    Image.new("RGB", (1280, 720), (90, 120, 90)).save(picture, "PNG")
    (tmp_path / "in.png").write_bytes(picture.getvalue())
    with (tmp_path / "out.png").open("wb") as file:
        draw(tmp_path / "in.png", file, placed, orientation=1, format="png")
    with Image.open(tmp_path / "out.png") as drawn:
        pixels = np.asarray(drawn.convert("L"))
    box = placed[0].box
    wanted = coverage(sized_by_ink(BEYOND, 41, box.width, Face(own)), box.width, box.height) > 0.9
    assert wanted.mean() > 0.2, "solid blocks, as no real font has them"
    assert (pixels[box.y : box.y + box.height, box.x : box.x + box.width][wanted] > 225).all()


def test_the_extra_draws_rare_characters_in_bold():
    text = "信息来源:𠮷林晚报 泸州龘䶮㙍"
    face = face_for(text)
    assert face.path == faces._from_extra()
    assert loaded(face, 40.0).getname()[0] == "Noto Sans CJK SC"
    one, other = sized_by_ink("国", 100, 400, face), sized_by_ink("国", 100, 400, SHIPPED)
    bold = coverage(one, 200, 200).sum() / coverage(other, 200, 200).sum()
    assert bold == pytest.approx(1, abs=0.05), "as heavy as the shipped one"


def drawn_on_gray(notice):
    from provenance.notices.overlay import patches

    picture = np.full((720, 1280, 3), 128, np.uint8)
    (patch,) = patches([notice], 1280, 720, 1)
    height, width = patch.ink.shape
    area = picture[patch.y : patch.y + height, patch.x : patch.x + width]
    area[...] = patch.over(area[:, :, 0].astype(np.float32), 255, 0)[:, :, None]
    return picture


def test_what_the_extra_drew_is_found_again():
    (notice,) = layout([("source", "信息来源:泸州日报 2026-05-01")], 1280, 720)
    picture = drawn_on_gray(notice)
    (found,) = readings(picture, [notice])
    assert found.found
    assert found.height_ratio >= 0.05
    assert not found.font_in_doubt
    (other,) = readings(picture, [notice.model_copy(update={"text": "信息来源:湖州日报 2026-05-01"})])
    assert not other.found


def test_any_font_at_hand_is_tried_when_measuring(tmp_path, monkeypatch):
    text = "信息来源:泸州日报"
    (notice,) = layout([("source", text)], 1280, 720)
    picture = drawn_on_gray(notice)
    blocks, real = font_file(tmp_path, text), faces._from_extra()
    monkeypatch.setattr(faces, "_from_extra", lambda: blocks)
    monkeypatch.setattr(faces, "_of_system", lambda: (real,))
    (found,) = readings(picture, [notice])
    assert found.found


def test_a_reading_without_the_font_says_that_it_is_in_doubt(tmp_path, alone):
    own = font_file(tmp_path, BEYOND)
    (notice,) = layout([("source", BEYOND)], 1280, 720, font=own)
    picture = drawn_on_gray(notice)
    plain = Notice(kind=notice.kind, text=notice.text, box=notice.box)
    (without,) = readings(picture, [plain])
    assert (without.found, without.font_in_doubt, without.evidence) == (False, True, None)
    assert "font_in_doubt" not in without.as_json()
    (fixed,) = readings(np.full_like(picture, 128), layout([("ai-generated", "AI生成")], 1280, 720))
    assert (fixed.found, fixed.font_in_doubt) == (False, False), "the shipped font is always at hand"
    (unsettable,) = readings(picture, [plain.model_copy(update={"text": "e\u0301生成"})])
    assert (unsettable.found, unsettable.font_in_doubt) == (False, True)


def test_the_face_for_simplified_chinese_is_taken_of_a_collection(tmp_path):
    from fontTools.ttLib import TTCollection, TTFont

    collection = TTCollection()
    collection.fonts = [TTFont(font_file(tmp_path, BEYOND, name=name)) for name in ("Test JP", "Test SC", "Test TC")]
    collection.save(tmp_path / "all.ttc")
    assert face_for(BEYOND, tmp_path / "all.ttc") == Face(tmp_path / "all.ttc", 1)
    collection.fonts = collection.fonts[::2]
    collection.save(tmp_path / "two.ttc")
    assert face_for(BEYOND, tmp_path / "two.ttc") == Face(tmp_path / "two.ttc", 0)


def test_a_font_that_varies_in_other_things_stays_as_it_is():
    assert faces._value(b"Weight", 100, 400, 900) == 700
    assert faces._value(b"Weight", 100, 400, 600) == 600
    assert faces._value(b"Width", 75, 100, 125) == 100
    assert faces._value(None, None, None, None) == 0


def test_ink_is_measured_in_the_face_that_was_given(tmp_path):
    own = Face(shutil.copy(font_file(tmp_path, "泸A"), tmp_path / "copy.ttf"))
    assert ink_height("泸", 100.0, own) == pytest.approx(70, abs=2)
    assert isinstance(loaded(own, 20.0), ImageFont.FreeTypeFont)


PLACES = (
    "四川省泸州市龙马潭区",
    "新疆维吾尔自治区博尔塔拉蒙古自治州",
    "湖北省潜江市浩口镇",
    "香港特别行政区深水埗",
    "東京都渋谷区",
    "Köln",
)
SAMPLES = [
    {
        "publisher": publisher,
        "published_at": "2026-05-01T07:00:00+08:00",
        "time": "2026-05-01 08:30",
        "place": {"name": place},
        "name": "泸州老窖文化传媒(集团)有限公司",
        "reason": "与官方通报不符;图片系2019年旧图",
        "claim": "“某地今日发生6.1级地震”",
        "debunk_url": "https://www.piyao.org.cn/20260501/9a8b7c/c.html?from=feed&id=1",
        "advertiser": "𠮷野家(北京)餐饮有限公司",
    }
    for publisher, place in zip(
        ("新华社", "瞭望东方周刊", "澎湃新闻", "凤凰网", "NHK", "Süddeutsche Zeitung"), PLACES, strict=True
    )
]


@pytest.mark.parametrize("fields", SAMPLES, ids=PLACES)
def test_every_built_in_wording_is_drawn_with_what_people_fill_in(fields):
    """With all fields, and with none that may be left out, in both languages, by the shipped font or the extra."""
    at_hand = {SHIPPED.path, faces._from_extra()}
    texts = {
        fill(wording[locale], filled)
        for kind in Catalog.packaged().kinds.values()
        for wording in kind.notice.wording
        for locale in ("zh-CN", "en")
        for filled in (fields, {key: fields[key] for key in ("publisher", "name", "place")})
    }
    assert len(texts) > 30
    for text in sorted(texts):
        (notice,) = layout([("x", text)], 1080, 1080)
        face = face_for(text)
        assert face.path in at_hand
        ink = coverage(sized_by_ink(text, 62, notice.box.width, face), notice.box.width, notice.box.height)
        assert ink.max() == 1
        for character in set(text) - {" "}:
            only = coverage(at_size(character, 40, 200, face), 200, 200)
            assert only.max() > 0.4, character
