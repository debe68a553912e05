import io

import pytest
from PIL import Image

from provenance.formats.handlers import jxl, png
from provenance.formats.splice import Edit, splice

TIFF = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"


def spliced(*edits):
    target = io.BytesIO()
    splice(io.BytesIO(b"0123456789"), target, edits)
    return target.getvalue()


def test_spans_are_replaced_inserted_and_dropped_in_any_order():
    assert spliced(Edit(8, 9, b""), Edit(0, 0, b"head"), Edit(2, 5, b"x"), Edit(10, 10, b"tail")) == b"head01x5679tail"
    assert spliced() == b"0123456789"


def test_insertions_at_one_place_keep_their_order_and_precede_what_is_replaced_there():
    assert spliced(Edit(2, 5, b"X"), Edit(2, 2, b"a"), Edit(2, 2, b"b")) == b"01abX56789"


def test_edits_that_overlap_are_refused():
    with pytest.raises(ValueError, match="3"):
        spliced(Edit(2, 5, b"x"), Edit(3, 3, b"y"))


def png_picture():
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return out.getvalue()


def jxl_picture():
    head = bytes.fromhex("0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20")
    codestream = bytes.fromhex("ff0ae001c080480804010058004b188b1500d41b6330760f0000056cc04e243c101008")
    return head + (8 + len(codestream)).to_bytes(4, "big") + b"jxlc" + codestream


@pytest.mark.parametrize(
    ("handler", "picture"), [(png.HANDLER, png_picture()), (jxl.HANDLERS[0], jxl_picture())], ids=["png", "jxl"]
)
def test_a_packet_is_added_where_only_exif_stands_already(handler, picture):
    packet = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    with_exif, both = io.BytesIO(), io.BytesIO()
    handler.write(io.BytesIO(picture), with_exif, exif=TIFF, xmp=None)
    handler.write(with_exif, both, exif=TIFF + b"!", xmp=packet)
    found = handler.read(both)
    assert (found.exif, found.xmp) == (TIFF + b"!", packet)
