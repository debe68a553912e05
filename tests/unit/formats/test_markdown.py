"""Markdown and plain text: front matter changes by the line, and nothing else does."""

import io
import json
import tracemalloc

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats import registry
from provenance.formats.handlers import markdown, text
from provenance.metadata import aigc

ELEMENT = aigc.encode(aigc.from_label("confirmed", "001191510100MA0EXAMP0D10001", "img-1"))
RECORD = '{"labels":[{"kind":"fiction","note":"摆拍 \\\\ <&> \'"}],"version":1}'
MAPPING = "AIGC:\n" + "".join(f'  {key}: "{value}"\n' for key, value in json.loads(ELEMENT).items())


def written(content, **fields):
    out = io.BytesIO()
    markdown.write(io.BytesIO(content), out, exif=None, xmp=None, fields=fields)
    return out.getvalue()


def stated(content):
    return {each.name: each.value for each in markdown.read(io.BytesIO(content)).fields}


def in_front(lines):
    return f"---\n{lines}---\nbody\n".encode()


def test_a_text_without_front_matter_gets_one_as_the_guide_draws_it():
    assert written(b"# Title\n", aigc=ELEMENT) == f"---\n{MAPPING}---\n# Title\n".encode()


def test_the_record_stands_in_one_quoted_line():
    once = written(b"# Title\n", record=RECORD)
    assert once.splitlines()[1] == ("PVL_LABELS: '" + RECORD.replace("'", "''") + "'").encode()
    assert stated(once) == {"record": RECORD}


def test_front_matter_keeps_its_comments_anchors_line_ends_and_order_mark():
    before = b"\xef\xbb\xbf---\r\n# c\r\nx: &a [1,\r\n 2]  # d\r\ny: *a\r\n\r\n---\r\nbody"
    after = written(before, aigc=ELEMENT)
    assert after == before.replace(b"\r\n\r\n---", b"\r\n\r\n" + MAPPING.replace("\n", "\r\n").encode() + b"---")


def test_of_a_mapping_with_the_same_keys_only_the_changed_value_changes():
    commented = MAPPING.replace('ProduceID: "img-1"', "ProduceID: 'img-0'   # by hand").replace('"1"', "1")
    expected = commented.replace("'img-0'", '"img-1"').replace("Label: 1", 'Label: "1"')
    assert written(in_front(commented), aigc=ELEMENT) == in_front(expected)


@pytest.mark.parametrize(
    "lines",
    [
        "AIGC: {Label: '1', ProduceID: \"a}\"}\n",
        'AIGC: {"Label":"1","ProduceID":"a}"}  # one line\n',
        "AIGC:\n    ProduceID: a}\n    Label: '1'\n",
        'AIGC: \'{"Label":"1","ProduceID":"a}"}\'\n',
        'AIGC: "{\\"Label\\":\\"1\\",\\n\\x20\\"ProduceID\\":\\"a\\u007d\\"}"\n',
        'AIGC: |\n  {"Label":"1",\n   "ProduceID":"a}"}\n',
        'AIGC: >-\n  {"Label":"1",\n  "ProduceID":"a}"}\n',
        "aigc: !!map &it\n  Label: '1'\n  # c\n\n  ProduceID: a}   # d\n",
        "'AIGC': {Label: '1', Bindings: [x, {y: z}],\n  ProduceID: a\\}\n".replace("a\\}", "'a}'}"),
    ],
)
def test_every_form_of_the_element_is_read_and_becomes_the_one_of_the_guide(lines):
    element = aigc.decode(stated(in_front(lines))["aigc"], "front-matter").element
    assert (element.label, element.produce_id) == ("1", "a}")
    if "&" not in lines:
        assert written(in_front(f"a: 1\n{lines}b: 2\n"), aigc=ELEMENT) == in_front(f"a: 1\n{MAPPING}b: 2\n")


def test_numbers_and_nothing_are_shown_as_what_they_are():
    assert stated(in_front("AIGC:\n  Label: 1\n  ProduceID:\n"))["aigc"] == '{"Label":1,"ProduceID":null}'


def test_each_further_element_goes():
    before = in_front(f"{MAPPING}a: 1\naigc: '{{}}'\n")
    assert len(markdown.read(io.BytesIO(before)).fields) == 2
    assert written(before, aigc=ELEMENT) == in_front(f"{MAPPING}a: 1\n")
    assert written(before, aigc=None) == in_front("a: 1\n")


@pytest.mark.parametrize(
    "before",
    [
        b"---\n\nProse: a sentence.\n\nMore of it.\n\n---\n",
        b"---\nA heading\n---\n",
        b"---\n# A heading\n\nProse\n---\n",
        b"---\n- a list\n---\n",
        b"---\n\nProse: with no second line\n",
        b"--- \n{% include x %}\n---\n",
        b"---\n![A picture](x)\n---\n",
        b"----\na: 1\n----\n",
        b"\n---\na: 1\n---\n",
    ],
)
def test_a_thematic_break_is_no_front_matter(before):
    assert stated(before) == {}
    assert written(before, aigc=ELEMENT) == f"---\n{MAPPING}---\n".encode() + before


@pytest.mark.parametrize(
    "inner", ["a: |\n  AIGC: x\n", 'a: ["AIGC: x",\nb]\n', "a: 'x\n  AIGC: x'\n", "a:\n- AIGC: x\n"]
)
def test_a_key_inside_another_value_is_not_ours(inner):
    assert stated(in_front(inner)) == {}
    assert written(in_front(inner), aigc=ELEMENT) == in_front(inner + MAPPING)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"---\na: 1\n", "front-matter-unfinished"),
        (b"---\na: 1\nno key\n---\n", "front-matter-damaged"),
        (b"---\na: [1,\n---\n", "front-matter-damaged"),
        (b'---\na: "x" y\n---\n', "front-matter-damaged"),
        (b"---\n{a: 1}\n---\n", "front-matter-damaged"),
        (b"---\n&x a: 1\n---\n", "front-matter-damaged"),
        (b"---\n? a\n: 1\n---\n", "front-matter-damaged"),
        (b"---\nAIGC:\n   a: 1\n  b: 1\n---\n", "front-matter-damaged"),
        (b"---\na: \xff\n---\n", "text-not-utf-8"),
        (b"body \xb0\xa1\n", "text-not-utf-8"),
        (b"x" * 65535 + "中".encode()[:2], "text-not-utf-8"),
        (b"a\0b", "text-not-utf-8"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(content, code):
    with pytest.raises(MalformedMedia) as refused:
        written(content, aigc=ELEMENT)
    assert refused.value.code == code
    assert 0 <= refused.value.details["offset"] <= len(content)
    with pytest.raises(MalformedMedia):
        markdown.read(io.BytesIO(content))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"+++\na = 1\n+++\n", "front-matter-of-other-kind"),
        (b'{\n "title": 1\n}\n', "front-matter-of-other-kind"),
        (b"---\nAIGC: &a\n  Label: '1'\nb: *a\n---\n", "front-matter-shared"),
        (b"---\nAIGC:\n  Label: &a '1'\nb: *a\n---\n", "front-matter-shared"),
    ],
)
def test_what_a_label_would_break_is_refused(content, code):
    with pytest.raises(MetadataNotWritten) as refused:
        written(content, aigc=ELEMENT)
    assert refused.value.code == code
    assert written(content) == content


def test_an_offset_in_a_later_block_is_right():
    content = "中".encode() * 30000 + b"\xff"
    with pytest.raises(MalformedMedia) as refused:
        markdown.read(io.BytesIO(content))
    assert refused.value.details["offset"] == 90000


def test_endless_front_matter_is_refused_before_it_is_in_memory():
    class Endless(io.BytesIO):
        def readline(self, size=-1):
            return b"a: 1\n" if self.tell() else super().readline(size)

    with pytest.raises(MediaTooLarge):
        markdown.read(Endless(b"---\n"))


def test_a_long_line_of_spaces_takes_no_longer_than_any_other():
    content = in_front("a: 1\nb" + " " * 1_000_000 + "\n")
    with pytest.raises(MalformedMedia):
        markdown.read(io.BytesIO(content))


def test_characters_that_yaml_takes_for_line_ends_are_escaped():
    record = '{"a":"\x85\u2028\x7f"}'
    once = written(b"x\n", record=record)
    assert b"\\u0085\\u2028\\u007f" in once
    assert stated(once) == {"record": record}


def test_an_element_that_is_no_mapping_of_texts_stands_in_quotes():
    once = written(b"x\n", aigc='{"Label":1}')
    assert b"""AIGC: '{"Label":1}'\n""" in once
    assert written(once, aigc='{"Label":1}') == once


def test_exif_and_xmp_have_no_place():
    with pytest.raises(MetadataNotWritten):
        markdown.write(io.BytesIO(b"x"), io.BytesIO(), exif=None, xmp=b"<x/>")
    with pytest.raises(MetadataNotWritten):
        text.write(io.BytesIO(b"x"), io.BytesIO(), exif=b"", xmp=None)


def test_plain_text_is_copied_and_checked():
    out = io.BytesIO()
    text.write(io.BytesIO(b"a\r\n"), out, exif=None, xmp=None)
    assert out.getvalue() == b"a\r\n"
    assert text.read(io.BytesIO(b"a")).mime == "text/plain"
    with pytest.raises(MalformedMedia):
        text.read(io.BytesIO(b"\xff\xfea\0"))


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.txt"])
def test_memory_does_not_grow_with_the_text(name, tmp_path):
    start = b"<html><head><title>t</title></head><body>\n" if name == "a.html" else b"---\na: 1\n---\n"
    (tmp_path / name).write_bytes(start + "正文\n".encode() * 4_000_000)
    handler = registry.handler({"a.md": "markdown", "a.html": "html", "a.txt": "text"}[name])
    tracemalloc.start()
    with (tmp_path / name).open("rb") as source, (tmp_path / "out").open("wb+") as target:
        handler.read(source)
        if handler.write_fields:
            handler.write_fields(source, target, exif=None, xmp=None, fields={"aigc": ELEMENT})
        else:
            handler.write(source, target, exif=None, xmp=None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000
    assert (tmp_path / "out").stat().st_size >= (tmp_path / name).stat().st_size
