"""Films written by hand, for what no encoder at hand would make."""

import io
import struct
import time

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, ProvenanceError, UnsupportedFormat
from provenance.formats import registry
from provenance.formats.handlers import mp4

PACKET = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
MANIFEST = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
ELEMENT = '{"Label":"1","ContentProducer":"a","ProduceID":"b"}'
OTHER = ELEMENT.replace('"b"', '"c"')
SOUND = b"SOUND"
PICTURE = b"PICTURE"


def number(value, size=4):
    return value.to_bytes(size, "big")


def box(kind, *content):
    body = b"".join(content)
    return number(8 + len(body)) + kind + body


def large(kind, *content):
    body = b"".join(content)
    return number(1) + kind + number(16 + len(body), 8) + body


def full(kind, *content, version=0, flags=0):
    return box(kind, bytes([version]), number(flags, 3), *content)


def ftyp(major=b"isom", *others):
    return box(b"ftyp", major, bytes(4), *others)


def hdlr(kind):
    return full(b"hdlr", bytes(4), kind, bytes(13))


def table(kind, *offsets):
    return full(kind, number(len(offsets)), *(number(each, 8 if kind == b"co64" else 4) for each in offsets))


def data(text, kind=1):
    return box(b"data", number(kind), bytes(4), text if isinstance(text, bytes) else text.encode())


def keyed(*pairs, head=bytes(4), handler=b"mdta"):
    keys = full(b"keys", number(len(pairs)), *(box(b"mdta", key.encode()) for key, _ in pairs))
    items = (box(number(place), data(text)) for place, (_, text) in enumerate(pairs, 1))
    return box(b"meta", head, hdlr(handler), keys, box(b"ilst", *items))


def listed(*items):
    return box(b"meta", bytes(4), hdlr(b"mdir"), box(b"ilst", *items))


def text(kind, value, language=0x15C7):
    return box(kind, number(len(value), 2), number(language, 2), value.encode())


def mvhd(created=0, version=0):
    size = 8 if version else 4
    return full(
        b"mvhd", number(created, size), number(0, size), number(1000), number(0, size), bytes(80), version=version
    )


def track(*tables, inside=(), kind=b"soun", entry=None, dref=None, created=0):
    tkhd = full(
        b"tkhd",
        number(created),
        number(0),
        number(1),
        bytes(4 + 4 + 16),
        *map(number, (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)),
        bytes(8),
    )
    mdhd = full(b"mdhd", number(created), number(0), number(1000), number(0), bytes(4))
    stsd = full(b"stsd", number(1), entry or box(b"mp4a", bytes(28)))
    dinf = box(b"dinf", full(b"dref", number(1), dref or full(b"url ", flags=1)))
    minf = box(b"minf", dinf, box(b"stbl", stsd, *tables))
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr(kind), minf), *inside)


def picture_entry(kind=b"avc1", width=96, height=64):
    return box(kind, bytes(24), number(width, 2), number(height, 2), bytes(50))


def film(*inside, first=True, brand=b"isom", media=SOUND, between=(), **options):
    """A film with one chunk, its index first or last."""
    head = ftyp(brand)
    for _ in range(2):  # once to learn where the media come to lie
        start = film.start if _ else 0
        moov = box(b"moov", mvhd(), track(table(b"stco", start), **options), *inside)
        parts = [head, moov, *between, box(b"mdat", media)] if first else [head, *between, box(b"mdat", media), moov]
        film.start = sum(map(len, parts)) - (len(moov) if not first else 0) - len(media)
    return b"".join(parts)


def handler(content):
    return next(each for each in mp4.HANDLERS if each.sniff(content[:512]))


def read(content):
    return handler(content).read(io.BytesIO(content))


def write(content, *, xmp=None, **fields):
    out = io.BytesIO()
    handler(content).write_fields(io.BytesIO(content), out, exif=None, xmp=xmp, fields=fields)
    return out.getvalue()


def stated(content):
    return [(each.name, each.value) for each in read(content).fields]


def refusal(content, *, error=MetadataNotWritten, **change):
    with pytest.raises(error) as caught:
        write(content, **(change or {"aigc": ELEMENT}))
    assert caught.value.diagnostics("zh-CN") != caught.value.code
    return caught.value.code


def chunks(content, kind=b"stco"):
    """What lies where the tables of the tracks say."""
    found, at = [], content.find(kind)
    size = 8 if kind == b"co64" else 4
    while at >= 0:
        count = int.from_bytes(content[at + 8 : at + 12], "big")
        starts = (int.from_bytes(content[at + 12 + n * size : at + 12 + (n + 1) * size], "big") for n in range(count))
        found += [content[start : start + len(SOUND)] for start in starts]
        at = content.find(kind, at + 4)
    return found


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (ftyp(b"isom"), "mp4"),
        (ftyp(b"iso5", b"dash"), "mp4"),
        (ftyp(b"M4V ", b"M4A "), "mp4"),
        (ftyp(b"XAVC", b"mp42"), "mp4"),
        (ftyp(b"zzzz", b"mp41"), "mp4"),
        (ftyp(b"qt  "), "mov"),
        (ftyp(b"zzzz", b"qt  "), "mov"),
        (ftyp(b"M4A ", b"isom"), "m4a"),
        (ftyp(b"M4B "), "m4a"),
        (ftyp(b"3gp5"), "3gp"),
        (ftyp(b"3g2a", b"isom"), "3gp"),
        (box(b"wide"), "mov"),
        (box(b"free", bytes(40)), "mov"),
        (number(0x20202020) + b"moov", "mov"),
        (number(1) + b"mdat", "mov"),
        (ftyp(b"heic", b"mif1", b"isom"), None),
        (ftyp(b"isom", b"mif1", b"heic"), None),
        (ftyp(b"avis", b"msf1", b"iso8"), None),
        (ftyp(b"crx ", b"isom"), None),
        (ftyp(b"zzzz"), None),
        (b"Get free of this text, please", None),
        (b"", None),
    ],
)
def test_brands_tell_films_from_pictures_and_from_each_other(head, name):
    assert [each.name for each in mp4.HANDLERS if each.sniff(head)] == ([name] if name else [])


def test_every_slot_of_an_element_is_read_and_the_native_one_is_left():
    free = box(b"----", full(b"mean", b"com.apple.iTunes"), full(b"name", b"aigc"), data(ELEMENT))
    content = film(
        keyed(("AIGC", ELEMENT), head=b""),
        box(
            b"udta",
            listed(free, box(b"AIGC", data(ELEMENT))),
            keyed(("aigc", ELEMENT)),
            box(b"aigc", bytes(4), ELEMENT.encode()),
        ),
        box(b"AIGC", ELEMENT.encode()),
    ) + box(b"aigc", ELEMENT.encode())
    found = read(content).fields
    assert {each.value for each in found} == {ELEMENT}
    assert [each.slot for each in found] == [
        "quicktime-meta", "quicktime-list", "quicktime-list", "quicktime-keys", "quicktime-box", "quicktime-box", "quicktime-box"
    ]  # fmt: skip
    once = write(content, aigc=OTHER)
    assert [(each.value, each.slot) for each in read(once).fields] == [(OTHER, "quicktime-keys")]
    assert ELEMENT.encode() not in once
    assert chunks(once) == [SOUND]
    assert read(write(content, aigc=None)).fields == ()


def test_a_label_in_a_free_box_is_none():
    element = box(b"udta", keyed(("AIGC", ELEMENT)))
    content = film(box(b"free", element), between=[box(b"free", box(b"moov", element)), box(b"skip", element)])
    assert read(content).fields == ()


@pytest.mark.parametrize(
    ("native", "value"),
    [
        ("2026-11-21T10:30:00+0800", "2026-11-21T10:30:00+08:00"),
        ("2026-11-21T10:30:00.25-03:30", "2026-11-21T10:30:00.25-03:30"),
        ("2026-11-21T10:30:00Z", "2026-11-21T10:30:00Z"),
        ("2026-11-21T10:30:00+08", "2026-11-21T10:30:00+08:00"),
        ("2026:11:21 10:30:00", "2026-11-21T10:30:00"),
        ("2026-11", "2026-11"),
        ("2026-13-41T10:30:00", None),
        ("yesterday", None),
    ],
)
def test_times_are_read_as_they_are_and_no_zone_is_invented(native, value):
    content = film(keyed(("com.apple.quicktime.creationdate", native)))
    assert stated(content) == ([("captured_at", value)] if value else [])
    if value:
        assert write(content, captured_at=value) == content


def test_a_time_replaces_every_form_of_one_in_apples_own_form():
    content = film(box(b"udta", text(b"\xa9day", "2019-07-24"), text(b"\xa9nam", "title")))
    assert stated(content) == [("captured_at", "2019-07-24")]
    after = write(content, captured_at="2026-11-21T10:30:00.5+08:00")
    assert b"2026-11-21T10:30:00.5+0800" in after
    assert stated(after) == [("captured_at", "2026-11-21T10:30:00.5+08:00")]
    assert text(b"\xa9nam", "title") in after


@pytest.mark.parametrize(
    ("created", "version", "time", "seconds"),
    [
        (0, 0, "2026-11-21T10:30:00+08:00", 3878073000),
        (0, 1, "2026-11-21T10:30:00+08:00", 3878073000),
        (0, 1, "2126-11-21T10:30:00+08:00", 7033746600),
        (0, 0, "2126-11-21T10:30:00+08:00", 0),
        (0, 0, "2026-11-21T10:30:00", 0),
        (0, 0, "2026-11-21T10:30+08:00", 0),
        (77, 0, "2026-11-21T10:30:00+08:00", 77),
    ],
)
def test_headers_take_a_time_that_is_whole_and_only_where_they_have_none(created, version, time, seconds):
    moov = box(b"moov", mvhd(created, version), track(table(b"stco"), created=created))
    after = write(ftyp() + moov, captured_at=time)
    at = after.find(b"mvhd") + 8
    assert int.from_bytes(after[at : at + (8 if version else 4)], "big") == seconds
    for kind in (b"tkhd", b"mdhd"):
        at = after.find(kind) + 8
        assert int.from_bytes(after[at : at + 4], "big") == (seconds if seconds < 1 << 32 else 0)
    assert stated(after) == [("captured_at", time)]


def test_headers_follow_when_the_time_that_they_repeat_is_replaced():
    once = write(film(), captured_at="2026-11-21T10:30:00+08:00")
    twice = write(once, captured_at="2026-11-21T10:30:01+08:00")
    at = twice.find(b"mvhd") + 8
    assert int.from_bytes(twice[at : at + 4], "big") == 3878073001
    assert twice[at : at + 4] == twice[twice.find(b"tkhd") + 8 :][:4] == twice[twice.find(b"mdhd") + 8 :][:4]


def test_the_headers_of_a_film_state_no_time_of_capture():
    assert read(ftyp() + box(b"moov", mvhd(3878073000))).fields == ()


@pytest.mark.parametrize(
    ("found", "value"),
    [
        ("+32.0929+034.8620+028.516/", "+32.0929+034.8620+028.516/"),
        ("+3205.574+03451.72/", "+32.0929"),
        ("+40-075CRSWGS_84/", "+40-075CRSWGS_84/"),
        ("+91.0+000.0/", None),
        ("Hangzhou", None),
    ],
)
def test_positions_are_stated_in_degrees(found, value):
    content = film(box(b"udta", text(b"\xa9xyz", found)))
    assert [each[: len(value)] for _, each in stated(content)] == [value] if value else stated(content) == []
    assert b"\xa9xyz" not in write(content, position=None)


def test_a_damaged_3gpp_position_is_not_stated_but_taken_out():
    for broken in (b"", bytes(5), bytes(4) + b"\x15\xc7name", bytes(6) + b"\xfe\xff" + b"\0a" * 9):
        content = film(box(b"udta", box(b"loci", broken)))
        assert stated(content) == []
        assert b"loci" not in write(content, position=None)


def test_a_3gpp_position_with_a_name_in_utf_16_is_read():
    numbers = b"".join(struct.pack(">i", round(each * 65536)) for each in (-75.5, 40.25, 0))
    name = b"\xfe\xff" + "杭州".encode("utf-16-be") + b"\0\0"
    content = film(box(b"udta", full(b"loci", b"\x15\xc7", name, b"\1", numbers, b"earth\0\0")))
    assert stated(content) == [("position", "+40.25000-075.50000/")]


def test_texts_of_other_types_are_read_where_they_are_texts():
    pair = ("com.apple.quicktime.location.name", "x")
    content = film(keyed(pair))
    for new, value in (
        (data("杭州".encode("utf-16-be"), 2), "杭州"),
        (data("杭州", 0), "杭州"),
        (data(b"\1", 21), None),
    ):
        changed = film(keyed(pair)[: -len(data("x"))] and keyed_with(pair[0], new))
        assert stated(changed) == ([("place", value)] if value else [])
    assert stated(content) == [("place", "x")]


def keyed_with(key, item):
    keys = full(b"keys", number(1), box(b"mdta", key.encode()))
    return box(b"meta", bytes(4), hdlr(b"mdta"), keys, box(b"ilst", box(number(1), item)))


def test_keys_of_two_lists_stay_alike_since_readers_take_the_first_for_both():
    apple = [("com.apple.quicktime.make", "Apple"), ("com.apple.quicktime.model", "iPhone")]
    after = write(film(keyed(*apple, head=b"")), aigc=ELEMENT, place="杭州")
    tables = [after[at + 12 :].partition(b"ilst")[0][:-4] for at in places(after, b"keys")]
    assert len(tables) == 2
    assert tables[0] == tables[1]
    assert write(after, aigc=ELEMENT, place="杭州") == after
    strange = film(box(b"udta", keyed(("a", "1"))), keyed(("b", "2")))
    assert stated(write(strange, aigc=ELEMENT)) == [("aigc", ELEMENT)]
    assert keyed(("b", "2")) in write(strange, aigc=ELEMENT)


def places(content, what):
    found, at = [], content.find(what)
    while at >= 0:
        found.append(at)
        at = content.find(what, at + 1)
    return found


def test_zeros_and_strange_bytes_behind_user_data_stay():
    for rest in (bytes(4), b"\0\0\0\3odd bytes"):
        content = film(box(b"udta", text(b"\xa9nam", "title"), rest))
        after = write(content, aigc=ELEMENT)
        assert stated(after) == [("aigc", ELEMENT)]
        assert write(after, aigc=None).count(rest) >= 1
        assert after[after.find(b"udta") :].find(b"meta") < after[after.find(b"udta") :].rfind(rest)


def test_a_manifest_is_seen_and_other_boxes_of_its_kind_are_not():
    manifest = box(b"uuid", MANIFEST, bytes(4), b"manifest\0", bytes(8), b"jumb")
    merkle = box(b"uuid", MANIFEST, bytes(4), b"merkle\0", bytes(8))
    assert read(ftyp() + manifest + film()[len(ftyp()) :]).has_manifest
    assert not read(film() + merkle).has_manifest
    assert manifest in write(film() + manifest, aigc=ELEMENT)


@pytest.mark.parametrize("kind", [b"gpmd", b"camm", b"rtmd", b"mebx"])
def test_a_track_that_records_positions_is_told(kind):
    keys = box(b"keys", box(number(1), box(b"keyd", b"mdtacom.apple.quicktime.location.ISO6709")))
    entry = box(kind, bytes(8), keys if kind == b"mebx" else b"")
    assert "video-track-position" in read(film(kind=b"meta", entry=entry)).warnings
    assert read(film(kind=b"meta", entry=box(b"mebx", bytes(8)))).warnings == ()


@pytest.mark.parametrize(
    ("matrix", "orientation"), [((1, 0, 0, 1), None), ((0, 1, -1, 0), 6), ((-1, 0, 0, -1), 3), ((0, -1, 1, 0), 8), ((2, 0, 0, 2), None)]
)  # fmt: skip
def test_size_and_turn_are_those_of_the_first_picture_track(matrix, orientation):
    a, b, c, d = (each << 16 for each in matrix)
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    content = film(kind=b"vide", entry=picture_entry()).replace(
        plain, struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    )
    found = read(content)
    assert (found.width, found.height, found.orientation) == (96, 64, orientation)


@pytest.mark.parametrize("kind", [b"stco", b"co64", b"saio"])
def test_every_table_of_offsets_follows_its_data(kind):
    def made(start):
        offsets = [start, start + len(SOUND)]
        tables = [full(b"saio", number(2), *(number(each, 8) for each in offsets), version=1)]
        if kind == b"saio":
            tables = [full(b"saio", b"cenc", bytes(4), number(2), *map(number, offsets), flags=1)]
        elif kind != b"saio":
            tables = [table(kind, *offsets)]
        return ftyp() + box(b"moov", mvhd(), track(*tables)) + large(b"mdat", SOUND) + box(b"mdat", PICTURE)

    content = made(made(0).index(SOUND))
    after = write(content, aigc=ELEMENT)
    at = after.find(kind) + (20 if kind == b"saio" else 12)
    size = 8 if kind == b"co64" else 4
    assert after[int.from_bytes(after[at : at + size], "big") :].startswith(SOUND)
    assert after.endswith(large(b"mdat", SOUND) + box(b"mdat", PICTURE))


def test_media_without_an_end_are_moved_like_others():
    content = film()
    at = content.rfind(b"mdat") - 4
    after = write(content[:at] + bytes(4) + content[at + 4 :], aigc=ELEMENT)
    assert chunks(after) == [SOUND]
    assert after.endswith(bytes(4) + b"mdat" + SOUND)


def test_an_index_without_an_end_gets_one():
    content = film(first=False)
    at = content.rfind(b"moov") - 4
    after = write(content[:at] + bytes(4) + content[at + 4 :], aigc=ELEMENT, xmp=b"<x/>")
    found = read(after)
    assert (found.xmp, stated(after)) == (b"<x/>", [("aigc", ELEMENT)])
    assert chunks(after) == [SOUND]


def test_room_that_media_lie_in_is_not_used():
    content = film(between=[box(b"free", bytes(2000))])
    start = content.index(bytes(2000))
    at = content.find(b"stco") + 12
    after = write(content[:at] + number(start) + content[at + 4 :], aigc=ELEMENT)
    assert int.from_bytes(after[after.find(b"stco") + 12 :][:4], "big") == start + 4096


def test_offsets_into_another_file_do_not_move():
    outside = film(dref=full(b"url ", b"other.mov\0"))
    after = write(outside, aigc=ELEMENT)
    at = outside.find(b"stco") + 12
    assert after[after.find(b"stco") + 12 :][:4] == outside[at : at + 4]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (film(full(b"meta", hdlr(b"null"), full(b"iloc", bytes(4)))), "bmff-offsets-unknown"),
        (film(box(b"gps ", bytes(8))), "bmff-offsets-unknown"),
        (film(inside=[box(b"udta", full(b"meta", hdlr(b"null"), full(b"iloc", bytes(4))))]), "bmff-offsets-unknown"),
        (film(dref=full(b"url ", flags=1) + full(b"url ")), "bmff-offsets-unknown"),
        (ftyp() + box(b"moov", mvhd(), track(table(b"stco", 0xFFFFFFFF))) + box(b"mdat"), "bmff-offset-full"),
        (
            film(between=[full(b"sidx", bytes(8), bytes(8), bytes(2), number(1, 2), number(900), bytes(8))]),
            None,
        ),
    ],
)
def test_offsets_that_cannot_be_moved_are_refused_and_where_nothing_moves_nobody_asks(content, code):
    if code is None:
        assert chunks(write(content, aigc=ELEMENT)) == [SOUND]
        return
    assert refusal(content) == code
    head, moov, rest = (
        content[: len(ftyp())],
        content[len(ftyp()) : content.rfind(b"mdat") - 4],
        content[content.rfind(b"mdat") - 4 :],
    )
    after = write(head + rest + moov, aigc=ELEMENT)
    assert [each.value for each in handler(after).read(io.BytesIO(after), whole=False).fields] == [ELEMENT]


def test_a_segment_index_that_a_change_would_divide_is_refused():
    inner = box(b"moov", mvhd(), track(table(b"stco")))
    sidx = full(b"sidx", bytes(8), bytes(8), bytes(2), number(1, 2), number(len(inner) + 16), bytes(8))
    assert refusal(ftyp() + sidx + inner + box(b"mdat", bytes(100))) == "bmff-offsets-unknown"


def test_several_packets_are_told_and_not_replaced():
    packet = box(b"uuid", PACKET, b"<a/>")
    for content in (film() + packet + packet, film(box(b"udta", box(b"XMP_", b"<b/>"))) + packet):
        assert (read(content).xmp_count, read(content).warnings) == (2, ("xmp-repeated",))
        assert refusal(content, xmp=b"<c/>") == "xmp-repeated"
        assert stated(write(content, aigc=ELEMENT)) == [("aigc", ELEMENT)]


def test_films_joined_byte_by_byte_are_read_as_the_first_one_and_not_written():
    content = film(box(b"udta", keyed(("AIGC", ELEMENT)))) + film(box(b"udta", keyed(("AIGC", OTHER))))
    assert stated(content) == [("aigc", ELEMENT)]
    assert read(content).warnings == ("movie-index-joined",)
    assert refusal(content, error=MalformedMedia) == "movie-index-repeated"
    assert write(content) == content


@pytest.mark.parametrize(
    ("content", "error", "code"),
    [
        (ftyp(), MalformedMedia, "movie-without-index"),
        (ftyp() + box(b"mdat", SOUND), MalformedMedia, "movie-without-index"),
        (film()[:-1], MalformedMedia, "bmff-truncated"),
        (film(first=False)[:-1], MalformedMedia, "bmff-truncated"),
        (ftyp() + number(4) + b"moov", MalformedMedia, "bmff-damaged"),
        (ftyp() + box(b"moov", number(100) + b"trak"), MalformedMedia, "bmff-damaged"),
        (ftyp() + box(b"moov", box(b"cmov", bytes(20))), UnsupportedFormat, "movie-index-compressed"),
        (ftyp() + box(b"moov", *[box(b"trak")] * 1001), MalformedMedia, "bmff-damaged"),
        (film(box(b"udta", keyed(("AIGC", ELEMENT)).replace(number(1) + number(12), number(9) + number(12)))), MalformedMedia, "quicktime-keys-damaged"),
        (ftyp() + number(1) + b"moov" + bytes(4), MalformedMedia, "bmff-truncated"),
    ],
)  # fmt: skip
def test_a_damaged_film_is_refused_before_anything_is_written(content, error, code):
    with pytest.raises(error) as caught:
        read(content)
    assert caught.value.code == code
    out = io.BytesIO()
    with pytest.raises(ProvenanceError):
        handler(content).write_fields(io.BytesIO(content), out, exif=None, xmp=b"<x/>", fields={"aigc": ELEMENT})
    assert out.getvalue() == b""


@pytest.mark.parametrize("between", [(), [box(b"free", bytes(50))]])
def test_a_film_cut_off_before_its_media_is_refused_wherever_it_is_cut(between):
    content = film(between=between)
    for length in range(len(content)):
        with pytest.raises(ProvenanceError):
            handler(content).read(io.BytesIO(content[:length]))
    at = content.rfind(b"mdat") - 4
    opened = content[:at] + bytes(4) + content[at + 4 :]
    assert read(opened).warnings == ()
    with pytest.raises(MalformedMedia) as caught:
        read(opened[: at + 4])
    assert caught.value.code == "bmff-truncated"


@pytest.mark.parametrize("size", [65 << 20, 500_000_000])
def test_a_vast_index_is_refused_at_once(tmp_path, size):
    path = tmp_path / "vast.mp4"
    with path.open("wb") as file:
        file.write(ftyp() + number(size) + b"moov" + box(b"trak"))
        file.truncate(len(ftyp()) + size)
    with pytest.raises(MediaTooLarge) as caught:
        registry.read(path)
    assert (caught.value.details["size"], caught.value.details["path"]) == (size, path)


def test_a_vast_packet_and_vast_user_data_are_refused():
    with pytest.raises(MediaTooLarge):
        read(film() + box(b"uuid", PACKET, bytes(10_000_001)))
    with pytest.raises(MediaTooLarge):
        read(film(box(b"udta", bytes(10_000_001))))
    assert refusal(film(), error=MediaTooLarge, xmp=bytes(10_000_001)) == "metadata-too-large"


def test_a_new_key_takes_no_number_that_something_refers_to():
    strange = keyed(("kept", "1"))
    strange = strange.replace(number(1) + box(b"data"), number(1) + box(b"data"))
    keys = full(b"keys", number(1), box(b"mdta", b"kept"))
    strange = box(b"meta", bytes(4), hdlr(b"mdta"), keys, box(b"ilst", box(number(2), data("whose?"))))
    content = film(box(b"udta", strange))
    assert read(content).fields == ()
    assert refusal(content) == "quicktime-keys-unknown"
    assert write(content, aigc=None) == content


def test_a_time_and_place_go_where_apple_keeps_them_and_the_element_where_the_guide_does():
    apple = keyed(("com.apple.quicktime.make", "Apple"), head=b"")
    fields = {"aigc": ELEMENT, "captured_at": "2026-11-21", "place": "杭州", "position": "+30.2+120.1/"}
    there = read(write(film(apple), **fields)).fields
    assert {each.name: each.location.partition(":")[0] for each in there} == {
        "captured_at": "moov.meta",
        "place": "moov.meta",
        "position": "moov.meta",
        "aigc": "moov.udta.meta",
    }
    alone = read(write(film(), **fields)).fields
    assert {each.location.partition(":")[0] for each in alone} == {"moov.udta.meta"}


def test_large_boxes_in_user_data_stay_as_they_are():
    kept = large(b"\xa9cmt", b"\0\4\x15\xc7kept")
    after = write(film(box(b"udta", kept, text(b"\xa9xyz", "+40-075/"))), position=None)
    assert box(b"udta", kept) in after


@pytest.mark.parametrize("kind", [b"mdia", b"minf", b"stbl", b"stsd"])
def test_a_track_that_describes_its_media_twice_is_refused(kind):
    inner = track(table(b"stco"))
    at = inner.find(kind) - 4
    twice = inner[at : at + int.from_bytes(inner[at : at + 4], "big")]
    inner = inner[:at] + twice + inner[at:]
    for around in (b"trak", b"mdia", b"minf", b"stbl"):
        place = inner.find(around) - 4
        if 0 <= place < at:
            size = int.from_bytes(inner[place : place + 4], "big") + len(twice)
            inner = inner[:place] + number(size) + inner[place + 4 :]
    with pytest.raises(MalformedMedia) as caught:
        read(ftyp() + box(b"moov", mvhd(), inner))
    assert caught.value.code == "bmff-damaged"


@pytest.mark.parametrize(
    "behind",
    [
        box(b"mfra", full(b"tfra", number(1), number(0), number(1), number(0), number(0xFFFFFFFF), bytes(3))),
        box(b"moof", box(b"traf", full(b"tfhd", number(1), number((1 << 64) - 1, 8), flags=1))),
    ],
)
def test_offsets_of_fragments_that_do_not_fit_any_more_are_refused(behind):
    assert refusal(film() + behind) == "bmff-offset-full"


def test_a_header_too_short_for_a_time_is_refused():
    content = ftyp() + box(b"moov", full(b"mvhd"), track(table(b"stco")))
    assert refusal(content, error=MalformedMedia, captured_at="2026-11-21T10:30:00+08:00") == "bmff-damaged"


def test_an_open_index_that_stays_as_it_is_gets_a_size_when_a_packet_follows_it():
    content = film(first=False)
    at = content.rfind(b"moov") - 4
    after = write(content[:at] + bytes(4) + content[at + 4 :], xmp=b"<x/>")
    assert after == content + box(b"uuid", PACKET, b"<x/>")


def test_what_breaks_off_behind_the_media_but_is_no_index_is_refused():
    whole = film() + box(b"uuid", MANIFEST, bytes(100))
    with pytest.raises(MalformedMedia) as caught:
        read(whole[:-1])
    assert (caught.value.code, caught.value.details["offset"]) == ("bmff-truncated", len(film()))


def test_in_place_a_packet_elsewhere_stays_there_while_it_stays_as_it_is(tmp_path):
    path = tmp_path / "film.mp4"
    content = film() + box(b"uuid", PACKET, b"<x/>")
    path.write_bytes(content)
    with path.open("r+b") as file:
        handler(content).write_in_place(file, xmp=b"<x/>", fields={"aigc": ELEMENT})
    after = path.read_bytes()
    assert (read(after).xmp, read(after).xmp_count, stated(after)) == (b"<x/>", 1, [("aigc", ELEMENT)])
    assert len(after) > len(content)


def stsc(*runs):
    return full(b"stsc", number(len(runs)), *(number(each) for run in runs for each in (*run, 1)))


def stsz(*sizes, one=0, count=None):
    return full(b"stsz", number(one), number(len(sizes) if count is None else count), *map(number, sizes))


def stz2(bits, packed, count):
    return full(b"stz2", number(bits), number(count), packed)


def sampled(*tables, entry=None, behind=b"", start=None, chunks=2):
    """A film of `SOUND` twice, in a chunk each, its index last."""
    media = box(b"mdat", SOUND * 2)
    first = len(ftyp()) + 8 if start is None else start
    places = struct.pack(f">{chunks}I", *range(first, first + len(SOUND) * chunks, len(SOUND)))
    offsets = full(b"stco", number(chunks), places)
    moov = box(b"moov", mvhd(), track(offsets, *tables, entry=entry))
    return ftyp() + media + moov + behind


def quicktime_sound(samples, size):
    return box(b"ima4", bytes(8), number(1, 2), bytes(18), number(samples), bytes(4), number(size), bytes(4))


@pytest.mark.parametrize(
    ("tables", "entry"),
    [
        ([stsc((1, 1)), stsz(5, 5)], None),
        ([stsc((1, 2), (2, 1)), stsz(2, 3, 5)], None),
        ([stsc((1, 5)), stsz(one=1, count=10)], None),
        ([stsc((1, 1)), stsz(one=5, count=2)], None),
        ([stsc((1, 0x7FFFFFFF)), stsz(5)], None),  # the last chunk of fewer samples, and one of none
        ([stsc((1, 1), (9, 3)), stsz(5, 5)], None),
        ([stsc((1, 1)), stz2(8, b"\5\5", 2)], None),
        ([stsc((1, 1)), stz2(16, b"\0\5\0\5", 2)], None),
        ([stsc((1, 1)), stz2(4, b"\x55", 2)], None),
        ([stsc((1, 64)), stsz(one=1, count=128)], quicktime_sound(64, 5)),
        ([stsc((1, 64)), stsz(one=1, count=128)], quicktime_sound(0, 0)),  # nobody says how long they are
        ([stsc((1, 1))], None),
    ],
)
def test_samples_that_fill_the_media_are_accepted(tables, entry):
    assert stated(write(sampled(*tables, entry=entry), aigc=ELEMENT)) == [("aigc", ELEMENT)]


@pytest.mark.parametrize(
    ("tables", "entry"),
    [
        ([stsc((1, 1)), stsz(5, 6)], None),
        ([stsc((1, 1), (2, 2)), stsz(5, 5, 1)], None),
        ([stsc((1, 1)), stsz(one=6, count=2)], None),
        ([stsc((1, 1)), stz2(8, b"\5\6", 2)], None),
        ([stsc((1, 1)), stz2(16, b"\0\5\0\6", 2)], None),
        ([stsc((1, 1)), stz2(4, b"\x56", 2)], None),
        ([stsc((1, 64)), stsz(one=1, count=128)], quicktime_sound(64, 6)),
        ([stsc((2, 1)), stsz(5, 5)], None),
        ([stsc((1, 1), (3, 1), (2, 1)), stsz(5, 5)], None),
        ([stsc((1, 0)), stsz(5, 5)], None),
        ([stsc((1, 0xFFFFFFFF)), stsz(5, 5)], None),
        ([full(b"stsc", number(2), *map(number, (1, 1, 0, 2, 1, 1))), stsz(5, 5)], None),
        ([stsc((1, 1)), stsz(5, 5, count=3)], None),
        ([stsc((1, 1)), stz2(5, b"\5\5", 2)], None),
    ],
)
def test_samples_that_reach_into_the_index_are_refused(tables, entry):
    content = sampled(*tables, entry=entry)
    with pytest.raises(MalformedMedia) as caught:
        read(content)
    assert caught.value.code == "bmff-damaged"
    assert handler(content).read(io.BytesIO(content), whole=False).format == "mp4"


@pytest.mark.parametrize("behind", [box(b"uuid", PACKET, b"<x/>"), box(b"AIGC", ELEMENT.encode())])
def test_samples_in_a_packet_or_a_label_are_refused(behind):
    tables = stsc((1, 1)), stsz(1, 1)
    with pytest.raises(MalformedMedia) as caught:
        read(sampled(*tables, behind=behind, start=len(sampled(*tables))))
    assert caught.value.code == "bmff-damaged"


def test_samples_in_any_other_box_are_accepted():
    tables = stsc((1, 1)), stsz(5, 5)
    assert read(sampled(*tables, behind=box(b"free", bytes(20)), start=len(sampled(*tables)) + 8)).format == "mp4"


@pytest.mark.parametrize("sizes", [stsz(5, 0xFFFFFFFF), stsz(one=0xFFFFFFFF, count=0xFFFFFFFF)])
def test_samples_that_reach_behind_the_end_are_refused(sizes):
    with pytest.raises(MalformedMedia) as caught:
        read(sampled(stsc((1, 1)), sizes, behind=box(b"free", bytes(20))))
    assert caught.value.code == "bmff-truncated"


@pytest.mark.parametrize(
    "tables",
    [
        (stsc((1, 1)), full(b"stsz", bytes(4), number(1_000_000), number(5) * 1_000_000)),
        (stsc((1, 3), (2, 1)), stsz(one=5, count=1_000_002)),
    ],
)
def test_a_million_samples_are_looked_through_at_once(tables):
    content = sampled(*tables, chunks=1_000_000, behind=box(b"mdat", bytes(5_000_010)))
    start = time.process_time()
    with pytest.raises(MalformedMedia):  # some lie in the index: the longest way through
        read(content)
    assert time.process_time() - start < 10
