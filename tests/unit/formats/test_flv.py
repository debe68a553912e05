import io
import json
import shutil
import struct
import subprocess

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, ProvenanceError
from provenance.formats.handlers import flv

ELEMENT = '{"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"v-1"}'
PACKET = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
HEADER = b"FLV\x01\5\0\0\0\x09\0\0\0\0"
END = b"\0\0\x09"
SOUND = b"\x08\0\0\4" + bytes(7) + b"\x2e\1\2\3" + struct.pack(">I", 15)
PICTURE = b"\x09\0\0\5" + bytes(7) + b"\x12\1\2\3\4" + struct.pack(">I", 16)
MEDIA = SOUND + PICTURE + SOUND


def tag(data, kind=18):
    return bytes([kind]) + len(data).to_bytes(3, "big") + bytes(7) + data + struct.pack(">I", 11 + len(data))


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return b"\2" + struct.pack(">H", len(value)) + value


def long_text(value):
    return b"\x0c" + struct.pack(">I", len(value)) + value


def double(value):
    return b"\0" + struct.pack(">d", value)


def pairs(values):
    return b"".join(struct.pack(">H", len(key.encode())) + key.encode() + value for key, value in values.items())


def table(values, count=None):
    return b"\x08" + struct.pack(">I", len(values) if count is None else count) + pairs(values) + END


def record(values):
    return b"\3" + pairs(values) + END


def metadata(values, make=table):
    return tag(text("onMetaData") + make(values))


def packet(value, make=record):
    return tag(text("onXMPData") + make({"liveXML": value}))


def read(content):
    return flv.read(io.BytesIO(content))


def write(content, *, xmp=None, **fields):
    out = io.BytesIO()
    flv.write(io.BytesIO(content), out, exif=None, xmp=xmp, fields=fields)
    return out.getvalue()


def stated(content):
    return [(each.value, each.location) for each in read(content).fields]


def positions(content):
    """Return what the script data say of places: each as the bytes that are there, the size as it is."""
    at = content.index(b"filepositions") + 13
    (count,) = struct.unpack_from(">I", content, at + 1)
    numbers = [struct.unpack_from(">d", content, at + 6 + 9 * each)[0] for each in range(count)]
    (last,) = struct.unpack_from(">d", content, content.index(b"lastkeyframelocation") + 21)
    (size,) = struct.unpack_from(">d", content, content.index(b"filesize") + 9)
    return [content[int(each) : int(each) + len(PICTURE)] for each in (*numbers, last)], size


def indexed(**more):
    places = [100, 200]
    for _ in range(2):
        keyframes = {
            "filepositions": b"\x0a" + struct.pack(">I", 2) + b"".join(map(double, places)),
            "times": b"\x0a\0\0\0\0",
        }
        values = {
            "filesize": double(places[1] + len(PICTURE)),
            "lastkeyframelocation": double(places[1]),
            "keyframes": record(keyframes),
        }
        head = HEADER + metadata({**more, **values, "after": b"\5"})
        places = [len(head), len(head) + len(PICTURE) + len(SOUND)]
    return head + PICTURE + SOUND + PICTURE


def test_an_element_is_found_whatever_its_letters():
    content = HEADER + metadata({"width": double(96), "height": double(64), "aigc": text(ELEMENT)}) + MEDIA
    assert stated(content) == [(ELEMENT, "onMetaData:aigc")]
    found = read(content)
    assert (found.format, found.media, found.mime, found.width, found.height) == ("flv", "video", "video/x-flv", 96, 64)
    assert read(b"FLV\x01\4" + content[5:]).media == "audio"


def test_an_element_that_is_no_text_is_none_that_can_be_read():
    assert stated(HEADER + metadata({"AIGC": record({"Label": text("1")})}) + MEDIA) == [("", "onMetaData:AIGC")]


@pytest.mark.parametrize("make", [table, record])
def test_a_new_element_is_the_last_of_the_script_data(make):
    content = HEADER + metadata({"title": text("kept")}, make) + MEDIA
    once = write(content, aigc=ELEMENT)
    assert once == HEADER + metadata({"title": text("kept"), "AIGC": text(ELEMENT)}, make) + MEDIA
    assert write(once, aigc=ELEMENT) == once
    assert write(once, aigc=None) == content


def test_every_form_of_the_element_gives_way():
    content = (
        HEADER
        + metadata({"aigc": text("{}"), "title": text("kept"), "AIGC": b"\5"})
        + SOUND
        + metadata({"Aigc": text("{}")})
        + MEDIA
    )
    once = write(content, aigc=ELEMENT)
    assert stated(once) == [(ELEMENT, "onMetaData:AIGC")]
    assert stated(write(content, aigc=None)) == []


def test_an_array_that_miscounts_goes_on_to():
    content = HEADER + tag(text("onMetaData") + table({"title": text("kept")}, count=0)) + MEDIA
    assert (
        write(content, aigc=ELEMENT)
        == HEADER + tag(text("onMetaData") + table({"title": text("kept"), "AIGC": text(ELEMENT)}, 0)) + MEDIA
    )


def test_an_array_without_an_end_takes_an_element():
    content = HEADER + tag((text("onMetaData") + table({"title": text("kept")}))[:-3]) + MEDIA
    assert stated(write(content, aigc=ELEMENT)) == [(ELEMENT, "onMetaData:AIGC")]


def test_a_file_without_script_data_gets_some_in_front():
    once = write(HEADER + MEDIA, aigc=ELEMENT, xmp=PACKET)
    assert once == HEADER + metadata({"AIGC": text(ELEMENT)}) + packet(long_text(PACKET), table) + MEDIA


def test_a_long_element_is_a_long_string():
    long = json.dumps({"ReservedCode1": "x" * 70_000})
    once = write(HEADER + metadata({}) + MEDIA, aigc=long)
    assert stated(once) == [(long, "onMetaData:AIGC")]
    assert write(once, aigc=long) == once


def test_places_in_the_file_follow():
    content = indexed()
    before, size = positions(content)
    assert size == len(content)
    assert before == [PICTURE] * 3
    for once in (write(content, aigc=ELEMENT), write(content, xmp=PACKET), write(content, aigc=ELEMENT, xmp=PACKET)):
        after, size = positions(once)
        assert after == before
        assert size == len(once)
        assert once.endswith(content[-len(PICTURE) * 2 - len(SOUND) :])
    assert write(write(content, aigc=ELEMENT), aigc=None) == content


def test_places_that_are_none_stay():
    odd = {
        "filesize": double(float("nan")),
        "lastkeyframelocation": double(-1),
        "keyframes": record({"filepositions": b"\x0a\0\0\0\1" + text("x")}),
    }
    once = write(HEADER + metadata(odd) + MEDIA, aigc=ELEMENT)
    assert once == HEADER + metadata({**odd, "AIGC": text(ELEMENT)}) + MEDIA


@pytest.mark.parametrize("make", [table, record])
@pytest.mark.parametrize("form", [text, long_text])
def test_a_packet_is_found_and_replaced(make, form):
    content = HEADER + metadata({}) + packet(form(b"<old/>"), make) + MEDIA
    assert (read(content).xmp, read(content).xmp_count) == (b"<old/>", 1)
    once = write(content, xmp=PACKET)
    assert once == HEADER + metadata({}) + packet(long_text(PACKET), make) + MEDIA
    assert write(once, xmp=PACKET) == once


def test_several_packets_are_refused():
    content = HEADER + packet(text("<a/>")) + packet(text("<b/>")) + MEDIA
    found = read(content)
    assert (found.xmp, found.xmp_count, found.warnings) == (b"<a/>", 2, ("xmp-repeated",))
    with pytest.raises(MetadataNotWritten) as caught:
        write(content, xmp=PACKET)
    assert caught.value.code == "xmp-repeated"


@pytest.mark.parametrize(
    "value",
    [
        b"\x11\1",
        b"\4",
        b"\2\0\x20short",
        b"\x0a\0\xff\xff\xff",
        b"\3\0\1",
        b"",
        b"\x0a\0\0\0\1" * 60,
        b"\x10\0\1x" * 40,
    ],
)
def test_script_data_that_cannot_be_read_are_not_edited(value):
    content = HEADER + metadata({"AIGC": text(ELEMENT), "odd": value}) + MEDIA
    found = read(content)
    assert found.warnings == ("flv-script-unreadable",)
    assert write(content) == content
    for fields in ({"aigc": "{}"}, {"aigc": None}, {"xmp": PACKET}):
        with pytest.raises(MalformedMedia) as caught:
            write(content, **fields)
        assert caught.value.code == "flv-script-unknown"
        assert caught.value.details["offset"] >= content.index(b"odd")


def test_every_kind_of_value_is_passed_over():
    kinds = {
        "number": double(1),
        "boolean": b"\1\1",
        "null": b"\5",
        "undefined": b"\6",
        "reference": b"\7\0\1",
        "mixed": b"\x0a\0\0\0\2" + text("a") + table({"b": record({"c": b"\5"})}),
        "date": b"\x0b" + bytes(10),
        "unsupported": b"\x0d",
        "xml": b"\x0f\0\0\0\1x",
        "typed": b"\x10\0\1x" + pairs({"d": b"\5"}) + END,
    }
    content = HEADER + metadata(kinds) + MEDIA
    assert write(content, aigc=ELEMENT) == HEADER + metadata({**kinds, "AIGC": text(ELEMENT)}) + MEDIA


def test_every_cut_inside_a_tag_is_refused():
    content = indexed(AIGC=text("{}"))
    boundaries = {
        len(HEADER),
        len(content) - len(PICTURE),
        len(content) - len(PICTURE + SOUND),
        len(content) - len(PICTURE + SOUND + PICTURE),
    }
    for length in set(range(4, len(content))) - boundaries:
        with pytest.raises(ProvenanceError):
            read(content[:length])
        with pytest.raises(ProvenanceError):
            write(content[:length], aigc=ELEMENT)


def test_damage_is_refused_with_the_byte():
    with pytest.raises(MalformedMedia) as caught:
        read(HEADER + SOUND + b"\x1f\0\0\1" + bytes(12))
    assert (caught.value.code, caught.value.details["offset"]) == ("flv-damaged", len(HEADER + SOUND))
    assert read(HEADER + tag(b"x", kind=0x0F) + MEDIA).format == "flv"  # of no known kind, but whole
    for header in (b"FLV\2" + HEADER[4:], HEADER[:8] + b"\1" + HEADER[9:]):
        with pytest.raises(MalformedMedia):
            read(header + MEDIA)


def test_limits():
    many = b"".join([metadata({"x": text("y" * 60_000)})] * 170)
    with pytest.raises(MediaTooLarge):
        read(HEADER + many + MEDIA)
    with pytest.raises(MediaTooLarge):
        write(HEADER + MEDIA, xmp=b"x" * 10_000_001)
    with pytest.raises(MetadataNotWritten) as caught:
        write(HEADER + metadata({"x": long_text(b"y" * 9_000_000)}) + MEDIA, aigc="x" * 9_000_000)
    assert caught.value.code == "flv-tag-full"
    bomb = HEADER + metadata({"x": b"\x0a" + struct.pack(">I", 3_000_000) + b"\5" * 3_000_000}) + MEDIA
    assert read(bomb).warnings == ("flv-script-unreadable",)


def test_exif_has_no_place():
    with pytest.raises(MetadataNotWritten, match="no place"):
        flv.write(io.BytesIO(HEADER + MEDIA), io.BytesIO(), exif=b"x", xmp=None)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_other_readers_show_the_element_and_jump_by_the_index(tmp_path):
    source, target = tmp_path / "source.flv", tmp_path / "target.flv"
    drawn = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=2", "-c:v", "flv", "-g", "5")
    subprocess.run(["ffmpeg", "-v", "error", *drawn, "-flvflags", "add_keyframe_index", source], check=True)
    target.write_bytes(write(source.read_bytes(), aigc=ELEMENT, xmp=PACKET))
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_format", "-of", "json", target], capture_output=True, check=True
    )
    assert json.loads(shown.stdout)["format"]["tags"]["AIGC"] == ELEMENT
    jumped = [
        subprocess.run(
            ["ffmpeg", "-v", "error", "-ss", "1.2", "-i", each, "-map", "0:v", "-c", "copy", "-f", "framehash", "-"],
            capture_output=True,
            check=True,
        ).stdout
        for each in (source, target)
    ]
    assert jumped[0] == jumped[1]
    if shutil.which("exiftool"):
        before, after = (exiftool(each) for each in (source, target))
        growth = target.stat().st_size - source.stat().st_size
        assert after["AIGC"] in (ELEMENT, json.loads(ELEMENT))
        assert after["FileSizeBytes"] == target.stat().st_size
        assert after["KeyFramePositions"] == [each + growth for each in before["KeyFramePositions"]]


def exiftool(path):
    run = subprocess.run(["exiftool", "-j", "-n", path], capture_output=True, check=True)
    return json.loads(run.stdout)[0]


@pytest.mark.parametrize("key", ["location", "Location-eng", "com.apple.quicktime.location.ISO6709"])
@pytest.mark.parametrize("value", [None, "+30.6+104.1/"])
def test_a_position_is_stated_as_asked_and_all_else_stays(key, value):
    before = {
        "duration": double(1),
        key: text("+30.5728+104.0668/"),
        "location-note": text("成都"),
        "AIGC": text(ELEMENT),
    }
    source = HEADER + metadata(before) + MEDIA
    assert [each.value for each in read(source).fields if each.name == "position"] == ["+30.5728+104.0668/"]
    out = io.BytesIO()
    flv.write(io.BytesIO(source), out, exif=None, xmp=None, fields={"position": value})
    after = {name: each for name, each in before.items() if name != key}
    assert out.getvalue() == HEADER + metadata(after | ({"location": text(value)} if value else {})) + MEDIA
    again = io.BytesIO()
    flv.write(out, again, exif=None, xmp=None, fields={"position": value})
    assert again.getvalue() == out.getvalue()


def test_a_location_that_is_no_position_stays():
    source = HEADER + metadata({"location": text("成都")}) + MEDIA
    assert read(source).fields == ()
    out = io.BytesIO()
    flv.write(io.BytesIO(source), out, exif=None, xmp=None, fields={"position": None})
    assert out.getvalue() == source
