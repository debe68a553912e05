"""All that a muxer might drop goes over: boxes, tracks, tags, chapters, timed metadata, attachments, bit for bit."""

import shutil
import subprocess

import pytest

from provenance.formats import matroska_layout
from provenance.formats.ebml import Reader
from provenance.notices import layout
from provenance.notices.video import draw_video, probe, shown_at

from .films import Films

av = pytest.importorskip("av")

AROUND = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"tref", b"udta"}
# What speaks of samples or of where they lie; the samples themselves are compared as packets.
CHANGED = {b"stsz", b"stsd", b"ctts", b"sdtp", b"stco", b"co64", b"mdat"}
INFO, CHAPTERS, ATTACHMENTS, TAGS = 0x1549A966, 0x1043A770, 0x1941A469, 0x1254C367
CHAPTER_LIST = """;FFMETADATA1
title=kept
comment=also kept
[CHAPTER]
TIMEBASE=1/1
START=0
END=2
title=first
[CHAPTER]
TIMEBASE=1/1
START=2
END=5
title=second
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return Films(tmp_path_factory.mktemp("films"))


def drawn(source, folder):
    size = probe(source)
    target = folder / f"drawn{source.suffix}"
    times = shown_at(size.duration, ("start",), 2.0)
    notices = layout((("ai-generated", "AI生成"),), size.width, size.height)
    notices = [each.model_copy(update={"seconds": when}) for when in times for each in notices]
    assert draw_video(source, target, notices).media_change == "head"
    return target


def leaves(data, path=(), start=0, end=None):
    """Yield path and content of each box that holds no others which are known to."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind, head = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        size = size or end - start
        if kind in AROUND:
            yield from leaves(data, (*path, kind), start + head, start + size)
        else:
            yield (*path, kind), data[start + head : start + size]
        start += size


def streams(path):
    """Return for each stream that is not of pictures its packets, as libavformat reads them."""
    found = {}
    with av.open(str(path), metadata_errors="replace") as container:
        for packet in container.demux():
            if packet.stream.type != "video":
                found.setdefault(packet.stream_index, []).append((packet.pts, packet.dts, bytes(packet)))
    return found


def same_boxes(source, target):
    old, new = list(leaves(source.read_bytes())), list(leaves(target.read_bytes()))
    assert [path for path, _ in old] == [path for path, _ in new]
    changed = {path[-1] for (path, one), (_, other) in zip(old, new, strict=True) if one != other}
    assert changed <= CHANGED
    assert b"stsz" in changed
    return {path[-1] for path, _ in old}


@pytest.mark.parametrize("suffix", ["mov", "mp4"])
def test_boxes_and_tracks_of_a_film_go_over(films, tmp_path, suffix):
    plain, rich = films("h264-quicktime" if suffix == "mov" else "h264"), tmp_path / f"rich.{suffix}"
    (tmp_path / "chapters.txt").write_text(CHAPTER_LIST)
    spoken = films.folder / "spoken.srt"
    told = ["-i", plain, "-i", tmp_path / "chapters.txt", "-i", spoken, "-f", "lavfi", "-i", "color=red:s=64x64:d=1"]
    told += ["-map", "0", "-map", "2", "-map_metadata", "1", "-c", "copy", "-c:s", "mov_text"]
    if suffix == "mp4":
        told += ["-map", "3", "-c:v:1", "png", "-frames:v:1", "1", "-disposition:v:1", "attached_pic"]
    else:
        told += ["-movflags", "use_metadata_tags"]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *map(str, told), str(rich)], check=True)
    foreign = b"\0\0\0\x20uuid" + bytes(range(16)) + b"a secret"
    rich.write_bytes(rich.read_bytes() + foreign)
    target = drawn(rich, tmp_path)
    kinds = same_boxes(rich, target)
    assert {b"uuid", b"meta", b"gmhd" if suffix == "mov" else b"nmhd"} <= kinds
    assert streams(rich) == streams(target)
    assert len(streams(rich)) >= 3
    own = (b"tmcd", b"mdta") if suffix == "mov" else (b"covr", b"chpl")
    assert all(words in target.read_bytes() for words in (b"kept", b"second", b"spoken", *own))


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
def test_all_that_a_phone_wrote_goes_over(corpus, tmp_path):
    source = corpus / "video" / "with-gps.mov"
    target = drawn(source, tmp_path)
    assert b"meta" in same_boxes(source, target)
    assert streams(source) == streams(target)
    assert len(streams(source)) == 3
    said = [
        subprocess.run(
            ["exiftool", "-ee", "-a", "-G4", "-api", "largefilesupport=1", "--File:all", "--MediaDataSize", path],
            capture_output=True,
            check=True,
        ).stdout.splitlines()
        for path in (source, target)
    ]
    differing = [one for one, other in zip(*said, strict=True) if one != other]
    assert {one.split(b"]")[-1].split(b":")[0].strip() for one in differing} <= {b"Media Data Offset", b"Avg Bitrate"}
    assert any(b"GPS Coordinates" in line for line in said[1])


@pytest.mark.parametrize("name", ["h264-matroska", "h264-cues-first"])
def test_elements_and_tracks_of_a_segment_go_over(films, tmp_path, name):
    rich = tmp_path / "rich.mkv"
    (tmp_path / "chapters.txt").write_text(CHAPTER_LIST)
    (tmp_path / "font.ttf").write_bytes(bytes(range(256)) * 4)
    told = ["-i", films(name), "-i", tmp_path / "chapters.txt", "-i", films.folder / "spoken.srt"]
    told += ["-map", "0", "-map", "2", "-map_metadata", "1", "-c", "copy", "-attach", tmp_path / "font.ttf"]
    told += ["-metadata:s:t", "mimetype=font/ttf", *(["-cues_to_front", "1"] if name == "h264-cues-first" else [])]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *map(str, told), str(rich)], check=True)
    target = drawn(rich, tmp_path)
    assert elements(rich) == elements(target)
    assert set(elements(rich)) == {INFO, CHAPTERS, ATTACHMENTS, TAGS}
    assert streams(rich) == streams(target)
    assert len(streams(rich)) >= 2


def elements(path):
    """Return what describes a segment, by its kind."""
    with path.open("rb") as file:
        reader = Reader(file)
        seen = matroska_layout.read(reader)
        return {
            kind: [reader.content(each) for each in seen.of_kind(kind)] for kind in (INFO, CHAPTERS, ATTACHMENTS, TAGS)
        }
