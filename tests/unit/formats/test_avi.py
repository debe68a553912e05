import io
import json
import shutil
import struct
import subprocess
import time

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats.handlers import avi

AIGC = '{"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"clip-1"}'
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="成都"/></rdf:RDF></x:xmpmeta>'
).encode()


def chunk(kind, data, size=None):
    return kind + struct.pack("<I", len(data) if size is None else size) + data + bytes(len(data) % 2)


def lists(kind, *chunks):
    return chunk(b"LIST", kind + b"".join(chunks))


def riff(*chunks, kind=b"AVI "):
    return chunk(b"RIFF", kind + b"".join(chunks))


MAIN = chunk(b"avih", bytes(32) + struct.pack("<II", 96, 64) + bytes(16))
HEADER = lists(b"hdrl", MAIN)
MOVI = lists(b"movi", chunk(b"00dc", bytes(range(256))), chunk(b"01wb", b"odd"))
INDEX = chunk(b"idx1", bytes(32))
TITLE = chunk(b"INAM", b"kept\0")
ELEMENT = chunk(b"AIGC", AIGC.encode() + b"\0")
XMP = chunk(b"_PMX", PACKET)


def junk(size):
    return chunk(b"JUNK", bytes(size))


def read(content):
    return avi.read(io.BytesIO(content))


def write(content, *, xmp=None, **fields):
    out = io.BytesIO()
    avi.write(io.BytesIO(content), out, exif=None, xmp=xmp, fields=fields)
    return out.getvalue()


def elements(content):
    return [(each.value, each.slot) for each in read(content).fields]


def test_a_list_of_texts_grows_into_the_junk_behind_it():
    content = riff(HEADER, lists(b"INFO", TITLE), junk(500), MOVI, INDEX)
    room = 500 - len(ELEMENT)
    assert write(content, aigc=AIGC) == riff(HEADER, lists(b"INFO", TITLE, ELEMENT), junk(room), MOVI, INDEX)


def test_a_list_that_fills_the_junk_leaves_none():
    content = riff(HEADER, lists(b"INFO", TITLE), junk(len(ELEMENT) - 8), MOVI, INDEX)
    assert write(content, aigc=AIGC) == riff(HEADER, lists(b"INFO", TITLE, ELEMENT), MOVI, INDEX)


def test_other_junk_before_the_pictures_holds_a_list_of_its_own():
    new = lists(b"INFO", ELEMENT)
    content = riff(HEADER, junk(10), junk(300), MOVI, INDEX)
    assert write(content, aigc=AIGC) == riff(HEADER, junk(10), new, junk(300 - len(new)), MOVI, INDEX)


@pytest.mark.parametrize("before", [(), (junk(10),), (chunk(b"JUNK", b"notes of the maker" * 30),)])
def test_without_empty_junk_a_list_stands_behind_everything(before):
    content = riff(HEADER, *before, MOVI, INDEX)
    assert write(content, aigc=AIGC) == riff(HEADER, *before, MOVI, INDEX, lists(b"INFO", ELEMENT))


def test_notes_in_junk_survive_beside_what_takes_its_empty_front():
    content = riff(HEADER, chunk(b"JUNK", bytes(400) + b"notes of the maker"), MOVI, INDEX)
    labelled = write(content, aigc=AIGC)
    assert elements(labelled) == [(AIGC, "riff-info")]
    assert (len(labelled), labelled.count(b"notes of the maker")) == (len(content), 1)
    assert labelled[labelled.index(MOVI) :] == content[content.index(MOVI) :]


def test_the_packet_stands_behind_everything_and_is_replaced_there():
    content = riff(HEADER, junk(9000), MOVI, INDEX)
    once = write(content, xmp=b"<old/>")
    assert once == riff(HEADER, junk(9000), MOVI, INDEX, chunk(b"_PMX", b"<old/>"))
    assert write(once, xmp=PACKET) == riff(HEADER, junk(9000), MOVI, INDEX, XMP)


def test_a_packet_before_the_pictures_is_erased_unless_the_new_one_fits():
    old = chunk(b"_PMX", b"<old/>" * 4)
    content = riff(HEADER, old, MOVI, INDEX)
    assert write(content, xmp=PACKET) == riff(HEADER, junk(24), MOVI, INDEX, XMP)
    assert write(content, xmp=b"<n/>") == riff(HEADER, chunk(b"_PMX", b"<n/>"), junk(12), MOVI, INDEX)
    assert write(content, xmp=b"<new/>" * 4) == riff(HEADER, chunk(b"_PMX", b"<new/>" * 4), MOVI, INDEX)


def test_two_packets_are_refused():
    content = riff(HEADER, XMP, MOVI, XMP)
    assert (read(content).xmp_count, read(content).warnings) == (2, ("xmp-repeated",))
    with pytest.raises(MetadataNotWritten) as caught:
        write(content, xmp=PACKET)
    assert caught.value.code == "xmp-repeated"


def test_one_element_is_left_wherever_they_were():
    old = chunk(b"aigc", b"{1}\0")
    content = riff(
        HEADER, lists(b"INFO", old, TITLE), MOVI, chunk(b"AIGC", b"{2}"), lists(b"INFO", chunk(b"AIGC", b"{3}\0"))
    )
    assert elements(content) == [("{1}", "riff-info"), ("{3}", "riff-info"), ("{2}", "riff-chunk")]
    gone = junk(len(old) - 8)
    assert write(content, aigc=None) == riff(HEADER, lists(b"INFO", TITLE), gone, MOVI)
    assert write(content, aigc=AIGC) == riff(HEADER, lists(b"INFO", TITLE), gone, MOVI, lists(b"INFO", ELEMENT))


def test_nothing_stays_legible_of_what_is_removed():
    content = riff(HEADER, lists(b"INFO", ELEMENT), chunk(b"AIGC", AIGC.encode()), MOVI, INDEX)
    removed = write(content, aigc=None)
    assert len(removed) == len(content)
    assert b"ProduceID" not in removed
    assert elements(removed) == []


def test_what_is_there_already_changes_nothing():
    content = riff(HEADER, lists(b"INFO", chunk(b"AIGC", AIGC.encode() + b"\0\0\0")), MOVI, INDEX)
    assert write(content, aigc=AIGC) == content
    assert write(content, aigc=AIGC, xmp=PACKET) == riff(
        HEADER, lists(b"INFO", chunk(b"AIGC", AIGC.encode() + b"\0\0\0")), MOVI, INDEX, XMP
    )


def test_a_damaged_list_of_texts_stays_as_it_is():
    damaged = chunk(b"LIST", b"INFOINAM\xff\xff\0\0")
    content = riff(HEADER, damaged, MOVI, INDEX)
    assert elements(content) == []
    assert write(content, aigc=AIGC) == riff(HEADER, damaged, MOVI, INDEX, lists(b"INFO", ELEMENT))


def super_index(*entries):
    packed = b"".join(struct.pack("<QII", *each) for each in entries)
    return chunk(b"indx", struct.pack("<HBBI4s12x", 4, 0, 0, len(entries), b"00dc") + packed)


def in_parts(*, last=(), before=(), at=None):
    def header(offset):
        return lists(b"hdrl", MAIN, lists(b"strl", chunk(b"strh", bytes(56)), super_index((offset, 32, 1))))

    first = riff(header(0), *before, MOVI, INDEX)
    second = riff(lists(b"movi", chunk(b"ix00", bytes(24))), *last, kind=b"AVIX")
    first = riff(header(len(first) + 24 if at is None else at), *before, MOVI, INDEX)
    return first + second


def test_of_several_riffs_the_last_one_grows_and_no_offset_changes():
    assert write(in_parts(), aigc=AIGC, xmp=PACKET) == in_parts(last=(lists(b"INFO", ELEMENT), XMP))
    new = lists(b"INFO", ELEMENT)
    content = in_parts(before=(junk(400),))
    assert write(content, aigc=AIGC, xmp=PACKET) == in_parts(before=(new, junk(400 - len(new))), last=(XMP,))
    assert read(content).unsignable == "avi-index-would-break"


def test_a_file_that_its_index_knows_to_be_longer_is_refused():
    content = in_parts()
    first = content[: 8 + struct.unpack_from("<I", content, 4)[0]]
    for cut in (first, content[: len(first) + 5]):
        with pytest.raises(MalformedMedia) as caught:
            write(cut, aigc=AIGC)
        assert caught.value.code == "riff-truncated"


def test_an_index_behind_the_pictures_does_not_move():
    index = chunk(b"ix00", bytes(24))
    content = riff(HEADER, MOVI, lists(b"INFO", TITLE), index, lists(b"INFO", TITLE))
    assert write(content, aigc=AIGC) == riff(HEADER, MOVI, lists(b"INFO", TITLE), index, lists(b"INFO", TITLE, ELEMENT))


def test_data_behind_the_riff_stay_there_and_forbid_a_manifest_inside():
    content = riff(HEADER, MOVI, INDEX)
    assert write(content + b"behind", aigc=AIGC) == riff(HEADER, MOVI, INDEX, lists(b"INFO", ELEMENT)) + b"behind"
    assert read(content + b"behind").unsignable == "riff-trailer-would-be-lost"
    assert read(content).unsignable is None


def test_the_size_of_the_picture_and_a_manifest_are_seen():
    found = read(riff(HEADER, MOVI, chunk(b"C2PA", b"jumb")))
    assert (found.width, found.height, found.has_manifest) == (96, 64, True)


def test_a_full_riff_is_refused_before_anything_is_written(tmp_path):
    path, size = tmp_path / "large.avi", 0xFFFFFFF0 - len(HEADER) - 4
    with path.open("xb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", 4 + len(HEADER) + 8 + size, b"AVI ") + HEADER)
        file.write(struct.pack("<4sI4s", b"LIST", size, b"movi"))
        file.truncate(12 + len(HEADER) + 8 + size)
    out = io.BytesIO()
    with path.open("rb") as file, pytest.raises(MetadataNotWritten) as caught:
        avi.write(file, out, exif=None, xmp=None, fields={"aigc": AIGC})
    assert (caught.value.code, out.getvalue()) == ("riff-full", b"")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (riff(HEADER, MOVI)[:-1], "riff-truncated"),
        (b"RIFF\0\0\0\0AVI LIST", "riff-damaged"),
        (riff(HEADER), "avi-damaged"),
        (riff(MOVI), "avi-damaged"),
        (riff(lists(b"hdrl"), MOVI), "avi-damaged"),
        (riff(lists(b"hdrl", chunk(b"strh", bytes(56))), MOVI), "avi-damaged"),
        (riff(lists(b"hdrl", chunk(b"avih", bytes(20))), MOVI), "riff-truncated"),
        (riff(HEADER, chunk(b"LIST", b"movi", 1 << 20)), "riff-truncated"),
        (riff(HEADER, MOVI, kind=b"WAVE"), "avi-damaged"),
        (in_parts(at=1 << 40), "riff-truncated"),
        (riff(HEADER, MOVI) + riff(kind=b"AVIX") * 200_000, "riff-damaged"),
    ],
)
def test_a_damaged_file_is_refused(content, code):
    for attempt in (read, lambda each: write(each, aigc=AIGC)):
        with pytest.raises(MalformedMedia) as caught:
            attempt(content)
        assert caught.value.code == code


@pytest.mark.parametrize("index", [b"", bytes(30), struct.pack("<HBBI4s12x", 3, 0, 1, 9, b"00dc") + b"\xff" * 80])
def test_an_index_of_another_kind_says_nothing(index):
    header = lists(b"hdrl", MAIN, lists(b"strl", chunk(b"indx", index)))
    assert elements(write(riff(header, MOVI), aigc=AIGC)) == [(AIGC, "riff-info")]


def test_what_is_too_large_to_hold_is_refused():
    content = riff(HEADER, MOVI, INDEX)
    for changes in ({"xmp": bytes(10_000_001)}, {"aigc": "x" * 10_000_001}):
        with pytest.raises(MediaTooLarge):
            write(content, **changes)
    many = [chunk(b"AIGC", bytes(4_000_000))] * 3
    for each in (chunk(b"_PMX", bytes(10_000_001)), b"".join(many), b"".join(lists(b"INFO", one) for one in many)):
        with pytest.raises(MediaTooLarge):
            read(riff(HEADER, MOVI, each))
    assert read(riff(HEADER, MOVI, chunk(b"LIST", b"INFO" + chunk(b"INAM", bytes(10_000_001))))).fields == ()


def test_there_is_no_place_for_exif():
    with pytest.raises(MetadataNotWritten) as caught:
        avi.write(io.BytesIO(riff(HEADER, MOVI)), io.BytesIO(), exif=b"II", xmp=None)
    assert caught.value.code == "riff-holds-no-exif"


def output(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def test_other_readers_find_the_statements_and_the_same_pictures(tmp_path):
    source, labelled = tmp_path / "in.avi", tmp_path / "out.avi"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1")
    output("ffmpeg", "-v", "error", *picture, "-metadata", "title=kept", source)
    labelled.write_bytes(write(source.read_bytes(), aigc=AIGC, xmp=PACKET))
    streams = [
        output("ffmpeg", "-v", "error", "-i", each, "-c", "copy", "-f", "framehash", "-") for each in (source, labelled)
    ]
    assert streams[0] == streams[1]
    probed = json.loads(output("ffprobe", "-v", "error", "-of", "json", "-show_format", labelled))["format"]["tags"]
    assert (probed["AIGC"], probed["title"]) == (AIGC, "kept")
    assert "001191510100MA0EXAMP0D10001" in output("mediainfo", "-f", labelled).decode()
    tags = json.loads(output("exiftool", "-j", "-G1", "-a", labelled))[0]
    assert (tags["XMP-dc:Source"], tags["RIFF:Title"]) == ("成都", "kept")


def test_signing_keeps_every_byte(sdk, trust, tmp_path):
    source, target = tmp_path / "in.avi", tmp_path / "out.avi"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1")
    output("ffmpeg", "-v", "error", *picture, "-metadata", "title=kept", source)
    sdk.attach_media(
        source, {"origin": "self-shot", "draw": [], "labels": [{"kind": "fiction", "form": "staged"}]}, into=target
    )
    before, after = source.read_bytes(), target.read_bytes()
    assert sdk.verify(target, trust=trust).files[0].manifest.state == "trusted"
    assert after[8:].startswith(before[8:])
    assert read(after).has_manifest


def test_a_manifest_stays_outside_where_the_binding_would_change_chunks():
    odd = chunk(b"LIST", b"movi00dc\3\0\0\0odd")
    assert read(riff(HEADER, odd, INDEX)).unsignable == "riff-would-be-rearranged"


def old_index(*entries):
    return chunk(b"idx1", b"".join(struct.pack("<4sIII", b"00dc", 16, *each) for each in entries))


def new_index(base, *entries, kind=b"ix00"):
    packed = b"".join(struct.pack("<II", *each) for each in entries)
    return chunk(kind, struct.pack("<HBBI4sQ4x", 2, 0, 1, len(entries), b"00dc", base) + packed)


MOVI_AT = len(riff(HEADER)) + 8  # where its type stands
MOVI_SIZE = len(MOVI) - 8


@pytest.mark.parametrize(
    ("entries", "sound"),
    [
        ([(4, 256), (268, 3)], True),
        ([(MOVI_AT + 4, 256), (MOVI_AT + 268, 3)], True),
        ([(4, 256), (1 << 31, 0)], True),  # a picture that was left out
        ([(MOVI_SIZE - 8 - 4, 4)], True),
        ([(4, 256), (MOVI_SIZE - 8 - 4, 5)], False),
        ([(4, 256), (MOVI_SIZE, 3)], False),
        ([(4, 256), (MOVI_AT + 268, 3)], False),  # from the list and from the start of the file
        ([(4, 256)] * 9_000 + [(0xFFFFFFFF, 0xFFFFFFFF)] + [(4, 256)] * 9_000, False),
    ],
)
def test_an_index_names_nothing_outside_the_pictures(entries, sound):
    content = riff(HEADER, MOVI, old_index(*entries), lists(b"INFO", TITLE))
    refuse_unless(sound, content)


def refuse_unless(sound, content):
    if sound:
        assert elements(write(content, aigc=AIGC)) == [(AIGC, "riff-info")]
        return
    with pytest.raises(MalformedMedia) as caught:
        read(content)
    assert caught.value.code == "riff-damaged"
    assert avi.read(io.BytesIO(content), whole=False).format == "avi"  # of one just written from a sound one


@pytest.mark.parametrize(
    ("base", "entries", "sound"),
    [
        (0, [(12, 0x80000000 | 256), (276, 3)], True),
        (4, [(8, 256)], True),
        (0, [(12, 256), (0xFFFFFFFF, 0)], True),
        (0, [(12, 0x7FFFFFFF)], False),
        (1 << 63, [(12, 256)], False),
        (-20, [(12, 256)], False),
    ],
)
@pytest.mark.parametrize("beside", [True, False])
def test_an_index_of_opendml_names_nothing_outside_the_pictures(base, entries, sound, beside):
    def film(start):
        index = new_index(max(0, start + base), *entries, kind=b"ix00" if beside else b"indx")
        top = super_index((start + len(MOVI) - 8, len(index), 1)) if beside else index
        header = lists(b"hdrl", MAIN, lists(b"strl", chunk(b"strh", bytes(56)), top))
        return riff(header, MOVI, *([index] if beside else [])), len(riff(header)) + 8

    refuse_unless(sound, film(film(0)[1])[0])


def test_an_index_of_indexes_names_indexes_and_each_once():
    def film(*entries):
        header = lists(b"hdrl", MAIN, lists(b"strl", chunk(b"strh", bytes(56)), super_index(*entries)))
        return riff(header, MOVI, chunk(b"ix00", bytes(24))), len(riff(header, MOVI))

    refuse_unless(True, film((film((0, 0, 0))[1], 32, 1))[0])
    refuse_unless(False, film((film((0, 0, 0))[1] - 1, 32, 1))[0])
    refuse_unless(False, film(*[(film(*[(0, 0, 0)] * 90)[1], 32, 1)] * 90)[0])


def test_half_a_million_entries_are_looked_through_at_once():
    content = riff(HEADER, MOVI, chunk(b"idx1", struct.pack("<4sIII", b"00dc", 16, 4, 256) * 500_000))
    start = time.process_time()
    assert read(content).format == "avi"
    assert time.process_time() - start < 5
