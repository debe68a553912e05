import io
import itertools
import struct
import subprocess
import sys
import time

import pytest
from PIL import Image, ImageSequence, TiffImagePlugin

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, UnsupportedFormat
from provenance.formats import tiff as structure
from provenance.formats.handlers import tiff
from provenance.manifests.write import Claim, plan_actions, sign
from provenance.metadata import exif, ifd

SIZE = (40, 30)
EXIF_IFD, GPS_IFD, SUB_IFDS, INTEROP_IFD = 0x8769, 0x8825, 0x014A, 0xA005
PACKET = b"<x:xmpmeta>first</x:xmpmeta>"
NORTH = {1: "N", 2: (30.0, 34.0, 22.0), 3: "E", 4: (104.0, 4.0, 12.0), 29: "2026:05:01"}
SHORT, LONG, UNDEFINED, LONG8 = 3, 4, 7, 16


def encoded(*, described=None, **options):
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in (described or {}).items():
        if isinstance(value, bytes):
            directory.tagtype[tag] = UNDEFINED
        directory[tag] = value
    out = io.BytesIO()
    Image.effect_noise(SIZE, 60).save(out, "TIFF", tiffinfo=directory, **options)
    return out.getvalue()


DESCRIBED = {0x010F: "Maker", 0x0112: 6, 0x02BC: PACKET, EXIF_IFD: {0x829A: 0.5, 0x927C: b"notes"}, GPS_IFD: NORTH}


class Form:
    """Lays directories out by hand, for what no encoder writes."""

    def __init__(self, order="<", *, big=False):
        self.order, self.big = order, big
        self.pointer, self.width = ("Q", 8) if big else ("I", 4)

    def header(self, first):
        mark = b"II" if self.order == "<" else b"MM"
        if self.big:
            return mark + struct.pack(self.order + "HHHQ", 43, 8, 0, first)
        return mark + struct.pack(self.order + "HI", 42, first)

    def value(self, kind, number):
        code = {SHORT: "H", LONG: "I", LONG8: "Q"}.get(kind, self.pointer)
        return struct.pack(self.order + code, number).ljust(self.width, b"\0")

    def directory(self, *entries, following=0):
        raw = struct.pack(self.order + ("Q" if self.big else "H"), len(entries))
        for tag, kind, count, value in entries:
            field = value if isinstance(value, bytes) else self.value(kind if count == 1 else 0, value)
            raw += struct.pack(self.order + ("HHQ" if self.big else "HHI"), tag, kind, count) + field
        return raw + struct.pack(self.order + self.pointer, following)

    def file(self, *more, tail=b"", pixels=0, following=0):
        """A grey picture of 4 × 2 whose strip is the first thing behind the header."""
        start = len(self.header(0))
        entries = [
            (0x0100, SHORT, 1, 4),
            (0x0101, SHORT, 1, 2),
            (0x0102, SHORT, 1, 8),
            (0x0103, SHORT, 1, 1),
            (0x0106, SHORT, 1, 1),
            (0x0111, LONG, 1, pixels or start),
            (0x0116, SHORT, 1, 2),
            (0x0117, LONG, 1, 8),
            *more,
        ]
        entries.sort(key=lambda entry: entry[0])
        return self.header(start + 8) + bytes(range(8)) + self.directory(*entries, following=following) + tail

    def end(self, count):
        """The offset behind `file` with so many more entries."""
        return len(self.file(*[(0xFE00, SHORT, 1, 0)] * count))


FORMS = [Form(*form[:1], big=form[1]) for form in itertools.product("<>", (False, True))]
by_form = pytest.mark.parametrize("form", FORMS, ids=["II", "II-big", "MM", "MM-big"])
LITTLE = FORMS[0]


def read(content, **options):
    return tiff.read(io.BytesIO(content), **options)


def write(content, *, exif=None, xmp=None, known=False):
    out = io.BytesIO()
    tiff.write(io.BytesIO(content), out, exif=exif, xmp=xmp, known=known)
    return out.getvalue()


def labelled(content, *, time="2026-05-01T08:30:00", place=None, erase=False, xmp=PACKET):
    block = exif.write(read(content).exif, captured_at=time, coordinates=place, erase_position=erase)
    return write(content, exif=block, xmp=xmp)


def refusal(content):
    with pytest.raises(MalformedMedia) as caught:
        read(content)
    with pytest.raises(MalformedMedia):
        write(content, xmp=b"<x/>")
    return caught.value.code


def directories(content):
    return list(structure.walk(structure.open_stream(io.BytesIO(content))))


def entry(content, tag, name=structure.PAGE):
    found = next(each.directory for each in directories(content) if each.name == name)
    return found.get(tag)


def frames(content):
    if content.startswith(b"MM\0+"):
        return content[16:24]  # Pillow opens no big-endian BigTIFF; the only one here has its pixels there
    with Image.open(io.BytesIO(content)) as image:
        return [(frame.mode, frame.tobytes()) for frame in ImageSequence.Iterator(image)]


SAMPLES = {
    "plain": encoded(),
    "described": encoded(described=DESCRIBED),
    "big": encoded(described=DESCRIBED, big_tiff=True),
    "pages": encoded(
        described={0x010F: "Maker", 0x0112: 6}, save_all=True, append_images=[Image.effect_noise((9, 7), 9)]
    ),
    "big pages": encoded(big_tiff=True, save_all=True, append_images=[Image.effect_noise((9, 7), 9)]),
    **{f"by hand {number}": form.file() for number, form in enumerate(FORMS)},
}
by_sample = pytest.mark.parametrize("content", SAMPLES.values(), ids=SAMPLES)


@by_sample
def test_labels_are_appended_and_one_offset_changes(content):
    width = 8 if content[2:4] in {b"+\0", b"\0+"} else 4
    after = write(content, exif=exif.write(read(content).exif, captured_at="2026-05-01T08:30:00", coordinates=None))
    assert after[:width] + after[2 * width : len(content)] == content[:width] + content[2 * width :]
    assert exif.read(read(after).exif).captured_at == "2026-05-01T08:30:00"
    assert frames(after) == frames(content)


@by_sample
def test_directories_are_sorted_aligned_and_chained_as_before(content):
    after = labelled(content, place=(30.5, -104.25), xmp=b"<new/>" * 9)
    before = [each for each in directories(content) if each.name == structure.PAGE]
    pages = [each for each in directories(after) if each.name == structure.PAGE]
    assert [page.directory.following for page in pages] == [page.directory.following for page in before]
    for found in directories(after):
        tags = [each.tag for each in found.directory.entries]
        assert tags == sorted(tags)
        assert found.directory.span.start % 2 == 0
        outside = [each for each in found.directory.entries if each.at >= len(content) and each.size > 8]
        assert all(each.at % 2 == 0 for each in outside)


@by_sample
def test_the_packet_has_the_type_that_the_guide_names(content):
    after = write(content, xmp=b"<new/>" * 9)
    assert (entry(after, 0x02BC).kind, entry(after, 0x02BC).number) == (UNDEFINED, 54)
    assert read(after).xmp == b"<new/>" * 9
    assert write(after, xmp=b"<new/>" * 9) == after
    assert write(content) == content


@by_sample
@pytest.mark.parametrize("known", [False, True])
def test_a_packet_that_is_replaced_is_nowhere_in_the_file(content, known):
    once = write(content, xmp=b"<old/>" * 9)
    twice = write(once, xmp=b"<newer/>" * 9, known=known)
    assert b"<old/>" not in twice
    assert PACKET not in twice
    assert frames(twice) == frames(content)


@by_form
def test_a_block_in_the_other_byte_order_is_turned(form):
    other = exif.write(None, captured_at="2026-05-01T08:30:00", coordinates=(30.5, -104.25))
    assert other.startswith(b"MM")
    found = exif.read(read(write(form.file(), exif=other)).exif)
    assert (found.captured_at, found.coordinates) == ("2026-05-01T08:30:00", (30.5, -104.25))


@pytest.mark.parametrize("name", ["described", "big"])
def test_the_block_says_what_the_file_says_and_no_pixels(name):
    block = read(SAMPLES[name]).exif
    found = exif.read(block)
    assert (found.make, found.orientation) == ("Maker", 6)
    assert found.coordinates == pytest.approx((30.572777, 104.07), abs=1e-5)
    assert b"notes" in block
    assert len(block) < 400
    assert read(SAMPLES["plain"]).exif is None


def test_a_large_value_stays_out_of_the_block_and_in_the_file():
    content = encoded(described={EXIF_IFD: {0x927C: b"n" * 70_000, 0x829A: 0.5}})
    assert len(read(content).exif) < 100
    after = labelled(content)
    assert entry(after, 0x927C, EXIF_IFD) == entry(content, 0x927C, EXIF_IFD)
    assert read(after).exif != read(content).exif


def test_pointers_in_the_exif_directory_stay_in_the_file():
    inner = LITTLE.end(1)
    exif_ifd = LITTLE.directory((INTEROP_IFD, LONG, 1, inner + 30), (0xA002, SHORT, 1, 4)).ljust(30, b"\0")
    interop = LITTLE.directory((1, 2, 4, b"R98\0"))
    content = LITTLE.file((EXIF_IFD, LONG, 1, inner), tail=exif_ifd + interop)
    after = labelled(content)
    assert entry(after, INTEROP_IFD, EXIF_IFD).raw == entry(content, INTEROP_IFD, EXIF_IFD).raw
    assert INTEROP_IFD not in [each.tag for each in ifd.parse(read(content).exif).exif.entries]


@pytest.mark.parametrize("name", ["described", "big"])
def test_a_position_that_is_taken_out_is_nowhere_in_the_file(name):
    content = SAMPLES[name]
    order = "<" if content.startswith(b"II") else ">"
    seconds, east = struct.pack(order + "6I", 30, 1, 34, 1, 22, 1), struct.pack(order + "6I", 104, 1, 4, 1, 12, 1)
    assert seconds in content
    assert east in content
    after = labelled(content, time=None, erase=True)
    assert seconds not in after
    assert east not in after
    assert exif.read(read(after).exif).coordinates is None
    assert b"2026:05:01" in after
    assert frames(after) == frames(content)


def test_a_coarser_position_overwrites_the_exact_one():
    exact = labelled(SAMPLES["plain"], place=(30.572815, 104.066801))
    seconds = struct.pack("<2I", 221340, 10000)
    assert seconds in exact
    coarse = labelled(exact, time=None, place=(30.6, 104.1), erase=True)
    assert seconds not in coarse
    assert exif.read(read(coarse).exif).coordinates == pytest.approx((30.6, 104.1))


def test_an_empty_directory_goes_with_its_pointer():
    content = encoded(described={GPS_IFD: {1: "N", 2: (30.0, 34.0, 22.0), 3: "E", 4: (104.0, 4.0, 12.0)}})
    after = write(content, exif=exif.write(None, captured_at="2026-05-01T08:30:00", coordinates=None))
    assert GPS_IFD not in [each.name for each in directories(after)]
    assert entry(after, GPS_IFD) is None


def gps(values_at):
    return LITTLE.directory(
        (1, 2, 2, b"N\0\0\0"), (2, 5, 3, values_at), (3, 2, 2, b"E\0\0\0"), (4, 5, 3, values_at + 24)
    )


POSITION = struct.pack("<12I", 30, 1, 34, 1, 22, 1, 104, 1, 4, 1, 12, 1)


def test_directories_below_or_behind_the_first_page_are_left_alone_and_a_position_there_is_named():
    at = LITTLE.end(2)
    own = LITTLE.directory((0xA002, SHORT, 1, 4))
    below = LITTLE.directory((EXIF_IFD, LONG, 1, at + 48), (GPS_IFD, LONG, 1, at + 66))
    other = LITTLE.directory((0xA003, SHORT, 1, 2))
    tail = own + below + other + gps(at + 120) + POSITION
    content = LITTLE.file((EXIF_IFD, LONG, 1, at), (SUB_IFDS, LONG, 1, at + 18), tail=tail)
    block = ifd.parse(read(content).exif)
    assert [each.tag for each in block.exif.entries] == [0xA002]
    assert block.gps.entries == ()
    assert read(content).warnings == ("tiff-further-position",)
    after = labelled(content, place=(30.5, -104.25), erase=True)
    assert POSITION in after
    assert tail in after
    second = LITTLE.file((GPS_IFD, LONG, 1, at))[16:]
    content = LITTLE.file(
        (GPS_IFD, LONG, 1, at), (0xFE00, SHORT, 1, 0), tail=gps(at + 54) + POSITION + second, following=at + 102
    )
    assert read(content).warnings == ("tiff-several-pages", "tiff-page-would-be-added")


def test_a_position_that_shares_its_bytes_with_another_value_is_refused_rather_than_left():
    at = LITTLE.end(2)
    more = (GPS_IFD, LONG, 1, at), (0xC6F3, UNDEFINED, 48, at + 54)
    content = LITTLE.file(*more, tail=gps(at + 54) + POSITION)
    assert exif.read(read(content).exif).coordinates
    with pytest.raises(MalformedMedia):
        labelled(content, erase=True)
    alone = LITTLE.file((GPS_IFD, LONG, 1, at), (0xC6F3, UNDEFINED, 4, 0), tail=gps(at + 54) + POSITION)
    assert POSITION not in labelled(alone, erase=True)


def test_a_position_that_lies_in_the_picture_is_refused_rather_than_left():
    at = LITTLE.end(1)
    content = LITTLE.file((GPS_IFD, LONG, 1, at), tail=gps(at + 54) + POSITION, pixels=at + 60)
    with pytest.raises(MalformedMedia):
        labelled(content, erase=True)


def test_a_packet_that_another_page_uses_stays():
    at = LITTLE.end(1)
    second = LITTLE.file((0x02BC, UNDEFINED, 28, at))[16:]
    content = LITTLE.file((0x02BC, UNDEFINED, 28, at), tail=PACKET + second, following=at + 28)
    after = write(content, xmp=b"<new/>" * 9)
    assert PACKET in after
    assert read(after).xmp == b"<new/>" * 9


def test_several_packets_are_counted_and_none_is_chosen_silently():
    at = LITTLE.end(2)
    content = LITTLE.file((0x02BC, UNDEFINED, 5, at), (0x02BC, UNDEFINED, 5, at + 6), tail=b"<a/> \0<b/> \0")
    assert (read(content).xmp, read(content).xmp_count, read(content).warnings) == (b"<a/> ", 2, ("xmp-repeated",))
    with pytest.raises(MetadataNotWritten):
        write(content, xmp=b"<c/>")


@pytest.mark.parametrize("kind", [1, UNDEFINED])
def test_a_packet_of_either_type_is_read_without_its_padding(kind):
    content = LITTLE.file((0x02BC, kind, 10, LITTLE.end(1)), tail=b"<a/>   \0\0\0")
    assert read(content).xmp == b"<a/>   "
    assert write(content, xmp=b"<a/>   ") == content


IIM = b"\x1c\x02\x73\0\4Wire"


@pytest.mark.parametrize(
    ("tag", "kind", "data"),
    [
        (0x83BB, UNDEFINED, IIM),
        (0x83BB, LONG, IIM + bytes(3)),
        (0x8649, 1, b"8BIM\x04\x04\0\0\0\0\0\x09" + IIM + b"\0"),
    ],
)
def test_iptc_is_read_wherever_it_stands(tag, kind, data):
    count = len(data) // (4 if kind == LONG else 1)
    content = LITTLE.file((tag, kind, count, LITTLE.end(1)), tail=data)
    assert read(content).iim.rstrip(b"\0") == IIM


def test_a_damaged_photoshop_block_is_named():
    content = LITTLE.file((0x8649, 1, 8, LITTLE.end(1)), tail=b"8BIM\xff\xff\xff\xff")
    assert (read(content).iim, read(content).warnings) == (None, ("photoshop-damaged",))


def test_pages_are_named_and_a_manifest_would_add_one_that_no_reader_opens(tmp_path, signer):
    content = SAMPLES["pages"]
    found = read(content)
    assert found.warnings == ("tiff-several-pages", "tiff-page-would-be-added")
    assert (found.unsignable, read(SAMPLES["described"]).unsignable) == ("tiff-page-would-be-added", None)
    (tmp_path / "source").write_bytes(content)
    claim = Claim({}, plan_actions("http://example.com/source-type", has_manifest=False, notice_drawn=False))
    sign(tmp_path / "source", tmp_path / "signed", claim, mime="image/tiff", signer=signer)
    signed = (tmp_path / "signed").read_bytes()
    assert read(signed).has_manifest
    with Image.open(io.BytesIO(content)) as before, Image.open(io.BytesIO(signed)) as after:
        assert before.n_frames == 2
        with pytest.raises(TypeError):
            after.seek(2)


@pytest.mark.parametrize(
    "more",
    [
        [(0xC612, 1, 4, b"\1\4\0\0")],
        [(0x0106, SHORT, 1, 32803)],
        [(0x0106, SHORT, 1, 34892), (0x010F, 2, 4, b"ACME")],
    ],
)
def test_a_camera_raw_file_is_refused_by_name(more):
    content = LITTLE.file(*[each for each in more if each[0] != 0x0106], tail=b"")
    if more[0][0] == 0x0106:
        photometric = struct.pack("<HHII", 0x0106, SHORT, 1, 1)
        content = content.replace(photometric, struct.pack("<HHII", 0x0106, SHORT, 1, more[0][3]))
    with pytest.raises(UnsupportedFormat) as caught:
        read(content)
    assert caught.value.details["maker"] == ("ACME" if len(more) > 1 else "")
    assert "RAW" in caught.value.diagnostics("zh-CN")


def test_a_raw_picture_below_the_first_page_is_found():
    at = LITTLE.end(1)
    content = LITTLE.file((SUB_IFDS, LONG, 1, at), tail=LITTLE.directory((0x0106, SHORT, 1, 32803)))
    with pytest.raises(UnsupportedFormat):
        read(content)
    with pytest.raises(UnsupportedFormat):
        read(LITTLE.header(18) + b"CR\2\0" + bytes(6) + LITTLE.file()[16:])


def chain(count, *, loop=False):
    """`count` pages of nothing but a size."""
    page = len(LITTLE.directory((0x0100, SHORT, 1, 1), (0x0101, SHORT, 1, 1)))
    pages = []
    for number in range(count):
        last = number == count - 1
        following = (8 if loop else 0) if last else 8 + (number + 1) * page
        pages.append(LITTLE.directory((0x0100, SHORT, 1, 1), (0x0101, SHORT, 1, 1), following=following))
    return LITTLE.header(8) + b"".join(pages)


AT = LITTLE.end(1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"II*\0\x08", "tiff-truncated"),
        (b"II+\0\x08\0\0\0\0\0", "tiff-truncated"),
        (b"II*\0\x08\0\0\0", "tiff-truncated"),
        (LITTLE.file()[:-1], "tiff-truncated"),
        (LITTLE.file(pixels=10_000), "tiff-truncated"),
        (LITTLE.file(following=10_000), "tiff-truncated"),
        (LITTLE.file((EXIF_IFD, LONG, 1, 0x7FFFFFFF)), "tiff-truncated"),
        (LITTLE.file((0x02BC, UNDEFINED, 0x7FFFFFFF, AT), tail=bytes(99)), "tiff-truncated"),
        (LITTLE.file((0x02BC, 12, 0xFFFFFFFF, AT), tail=bytes(99)), "tiff-truncated"),
        (LITTLE.header(8) + b"\xff\xff" + bytes(99), "tiff-truncated"),
        (b"MM*\0" + bytes(99), "tiff-damaged"),
        (b"II+\0\4\0\0\0" + bytes(99), "tiff-damaged"),
        (b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\xff" * 99, "tiff-damaged"),
        (LITTLE.header(0) + bytes(99), "tiff-damaged"),
        (LITTLE.header(4) + bytes(99), "tiff-damaged"),
        (LITTLE.file(following=16), "tiff-damaged"),
        (LITTLE.file((SUB_IFDS, LONG, 1, 16)), "tiff-damaged"),
        (LITTLE.file((EXIF_IFD, LONG, 1, AT), tail=LITTLE.directory((EXIF_IFD, LONG, 1, AT))), "tiff-damaged"),
        (LITTLE.file((EXIF_IFD, LONG, 2, AT), tail=bytes(99)), "tiff-damaged"),
        (LITTLE.file((EXIF_IFD, SHORT, 1, AT), tail=bytes(99)), "tiff-damaged"),
        (LITTLE.file((GPS_IFD, LONG, 1, AT + 12), (GPS_IFD, LONG, 1, AT + 30), tail=bytes(99)), "tiff-damaged"),
        (LITTLE.file((SUB_IFDS, LONG, 300, AT), tail=bytes(1200)), "tiff-damaged"),
        (LITTLE.file((0x010F, 2, 6, 2)), "tiff-damaged"),
        (LITTLE.file(pixels=4), "tiff-damaged"),
        (LITTLE.file((0x0144, LONG, 1, 4)), "tiff-damaged"),
        (LITTLE.header(8) + LITTLE.directory((0x0100, SHORT, 1, 4)), "tiff-damaged"),
        (LITTLE.header(8) + LITTLE.directory((0x0100, SHORT, 1, 0), (0x0101, SHORT, 1, 4)), "tiff-damaged"),
        (LITTLE.header(8) + LITTLE.directory((0x0100, 2, 1, 4), (0x0101, SHORT, 1, 4)), "tiff-damaged"),
        (LITTLE.file((0x0144, 2, 4, b"tile")), "tiff-damaged"),
        (chain(3, loop=True), "tiff-damaged"),
        (chain(65_537), "tiff-damaged"),
    ],
)
def test_a_broken_structure_is_refused_in_good_time(content, code):
    started = time.process_time()
    assert refusal(content) == code
    assert time.process_time() - started < 2 * 10  # read twice, and slowed by the measuring of coverage


def test_strips_without_end_are_refused_in_good_time(monkeypatch):
    monkeypatch.setattr(tiff, "SPAN_LIMIT", 20_000)
    starts = struct.pack("<I", 16) * 30_000
    content = LITTLE.file((0x0144, LONG, 30_000, AT), tail=starts)
    assert refusal(content) == "tiff-damaged"
    monkeypatch.undo()
    assert read(content).width == 4


def test_a_page_that_says_nothing_of_itself_is_a_picture_nonetheless():
    assert read(chain(3)).warnings == ("tiff-several-pages", "tiff-page-would-be-added")
    assert read(chain(3), whole=False).warnings == ()


def test_a_classic_file_does_not_grow_beyond_its_offsets(tmp_path):
    path = tmp_path / "large.tif"
    path.write_bytes(SAMPLES["described"])
    with path.open("r+b") as file:
        file.truncate((1 << 32) - 100)
        with pytest.raises(MetadataNotWritten) as caught:
            tiff.write(file, io.BytesIO(), exif=None, xmp=b"<x/>" * 30)
    assert caught.value.code == "tiff-full"
    assert caught.value.details["limit"] == (1 << 32) - 1


def test_limits_hold():
    wide = LITTLE.file().replace(
        struct.pack("<HHII", 0x0100, SHORT, 1, 4), struct.pack("<HHII", 0x0100, LONG, 1, 1 << 30)
    )
    with pytest.raises(MediaTooLarge):
        read(wide)
    with pytest.raises(MediaTooLarge):
        read(LITTLE.file((0x02BC, UNDEFINED, 10_000_001, AT), tail=bytes(10_000_001)))
    with pytest.raises(MediaTooLarge):
        write(LITTLE.file(), xmp=bytes(10_000_001))


MEMORY = """
import resource, sys
from pathlib import Path
from provenance import _files
from provenance.formats import registry
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = Path(sys.argv[1])
registry.read(source)
with source.open("rb") as file, Path(sys.argv[2]).open("wb") as target:
    handler = registry.identify(file, source)
    handler.write(file, target, exif=None, xmp=b"<x/>" * 999)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is counted in KiB on Linux only")
def test_a_file_of_a_quarter_gibibyte_takes_little_memory(tmp_path):
    rows, width = 8192, 32768
    at = LITTLE.end(0)
    starts = [at + 8 * rows + number * width for number in range(rows)]
    tail = struct.pack(f"<{rows}I", *starts) + struct.pack(f"<{rows}I", *[width] * rows)
    content = LITTLE.file(tail=tail)
    for tag, kind, old, new in (
        (0x0100, SHORT, (1, 4), (1, width)),
        (0x0101, SHORT, (1, 2), (1, rows)),
        (0x0116, SHORT, (1, 2), (1, 1)),
        (0x0111, LONG, (1, 8), (rows, at)),
        (0x0117, LONG, (1, 8), (rows, at + 4 * rows)),
    ):
        content = content.replace(struct.pack("<HHII", tag, kind, *old), struct.pack("<HHII", tag, kind, *new))
    source = tmp_path / "large.tif"
    source.write_bytes(content)
    with source.open("r+b") as file:
        file.truncate(starts[-1] + width)
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, source, tmp_path / "out"], capture_output=True, check=True, text=True
    )
    assert int(run.stdout) < 40 * 1024
