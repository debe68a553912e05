"""Put other samples into a Matroska or WebM file: their clusters grow where they lie, and the indices follow."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from provenance.formats import ebml, matroska_layout
from provenance.formats.ebml import CRC_32, Element, Node, Reader
from provenance.formats.matroska_layout import CUES, SEEK_HEAD, TRACKS
from provenance.formats.splice import Edit
from provenance.notices import video_mkv
from provenance.notices.refusal import does_not_fit
from provenance.notices.video_film import Film, New, Numbers, Part, Swap, in_decoding_order, mover, order
from provenance.notices.video_mkv import BLOCK, BLOCK_GROUP, PREVIOUS_SIZE, REFERENCE, SIMPLE_BLOCK, Walk

_SEEK, _SEEK_POSITION = 0x4DBB, 0x53AC
_CUE_POINT, _CUE_PLACES, _CUE_REFERENCE = 0xBB, 0xB7, 0xDB
_CUE_CLUSTER, _CUE_INSIDE = 0xF1, 0xF0
_CUE_POSITIONS: Final = frozenset({_CUE_CLUSTER, 0xEA, 0x97, 0xEB})
_LARGEST_CLUSTER: Final = 1 << 28  # bytes; one is made in memory, for its checksum
_ROUNDS: Final = 8  # an index that grows moves what it leads to
_KEY: Final = 0x80
_CRC_LENGTH: Final = 4
_ID_WIDTH: Final = 4  # bytes of the identifiers of segments and clusters
_FARTHEST: Final = 1 << 15  # ticks between a block and its cluster

Move = Callable[[int], int]


@dataclass(slots=True)
class _Job:
    """What is put where.

    Attributes:
        film: The source.
        new: By number, the samples that are replaced, as they lie in `scratch`.
        like: By number, the source's sample that shows the same picture.
        times: When each sample is presented now, in ticks.
        scratch: Where new bytes lie.
        inside: For each cluster made anew, by where it starts: where in it the elements lie now, by where they lay.
    """

    film: Film
    new: Mapping[int, New]
    like: Mapping[int, int]
    times: Numbers
    scratch: BinaryIO
    inside: dict[int, dict[int, int]] = field(default_factory=dict)

    @property
    def walk(self) -> Walk:
        walk: Walk = self.film.layout
        return walk

    def put(self, start: int, end: int, data: bytes) -> Swap:
        at = self.scratch.seek(0, 2)
        self.scratch.write(data)
        return Swap(start, end, at, len(data))


def swaps(film: Film, parts: Sequence[Part], config: bytes, scratch: BinaryIO) -> list[Swap]:
    """Return what to replace so that a file has other samples in some parts; what is not in `scratch` yet is put there.

    Args:
        film: The source.
        parts: Which samples are replaced by which, as they lie in `scratch`; in order.
        config: The record of what a decoder must know first; empty leaves it as it is.
        scratch: Where new bytes lie.

    Raises:
        NoticeDoesNotFit: ``video-kind``: clusters say where they are, or a checksum speaks of the whole segment;
            ``video-samples-shared``: a time is too far from that of its cluster.
        MalformedMedia: An index breaks its form.
        MediaTooLarge: An index is larger than any metadata may be.
        OSError: Reading or writing failed.
    """
    spans = [part.span for part in parts]
    new = {number: each for span, samples in parts for number, each in zip(range(*span), samples, strict=True)}
    like = {number: int(each) for span in spans for number, each in zip(range(*span), order(film, span), strict=True)}
    job = _Job(film, new, like, in_decoding_order(film, spans), scratch)
    layout = job.walk.layout
    reader = Reader(film.file)
    if matroska_layout.clusters_say_where_they_are(reader, layout):
        raise does_not_fit("video-kind", name="Position")
    if layout.elements and layout.elements[0].kind == CRC_32 and layout.elements[0].start == layout.segment.data:
        raise does_not_fit("video-kind", name="CRC-32")
    media = _clusters(job)
    fixed = [*media, *(job.put(*edit) for edit in _tracks(job, reader, config))]
    return _settled(job, reader, fixed)


def _settled(job: _Job, reader: Reader, fixed: Sequence[Swap]) -> list[Swap]:
    """Return all that is replaced, with the indices, which may themselves grow and move what they lead to."""
    layout = job.walk.layout
    heads = [ebml.tree(each, reader.content(each), {_SEEK}) for each in layout.of_kind(SEEK_HEAD)]
    masters = {_CUE_POINT, _CUE_PLACES, _CUE_REFERENCE}
    cues = [ebml.tree(each, reader.content(each), masters) for each in layout.of_kind(CUES)]
    indices: list[Edit] = []
    for _ in range(_ROUNDS):
        lengths = [Swap(each.start, each.end, 0, len(each.new)) for each in indices]
        move = mover([*fixed, *lengths])
        before = [each.growth for each in indices]
        indices = [*_moved_heads(job, heads, move), *_moved_cues(job, cues, move)]
        if before == [each.growth for each in indices]:
            whole = [*fixed, *(job.put(*edit) for edit in indices)]
            return [*whole, *_size(job, whole)]
    raise does_not_fit("video-kind", name="Cues")


def _clusters(job: _Job) -> list[Swap]:
    walk = job.walk
    changed = {walk.blocks[number].cluster for number in job.new}
    following = {at + 1 for at in changed if at + 1 < len(walk.clusters) and walk.clusters[at + 1].says_previous}
    numbers = {walk.blocks[number].element.start: number for number in job.new}
    return [_cluster(job, walk.clusters[at], numbers) for at in sorted(changed | following)]


def _cluster(job: _Job, cluster: video_mkv.Cluster, numbers: Mapping[int, int]) -> Swap:
    head = cluster.head
    if head.end - head.data > _LARGEST_CLUSTER:
        raise does_not_fit("video-kind", name="Cluster")
    pieces: list[bytes] = []
    places: dict[int, int] = {}
    at = 0
    checksum = b""
    for child in Reader(job.film.file).children(head._replace(open=False)):
        places[child.start] = at
        number = numbers.get(child.start)
        if child.kind == CRC_32 and child.start == head.data and child.end - child.data == _CRC_LENGTH:
            # Its head stays, however long, and so does what follows where it is.
            checksum, piece = _raw(job, child._replace(end=child.data)), b""
            at += child.end - child.start
        elif child.kind == PREVIOUS_SIZE:
            # It is no longer true. A void of its length keeps it true in the next cluster.
            piece = bytes([ebml.VOID]) + _raw(job, child)[1:]
        elif number is not None:
            piece = _block(job, number, cluster.time)
        else:
            piece = _raw(job, child)
        pieces.append(piece)
        at += len(piece)
    body = b"".join(pieces)
    if checksum:
        body = checksum + ebml.checksum(zlib.crc32(body)) + body
    width = head.data - head.start - _ID_WIDTH
    said = _raw(job, head._replace(end=head.data)) if head.open else ebml.head(head.kind, len(body), width)
    job.inside[head.start] = places
    return job.put(head.start, head.end, said + body)


def _raw(job: _Job, element: Element) -> bytes:
    job.film.file.seek(element.start)
    return job.film.file.read(element.end - element.start)


def _block(job: _Job, number: int, cluster_time: int) -> bytes:
    """Return a new sample as a block, in the form of the block whose picture it shows."""
    source = job.walk.blocks[job.like[number]]
    time = int(job.times[number]) - cluster_time
    if not -_FARTHEST <= time < _FARTHEST:
        raise does_not_fit("video-samples-shared")
    new = job.new[number]
    job.scratch.seek(new.at)
    data = job.scratch.read(new.size)
    key = bool(job.film.keys[number])
    simple = source.element.kind == SIMPLE_BLOCK
    body = (
        ebml.size_field(job.walk.track)
        + time.to_bytes(2, "big", signed=True)
        + bytes([_KEY if simple and key else 0])
        + data
    )
    if simple:
        return ebml.pack(Node(SIMPLE_BLOCK, 1, body))
    others = ebml.nodes(
        _raw(job, source.element)[source.element.data - source.element.start :], (), source.element.data
    )
    children = [Node(BLOCK, 1, body)]
    if not key:
        # It refers to the picture before.
        step = int(job.times[number - 1] - job.times[number]) if number - 1 in job.new else 0
        size = (step.bit_length() + 8) // 8
        children.append(Node(REFERENCE, 1, step.to_bytes(size, "big", signed=True)))
    children += [each for each in others if each.kind not in {BLOCK, REFERENCE, CRC_32}]
    return ebml.pack(Node(BLOCK_GROUP, 1, tuple(children)))


def _tracks(job: _Job, reader: Reader, config: bytes) -> Iterable[Edit]:
    """Yield the description of the tracks with another record for decoders."""
    if not config or config == job.film.config:
        return
    layout = job.walk.layout
    for element, node in zip(layout.of_kind(TRACKS), video_mkv.tracks(reader, layout), strict=True):
        entries = tuple(_with_config(entry, job.walk.track, config) for entry in node.children)
        yield Edit(element.start, element.end, ebml.pack(node.holding(entries)))


def _with_config(entry: Node, track: int, config: bytes) -> Node:
    if entry.kind != video_mkv.TRACK_ENTRY or entry.number(video_mkv.TRACK_NUMBER) != track:
        return entry
    kind = video_mkv.CODEC_PRIVATE
    return entry.holding(tuple(each._replace(body=config) if each.kind == kind else each for each in entry.children))


def _moved_heads(job: _Job, heads: Sequence[Node], move: Move) -> Iterable[Edit]:
    for element, node in zip(job.walk.layout.of_kind(SEEK_HEAD), heads, strict=True):
        children = tuple(_moved(job, each, frozenset({_SEEK_POSITION}), move) for each in node.children)
        yield Edit(element.start, element.end, ebml.pack(node.holding(children)))


def _moved_cues(job: _Job, cues: Sequence[Node], move: Move) -> Iterable[Edit]:
    for element, node in zip(job.walk.layout.of_kind(CUES), cues, strict=True):
        children = tuple(_moved(job, each, _CUE_POSITIONS, move) for each in node.children)
        yield Edit(element.start, element.end, ebml.pack(node.holding(children)))


def _moved(job: _Job, node: Node, kinds: frozenset[int], move: Move) -> Node:
    """Return an entry of an index with the positions in it as they are after the moves."""
    if isinstance(node.body, tuple):
        children = tuple(_moved(job, each, kinds, move) for each in node.children)
        if node.kind == _CUE_PLACES:
            children = tuple(_moved_inside(job, node, each) for each in children)
        return node.holding(children)
    if node.kind not in kinds:
        return node
    base = job.walk.layout.segment.data
    position = move(int.from_bytes(node.body[:8], "big") + base) - move(base)
    return node._replace(body=ebml.unsigned(position).rjust(len(node.body), b"\0"))


def _moved_inside(job: _Job, places: Node, node: Node) -> Node:
    """Return where in its cluster a block lies now."""
    cluster = (places.number(_CUE_CLUSTER) or 0) + job.walk.layout.segment.data
    if node.kind != _CUE_INSIDE or cluster not in job.inside or isinstance(node.body, tuple):
        return node
    data = next(each.head.data for each in job.walk.clusters if each.head.start == cluster)
    inside = job.inside[cluster].get(data + int.from_bytes(node.body[:8], "big"))
    if inside is None:
        raise does_not_fit("video-kind", name="CueRelativePosition")
    return node._replace(body=ebml.unsigned(inside).rjust(len(node.body), b"\0"))


def _size(job: _Job, whole: Sequence[Swap]) -> Iterable[Swap]:
    """Yield the new size of the segment, where it says one."""
    segment = job.walk.layout.segment
    if segment.open:
        return
    growth = sum(each.length - (each.end - each.start) for each in whole)
    start = segment.start + _ID_WIDTH
    yield job.put(start, segment.data, ebml.size_field(segment.end - segment.data + growth, segment.data - start))
