import io
import tracemalloc

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, UnsupportedFormat
from provenance.formats import ebml
from provenance.formats.handlers import matroska

MKV, WEBM = matroska.HANDLERS
ELEMENT = '{"Label":"1","ContentProducer":"001191510100MA0EXAMP0D10001","ProduceID":"v-1"}'
EBML, SEGMENT, TAGS, TAG, TARGETS, SIMPLE = 0x1A45DFA3, 0x18538067, 0x1254C367, 0x7373, 0x63C0, 0x67C8
CLUSTER, TRACKS, SEEK_HEAD, VOID, ATTACHMENTS = 0x1F43B675, 0x1654AE6B, 0x114D9B74, 0xEC, 0x1941A469
TEN_MILLION = 10_000_000


def number(value):
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def element(kind, *parts, length=None):
    body = b"".join(parts)
    return number(kind) + (1 << 56 | (len(body) if length is None else length)).to_bytes(8, "big") + body


def header(doc_type=b"matroska", *more):
    return element(EBML, *more, element(0x4282, doc_type))


def file(*parts, doc_type=b"matroska"):
    return header(doc_type) + element(SEGMENT, *parts)


def simple(name, value, *nested):
    return element(SIMPLE, element(0x45A3, name.encode()), element(0x4487, value.encode()), *nested)


def tag(*simples, targets=b""):
    return element(TAGS, element(TAG, element(TARGETS, targets), *simples))


def track(kind, width=64, height=48):
    seen = element(0xE0, element(0xB0, number(width)), element(0xBA, number(height))) if width else b""
    return element(0xAE, element(0x83, number(kind)), seen)


CLUSTERS = element(CLUSTER, element(0xE7, b"\0"), element(0xA3, b"\x81\0\0\x80sound")) * 3
VIDEO = element(TRACKS, track(1), track(2, 0))


def read(content, handler=MKV):
    return handler.read(io.BytesIO(content))


def stated(content):
    return [(each.name, each.value, each.location) for each in read(content).fields]


def write(content, **fields):
    out = io.BytesIO()
    MKV.write_fields(io.BytesIO(content), out, exif=None, xmp=None, fields=fields)
    return out.getvalue()


def refusal(content, error, *, write_too=True):
    with pytest.raises(error) as caught:
        read(content)
    if write_too:
        out = io.BytesIO()
        with pytest.raises(error):
            MKV.write_fields(io.BytesIO(content), out, exif=None, xmp=None, fields={"aigc": ELEMENT})
        assert out.getvalue() == b""
    return caught.value


def test_the_doc_type_tells_the_handler():
    assert MKV.sniff(file(VIDEO)[:512])
    assert not WEBM.sniff(file(VIDEO)[:512])
    web = file(VIDEO, doc_type=b"webm\0\0")
    assert WEBM.sniff(web[:512])
    assert not MKV.sniff(web[:512])
    assert read(web, WEBM).mime == "video/webm"
    assert not any(each.sniff(file(VIDEO, doc_type=b"other")[:512]) for each in matroska.HANDLERS)
    assert not any(each.sniff(header()[:20]) for each in matroska.HANDLERS)


def test_size_and_media_come_from_the_tracks():
    found = read(file(VIDEO, CLUSTERS))
    assert (found.media, found.mime, found.width, found.height) == ("video", "video/x-matroska", 64, 48)
    sound = read(file(element(TRACKS, track(2, 0)), CLUSTERS))
    assert (sound.media, sound.mime, sound.width, sound.height) == ("audio", "audio/x-matroska", None, None)


def test_tags_of_the_file_state_its_fields():
    content = file(
        VIDEO,
        tag(
            simple("AIGC", ELEMENT),
            simple("PVL_LABELS", "{}"),
            simple("RECORDING_LOCATION", "CN, , 成都市"),
            simple("location", "+30.2741+120.1551/"),
            simple("PUBLISHER", "新华社"),
            simple("ARTIST", "甲"),
            simple("ARTIST", "乙"),
            simple("COPYRIGHT", "丙"),
            simple("TITLE", "not ours"),
            targets=element(0x68CA, bytes([50])) + element(0x63C5, b"\0"),
        ),
        CLUSTERS,
    )
    at = "Tags.Tag.SimpleTag:"
    assert stated(content) == [
        ("aigc", ELEMENT, at + "AIGC"),
        ("record", "{}", at + "PVL_LABELS"),
        ("place", "CN, , 成都市", at + "RECORDING_LOCATION"),
        ("position", "+30.2741+120.1551/", at + "location"),
        ("publisher", "新华社", at + "PUBLISHER"),
        ("author", "甲", at + "ARTIST"),
        ("author", "乙", at + "ARTIST"),
        ("copyright_owner", "丙", at + "COPYRIGHT"),
    ]


def test_an_element_counts_wherever_it_stands_and_nothing_else_does():
    nested = simple("ORIGINAL", "", simple("PUBLISHER", "of the original"), simple("Aigc", "{}"))
    of_track = tag(simple("AIGC", ELEMENT), simple("PUBLISHER", "of the track"), targets=element(0x63C5, b"\7"))
    assert stated(file(VIDEO, tag(nested), of_track, CLUSTERS)) == [
        ("aigc", "{}", "Tags.Tag.SimpleTag.SimpleTag:AIGC"),
        ("aigc", ELEMENT, "Tags.Tag(TagTrackUID 7).SimpleTag:AIGC"),
    ]


def test_a_written_element_replaces_every_form_of_it_and_leaves_all_else():
    nested = simple("ORIGINAL", "kept", simple("PUBLISHER", "of the original"), simple("AIGC", "{}"))
    of_track = tag(simple("aigc", "{}"), simple("PUBLISHER", "of the track"), targets=element(0x63C5, b"\7"))
    content = file(VIDEO, tag(nested), of_track, CLUSTERS)
    once = write(content, aigc=ELEMENT, publisher="新华社")
    assert [(name, value) for name, value, _ in stated(once)] == [("aigc", ELEMENT), ("publisher", "新华社")]
    assert b"of the original" in once
    assert b"of the track" in once
    assert stated(write(once, aigc=None, publisher=None)) == []


def test_an_element_within_a_tag_goes_or_stays_on_its_own():
    nested = simple("GENRE", "in it", simple("AIGC", ELEMENT))
    content = file(VIDEO, tag(simple("PUBLISHER", "old", nested)), CLUSTERS)
    assert [(name, value) for name, value, _ in stated(write(content, publisher="new"))] == [
        ("publisher", "new"),
        ("aigc", ELEMENT),
    ]
    assert [(name, value) for name, value, _ in stated(write(content, publisher="old", aigc=None))] == [
        ("publisher", "old")
    ]
    assert b"in it" in write(content, publisher="old", aigc=None)


def test_the_first_place_of_a_field_is_kept():
    content = file(
        VIDEO, tag(simple("PUBLISHER", "old"), simple("TITLE", "kept"), simple("PUBLISHER", "older")), CLUSTERS
    )
    once = write(content, publisher="new")
    assert once.index(b"new") < once.index(b"kept")
    assert b"old" not in once


def test_tags_of_a_collection_or_a_part_take_no_new_label():
    content = file(VIDEO, tag(simple("TITLE", "collection"), targets=element(0x68CA, bytes([70]))), CLUSTERS)
    once = write(content, publisher="新华社")
    tags = ebml.tree(*next(elements(once, TAGS)), {TAG, TARGETS})
    assert [each.children[0].number(0x68CA) for each in tags.children] == [70, None]


def elements(content, kind):
    reader = ebml.Reader(io.BytesIO(content))
    segment = next(each for each in reader.children(ebml.Element(0, 0, 0, len(content))) if each.kind == SEGMENT)
    return ((each, reader.content(each)) for each in reader.children(segment) if each.kind == kind)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("2026", "2026"),
        ("2026-05", "2026-05"),
        ("2026-05-01", "2026-05-01"),
        ("2026-05-01 08", "2026-05-01"),
        ("2026-05-01 08:30", "2026-05-01T08:30Z"),
        ("2026-05-01 08:30:05.125", "2026-05-01T08:30:05.125Z"),
        ("2026-05-01T08:30:05+0800", "2026-05-01T08:30:05+08:00"),
        ("2026-05-01 08:30:05 UTC", "2026-05-01T08:30:05Z"),
        ("yesterday", None),
        ("2026-13-01", None),
        ("", None),
    ],
)
def test_dates_are_read_in_utc_as_the_tags_give_them(written, found):
    values = [value for _, value, _ in stated(file(VIDEO, tag(simple("DATE_RECORDED", written)), CLUSTERS))]
    assert values == ([found] if found else [])


@pytest.mark.parametrize(
    ("time", "native"),
    [
        ("2026-05-01T08:30:00+08:00", "2026-05-01 00:30:00"),
        ("2026-05-01T08:30+08:00", "2026-05-01 00:30"),
        ("2026-05-01T08:30:00.123456Z", "2026-05-01 08:30:00.123"),
        ("2026-05-01T08:30:00", "2026-05-01"),
        ("2026-05", "2026-05"),
        ("2026", "2026"),
        ("0001-01-01T00:00+08:00", "0001-01-01"),
    ],
)
def test_a_time_is_written_in_utc_and_reads_back_as_it_was(time, native):
    once = write(file(VIDEO, CLUSTERS), captured_at=time)
    assert [(name, value) for name, value, _ in stated(once)] == [("captured_at", time)]
    assert b"\x44\x87" + bytes([0x80 | len(native)]) + native.encode() in once
    assert write(once, captured_at=time) == once


def test_a_date_that_somebody_changed_counts_and_not_the_exact_one_in_it():
    once = write(file(VIDEO, CLUSTERS), captured_at="2026-05-01T08:30:00+08:00")
    changed = once.replace(b"2026-05-01 00:30:00", b"2026-05-02 00:30:00")
    assert [value for _, value, _ in stated(changed)] == ["2026-05-02T00:30:00Z"]


def test_keys_of_a_mov_are_read_and_give_way():
    keys = tag(
        simple("COM.APPLE.QUICKTIME.CREATIONDATE", "2026-05-01T08:30:00+0800"),
        simple("COM.APPLE.QUICKTIME.LOCATION.ISO6709", "+30.2741+120.1551+012.3/"),
        simple("LOCATION-ENG", "+30.2741+120.1551/"),
        simple("LOCATION-FRA", "Chengdu"),
    )
    content = file(VIDEO, keys, CLUSTERS)
    assert [(name, value) for name, value, _ in stated(content)] == [
        ("captured_at", "2026-05-01T08:30:00+08:00"),
        ("position", "+30.2741+120.1551+012.3/"),
        ("position", "+30.2741+120.1551/"),
    ]
    once = write(content, position="+30.3000+120.2000/")
    assert [value for name, value, _ in stated(once) if name == "position"] == ["+30.3000+120.2000/"]
    assert b"Chengdu" in once
    gone = write(content, position=None)
    assert b"120.1551" not in gone
    assert "position" not in [name for name, _, _ in stated(gone)]


def test_a_void_says_nothing():
    hidden = tag(simple("AIGC", ELEMENT))
    assert stated(file(VIDEO, element(VOID, hidden), CLUSTERS)) == []


def test_an_attached_manifest_is_seen():
    def attached(mime):
        return element(
            ATTACHMENTS, element(0x61A7, element(0x466E, b"name"), element(0x4660, mime), element(0x465C, b"data"))
        )

    assert read(file(VIDEO, attached(b"application/c2pa"), CLUSTERS)).has_manifest
    assert not read(file(VIDEO, attached(b"image/jpeg"), CLUSTERS)).has_manifest


def test_xmp_and_exif_have_no_place():
    for carriers in ({"exif": b"x", "xmp": None}, {"exif": None, "xmp": b"x"}):
        with pytest.raises(MetadataNotWritten, match="no place"):
            MKV.write(io.BytesIO(file(VIDEO, CLUSTERS)), io.BytesIO(), **carriers)


def test_an_unknown_kind_is_refused():
    error = refusal(file(VIDEO, doc_type=b"oth\x1ber"), UnsupportedFormat)
    assert error.details["found"] == "oth\x1ber"
    assert refusal(element(EBML) + element(SEGMENT, VIDEO), UnsupportedFormat).code == "ebml-kind-unknown"
    with pytest.raises(UnsupportedFormat):
        read(file(VIDEO, doc_type=b"webm"))


@pytest.mark.parametrize(
    ("kind", "value"), [(0x42F7, 2), (0x42F2, 3), (0x42F2, 8), (0x42F3, 0), (0x42F3, 9), (0x42F3, 1 << 60)]
)
def test_odd_lengths_of_identifiers_and_sizes_are_refused(kind, value):
    content = header(b"matroska", element(kind, number(value))) + element(SEGMENT, VIDEO)
    assert refusal(content, UnsupportedFormat).details["found"] == value


def test_a_shorter_limit_of_sizes_is_kept():
    head = element(EBML, element(0x4282, b"matroska"), element(0x42F3, b"\2"))
    short = number(SEGMENT) + (0x4000 | 16_000).to_bytes(2, "big")
    body = CLUSTERS + number(VOID) + (0x4000 | 16_000 - len(CLUSTERS) - 3).to_bytes(2, "big")
    content = head + short + body.ljust(16_000, b"\0")
    assert read(content).fields == ()
    with pytest.raises(MetadataNotWritten) as caught:
        write(content, record="x" * 9000, aigc=ELEMENT)
    assert caught.value.code == "matroska-full"


def test_what_leaves_its_place_is_refused_with_the_byte():
    content = file(VIDEO, CLUSTERS)
    last = content.rindex(number(CLUSTER))
    assert refusal(content[:-3], MalformedMedia).code == "ebml-truncated"
    open_segment = header() + number(SEGMENT) + b"\x01" + b"\xff" * 7 + VIDEO + CLUSTERS
    error = refusal(open_segment[:-3], MalformedMedia)
    assert (error.code, error.details["offset"]) == ("ebml-truncated", open_segment.rindex(number(CLUSTER)))
    beyond = content[:last] + element(CLUSTER, content[last + 12 :], length=1 << 40)
    assert refusal(beyond, MalformedMedia).details["offset"] == last


@pytest.mark.parametrize("damage", [bytes(12), b"\x0f" * 12, number(TAGS) + b"\0" * 8, number(TAGS) + b"\xff"])
def test_what_is_no_element_is_refused(damage):
    refusal(file(VIDEO, damage, CLUSTERS), MalformedMedia)
    refusal(file(VIDEO, CLUSTERS, element(TAGS, damage)), MalformedMedia)


def test_a_cluster_without_a_size_is_walked_to_its_end():
    cluster = number(CLUSTER) + b"\xff" + CLUSTERS[12 : len(CLUSTERS) // 3]
    content = (
        header()
        + number(SEGMENT)
        + b"\x01"
        + b"\xff" * 7
        + VIDEO
        + cluster * 2
        + tag(simple("AIGC", ELEMENT))
        + cluster
    )
    assert [value for _, value, _ in stated(content)] == [ELEMENT]
    refusal(content[:-2], MalformedMedia)
    other = content + file(VIDEO, tag(simple("AIGC", "of the next segment")))
    assert [value for _, value, _ in stated(other)] == [ELEMENT]


def test_tags_of_fifty_megabytes_are_refused_without_reading_them():
    content = file(VIDEO, CLUSTERS, tag(simple("AIGC", "x" * 50_000_000)))
    tracemalloc.start()
    error = refusal(content, MediaTooLarge)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert error.details["offset"] == content.index(number(TAGS))


def test_tags_that_become_too_large_are_refused():
    with pytest.raises(MediaTooLarge):
        write(file(VIDEO, CLUSTERS), record="x" * (TEN_MILLION + 1))


def test_several_tags_that_are_too_large_together_are_refused():
    refusal(file(VIDEO, *[tag(simple("A", "x" * 4_000_000))] * 3), MediaTooLarge)


def test_nesting_too_deep_is_refused():
    nested = b""
    for _ in range(5000):
        nested = element(SIMPLE, nested)
    refusal(file(VIDEO, element(TAGS, element(TAG, nested)), CLUSTERS), MalformedMedia)


def test_too_many_elements_are_refused(monkeypatch):
    empty = b"\xec\x80"
    refusal(file(VIDEO, element(TAGS, element(TAG, empty * 250_000))), MalformedMedia)
    refusal(file(VIDEO, empty * 20_000), MediaTooLarge)
    monkeypatch.setattr(ebml, "_ELEMENT_LIMIT", 1000)
    attached = element(ATTACHMENTS, element(0x61A7, empty * 2000))
    refusal(file(VIDEO, element(CLUSTER), attached), MediaTooLarge, write_too=False)
    endless = number(CLUSTER) + b"\xff" + element(0xA3, b"\x81\0\0\x80") * 2000
    refusal(file(VIDEO, endless), MediaTooLarge)


def test_numbers_that_no_number_is_long_do_no_harm():
    long = element(0xB0, b"\xff" * 5000)
    tracks = element(TRACKS, element(0xAE, element(0xE0, long, element(0xBA, b"\1"))))
    targets = element(0x63C5, b"\xff" * 5000)
    found = read(file(tracks, tag(simple("AIGC", ELEMENT), targets=targets), CLUSTERS))
    assert found.width is None
    assert len(found.fields[0].location) < 100


def test_a_picture_too_large_is_refused():
    refusal(file(element(TRACKS, track(1, 1 << 20, 1 << 20)), CLUSTERS), MediaTooLarge, write_too=False)


def test_a_manifest_behind_other_parts_of_an_attachment_is_seen():
    parts = element(0x467E, b"described"), element(0x4660, b"application/c2pb"), element(0x4660, b"application/c2pa")
    assert read(file(VIDEO, element(ATTACHMENTS, element(VOID), element(0x61A7, *parts)), CLUSTERS)).has_manifest


def test_what_is_no_segment_is_refused():
    assert read(header() + element(VOID, b"\0") + file(VIDEO)[len(header()) :]).fields == ()
    refusal(header() + VIDEO, MalformedMedia)
    refusal(b"RIFF" + file(VIDEO), MalformedMedia)
    refusal(element(SEGMENT, VIDEO), MalformedMedia)
    refusal(file(VIDEO, header()), MalformedMedia)
    refusal(file(VIDEO, number(TRACKS) + b"\xff"), MalformedMedia)
    open_child = number(CLUSTER) + b"\xff" + b"\xa3\xff"
    refusal(file(VIDEO, open_child), MalformedMedia)
    assert refusal(header() + number(SEGMENT), MalformedMedia).code == "ebml-truncated"
    assert refusal(header() + number(SEGMENT)[:3], MalformedMedia).code == "ebml-truncated"
    assert refusal(header() + number(SEGMENT) + b"\x01\0", MalformedMedia).code == "ebml-truncated"


def test_too_many_top_level_elements_of_other_kinds_are_refused():
    refusal(file(VIDEO, element(0x4444, b"") * 10_001), MediaTooLarge)


@pytest.mark.parametrize("value", [None, "+30.6+104.1/"])
def test_the_position_of_a_track_is_one_of_the_file(value):
    names = (simple("LOCATION", "+30.5728+104.0668/"), simple("ARTIST", "of the track"), simple("LOCATION", "成都"))
    content = file(VIDEO, tag(*names, targets=element(0x63C5, b"\7")), CLUSTERS)
    assert stated(content) == [("position", "+30.5728+104.0668/", "Tags.Tag(TagTrackUID 7).SimpleTag:LOCATION")]
    once = write(content, position=value)
    assert stated(once) == ([("position", value, "Tags.Tag.SimpleTag:LOCATION")] if value else [])
    assert b"of the track" in once
    assert "成都".encode() in once
    assert b"30.5728" not in once
    assert write(once, position=value) == once
