"""What the format contract needs of each format: one builder of samples, under the handler's name."""

import io
import random

import pytest
from PIL import Image, PngImagePlugin

XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Source="%s"/></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)


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


SAMPLES = {"jpeg": jpeg_samples, "png": png_samples}


@pytest.fixture(scope="session")
def samples():
    """Handler name → sample name → bytes."""
    return {name: dict(build()) for name, build in SAMPLES.items()}


@pytest.fixture(scope="session")
def xmp():
    return lambda text: XMP % text
