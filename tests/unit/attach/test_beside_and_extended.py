"""Labels that do not fit where labels usually go: XMP extensions, and sidecars beside the file."""

import shutil

import pytest
from PIL import Image

from provenance.errors import LabelWouldBeLost, NoticeDoesNotFit, OutputRefused
from provenance.formats import jpeg_segments, registry, xmp_extension
from provenance.metadata import iptc, xmp
from provenance.observe import look

NOTE = xmp.Name("http://ns.adobe.com/xmp/note/", "HasExtendedXMP")
ACME = "http://ns.example.com/acme/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
LABELS = [{"kind": "source", "publisher": "新华社"}]


@pytest.fixture
def extended(media, tmp_path):
    """A photograph whose XMP goes on in an extension of three segments that holds a position and a source."""
    extension = xmp.merge(
        None,
        {
            xmp.Name(ACME, "History"): "a long history " * 9000,
            xmp.Name(EXIF, "GPSLatitude"): "30,44.034600N",
            xmp.Name(EXIF, "GPSLongitude"): "104,8.803200E",
            iptc.SOURCE: "新华社",
        },
    )
    main = xmp.merge(None, {NOTE: xmp_extension.name_of(extension), xmp.Name(ACME, "Job"): "77"})
    path = tmp_path / "extended.jpg"
    with path.open("wb") as file:
        registry.write(media / "plain.jpg", file, exif=None, xmp=main)
    content = path.read_bytes()
    at = content.index(main) + len(main)
    segments = b"".join(
        b"\xff\xe1" + (len(part) + 2).to_bytes(2, "big") + part for part in xmp_extension.parts_of(extension)
    )
    path.write_bytes(content[:at] + segments + content[at:])
    return path


def test_an_extension_is_read_like_the_packet(extended):
    found = look(extended)
    assert found.fields.source == "新华社"
    assert found.observation.exact_location is True
    assert found.container.warnings == ()


def test_an_extension_that_needs_no_change_stays_byte_for_byte(sdk, extended, tmp_path):
    out = tmp_path / "out.jpg"
    sdk.attach_media(extended, {"labels": LABELS}, into=out)
    assert registry.read(out).xmp_extension == registry.read(extended).xmp_extension
    found = look(out)
    assert iptc.SOURCE not in xmp.read(found.container.xmp)
    assert iptc.CREDIT in xmp.read(found.container.xmp)
    assert sdk.verify(out).clean


def test_a_position_in_an_extension_is_taken_out_and_the_rest_kept(sdk, extended, tmp_path, exiftool):
    out = tmp_path / "out.jpg"
    sdk.attach_media(extended, {"labels": LABELS, "location_privacy": "remove"}, into=out)
    assert b"GPSLatitude" not in out.read_bytes()
    found = look(out)
    assert xmp.first(found.properties, xmp.Name(ACME, "History")).startswith("a long history")
    assert xmp.first(found.properties, NOTE) == xmp_extension.name_of(found.container.xmp_extension)
    tags = exiftool(out)
    assert tags["XMP-photoshop:Source"] == "新华社"
    assert not [name for name in tags if "GPS" in name]


@pytest.mark.parametrize("damage", ["missing part", "changed byte"])
def test_a_damaged_extension_is_left_alone_and_said(sdk, extended, tmp_path, damage):
    with extended.open("rb") as file:
        parts = [
            each
            for each in jpeg_segments.parse_header(file).header
            if jpeg_segments.payload(file, each, len(xmp_extension.PREFIX)) == xmp_extension.PREFIX
        ]
    content = bytearray(extended.read_bytes())
    if damage == "missing part":
        del content[parts[1].start : parts[1].end]
    else:
        content[parts[1].end - 5] ^= 1
    extended.write_bytes(content)
    done = sdk.attach_media(extended, {"labels": LABELS}, into=tmp_path / "out.jpg")
    assert "xmp-extension-damaged" in [each.code for each in done.warnings]
    assert bytes(content[parts[0].start : parts[0].end]) in (tmp_path / "out.jpg").read_bytes()


@pytest.fixture
def no_room(monkeypatch):
    """Make PNG a container that holds nothing inside, as a bare codestream is."""
    import dataclasses

    real = registry._HANDLERS
    fake = tuple(
        dataclasses.replace(each, embeds=False, signs=False, draws_notices=False) if each.name == "png" else each
        for each in real
    )
    monkeypatch.setattr(registry, "_HANDLERS", fake)


def test_a_container_without_room_gets_sidecars_and_the_file_stays_as_it_is(sdk, no_room, media, tmp_path, trust):
    out = tmp_path / "out.png"
    asset = {"labels": [*LABELS, {"kind": "fiction", "form": "staged"}], "draw": []}
    done = sdk.attach_media(media / "poster.png", asset, into=out)
    assert out.read_bytes() == (media / "poster.png").read_bytes()
    assert [each.name for each in done.sidecars] == ["out.png.xmp", "out.png.c2pa"]
    assert {each.code for each in done.warnings} == {"label-in-sidecar"}
    (file,) = sdk.verify(out, trust=trust).files
    assert (file.clean, file.manifest.state) == (True, "trusted")
    assert {each.carrier for each in file.labels} == {"sidecar"}


def test_a_sidecar_manifest_speaks_of_exactly_these_bytes(sdk, no_room, media, tmp_path):
    out = tmp_path / "out.png"
    sdk.attach_media(media / "poster.png", {"labels": LABELS}, into=out)
    shutil.copyfile(media / "small.png", out)
    assert sdk.verify(out).files[0].manifest.state == "invalid"


def test_labelling_beside_twice_equals_once(sdk, no_room, media, tmp_path):
    once, twice = (tmp_path / f"{name}.png" for name in ("once", "twice"))
    sdk.attach_media(media / "poster.png", {"labels": LABELS}, into=once)
    done = sdk.attach_media(once, {"labels": LABELS}, into=twice)
    assert [each.name for each in done.sidecars] == ["twice.png.xmp", "twice.png.c2pa"]
    for suffix in ("", ".xmp", ".c2pa"):
        assert (tmp_path / f"once.png{suffix}").read_bytes() == (tmp_path / f"twice.png{suffix}").read_bytes()


def test_a_manifest_beside_the_input_lives_on_as_the_parent(sdk, no_room, media, tmp_path, trust):
    once, more = tmp_path / "once.png", tmp_path / "more.png"
    sdk.attach_media(media / "poster.png", {"labels": LABELS}, into=once)
    sdk.attach_media(once, {"labels": [*LABELS, {"kind": "fiction", "form": "staged"}]}, into=more)
    (verified,) = sdk.verify(more, trust=trust).files
    parent = verified.manifest.ingredients[0]
    assert (verified.clean, verified.manifest.state) == (True, "trusted")
    assert (parent["relationship"], parent["title"], parent["state"]) == ("parentOf", "once.png", "trusted")


def test_a_broken_manifest_beside_the_input_lives_on_as_a_broken_parent(sdk, no_room, media, tmp_path):
    once, more = tmp_path / "once.png", tmp_path / "more.png"
    sdk.attach_media(media / "poster.png", {"labels": LABELS}, into=once)
    shutil.copyfile(media / "small.png", once)
    sdk.attach_media(once, {"labels": [{"kind": "fiction", "form": "staged"}], "draw": []}, into=more)
    (verified,) = sdk.verify(more).files
    assert (verified.manifest.state, verified.manifest.ingredients[0]["state"]) == ("valid", "invalid")


def test_a_manifest_beside_the_input_that_cannot_be_read_is_never_dropped(sdk, no_room, media, tmp_path):
    once = tmp_path / "once.png"
    sdk.attach_media(media / "poster.png", {"labels": LABELS}, into=once)
    once.with_name("once.png.c2pa").write_bytes(b"no manifest")
    with pytest.raises(LabelWouldBeLost, match="cannot be read"):
        sdk.attach_media(once, {"labels": [{"kind": "fiction", "form": "staged"}]}, into=tmp_path / "more.png")


def test_no_sidecar_is_ever_overwritten_and_none_stays_after_a_failure(sdk, no_room, media, tmp_path, monkeypatch):
    (tmp_path / "out.png.xmp").write_text("mine")
    with pytest.raises(OutputRefused):
        sdk.attach_media(media / "poster.png", {"labels": LABELS}, into=tmp_path / "out.png")
    (tmp_path / "out.png.xmp").unlink()

    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr("provenance.attach.carry._copied", fail)
    with pytest.raises(RuntimeError):
        sdk.attach_media(media / "poster.png", {"labels": LABELS}, into=tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


def test_a_tiff_of_several_pages_keeps_them_all_and_its_manifest_lies_beside_it(sdk, tmp_path, trust):
    pages = [Image.new("RGB", (400, 300), colour) for colour in ("red", "green", "blue")]
    source, out, again = tmp_path / "in.tif", tmp_path / "out.tif", tmp_path / "again.tif"
    pages[0].save(source, save_all=True, append_images=pages[1:])
    done = sdk.attach_media(source, {"labels": LABELS}, into=out)
    assert [each.name for each in done.sidecars] == ["out.tif.c2pa"]
    with Image.open(out) as image:
        assert image.n_frames == 3
    (file,) = sdk.verify(out, trust=trust).files
    assert (file.clean, file.manifest.state) == (True, "trusted")
    assert {each.carrier for each in file.labels if each.kind == "source"} == {"xmp", "sidecar"}
    sdk.attach_media(out, {"labels": LABELS}, into=again)
    assert again.read_bytes() == out.read_bytes()


def test_every_frame_of_an_animated_png_gets_the_notice(sdk, tmp_path):
    frames = [Image.new("RGB", (400, 400), colour) for colour in ("red", "green")]
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    frames[0].save(source, save_all=True, append_images=frames[1:])
    done = sdk.attach_media(source, {"labels": [{"kind": "fiction", "form": "staged"}]}, into=out)
    assert (done.warnings, done.media_change) == ((), "blocks")
    with Image.open(out) as image:
        assert image.n_frames == 2
    (found,) = sdk.verify(out).files
    assert [each.found for each in found.notices] == [True]


def test_a_picture_that_cannot_be_drawn_on_without_loss_is_refused_and_the_way_on_named(sdk, tmp_path):
    source, out = tmp_path / "in.avif", tmp_path / "out.avif"
    Image.new("RGB", (400, 400), "red").save(source)
    asset = {"labels": [{"kind": "fiction", "form": "staged"}]}
    with pytest.raises(NoticeDoesNotFit, match=r'"draw": \[\]'):
        sdk.attach_media(source, asset, into=out)
    assert [each.name for each in tmp_path.iterdir()] == [source.name]
    assert sdk.attach_media(source, {**asset, "draw": []}, into=out).media_change == "none"
