import io
import struct
import subprocess
import zlib
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from provenance.errors import MalformedMedia, MediaTooLarge, ProvenanceError
from provenance.formats import png_chunks
from provenance.formats.png_chunks import pack
from provenance.notices import drawable, measure, refusal
from provenance.notices.png_lines import refiltered, unfiltered

from .conftest import FULL_PROOF, combined, drawn, encoded, mask, notices_for, pixels, scene

W, H = 461, 365
FAST = Image.Quantize.FASTOCTREE


class Part(NamedTuple):
    kind: bytes
    start: int
    end: int
    data: bytes


def chunks(file: bytes) -> list[Part]:
    found = png_chunks.chunks(io.BytesIO(file))
    return [Part(each.kind, each.start, each.end, file[each.data : each.end - 4]) for each in found]


def header_of(file: bytes) -> png_chunks.Header:
    stream = io.BytesIO(file)
    return png_chunks.header(stream, next(png_chunks.chunks(stream)))


def rgba(file) -> np.ndarray:
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as picture:
        return np.asarray(picture.convert("RGBA"))


def deep(file) -> np.ndarray:
    data = file if isinstance(file, bytes) else file.read_bytes()
    return np.atleast_3d(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


def translucent() -> Image.Image:
    picture = scene(W, H).convert("RGBA")
    picture.putalpha(scene(W, H, 3).convert("L"))
    return picture


def sixteen(channels: int) -> bytes:
    noise = np.random.default_rng(2).integers(0, 250, (H, W, channels))
    coarse = np.dstack([np.asarray(scene(W, H)), np.asarray(scene(W, H, 4))])[:, :, :channels]
    return cv2.imencode(".png", (coarse.astype(np.uint16) * 256 + noise).astype(np.uint16))[1].tobytes()


def interlaced(data: bytes) -> bytes:
    """Return the picture with Adam7 passes, put together here: Pillow cannot write them."""
    header = header_of(data)
    whole = np.asarray(Image.open(io.BytesIO(data)))
    whole = whole.reshape(H, W, -1)
    stream = b""
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for number, line in enumerate(whole[y::dy, x::dx].reshape(-(-(H - y) // dy), -1)):
            left = np.concatenate((np.zeros(whole.shape[2], np.uint8), line[: -whole.shape[2]]))
            stream += bytes([number % 2]) + (line - left * (number % 2)).astype(np.uint8).tobytes()
    head = struct.pack(">IIBBBBB", W, H, header.depth, header.colour, 0, 0, 1)
    return data[:8] + pack(b"IHDR", head) + pack(b"IDAT", zlib.compress(stream)) + pack(b"IEND", b"")


PICTURES = {
    "grey": lambda: encoded(scene(W, H).convert("L"), "PNG"),
    "grey, alpha": lambda: encoded(scene(W, H).convert("LA"), "PNG"),
    "grey, transparent black": lambda: encoded(scene(W, H).convert("L"), "PNG", transparency=0),
    "bilevel": lambda: encoded(scene(W, H).convert("1"), "PNG"),
    "bilevel, transparent black": lambda: encoded(scene(W, H).convert("1"), "PNG", transparency=0),
    "colour": lambda: encoded(scene(W, H), "PNG"),
    "colour, transparent black": lambda: encoded(scene(W, H), "PNG", transparency=(0, 0, 0)),
    "colour, alpha": lambda: encoded(translucent(), "PNG"),
    "palette of 256": lambda: encoded(scene(W, H).quantize(256, FAST), "PNG"),
    "palette of 16": lambda: encoded(scene(W, H).quantize(16, FAST), "PNG", bits=4),
    "palette of 2": lambda: encoded(scene(W, H).quantize(2, FAST), "PNG", bits=1),
    "palette, alpha": lambda: encoded(scene(W, H).quantize(200, FAST), "PNG", transparency=bytes(range(200))),
    "interlaced": lambda: interlaced(encoded(scene(W, H), "PNG")),
    "interlaced, alpha": lambda: interlaced(encoded(translucent(), "PNG")),
}


@cache
def picture_of(name: str) -> bytes:
    return PICTURES[name]()


@pytest.mark.parametrize(("name", "orientation"), combined([*PICTURES], [1, 6, 3]))
def test_only_pixels_under_the_plates_change(tmp_path, name, orientation):
    data = picture_of(name)
    notices = notices_for(W, H, orientation)
    target, result = drawn(data, notices, tmp_path, orientation=orientation)
    assert result.media_change == "blocks"
    before, after = rgba(data), rgba(target)
    shape = (W, H) if orientation == 6 else (H, W)
    inside = np.rot90(mask(notices, shape), {1: 0, 3: 2, 6: 1}[orientation])
    assert np.array_equal(before[~inside], after[~inside])
    assert (after[inside][:, 3] == 255).all(), "the plate is opaque"
    for reading in measure(target, notices, orientation=orientation):
        assert reading.found
        assert 0.055 <= reading.height_ratio <= 0.062
        assert reading.contrast >= 4.5


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_stay_16_bits(tmp_path, channels):
    data = sixteen(channels)
    notices = notices_for(W, H)
    target, _ = drawn(data, notices, tmp_path)
    before, after = deep(data), deep(target)
    assert after.dtype == np.uint16
    inside = mask(notices, (H, W))
    assert np.array_equal(before[~inside], after[~inside])
    assert all(reading.found for reading in measure(target, notices, orientation=1))


def test_the_kind_of_picture_stays_where_it_has_the_shades(tmp_path):
    for name in ("grey", "grey, alpha", "bilevel", "colour", "colour, alpha"):
        target, result = drawn(picture_of(name), notices_for(W, H), tmp_path)
        assert chunks(target.read_bytes())[0].data == chunks(picture_of(name))[0].data
        assert result.method == "png"
    target, result = drawn(picture_of("palette of 16"), notices_for(W, H), tmp_path)
    assert pixels(target).shape[2] == 3
    assert result.method == "png, rewritten"


def test_no_drawn_pixel_gets_the_transparent_colour(tmp_path):
    data = encoded(Image.new("RGB", (W, H), (0, 0, 0)), "PNG", transparency=(0, 0, 0))
    notices = notices_for(W, H)
    target, _ = drawn(data, notices, tmp_path)
    assert (rgba(target)[mask(notices, (H, W))][:, 3] == 255).all()
    assert (rgba(target)[~mask(notices, (H, W))][:, 3] == 0).all()


def test_every_other_chunk_and_the_tail_stay_byte_for_byte(tmp_path):
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "生成", zip=True)
    text.add_itxt("XML:com.adobe.xmp", "<x/>")
    text.add(b"prIv", b"private")
    exif = Image.Exif()
    exif[0x010F] = "maker"
    data = encoded(scene(W, H), "PNG", pnginfo=text, icc_profile=b"p" * 500, dpi=(72, 72), exif=exif)
    data = data[:-12] + pack(b"caBX", b"manifest" * 50) + data[-12:] + b"after the end"
    target, _ = drawn(data, notices_for(W, H), tmp_path)
    after = target.read_bytes()

    def others(file):
        return [file[part.start : part.end] for part in chunks(file) if part.kind != b"IDAT"]

    assert others(after) == others(data)
    assert after.endswith(pack(b"IEND", b"") + b"after the end")


def test_chunks_that_count_in_palette_entries_are_translated(tmp_path):
    data = encoded(scene(W, H).quantize(200, FAST), "PNG", transparency=bytes(range(200)))
    at = next(part.start for part in chunks(data) if part.kind == b"IDAT")
    data = data[:at] + pack(b"bKGD", b"\x07") + data[at:]
    target, _ = drawn(data, notices_for(W, H), tmp_path)
    parts = {part.kind: part.data for part in chunks(target.read_bytes())}
    with Image.open(io.BytesIO(data)) as picture:
        colour = picture.getpalette()[21:24]
    assert parts[b"bKGD"] == struct.pack(">3H", *colour)
    assert b"tRNS" not in parts
    report = subprocess.run(["exiftool", "-validate", "-warning", "-s3", target], capture_output=True, check=True)
    assert not report.stdout.replace(b"OK", b"").strip()


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_filter_type_is_undone_and_done_again(kind, channels):
    lines = np.random.default_rng(kind).integers(0, 256, (40, 60 * channels), dtype=np.uint8)
    header = header_of(encoded(Image.new({1: "L", 3: "RGB", 4: "RGBA"}[channels], (60, 40)), "PNG"))
    filtered = refiltered(lines, np.zeros_like(lines[0]), np.full(40, kind, np.uint8), channels)
    assert np.array_equal(unfiltered(filtered, header), lines)


def test_a_format_is_drawable_where_draw_has_a_way(tmp_path):
    assert all(drawable(tmp_path / "a", each) for each in ("jpeg", "png", "gif"))
    assert not any(drawable(tmp_path / "a", each) for each in ("heif", "avif", "jxl", "mp4"))


def test_a_bad_crc_is_refused_with_its_place(tmp_path):
    data = bytearray(encoded(scene(W, H), "PNG"))
    image = next(part for part in chunks(bytes(data)) if part.kind == b"IDAT")
    data[image.start + 100] ^= 1
    with pytest.raises(MalformedMedia) as caught:
        drawn(bytes(data), notices_for(W, H), tmp_path)
    assert caught.value.details["offset"] == image.start


@pytest.mark.parametrize("size", [0, 7, 20, 5000])
def test_a_file_that_ends_early_is_refused(tmp_path, size):
    with pytest.raises(MalformedMedia):
        drawn(b"\x89PNG\r\n\x1a\n"[:size] + encoded(scene(W, H), "PNG")[8:size] or b"\x89", notices_for(W, H), tmp_path)


def test_too_few_picture_bytes_are_refused(tmp_path):
    parts = chunks(encoded(scene(W, H), "PNG"))
    short = (
        b"\x89PNG\r\n\x1a\n"
        + pack(b"IHDR", parts[0].data)
        + pack(b"IDAT", zlib.compress(b"\0" * 999))
        + pack(b"IEND", b"")
    )
    with pytest.raises(MalformedMedia):
        drawn(short, notices_for(W, H), tmp_path)


def test_a_flood_of_zeros_is_not_unpacked(tmp_path):
    parts = chunks(encoded(scene(W, H), "PNG"))
    flood = zlib.compress(b"\0" * (1 << 26))
    data = b"\x89PNG\r\n\x1a\n" + pack(b"IHDR", parts[0].data) + pack(b"IDAT", flood) + pack(b"IEND", b"")
    target, _ = drawn(data, notices_for(W, H), tmp_path)
    assert target.stat().st_size < 100_000


def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(refusal, "LARGEST_PICTURE", W * H - 1)
    with pytest.raises(MediaTooLarge):
        drawn(encoded(scene(W, H), "PNG"), notices_for(W, H), tmp_path)


def test_damaged_bytes_raise_our_errors_only(tmp_path):
    """CRCs are made right again, so that the damage reaches the code behind them."""
    notices = notices_for(340, 330)
    sources = [encoded(picture, "PNG") for picture in (scene(340, 330), scene(340, 330).quantize(32))]
    sources.append(encoded(scene(340, 330).convert("1"), "PNG", transparency=0))
    messages = []
    for number in range(60 if FULL_PROOF else 18):
        random = np.random.default_rng(number)
        parts = [(part.kind, bytearray(part.data)) for part in chunks(sources[number % 3])]
        for _, body in parts[:3]:
            if body and random.random() < 0.5:
                body[random.integers(0, min(len(body), 40))] = random.integers(0, 256)
        if random.random() < 0.3:
            del parts[random.integers(0, len(parts) - 1)]
        data = b"\x89PNG\r\n\x1a\n" + b"".join(pack(kind, bytes(body)) for kind, body in parts)
        try:
            drawn(data, notices, tmp_path)
            measure(tmp_path / "out.png", notices, orientation=1)
        except ProvenanceError as error:
            messages.append(str(error))
    assert messages
    assert all(messages)
