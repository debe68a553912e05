import io
import struct

import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats import mpf
from provenance.formats.handlers import jpeg
from provenance.manifests.write import Claim, plan_actions, sign

XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
JFIF_END = 20  # SOI and the APP0 that Pillow writes


def encoded(size=(160, 120), **options):
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def segment(marker, content):
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def with_segments(content, *segments, at=JFIF_END):
    return content[:at] + b"".join(segments) + content[at:]


def read(content):
    return jpeg.read(io.BytesIO(content))


def write(content, *, exif=None, xmp=None):
    out = io.BytesIO()
    jpeg.write(io.BytesIO(content), out, exif=exif, xmp=xmp)
    return out.getvalue()


def refusal(content):
    with pytest.raises(MalformedMedia) as caught:
        read(content)
    with pytest.raises(MalformedMedia):
        write(content, xmp=b"<x/>")
    return caught.value.code


WHOLE = encoded()
SCAN = WHOLE.index(b"\xff\xda")
MIDDLE = (SCAN + len(WHOLE)) // 2


@pytest.mark.parametrize(
    "content",
    [
        WHOLE[:MIDDLE],
        WHOLE[:MIDDLE] + bytes(5000),
        WHOLE[:MIDDLE] + WHOLE,
        WHOLE[:MIDDLE] + b"\xff\xd8\xff\xe1" + bytes(100) + b"\xff\xd9",
        WHOLE[:MIDDLE] + b"\xff\xd3" + WHOLE[MIDDLE:],
        WHOLE[:MIDDLE] + b"\xff\xe1\x00\x08stray!" + WHOLE[MIDDLE:],
        WHOLE[: SCAN + 14] + b"\xff\xd9",
        WHOLE[:SCAN],
        WHOLE[:9],
        WHOLE[:-2],
        WHOLE[:-1],
    ],
    ids=[
        "cut",
        "zeros-instead-of-the-rest",
        "another-picture-begins",
        "thumbnail-appended",
        "restart-marker-without-interval",
        "segment-inside-the-scan",
        "end-marker-after-an-empty-scan",
        "no-scan",
        "cut-in-a-segment",
        "no-end-marker",
        "half-an-end-marker",
    ],
)
def test_a_scan_that_ends_early_is_refused(content):
    assert refusal(content) == "jpeg-truncated"


def test_a_cut_scan_with_restarts_is_refused_although_an_end_marker_was_put_on():
    content = encoded(restart_marker_blocks=2)
    cut = content.rindex(b"\xff\xd0") + 1
    assert refusal(content[: cut - 400] + b"\xff\xd9") == "jpeg-truncated"


def test_a_file_without_a_scan_for_each_component_is_refused():
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
    end_of_header = SCAN + 2 + int.from_bytes(WHOLE[SCAN + 2 : SCAN + 4], "big")
    assert refusal(WHOLE[:SCAN] + scan + WHOLE[end_of_header:]) == "jpeg-truncated"


def test_the_offset_says_where_the_data_end():
    with pytest.raises(MalformedMedia) as caught:
        read(WHOLE[:MIDDLE])
    assert caught.value.details["offset"] == MIDDLE


def test_a_picture_without_pixels_or_with_too_many_is_refused():
    frame = WHOLE.index(b"\xff\xc0") + 5
    assert refusal(WHOLE[: frame + 2] + b"\0\0" + WHOLE[frame + 4 :]) == "jpeg-damaged"
    progressive = encoded(progressive=True)
    frame = progressive.index(b"\xff\xc2") + 5
    with pytest.raises(MediaTooLarge):
        read(progressive[:frame] + b"\xff\xff\xff\xff" + progressive[frame + 4 :])


def test_a_thumbnail_in_exif_is_not_taken_for_the_picture():
    content = with_segments(WHOLE, segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + encoded((16, 16))))
    assert (read(content).width, read(content).height) == (160, 120)


def test_fill_bytes_and_stray_bytes_between_segments_survive():
    filled = with_segments(WHOLE, b"\xff\xff\xff", segment(0xFE, b"note"))
    stray = with_segments(WHOLE, b"\0\0stray", segment(0xFE, b"note"))
    assert read(filled).warnings == ()
    assert read(stray).warnings == ("jpeg-stray-bytes",)
    for content in (filled, stray):
        assert write(content, xmp=b"<x/>").endswith(content[JFIF_END:])


def test_a_marker_is_found_across_the_blocks_it_is_read_in():
    base = encoded()
    end = len(base) - 2
    for pad in range(65536 - 70, 65536 + 4):
        # Stuffed bytes are legal scan data that decoders skip.
        content = base[:end] + b"\x00" * (pad - (end - SCAN - 14) % 65536) + b"\xff\x00\xff\xd9"
        assert read(content).width == 160


@pytest.mark.parametrize(("lead", "place"), [(b"", JFIF_END), (segment(0xE0, b"JFXX\0\x10"), JFIF_END + 10)])
def test_new_carriers_go_behind_jfif_and_its_extension(lead, place):
    content = with_segments(WHOLE, lead)
    labelled = write(content, exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>")
    assert labelled[:place] == content[:place]
    assert labelled[place + 4 :].startswith(b"Exif\0\0II*\0")
    assert labelled.index(XMP_PREFIX) > labelled.index(b"Exif\0\0")
    assert labelled.endswith(content[place:])


def test_carriers_that_are_there_are_replaced_in_place():
    content = with_segments(
        WHOLE,
        segment(0xE1, XMP_PREFIX + b"<old/>"),
        segment(0xED, b"Photoshop 3.0\0"),
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
        segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40)),
    )
    labelled = write(content, exif=b"MM\0*\0\0\0\x08\0\0\0\0\0\0", xmp=b"<new/>")
    expected = content.replace(segment(0xE1, XMP_PREFIX + b"<old/>"), segment(0xE1, XMP_PREFIX + b"<new/>"))
    assert labelled == expected.replace(b"II*\0\x08\0\0\0\0\0\0\0\0\0", b"MM\0*\0\0\0\x08\0\0\0\0\0\0")


def test_only_the_header_counts_for_metadata():
    progressive = encoded(progressive=True)
    between = [at for at in range(len(progressive)) if progressive[at : at + 2] == b"\xff\xda"][1]
    behind = with_segments(progressive, segment(0xE1, XMP_PREFIX + b"<x/>"), at=between)
    assert read(behind).xmp_count == 0


def test_a_carrier_that_does_not_fit_one_segment_is_refused_before_anything_is_written():
    out = io.BytesIO()
    for carrier, limit in (("exif", 65533 - 6), ("xmp", 65533 - 29)):
        assert len(write(WHOLE, **{carrier: bytes(limit)})) == len(WHOLE) + 65537
        other = {"exif": None, "xmp": None} | {carrier: bytes(limit + 1)}
        with pytest.raises(MetadataNotWritten) as caught:
            jpeg.write(io.BytesIO(WHOLE), out, **other)
        assert caught.value.code == f"{carrier}-segment-full"
    assert out.getvalue() == b""


def test_several_packets_are_counted_and_none_is_chosen_silently():
    content = with_segments(WHOLE, *[segment(0xE1, XMP_PREFIX + text) for text in (b"<a/>", b"<b/>")])
    found = read(content)
    assert (found.xmp, found.xmp_count, found.warnings) == (b"<a/>", 2, ("xmp-repeated",))
    with pytest.raises(MetadataNotWritten):
        write(content, xmp=b"<c/>")
    assert write(content) == content


def resource(number, data, name=b"\0\0"):
    return b"8BIM" + number.to_bytes(2, "big") + name + len(data).to_bytes(4, "big") + data + bytes(len(data) % 2)


def test_iptc_datasets_are_found_across_app13_segments():
    block = resource(0x03ED, b"abc", b"\x03odd") + resource(0x0404, b"\x1c\x02\x05\0\x01A") + resource(0x0425, b"")
    whole = with_segments(WHOLE, segment(0xED, b"Photoshop 3.0\0" + block))
    halves = [segment(0xED, b"Photoshop 3.0\0" + half) for half in (block[:17], block[17:])]
    assert read(whole).iim == read(with_segments(WHOLE, *halves)).iim == b"\x1c\x02\x05\0\x01A"


@pytest.mark.parametrize(
    "block", [b"8BIM", b"8BIM\x04\x04\0\0\0\0\xff\xffshort", b"junk", resource(0x0404, b"a") + b"!"]
)
def test_a_damaged_photoshop_block_is_named_and_kept(block):
    content = with_segments(WHOLE, segment(0xED, b"Photoshop 3.0\0" + block))
    assert (read(content).iim, read(content).warnings) == (None, ("photoshop-damaged",))
    assert segment(0xED, b"Photoshop 3.0\0" + block) in write(content, xmp=b"<x/>")


def jumbf(kind):
    description = b"jumd" + kind + bytes(12) + b"\x03c2pa\0"
    inner = (len(description) + 4).to_bytes(4, "big") + description
    return segment(0xEB, b"JP\0\x01\0\0\0\x01" + (len(inner) + 8).to_bytes(4, "big") + b"jumb" + inner)


def test_a_c2pa_store_is_told_from_other_jumbf():
    assert read(with_segments(WHOLE, jumbf(b"c2pa"))).has_manifest
    assert not read(with_segments(WHOLE, jumbf(b"json"))).has_manifest


def index(order, first_size, second_at):
    entries = struct.pack(order + "IIIHH", 0x20030000, first_size, 0, 0, 0)
    entries += struct.pack(order + "IIIHH", 0x00020002, 999, second_at, 0, 0)
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    ifd = struct.pack(order + "HHHIII", 1, 0xB002, 7, len(entries), 26, 0)
    return b"MPF\0" + header + ifd + entries


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("carrier_first", [True, False])
def test_the_index_of_a_multi_picture_file_stays_true(order, carrier_first):
    second = encoded((32, 24))
    old = segment(0xE1, XMP_PREFIX + b"<old/>")
    mpf_size = len(segment(0xE2, index(order, 0, 0)))
    first_size = len(WHOLE) + len(old) + mpf_size
    header_at = JFIF_END + (len(old) if carrier_first else 0) + 4 + len(mpf.PREFIX)
    parts = [old, segment(0xE2, index(order, first_size, first_size - header_at))]
    content = with_segments(WHOLE, *(parts if carrier_first else parts[::-1])) + second
    assert read(content).warnings == ("jpeg-several-pictures",)

    labelled = write(content, exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<longer-than-it-was/>")
    header_at = labelled.index(b"MPF\0") + 4
    entries = header_at + 26
    size, _ = struct.unpack_from(order + "II", labelled, entries + 4)
    _, offset = struct.unpack_from(order + "II", labelled, entries + 16 + 4)
    assert labelled[header_at + offset :] == second
    assert labelled[size:] == second


def two_pictures(*before, behind=()):
    """Return a JPEG with a second picture, with segments before and behind the index that points at it."""
    second = encoded((32, 24))
    size = len(with_segments(WHOLE, *before, segment(0xE2, index("<", 0, 0)), *behind))
    header_at = JFIF_END + sum(map(len, before)) + 4 + len(mpf.PREFIX)
    return with_segments(WHOLE, *before, segment(0xE2, index("<", size, size - header_at)), *behind) + second


def second_picture(content):
    header_at = content.index(mpf.PREFIX) + len(mpf.PREFIX)
    offset = struct.unpack_from("<I", content, header_at + 26 + 16 + 8)[0]
    return content[header_at + offset :]


SECOND_LOST = "jpeg-second-picture-would-be-lost"
ORDERS = {
    "nothing besides": ((), (), None),
    "APP0 before": ((segment(0xE0, b"JFXX\0\x10"),), (), None),
    "APP0 behind": ((), (segment(0xE0, b"JFXX\0\x10"),), SECOND_LOST),
    "APP0 on both sides": ((segment(0xE0, b"a"),), (segment(0xE0, b"b"),), SECOND_LOST),
    "other segments behind": ((), (segment(0xE1, b"x"), segment(0xFE, b"y"), jumbf(b"json")), None),
    "manifest before": ((jumbf(b"c2pa"),), (), None),
    "manifest behind": ((), (jumbf(b"c2pa"),), SECOND_LOST),
    "manifest before and APP0 behind": ((jumbf(b"c2pa"),), (segment(0xE0, b"b"),), None),
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_file_is_unsignable_exactly_when_signing_would_lose_its_second_picture(order, tmp_path, signer):
    before, behind, unsignable = ORDERS[order]
    content = two_pictures(*before, behind=behind)
    found = read(content)
    assert found.unsignable == unsignable
    assert (SECOND_LOST in found.warnings) == (unsignable is not None)

    (tmp_path / "source.jpg").write_bytes(content)
    claim = Claim({}, plan_actions("http://example.com/source-type", has_manifest=False, notice_drawn=False))
    sign(tmp_path / "source.jpg", tmp_path / "signed.jpg", claim, mime="image/jpeg", signer=signer)
    signed = (tmp_path / "signed.jpg").read_bytes()
    assert len(signed) > len(content)
    assert (second_picture(signed) == second_picture(content)) == (unsignable is None)


def test_a_single_picture_is_signable_whatever_its_order():
    alone = index("<", 1, 1).replace(struct.pack("<HHII", 0xB002, 7, 32, 26)[2:], struct.pack("<HII", 7, 16, 26))
    assert mpf.count(alone) == 1
    assert read(with_segments(WHOLE, segment(0xE2, alone), segment(0xE0, b"b"))).unsignable is None
    assert read(with_segments(WHOLE, jumbf(b"c2pa"), segment(0xE0, b"b"))).unsignable is None


@pytest.mark.parametrize(
    "payload",
    [
        b"MPF\0",
        b"MPF\0II*\0\xff\xff\xff\xff\0\0",
        b"MPF\0MM\0*\0\0\0\x08\xff\xff",
        index("<", 1, 1)[:-8],
        b"MPF\0XX*\0" + bytes(99),
    ],
)
def test_an_index_that_cannot_be_read_is_kept(payload):
    content = with_segments(WHOLE, segment(0xE2, payload))
    assert mpf.count(payload) == 0
    assert segment(0xE2, payload) in write(content, xmp=b"<x/>")


def test_what_follows_the_picture_is_kept_and_named():
    video = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8
    content = WHOLE + video
    assert read(content).warnings == ("data-after-picture",)
    assert read(WHOLE + b"\0\0\0").warnings == ()
    assert write(content, xmp=b"<x/>").endswith(video)


def test_a_height_given_after_the_first_scan_is_taken():
    frame = WHOLE.index(b"\xff\xc0") + 5
    late = WHOLE[:frame] + b"\0\0" + WHOLE[frame + 2 : -2] + b"\xff\xdc\0\x04\0\x78\xff\xd9"
    assert read(late).height == 120
    assert refusal(WHOLE[:frame] + b"\0\0" + WHOLE[frame + 2 :]) == "jpeg-truncated"


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xda\0\x02",
        WHOLE[:JFIF_END] + b"\xff\x05\0\x02" + WHOLE[JFIF_END:],
        with_segments(WHOLE, b"\xff\xfe\0\x01"),
        WHOLE[: WHOLE.index(b"\xff\xc0") + 4] + b"\x08\0\x10\0\x10\x09" + WHOLE[WHOLE.index(b"\xff\xc0") + 10 :],
        b"\xff\xd8" + b"\xff\xe5\0\x02" * 30_000,
    ],
)
def test_a_broken_structure_is_refused(content):
    assert refusal(content) in {"jpeg-damaged", "jpeg-truncated"}
