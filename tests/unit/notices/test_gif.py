import io
import itertools

import numpy as np
import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, NoticeDoesNotFit, ProvenanceError
from provenance.formats import gif_blocks
from provenance.notices import measure, refusal
from provenance.notices.gif_pixels import code_of, indexes_of

from .animations import DURATIONS, H, W, assert_only_plates_changed, by_pillow, drawn, growing, saved, sprites
from .conftest import FULL_PROOF, mask, scene

GREYS = bytes(itertools.chain.from_iterable((level,) * 3 for level in range(256)))


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    file = io.BytesIO(data)
    head = gif_blocks.header(file)
    return [(each.kind, data[each.start : each.end]) for each in gif_blocks.blocks(file, head.end)]


def gif(*frames: bytes, table: bytes = GREYS, tail: bytes = b"", version: bytes = b"89a") -> bytes:
    """Return a file with a global table of 256 colours."""
    size = W.to_bytes(2, "little") + H.to_bytes(2, "little")
    return b"GIF" + version + size + b"\xf7\0\0" + table + b"".join(frames) + b";" + tail


def image(indexes: np.ndarray, x: int = 0, y: int = 0, flags: int = 0) -> bytes:
    sides = b"".join(side.to_bytes(2, "little") for side in (x, y, indexes.shape[1], indexes.shape[0]))
    return b"," + sides + bytes([flags]) + code_of(indexes, interlaced=bool(flags & 0x40))


def control(flags: int, transparent: int = 0, delay: int = 5) -> bytes:
    return b"\x21\xf9\4" + bytes([flags]) + delay.to_bytes(2, "little") + bytes([transparent, 0])


def shades(low: int = 0, high: int = 255, seed: int = 1) -> np.ndarray:
    grey = np.asarray(scene(W, H, seed).convert("L"), np.float32)
    return (low + grey * (high - low) / 255).astype(np.uint8)


@pytest.mark.parametrize("colours", [20, 200, 256])
def test_only_pixels_under_the_plates_change_in_every_frame(tmp_path, colours):
    frames = [frame.quantize(colours) for frame in growing()]
    data = saved(frames, "GIF", duration=DURATIONS, loop=3, comment=b"a comment")
    notices, target, result = drawn(data, tmp_path, "gif")
    after = target.read_bytes()
    assert result.media_change == "blocks"
    assert_only_plates_changed(by_pillow(data), by_pillow(after), notices)
    kept = [[body for kind, body in blocks(file) if kind != gif_blocks.IMAGE] for file in (data, after)]
    assert kept[0] == kept[1], "delays, loops, comments"
    assert all(reading.found for reading in measure(target, notices, orientation=1))


@pytest.mark.parametrize("disposal", [1, 2, 3])
def test_the_plate_stands_in_frames_that_clear_or_leave_out_its_place(tmp_path, disposal):
    data = saved(sprites(), "GIF", disposal=disposal, duration=DURATIONS, loop=0)
    notices, target, _ = drawn(data, tmp_path, "gif")
    after = target.read_bytes()
    assert_only_plates_changed(by_pillow(data), by_pillow(after), notices)
    with Image.open(io.BytesIO(data)) as old, Image.open(target) as new:
        for number in range(old.n_frames):
            old.seek(number)
            new.seek(number)
            assert old.info["duration"] == new.info["duration"]


def test_frames_beside_the_plates_keep_their_bytes_and_hidden_ones_their_colours(tmp_path):
    spot = shades(seed=3)[:60, :70]
    data = gif(
        image(shades(), flags=0x40),
        image(spot, 250, 200),
        control(0x05, transparent=9) + image(spot, 20, 20),
        tail=b"after the end",
    )
    notices, target, result = drawn(data, tmp_path, "gif")
    before, after = blocks(data), blocks(target.read_bytes())
    assert result.method == "gif, 2 of 3 frames"
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True, False, True]
    assert target.read_bytes().endswith(b";after the end")
    assert after[3][1][9] == 0, "no table of its own: the plate shows through"
    assert_only_plates_changed(by_pillow(data), by_pillow(target.read_bytes()), notices)


@pytest.mark.parametrize("disposal", [1, 2, 3])
def test_a_first_frame_beside_the_plates_makes_all_frames_whole(tmp_path, disposal):
    flags = disposal << 2 | 1
    frames = [
        control(flags, 9, delay) + image(shades(seed=delay)[:150, :200], 15 * delay, 20 * delay) for delay in (2, 9, 4)
    ]
    data = gif(*frames, version=b"87a")
    notices, target, result = drawn(data, tmp_path, "gif")
    assert result.method == "gif, 3 frames composed"
    assert target.read_bytes()[:6] == b"GIF89a"
    assert_only_plates_changed(by_pillow(data), by_pillow(target.read_bytes()), notices)
    with Image.open(target) as new:
        assert [new.seek(number) or new.info["duration"] for number in range(3)] == [20, 90, 40]


def test_frames_without_a_control_get_one_where_they_are_composed(tmp_path):
    data = gif(image(shades()[:200, :300], 100, 100), image(shades(seed=4)[:100, :100]))
    notices, target, _ = drawn(data, tmp_path, "gif")
    outside = ~mask(notices, (H, W))
    for old, new in zip(by_pillow(data), by_pillow(target.read_bytes()), strict=True):
        # Where nothing was painted, Pillow shows the ground of the one and nothing of the other.
        assert np.array_equal(old[outside][:, :3], new[outside][:, :3])
    assert all(reading.found for reading in measure(target, notices, orientation=1))


def middle_tones(number: int) -> bytes:
    return gif(image(shades(0, number - 1)), table=bytes(110 + n % 30 for n in range(768)))


def test_colours_that_nothing_uses_become_those_of_the_notice(tmp_path):
    data = middle_tones(200)
    notices, target, _ = drawn(data, tmp_path, "gif")
    assert_only_plates_changed(by_pillow(data), by_pillow(target.read_bytes()), notices)
    (_, body), *_ = blocks(target.read_bytes())
    assert body[9] & 0x80, "a table of its own"
    assert all(reading.found for reading in measure(target, notices, orientation=1))


@pytest.mark.parametrize("first", [(0, 0), (150, 150)])
def test_middle_tones_alone_are_refused_with_the_way_on(tmp_path, first):
    x, y = first
    indexes = np.resize(np.arange(256, dtype=np.uint8), (H - y, W - x))
    table = b"".join(bytes((110 + n % 16, 110 + n // 16, 120)) for n in range(256))
    with pytest.raises(NoticeDoesNotFit, match=r'256 colours.*"draw": \[\]'):
        drawn(gif(image(indexes, x, y), table=table), tmp_path, "gif")


def test_too_many_colours_of_several_tables_are_refused_where_frames_are_composed(tmp_path):
    table = bytes(np.random.default_rng(5).integers(0, 256, 768, dtype=np.uint8))
    spread = np.resize(np.arange(256, dtype=np.uint8), (150, 150))
    own = image(spread, 0, 170, flags=0x87)[:10] + table + image(spread)[10:]
    with pytest.raises(NoticeDoesNotFit) as caught:
        drawn(gif(image(spread, 200, 150), own), tmp_path, "gif")
    assert caught.value.code == "notice-gif-colours"


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (37, 53), (200, 300)])
def test_indexes_come_back_from_their_code(shape, interlaced):
    indexes = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    code = code_of(indexes, interlaced=interlaced)
    assert np.array_equal(indexes_of(code, shape[1], shape[0], interlaced=interlaced, offset=0), indexes)


def test_an_application_that_wants_colours_from_pillow_gets_the_same_file(tmp_path, monkeypatch):
    from PIL import GifImagePlugin

    data = gif(image(shades()))
    expected = drawn(data, tmp_path, "gif")[1].read_bytes()
    monkeypatch.setattr(GifImagePlugin, "LOADING_STRATEGY", GifImagePlugin.LoadingStrategy.RGB_ALWAYS)
    assert drawn(data, tmp_path, "gif")[1].read_bytes() == expected


@pytest.mark.parametrize(
    "data",
    [
        gif(),
        gif(image(shades())[:-40000] + b"\0"),
        gif(b"\x21\xf9\3\0\0\0\0" + image(shades())),
        gif(b"," + bytes(8) + b"\0\x08\0"),
    ],
)
def test_damage_is_said_with_its_place(tmp_path, data):
    with pytest.raises(MalformedMedia, match=r"in\.gif.*byte"):
        drawn(data, tmp_path, "gif")


def test_limits_hold_before_anything_is_decoded(tmp_path, monkeypatch):
    data = gif(image(shades()), image(shades()), image(shades()))
    monkeypatch.setattr(refusal, "LARGEST_ANIMATION", W * H * 2)
    with pytest.raises(MediaTooLarge):
        drawn(data, tmp_path, "gif")
    huge = b"," + bytes(4) + b"\xff\xff\xff\xff\0\x08\0"
    with pytest.raises(MediaTooLarge):
        drawn(gif(huge), tmp_path, "gif")


def test_damaged_bytes_raise_our_errors_only(tmp_path):
    sources = [
        saved(sprites(), "GIF", disposal=2),
        gif(image(shades()), control(9, 3) + image(shades()[:50, :50], 9, 9)),
    ]
    refused = 0
    for number in range(100 if FULL_PROOF else 16):
        random = np.random.default_rng(number)
        data = bytearray(sources[number % 2])
        for at in random.integers(0, len(data), 5):
            data[at] = random.integers(0, 256)
        try:
            drawn(bytes(data), tmp_path, "gif")
        except ProvenanceError as error:
            refused += bool(str(error))
    assert refused
