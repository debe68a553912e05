"""Positions on later pages and below any page: taken out where they stand, nothing else touched."""

import io
import shutil
import struct
import subprocess
from collections import Counter

import pytest
from PIL import Image, ImageSequence

from provenance.errors import MetadataNotWritten
from provenance.formats import tiff as structure
from provenance.formats import tiff_positions
from provenance.formats.handlers import tiff
from provenance.formats.splice import overwrite
from provenance.metadata import xmp
from provenance.observe import look

EXIF = "http://ns.adobe.com/exif/1.0/"
GPS_IFD, SUB_IFDS, XMP = 0x8825, 0x014A, 0x02BC
SHORT, LONG, RATIONAL, UNDEFINED = 3, 4, 5, 7
PACKET = xmp.merge(
    None,
    {
        xmp.Name(EXIF, "GPSLatitude"): "30,44.034600N",
        xmp.Name(EXIF, "GPSLongitude"): "104,8.803200E",
        xmp.Name("http://purl.org/dc/elements/1.1/", "format"): "image/tiff",
    },
)


class Form:
    def __init__(self, order, *, big):
        self.order, self.big = order, big
        self.pointer, self.count, self.entry = ("Q", "Q", "HHQ") if big else ("I", "H", "HHI")
        self.width = struct.calcsize(self.pointer)

    def header(self, first):
        mark = b"II" if self.order == "<" else b"MM"
        middle = struct.pack(self.order + "HHH", 43, 8, 0) if self.big else struct.pack(self.order + "H", 42)
        return mark + middle + struct.pack(self.order + self.pointer, first)

    def directory(self, *entries, following=0):
        raw = struct.pack(self.order + self.count, len(entries))
        for tag, kind, number, value in sorted(entries, key=lambda each: each[0]):
            code = {SHORT: "H", LONG: "I"}.get(kind, self.pointer)
            data = value if isinstance(value, bytes) else struct.pack(self.order + code, value)
            raw += struct.pack(self.order + self.entry, tag, kind, number) + data.ljust(self.width, b"\0")
        return raw + struct.pack(self.order + self.pointer, following)

    def gps(self, values):
        return self.directory(
            (1, 2, 2, b"N\0"), (2, RATIONAL, 3, values), (3, 2, 2, b"E\0"), (4, RATIONAL, 3, values + 24)
        )

    def position(self):
        return struct.pack(self.order + "12I", 30, 1, 34, 1, 22125, 1000, 104, 1, 4, 1, 12375, 1000)

    def dated(self, values):
        """A GPS directory that has a date and a version beside its position."""
        return self.directory(
            (0, 1, 4, b"\2\3\0\0"), (1, 2, 2, b"N\0"), (2, RATIONAL, 3, values), (3, 2, 2, b"E\0"),
            (4, RATIONAL, 3, values + 24), (29, 2, 11, values + 48),
        )  # fmt: skip

    def document(self, pages=3):
        """Pages of 4 by 2 grey pixels, each with a position in a GPS directory and in XMP."""
        start, parts = len(self.header(0)), []
        for number in range(pages):
            gps = start + 8
            values = gps + len(self.dated(0))
            packet = values + 60
            own = packet + len(PACKET) + len(PACKET) % 2
            entries = [
                (0x0100, SHORT, 1, 4), (0x0101, SHORT, 1, 2), (0x0102, SHORT, 1, 8), (0x0103, SHORT, 1, 1),
                (0x0106, SHORT, 1, 1), (0x0111, LONG, 1, start), (0x0115, SHORT, 1, 1), (0x0116, SHORT, 1, 2),
                (0x0117, LONG, 1, 8), (XMP, 1, len(PACKET), packet), (GPS_IFD, LONG, 1, gps),
            ]  # fmt: skip
            behind = own + len(self.directory(*entries))
            following = 0 if number == pages - 1 else behind + (behind - start) - len(self.directory(*entries))
            parts.append(bytes(range(number, number + 8)) + self.dated(values) + self.position())
            parts.append(b"2026:05:01\0\0" + PACKET + bytes(len(PACKET) % 2))
            parts.append(self.directory(*entries, following=following))
            start = behind
        first = len(self.header(0)) + len(parts[0]) + len(parts[1])
        return self.header(first) + b"".join(parts)

    def sized(self, *more, **options):
        return self.directory((0x0100, SHORT, 1, 1), (0x0101, SHORT, 1, 1), *more, **options)

    def thumbnail(self, *, values_at=None, more=()):
        """A page whose picture below it has a position, as a phone's thumbnail does."""
        start = len(self.header(0))
        below = start + len(self.sized((SUB_IFDS, LONG, 1, 0)))
        gps = below + len(self.sized((GPS_IFD, LONG, 1, 0), *more))
        values = gps + len(self.gps(0))
        parts = self.header(start), self.sized((SUB_IFDS, LONG, 1, below)), self.sized((GPS_IFD, LONG, 1, gps), *more)
        return b"".join(parts) + self.gps(values if values_at is None else values_at) + self.position()


FORMS = [Form(order, big=big) for order in "<>" for big in (False, True)]
by_form = pytest.mark.parametrize("form", FORMS, ids=["II", "II-big", "MM", "MM-big"])


def erased(content):
    file = io.BytesIO(content)
    overwrite(file, tiff_positions.edits(file))
    return file.getvalue()


def warnings(content):
    return tiff.read(io.BytesIO(content)).warnings


def directories(content, name):
    return [each for each in structure.walk(structure.open_stream(io.BytesIO(content))) if each.name == name]


def frames(content):
    with Image.open(io.BytesIO(content)) as image:
        return [(each.mode, each.tobytes()) for each in ImageSequence.Iterator(image)]


@pytest.fixture(params=FORMS[:3], ids=["II", "II-big", "MM"])  # Pillow opens no BigTIFF of the other order
def content(request):
    return request.param.document()


def test_the_first_page_stays_and_the_others_lose_their_positions_only(content):
    assert "tiff-further-position" in warnings(content)
    assert content.count(b"GPSLatitude>") == 6
    after = erased(content)
    assert "tiff-further-position" not in warnings(after)
    assert after.count(b"GPSLatitude>") == 2
    assert after.count(b"image/tiff</") == 3
    assert after.count(b"2026:05:01") == 3
    first, *others = (each.directory for each in directories(after, GPS_IFD))
    assert [entry.tag for entry in first.entries] == [0, 1, 2, 3, 4, 29]
    assert [[entry.tag for entry in each.entries] for each in others] == [[0, 29], [0, 29]]
    assert frames(after) == frames(content)
    assert erased(after) == after


def test_nothing_but_the_positions_changes(content):
    after = erased(content)
    stream = structure.open_stream(io.BytesIO(content))
    touched = [found.directory.span for found in structure.walk(stream) if not found.is_first and found.name == GPS_IFD]
    touched += [found.directory.span for found in directories(content, structure.PAGE)[1:]]
    for found in structure.walk(stream):
        if not found.is_first:
            touched += [(e.at, e.at + e.size) for e in found.directory.entries if e.tag in {2, 4, XMP} and e.size > 8]
    inside = {at for start, end in touched for at in range(start, end)}
    assert [at for at in range(len(content)) if content[at] != after[at] and at not in inside] == []


def test_exiftool_sees_the_same_but_positions(tmp_path, content):
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    lines = []
    for name, each in (("before", content), ("after", erased(content))):
        (tmp_path / name).write_bytes(each)
        command = ["exiftool", "-a", "-G1", "-s", "-n", "--File:all", "--System:all", str(tmp_path / name)]
        found = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
        lines.append(Counter(" ".join(line.split()) for line in found if "ApplicationNotes" not in line))
    gone, new = lines[0] - lines[1], lines[1] - lines[0]
    assert all("GPS" in line for line in gone)  # ExifTool 12.57 knows the group in BigTIFF, but not its tags' names
    assert sum(gone.values()) >= 8
    assert not new


@by_form
def test_the_position_of_a_picture_below_the_first_page_goes(form):
    content = form.thumbnail()
    assert "tiff-further-position" in warnings(content)
    after = erased(content)
    assert len(after) == len(content)
    assert form.position() not in after
    assert struct.pack(form.order + "2I", 22125, 1000) not in after
    (gps,) = directories(after, GPS_IFD)
    assert [(each.tag, each.raw[-form.width :][:4]) for each in gps.directory.entries] == [(0, b"\2\3\0\0")]
    assert "tiff-further-position" not in warnings(after)


@by_form
def test_a_packet_of_a_picture_below_goes_to_the_end(form):
    start = len(form.header(0))
    below = start + len(form.sized((SUB_IFDS, LONG, 1, 0)))
    at = below + len(form.sized((XMP, 1, 1, 0)))
    content = form.header(start) + form.sized((SUB_IFDS, LONG, 1, below))
    content += form.sized((XMP, 1, len(PACKET), at)) + PACKET
    after = erased(content)
    assert b"GPS" not in after
    stream = structure.open_stream(io.BytesIO(after))
    (found,) = (each.directory.get(XMP) for each in structure.walk(stream) if each.name == SUB_IFDS)
    assert (found.kind, found.at % 4) == (1, 0)
    assert {name.local for name in xmp.read(structure.data(stream, found))} == {"format"}


@by_form
@pytest.mark.parametrize("shared", ["a value", "the directory", "each other"])
def test_a_position_that_shares_its_bytes_stays_and_is_refused(form, shared):
    extra = (0xC6F3, UNDEFINED, 9, 0)
    end = len(form.thumbnail(more=[extra]))
    if shared == "each other":
        content = form.thumbnail(values_at=len(form.thumbnail()) - 52)
    else:
        content = form.thumbnail(more=[(0xC6F3, UNDEFINED, 9, end - (20 if shared == "a value" else 60))])
    before = content
    with pytest.raises(MetadataNotWritten) as caught:
        erased(content)
    assert caught.value.code == "position-not-erased"
    assert content == before


@pytest.mark.parametrize("packet", [b"<gps    >", b'<!DOCTYPE a [<!ENTITY b "gps">]><a/>'])
def test_a_packet_that_cannot_be_read_is_refused(packet):
    form = FORMS[0]
    start = len(form.header(0))
    second = start + len(form.sized())
    at = second + len(form.sized((XMP, 1, 1, 0)))
    content = form.header(start) + form.sized(following=second) + form.sized((XMP, 1, len(packet), at)) + packet
    assert "tiff-further-position" in warnings(content)
    with pytest.raises(MetadataNotWritten) as caught:
        erased(content)
    assert caught.value.details["where"] == "XMP"


def test_pages_that_share_one_large_packet_are_not_read_forever():
    form = FORMS[0]
    start, count = len(form.header(0)), 400
    size = len(form.sized((XMP, 1, 1, 0)))
    at = start + count * size
    large = PACKET.replace(b"image/tiff", b"i" * 600_000)
    pages = [
        form.sized((XMP, 1, len(large), at), following=0 if n == count - 1 else start + (n + 1) * size)
        for n in range(count)
    ]
    content = form.header(start) + b"".join(pages) + large
    with pytest.raises(MetadataNotWritten):
        erased(content)


@pytest.mark.parametrize("privacy", ["remove", "coarsen"])
@pytest.mark.parametrize("signed", [True, False])
def test_attach_hides_every_page_and_twice_equals_once(sdk, content, tmp_path, privacy, signed, exiftool, trust):
    from provenance.sdk import Provenance

    use = sdk if signed else Provenance(signer=None)
    source, once, twice = (tmp_path / f"{name}.tif" for name in ("source", "once", "twice"))
    source.write_bytes(content)
    post = {"labels": [{"kind": "source", "publisher": "新华社"}], "location_privacy": privacy}
    use.attach_media(source, post, into=once)
    use.attach_media(once, post, into=twice)
    assert twice.read_bytes() == once.read_bytes()
    tags = exiftool(once, options=("-G4:1", "-a", "-n", "-ee"))
    latitudes = {value for name, value in tags.items() if "GPSLatitude" in name and "Ref" not in name}
    assert latitudes == (set() if privacy == "remove" else {30.6})
    assert b"30,44.0346" not in once.read_bytes()
    assert "tiff-further-position" not in look(once).container.warnings
    assert frames(once.read_bytes()) == frames(content)
    if signed:
        assert sdk.verify(once, trust=trust).files[0].manifest.state == "trusted"
