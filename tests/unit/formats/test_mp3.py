import io
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats import id3, registry
from provenance.formats.handlers import mp3

AIGC = '{"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"snd-1"}'
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="成都"/></rdf:RDF></x:xmpmeta>'
).encode()
SOUND = (b"\xff\xfb\x10\xc4" + bytes(100)) * 40  # layer III, 32 kbit/s, 44.1 kHz
TITLE = (b"TIT2", b"\3kept")
UNKNOWN = (b"XYZW", b"\0\1\2 kept")


def safe(value):
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def frame(version, name, data, flags=0):
    size = safe(len(data)) if version == 4 else struct.pack(">I", len(data))
    return name + size + struct.pack(">H", flags) + data


def tag(version, *frames, padding=0, flags=0, extended=b""):
    body = extended + b"".join(frame(version, *each) for each in frames) + bytes(padding)
    return b"ID3" + bytes([version, 0, flags]) + safe(len(body)) + body


def element(version, text=AIGC):
    return frame(version, b"TXXX", bytes([3 if version == 4 else 0]) + b"AIGC\0" + text.encode())


def read(content, **options):
    return mp3.read(io.BytesIO(content), **options)


def write(content, *, xmp=None, **fields):
    out = io.BytesIO()
    mp3.write(io.BytesIO(content), out, exif=None, xmp=xmp, fields=fields)
    return out.getvalue()


def refusal(kind, content, **changes):
    out = io.BytesIO()
    with pytest.raises(kind) as caught:
        mp3.write(io.BytesIO(content), out, exif=None, xmp=changes.pop("xmp", None), fields=changes or {"aigc": AIGC})
    assert out.getvalue() == b""
    return caught.value.code


def elements(content):
    return [each.value for each in read(content).fields]


@pytest.mark.parametrize("version", [3, 4])
def test_padding_takes_what_is_new_and_the_sound_stays_where_it_is(version):
    content = tag(version, TITLE, UNKNOWN, padding=600) + SOUND
    labelled = write(content, aigc=AIGC)
    new = element(version)
    kept = frame(version, *TITLE) + frame(version, *UNKNOWN)
    assert labelled == content[:10] + kept + new + bytes(600 - len(new)) + SOUND


@pytest.mark.parametrize("version", [3, 4])
def test_without_room_the_sound_moves_by_whole_pages(version):
    content = tag(version, TITLE, padding=20) + SOUND
    labelled = write(content, aigc=AIGC, xmp=PACKET)
    assert len(labelled) == len(content) + 4096
    assert labelled[-len(SOUND) :] == SOUND
    assert write(labelled, aigc=AIGC, xmp=PACKET) == labelled
    assert (elements(labelled), read(labelled).xmp) == ([AIGC], PACKET)


def test_a_file_without_a_tag_gets_one_of_whole_pages():
    labelled = write(SOUND, aigc=AIGC)
    assert labelled == b"ID3\4\0\0" + safe(4086) + element(4) + bytes(4086 - len(element(4))) + SOUND
    assert write(SOUND, aigc=None) == SOUND


def test_what_stands_behind_the_sound_stays_there():
    behind = b"APETAGEX" + bytes(24) + b"TAG" + b"title".ljust(125, b"\0")
    assert write(SOUND + behind, aigc=AIGC)[4096:] == SOUND + behind


def test_text_that_is_not_latin_goes_into_an_old_tag_as_utf_16():
    labelled = write(tag(3, TITLE, padding=900) + SOUND, aigc='{"ProduceID":"图"}')
    assert "\ufeff".encode("utf-16-le") + "AIGC".encode("utf-16-le") in labelled
    assert elements(labelled) == ['{"ProduceID":"图"}']


@pytest.mark.parametrize(
    "data",
    [
        b"\0AIGC\0" + AIGC.encode(),
        b"\0aigc\0" + AIGC.encode() + b"\0",
        b"\1" + "AIGC\0".encode("utf-16") + AIGC.encode("utf-16") + b"\0\0",
        b"\1\xfe\xff" + "AIGC\0\ufeff".encode("utf-16-be") + AIGC.encode("utf-16-be"),
        b"\2" + f"AIGC\0{AIGC}".encode("utf-16-be"),
        b"\3AIGC\0" + AIGC.encode(),
    ],
)
def test_every_encoding_is_read_and_the_same_text_is_not_written_again(data):
    content = tag(4, TITLE, (b"TXXX", data)) + SOUND
    assert elements(content) == [AIGC]
    assert write(content, aigc=AIGC) == content
    assert elements(write(content, aigc="{}")) == ["{}"]


@pytest.mark.parametrize("data", [b"", b"\0", b"\0AIGC", b"\7AIGC\0{}", b"\1\xff\xfeA\0I\0G\0C\0\0", b"\0AIGCX\0{}"])
def test_texts_that_are_something_else_or_broken_stay(data):
    content = tag(4, (b"TXXX", data), padding=900) + SOUND
    assert elements(content) == []
    assert frame(4, b"TXXX", data) in write(content, aigc=AIGC)


def compressed(version, data):
    packed = zlib.compress(data)
    if version == 3:
        return (b"TXXX", struct.pack(">I", len(data)) + packed, 0x0080)
    return (b"TXXX", safe(len(data)) + packed, 0x0009)


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (3, compressed(3, b"\0AIGC\0{}")),
        (4, compressed(4, b"\3AIGC\0{}")),
        (3, (b"TXXX", b"g\0AIGC\0{}", 0x0020)),
        (4, (b"TXXX", b"g\3AIGC\0{}", 0x0040)),
        (4, (b"TXXX", safe(8) + b"\3AIGC\0{}", 0x0001)),
        (4, (b"TXXX", b"\1\xff\0\xfe" + "AIGC\0".encode("utf-16-le") + "{}".encode("utf-16-le"), 0x0002)),
    ],
)
def test_frames_in_other_wrappings_are_read_and_replaced(version, text):
    content = tag(version, TITLE, text, padding=900) + SOUND
    assert elements(content) == ["{}"]
    assert elements(write(content, aigc=AIGC)) == [AIGC]


@pytest.mark.parametrize(
    "text",
    [
        (b"TXXX", b"k\3AIGC\0{}", 0x0004),  # encrypted
        (b"TXXX", safe(8) + b"no stream", 0x0009),
        (b"TXXX", safe(8) + zlib.compress(b"\3AIGC\0" + bytes(10_000_001)), 0x0009),
    ],
)
def test_what_cannot_be_read_stays(text):
    content = tag(4, text, padding=900) + SOUND
    assert elements(content) == []
    assert frame(4, *text) in write(content, aigc=AIGC)


def test_an_unsynchronised_tag_is_restored_changed_and_unsynchronised_again():
    picture = (b"APIC", b"\0image/jpeg\0\3\0\xff\xe0\xff\x00\xff\xff\xe1")
    body = frame(3, *picture) + frame(3, b"TXXX", b"\0AIGC\0{}")
    raw = (
        body.replace(b"\xff\xe0", b"\xff\0\xe0")
        .replace(b"\xff\0\xff", b"\xff\0\0\xff")
        .replace(b"\xff\xff\xe1", b"\xff\0\xff\0\xe1")
    )
    content = b"ID3\3\0\x80" + safe(len(raw) + 900) + raw + bytes(900) + SOUND
    labelled = write(content, aigc=AIGC)
    assert len(labelled) == len(content)
    (found,) = id3.tags(io.BytesIO(labelled))
    assert id3.content(found, found.frames[0]) == picture[1]
    assert (found.flags, elements(labelled)) == (0x80, [AIGC])
    assert not any(labelled[at] == 0xFF and labelled[at + 1] >= 0xE0 for at in range(found.end - 1))


@pytest.mark.parametrize(
    ("version", "extended"),
    [(3, struct.pack(">IHI", 6, 0, 300)), (3, struct.pack(">IHII", 10, 0x8000, 300, 7)), (4, safe(6) + b"\1\0")],
)
def test_an_extended_head_goes_because_its_numbers_would_be_wrong(version, extended):
    content = tag(version, TITLE, padding=300, flags=0x40, extended=extended) + SOUND
    labelled = write(content, aigc=AIGC)
    (found,) = id3.tags(io.BytesIO(labelled))
    assert len(labelled) == len(content)
    assert (found.flags, [each.name for each in found.frames]) == (0, [b"TIT2", b"TXXX"])
    assert write(content, aigc=None) == content


def test_a_tag_with_a_footer_keeps_it_and_gets_no_padding():
    plain = tag(4, TITLE, flags=0x10)
    content = plain + b"3DI" + plain[3:10] + SOUND
    labelled = write(content, aigc=AIGC)
    expected = tag(4, TITLE, (b"TXXX", b"\3AIGC\0" + AIGC.encode()), flags=0x10)
    assert labelled == expected + b"3DI" + expected[3:10] + SOUND


def test_one_element_is_left_of_several_in_several_tags():
    first, second = tag(4, TITLE, (b"TXXX", b"\3AIGC\0{1}"), padding=500), tag(3, (b"TXXX", b"\0AIGC\0{2}"), UNKNOWN)
    assert elements(first + second + SOUND) == ["{1}", "{2}"]
    labelled = write(first + second + SOUND, aigc=AIGC)
    assert elements(labelled) == [AIGC]
    assert len(labelled) == len(first + second + SOUND)
    assert frame(3, *UNKNOWN) in labelled
    assert elements(write(first + second + SOUND, aigc=None)) == []


def test_a_packet_is_replaced_and_two_are_refused():
    content = tag(3, (b"PRIV", b"XMP\0<old/>"), (b"PRIV", b"other\0kept"), padding=900) + SOUND
    labelled = write(content, xmp=PACKET)
    assert (read(labelled).xmp, read(labelled).xmp_count) == (PACKET, 1)
    assert frame(3, b"PRIV", b"other\0kept") in labelled
    twice = tag(3, (b"PRIV", b"XMP\0<a/>"), (b"PRIV", b"XMP\0<b/>")) + SOUND
    assert (read(twice).xmp_count, read(twice).warnings) == (2, ("xmp-repeated",))
    assert refusal(MetadataNotWritten, twice, xmp=PACKET) == "xmp-repeated"


def positions(content):
    return [each.value for each in read(content).fields if each.name == "position"]


def test_the_position_that_ffmpeg_copies_is_found_in_both_its_places_and_goes():
    stated = [(b"TXXX", b"\3location\0+30.2741+120.1551/"), (b"TXXX", b"\3location-eng\0+30.2741+120.1551/")]
    place = (b"TXXX", "\3location\0杭州市".encode())
    content = tag(4, *stated, place, padding=500) + SOUND
    assert positions(content) == ["+30.2741+120.1551/"] * 2
    without = write(content, position=None)
    assert (positions(without), b"30.2741" in without, frame(4, *place) in without) == ([], False, True)
    assert positions(write(content, position="+30.3+120.2/")) == ["+30.3+120.2/"]
    assert write(without, position=None) == without


def test_an_old_tag_is_read_and_refused():
    content = b"ID3\2\0\0" + safe(10) + b"TT2\0\0\4\0abc" + SOUND
    assert elements(content) == []
    assert refusal(MetadataNotWritten, content) == "id3-version"
    assert write(content, aigc=None) == content


def test_a_large_tag_is_passed_over_by_its_sizes():
    picture = (b"APIC", b"\0image/png\0\3\0" + bytes(50_000_000))
    content = tag(4, TITLE, picture, padding=500) + SOUND
    assert elements(write(content, aigc=AIGC)) == [AIGC]


def test_a_tag_that_can_grow_no_more_is_refused(tmp_path):
    path, size = tmp_path / "large.mp3", (1 << 28) - 1
    with path.open("xb") as file:
        file.write(b"ID3\4\0\0" + safe(size) + b"APIC" + safe(size - 10) + b"\0\0")
        file.seek(10 + size)
        file.write(SOUND)
    out = io.BytesIO()
    with path.open("rb") as file, pytest.raises(MetadataNotWritten) as caught:
        mp3.write(file, out, exif=None, xmp=None, fields={"aigc": AIGC})
    assert (caught.value.code, out.getvalue()) == ("id3-full", b"")


def test_what_is_too_large_to_hold_is_refused():
    large = bytes(10_000_001)
    for name, data in ((b"PRIV", b"XMP\0" + large), (b"TXXX", b"\3AIGC\0" + large)):
        content = tag(4, (name, data)) + SOUND
        with pytest.raises(MediaTooLarge):
            read(content)
        assert refusal(MediaTooLarge, content) == "metadata-too-large"
    many = tag(4, *[(b"PRIV", b"XMP\0" + bytes(3_000_000))] * 4) + SOUND
    assert refusal(MediaTooLarge, many) == "metadata-too-large"
    unsynchronised = tag(3, (b"APIC", large), flags=0x80) + SOUND
    assert refusal(MediaTooLarge, unsynchronised) == "metadata-too-large"
    assert refusal(MediaTooLarge, SOUND, xmp=large) == "metadata-too-large"


def test_sizes_of_eight_bits_in_a_tag_of_seven_are_read_and_refused():
    body = b"APIC" + struct.pack(">I", 200) + bytes(2) + b"\xee" * 200 + frame(4, b"TXXX", b"\3AIGC\0{}")
    content = b"ID3\4\0\0" + safe(len(body)) + body + SOUND
    assert elements(content) == ["{}"]
    assert refusal(MalformedMedia, content) == "id3-damaged"


@pytest.mark.parametrize(
    "content",
    [
        tag(3, TITLE, padding=40).replace(bytes(40), b"lost" * 10) + SOUND,
        tag(4, (b"TIT2", b"\3x"), flags=0x40, extended=b"\x7f\x7f\x7f\x7f") + SOUND,
        b"ID3\3\0\0" + safe(20) + b"TIT2" + struct.pack(">I", 1 << 30) + bytes(12) + SOUND,
    ],
)
def test_a_damaged_tag_is_read_and_not_changed(content):
    assert elements(content) == []
    assert refusal(MalformedMedia, content) == "id3-damaged"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (tag(4, TITLE, padding=400)[:-1], "id3-truncated"),
        (tag(4, TITLE), "mp3-no-sound"),
        (tag(4, TITLE) + b"no sound" * 20, "mp3-no-sound"),
        (b"\xff\xfb\x10\xc4" + bytes(300), "mp3-no-sound"),
        (tag(4, TITLE) + b"\xff\xf1\x50\x80" * 100, "mp3-no-sound"),
        (tag(4) * 17 + SOUND, "id3-damaged"),
        (tag(4, TITLE) + b"stray" * 13_100 + SOUND, "mp3-no-sound"),
        (b"", "mp3-no-sound"),
    ],
)
def test_a_file_that_is_not_whole_or_no_mp3_is_refused(content, code):
    with pytest.raises(MalformedMedia) as caught:
        read(content)
    assert caught.value.code == refusal(MalformedMedia, content) == code


@pytest.mark.parametrize("stray", [b"", bytes(700), b"stray \xff\xfb bytes"])
def test_some_stray_bytes_may_stand_behind_the_tag(stray):
    content = tag(4, TITLE, padding=500) + stray + SOUND
    assert write(content, aigc=AIGC).endswith(stray + SOUND)


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"\xff\xfb\x90\x00", 417),
        (b"\xff\xfb\x92\x00", 418),
        (b"\xff\xfd\x80\x00", 417),
        (b"\xff\xf3\x80\x00", 208),
        (b"\xff\xe3\x48\x00", 288),
        (b"\xff\xf5\x84\x00", 384),
    ],
)
def test_frames_of_every_layer_and_generation_are_known(head, length):
    assert elements(write((head + bytes(length - 4)) * 3, aigc=AIGC)) == [AIGC]


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xfea\0b\0",  # text in UTF-16
        b"\xff\xff\x10\xc4",
        b"\xff\xf1\x50\x80",  # AAC
        b"\xff\xeb\x10\xc4",
        b"\xff\xfb\xf0\xc4",
        b"\xff\xfb\x1c\xc4",
        b"\xff\xd8\xff\xe0",
        b"ID3 tags are explained here",
        b"ID3\4\0\0\0\0\0\0fLaC" + bytes(50),
        b"RIFF",
        b"",
    ],
)
def test_other_content_is_not_claimed(head):
    assert not mp3.sniff(head)


def test_a_tag_larger_than_a_head_may_stand_before_sound():
    assert mp3.sniff(tag(4, TITLE, padding=5000)[:512])


def test_what_follows_a_large_tag_decides_what_a_file_is(tmp_path):
    path = tmp_path / "sound"
    path.write_bytes(tag(4, TITLE, padding=5000) + tag(3, TITLE) + SOUND)
    assert registry.read(path).format == "mp3"
    for other in (b"\xff\xf1\x50\x80" + bytes(60), b"something else" * 9):
        path.write_bytes(tag(4, TITLE, padding=5000) + other)
        with pytest.raises(Exception, match=r"AAC|no known format"):
            registry.read(path)


MANIFEST = (b"GEOB", b"\3application/c2pa\0c2pa\0c2pa manifest store\0jumb")


def test_a_manifest_is_seen():
    assert read(tag(4, TITLE, MANIFEST) + SOUND).has_manifest
    assert not read(tag(4, TITLE, (b"GEOB", b"\3application/x\0\0\0jumb")) + SOUND).has_manifest


COVER = (b"APIC", b"\3image/png\0\3\0" + bytes(range(256)))


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b"", True),
        (tag(4, TITLE, COVER, MANIFEST, padding=50), True),
        (tag(4, (b"PRIV", b"a\0b"), (b"PRIV", b"a\0b"), (b"TXXX", b"\3a\0b"), (b"TXXX", b"\3b\0b")), True),
        (tag(4, (b"COMM", b"\3zho\0kept"), (b"USLT", b"\0eng\0kept")), True),
        (tag(3, TITLE), False),
        (tag(4, TITLE) + tag(4, TITLE), False),
        (tag(4, TITLE, flags=0x80), False),
        (tag(4, TITLE, UNKNOWN), False),
        (tag(4, COVER, COVER), False),
        (tag(4, (b"TXXX", b"\3a\0b"), (b"TXXX", b"\3a\0c")), False),
        (tag(4, (b"TIT2", b"\0\xce\xc4")), False),  # GBK, which Latin-1 stands for
        (tag(4, (b"TIT2", b"")), False),
        (tag(4, (b"TIT2", b"\3\xff\xff")), False),
        (tag(4, (b"TIT2", b"\3kept", 0x0040)), False),
        (tag(4, (b"PRIV", b"no owner")), False),
        (tag(4, (b"APIC", b"\0image/png\0\3no end")), False),
        (tag(4, (b"TIT2", b"\3" + bytes(1 << 16))), False),
    ],
)
def test_a_manifest_goes_inside_only_where_that_keeps_every_frame(content, kept):
    assert read(content + SOUND).unsignable == (None if kept else "id3-would-be-recoded")


def names_and_data(content):
    return [(each.name, id3.content(found, each)) for found in id3.tags(io.BytesIO(content)) for each in found.frames]


def test_signing_keeps_every_frame_where_it_goes_inside(sdk, trust, tmp_path):
    frames = (
        TITLE,
        COVER,
        (b"PRIV", b"a\0b"),
        (b"PRIV", b"a\0c"),
        (b"TXXX", b"\3mood\0calm"),
        (b"COMM", b"\3zho\0kept"),
    )
    source, target = tmp_path / "in.mp3", tmp_path / "out.mp3"
    source.write_bytes(tag(4, *frames, padding=100) + SOUND)
    sdk.attach_media(
        source, {"origin": "self-shot", "draw": [], "labels": [{"kind": "fiction", "form": "staged"}]}, into=target
    )
    after = target.read_bytes()
    assert set(frames) <= set(names_and_data(after))
    assert after.endswith(SOUND)
    assert sdk.verify(target, trust=trust).files[0].manifest.state == "trusted"
    assert read(after).has_manifest


def test_there_is_no_place_for_exif():
    with pytest.raises(MetadataNotWritten) as caught:
        mp3.write(io.BytesIO(SOUND), io.BytesIO(), exif=b"II", xmp=None)
    assert caught.value.code == "id3-holds-no-exif"


@pytest.fixture(params=[3, 4])
def labelled(request, tmp_path):
    path = tmp_path / "out.mp3"
    cover = (b"APIC", b"\0image/png\0\3\0\x89PNG")
    path.write_bytes(write(tag(request.param, (b"TIT2", b"\0kept"), cover, UNKNOWN) + SOUND, aigc=AIGC, xmp=PACKET))
    return path


def output(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def test_exiftool_reads_both(labelled):
    tags = json.loads(output("exiftool", "-j", "-G1", "-a", labelled))[0]
    assert AIGC in next(value for name, value in tags.items() if "UserDefinedText" in name)
    assert tags["XMP-dc:Source"] == "成都"
    assert "ExifTool:Warning" not in tags


def test_ffprobe_and_mediainfo_read_the_element(labelled):
    found = json.loads(output("ffprobe", "-v", "quiet", "-of", "json", "-show_format", labelled))
    assert (found["format"]["tags"]["AIGC"], found["format"]["tags"]["title"]) == (AIGC, "kept")
    assert "001191510100MA0EXAMP0D10001" in output("mediainfo", "-f", labelled).decode()


def test_mutagen_reads_both_and_what_was_there(labelled):
    mutagen = pytest.importorskip("mutagen.id3", reason="mutagen is not installed")
    found = mutagen.ID3(Path(labelled))
    assert found["TXXX:AIGC"].text == [AIGC]
    assert found.getall("PRIV")[0].data == PACKET
    assert (found["TIT2"].text, found.getall("APIC")[0].data) == (["kept"], b"\x89PNG")
