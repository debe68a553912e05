import io
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image, PngImagePlugin

from provenance.errors import MalformedMedia, MediaTooLarge, MetadataNotWritten
from provenance.formats.handlers import png

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = 33
XMP = b"XML:com.adobe.xmp"


def encoded(**options):
    out = io.BytesIO()
    Image.effect_noise((64, 48), 60).save(out, "PNG", **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(content, *chunks, at=HEADER_END):
    return content[:at] + b"".join(chunks) + content[at:]


def before_end(content, *chunks):
    return with_chunks(content, *chunks, at=len(content) - 12)


def read(content):
    return png.read(io.BytesIO(content))


def write(content, *, exif=None, xmp=None):
    out = io.BytesIO()
    png.write(io.BytesIO(content), out, exif=exif, xmp=xmp)
    return out.getvalue()


def refusal(content):
    with pytest.raises(MalformedMedia) as caught:
        read(content)
    return caught.value


WHOLE = encoded()


def test_a_wrong_checksum_is_refused_with_the_chunk_and_its_offset():
    at = WHOLE.index(b"IDAT") - 4
    broken = bytearray(WHOLE)
    broken[at + 20] ^= 1
    error = refusal(bytes(broken))
    assert (error.code, error.details) == ("png-crc", {"offset": at, "chunk": "IDAT"})


@pytest.mark.parametrize("cut", [10, 30, HEADER_END + 3, HEADER_END + 40, len(WHOLE) - 12, len(WHOLE) - 1])
def test_a_file_that_ends_early_is_refused(cut):
    assert refusal(WHOLE[:cut]).code == "png-truncated"


def header(width=64, height=48, depth=8, colour=0, compression=0, filtering=0, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, compression, filtering, interlace))


@pytest.mark.parametrize(
    "content",
    [
        SIGNATURE[:4] + b"\n" + WHOLE[6:],
        SIGNATURE + header(width=0) + WHOLE[HEADER_END:],
        SIGNATURE + header(height=1 << 31) + WHOLE[HEADER_END:],
        SIGNATURE + header(depth=3) + WHOLE[HEADER_END:],
        SIGNATURE + header(depth=4, colour=2) + WHOLE[HEADER_END:],
        SIGNATURE + header(colour=5) + WHOLE[HEADER_END:],
        SIGNATURE + header(compression=1) + WHOLE[HEADER_END:],
        SIGNATURE + header(interlace=2) + WHOLE[HEADER_END:],
        SIGNATURE + chunk(b"IHDR", b"short") + WHOLE[HEADER_END:],
        SIGNATURE + WHOLE[HEADER_END:],
        with_chunks(WHOLE, header()),
        with_chunks(WHOLE, chunk(b"a1b2", b"")),
        with_chunks(WHOLE, b"\xff\xff\xff\xffIDAT"),
        WHOLE[:HEADER_END] + chunk(b"IEND", b""),
        before_end(WHOLE, chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", b"")),
    ],
)
def test_a_broken_structure_is_refused(content):
    assert refusal(content).code == "png-damaged"


def test_a_picture_with_too_many_pixels_is_refused():
    with pytest.raises(MediaTooLarge):
        read(SIGNATURE + header(width=1 << 20, height=1 << 20) + WHOLE[HEADER_END:])


def test_new_carriers_go_right_behind_the_header():
    labelled = write(WHOLE, exif=b"MM\0*", xmp=b"<x/>")
    expected = chunk(b"eXIf", b"MM\0*") + chunk(b"iTXt", XMP + b"\0\0\0\0\0<x/>")
    assert labelled == with_chunks(WHOLE, expected)


def itxt(text, *, compressed):
    return chunk(b"iTXt", XMP + (b"\0\1\0\0\0" + zlib.compress(text) if compressed else b"\0\0\0\0\0" + text))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_packet_before_the_pixels_is_replaced_in_place_and_uncompressed(compressed):
    neighbours = chunk(b"tEXt", b"Author\0A"), chunk(b"tIME", bytes(7))
    content = with_chunks(WHOLE, neighbours[0], itxt(b"<old/>", compressed=compressed), neighbours[1])
    assert read(content).xmp == b"<old/>"
    assert write(content, xmp=b"<new/>") == with_chunks(
        WHOLE, neighbours[0], itxt(b"<new/>", compressed=False), neighbours[1]
    )


def test_a_packet_behind_the_pixels_moves_before_them():
    content = before_end(WHOLE, chunk(b"tEXt", b"Author\0A"), itxt(b"<old/>", compressed=False))
    expected = with_chunks(before_end(WHOLE, chunk(b"tEXt", b"Author\0A")), itxt(b"<new/>", compressed=False))
    assert write(content, xmp=b"<new/>") == expected


def test_several_packets_are_counted_and_none_is_chosen_silently():
    content = with_chunks(WHOLE, itxt(b"<a/>", compressed=False), itxt(b"<b/>", compressed=True))
    assert (read(content).xmp, read(content).xmp_count, read(content).warnings) == (b"<a/>", 2, ("xmp-repeated",))
    with pytest.raises(MetadataNotWritten):
        write(content, xmp=b"<c/>")


def test_texts_are_read_in_every_form_and_language():
    content = with_chunks(
        WHOLE,
        chunk(b"tEXt", b"AIGC\0" + b'{"AIGC":{"Label":"1"}}'),
        chunk(b"tEXt", "Title\0caf\xe9".encode("latin-1")),
        chunk(b"tEXt", "Comment\0成都".encode()),
        chunk(b"zTXt", b"Software\0\0" + zlib.compress(b"tool")),
        chunk(b"iTXt", b"Description\0\1\0zh\0\0" + zlib.compress("大熊猫".encode())),
        itxt(b"<x/>", compressed=False),
    )
    assert read(content).texts == (
        ("AIGC", '{"AIGC":{"Label":"1"}}'),
        ("Title", "café"),
        ("Comment", "成都"),
        ("Software", "tool"),
        ("Description", "大熊猫"),
    )


def test_a_text_that_expands_without_end_is_left_out_in_little_memory():
    bomb = zlib.compress(bytes(200_000_000), 9)
    content = with_chunks(WHOLE, chunk(b"zTXt", b"Comment\0\0" + bomb), chunk(b"tEXt", b"Author\0A"))
    tracemalloc.start()
    try:
        found = read(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.texts, found.warnings) == ((("Author", "A"),), ("png-text-unreadable",))
    assert peak < 40_000_000


@pytest.mark.parametrize(
    "text",
    [b"no-separator", b"k" * 80 + b"\0v", b"Comment\0\0not zlib", b"Comment\0\0" + zlib.compress(b"cut" * 99)[:-9]],
)
def test_a_text_that_cannot_be_read_is_named_and_kept(text):
    content = with_chunks(WHOLE, chunk(b"zTXt", text))
    assert (read(content).texts, read(content).warnings) == ((), ("png-text-unreadable",))
    assert chunk(b"zTXt", text) in write(content, xmp=b"<x/>")


def test_a_packet_that_cannot_be_expanded_is_refused_rather_than_lost():
    content = with_chunks(WHOLE, chunk(b"iTXt", XMP + b"\0\1\0\0\0junk"))
    assert refusal(content).code == "xmp-unreadable"
    assert refusal(with_chunks(WHOLE, chunk(b"iTXt", XMP + b"\0\0"))).code == "xmp-unreadable"


def test_a_carrier_over_the_limit_is_refused():
    with pytest.raises(MediaTooLarge):
        read(with_chunks(WHOLE, chunk(b"eXIf", bytes(10_000_001))))
    with pytest.raises(MediaTooLarge):
        write(WHOLE, xmp=bytes(10_000_001))


def test_exif_with_the_prefix_of_jpeg_is_read():
    assert read(with_chunks(WHOLE, chunk(b"eXIf", b"Exif\0\0MM\0*"))).exif == b"MM\0*"


def test_manifest_trailer_and_second_exif_are_seen_and_kept():
    content = with_chunks(WHOLE, chunk(b"eXIf", b"MM\0*"), chunk(b"eXIf", b"II*\0"), chunk(b"caBX", b"store")) + b"tail"
    found = read(content)
    assert found.has_manifest
    assert found.exif == b"MM\0*"
    assert found.warnings == ("exif-repeated", "data-after-picture")
    assert write(content, exif=b"MM\0*1") == content.replace(chunk(b"eXIf", b"MM\0*"), chunk(b"eXIf", b"MM\0*1"))


def test_what_pillow_wrote_as_text_reads_the_same():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "A")
    texts.add_itxt("Title", "标题", lang="zh", tkey="标题", zip=True)
    assert dict(read(encoded(pnginfo=texts)).texts) == {"Author": "A", "Title": "标题"}
