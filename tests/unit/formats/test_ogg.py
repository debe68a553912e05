import io
import json
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, UnsupportedFormat
from provenance.formats import ogg
from provenance.formats.handlers import ogg as handler

AIGC = '{"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"snd-1"}'
OGG, OPUS = handler.HANDLERS


def counted(data):
    return struct.pack("<I", len(data)) + data


def comments(*entries):
    return counted(b"kept") + struct.pack("<I", len(entries)) + b"".join(counted(each.encode()) for each in entries)


def checksum(data):
    """As RFC 3533 has it, a bit at a time."""
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


def page(number, data, *, flags=0, granule=0, serial=7, lacing=None):
    if lacing is None:
        lacing = b"\xff" * (len(data) // 255) + bytes([len(data) % 255])
    head = struct.pack("<4sBBqII", b"OggS", 0, flags, granule, serial, number)
    rest = bytes([len(lacing)]) + lacing + data
    return head + checksum(head + bytes(4) + rest).to_bytes(4, "little") + rest


OPUS_HEAD = b"OpusHead\1\1\0\0\x80\xbb\0\0\0\0\0"
PICTURE_HEAD = b"\x80theora\3\2\1" + bytes(33)


def opus(*entries, rest=b"", head=OPUS_HEAD, serial=7, numbers=(0, 1, 2, 3)):
    return b"".join(
        (
            page(numbers[0], head, flags=2, serial=serial),
            page(numbers[1], b"OpusTags" + comments(*entries) + rest, serial=serial),
            page(numbers[2], b"sound" * 10, granule=960, serial=serial),
            page(numbers[3], b"more", granule=1920, flags=4, serial=serial),
        )
    )


def read(content, of=OPUS, **options):
    return of.read(io.BytesIO(content), **options)


def write(content, *, known=False, **fields):
    out = io.BytesIO()
    OPUS.write_fields(io.BytesIO(content), out, exif=None, xmp=None, fields=fields, known=known)
    return out.getvalue()


def refusal(kind, content, of=OPUS, **options):
    with pytest.raises(kind) as caught:
        of.read(io.BytesIO(content), **options)
    return caught.value.code


def stated(content, of=OPUS):
    return [(each.name, each.value) for each in read(content, of).fields]


def pages_of(content):
    return list(ogg.pages(io.BytesIO(content)))


def test_only_the_page_of_the_comments_changes():
    assert write(opus("TITLE=kept"), aigc=AIGC) == opus("TITLE=kept", f"AIGC={AIGC}")


@pytest.mark.parametrize("rest", [b"\1padding that must be kept", bytes(300)])
def test_what_follows_the_comments_of_opus_is_kept(rest):
    assert write(opus(rest=rest), aigc=AIGC) == opus(f"AIGC={AIGC}", rest=rest)


def test_keys_in_any_case_are_ours_and_one_of_each_is_left_where_the_first_was():
    content = opus("aigc={1}", "TITLE=kept", "AIGC={2}", "title=kept too")
    assert stated(content) == [("aigc", "{1}"), ("aigc", "{2}")]
    assert write(content, aigc=AIGC) == opus(f"AIGC={AIGC}", "TITLE=kept", "title=kept too")
    assert write(content, aigc=None) == opus("TITLE=kept", "title=kept too")
    assert write(opus(f"aigc={AIGC}"), aigc=AIGC) == opus(f"aigc={AIGC}")


FIELDS = {
    "aigc": AIGC,
    "record": '{"version":1}',
    "captured_at": "2026-05-01T08:30:00+08:00",
    "place": "四川省成都市",
    "position": "+30.5728+104.0668/",
    "publisher": "新华社",
    "author": "记者",
    "copyright_owner": "新华社",
}


def test_every_statement_has_its_key():
    entries = (
        f"AIGC={AIGC}",
        'PVL_LABELS={"version":1}',
        "DATE=2026-05-01T08:30:00+08:00",
        "LOCATION=四川省成都市",
        "LOCATION=+30.5728+104.0668/",
        "ORGANIZATION=新华社",
        "ARTIST=记者",
        "COPYRIGHT=新华社",
    )
    assert write(opus(), **FIELDS) == opus(*entries)
    assert stated(opus(*entries)) == list(FIELDS.items())
    assert write(opus(*entries), **FIELDS) == opus(*entries)
    assert write(opus(*entries), **dict.fromkeys(FIELDS)) == opus()


def test_the_position_that_ffmpeg_copies_is_found_in_both_its_places_and_goes():
    content = opus("location=+30.2741+120.1551/", "location-eng=+30.2741+120.1551/", "LOCATION=杭州市")
    assert stated(content) == [("position", "+30.2741+120.1551/")] * 2 + [("place", "杭州市")]
    assert write(content, position=None) == opus("LOCATION=杭州市")
    assert write(content, position="+30.3+120.2/") == opus("LOCATION=+30.3+120.2/", "LOCATION=杭州市")


@pytest.mark.parametrize(
    ("date", "time"),
    [("2001", "2001"), ("2026-05-01 08:30", "2026-05-01T08:30"), ("around 1999", None), ("2026-13-01", None)],
)
def test_a_date_is_a_time_only_where_it_is_one(date, time):
    assert stated(opus(f"DATE={date}")) == ([("captured_at", time)] if time else [])
    added = opus("DATE=2026") if time else opus(f"DATE={date}", "DATE=2026")
    assert write(opus(f"DATE={date}"), captured_at="2026") == added


def test_comments_that_are_no_statements_stay():
    odd = ("no equals sign", "AIGC=", "=AIGC", "AIGCX=1", "DATE=")
    assert stated(opus(*odd)) == []
    assert write(opus(*odd), aigc=AIGC) == opus(*odd, f"AIGC={AIGC}")


def vorbis(*entries, cut=None):
    """Comments and setup in one page or, if cut, in two."""
    packets = b"\3vorbis" + comments(*entries) + b"\1", b"\5vorbis" + bytes(range(256)) * 3
    data = b"".join(packets)
    lacing = b"".join(b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in packets)
    parts = [page(0, b"\1vorbis" + bytes(23), flags=2)]
    if cut is None:
        parts.append(page(1, data, lacing=lacing))
    else:
        size = sum(lacing[:cut])
        middle = cut and lacing[cut - 1] == 255
        parts.append(page(1, data[:size], lacing=lacing[:cut], granule=0 if min(lacing[:cut]) < 255 else -1))
        parts.append(page(2, data[size:], lacing=lacing[cut:], flags=1 if middle else 0))
    parts.append(page(len(parts), b"sound", granule=64, flags=4))
    return b"".join(parts)


def test_the_setup_in_the_same_page_is_kept():
    assert write(vorbis("TITLE=kept"), aigc=AIGC) == vorbis("TITLE=kept", f"AIGC={AIGC}")


@pytest.mark.parametrize("cut", [2, 3])
def test_as_many_pages_as_before_hold_the_new_headers(cut):
    content = vorbis("TITLE=kept", cut=cut)
    labelled = write(content, aigc=AIGC)
    assert len(pages_of(labelled)) == len(pages_of(content))
    assert pages_of(labelled)[-1].number == pages_of(content)[-1].number
    assert stated(labelled, OGG) == [("aigc", AIGC)]
    assert write(labelled, aigc=AIGC) == labelled
    assert checked(labelled) == ["kept", AIGC]


def test_a_page_that_the_comments_have_for_themselves_stays_their_own():
    assert write(vorbis("TITLE=kept", cut=1), aigc=AIGC) == vorbis("TITLE=kept", f"AIGC={AIGC}", cut=1)


def checked(content):
    """Return the texts of the comments as packets and their pages really hold them, every checksum matching."""
    file = io.BytesIO(content)
    found = pages_of(content)
    for each in found:
        ogg.payload(file, each)
    assert [each.number for each in found] == list(range(len(found)))
    headers = ogg.headers(file, iter(found[1:]), found[0])
    assert headers.packets[1] == b"\5vorbis" + bytes(range(256)) * 3
    (count,) = struct.unpack_from("<I", headers.packets[0], 7 + 8)
    at, texts = 7 + 12, []
    for _ in range(count):
        (size,) = struct.unpack_from("<I", headers.packets[0], at)
        texts.append(headers.packets[0][at + 4 : at + 4 + size].decode().partition("=")[2])
        at += 4 + size
    assert headers.packets[0][at:] == b"\1"
    return texts


def test_when_more_pages_are_needed_every_later_one_is_numbered_anew():
    content = vorbis("TITLE=kept")
    large = "x" * 200_000
    labelled = write(content, place=large)
    assert len(pages_of(labelled)) == len(pages_of(content)) + 3
    assert checked(labelled) == ["kept", large]
    last = pages_of(labelled)[-1]
    assert (last.granule, last.flags) == (64, 4)
    fewer = write(labelled, place="成都")
    assert (len(pages_of(fewer)), checked(fewer)) == (len(pages_of(labelled)), ["kept", "成都"])


def test_fewer_pages_are_made_where_what_is_left_cannot_fill_as_many():
    segments = [page(0, OPUS_HEAD, flags=2)]
    data = b"OpusTags" + comments("AIGC=" + "x" * 1000)
    for at in range(0, len(data), 255):
        part = data[at : at + 255]
        segments.append(
            page(
                len(segments),
                part,
                lacing=bytes([len(part)]),
                flags=1 if at else 0,
                granule=-1 if len(part) == 255 else 0,
            )
        )
    segments.append(page(len(segments), b"sound", granule=960, flags=4))
    assert write(b"".join(segments), aigc=None) == b"".join(
        (page(0, OPUS_HEAD, flags=2), page(1, b"OpusTags" + comments()), page(2, b"sound", granule=960, flags=4))
    )


def test_a_damaged_page_is_not_given_a_new_checksum():
    content = bytearray(vorbis("TITLE=kept"))
    content[-1] ^= 1
    with pytest.raises(MalformedMedia) as caught:
        write(bytes(content), place="x" * 200_000)
    assert caught.value.code == "ogg-checksum"


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        opus("AIGC={1}") + opus("AIGC={2}", serial=8),
        page(0, OPUS_HEAD, flags=2)
        + page(0, b"fishead\0" + bytes(56), flags=2, serial=9)
        + opus("AIGC={1}")[len(page(0, OPUS_HEAD)) :],
    ],
    ids=["chained", "side by side"],
)
def test_several_streams_are_read_and_refused(content, known):
    assert stated(content) == [("aigc", "{1}")]
    with pytest.raises(MetadataNotWritten) as caught:
        write(content, known=known, aigc=AIGC)
    assert caught.value.code == "ogg-several-streams"
    assert write(content, known=known, place=None) == content


def test_video_and_unknown_codecs_are_refused_by_name():
    video = page(0, PICTURE_HEAD, flags=2) + page(0, OPUS_HEAD, flags=2, serial=8)
    assert refusal(UnsupportedFormat, video, OGG) == "ogg-holds-pictures"
    assert refusal(UnsupportedFormat, page(0, b"PCM     " + bytes(20), flags=2), OGG) == "ogg-codec-unknown"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (opus()[:-1], "ogg-truncated"),
        (opus()[:20], "ogg-truncated"),
        (opus()[: len(page(0, OPUS_HEAD))], "ogg-truncated"),
        (opus().replace(b"OggS", b"OggX", 2).replace(b"OggX", b"OggS", 1), "ogg-damaged"),
        (opus().replace(b"kept", b"Kept"), "ogg-checksum"),
        (opus(numbers=(0, 2, 3, 4)), "ogg-damaged"),
        (page(0, OPUS_HEAD, flags=2) + page(1, b"OpusTags" + comments(), granule=5), "ogg-damaged"),
        (page(0, OPUS_HEAD, flags=2) + page(1, b"OpusTags" + comments(), flags=1), "ogg-damaged"),
        (page(0, OPUS_HEAD, flags=2) + page(1, b"", lacing=b""), "ogg-damaged"),
        (page(0, OPUS_HEAD, flags=2) + page(1, b"OtherTag" + comments()), "ogg-damaged"),
        (page(0, OPUS_HEAD, flags=2) + page(1, b"OpusTags\xff\xff\xff\xff"), "vorbis-comment-damaged"),
        (page(0, OPUS_HEAD, flags=2) + page(1, b"OpusTags" + counted(b"")), "vorbis-comment-damaged"),
        (page(0, OPUS_HEAD, flags=2) + page(1, b"OpusTags" + counted(b"") + b"\1\0\0\0"), "vorbis-comment-damaged"),
        (
            page(0, OPUS_HEAD, flags=2) + page(1, b"OpusTags" + counted(b"") + b"\xff\xff\xff\xff"),
            "vorbis-comment-damaged",
        ),
        (opus() + b"behind", "ogg-damaged"),
    ],
)
def test_a_damaged_file_is_refused(content, code):
    assert refusal(MalformedMedia, content) == code
    with pytest.raises(MalformedMedia):
        write(content, aigc=AIGC)


def test_comments_of_flac_must_fill_their_block():
    first = page(0, b"\x7fFLAC\1\0\0\1fLaC\0\0\0\x22" + bytes(34), flags=2)
    for block in (b"\x84\0\0\7" + comments(), b"\x81\0\0\0"):
        assert refusal(MalformedMedia, first + page(1, block, flags=4), OGG) == "ogg-damaged"


def test_a_known_file_that_lost_its_end_is_refused():
    with pytest.raises(MalformedMedia) as caught:
        write(opus()[:-1], known=True, aigc=AIGC)
    assert caught.value.code == "ogg-truncated"


def test_one_handler_does_not_read_the_files_of_the_other():
    assert (OPUS.sniff(opus()), OGG.sniff(opus()), OPUS.sniff(vorbis()), OGG.sniff(vorbis())) == (
        True,
        False,
        False,
        True,
    )
    assert refusal(MalformedMedia, opus(), OGG) == refusal(MalformedMedia, vorbis(), OPUS) == "ogg-damaged"
    assert not OGG.sniff(b"OggS")
    assert not OGG.sniff(b"fLaC" + bytes(40))


def test_a_stream_that_does_not_end_is_named():
    content = opus()
    unended = content[: -len(page(3, b"more"))]
    assert (read(content).warnings, read(unended).warnings) == ((), ("ogg-not-ended",))
    assert stated(write(unended, aigc=AIGC)) == [("aigc", AIGC)]


def test_what_is_too_large_to_hold_is_refused():
    with pytest.raises(MediaTooLarge):
        write(opus(), place="x" * 10_000_001)
    data = b"OpusTags" + comments() + bytes(11_000_000)
    parts = [page(0, OPUS_HEAD, flags=2)]
    for at in range(0, len(data), 65025):
        part = data[at : at + 65025]
        lacing = b"\xff" * (len(part) // 255) + (bytes([len(part) % 255]) if len(part) < 65025 else b"")
        head = (
            struct.pack("<4sBBqIII", b"OggS", 0, 1 if at else 0, -1, 7, len(parts), 0) + bytes([len(lacing)]) + lacing
        )
        parts.append(head[:22] + ogg._checksum(head + part).to_bytes(4, "little") + head[26:] + part)
    assert refusal(MediaTooLarge, b"".join(parts), whole=False) == "metadata-too-large"


@pytest.mark.parametrize("carrier", ["exif", "xmp"])
def test_there_is_no_place_for_exif_and_xmp(carrier):
    with pytest.raises(MetadataNotWritten) as caught:
        OPUS.write(io.BytesIO(opus()), io.BytesIO(), **{"exif": None, "xmp": None, carrier: b"<x/>"})
    assert caught.value.code == "vorbis-comment-only"


CODECS = {
    "vorbis": (".ogg", "-c:a", "libvorbis", "-ar", "44100"),
    "opus": (".opus", "-c:a", "libopus", "-ar", "48000"),
    "flac": (".oga", "-c:a", "flac"),
    "speex": (".spx", "-c:a", "libspeex"),
}


@pytest.fixture(params=CODECS)
def encoded(request, tmp_path):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    suffix, *options = CODECS[request.param]
    path = tmp_path / f"in{suffix}"
    sound = "sine=frequency=440:sample_rate=8000:duration=2"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", sound, "-metadata", "title=kept", *options, path], check=True
    )
    return path


def output(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def sound_of(path):
    return output("ffmpeg", "-v", "error", "-i", path, "-f", "md5", "-")


@pytest.mark.parametrize("place", ["成都", "成都" * 50_000], ids=["same pages", "more pages"])
def test_other_readers_find_the_statements_and_the_same_sound(encoded, place):
    labelled = encoded.with_stem("out")
    labelled.write_bytes(write(encoded.read_bytes(), aigc=AIGC, place=place))
    assert sound_of(labelled) == sound_of(encoded)
    probed = json.loads(output("ffprobe", "-v", "error", "-of", "json", "-show_streams", labelled))
    tags = {key.upper(): value for key, value in probed["streams"][0]["tags"].items()}
    assert (tags["AIGC"], tags["LOCATION"], tags["TITLE"]) == (AIGC, place, "kept")
    if encoded.suffix in {".ogg", ".opus"}:
        shown = json.loads(output("exiftool", "-j", labelled))[0]
        assert (shown["Aigc"], shown["Title"]) == (AIGC, "kept")
        assert "001191510100MA0EXAMP0D10001" in output("mediainfo", "-f", labelled).decode()


def test_mutagen_reads_the_statements(encoded):
    mutagen = pytest.importorskip("mutagen", reason="mutagen is not installed")
    labelled = encoded.with_stem("out")
    labelled.write_bytes(write(encoded.read_bytes(), **FIELDS))
    tags = mutagen.File(labelled).tags
    assert (tags["aigc"], tags["title"], tags["location"]) == ([AIGC], ["kept"], [FIELDS["place"], FIELDS["position"]])


def test_a_cover_and_every_page_of_sound_stay(encoded):
    mutagen = pytest.importorskip("mutagen", reason="mutagen is not installed")
    made = mutagen.File(encoded)
    made["METADATA_BLOCK_PICTURE"] = "QUJD" * 40_000
    made.save()
    before = encoded.read_bytes()
    after = write(before, aigc=AIGC)
    sound = [each for each in pages_of(before) if each.granule > 0]
    assert all(before[each.start : each.end] in after for each in sound)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, encoded.name)
        path.write_bytes(after)
        assert mutagen.File(path)["metadata_block_picture"] == ["QUJD" * 40_000]
