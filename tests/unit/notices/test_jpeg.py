import io
import itertools
import shutil
import struct
import subprocess

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, NoticeDoesNotFit
from provenance.formats import jpeg_segments
from provenance.formats.jpeg_segments import APP2, DQT, SOS
from provenance.notices import draw, jpeg_blocks, jpeg_dct, measure, refusal
from provenance.notices.place import to_displayed

from .conftest import FULL_PROOF, combined, drawn, encoded, mask, notices_for, pixels, scene

turbojpeg = pytest.mark.skipif(not jpeg_blocks.available(), reason="libturbojpeg is not installed")


def cjpeg(*options: str, gray: bool = False) -> bytes:
    if not shutil.which("cjpeg"):
        pytest.skip("cjpeg is not installed")
    source = encoded(scene().convert("L") if gray else scene(), "PPM")
    return subprocess.run(["cjpeg", *options], input=source, capture_output=True, check=True).stdout


def segments(data: bytes) -> list[jpeg_segments.Segment]:
    return jpeg_segments.parse(io.BytesIO(data)).segments


def others(data: bytes) -> list[bytes]:
    return [data[part.start : part.end] for part in segments(data) if not part.is_picture]


def covered_blocks(notices, displayed_shape, orientation, across=16, down=16):
    """Return, in stored pixels, the MCUs under the plates and the ring that chroma interpolation reaches."""
    shape = displayed_shape[::-1] if orientation >= 5 else displayed_shape
    plates = mask(notices, shape).astype(np.uint8)[:, :, None]
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    stored = to_displayed(plates, inverse)[:, :, 0]
    height, width = stored.shape
    grown = np.zeros((-(-height // down) * down, -(-width // across) * across), np.uint8)
    grown[:height, :width] = stored
    tiles = grown.reshape(grown.shape[0] // down, down, -1, across).max(axis=(1, 3))
    blocks = tiles.repeat(down, axis=0).repeat(across, axis=1)[:height, :width]
    return cv2.dilate(np.ascontiguousarray(blocks), np.ones((5, 5), np.uint8)).astype(bool)


@turbojpeg
@pytest.mark.parametrize(
    ("orientation", "subsampling"), combined([1, 2, 3, 4, 5, 6, 7, 8], ["4:4:4", "4:2:2", "4:2:0"])
)
def test_only_the_covered_blocks_change(tmp_path, orientation, subsampling):
    data = encoded(scene(), "JPEG", quality=90, subsampling=subsampling)
    notices = notices_for(701, 541, orientation)
    target, result = drawn(data, notices, tmp_path, orientation=orientation)
    assert (result.media_change, result.method) == ("blocks", "libturbojpeg")
    changed = (pixels(data) != pixels(target)).any(axis=-1)
    assert changed.any()
    assert not changed[~covered_blocks(notices, (541, 701), orientation)].any()
    for reading in measure(target, notices, orientation=orientation):
        assert reading.found
        assert 0.055 <= reading.height_ratio <= 0.062
        assert reading.contrast >= 4.5


@turbojpeg
def test_an_aligned_plate_at_full_chroma_changes_nothing_else(tmp_path):
    data = encoded(scene(), "JPEG", quality=90, subsampling="4:4:4")
    notices = notices_for(701, 541)
    target, _ = drawn(data, notices, tmp_path)
    changed = (pixels(data) != pixels(target)).any(axis=-1)
    assert not changed[~mask(notices, (541, 701))].any()


ENCODINGS = {
    "4:4:0": ("-sample", "1x2"),
    "4:1:1": ("-sample", "4x1"),
    "progressive": ("-progressive", "-sample", "2x2"),
    "restarts": ("-restart", "1"),
    "rgb": ("-rgb",),
    "best": ("-quality", "100", "-sample", "1x1"),
    "worst": ("-quality", "8"),
    "own codes": ("-optimize",),
}


@turbojpeg
@pytest.mark.parametrize("name", ENCODINGS)
def test_every_common_encoding_keeps_its_blocks(tmp_path, name):
    data = cjpeg(*ENCODINGS[name])
    notices = notices_for(701, 541)
    target, result = drawn(data, notices, tmp_path)
    assert result.media_change == "blocks"
    changed = (pixels(data) != pixels(target)).any(axis=-1)
    assert not changed[~covered_blocks(notices, (541, 701), 1, across=32)].any()
    assert all(reading.found for reading in measure(target, notices, orientation=1))
    with Image.open(target) as picture:
        assert ("progressive" in picture.info) == (name == "progressive")
    assert not subprocess.run(["djpeg", "-outfile", tmp_path / "x", target], capture_output=True, check=True).stderr


@turbojpeg
def test_blocks_that_the_library_leaves_out_are_an_error(tmp_path, monkeypatch):
    blender = jpeg_blocks._blender

    def forgetful(*arguments):
        blend, calls = blender(*arguments), itertools.count()
        return lambda *row: 0 if next(calls) == 3 else blend(*row)

    monkeypatch.setattr(jpeg_blocks, "_blender", forgetful)
    with pytest.raises(NoticeDoesNotFit, match=r'left out.*"draw": \[\]'):
        drawn(encoded(scene(), "JPEG"), notices_for(701, 541), tmp_path)
    assert (tmp_path / "out.jpeg").read_bytes() == b""


@turbojpeg
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_error_that_ctypes_drops_is_an_error(tmp_path, monkeypatch):
    blender = jpeg_blocks._blender

    def failing(*arguments):
        blend, calls = blender(*arguments), itertools.count()

        def row(*given):
            if next(calls) == 3:
                raise MemoryError
            return blend(*given)

        return row

    monkeypatch.setattr(jpeg_blocks, "_blender", failing)
    with pytest.raises(NoticeDoesNotFit):
        drawn(encoded(scene(), "JPEG"), notices_for(701, 541), tmp_path)


@turbojpeg
def test_grey_stays_grey(tmp_path):
    data = encoded(scene().convert("L"), "JPEG", quality=90)
    for blocks in (True, False):
        target, _ = drawn(data, notices_for(701, 541), tmp_path, blocks=blocks)
        assert pixels(target).shape == (541, 701, 1)
        assert all(reading.found for reading in measure(target, notices_for(701, 541), orientation=1))


@turbojpeg
def test_inks_stay_inks_and_the_notice_is_white_on_black(tmp_path):
    data = encoded(scene().convert("CMYK"), "JPEG", quality=90)
    notices = notices_for(701, 541)
    target, result = drawn(data, notices, tmp_path)
    assert result.media_change == "blocks"
    with Image.open(target) as picture:
        assert picture.mode == "CMYK"
    assert all(reading.found for reading in measure(target, notices, orientation=1))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_without_the_library_the_tables_and_the_sampling_are_the_sources(
    tmp_path, monkeypatch, subsampling, progressive
):
    monkeypatch.setattr(jpeg_blocks, "_library", lambda: None)
    monkeypatch.setattr(jpeg_dct, "_library", lambda: None)
    data = encoded(scene(), "JPEG", quality=83, subsampling=subsampling, progressive=progressive)
    notices = notices_for(701, 541, 6)
    target, result = drawn(data, notices, tmp_path, orientation=6)
    assert (result.media_change, result.method) == ("full", f"re-encode {subsampling}")
    with Image.open(target) as after, Image.open(io.BytesIO(data)) as before:
        assert after.quantization == before.quantization
        assert after.layer == before.layer
        assert ("progressive" in after.info) == progressive
    assert others(target.read_bytes()) == others(data)
    assert cv2.PSNR(pixels(data)[80:, 300:], pixels(target)[80:, 300:]) > 50
    assert all(reading.found for reading in measure(target, notices, orientation=6))


def test_without_the_library_a_rare_sampling_keeps_full_chroma_and_says_so(tmp_path):
    _, result = drawn(cjpeg("-sample", "1x2"), notices_for(701, 541), tmp_path, blocks=False)
    assert result.method == "re-encode 4:4:4"


def test_without_the_library_inks_are_refused_with_the_way_on(tmp_path):
    data = encoded(scene().convert("CMYK"), "JPEG")
    with pytest.raises(NoticeDoesNotFit, match=r'libturbojpeg.*"draw": \[\]'):
        drawn(data, notices_for(701, 541), tmp_path, blocks=False)


@turbojpeg
@pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"progressive": True}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeglib_changes_the_same_blocks_to_the_same_pixels(tmp_path, monkeypatch, mode, options):
    pytest.importorskip("jpeglib")
    data = encoded(scene().convert(mode), "JPEG", quality=83, comment=b"a comment", **options)
    notices = notices_for(701, 541, 6)
    expected = pixels(drawn(data, notices, tmp_path, orientation=6)[0])
    monkeypatch.setattr(jpeg_blocks, "_library", lambda: None)
    target, result = drawn(data, notices, tmp_path, orientation=6)
    method = "jpeglib, baseline" if "progressive" in options else "jpeglib"
    assert (result.media_change, result.method) == ("blocks", method)
    assert np.array_equal(pixels(target), expected)
    assert others(target.read_bytes()) == others(data)


def test_jpeglib_leaves_inks_to_others_and_says_what_it_cannot_read(tmp_path, monkeypatch):
    class Broken:
        def read_dct(self, path):
            raise RuntimeError("no")

    monkeypatch.setattr(jpeg_blocks, "_library", lambda: None)
    monkeypatch.setattr(jpeg_dct, "_library", Broken)
    with pytest.raises(NoticeDoesNotFit, match="libturbojpeg"):
        drawn(encoded(scene().convert("CMYK"), "JPEG"), notices_for(701, 541), tmp_path)
    with pytest.raises(MalformedMedia, match="damaged"):
        drawn(encoded(scene(), "JPEG"), notices_for(701, 541), tmp_path)


def rich_jpeg(tail: bytes = b"") -> bytes:
    """Return a JPEG with segments that belong to others, one of them between its tables and its frame."""
    exif = Image.Exif()
    exif[0x010F] = "maker"
    data = encoded(scene(), "JPEG", quality=90, exif=exif, icc_profile=b"p" * 70_000, comment=b"a comment")
    marks = b""
    for marker, body in ((0xEB, b"JP\0\1" + b"c2pa" * 9), (0xED, b"Photoshop 3.0\0"), (0xEF, b"?" * 99)):
        marks += b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body
    frame = next(part for part in segments(data) if part.marker == 0xC0)
    return data[: frame.start] + marks + data[frame.start :] + tail


@pytest.mark.parametrize("blocks", [True, False])
def test_everything_but_the_picture_stays_byte_for_byte(tmp_path, blocks):
    data = rich_jpeg(tail=b"\xff\xd8 trailing data \xff\xd9" * 20)
    target, _ = drawn(data, notices_for(701, 541), tmp_path, blocks=blocks)
    after = target.read_bytes()
    assert others(after) == others(data)
    assert after[segments(after)[-1].end :] == data[segments(data)[-1].end :]


@pytest.mark.parametrize("blocks", [True, False])
def test_further_pictures_are_still_found_by_the_index(tmp_path, blocks):
    second = scene(320, 240, seed=5)
    data = encoded(scene(), "MPO", save_all=True, append_images=[second], quality=90)
    target, _ = drawn(data, notices_for(701, 541), tmp_path, blocks=blocks)
    with Image.open(io.BytesIO(data)) as before, Image.open(target) as after:
        assert after.n_frames == 2
        before.seek(1)
        after.seek(1)
        assert np.array_equal(np.asarray(before), np.asarray(after))
    (index,) = [part for part in segments(target.read_bytes()) if part.marker == APP2]
    body = target.read_bytes()[index.payload :]
    size = len(target.read_bytes()) - (len(data) - segments(data)[-1].end)
    assert size.to_bytes(4, "little") in body[:200] or size.to_bytes(4, "big") in body[:200]


def test_an_unreadable_index_of_further_pictures_is_refused(tmp_path):
    data = encoded(scene(), "MPO", save_all=True, append_images=[scene(320, 240)])
    at = data.index(b"MPF\0") + 4
    with pytest.raises(MalformedMedia, match="MPF"):
        drawn(data[: at + 4] + b"\xff\xff\xff\x7f" + data[at + 8 :], notices_for(701, 541), tmp_path)


@pytest.mark.parametrize("mark", [b"http://ns.adobe.com/hdr-gain-map/1.0/", b"urn:iso:std:iso:ts:21496:-1"])
def test_a_gain_map_is_refused_with_the_way_on(tmp_path, mark):
    with pytest.raises(NoticeDoesNotFit) as caught:
        drawn(rich_jpeg(tail=mark), notices_for(701, 541), tmp_path)
    assert caught.value.code == "notice-gain-map"
    assert '"draw": []' in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("share", [0.05, 0.4, 0.9, 0.999])
@pytest.mark.parametrize("blocks", [True, False])
def test_a_file_that_ends_early_is_refused_and_nothing_is_written(tmp_path, share, blocks):
    data = encoded(scene(), "JPEG", quality=90)
    with pytest.raises(MalformedMedia):
        drawn(data[: int(len(data) * share)], notices_for(701, 541), tmp_path, blocks=blocks)
    assert (tmp_path / "out.jpeg").read_bytes() == b""


@turbojpeg
def test_a_scan_that_ends_where_the_notice_stands_is_refused(tmp_path):
    data = encoded(scene(), "JPEG", quality=90, progressive=False)
    with pytest.raises(MalformedMedia) as caught:
        drawn(data[: len(data) // 20] + b"\xff\xd9", notices_for(701, 541), tmp_path)
    assert caught.value.code == "notice-jpeg-scan-broken"


@turbojpeg
def test_stray_bytes_before_the_end_are_harmless(tmp_path):
    data = encoded(scene(), "JPEG", quality=90)
    target, _ = drawn(data[:-2] + b"\0\0\0" + data[-2:], notices_for(701, 541), tmp_path)
    assert all(reading.found for reading in measure(target, notices_for(701, 541), orientation=1))


def test_arithmetic_coding_is_refused_with_the_way_on(tmp_path):
    with pytest.raises(NoticeDoesNotFit, match=r'rare kind.*"draw": \[\]'):
        drawn(cjpeg("-arithmetic"), notices_for(701, 541), tmp_path)


@pytest.mark.parametrize(("offset", "value"), [(1, 12), (-1, 0xC3)])
def test_12_bit_and_lossless_frames_are_refused(tmp_path, offset, value):
    data = bytearray(encoded(scene(), "JPEG"))
    frame = next(part for part in segments(bytes(data)) if part.marker == 0xC0)
    data[frame.payload if offset > 0 else frame.start + 1] = value
    with pytest.raises(NoticeDoesNotFit) as caught:
        drawn(bytes(data), notices_for(701, 541), tmp_path)
    assert caught.value.code == "notice-jpeg-coding"


def test_a_frame_whose_height_comes_after_the_scan_is_refused(tmp_path):
    data = bytearray(encoded(scene(), "JPEG"))
    frame = next(part for part in segments(bytes(data)) if part.marker == 0xC0)
    height = bytes(data[frame.payload + 1 : frame.payload + 3])
    data[frame.payload + 1 : frame.payload + 3] = b"\0\0"
    with pytest.raises(NoticeDoesNotFit) as caught:
        drawn(bytes(data[:-2]) + b"\xff\xdc\0\4" + height + b"\xff\xd9", notices_for(701, 541), tmp_path)
    assert caught.value.code == "notice-jpeg-coding"


@pytest.mark.parametrize("blocks", [True, False])
def test_fill_bytes_stay_with_the_segment_behind_them(tmp_path, blocks):
    data = encoded(scene(), "JPEG", quality=90, comment=b"a comment")
    comment = next(part for part in segments(data) if part.marker == 0xFE)
    data = data[: comment.start] + b"\xff\xff\xff" + data[comment.start :]
    target, _ = drawn(data, notices_for(701, 541), tmp_path, blocks=blocks)
    assert data[: comment.end + 3] == target.read_bytes()[: comment.end + 3]


@pytest.mark.parametrize("blocks", [True, False])
def test_bytes_that_belong_to_no_segment_are_not_lost_but_refused(tmp_path, blocks):
    data = encoded(scene(), "JPEG", quality=90)
    at = next(part.start for part in segments(data) if part.marker == DQT)
    with pytest.raises(MalformedMedia) as caught:
        drawn(data[:at] + b"stray" + data[at:], notices_for(701, 541), tmp_path, blocks=blocks)
    assert (caught.value.code, caught.value.details["offset"]) == ("jpeg-damaged", at)


def test_inks_without_a_statement_how_they_are_stored_are_refused(tmp_path):
    data = encoded(scene().convert("CMYK"), "JPEG")
    adobe = next(part for part in segments(data) if part.marker == 0xEE)
    with pytest.raises(NoticeDoesNotFit) as caught:
        drawn(data[: adobe.start] + data[adobe.end :], notices_for(701, 541), tmp_path)
    assert caught.value.code == "notice-jpeg-inks"


def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(refusal, "LARGEST_PICTURE", 701 * 541 - 1)
    with pytest.raises(MediaTooLarge):
        drawn(encoded(scene(), "JPEG"), notices_for(701, 541), tmp_path)


def test_a_notice_laid_out_for_another_picture_is_refused(tmp_path):
    with pytest.raises(NoticeDoesNotFit) as caught:
        drawn(encoded(scene(350, 340), "JPEG"), notices_for(3000, 2000), tmp_path)
    assert caught.value.code in {"notice-box-outside", "notice-box-too-small"}


def test_a_format_without_a_drawer_is_refused(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"any")
    with pytest.raises(NoticeDoesNotFit, match=r'heif.*"draw": \[\]'), (tmp_path / "b").open("wb") as target:
        draw(tmp_path / "a.heic", target, notices_for(701, 541), orientation=1, format="heif")


def test_the_scan_of_every_segment_list_is_found():
    data = cjpeg("-progressive")
    assert sum(part.marker == SOS for part in segments(data)) > 3
    assert sum(part.end - part.start for part in segments(data)) == len(data) - 2


def test_damaged_bytes_raise_our_errors_only(tmp_path):
    from provenance.errors import ProvenanceError

    data = encoded(scene(340, 330), "JPEG", quality=60)
    notices = notices_for(340, 330)
    messages = []
    for number in range(50 if FULL_PROOF else 8):
        random = np.random.default_rng(number)
        bad = bytearray(data)
        for at in random.integers(0, 700 if number % 2 else len(data), 3):
            bad[at] = random.integers(0, 256)
        for blocks in (True, False):
            try:
                drawn(bytes(bad), notices, tmp_path, blocks=blocks)
                measure(tmp_path / "out.jpeg", notices, orientation=1)
            except ProvenanceError as error:
                messages.append(str(error))
    assert messages
    assert all(messages)
