"""What every container handler promises; a new one is taken up from the registry, it only brings samples."""

import io
import json
import os
import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance._files import new_file
from provenance.errors import OutputNotWritten, ProvenanceError
from provenance.formats import registry
from provenance.formats.base import NO_FIELDS
from provenance.metadata import aigc, exif

HANDLERS = {handler.name: handler for handler in registry.handlers()}
WRITERS = {name: handler for name, handler in HANDLERS.items() if handler.embeds}
FIELD_WRITERS = {name: handler for name, handler in WRITERS.items() if handler.write_fields}
SEVERAL_TYPES = {"ooxml"}
FIELDS = {
    "aigc": aigc.encode(aigc.from_label("confirmed", "001191510100MA0EXAMP0D10001", "img-1")),
    "record": '{"labels":[{"kind":"fiction","form":"staged","on":"asset","note":"摆拍 \\ <&> \'"}],"version":1}',
    "captured_at": "2026-05-01T08:30:00+08:00",
    "place": "四川省成都市 (A & B)",
    "position": "+30.5728+104.0668/",
    "publisher": "新华社",
    "author": "记者; 甲",
    "copyright_owner": "新华社 <版权>",
}
# Tags that we set, and those that say only where in the file something lies.
EDITED = re.compile(
    "ExifIFD:DateTimeOriginal|XMP-photoshop:Source"
    "|IFD0:ApplicationNotes"  # the packet of a BigTIFF, undivided
    "|File:FileType"  # a plain WebP becomes an extended one
    "|QuickTime:MediaData(Offset|Size)|(QuickTime|Track\\d):HandlerType|RIFF:WebP_Flags|GIF:GIFVersion"
    "|ZIP:Zip(Compressed|Uncompressed)Size|ZIP:Zip(CRC|BitFlag)"  # of the parts that name the new property
    "|File:(Word|Line)Count|File:MIMEEncoding"  # front matter counts as text
    "|RIFF:RIFFSize64|RIFF:RIFFSize|File:ID3Size"
)
DERIVED = ("SourceFile", "System:", "ExifTool:", "Composite:")

by_handler = pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
by_writer = pytest.mark.parametrize("handler", WRITERS.values(), ids=WRITERS)
by_field_writer = pytest.mark.parametrize("handler", FIELD_WRITERS.values(), ids=FIELD_WRITERS)


class Faulty(io.BytesIO):
    """A file whose n-th read or write raises, or whose reads stop there."""

    def __init__(self, content=b"", *, at=None, stops=False):
        super().__init__(content)
        self.left, self.stops = at, stops

    def _due(self):
        if self.left is None:
            return False
        self.left -= 1
        return self.left < 0

    def read(self, size=-1):
        if self._due():
            if self.stops:
                return b""
            raise OSError(5, "injected")
        return super().read(size)

    def write(self, data):
        if self._due():
            raise OSError(28, "injected")
        return super().write(data)


def write(handler, source, target, *, exif=None, xmp=None, fields=NO_FIELDS):
    more = {"fields": fields} if fields else {}
    writer = handler.write_fields if fields else handler.write
    writer(source, target, exif=exif, xmp=xmp, **more)


def written(handler, content, **carriers):
    out = io.BytesIO()
    write(handler, io.BytesIO(content), out, **carriers)
    return out.getvalue()


def carriers_of(handler, xmp):
    """Return new carriers for every place that a handler has."""
    fields = {name: FIELDS[name] for name in handler.places.fields}
    return {"xmp": xmp(b"new") if handler.places.xmp else None, "fields": fields}


def labelled(handler, content, xmp):
    new = None
    if handler.places.exif:
        block = handler.read(io.BytesIO(content)).exif
        new = exif.write(block, captured_at="2026-05-01T08:30:00", coordinates=None)
    return written(handler, content, exif=new, **carriers_of(handler, xmp))


def stated(found):
    """Return every statement of a container's own fields, by its name."""
    names = {each.name for each in found.fields}
    return {name: [each.value for each in found.fields if each.name == name] for name in names}


@by_handler
def test_every_handler_has_samples_and_reads_them(handler, samples):
    for content in samples[handler.name].values():
        found = handler.read(io.BytesIO(content))
        assert (found.format, found.media) == (handler.name, handler.media)
        assert found.mime == handler.mime or handler.name in SEVERAL_TYPES
        if handler.media == "image":
            assert (found.width, found.height) == (97, 61)


@pytest.mark.parametrize(
    "handler", [each for each in HANDLERS.values() if not each.is_text], ids=lambda each: each.name
)
def test_a_handler_claims_its_own_samples_only(handler, samples):
    """One kind of text is told from another by its name: see the registry."""
    for name, contents in samples.items():
        for content in contents.values():
            assert handler.sniff(content[:512]) == (name == handler.name)
            if name != handler.name:
                with pytest.raises(ProvenanceError):
                    handler.read(io.BytesIO(content))


@by_handler
def test_leaving_every_carrier_copies_the_bytes(handler, samples):
    for content in samples[handler.name].values():
        assert written(handler, content) == content


@by_writer
def test_what_is_written_reads_back_and_a_second_time_changes_nothing(handler, samples, xmp):
    for content in samples[handler.name].values():
        once = labelled(handler, content, xmp)
        found = handler.read(io.BytesIO(once))
        if handler.places.exif:
            assert exif.read(found.exif).captured_at == "2026-05-01T08:30:00"
        if handler.places.xmp:
            assert (found.xmp, found.xmp_count) == (xmp(b"new"), 1)
        assert stated(found) == {name: [FIELDS[name]] for name in handler.places.fields}
        assert labelled(handler, once, xmp) == once


@by_field_writer
def test_a_removed_field_is_stated_nowhere_and_the_others_stay(handler, samples, xmp):
    for content in samples[handler.name].values():
        once = labelled(handler, content, xmp)
        for name in handler.places.fields:
            without = handler.read(io.BytesIO(written(handler, once, fields={name: None})))
            assert stated(without) == {other: [FIELDS[other]] for other in handler.places.fields if other != name}


@by_field_writer
def test_a_field_that_is_already_absent_or_the_same_changes_nothing(handler, samples, xmp):
    for content in samples[handler.name].values():
        found = stated(handler.read(io.BytesIO(content)))
        absent = {name: None for name in handler.places.fields if name not in found}
        assert written(handler, content, fields=absent) == content
        once = labelled(handler, content, xmp)
        for name in handler.places.fields:
            assert written(handler, once, fields={name: FIELDS[name]}) == once


@by_writer
def test_media_decode_the_same(handler, samples, xmp, decoded):
    for content in samples[handler.name].values():
        assert decoded(handler.name, labelled(handler, content, xmp)) == decoded(handler.name, content)


@by_writer
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_other_metadata_stay_as_an_independent_reader_sees_them(handler, samples, xmp, tmp_path):
    for name, content in samples[handler.name].items():
        (tmp_path / "before").write_bytes(content)
        (tmp_path / "after").write_bytes(labelled(handler, content, xmp))
        before, after = (tags(tmp_path / side) for side in ("before", "after"))
        kept = {tag: value for tag, value in before.items() if not EDITED.fullmatch(tag)}
        assert {tag: after.get(tag) for tag in kept} == kept, name
        if handler.media == "image":
            assert after["XMP-photoshop:Source"] == "new"


def tags(path):
    run = subprocess.run(["exiftool", "-j", "-G1", "-a", "-n", str(path)], capture_output=True, check=True)
    return {tag: value for tag, value in json.loads(run.stdout)[0].items() if not tag.startswith(DERIVED)}


@by_writer
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_fault_at_any_read_or_write_is_an_error_we_name(handler, samples, xmp, data):
    content = data.draw(st.sampled_from(list(samples[handler.name].values())))
    at, side = data.draw(st.integers(0, 60)), data.draw(st.sampled_from(["read", "stop", "write"]))
    source = Faulty(content, at=None if side == "write" else at, stops=side == "stop")
    target = Faulty(at=at if side == "write" else None)
    try:
        write(handler, source, target, **carriers_of(handler, xmp))
    except (ProvenanceError, OSError):
        pass
    else:
        assert target.getvalue() == written(handler, content, **carriers_of(handler, xmp))
    assert source.getvalue() == content


@by_handler
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused_and_never_crash(handler, samples, data):
    content = bytearray(data.draw(st.sampled_from(list(samples[handler.name].values()))))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    refusals = []
    try:
        found = handler.read(io.BytesIO(bytes(content)))
        if found.exif is not None:
            exif.write(found.exif, captured_at="2026-05-01T08:30:00", coordinates=(1.0, 2.0))
    except ProvenanceError as error:
        refusals.append(error)
    assert all(error.diagnostics(locale) != error.code for error in refusals for locale in ("en", "zh-CN"))


@by_writer
def test_every_cut_of_a_file_is_refused(handler, samples, xmp, open_ended):
    if handler.name in open_ended:
        pytest.skip("the format does not say where a file ends")
    for content in samples[handler.name].values():
        for length in (*range(len(content) - 200, len(content)), *range(3, len(content), 97)):
            with pytest.raises(ProvenanceError):
                handler.read(io.BytesIO(content[:length]))
            with pytest.raises(ProvenanceError):
                written(handler, content[:length], **carriers_of(handler, xmp))


@by_writer
def test_a_full_disk_leaves_nothing_behind(handler, samples, xmp, tmp_path):
    source = tmp_path / f"source{handler.extensions[0]}"
    source.write_bytes(samples[handler.name]["full"])

    def fail(*_):
        raise OSError(28, os.strerror(28))

    def attempt():
        with new_file(tmp_path / "out") as target:
            target.write = fail
            registry.write(source, target, exif=None, **carriers_of(handler, xmp))

    with pytest.raises(OutputNotWritten):
        attempt()
    assert list(tmp_path.iterdir()) == [source]
    assert source.read_bytes() == samples[handler.name]["full"]
