"""Whatever is written into Matroska: each position leads where it did, each packet stays, and other readers agree."""

import io
import json
import shutil
import subprocess
import zlib

import pytest

from provenance.errors import MetadataNotWritten
from provenance.formats import registry
from provenance.metadata import aigc

from . import samples_matroska
from .matroska_bytes import (
    BINARY,
    CLUSTER,
    CRC,
    CUE_CLUSTER,
    CUE_POINT,
    CUE_POSITIONS,
    CUE_REF_CLUSTER,
    CUE_REFERENCE,
    CUES,
    INFO,
    POSITION,
    SEEK_HEAD,
    SEGMENT,
    TAGS,
    TRACKS,
    VOID,
    check,
    checked,
    cluster,
    cues,
    element,
    endless,
    find,
    laid_out,
    number,
    read,
    seek_head,
    simple,
    tag,
    track,
    void,
)
from .media import packets

ELEMENT = aigc.encode(aigc.from_label("confirmed", "001191510100MA0EXAMP0D10001", "img-1"))
FIELDS = {"aigc": ELEMENT, "captured_at": "2026-05-01T08:30:00+08:00", "publisher": "新华社"}
PAGE = 4096
HEAD = (("info", element(INFO, element(0x2AD7B1, b"\x0f\x42\x40"))), ("tracks", element(TRACKS, track())))
OLD = element(TAGS, tag(simple("TITLE", "kept")))
CLUSTERS = tuple((f"c{number_of_it}", cluster(number_of_it)) for number_of_it in range(1, 4))
MADE = {
    (handler, name): content
    for handler, build in {
        **samples_matroska.SAMPLES,
        "webm live": samples_matroska.live_samples,
        "mkv sound": samples_matroska.sound_samples,
    }.items()
    for name, content in (build() if shutil.which("ffmpeg") else ())
}
by_sample = pytest.mark.parametrize("content", MADE.values(), ids=map(" ".join, MADE))


def handler_of(content):
    return next(each for each in registry.handlers() if each.sniff(content[:512]))


def write(content, **fields):
    out = io.BytesIO()
    handler_of(content).write_fields(io.BytesIO(content), out, exif=None, xmp=None, fields=fields)
    return out.getvalue()


def stated(content):
    return [(each.name, each.value) for each in handler_of(content).read(io.BytesIO(content)).fields]


def labelled(content):
    """Label a file, and show that it is sound, says so, and does not change when labelled again."""
    before = check(content)
    once = write(content, **FIELDS)
    assert [kind for kind in check(once) if kind not in {VOID, TAGS}] == [
        kind for kind in before if kind not in {VOID, TAGS}
    ]
    assert dict(stated(once)) == {**dict(stated(content)), **FIELDS}
    assert len({name for name, _ in stated(once)}) == len(stated(once))
    assert write(once, **FIELDS) == once
    check(write(once, **dict.fromkeys(FIELDS)))
    return once


def clusters_of(content):
    return [content[start:end] for start, _, end in find(content, CLUSTER)]


def starts(content):
    return [start for start, _, _ in find(content, CLUSTER)]


@by_sample
def test_every_position_and_packet_of_a_file_by_ffmpeg_holds(content):
    once = labelled(content)
    assert clusters_of(once) == clusters_of(content)
    assert packets(once, ".mkv") == packets(content, ".mkv")


@by_sample
def test_other_readers_show_the_element(content, tmp_path):
    labelled_file = tmp_path / "labelled.mkv"
    labelled_file.write_bytes(write(content, **FIELDS))
    run = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "json", labelled_file],
        capture_output=True,
        check=True,
    )
    assert json.loads(run.stdout)["format"]["tags"]["AIGC"] == ELEMENT
    if shutil.which("exiftool"):
        run = subprocess.run(["exiftool", "-j", "-G1", labelled_file], capture_output=True, check=True)
        shown = json.loads(run.stdout)[0]["Matroska:Aigc"]
        assert (json.loads(shown) if isinstance(shown, str) else shown) == json.loads(ELEMENT)
    if shutil.which("mediainfo"):
        run = subprocess.run(["mediainfo", "--Output=JSON", labelled_file], capture_output=True, check=True)
        assert json.loads(run.stdout)["media"]["track"][0]["extra"]["AIGC"] == ELEMENT


@by_sample
def test_ffmpeg_jumps_to_the_same_packet_by_the_index(content, tmp_path):
    (tmp_path / "before.mkv").write_bytes(content)
    (tmp_path / "after.mkv").write_bytes(write(content, **FIELDS))
    before, after = (
        subprocess.run(
            ["ffmpeg", "-v", "error", "-ss", "0.6", "-i", tmp_path / name, "-c", "copy", "-f", "framehash", "-"],
            capture_output=True,
            check=True,
        ).stdout
        for name in ("before.mkv", "after.mkv")
    )
    assert before == after


def test_a_void_behind_the_tags_takes_them_and_nothing_moves():
    content = laid_out(
        ("seek", seek_head(("tags", TAGS), ("cues", CUES))),
        *HEAD,
        ("tags", OLD),
        ("void", void(900)),
        *CLUSTERS,
        ("cues", cues("c1", "c3")),
    )
    once = labelled(content)
    assert len(once) == len(content)
    assert starts(once) == starts(content)


def test_another_void_in_front_takes_them_and_what_was_there_is_gone():
    place = tag(simple("LOCATION", "+39.9000+116.4000/"))
    content = laid_out(
        ("seek", seek_head(("tags", TAGS))),
        *HEAD,
        ("tags", element(TAGS, place)),
        ("cues", cues("c1")),
        ("void", void(900)),
        *CLUSTERS,
    )
    once = labelled(content)
    assert len(once) == len(content)
    assert once.count(b"+39.9000") == 1
    assert b"+39.9000" not in write(content, position=None)


def test_tags_in_front_stay_there_and_the_clusters_move_by_a_page():
    content = laid_out(
        ("seek", seek_head(("tags", TAGS), ("cues", CUES))),
        *HEAD,
        ("tags", OLD),
        ("cues", cues("c1", "c2", "c3")),
        *CLUSTERS,
    )
    once = labelled(content)
    assert [after - before for after, before in zip(starts(once), starts(content), strict=True)] == [PAGE] * 3
    changed = write(once, publisher="另一家新闻单位", record="{}" * 500)
    check(changed)
    assert starts(changed) == starts(once)  # the rest of the page takes the next change


def test_tags_that_were_not_there_come_before_the_clusters():
    content = laid_out(("seek", seek_head(("info", INFO))), *HEAD, *CLUSTERS, ("cues", cues("c1", "c2", "c3")))
    assert check(labelled(content))[3] == TAGS


def test_tags_at_the_end_grow_there_and_nothing_moves():
    content = laid_out(
        ("seek", seek_head(("tags", TAGS))), *HEAD, *CLUSTERS, ("cues", cues("c1")), ("tags", OLD), ("void", void(20))
    )
    once = labelled(content)
    assert starts(once) == starts(content)
    assert check(once)[-1] == TAGS


def test_what_follows_tags_behind_the_clusters_is_still_found():
    content = laid_out(
        ("seek", seek_head(("tags", TAGS), ("cues", CUES))), *HEAD, *CLUSTERS, ("tags", OLD), ("cues", cues("c1", "c2"))
    )
    once = labelled(content)
    assert starts(once) == starts(content)
    assert check(once)[-1] == CUES


def test_tags_between_clusters_move_only_those_behind():
    content = laid_out(
        ("seek", seek_head(("tags", TAGS))),
        *HEAD,
        CLUSTERS[0],
        ("tags", OLD),
        *CLUSTERS[1:],
        ("cues", cues("c1", "c2", "c3")),
    )
    once = labelled(content)
    assert [after - before for after, before in zip(starts(once), starts(content), strict=True)] == [0, PAGE, PAGE]


@pytest.mark.parametrize("length", [250, 65_000 - 2 * PAGE, 65_536 - 700, 65_536 - 600])
@pytest.mark.parametrize("in_front", [True, False])
def test_an_index_whose_positions_need_more_bytes_grows(length, in_front):
    far = [(f"c{each}", cluster(each, length=length)) for each in range(1, 5)]
    index = ("cues", cues("c1", "c2", "c3", "c4"))
    parts = (*HEAD, ("tags", OLD), index, *far) if in_front else (*HEAD, ("tags", OLD), *far, index)
    labelled(laid_out(("seek", seek_head(("tags", TAGS), ("cues", CUES), ("c4", CLUSTER))), *parts))


def test_references_in_the_index_follow_too():
    def index(where):
        reference = element(CUE_REFERENCE, element(CUE_REF_CLUSTER, number(where["c1"])))
        positions = element(
            CUE_POSITIONS,
            element(0xF7, b"\1"),
            element(CUE_CLUSTER, number(where["c2"])),
            element(0xEA, b"\0"),
            reference,
        )
        return checked(CUES, element(CUE_POINT, element(0xB3, b"\0"), positions))

    once = labelled(
        laid_out(
            ("seek", seek_head(("tags", TAGS), seek_checked=True)),
            *HEAD,
            ("tags", checked(TAGS, tag(simple("TITLE", "kept")))),
            ("cues", index),
            *CLUSTERS,
        )
    )
    assert find(once, 0xEA)
    _, data, end = find(once, 0xEA)[0]
    assert once[data:end] == b"\0"  # no codec state, which is not a position


def test_a_seek_head_without_room_pushes_what_follows():
    content = laid_out(("seek", seek_head(("info", INFO))), *HEAD, *CLUSTERS, ("cues", cues("c1")), ("tags", OLD))
    once = labelled(content)
    assert len(find(once, 0x4DBB)) == 2


def test_a_second_seek_head_is_kept_true():
    content = laid_out(
        ("seek", seek_head(("more", SEEK_HEAD))),
        ("void", void(60)),
        *HEAD,
        ("tags", OLD),
        *CLUSTERS,
        ("more", seek_head(("tags", TAGS), ("c2", CLUSTER))),
    )
    labelled(content)


def test_clusters_that_say_where_they_are_never_move():
    def stating(name, count):
        return lambda where: cluster(count, element(POSITION, number(where[name], 4)))

    said = [(f"c{count}", stating(f"c{count}", count)) for count in (1, 2)]
    content = laid_out(
        ("seek", seek_head(("tags", TAGS))), ("void", void(50)), *HEAD, ("tags", OLD), ("cues", cues("c1", "c2")), *said
    )
    once = labelled(content)
    assert starts(once) == starts(content)
    assert check(once)[-1] == TAGS
    cramped = laid_out(("seek", seek_head(("info", INFO))), *HEAD, *said, ("cues", cues("c1")))
    with pytest.raises(MetadataNotWritten, match="no room"):
        write(cramped, **FIELDS)


@pytest.mark.parametrize("width", [2, 4, 8])
def test_the_size_of_the_segment_grows_with_it(width):
    far = [("c1", cluster(1, length=15_000))]
    once = labelled(
        laid_out(("seek", seek_head(("tags", TAGS))), *HEAD, ("tags", OLD), *far, ("cues", cues("c1")), width=width)
    )
    assert {kind for kind, *_ in read(once, 0, len(once))} == {0x1A45DFA3, SEGMENT}


def test_a_segment_with_a_checksum_gets_a_new_one():
    content = laid_out(("crc", element(CRC, bytes(4))), ("tags", OLD), *HEAD, *CLUSTERS, ("cues", cues("c1")), width=8)
    body = content[content.index(element(CRC, bytes(4))) + 6 :]
    labelled(content.replace(element(CRC, bytes(4)), element(CRC, zlib.crc32(body).to_bytes(4, "little"))))


@pytest.mark.parametrize("open_clusters", [False, True])
@pytest.mark.parametrize("seekable", [False, True])
def test_live_files_say_it_in_front(open_clusters, seekable):
    parts = [
        (name, endless(CLUSTER, data[5 if data[4] & 0x80 else 6 :]) if open_clusters else data)
        for name, data in CLUSTERS
    ]
    seek = [("seek", seek_head(("tracks", TRACKS)))] if seekable else []
    content = laid_out(*seek, *HEAD, *parts, endless_segment=True, doc_type="webm")
    once = labelled(content)
    assert find(once, TAGS)[0][0] < starts(once)[0]
    assert clusters_of(once) == clusters_of(content)


def test_data_behind_the_segment_stay_there():
    content = laid_out(*HEAD, *CLUSTERS, ("tags", OLD), tail=b"something else")
    handler = handler_of(content)
    out = io.BytesIO()
    handler.write_fields(io.BytesIO(content), out, exif=None, xmp=None, fields=FIELDS)
    assert out.getvalue().endswith(b"something else")
    assert handler.read(io.BytesIO(out.getvalue())).warnings == ("matroska-data-after",)


def test_several_tags_elements_state_each_field_once():
    more = element(TAGS, tag(simple("PUBLISHER", "old"), simple("AIGC", "{}")))
    binary = element(
        TAGS, tag(simple("AIGC", "{}", kind=BINARY)), tag(simple("aigc", "{}"), targets=element(0x63C5, b"\1"))
    )
    content = laid_out(
        ("seek", seek_head(("t1", TAGS), ("t2", TAGS), ("t3", TAGS))),
        *HEAD,
        ("t1", more),
        ("t2", OLD),
        *CLUSTERS,
        ("t3", binary),
        ("cues", cues("c1", "c2")),
    )
    assert [value for name, value in stated(content) if name == "aigc"] == ["{}"] * 3
    once = labelled(content)
    assert check(once).count(TAGS) == 2  # of the third nothing was left


def test_a_page_is_filled_whatever_is_left_of_it():
    content = laid_out(("seek", seek_head(("tags", TAGS))), *HEAD, ("tags", OLD), *CLUSTERS, ("cues", cues("c1", "c2")))
    base = write(content, publisher="x" * 300)
    _, start, end = find(base, VOID)[0]
    for more in range(end - start - 3, end - start + 8):
        once = write(content, publisher="x" * (300 + more))
        check(once)
        assert (starts(once)[0] - starts(content)[0]) % PAGE == 0
        assert write(once, publisher="x" * (300 + more)) == once


def test_positions_keep_their_width():
    content = laid_out(
        ("seek", seek_head(("tags", TAGS), ("cues", CUES), width=8)),
        *HEAD,
        ("tags", OLD),
        *CLUSTERS,
        ("cues", cues("c1", "c2", "c3", width=8)),
    )
    once = labelled(content)
    assert [end - data for _, data, end in (*find(once, 0x53AC), *find(once, CUE_CLUSTER))] == [8] * 5


@pytest.mark.parametrize("left", range(6))
def test_tags_that_shrink_leave_a_void_of_any_size(left):
    for width in (1, 2, 8):
        old = element(TAGS, tag(simple("TITLE", "kept"), simple("PUBLISHER", "x" * (8 + left))), width=width)
        content = laid_out(("seek", seek_head(("tags", TAGS))), *HEAD, ("tags", old), *CLUSTERS, ("cues", cues("c1")))
        once = write(content, publisher="x" * 8)
        assert check(once)
        assert len(once) == len(content)


@pytest.mark.parametrize("said", [False, True])
@pytest.mark.parametrize("room", [0, 2000])
def test_several_tags_that_would_all_grow_take_one_place(said, room):
    first = element(TAGS, tag(simple("PUBLISHER", "a"), simple("TITLE", "kept")))
    second = element(TAGS, tag(simple("AIGC", "{}"), simple("GENRE", "kept too")), tag(simple("DATE_RECORDED", "2020")))
    stating = [
        (name, lambda where, name=name: cluster(1, element(POSITION, number(where[name], 4)))) for name in ("c1", "c2")
    ]
    content = laid_out(
        ("seek", seek_head(("t1", TAGS), ("t2", TAGS), ("cues", CUES))),
        ("gap", void(30)),
        ("t1", first),
        *HEAD,
        ("t2", second),
        ("cues", cues("c1", "c2")),
        *([("void", void(room))] if room else []),
        *(stating if said else CLUSTERS[:2]),
    )
    once = labelled(content)
    assert b"kept too" in once
