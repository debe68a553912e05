"""Draw on a JPEG picture where no library can change single blocks: decode, blend, encode with the same tables."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image

from provenance.errors import MalformedMedia
from provenance.notices.jpeg_frame import Frame
from provenance.notices.overlay import Patch
from provenance.notices.refusal import does_not_fit

# What the encoder can write, by the luma factors over chroma factors of 1 × 1; anything else keeps full chroma.
_SAMPLINGS: Final = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}


def reencode(data: bytes, frame: Frame, patches: Sequence[Patch]) -> tuple[bytes, str]:
    """Return the picture with `patches` drawn as a new JPEG stream, and its chroma sampling.

    Raises:
        MalformedMedia: the scan cannot be decoded. One that ends early before its EOI is drawn as viewers show it.
        NoticeDoesNotFit: the components are neither grey nor YCbCr.
    """
    if frame.colour not in {"gray", "ycc"}:
        raise does_not_fit("notice-needs-turbojpeg", colour=frame.colour)
    picture = _decode(data)
    for patch in patches:
        height, width = patch.keep.shape
        area = (patch.x, patch.y, patch.x + width, patch.y + height)
        under = np.asarray(picture.crop(area), dtype=np.float32)
        planes = [patch.over(plane, 255, 0) for plane in np.atleast_3d(under).transpose(2, 0, 1)]
        blended = np.rint(np.stack(planes, axis=-1)).astype(np.uint8)
        picture.paste(Image.fromarray(blended.squeeze()), area[:2])
    sampling = _sampling(frame)
    output = io.BytesIO()
    tables = _tables(frame)
    picture.save(output, "JPEG", qtables=tables, subsampling=sampling, progressive=frame.progressive)
    return output.getvalue(), sampling if frame.colour == "ycc" else "gray"


def _tables(frame: Frame) -> list[list[int]]:
    """Return a table for each component; the encoder gives the last one to all that follow."""
    tables = [[int(step) for step in component.table] for component in frame.components]
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    return tables


def _decode(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=("JPEG",))
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MalformedMedia("notice-jpeg-scan-broken", reason=str(error)) from error
    return picture


def _sampling(frame: Frame) -> str:
    luma, *chroma = frame.components
    if any((one.horizontal, one.vertical) != (1, 1) for one in chroma):
        return "4:4:4"
    return _SAMPLINGS.get((luma.horizontal, luma.vertical) if chroma else (1, 1), "4:4:4")
