"""Notices that `attach` draws on every kind of picture, and `verify` finds again."""

import pytest
from PIL import Image

from provenance.errors import NoticeDoesNotFit

LABELS = {"labels": [{"kind": "fiction", "form": "staged"}]}
FRAMES = [Image.new("RGB", (400, 400), colour) for colour in ("red", "green", "navy")]
KINDS = {
    "png": {},
    "gif": {"duration": 50},
    "webp": {"lossless": True},
    "tiff": {"compression": "tiff_lzw"},
}


@pytest.mark.parametrize("suffix", KINDS)
def test_a_notice_stands_in_every_frame_and_page_and_is_found_again(sdk, tmp_path, suffix):
    source, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    FRAMES[0].save(source, save_all=True, append_images=FRAMES[1:], **KINDS[suffix])
    done = sdk.attach_media(source, LABELS, into=out)
    assert done.media_change == "blocks"
    assert not {each.code for each in done.warnings} & {"notice-not-drawn", "notice-webp-lossless"}
    (file,) = sdk.verify(out).files
    assert [each.found for each in file.notices] == [True]
    with Image.open(out) as picture:
        assert picture.n_frames == len(FRAMES)


def test_a_lossy_webp_becomes_lossless_and_that_is_said(sdk, tmp_path):
    FRAMES[0].save(tmp_path / "in.webp", quality=50)
    done = sdk.attach_media(tmp_path / "in.webp", LABELS, into=tmp_path / "out.webp")
    assert done.media_change == "full"
    assert "notice-webp-lossless" in {each.code for each in done.warnings}


@pytest.mark.parametrize(("suffix", "options"), [("avif", {}), ("tiff", {"compression": "jpeg"})])
def test_what_cannot_be_redrawn_without_loss_is_refused_and_nothing_is_written(sdk, tmp_path, suffix, options):
    source, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    FRAMES[0].save(source, **options)
    before = source.read_bytes()
    with pytest.raises(NoticeDoesNotFit, match=r'"draw": \[\]'):
        sdk.attach_media(source, LABELS, into=out)
    assert source.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [source]
