"""HTML: labels stand in the head as a browser sees it, and nothing else changes."""

import contextlib
import io
import json
from html.parser import HTMLParser

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, UnsupportedFormat
from provenance.formats import html_head, registry
from provenance.formats.handlers import html

ELEMENT = '{"Label":"1","ContentProducer":"a<&>\'b"}'
FIELDS = {
    "aigc": ELEMENT,
    "record": '{"labels":[{"kind":"ai-generated","grade":"confirmed","on":"asset","note":"摆拍</script>"}]}',
    "captured_at": "2026-05-01T08:30:00+08:00",
    "place": "成都 </script><!-- <script>",
    "position": "-05.5000+004.0668/",
    "publisher": "新华社 & Co",
    "author": '"甲"',
    "copyright_owner": "乙",
}


def written(content, **fields):
    out = io.BytesIO()
    html.write(io.BytesIO(content), out, exif=None, xmp=None, fields=fields)
    return out.getvalue()


def stated(content):
    return [(each.name, each.value) for each in html.read(io.BytesIO(content)).fields]


class Page(HTMLParser):
    """What another parser finds."""

    def __init__(self, text):
        super().__init__()
        self.metas, self.scripts, self.inside = {}, [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.inside = tag == "script" and named.get("id") == "provenance-labels"
        if tag == "meta" and "name" in named:
            self.metas[named["name"]] = named["content"]

    def handle_data(self, data):
        self.scripts += [data] if self.inside else []
        self.inside = False


def test_another_parser_finds_every_field_and_no_more_elements():
    page = Page(written(b"<html><head><title>t</title></head><body>text", **FIELDS).decode())
    assert page.metas == {"AIGC": ELEMENT, "PVL_LABELS": FIELDS["record"]}
    (block,) = map(json.loads, page.scripts)
    assert block == {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "digitalSourceType": "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
        "dateCreated": FIELDS["captured_at"],
        "locationCreated": {
            "@type": "Place",
            "name": FIELDS["place"],
            "geo": {"@type": "GeoCoordinates", "latitude": "-05.5000", "longitude": "004.0668"},
        },
        "publisher": {"@type": "Organization", "name": FIELDS["publisher"]},
        "author": {"@type": "Person", "name": FIELDS["author"]},
        "copyrightHolder": {"@type": "Organization", "name": FIELDS["copyright_owner"]},
    }


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "big5", "shift_jis", "windows-1252"])
def test_labels_mean_the_same_in_every_encoding(codec):
    text = "text" if codec == "windows-1252" else "正文 一"
    before = f'<html><head><meta charset="{codec}"></head><body>{text}'.encode(codec)
    after = written(before, **FIELDS)
    assert dict(stated(after)) == FIELDS
    assert after.isascii() == before.isascii()
    assert text in after.decode(codec)


def test_an_element_in_the_encoding_of_the_page_is_read():
    for declared in ('<meta charset="gb2312">', '<meta http-equiv=Content-Type content="text/html; charset=GBK">'):
        page = f"<html>{declared}<meta name=PVL_LABELS content='中'>".encode("gbk")
        assert stated(page) == [("record", "中")]


@pytest.mark.parametrize(
    "hidden",
    [
        b"<!-- %s -->",
        b"<!--> -- %s --!>",
        b"<title>%s</title>",
        b"<style>%s</style>",
        b"<script>%s</script>",
        b"<script><!-- <script> </script> %s --></script>",
        b"<noscript>%s</noscript>",
        b"<template><div><template></template>%s</div></template>",
        b"<meta name=other content='%s'>",
        b"<link title='>%s'/>",
        b"<body>%s</body>",
        b"<p>%s</p>",
        b"text %s",
    ],
)
def test_what_is_not_in_the_head_is_no_label(hidden):
    before = b"<html><head>" + hidden % b"<meta name=AIGC content=1>" + b"</head><body></body></html>"
    assert stated(before) == []
    after = written(before, aigc=ELEMENT)
    assert stated(after) == [("aigc", ELEMENT)]
    assert written(after, aigc=None) == before


@pytest.mark.parametrize(
    ("before", "place"),
    [
        (b"<html><head>\n  <title>t</title>\n  </head><body>", b"\n^  </head>"),
        (b"<!doctype html><title>t</title>\n<p>text", b"\n^<p>"),
        (b"<html> <!-- c --> <body>", b"--> ^<body>"),
        (b"<html><head></head> <meta name=x><body>", b"<head>^</head>"),
        (b"<html><head><head></head></head>", b"<head>^</head>"),
        (b"<html><title>t</title>", b"</title>^"),
        (b"<html><script><!-- </script> <i>", b"</script> ^<i>"),
        (b"<html><script><!--> </script><script> --></script><i>", b"</script>^<i>"),
        (b"<html><!---><!----><!-- - -- --!><i>", b"--!>^<i>"),
        (b"<html></p></ p><? x ?><! y ><i>", b">^<i>"),
        (b"<html><script>a</scriptx></script ><i>", b"</script >^<i>"),
    ],
)
def test_new_elements_stand_at_the_end_of_the_head(before, place):
    after = written(before, aigc="{}")
    inserted = b'<meta name="AIGC" content="{}" />\n'
    assert after.replace(inserted, b"", 1) == before
    assert place.replace(b"^", inserted) in after


def test_an_element_that_is_there_keeps_its_place_and_attributes():
    before = b"<html><meta id=a NAME='aigc' content={}  class=b><title>t</title>"
    assert written(before, aigc="[]") == before.replace(b"{}", b'"[]"')
    assert written(before, aigc="{}") == before
    assert written(before.replace(b"={}", b""), aigc="[]") == (
        b'<html><meta name="AIGC" content="[]" /><title>t</title>'
    )


def test_of_several_elements_one_remains():
    before = b"<html><meta name=AIGC content=1>\n<meta name=AIGC content=2>\n<title>t</title>"
    assert written(before, aigc="3") == b'<html><meta name=AIGC content="3">\n<title>t</title>'
    assert written(before, aigc=None) == b"<html><title>t</title>"


def test_other_json_stays_and_ours_keeps_what_it_does_not_know():
    other = b'<script type="application/ld+json">{"author":"x"}</script>'
    ours = b'<script id="provenance-labels" type="application/ld+json">%s</script>'
    before = b"<html>" + other + ours % b'{"kept":[1],"author":{"name":"x","@id":"#x"}}' + ours % b"{" + b"<i>"
    assert stated(before) == [("author", "x")]
    after = written(before, author="y")
    assert other in after
    assert b'"kept":[1],"author":{"name":"y","@id":"#x"}' in after
    assert after.count(b"provenance-labels") == 1


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ({"grade": "confirmed", "extent": "part", "on": "asset"}, "CompositeWithTrainedAlgorithmicMedia"),
        ({"grade": "possible", "on": "asset"}, None),
        ({"grade": "confirmed", "on": "post"}, None),
    ],
)
def test_the_source_type_says_what_the_record_says(label, kind):
    record = json.dumps({"labels": [{"kind": "ai-generated", **label}]})
    after = written(b"<html><i>", record=record, author="x")
    (block,) = map(json.loads, Page(after.decode()).scripts)
    assert block.get("digitalSourceType") == (kind and f"https://schema.org/{kind}DigitalSource")
    assert b"digitalSourceType" not in written(after, record=None)


def test_xhtml_stays_well_formed():
    from xml.dom import minidom

    before = b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><script src="a"/><title/>'
    before += b"<script><![CDATA[ </script> ]]></script></head><body/></html>"
    after = written(before, **FIELDS)
    assert dict(stated(after)) == FIELDS
    metas = minidom.parseString(after).getElementsByTagName("meta")
    assert [each.getAttribute("content") for each in metas] == [ELEMENT, FIELDS["record"]]


@pytest.mark.parametrize(
    ("content", "error", "code"),
    [
        (b"<html><!-- ", MalformedMedia, "html-unfinished"),
        (b"<html><script>", MalformedMedia, "html-unfinished"),
        (b"<html><script><!-- <script> </script>", MalformedMedia, "html-unfinished"),
        (b"<html><title>t", MalformedMedia, "html-unfinished"),
        (b"<html><meta content='", MalformedMedia, "html-unfinished"),
        (b"<html><template>", MalformedMedia, "html-unfinished"),
        (b"<html><", MalformedMedia, "html-unfinished"),
        (b"---\nlayout: a\n---\n<html>", MalformedMedia, "html-starts-with-text"),
        (b"", MalformedMedia, "html-starts-with-text"),
        (b'<!DOCTYPE html [<!ENTITY a "b">]><html>', MalformedMedia, "html-doctype"),
        (b"<html><meta charset=iso-2022-jp>", UnsupportedFormat, "html-encoding"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(content, error, code):
    with pytest.raises(error) as refused:
        written(content, aigc=ELEMENT)
    assert refused.value.code == code


def test_a_head_that_needs_a_second_look_is_the_same(monkeypatch):
    content = b"<html><head><title>" + b"t" * 500 + b"</title></head><body>" + b"x" * 500
    expected = written(content, aigc=ELEMENT)
    for size in (*range(1, 40), 519, 525, 530, 536, 540):
        monkeypatch.setattr(html_head, "_USUAL_SIZE", size)
        assert written(content, aigc=ELEMENT) == expected


def test_an_endless_head_is_refused(monkeypatch):
    monkeypatch.setattr(html_head, "METADATA_LIMIT", 1000)
    monkeypatch.setattr(html_head, "_USUAL_SIZE", 100)
    with pytest.raises(MediaTooLarge):
        written(b"<html><title>" + b"t" * 2000, aigc=ELEMENT)


@pytest.mark.parametrize("position", ["30.2+120.1/", "+30.2/", "", "+30.2741+120.1551+012.0/"])
def test_a_position_of_another_form_is_refused(position):
    with pytest.raises(MetadataNotWritten):
        written(b"<html>", position=position)


def test_exif_and_xmp_have_no_place():
    with pytest.raises(MetadataNotWritten):
        html.write(io.BytesIO(b"<html>"), io.BytesIO(), exif=None, xmp=b"<x/>")


@pytest.mark.parametrize(
    ("name", "content", "handler"),
    [
        ("a.bin", b"\n<!-- c --><!DOCTYPE HTML>", "html"),
        ("a.txt", b"<html lang=x>", "html"),
        ("a.htm", b"<p>text", "html"),
        ("a.md", b"<p>text", "markdown"),
        ("a.txt", b"<p>text", "text"),
        ("a.xhtml", b'<?xml version="1.0"?>\n<!-- c -->\n<html xmlns="x">', "html"),
    ],
)
def test_content_counts_first_and_the_name_of_a_text_second(tmp_path, name, content, handler):
    (tmp_path / name).write_bytes(content)
    with (tmp_path / name).open("rb") as file:
        assert registry.identify(file, tmp_path / name).name == handler


@pytest.mark.parametrize("head", [b"<svg>", b'<?xml version="1.0"?><svg><html>', b"<htmlx>", b"text <html>"])
def test_other_markup_is_no_page(head):
    assert not html.sniff(head)


@pytest.mark.parametrize(
    "part", [b"<base>", b"<!--", b"<script>", b"<a ", b"<meta a=' ", b"</", b"<![CDATA[", b"<template>"]
)
def test_many_of_one_thing_take_no_longer_than_others(part):
    content = b"<html>" + part * (2_000_000 // len(part))
    with contextlib.suppress(MalformedMedia, MediaTooLarge):
        assert stated(written(content, aigc=ELEMENT)) == [("aigc", ELEMENT)]
