import io

import numpy as np
import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, NoticeDoesNotFit, ProvenanceError
from provenance.formats import riff
from provenance.notices import measure, refusal
from provenance.notices.webp_pixels import alpha, lossless

from .animations import DURATIONS, H, W, assert_only_plates_changed, by_pillow, drawn, growing, saved, sprites
from .conftest import FULL_PROOF, encoded, mask, notices_for, scene


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    _, end = riff.form(io.BytesIO(data))
    found = riff.chunks(io.BytesIO(data), riff.HEADER_SIZE, end)
    return [(each.kind, data[each.data : each.data + each.length]) for each in found]


def see_through() -> Image.Image:
    picture = scene(W, H).convert("RGBA")
    picture.putalpha(scene(W, H, 3).convert("L").point(lambda level: max(0, level - 90)))
    return picture


STILLS = {
    "lossless": (lambda: encoded(scene(W, H), "WEBP", lossless=True), "blocks"),
    "lossless, alpha": (lambda: encoded(see_through(), "WEBP", lossless=True, exact=True), "blocks"),
    "lossy": (lambda: encoded(scene(W, H), "WEBP", quality=70), "full"),
    "lossy, alpha": (lambda: encoded(see_through(), "WEBP", quality=70), "full"),
}


@pytest.mark.parametrize("name", STILLS)
def test_only_pixels_under_the_plates_change_in_stills(tmp_path, name):
    make, change = STILLS[name]
    data = make()
    notices, target, result = drawn(data, tmp_path, "webp")
    assert (result.media_change, result.reason) == (change, "notice-webp-lossless" if change == "full" else None)
    inside = mask(notices, (H, W))
    with Image.open(io.BytesIO(data)) as old, Image.open(target) as new:
        assert old.mode == new.mode
        before, after = np.asarray(old), np.asarray(new)
    assert np.array_equal(before[~inside], after[~inside]), "colours of transparent pixels as well"
    assert after.shape[2] == 3 or (after[inside][:, 3] == 255).all()
    assert all(reading.found for reading in measure(target, notices, orientation=1))


def test_every_other_chunk_and_the_tail_stay_byte_for_byte(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "maker"
    for options in ({"lossless": True}, {"quality": 60}):
        data = encoded(see_through(), "WEBP", icc_profile=b"p" * 501, exif=exif, xmp=b"<x/>", **options)
        whole = data[8:] + riff.pack(b"mine", b"private")
        data = b"RIFF" + len(whole).to_bytes(4, "little") + whole + b"after the end"
        _, target, _ = drawn(data, tmp_path, "webp")
        pixels = {b"VP8 ", b"VP8L", b"ALPH"}
        after = target.read_bytes()
        assert [each for each in chunks(after) if each[0] not in pixels] == [
            each for each in chunks(data) if each[0] not in pixels
        ]
        assert [kind for kind, _ in chunks(after)].count(b"VP8L") == 1
        assert after.endswith(b"after the end")


@pytest.mark.parametrize("orientation", [3, 6])
def test_the_notice_stands_as_the_picture_is_turned(tmp_path, orientation):
    notices, target, _ = drawn(encoded(scene(W, H), "WEBP", lossless=True), tmp_path, "webp", orientation)
    assert all(reading.found for reading in measure(target, notices, orientation=orientation))


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 60}, {"allow_mixed": True}, {"kmax": 1}])
def test_only_pixels_under_the_plates_change_in_every_frame(tmp_path, options):
    data = saved(growing(), "WEBP", duration=DURATIONS, loop=3, background=(1, 2, 3, 255), **options)
    notices, target, result = drawn(data, tmp_path, "webp")
    after = target.read_bytes()
    assert_only_plates_changed(by_pillow(data), by_pillow(after), notices)
    times = [[body[12:15] for kind, body in chunks(file) if kind == b"ANMF"] for file in (data, after)]
    assert times[0] == times[1]
    assert dict(chunks(data))[b"ANIM"] == dict(chunks(after))[b"ANIM"], "background and loops"
    assert any(result.method == f"webp, {number} of 4 frames" for number in (2, 3, 4))
    assert all(reading.found for reading in measure(target, notices, orientation=1))


def test_lossy_frames_keep_their_picture_where_the_notice_stands_already(tmp_path):
    data = saved([scene(W, H, seed) for seed in range(4)], "WEBP", quality=60, kmax=1, duration=DURATIONS)
    notices, target, result = drawn(data, tmp_path, "webp")
    after = target.read_bytes()
    assert_only_plates_changed(by_pillow(data), by_pillow(after), notices)
    old, new = ([body[16:] for kind, body in chunks(file) if kind == b"ANMF"] for file in (data, after))
    assert old[0][:4] == b"VP8 "
    assert new[0][:4] == b"VP8L"
    assert all(
        frame[:4] == b"ALPH" and frame.endswith(picture) for frame, picture in zip(new[1:], old[1:], strict=True)
    )
    assert dict(chunks(after))[b"VP8X"][0] & 0x10, "it says that there is alpha"
    assert (result.media_change, result.reason) == ("full", "notice-webp-lossless")


def frame(picture: Image.Image, x: int, y: int, flags: int, **options) -> bytes:
    numbers = (x // 2, y // 2, picture.width - 1, picture.height - 1, 70)
    inner = b"".join(riff.pack(*each) for each in chunks(encoded(picture, "WEBP", **options)) if each[0] != b"VP8X")
    return riff.pack(b"ANMF", b"".join(n.to_bytes(3, "little") for n in numbers) + bytes([flags]) + inner)


def animation(*frames: bytes, flags: int = 0x12) -> bytes:
    sides = (W - 1).to_bytes(3, "little") + (H - 1).to_bytes(3, "little")
    head = riff.pack(b"VP8X", bytes([flags, 0, 0, 0]) + sides) + riff.pack(b"ANIM", bytes(6))
    return riff.pack(b"RIFF", b"WEBP" + head + b"".join(frames))


@pytest.mark.parametrize("flags", [0, 1, 2, 3])
def test_the_plate_stands_in_frames_that_clear_or_leave_out_its_place(tmp_path, flags):
    spots = [each.crop((0, 0, 221, 181)) for each in sprites(4, 140)]
    frames = [frame(spot, 40 * n, 20 * n, flags, lossless=True) for n, spot in enumerate(spots)]
    data = animation(*frames)
    notices, target, result = drawn(data, tmp_path, "webp")
    after = target.read_bytes()
    assert result.method == ("webp, 4 frames composed" if flags & 1 else "webp, 4 of 4 frames")
    assert_only_plates_changed(by_pillow(data), by_pillow(after), notices)
    assert len([1 for kind, _ in chunks(after) if kind == b"ANMF"]) == 4


def test_a_frame_keeps_the_chunks_of_others(tmp_path):
    one = frame(scene(W, H), 0, 0, 0, lossless=True)
    one = riff.pack(b"ANMF", one[8:] + riff.pack(b"mine", b"private!"))
    _, target, _ = drawn(animation(one), tmp_path, "webp")
    (body,) = (body for kind, body in chunks(target.read_bytes()) if kind == b"ANMF")
    assert body.endswith(riff.pack(b"mine", b"private!"))


DAMAGED = {
    "no picture": lambda: riff.pack(b"RIFF", b"WEBP" + riff.pack(b"EXIF", b"")),
    "nothing": lambda: riff.pack(b"RIFF", b"WEBP"),
    "no frames": animation,
    "frame off the canvas": lambda: animation(frame(scene(W, H), 2, 0, 0)),
    "frame without picture": lambda: animation(riff.pack(b"ANMF", bytes(16))),
    "short frame": lambda: animation(riff.pack(b"ANMF", bytes(6))),
    "short header": lambda: riff.pack(b"RIFF", b"WEBP" + riff.pack(b"VP8X", b"\2\0\0\0")),
    "cut": lambda: encoded(scene(W, H), "WEBP", lossless=True)[:-9000],
    "broken": lambda: encoded(scene(W, H), "WEBP", lossless=True)[:200] + bytes(90000),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_refused(tmp_path, name):
    data = DAMAGED[name]()
    data = data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]
    with pytest.raises(MalformedMedia, match=r"in\.webp"):
        drawn(data, tmp_path, "webp")


def test_limits_hold_before_anything_is_decoded(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(refusal, "LARGEST_PICTURE", W * H - 1)
        for data in (encoded(scene(W, H), "WEBP"), encoded(see_through(), "WEBP"), saved(growing(), "WEBP")):
            with pytest.raises(MediaTooLarge):
                drawn(data, tmp_path, "webp")
    monkeypatch.setattr(refusal, "LARGEST_ANIMATION", W * H * 3)
    with pytest.raises(MediaTooLarge):
        drawn(saved(growing(), "WEBP"), tmp_path, "webp")


def test_a_notice_laid_out_for_another_picture_is_refused(tmp_path):
    from provenance.notices import draw

    (tmp_path / "in").write_bytes(encoded(scene(330, 340), "WEBP"))
    with pytest.raises(NoticeDoesNotFit), (tmp_path / "out").open("wb") as file:
        draw(tmp_path / "in", file, notices_for(2000, 1500), orientation=1, format="webp")


def test_pixels_and_opacity_come_back_from_their_chunks():
    pixels = np.asarray(see_through())
    with Image.open(io.BytesIO(riff.pack(b"RIFF", b"WEBP" + riff.pack(b"VP8L", lossless(pixels))))) as picture:
        assert np.array_equal(np.asarray(picture), pixels)
    assert len(alpha(pixels[..., 3])) > 10


def test_damaged_bytes_raise_our_errors_only(tmp_path):
    sources = [
        saved(growing(), "WEBP", quality=40),
        encoded(see_through(), "WEBP"),
        encoded(scene(W, H), "WEBP", lossless=True),
    ]
    refused = 0
    for number in range(90 if FULL_PROOF else 15):
        random = np.random.default_rng(number)
        data = bytearray(sources[number % 3])
        for at in random.integers(0, 600 if number % 2 else len(data), 4):
            data[at] = random.integers(0, 256)
        try:
            drawn(bytes(data), tmp_path, "webp")
        except ProvenanceError as error:
            refused += bool(str(error))
    assert refused
