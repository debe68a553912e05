"""The picture track of Matroska and WebM files: read block by block (RFC 9559)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from provenance.errors import MalformedMedia
from provenance.formats import ebml, matroska_layout
from provenance.formats.base import check_picture_size
from provenance.formats.ebml import Element, Node, Reader
from provenance.formats.matroska_layout import ATTACHMENTS, CLUSTER, CUES, SEEK_HEAD, TRACKS, Layout
from provenance.formats.matroska_tags import TAGS
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_film import MOST_SAMPLES, Film, Shown, without_delay

BLOCK, SIMPLE_BLOCK, BLOCK_GROUP, REFERENCE = 0xA1, 0xA3, 0xA0, 0xFB
PREVIOUS_SIZE, TIMESTAMP = 0xAB, 0xE7
TRACK_ENTRY, TRACK_NUMBER, CODEC_PRIVATE = 0xAE, 0xD7, 0x63A2
_TRACK_TYPE, _CODEC_ID, _ENABLED, _DEFAULT_DURATION, _TRACK_SCALE = 0x83, 0x86, 0xB9, 0x23E383, 0x23314F
_VIDEO, _WIDTH, _HEIGHT, _SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0xE0, 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2
_INFO, _SCALE, _CHAPTERS = 0x1549A966, 0x2AD7B1, 0x1043A770
_PICTURES: Final = 1  # type of a track
_MASTERS: Final = frozenset({TRACK_ENTRY, _VIDEO, 0x7670})
_CODECS: Final = {"V_MPEG4/ISO/AVC": "h264", "V_MPEGH/ISO/HEVC": "hevc", "V_VP9": "vp9", "V_AV1": "av1"}
_CONFIGURED: Final = frozenset({"h264", "hevc", "av1"})
# What a track may say that drawing would not keep, or not take into account; empty and zero say nothing.
_REFUSED: Final = {
    0x6D80: "ContentEncodings",
    0x41E4: "BlockAdditionMapping",
    0x53B8: "StereoMode",
    0x53C0: "AlphaMode",
    0x54AA: "PixelCropBottom",
    0x54BB: "PixelCropTop",
    0x54CC: "PixelCropLeft",
    0x54DD: "PixelCropRight",
    0x7671: "ProjectionType",
    0x7672: "ProjectionPrivate",
    0x7673: "ProjectionPoseYaw",
    0x7674: "ProjectionPosePitch",
    0x7675: "ProjectionPoseRoll",
}
_TOP_LEVEL: Final = frozenset({SEEK_HEAD, _INFO, TRACKS, TAGS, CUES, ATTACHMENTS, _CHAPTERS, CLUSTER})
_LACED: Final = 0x06
_KEY: Final = 0x80
_MILLISECOND: Final = 1_000_000


class Block(NamedTuple):
    """One picture: which cluster it is in, its element, and the block in that, which may be itself."""

    cluster: int
    element: Element
    block: Element


@dataclass(slots=True)
class Cluster:
    """A cluster: its head, its end, and its time.

    Attributes:
        head: Its head; `end` is where it truly ends.
        time: In ticks.
        says_previous: Whether it states how long the one before it is.
    """

    head: Element
    time: int = 0
    says_previous: bool = False


@dataclass(slots=True)
class Walk:
    """What a walk over all clusters finds.

    Attributes:
        layout: Where everything else lies.
        track: Number of the picture track.
        clusters: The clusters.
        blocks: The pictures.
        times: When each is presented, in ticks.
        keys: Whether decoding can start at it, as it says.
        start: When the first block of any track is presented, in ticks.
    """

    layout: Layout
    track: int
    clusters: list[Cluster] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)
    start: int | None = None


def read(file: BinaryIO) -> Film:
    """Return the one picture track of a segment.

    Raises:
        MalformedMedia: ``ebml-truncated``, ``ebml-damaged``, or ``video-damaged``.
        MediaTooLarge: There are more elements than any film has, or a larger picture.
        NoticeDoesNotFit: There is no picture track, or several, or one that cannot be drawn on: the code says why.
        UnsupportedFormat: See `matroska_layout.read`.
        OSError: Reading failed.
    """
    reader = Reader(file)
    layout = matroska_layout.read(reader)
    track = _picture_track(reader, layout)
    scale = _scale(reader, layout)
    walk = Walk(layout, track.number(TRACK_NUMBER) or 0)
    _walk(Reader(file), walk)
    if len(walk.blocks) > MOST_SAMPLES:
        raise MalformedMedia("video-damaged", offset=layout.segment.start)
    codec = _CODECS[track.text(_CODEC_ID) or ""]
    picture = next(each for each in track.children if each.kind == _VIDEO)
    size = picture.number(_WIDTH) or 0, picture.number(_HEIGHT) or 0
    check_picture_size(*size)
    times = np.array(walk.times, np.int64)
    places = np.array([(each.block.data, each.block.end) for each in walk.blocks], np.int64).reshape(-1, 2)
    return Film(
        file=file,
        codec=codec,
        config=(track.data(CODEC_PRIVATE) or b"") if codec in _CONFIGURED else b"",
        size=size,
        orientation=1,
        aspect=_aspect(picture, size),
        tick=Fraction(scale, 1_000_000_000),
        offsets=places[:, 0],
        sizes=places[:, 1] - places[:, 0],
        times=times,
        keys=np.array(walk.keys, np.bool_),
        shown=_shown(track, walk, scale),
        layout=walk,
    )


def tracks(reader: Reader, layout: Layout) -> list[Node]:
    """Return the descriptions of the tracks; see `read` for the errors."""
    return [ebml.tree(each, reader.content(each), _MASTERS) for each in layout.of_kind(TRACKS)]


def _picture_track(reader: Reader, layout: Layout) -> Node:
    entries = [each for node in tracks(reader, layout) for each in node.children if each.kind == TRACK_ENTRY]
    seen = [each for each in entries if each.number(_TRACK_TYPE) == _PICTURES and each.number(_ENABLED) != 0]
    if len(seen) != 1:
        raise does_not_fit("video-several-tracks" if seen else "video-no-pictures", count=len(seen))
    (track,) = seen
    codec = track.text(_CODEC_ID) or ""
    if codec not in _CODECS:
        raise does_not_fit("video-codec", codec=codec[:40].encode("ascii", "backslashreplace").decode())
    for each in _below(track):
        if each.kind in _REFUSED and isinstance(each.body, bytes) and each.body.strip(b"\0"):
            raise does_not_fit("video-kind", name=_REFUSED[each.kind])
    speed = track.data(_TRACK_SCALE)
    if speed and speed not in {struct.pack(">f", 1), struct.pack(">d", 1)}:
        raise does_not_fit("video-kind", name="TrackTimestampScale")
    if not any(each.kind == _VIDEO for each in track.children):
        raise ebml.damaged(layout.segment.data)
    return track


def _below(node: Node) -> Iterator[Node]:
    for each in node.children:
        yield each
        yield from _below(each)


def _scale(reader: Reader, layout: Layout) -> int:
    for each in layout.of_kind(_INFO):
        return ebml.tree(each, reader.content(each), ()).number(_SCALE) or _MILLISECOND
    return _MILLISECOND


def _aspect(picture: Node, size: tuple[int, int]) -> Fraction:
    width, height = picture.number(_SHOWN_WIDTH), picture.number(_SHOWN_HEIGHT)
    if not (width and height and size[0] and size[1]):
        return Fraction(1)
    return Fraction(width * size[1], height * size[0])


def _shown(track: Node, walk: Walk, scale: int) -> tuple[Shown, ...]:
    times = walk.times
    if not times:
        return ()
    first, last = min(times), max(times)
    # A film starts with the first of its tracks.
    at = Fraction((first - (walk.start or 0)) * scale, 1_000_000_000)
    length = (track.number(_DEFAULT_DURATION) or 0) // scale or round((last - first) / max(1, len(times) - 1))
    return without_delay([Shown(at, first, last + length)])


def _walk(reader: Reader, walk: Walk) -> None:
    segment = walk.layout.segment
    at = segment.data
    while at < segment.end:
        element = reader.element(at, segment.end)
        if element.kind == CLUSTER:
            element = _walk_cluster(reader, walk, element)
        at = element.end


def _walk_cluster(reader: Reader, walk: Walk, head: Element) -> Element:
    cluster = Cluster(head)
    walk.clusters.append(cluster)
    for child in reader.children(head):
        if head.open and child.kind in _TOP_LEVEL:
            cluster.head = head._replace(end=child.start)
            break
        if child.kind == TIMESTAMP:
            cluster.time = int.from_bytes(reader.content(child)[-8:], "big")
        elif child.kind == PREVIOUS_SIZE:
            cluster.says_previous = True
        elif child.kind == SIMPLE_BLOCK:
            _note(reader, walk, child, child, key=None)
        elif child.kind == BLOCK_GROUP:
            inner = list(reader.children(child))
            key = not any(each.kind == REFERENCE for each in inner)
            for each in inner:
                if each.kind == BLOCK:
                    _note(reader, walk, child, each, key=key)
    return cluster.head


def _note(reader: Reader, walk: Walk, element: Element, block: Element, *, key: bool | None) -> None:
    """Note a block if it is of the picture track; its own flag says whether it is a key, where its group does not."""
    reader.file.seek(block.data)
    head = reader.file.read(min(11, block.end - block.data))
    width = 9 - head[0].bit_length() if head and head[0] else 0
    if not width or len(head) < width + 3:
        raise ebml.damaged(block.start)
    time = walk.clusters[-1].time + int.from_bytes(head[width : width + 2], "big", signed=True)
    walk.start = time if walk.start is None else min(walk.start, time)
    if int.from_bytes(head[:width], "big") & (1 << 7 * width) - 1 != walk.track:
        return
    if head[width + 2] & _LACED:
        raise does_not_fit("video-kind", name="Lacing")
    walk.blocks.append(Block(len(walk.clusters) - 1, element, block._replace(data=block.data + width + 3)))
    walk.times.append(time)
    walk.keys.append(bool(head[width + 2] & _KEY) if key is None else key)
