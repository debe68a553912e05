import io
import struct

import pytest
from PIL import Image

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats import riff
from provenance.formats.handlers import webp
from provenance.manifests.write import Claim, plan_actions, sign

SIZE = (64, 48)
ICC, ALPHA, EXIF, XMP, ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02


def encoded(image=None, **options):
    out = io.BytesIO()
    (image or Image.effect_noise(SIZE, 60).convert("RGB")).save(out, "WEBP", **options)
    return out.getvalue()


def clear():
    image = Image.effect_noise(SIZE, 60).convert("RGBA")
    image.putalpha(Image.effect_noise(SIZE, 60))
    return image


def chunk(kind, data):
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def container(*chunks):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunks(content):
    found, at = [], 12
    while at < len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        found.append((kind, content[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    assert struct.unpack_from("<I", content, 4)[0] + 8 == len(content)
    return found


def kinds(content):
    return [kind for kind, _ in chunks(content)]


def extended(flags, *others, size=SIZE):
    sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
    return container(chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides), *others)


def read(content):
    return webp.read(io.BytesIO(content))


def write(content, *, exif=None, xmp=None):
    out = io.BytesIO()
    webp.write(io.BytesIO(content), out, exif=exif, xmp=xmp)
    return out.getvalue()


def refusal(content):
    with pytest.raises(MalformedMedia) as caught:
        read(content)
    with pytest.raises(MalformedMedia):
        write(content, xmp=b"<x/>")
    return caught.value.code


WHOLE = encoded()
PIXELS = chunk(*chunks(WHOLE)[0])
LOSSLESS = encoded(lossless=True)


@pytest.mark.parametrize(
    ("content", "flags"),
    [
        (WHOLE, 0),
        (LOSSLESS, 0),
        (encoded(clear(), lossless=True), ALPHA),
        (encoded(clear()), ALPHA),
        (encoded(icc_profile=b"p" * 99), ICC),
        (encoded(save_all=True, append_images=[clear()]), ALPHA | ANIMATION),
    ],
)
def test_the_header_says_what_the_file_holds(content, flags):
    labelled = write(content, exif=b"II*\0", xmp=b"<x/>")
    kind, data = chunks(labelled)[0]
    assert (kind, data[0]) == (b"VP8X", flags | EXIF | XMP)
    assert [int.from_bytes(data[at : at + 3], "little") + 1 for at in (4, 7)] == list(SIZE)
    assert kinds(labelled)[-2:] == [b"EXIF", b"XMP "]
    before = [each for each in chunks(content) if each[0] != b"VP8X"]
    assert chunks(labelled)[1:-2] == before


def test_one_carrier_sets_its_own_flag_only():
    assert chunks(write(WHOLE, xmp=b"<x/>"))[0][1][0] == XMP
    assert chunks(write(WHOLE, exif=b"II*\0"))[0][1][0] == EXIF


@pytest.mark.parametrize("size", [1, 2, 255, 256])
def test_chunks_are_padded_and_the_size_is_right(size):
    labelled = write(WHOLE, xmp=b"x" * size, exif=b"y" * (size + 1))
    assert len(labelled) % 2 == 0
    assert chunks(labelled)[-2:] == [(b"EXIF", b"y" * (size + 1)), (b"XMP ", b"x" * size)]


def test_carriers_are_replaced_where_they_are():
    unknown = chunk(b"abcd", b"kept")
    content = extended(EXIF | XMP, PIXELS, chunk(b"XMP ", b"<old/>"), unknown, chunk(b"EXIF", b"MM\0*"))
    expected = extended(EXIF | XMP, PIXELS, chunk(b"XMP ", b"<newer/>"), unknown, chunk(b"EXIF", b"II*\0"))
    assert write(content, exif=b"II*\0", xmp=b"<newer/>") == expected


def test_new_carriers_go_behind_the_pixels_and_before_what_nobody_knows():
    content = extended(0, PIXELS, chunk(b"abcd", b"kept"), chunk(b"C2PA", b"store"))
    expected = [b"VP8X", b"VP8 ", b"EXIF", b"XMP ", b"abcd", b"C2PA"]
    assert kinds(write(content, exif=b"II*\0", xmp=b"<x/>")) == expected
    assert kinds(write(write(content, exif=b"II*\0"), xmp=b"<x/>")) == expected


def unpadded(*others):
    """An extended file whose last chunk is of odd length and ends with the file."""
    content = extended(EXIF, *others)[:-1]
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:]


@pytest.mark.parametrize("others", [(PIXELS, chunk(b"EXIF", b"odd")), (PIXELS, chunk(b"abcd", b"odd"))])
@pytest.mark.parametrize("new", [{"exif": b"new"}, {"xmp": b"<x/>"}, {"exif": b"new", "xmp": b"<x/>"}])
def test_a_last_chunk_without_padding_gets_it_before_another_follows(others, new):
    content = unpadded(*others)
    assert read(content).warnings == ()
    assert write(content) == content
    labelled = write(content, **new)
    found = read(labelled)
    assert (found.xmp, found.exif) == (new.get("xmp"), new.get("exif") or (b"odd" if others[1][:1] == b"E" else None))
    assert write(labelled, **new) == labelled


def test_pixels_without_padding_get_it_before_both_carriers():
    odd = LOSSLESS[12:].rstrip(b"\0")
    odd = odd if len(odd) % 2 else odd + b"\1"
    odd = odd[:4] + struct.pack("<I", len(odd) - 8) + odd[8:]
    labelled = write(container(odd), exif=b"II*\0", xmp=b"<x/>")
    assert kinds(labelled) == [b"VP8X", b"VP8L", b"EXIF", b"XMP "]


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_exif_is_read_with_and_without_the_prefix_of_jpeg(prefix):
    assert read(extended(EXIF, PIXELS, chunk(b"EXIF", prefix + b"II*\0"))).exif == b"II*\0"


def test_repeated_carriers_and_a_manifest_are_named():
    doubled = [chunk(b"EXIF", b"II*\0"), chunk(b"EXIF", b"MM\0*"), chunk(b"XMP ", b"<a/>"), chunk(b"XMP ", b"<b/>")]
    content = extended(EXIF | XMP, PIXELS, *doubled, chunk(b"C2PA", b"store"))
    found = read(content)
    assert (found.exif, found.xmp, found.xmp_count) == (b"II*\0", b"<a/>", 2)
    assert (found.has_manifest, found.warnings) == (True, ("exif-repeated", "xmp-repeated"))
    with pytest.raises(MetadataNotWritten):
        write(content, xmp=b"<c/>")


def test_what_follows_the_file_is_kept_and_named_and_a_manifest_would_lose_it(tmp_path, signer):
    content = WHOLE + b"trailer"
    assert write(content, xmp=b"<x/>") == write(WHOLE, xmp=b"<x/>") + b"trailer"
    found = read(content)
    assert found.warnings == ("data-after-picture", "webp-trailer-would-be-lost")
    assert (found.unsignable, read(WHOLE).unsignable) == ("webp-trailer-would-be-lost", None)
    (tmp_path / "source").write_bytes(content)
    claim = Claim({}, plan_actions("http://example.com/source-type", has_manifest=False, notice_drawn=False))
    sign(tmp_path / "source", tmp_path / "signed", claim, mime="image/webp", signer=signer)
    assert b"trailer" not in (tmp_path / "signed").read_bytes()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (WHOLE[:8], "riff-truncated"),
        (WHOLE[:-1], "riff-truncated"),
        (container(), "riff-truncated"),
        (container(PIXELS[:6]), "riff-truncated"),
        (container(b"VP8 \xff\xff\xff\x7f"), "riff-truncated"),
        (container(chunk(b"VP8 ", b"short")), "riff-truncated"),
        (b"RIFF\2\0\0\0WEBP", "riff-damaged"),
        (container(PIXELS, b"\0\0\0\0\0\0\0\0"), "riff-damaged"),
        (container(PIXELS, b"\xff\xff\xff\xff\0\0\0\0"), "riff-damaged"),
        (container(PIXELS, chunk(b"abcd", b"") * 200_000), "riff-damaged"),
        (container(chunk(b"abcd", b""), PIXELS), "webp-damaged"),
        (container(PIXELS, PIXELS), "webp-damaged"),
        (container(chunk(b"VP8 ", bytes(20))), "webp-damaged"),
        (container(chunk(b"VP8L", bytes(20))), "webp-damaged"),
        (container(chunk(b"VP8X", b"short")), "webp-damaged"),
        (extended(0), "webp-damaged"),
        (extended(ANIMATION, PIXELS), "webp-damaged"),
        (extended(0, chunk(b"ANMF", bytes(16) + PIXELS)), "webp-damaged"),
        (extended(ANIMATION, chunk(b"ANMF", bytes(16))), "webp-damaged"),
        (extended(ANIMATION, chunk(b"ANMF", bytes(16) + chunk(b"ALPH", b"a"))), "webp-damaged"),
        (extended(ANIMATION, chunk(b"ANMF", bytes(16) + b"VP8 \xff\xff\0\0")), "riff-truncated"),
    ],
)
def test_a_broken_structure_is_refused(content, code):
    assert refusal(content) == code


def test_other_riff_files_are_not_webp():
    with pytest.raises(MalformedMedia):
        read(b"RIFF\x04\0\0\0WAVE")
    assert not webp.sniff(b"RIFF\x04\0\0\0WAVE")


def test_limits_hold():
    with pytest.raises(MediaTooLarge):
        read(extended(0, PIXELS, size=(1 << 24, 1 << 24)))
    with pytest.raises(MediaTooLarge):
        read(extended(EXIF, PIXELS, chunk(b"EXIF", bytes(10_000_001))))
    with pytest.raises(MediaTooLarge):
        write(WHOLE, xmp=bytes(10_000_001))
    with pytest.raises(MetadataNotWritten):
        riff.size_field(1 << 32)
