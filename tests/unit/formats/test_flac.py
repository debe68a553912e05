import io
import json
import shutil
import struct
import subprocess

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats import registry
from provenance.formats.handlers import flac

AIGC = '{"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"snd-1"}'
STREAM = (0, bytes(34))
APPLICATION = (2, b"kept for an application")
SOUND = b"\xff\xf8\xc9\x18" + bytes(300)
PAGE = 4096


def counted(data):
    return struct.pack("<I", len(data)) + data


def comments(*entries):
    return 4, counted(b"kept") + struct.pack("<I", len(entries)) + b"".join(counted(each.encode()) for each in entries)


def padding(size):
    return 1, bytes(size)


def whole(*blocks, front=b"", sound=SOUND):
    parts = []
    for number, (kind, data) in enumerate(blocks):
        last = 0x80 if number == len(blocks) - 1 else 0
        parts.append(bytes([kind | last]) + struct.pack(">I", len(data))[1:] + data)
    return front + b"fLaC" + b"".join(parts) + sound


def tag(*frames, padding=0):
    body = b"".join(name + struct.pack(">I", len(data)) + bytes(2) + data for name, data in frames) + bytes(padding)
    return b"ID3\4\0\0" + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def read(content):
    return flac.read(io.BytesIO(content))


def write(content, **fields):
    out = io.BytesIO()
    flac.write(io.BytesIO(content), out, exif=None, xmp=None, fields=fields)
    return out.getvalue()


def stated(content):
    return [(each.name, each.value, each.slot) for each in read(content).fields]


OURS = comments("TITLE=kept", f"AIGC={AIGC}")
GROWTH = len(OURS[1]) - len(comments("TITLE=kept")[1])


@pytest.mark.parametrize("room", [GROWTH + 100, GROWTH])
def test_padding_takes_what_is_new_and_the_sound_stays_where_it_is(room):
    content = whole(STREAM, comments("TITLE=kept"), APPLICATION, padding(room), (127 - 1, b"reserved"))
    assert write(content, aigc=AIGC) == whole(STREAM, OURS, APPLICATION, padding(room - GROWTH), (126, b"reserved"))


def test_padding_that_fits_exactly_goes_with_its_head():
    content = whole(STREAM, comments("TITLE=kept"), APPLICATION, padding(GROWTH - 4))
    assert write(content, aigc=AIGC) == whole(STREAM, OURS, APPLICATION)


@pytest.mark.parametrize("room", [0, 10, GROWTH - 3, GROWTH - 1])
def test_without_room_the_padding_grows_by_whole_pages(room):
    content = whole(STREAM, comments("TITLE=kept"), padding(room), APPLICATION)
    assert write(content, aigc=AIGC) == whole(STREAM, OURS, padding(room - GROWTH + PAGE), APPLICATION)


def test_without_any_padding_there_is_some_behind_the_other_blocks():
    content = whole(STREAM, comments("TITLE=kept"), APPLICATION)
    assert write(content, aigc=AIGC) == whole(STREAM, OURS, APPLICATION, padding(PAGE - GROWTH - 4))


def test_without_comments_there_are_some_behind_the_first_block():
    ours = (4, bytes(4) + struct.pack("<I", 1) + counted(f"AIGC={AIGC}".encode()))
    assert write(whole(STREAM), aigc=AIGC) == whole(STREAM, ours, padding(PAGE - len(ours[1]) - 8))
    content = whole(STREAM, APPLICATION, padding(1000))
    assert write(content, aigc=AIGC) == whole(STREAM, ours, APPLICATION, padding(1000 - len(ours[1]) - 4))
    assert write(content, aigc=None) == content


def test_what_goes_becomes_padding():
    assert write(whole(STREAM, OURS, padding(50)), aigc=None) == whole(
        STREAM, comments("TITLE=kept"), padding(50 + GROWTH)
    )
    assert write(whole(STREAM, OURS), aigc=None) == whole(STREAM, comments("TITLE=kept"), padding(GROWTH - 4))


@pytest.mark.parametrize("change", [1, 3])
def test_a_loss_too_small_for_padding_moves_the_sound_by_a_page(change):
    content = whole(STREAM, comments("LOCATION=" + "x" * 10))
    labelled = write(content, place="x" * (10 - change))
    assert labelled == whole(STREAM, comments("LOCATION=" + "x" * (10 - change)), padding(PAGE + change - 4))


def test_padding_that_cannot_hold_more_is_left_alone():
    full = padding((1 << 24) - 1)
    labelled = write(whole(STREAM, OURS, full), aigc=None)
    assert labelled == whole(STREAM, comments("TITLE=kept"), full, padding(GROWTH - 4))


def test_the_second_time_changes_nothing():
    once = write(whole(STREAM), aigc=AIGC, captured_at="2026-05-01", place="成都")
    assert write(once, aigc=AIGC, captured_at="2026-05-01", place="成都") == once
    assert [each[:2] for each in stated(once)] == [("aigc", AIGC), ("captured_at", "2026-05-01"), ("place", "成都")]


def test_comments_too_large_for_a_block_are_refused():
    content = whole(STREAM, comments("TITLE=" + "x" * 9_900_000))
    with pytest.raises(MediaTooLarge):
        write(content, place="x" * 200_000)
    with pytest.raises(MediaTooLarge):
        read(whole(STREAM, (4, bytes(10_000_000))))


def test_a_tag_in_front_is_kept_and_an_element_in_it_goes():
    front = tag((b"TIT2", b"\3kept"), (b"TXXX", b"\3AIGC\0{}"), padding=20)
    content = whole(STREAM, OURS, front=front)
    assert stated(content) == [("aigc", AIGC, "vorbis-comment"), ("aigc", "{}", "id3-text")]
    cleaned = tag((b"TIT2", b"\3kept"), padding=20 + 10 + len(b"\3AIGC\0{}"))
    assert write(content, aigc=AIGC) == whole(STREAM, OURS, front=cleaned)
    assert stated(write(content, aigc=None)) == []
    assert write(content, place=None) == content


def test_a_large_tag_in_front_does_not_hide_what_the_file_is(tmp_path):
    (tmp_path / "sound").write_bytes(whole(STREAM, front=tag((b"TIT2", b"\3kept"), padding=5000)))
    assert registry.read(tmp_path / "sound").format == "flac"


def test_a_manifest_in_a_tag_is_seen():
    manifest = (b"GEOB", b"\3application/c2pa\0c2pa\0c2pa manifest store\0jumb")
    found = read(whole(STREAM, front=tag(manifest)))
    assert (found.has_manifest, found.unsignable) == (True, None)
    assert read(whole(STREAM, front=tag((b"XYZW", b"?")))).unsignable == "id3-would-be-recoded"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"fLaC", "flac-truncated"),
        (whole(STREAM)[:30], "flac-truncated"),
        (whole(STREAM, sound=b""), "flac-truncated"),
        (whole(STREAM, sound=b"\xff"), "flac-truncated"),
        (whole(STREAM, sound=b"sound"), "flac-damaged"),
        (whole(APPLICATION), "flac-damaged"),
        (whole((0, bytes(33))), "flac-damaged"),
        (whole(STREAM, (127, b"")), "flac-damaged"),
        (whole(STREAM, OURS, OURS), "flac-damaged"),
        (whole(STREAM, *[APPLICATION] * 10_000), "flac-damaged"),
        (whole(STREAM, (4, b"\xff\xff\xff\xff")), "vorbis-comment-damaged"),
        (b"nothing of the kind", "flac-damaged"),
    ],
)
def test_a_damaged_file_is_refused(content, code):
    for attempt in (read, lambda each: write(each, aigc=AIGC)):
        with pytest.raises(MalformedMedia) as caught:
            attempt(content)
        assert caught.value.code == code


@pytest.mark.parametrize("carrier", ["exif", "xmp"])
def test_there_is_no_place_for_exif_and_xmp(carrier):
    with pytest.raises(MetadataNotWritten) as caught:
        flac.write(io.BytesIO(whole(STREAM)), io.BytesIO(), **{"exif": None, "xmp": None, carrier: b"<x/>"})
    assert caught.value.code == "vorbis-comment-only"


def output(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


@pytest.fixture
def encoded(tmp_path):
    """A file of an encoder with cover art."""
    source = tmp_path / "in.flac"
    sound = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000:duration=1")
    picture = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=1:duration=1")
    cover = ("-map", "0", "-map", "1", "-c:v", "png", "-disposition:v", "attached_pic")
    output("ffmpeg", "-v", "error", *sound, *picture, *cover, "-metadata", "title=kept", source)
    return source


def sound_of(path):
    return output("ffmpeg", "-v", "error", "-i", path, "-map", "0", "-f", "framehash", "-")


def assert_read_by_others(path):
    probed = json.loads(output("ffprobe", "-v", "error", "-of", "json", "-show_format", path))["format"]["tags"]
    tags = {key.upper(): value for key, value in probed.items()}
    assert (tags["AIGC"], tags["LOCATION"], tags["TITLE"]) == (AIGC, "成都", "kept")
    shown = json.loads(output("exiftool", "-j", path))[0]
    assert (shown["Aigc"], shown["Location"], shown["Title"]) == (AIGC, "成都", "kept")
    assert "001191510100MA0EXAMP0D10001" in output("mediainfo", "-f", path).decode()
    mutagen = pytest.importorskip("mutagen.flac", reason="mutagen is not installed")
    found = mutagen.FLAC(path)
    assert (found.tags["aigc"], len(found.pictures), found.pictures[0].width) == ([AIGC], 1, 96)


def test_other_readers_find_the_statements_the_cover_and_the_same_sound(encoded):
    labelled = encoded.with_stem("out")
    labelled.write_bytes(write(encoded.read_bytes(), aigc=AIGC, place="成都"))
    assert sound_of(labelled) == sound_of(encoded)
    assert labelled.stat().st_size == encoded.stat().st_size  # its padding took them
    assert_read_by_others(labelled)


def test_a_manifest_in_front_costs_nothing(encoded, sdk, trust):
    labelled, signed = encoded.with_stem("out"), encoded.with_stem("signed")
    labelled.write_bytes(write(encoded.read_bytes(), aigc=AIGC, place="成都"))
    sdk.attach_media(labelled, {"origin": "self-shot", "draw": [], "labels": []}, into=signed)
    assert sdk.verify(signed, trust=trust).files[0].manifest.state == "trusted"
    assert signed.read_bytes().startswith(b"ID3")
    assert registry.read(signed).has_manifest
    assert sound_of(signed) == sound_of(encoded)
    assert_read_by_others(signed)
