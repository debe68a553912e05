"""The indexes of one GIF image: out of its LZW code, and back into one (GIF89a, appendix F).

Pillow has the codec; it is handed a file of this one image with colours that are its indexes.
"""

from __future__ import annotations

import io
import struct
import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.errors import MalformedMedia
from provenance.formats import gif_blocks

Indexes = NDArray[np.uint8]

_DESCRIPTOR: Final = struct.Struct("<BHHHHB")
_INTERLACED: Final = 0x40
_FULL_TABLE: Final = 0x87  # there is one, of 256 colours
# Its first channel is the index, and no reader takes it for grey.
_TABLE: Final = b"".join(bytes((index, 0, 0)) for index in range(256))


def indexes_of(code: bytes, width: int, height: int, *, interlaced: bool, offset: int) -> Indexes:
    """Return the indexes (rows, columns) that an image holds; `code` is its code size and sub-blocks.

    Raises:
        MalformedMedia: `code` ends early or makes no sense; `offset` says where it lies.
    """
    descriptor = _DESCRIPTOR.pack(
        gif_blocks.IMAGE, 0, 0, width, height, _FULL_TABLE | (_INTERLACED if interlaced else 0)
    )
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = io.BytesIO(b"".join((head, descriptor, _TABLE, code, b";")))
            with Image.open(file, formats=("GIF",)) as picture:
                picture.load()
                found = np.asarray(picture)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise MalformedMedia("gif-damaged", offset=offset) from error
    # An application may have told Pillow to give colours always.
    return found if found.ndim == 2 else np.ascontiguousarray(found[:, :, 0])  # noqa: PLR2004 - rows and columns


def code_of(indexes: Indexes, *, interlaced: bool) -> bytes:
    """Return the code size and sub-blocks of indexes (rows, columns)."""
    output = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(indexes)).save(output, "GIF", optimize=False, interlace=interlaced)
    file = io.BytesIO(output.getvalue())
    head = gif_blocks.header(file)
    image = next(block for block in gif_blocks.blocks(file, head.end) if block.kind == gif_blocks.IMAGE)
    return output.getvalue()[image.data - 1 : image.end]
