"""TIFF files as no library here writes them: any byte order, tiles, planes, several pages, BigTIFF."""

import io
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

LZW, DEFLATE, PACK_BITS = 5, 8, 32773


@dataclass
class Page:
    """Samples as (rows, columns, channels), and how they are stored."""

    samples: np.ndarray
    photometric: int = 2
    compression: int = 1
    predictor: int = 1
    rows: int = 64
    tile: tuple[int, int] | None = None
    planar: bool = False
    tags: dict[int, tuple[str, list[int]]] = field(default_factory=dict)


def tiff(*pages: Page, order: str = "<", big: bool = False) -> bytes:
    """Return a file of these pages; what they hold lies in front of their directories."""
    pointer = "Q" if big else "I"
    head = {"<": b"II", ">": b"MM"}[order]
    data = bytearray(head + struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 0) if big else (42, 0))))
    link = len(data) - struct.calcsize(pointer)
    for page in pages:
        tags = _tags(page, order, data)
        body = bytearray()
        for tag, (kind, values) in sorted(tags.items()):
            raw = struct.pack(f"{order}{len(values)}{kind}", *values)
            code = {"H": 3, "I": 4, "Q": 16}[kind]
            if len(raw) > struct.calcsize(pointer):
                data += bytes(len(data) % 2)
                where = struct.pack(order + pointer, len(data))
                data += raw
                raw = where
            raw = raw.ljust(struct.calcsize(pointer), b"\0")
            body += struct.pack(order + "HH" + pointer, tag, code, len(values)) + raw
        data += bytes(len(data) % 2)
        data[link : link + struct.calcsize(pointer)] = struct.pack(order + pointer, len(data))
        data += struct.pack(order + ("Q" if big else "H"), len(tags)) + body
        link = len(data)
        data += struct.pack(order + pointer, 0)
    return bytes(data)


def _tags(page: Page, order: str, data: bytearray) -> dict[int, tuple[str, list[int]]]:
    height, width, channels = page.samples.shape
    bits = 8 * page.samples.itemsize
    across, down = page.tile or (width, page.rows)
    offsets, sizes = [], []
    planes = [page.samples[..., [n]] for n in range(channels)] if page.planar else [page.samples]
    for plane in planes:
        for y in range(0, height, down):
            for x in range(0, width, across):
                part = plane[y : y + down, x : x + across]
                if page.tile:
                    lack = ((0, down - part.shape[0]), (0, across - part.shape[1]), (0, 0))
                    part = np.pad(part, lack, constant_values=7)
                code = _coded(part, page, order)
                offsets.append(len(data))
                sizes.append(len(code))
                data += code
    tags = {
        256: ("H", [width]),
        257: ("H", [height]),
        258: ("H", [bits] * channels),
        259: ("H", [page.compression]),
        262: ("H", [page.photometric]),
        277: ("H", [channels]),
        284: ("H", [2 if page.planar else 1]),
        317: ("H", [page.predictor]),
    }
    if page.tile:
        tags |= {322: ("H", [across]), 323: ("H", [down]), 324: ("I", offsets), 325: ("I", sizes)}
    else:
        tags |= {278: ("H", [down]), 273: ("I", offsets), 279: ("I", sizes)}
    return tags | page.tags


def _coded(part: np.ndarray, page: Page, order: str) -> bytes:
    if page.predictor == 2:
        part = np.diff(part, axis=1, prepend=np.zeros_like(part[:, :1]))
    raw = np.ascontiguousarray(part.astype(part.dtype.newbyteorder(order))).view(np.uint8).reshape(len(part), -1)
    if page.compression == DEFLATE:
        return zlib.compress(raw.tobytes())
    if page.compression == 1:
        return raw.tobytes()
    output = io.BytesIO()
    name = {LZW: "tiff_lzw", PACK_BITS: "packbits"}[page.compression]
    Image.fromarray(raw).save(output, "TIFF", compression=name, tiffinfo={278: len(raw)})
    with Image.open(output) as picture:
        (start,), (size,) = picture.tag_v2[273], picture.tag_v2[279]
    return output.getvalue()[start : start + size]
