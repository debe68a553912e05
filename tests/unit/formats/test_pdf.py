"""PDF: every change is appended, the kind of the file's end is kept, and what a label would harm is refused."""

import io
import json
import re
import sys
import tracemalloc
import zlib

import pikepdf
import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, MissingExtra, UnsupportedFormat
from provenance.formats import registry
from provenance.formats.handlers import pdf

from ...contracts.samples_pdf import XMP, by_hand, document, pdf_samples  # noqa: TID252 -- tests are no package

SAMPLES = dict(pdf_samples())
ELEMENT = '{"Label":"1","ContentProducer":"a\\\\(b)\\\\","Chinese":"否"}'
PACKET = XMP.replace(b"old", b"new")


def written(content, *, xmp=None, **fields):
    out = io.BytesIO()
    pdf.write(io.BytesIO(content), out, exif=None, xmp=xmp, fields=fields)
    return out.getvalue()


def read(content):
    return pdf.read(io.BytesIO(content))


def changed(change, **options):
    """A file that pikepdf saved after a change."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(SAMPLES["bare"])) as file:
        change(file)
        file.save(out, **options)
    return out.getvalue()


def raw(*, root=b"", info=b"<</Title(x)>>", trailer=b"", size=None):
    """A file with any objects: a catalog, pages, and an information dictionary as object 3."""
    objects = [b"<</Type/Catalog/Pages 2 0 R %s>>" % root, b"<</Type/Pages/Kids[]/Count 0>>", info]
    out = bytearray(b"%PDF-1.4\n")
    rows = b""
    for number, data in enumerate(objects, 1):
        rows += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, data)
    head = b"<</Size %d/Root 1 0 R/Info 3 0 R%s>>" % (size or 4, trailer)
    end = b"xref\n0 4\n0000000000 65535 f \n%strailer\n%s\nstartxref\n%d\n%%%%EOF" % (rows, head, len(out))
    return bytes(out) + end


@pytest.mark.parametrize("content", SAMPLES.values(), ids=SAMPLES)
def test_a_label_is_appended_and_another_reader_finds_it(content):
    once = written(content, xmp=PACKET, aigc=ELEMENT)
    assert once.startswith(content)
    with pikepdf.open(io.BytesIO(once), attempt_recovery=False) as file:
        assert str(file.trailer.Info.AIGC) == ELEMENT
        assert file.Root.Metadata.read_raw_bytes() == PACKET
        assert [each for each in file.check_pdf_syntax() if "linear" not in each.lower()] == []
    twice = written(once, aigc="{}")
    assert twice.startswith(once)
    assert [each.value for each in read(twice).fields] == ["{}"]
    assert read(twice).xmp == PACKET


@pytest.mark.parametrize("content", SAMPLES.values(), ids=SAMPLES)
def test_the_new_section_is_of_the_kind_of_the_last_one(content):
    def kind(data):
        return data[int(re.findall(rb"startxref\s+(\d+)", data)[-1]) :][:4] == b"xref"

    update = written(content, aigc=ELEMENT)[len(content) :]
    assert kind(content + update) == kind(content)
    before = int(re.findall(rb"startxref\s+(\d+)", content)[-1])
    assert b"/Prev %d " % before in update


def test_every_earlier_version_can_be_had_back():
    before = SAMPLES["full"]
    once = written(before, aigc="{}")
    twice = written(once, aigc='{"a":1}')
    assert twice[: len(once)] == once
    assert [each.value for each in read(twice[: len(once)]).fields] == ["{}"]


def test_entries_and_objects_of_others_stay():
    after = written(SAMPLES["full"], xmp=PACKET, aigc=ELEMENT)
    with pikepdf.open(io.BytesIO(after)) as file:
        assert str(file.trailer.Info.Title) == "标题 (一)"
        assert file.trailer.Info.Own[:2] == [1, pikepdf.Name.Kept]
        assert file.trailer.Info.Own[2].objgen == file.pages[0].objgen
        assert file.Root.PageLayout == pikepdf.Name.TwoColumnLeft
        assert file.Root.Metadata.Kept == 1


def test_an_ascii_element_is_a_literal_string_with_its_signs_escaped():
    update = written(SAMPLES["bare"], aigc='{"a":"(\\\\"}')[len(SAMPLES["bare"]) :]
    assert rb'/AIGC ({"a":"\(\\\\"})' in update


def test_identifiers_follow_from_what_changes():
    def ids(content):
        with pikepdf.open(io.BytesIO(content)) as file:
            return [bytes(each) for each in file.trailer.ID]

    before = SAMPLES["bare"]
    once = written(before, aigc=ELEMENT)
    assert ids(once)[0] == ids(before)[0]
    assert len({ids(before)[1], ids(once)[1], ids(written(before, aigc="{}"))[1]}) == 3
    assert written(before, aigc=ELEMENT) == once
    assert b"/ID" not in written(SAMPLES["by hand"], aigc=ELEMENT)


def test_every_spelling_is_read_and_one_remains():
    content = raw(info=b"<</aigc(1)/AIGC(2)/Title(x)>>")
    assert sorted(each.value for each in read(content).fields) == ["1", "2"]
    assert [each.value for each in read(written(content, aigc="3")).fields] == ["3"]
    without = written(content, aigc=None)
    assert read(without).fields == ()
    with pikepdf.open(io.BytesIO(without)) as file:
        assert str(file.trailer.Info.Title) == "x"


def test_an_information_dictionary_inside_the_trailer_becomes_an_object():
    content = raw().replace(b"/Info 3 0 R", b"/Info<</T(x)>>")
    with pikepdf.open(io.BytesIO(written(content, aigc=ELEMENT)), attempt_recovery=False) as file:
        assert file.trailer.Info.is_indirect
        assert (str(file.trailer.Info.T), str(file.trailer.Info.AIGC)) == ("x", ELEMENT)


def test_a_generation_number_is_kept():
    content = raw().replace(b"3 0 obj", b"3 7 obj").replace(b"3 0 R", b"3 7 R")
    at = content.rindex(b" 00000 n")
    content = content[:at] + b" 00007 n" + content[at + 8 :]
    update = written(content, aigc=ELEMENT)[len(content) :]
    assert b"\n3 7 obj\n" in update
    assert b" 00007 n \n" in update


def test_a_deflated_packet_is_read_and_written_bare():
    content = by_hand(deflated=True)
    assert read(content).xmp == XMP
    update = written(content, xmp=PACKET)[len(content) :]
    assert PACKET in update
    assert b"Filter" not in update


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.Root.__setattr__("Perms", pikepdf.Dictionary(DocMDP=pikepdf.Dictionary())),
        lambda file: file.Root.__setattr__("AcroForm", pikepdf.Dictionary(SigFlags=3)),
        lambda file: file.Root.__setattr__("AcroForm", form(pikepdf.Dictionary(FT=pikepdf.Name.Sig, V=signature()))),
        lambda file: file.Root.__setattr__(
            "AcroForm",
            form(pikepdf.Dictionary(Kids=pikepdf.Array([pikepdf.Dictionary(FT=pikepdf.Name.Sig, V=signature())]))),
        ),
    ],
)
def test_a_signed_file_is_read_but_never_changed(change):
    content = changed(change)
    assert read(content).warnings == ("pdf-signed",)
    assert written(content) == written(content, aigc=None) == content
    for attempt in ({"aigc": ELEMENT}, {"xmp": PACKET}):
        with pytest.raises(MetadataNotWritten) as refused:
            written(content, **attempt)
        assert refused.value.code == "pdf-signed"


def form(field):
    return pikepdf.Dictionary(Fields=pikepdf.Array([field]))


def signature():
    return pikepdf.Dictionary(Type=pikepdf.Name.Sig, ByteRange=pikepdf.Array([0, 1, 2, 3]))


def test_a_form_that_waits_for_a_signature_is_labelled():
    content = changed(lambda file: file.Root.__setattr__("AcroForm", form(pikepdf.Dictionary(FT=pikepdf.Name.Sig))))
    assert read(written(content, aigc=ELEMENT)).fields[0].value == ELEMENT


@pytest.mark.parametrize("password", ["", "secret"])
def test_an_encrypted_file_is_refused(password, tmp_path):
    content = changed(lambda _: None, encryption=pikepdf.Encryption(user=password, owner="owner"))
    for attempt in (lambda: read(content), lambda: written(content, aigc=ELEMENT)):
        with pytest.raises(UnsupportedFormat) as refused:
            attempt()
        assert refused.value.code == "pdf-encrypted"
    (tmp_path / "a.pdf").write_bytes(content)
    with pytest.raises(UnsupportedFormat) as refused:
        registry.read(tmp_path / "a.pdf")
    assert str(tmp_path / "a.pdf") in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        SAMPLES["full"].replace(b"startxref\n", b"startxref\n9"),
        SAMPLES["full"].replace(b"xref\n0", b"xrfe\n0"),
        SAMPLES["full"][:-20],
        SAMPLES["full"] + b"x" * 4000,
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + bytes(5000),
        raw(size=2),
        raw(info=b"[1 2"),
        raw(info=b"[1 2]"),
        raw(info=b"(text)"),
        raw(root=b"/Metadata<</a 1>>"),
        raw(root=b"/Metadata 2 0 R"),
        raw(root=b"/Metadata 3 0 R"),
        raw(root=b"/AcroForm<</Fields 3>>"),
        raw(root=b"/AcroForm 3 0 R", info=b"<</Fields[3 0 R]/Kids[3 0 R 3 0 R]>>"),
        raw(trailer=b"/ID[1 2]"),
        raw().replace(b"/Root 1 0 R", b"/Root 9 0 R"),
        raw().replace(b"/Root 1 0 R", b"/Root 1 0 X"),
        raw(info=b"[" * 600 + b"]" * 600),
    ],
)
def test_a_damaged_file_is_refused_and_never_repaired(content):
    for attempt in (lambda: read(content), lambda: written(content, aigc=ELEMENT)):
        with pytest.raises(MalformedMedia) as refused:
            attempt()
        assert refused.value.code == "pdf-damaged"
        assert " at 0x" not in str(refused.value)


def bomb(*, info):
    """A file whose information dictionary, or packet, inflates to 200 MB."""
    packer = zlib.compressobj(9)
    packed = packer.compress(b"4 0 <</AIGC(x)>>")
    packed += b"".join(packer.compress(b" " * (1 << 20)) for _ in range(200)) + packer.flush()
    if not info:
        stream = b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
        return raw(root=b"/Metadata 3 0 R", info=stream).replace(b"/Info 3 0 R", b"")
    out = bytearray(b"%PDF-1.5\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n")
    second = len(out)
    out += b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    third = len(out)
    head = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>" % len(packed)
    out += b"3 0 obj%sstream\n%s\nendstream endobj\n" % (head, packed)
    rows = [(0, 0, 0), (1, 9, 0), (1, second, 0), (1, third, 0), (2, 3, 0), (1, len(out), 0)]
    data = b"".join(bytes([kind]) + at.to_bytes(4, "big") + bytes([more]) for kind, at, more in rows)
    end = b"5 0 obj<</Type/XRef/Size 6/W[1 4 1]/Root 1 0 R/Info 4 0 R/Length %d>>stream\n%s\nendstream endobj\n"
    return bytes(out) + end % (len(data), data) + b"startxref\n%d\n%%%%EOF" % len(out)


@pytest.mark.parametrize("info", [True, False])
def test_a_bomb_is_refused(info):
    with pytest.raises((MalformedMedia, MediaTooLarge)):
        read(bomb(info=info))


def test_limits_on_inflating_are_given_back():
    before = pikepdf.settings.get_qpdf_limits()
    read(SAMPLES["streams"])
    with pytest.raises(MalformedMedia):
        read(bomb(info=True))
    assert pikepdf.settings.get_qpdf_limits() == before


def test_a_packet_in_another_filter_is_refused():
    stream = b"<</Filter/ASCIIHexDecode/Length 2>>stream\n41\nendstream"
    with pytest.raises(UnsupportedFormat) as refused:
        read(raw(root=b"/Metadata 3 0 R", info=stream).replace(b"/Info 3 0 R", b""))
    assert refused.value.code == "pdf-xmp-filter"


def test_a_packet_beyond_the_limit_is_refused():
    stream = b"<</Length 11000000>>stream\n%s\nendstream" % bytes(11_000_000)
    with pytest.raises(MediaTooLarge):
        read(raw(root=b"/Metadata 3 0 R", info=stream).replace(b"/Info 3 0 R", b""))


def test_a_manifest_inside_is_noticed():
    files = pikepdf.Array([pikepdf.Dictionary(AFRelationship=pikepdf.Name.C2PA_Manifest)])
    assert read(changed(lambda file: file.Root.__setattr__("AF", files))).has_manifest


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pikepdf", None)
    with pytest.raises(MissingExtra) as refused:
        read(SAMPLES["bare"])
    assert "pip install 'provenance-labels[pdf]'" in str(refused.value)


def test_exif_has_no_place():
    with pytest.raises(MetadataNotWritten):
        pdf.write(io.BytesIO(SAMPLES["bare"]), io.BytesIO(), exif=b"", xmp=None)


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "large.pdf"
    path.write_bytes(
        changed(lambda file: file.Root.__setattr__("X", file.make_stream(bytes(40_000_000))), compress_streams=False)
    )
    tracemalloc.start()
    with path.open("rb") as source, (tmp_path / "out.pdf").open("wb+") as target:
        pdf.write(source, target, exif=None, xmp=PACKET, fields={"aigc": ELEMENT})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert registry.read(tmp_path / "out.pdf").xmp == PACKET


def test_exiftool_shows_the_labels(exiftool, tmp_path):
    for name, content in SAMPLES.items():
        path = tmp_path / f"{name}.pdf"
        path.write_bytes(written(content, xmp=PACKET, aigc='{"Label":"1"}'))
        tags = exiftool(path)
        assert json.loads(tags["PDF:AIGC"]) if isinstance(tags["PDF:AIGC"], str) else tags["PDF:AIGC"] == {"Label": "1"}
        assert tags["XMP-photoshop:Source"] == "new"


def test_a_linearized_file_keeps_its_first_part():
    once = written(document(linearize=True), aigc=ELEMENT)
    assert b"/Linearized" in once[:200]
    assert read(once).fields[0].value == ELEMENT
