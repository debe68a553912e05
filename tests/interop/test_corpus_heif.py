"""Every real HEIC at hand, and AVIF and JPEG XL made here: labelled, signed, and the same to every reader."""

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from provenance._files import new_file
from provenance.errors import MediaError
from provenance.formats import registry
from provenance.metadata import exif, xmp

CORPUS = os.environ.get("PROVENANCE_CORPUS")
PHOTOS = sorted(Path(CORPUS, "heic").rglob("*.[hH][eE][iI]*")) if CORPUS else []
TIME = "2026-05-01T08:30:00.5+08:00"
PLACE = (30.5728, -104.0668)
SOURCE = xmp.Name("http://ns.adobe.com/photoshop/1.0/", "Source")
CITY = xmp.Name("http://ns.adobe.com/photoshop/1.0/", "City")
LABELS = [
    {"kind": "source", "publisher": "新华社"},
    {"kind": "ai-generated", "grade": "confirmed", "producer": "001191510100MA0EXAMP0D10001", "produce_id": "img-1"},
]
EDITED = {
    *(f"ExifIFD:{name}TimeOriginal" for name in ("Date", "SubSec", "Offset")),
    *(f"GPS:GPS{name}" for name in ("Latitude", "LatitudeRef", "Longitude", "LongitudeRef", "MapDatum", "VersionID")),
    "QuickTime:MediaDataOffset",
    "QuickTime:MediaDataSize",
    "XMP-x:XMPToolkit",
}
# The file's own facts, and what exiftool computes from other tags.
IGNORED = ("SourceFile", "System:", "ExifTool:", "Composite:")

pytestmark = pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
needs_corpus = pytest.mark.skipif(not CORPUS, reason="PROVENANCE_CORPUS names no folder of real media")
by_photo = pytest.mark.parametrize("photo", PHOTOS, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def heif_decoder():
    decoder = pytest.importorskip("pi_heif", reason="pi-heif, which decodes HEIC, is not installed")
    decoder.register_heif_opener()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Pictures that Pillow can encode: a still one, one turned and described, and a sequence."""
    folder = tmp_path_factory.mktemp("made")
    picture = Image.effect_noise((320, 240), 60).convert("RGB")
    camera = Image.Exif()
    camera[0x0112] = 6
    packet = xmp.merge(None, {CITY: "Chengdu"})
    picture.save(folder / "still.avif")
    picture.save(folder / "described.avif", exif=camera, xmp=packet)
    picture.save(folder / "sequence.avif", save_all=True, append_images=[picture.rotate(180), picture.rotate(90)])
    return folder


def labelled(photo, target):
    found = registry.read(photo)
    block = exif.write(found.exif, captured_at=TIME, coordinates=PLACE)
    packet = xmp.merge(found.xmp, {SOURCE: "test"})
    with new_file(target) as file:
        registry.write(photo, file, exif=block, xmp=packet)
    return target


def frames(path):
    with Image.open(path) as image:
        return [(frame.size, frame.mode, frame.tobytes()) for frame in ImageSequence.Iterator(image)]


def tags(path):
    run = subprocess.run(["exiftool", "-j", "-G1", "-a", "-n", "-b", str(path)], capture_output=True, check=True)
    return {name: value for name, value in json.loads(run.stdout)[0].items() if not name.startswith(IGNORED)}


@needs_corpus
def test_there_are_photographs():
    assert len(PHOTOS) >= 5


@by_photo
def test_a_photograph_decodes_to_the_same_pixels(photo, heif_decoder, tmp_path):
    copy = labelled(photo, tmp_path / photo.name)
    assert frames(copy) == frames(photo)


@by_photo
def test_no_tag_of_a_photograph_is_lost_or_changed(photo, tmp_path):
    before, after = tags(photo), tags(labelled(photo, tmp_path / photo.name))
    kept = {name: value for name, value in before.items() if name not in EDITED}
    assert {name: after.get(name) for name in kept} == kept
    assert after["XMP-photoshop:Source"] == "test"
    assert after["ExifIFD:DateTimeOriginal"] == "2026:05:01 08:30:00"


@by_photo
def test_a_photograph_labelled_twice_is_the_same_file(photo, tmp_path):
    once = labelled(photo, tmp_path / f"once-{photo.name}")
    assert labelled(once, tmp_path / f"twice-{photo.name}").read_bytes() == once.read_bytes()


@pytest.mark.parametrize("name", ["still.avif", "described.avif", "sequence.avif"])
def test_what_pillow_encodes_decodes_the_same(made, name, tmp_path):
    photo = made / name
    copy = labelled(photo, tmp_path / name)
    assert frames(copy) == frames(photo)
    before, after = tags(photo), tags(copy)
    kept = {tag: value for tag, value in before.items() if tag not in EDITED}
    assert {tag: after.get(tag) for tag in kept} == kept
    assert after["XMP-photoshop:Source"] == "test"


@by_photo
def test_a_signed_photograph_is_trusted_and_decodes_the_same(photo, heif_decoder, sdk, trust, tmp_path):
    signed_alike(photo, frames, sdk, trust, tmp_path)


@pytest.mark.parametrize("name", ["still.avif", "described.avif", "sequence.avif"])
def test_a_signed_avif_is_trusted_and_decodes_the_same(made, name, sdk, trust, tmp_path):
    signed_alike(made / name, frames, sdk, trust, tmp_path)


@pytest.mark.parametrize("boxed", [True, False])
def test_a_signed_jpeg_xl_is_trusted_and_decodes_the_same(boxed, sdk, trust, tmp_path):
    codec = pytest.importorskip("imagecodecs", reason="imagecodecs, which encodes JPEG XL, is not installed")
    numpy = pytest.importorskip("numpy")
    picture = numpy.random.default_rng(7).integers(0, 255, (240, 320, 3), dtype=numpy.uint8)
    photo = tmp_path / "photo.jxl"
    photo.write_bytes(codec.jpegxl_encode(picture, usecontainer=boxed))

    def decoded(path):
        return codec.jpegxl_decode(path.read_bytes()).tolist()

    signed_alike(photo, decoded, sdk, trust, tmp_path, beside=not boxed)


def signed_alike(photo, decoded, sdk, trust, folder, *, beside=False):
    out = folder / f"signed-{photo.name}"
    sdk.attach_media(photo, {"labels": LABELS, "draw": []}, into=out, on_conflict="keep")
    assert decoded(out) == decoded(photo)
    (found,) = sdk.verify(out, trust=trust).files
    assert (found.aigc.count, found.aigc.conformant) == (1, True)
    if beside:
        assert out.read_bytes() == photo.read_bytes()
        return
    assert found.manifest.state == "trusted"
    after = tags(out)
    assert after["XMP-photoshop:Source"] == "新华社"
    assert json.loads(after["XMP-TC260:Aigc"])["ProduceID"] == "img-1"


@by_photo
def test_cuts_of_a_photograph_are_refused(photo):
    content = photo.read_bytes()
    handler = registry.identify(io.BytesIO(content), photo)
    for length in range(1000, len(content), len(content) // 50):
        with pytest.raises(MediaError):
            handler.read(io.BytesIO(content[:length]))
