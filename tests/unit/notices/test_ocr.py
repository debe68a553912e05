"""Reading pictures: notices in words and looks of others."""

import io
import sys
from importlib.resources import files

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from provenance.catalog import Catalog
from provenance.errors import MissingExtra
from provenance.notices import ocr
from provenance.notices.typeset import sized_by_ink
from provenance.observe import Sought, observe

from .conftest import encoded, scene

W, H = 960, 640
KIND_OF = Catalog.packaged().kind_said


def _sized(ink):
    font = files("provenance.notices") / "fonts" / "notice.otf"
    return ImageFont.truetype(io.BytesIO(font.read_bytes()), sized_by_ink("生成", ink, W).size)


def written(text, ink, place="bottom right", *, fill="white", edge="black"):
    """Return a scene with text as others draw it: outlined, without a plate."""
    setting = sized_by_ink(text, ink, W)
    picture = scene(W, H, seed=6)
    x, y = (W - setting.width, H - 2 * ink) if place == "bottom right" else (10, 10)
    ImageDraw.Draw(picture).text((x, y), text, font=_sized(ink), fill=fill, stroke_width=ink // 5, stroke_fill=edge)
    return picture


def read(picture):
    return list(ocr.notices_read(np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]), KIND_OF))


@pytest.mark.parametrize("text", ["人工智能生成", "内容为AI生成"])
@pytest.mark.parametrize("place", ["bottom right", "top left"])
def test_a_notice_in_other_words_is_read_and_measured(text, place):
    (reading,) = read(written(text, 40, place))
    assert (reading.kind, reading.found, reading.evidence) == ("ai-generated", True, "ocr")
    assert reading.text.replace(" ", "") == text
    assert reading.height_ratio == pytest.approx(40 / H, rel=0.15)
    assert reading.contrast >= 4.5
    assert (reading.box.y > H / 2) == (place == "bottom right")


def test_too_small_or_too_faint_a_notice_is_read_and_not_found():
    (small,) = read(written("内容为AI生成", 24))
    assert not small.found
    assert small.height_ratio == pytest.approx(24 / H, rel=0.15)
    plain = Image.new("RGB", (W, H), (120, 120, 120))
    ImageDraw.Draw(plain).text((20, 20), "内容为AI生成", font=_sized(40), fill=(170, 170, 170))
    (faint,) = read(plain)
    assert not faint.found
    assert faint.contrast < 4.5


def test_dark_letters_on_light_are_measured_as_well():
    plain = Image.new("RGB", (W, H), (250, 250, 245))
    ImageDraw.Draw(plain).text((20, 20), "内容为AI生成", font=_sized(40), fill=(10, 10, 10))
    (reading,) = read(plain)
    assert reading.found
    assert reading.contrast > 12
    assert reading.height_ratio == pytest.approx(40 / H, rel=0.1)


@pytest.mark.parametrize("text", ["AI摄影", "生成器", "平安春节", "拍摄于四川"])
def test_other_words_are_no_notice(text):
    assert read(written(text, 40)) == []


def test_pictures_without_text_have_no_notice():
    for seed in range(3):
        assert read(scene(W, H, seed)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (32, 5000), (5000, 320)])
def test_pictures_of_any_shape_are_read(shape):
    noise = np.random.default_rng(1).integers(0, 255, (*shape, 3), dtype=np.uint8)
    assert [line for line in ocr.lines_in(noise) if KIND_OF(line.text)] == []


def test_every_call_names_every_step(monkeypatch):
    """What a call leaves out would keep the value of the call before: a picture would be read as one line."""
    picture = np.ascontiguousarray(np.asarray(written("内容为AI生成", 40))[:, :, ::-1])
    first = list(ocr.lines_in(picture))
    ocr._recognised(cv2.resize(picture, (300, 48)))
    assert list(ocr.lines_in(picture)) == first
    assert first


def test_an_animation_is_read_once_for_each_text(tmp_path):
    shown = written("内容为AI生成", 40)
    shown.save(tmp_path / "a.png", save_all=True, append_images=[shown.rotate(180), shown])
    found = ocr.read_notices(tmp_path / "a.png", KIND_OF, orientation=1)
    assert [each.kind for each in found] == ["ai-generated"]


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    ocr._engine.cache_clear()
    with pytest.raises(MissingExtra, match=r"pip install 'provenance-labels\[ocr\]'"):
        ocr.require()
    ocr._engine.cache_clear()


def test_what_is_read_is_evidence_of_its_own(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(written("内容为AI生成", 40), "JPEG", quality=80))
    seen = observe(tmp_path / "a.jpg", sought=Sought(kind_of=KIND_OF))
    assert [(each.kind, each.found, each.stated) for each in seen.notices] == [("ai-generated", True, False)]
    assert [(each.kind, each.carrier) for each in seen.evidence] == [("ai-generated", "notice")]
    assert observe(tmp_path / "a.jpg").notices == ()


def test_what_cannot_be_read_is_remarked(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(scene(W, H), "JPEG", quality=80)[:900])
    seen = observe(tmp_path / "a.jpg", sought=Sought(texts=(("ai-generated", "AI生成"),), kind_of=KIND_OF))
    assert seen.error is not None or [each.code for each in seen.remarks if "notice" in each.code]
