import io
import math

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from provenance.errors import AssetNotFound, MalformedMedia, MediaTooLarge
from provenance.model.notice import Box, Notice
from provenance.notices import layout, measure, refusal
from provenance.notices.typeset import coverage, sized_by_ink

from .conftest import FULL_PROOF, combined, drawn, encoded, notices_for, scene

TEXTS = (
    ("ai-generated", "AI生成"),
    ("fiction", "摆拍演绎"),
    ("capture", "拍摄于 2026-05-01 08:30 四川省成都市"),
)
W, H = 1920, 1080


def photo(seed: int) -> Image.Image:
    """Return something busier than clouds: edges and light at every scale, as in a street."""
    random = np.random.default_rng(seed)
    canvas = np.asarray(scene(W, H, seed)).copy()
    for _ in range(400):
        x, y, size = random.integers(0, W), random.integers(0, H), random.integers(4, 160)
        colour = random.integers(0, 255, 3).tolist()
        cv2.rectangle(
            canvas, (int(x), int(y)), (int(x + size), int(y + size // 2)), colour, int(random.integers(-1, 6)) or -1
        )
    return Image.fromarray(canvas)


def read(file, notices, orientation=1):
    return measure(file, notices, orientation=orientation)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    notices = layout(TEXTS, W, H)
    folder = tmp_path_factory.mktemp("labelled")
    target, _ = drawn(encoded(photo(3), "JPEG", quality=88), notices, folder)
    return target, notices


def plate_on(picture: Image.Image, notice: Notice, ink: int, white: float, opacity: float = 0.72) -> Image.Image:
    """Draw a notice as somebody else might: other size, fainter ink, thinner plate."""
    canvas = np.asarray(picture).astype(np.float32).copy()
    box = notice.box
    area = canvas[box.y : box.y + box.height, box.x : box.x + box.width]
    drawing = coverage(sized_by_ink(notice.text, ink, box.width), box.width, box.height)[:, :, None]
    area[:] = area * (1 - opacity)
    area[:] = area * (1 - drawing * white) + 255 * drawing * white
    return Image.fromarray(np.rint(canvas).astype(np.uint8))


@pytest.mark.parametrize(
    ("seed", "encoding"), combined(range(4), [(40, 0.5), (40, 0.67), (30, 1.0), (75, 0.93), (80, 1.4)])
)
def test_a_notice_is_found_after_resizing_and_strong_compression(tmp_path, seed, encoding):
    quality, scale = encoding
    notices = layout(TEXTS, W, H)
    target, _ = drawn(encoded(photo(seed), "JPEG", quality=88), notices, tmp_path)
    with Image.open(target) as picture:
        small = picture.resize((round(W * scale), round(H * scale)), Image.Resampling.LANCZOS)
    small.save(tmp_path / "small.jpg", quality=quality)
    for reading in read(tmp_path / "small.jpg", notices):
        assert reading.found
        assert 0.053 <= reading.height_ratio <= 0.063
        assert reading.contrast >= 4.5


def test_the_picture_before_drawing_has_no_notice(tmp_path):
    for seed in range(6 if FULL_PROOF else 2):
        (tmp_path / "plain.jpg").write_bytes(encoded(photo(seed), "JPEG", quality=88))
        assert not any(reading.found for reading in read(tmp_path / "plain.jpg", layout(TEXTS, W, H)))


@pytest.mark.parametrize(
    "texts",
    [
        ("疑似AI生成", "演绎内容", "拍摄于 2026-05-01 08:31 四川省成都市"),
        ("A1生成", "虚构内容", "拍摄于 2026-05-02 08:30 四川省成都市"),
        ("生成", "摆拍", "拍摄于 2026-05-01"),
        ("AI合成", "摆拍演绎内容", "拍摄于 2026-05-01 08:30 四川省绵阳市"),
        ("AI-generated", "营销信息", "拍摄于 2026-05-01 06:30 四川省成都市"),
        ("人工智能", "广告", "拍摄于 2026-05-01 08:80 四川省成都市"),
    ],
)
def test_another_text_at_the_place_is_not_the_notice(labelled, texts):
    target, notices = labelled
    others = [notice.model_copy(update={"text": text}) for notice, text in zip(notices, texts, strict=True)]
    assert [reading.text for reading in read(target, others) if reading.found] == []


def test_a_part_of_a_longer_text_is_not_the_notice(tmp_path):
    (longer,) = layout([("ai-generated", "疑似AI生成")], W, H)
    target, _ = drawn(encoded(photo(1), "JPEG", quality=88), (longer,), tmp_path)
    (alone,) = layout([("ai-generated", "AI生成")], W, H)
    for x in (longer.box.x, longer.box.x + longer.box.width - alone.box.width):
        box = alone.box.model_copy(update={"x": x})
        assert not read(target, [alone.model_copy(update={"box": box})])[0].found


def test_too_small_a_notice_is_not_found_and_its_height_is_told(tmp_path):
    notice = layout([("ai-generated", "AI生成")], 1000, 600)[0]
    plate_on(photo(2), notice, 34, 1.0).save(tmp_path / "a.png", compress_level=1)
    (reading,) = read(tmp_path / "a.png", [notice])
    assert not reading.found
    assert reading.height_ratio == pytest.approx(34 / H, abs=0.002)


def test_a_notice_just_under_5_percent_is_not_found(tmp_path):
    notice = layout([("ai-generated", "AI生成")], W, H)[0]
    for ink, found in ((51, False), (52, False), (56, True)):
        plate_on(photo(2), notice, ink, 1.0).save(tmp_path / "a.png", compress_level=1)
        (reading,) = read(tmp_path / "a.png", [notice])
        assert reading.found == found
        assert reading.height_ratio == pytest.approx(ink / H, abs=0.0015)


def test_faint_ink_is_not_found(tmp_path):
    notice = layout([("ai-generated", "AI生成")], W, H)[0]
    plate_on(photo(2), notice, 62, 0.3).save(tmp_path / "a.png", compress_level=1)
    (reading,) = read(tmp_path / "a.png", [notice])
    assert not reading.found
    assert reading.contrast is None or reading.contrast < 4.5


def test_white_ink_on_a_white_ground_without_a_plate_is_not_found(tmp_path):
    notice = layout([("ai-generated", "AI生成")], W, H)[0]
    plate_on(Image.new("RGB", (W, H), (245, 245, 240)), notice, 62, 1.0, opacity=0.02).save(
        tmp_path / "a.png", compress_level=1
    )
    assert not read(tmp_path / "a.png", [notice])[0].found


def test_contrast_is_that_of_the_standards_formula(tmp_path):
    notice = layout([("ai-generated", "AI生成")], W, H)[0]
    plate_on(Image.new("RGB", (W, H), (255, 255, 255)), notice, 62, 1.0, opacity=1 - 118 / 255).save(
        tmp_path / "a.png", compress_level=1
    )
    assert read(tmp_path / "a.png", [notice])[0].contrast == pytest.approx(4.54, abs=0.03)  # white on #767676


@pytest.mark.parametrize("orientation", range(1, 9))
def test_readings_are_of_the_displayed_picture(tmp_path, orientation):
    notices = notices_for(701, 541, orientation)[:1]
    target, _ = drawn(encoded(scene(), "JPEG", quality=90), notices, tmp_path, orientation=orientation)
    turned = 1 + orientation % 8
    assert all(reading.found for reading in read(target, notices, orientation))
    assert not any(reading.found for reading in read(target, notices, turned))


HOSTILE_BOXES = [
    Box(x=10**9, y=0, width=100, height=40),
    Box(x=0, y=10**18, width=100, height=40),
    Box(x=0, y=0, width=10**15, height=10**15),
    Box(x=0, y=0, width=65_000, height=65_000),
    Box(x=0, y=0, width=1, height=1),
    Box(x=0, y=0, width=1, height=60_000),
    Box(x=0, y=0, width=60_000, height=1),
    Box(x=W - 1, y=H - 1, width=160, height=80),
]
HOSTILE_TEXTS = ["AI生成", "成" * 300, "成" * 2000, "x" * 300, "...", "—", "\u6cf8", "a b " * 90]


@pytest.mark.parametrize(("box", "text"), combined(HOSTILE_BOXES, HOSTILE_TEXTS))
def test_a_hostile_box_is_not_found_and_not_slow(labelled, tmp_path, box, text):
    _, notices = labelled
    (tmp_path / "plain.jpg").write_bytes(encoded(photo(3), "JPEG", quality=88))
    (reading,) = read(tmp_path / "plain.jpg", [notices[0].model_copy(update={"box": box, "text": text})])
    assert not reading.found


def test_a_notice_is_found_though_its_box_is_nonsense(labelled):
    target, notices = labelled
    for box in HOSTILE_BOXES:
        (reading,) = read(target, [notices[0].model_copy(update={"box": box})])
        assert reading.found
        assert reading.box.x == pytest.approx(notices[0].box.x, abs=4)


def test_no_notice_needs_no_file(tmp_path):
    assert read(tmp_path / "absent.jpg", []) == ()


def test_what_cannot_be_decoded_is_malformed(tmp_path):
    notices = layout(TEXTS, W, H)
    for data in (b"", b"text", encoded(scene(), "PNG")[:5000] + b"\0" * 99):
        (tmp_path / "a.jpg").write_bytes(data)
        with pytest.raises(MalformedMedia):
            read(tmp_path / "a.jpg", notices)
    with pytest.raises(AssetNotFound):
        read(tmp_path / "absent.jpg", notices)


def test_a_picture_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(refusal, "LARGEST_PICTURE", 1000)
    (tmp_path / "a.jpg").write_bytes(encoded(scene(), "JPEG"))
    with pytest.raises(MediaTooLarge):
        read(tmp_path / "a.jpg", layout(TEXTS, W, H))


def photographs(corpus):
    """Return path, stored size and orientation: all in a full proof, else the smallest of each orientation and sampling."""
    found = []
    for path in sorted(corpus.glob("jpg/**/*.jp*g")):
        with Image.open(path) as picture:
            orientation = picture.getexif().get(0x0112, 1)
            orientation = orientation if orientation in range(1, 9) else 1
            least = 440 if path.parent.name == "orientation" else 540
            if min(picture.size) >= least and path.name != "corrupted.jpg":
                sampling = tuple(layer[1:3] for layer in picture.layer)
                found.append((path, picture.size, orientation, sampling))
    if not FULL_PROOF:
        found.sort(key=lambda each: -math.prod(each[1]))
        found = {each[2:]: each for each in found}.values()
    return [each[:3] for each in found]


@pytest.mark.parametrize("blocks", [True, False])
def test_notices_on_real_photographs_are_found_again(corpus, tmp_path, blocks):
    seen = 0
    for path, (width, height), orientation in photographs(corpus):
        notices = notices_for(width, height, orientation)
        target, _ = drawn(path.read_bytes(), notices, tmp_path, orientation=orientation, blocks=blocks)
        for reading in read(target, notices, orientation):
            assert reading.found, path
            assert reading.height_ratio >= 0.05, path
            assert reading.contrast >= 4.5, path
        with Image.open(target) as picture:
            assert ImageOps.exif_transpose(picture).size[0] in {width, height}
        seen += 1
    assert seen >= (25 if FULL_PROOF else 8)


def test_real_photographs_have_no_notice_before_it_is_drawn(corpus):
    last = None if FULL_PROOF else 1
    found = [
        path
        for path, (width, height), orientation in photographs(corpus)
        if any(reading.found for reading in read(path, notices_for(width, height, orientation)[:last], orientation))
    ]
    assert found == []


def test_the_rest_of_real_photographs_is_untouched(corpus, tmp_path):
    for path, (width, height), orientation in photographs(corpus):
        notices = notices_for(width, height, orientation)
        data = path.read_bytes()
        target, result = drawn(data, notices, tmp_path, orientation=orientation)
        if result.media_change != "blocks":
            continue
        with Image.open(io.BytesIO(data)) as one, Image.open(target) as other:
            changed = (np.asarray(one) != np.asarray(other)).reshape(height, width, -1).any(axis=-1)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        lowest = max(notice.box.y + notice.box.height for notice in notices) + 34
        widest = max(notice.box.x + notice.box.width for notice in notices) + 34
        across, down = (lowest, widest) if orientation >= 5 else (widest, lowest)
        assert columns[-1] - columns[0] <= across, path
        assert rows[-1] - rows[0] <= down, path


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_reading_says_where_the_notice_stands_in_the_picture_that_was_measured(labelled, tmp_path, scale):
    target, notices = labelled
    with Image.open(target) as picture:
        resized = picture.convert("RGB").resize((round(W * scale), round(H * scale)), Image.Resampling.LANCZOS)
    resized.save(tmp_path / "a.png")
    for reading, notice in zip(read(tmp_path / "a.png", notices), notices, strict=True):
        wanted = [notice.box.x, notice.box.y, notice.box.width, notice.box.height]
        found = [reading.box.x, reading.box.y, reading.box.width, reading.box.height]
        assert found == pytest.approx([each * scale for each in wanted], abs=4)
