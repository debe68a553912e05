"""The standard fields, to XMP and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.metadata import iptc, xmp
from provenance.metadata.iptc import Location, StandardFields
from provenance.metadata.xmp import Alt, Bag, LangAlt, Name, Seq, Struct

IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"


def read_back(properties):
    return xmp.read(xmp.merge(None, properties))


TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=20)
FIELDS = st.builds(
    StandardFields,
    captured_at=st.none()
    | st.sampled_from(["2026", "2026-05", "2026-05-01", "2026-05-01T08:30", "2026-05-01T08:30:00.25Z"]),
    place=st.none() | st.builds(Location, TEXT, *[st.none() | TEXT] * 4),
    source=st.none() | TEXT,
    credit=st.none() | TEXT,
    creators=st.lists(TEXT, max_size=2).map(tuple),
    copyright_owners=st.lists(TEXT, max_size=2).map(tuple),
    digital_source_type=st.none() | st.just(iptc.SOURCE_TYPE_BASE + "digitalCapture"),
)


@given(FIELDS)
def test_fields_survive_the_packet(fields):
    found = iptc.from_xmp(read_back(iptc.to_xmp(fields)))
    assert found == fields
    assert found.problems == ()


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_positions_survive_within_a_centimetre(latitude, longitude):
    found = iptc.from_xmp(read_back(iptc.to_xmp(StandardFields(coordinates=(latitude, longitude)))))
    assert found.coordinates == pytest.approx((latitude, longitude), abs=1e-7)


def test_nothing_wanted_gives_no_property():
    assert iptc.to_xmp(StandardFields()) == {}
    assert iptc.from_xmp({}) == StandardFields()


def test_the_value_types_are_those_of_the_standard():
    fields = StandardFields(place=Location("成都", city="成都市"), creators=("a",), copyright_owners=("b",))
    assert iptc.to_xmp(fields) == {
        iptc.CREATOR: Seq(("a",)),
        iptc.COPYRIGHT_OWNER: Seq((Struct({iptc.COPYRIGHT_OWNER_NAME: "b"}),)),
        iptc.LOCATION_CREATED: Bag(
            (Struct({iptc.LOCATION_NAME: LangAlt((("x-default", "成都"),)), Name(IPTC_EXT, "City"): "成都市"}),)
        ),
    }


def test_an_existing_location_keeps_the_parts_and_entries_that_are_not_ours():
    name = LangAlt((("x-default", "Chengdu"), ("zh-CN", "成都")))
    theirs = Bag(
        (
            Struct({iptc.LOCATION_NAME: name, Name(IPTC_EXT, "WorldRegion"): "Asia"}),
            Struct({Name(IPTC_EXT, "City"): "x"}),
        )
    )
    existing = read_back({iptc.LOCATION_CREATED: theirs})
    wanted = StandardFields(place=Location("Chengdu", city="成都市"))
    (value,) = iptc.to_xmp(wanted, existing).values()
    assert value.items[0].fields == {**theirs.items[0].fields, Name(IPTC_EXT, "City"): "成都市"}
    assert value.items[1:] == theirs.items[1:]


def test_an_existing_location_that_is_no_structure_is_kept_beside_ours():
    existing = read_back({iptc.LOCATION_CREATED: Bag(("somewhere",))})
    (value,) = iptc.to_xmp(StandardFields(place=Location("成都")), existing).values()
    assert value.items[0] == "somewhere"
    assert iptc.from_xmp(read_back({iptc.LOCATION_CREATED: value})).place == Location("成都")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Struct({Name(IPTC_EXT, "City"): " 成都市 "}), Location(city="成都市")),
        (Bag((Struct({}), Struct({Name(IPTC_EXT, "City"): "x"}))), None),
        (Bag(()), None),
        ("成都", None),
        (Seq((Struct({iptc.LOCATION_NAME: "成都"}),)), Location("成都")),
        (Bag((Struct({iptc.LOCATION_NAME: LangAlt((("en", "A"), ("zh", "成都")))}),)), Location("成都")),
        (Bag((Struct({iptc.LOCATION_NAME: LangAlt((("zh", "成都"), ("X-default", "A")))}),)), Location("A")),
    ],
)
def test_a_location_is_read_in_any_shape(value, expected):
    assert iptc.from_xmp(read_back({iptc.LOCATION_CREATED: value})).place == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", ("a",)), (Bag(("a", " ", "b")), ("a", "b")), (Seq((Struct({}), "b")), ("b",)), ("", ()), (Struct({}), ())],
)
def test_creators_are_read_in_any_shape(value, expected):
    assert iptc.from_xmp(read_back({iptc.CREATOR: value})).creators == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", ("a",)),
        (Struct({iptc.COPYRIGHT_OWNER_NAME: "a"}), ("a",)),
        (Seq((Struct({}), Struct({iptc.COPYRIGHT_OWNER_NAME: "b"}))), ("b",)),
    ],
)
def test_copyright_owners_are_read_in_any_shape(value, expected):
    assert iptc.from_xmp(read_back({iptc.COPYRIGHT_OWNER: value})).copyright_owners == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026", "2026"),
        ("2026-05", "2026-05"),
        ("2026-05-01", "2026-05-01"),
        ("2026-05-01T08:30", "2026-05-01T08:30"),
        ("2026-05-01T08:30+08:00", "2026-05-01T08:30+08:00"),
        ("2026-05-01T08:30:00Z", "2026-05-01T08:30:00Z"),
        (" 2026-05-01T08:30:00z\n", "2026-05-01T08:30:00Z"),
        ("2026:05:01 08:30:00", "2026-05-01T08:30:00"),
        ("2026-05-01 08:30:00,5+0800", "2026-05-01T08:30:00.5+08:00"),
        ("2026-05-01T08:30:00.1234567890123-03", "2026-05-01T08:30:00.123456789-03:00"),
    ],
)
def test_a_time_of_any_iso_form_becomes_one_of_the_contract(text, expected):
    found = iptc.from_xmp(read_back({iptc.DATE_CREATED: text}))
    assert (found.captured_at, found.problems) == (expected, ())


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-13-01",
        "2026-05-32",
        "0000-00-00",
        "2026-05-01T25:00",
        "2026-05-01T08:30+99:00",
        "2026-05-01T08",
        "２０２６",
        "-1",
        "9" * 999,
    ],
)
def test_what_is_no_time_is_a_problem_and_not_a_value(text):
    found = iptc.from_xmp(read_back({iptc.DATE_CREATED: text}))
    assert found.captured_at is None
    (problem,) = found.problems
    assert (problem.code, problem.severity) == ("metadata-time", "warning")
    assert text[:20] in problem.text("zh-CN")
    assert len(problem.text()) < 120


def test_a_blank_time_is_no_time_and_no_problem():
    assert iptc.from_xmp(read_back({iptc.DATE_CREATED: " "})) == StandardFields()


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("30,16,26.76N", "120,9,18E", (30.2741, 120.155)),
        ("30,30S", "0,0W", (-30.5, 0)),
        ("90,0N", "180,0W", (90, -180)),
    ],
)
def test_gps_texts_are_read(latitude, longitude, expected):
    properties = {iptc.GPS_LATITUDE: latitude, iptc.GPS_LONGITUDE: longitude}
    assert iptc.from_xmp(read_back(properties)).coordinates == pytest.approx(expected)


@pytest.mark.parametrize(
    ("latitude", "longitude", "datum", "code"),
    [
        ("91,0N", "0,0E", None, "gps-form"),
        ("90,0.1N", "0,0E", None, "gps-form"),
        ("30,60N", "0,0E", None, "gps-form"),
        ("30,0E", "0,0E", None, "gps-form"),
        ("30.5", "120.5", None, "gps-form"),
        ("30,0N", None, None, "gps-form"),
        ("30,0N", "120,0E", "GCJ-02", "gps-datum"),
    ],
)
def test_what_is_no_wgs84_position_is_a_problem(latitude, longitude, datum, code):
    texts = {iptc.GPS_LATITUDE: latitude, iptc.GPS_LONGITUDE: longitude, iptc.GPS_MAP_DATUM: datum}
    found = iptc.from_xmp(read_back({name: text for name, text in texts.items() if text}))
    assert found.coordinates is None
    assert [problem.code for problem in found.problems] == [code]


@pytest.mark.parametrize("datum", ["WGS-84", "WGS84", "wgs 84"])
def test_the_names_of_wgs84_are_known(datum):
    texts = {iptc.GPS_LATITUDE: "30,0N", iptc.GPS_LONGITUDE: "120,0E", iptc.GPS_MAP_DATUM: datum}
    assert iptc.from_xmp(read_back(texts)).coordinates == (30, 120)


def packet(body):
    return (
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' "
        f"xmlns:TC260='{TC260}'>{body}</rdf:RDF>"
    ).encode()


def test_a_repeated_property_is_a_problem_and_the_first_one_counts():
    found = iptc.from_xmp(
        xmp.read(
            packet("<rdf:Description photoshop:Source='a'><photoshop:Source>b</photoshop:Source></rdf:Description>")
        )
    )
    assert found.source == "a"
    (problem,) = found.problems
    assert "Source" in problem.text()
    assert "2" in problem.text()


def test_the_record_is_one_text():
    assert iptc.record_of(read_back({iptc.RECORD: '{"version":1}'})) == '{"version":1}'
    assert iptc.record_of({}) is None


def test_every_aigc_text_counts_in_every_form():
    found = iptc.aigc_texts(
        xmp.read(
            packet(
                "<rdf:Description TC260:AIGC='{&quot;a&quot;:1}'><TC260:AIGC>{&quot;b&quot;:2}</TC260:AIGC></rdf:Description>"
                "<rdf:Description><TC260:AIGC/><TC260:aigc rdf:resource='{}'/>"
                "<other:AIGC xmlns:other='http://www.tc260.org.cn/ns/AIGC/1.0'>slash</other:AIGC>"
                "<x:AIGC xmlns:x='urn:x'>no</x:AIGC></rdf:Description>"
            )
        )
    )
    assert [(one.form, one.text) for one in found] == [
        ("attribute", '{"a":1}'),
        ("element", '{"b":2}'),
        ("element", ""),
        ("element", "{}"),
        ("element", "slash"),
    ]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (Bag(("a", "b")), ["a", "b"]),
        (Alt(()), [""]),
        (LangAlt((("x-default", "a"),)), ["a"]),
        (Struct({Name(TC260, "Label"): "1"}), ['{"Label": "1"}']),
        (Bag((Struct({Name(TC260, "A"): Seq((LangAlt((("en", "x"),)),))}),)), ['{"A": [{"en": "x"}]}']),
    ],
)
def test_an_element_in_an_unusual_shape_is_seen_too(value, texts):
    assert [one.text for one in iptc.aigc_texts(read_back({iptc.AIGC: value}))] == texts
