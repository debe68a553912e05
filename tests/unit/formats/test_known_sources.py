"""Picture data are read once: what a caller has found sound, or has just written, is not walked again."""

import dataclasses
import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from provenance.errors import MalformedMedia
from provenance.formats import registry
from provenance.metadata import exif

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


@pytest.fixture(params=["JPEG", "PNG"])
def picture(request, tmp_path):
    texts = PngInfo()
    texts.add_text("Comment", "kept")
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    camera = Image.Exif()
    camera[0x010F] = "Camera"
    extra = {"pnginfo": texts} if request.param == "PNG" else {"xmp": XMP}
    path = tmp_path / "picture"
    Image.effect_noise((320, 240), 60).save(path, request.param, exif=camera, **extra)
    return path


def damage_the_picture(path):
    """Put a marker into a JPEG's scan, or a wrong bit into a PNG's pixels; both files stay as long as they were."""
    content = bytearray(path.read_bytes())
    middle = len(content) * 3 // 4
    content[middle : middle + 2] = b"\xff\x01"
    path.write_bytes(content)


def written(path, *, known):
    target = io.BytesIO()
    block = exif.write(registry.read(path).exif, captured_at="2026-05-01T08:30:00", coordinates=None)
    registry.write(path, target, exif=block, xmp=XMP + b" ", known=known)
    return target.getvalue()


def test_reading_without_the_picture_finds_the_same_carriers(picture):
    assert registry.read(picture, whole=False) == registry.read(picture)


def test_only_a_whole_reading_knows_what_follows_the_picture(tmp_path):
    path = tmp_path / "motion.jpg"
    Image.effect_noise((320, 240), 60).save(path)
    path.write_bytes(path.read_bytes() + b"a vendor's video")
    whole, carriers = registry.read(path), registry.read(path, whole=False)
    assert whole.warnings == ("data-after-picture",)
    assert carriers == dataclasses.replace(whole, warnings=())


def test_a_damaged_picture_is_found_by_a_whole_reading_alone(picture):
    damage_the_picture(picture)
    with pytest.raises(MalformedMedia):
        registry.read(picture)
    assert registry.read(picture, whole=False).xmp == XMP


def test_a_known_source_is_written_exactly_as_an_unknown_one(picture):
    assert written(picture, known=True) == written(picture, known=False)


def test_an_unknown_source_is_checked_while_it_is_written(picture):
    block = registry.read(picture).exif
    damage_the_picture(picture)
    with pytest.raises(MalformedMedia):
        registry.write(picture, io.BytesIO(), exif=block, xmp=XMP)
