"""Reading IPTC-IIM: what exiftool writes, what old tools left, and what damage leaves."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, IptcImagePlugin

from provenance.metadata.iim import read_iim
from provenance.metadata.iptc import Location, StandardFields

UTF_8 = (1, 90, b"\x1b%G")


def block(*datasets):
    return b"".join(
        bytes([0x1C, record, number]) + len(data).to_bytes(2, "big") + data for record, number, data in datasets
    )


def test_every_field_is_read():
    found = read_iim(
        block(
            UTF_8,
            (2, 0, b"\0\4"),
            (2, 55, b"20260501"),
            (2, 60, b"083000+0800"),
            (2, 80, "张三".encode()),
            (2, 80, b"Li Si"),
            (2, 90, "成都市".encode()),
            (2, 92, "成华区".encode()),
            (2, 95, "四川省".encode()),
            (2, 100, b"CHN"),
            (2, 110, "新华社".encode()),
            (2, 115, "新华社".encode()),
            (8, 10, b"anything"),
        )
    )
    assert found == StandardFields(
        captured_at="2026-05-01T08:30:00+08:00",
        place=Location(None, "CHN", "四川省", "成都市", "成华区"),
        source="新华社",
        credit="新华社",
        creators=("张三", "Li Si"),
    )
    assert found.problems == ()


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_what_exiftool_writes_is_read(tmp_path):
    path = tmp_path / "x.jpg"
    Image.new("RGB", (8, 8)).save(path)
    fields = [
        "-IPTC:CodedCharacterSet=UTF8", "-IPTC:Source=新华社", "-IPTC:By-line=张三", "-IPTC:City=成都市",
        "-IPTC:DateCreated=2026:05:01", "-IPTC:TimeCreated=08:30:00+08:00",
    ]  # fmt: skip
    subprocess.run(["exiftool", "-q", *fields, str(path)], check=True, timeout=60)
    raw = subprocess.run(
        ["exiftool", "-b", "-IPTC:all", "-iptc", str(path)], capture_output=True, check=True, timeout=60
    )
    assert raw.stdout
    with Image.open(path) as image:
        assert IptcImagePlugin.getiptcinfo(image)[2, 115] == "新华社".encode()
        resource = image.info["photoshop"][0x0404]
    assert read_iim(resource) == StandardFields(
        captured_at="2026-05-01T08:30:00+08:00", place=Location(city="成都市"), source="新华社", creators=("张三",)
    )


@pytest.mark.parametrize(
    ("date", "clock", "expected"),
    [
        (b"20260501", None, "2026-05-01"),
        (b"20260500", b"083000+0800", "2026-05"),
        (b"20260000", None, "2026"),
        (b"2026-05-01", b"08:30:00", "2026-05-01T08:30:00"),
        (b"20260501", b"083000", "2026-05-01T08:30:00"),
        (b"20260501", b"083000-0330", "2026-05-01T08:30:00-03:30"),
        (b"00000000", None, None),
        (None, b"083000", None),
        (b"", None, None),
    ],
)
def test_a_date_is_as_long_as_what_is_known(date, clock, expected):
    datasets = [(2, number, data) for number, data in ((55, date), (60, clock)) if data is not None]
    found = read_iim(block(*datasets))
    assert (found.captured_at, found.problems) == (expected, ())


@pytest.mark.parametrize(
    ("date", "clock"), [(b"20261301", None), (b"20260501", b"253000"), (b"20260501", b"8h30"), (b"May 1st", None)]
)
def test_a_date_that_is_none_is_a_problem(date, clock):
    datasets = [(2, number, data) for number, data in ((55, date), (60, clock)) if data is not None]
    found = read_iim(block(*datasets))
    assert found.captured_at is None
    assert [problem.code for problem in found.problems] == ["metadata-time"]


@pytest.mark.parametrize(
    ("datasets", "expected", "problems"),
    [
        ([UTF_8, (2, 115, "新华社".encode())], "新华社", []),
        ([(2, 115, "新华社".encode())], "新华社", []),
        ([(2, 115, "Agência".encode("latin-1"))], "Agência", []),
        ([UTF_8, (2, 115, "Agência".encode("latin-1"))], "Agência", ["iim-text"]),
        ([(1, 90, b"\x1b.A"), (2, 115, b"Agence\0 \n")], "Agence", []),
        ([(2, 115, b"\0"), (2, 115, b"second")], "second", []),
    ],
)
def test_text_is_decoded_as_declared_or_as_it_can_be(datasets, expected, problems):
    found = read_iim(block(*datasets))
    assert found.source == expected
    assert [problem.code for problem in found.problems] == problems


@pytest.mark.parametrize(
    "damage",
    [
        b"\x1c",
        b"\x1c\2\x74\0",
        b"\x1c\2\x74\0\x09short",
        b"garbage",
        b"\x1c\2\x74\x80\x04\xff\xff\xff\xffx",
        b"\x1c\2\x74\xff\xffx",
        b"\x1c\2\x74\x80\x04\0",
    ],
)
def test_what_stands_before_damage_is_kept(damage):
    found = read_iim(block((2, 115, b"kept")) + damage)
    assert found.source == "kept"
    (problem,) = found.problems
    assert problem.code == "iim-damaged"
    assert "9" in problem.text()


def test_an_extended_size_is_read():
    data = b"x" * 40_000
    long = b"\x1c\x02\x73" + b"\x80\x04" + len(data).to_bytes(4, "big") + data
    assert read_iim(long + block((2, 110, b"after"))) == StandardFields(source=data.decode(), credit="after")


def test_padding_is_no_damage():
    assert read_iim(block((2, 115, b"a")) + b"\0\0\0").problems == ()


def test_repeats_are_bounded():
    assert len(read_iim(block((2, 80, b"a")) * 5_000).creators) == 100


@given(
    st.binary(max_size=200)
    | st.lists(st.tuples(st.just(2), st.integers(50, 120), st.binary(max_size=12))).map(lambda sets: block(*sets))
)
def test_no_block_raises(data):
    read_iim(data)
