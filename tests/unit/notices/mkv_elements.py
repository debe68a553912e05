"""Matroska files written element by element from the packets of another film (RFC 9559)."""

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SEGMENT, INFO, TRACKS, CLUSTER, CUES = "18538067", "1549A966", "1654AE6B", "1F43B675", "1C53BB6B"
TRACK, NUMBER, KIND, CODEC, PRIVATE, VIDEO, WIDTH, HEIGHT = "AE", "D7", "83", "86", "63A2", "E0", "B0", "BA"
SIMPLE, GROUP, BLOCK, REFERENCE, DURATION = "A3", "A0", "A1", "FB", "9B"
OPEN = b"\x01" + b"\xff" * 7


class Picture(NamedTuple):
    """A packet: time in milliseconds, whether it is a key, and its bytes."""

    time: int
    key: bool
    data: bytes


def element(kind: str, payload: bytes | int, size: bytes | None = None) -> bytes:
    """Return an element; `size` stands in the place of its true one."""
    if isinstance(payload, int):
        payload = payload.to_bytes(max(1, (payload.bit_length() + 7) // 8), "big")
    return bytes.fromhex(kind) + (size or struct.pack(">Q", 1 << 56 | len(payload))) + payload


def with_checksum(payload: bytes) -> bytes:
    return element("BF", struct.pack("<I", zlib.crc32(payload))) + payload


def read(path: Path) -> tuple[list[Picture], bytes, tuple[int, int]]:
    """Return the pictures of a film, what its decoder must know first, and the size."""
    import av

    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        packets = [each for each in film.demux(stream) if each.size]
        earliest = min(each.pts for each in packets)
        times = [round((each.pts - earliest) * stream.time_base * 1000) for each in packets]
        pictures = [Picture(at, each.is_keyframe, bytes(each)) for at, each in zip(times, packets, strict=True)]
        return pictures, bytes(stream.codec_context.extradata or b""), (stream.width, stream.height)


@dataclass
class Writing:
    """How to write a film.

    Attributes:
        groups: Blocks are in groups, which say what they refer to and how long they last.
        checksums: Every cluster starts with its checksum.
        previous: Every cluster but the first says how long the one before is.
        open_sizes: Segment and clusters do not say how long they are.
        positions: Every cluster says where it is.
        cues: There is an index, which says where in its cluster a block is as well.
        lacing: Flags of the blocks.
        track: More elements of the track.
        video: More elements of its description as pictures.
        codec: Its codec.
        cluster_pictures: In one cluster.
        behind: Elements behind the clusters.
        segment: Elements in front of all in the segment.
    """

    groups: bool = False
    checksums: bool = False
    previous: bool = False
    open_sizes: bool = False
    positions: bool = False
    cues: bool = False
    lacing: int = 0
    track: bytes = b""
    video: bytes | None = b""
    codec: str = "V_MPEG4/ISO/AVC"
    cluster_pictures: int = 30
    behind: bytes = b""
    segment: bytes = b""
    _points: bytes = field(default=b"", init=False)

    def film(self, pictures: list[Picture], private: bytes, size: tuple[int, int]) -> bytes:
        """Return the file."""
        width, height = size
        described = (
            b"" if self.video is None else element(VIDEO, element(WIDTH, width) + element(HEIGHT, height) + self.video)
        )
        codec = element(CODEC, self.codec.encode()) + element(PRIVATE, private)
        track = element(
            TRACK, element(NUMBER, 1) + element("73C5", 1) + element(KIND, 1) + codec + described + self.track
        )
        content = self.segment + element(INFO, element("2AD7B1", 1_000_000)) + element(TRACKS, track)
        length = 0
        for first in range(0, len(pictures), self.cluster_pictures):
            cluster = self._cluster(pictures, first, len(content), length)
            length = len(cluster)
            content += cluster
        content += element(CUES, self._points) if self.cues else b""
        content += self.behind
        head = element("4282", b"matroska") + element("4287", 4) + element("4285", 2)
        return element("1A45DFA3", head) + element(SEGMENT, content, OPEN if self.open_sizes else None)

    def _cluster(self, pictures: list[Picture], first: int, position: int, length: int) -> bytes:
        time = max(0, pictures[first].time)
        body = element("E7", time)
        if self.positions:
            body += element("A7", position)
        if self.previous and length:
            body += element("AB", length)
        skipped = len(element("BF", b"1234")) if self.checksums else 0
        for number in range(first, min(len(pictures), first + self.cluster_pictures)):
            each = pictures[number]
            if each.key and self.cues:
                inside = element("F7", 1) + element("F1", position) + element("F0", len(body) + skipped)
                self._points += element("BB", element("B3", each.time) + element("B7", inside))
            body += self._block(each, time)
        if self.checksums:
            body = with_checksum(body)
        return element(CLUSTER, body, OPEN if self.open_sizes else None)

    def _block(self, each: Picture, time: int) -> bytes:
        flags = self.lacing | (0x80 if each.key and not self.groups else 0)
        block = b"\x81" + struct.pack(">hB", each.time - time, flags) + each.data
        if not self.groups:
            return element(SIMPLE, block)
        reference = b"" if each.key else element(REFERENCE, struct.pack(">b", -42))
        return element(GROUP, element(BLOCK, block) + reference + element(DURATION, 42))
