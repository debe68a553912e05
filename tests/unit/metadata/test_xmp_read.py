"""Reading an XMP packet: every form RDF allows, and every way a hostile packet may try."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.metadata import xmp, xmp_scan
from provenance.metadata.xmp import Alt, Bag, LangAlt, Name, Seq, Struct

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
A = Name("urn:a", "a")
B = Name("urn:a", "b")
C = Name("urn:a", "c")


def packet(body, attributes=""):
    text = f"<rdf:RDF xmlns:rdf='{RDF}' xmlns:p='urn:a'><rdf:Description rdf:about=''{attributes}>{body}</rdf:Description></rdf:RDF>"
    return text.encode()


def value(body, attributes="", name=A):
    (occurrence,) = xmp.read(packet(body, attributes))[name]
    return occurrence.value


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p:a>x</p:a>", "x"),
        ("<p:a/>", ""),
        ("<p:a></p:a>", ""),
        ("<p:a>&lt;&quot;&#x4E2D;&amp;quot;</p:a>", '<"中&quot;'),
        ("<p:a><![CDATA[<x>]]> y</p:a>", "<x> y"),
        ("<p:a>one<!-- no -->two<?no no?></p:a>", "onetwo"),
        ("<p:a rdf:resource='http://e.org/'/>", "http://e.org/"),
        ("<p:a><rdf:Bag><rdf:li>1</rdf:li><rdf:li/></rdf:Bag></p:a>", Bag(("1", ""))),
        ("<p:a><rdf:Seq/></p:a>", Seq(())),
        ("<p:a><rdf:Alt><rdf:li>1</rdf:li></rdf:Alt></p:a>", Alt(("1",))),
        ("<p:a><rdf:Alt><rdf:li xml:lang='en'>1</rdf:li></rdf:Alt></p:a>", LangAlt((("en", "1"),))),
        ("<p:a rdf:parseType='Resource'><p:b>1</p:b></p:a>", Struct({B: "1"})),
        ("<p:a><rdf:Description><p:b>1</p:b></rdf:Description></p:a>", Struct({B: "1"})),
        ("<p:a><rdf:Description p:b='1'/></p:a>", Struct({B: "1"})),
        ("<p:a p:b='1' p:c='2'/>", Struct({B: "1", C: "2"})),
        ("<p:a xml:lang='en'>1</p:a>", "1"),
        ("<p:a><rdf:Description><rdf:value>1</rdf:value><p:b/></rdf:Description></p:a>", "1"),
        ("<p:a><rdf:Description rdf:value='1' p:b=''/></p:a>", "1"),
        ("<p:a><rdf:Description><rdf:value/><p:b>2</p:b></rdf:Description></p:a>", ""),
        (
            "<p:a><rdf:Bag><rdf:li rdf:parseType='Resource'><p:b><rdf:Seq><rdf:li p:c='1'/></rdf:Seq></p:b></rdf:li></rdf:Bag></p:a>",
            Bag((Struct({B: Seq((Struct({C: "1"}),))}),)),
        ),
    ],
)
def test_every_rdf_form_gives_its_value(body, expected):
    assert value(body) == expected


def test_an_attribute_is_a_property_with_its_byte_span():
    data = packet("", "\n p:a = \"it's &gt; &#34;\" p:b='2'")
    found = xmp.read(data)
    (one,) = found[A]
    assert (one.value, one.form) == ("it's > \"", "attribute")
    assert data[one.start : one.end] == b'\n p:a = "it\'s &gt; &#34;"'
    assert data[found[B][0].start : found[B][0].end] == b" p:b='2'"


def test_an_element_has_its_byte_span():
    data = packet(" <p:a\n>x</p:a\n > <p:a p:b='/>'/>")
    assert [data[one.start : one.end] for one in xmp.read(data)[A]] == [b"<p:a\n>x</p:a\n >", b"<p:a p:b='/>'/>"]


def test_all_occurrences_are_listed_over_all_descriptions():
    data = packet("<p:a>1</p:a><p:a>2</p:a></rdf:Description><rdf:Description p:a='3'>")
    assert [one.value for one in xmp.read(data)[A]] == ["1", "2", "3"]


def test_a_property_inside_another_value_is_not_the_files_own():
    assert A not in xmp.read(packet("<p:b rdf:parseType='Resource'><p:a>1</p:a></p:b>"))


def test_offsets_count_from_the_start_of_a_padded_packet():
    data = b"\0\0 \n" + packet("<p:a>1</p:a>") + b"\0\0"
    (one,) = xmp.read(data)[A]
    assert data[one.start : one.end] == b"<p:a>1</p:a>"


@pytest.mark.parametrize("tail", [b"\0\0", b" \0<?xpacket end='w'?>\0", b"\n<!-- c -->\0\n", b"\0" * 4096])
def test_nul_padding_behind_the_root_is_harmless(tail):
    assert A in xmp.read(packet("<p:a>1</p:a>") + tail)


def test_no_packet_has_no_properties():
    assert xmp.read(b"") == {} == xmp.read(b" \0\n")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (packet("<p:a>1</p:a>")[:-9], "xmp-damaged"),
        (packet("<p:a>1</p:a>") + b"\0" + packet("<p:a>2</p:a>"), "xmp-damaged"),
        (packet("<q:a/>"), "xmp-damaged"),
        (packet("<p:a>\xff</p:a>").decode().encode("latin-1"), "xmp-damaged"),
        (packet("<p:a>\0</p:a>"), "xmp-damaged"),
        (packet("<p:a>&undefined;</p:a>"), "xmp-damaged"),
        (packet("<p:a p:b='1' p:b='2'/>"), "xmp-damaged"),
        (b"not xml at all", "xmp-damaged"),
        (b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", "xmp-without-rdf"),
        (b"<?xml version='1.0'?><!DOCTYPE r><r/>", "xmp-doctype"),
        (b"<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><r>&b;</r>", "xmp-doctype"),
        (b"<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>", "xmp-doctype"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?><r/>", "xmp-not-utf-8"),
        ("<r/>".encode("utf-16"), "xmp-not-utf-8"),
        ("\0 <r/>".encode("utf-16-be"), "xmp-not-utf-8"),
        (packet("<p:a>" * 80 + "</p:a>" * 80), "xmp-too-deep"),
    ],
)
@pytest.mark.parametrize("use", [xmp.read, lambda data: xmp.merge(data, {A: "1"})])
def test_a_damaged_packet_is_refused_with_the_offset(data, code, use):
    with pytest.raises(MalformedMedia) as caught:
        use(data)
    assert caught.value.code == code
    assert 0 <= caught.value.details["offset"] <= len(data)
    assert len(str(caught.value)) > 30


def test_the_offset_of_damage_is_the_byte_where_it_is():
    data = b"\0\0" + packet("<p:a><oops</p:a>")
    with pytest.raises(MalformedMedia) as caught:
        xmp.read(data)
    assert data[: caught.value.details["offset"]].endswith(b"<oops")


def test_more_than_ten_mebibytes_are_not_read():
    with pytest.raises(MediaTooLarge, match="10485761"):
        xmp.read(b"<" + b" " * xmp.MAX_BYTES)


def filled(unit, start, end):
    return start + unit * ((xmp.MAX_BYTES - len(start) - len(end)) // len(unit)) + end


START = f"<r:RDF xmlns:r='{RDF}' xmlns:p='urn:a'>".encode()


@pytest.mark.parametrize(
    "data",
    [
        filled(b"<p:a/>", START + b"<r:Description>", b"</r:Description></r:RDF>"),
        filled(b"<r:Description/>", START, b"</r:RDF>"),
        filled(b"<p:a><r:Bag><r:li/></r:Bag></p:a>", START + b"<r:Description>", b"</r:Description></r:RDF>"),
        START + b"<r:Description " + b" ".join(b"p:a%d=''" % n for n in range(600_000)) + b"/></r:RDF>",
        START + b"<r:Description " + b" ".join(b"xmlns:a%d='u%d'" % (n, n) for n in range(250_000)) + b"/></r:RDF>",
    ],
)
def test_too_many_nodes_are_refused_before_they_fill_the_memory(data):
    began = time.process_time()
    with pytest.raises(MediaTooLarge) as caught:
        xmp.read(data)
    assert caught.value.code == "xmp-too-complex"
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "data",
    [
        filled(b" ", packet("<p:a>1</p:a>"), b""),
        filled(b" ", START + b"<r:Description p:a='1'><p:a>1</p:a>", b"</r:Description></r:RDF>"),
        filled(b"&amp;", START + b"<r:Description p:b='", b"'/></r:RDF>"),
        filled(b"x", START + b"<r:Description><p:a>", b"</p:a></r:Description></r:RDF>"),
    ],
)
def test_large_packets_take_linear_time(data):
    began = time.process_time()
    xmp.merge(data, {A: "2"})
    assert time.process_time() - began < 15


@pytest.mark.parametrize(("unit", "end"), [(b"<?", b""), (b"<!---->", b"<"), (b"<??>", b"<?")])
def test_large_damage_behind_the_root_takes_linear_time(unit, end):
    began = time.process_time()
    with pytest.raises(MalformedMedia, match="damaged"):
        xmp.read(filled(unit, packet("<p:a>1</p:a>") + b"\0", end))
    assert time.process_time() - began < 15


def test_a_long_list_of_ancestors_as_photoshop_leaves_it_is_read():
    body = "<p:a><rdf:Bag>" + "<rdf:li>xmp.did:0123456789abcdef0123456789abcdef</rdf:li>" * 150_000 + "</rdf:Bag></p:a>"
    assert len(value(body).items) == 150_000


def test_the_limits_are_those_of_the_design():
    assert xmp_scan.MAX_BYTES == 10 * 1024 * 1024


WHOLE = packet("<p:a>1</p:a><p:b><rdf:Bag><rdf:li p:c='2'/></rdf:Bag></p:b><!-- c -->", " p:c='3'") + b"<?end?>\0"


@settings(max_examples=300)
@given(
    st.integers(0, len(WHOLE)),
    st.integers(0, 12),
    st.binary(max_size=6)
    | st.sampled_from([b"<", b">", b"/>", b"'", b"<p:a/>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"\0"]),
)
def test_any_damage_is_refused_or_still_merges_once(start, length, noise):
    data = WHOLE[:start] + noise + WHOLE[start + length :]
    offset = 0
    try:
        merged = xmp.merge(data, {A: "new", C: "new"})
    except MalformedMedia as error:
        merged, offset = None, error.details["offset"]
    assert 0 <= offset <= len(data)
    if merged is not None:
        assert [one.value for one in xmp.read(merged)[A]] == ["new"]
        assert xmp.merge(merged, {A: "new", C: "new"}) is merged
