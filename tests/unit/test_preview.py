import io
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from provenance.attach import DrawOptions, attach_media
from provenance.catalog import Catalog
from provenance.errors import (
    AssetNotFound,
    ConflictingLabels,
    MediaError,
    NoticeDoesNotFit,
    UnsupportedFormat,
    UsageError,
)
from provenance.preview import page, preview
from provenance.preview.picture import LONGEST_SIDE, without_pixels

CATALOG = Catalog.packaged()
AI = {"labels": [{"kind": "ai-generated", "grade": "confirmed"}]}
BOTH = {"labels": [*AI["labels"], {"kind": "fiction", "form": "staged"}]}
VOID = {"meta", "image", "use", "path", "rect"}


class Page(HTMLParser):
    """What a page holds; every element that is opened has to be closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.texts.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def scene(width, height):
    ramp = np.linspace(40, 220, width * height * 3).reshape(height, width, 3)
    return Image.fromarray(ramp.astype(np.uint8))


def film(path, *told):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    seen = ["-f", "lavfi", "-i", "testsrc2=s=720x1280:r=10:d=12"]
    subprocess.run(["ffmpeg", "-v", "error", *seen, *told, path], check=True)
    return path


@pytest.fixture
def tall(tmp_path):
    path = tmp_path / "tall.jpg"
    scene(720, 1280).save(path, quality=95)
    return path


def test_an_image_looks_as_attach_would_make_it(tall, tmp_path):
    before = tall.read_bytes()
    found = preview(tall, BOTH, catalog=CATALOG)
    done = attach_media(tall, tmp_path / "out.jpg", BOTH, catalog=CATALOG, signer=None)
    assert found.notices == done.notices
    with Image.open(done.path) as picture:
        wanted = np.asarray(picture.convert("RGB"))[:, :, ::-1]
    assert np.abs(found.pixels.astype(int) - wanted).max() <= 2, "two JPEG decoders"
    assert tall.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jpg", "tall.jpg"]


def test_the_picture_is_written_without_metadata_and_no_larger_than_a_screen(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "maker"
    exif[0x0112] = 6
    scene(2400, 1350).save(tmp_path / "a.jpg", exif=exif)
    found = preview(tmp_path / "a.jpg", AI, catalog=CATALOG)
    assert (found.width, found.height) == (1350, 2400), "as displayed"
    for form in ("PNG", "JPEG"):
        data = found.encoded(form)
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.format, picture.size) == (form, (900, LONGEST_SIDE))
            assert not picture.getexif()
        assert b"maker" not in data


def test_a_film_shows_its_first_picture_with_the_notices(tmp_path):
    source = film(tmp_path / "a.mp4", "-pix_fmt", "yuv420p", "-t", "4")
    found = preview(source, AI, catalog=CATALOG)
    (notice,) = found.notices
    assert (found.media, found.width, found.height) == ("video", 720, 1280)
    assert notice.as_json()["seconds"] == {"start": 0, "end": 3}
    assert notice.box.y == 192
    done = attach_media(source, tmp_path / "out.mp4", AI, catalog=CATALOG, signer=None)
    assert done.notices == found.notices
    again = preview(done.path, AI, catalog=CATALOG)
    assert again.notices == found.notices, "what stands in the film is not drawn again"
    box = notice.box
    area = np.s_[box.y : box.y + box.height, box.x : box.x + box.width]
    assert np.abs(again.pixels[area].astype(float) - found.pixels[area]).mean() < 8


def test_a_film_says_every_time_that_its_notice_shows(tmp_path):
    source = film(tmp_path / "a.mp4", "-pix_fmt", "yuv420p", "-t", "12")
    found = preview(source, AI, catalog=CATALOG, options=DrawOptions(at=("end",), seconds=2))
    assert [notice.seconds.start for notice in found.notices] == [0, pytest.approx(10, abs=0.1)]
    text = page(found, catalog=CATALOG, locale="en")
    assert "from 0 s to 2 s" in text
    whole = preview(source, AI, catalog=CATALOG, options=DrawOptions(seconds=math.inf))
    assert [notice.seconds.end for notice in whole.notices] == [None]
    assert "from 0 s to the end" in page(whole, catalog=CATALOG, locale="en")


def test_a_film_of_a_codec_that_cannot_be_drawn_on_is_refused_as_attach_does(tmp_path):
    source = film(tmp_path / "a.mp4", "-c:v", "mpeg4")
    with pytest.raises(MediaError, match='"draw"'):
        preview(source, AI, catalog=CATALOG)


def test_a_turned_film_is_shown_upright(tmp_path):
    film(tmp_path / "a.mp4", "-pix_fmt", "yuv420p", "-t", "3")
    turned = tmp_path / "turned.mov"
    how = ["-i", tmp_path / "a.mp4", "-c", "copy", "-metadata:s:v", "rotate=90", turned]
    subprocess.run(["ffmpeg", "-v", "error", *how], check=True)
    found = preview(turned, AI, catalog=CATALOG)
    assert (found.width, found.height) == (1280, 720)
    assert (found.notices[0].box.x, found.notices[0].box.y) == (16, 16)


def test_a_film_that_attach_cannot_draw_on_is_shown_without(tmp_path):
    found = preview(film(tmp_path / "a.avi", "-c:v", "mpeg4", "-t", "1"), AI, catalog=CATALOG)
    assert found.notices == ()
    assert [each.code for each in found.warnings] == ["notice-not-drawn"]


def test_sound_alone_and_a_film_without_its_end_are_refused(tmp_path):
    sound = tmp_path / "sound.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", sound], check=True)
    whole = film(tmp_path / "a.mp4", "-pix_fmt", "yuv420p", "-t", "1").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:4000])
    for path in (sound, tmp_path / "cut.mp4"):
        with pytest.raises((MediaError, UsageError)):
            preview(path, AI, catalog=CATALOG)


def test_sound_alone_is_refused_with_the_way_on(tmp_path):
    sound = tmp_path / "sound.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", sound], check=True)
    with pytest.raises(MediaError, match='"draw"'):
        preview(sound, AI, catalog=CATALOG)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_page_stands_alone_and_is_well_formed(tall, locale):
    text = page(preview(tall, BOTH, catalog=CATALOG), catalog=CATALOG, locale=locale)
    seen = Page(text)
    assert seen.all("html") == [{"lang": locale}]
    assert seen.all("script") == []
    assert not re.search(r'(?:src|href)="(?!data:image/jpeg;base64,|#media")', text)
    assert "default-src 'none'" in seen.all("meta")[3]["content"]
    assert len(seen.all("h1")) == len(seen.all("main")) == len(seen.all("table")) == 1
    assert all(each["role"] == "img" and each["aria-label"] for each in seen.all("svg"))
    assert {"AI生成", "摆拍演绎"} <= set(seen.texts)
    assert all("preview-" not in each for each in seen.texts), "a text is missing"


def test_the_page_says_which_platforms_and_how_sure(tall):
    text = page(preview(tall, AI, catalog=CATALOG), catalog=CATALOG, locale="zh-CN")
    assert "抖音" in text
    assert "快手" in text
    assert "六类必选标签" not in text
    assert "可信程度 I" in text
    only = page(preview(tall, AI, catalog=CATALOG), catalog=CATALOG, locale="en", platform="抖音")
    assert "no numbers: Douyin." in only
    assert "Kuaishou." not in only
    with pytest.raises(UsageError):
        page(preview(tall, AI, catalog=CATALOG), catalog=CATALOG, locale="en", platform="myspace")


def test_a_platform_with_numbers_of_its_own_has_its_own_figure(tall, tmp_path):
    from provenance._resources import labels_root

    shutil.copytree(labels_root(), tmp_path / "labels")
    path = tmp_path / "labels/platforms/douyin.toml"
    area = "[safe_area]\nwidth = 1080\nheight = 1920\ntop = 900\nright = 140\nbottom = 400\nleft = 0\n"
    text = path.read_text("utf-8").replace("[title]", area + 'certainty = "P"\nsource = "<measured>"\n\n[title]', 1)
    path.write_text(text, "utf-8")
    catalog = Catalog.from_directory(tmp_path / "labels")
    common = page(preview(tall, AI, catalog=catalog), catalog=catalog, locale="en")
    assert len(Page(common).all("svg")) == 3
    assert "Controls may cover: AI生成" in common
    assert "&lt;measured&gt;" in common
    options = DrawOptions(platform="douyin")
    found = preview(tall, AI, catalog=catalog, options=options)
    assert found.notices[0].box.y == 608
    assert found.notices[0].box.x <= 72
    alone = page(found, catalog=catalog, locale="en", platform="douyin")
    assert "Controls may cover" not in alone
    assert len(Page(alone).all("svg")) == 2


def test_a_picture_that_fills_no_screen_has_no_veil(tmp_path):
    scene(1280, 720).save(tmp_path / "wide.png")
    text = page(preview(tmp_path / "wide.png", AI, catalog=CATALOG), catalog=CATALOG, locale="en")
    assert len(Page(text).all("svg")) == 1
    assert 'class="veil"' not in text


def test_what_does_not_fit_the_area_is_said_on_the_page_and_as_a_warning(tmp_path):
    scene(480, 800).save(tmp_path / "a.png")
    labels = [*AI["labels"], {"kind": "fiction", "form": "staged"}, {"kind": "opinion"}]
    labels += [
        {"kind": "minors-risk", "class": each} for each in ("imitation", "values", "image-misuse", "data-misuse")
    ]
    asset = {"labels": labels, "draw": ["ai-generated", "fiction", "opinion", "minors-risk"]}
    found = preview(tmp_path / "a.png", asset, catalog=CATALOG)
    assert {each.code for each in found.warnings} == {"notice-outside-safe-area"}
    text = page(found, catalog=CATALOG, locale="zh-CN")
    assert "可能被控件遮挡" in text
    assert '<p class="warning" role="note">' in text
    assert without_pixels(found)["warnings"][0]["code"] == "notice-outside-safe-area"


def test_names_and_texts_are_escaped(tmp_path):
    path = tmp_path / "<script>alert(1)</script>&\"'.png".replace("/", "")
    scene(640, 640).save(path)
    text = page(preview(path, AI, catalog=CATALOG), catalog=CATALOG, locale="en")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    Page(text)


def test_nothing_to_draw_is_shown_as_it_is(tall):
    found = preview(tall, {**AI, "draw": []}, catalog=CATALOG)
    assert found.notices == ()
    text = page(found, catalog=CATALOG, locale="en")
    assert "No notice is drawn" in text
    assert "without notices" in text


def test_a_format_that_cannot_be_drawn_on_shows_the_picture_and_a_warning(tmp_path, monkeypatch):
    from provenance.attach import drawing

    scene(640, 640).save(tmp_path / "a.png")
    monkeypatch.setattr(drawing, "_drawable", lambda *_: False)
    found = preview(tmp_path / "a.png", AI, catalog=CATALOG)
    assert found.notices == ()
    assert len(found.warnings) == 1
    assert "notice" in page(found, catalog=CATALOG, locale="en")


@pytest.mark.parametrize("size", [(1, 1), (319, 900), (5000, 300)])
def test_a_picture_too_small_is_refused_as_attach_does(tmp_path, size):
    scene(*size).save(tmp_path / "a.png")
    with pytest.raises(NoticeDoesNotFit):
        preview(tmp_path / "a.png", AI, catalog=CATALOG)


def test_what_shows_nothing_is_refused(tmp_path):
    (tmp_path / "a.md").write_text("# text\n", "utf-8")
    with pytest.raises(UnsupportedFormat) as caught:
        preview(tmp_path / "a.md", AI, catalog=CATALOG)
    assert caught.value.code in {"preview-shows-nothing", "format-unknown"}
    with pytest.raises(AssetNotFound):
        preview(tmp_path / "absent.png", AI, catalog=CATALOG)


def test_a_file_that_contradicts_is_refused_as_attach_does(tall, tmp_path):
    attach_media(tall, tmp_path / "out.jpg", AI, catalog=CATALOG, signer=None)
    other = {"labels": [{"kind": "ai-generated", "grade": "suspected"}]}
    with pytest.raises(ConflictingLabels):
        preview(tmp_path / "out.jpg", other, catalog=CATALOG)
    found = preview(tmp_path / "out.jpg", other, catalog=CATALOG, on_conflict="keep")
    assert [each.text for each in found.notices] == ["AI生成", "疑似AI生成"]
