"""The upper rows coded anew and the rest kept bit for bit: the same picture as when all of it is coded anew."""

import io
import subprocess

import numpy as np
import pytest
from PIL import Image

from provenance import notices
from provenance.errors import MalformedMedia
from provenance.formats import jpeg_segments
from provenance.notices import jpeg, jpeg_upper


def picture(width, height, seed):
    random = np.random.default_rng(seed)
    small = random.normal(0, 1, (height // 8 + 2, width // 8 + 2, 3)).cumsum(0).cumsum(1)
    small = ((small - small.min()) / (small.max() - small.min()) * 255).astype(np.uint8)
    large = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray((large + random.integers(-6, 7, large.shape)).clip(0, 255).astype(np.uint8))


def encoded(image, **options):
    content = io.BytesIO()
    image.save(content, "JPEG", **options)
    return content.getvalue()


def drawn(path, content, placed):
    path.write_bytes(content)
    target = io.BytesIO()
    result = notices.draw(path, target, placed, orientation=1, format="jpeg")
    assert (result.media_change, result.method) == ("blocks", "libturbojpeg")
    return target.getvalue()


@pytest.fixture
def taken(monkeypatch):
    """Return whether each drawing took the way of the upper rows."""
    real, seen = jpeg_upper.draw_upper, []

    def spied(*arguments):
        seen.append(real(*arguments))
        return seen[-1]

    monkeypatch.setattr(jpeg, "draw_upper", spied)
    return seen


SHAPES = [(800, 1200, 2, 85), (641, 1333, 2, 60), (1203, 900, 1, 90), (900, 1201, 0, 75), (777, 1777, 0, 92)]


@pytest.mark.parametrize(("width", "height", "sampling", "quality"), SHAPES)
def test_only_the_plate_differs_and_nobody_complains(tmp_path, taken, width, height, sampling, quality):
    used = 0
    for seed in range(4):
        content = encoded(picture(width, height, seed), quality=quality, subsampling=sampling)
        placed = notices.layout([("ai-generated", "AI生成")], width, height)
        out = drawn(tmp_path / "in.jpg", content, placed)
        used += taken[-1] is not None
        before, after = (np.asarray(Image.open(io.BytesIO(each))) for each in (content, out))
        box = placed[0].box
        beside = np.ones((height, width), bool)
        beside[max(0, box.y - 2) : box.y + box.height + 2, max(0, box.x - 2) : box.x + box.width + 2] = False
        assert (before[beside] == after[beside]).all()
        told = subprocess.run(["djpeg", "-outfile", tmp_path / "o"], input=out, capture_output=True, check=True)
        assert told.stderr == b""
        (tmp_path / "out.jpg").write_bytes(out)
        (found,) = notices.measure(tmp_path / "out.jpg", placed, orientation=1)
        assert found.found
    assert used


def test_the_bits_behind_the_upper_rows_are_the_sources_own(tmp_path, taken):
    content = encoded(picture(800, 1600, 7), quality=85)
    out = drawn(tmp_path / "in.jpg", content, notices.layout([("ai-generated", "AI生成")], 800, 1600))
    assert taken[-1] is not None

    def bits(data):
        scan = jpeg_segments.parse(io.BytesIO(data)).scan
        return np.unpackbits(np.frombuffer(data[scan.end : -2].replace(b"\xff\0", b"\xff"), np.uint8))

    source, new = bits(content), bits(out)
    kept = len(source) // 2
    shifts = [shift for shift in range(16) if (source[-kept:-32] == new[len(new) - kept - shift : -32 - shift]).all()]
    assert shifts


@pytest.mark.parametrize(
    "options",
    [{"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 20}],
    ids=["progressive", "own-tables", "restarts"],
)
def test_what_is_coded_otherwise_is_coded_whole(tmp_path, taken, options):
    content = encoded(picture(640, 900, 3), quality=80, **options)
    drawn(tmp_path / "in.jpg", content, notices.layout([("ai-generated", "AI生成")], 640, 900))
    assert taken == [None]


def test_a_notice_that_takes_most_of_the_rows_is_coded_whole(tmp_path, taken):
    drawn(
        tmp_path / "in.jpg",
        encoded(picture(900, 320, 1), quality=80),
        notices.layout([(f"kind-{number}", "AI生成") for number in range(5)], 900, 320),
    )
    assert taken == [None]


def test_a_break_in_the_upper_rows_is_said_by_the_way_that_codes_all(tmp_path):
    content = bytearray(encoded(picture(640, 1200, 5), quality=80))
    start = jpeg_segments.parse(io.BytesIO(content)).scan.end + 40
    content[start : start + 60] = b"\xff\xd0" * 30
    with pytest.raises(MalformedMedia):
        drawn(tmp_path / "in.jpg", bytes(content), notices.layout([("ai-generated", "AI生成")], 640, 1200))


def test_what_is_broken_further_down_stays_as_it_was(tmp_path, taken):
    content = encoded(picture(640, 1200, 5), quality=80)
    cut = content[: len(content) * 3 // 4] + b"\xff\xd9"
    out = drawn(tmp_path / "in.jpg", cut, notices.layout([("ai-generated", "AI生成")], 640, 1200))
    assert taken[-1] is not None
    assert abs(len(out) - len(cut)) < len(cut) // 20
