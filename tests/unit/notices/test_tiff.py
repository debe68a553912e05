import io
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, NoticeDoesNotFit, ProvenanceError
from provenance.formats import registry
from provenance.notices import draw, measure, refusal

from .conftest import FULL_PROOF, combined, encoded, mask, notices_for, scene
from .tiffs import DEFLATE, LZW, PACK_BITS, Page, tiff

W, H = 461, 365


def picture(channels: int = 3, kind: type = np.uint8, seed: int = 1) -> np.ndarray:
    coarse = np.dstack([np.asarray(scene(W, H, seed)), np.asarray(scene(W, H, seed + 9))])[:, :, :channels]
    return coarse if kind is np.uint8 else (coarse.astype(np.uint16) * 257 - coarse // 3).astype(np.uint16)


def drawn(data: bytes, notices, folder: Path, orientation: int = 1):
    source, target = folder / "in.tiff", folder / "out.tiff"
    source.write_bytes(data)
    with target.open("wb") as file:
        result = draw(source, file, notices, orientation=orientation, format="tiff")
    assert source.read_bytes() == data
    return target, result


def shown(file: bytes, page: int = 0) -> np.ndarray:
    """Return what OpenCV decodes, deep where it is."""
    return np.atleast_3d(cv2.imdecodemulti(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)[1][page])


def inks(file: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as opened:
        return np.atleast_3d(np.asarray(opened))


VARIANTS = {
    "none": Page(picture()),
    "one strip": Page(picture(), rows=H),
    "lzw": Page(picture(), compression=LZW, predictor=2),
    "deflate": Page(picture(), compression=DEFLATE),
    "packbits": Page(picture(), compression=PACK_BITS),
    "tiles": Page(picture(), compression=DEFLATE, predictor=2, tile=(64, 48)),
    "planes": Page(picture(), compression=LZW, predictor=2, planar=True),
    "planes in tiles": Page(picture(), compression=DEFLATE, tile=(128, 32), planar=True),
    "grey": Page(picture(1), photometric=1, compression=LZW),
    "grey, white is zero": Page(picture(1), photometric=0),
    "deep": Page(picture(3, np.uint16), compression=DEFLATE, predictor=2),
    "deep grey": Page(picture(1, np.uint16), photometric=1, compression=LZW, predictor=2),
    "alpha": Page(picture(4), compression=LZW, tags={338: ("H", [2])}),
}


@pytest.mark.parametrize(("name", "order", "big"), combined([*VARIANTS], ["<", ">"], [False, False, True]))
def test_only_pixels_under_the_plates_change(tmp_path, name, order, big):
    data = tiff(VARIANTS[name], order=order, big=big)
    notices = notices_for(W, H)
    target, result = drawn(data, notices, tmp_path)
    assert (result.media_change, result.method) == ("blocks", "tiff")
    after = target.read_bytes()
    inside = mask(notices, (H, W))
    before, new = shown(data), shown(after)
    assert before.dtype == new.dtype
    assert before.shape == new.shape
    assert np.array_equal(before[~inside], new[~inside])
    assert (before[inside] != new[inside]).mean() > 0.8
    assert all(reading.found and reading.contrast > 4.5 for reading in measure(target, notices, orientation=1))
    with target.open("rb") as file:
        assert registry.handler("tiff").read(file).width == W


def test_a_file_without_compression_does_not_grow(tmp_path):
    data = tiff(VARIANTS["none"])
    target, _ = drawn(data, notices_for(W, H), tmp_path)
    after = target.read_bytes()
    assert len(after) == len(data)
    changed = np.flatnonzero(np.frombuffer(data, np.uint8) != np.frombuffer(after, np.uint8))
    assert changed.max() < 8 + W * 3 * 192, "all that changed are the strips under the plates"


def test_a_strip_that_two_pages_share_is_not_overwritten(tmp_path):
    data = bytearray(tiff(Page(picture(), rows=H), Page(picture(), rows=H)))
    offsets = data.index(b"\x11\x01\4\0\1\0\0\0"), data.rindex(b"\x11\x01\4\0\1\0\0\0")
    data[offsets[1] : offsets[1] + 12] = data[offsets[0] : offsets[0] + 12]
    target, result = drawn(bytes(data), notices_for(W, H), tmp_path)
    after = target.read_bytes()
    assert result.method == "tiff, 2 pages"
    assert len(after) >= len(data) + 2 * W * H * 3
    assert np.array_equal(shown(after, 0), shown(after, 1))
    assert after[8 : 8 + W * H * 3] == data[8 : 8 + W * H * 3]


def test_inks_stay_inks_and_the_notice_is_white_on_black(tmp_path):
    data = tiff(Page(picture(4), photometric=5, compression=LZW, predictor=2))
    notices = notices_for(W, H)
    target, _ = drawn(data, notices, tmp_path)
    before, after = inks(data), inks(target.read_bytes())
    inside = mask(notices, (H, W))
    assert after.shape[2] == 4
    assert np.array_equal(before[~inside], after[~inside])
    assert all(reading.found for reading in measure(target, notices, orientation=1))


def test_the_plate_is_opaque_over_transparent_pixels(tmp_path):
    samples = picture(4).copy()
    samples[..., 3] = 0
    notices = notices_for(W, H)
    for extra in (1, 2):
        data = tiff(Page(samples, tags={338: ("H", [extra])}))
        after = shown(drawn(data, notices, tmp_path)[0].read_bytes())
        inside = mask(notices, (H, W))
        assert (after[inside][:, 3] == 255).all()
        assert (after[~inside][:, 3] == 0).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_few_bits_stay_few_bits(tmp_path, order):
    grey = scene(W, H).convert("1")
    packed = np.packbits(np.asarray(grey), axis=1)[..., None]
    page = Page(packed, photometric=1, tags={256: ("H", [W]), 258: ("H", [1])})
    notices = notices_for(W, H)
    data = tiff(page, order=order)
    target, _ = drawn(data, notices, tmp_path)
    inside = mask(notices, (H, W))
    assert np.array_equal(inks(data)[~inside], inks(target.read_bytes())[~inside])
    assert all(reading.found for reading in measure(target, notices, orientation=1))


def paletted(colours: int, low: int = 0, high: int = 255) -> bytes:
    flat = Image.fromarray((low + np.asarray(scene(W, H), np.float32) * (high - low) / 255).astype(np.uint8))
    few = flat.quantize(colours, Image.Quantize.FASTOCTREE)
    table = np.zeros((256, 3), np.uint16)
    given = np.array(few.getpalette(), np.uint16).reshape(-1, 3)[:256]
    table[: len(given)] = given
    table[len(given) :] = 120
    tags = {320: ("H", list(map(int, (table * 257).T.ravel())))}
    return tiff(Page(np.asarray(few)[..., None], photometric=3, compression=LZW, tags=tags))


@pytest.mark.parametrize(("colours", "low", "high"), [(200, 0, 255), (30, 80, 170)])
def test_a_palette_gets_new_colours_only_where_nothing_uses_an_entry(tmp_path, colours, low, high):
    data = paletted(colours, low, high)
    notices = notices_for(W, H)
    target, _ = drawn(data, notices, tmp_path)
    inside = mask(notices, (H, W))
    before, after = Image.open(io.BytesIO(data)), Image.open(target)
    assert after.mode == "P"
    assert np.array_equal(np.asarray(before)[~inside], np.asarray(after)[~inside])
    assert np.array_equal(np.asarray(before.convert("RGB"))[~inside], np.asarray(after.convert("RGB"))[~inside])
    assert all(reading.found for reading in measure(target, notices, orientation=1))


def test_a_full_palette_of_middle_tones_is_refused_with_the_way_on(tmp_path):
    indexes = np.arange(W * H, dtype=np.uint32).reshape(H, W, 1).astype(np.uint8)
    tags = {320: ("H", [25000 + 20 * n for n in range(768)])}
    with pytest.raises(NoticeDoesNotFit, match=r'palette.*"draw": \[\]'):
        drawn(tiff(Page(indexes, photometric=3, tags=tags)), notices_for(W, H), tmp_path)


def test_pages_of_another_size_have_the_notices_laid_out_anew(tmp_path):
    large = np.asarray(scene(900, 700, 3))
    small, tiny = np.asarray(scene(330, 400)), np.asarray(scene(100, 90))
    reduced = {254: ("H", [1])}
    page = Page(picture(), compression=DEFLATE)
    data = tiff(
        page, Page(large), Page(small, tags=reduced), Page(tiny, tags=reduced), Page(tiny, tags={254: ("H", [4])})
    )
    target, result = drawn(data, notices_for(W, H), tmp_path)
    assert result.method == "tiff, 3 pages"
    after = target.read_bytes()
    for number, before in ((1, large), (2, small)):
        inside = mask(notices_for(before.shape[1], before.shape[0]), before.shape[:2])
        new = shown(after, number)[..., ::-1]
        assert np.array_equal(new[~inside], before[~inside])
        assert (new[inside] != before[inside]).any(axis=-1).mean() > 0.9
    assert np.array_equal(shown(after, 3), shown(data, 3))


def test_a_page_that_is_too_small_is_refused(tmp_path):
    with pytest.raises(NoticeDoesNotFit) as caught:
        drawn(tiff(Page(picture()), Page(picture()[:100, :100])), notices_for(W, H), tmp_path)
    assert caught.value.code == "notice-picture-too-small"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_notice_stands_as_the_page_is_turned(tmp_path, orientation):
    data = tiff(Page(picture(), compression=LZW, tags={274: ("H", [orientation])}))
    notices = notices_for(W, H, orientation)
    target, _ = drawn(data, notices, tmp_path, orientation)
    assert all(reading.found for reading in measure(target, notices, orientation=orientation))


REFUSED = {
    "jpeg": lambda: encoded(scene(W, H), "TIFF", compression="jpeg"),
    "ccitt": lambda: encoded(scene(W, H).convert("1"), "TIFF", compression="group4"),
    "float": lambda: encoded(Image.fromarray(np.ones((H, W), np.float32)), "TIFF"),
    "lab": lambda: tiff(Page(picture(), photometric=8)),
    "other inks": lambda: tiff(Page(picture(4), photometric=5, tags={332: ("H", [2])})),
    "bits turned": lambda: tiff(Page(picture(), tags={266: ("H", [2])})),
    "predictor": lambda: tiff(Page(picture(), tags={317: ("H", [3])})),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_back_is_refused_with_the_way_on(tmp_path, name):
    with pytest.raises(NoticeDoesNotFit, match=r'"draw": \[\]') as caught:
        drawn(REFUSED[name](), notices_for(W, H), tmp_path)
    assert caught.value.code == "notice-tiff-coding"
    assert caught.value.details["path"] == tmp_path / "in.tiff"


def test_blocks_that_cannot_be_decoded_are_damage(tmp_path):
    for compression in (LZW, DEFLATE):
        data = bytearray(tiff(Page(picture(), compression=compression)))
        data[8:3000] = bytes(2992)
        with pytest.raises(MalformedMedia):
            drawn(bytes(data), notices_for(W, H), tmp_path)


def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(refusal, "LARGEST_PICTURE", W * H - 1)
    with pytest.raises(MediaTooLarge):
        drawn(tiff(Page(picture())), notices_for(W, H), tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(refusal, "LARGEST_ANIMATION", W * H * 2)
    with pytest.raises(MediaTooLarge):
        drawn(tiff(*[Page(picture())] * 3), notices_for(W, H), tmp_path)


def test_every_other_byte_of_real_files_stays(tmp_path, corpus):
    seen = 0
    for path in sorted((corpus / "tiff").glob("*.tiff")):
        with Image.open(path) as opened:
            width, height = opened.size
        if min(width, height) < 320:
            continue
        notices = notices_for(width, height)
        target, _ = drawn(path.read_bytes(), notices, tmp_path)
        before, after = shown(path.read_bytes()), shown(target.read_bytes())
        inside = mask(notices, (height, width))
        assert np.array_equal(before[~inside], after[~inside])
        tags = [
            subprocess.run(["exiftool", "-G1", "-a", "-u", "-D", file], capture_output=True, check=True).stdout
            for file in (path, target)
        ]
        moved = (b"StripOffsets", b"Strip Offsets", b"Strip Byte", b"System", b"MD5")
        kept = [[line for line in each.splitlines() if not any(word in line for word in moved)] for each in tags]
        assert kept[0] == kept[1]
        assert all(reading.found for reading in measure(target, notices, orientation=1))
        seen += 1
    assert seen >= 3


def test_damaged_bytes_raise_our_errors_only(tmp_path):
    sources = [tiff(VARIANTS[name]) for name in ("lzw", "tiles", "planes", "packbits")] + [paletted(30, 80, 170)]
    notices = notices_for(W, H)
    refused = 0
    for number in range(200 if FULL_PROOF else 25):
        random = np.random.default_rng(number)
        data = bytearray(sources[number % len(sources)])
        for at in random.integers(len(data) - 400, len(data), 3):
            data[at] = random.integers(0, 256)
        try:
            drawn(bytes(data), notices, tmp_path)
        except ProvenanceError as error:
            refused += bool(str(error))
    assert refused
