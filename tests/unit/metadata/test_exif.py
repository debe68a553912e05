import io
import json
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from provenance.errors import MalformedMedia
from provenance.metadata import exif

ORDERS = {"<": b"II*\0", ">": b"MM\0*"}
TIME, OFFSET, FRACTION, COMMENT = 0x9003, 0x9011, 0x9291, 0x9286


def stream(order, *directories):
    """Build a TIFF stream; each directory is (entries, next) with entries (tag, kind, count, value or offset)."""
    out = ORDERS[order] + struct.pack(order + "I", 8)
    for entries, following in directories:
        out += struct.pack(order + "H", len(entries))
        for tag, kind, count, value in entries:
            out += struct.pack(order + "HHI", tag, kind, count)
            out += value if isinstance(value, bytes) else struct.pack(order + "I", value)
        out += struct.pack(order + "I", following)
    return out


def block(image=(), exif_ifd=(), gps=()):
    made = Image.Exif()
    made.update(dict(image))
    made.get_ifd(0x8769).update(dict(exif_ifd))
    made.get_ifd(0x8825).update(dict(gps))
    return made.tobytes().removeprefix(b"Exif\0\0")


def as_pillow_reads(blob):
    read = Image.Exif()
    read.load(b"Exif\0\0" + blob)
    return dict(read), dict(read.get_ifd(0x8769)), dict(read.get_ifd(0x8825))


def codes(found):
    return [problem.code for problem in found.problems]


@pytest.mark.parametrize(
    ("stated", "fraction", "offset", "time"),
    [
        ("2026:05:01 08:30:00", None, None, "2026-05-01T08:30:00"),
        ("2026:05:01 08:30:00", "016", "+08:00", "2026-05-01T08:30:00.016+08:00"),
        ("2026:05:01 08:30:00", "5  ", "Z", "2026-05-01T08:30:00.5Z"),
        ("2026-05-01 08:30", "5", "-03:30", "2026-05-01T08:30-03:30"),
        ("2026:05:01   :  :  ", "5", "+08:00", "2026-05-01"),
        ("2026:05:01 08:30:00", "   ", "   :  ", "2026-05-01T08:30:00"),
    ],
)
def test_the_capture_time_keeps_its_precision(stated, fraction, offset, time):
    tags = {TIME: stated, FRACTION: fraction, OFFSET: offset}
    found = exif.read(block(exif_ifd={tag: text for tag, text in tags.items() if text is not None}))
    assert (found.captured_at, found.problems) == (time, ())


@pytest.mark.parametrize("stated", ["0000:00:00 00:00:00", "    :  :     :  :  ", ""])
def test_a_camera_whose_clock_was_never_set_states_no_time(stated):
    found = exif.read(block(exif_ifd={TIME: stated}))
    assert (found.captured_at, found.problems) == (None, ())


@pytest.mark.parametrize(
    "stated", ["2026:13:01 08:30:00", "2026:05:01 25:00:00", "yesterday", "2026:05:01 08:30:00 PM"]
)
def test_a_time_that_cannot_be_read_is_named(stated):
    found = exif.read(block(exif_ifd={TIME: stated}))
    assert (found.captured_at, codes(found)) == (None, ["exif-time-unreadable"])
    assert stated in found.problems[0].text("zh-CN")


def test_an_offset_that_cannot_be_read_is_named_and_the_time_kept():
    found = exif.read(block(exif_ifd={TIME: "2026:05:01 08:30:00", OFFSET: "+99:00"}))
    assert (found.captured_at, codes(found)) == ("2026-05-01T08:30:00", ["exif-offset-unreadable"])


def position(latitude, longitude, **more):
    return {1: "N", 2: latitude, 3: "W", 4: longitude} | {int(key[1:]): value for key, value in more.items()}


@pytest.mark.parametrize(
    ("gps", "coordinates", "problems"),
    [
        (position((30.0, 30.0, 36.0), (104.0, 15.0, 0.0)), (30.51, -104.25), []),
        (position((30.0, 30.6, 0.0), (104.0, 15.0, 0.0), t18="WGS-84"), (30.51, -104.25), []),
        (position((30.0, 30.6, 0.0), (104.0, 15.0, 0.0), t18="CGCS 2000"), (30.51, -104.25), []),
        (position((30.0, 30.6, 0.0), (104.0, 15.0, 0.0), t18="TOKYO"), None, ["exif-datum-unknown"]),
        (position((91.0, 0.0, 0.0), (104.0, 15.0, 0.0)), None, ["exif-position-unreadable"]),
        (position((30.0, 0.0, 0.0), (180.0, 0.0, 1.0)), None, ["exif-position-unreadable"]),
        ({1: "N", 2: (30.0, 0.0, 0.0)}, None, ["exif-position-unreadable"]),
        ({2: (30.0, 0.0, 0.0), 4: (104.0, 0.0, 0.0)}, None, ["exif-position-unreadable"]),
        ({5: b"\0", 6: 500.0}, None, []),
    ],
)
def test_positions(gps, coordinates, problems):
    found = exif.read(block(gps=gps))
    assert codes(found) == problems
    assert found.coordinates == (pytest.approx(coordinates) if coordinates else None)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("rationals", "degrees"),
    [
        ((30, 1, 30, 1, 0, 0), 30.5),
        ((30, 1, 0, 0, 0, 0), 30.0),
        ((0, 0, 0, 0, 0, 0), None),
        ((30, 1, 5, 0, 0, 1), None),
    ],
)
def test_rationals_without_a_denominator(order, rationals, degrees):
    gps_at, values_at = 26, 26 + 2 + 4 * 12 + 4
    entries = [(1, 2, 2, b"N\0\0\0"), (2, 5, 3, values_at), (3, 2, 2, b"E\0\0\0"), (4, 5, 3, values_at)]
    blob = stream(order, ([(0x8825, 4, 1, gps_at)], 0), (entries, 0)) + struct.pack(order + "6I", *rationals)
    assert exif.read(blob).coordinates == ((degrees, degrees) if degrees else None)


def test_texts_and_camera():
    found = exif.read(block({0x010F: " Canon ", 0x013B: "A", 0x8298: "B\0editor", 0x0112: 8}))
    assert (found.image_description, found.make, found.artist, found.copyright) == (None, "Canon", "A", "B")
    assert (found.orientation, found.is_camera) == (8, True)
    assert not exif.read(block({0x010F: " "})).is_camera


@pytest.mark.parametrize(("text", "encoding"), [("成都", "utf-8"), ("café", "latin-1")])
def test_texts_beyond_ascii(text, encoding):
    data = text.encode(encoding) + bytes(8)
    assert exif.read(stream("<", ([(0x010E, 2, len(data), 26)], 0)) + data).image_description == text


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_out_of_range_means_upright(value):
    found = exif.read(block({0x0112: value}))
    assert (found.orientation, codes(found)) == (1, ["exif-orientation-invalid"])


LABEL = '{"AIGC":{"Label":"1"}}'


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "data",
    [
        b"ASCII\0\0\0" + LABEL.encode(),
        bytes(8) + LABEL.encode() + b"\0\0",
        b"UNICODE\0" + LABEL.encode("utf-16-le"),
        b"UNICODE\0" + LABEL.encode("utf-16-be"),
        b"UNICODE\0" + LABEL.encode("utf-16"),
        b"JIS\0\0\0\0\0" + LABEL.encode(),
        LABEL.encode(),
    ],
)
def test_a_user_comment_is_read_in_every_character_set(order, data):
    in_exif = stream(order, ([(0x8769, 4, 1, 26)], 0), ([(COMMENT, 7, len(data), 44)], 0)) + data
    in_image = stream(order, ([(COMMENT, 2, len(LABEL), 26)], 0)) + LABEL.encode()
    assert exif.read(in_exif).user_comment == exif.read(in_image).user_comment == LABEL


# --- writing


@pytest.mark.parametrize("time", ["2026", "2026-05-01", "2026-05-01T08:30", "2026-05-01T08:30+08:00"])
def test_a_time_shorter_than_seconds_is_not_for_exif(time):
    assert not exif.can_hold(time)
    assert exif.can_hold("2026-05-01T08:30:00+08:00")


def test_a_new_block_says_what_it_was_given_and_nothing_else():
    image, inner, gps = as_pillow_reads(
        exif.write(None, captured_at="2026-05-01T08:30:00", coordinates=(-30.5, 104.25))
    )
    assert set(image) == {0x8769, 0x8825}
    assert inner == {0x9000: b"0232", TIME: "2026:05:01 08:30:00"}
    assert (gps[0], gps[1], gps[3], gps[0x12]) == (b"\x02\x03\x00\x00", "S", "E", "WGS-84")
    assert ([float(part) for part in gps[2]], [float(part) for part in gps[4]]) == ([30, 30, 0], [104, 15, 0])


degrees = st.floats(-90, 90), st.floats(-180, 180)


@given(st.tuples(*degrees), st.sampled_from([None, block(), block(gps={0: b"\2\2\0\0", 29: "2026:05:01"})]))
def test_a_position_comes_back_within_millimetres(coordinates, blob):
    found = exif.read(exif.write(blob, captured_at=None, coordinates=coordinates))
    assert found.coordinates == pytest.approx(coordinates, abs=2e-8)
    assert found.problems == ()


moments = st.datetimes().map(lambda moment: moment.isoformat())
offsets = st.sampled_from(["", "+08:00", "-03:30", "+00:00"])


@given(st.builds("".join, st.tuples(moments, offsets)), st.sampled_from([None, block({0x010F: "Maker"})]))
def test_a_time_comes_back_as_it_was_given(time, blob):
    assert exif.read(exif.write(blob, captured_at=time, coordinates=None)).captured_at == time


def maker_block(order):
    """IFD0 → Exif IFD with a maker note, GPS IFD with an altitude, IFD1 with a thumbnail; unsorted and with oddities."""
    exif_at, gps_at, first_at = 62, 116, 146
    data = first_at + 30
    return (
        stream(
            order,
            (
                [(0x8825, 4, 1, gps_at), (0x8769, 4, 1, exif_at), (0xEA1D, 99, 7, 5), (0x010F, 2, 3, b"ab\0\0")],
                first_at,
            ),
            (
                [(TIME, 2, 20, data), (0x927C, 7, 20, data + 20), (FRACTION, 2, 2, b"9\0\0\0"), (OFFSET, 2, 7, data)],
                0xABCD,
            ),
            ([(6, 5, 1, data), (0, 1, 4, b"\2\2\0\0")], 0),
            ([(0x0201, 4, 1, data), (0x0202, 4, 1, 40)], 0),
        )
        + b"2001:01:01 01:01:01\0"
        + b"maker note \xff\xd8\0\1\2\3\4\5\6"
    )


@pytest.mark.parametrize("order", ORDERS)
def test_an_edit_moves_no_byte_and_keeps_every_other_entry(order):
    before = maker_block(order)
    after = exif.write(before, captured_at="2026-05-01T08:30:00", coordinates=(1, 2))
    assert after[:4] + after[8 : len(before)] == before[:4] + before[8:]
    old, new = as_pillow_reads(before), as_pillow_reads(after)
    assert new[1][0x927C] == old[1][0x927C]
    assert (new[2][0], new[2][6]) == (b"\2\2\0\0", old[2][6])
    raw = directory(order, after, 4)
    assert raw[0] == sorted(raw[0])
    assert struct.pack(order + "HHII", 0xEA1D, 99, 7, 5) in raw[1]
    assert raw[2] == 146
    inner = directory(order, after, None, at=as_offset(order, raw[1], 0x8769))
    assert inner[2] == 0xABCD


def directory(order, blob, pointer, at=None):
    at = struct.unpack_from(order + "I", blob, pointer)[0] if at is None else at
    count = struct.unpack_from(order + "H", blob, at)[0]
    entries = [blob[at + 2 + 12 * n : at + 14 + 12 * n] for n in range(count)]
    tags = [struct.unpack_from(order + "H", entry)[0] for entry in entries]
    return tags, entries, struct.unpack_from(order + "I", blob, at + 2 + 12 * count)[0]


def as_offset(order, entries, tag):
    return next(
        struct.unpack_from(order + "I", entry, 8)[0] for entry in entries if entry[:2] == struct.pack(order + "H", tag)
    )


@pytest.mark.parametrize("order", ORDERS)
def test_the_offset_and_fraction_of_the_old_time_go_with_it(order):
    after = exif.write(maker_block(order), captured_at="2026-05-01T08:30:00", coordinates=None)
    assert exif.read(after).captured_at == "2026-05-01T08:30:00"


@pytest.mark.parametrize("order", ORDERS)
def test_writing_the_same_again_changes_nothing(order):
    fields = {"captured_at": "2026-05-01T08:30:00.25+08:00", "coordinates": (30.5728, 104.0668)}
    once = exif.write(maker_block(order), **fields)
    assert exif.write(once, **fields) is once
    assert exif.write(once, captured_at=None, coordinates=None) is once


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("blob", [None, maker_block("<"), maker_block(">")], ids=["new", "little", "big"])
def test_exiftool_reads_what_was_written(blob, tmp_path):
    new = exif.write(blob, captured_at="2026-05-01T08:30:00.5+08:00", coordinates=(-30.5728, 104.0668))
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=b"Exif\0\0" + new)
    (tmp_path / "a.jpg").write_bytes(out.getvalue())
    run = subprocess.run(["exiftool", "-j", "-n", str(tmp_path / "a.jpg")], capture_output=True, check=True)
    seen = json.loads(run.stdout)[0]
    assert seen["SubSecDateTimeOriginal"] == "2026:05:01 08:30:00.5+08:00"
    assert seen["GPSPosition"] == "-30.5728 104.0668"
    assert seen["GPSMapDatum"] == "WGS-84"


# --- damage


def pointers(*entries):
    return stream("<", (entries, 0))


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"II*\0",
        b"XX*\0\x08\0\0\0\0\0",
        b"II+\0\x08\0\0\0\0\0",
        b"II*\0\x00\0\0\0\0\0\0\0\0\0",
        b"II*\0\xff\xff\xff\xff\0\0",
        b"II*\0\x08\0\0\0\xff\xff",
        stream("<", ([], 8)),
        stream("<", ([], 0xFFFFFF)),
        pointers((0x8769, 4, 1, 8)),
        pointers((0x8769, 4, 1, 9999)),
        pointers((0x8825, 4, 1, 26), (0x010F, 2, 9000, 8)),
        pointers((0x010F, 2, 0xFFFFFFFF, 8)),
        pointers((0x010F, 12, 0x7FFFFFFF, 8)),
        pointers((0x8769, 2, 4, b"\x1a\0\0\0")),
        pointers((0x8825, 4, 2, 8)),
        pointers((0x0201, 4, 1, 20), (0x0202, 4, 1, 9999)),
        stream(
            "<",
            (
                [
                    (0x8769, 4, 1, 26),
                ],
                26,
            ),
            ([], 0),
        ),
        block({0x010F: "Maker"})[:-3],
        stream("<", ([], 14), ([(0x0112, 3, 1, 1)], 0))[:-6],
    ],
)
def test_damaged_exif_is_neither_read_nor_edited(blob):
    for call in (exif.read, lambda blob: exif.write(blob, captured_at="2026-05-01T08:30:00", coordinates=None)):
        with pytest.raises(MalformedMedia) as caught:
            call(blob)
        assert caught.value.code == "exif-damaged"
        assert isinstance(caught.value.details["offset"], int)


def test_a_long_chain_of_directories_ends():
    chain = [([], 8 + 6 * (number + 1)) for number in range(40)]
    with pytest.raises(MalformedMedia):
        exif.read(stream("<", *chain, ([], 0)))


def test_directories_that_share_their_entries_do_not_multiply():
    many = stream("<", ([(0x014A, 4, 30, 26)], 0)) + b"".join(struct.pack("<I", 146 + 12 * n) for n in range(30))
    many += (struct.pack("<HHII", 5000, 1, 0, 0)) * 5200
    with pytest.raises(MalformedMedia):
        exif.read(many)


def test_a_directory_cut_before_its_last_field_is_read():
    blob = stream("<", ([], 14), ([(0x0112, 3, 1, 6)], 0))[:-4]
    after = exif.write(blob, captured_at="2026-05-01T08:30:00", coordinates=None)
    assert directory("<", after, None, at=14)[2] == 0  # nothing appended is taken for the field that is missing
    assert exif.read(blob).orientation == 1


@given(st.data())
def test_any_bytes_are_read_or_refused(data):
    blob = bytearray(maker_block(data.draw(st.sampled_from("<>"))))
    for _ in range(data.draw(st.integers(1, 6))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    try:
        exif.read(bytes(blob))
        after = exif.write(bytes(blob), captured_at="2026-05-01T08:30:00", coordinates=(1, 2))
    except MalformedMedia:
        return
    assert exif.read(after).captured_at == "2026-05-01T08:30:00"
    assert after[8 : len(blob)] == blob[8:]


def gps_block(gps):
    block = Image.Exif()
    block[0x010F] = "Maker"
    block.get_ifd(0x8769)[0x9003] = "2026:05:01 08:30:00"
    block.get_ifd(0x8825).update(gps)
    return block.tobytes()[6:]


POSITION = {1: "N", 2: (30.0, 44.0, 5.25), 3: "E", 4: (104.0, 8.0, 7.5), 5: b"\x00", 6: 505.25, 0x1D: "2026:05:01"}


def test_an_erased_position_leaves_no_byte_of_it_behind():
    blob = gps_block(POSITION)
    erased = exif.write(blob, captured_at=None, coordinates=None, erase_position=True)
    found = exif.read(erased)
    assert (found.coordinates, found.captured_at, found.make) == (None, "2026-05-01T08:30:00", "Maker")
    values = [
        struct.pack(order + "2I", int(seconds * scale), scale)
        for seconds in (5.25, 7.5)
        for scale in (4, 2)
        for order in "<>"
    ]
    assert any(value in blob for value in values)
    assert not any(value in erased for value in values)
    assert b"2026:05:01\0" in erased  # the date of the fix is no position


def test_a_coarse_position_replaces_the_exact_one_everywhere():
    coarse = exif.write(gps_block(POSITION), captured_at=None, coordinates=(30.7, 104.1), erase_position=True)
    assert exif.read(coarse).coordinates == pytest.approx((30.7, 104.1))
    assert struct.pack(">2I", 21, 4) not in coarse
    assert struct.pack("<2I", 21, 4) not in coarse


def test_erasing_in_place_keeps_every_other_byte_where_it_was():
    blob = gps_block(POSITION)
    erased = exif.without_position(blob)
    assert len(erased) == len(blob)
    assert exif.read(erased).coordinates is None
    assert exif.read(erased).make == "Maker"
    assert exif.without_position(erased) == erased


def test_a_block_without_position_needs_no_erasing():
    blob = gps_block({0x1D: "2026:05:01"})
    assert exif.write(blob, captured_at=None, coordinates=None, erase_position=True) == blob


def test_a_position_that_shares_its_bytes_with_another_value_is_not_erased():
    """The latitude's value is made to lie on the camera's name: zeros there would destroy it."""
    blob = bytearray(gps_block({2: (30.0, 44.0, 5.25), **{k: v for k, v in POSITION.items() if k != 2}}))
    order = "<" if blob[:2] == b"II" else ">"
    make = blob.index(b"Maker\0")
    at = blob.index(struct.pack(order + "HHI", 2, 5, 3))
    struct.pack_into(order + "I", blob, at + 8, make)
    with pytest.raises(MalformedMedia):
        exif.write(bytes(blob), captured_at=None, coordinates=None, erase_position=True)
