import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.formats import png_chunks
from provenance.formats.png_chunks import pack
from provenance.notices import measure, refusal

from .animations import (
    DURATIONS,
    H,
    W,
    assert_only_plates_changed,
    by_ffmpeg,
    by_pillow,
    drawn,
    growing,
    saved,
    sprites,
)
from .conftest import scene

SPRITES = [(disposal, blend) for disposal in (0, 1, 2) for blend in (0, 1)]


def parts(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(each.kind, data[each.data : each.end - 4]) for each in png_chunks.chunks(io.BytesIO(data))]


def controls(data: bytes) -> list[tuple]:
    return [struct.unpack(">5I2H2B", body) for kind, body in parts(data) if kind == b"fcTL"]


def apng(frames: list[np.ndarray], colour: int, depth: int, extra=(), interlaced: bool = False) -> bytes:
    """Return full frames of raw lines as an animation; Pillow writes neither 16 bits nor interlaced ones."""
    body, number = b"", 0
    for index, lines in enumerate(frames):
        body += pack(b"fcTL", struct.pack(">5I2H2B", number, W, H, 0, 0, 5 + index, 100, 0, 0))
        code = zlib.compress(b"".join(b"\0" + line.tobytes() for line in lines) if not interlaced else lines, 1)
        body += pack(b"fdAT", struct.pack(">I", number + 1) + code) if index else pack(b"IDAT", code)
        number += 2 if index else 1
    head = pack(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, colour, 0, 0, interlaced))
    head += b"".join(pack(*each) for each in extra) + pack(b"acTL", struct.pack(">II", len(frames), 3))
    return b"\x89PNG\r\n\x1a\n" + head + body + pack(b"IEND", b"")


@pytest.mark.parametrize("own_picture", [True, False])
def test_frames_that_do_not_meet_the_plates_keep_their_streams(tmp_path, own_picture):
    data = saved(growing(), "PNG", duration=DURATIONS, loop=3, default_image=own_picture)
    notices, target, result = drawn(data, tmp_path, "png")
    after = target.read_bytes()
    assert (result.media_change, result.method) == ("blocks", f"apng, {3 if own_picture else 2} of 4 frames")
    assert_only_plates_changed(by_ffmpeg(data), by_ffmpeg(after), notices)
    streams = [{body[4:] for kind, body in parts(file) if kind == b"fdAT"} for file in (data, after)]
    assert len(streams[0] & streams[1]) == (1 if own_picture else 2)
    assert [each[1:] for each in controls(data)] == [each[1:] for each in controls(after)]
    assert all(reading.found for reading in measure(target, notices, orientation=1))
    with Image.open(target) as first:
        assert bool(first.info.get("default_image")) == own_picture


def test_every_other_chunk_and_the_tail_stay_byte_for_byte(tmp_path):
    data = saved(growing(), "PNG", duration=DURATIONS, icc_profile=b"p" * 500)
    at = data.index(b"fcTL") - 4
    data = data[:at] + pack(b"prIv", b"private") + data[at:] + b"after the end"
    _, target, _ = drawn(data, tmp_path, "png")
    after = target.read_bytes()
    pictures = {b"IDAT", b"fdAT"}
    assert [each for each in parts(data) if each[0] not in pictures] == [
        each for each in parts(after) if each[0] not in pictures
    ]
    assert after.endswith(pack(b"IEND", b"") + b"after the end")


@pytest.mark.parametrize(("disposal", "blend"), SPRITES)
def test_the_plate_stands_in_frames_that_clear_or_leave_out_its_place(tmp_path, disposal, blend):
    frames = sprites()
    data = saved(frames, "PNG", duration=DURATIONS, disposal=disposal, blend=blend, loop=2)
    notices, target, result = drawn(data, tmp_path, "png")
    after = target.read_bytes()
    assert_only_plates_changed(by_ffmpeg(data), by_ffmpeg(after), notices)
    assert [each[5:7] for each in controls(after)] == [each[5:7] for each in controls(data)]
    assert [each[0] for each in parts(after)].count(b"fcTL") == 4
    if disposal:
        assert result.method == "apng, 4 frames composed"


def test_half_transparent_frames_are_mixed_as_players_do(tmp_path):
    data = saved(sprites(opacity=120), "PNG", disposal=2, blend=1)
    notices, target, _ = drawn(data, tmp_path, "png")
    assert_only_plates_changed(by_ffmpeg(data), by_ffmpeg(target.read_bytes()), notices, most=2)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1"])
def test_kinds_of_pictures(tmp_path, mode):
    shared = growing(3)[0].quantize(40)
    frames = [frame.quantize(palette=shared) if mode == "P" else frame.convert(mode) for frame in growing(3)]
    extra = {"transparency": 3} if mode == "P" else {}
    data = saved(frames, "PNG", **extra)
    notices, target, _ = drawn(data, tmp_path, "png")
    # FFmpeg knows no animations of one bit.
    play = by_pillow if mode == "1" else by_ffmpeg
    assert_only_plates_changed(play(data), play(target.read_bytes()), notices)
    kind = png_chunks.header(io.BytesIO(target.read_bytes()), next(png_chunks.chunks(io.BytesIO(target.read_bytes()))))
    assert kind.colour == {"L": 0, "LA": 4, "RGB": 2, "RGBA": 6, "P": 6, "1": 0}[mode]


@pytest.mark.parametrize(("mode", "key"), [("L", True), ("RGB", True), ("L", False)])
def test_pictures_without_alpha_get_one_where_frames_are_composed(tmp_path, mode, key):
    """The first frame is cleared, and the second leaves a part of the plate bare."""
    first, second = scene(W, H).convert(mode), scene(W, H, 5).convert(mode)
    data = saved([first, second], "PNG", **({"transparency": first.getpixel((200, 200))} if key else {}))
    control = next(each for each in png_chunks.chunks(io.BytesIO(data)) if each.kind == b"fcTL")
    body = bytearray(data[control.data : control.end - 4])
    body[24] = 1  # dispose to background
    small = io.BytesIO()
    second.crop((0, 0, 60, 50)).save(small, "PNG")
    inner = b"".join(body for kind, body in parts(small.getvalue()) if kind == b"IDAT")
    follow = struct.pack(">5I2H2B", 1, 60, 50, 10, 12, 4, 100, 0, 0)
    head = data[: control.start] + pack(b"fcTL", bytes(body))
    still = b"".join(body for kind, body in parts(data) if kind == b"IDAT")
    data = head + pack(b"IDAT", still)
    data += pack(b"fcTL", follow) + pack(b"fdAT", struct.pack(">I", 2) + inner) + pack(b"IEND", b"")
    notices, target, result = drawn(data, tmp_path, "png")
    assert result.method == "apng, 2 frames composed"
    before, after = by_ffmpeg(data), by_ffmpeg(target.read_bytes())
    # This player shows black where a picture without alpha was cleared.
    opaque = before[1][..., 3] == 255
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        seen = opaque if number and key else np.ones_like(opaque)
        rest = seen & ~_inside(notices)
        assert np.array_equal(old[rest][:, :3], new[rest][:, :3])
    assert all(reading.found for reading in measure(target, notices, orientation=1))


def _inside(notices):
    from .conftest import mask

    return mask(notices, (H, W))


@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_16_bits_stay_16_bits(tmp_path, colour):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    frames = []
    for seed in (1, 2):
        deep = np.dstack([np.asarray(scene(W, H, seed))] * 2)[..., :channels].astype(np.uint16) * 257 - 3 * seed
        frames.append(deep.astype(">u2").reshape(H, -1))
    data = apng(frames, colour, 16)
    notices, target, _ = drawn(data, tmp_path, "png")
    assert_only_plates_changed(by_ffmpeg(data, deep=True), by_ffmpeg(target.read_bytes(), deep=True), notices)


def test_interlaced_frames_are_written_line_after_line(tmp_path):
    frames = []
    for seed in (1, 2):
        picture = np.asarray(scene(W, H, seed))
        lines = b""
        for x, y, dx, dy in (
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ):
            lines += b"".join(b"\0" + line.tobytes() for line in picture[y::dy, x::dx])
        frames.append(lines)
    data = apng(frames, 2, 8, interlaced=True)
    notices, target, _ = drawn(data, tmp_path, "png")
    assert_only_plates_changed(by_ffmpeg(data), by_ffmpeg(target.read_bytes()), notices)


def test_bits_of_a_sample_are_said_of_alpha_too(tmp_path):
    data = saved([frame.convert("RGB") for frame in sprites()], "PNG", disposal=1)
    at = data.index(b"acTL") - 4
    _, target, _ = drawn(data[:at] + pack(b"sBIT", b"\5\6\5") + data[at:], tmp_path, "png")
    found = dict(parts(target.read_bytes()))
    assert found[b"sBIT"] in {b"\5\6\5\x08", b"\5\6\5"}
    assert len(found[b"sBIT"]) == (4 if found[b"IHDR"][9] == 6 else 3)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"fdAT", b"fdAt"),
        lambda data: _with_control(data, 1, 4, 5000),
        lambda data: _with_control(data, 0, 1, 77),
        lambda data: _with_control(data, 1, 24, 9),
        lambda data: _with_control(data, 1, 25, 2),
        lambda data: _with_control(data, 1, 1, 0),
        lambda data: _without(data, b"IDAT"),
        lambda data: _cut(data, b"fcTL", 25),
        lambda data: _cut(data, b"fdAT", 3),
        lambda data: _first_is_further(data),  # noqa: PLW0108 - it is defined below
    ],
)
def test_frames_that_make_no_sense_are_damage(tmp_path, damage):
    data = damage(saved(growing(), "PNG"))
    fixed = b"\x89PNG\r\n\x1a\n" + b"".join(_again(data))
    with pytest.raises(MalformedMedia) as caught:
        drawn(fixed, tmp_path, "png")
    assert "in.png" in str(caught.value)


def _again(data: bytes):
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield pack(kind, data[at + 8 : at + 8 + length])
        at += 12 + length


def _with_control(data: bytes, number: int, field: int, value: int) -> bytes:
    found = [each for each in png_chunks.chunks(io.BytesIO(data)) if each.kind == b"fcTL"][number]
    place = field if field >= 20 else 4 * field
    width = 1 if field >= 20 else 4
    at = found.data + place
    return data[:at] + value.to_bytes(width, "big") + data[at + width :]


def _without(data: bytes, kind: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(pack(*each) for each in parts(data) if each[0] != kind) + pack(b"IDAT", b"")


def _cut(data: bytes, kind: bytes, length: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(pack(k, body[:length] if k == kind else body) for k, body in parts(data))


def _first_is_further(data: bytes) -> bytes:
    found = parts(data)
    at = next(number for number, each in enumerate(found) if each[0] == b"fdAT")
    return b"\x89PNG\r\n\x1a\n" + b"".join(pack(*each) for each in [*found[:2], found[at], *found[2:]])


def test_more_frames_than_the_limit_allows_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(refusal, "LARGEST_ANIMATION", W * H * 3)
    with pytest.raises(MediaTooLarge):
        drawn(saved(growing(), "PNG"), tmp_path, "png")


def test_a_still_picture_with_a_stray_frame_is_a_still_picture(tmp_path):
    data = saved(growing()[:1], "PNG")
    at = data.index(b"IEND") - 4
    data = data[:at] + pack(b"fdAT", b"\0\0\0\1rest") + data[at:]
    _, target, result = drawn(data, tmp_path, "png")
    assert result.method == "png"
    assert parts(target.read_bytes())[-2] == (b"fdAT", b"\0\0\0\1rest")


def test_opencv_plays_it_too(tmp_path):
    data = saved(growing(), "PNG", duration=DURATIONS)
    _notices, target, _ = drawn(data, tmp_path, "png")
    _, frames = cv2.imdecodemulti(np.frombuffer(target.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    expected = by_ffmpeg(target.read_bytes())
    assert all(
        np.array_equal(frame[..., :3][..., ::-1], other[..., :3])
        for frame, other in zip(frames, expected, strict=False)
    )
