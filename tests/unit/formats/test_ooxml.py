"""Office documents: three parts change, every other byte of an entry stays, and nothing that Office minds is left."""

import io
import shutil
import struct
import subprocess
import zipfile
import zlib

import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, UnsupportedFormat
from provenance.formats import registry
from provenance.formats.handlers import ooxml

from ...contracts.samples_ooxml import (  # noqa: TID252 -- tests are no installed package
    CUSTOM,
    EDITED,
    OFFICE,
    archive,
    ooxml_samples,
    word,
)

ELEMENT = '{"Label":"1","ContentProducer":"a<&>\\"b"}'
FIELDS = {"aigc": ELEMENT, "record": '{"note":"摆拍 ]]> \r\n"}'}
STRICT = "http://purl.oclc.org/ooxml/officeDocument"
SAMPLES = dict(ooxml_samples())


def written(content, **fields):
    out = io.BytesIO()
    ooxml.write(io.BytesIO(content), out, exif=None, xmp=None, fields=fields)
    return out.getvalue()


def read(content):
    return ooxml.read(io.BytesIO(content))


def stated(content):
    return {each.name: each.value for each in read(content).fields}


def part(content, name):
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return file.read(name).decode()


def changed(name, old, new, sample="word"):
    """A document in which one part says something else."""
    with zipfile.ZipFile(io.BytesIO(SAMPLES[sample])) as file:
        parts = {each: file.read(each) for each in file.namelist()}
    assert old.encode() in parts[name]
    return archive(parts | {name: parts[name].replace(old.encode(), new.encode())})


def entry_bytes(content, entry):
    """The bytes of an entry: its local header, its name and its data."""
    name_size, extra_size = struct.unpack_from("<2H", content, entry.header_offset + 26)
    return content[entry.header_offset : entry.header_offset + 30 + name_size + extra_size + entry.compress_size]


@pytest.mark.parametrize("content", SAMPLES.values(), ids=SAMPLES)
def test_every_other_entry_stays_to_the_byte(content):
    after = written(content, **FIELDS)
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(io.BytesIO(after)) as new:
        assert new.testzip() is None
        assert new.comment == old.comment
        names = old.namelist()
        assert new.namelist() == [*names, *(["docProps/custom.xml"] if "docProps/custom.xml" not in names else [])]
        for name in set(names) - EDITED:
            entry = new.getinfo(name)
            assert entry_bytes(after, entry) == entry_bytes(content, old.getinfo(name))
            assert (entry.date_time, entry.extra, entry.external_attr) == ((2026, 5, 1, 8, 30, 0), b"", 0o644 << 16)


@pytest.mark.parametrize("content", SAMPLES.values(), ids=SAMPLES)
def test_the_new_part_is_registered_once(content):
    after = written(content, **FIELDS)
    assert part(after, "[Content_Types].xml").count('PartName="/docProps/custom.xml"') == 1
    assert part(after, "_rels/.rels").count("/custom-properties") == 1
    ids = [each.split('"')[0] for each in part(after, "_rels/.rels").split(' Id="')[1:]]
    assert len(set(ids)) == len(ids)


def test_a_property_is_written_as_the_guide_says():
    custom = part(written(SAMPLES["word"], aigc=ELEMENT), "docProps/custom.xml")
    assert '<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="AIGC"><vt:lpwstr' in custom
    assert f">{ELEMENT.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</vt:lpwstr>" in custom


def test_other_properties_comments_and_numbers_stay():
    after = part(written(SAMPLES["full"], **FIELDS), "docProps/custom.xml")
    for kept in ("<!-- kept -->", 'pid="2" name="Project"><t:i4>7</t:i4>', 'pid="3" name="Done"><t:bool>true</t:bool>'):
        assert kept in after
    assert '<op:property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="4" name="AIGC"><vt:lpwstr' in after
    assert 'pid="5" name="PVL_LABELS"' in after


def test_removing_leaves_the_rest():
    once = written(SAMPLES["full"], **FIELDS)
    assert stated(written(once, record=None)) == {"aigc": ELEMENT}
    without = part(written(once, aigc=None, record=None), "docProps/custom.xml")
    assert 'name="Project"' in without
    assert "AIGC" not in without
    assert written(SAMPLES["word"], aigc=None) == SAMPLES["word"]


def test_further_elements_go():
    twice = CUSTOM.replace('name="Done"', 'name="AIGC"')
    content = archive(word(custom=twice))
    assert [each.value for each in read(content).fields] == ["{}", "true"]
    assert stated(written(content, aigc=ELEMENT)) == {"aigc": ELEMENT}


def test_an_empty_list_of_properties_takes_one():
    content = archive(word(custom=CUSTOM[: CUSTOM.index("><!--")] + "/>"))
    assert stated(written(content, **FIELDS)) == FIELDS
    assert part(written(content, aigc="{}"), "docProps/custom.xml").endswith("</op:property></op:Properties>")


def test_characters_that_xml_cannot_hold_are_spelt_as_in_json():
    after = written(SAMPLES["word"], record='{"a":"\x01\ufffe"}')
    assert stated(after) == {"record": '{"a":"\\u0001\\ufffe"}'}


def test_a_strict_document_gets_strict_names():
    before = changed("_rels/.rels", OFFICE, f"{STRICT}/relationships")
    after = written(before, **FIELDS)
    assert stated(after) == FIELDS
    assert f"{STRICT}/relationships/customProperties" in part(after, "_rels/.rels")
    assert f'xmlns="{STRICT}/customProperties"' in part(after, "docProps/custom.xml")


@pytest.mark.parametrize("name", sorted(EDITED))
def test_an_order_mark_and_prefixes_are_no_obstacle(name):
    with zipfile.ZipFile(io.BytesIO(SAMPLES["full"])) as file:
        parts = {each: file.read(each) for each in file.namelist()}
    parts[name] = b"\xef\xbb\xbf" + parts[name].replace(b"?>\n", b"?>\r\n\r\n<!-- <a> -->")
    content = archive(parts)
    after = written(content, **FIELDS)
    assert stated(after) == FIELDS
    assert written(after, **FIELDS) == after


def test_a_new_relationship_and_type_take_the_prefix_of_their_list():
    parts = {
        name: text.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?").replace(" xmlns=", " xmlns:x=")
        if name in EDITED
        else text
        for name, text in word().items()
    }
    after = written(archive(parts), **FIELDS)
    assert stated(after) == FIELDS
    assert "<x:Relationship Id=" in part(after, "_rels/.rels")
    assert '<x:Override PartName="/docProps/custom.xml"' in part(after, "[Content_Types].xml")


def test_a_part_that_nothing_leads_to_is_left_alone():
    content = archive({**word(), "docProps/custom.xml": CUSTOM})
    assert stated(content) == {}
    after = written(content, **FIELDS)
    assert part(after, "docProps/custom.xml") == CUSTOM
    assert stated(after) == FIELDS
    assert "docProps/custom1.xml" in part(after, "_rels/.rels")


@pytest.mark.parametrize(
    ("main", "mime"),
    [
        (
            "wordprocessingml.template.main+xml",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        ),
        ("presentationml.template.main+xml", "application/vnd.openxmlformats-officedocument.presentationml.template"),
        ("spreadsheetml.template.main+xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.template"),
        ("application/vnd.ms-excel.sheet.macroEnabled.main+xml", "application/vnd.ms-excel.sheet.macroEnabled.12"),
        (
            "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml",
            "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
        ),
    ],
)
def test_each_kind_has_its_media_type(main, mime):
    content = archive(word(main))
    assert read(content).mime == mime
    assert read(written(content, **FIELDS)).mime == mime


def test_sizes_in_64_bits_are_read_and_left():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in word().items():
            with file.open(name, "w", force_zip64=True) as entry:
                entry.write(data.encode())
    after = written(out.getvalue(), **FIELDS)
    assert stated(after) == FIELDS
    with zipfile.ZipFile(io.BytesIO(after)) as file:
        assert file.testzip() is None


@pytest.mark.parametrize(
    "signed",
    [
        {"_xmlsignatures/origin.sigs": ""},
        {"_rels/.rels": None},
    ],
)
def test_a_signed_document_is_read_but_never_changed(signed):
    parts = word()
    kind = "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin"
    origin = f'<Relationship Id="s" Type="{kind}" Target="s.sigs"/></Relationships>'
    signed = {
        name: parts[name].replace("</Relationships>", origin) if text is None else text for name, text in signed.items()
    }
    content = archive(parts | signed)
    assert read(content).warnings == ("ooxml-signed",)
    assert written(content) == content
    assert written(content, aigc=None) == content
    with pytest.raises(MetadataNotWritten) as refused:
        written(content, **FIELDS)
    assert refused.value.code == "ooxml-signed"


@pytest.mark.parametrize(
    ("content", "error", "code"),
    [
        (archive({"a.txt": "x"}), UnsupportedFormat, "zip-not-ooxml"),
        (changed("_rels/.rels", '/officeDocument"', '/other"'), UnsupportedFormat, "zip-not-ooxml"),
        (archive(word("visio.drawing.main+xml")), UnsupportedFormat, "ooxml-kind-unknown"),
        (changed("_rels/.rels", "<Relationships", "<!DOCTYPE a><Relationships"), MalformedMedia, "part-damaged"),
        (changed("_rels/.rels", "</Relationships>", ""), MalformedMedia, "part-damaged"),
        (changed("_rels/.rels", 'encoding="UTF-8"', 'encoding="UTF-16"'), MalformedMedia, "part-damaged"),
        (changed("_rels/.rels", 'Id="rId1"', 'Id="&a;"'), MalformedMedia, "part-damaged"),
        (
            changed("docProps/custom.xml", ">{}<", f">{'<a>' * 40}{'</a>' * 40}<", "full"),
            MediaTooLarge,
            "part-too-complex",
        ),
        (
            changed("_rels/.rels", '/relationships/officeDocument"', '/relationships/custom-properties"', "full"),
            UnsupportedFormat,
            "zip-not-ooxml",
        ),
        (changed("_rels/.rels", "docProps/custom.xml", "docProps/none.xml", "full"), MalformedMedia, "ooxml-damaged"),
        (SAMPLES["word"] + b"x", MalformedMedia, "zip-truncated"),
        (b"x" + SAMPLES["word"], MalformedMedia, "zip-damaged"),
    ],
)
def test_what_is_no_sound_document_is_refused(content, error, code):
    for attempt in (lambda: read(content), lambda: written(content, **FIELDS)):
        with pytest.raises(error) as refused:
            attempt()
        assert refused.value.code == code
        assert refused.value.diagnostics("zh-CN") != code


def test_the_properties_may_be_named_once_only():
    twice = f'<Relationship Id="x" Type="{OFFICE}/custom-properties" Target="docProps/custom.xml"/></Relationships>'
    with pytest.raises(MalformedMedia):
        read(changed("_rels/.rels", "</Relationships>", twice, "full"))


def with_directory(content, name, offset, value):
    """An archive whose directory says something else about one entry."""
    out = bytearray(content)
    at = out.index(name, out.index(b"PK\x01\x02")) - 46
    out[at + offset : at + offset + len(value)] = value
    return bytes(out)


@pytest.mark.parametrize(
    ("offset", "value", "code"),
    [
        (8, b"\x01\0", "zip-encrypted"),
        (10, b"\x63\0", "zip-damaged"),
        (16, bytes(4), "zip-damaged"),
        (20, b"\xff\xff\0\0", "zip-damaged"),
        (20, b"\xff\xff\xff\xff", "zip-damaged"),
        (24, b"\1\0\0\0", "zip-damaged"),
        (24, b"\0\0\0\x7f", "zip-damaged"),
        (42, b"\1\0\0\0", "zip-damaged"),
        (42, b"\xff\xff\xff\x7f", "zip-damaged"),
        (28, b"\xff\xff", "zip-damaged"),
    ],
)
def test_a_directory_that_lies_is_refused(offset, value, code):
    with pytest.raises((MalformedMedia, UnsupportedFormat)) as refused:
        read(with_directory(SAMPLES["word"], b"_rels/.rels", offset, value))
    assert refused.value.code == code


def test_two_entries_of_one_name_are_refused():
    content = archive({**word(), "docProps/a.xml": "1", "docProps/b.xml": "2"}).replace(
        b"docProps/b.xml", b"docProps/A.xml"
    )
    with pytest.raises(MalformedMedia) as refused:
        read(content)
    assert refused.value.code == "zip-damaged"


def test_two_entries_in_one_place_are_refused():
    content = archive({**word(), "a/1.xml": "1", "a/2.xml": "1"})
    place = content[content.rindex(b"a/1.xml") - 4 : content.rindex(b"a/1.xml")]
    with pytest.raises(MalformedMedia):
        read(with_directory(content, b"a/2.xml", 42, place))


def test_a_bomb_is_refused_whatever_the_directory_says(monkeypatch):
    bomb = archive({**word(custom=CUSTOM.replace("{}", " " * 20_000_000))})
    assert len(bomb) < 60_000
    with pytest.raises(MediaTooLarge):
        read(bomb)
    size = struct.pack("<L", 1000)
    packed = bomb.index(b"docProps/custom.xml") - 30
    lying = bytearray(with_directory(bomb, b"docProps/custom.xml", 24, size))
    lying[packed + 22 : packed + 26] = size
    unpacked = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, *args):
            self.inner = real(*args)

        def decompress(self, data, most):
            unpacked.append(most)
            return self.inner.decompress(data, most)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    with pytest.raises(MalformedMedia):
        read(bytes(lying))
    assert max(unpacked) < 5000


def test_an_unusual_method_is_refused_only_where_it_matters():
    parts = word()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in {**parts, "media/a.bin": "x" * 99}.items():
            file.writestr(name, data, zipfile.ZIP_BZIP2 if name.startswith("media") else zipfile.ZIP_DEFLATED)
    assert stated(written(out.getvalue(), **FIELDS)) == FIELDS
    with pytest.raises(UnsupportedFormat) as refused:
        read(archive(parts, method=zipfile.ZIP_LZMA))
    assert refused.value.code == "zip-method"


def test_a_64_bit_archive_is_refused(monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    with pytest.raises(UnsupportedFormat) as refused:
        read(archive(word()))
    assert refused.value.code == "zip-64"


def test_an_encrypted_document_is_named(tmp_path):
    path = tmp_path / "a.docx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(UnsupportedFormat) as refused:
        registry.read(path)
    assert "encrypted" in str(refused.value)


def test_a_manifest_inside_is_noticed():
    assert read(archive({**word(), "META-INF/content_credential.c2pa": "x"})).has_manifest


def test_the_same_document_is_labelled_to_the_same_bytes():
    assert written(SAMPLES["full"], **FIELDS) == written(SAMPLES["full"], **FIELDS)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_another_office_opens_the_documents_and_shows_the_labels(tmp_path):
    kinds = {"full": "docm", "word": "docx", "excel": "xlsx", "powerpoint": "pptx", "reversed": "dotx"}
    flat = {"docm": "fodt", "docx": "fodt", "dotx": "fodt", "xlsx": "fods", "pptx": "fodp"}
    for name, content in SAMPLES.items():
        (tmp_path / f"{name}.{kinds[name]}").write_bytes(written(content, **FIELDS))
    for target in set(flat.values()):
        sources = [str(tmp_path / f"{name}.{kind}") for name, kind in kinds.items() if flat[kind] == target]
        command = ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to"]
        subprocess.run(
            [*command, target, "--outdir", str(tmp_path), *sources], check=True, capture_output=True, timeout=120
        )
    for name, kind in kinds.items():
        shown = (tmp_path / f"{name}.{flat[kind]}").read_text(encoding="utf-8")
        assert f">{ELEMENT.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</meta:user-defined>" in (
            shown.replace("&quot;", '"')
        )
