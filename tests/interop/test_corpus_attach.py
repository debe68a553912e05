"""Real photographs through the whole path: nothing lost, everything read back, the manifest trusted."""

import hashlib
import re

import pytest
from PIL import Image

from provenance.errors import MalformedMedia
from provenance.formats import registry
from provenance.observe import look

CUT = {"corrupted.jpg"}  # the one photograph of the corpus whose scan breaks off; djpeg says so too
LABELS = [
    {"kind": "source", "publisher": "新华社", "url": "https://example.com/1"},
    {"kind": "capture", "place": {"name": "四川省成都市", "city": "成都市"}},
]
# What we write, what signing adds, and what only describes the file around the tags.
OURS = re.compile(
    r"^(XMP|JUMBF|C2PA|CBOR|JSON|File|System|ExifTool|Composite|SourceFile|IFD0:(ExifOffset|GPSInfo|XPKeywords)"
    r"|ExifIFD:(DateTimeOriginal|OffsetTimeOriginal|SubSecTimeOriginal)|MPF0:MPImageLength|MPImage1)"
)
# Offsets that exiftool reports counted from the start of the file: the bytes they point at are compared by value.
MOVED = re.compile(
    r":(ThumbnailOffset|PreviewImageStart|OtherImageStart|MPImageStart|JpgFromRawStart|StripOffsets|.*Offset)$"
)


@pytest.fixture(scope="module")
def photographs(corpus):
    return sorted(each for each in (corpus / "jpg").rglob("*") if each.suffix.lower() in {".jpg", ".jpeg"})


def pixels(path):
    with Image.open(path) as image:
        return hashlib.sha256(image.tobytes()).hexdigest()


def test_opencv_decodes_the_same_pixels(labelled):
    import cv2
    import numpy as np

    for source, out in labelled[0]:
        before, after = (cv2.imread(str(each), cv2.IMREAD_UNCHANGED) for each in (source, out))
        assert (before is None) == (after is None), source.name
        assert before is None or np.array_equal(before, after), source.name


def tags(exiftool, paths):
    options = ("-G1", "-a", "-u", "-b")
    return {each["SourceFile"]: each for each in exiftool(*paths, options=options)}


@pytest.fixture(scope="module")
def labelled(photographs, signer, tmp_path_factory):
    """Label every photograph once; return pairs of source and result, and what was refused."""
    from provenance.sdk import Provenance

    sdk = Provenance(signer=signer)
    folder = tmp_path_factory.mktemp("labelled")
    pairs, refused = [], {}
    for at, path in enumerate(photographs):
        out = folder / f"{at}-{path.name}"
        try:
            sdk.attach_media(path, {"labels": LABELS}, into=out, on_conflict="keep")
            pairs.append((path, out))
        except MalformedMedia as error:
            refused[path.name] = error
    return pairs, refused


def test_every_photograph_with_a_whole_scan_is_labelled(labelled, photographs):
    pairs, refused = labelled
    assert set(refused) == CUT
    assert all(isinstance(error.details["offset"], int) for error in refused.values())
    assert len(pairs) == len(photographs) - len(CUT) >= 80


def test_the_picture_decodes_to_the_same_pixels(labelled):
    different = [source.name for source, out in labelled[0] if pixels(source) != pixels(out)]
    assert different == []


def test_no_tag_is_lost_or_changed(labelled, exiftool):
    pairs, _ = labelled
    before, after = (tags(exiftool, each) for each in zip(*pairs, strict=True))
    lost = {}
    for source, out in pairs:
        old, new = before[str(source)], after[str(out)]
        kept = {name: value for name, value in old.items() if not OURS.match(name) and not MOVED.search(name)}
        gone = {name: value for name, value in kept.items() if new.get(name) != value}
        if gone:
            lost[source.name] = gone
    assert lost == {}


def test_foreign_xmp_properties_survive(labelled):
    from provenance.metadata import xmp

    for source, out in labelled[0]:
        packet = registry.read(source).xmp
        if packet:
            old, new = xmp.read(packet), xmp.read(registry.read(out).xmp)
            for name, occurrences in old.items():
                assert [each.value for each in new[name]][: len(occurrences)] == [each.value for each in occurrences], (
                    name
                )


def test_labels_read_back_from_xmp_and_manifest_which_is_trusted(labelled, sdk, trust):
    found = sdk.verify(*(out for _, out in labelled[0]), trust=trust)
    for file in found.files:
        assert file.manifest.state == "trusted", file.path
        carriers = {each.carrier for each in file.labels if each.kind == "source"}
        assert {"xmp", "manifest"} <= carriers, file.path
        assert file.sha256


def test_a_notice_is_drawn_found_and_legible_on_every_photograph_large_enough(photographs, sdk, tmp_path):
    measured = 0
    for at, path in enumerate(photographs):
        if path.name in CUT:
            continue
        seen = look(path).observation
        if min(seen.width, seen.height) < 540:
            continue
        out = tmp_path / f"{at}.jpg"
        done = sdk.attach_media(path, {"labels": [{"kind": "fiction", "form": "staged"}]}, into=out)
        (notice,) = sdk.verify(out).files[0].notices
        assert notice.found, path
        assert notice.height_ratio >= 0.05, path
        assert notice.contrast >= 4.5, path
        assert done.media_change == "blocks", path
        measured += 1
    assert measured >= 20
