"""Rows of a table: CSV or TSV in the encodings that Chinese spreadsheets write, or the first sheet of an XLSX file."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple
from zipfile import BadZipFile

from provenance.errors import UsageError
from provenance.sources.xlsx import MAX_CELL, MAX_COLUMNS, TooMuch, sheet_rows

MAX_BYTES: Final = 50 << 20
MAX_ROWS: Final = 200_000
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_FOREIGN: Final = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"<!DOCTYPE", b"<html", b"{\\rtf")
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SAMPLE: Final = 8192  # characters


class Table(NamedTuple):
    """Rows of texts, each stripped, and how the file was read: ``xlsx`` or an encoding."""

    rows: list[tuple[str, ...]]
    form: str


def read_table(content: bytes, path: Path) -> Table:
    """Return the rows of a file; `path` is named in errors.

    Raises:
        UsageError: it is too large, no table, damaged, or in no encoding that is known.
    """
    if len(content) > MAX_BYTES:
        raise UsageError("sources-too-large", path=path, limit=f"{MAX_BYTES >> 20} MB")
    if content.startswith(_OLD_EXCEL):
        raise UsageError("sources-old-excel", path=path)
    if content.startswith(_FOREIGN):
        raise UsageError("sources-not-a-table", path=path)
    try:
        rows, form = _rows_of(content, path)
        return Table(_limited(rows, path), form)
    except TooMuch:
        raise UsageError("sources-too-large", path=path, limit=f"{MAX_BYTES >> 20} MB") from None
    except (BadZipFile, zlib.error, csv.Error, ValueError, KeyError, EOFError, OSError, NotImplementedError) as error:
        raise UsageError("sources-not-a-table", path=path) from error


def _rows_of(content: bytes, path: Path) -> tuple[Iterable[Iterable[str]], str]:
    if content.startswith(_ZIP):
        return sheet_rows(io.BytesIO(content)), "xlsx"
    text, encoding = _decoded(content, path)
    return csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True), encoding


def _limited(rows: Iterable[Iterable[str]], path: Path) -> list[tuple[str, ...]]:
    found = [tuple(cell[:MAX_CELL].strip() for cell in islice(row, MAX_COLUMNS)) for row in islice(rows, MAX_ROWS + 1)]
    if len(found) > MAX_ROWS:
        raise UsageError("sources-too-many-rows", path=path, limit=MAX_ROWS)
    return found


def _decoded(content: bytes, path: Path) -> tuple[str, str]:
    """Decode by the byte-order mark, else as UTF-8, else as GB 18030, of which GBK and GB 2312 are parts."""
    named = [encoding for mark, encoding in _MARKS if content.startswith(mark)]
    for encoding in named or ["utf-8", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text and not _is_garbled(text):
            return text, encoding.removesuffix("-sig")
    raise UsageError("sources-encoding", path=path)


def _is_garbled(text: str) -> bool:
    """Say whether a text was decoded wrongly: GB 18030 gives private or unassigned characters for Big5 and Latin-1."""
    strange = sum(
        "\ue000" <= each <= "\uf8ff" or each == "\ufffd" or "\x80" <= each < "\xa0" for each in text[:_SAMPLE]
    )
    return strange > len(text[:_SAMPLE]) // 200


def _delimiter(text: str) -> str:
    lines: Iterator[str] = (line for line in text[:_SAMPLE].splitlines() if line.strip())
    head = "\n".join(islice(lines, 20))
    return max("\t,;", key=head.count)
