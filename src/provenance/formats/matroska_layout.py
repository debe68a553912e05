"""Where the elements of a Matroska or WebM segment lie (RFC 9559, 4 to 6)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from provenance.errors import MediaError, MediaTooLarge, UnsupportedFormat
from provenance.formats import ebml
from provenance.formats.ebml import Element, Reader
from provenance.formats.matroska_tags import TAGS

SEEK_HEAD: Final = 0x114D9B74
TRACKS: Final = 0x1654AE6B
ATTACHMENTS: Final = 0x1941A469
CLUSTER: Final = 0x1F43B675
CUES: Final = 0x1C53BB6B
_SEGMENT: Final = 0x18538067
_INFO: Final = 0x1549A966
_CHAPTERS: Final = 0x1043A770
_DOC_TYPE: Final = 0x4282
# What a reader must know of the header, and the values that it can take here (RFC 8794, 11.2; RFC 9559, 4.1).
_LENGTHS: Final = {
    0x42F7: ("EBMLReadVersion", 1, 1),
    0x42F2: ("EBMLMaxIDLength", ebml.MAX_ID_LENGTH, ebml.MAX_ID_LENGTH),
    0x42F3: ("EBMLMaxSizeLength", 1, ebml.MAX_SIZE_LENGTH),
}
_SIZE_LENGTH: Final = 0x42F3
# What ends a cluster, or a segment, that does not say where it ends (RFC 8794, 6.2).
_DOCUMENT: Final = frozenset({ebml.HEADER, _SEGMENT})
_TOP_LEVEL: Final = frozenset({SEEK_HEAD, _INFO, TRACKS, TAGS, CUES, ATTACHMENTS, _CHAPTERS, CLUSTER})
_KEPT_LIMIT: Final = 10_000
_POSITION: Final = 0xA7  # where a cluster says it is; no modern writer gives that
_BEFORE_BLOCKS: Final = frozenset({ebml.CRC_32, ebml.VOID, 0xE7, 0xAB})  # Timestamp, PrevSize


@dataclass(slots=True)
class Layout:
    """One segment and what lies in it.

    Attributes:
        doc_type: ``matroska`` or ``webm``.
        size_length: The most bytes that a size field may have.
        segment: Its head; `end` is the true end of what it holds, also where it does not say so.
        elements: Its elements other than clusters and Voids.
        voids: Start and end of the Voids before the first cluster, or behind an element or Void of these.
        first_cluster: Offset of the first cluster; None without one.
        last_cluster: Offset of the last one.
    """

    doc_type: str
    size_length: int
    segment: Element
    elements: list[Element] = field(default_factory=list)
    voids: dict[int, int] = field(default_factory=dict)
    first_cluster: int | None = None
    last_cluster: int = 0

    def of_kind(self, kind: int) -> list[Element]:
        """Return its elements of one kind."""
        return [each for each in self.elements if each.kind == kind]

    def room_behind(self, end: int) -> int:
        """Return the end of the Voids that start at `end`."""
        while end in self.voids:
            end = self.voids[end]
        return end

    def position(self, offset: int) -> int:
        """Return an offset as the segment gives positions, which count from where its content starts."""
        return offset - self.segment.data


def doc_type(head: bytes) -> str | None:
    """Return the DocType in the first bytes of an EBML file, empty if it is not among them; None if it is none."""
    if not head.startswith(ebml.HEADER.to_bytes(4, "big")):
        return None
    reader = Reader(io.BytesIO(head))
    try:
        header = reader.element(0, len(head))
        return ebml.tree(header, reader.content(header), ()).text(_DOC_TYPE) or ""
    except MediaError:
        return ""


def read(reader: Reader) -> Layout:
    """Return where everything lies.

    Raises:
        UnsupportedFormat: ``ebml-kind-unknown`` or ``ebml-version-unknown``.
        MalformedMedia: ``ebml-truncated`` or ``ebml-damaged``.
        MediaTooLarge: ``ebml-too-many-elements``, or a header larger than any metadata may be.
        OSError: Reading failed.
    """
    kind, size_length, end = _header(reader)
    layout = Layout(kind, size_length, _segment(reader, end))
    behind = 0  # the end of what was kept last
    for element in _top_level(reader, layout):
        if element.kind == CLUSTER:
            layout.first_cluster = layout.first_cluster or element.start
            layout.last_cluster = element.start
        elif element.kind != ebml.VOID:
            layout.elements.append(element)
            behind = element.end
        elif layout.first_cluster is None or behind == element.start:
            layout.voids[element.start] = behind = element.end
        if len(layout.elements) + len(layout.voids) > _KEPT_LIMIT:
            raise MediaTooLarge("ebml-too-many-elements", offset=element.start, limit=_KEPT_LIMIT)
    return layout


def clusters_say_where_they_are(reader: Reader, layout: Layout) -> bool:
    """Say whether a cluster states its position, which is false once it has moved.

    Raises:
        MalformedMedia: See `read`.
        MediaTooLarge: See `read`.
        OSError: Reading failed.
    """
    for cluster in _top_level(reader, layout):
        if cluster.kind != CLUSTER:
            continue
        for child in reader.children(cluster):
            if child.kind == _POSITION and any(reader.content(child)):
                return True
            if child.kind not in _BEFORE_BLOCKS:
                break
    return False


def _header(reader: Reader) -> tuple[str, int, int]:
    """Return the DocType, the most bytes of a size field, and where the header ends."""
    element = reader.element(0, reader.size)
    if element.kind != ebml.HEADER:
        raise ebml.damaged(0)
    header = ebml.tree(element, reader.content(element), ())
    for kind, (name, least, most) in _LENGTHS.items():
        value = header.number(kind)
        if value is not None and not least <= value <= most:
            raise UnsupportedFormat("ebml-version-unknown", field=name, found=value)
    found = header.text(_DOC_TYPE) or ""
    if found not in {"matroska", "webm"}:
        raise UnsupportedFormat("ebml-kind-unknown", found=found[:40].encode("ascii", "backslashreplace").decode())
    return found, header.number(_SIZE_LENGTH) or ebml.MAX_SIZE_LENGTH, element.end


def _segment(reader: Reader, at: int) -> Element:
    element = reader.element(at, reader.size)
    while element.kind in {ebml.VOID, ebml.CRC_32} and not element.open:
        element = reader.element(element.end, reader.size)
    if element.kind != _SEGMENT:
        raise ebml.damaged(element.start)
    return element


def _top_level(reader: Reader, layout: Layout) -> Iterator[Element]:
    """Yield the elements of the segment, and set its end where it does not say so itself."""
    segment = layout.segment
    at = segment.data
    while at < segment.end:
        element = reader.element(at, segment.end)
        if element.kind in _DOCUMENT:
            if not segment.open:
                raise ebml.damaged(at)
            layout.segment = segment._replace(end=at)
            return
        if element.open:
            element = element._replace(end=_end_of_cluster(reader, element))
        yield element
        at = element.end


def _end_of_cluster(reader: Reader, cluster: Element) -> int:
    if cluster.kind != CLUSTER:
        raise ebml.damaged(cluster.start)
    for child in reader.children(cluster):
        if child.kind in _TOP_LEVEL or child.kind in _DOCUMENT:
            return child.start
        if child.open:
            raise ebml.damaged(child.start)
    return cluster.end
