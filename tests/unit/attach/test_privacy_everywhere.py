"""No exact position hides from `location_privacy`: in an older manifest, in tags, in what is labelled in place."""

import subprocess

import pytest
from PIL import Image

from provenance._messages import LOCALES, message
from provenance.errors import MetadataNotWritten, UsageError
from provenance.metadata import position
from provenance.observe import look

EXACT = {"latitude": 30.572812, "longitude": 104.066801, "datum": "wgs84"}
CAPTURE = {"kind": "capture", "place": {"name": "成都", "coordinates": EXACT}}
HIDING = ["coarsen", "remove"]


@pytest.fixture
def made(tmp_path):
    """Return a maker of small files by their extension, with options of ffmpeg for sound and films."""

    def make(suffix, *options):
        path = tmp_path / f"made{suffix}"
        if suffix == ".gif":
            Image.new("RGB", (64, 48)).save(path)
        elif suffix in {".md", ".txt", ".html"}:
            path.write_text("<p>五一</p>" if suffix == ".html" else "五一\n", encoding="utf-8")
        else:
            sound = suffix in {".ogg", ".opus", ".flac", ".mp3"}
            source = "sine=duration=0.2" if sound else "testsrc=duration=0.2:size=96x64:rate=5"
            command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *options, str(path)]
            subprocess.run(command, check=True, capture_output=True)
        return path

    return make


def attach(sdk, source, target, privacy, *labels):
    return sdk.attach_media(source, {"labels": list(labels), "location_privacy": privacy}, into=target)


def refusal(sdk, source, target, privacy):
    with pytest.raises(MetadataNotWritten) as caught:
        attach(sdk, source, target, privacy)
    assert caught.value.code == "position-not-erased"
    assert not list(target.parent.glob(f"{target.name}*"))
    return caught.value


@pytest.mark.parametrize("privacy", HIDING)
@pytest.mark.parametrize("suffix", [".gif", ".md", ".html", ".mkv", ".flv", ".ogg"])
def test_an_older_manifest_that_states_one_stops_the_copy(sdk, made, tmp_path, suffix, privacy):
    """It lives on as that of the parent: beside the file, or inside, where GIF cuts it into pieces."""
    once, out = tmp_path / f"once{suffix}", tmp_path / f"out{suffix}"
    attach(sdk, made(suffix), once, "keep", CAPTURE)
    assert "exact-location-in-file" in {each.rule for each in sdk.check(once).findings}
    error = refusal(sdk, once, out, privacy)
    assert error.details["manifest"] == once.name


@pytest.mark.parametrize("suffix", [".gif", ".md", ".mkv"])
def test_so_does_one_further_back(sdk, made, tmp_path, suffix):
    files = [tmp_path / f"{at}{suffix}" for at in range(3)]
    attach(sdk, made(suffix), files[0], "keep", CAPTURE)
    attach(sdk, files[0], files[1], "keep", {"kind": "source", "publisher": "x"})
    refusal(sdk, files[1], files[2], "remove")


@pytest.mark.parametrize("suffix", [".gif", ".md", ".mkv", ".flv"])
def test_a_manifest_that_states_a_coarse_one_goes_along(sdk, made, tmp_path, suffix):
    once, more = tmp_path / f"once{suffix}", tmp_path / f"more{suffix}"
    attach(sdk, made(suffix), once, "coarsen", CAPTURE)
    attach(sdk, once, more, "coarsen", {"kind": "source", "publisher": "x"})
    assert sdk.verify(more).clean
    assert look(more).observation.exact_location is False


@pytest.mark.parametrize("locale", LOCALES)
def test_the_refusal_says_where_it_stands_and_what_to_do(locale):
    signed = message("position-not-erased", locale, {"path": "a.md", "manifest": "a.md", "text": "30.57"})
    tagged = message("position-not-erased", locale, {"path": "a.mkv", "where": "GEO_LOCATION", "offset": 7})
    assert ("original" if locale == "en" else "原始文件") in signed
    assert "GEO_LOCATION" in tagged
    assert "7" in tagged
    assert not [word for word in ("original", "原始文件", "[", "{") if word in tagged]
    assert "picture" not in signed + tagged
    assert "图片" not in signed + tagged


@pytest.mark.parametrize("privacy", HIDING)
@pytest.mark.parametrize(
    ("suffix", "tag"),
    [
        (".mkv", "RECORDING_LOCATION=CN, Chengdu, 30.5728 104.0668"),
        (".ogg", "GEO_LOCATION=30.5728,104.0668"),
        (".flac", "GPS_COORDINATES=104.0668, 30.5728"),
        (".mp3", "GEO_LOCATION=成都 30.5728,104.0668"),
        (".flv", "location=30.5728, 104.0668"),
    ],
)
def test_degrees_in_a_tag_named_for_a_place_stop_the_copy(sdk, made, tmp_path, suffix, tag, privacy):
    error = refusal(sdk, made(suffix, "-metadata", tag), tmp_path / f"out{suffix}", privacy)
    assert "30.5728" in error.details["text"]
    assert error.details["where"] in tag or error.details["where"].endswith(tag.partition("=")[0])


@pytest.mark.parametrize(
    "text",
    [
        b"GEO_LOCATION=30.5,104.0",
        b"GEO_LOCATION=230.5728,104.0668",
        b"comment=30.5728,104.0668",
        b"GEO_LOCATION=30.5728",
        b"LOCATION=" + bytes(200) + b"x" * 200 + b"30.5728,104.0668",
    ],
)
def test_other_numbers_are_no_position(text):
    assert list(position.stated(text)) == []


def test_degrees_of_longitude_alone_are_a_position():
    assert list(position.stated(b'{"latitude":30.5,"longitude":104.066801}'))


def test_letters_of_two_bytes_hide_nothing():
    text = "GEO_LOCATION\0" + "30.5728,104.0668"
    assert [each.text for each in position.stated(text.encode("utf-16"))] == ["30.5728,104.0668"]


@pytest.mark.parametrize(("privacy", "left"), [("coarsen", "+30.6+104.1/"), ("remove", None)])
@pytest.mark.parametrize(
    ("suffix", "option"),
    [
        (".flv", "-metadata"),
        (".mkv", "-metadata"),
        (".mkv", "-metadata:s:v"),
        (".webm", "-metadata:s:v"),
    ],
)
def test_the_place_that_ffmpeg_writes_is_taken_out(sdk, made, tmp_path, suffix, option, privacy, left):
    source, out = made(suffix, option, "location=+30.5728+104.0668/"), tmp_path / f"out{suffix}"
    assert look(source).observation.exact_location
    attach(sdk, source, out, privacy)
    assert [each.value for each in look(out).container.fields if each.name == "position"] == ([left] if left else [])
    assert b"30.5728" not in out.read_bytes()


@pytest.mark.parametrize("privacy", HIDING)
def test_in_place_a_file_without_a_position_is_labelled(made, privacy):
    from provenance.sdk import Provenance

    path = made(".mp4")
    label = {"labels": [{"kind": "source", "publisher": "新华社"}], "location_privacy": privacy}
    Provenance(signer=None).attach_in_place(path, label)
    assert look(path).record.labels[0]["publisher"] == "新华社"


@pytest.mark.parametrize(
    "options",
    [
        ("-metadata", "location=+30.5728+104.0668/"),
        ("-movflags", "use_metadata_tags", "-metadata", "GEO_LOCATION=30.5728,104.0668"),
    ],
)
def test_in_place_a_file_with_one_is_refused(made, options):
    from provenance.sdk import Provenance

    path = made(".mp4", *options)
    before = path.read_bytes()
    with pytest.raises(UsageError) as caught:
        Provenance(signer=None).attach_in_place(path, {"labels": [], "location_privacy": "remove"})
    assert caught.value.code == "in-place-keeps-position"
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["geo.position", "ICBM"])
def test_a_page_that_states_its_place_is_refused(sdk, tmp_path, name):
    page = tmp_path / "page.html"
    page.write_text(f'<html><head><meta name="{name}" content="30.5728;104.0668"></head><body>x</body></html>')
    refusal(sdk, page, tmp_path / "out.html", "remove")


def test_degrees_in_prose_are_no_position_of_the_file(sdk, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("geo: 30.5728, 104.0668\n")
    attach(sdk, page, tmp_path / "out.md", "remove")
    assert (tmp_path / "out.md").exists()
