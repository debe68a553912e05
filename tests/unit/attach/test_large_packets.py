"""A packet that outgrows its JPEG segment: other people's properties move to an extension, labels stay in front."""

import shutil
import subprocess

import pytest

from provenance.compare import compare
from provenance.errors import MetadataNotWritten
from provenance.formats import jpeg_segments, registry, xmp_extension
from provenance.metadata import iptc, xmp
from provenance.metadata.xmp_split import HAS_EXTENDED
from provenance.observe import look
from provenance.sdk import Provenance

EXIF = "http://ns.adobe.com/exif/1.0/"
ACME = "http://ns.example.com/acme/1.0/"
LABELS = [
    {"kind": "source", "publisher": "新华社", "author": "张三", "copyright_owner": "新华社"},
    {"kind": "ai-generated", "grade": "confirmed", "producer": "001191510100MA0EXAMP0D10001", "produce_id": "i-77"},
]
HISTORY = "".join(
    f'<rdf:li stEvt:action="saved" stEvt:instanceID="xmp.iid:{number:08}" stEvt:when="2026-05-01T08:30:00+08:00"/>'
    for number in range(260)
)
CURVE = "".join(f"<rdf:li>{number % 256}, {number % 251}</rdf:li>" for number in range(1200))
FOREIGN = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.1-c000"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:CreatorTool="Adobe Photoshop 27.0"
   xmpMM:DocumentID="xmp.did:1"
   photoshop:ColorMode="3"
   crs:Version="17.0"
   crs:Exposure2012="+0.35">
   <dc:subject><rdf:Bag><rdf:li>panda</rdf:li><rdf:li>成都</rdf:li></rdf:Bag></dc:subject>
   <photoshop:History>{"2026-05-01T08:30:00&#x9;打开文件&#xA;" * 150}</photoshop:History>
   <xmpMM:History><rdf:Seq>{HISTORY}</rdf:Seq></xmpMM:History>
   <crs:ToneCurvePV2012><rdf:Seq>{CURVE}</rdf:Seq></crs:ToneCurvePV2012>
  </rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
SIZE = xmp_extension.MAIN_LIMIT - len(FOREIGN)


def filled(packet, name, letter):
    """Return a packet with a property that leaves room for a hundred bytes."""
    size = len(xmp.merge(packet, {xmp.Name(ACME, name): ""}))
    return xmp.merge(packet, {xmp.Name(ACME, name): letter * (xmp_extension.MAIN_LIMIT - 100 - size)})


def with_packet(media, path, packet):
    with path.open("wb") as file:
        registry.write(media / "plain.jpg", file, exif=None, xmp=packet)
    return path


@pytest.fixture
def crowded(media, tmp_path):
    """A photograph whose XMP fills its segment but for a hundred bytes."""
    return with_packet(media, tmp_path / "crowded.jpg", filled(FOREIGN, "Filler", "f"))


def foreign(exiftool, path):
    """Return what exiftool finds under names that no label has."""
    tags = exiftool(path, options=("-G1", "-a", "-struct", "-XMP:all", "-b"))
    names = "-xmp:", "-xmpmm:", "-crs:", "-acme:", "xmp-photoshop:colormode", "xmp-photoshop:history", "-dc:subject"
    return {key: value for key, value in tags.items() if any(name in key.lower() for name in names)}


def test_the_sample_is_full(crowded):
    assert xmp_extension.MAIN_LIMIT - 110 < len(look(crowded).packet) <= xmp_extension.MAIN_LIMIT
    assert SIZE > 0


def test_labels_find_room_and_every_foreign_tag_stays(sdk, crowded, tmp_path, exiftool):
    out = tmp_path / "out.jpg"
    before = foreign(exiftool, crowded)
    assert len(before) >= 8
    done = sdk.attach_media(crowded, {"labels": LABELS}, into=out)
    assert not done.warnings
    assert foreign(exiftool, out) == before
    found = look(out)
    assert len(found.packet) <= xmp_extension.MAIN_LIMIT
    ours = {iptc.RECORD, iptc.AIGC, iptc.SOURCE, iptc.CREATOR, iptc.COPYRIGHT_OWNER, HAS_EXTENDED}
    assert ours <= xmp.read(found.packet).keys()
    assert not ours & xmp.read(found.container.xmp_extension).keys()
    (file,) = sdk.verify(out).files
    assert (file.clean, file.aigc.count, file.aigc.conformant) == (True, 1, True)
    if shutil.which("exiv2"):
        printed = subprocess.run(["exiv2", "-PXkt", str(out)], capture_output=True, check=True, text=True).stdout
        assert "AIGC" in printed
        assert "Xmp.photoshop.Credit" in printed
        assert "Xmp.xmpNote.HasExtendedXMP" in printed


def test_a_comparison_finds_nothing_lost(sdk, crowded, tmp_path):
    out = tmp_path / "out.jpg"
    sdk.attach_media(crowded, {"labels": LABELS}, into=out)
    found = compare(crowded, out)
    assert found.survived
    again = compare(out, out)
    assert (again.survived, again.changes) == (True, ())


@pytest.mark.parametrize("signed", [True, False])
def test_labelling_twice_equals_once(sdk, crowded, tmp_path, signed, trust):
    use = sdk if signed else Provenance(signer=None)
    once, twice = tmp_path / "once.jpg", tmp_path / "twice.jpg"
    use.attach_media(crowded, {"labels": LABELS}, into=once)
    use.attach_media(once, {"labels": LABELS}, into=twice)
    assert once.read_bytes() == twice.read_bytes()
    state = sdk.verify(twice, trust=trust).files[0].manifest.state
    assert state == ("trusted" if signed else "absent")


def test_more_labels_on_a_parted_packet_join_its_extension(sdk, crowded, tmp_path, exiftool):
    once, twice = tmp_path / "once.jpg", tmp_path / "twice.jpg"
    sdk.attach_media(crowded, {"labels": LABELS}, into=once)
    with (tmp_path / "fuller.jpg").open("wb") as file:
        registry.write(once, file, exif=None, xmp=filled(look(once).packet, "More", "m"))
    before = foreign(exiftool, tmp_path / "fuller.jpg")
    more = [*LABELS, {"kind": "fiction", "form": "staged"}]
    sdk.attach_media(tmp_path / "fuller.jpg", {"labels": more}, into=twice)
    assert foreign(exiftool, twice) == before
    assert look(once).container.xmp_extension[:-30] in look(twice).container.xmp_extension
    assert b"<xmpMM:History>" in look(twice).container.xmp_extension
    with twice.open("rb") as file:
        parts = [
            jpeg_segments.payload(file, each)
            for each in jpeg_segments.parse_header(file).header
            if jpeg_segments.payload(file, each, len(xmp_extension.PREFIX)) == xmp_extension.PREFIX
        ]
    assert len({part[35:67] for part in parts}) == 1
    assert xmp_extension.joined(look(twice).packet, parts) == look(twice).container.xmp_extension


def test_a_position_in_what_moves_is_taken_out_first(sdk, media, tmp_path):
    structure = xmp.Struct({xmp.Name(EXIF, "GPSLatitude"): "30,44.034600N", xmp.Name(ACME, "F"): "f" * (SIZE - 700)})
    packet = xmp.merge(FOREIGN, {xmp.Name(ACME, "Shot"): structure, xmp.Name(EXIF, "GPSLatitude"): "30,44.034600N"})
    source = with_packet(media, tmp_path / "in.jpg", packet)
    sdk.attach_media(source, {"labels": LABELS, "location_privacy": "remove"}, into=tmp_path / "out.jpg")
    assert b"GPSLatitude" not in (tmp_path / "out.jpg").read_bytes()
    assert look(tmp_path / "out.jpg").container.xmp_extension


def test_labels_that_alone_do_not_fit_are_refused_as_before(sdk, media, tmp_path):
    labels = [{"kind": "source", "publisher": f"社{number}" + "长" * 190} for number in range(40)]
    source = with_packet(media, tmp_path / "in.jpg", xmp.merge(None, {iptc.CREATOR: xmp.Seq(("x" * 60_000,))}))
    with pytest.raises(MetadataNotWritten) as caught:
        sdk.attach_media(source, {"labels": labels}, into=tmp_path / "out.jpg")
    assert caught.value.code == "xmp-segment-full"
    assert not (tmp_path / "out.jpg").exists()


def test_beside_a_damaged_extension_nothing_moves(sdk, crowded, tmp_path):
    content = crowded.read_bytes()
    packet = look(crowded).packet
    at = content.index(packet) + len(packet)
    part = next(xmp_extension.parts_of(b"not the packet that is named"))
    crowded.write_bytes(content[:at] + b"\xff\xe1" + (len(part) + 2).to_bytes(2, "big") + part + content[at:])
    with pytest.raises(MetadataNotWritten) as caught:
        sdk.attach_media(crowded, {"labels": LABELS}, into=tmp_path / "out.jpg")
    assert caught.value.code == "xmp-segment-full"
