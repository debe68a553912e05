"""FLV: the AIGC element in ``onMetaData``, XMP in ``onXMPData``; sound and pictures go over byte-exact.

A position that ffmpeg puts into ``onMetaData`` is read, and goes or changes on request; labels state theirs in XMP.

Both are script tags in front of all else (FLV specification, E.5; TC260-PG-20257A, 6.1; XMP specification, part 3).
What ``onMetaData`` says of places in the file follows when they move.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import amf, flv
from provenance.formats.amf import Data, Pair
from provenance.formats.base import NO_FIELDS, Container, Field, FieldName, Fields, Handler, Places, check_carrier_size
from provenance.formats.flv import SCRIPT, TAG_HEAD, Tag
from provenance.formats.moves import Moves, moves
from provenance.formats.splice import Edit, splice
from provenance.metadata.aigc import Slot
from provenance.metadata.position import from_iso6709

_METADATA, _XMP = "onMetaData", "onXMPData"
_PACKET: Final = "liveXML"
_NATIVE: Final[dict[FieldName, str]] = {"aigc": "AIGC", "position": "location"}
# A name of ffmpeg's: with a language, or the key of a MOV.
_LOCATION: Final = re.compile(r"location(-[a-z]{3})?|com\.apple\.quicktime\.location\.iso6709", re.IGNORECASE)
_DOUBLE: Final = struct.Struct(">d")
_UNREADABLE: Final = "flv-script-unreadable"
_LARGEST_SIDE: Final = 1 << 16
_EXACT: Final = 1 << 53  # to there, every whole number is one of AMF
_NO_MOVES: Final = moves(())


@dataclass(slots=True)
class _Script:
    """A script tag, and the changes to its data."""

    tag: Tag
    data: bytes
    cuts: list[Edit] = field(default_factory=list)

    @property
    def value(self) -> int:
        """Where the value that follows the name starts."""
        return 3 + int.from_bytes(self.data[1:3], "big")

    def parsed(self) -> tuple[Data, Iterator[Pair]]:
        """Return the data and the pairs in them."""
        data = Data(self.data, self.tag.data)
        return data, data.pairs(self.value)

    def end(self, pairs: Sequence[Pair]) -> int:
        """Return where one more pair goes."""
        return pairs[-1].end if pairs else self.value + (1 if self.data[self.value] == amf.OBJECT else 5)


@dataclass(slots=True)
class _Layout:
    start: int
    sound_only: bool
    metadata: list[_Script] = field(default_factory=list)
    xmp: list[_Script] = field(default_factory=list)


def sniff(head: bytes) -> bool:
    """Say whether the content starts as an FLV file does."""
    return head.startswith(flv.MAGIC)


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a file holds; of sound and pictures only the heads are ever read, with `whole` or without.

    Raises:
        MalformedMedia: ``flv-truncated`` or ``flv-damaged``.
        MediaTooLarge: Its script data, or the number of its tags, exceeds a limit.
        OSError: Reading failed.
    """
    del whole
    layout = _parse(file)
    stated: list[Field] = []
    sides: dict[str, int] = {}
    warnings = []
    try:
        for script in layout.metadata:
            data, pairs = script.parsed()
            for pair in pairs:
                if name := _field(data, pair):
                    slot: Slot | None = "flv-metadata" if name == "aigc" else None
                    stated.append(Field(name, data.text(pair.value) or "", f"{_METADATA}:{pair.key}", slot))
                elif pair.key in {"width", "height"} and data.kind(pair.value) == amf.NUMBER:
                    sides.setdefault(pair.key, _whole_number(data.data, pair.value + 1))
    except MalformedMedia:
        warnings.append(_UNREADABLE)
    packets = [packet for packet in map(_packet, layout.xmp) if packet is not None]
    seen = all(0 < sides.get(side, 0) <= _LARGEST_SIDE for side in ("width", "height"))
    return Container(
        format="flv",
        media="audio" if layout.sound_only else "video",
        mime="video/x-flv",
        width=sides["width"] if seen else None,
        height=sides["height"] if seen else None,
        xmp=packets[0] if packets else None,
        xmp_count=len(packets),
        fields=tuple(stated),
        warnings=tuple(warnings + (["xmp-repeated"] if len(packets) > 1 else [])),
    )


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    fields: Fields = NO_FIELDS,
    known: bool = False,
) -> None:
    """Append a copy of `source` to `target` with another AIGC element and XMP packet.

    The element is the last of its array: some readers give up at a long text, and would miss what follows.

    Raises:
        MetadataNotWritten: ``flv-holds-no-exif``; ``flv-tag-full``; ``xmp-repeated``: the file has several packets and
            readers would not agree on one.
        MalformedMedia: See `read`; also ``flv-script-unknown``: script data that must change cannot be read.
        MediaTooLarge: See `read`.
        OSError: Reading or writing failed.
    """
    del known
    if exif is not None:
        raise MetadataNotWritten("flv-holds-no-exif")
    layout = _parse(source)
    new = []
    wanted = {name: value for name, value in fields.items() if name in _NATIVE}
    if wanted:
        new += _field_cuts(layout, wanted)
    if xmp is not None:
        check_carrier_size(len(xmp), 0)
        new += _packet_cuts(layout, xmp)
    splice(source, target, _edits(source, layout, new))


def _field_cuts(layout: _Layout, fields: Fields) -> list[Edit]:
    """Note what makes each of `fields` stated once, or nowhere; return a new tag if there is none to hold them."""
    parsed = [(script, *script.parsed()) for script in layout.metadata]
    pairs = [(script, list(each), data) for script, data, each in parsed]
    stated = [(_field(data, pair), data.text(pair.value)) for _, each, data in pairs for pair in each]
    changed = {
        name: value
        for name, value in fields.items()
        if [text for known, text in stated if known == name] != ([] if value is None else [value])
    }
    new = [amf.pack_pair(_NATIVE[name], amf.pack_text(value.encode())) for name, value in changed.items() if value]
    if new and not layout.metadata:
        return [Edit(layout.start, layout.start, flv.pack(amf.pack_message(_METADATA, *new)))]
    for script, each, data in pairs if changed else ():
        gone = [pair for pair in each if _field(data, pair) in changed]
        script.cuts += [Edit(pair.start, pair.end, b"") for pair in gone]
        if new:
            end = script.end(each)
            script.cuts.append(Edit(end, end, b"".join(new)))
        script.cuts += _count(script, len(each), len(each) - len(gone) + len(new))
        new = []
    return []


def _packet_cuts(layout: _Layout, packet: bytes) -> list[Edit]:
    """Note what makes `packet` the XMP; return the new tag for it if there is none to take it."""
    if len(layout.xmp) > 1:
        raise MetadataNotWritten("xmp-repeated", offset=layout.xmp[1].tag.start)
    pair = amf.pack_pair(_PACKET, amf.pack_text(packet, long=True))
    if not layout.xmp:
        start = layout.metadata[0].tag.end if layout.metadata else layout.start
        return [Edit(start, start, flv.pack(amf.pack_message(_XMP, pair)))]
    script = layout.xmp[0]
    data, pairs = script.parsed()
    each = list(pairs)
    old = [found for found in each if found.key == _PACKET]
    if not old or data.raw(old[0].value) != packet:
        end = script.end(each)
        script.cuts.append(Edit(old[0].start, old[0].end, pair) if old else Edit(end, end, pair))
        script.cuts += _count(script, len(each), len(each) + (not old))
    return []


def _count(script: _Script, old: int, new: int) -> list[Edit]:
    """Return what lets an array say how many pairs it has, where it knows; it need not (AMF 0, 2.10)."""
    at = script.value + 1
    says = script.data[at - 1] == amf.ECMA_ARRAY and script.data[at : at + 4] == struct.pack(">I", old)
    return [Edit(at, at + 4, struct.pack(">I", new))] if says and new != old else []


def _edits(file: BinaryIO, layout: _Layout, new: list[Edit]) -> list[Edit]:
    """Return the edits of whole tags, with the places in the file that they state as they are afterwards."""
    scripts = [*layout.metadata, *layout.xmp]
    edits = [*new, *(_replaced(file, script) for script in scripts if script.cuts)]
    moved = moves(edits)
    if moved != _NO_MOVES:
        for script in layout.metadata:
            script.cuts += _followed(script, moved)
    return [*new, *(_replaced(file, script) for script in scripts if script.cuts)]


def _replaced(file: BinaryIO, script: _Script) -> Edit:
    parts, at = [], 0
    for cut in sorted(script.cuts):
        parts += [script.data[at : cut.start], cut.new]
        at = cut.end
    file.seek(script.tag.start)
    head = file.read(TAG_HEAD)
    if len(head) < TAG_HEAD:
        raise MalformedMedia("flv-truncated", offset=script.tag.start)
    return Edit(script.tag.start, script.tag.end, flv.pack(b"".join([*parts, script.data[at:]]), head))


def _followed(script: _Script, moved: Moves) -> Iterator[Edit]:
    """Yield the size of the file and the places of key frames as they are after the moves."""
    data, pairs = script.parsed()
    for pair in pairs:
        is_number = data.kind(pair.value) == amf.NUMBER
        if pair.key == "filesize" and is_number:
            yield from _shifted(data.data, pair.value + 1, moved, whole=True)
        elif pair.key == "lastkeyframelocation" and is_number:
            yield from _shifted(data.data, pair.value + 1, moved)
        elif pair.key == "keyframes" and data.kind(pair.value) in {amf.OBJECT, amf.ECMA_ARRAY}:
            for inner in data.pairs(pair.value):
                if inner.key == "filepositions":
                    for at in data.numbers(inner.value):
                        yield from _shifted(data.data, at, moved)


def _shifted(data: bytes, at: int, moved: Moves, *, whole: bool = False) -> Iterator[Edit]:
    old = _whole_number(data, at)
    new = old + moved.shifts[-1] if whole else moved.of(old)
    if old and new != old:
        yield Edit(at, at + _DOUBLE.size, _DOUBLE.pack(new))


def _whole_number(data: bytes, at: int) -> int:
    """Return a positive whole number; zero for any other."""
    (value,) = _DOUBLE.unpack_from(data, at)
    return int(value) if 0 < value < _EXACT and value == int(value) else 0


def _packet(script: _Script) -> bytes | None:
    try:
        data, pairs = script.parsed()
        return next((data.raw(pair.value) for pair in pairs if pair.key == _PACKET), None)
    except MalformedMedia:
        return None


def _field(data: Data, pair: Pair) -> FieldName | None:
    """Return what a pair states."""
    if pair.key.upper() == _NATIVE["aigc"]:
        return "aigc"
    if _LOCATION.fullmatch(pair.key) and from_iso6709(data.text(pair.value) or ""):
        return "position"
    return None


def _parse(file: BinaryIO) -> _Layout:
    layout = _Layout(*flv.header(file))
    named = {_METADATA.encode(): layout.metadata, _XMP.encode(): layout.xmp}
    held = 0
    for tag in flv.tags(file, layout.start):
        found = named.get(flv.script_name(file, tag)) if tag.kind == SCRIPT else None
        if found is not None:
            held += tag.end - tag.start
            check_carrier_size(held, tag.start)
            found.append(_Script(tag, flv.content(file, tag)))
    return layout


HANDLER: Final = Handler(
    "flv",
    "video",
    "video/x-flv",
    (".flv",),
    sniff,
    read,
    write,
    holds_exif=False,
    signs=False,
    places=Places(xmp=_XMP, fields={"aigc": f"{_METADATA} {_NATIVE['aigc']}"}, aigc=("flv-metadata", "xmp")),
    write_fields=write,
)
