"""Samples of pictures, drawn with fixed seeds."""

import functools
import io
import random

import brotli
import pytest
from PIL import Image, ImageCms, ImageSequence, PngImagePlugin, TiffImagePlugin

XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Source="%s"/></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(width=97, height=61):
    """A picture that compresses badly, so that its scan is long."""
    noise = random.Random(7)
    return Image.frombytes("RGB", (width, height), noise.randbytes(width * height * 3))


def exif_block():
    block = Image.Exif()
    block[0x010F] = "Maker"
    block[0x0112] = 6
    block[0xEA1D] = 7  # a tag nobody registered
    block.get_ifd(0x8769)[0x829A] = 0.5
    return block.tobytes()


def jpeg_samples():
    for name, options in {
        "bare": {},
        "progressive": {"progressive": True},
        "restarts": {"restart_marker_blocks": 3},
        "full": {"exif": exif_block(), "xmp": XMP % b"old", "comment": b"kept"},
    }.items():
        out = io.BytesIO()
        picture().save(out, "JPEG", quality=90, **options)
        yield name, out.getvalue()


def png_samples():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "somebody")
    texts.add_text("Comment", "long " * 100, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", (XMP % b"old").decode(), zip=True)
    for name, options in {
        "bare": {},
        "full": {"exif": exif_block(), "pnginfo": texts, "dpi": (72, 72)},
        "animated": {"save_all": True, "append_images": [picture().rotate(180)]},
    }.items():
        out = io.BytesIO()
        picture().save(out, "PNG", **options)
        yield name, out.getvalue()


def webp_samples():
    clear = picture().convert("RGBA")
    clear.putalpha(picture().convert("L"))
    for name, image, options in (
        ("bare", picture(), {}),
        ("lossless", picture(), {"lossless": True}),
        ("transparent", clear, {"lossless": True}),
        ("animated", picture(), {"save_all": True, "append_images": [picture().rotate(180)]}),
        ("full", clear, {"exif": exif_block(), "xmp": XMP % b"old", "icc_profile": SRGB}),
    ):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=90, **options)
        yield name, out.getvalue()


def gif_samples():
    for name, options in {
        "bare": {},
        "full": {"comment": b"kept"},
        "animated": {"save_all": True, "append_images": [picture().rotate(180)], "loop": 0, "duration": 40},
    }.items():
        out = io.BytesIO()
        picture().save(out, "GIF", **options)
        content = out.getvalue()
        yield name, with_packet(content, XMP % b"old") if name == "full" else content


def with_packet(content, packet):
    """A GIF with an XMP packet in sub-blocks, as some writers have it, behind its 256 colours."""
    parts = [packet[at : at + 255] for at in range(0, len(packet), 255)]
    blocks = b"".join(bytes([len(part)]) + part for part in parts)
    return content[:781] + b"\x21\xff\x0bXMP DataXMP" + blocks + b"\0" + content[781:]


def tiff_samples():
    described = TiffImagePlugin.ImageFileDirectory_v2()
    described.tagtype[0x02BC] = 7
    described.update({0x010F: "Maker", 0x0112: 6, 0x02BC: XMP % b"old", 0xEA1D: 7})
    described[0x8769] = {0x829A: 0.5, 0x927C: b"notes of the maker"}
    described[0x8825] = {1: "N", 2: (30.0, 34.0, 22.0), 3: "E", 4: (104.0, 4.0, 0.0)}
    pages = {"save_all": True, "append_images": [picture().rotate(180), picture(31, 17)]}
    for name, options in {
        "bare": {},
        "packed": {"compression": "tiff_lzw"},
        "full": {"tiffinfo": described},
        "pages": pages,
        "big": {"big_tiff": True, "tiffinfo": described},
        "big-pages": {"big_tiff": True, **pages},
    }.items():
        out = io.BytesIO()
        picture().save(out, "TIFF", **options)
        # Zeros pad the last page; a cut there would lose nothing.
        yield name, out.getvalue().rstrip(b"\0") if "pages" in name else out.getvalue()


def avif_samples():
    for name, options in {
        "bare": {},
        "full": {"exif": exif_block(), "xmp": XMP % b"old"},
        "sequence": {"save_all": True, "append_images": [picture().rotate(180)]},
    }.items():
        out = io.BytesIO()
        picture().save(out, "AVIF", quality=60, **options)
        yield name, out.getvalue()


def renamed_samples(still, sequence):
    """AVIF under the brands of its sisters: there is no encoder for those, and the boxes are the same."""
    for name, content in avif_samples():
        end = int.from_bytes(content[:4], "big")
        yield name, content[:end].replace(b"avif", still).replace(b"avis", sequence) + content[end:]


def as_avif(content):
    return content[:8] + (b"avis" if content[8:12] in {b"avis", b"hevc", b"msf1"} else b"avif") + content[12:]


# 97 × 61 pixels of one colour.
JXL = bytes.fromhex("ff0ae001c080480804010058004b188b1500d41b6330760f0000056cc04e243c101008")


def jxl_samples():
    def box(kind, data):
        return (8 + len(data)).to_bytes(4, "big") + kind + data

    head = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    carriers = box(b"Exif", bytes(4) + exif_block()) + box(b"xml ", XMP % b"old")
    parts = box(b"jxlp", bytes(4) + JXL[:9]), box(b"jxlp", b"\x80\0\0\1" + JXL[9:])
    yield "bare", head + box(b"jxlc", JXL)
    yield "full", head + box(b"jxll", b"\x0a") + carriers + box(b"jxlc", JXL)
    yield "parts", head + parts[0] + carriers + parts[1]
    # As the reference encoder writes its metadata.
    packed = [
        box(b"brob", kind + brotli.compress(data))
        for kind, data in ((b"Exif", bytes(4) + exif_block()), (b"xml ", XMP % b"old"))
    ]
    yield "compressed", head + b"".join(packed) + box(b"jxlc", JXL)


def frames(name, content):
    """Return what a decoder sees."""
    if name in {"jxl", "jxl-codestream"}:
        decoder = pytest.importorskip("imagecodecs", reason="imagecodecs, which decodes JPEG XL, is not installed")
        return [decoder.jpegxl_decode(content).tolist()]
    with Image.open(io.BytesIO(as_avif(content) if name in {"heic", "heif"} else content)) as image:
        return [(frame.size, frame.mode, frame.tobytes()) for frame in ImageSequence.Iterator(image)]


SAMPLES = {
    "jpeg": jpeg_samples,
    "png": png_samples,
    "webp": webp_samples,
    "gif": gif_samples,
    "tiff": tiff_samples,
    "avif": avif_samples,
    "heic": lambda: renamed_samples(b"heic", b"hevc"),
    "heif": lambda: renamed_samples(b"mif1", b"msf1"),
    "jxl": jxl_samples,
    "jxl-codestream": lambda: [("full", JXL)],
}

DECODED = {name: functools.partial(frames, name) for name in SAMPLES}
