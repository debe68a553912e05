"""EXIF: capture time, position and a few texts read; time and position written by appending only.

An edit never moves a byte of the TIFF stream, because maker notes count offsets from places nobody documents. The
directories that change are written anew behind everything else, the header is pointed at the new IFD0, and the old ones
stay where they were, unused. Tags: Exif 3.0 (CIPA DC-008); the stream: TIFF 6.0, section 2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from provenance.errors import MalformedMedia
from provenance.metadata.problems import Problem
from provenance.model import times

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED, _IFD = 1, 2, 3, 4, 5, 7, 13
_RATIONALS: Final = frozenset({_RATIONAL, 10})  # signed ones occur and are not negative
_OFFSET_KINDS: Final = frozenset({_LONG, _IFD})
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_ENTRY: Final = 12
_POINTER: Final = 4
_INLINE: Final = 4  # a value this short lies in its entry
_DIRECTORY_LIMIT: Final = 32
_ENTRY_LIMIT: Final = 10_000  # in all directories together; 64 KB hold half of that

_IMAGE_DESCRIPTION, _MAKE, _MODEL, _ORIENTATION, _ARTIST = 0x010E, 0x010F, 0x0110, 0x0112, 0x013B
_COPYRIGHT, _EXIF_IFD, _GPS_IFD, _INTEROP_IFD, _SUB_IFDS = 0x8298, 0x8769, 0x8825, 0xA005, 0x014A
_EXIF_VERSION, _TIME, _OFFSET, _USER_COMMENT, _FRACTION = 0x9000, 0x9003, 0x9011, 0x9286, 0x9291
_GPS_VERSION, _LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _DATUM = 0, 1, 2, 3, 4, 0x12
_POINTERS: Final = frozenset({_EXIF_IFD, _GPS_IFD, _INTEROP_IFD, _SUB_IFDS})
_IMAGE, _THUMBNAIL, _OTHER = -1, -2, -3  # directories that no tag names: IFD0, IFD1 and further, any below those
_JPEG_START, _JPEG_LENGTH = 0x0201, 0x0202

_NEW_STREAM: Final = b"MM\0*\0\0\0\0"
_PARTS: Final = range(1, 4)  # degrees, minutes, seconds
_ORIENTATIONS: Final = range(1, 9)
_SECOND_PARTS: Final = 10_000  # 0.0001″ is 3 mm
_STATED_TIME: Final = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?", re.ASCII)
# Datums that agree with WGS-84 within two metres, as cameras and surveyors write them.
_LIKE_WGS84: Final = frozenset({"", "WGS84", "CGCS2000", "JGD2000", "JGD2011", "ETRS89", "NAD83"})


@dataclass(frozen=True, slots=True)
class Exif:
    """What an EXIF block says.

    Attributes:
        captured_at: Time of the contract's form, from DateTimeOriginal, its fraction and its offset.
        coordinates: Latitude and longitude in WGS-84 degrees.
        orientation: 1 to 8; 1 when absent or invalid.
        user_comment: UserComment of the Exif IFD or of IFD0; may hold an AIGC element.
        problems: Fields that are there and cannot be read.
    """

    captured_at: str | None = None
    coordinates: tuple[float, float] | None = None
    orientation: int = 1
    user_comment: str | None = None
    image_description: str | None = None
    artist: str | None = None
    copyright: str | None = None
    make: str | None = None
    model: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_camera(self) -> bool:
        """Whether a maker or model of a camera is named."""
        return bool(self.make or self.model)


class _Value(NamedTuple):
    kind: int
    number: int
    data: bytes


class _Entry(NamedTuple):
    tag: int
    raw: bytes  # all twelve bytes
    kind: int
    number: int
    at: int  # where its value begins
    size: int  # of its value in bytes


@dataclass(frozen=True, slots=True)
class _Directory:
    entries: tuple[_Entry, ...] = ()
    following: int = 0

    def get(self, tag: int) -> _Entry | None:
        return next((entry for entry in self.entries if entry.tag == tag), None)


@dataclass(slots=True)
class _Stream:
    """A TIFF stream, each directory of which lies inside it and is reached once."""

    blob: bytes
    order: str = ">"
    image: _Directory = _Directory()
    exif: _Directory = _Directory()
    gps: _Directory = _Directory()

    def data(self, entry: _Entry | None) -> bytes:
        return self.blob[entry.at : entry.at + entry.size] if entry else b""

    def text(self, entry: _Entry | None) -> str | None:
        return _decoded(self.data(entry).partition(b"\0")[0]).strip() or None


def read(blob: bytes) -> Exif:
    r"""Return what an EXIF block says; a field that cannot be read is left out and named in `problems`.

    Args:
        blob: The TIFF stream, without an ``Exif\0\0`` prefix.

    Raises:
        MalformedMedia: ``exif-damaged``: the structure loops or leaves the block, so it must not be edited.
    """
    stream = _parse(blob)
    problems: list[Problem] = []
    return Exif(
        captured_at=_captured_at(stream, problems),
        coordinates=_coordinates(stream, problems),
        orientation=_orientation(stream, problems),
        user_comment=_comment(stream),
        image_description=stream.text(stream.image.get(_IMAGE_DESCRIPTION)),
        artist=stream.text(stream.image.get(_ARTIST)),
        copyright=stream.text(stream.image.get(_COPYRIGHT)),
        make=stream.text(stream.image.get(_MAKE)),
        model=stream.text(stream.image.get(_MODEL)),
        problems=tuple(problems),
    )


def can_hold(time: str) -> bool:
    """Say whether EXIF can state a time of the contract: to the second or finer; a shorter one would gain digits."""
    return "second" in times.parts_of(time)


def write(blob: bytes | None, *, captured_at: str | None, coordinates: tuple[float, float] | None) -> bytes:
    """Return an EXIF block that states a time and a position; ``None`` leaves either as it is.

    A block that says the same already is returned unchanged. An offset or fraction that the new time lacks is dropped
    with the old time it belonged to.

    Args:
        blob: The TIFF stream to extend, or None to begin one.
        captured_at: Time of the contract's form that `can_hold` takes.
        coordinates: Latitude and longitude in WGS-84 degrees.

    Raises:
        MalformedMedia: ``exif-damaged``: `blob` must not be edited.
    """
    stream = _Stream(_NEW_STREAM) if blob is None else _parse(blob)
    exif = _changes(stream, stream.exif, _time_values(captured_at, stream.exif))
    gps = _changes(stream, stream.gps, _position_values(coordinates, stream))
    if blob is not None and not exif and not gps:
        return blob
    # Zeros stand in for the last field of an old directory that ends the stream without it.
    out = bytearray(stream.blob) + bytes(_POINTER)
    pointers: dict[int, _Value | None] = {}
    for tag, directory, values in ((_EXIF_IFD, stream.exif, exif), (_GPS_IFD, stream.gps, gps)):
        if values:
            at = _append(out, stream.order, directory, values)
            pointers[tag] = _Value(_LONG, 1, struct.pack(stream.order + "I", at))
    start = _append(out, stream.order, stream.image, pointers)
    struct.pack_into(stream.order + "I", out, 4, start)
    return bytes(out)


def _parse(blob: bytes) -> _Stream:
    """Walk every directory; the whole structure is sound, or none of it is trusted."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(blob[:4])
    if order is None or len(blob) < len(_NEW_STREAM):
        raise _damaged(0)
    found: dict[int, _Directory] = {}
    waiting = [(_IMAGE, _long(order, blob, 4))]
    seen: set[int] = set()
    entries = 0
    while waiting:
        name, start = waiting.pop()
        if start in seen or len(seen) == _DIRECTORY_LIMIT:
            raise _damaged(start)
        seen.add(start)
        directory = _directory(order, blob, start)
        entries += len(directory.entries)
        if entries > _ENTRY_LIMIT:
            raise _damaged(start)
        found.setdefault(name, directory)
        waiting += _children(order, blob, name, directory)
    nothing = _Directory()
    return _Stream(blob, order, found[_IMAGE], found.get(_EXIF_IFD, nothing), found.get(_GPS_IFD, nothing))


def _directory(order: str, blob: bytes, start: int) -> _Directory:
    end = start + 2
    if start < len(_NEW_STREAM) or end > len(blob):
        raise _damaged(start)
    count = struct.unpack_from(order + "H", blob, start)[0]
    end += count * _ENTRY
    if end > len(blob):
        raise _damaged(start)
    entries = tuple(_entry(order, blob, at) for at in range(start + 2, end, _ENTRY))
    if end == len(blob):
        # Some writers leave out the last field of a directory that ends the stream.
        return _Directory(entries)
    if end + _POINTER > len(blob):
        raise _damaged(start)
    return _Directory(entries, _long(order, blob, end))


def _entry(order: str, blob: bytes, at: int) -> _Entry:
    tag, kind, count, value = struct.unpack_from(order + "HHII", blob, at)
    # A kind nobody knows has no size: its four bytes are carried over as they are.
    size = count * _SIZES.get(kind, 0)
    start = value if size > _INLINE else at + 8
    if start + size > len(blob):
        # A value that lies outside would point into whatever is appended.
        raise _damaged(at)
    return _Entry(tag, blob[at : at + _ENTRY], kind, count, start, size)


def _children(order: str, blob: bytes, name: int, directory: _Directory) -> Iterator[tuple[int, int]]:
    """Yield name and offset of each directory that `directory` leads to."""
    for entry in directory.entries:
        if entry.tag not in _POINTERS:
            continue
        if entry.kind not in _OFFSET_KINDS or (entry.number > 1 and entry.tag != _SUB_IFDS):
            # Some readers follow such a pointer and some do not: replacing it could lose what it leads to.
            raise _damaged(entry.at)
        for at in range(entry.at, entry.at + min(entry.size, _POINTER * _DIRECTORY_LIMIT), _POINTER):
            if start := _long(order, blob, at):
                yield (entry.tag if name == _IMAGE else _OTHER), start
    if name in {_IMAGE, _THUMBNAIL}:
        _check_thumbnail(order, blob, directory)
        if directory.following:
            yield _THUMBNAIL, directory.following


def _check_thumbnail(order: str, blob: bytes, directory: _Directory) -> None:
    start, length = directory.get(_JPEG_START), directory.get(_JPEG_LENGTH)
    if start is None or length is None or not start.size == length.size == _INLINE:
        return
    first = _long(order, blob, start.at)
    if first + _long(order, blob, length.at) > len(blob):
        raise _damaged(first)


def _append(out: bytearray, order: str, directory: _Directory, values: Mapping[int, _Value | None]) -> int:
    """Append `directory` with `values` put in or, where None, taken out; return where it starts."""
    kept = [(entry.tag, entry.raw, b"") for entry in directory.entries if entry.tag not in values]
    start = len(out) + len(out) % 2  # a directory begins on a word boundary
    count = len(kept) + sum(value is not None for value in values.values())
    free = start + 2 + count * _ENTRY + 4
    for tag, value in values.items():
        if value is None:
            continue
        raw = struct.pack(order + "HHI", tag, value.kind, value.number)
        if len(value.data) <= _INLINE:
            kept.append((tag, raw + value.data.ljust(_INLINE, b"\0"), b""))
        else:
            padded = value.data + bytes(len(value.data) % 2)
            kept.append((tag, raw + struct.pack(order + "I", free), padded))
            free += len(padded)
    # Stable: entries that share a tag keep their order, and so do the values behind the directory.
    ordered = sorted(kept, key=lambda entry: entry[0])
    out += bytes(start - len(out)) + struct.pack(order + "H", count)
    out += b"".join(raw for _, raw, _ in ordered)
    out += struct.pack(order + "I", directory.following)
    out += b"".join(data for _, _, data in kept)
    return start


def _changes(stream: _Stream, directory: _Directory, wanted: Mapping[int, _Value | None]) -> dict[int, _Value | None]:
    """Return what of `wanted` the directory does not say already."""
    changes = {}
    for tag, value in wanted.items():
        present = [_Value(e.kind, e.number, stream.data(e)) for e in directory.entries if e.tag == tag]
        if present != ([value] if value else []):
            changes[tag] = value
    return changes


def _long(order: str, blob: bytes, at: int) -> int:
    return int(struct.unpack_from(order + "I", blob, at)[0])


def _damaged(offset: int) -> MalformedMedia:
    return MalformedMedia("exif-damaged", offset=offset)


def _captured_at(stream: _Stream, problems: list[Problem]) -> str | None:
    stated = stream.text(stream.exif.get(_TIME) or stream.image.get(_TIME)) or ""
    # An unknown part is blank; many cameras without a set clock write zeros.
    stated = stated.rstrip(" :")
    if not stated.strip("0 :"):
        return None
    match = _STATED_TIME.fullmatch(stated)
    time = _checked("{}-{}-{}".format(*match.groups()) if match else stated)
    if match and match[4] and time:
        time = _checked(f"{time}T{match[4]}:{match[5]}" + (f":{match[6]}" if match[6] else ""))
    if time is None:
        problems.append(Problem("exif-time-unreadable", "warning", {"value": stated[:40]}))
        return None
    if match is None or match[4] is None:
        return time
    fraction = re.match(r"[0-9]{1,9}", stream.text(stream.exif.get(_FRACTION)) or "")
    time += f".{fraction[0]}" if fraction and match[6] else ""
    offset = (stream.text(stream.exif.get(_OFFSET)) or "").strip(" :")
    if not offset:
        return time
    if exact := _checked(time + offset):
        return exact
    problems.append(Problem("exif-offset-unreadable", "warning", {"value": offset[:40]}))
    return time


def _checked(time: str) -> str | None:
    try:
        times.parts_of(time)
    except ValueError:
        return None
    return time


def _time_values(time: str | None, present: _Directory) -> dict[int, _Value | None]:
    if time is None:
        return {}
    parts = times.parts_of(time)
    offset = parts.get("offset")
    values = {
        _TIME: _ascii("{year}:{month}:{day} {hour}:{minute}:{second}".format(**parts)),
        _FRACTION: _ascii(parts["fraction"]) if "fraction" in parts else None,
        _OFFSET: _ascii("+00:00" if offset == "Z" else offset) if offset else None,
    }
    if not present.entries:
        values[_EXIF_VERSION] = _Value(_UNDEFINED, 4, b"0232")
    return values


def _coordinates(stream: _Stream, problems: list[Problem]) -> tuple[float, float] | None:
    gps = stream.gps
    if gps.get(_LATITUDE) is None and gps.get(_LONGITUDE) is None:
        return None
    datum = stream.text(gps.get(_DATUM)) or ""
    if re.sub(r"[^A-Z0-9]", "", datum.upper()) not in _LIKE_WGS84:
        problems.append(Problem("exif-datum-unknown", "warning", {"value": datum[:40]}))
        return None
    latitude = _degrees(stream, _LATITUDE, _LATITUDE_REF, "NS", 90)
    longitude = _degrees(stream, _LONGITUDE, _LONGITUDE_REF, "EW", 180)
    if latitude is None or longitude is None:
        problems.append(Problem("exif-position-unreadable", "warning"))
        return None
    return latitude, longitude


def _degrees(stream: _Stream, tag: int, reference_tag: int, references: str, limit: int) -> float | None:
    """Return signed degrees from degrees, minutes and seconds, of which the last two may be missing."""
    entry = stream.gps.get(tag)
    reference = (stream.text(stream.gps.get(reference_tag)) or "?")[0].upper()
    if entry is None or entry.kind not in _RATIONALS or entry.number not in _PARTS or reference not in references:
        return None
    numbers = struct.unpack(f"{stream.order}{2 * entry.number}I", stream.data(entry))
    total = Fraction(0)
    for place, (upper, lower) in enumerate(zip(numbers[::2], numbers[1::2], strict=True)):
        if lower == 0 and (upper or place == 0):
            return None
        total += Fraction(upper, lower or 1) / 60**place
    if total > limit:
        return None
    return float(-total if reference == references[1] else total)


def _position_values(coordinates: tuple[float, float] | None, stream: _Stream) -> dict[int, _Value | None]:
    if coordinates is None:
        return {}
    latitude, longitude = coordinates
    values: dict[int, _Value | None] = {
        _LATITUDE_REF: _ascii("S" if latitude < 0 else "N"),
        _LATITUDE: _sexagesimal(stream.order, latitude),
        _LONGITUDE_REF: _ascii("W" if longitude < 0 else "E"),
        _LONGITUDE: _sexagesimal(stream.order, longitude),
        _DATUM: _ascii("WGS-84"),
    }
    if stream.gps.get(_GPS_VERSION) is None:
        values[_GPS_VERSION] = _Value(_BYTE, 4, b"\2\3\0\0")
    return values


def _sexagesimal(order: str, degrees: float) -> _Value:
    total = round(Fraction(abs(degrees)) * 3600 * _SECOND_PARTS)
    minutes, seconds = divmod(total, 60 * _SECOND_PARTS)
    whole, minutes = divmod(minutes, 60)
    return _Value(_RATIONAL, 3, struct.pack(order + "6I", whole, 1, minutes, 1, seconds, _SECOND_PARTS))


def _orientation(stream: _Stream, problems: list[Problem]) -> int:
    entry = stream.image.get(_ORIENTATION)
    if entry is None:
        return 1
    data = stream.data(entry)
    value = int.from_bytes(data[:2], "little" if stream.order == "<" else "big") if entry.kind == _SHORT else 0
    if value not in _ORIENTATIONS:
        problems.append(Problem("exif-orientation-invalid", "warning", {"value": value}))
        return 1
    return value


def _comment(stream: _Stream) -> str | None:
    """Return UserComment: eight bytes that name the character set, then the text; plain text where TC260 puts it."""
    entry = stream.exif.get(_USER_COMMENT) or stream.image.get(_USER_COMMENT)
    data = stream.data(entry)
    if entry is None or entry.kind == _ASCII:
        return stream.text(entry)
    charset, text = data[:8], data[8:]
    if charset == b"UNICODE\0":
        return _utf16(text, stream.order).strip("\0 ") or None
    if charset == b"JIS\0\0\0\0\0":
        return text.decode("iso2022_jp", errors="replace").strip("\0 ") or None
    # Writers forget the eight bytes, or leave them zero.
    known = charset in {b"ASCII\0\0\0", bytes(8)}
    return _decoded(text if known else data).strip("\0 ") or None


def _utf16(data: bytes, order: str) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", errors="replace")
    # Many writers use their machine's order, not the stream's: the order in which more characters are ASCII is right.
    little = data[1::2].count(0) - data[::2].count(0)
    guess = order if little == 0 else "<" if little > 0 else ">"
    return data.decode("utf-16-le" if guess == "<" else "utf-16-be", errors="replace")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _ascii(text: str) -> _Value:
    return _Value(_ASCII, len(text) + 1, text.encode("ascii") + b"\0")
