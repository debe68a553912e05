"""The texts in the first sheet of an XLSX file (ECMA-376 part 1, section 18), read without a library.

Of a formula only the value is read that the program which saved the file had computed; nothing is evaluated, fetched or
kept. Sizes are bounded before anything is unpacked, and document types are refused.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final
from xml.parsers import expat
from zipfile import ZipFile

MAX_CELL: Final = 32_767  # characters, as in the program
MAX_COLUMNS: Final = 256
MAX_CELLS: Final = 2_000_000
_MAX_PART: Final = 256 << 20  # bytes, unpacked
_BLOCK: Final = 1 << 16
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT: Final = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_OFFICE: Final = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d{1,7}")

Attributes = dict[str, str]


class TooMuch(Exception):
    """The file holds more than is read."""


def sheet_rows(file: BinaryIO) -> Iterator[list[str]]:
    """Yield the rows of the first sheet, each with the texts of its cells from column A on.

    Raises:
        TooMuch: the file is larger, unpacked, than is read.
        ValueError: it is no XLSX file, or its XML is broken.
        KeyError: a part is missing.
        BadZipFile: the archive is damaged.
    """
    with ZipFile(file) as archive:
        shared = _shared_strings(archive)
        yield from _Sheet(shared).rows(archive, _first_sheet(archive))


def _first_sheet(archive: ZipFile) -> str:
    """Return the name of the first sheet's part."""
    sheets: list[str] = []
    targets: dict[str, str] = {}

    def sheet(name: str, attributes: Attributes) -> None:
        if name == "sheet" and not sheets:
            sheets.append(attributes.get(f"{_OFFICE} id") or attributes.get(f"{_STRICT_OFFICE} id") or "")

    def relation(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    _parse(archive, "xl/workbook.xml", start=sheet)
    _parse(archive, "xl/_rels/workbook.xml.rels", start=relation)
    if not sheets or sheets[0] not in targets:
        raise ValueError("no sheet")
    target = targets[sheets[0]]
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")


def _shared_strings(archive: ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    strings: list[str] = []
    pieces: list[str] = []
    inside: list[str] = []

    def start(name: str, _: Attributes) -> None:
        inside.append(name)

    def text(piece: str) -> None:
        # A reading aid (rPh) beside a text is no part of it.
        if inside and inside[-1] == "t" and "rPh" not in inside:
            pieces.append(piece)

    def end(name: str) -> None:
        inside.pop()
        if name == "si":
            strings.append("".join(pieces)[:MAX_CELL])
            pieces.clear()
            if len(strings) > MAX_CELLS:
                raise TooMuch

    _parse(archive, "xl/sharedStrings.xml", start=start, end=end, text=text)
    return strings


class _Sheet:
    """Gathers the rows of one sheet."""

    def __init__(self, shared: list[str]) -> None:
        self._shared = shared
        self._rows: list[list[str]] = []
        self._row: list[str] = []
        self._pieces: list[str] = []
        self._inside: list[str] = []
        self._kind = ""
        self._column = 0
        self._cells = 0

    def rows(self, archive: ZipFile, part: str) -> list[list[str]]:
        _parse(archive, part, start=self._start, end=self._end, text=self._text)
        return self._rows

    def _start(self, name: str, attributes: Attributes) -> None:
        self._inside.append(name)
        if name == "row":
            self._row = []
        elif name == "c":
            self._kind = attributes.get("t", "n")
            reference = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = _number(reference[1]) if reference else len(self._row)
            self._pieces.clear()

    def _text(self, piece: str) -> None:
        inner = self._inside[-1] if self._inside else ""
        if inner == "v" or (inner == "t" and "is" in self._inside and "rPh" not in self._inside):
            self._pieces.append(piece)

    def _end(self, name: str) -> None:
        self._inside.pop()
        if name == "c" and self._column < MAX_COLUMNS:
            self._row += [""] * (self._column + 1 - len(self._row))
            self._row[self._column] = self._value("".join(self._pieces)[:MAX_CELL])
            self._cells += self._column + 1
        elif name == "row":
            self._rows.append(self._row)
        if self._cells > MAX_CELLS * 8 or len(self._rows) > MAX_CELLS:
            raise TooMuch

    def _value(self, text: str) -> str:
        if self._kind != "s":
            return text
        index = int(text) if text.strip().isdecimal() else -1
        if not 0 <= index < len(self._shared):
            raise ValueError("a text that is not there")
        return self._shared[index]


def _number(letters: str) -> int:
    """Return a column's number from 0, of its letters (A to Z, then AA)."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _parse(
    archive: ZipFile,
    part: str,
    *,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Parse one part; names of elements come without their namespace, names of attributes with it."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(" ")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_document_type
    read = 0
    try:
        with archive.open(part) as file:
            while block := file.read(_BLOCK):
                read += len(block)
                if read > _MAX_PART:
                    raise TooMuch
                parser.Parse(block, False)  # noqa: FBT003 - positional only
            parser.Parse(b"", True)  # noqa: FBT003 - positional only
    except (expat.ExpatError, RuntimeError) as error:  # RuntimeError: the archive is encrypted
        raise ValueError(str(error)) from error


def _refuse_document_type(*_: object) -> None:
    raise ValueError("a document type")
