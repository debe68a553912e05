"""Read the older IPTC-IIM records (IIM 4.2), as found in a Photoshop resource 0x0404; they are never written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from provenance.metadata.iptc import Location, StandardFields, time_of
from provenance.metadata.problems import Problem

_MARKER: Final = 0x1C
_HEADER: Final = 5  # marker, record, dataset, two bytes of size
_EXTENDED: Final = 0x8000  # the size then counts the bytes of the real size
_WIDEST: Final = 4
_CHARSET: Final = (1, 90)
_UTF_8: Final = b"\x1b%G"
_DATE, _TIME, _BY_LINE = (2, 55), (2, 60), (2, 80)
_CITY, _SUBLOCATION, _PROVINCE, _COUNTRY_CODE = (2, 90), (2, 92), (2, 95), (2, 100)
_CREDIT, _SOURCE = (2, 110), (2, 115)
_WANTED: Final = {
    _CHARSET, _DATE, _TIME, _BY_LINE, _CITY, _SUBLOCATION, _PROVINCE, _COUNTRY_CODE, _CREDIT, _SOURCE
}  # fmt: skip
_MAX_REPEATS: Final = 100
_CLOCK = re.compile(r"(\d{2}):?(\d{2}):?(\d{2})(?:([+-]\d{2}):?(\d{2}))?", re.ASCII)
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})", re.ASCII)


def read_iim(block: bytes) -> StandardFields:
    """Return what an IIM block says; what follows damage is left out and named in ``problems``.

    Text is UTF-8 where the block declares it or all of a value is valid UTF-8, else Latin-1.
    """
    problems: list[Problem] = []
    found: dict[tuple[int, int], list[bytes]] = {}
    for number, value in _datasets(block, problems):
        if number in _WANTED and len(found.setdefault(number, [])) < _MAX_REPEATS:
            found[number].append(value)
    declared = _UTF_8 in found.get(_CHARSET, [])
    texts = {number: [_decoded(value, declared, problems) for value in values] for number, values in found.items()}

    def one(number: tuple[int, int]) -> str | None:
        return next((text for text in texts.get(number, []) if text), None)

    place = Location(
        country_code=one(_COUNTRY_CODE), province=one(_PROVINCE), city=one(_CITY), county=one(_SUBLOCATION)
    )
    return StandardFields(
        captured_at=_captured_at(one(_DATE), one(_TIME), problems),
        place=place if place != Location() else None,
        source=one(_SOURCE),
        credit=one(_CREDIT),
        creators=tuple(text for text in texts.get(_BY_LINE, []) if text),
        problems=tuple(problems),
    )


def _datasets(block: bytes, problems: list[Problem]) -> Iterator[tuple[tuple[int, int], bytes]]:
    position = 0
    while position < len(block):
        if block[position] != _MARKER:
            if block[position:].strip(b"\0"):
                problems.append(Problem("iim-damaged", "warning", {"offset": position}))
            return
        header = block[position : position + _HEADER]
        size = int.from_bytes(header[3:5], "big")
        start = position + _HEADER
        if size & _EXTENDED:
            width = size & ~_EXTENDED
            size = int.from_bytes(block[start : start + width], "big") if width <= _WIDEST else len(block)
            start += width
        if len(header) < _HEADER or start + size > len(block):
            problems.append(Problem("iim-damaged", "warning", {"offset": position}))
            return
        yield (header[1], header[2]), block[start : start + size]
        position = start + size


def _decoded(value: bytes, declared: bool, problems: list[Problem]) -> str:  # noqa: FBT001 - one caller
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        if declared:
            problems.append(Problem("iim-text", "warning", {"value": value[:20].hex()}))
        text = value.decode("latin-1")
    return text.strip("\0 \t\r\n")


def _captured_at(date: str | None, clock: str | None, problems: list[Problem]) -> str | None:
    if date is None or not date.strip("0-"):
        return None
    if (day := _DAY.fullmatch(date)) is None:
        return time_of(f"{date} {clock or ''}", "IPTC 2:55", problems)
    # IIM writes an unknown month or day as 00.
    known = "-".join(day.groups()).partition("-00")[0]
    if clock is None or len(known) < len("2026-05-01"):
        return time_of(known, "IPTC 2:55", problems)
    match = _CLOCK.fullmatch(clock)
    hours = "{}:{}:{}".format(*match.groups()) if match else clock
    zone = f"{match[4]}:{match[5]}" if match and match[4] else ""
    return time_of(f"{known}T{hours}{zone}", "IPTC 2:55 2:60", problems)
