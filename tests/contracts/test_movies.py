"""Films labelled in a copy: what moves and what does not, and what other people's readers see afterwards."""

import io
import json
import shutil
import subprocess

import pytest

from provenance.formats import registry

from .media import SOUND, ffmpeg, packets
from .samples_images import XMP
from .samples_movies import FILM, PACKET, SAMPLES, box, boxes, in_index, keyed
from .samples_sound import SAME

FILMS = {f"{name}-{sample}": content for name, build in SAMPLES.items() for sample, content in build()}
FIELDS = {
    "aigc": SAME.decode(),
    "captured_at": "2026-05-01T08:30:00+08:00",
    "place": "成都",
    "position": "+30.2741+120.1551/",
}
KEYS = {
    "AIGC": SAME.decode(),
    "com.apple.quicktime.creationdate": "2026-05-01T08:30:00+0800",
    "com.apple.quicktime.location.name": "成都",
    "com.apple.quicktime.location.ISO6709": "+30.2741+120.1551/",
}
by_film = pytest.mark.parametrize("name", sorted(FILMS))
needs = {
    tool: pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")
    for tool in ("mediainfo", "exiftool")
}


def write(content, *, xmp=None, **fields):
    out = io.BytesIO()
    film(content).write_fields(io.BytesIO(content), out, exif=None, xmp=xmp, fields=fields)
    return out.getvalue()


def read(content):
    return film(content).read(io.BytesIO(content))


def film(content):
    return next(each for each in registry.handlers() if each.sniff(content[:512]))


def kinds(content):
    return [kind for kind, _ in boxes(content)]


def starts(content, wanted):
    found, at = [], 0
    for kind, raw in boxes(content):
        if kind == wanted:
            found.append(at)
        at += len(raw)
    return found


def probed(content, tmp_path, *show):
    path = tmp_path / "film"
    path.write_bytes(content)
    run = subprocess.run(["ffprobe", "-v", "error", *show, "-of", "json", str(path)], capture_output=True, check=True)
    return json.loads(run.stdout)


@by_film
def test_packets_and_chapters_are_the_same_and_the_film_says_each_thing_once(name, tmp_path):
    before = FILMS[name]
    after = write(before, xmp=XMP % b"new", **FIELDS)
    assert packets(after, ".mp4") == packets(before, ".mp4")
    chapters = [probed(each, tmp_path, "-show_chapters") for each in (before, after)]
    assert chapters[0] == chapters[1]
    found = read(after)
    assert sorted((each.name, each.value) for each in found.fields) == sorted(FIELDS.items())
    assert (found.xmp, found.xmp_count) == (XMP % b"new", 1)
    assert write(after, xmp=XMP % b"new", **FIELDS) == after


@by_film
def test_ffprobe_finds_what_was_written_and_what_was_there(name, tmp_path):
    before, after = (
        probed(each, tmp_path, "-show_format")["format"]["tags"] for each in (FILMS[name], write(FILMS[name], **FIELDS))
    )
    assert after == {**before, **KEYS}


@needs["exiftool"]
@by_film
def test_exiftool_finds_what_was_written(name, exiftool, tmp_path):
    path = tmp_path / "film"
    path.write_bytes(FILMS[name])
    before = exiftool(path, options=("-G1", "-a", "-n"))
    path.write_bytes(write(FILMS[name], xmp=XMP % b"new", **FIELDS))
    found = exiftool(path, options=("-G1", "-a", "-n"))
    assert json.loads(found["Keys:AIGC"]) == json.loads(SAME)
    assert found["Keys:CreationDate"] == "2026:05:01 08:30:00+08:00"
    assert found["Keys:GPSCoordinates"].startswith("30.2741 120.1551")
    assert found["Keys:LocationName"] == "成都"
    assert found["XMP-photoshop:Source"] == "new"
    assert found.get("ExifTool:Warning") == before.get("ExifTool:Warning")


@needs["mediainfo"]
@by_film
def test_mediainfo_finds_what_was_written_and_the_same_streams(name, tmp_path):
    streams = []
    for content in (FILMS[name], write(FILMS[name], **FIELDS)):
        path = tmp_path / "film.mp4"
        path.write_bytes(content)
        run = subprocess.run(["mediainfo", "--Output=JSON", str(path)], capture_output=True, check=True)
        general, *tracks = json.loads(run.stdout)["media"]["track"]
        streams.append(tracks)
    assert streams[0] == streams[1]
    assert "ContentProducer" in json.dumps(general)


def test_mutagen_still_finds_title_and_cover_of_an_m4a(tmp_path):
    mp4 = pytest.importorskip("mutagen.mp4")
    path = tmp_path / "sound.m4a"
    found = []
    for content in (FILMS["m4a-full"], write(FILMS["m4a-full"], xmp=XMP % b"new", **FIELDS)):
        path.write_bytes(content)
        found.append(mp4.MP4(path))
    assert found[0].tags == found[1].tags
    assert found[1].tags["\xa9nam"] == ["标题"]


@pytest.mark.parametrize("name", ["mp4-full", "mov-first", "m4a-full"])
def test_an_index_in_front_stays_there_and_media_move_by_whole_pages_once(name):
    before = FILMS[name]
    once = write(before, xmp=XMP % b"new", **FIELDS)
    twice = write(once, xmp=XMP % b"NEW", **{**FIELDS, "place": "杭州市", "position": None})
    places = [starts(each, b"mdat")[0] for each in (before, once, twice)]
    assert kinds(once).index(b"moov") < kinds(once).index(b"mdat")
    assert (places[1] - places[0]) % 4096 == 0
    assert places[2] == places[1]
    assert len(twice) == len(once)


def test_room_that_is_there_is_used_before_anything_moves():
    for size in (8, 300, 2000, 1 << 20):
        parts = [raw for kind, raw in boxes(FILMS["mov-first"]) if kind != b"free"]
        content = with_room(parts, size)
        after = write(content, **FIELDS)
        moved = starts(after, b"mdat")[0] - starts(content, b"mdat")[0]
        assert moved == (0 if size > 900 else 4096)
        assert packets(after, ".mov") == packets(FILMS["mov-first"], ".mov")


def with_room(parts, size):
    """A film with a free box of `size` bytes behind its index; its offsets are made to fit by a change of nothing."""
    ftyp, moov, *others = parts
    probe = write(b"".join(parts), place="x")
    moov = next(raw for kind, raw in boxes(probe) if kind == b"moov")
    shift = starts(probe, b"mdat")[0] - (len(ftyp) + len(moov) + size + sum(map(len, others[:-1])))
    table = moov.find(b"stco")
    while table >= 0:
        count = int.from_bytes(moov[table + 8 : table + 12], "big")
        for at in range(table + 12, table + 12 + 4 * count, 4):
            moov = moov[:at] + (int.from_bytes(moov[at : at + 4], "big") - shift).to_bytes(4, "big") + moov[at + 4 :]
        table = moov.find(b"stco", table + 4)
    return b"".join([ftyp, moov, box(b"free", bytes(size - 8)), *others])


def test_nothing_moves_where_the_index_is_last():
    before = FILMS["mp4-last"]
    after = write(before, xmp=XMP % b"new", **FIELDS)
    place = starts(before, b"moov")[0]
    assert after[:place] == before[:place]
    assert kinds(after) == [*kinds(before), b"uuid"]


@pytest.mark.parametrize("name", ["mp4-fragments", "mp4-based", "mp4-dash"])
def test_every_index_of_fragments_follows_them(name):
    for content in (FILMS[name], write(FILMS[name], xmp=XMP % b"new", **FIELDS)):
        fragments = starts(content, b"moof")
        assert set(entries(content)) <= set(fragments)
        assert len(entries(content)) >= len(fragments)
        assert name != "mp4-dash" or segments(content)[0] == fragments[0]


def entries(content):
    """Where a table for random access says that fragments lie."""
    (mfra,) = (raw for kind, raw in boxes(content) if kind == b"mfra")
    found = []
    for kind, raw in boxes(mfra[8:]):
        if kind == b"tfra":
            wide = 8 if raw[8] else 4
            each = 2 * wide + 3
            count = int.from_bytes(raw[20:24], "big")
            found += [int.from_bytes(raw[24 + n * each + wide : 24 + n * each + 2 * wide], "big") for n in range(count)]
    return found


def segments(content):
    """Where each index of segments says that the first one lies."""
    indexes = [raw for kind, raw in boxes(content) if kind == b"sidx"]
    ends = [at + len(raw) for at, raw in zip(starts(content, b"sidx"), indexes, strict=True)]
    firsts = (int.from_bytes(raw[28:36] if raw[8] else raw[24:28], "big") for raw in indexes)
    return [end + first for end, first in zip(ends, firsts, strict=True)]


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "dash+global_sidx+frag_keyframe+default_base_moof"])
def test_a_fragmented_film_can_still_be_entered_in_the_middle(flags, tmp_path):
    content = ffmpeg(".mp4", *FILM, "-movflags", flags)
    seen = []
    for number, each in enumerate((content, write(content, xmp=XMP % b"new", **FIELDS))):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(each)
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-ss",
            "0.5",
            "-i",
            str(path),
            "-map",
            "0",
            "-c",
            "copy",
            "-f",
            "framehash",
            "-",
        ]
        seen.append(subprocess.run(command, capture_output=True, check=True).stdout)
    assert seen[0] == seen[1]
    assert seen[0].count(b"\n") > 10


def test_a_packet_goes_into_the_standard_place_and_replaces_the_one_that_is_there():
    bare = FILMS["mov-bare"]
    assert kinds(write(bare, xmp=XMP % b"new")) == kinds(bare)
    with_box = bare + box(b"uuid", PACKET, XMP % b"old")
    assert read(with_box).xmp == XMP % b"old"
    replaced = write(with_box, xmp=XMP % b"new")
    assert kinds(replaced) == kinds(with_box)
    assert replaced.count(b"photoshop:Source=") == 1
    inside = in_index(FILMS["mp4-bare"], box(b"udta", box(b"XMP_", XMP % b"old")))
    found = read(write(inside, xmp=XMP % b"new"))
    assert (found.xmp, found.xmp_count) == (XMP % b"new", 1)


def test_every_form_of_a_position_is_found_and_taken_out(exiftool, tmp_path):
    numbers = b"".join(round(each * 65536).to_bytes(4, "big", signed=True) for each in (120.1551, 30.2741, 7))
    loci = box(b"loci", bytes(4), b"\x15\xc7", "西湖".encode() + b"\0", b"\0", numbers, b"earth\0\0")
    text = b"+30.2741+120.1551/"
    xyz = box(b"\xa9xyz", len(text).to_bytes(2, "big"), b"\x15\xc7", text)
    accuracy = ("com.apple.quicktime.location.accuracy.horizontal", "4.7")
    named = ("com.apple.quicktime.location.name", "杭州")
    keys = [(key, text.decode()) for key in (KEYS_OF_POSITION)]
    content = in_index(
        ffmpeg(".mp4", *SOUND, "-c:a", "aac"),
        box(b"udta", xyz, loci, keyed([("location", "not a position"), *keys])),
        keyed([*keys, accuracy, named], plain=True),
    )
    content = with_track_data(content, box(b"udta", xyz, loci))
    found = [each.value for each in read(content).fields if each.name == "position"]
    assert len(found) == 2 * len(keys) + 4
    assert {each[:5] for each in found} == {"+30.2"}
    left = write(content, position=None)
    assert [each.name for each in read(left).fields] == ["place"]
    path = tmp_path / "film.mp4"
    path.write_bytes(left)
    tags = exiftool(path, options=("-ee", "-G1", "-a", "-n"))
    assert not [tag for tag in tags if "GPS" in tag or "Accuracy" in tag]
    assert text not in left
    assert b"not a position" in left
    moved = write(content, position="+31.2-121.5/")
    assert [(each.location, each.value) for each in read(moved).fields if each.name == "position"] == [
        ("moov.udta.meta:com.apple.quicktime.location.ISO6709", "+31.2-121.5/")
    ]


KEYS_OF_POSITION = ("com.apple.quicktime.location.ISO6709", "location.ISO6709", "location", "location-eng")


def with_track_data(content, udta):
    """A film whose index is last, with user data in its first track."""
    *others, (_, moov) = boxes(content)
    inner = [box(b"trak", raw[8:], udta) if kind == b"trak" else raw for kind, raw in boxes(moov[8:])]
    return b"".join(raw for _, raw in others) + box(b"moov", *inner)
