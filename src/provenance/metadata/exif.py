"""EXIF: capture time, position and a few texts read; time and position written by appending only.

An edit never moves a byte of the TIFF stream, because maker notes count offsets from places nobody documents. The
directories that change are written anew behind everything else, the header is pointed at the new IFD0, and the old ones
stay where they were, unused. Tags: Exif 3.0 (CIPA DC-008); the stream: TIFF 6.0, section 2.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from provenance.metadata.ifd import (
    ASCII,
    BYTE,
    EXIF_IFD,
    GPS_IFD,
    LONG,
    NEW_STREAM,
    POINTER,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Directory,
    Stream,
    Value,
    append,
    changes,
    damaged,
    decoded,
    parse,
)
from provenance.metadata.problems import Problem
from provenance.model import times

_RATIONALS: Final = frozenset({RATIONAL, 10})  # signed ones occur and are not negative
# Latitude, longitude, altitude and error of the camera; the same of its aim; the name of the area.
POSITION_TAGS: Final = (1, 2, 3, 4, 5, 6, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1C, 0x1F)
_IMAGE_DESCRIPTION, _MAKE, _MODEL, _ORIENTATION, _ARTIST, _COPYRIGHT = 0x010E, 0x010F, 0x0110, 0x0112, 0x013B, 0x8298
_EXIF_VERSION, _TIME, _OFFSET, _USER_COMMENT, _FRACTION = 0x9000, 0x9003, 0x9011, 0x9286, 0x9291
_GPS_VERSION, _LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _DATUM = 0, 1, 2, 3, 4, 0x12

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


def read(blob: bytes) -> Exif:
    r"""Return what an EXIF block says; a field that cannot be read is left out and named in `problems`.

    Args:
        blob: The TIFF stream, without an ``Exif\0\0`` prefix.

    Raises:
        MalformedMedia: ``exif-damaged``: the structure loops or leaves the block, so it must not be edited.
    """
    stream = parse(blob)
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


def write(
    blob: bytes | None,
    *,
    captured_at: str | None,
    coordinates: tuple[float, float] | None,
    erase_position: bool = False,
) -> bytes:
    """Return an EXIF block that states a time and a position; ``None`` leaves either as it is.

    A block that says the same already is returned unchanged. An offset or fraction that the new time lacks is dropped
    with the old time it belonged to.

    Args:
        blob: The TIFF stream to extend, or None to begin one.
        captured_at: Time of the contract's form that `can_hold` takes.
        coordinates: Latitude and longitude in WGS-84 degrees.
        erase_position: Take every position out, and overwrite its bytes; `coordinates` then stand alone.

    Raises:
        MalformedMedia: ``exif-damaged``: `blob` must not be edited.
    """
    stream = Stream(NEW_STREAM) if blob is None else parse(blob)
    exif = changes(stream, stream.exif, _time_values(captured_at, stream.exif))
    wanted = dict.fromkeys(POSITION_TAGS) if erase_position else {}
    gps = changes(stream, stream.gps, {**wanted, **_position_values(coordinates, stream)})
    if blob is not None and not exif and not gps:
        return blob
    # Zeros stand in for the last field of an old directory that ends the stream without it.
    out = bytearray(stream.blob) + bytes(POINTER)
    pointers: dict[int, Value | None] = {}
    for tag, directory, values in ((EXIF_IFD, stream.exif, exif), (GPS_IFD, stream.gps, gps)):
        if values:
            at = append(out, stream.order, directory, values)
            pointers[tag] = Value(LONG, 1, struct.pack(stream.order + "I", at))
    start = append(out, stream.order, stream.image, pointers)
    struct.pack_into(stream.order + "I", out, 4, start)
    if erase_position:
        _erase(out, stream)
    return bytes(out)


def without_position(blob: bytes) -> bytes:
    """Return an EXIF block of the same length in which every position is overwritten with zeros.

    For blocks that cannot grow, such as those of pictures inside a picture.

    Raises:
        MalformedMedia: ``exif-damaged``: `blob` must not be edited.
    """
    out = bytearray(blob)
    _erase(out, parse(blob))
    return bytes(out)


def _erase(out: bytearray, stream: Stream) -> None:
    """Overwrite the values of the old positions; where another value shares their bytes, nothing is safe."""
    for entry in stream.gps.entries:
        if entry.tag in POSITION_TAGS:
            out[entry.at : entry.at + entry.size] = bytes(entry.size)
    kept = [each for each in stream.gps.entries if each.tag not in POSITION_TAGS]
    for entry in (*stream.image.entries, *stream.exif.entries, *kept):
        if out[entry.at : entry.at + entry.size] != stream.data(entry):
            raise damaged(entry.at)


def _captured_at(stream: Stream, problems: list[Problem]) -> str | None:
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


def _time_values(time: str | None, present: Directory) -> dict[int, Value | None]:
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
        values[_EXIF_VERSION] = Value(UNDEFINED, 4, b"0232")
    return values


def _coordinates(stream: Stream, problems: list[Problem]) -> tuple[float, float] | None:
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


def _degrees(stream: Stream, tag: int, reference_tag: int, references: str, limit: int) -> float | None:
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


def _position_values(coordinates: tuple[float, float] | None, stream: Stream) -> dict[int, Value | None]:
    if coordinates is None:
        return {}
    latitude, longitude = coordinates
    values: dict[int, Value | None] = {
        _LATITUDE_REF: _ascii("S" if latitude < 0 else "N"),
        _LATITUDE: _sexagesimal(stream.order, latitude),
        _LONGITUDE_REF: _ascii("W" if longitude < 0 else "E"),
        _LONGITUDE: _sexagesimal(stream.order, longitude),
        _DATUM: _ascii("WGS-84"),
    }
    if stream.gps.get(_GPS_VERSION) is None:
        values[_GPS_VERSION] = Value(BYTE, 4, b"\2\3\0\0")
    return values


def _sexagesimal(order: str, degrees: float) -> Value:
    total = round(Fraction(abs(degrees)) * 3600 * _SECOND_PARTS)
    minutes, seconds = divmod(total, 60 * _SECOND_PARTS)
    whole, minutes = divmod(minutes, 60)
    return Value(RATIONAL, 3, struct.pack(order + "6I", whole, 1, minutes, 1, seconds, _SECOND_PARTS))


def _orientation(stream: Stream, problems: list[Problem]) -> int:
    entry = stream.image.get(_ORIENTATION)
    if entry is None:
        return 1
    data = stream.data(entry)
    value = int.from_bytes(data[:2], "little" if stream.order == "<" else "big") if entry.kind == SHORT else 0
    if value not in _ORIENTATIONS:
        problems.append(Problem("exif-orientation-invalid", "warning", {"value": value}))
        return 1
    return value


def _comment(stream: Stream) -> str | None:
    """Return UserComment: eight bytes that name the character set, then the text; plain text where TC260 puts it."""
    entry = stream.exif.get(_USER_COMMENT) or stream.image.get(_USER_COMMENT)
    data = stream.data(entry)
    if entry is None or entry.kind == ASCII:
        return stream.text(entry)
    charset, text = data[:8], data[8:]
    if charset == b"UNICODE\0":
        return _utf16(text, stream.order).strip("\0 ") or None
    if charset == b"JIS\0\0\0\0\0":
        return text.decode("iso2022_jp", errors="replace").strip("\0 ") or None
    # Writers forget the eight bytes, or leave them zero.
    known = charset in {b"ASCII\0\0\0", bytes(8)}
    return decoded(text if known else data).strip("\0 ") or None


def _utf16(data: bytes, order: str) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", errors="replace")
    # Many writers use their machine's order, not the stream's: the order in which more characters are ASCII is right.
    little = data[1::2].count(0) - data[::2].count(0)
    guess = order if little == 0 else "<" if little > 0 else ">"
    return data.decode("utf-16-le" if guess == "<" else "utf-16-be", errors="replace")


def _ascii(text: str) -> Value:
    return Value(ASCII, len(text) + 1, text.encode("ascii") + b"\0")
