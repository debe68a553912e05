"""Times, positions and texts as QuickTime and 3GPP metadata write them, and as the contract does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from provenance.formats import bmff
from provenance.metadata.position import from_iso6709, to_iso6709
from provenance.model.times import parts_of, start_of

_TIME: Final = re.compile(
    r"(?P<date>\d{4}(?:[-:]\d\d(?:[-:]\d\d)?)?)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(?:(?P<zone>Z|[+-]\d\d)(?::?(?P<minutes>\d\d))?)?)?",
    re.ASCII,
)
_OFFSET: Final = re.compile(r"([+-]\d\d):(\d\d)$")
_IN_DEGREES: Final = re.compile(r"[+-]\d{2}(?:\.\d+)?[+-]\d{3}(?!\d)", re.ASCII)
_EPOCH: Final = datetime(1904, 1, 1, tzinfo=UTC)
_FIXED: Final = 1 << 16
_UTF8, _UTF16 = 1, 2
_BOM: Final = b"\xfe\xff"


def time_of(text: str) -> str | None:
    """Return a time such as ``2026-11-21T10:30:00+0800`` in the form of the contract; None where it is no such time."""
    match = _TIME.fullmatch(text.strip().strip("\0"))
    if match is None:
        return None
    date, clock, zone, minutes = match.group("date", "time", "zone", "minutes")
    found = date.replace(":", "-")
    if clock:
        found += f"T{clock}"
    if zone:
        found += zone if zone == "Z" else f"{zone}:{minutes or '00'}"
    try:
        parts_of(found)
    except ValueError:
        return None
    return found


def native_time(text: str) -> str:
    """Return a time of the contract as Apple writes it: its offset has no colon."""
    return _OFFSET.sub(r"\1\2", text)


def seconds_of(text: str) -> int | None:
    """Return a time in seconds since 1904 in UTC, as headers hold it; None unless it has seconds and an offset."""
    parts = parts_of(text)
    if "second" not in parts or "offset" not in parts:
        return None
    return int((start_of(parts) - _EPOCH).total_seconds())


def position_of(text: str) -> str | None:
    """Return a position in degrees as ISO 6709 has it; None where the text is none."""
    found = text.strip().strip("\0")
    coordinates = from_iso6709(found)
    if coordinates is None:
        return None
    return found if _IN_DEGREES.match(found) else to_iso6709(coordinates)


def loci_position(payload: bytes) -> str | None:
    """Return the position of a 3GPP ``loci`` box; None where it is damaged (3GPP TS 26.244, 8.10)."""
    name = payload[6:]
    if name.startswith(_BOM):
        ends = [at for at in range(0, len(name) - 1, 2) if name[at : at + 2] == b"\0\0"]
        start = ends[0] + 2 if ends else len(name)
    else:
        start = name.find(b"\0") + 1 or len(name)
    # Its role in one byte, then longitude and latitude in 16.16.
    numbers = name[start + 1 : start + 9]
    if len(numbers) < 8:  # noqa: PLR2004 -- two numbers of four bytes
        return None
    longitude, latitude = (int.from_bytes(numbers[at : at + 4], "big", signed=True) / _FIXED for at in (0, 4))
    return position_of(f"{latitude:+09.5f}{longitude:+010.5f}/")


def user_text(payload: bytes) -> str:
    """Return the first text of a user data box, behind its length and its language (QuickTime File Format)."""
    length = int.from_bytes(payload[:2], "big")
    return _text(payload[4 : 4 + length] if 4 + length <= len(payload) else payload)


def data_text(payload: bytes) -> str | None:
    """Return the text of a ``data`` box behind its type and its locale; None where it holds something else."""
    kind = int.from_bytes(payload[:4], "big")
    if kind == _UTF16:
        return payload[8:].decode("utf-16-be", "replace")
    return _text(payload[8:]) if kind in {0, _UTF8} else None


def text_data(text: str) -> bytes:
    """Return a ``data`` box with a text in no particular language."""
    return bmff.pack(b"data", _UTF8.to_bytes(4, "big") + bytes(4) + text.encode())


def json_text(payload: bytes) -> str:
    """Return the JSON text of a box of its own, without what stands before it there."""
    return _text(payload[max(0, payload.find(b"{", 0, 32)) :])


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").rstrip("\0")
