"""Merging into an XMP packet: ours set once, everything else byte-exact."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.errors import MetadataNotWritten
from provenance.metadata import xmp
from provenance.metadata.xmp import Alt, Bag, LangAlt, Name, Seq, Struct

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
DC = "http://purl.org/dc/elements/1.1/"
SOURCE = Name(PHOTOSHOP, "Source")
CREDIT = Name(PHOTOSHOP, "Credit")
CREATOR = Name(DC, "creator")

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Some Tool 1.0">
 <!-- a comment -->
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="uuid:1" xmlns:odd="urn:odd" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
      odd:Kept="a &gt; b"   photoshop:Credit='old credit' odd:Also="1">
   <?keep this?>
   <odd:Thing rdf:parseType="Resource"><odd:Part>1</odd:Part></odd:Thing>
   <photoshop:Source>old source</photoshop:Source>
   <odd:Last>  spaced  </odd:Last>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
                    \n                    \n<?xpacket end="w"?>""".encode()


def values(packet, name):
    return [occurrence.value for occurrence in xmp.read(packet).get(name, ())]


def test_a_new_property_only_adds_one_block_before_the_end_of_the_rdf():
    merged = xmp.merge(PACKET, {CREATOR: Seq(("张三",))})
    start = merged.index(b"\n  <rdf:Description", merged.index(b"</rdf:Description>"))
    end = merged.index(b"\n </rdf:RDF>")
    assert merged[:start] + merged[end:] == PACKET
    assert values(merged, CREATOR) == [Seq(("张三",))]


def test_the_new_block_repeats_the_about_of_the_packet():
    assert xmp.merge(PACKET, {CREATOR: Seq(("a",))}).count(b'rdf:about="uuid:1"') == 2


def test_element_and_attribute_forms_of_a_property_are_replaced_and_all_else_stays():
    merged = xmp.merge(PACKET, {SOURCE: "新华社", CREDIT: "新华社 <b> & \"c\" 'd'"})
    assert values(merged, SOURCE) == ["新华社"]
    assert values(merged, CREDIT) == ["新华社 <b> & \"c\" 'd'"]
    block = merged[merged.rindex(b"\n  <rdf:Description") : merged.index(b"\n </rdf:RDF>")]
    expected = PACKET.replace(b"   photoshop:Credit='old credit'", b"").replace(
        b"\n   <photoshop:Source>old source</photoshop:Source>", b""
    )
    assert merged.replace(block, b"") == expected


def test_every_occurrence_of_a_property_is_replaced_by_one():
    twice = PACKET.replace(
        b" </rdf:RDF>",
        b'<rdf:Description xmlns:p="%s"><p:Source>2</p:Source></rdf:Description></rdf:RDF>' % PHOTOSHOP.encode(),
    )
    assert len(values(twice, SOURCE)) == 2
    assert values(xmp.merge(twice, {SOURCE: "old source"}), SOURCE) == ["old source"]


def test_a_packet_that_says_it_already_is_returned_as_it_is():
    assert xmp.merge(PACKET, {SOURCE: "old source", CREDIT: "old credit"}) is PACKET
    assert xmp.merge(PACKET, {}, removed=[CREATOR]) is PACKET


def test_a_property_that_is_equal_stays_where_it_is_beside_one_that_changes():
    merged = xmp.merge(PACKET, {SOURCE: "old source", CREDIT: "new"})
    assert b"\n   <photoshop:Source>old source</photoshop:Source>" in merged
    assert merged.count(b"old source") == 1


def test_removing_what_was_added_restores_the_packet():
    ours = {CREATOR: Seq(("a",)), Name("urn:x", "New"): Struct({Name("urn:y", "f"): "1"})}
    assert xmp.merge(xmp.merge(PACKET, ours), {}, removed=ours) == PACKET


def test_changing_a_value_to_and_fro_does_not_make_the_packet_grow():
    one = xmp.merge(PACKET, {CREATOR: Seq(("a",))})
    other = xmp.merge(one, {CREATOR: Seq(("b",))})
    assert len(other) == len(one)
    assert xmp.merge(other, {CREATOR: Seq(("a",))}) == one


def test_a_property_both_set_and_removed_is_set():
    assert values(xmp.merge(PACKET, {SOURCE: "x"}, removed=[SOURCE]), SOURCE) == ["x"]


def test_a_description_with_a_comment_is_kept_when_its_last_property_goes():
    packet = b"<r:RDF xmlns:r='%s'><r:Description xmlns:p='%s'><!-- c --><p:Source>1</p:Source></r:Description></r:RDF>"
    packet %= (RDF.encode(), PHOTOSHOP.encode())
    assert xmp.merge(packet, {}, removed=[SOURCE]) == packet.replace(b"<p:Source>1</p:Source>", b"")


@pytest.mark.parametrize("empty", [None, b"", b"\0\0 \n"])
def test_without_a_packet_a_fresh_one_is_made(empty):
    fresh = xmp.merge(empty, {SOURCE: "x"})
    assert fresh.startswith('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode())
    assert fresh.endswith(b'<?xpacket end="w"?>')
    assert values(fresh, SOURCE) == ["x"]
    assert xmp.merge(fresh, {SOURCE: "x"}) is fresh


@pytest.mark.parametrize(
    "rdf",
    [
        b'<rdf:RDF xmlns:rdf="%s"/>',
        b'<rdf:RDF xmlns:rdf="%s"></rdf:RDF>',
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="%s" /></x:xmpmeta>',
        b'<RDF xmlns="%s"/>',
        b'<RDF xmlns="%s"><Description/></RDF>',
        b'\0\0\n<rdf:RDF xmlns:rdf="%s"></rdf:RDF>\0\0\0',
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><rdf:RDF xmlns:rdf="%s"></rdf:RDF>',
        b"<rdf:RDF xmlns:rdf='%s'><rdf:Description rdf:about='>'/></rdf:RDF>",
        b"<photoshop:RDF xmlns:photoshop='%s'/>",
        b"<rdf:RDF xmlns:rdf='%s'><rdf:Description xmlns:photoshop='urn:other' photoshop:Source='theirs'/></rdf:RDF>",
    ],
)
def test_any_shape_of_rdf_takes_our_properties(rdf):
    packet = rdf % RDF.encode()
    ours = {SOURCE: "x", CREATOR: Seq(("y",)), Name(RDF, "value"): "never a namespace clash"}
    merged = xmp.merge(packet, {SOURCE: "x", CREATOR: Seq(("y",))})
    assert values(merged, SOURCE) == ["x"]
    assert values(merged, CREATOR) == [Seq(("y",))]
    ET.fromstring(merged.strip(b"\0\n"))
    assert xmp.merge(merged, {name: ours[name] for name in (SOURCE, CREATOR)}) is merged
    assert xmp.merge(packet, {SOURCE: "x", CREATOR: Seq(("y",))}) == merged


def test_a_prefix_that_means_something_else_in_the_packet_is_not_used():
    packet = (
        b"<rdf:RDF xmlns:rdf='%s'><rdf:Description xmlns:photoshop='urn:other' photoshop:Source='theirs'/></rdf:RDF>"
    )
    merged = xmp.merge(packet % RDF.encode(), {SOURCE: "ours"})
    assert b"<photoshop1:Source>ours<" in merged
    assert values(merged, Name("urn:other", "Source")) == ["theirs"]


@pytest.mark.parametrize("text", ["\x00", "a\x1bb", "\ud800", "\uffff"])
def test_a_character_that_xml_cannot_hold_is_refused_and_named(text):
    with pytest.raises(MetadataNotWritten) as caught:
        xmp.merge(None, {SOURCE: text})
    assert caught.value.code == "xmp-character"
    assert f"U+{ord(text[-1] if len(text) == 1 else text[1]):04X}" in str(caught.value)


# --- any packet, any properties -------------------------------------------------------------------------------------

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=12
)
NAMES = st.sampled_from([SOURCE, CREDIT, CREATOR, Name("urn:a", "x"), Name("urn:b", "x"), Name("urn:a", "y")])
LANGUAGES = st.sampled_from(["x-default", "zh-CN", "en"])
VALUES = st.recursive(
    TEXT | st.builds(LangAlt, st.lists(st.tuples(LANGUAGES, TEXT), min_size=1, max_size=3).map(tuple)),
    lambda inner: st.one_of(
        *(st.builds(kind, st.lists(inner, max_size=3).map(tuple)) for kind in (Bag, Seq, Alt)),
        st.builds(Struct, st.dictionaries(NAMES, inner, max_size=3)),
    ),
    max_leaves=6,
)


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_any_value_reads_back_as_written(properties):
    merged = xmp.merge(None, properties)
    assert {name: found[0].value for name, found in xmp.read(merged).items()} == properties
    assert xmp.merge(merged, properties) is merged


def escaped(text):
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&apos;")
        .replace('"', "&quot;")
    )


PREFIXES = {PHOTOSHOP: "photoshop", DC: "q", "urn:a": "dc", "urn:b": "b"}
SPACE = st.sampled_from(["", " ", "\n  ", "\t", "<!-- <photoshop:Source>no</photoshop:Source> -->", "<?pi > ?>"])


@st.composite
def element(draw):
    name = draw(NAMES)
    tag = f"{PREFIXES[name.namespace]}:{name.local}"
    text = escaped(draw(TEXT))
    return draw(
        st.sampled_from(
            [
                f"<{tag}>{text}</{tag}>",
                f"<{tag}/>",
                f"<{tag}><![CDATA[ <x> ]]></{tag}\n>",
                f"<{tag}><rdf:Bag><rdf:li>{text}</rdf:li><rdf:li b:q='1>2'/></rdf:Bag></{tag}>",
                f"<{tag}><rdf:Alt><rdf:li xml:lang='x-default'>{text}</rdf:li></rdf:Alt></{tag}>",
                f"<{tag} rdf:parseType='Resource'><b:f>{text}</b:f><dc:x>nested</dc:x></{tag}>",
                f"<{tag} rdf:resource='{text}'/>",
                f"<{tag}><rdf:Description><rdf:value>{text}</rdf:value><b:qual/></rdf:Description></{tag}>",
            ]
        )
    )


@st.composite
def description(draw):
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    quote = draw(st.sampled_from("'\""))
    attributes = "".join(
        f"{draw(st.sampled_from([' ', chr(10) + '   ']))}{PREFIXES[name.namespace]}:{name.local} = {quote}{escaped(draw(TEXT))}{quote}"
        for name in names
    )
    about = draw(st.sampled_from(["", " rdf:about=''", ' rdf:about="uuid:7"', " rdf:ID='i'"]))
    inner = "".join(draw(SPACE) + one for one in draw(st.lists(element(), max_size=3)))
    if not inner and draw(st.booleans()):
        return f"<rdf:Description{attributes}{about}/>"
    return f"<rdf:Description{about}{attributes} >{inner}{draw(SPACE)}</rdf:Description>"


@st.composite
def packet(draw):
    declarations = "".join(f" xmlns:{prefix}='{uri}'" for uri, prefix in PREFIXES.items())
    body = "".join(draw(SPACE) + one for one in draw(st.lists(description(), max_size=3))) + draw(SPACE)
    text = f"<rdf:RDF xmlns:rdf='{RDF}'{declarations}>{body}</rdf:RDF>"
    if draw(st.booleans()):
        text = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{draw(SPACE)}{text}{draw(SPACE)}</x:xmpmeta>"
    if draw(st.booleans()):
        text = f'<?xpacket begin="\ufeff"?>{text}   <?xpacket end="w"?>'
    return text.encode() + draw(st.sampled_from([b"", b"\0\0", b" \n"]))


def by_element_tree(data):
    """Every top-level property as ElementTree sees it: an independent reader."""
    root = ET.fromstring(data.strip(b"\0"))
    rdf = root if root.tag == f"{{{RDF}}}RDF" else root.find(f"{{{RDF}}}RDF")
    found = []
    for node in rdf:
        found += [(key, value) for key, value in node.attrib.items() if not key.startswith(f"{{{RDF}}}")]
        found += [(child.tag, ET.tostring(child).strip()) for child in node if isinstance(child.tag, str)]
    return found


def tail_free(found):
    return [(key, value.rpartition(b">")[0] if isinstance(value, bytes) else value) for key, value in found]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(packet(), st.dictionaries(NAMES, VALUES, max_size=3), st.sets(NAMES, max_size=2))
def test_merging_changes_no_foreign_property_and_twice_equals_once(data, properties, removed):
    merged = xmp.merge(data, properties, removed)
    touched = {f"{{{name.namespace}}}{name.local}" for name in {*properties, *removed}}
    before = [one for one in tail_free(by_element_tree(data)) if one[0] not in touched]
    after = [one for one in tail_free(by_element_tree(merged)) if one[0] not in touched]
    assert after == before
    found = xmp.read(merged)
    assert {name: [one.value for one in found[name]] for name in properties} == {
        name: [value] for name, value in properties.items()
    }
    assert not (removed - properties.keys()) & found.keys()
    assert xmp.merge(merged, properties, removed) is merged
    assert merged.count(b"<!--") == data.count(b"<!--")
    assert merged.count(b"<?pi > ?>") == data.count(b"<?pi > ?>")


@given(packet())
def test_the_reader_agrees_with_element_tree_on_what_is_there(data):
    ours = [
        f"{{{one.name.namespace}}}{one.name.local}"
        for one in sorted((one for group in xmp.read(data).values() for one in group), key=lambda one: one.start)
    ]
    assert ours == [key for key, _ in by_element_tree(data)]
    for group in xmp.read(data).values():
        for one in group:
            assert one.name.local.encode() in data[one.start : one.end]
