"""Every real photograph at hand: labelled without a lost tag or a changed byte of the picture."""

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from provenance._files import new_file
from provenance.errors import MalformedMedia
from provenance.formats import jpeg_segments, registry
from provenance.metadata import exif

CORPUS = os.environ.get("PROVENANCE_CORPUS")
PHOTOS = sorted(Path(CORPUS, "jpg").rglob("*.jp*g")) if CORPUS else []
TIME = "2026-05-01T08:30:00.5+08:00"
PLACE = (30.5728, -104.0668)
XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Source="test"/></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)
EDITED = {
    *(f"ExifIFD:{name}TimeOriginal" for name in ("Date", "SubSec", "Offset")),
    *(f"GPS:GPS{name}" for name in ("Latitude", "LatitudeRef", "Longitude", "LongitudeRef", "MapDatum", "VersionID")),
    "MPImage1:MPImageLength",  # the picture did get longer, and its index says so
}
# The file's own facts, what exiftool computes from other tags, and the packet that this test replaces.
IGNORED = ("SourceFile", "System:", "ExifTool:", "Composite:", "XMP-")

pytestmark = [
    pytest.mark.skipif(not CORPUS, reason="PROVENANCE_CORPUS names no folder of real media"),
    pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed"),
]
by_photo = pytest.mark.parametrize("photo", PHOTOS, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Photo → its labelled copy, and both tag dumps, for each photo that is not refused."""
    folder = tmp_path_factory.mktemp("labelled")
    labelled = {}
    for number, photo in enumerate(PHOTOS):
        try:
            block = registry.read(photo).exif
        except MalformedMedia:
            continue
        try:
            block = exif.write(block, captured_at=TIME, coordinates=PLACE)
        except MalformedMedia:
            block = None
        labelled[photo] = folder / f"{number}.jpg"
        with new_file(labelled[photo]) as target:
            registry.write(photo, target, exif=block, xmp=XMP)
    return labelled


@pytest.fixture(scope="module")
def tags(whole):
    paths = [str(path) for pair in whole.items() for path in pair]
    run = subprocess.run(
        ["exiftool", "-j", "-G1", "-a", "-n", "-b", "-@", "-"],
        input="\n".join(paths).encode(),
        capture_output=True,
        check=False,
    )
    return {Path(entry["SourceFile"]): entry for entry in json.loads(run.stdout.decode("utf-8", "replace"))}


def test_there_are_photographs():
    assert len(PHOTOS) > 80


@pytest.mark.skipif(not shutil.which("djpeg"), reason="djpeg is not installed")
def test_exactly_the_photographs_are_refused_that_a_decoder_finds_cut_short(whole):
    cut = {photo for photo in PHOTOS if b"remature end" in decoded(photo).stderr}
    assert set(PHOTOS) - set(whole) == cut


def decoded(photo):
    return subprocess.run(["djpeg", "-fast", "-scale", "1/8", str(photo)], capture_output=True, check=False)


@by_photo
def test_no_tag_is_lost_or_changed(photo, whole, tags):
    copy = labelled_copy(photo, whole)
    before, after = tags[photo], tags[copy]
    kept = {name: value for name, value in before.items() if name not in EDITED and not name.startswith(IGNORED)}
    assert {name: after.get(name) for name in kept} == kept
    assert after["XMP-photoshop:Source"] == "test"


@by_photo
def test_time_and_place_read_back(photo, whole, tags):
    copy = labelled_copy(photo, whole)
    before, after = registry.read(photo).exif, registry.read(copy).exif
    try:
        exif.read(before or exif.write(None, captured_at=TIME, coordinates=None))
    except MalformedMedia:
        assert after == before  # damaged: stays as it is, the label is in XMP
        return
    found = exif.read(after)
    assert (found.captured_at, found.coordinates) == (TIME, pytest.approx(PLACE, abs=1e-7))
    assert tags[copy]["ExifIFD:DateTimeOriginal"] == "2026:05:01 08:30:00"
    assert tags[copy]["Composite:GPSPosition"] == "30.5728 -104.0668"


@by_photo
def test_no_byte_of_the_picture_or_of_the_old_exif_changes(photo, whole):
    copy = labelled_copy(photo, whole)
    before, after = photo.read_bytes(), copy.read_bytes()
    layouts = [jpeg_segments.parse(io.BytesIO(content)) for content in (before, after)]
    assert after[layouts[1].scan.start :] == before[layouts[0].scan.start :]
    blocks = [registry.read(path).exif or b"" for path in (photo, copy)]
    assert blocks[1][8 : len(blocks[0])] == blocks[0][8:]
    with Image.open(photo) as one, Image.open(copy) as other:
        assert one.tobytes() == other.tobytes()


@pytest.mark.skipif(not shutil.which("exiv2"), reason="exiv2 is not installed")
def test_a_second_reader_agrees(whole):
    copies = [str(copy) for copy in whole.values()]
    run = subprocess.run(
        ["exiv2", "-K", "Exif.Photo.DateTimeOriginal", "-Pv", "pr", *copies], capture_output=True, check=False
    )
    assert run.stdout.count(b"2026:05:01 08:30:00") >= len(copies) - 1  # one EXIF block is damaged


def labelled_copy(photo, whole):
    if photo not in whole:
        pytest.skip("its scan is cut short")
    return whole[photo]
