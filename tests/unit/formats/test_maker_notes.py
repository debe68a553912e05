"""Previews behind the picture that maker notes point at, as Minolta (big-endian) and Olympus (little-endian) do."""

import io
import struct

import pytest
from PIL import Image

from provenance.formats import jpeg_segments, maker_notes
from provenance.formats.handlers import jpeg


def picture(size, seed):
    out = io.BytesIO()
    Image.effect_noise(size, 40 + seed).save(out, "JPEG")
    return out.getvalue()


def photograph(order, *, tag=0x0088, next_tag=0x0089, base=0, shift=0):
    """A photograph whose maker note counts the offset of its preview from `base` in the EXIF block."""
    preview, plain = picture((80, 60), 2), picture((320, 240), 1)

    def block(start):
        note = struct.pack(order + "HHIIHHII", tag, 4, 1, start, next_tag, 4, 1, len(preview))
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
        exif = struct.pack(order + "HHHIII", 1, 0x8769, 4, 1, 26, 0)
        notes = struct.pack(order + "HHHIII", 1, 0x927C, 7, len(note), 44, 0)
        return head + exif + notes + note

    content = b"\xff\xe1" + struct.pack(">H", len(block(0)) + 8) + b"Exif\0\0"
    end = len(plain) + len(content) + len(block(0))
    return plain[:2] + content + block(end - 12 - base + shift) + plain[2:] + preview, preview


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("base", [0, 2032])
def test_a_preview_behind_the_picture_is_named_and_stays_whole(order, base):
    content, preview = photograph(order, base=base)
    assert content.endswith(preview)
    assert jpeg.read(io.BytesIO(content)).warnings == ("data-after-picture", "preview-after-picture")
    out = io.BytesIO()
    jpeg.write(io.BytesIO(content), out, exif=None, xmp=b"<x/>" * 9)
    assert out.getvalue().endswith(preview)
    with Image.open(io.BytesIO(out.getvalue()[-len(preview) :])) as image:
        assert image.size == (80, 60)


@pytest.mark.parametrize("odd", [{"next_tag": 0x0090}, {"shift": 200_000}, {"shift": 70}])
def test_other_numbers_are_no_pointers(odd):
    content, _ = photograph(">", **odd)
    assert jpeg.read(io.BytesIO(content)).warnings == ("data-after-picture",)


def test_a_preview_inside_of_the_block_moves_with_it():
    content, preview = photograph("<")
    inside = content[: -len(preview)]
    assert jpeg.read(io.BytesIO(inside)).warnings == ()
    with io.BytesIO(content) as file:
        end = jpeg_segments.parse(file).end
    assert not maker_notes.point_behind(b"", end, len(content))
    assert not maker_notes.point_behind(b"no TIFF stream", end, len(content))
