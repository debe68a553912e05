import cv2
import numpy as np
import pytest

from provenance.errors import AssetNotFound, MalformedMedia, MediaTooLarge
from provenance.notices import refusal
from provenance.notices.decode import frames

from .animations import DURATIONS, H, W, growing, saved
from .conftest import encoded, scene
from .tiffs import Page, tiff


def seen(tmp_path, data: bytes, orientation: int = 1) -> list[np.ndarray]:
    (tmp_path / "a").write_bytes(data)
    return [picture[..., ::-1] for picture in frames(tmp_path / "a", orientation)]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_middle_and_last_frame_are_seen(tmp_path, kind):
    made = growing(5)
    data = saved(made, kind, duration=[*DURATIONS, 30], **({"lossless": True} if kind == "WEBP" else {}))
    found = seen(tmp_path, data)
    assert [next(n for n in range(5) if np.array_equal(np.asarray(made[n]), one)) for one in found] == [0, 2, 4]


def test_of_a_gif_too(tmp_path):
    assert len(seen(tmp_path, saved([each.quantize(50) for each in growing(6)], "GIF"))) == 3


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True), (">", True)])
def test_of_a_tiff_every_page_is_seen_and_deep_ones_in_eight_bits(tmp_path, order, big):
    pages = [np.asarray(scene(W, H, seed)) for seed in (1, 2)]
    deep = pages[0][..., :1].astype(np.uint16) * 256
    data = tiff(*map(Page, pages), Page(deep, photometric=1), order=order, big=big)
    found = seen(tmp_path, data)
    assert len(found) == 3
    assert all(np.array_equal(*pair) for pair in zip(pages, found[:2], strict=True))
    assert np.array_equal(found[2][..., 0], pages[0][..., 0])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_stills_are_turned_as_asked(tmp_path, kind):
    (found,) = seen(tmp_path, encoded(scene(W, H), kind), orientation=6)
    assert found.shape == (W, H, 3)
    assert cv2.PSNR(np.ascontiguousarray(np.rot90(found)), np.asarray(scene(W, H))) > 25


def test_pages_of_a_tiff_are_turned_as_they_say(tmp_path):
    page = np.asarray(scene(W, H))
    found = seen(tmp_path, tiff(Page(page), Page(page, tags={274: ("H", [6])})))
    assert [each.shape for each in found] == [(H, W, 3), (W, H, 3)]


@pytest.mark.parametrize(
    "data",
    [
        b"nothing",
        encoded(scene(W, H), "JPEG")[:300],
        saved(growing(), "PNG")[:40000],
        tiff(Page(np.asarray(scene(W, H))))[:-250],
        tiff(Page(np.asarray(scene(W, H))), order=">", big=True)[:-250],
    ],
)
def test_what_cannot_be_decoded_is_damage(tmp_path, data):
    with pytest.raises(MalformedMedia):
        seen(tmp_path, data)


def test_what_is_missing_is_said_to_be(tmp_path):
    with pytest.raises(AssetNotFound):
        next(frames(tmp_path / "none", 1))


@pytest.mark.parametrize(
    ("limit", "value"), [("LARGEST_FILE", 99), ("LARGEST_PICTURE", W * H - 1), ("LARGEST_ANIMATION", W * H)]
)
def test_limits_hold(tmp_path, monkeypatch, limit, value):
    monkeypatch.setattr(refusal, limit, value)
    with pytest.raises(MediaTooLarge, match=str(tmp_path)):
        seen(tmp_path, saved(growing(), "PNG"))


def test_no_more_than_a_thousand_pages_are_looked_at(tmp_path, monkeypatch):
    from provenance.notices import decode

    monkeypatch.setattr(decode, "_MOST_PAGES", 2)
    assert len(seen(tmp_path, tiff(*[Page(np.asarray(scene(60, 50)))] * 4))) == 2


def test_colours_of_a_palette_are_seen(tmp_path):
    few = scene(W, H).quantize(30)
    (found,) = seen(tmp_path, encoded(few, "TIFF"))
    assert np.array_equal(found, np.asarray(few.convert("RGB")))
