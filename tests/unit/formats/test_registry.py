import io
import os
import tracemalloc
import zlib

import pytest
from PIL import Image

from provenance._files import new_file
from provenance.errors import AssetNotFound, MalformedMedia, OutputNotWritten, UnsupportedFormat
from provenance.formats import registry


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"  # the name lies: the content decides
    Image.effect_noise((40, 30), 50).save(path, "JPEG")
    return path


def refusal(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(UnsupportedFormat) as caught:
        registry.read(path)
    return caught.value


def test_the_content_decides_not_the_name(photo):
    assert registry.read(photo).format == "jpeg"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "media-empty"),
        (b"plain text", "format-is-text"),
        (("\ufeff" + "成都大熊猫基地" * 99).encode(), "format-is-text"),
        (bytes(range(1, 256)), "format-unknown"),
        (b"\0" * 600, "format-unknown"),
        (b"text\0with a zero", "format-unknown"),
    ],
)
def test_a_file_that_is_no_media_is_refused_with_what_it_is(tmp_path, content, code):
    error = refusal(tmp_path, content)
    assert error.code == code
    for locale in ("en", "zh-CN"):
        assert "photo.jpg" in error.diagnostics(locale)
        assert "JPEG, PNG" in error.diagnostics(locale)


def test_every_format_that_works_is_named_as_people_know_it(tmp_path):
    supported = refusal(tmp_path, b"").details["supported"].split(", ")
    assert {"Word", "Excel", "PowerPoint", "PDF", "HTML", "Markdown", "TEXT"} <= set(supported)
    assert len(supported) == len(set(supported))
    assert not {"OOXML", "JXL-CODESTREAM"} & set(supported)


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html"])
def test_an_empty_text_is_empty(tmp_path, suffix):
    path = tmp_path / f"empty{suffix}"
    path.touch()
    with pytest.raises(UnsupportedFormat) as caught:
        registry.read(path)
    assert caught.value.code == "media-empty"


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html"])
@pytest.mark.parametrize("codec", ["gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_in_another_encoding_is_told_to_be_one(tmp_path, suffix, codec):
    path = tmp_path / f"note{suffix}"
    path.write_bytes(("成都大熊猫基地 panda\r\n" * 99).encode(codec))  # longer than what is looked at
    with pytest.raises(UnsupportedFormat) as caught:
        registry.read(path)
    assert caught.value.code == "text-encoding"
    assert all("UTF-8" in caught.value.diagnostics(locale) for locale in ("en", "zh-CN"))


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jpg", "成都".encode("gb18030")), ("a.txt", bytes(range(1, 256))), ("a.txt", b"\0" * 600), ("a.txt", b"\xff")],
)
def test_other_bytes_are_no_text_whatever_their_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnsupportedFormat) as caught:
        registry.read(tmp_path / name)
    assert caught.value.code == "format-unknown"


@pytest.mark.parametrize("name", ["BMP"])
def test_another_container_is_named(tmp_path, name):
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, name)
    error = refusal(tmp_path, out.getvalue())
    assert error.details["found"].upper() == name
    assert error.details["found"] in error.diagnostics("zh-CN")


def test_video_and_audio_are_named(tmp_path):
    for content, name in {
        b"\0\0\0\x20ftypxyz9": "another kind of MP4",
        b"\x1aE\xdf\xa3": "another kind of EBML",
        b"\xff\xf1\x50\x80": "AAC",
        b"ID3\4\0\0\0\0\0\0\xff\xf1\x50\x80": "AAC",
    }.items():
        assert refusal(tmp_path, content + bytes(64)).details["found"] == name


def test_what_cannot_be_opened_is_not_found(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing.jpg", "folder", "pipe"):
        with pytest.raises(AssetNotFound):
            registry.read(tmp_path / name)


def test_a_media_error_names_the_file(photo, tmp_path):
    photo.write_bytes(photo.read_bytes()[:-2])
    with pytest.raises(MalformedMedia) as caught:
        registry.read(photo)
    assert caught.value.details["path"] == photo
    with pytest.raises(MalformedMedia) as caught, new_file(tmp_path / "out") as target:
        registry.write(photo, target, exif=None, xmp=b"<x/>")
    assert caught.value.details["path"] == photo
    assert not (tmp_path / "out").exists()


def test_a_read_that_fails_is_named(photo, tmp_path, monkeypatch):
    class Broken(io.BytesIO):
        def read(self, *_):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(registry, "open_input", lambda _: Broken())
    with pytest.raises(AssetNotFound) as caught:
        registry.read(photo)
    assert "Input/output error" in str(caught.value)
    with pytest.raises(OutputNotWritten), new_file(tmp_path / "out") as target:
        registry.write(photo, target, exif=None, xmp=None)


def test_a_copy_without_changes_is_the_same_file(photo, tmp_path):
    with new_file(tmp_path / "copy") as target:
        registry.write(photo, target, exif=None, xmp=None)
    assert (tmp_path / "copy").read_bytes() == photo.read_bytes()


@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_memory_stays_flat_whatever_the_size(name, tmp_path):
    path = tmp_path / "large"
    Image.effect_noise((64, 48), 50).save(path, name)
    grow(path, name)
    tracemalloc.start()
    try:
        assert registry.read(path).warnings == (() if name == "JPEG" else ("data-after-picture",))
        with new_file(tmp_path / "out") as target:
            registry.write(path, target, exif=None, xmp=b"<x/>")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def grow(path, name):
    """Make the scan 20 MB long, or put in a chunk of that size and data behind the picture."""
    content = path.read_bytes()
    if name == "JPEG":
        path.write_bytes(content[:-2] + b"\xff\0" * 10_000_000 + content[-2:])
    else:
        data = bytes(20_000_000)
        chunk = len(data).to_bytes(4, "big") + b"prVt" + data + zlib.crc32(b"prVt" + data).to_bytes(4, "big")
        path.write_bytes(content[:33] + chunk + content[33:] + bytes(100))
