import io
import random
import tracemalloc

import brotli
import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten, ProvenanceError
from provenance.formats.handlers import jxl
from provenance.formats.splice import overwrite
from provenance.metadata import exif
from provenance.observe import look
from provenance.sdk import Provenance

BOXED, BARE = jxl.HANDLERS
# 97 × 61 pixels of one colour.
CODESTREAM = bytes.fromhex("ff0ae001c080480804010058004b188b1500d41b6330760f0000056cc04e243c101008")
TIFF = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
XMP = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF>'
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def box(kind, *parts):
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4, "big") + kind + content


HEAD = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
PICTURE = box(b"jxlc", CODESTREAM)


def part(number, data, *, last=False):
    return box(b"jxlp", (number | last << 31).to_bytes(4, "big"), data)


def read(content, handler=BOXED):
    return handler.read(io.BytesIO(content))


def write(content, *, exif=None, xmp=None, handler=BOXED):
    out = io.BytesIO()
    handler.write(io.BytesIO(content), out, exif=exif, xmp=xmp)
    return out.getvalue()


def header(*values):
    """Return a codestream that starts with (value, bits) pairs, lowest bit first."""
    packed, at = 0x0AFF, 16
    for value, bits in values:
        packed |= value << at
        at += bits
    return packed.to_bytes(24, "little")


def side(size):
    selector, bits = next((at, bits) for at, bits in enumerate((9, 13, 18, 30)) if size <= 1 << bits)
    return (selector, 2), (size - 1, bits)


@pytest.mark.parametrize("size", [(1, 1), (512, 513), (8193, 8192), (1 << 18, 40), ((1 << 18) + 1, 40)])
def test_sizes_of_every_length_are_read(size):
    width, height = size
    content = header((0, 1), *side(height), (0, 3), *side(width), (1, 1))
    assert (read(content, BARE).width, read(content, BARE).height) == size


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("small", [False, True])
def test_sizes_by_aspect_ratio_are_read(ratio, small):
    height = [(1, 1), (1200 // 8 % 32 - 1, 5)] if small else [(0, 1), *side(900)]
    shown = 8 * (1200 // 8 % 32) if small else 900
    found = read(header(*height, (ratio, 3), (1, 1)), BARE)
    upper, lower = RATIOS[ratio]
    assert (found.width, found.height) == (shown * upper // lower, shown)


def test_sizes_in_steps_of_eight_are_read():
    found = read(header((1, 1), (30, 5), (0, 3), (11, 5), (1, 1)), BARE)
    assert (found.width, found.height) == (96, 248)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_that_of_the_codestream(orientation):
    size = (0, 1), *side(61), (0, 3), *side(97)
    content = header(*size, (0, 1), (1, 1), (orientation - 1, 3))
    assert read(content, BARE).orientation == orientation
    assert read(HEAD + box(b"jxlc", content)).orientation == orientation
    assert read(header(*size, (0, 1), (0, 1), (7, 3)), BARE).orientation == 1


def test_a_header_split_over_many_parts_is_put_together():
    parts = b"".join(part(at, CODESTREAM[at : at + 1]) for at in range(34))
    content = HEAD + parts + part(34, CODESTREAM[34:], last=True)
    assert (read(content).width, read(content).height) == (97, 61)


def test_new_carriers_go_before_the_picture_and_behind_the_level():
    boxes = box(b"Exif", bytes(4), TIFF) + box(b"xml ", XMP % b"new")
    for level in (b"", box(b"jxll", b"\x0a")):
        for rest in (
            PICTURE,
            box(b"jbrd", b"rebuild") + PICTURE,
            part(0, CODESTREAM[:9]) + part(1, CODESTREAM[9:], last=True),
        ):
            labelled = write(HEAD + level + rest, exif=TIFF, xmp=XMP % b"new")
            assert labelled == HEAD + level + boxes + rest


@pytest.mark.parametrize("open_end", [False, True])
def test_carriers_that_are_there_are_replaced_in_place(open_end):
    other = box(b"xml ", b"<not-xmp/>")
    last = bytes(4) + box(b"xml ", XMP % b"old")[4:] if open_end else box(b"xml ", XMP % b"old")
    content = HEAD + PICTURE + box(b"Exif", b"\0\0\0\2ab", TIFF) + other + last
    assert (read(content).exif, read(content).xmp, read(content).xmp_count) == (TIFF, XMP % b"old", 1)
    assert write(content, exif=TIFF + b"!", xmp=XMP % b"newer") == HEAD + PICTURE + box(
        b"Exif", b"\0\0\0\2ab", TIFF, b"!"
    ) + other + box(b"xml ", XMP % b"newer")


def test_exif_without_its_offset_is_read_and_mended():
    content = HEAD + box(b"Exif", TIFF) + PICTURE
    assert read(content).exif == TIFF
    assert write(content, exif=TIFF + b"!") == HEAD + box(b"Exif", bytes(4), TIFF, b"!") + PICTURE


def test_several_packets_are_counted_and_none_is_chosen_silently():
    exif = box(b"Exif", bytes(4), TIFF)
    content = HEAD + exif + exif + box(b"xml ", XMP % b"a") + box(b"xml ", XMP % b"b") + PICTURE
    found = read(content)
    assert (found.xmp, found.xmp_count, found.warnings) == (XMP % b"a", 2, ("exif-repeated", "xmp-repeated"))
    with pytest.raises(MetadataNotWritten):
        write(content, xmp=XMP % b"c")


def folded(kind, *parts):
    return box(b"brob", kind, brotli.compress(b"".join(parts)))


def test_compressed_carriers_are_read():
    exif, packet = folded(b"Exif", bytes(4), TIFF), folded(b"xml ", XMP % b"old")
    found = read(HEAD + exif + folded(b"xml ", b"<not-xmp/>") + packet + PICTURE)
    assert (found.exif, found.xmp, found.xmp_count, found.warnings) == (TIFF, XMP % b"old", 1, ())


def test_a_compressed_carrier_that_is_replaced_is_plain_and_others_keep_their_bytes():
    exif, other = folded(b"Exif", b"\0\0\0\2ab", TIFF), folded(b"xml ", b"<not-xmp/>")
    content = HEAD + exif + other + folded(b"xml ", XMP % b"old") + PICTURE
    assert write(content) == content
    once = write(content, xmp=XMP % b"new")
    assert once == HEAD + exif + other + box(b"xml ", XMP % b"new") + PICTURE
    assert write(content, exif=TIFF + b"!").startswith(HEAD + box(b"Exif", b"\0\0\0\2ab", TIFF, b"!") + other)


@pytest.mark.parametrize("plain_first", [False, True])
def test_a_plain_and_a_compressed_carrier_are_two(plain_first):
    parts = [box(b"xml ", XMP % b"a"), folded(b"xml ", XMP % b"a")]
    exif = [box(b"Exif", bytes(4), TIFF), folded(b"Exif", bytes(4), TIFF + b"2")]
    order = slice(None, None, 1 if plain_first else -1)
    content = HEAD + b"".join(exif[order] + parts[order]) + PICTURE
    assert (read(content).xmp_count, read(content).warnings) == (2, ("exif-repeated", "xmp-repeated"))
    assert read(content).exif == (TIFF if plain_first else TIFF + b"2")
    with pytest.raises(MetadataNotWritten):
        write(content, xmp=XMP % b"c")


WHOLE = brotli.compress(XMP % random.Random(1).randbytes(400).hex().encode())


@pytest.mark.parametrize("kind", [b"Exif", b"xml "])
@pytest.mark.parametrize("data", [b"", WHOLE[:-1], WHOLE[:9], WHOLE + b"more", b"\xff" * 40], ids=str)
def test_a_damaged_compressed_carrier_is_refused_rather_than_doubled(kind, data):
    content = HEAD + box(b"brob", kind, data) + PICTURE
    for call in (read, lambda each: write(each, exif=TIFF, xmp=XMP % b"c")):
        with pytest.raises(MalformedMedia) as caught:
            call(content)
        assert (caught.value.code, caught.value.details) == ("brotli-damaged", {"offset": len(HEAD)})
        assert "Brotli" in caught.value.diagnostics("zh-CN")


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("kind", [b"Exif", b"xml "])
def test_what_expands_to_very_much_is_refused_before_it_fills_memory(kind, count):
    size = 1 << 28 if count == 1 else 9_000_000
    bomb = box(b"brob", kind, brotli.compress(bytes(size), quality=5))
    assert len(bomb) < 3000
    tracemalloc.start()
    try:
        if kind == b"Exif" and count > 1:
            read(HEAD + bomb * count + PICTURE)  # only the first one is looked at
        else:
            with pytest.raises(MediaTooLarge):
                read(HEAD + bomb * count + PICTURE)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_a_compressed_box_without_a_type_or_of_another_one_stays():
    others = box(b"brob") + box(b"brob", b"ab") + box(b"brob", b"wxyz", b"packed") + folded(b"jumb", b"")
    content = HEAD + others + PICTURE
    assert read(content).warnings == ()
    assert write(content, xmp=XMP % b"new") == HEAD + box(b"xml ", XMP % b"new") + others + PICTURE


@pytest.mark.parametrize("described", [b"jumdc2pa", b"jumdcasg"])
def test_a_compressed_manifest_is_seen_by_its_first_bytes(described):
    noise = random.Random(2).randbytes(300_000)
    content = HEAD + folded(b"jumb", b"\0\0\0\x20", described, noise) + PICTURE
    assert read(content).has_manifest is (described == b"jumdc2pa")


def positioned():
    return exif.write(None, captured_at=None, coordinates=(30.7339, 104.1467))


@pytest.mark.parametrize("first", [box(b"Exif", bytes(4), TIFF), folded(b"Exif", bytes(4), TIFF)])
def test_a_further_block_loses_its_position_where_it_is_plain(first):
    content = HEAD + first + box(b"Exif", bytes(4), positioned()) + PICTURE
    file = io.BytesIO(content)
    overwrite(file, BOXED.positions_elsewhere(file))
    assert file.getvalue() == HEAD + first + box(b"Exif", bytes(4), exif.without_position(positioned())) + PICTURE
    assert BOXED.positions_elsewhere(file) == []


@pytest.mark.parametrize(
    "other",
    [
        folded(b"Exif", bytes(4), positioned()),
        folded(b"Exif", bytes(4), b"damaged"),
        folded(b"xml ", b"<gpx latitude='30'>GPSLatitude</gpx>"),
        folded(b"jumb", b'{"latitude": 30.7339}'),
    ],
)
def test_a_position_in_a_compressed_box_that_stays_is_refused(other):
    for content in (HEAD + box(b"Exif", bytes(4), TIFF) + other + PICTURE, HEAD + PICTURE):
        if other in content:
            with pytest.raises(MetadataNotWritten):
                BOXED.positions_elsewhere(io.BytesIO(content))
        else:
            assert BOXED.positions_elsewhere(io.BytesIO(content)) == []


@pytest.mark.parametrize("privacy", ["keep", "remove"])
@pytest.mark.parametrize("signed", [True, False])
def test_a_file_as_encoders_write_it_is_labelled_and_decodes_the_same(sdk, tmp_path, trust, exiftool, privacy, signed):
    pixels = np.random.default_rng(3).integers(0, 255, (64, 96, 3), np.uint8)
    made = imagecodecs.jpegxl_encode(pixels, lossless=True, usecontainer=True)
    at = 32 if made.startswith(HEAD[:12]) else None
    content = made[:at] + folded(b"Exif", bytes(4), positioned()) + folded(b"xml ", XMP % b"") + made[at:]
    source, once, twice = (tmp_path / f"{name}.jxl" for name in ("source", "once", "twice"))
    source.write_bytes(content)
    post = {"labels": [{"kind": "source", "publisher": "新华社"}], "location_privacy": privacy}
    use = sdk if signed else Provenance(signer=None)
    use.attach_media(source, post, into=once)
    use.attach_media(once, post, into=twice)
    assert twice.read_bytes() == once.read_bytes()
    assert (imagecodecs.jpegxl_decode(once.read_bytes()) == pixels).all()
    (file,) = sdk.verify(once, trust=trust).files
    assert (file.clean, file.manifest.state) == (True, "trusted" if signed else "absent")
    assert exiftool(once)["XMP-photoshop:Source"] == "新华社"
    found = look(once)
    assert (found.camera.coordinates is None) is (privacy == "remove")
    assert (folded(b"Exif", bytes(4), positioned()) in once.read_bytes()) is (privacy == "keep")


@pytest.mark.parametrize(("described", "counts"), [(b"jumdc2pa", True), (b"jumdcasg", False), (b"free", False)])
def test_a_manifest_is_seen(described, counts):
    content = HEAD + box(b"jumb", b"\0\0\0\x20", described, bytes(20)) + PICTURE
    assert read(content).has_manifest is counts


DAMAGED = {
    "no-file-type": box(b"JXL ", b"\r\n\x87\n") + PICTURE,
    "no-picture": HEAD + box(b"Exif", bytes(4), TIFF),
    "two-pictures": HEAD + PICTURE + PICTURE,
    "picture-and-parts": HEAD + PICTURE + part(0, CODESTREAM, last=True),
    "no-last-part": HEAD + part(0, CODESTREAM[:9]) + part(1, CODESTREAM[9:]),
    "empty-parts": HEAD + box(b"jxlp"),
    "header-cut-short": HEAD + box(b"jxlc", CODESTREAM[:4]),
    "no-codestream": HEAD + box(b"jxlc", b"\xff\x0b" + CODESTREAM[2:]),
    "box-past-the-end": HEAD + PICTURE[:-1],
    "open-box-before-the-picture": HEAD + bytes(4) + box(b"xml ", XMP)[4:] + PICTURE,
    "box-shorter-than-its-head": HEAD + b"\0\0\0\5free" + PICTURE,
    "size-of-64-bits-cut-off": HEAD + b"\0\0\0\1free\0\0",
    "size-of-64-bits-too-small": HEAD + b"\0\0\0\1free" + (15).to_bytes(8, "big") + PICTURE,
    "size-of-64-bits-too-large": HEAD + b"\0\0\0\1free" + (1 << 63).to_bytes(8, "big") + PICTURE,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_broken_structure_is_refused_before_anything_is_written(content):
    out = io.BytesIO()
    for call in (read, lambda each: BOXED.write(io.BytesIO(each), out, exif=None, xmp=XMP)):
        with pytest.raises(MalformedMedia) as caught:
            call(content)
        assert isinstance(caught.value.details["offset"], int)
    assert out.getvalue() == b""


def test_a_box_of_64_bits_is_kept():
    long = b"\0\0\0\1free" + (26).to_bytes(8, "big") + bytes(10)
    assert write(HEAD + long + PICTURE, xmp=XMP) == HEAD + box(b"xml ", XMP) + long + PICTURE


def test_what_is_too_large_is_refused():
    with pytest.raises(MediaTooLarge):
        read(header((0, 1), *side(1 << 18), (1, 3), (1, 1)), BARE)
    with pytest.raises(MediaTooLarge):
        read(HEAD + box(b"Exif", bytes(10_000_001)) + PICTURE)
    with pytest.raises(MediaTooLarge):
        write(HEAD + PICTURE, xmp=bytes(10_000_001))


def test_a_bare_codestream_is_copied_but_takes_nothing():
    assert not BARE.embeds
    assert write(CODESTREAM, handler=BARE) == CODESTREAM
    for carrier in ({"exif": TIFF}, {"xmp": XMP}):
        with pytest.raises(MetadataNotWritten) as caught:
            write(CODESTREAM, handler=BARE, **carrier)
        assert caught.value.code == "container-holds-no-metadata"
    with pytest.raises(MalformedMedia):
        read(CODESTREAM[:4], BARE)


def test_memory_stays_flat_whatever_the_size(tmp_path):
    path = tmp_path / "large.jxl"
    path.write_bytes(HEAD + box(b"jxlc", CODESTREAM, bytes(30_000_000)))
    tracemalloc.start()
    try:
        with path.open("rb") as source, (tmp_path / "out").open("wb+") as target:
            BOXED.write(source, target, exif=TIFF, xmp=XMP)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


WHOLE = (
    HEAD
    + box(b"Exif", bytes(4), TIFF)
    + box(b"xml ", XMP)
    + part(0, CODESTREAM[:9])
    + part(1, CODESTREAM[9:], last=True)
)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 1 << 32), changes=st.integers(1, 6))
def test_a_damaged_file_is_refused_or_its_picture_survives(seed, changes):
    noise = random.Random(seed)
    content = bytearray(WHOLE)
    for _ in range(changes):
        content[noise.randrange(len(content))] = noise.choice((0, 1, 4, 0x7F, 0xFF, noise.randrange(256)))
    try:
        found = read(bytes(content))
        labelled = write(bytes(content), xmp=XMP % b"new")
    except ProvenanceError:
        return
    again = read(labelled)
    assert (again.width, again.height, again.exif) == (found.width, found.height, found.exif)
    assert again.xmp == XMP % b"new"
    rest = labelled.replace(box(b"xml ", XMP % b"new"), b"", 1)
    assert rest in {bytes(content), bytes(content).replace(box(b"xml ", found.xmp or b""), b"", 1)}
