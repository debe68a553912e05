import io
import shutil
import subprocess
import time

import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats.handlers import gif

SIZE = (40, 30)
COLOURS_END = 13 + 3 * 256
TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
COMMENT = b"\x21\xfe\x04kept\0"


def encoded(**options):
    out = io.BytesIO()
    image = Image.effect_noise(SIZE, 90).convert("P")
    image.save(out, "GIF", **options)
    return out.getvalue()


def bare(packet):
    return b"\x21\xff\x0bXMP DataXMP" + packet + TRAILER


def divided(packet):
    parts = [packet[at : at + 255] for at in range(0, len(packet), 255)]
    return b"\x21\xff\x0bXMP DataXMP" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def inserted(content, *blocks, at=COLOURS_END):
    return content[:at] + b"".join(blocks) + content[at:]


def read(content, **options):
    return gif.read(io.BytesIO(content), **options)


def write(content, *, exif=None, xmp=None, known=False):
    out = io.BytesIO()
    gif.write(io.BytesIO(content), out, exif=exif, xmp=xmp, known=known)
    return out.getvalue()


def refusal(content):
    with pytest.raises(MalformedMedia) as caught:
        read(content)
    with pytest.raises(MalformedMedia):
        write(content, xmp=b"<x/>")
    return caught.value.code


WHOLE = encoded(optimize=False)
WHOLE = b"GIF89a" + WHOLE[6:]
PACKET = "<x:xmpmeta>成都</x:xmpmeta>".encode() * 40


def test_a_packet_goes_right_behind_the_colours():
    assert write(WHOLE, xmp=PACKET) == inserted(WHOLE, bare(PACKET))


def test_only_the_version_and_the_packet_are_new_in_a_file_of_the_old_version():
    assert write(b"GIF87a" + WHOLE[6:], xmp=PACKET) == inserted(WHOLE, bare(PACKET))
    assert write(b"GIF87a" + WHOLE[6:]) == b"GIF87a" + WHOLE[6:]


@pytest.mark.parametrize("leading", [[LOOP], [COMMENT, LOOP], [LOOP, COMMENT]])
def test_the_number_of_loops_stays_in_front(leading):
    content = inserted(WHOLE, *leading)
    at = COLOURS_END + b"".join(leading).index(LOOP) + len(LOOP)
    assert write(content, xmp=PACKET) == inserted(content, bare(PACKET), at=at)


def test_a_control_block_is_not_parted_from_its_frame():
    control = b"\x21\xf9\x04\0\x0a\0\0\0"
    content = inserted(WHOLE, control, LOOP)
    assert write(content, xmp=PACKET) == inserted(content, bare(PACKET))


@pytest.mark.parametrize("form", [bare, divided])
def test_a_packet_is_read_in_both_forms_and_replaced_where_it_is(form):
    content = inserted(WHOLE, COMMENT, form(PACKET), LOOP)
    assert (read(content).xmp, read(content).xmp_count) == (PACKET, 1)
    assert write(content, xmp=b"<new/>") == inserted(WHOLE, COMMENT, bare(b"<new/>"), LOOP)


@pytest.mark.parametrize("known", [False, True])
def test_a_packet_behind_the_frames_moves_before_them(known):
    content = inserted(WHOLE, divided(PACKET), at=len(WHOLE) - 1)
    assert read(content).xmp == PACKET
    assert read(content, whole=False).xmp is None
    assert write(content, xmp=b"<new/>", known=known) == inserted(WHOLE, bare(b"<new/>"))


def test_several_packets_are_counted_and_none_is_chosen_silently():
    content = inserted(inserted(WHOLE, bare(b"<b/>"), at=len(WHOLE) - 1), bare(b"<a/>"))
    assert (read(content).xmp, read(content).xmp_count, read(content).warnings) == (b"<a/>", 2, ("xmp-repeated",))
    with pytest.raises(MetadataNotWritten):
        write(content, xmp=b"<c/>")


def test_exif_has_no_place():
    assert not gif.HANDLER.holds_exif
    with pytest.raises(MetadataNotWritten):
        write(WHOLE, exif=b"II*\0")


def test_manifest_and_trailing_data_are_seen_and_kept():
    content = inserted(WHOLE, b"\x21\xff\x0bC2PA_GIF\x01\0\0\x05store\0") + b"tail"
    assert read(content).has_manifest
    assert read(content).warnings == ("data-after-picture",)
    assert write(content, xmp=PACKET).endswith(b";tail")


def test_the_screen_counts_not_the_frame():
    content = WHOLE[:6] + b"\x00\x02\x00\x01" + WHOLE[10:]
    assert (read(content).width, read(content).height) == (512, 256)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (WHOLE[:10], "gif-truncated"),
        (WHOLE[:COLOURS_END], "gif-truncated"),
        (WHOLE[:-1], "gif-truncated"),
        (WHOLE[:-2], "gif-truncated"),
        (inserted(WHOLE, b"\x21")[: COLOURS_END + 1], "gif-truncated"),
        (inserted(WHOLE, b"\x21\xff\x0bXMP DataXMP" + b"<x/>" * 9)[: COLOURS_END + 40], "gif-truncated"),
        (b"GIF88a" + WHOLE[6:], "gif-damaged"),
        (WHOLE[:6] + b"\0\0" + WHOLE[8:], "gif-damaged"),
        (inserted(WHOLE, b"\0"), "gif-damaged"),
        (inserted(WHOLE, b"\x21\xfe\0" * 500_000), "gif-damaged"),
    ],
)
def test_a_broken_structure_is_refused(content, code):
    assert refusal(content) == code


def test_many_small_blocks_take_no_long():
    content = inserted(WHOLE, b"\x21\xfe\x01a\0" * 400_000)
    started = time.process_time()
    assert read(content).warnings == ()
    assert time.process_time() - started < 20


def test_limits_hold():
    with pytest.raises(MediaTooLarge):
        read(WHOLE[:6] + b"\xff\xff\xff\xff" + WHOLE[10:])
    with pytest.raises(MediaTooLarge):
        read(inserted(WHOLE, divided(b"x" * 10_000_001)))
    with pytest.raises(MediaTooLarge):
        write(WHOLE, xmp=b"x" * 10_000_001)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_an_independent_reader_finds_the_packet_that_was_written(xmp_packet, tmp_path):
    path = tmp_path / "labelled.gif"
    path.write_bytes(write(WHOLE, xmp=xmp_packet))
    run = subprocess.run(["exiftool", "-s3", "-XMP-photoshop:Source", path], capture_output=True, check=True)
    assert run.stdout.strip() == b"somebody"
    with Image.open(path) as image, Image.open(io.BytesIO(WHOLE)) as before:
        assert image.tobytes() == before.tobytes()


@pytest.fixture
def xmp_packet():
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        b'photoshop:Source="somebody"/></rdf:RDF></x:xmpmeta>'
    )
