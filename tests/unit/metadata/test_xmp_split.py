import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.metadata import xmp, xmp_split
from provenance.metadata.xmp_split import HAS_EXTENDED, split

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
CRS = xmp.Name("http://ns.adobe.com/camera-raw-settings/1.0/", "ToneCurve")
ACME = "http://ns.example.com/acme?a=1&b/"
LARGE = "x" * 4000


def packet(*descriptions, root="", rdf="rdf"):
    inner = "".join(descriptions)
    text = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><{rdf}:RDF xmlns:{rdf}="{RDF}"{root}>{inner}</{rdf}:RDF></x:xmpmeta>'
    return text.encode()


def description(inner="", attributes="", *, about="", rdf="rdf"):
    return f'\n <{rdf}:Description {rdf}:about="{about}" xmlns:a="{ACME.replace("&", "&amp;")}"{attributes}>{inner}</{rdf}:Description>'


def joined(main, extension):
    """Return what two packets say together, without the name of the second one."""
    found = {}
    for each in (main, extension):
        for name, occurrences in (xmp.read(each) if each else {}).items():
            found.setdefault(name, []).extend(one.value for one in occurrences)
    found.pop(HAS_EXTENDED, None)
    return found


def test_a_packet_that_fits_stays():
    main = packet(description("<a:One>1</a:One>"))
    assert split(main, None, limit=len(main), keep=()) == (main, None)


def test_the_largest_property_moves_with_every_byte_and_is_named():
    large = f'<a:Large xml:lang="zh"><!-- kept --><rdf:Seq><rdf:li><![CDATA[{LARGE}]]></rdf:li></rdf:Seq></a:Large>'
    main = packet(description(f"\n  <a:Small>1</a:Small>\n  {large}\n  <a:Other>2</a:Other>", about="uuid:1"))
    first, second = split(main, None, limit=1000, keep=())
    assert large.encode() in second
    assert large.encode() not in first
    assert b'rdf:about="uuid:1"' in second
    assert xmp.first(xmp.read(first), HAS_EXTENDED) == hashlib.md5(second).hexdigest().upper()
    assert joined(first, second) == joined(main, None)
    assert set(xmp.read(second)) == {xmp.Name(ACME, "Large")}
    assert b"<?xpacket" not in second


def test_what_moves_as_an_attribute_stays_one():
    main = packet(description("<a:B>1</a:B>", f'\n   a:A="{LARGE}"\n   a:C="&lt;&#10;"'))
    first, second = split(main, None, limit=900, keep=())
    assert f'\n   a:A="{LARGE}"'.encode() in second
    assert xmp.read(second)[xmp.Name(ACME, "A")][0].form == "attribute"
    assert joined(first, second) == joined(main, None)


def test_an_empty_description_goes_with_its_last_property():
    main = packet(description("<a:Small>1</a:Small>"), description(f"<a:Large>{LARGE}</a:Large>", about="z"))
    first, second = split(main, None, limit=900, keep=())
    assert first.count(b'about="z"') == 1  # on the element that names the second packet
    assert joined(first, second) == joined(main, None)


def test_no_more_moves_than_has_to():
    sizes = [400, 900, 700, 300]
    inner = "".join(f"<a:P{size}>{'x' * size}</a:P{size}>" for size in sizes)
    main = packet(description(inner))
    first, second = split(main, None, limit=len(main) - 600, keep=())
    assert {name.local for name in xmp.read(second)} == {"P900"}
    assert len(first) <= len(main) - 600


def test_kept_properties_and_those_of_labels_never_move():
    ours = {
        xmp.Name("http://www.tc260.org.cn/ns/AIGC/1.0/", "AIGC"): LARGE,
        xmp.Name("https://w3id.org/provenance-labels/1.0/", "Labels"): LARGE,
        xmp.Name("http://ns.google.com/photos/1.0/container/", "Directory"): LARGE,
        xmp.Name(ACME, "Kept"): LARGE,
    }
    main = xmp.merge(packet(description("<a:Small>1</a:Small>")), ours)
    keep = {xmp.Name(ACME, "Kept")}
    assert split(main, None, limit=9000, keep=keep) == (main, None)
    first, second = split(main, None, limit=len(main) - 100, keep=())
    assert set(xmp.read(second)) == {xmp.Name(ACME, "Kept")}
    assert joined(first, second) == joined(main, None)


def test_what_moves_later_joins_the_second_packet():
    before = packet(description(f"<a:Old>{LARGE}</a:Old>"))
    main = xmp.merge(packet(description(f"<a:New>{LARGE}</a:New>")), {HAS_EXTENDED: xmp_split.name_of(before)})
    first, second = split(main, before, limit=1000, keep=())
    assert joined(first, second) == joined(main, before)
    assert second.startswith(before[: before.index(b"</rdf:RDF>")])
    assert xmp.first(xmp.read(first), HAS_EXTENDED) == xmp_split.name_of(second)
    assert split(first, second, limit=1000, keep=()) == (first, second)


@pytest.mark.parametrize("form", ["", "/"])
def test_a_second_packet_without_any_property_is_filled(form):
    before = f'<r:RDF xmlns:r="{RDF}"/>' if form else f'<r:RDF xmlns:r="{RDF}"></r:RDF>'
    main = packet(description(f"<a:New>{LARGE}</a:New>"))
    first, second = split(main, before.encode(), limit=1000, keep=())
    assert joined(first, second) == joined(main, None)


@pytest.mark.parametrize(
    "main",
    [
        packet(description(f'<a:L xmlns:b="urn:1" b:q="1">{LARGE}</a:L><a:M xmlns:b="urn:2" b:q="1"/>')),
        packet(description(f"<L>{LARGE}</L>", ' xmlns="urn:default"')),
        packet(description(f"<a:L>{LARGE}</a:L>", ' rdf:ID="x"')),
        packet(description(f"<a:L>{LARGE}</a:L>", ' xml:lang="zh"')),
    ],
    ids=["prefix of two meanings", "no prefix", "identified", "language of all"],
)
def test_what_would_mean_something_else_in_another_packet_stays(main):
    assert split(main, None, limit=1000, keep=()) == (main, None)


def test_a_prefix_that_the_second_packet_uses_for_something_else_stays_where_it_is():
    before = packet('<rdf:Description rdf:about="" xmlns:a="urn:other" a:Z="1"/>')
    main = packet(description(f"<a:L>{LARGE}</a:L>"))
    assert split(main, before, limit=1000, keep=()) == (main, before)


def test_a_property_that_stands_in_both_is_not_repeated_in_one():
    before = packet(description("<a:L>1</a:L>"))
    main = packet(description(f"<a:L>{LARGE}</a:L>"))
    assert split(main, before, limit=1000, keep=()) == (main, before)


def test_any_prefix_may_stand_for_rdf():
    main = packet(description(f"<a:L><r:Seq><r:li>{LARGE}</r:li></r:Seq></a:L>", rdf="r"), rdf="r")
    first, second = split(main, None, limit=1000, keep=())
    assert joined(first, second) == joined(main, None)
    other = packet(description("<a:M>1</a:M>"))
    first, second = split(main, other, limit=1000, keep=())
    assert joined(first, second) == joined(main, other)


def test_a_property_stated_twice_moves_twice():
    main = packet(description(f"<a:L>{LARGE}</a:L>"), description(f"<a:L>2{LARGE}</a:L>"))
    first, second = split(main, None, limit=1000, keep=())
    assert joined(first, second) == joined(main, None)
    assert xmp.Name(ACME, "L") not in xmp.read(first)


def test_what_cannot_become_small_enough_stays_whole():
    main = packet(description(f"<a:L>{LARGE}</a:L>" + f"<!-- {LARGE} -->"))
    assert split(main, None, limit=1000, keep=()) == (main, None)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 300)), max_size=5), min_size=1, max_size=4),
    limit=st.integers(200, 2500),
    again=st.integers(200, 2500),
)
def test_however_often_it_is_split_everything_is_said_once(parts, limit, again):
    number, texts = 0, []
    for part in parts:
        attributes, elements = "", ""
        for is_attribute, size in part:
            number += 1
            if is_attribute:
                attributes += f' a:P{number}="{"v" * size}"'
            else:
                elements += f"\n  <a:P{number}>{'v' * size}</a:P{number}>"
        texts.append(description(elements, attributes))
    main = packet(*texts)
    before = joined(main, None)
    first, second = split(main, None, limit=limit, keep=())
    assert joined(first, second) == before
    third, fourth = split(first, second, limit=again, keep=())
    assert joined(third, fourth) == before
    assert (len(first) <= limit) or (first, second) == (main, None)
