"""What other people's readers see in packets written here: ExifTool, and exiv2 with Adobe's own XMP toolkit."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from provenance.errors import MalformedMedia
from provenance.metadata import aigc, iptc, xmp
from provenance.metadata.iptc import Location, StandardFields
from provenance.metadata.xmp import Name

FIELDS = StandardFields(
    captured_at="2026-05-01T08:30:00+08:00",
    place=Location("四川省成都市", "CN", "四川省", "成都市", "成华区"),
    coordinates=(30.2741, -120.1551),
    source="新华社",
    credit='新华社 & "某某"',
    creators=("张三", "Li Si"),
    copyright_owners=("新华社",),
    digital_source_type=iptc.SOURCE_TYPE_BASE + "digitalCapture",
)
ELEMENT = aigc.encode(aigc.from_label("confirmed", "001191510100MA0EXAMP0D10001", "img-20260501-77"))
RECORD = '{"labels":[{"kind":"mcn","name":"星河文化传媒(成都)有限公司"}],"version":1}'
OURS = {**iptc.to_xmp(FIELDS), iptc.AIGC: ELEMENT, iptc.RECORD: RECORD}

FOREIGN = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 5.6.0"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="uuid:faf5bdd5-ba3d-11da-ad31-d33d75182f1b" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:CreatorTool="Some Tool" xmp:Rating="4">
 <dc:subject><rdf:Bag><rdf:li>panda</rdf:li><rdf:li>成都</rdf:li></rdf:Bag></dc:subject>
 <dc:creator><rdf:Seq><rdf:li>Someone Else</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()


def exiftool(path, *options):
    return exiftool_all([path], *options)[0]


def exiftool_all(paths, *options):
    """Return the tags of each file, read by one process."""
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    command = ["exiftool", "-j", "-G1", "-struct", "-n", *options, "-@", "-"]
    names = "\n".join(map(str, paths)).encode()
    done = subprocess.run(command, input=names, capture_output=True, check=len(paths) == 1, timeout=60)
    return json.loads(done.stdout)


def exiv2(path):
    if shutil.which("exiv2") is None:
        pytest.skip("exiv2 is not installed")
    done = subprocess.run(["exiv2", "-PXkt", str(path)], capture_output=True, check=True, timeout=60)
    lines = (line.split(None, 1) for line in done.stdout.decode().splitlines())
    return {line[0]: line[1].strip() if len(line) > 1 else "" for line in lines}


@pytest.fixture(params=["sidecar", "jpeg"])
def written(request, tmp_path):
    """A function that puts a packet where readers look for one."""

    def write(packet):
        path = tmp_path / "x.xmp"
        if request.param == "sidecar":
            path.write_bytes(packet)
            return path
        path = tmp_path / "x.jpg"
        Image.new("RGB", (16, 16), "red").save(path, xmp=packet)
        return path

    return write


@pytest.mark.parametrize("base", [None, FOREIGN])
def test_exiftool_shows_every_field(written, base):
    shown = exiftool(written(xmp.merge(base, OURS)))
    assert {
        key: shown[key] for key in shown if key.startswith("XMP-") and not key.startswith(("XMP-xmp", "XMP-x:"))
    } == {
        "XMP-photoshop:DateCreated": "2026:05:01 08:30:00+08:00",
        "XMP-photoshop:Source": "新华社",
        "XMP-photoshop:Credit": '新华社 & "某某"',
        "XMP-iptcExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
        "XMP-iptcExt:LocationCreated": [
            {
                "LocationName": "四川省成都市",
                "CountryCode": "CN",
                "ProvinceState": "四川省",
                "City": "成都市",
                "Sublocation": "成华区",
            }
        ],
        "XMP-dc:Creator": ["张三", "Li Si"],
        "XMP-plus:CopyrightOwner": [{"CopyrightOwnerName": "新华社"}],
        "XMP-exif:GPSLatitude": 30.2741,
        "XMP-exif:GPSLongitude": -120.1551,
        "XMP-exif:GPSMapDatum": "WGS-84",
        "XMP-TC260:Aigc": ELEMENT,
        "XMP-pvl:Labels": RECORD,
        **(
            {"XMP-dc:Subject": ["panda", "成都"], "XMP-rdf:About": "uuid:faf5bdd5-ba3d-11da-ad31-d33d75182f1b"}
            if base
            else {}
        ),
    }


def test_exiftool_shows_the_flat_names_of_the_issue(written):
    shown = exiftool(written(xmp.merge(FOREIGN, OURS)), "--struct")
    assert shown["XMP-iptcExt:LocationCreatedLocationName"] == "四川省成都市"
    assert shown["XMP-iptcExt:LocationCreatedSublocation"] == "成华区"
    assert shown["XMP-plus:CopyrightOwnerName"] == "新华社"


def test_adobes_toolkit_reads_ours_and_keeps_theirs(written):
    shown = exiv2(written(xmp.merge(FOREIGN, OURS)))
    assert shown["Xmp.xmp.CreatorTool"] == "Some Tool"
    assert shown["Xmp.dc.subject"] == "panda, 成都"
    assert shown["Xmp.dc.creator"] == "张三, Li Si"
    assert shown["Xmp.photoshop.DateCreated"].startswith("2026-05-01T08:30:00+08:00")
    assert shown["Xmp.iptcExt.LocationCreated[1]/Iptc4xmpExt:City"] == "成都市"
    assert shown["Xmp.iptcExt.LocationCreated[1]/Iptc4xmpExt:LocationName"] == 'lang="x-default" 四川省成都市'
    assert shown["Xmp.plus.CopyrightOwner[1]/plus:CopyrightOwnerName"] == "新华社"
    assert shown["Xmp.TC260.AIGC"] == ELEMENT


def test_a_packet_written_by_exiftool_is_read_and_merged(tmp_path):
    path = tmp_path / "x.xmp"
    exiftool(__file__)
    subprocess.run(
        [
            "exiftool", "-q", "-XMP-photoshop:Source=旧来源", "-XMP-iptcExt:LocationCreated={City=成都市,LocationName=成都,WorldRegion=Asia}",
            "-XMP-photoshop:DateCreated=2026:05:01 08:30:00+08:00", "-XMP-dc:Creator=张三", "-XMP-plus:CopyrightOwnerName=新华社",
            "-XMP-exif:GPSLatitude=-30.5", "-XMP-exif:GPSLongitude=120.25", "-XMP-dc:Title=题", str(path),
        ],
        check=True, timeout=60,
    )  # fmt: skip
    packet = path.read_bytes()
    fields = iptc.from_xmp(xmp.read(packet))
    assert fields == StandardFields(
        captured_at="2026-05-01T08:30:00+08:00",
        place=Location(name="成都", city="成都市"),
        coordinates=(-30.5, 120.25),
        source="旧来源",
        creators=("张三",),
        copyright_owners=("新华社",),
    )
    place = StandardFields(place=Location(county="成华区"))
    merged = xmp.merge(packet, iptc.to_xmp(place, xmp.read(packet)))
    path.write_bytes(merged)
    shown = exiftool(path)
    assert shown["XMP-dc:Title"] == "题"
    assert shown["XMP-iptcExt:LocationCreated"] == [
        {"City": "成都市", "LocationName": "成都", "WorldRegion": "Asia", "Sublocation": "成华区"}
    ]


CORPUS = os.environ.get("PROVENANCE_CORPUS")


@pytest.mark.skipif(CORPUS is None, reason="PROVENANCE_CORPUS names no folder of real photographs")
def test_the_packets_of_real_photographs_keep_every_foreign_tag(tmp_path):
    photographs = [path for path in sorted(Path(CORPUS).rglob("*.jp*g")) if b"/xap/1.0/\0" in path.read_bytes()]
    found = [
        (Path(tags["SourceFile"]).name, tags.get("XMP:XMP")) for tags in exiftool_all(photographs, "-b", "-XMP", "-G0")
    ]
    packets = [(name, binary(packet)) for name, packet in found if packet]
    assert packets
    files = []
    for number, (name, packet) in enumerate([("ours alone", xmp.merge(None, OURS)), *packets]):
        try:
            merged = xmp.merge(packet, OURS)
        except MalformedMedia as error:
            pytest.fail(f"{name}: {error}")
        assert xmp.merge(merged, {}, removed=OURS) == xmp.merge(packet, {}, removed=OURS), name
        assert xmp.first(xmp.read(merged), Name("http://purl.org/dc/elements/1.1/", "creator")) == OURS[iptc.CREATOR]
        for side, content in (("before", packet), ("after", merged)):
            files.append(tmp_path / f"{number}-{side}.xmp")
            files[-1].write_bytes(content)
    shown = exiftool_all(files)
    assert len(shown) == len(files)
    written = shown[0].keys()
    for (name, _), before, after in zip(packets, shown[2::2], shown[3::2], strict=True):
        kept = {key for key in before if key.startswith("XMP") and key not in written}
        assert {key: after.get(key) for key in kept} == {key: before[key] for key in kept}, name
        assert after["XMP-TC260:Aigc"] == ELEMENT


def binary(value):
    """Return the bytes of a binary tag as exiftool writes it in JSON."""
    return base64.b64decode(value[7:]) if value.startswith("base64:") else value.encode()
