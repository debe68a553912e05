"""Vorbis comments, as Ogg streams and FLAC hold them: what they state for us, and the same with other statements.

There is no standard place for XMP, so our record and what IPTC fields would say stand in comments. ``DATE`` and
``LOCATION`` are when and where a track was recorded, ``ORGANIZATION`` produced it, ``ARTIST`` is generally considered
responsible for the work (of an audio book its author), ``COPYRIGHT`` is the attribution. A ``LOCATION`` in the form of
ISO 6709 is a position: what ffmpeg makes of the position of a phone's recording.

Sources: Ogg Vorbis I format specification, comment field and header specification; TC260-PG-202510A.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from provenance.errors import MalformedMedia
from provenance.formats.base import Field, FieldName, Fields, check_carrier_size
from provenance.metadata.aigc import Slot
from provenance.metadata.position import from_iso6709
from provenance.model.times import parts_of

NATIVE: Final[dict[FieldName, str]] = {
    "aigc": "AIGC",
    "record": "PVL_LABELS",
    "captured_at": "DATE",
    "place": "LOCATION",
    "position": "LOCATION",
    "publisher": "ORGANIZATION",
    "author": "ARTIST",
    "copyright_owner": "COPYRIGHT",
}
SLOT: Final[Slot] = "vorbis-comment"

_NAMES: Final[dict[str, FieldName]] = {native: name for name, native in NATIVE.items() if native != "LOCATION"}
_PLACE: Final = "VORBIS_COMMENT:"
_LOCATION: Final = "LOCATION"  # or "location-eng", with a language
_COUNT_LIMIT: Final = 100_000
_LENGTH: Final = struct.Struct("<I")


class Comments(NamedTuple):
    """Comments: the name of the encoder, each ``KEY=value`` as it stands, and the bytes behind them all."""

    vendor: bytes
    entries: tuple[bytes, ...]
    rest: bytes


def parse(data: bytes, offset: int) -> Comments:
    """Return the comments that start with `data`.

    Args:
        data: Everything from the length of the encoder's name on.
        offset: Where that stands in the file, for errors.

    Raises:
        MalformedMedia: ``vorbis-comment-damaged``: a length leads beyond their end.
    """
    vendor, at = _counted(data, 0, offset)
    if len(data) < at + _LENGTH.size:
        raise MalformedMedia("vorbis-comment-damaged", offset=offset + at)
    (count,) = _LENGTH.unpack_from(data, at)
    at += _LENGTH.size
    if count > _COUNT_LIMIT:
        raise MalformedMedia("vorbis-comment-damaged", offset=offset + at)
    entries = []
    for _ in range(count):
        entry, at = _counted(data, at, offset)
        entries.append(entry)
    return Comments(vendor, tuple(entries), data[at:])


def pack(comments: Comments) -> bytes:
    """Return comments as they stand in a file.

    Raises:
        MediaTooLarge: They exceed `METADATA_LIMIT`.
    """
    parts = [_LENGTH.pack(len(comments.vendor)), comments.vendor, _LENGTH.pack(len(comments.entries))]
    for entry in comments.entries:
        parts += [_LENGTH.pack(len(entry)), entry]
    packed = b"".join((*parts, comments.rest))
    check_carrier_size(len(packed), 0)
    return packed


def fields(comments: Comments) -> Iterator[Field]:
    """Yield every statement of ours, in the order of the comments."""
    for entry in comments.entries:
        stated = _stated(entry)
        if stated is not None:
            yield stated


def changed(comments: Comments, changes: Fields) -> Comments:
    """Return comments with other statements: each where the first of its name was, a new one last."""
    old: dict[str, list[Field]] = {}
    for each in fields(comments):
        old.setdefault(each.name, []).append(each)
    pending = {
        name: value
        for name, value in changes.items()
        if [(each.value, each.location) for each in old.get(name, ())]
        != ([] if value is None else [(value, _PLACE + NATIVE[name])])
    }
    entries = []
    left = dict(pending)
    for entry in comments.entries:
        stated = _stated(entry)
        if stated is None or stated.name not in pending:
            entries.append(entry)
        elif (value := left.pop(stated.name, None)) is not None:
            entries.append(_entry(stated.name, value))
    entries += [_entry(name, value) for name, value in left.items() if value is not None]
    return comments._replace(entries=tuple(entries))


def _entry(name: FieldName, value: str) -> bytes:
    return f"{NATIVE[name]}={value}".encode()


def _stated(entry: bytes) -> Field | None:
    key, found, text = entry.decode(errors="replace").partition("=")
    upper = key.upper()
    if not found or not text:
        return None
    if upper.partition("-")[0] == _LOCATION:
        return Field("place" if from_iso6709(text) is None else "position", text, _PLACE + upper)
    name = _NAMES.get(upper)
    if name == "captured_at":
        return _time(text)
    return Field(name, text, _PLACE + upper, SLOT if name == "aigc" else None) if name else None


def _time(text: str) -> Field | None:
    time = text.strip().replace(" ", "T", 1)
    try:
        parts_of(time)
    except ValueError:
        return None
    return Field("captured_at", time, _PLACE + NATIVE["captured_at"])


def _counted(data: bytes, at: int, offset: int) -> tuple[bytes, int]:
    """Return the bytes behind a length, and where they end."""
    start = at + _LENGTH.size
    if len(data) < start:
        raise MalformedMedia("vorbis-comment-damaged", offset=offset + at)
    (length,) = _LENGTH.unpack_from(data, at)
    if length > len(data) - start:
        raise MalformedMedia("vorbis-comment-damaged", offset=offset + at)
    return data[start : start + length], start + length
