"""The frame of a JPEG file: size, components, sampling, quantisation tables and what the components mean."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.errors import MalformedMedia
from provenance.formats.jpeg_segments import APP0, APP14, DNL, DQT, FRAMES, Layout, Segment
from provenance.notices.refusal import does_not_fit

_BITS: Final = 8
_GRAY, _INKS = 1, 4
_COUNTS: Final = frozenset({_GRAY, 3, _INKS})
_ADOBE: Final = struct.Struct(">5sHHHB")  # "Adobe", version, two flags, transform
_ADOBE_RGB, _ADOBE_YCC, _ADOBE_YCCK = 0, 1, 2
_PROGRESSIVE: Final = 0xC2
_HUFFMAN: Final = frozenset({0xC0, 0xC1, _PROGRESSIVE})
# ITU-T T.81, figure A.6: the place in a block, row by row, of each coefficient as stored.
ZIGZAG: Final = np.array(
    sorted(range(64), key=lambda n: (n // 8 + n % 8, n // 8 if (n // 8 + n % 8) % 2 else n % 8)), dtype=np.intp
)

# Samples of white ink and of the black plate, by what the components mean. Adobe stores inks inverted (255 = none);
# the plate is then black ink alone.
_COLOURS: Final = {
    "gray": ((255,), (0,)),
    "ycc": ((255, 128, 128), (0, 128, 128)),
    "rgb": ((255, 255, 255), (0, 0, 0)),
    "cmyk": ((255, 255, 255, 255), (255, 255, 255, 0)),
    "ycck": ((255, 128, 128, 255), (255, 128, 128, 0)),
}


@dataclass(frozen=True, slots=True)
class Component:
    """One component: its sampling factors, table (row by row) and the samples of ink and plate."""

    horizontal: int
    vertical: int
    table: NDArray[np.float32]
    ink: int
    plate: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: stored size in pixels, components, `colour` (a key such as ``ycc``), and whether it is progressive."""

    width: int
    height: int
    components: tuple[Component, ...]
    colour: str
    progressive: bool

    @property
    def sampling(self) -> tuple[int, int]:
        """The largest sampling factors, horizontal and vertical."""
        return max(one.horizontal for one in self.components), max(one.vertical for one in self.components)


def read_frame(data: bytes, layout: Layout) -> Frame:
    """Return the frame with the tables it uses.

    Raises:
        MalformedMedia: two parts of the file contradict each other.
        NoticeDoesNotFit: a coding process or colour encoding that cannot be written back safely.
    """
    parts = layout.segments
    frames = [part for part in parts if part.marker in FRAMES]
    if len(frames) > 1:
        raise MalformedMedia("jpeg-damaged", offset=frames[1].start)
    common = layout.frame in _HUFFMAN and layout.precision == _BITS and len(layout.components) in _COUNTS
    if not common or any(part.marker == DNL for part in parts):
        raise does_not_fit("notice-jpeg-coding", marker=f"0x{layout.frame:02X}", bits=layout.precision)
    colour = _colour(data, parts, bytes(layout.components))
    tables = _tables(data, parts)
    components = []
    for (across, down, table), ink, plate in zip(layout.components.values(), *_COLOURS[colour], strict=True):
        if table not in tables:
            raise MalformedMedia("jpeg-damaged", offset=frames[0].start)
        components.append(Component(across, down, tables[table], ink, plate))
    return Frame(layout.width, layout.height, tuple(components), colour, layout.frame == _PROGRESSIVE)


def _tables(data: bytes, parts: Sequence[Segment]) -> dict[int, NDArray[np.float32]]:
    tables: dict[int, NDArray[np.float32]] = {}
    for part in parts:
        at = part.payload
        while part.marker == DQT and at < part.end:
            wide, number = divmod(data[at], 16)
            end = at + 1 + 64 * (2 if wide else 1)
            if wide > 1 or end > part.end:
                raise MalformedMedia("jpeg-damaged", offset=part.start)
            table = np.empty(64, np.float32)
            table[ZIGZAG] = np.frombuffer(data[at + 1 : end], ">u2" if wide else "u1")
            # A table defined twice leaves it open which one a scan used.
            if number in tables and not np.array_equal(tables[number], table):
                raise does_not_fit("notice-jpeg-tables")
            if not table.all():
                raise MalformedMedia("jpeg-damaged", offset=part.start)
            tables[number] = table
            at = end
    return tables


def _colour(data: bytes, parts: Sequence[Segment], identifiers: bytes) -> str:
    """Decide as JFIF, Adobe technical note 5116 and every common decoder do."""
    adobe = _adobe_transform(data, parts)
    if len(identifiers) == _GRAY:
        return "gray"
    if len(identifiers) == _INKS:
        if adobe not in {_ADOBE_RGB, _ADOBE_YCCK}:
            raise does_not_fit("notice-jpeg-inks")
        return "ycck" if adobe == _ADOBE_YCCK else "cmyk"
    jfif = any(part.marker == APP0 and data[part.payload : part.payload + 5] == b"JFIF\0" for part in parts)
    if jfif or adobe == _ADOBE_YCC:
        return "ycc"
    return "rgb" if adobe == _ADOBE_RGB or (adobe is None and identifiers == b"RGB") else "ycc"


def _adobe_transform(data: bytes, parts: Sequence[Segment]) -> int | None:
    for part in parts:
        body = data[part.payload : part.end]
        if part.marker == APP14 and body[:5] == b"Adobe" and len(body) >= _ADOBE.size:
            return int(_ADOBE.unpack_from(body)[-1])
    return None
