"""Every real TIFF at hand: labelled without a lost tag, a moved byte or a changed pixel, and read by other programs."""

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from provenance.errors import ProvenanceError
from provenance.formats import registry
from provenance.metadata import exif

CORPUS = os.environ.get("PROVENANCE_CORPUS")
FILES = sorted(Path(CORPUS, "tiff").rglob("*.tif*")) if CORPUS else []
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    b'photoshop:Source="somebody"/></rdf:RDF></x:xmpmeta>'
)
WRITTEN = ("ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal", "GPS:GPSLatitude", "GPS:GPSLongitude")
IGNORED = ("SourceFile", "System:", "ExifTool:", "Composite:", "XMP-", *WRITTEN)

pytestmark = [
    pytest.mark.skipif(not CORPUS, reason="PROVENANCE_CORPUS names no folder of real media"),
    pytest.mark.filterwarnings("ignore"),
]
by_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def pages(path):
    with Image.open(path) as image:
        return [(page.size, page.mode, page.tobytes()) for page in ImageSequence.Iterator(image)]


def labelled(path, target):
    block = exif.write(
        registry.read(path).exif, captured_at="2026-05-01T08:30:00+08:00", coordinates=(30.5728, -104.0668)
    )
    with target.open("xb+") as file:
        registry.write(path, file, exif=block, xmp=PACKET)
    return target


def test_there_are_files_and_none_is_refused():
    assert len(FILES) >= 8
    for path in FILES:
        try:
            registry.read(path)
        except ProvenanceError as error:
            pytest.fail(str(error))


@by_file
def test_no_byte_moves_and_every_page_decodes_the_same(path, tmp_path):
    copy = labelled(path, tmp_path / "copy.tif")
    before, after = path.read_bytes(), io.BytesIO(copy.read_bytes())
    assert after.read(4) == before[:4]
    assert len(after.read(4)) == 4
    old = registry.read(path).xmp
    assert old is not None or after.read(len(before) - 8) == before[8:]
    assert pages(copy) == pages(path)


@by_file
def test_no_tag_is_lost_and_the_labels_are_found(path, tmp_path, exiftool):
    copy = labelled(path, tmp_path / "copy.tif")
    before, after = (exiftool(each, options=("-G1", "-a", "-n", "-b")) for each in (path, copy))
    kept = {tag: value for tag, value in before.items() if not tag.startswith(IGNORED)}
    assert {tag: after.get(tag) for tag in kept} == kept
    assert after["XMP-photoshop:Source"] == "somebody"
    assert [after[tag] for tag in WRITTEN[:2]] == ["2026:05:01 08:30:00", "+08:00"]
    assert (after["GPS:GPSLatitude"], after["GPS:GPSLongitude"]) == pytest.approx((30.5728, 104.0668))


@by_file
@pytest.mark.skipif(not shutil.which("exiv2"), reason="exiv2 is not installed")
def test_other_readers_agree(path, tmp_path):
    copy = labelled(path, tmp_path / "copy.tif")
    keys = ("-K", "Exif.Photo.DateTimeOriginal", "-K", "Xmp.photoshop.Source")
    run = subprocess.run(["exiv2", *keys, "-Pv", "pr", str(copy)], capture_output=True, check=False, text=True)
    assert run.stdout.split("\n")[:2] == ["2026:05:01 08:30:00", "somebody"]
    with Image.open(copy) as image:
        assert image.getexif().get_ifd(0x8769)[0x9003] == "2026:05:01 08:30:00"
        assert image.getexif().get_ifd(0x8825)[3] == "W"
        assert image.info["xmp"] == PACKET
