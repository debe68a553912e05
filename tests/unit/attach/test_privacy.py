"""No exact position leaves with a copy that was asked to hide it."""

import io
import json
import struct

import pytest
from PIL import Image

from provenance.errors import MetadataNotWritten
from provenance.formats import registry
from provenance.metadata import xmp
from provenance.observe import look

EXIF = "http://ns.adobe.com/exif/1.0/"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
DJI = "http://www.dji.com/drone-dji/1.0/"
EXACT = {"latitude": 30.73391, "longitude": 104.14672, "datum": "wgs84"}


def attach(sdk, source, target, privacy, *labels):
    return sdk.attach_media(source, {"labels": list(labels), "location_privacy": privacy}, into=target)


@pytest.fixture
def everywhere(media, tmp_path):
    """A photograph with its position in EXIF, in XMP under three names, and in a second picture behind it."""
    location = xmp.Struct({xmp.Name(IPTC, "City"): "成都", xmp.Name(EXIF, "GPSLatitude"): "30,44.05N"})
    packet = xmp.merge(
        None,
        {
            xmp.Name(EXIF, "GPSLatitude"): "30,44.034600N",
            xmp.Name(EXIF, "GPSLongitude"): "104,8.803200E",
            xmp.Name(DJI, "GpsLongtitude"): "104.14672",
            xmp.Name(IPTC, "LocationShown"): xmp.Bag((location,)),
            xmp.Name(DJI, "FlightYawDegree"): "12",
        },
    )
    path = tmp_path / "everywhere.jpg"
    with path.open("wb") as file:
        registry.write(media / "camera-with-gps.jpg", file, exif=None, xmp=packet)
    second = (media / "camera-with-gps.jpg").read_bytes()
    path.write_bytes(path.read_bytes() + second)
    return path


def test_remove_takes_every_position_and_nothing_else(sdk, everywhere, tmp_path, exiftool):
    out = tmp_path / "out.jpg"
    attach(sdk, everywhere, out, "remove", {"kind": "capture", "place": {"name": "成都"}})
    tags = exiftool(out, options=("-G1", "-a", "-struct", "-ee"))
    assert not [name for name in tags if "latitude" in name.lower() or "longtitude" in name.lower()]
    assert tags["XMP-drone-dji:FlightYawDegree"] == 12 or tags["XMP-drone-dji:FlightYawDegree"] == "12"
    assert tags["XMP-iptcExt:LocationShown"] == [{"City": "成都"}]
    assert tags["ExifIFD:DateTimeOriginal"] == "2026:05:01 08:30:00"
    content = out.read_bytes()
    second = content[content.rindex(b"\xff\xd8\xff") :]
    with Image.open(io.BytesIO(second)) as image:
        assert not [
            value
            for tag, value in image.getexif().get_ifd(0x8825).items()
            if tag in {2, 4} and any(part > 0 for part in value)
        ]
    assert look(out).observation.exact_location is False


def test_coarsen_leaves_a_tenth_of_a_degree(sdk, everywhere, tmp_path):
    out = tmp_path / "out.jpg"
    attach(sdk, everywhere, out, "coarsen")
    found = look(out)
    assert found.camera.coordinates == pytest.approx((30.7, 104.1))
    assert found.fields.coordinates == pytest.approx((30.7, 104.1))
    assert found.observation.exact_location is False
    assert struct.pack(">2I", 44, 1) not in out.read_bytes()


@pytest.mark.parametrize("privacy", ["coarsen", "remove"])
def test_hiding_twice_equals_once(sdk, everywhere, tmp_path, privacy):
    once, twice = tmp_path / "once.jpg", tmp_path / "twice.jpg"
    attach(sdk, everywhere, once, privacy)
    attach(sdk, once, twice, privacy)
    assert once.read_bytes() == twice.read_bytes()


@pytest.mark.parametrize(("privacy", "kept"), [("keep", True), ("coarsen", False), ("remove", False)])
def test_the_labels_own_coordinates_obey_too(sdk, media, write_post, post_data, tmp_path, privacy, kept):
    asset = post_data["assets"][0]
    asset["path"] = "plain.jpg"
    asset["location_privacy"] = privacy
    asset["labels"][0]["place"]["coordinates"] = EXACT
    done = sdk.attach(write_post(post_data), into=tmp_path / "out")
    written = (tmp_path / "out/post.json").read_text() + (tmp_path / "out/media/1-plain.jpg").read_bytes().decode(
        "latin-1"
    )
    assert ("30.73391" in written) is kept
    place = json.loads((tmp_path / "out/post.json").read_text())["assets"][0]["labels"][0]["place"]
    assert place.get("coordinates") == {
        "keep": EXACT, "coarsen": {"latitude": 30.7, "longitude": 104.1, "datum": "wgs84"}, "remove": None,
    }[privacy]  # fmt: skip
    blocking = {each.rule for each in sdk.check(done).blocking}
    assert blocking == set()


def test_keep_warns_and_hiding_silences_the_warning(sdk, media, tmp_path):
    def rules(path):
        return {each.rule for each in sdk.check(path).findings}

    assert "exact-location-in-file" in rules(media / "camera-with-gps.jpg")
    for privacy in ("coarsen", "remove"):
        attach(sdk, media / "camera-with-gps.jpg", tmp_path / f"{privacy}.jpg", privacy)
        assert "exact-location-in-file" not in rules(tmp_path / f"{privacy}.jpg")


def test_a_position_that_cannot_be_erased_stops_the_copy(sdk, media, tmp_path):
    """One stands in the XMP of a picture behind the picture, one in the track of a motion photo, one in a manifest."""
    plain = (media / "plain.jpg").read_bytes()
    for name, tail in (
        ("xmp", b'<rdf:Description exif:GPSLatitude="30,44.0N"/>'),
        ("video", b"\0\0\0\x1a\xa9xyz\0\x12\x15\xc7+30.7339+104.1467/"),
    ):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(plain + tail)
        with pytest.raises(MetadataNotWritten) as caught:
            attach(sdk, path, tmp_path / f"out-{name}.jpg", "remove")
        assert caught.value.code == "position-not-erased"
        assert not (tmp_path / f"out-{name}.jpg").exists()


def test_a_damaged_block_may_hide_a_position(sdk, media, tmp_path):
    with pytest.raises(MetadataNotWritten):
        attach(sdk, media / "damaged-exif.jpg", tmp_path / "out.jpg", "remove")


def capture_at(**place):
    return {"kind": "capture", "place": {"name": "成都", **place}}


@pytest.mark.parametrize("privacy", ["coarsen", "remove"])
def test_exact_coordinates_in_a_manifest_of_ours_stop_the_copy(sdk, media, tmp_path, privacy):
    """The parent manifest lives on in the copy, and nobody may change it."""
    once = tmp_path / "once.jpg"
    sdk.attach_media(media / "plain.jpg", {"labels": [capture_at(coordinates=EXACT)]}, into=once)
    assert "exact-location-in-file" in {each.rule for each in sdk.check(once).findings}
    with pytest.raises(MetadataNotWritten) as caught:
        attach(sdk, once, tmp_path / "out.jpg", privacy)
    assert caught.value.code == "position-not-erased"


@pytest.mark.parametrize("privacy", ["coarsen", "remove"])
def test_exact_coordinates_in_an_unsigned_record_of_ours_go(media, tmp_path, privacy):
    from provenance.sdk import Provenance

    unsigned = Provenance(signer=None)
    once, out = tmp_path / "once.jpg", tmp_path / "out.jpg"
    unsigned.attach_media(media / "plain.jpg", {"labels": [capture_at(coordinates=EXACT)]}, into=once)
    attach(unsigned, once, out, privacy, capture_at(coordinates=EXACT))
    assert b"30.73391" not in out.read_bytes()
    assert look(out).observation.exact_location is False


def test_a_coarse_file_takes_more_labels(sdk, media, tmp_path):
    once, more = tmp_path / "once.jpg", tmp_path / "more.jpg"
    attach(sdk, media / "plain.jpg", once, "coarsen", capture_at(coordinates=EXACT))
    attach(sdk, once, more, "coarsen", capture_at(coordinates=EXACT), {"kind": "source", "publisher": "x"})
    assert sdk.verify(more).clean
