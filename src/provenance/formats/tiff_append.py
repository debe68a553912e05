"""Edits of a TIFF file that move no byte of it: new directories at its end, and one offset in its header.

Maker notes, previews and private directories count offsets from places nobody documents, so everything stays where it
is. What must not stay, an old position or an XMP packet that has been replaced, is overwritten with zeros, unless
something else lies there as well.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from provenance.errors import MetadataNotWritten
from provenance.formats import tiff
from provenance.formats.splice import Edit
from provenance.formats.tiff import PAGE, Directory, Span, Stream
from provenance.metadata.ifd import LONG, Value

_CLASSIC_LIMIT: Final = (1 << 32) - 1


class Appendix:
    """What goes behind the end of a file."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.content = bytearray()

    def add(self, directory: Directory | None, values: Mapping[int, Value | None]) -> Value:
        """Add `directory` with `values` put in or, where None, taken out; return the pointer to it.

        Raises:
            MetadataNotWritten: ``tiff-full``: the offsets of a classic TIFF do not reach its new end.
        """
        stream = self.stream
        self._align()
        old = directory.entries if directory else ()
        entries = [(entry.tag, entry.raw) for entry in old if entry.tag not in values]
        wanted = {tag: value for tag, value in values.items() if value is not None}
        start = stream.size + len(self.content)
        free = start + stream.count.size + (len(entries) + len(wanted)) * stream.entry.size + stream.pointer
        behind = bytearray()
        for tag, value in wanted.items():
            if len(value.data) <= stream.pointer:
                where = value.data.ljust(stream.pointer, b"\0")
            else:
                where = self._offset(free + len(behind))
                behind += value.data + bytes(-len(value.data) % stream.pointer)
            entries.append((tag, stream.entry.pack(tag, value.kind, value.number, 0)[: -stream.pointer] + where))
        # Stable: entries that share a tag keep their order.
        entries.sort(key=lambda entry: entry[0])
        self.content += stream.count.pack(len(entries)) + b"".join(raw for _, raw in entries)
        self.content += stream.offset(directory.following if directory else 0) + behind
        return Value(tiff.LONG8 if stream.big else LONG, 1, self._offset(start))

    def put(self, data: bytes) -> bytes:
        """Add a value that is too long for an entry; return its offset as an entry holds it.

        Raises:
            MetadataNotWritten: See `add`.
        """
        self._align()
        where = self._offset(self.stream.size + len(self.content))
        self.content += data
        return where

    def end(self) -> list[Edit]:
        """Return the edit that appends all this, if there is anything."""
        return [Edit(self.stream.size, self.stream.size, bytes(self.content))] if self.content else []

    def edits(self, first: Value, erased: Iterable[Span]) -> list[Edit]:
        """Return the edits that append all this, point the header at `first`, and overwrite what is `erased`."""
        stream = self.stream
        return [
            Edit(stream.pointer, stream.header, first.data),
            *(Edit(span.start, span.end, bytes(span.end - span.start)) for span in erased),
            *self.end(),
        ]

    def _offset(self, value: int) -> bytes:
        if not self.stream.big and value > _CLASSIC_LIMIT:
            raise MetadataNotWritten("tiff-full", size=value, limit=_CLASSIC_LIMIT)
        return self.stream.offset(value)

    def _align(self) -> None:
        self.content += bytes(-(self.stream.size + len(self.content)) % self.stream.pointer)


def shared(stream: Stream, spans: Collection[Span], entries: Collection[tuple[int, int]]) -> set[Span]:
    """Return those of `spans` where something else of the file lies as well.

    Args:
        stream: The file.
        spans: The bytes to overwrite.
        entries: Offset of the directory, and tag, of each value that may lie there; with `PAGE` the directory itself.

    Raises:
        MalformedMedia: The structure of the file is damaged.
        OSError: Reading failed.
    """
    ordered = sorted(spans)
    ends = [span.end for span in ordered]
    if any(one.end > other.start for one, other in pairwise(ordered)):
        return set(spans)
    found: set[Span] = set()
    for live in _live(stream, entries):
        found.update(_touched(ordered, ends, live))
    return found


def _touched(ordered: Sequence[Span], ends: Sequence[int], live: Span) -> Iterator[Span]:
    index = bisect_left(ends, live.start + 1)
    while index < len(ordered) and ordered[index].start < live.end:
        yield ordered[index]
        index += 1


def _live(stream: Stream, entries: Collection[tuple[int, int]]) -> Iterator[Span]:
    yield Span(0, stream.header)
    for found in tiff.walk(stream):
        directory, start = found.directory, found.directory.span.start
        if (start, PAGE) not in entries:
            yield directory.span
        for entry in directory.entries:
            if tiff.is_outside(stream, entry) and (start, entry.tag) not in entries:
                yield Span(entry.at, entry.at + entry.size)
        yield from tiff.pixel_spans(stream, directory)
