"""Import: find the columns of a table, read the units, and say what was read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from provenance import _files
from provenance.errors import UsageError
from provenance.sources.registry import SourceList, SourceUnit
from provenance.sources.tables import MAX_BYTES, read_table
from provenance.text import name_key, normalise

# What a heading may say, the surest first.
_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": (
        *("稿源单位名称", "稿源单位", "单位名称", "媒体名称", "机构名称", "网站名称", "来源名称"),
        *("名称", "单位", "媒体", "机构", "来源", "name", "publisher", "source", "organization", "unit"),
    ),
    "aliases": ("别名", "简称", "又名", "曾用名", "其他名称", "aliases", "alias", "short name"),
    "website": ("网址", "域名", "网站地址", "主页", "网站", "website", "url", "domain", "homepage"),
    "category": ("类别", "分类", "类型", "级别", "category", "type", "class"),
}  # fmt: skip
_HEADING_ROWS: Final = 20  # titles and notes may stand above the headings
_LONGEST_HEADING: Final = 20  # characters; a longer text is a title or a note
_ALIASES: Final = re.compile(r"[、,\uff0c;\uff1b/|\n]+")
_SHORT_FORM: Final = re.compile(
    r"[(\uff08](?:以下)?(?:简称|又称|又名|原名?|曾用名)[:\uff1a“\"]*([^)\uff09”\"]+)[”\"]?[)\uff09]"
)
_NO_NAME: Final = re.compile(r"[\d\W_]*|(?:合计|总计|共计|小计|备注|注)[:\uff1a].*|合计|总计|共计|小计|备注")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Imported(NamedTuple):
    """A list as it was read, and how: the form of the file, the heading each column was found by, rows left out."""

    sources: SourceList
    form: str
    columns: Mapping[str, str]
    skipped: int


def import_list(path: Path, *, on: date, column: str | None = None, jurisdiction: str = "cn") -> Imported:
    """Read the official list from a CSV, TSV or XLSX file; nothing is stored.

    Args:
        path: The file, at most 50 MB.
        on: The day of the import.
        column: The heading of the column with the names, where it is none of those that are known.
        jurisdiction: Whose list it is.

    Raises:
        AssetNotFound: the file cannot be read.
        UsageError: it is no table, has no column of names or no name, or a name that cannot be one; it says which row.
    """
    with _files.open_input(path) as file:
        content = file.read(MAX_BYTES + 1)
    table = read_table(content, path)
    heading, columns = _columns(table.rows, column, path)
    rows = list(_units(table.rows[heading + 1 :], columns, heading + 2, path))
    units = _merged(each for each in rows if each is not None)
    if not units:
        raise UsageError("sources-empty", path=path)
    sources = SourceList(
        jurisdiction=jurisdiction,
        file=_UNPRINTABLE.sub("_", path.name),
        sha256=hashlib.sha256(content).hexdigest(),
        imported_on=on,
        units=units,
    )
    shown = {role: table.rows[heading][at] for role, at in columns.items()}
    return Imported(sources, table.form, shown, skipped=sum(each is None for each in rows))


def _columns(rows: Sequence[Sequence[str]], column: str | None, path: Path) -> tuple[int, dict[str, int]]:
    """Return the number of the row with the headings, and the column of each role."""
    if not any(cell for row in rows for cell in row):
        raise UsageError("sources-empty", path=path)
    head = [[_plain(cell) for cell in row] for row in rows[:_HEADING_ROWS]]
    for exact in (True, False) if column is None else (True,):
        for number, headings in enumerate(head):
            wanted = _HEADINGS["name"] if column is None else (_plain(column),)
            if (name := _role(headings, wanted, exact=exact)) is not None:
                return number, {"name": name, **_other_roles(headings, name)}
    first = next(row for row in rows if any(row))
    raise UsageError("sources-no-name-column", path=path, found=", ".join(filter(None, first))[:120])


def _other_roles(headings: Sequence[str], name: int) -> dict[str, int]:
    left = [each if at != name else "" for at, each in enumerate(headings)]
    found = {role: _role(left, known) for role, known in _HEADINGS.items() if role != "name"}
    return {role: at for role, at in found.items() if at is not None}


def _role(headings: Sequence[str], wanted: Sequence[str], *, exact: bool = False) -> int | None:
    """Return the first column whose heading is, else holds, the surest of the wanted words."""
    for word in wanted:
        if word in headings:
            return headings.index(word)
    for word in () if exact else (each for each in wanted if not each.isascii()):
        for at, heading in enumerate(headings):
            if word in heading and len(heading) <= _LONGEST_HEADING:
                return at
    return None


def _units(
    rows: Iterable[Sequence[str]], columns: Mapping[str, int], first: int, path: Path
) -> Iterator[SourceUnit | None]:
    """Yield the unit of each row; `None` for one without a name."""
    for number, row in enumerate(rows, first):
        cells = {role: row[at] if at < len(row) else "" for role, at in columns.items()}
        written = " ".join(cells["name"].split())
        if _NO_NAME.fullmatch(written):
            if any(row):
                yield None
            continue
        short = [each.strip() for each in _SHORT_FORM.findall(written)]
        aliases = [each.strip() for each in _ALIASES.split(cells.get("aliases", ""))]
        try:
            yield SourceUnit(
                name=_SHORT_FORM.sub("", written).strip() or written,
                aliases=tuple(dict.fromkeys(each for each in (*short, *aliases) if each)),
                website=cells.get("website") or None,
                category=cells.get("category") or None,
            )
        except ValidationError:
            raise UsageError("sources-row", path=path, row=number, value=written[:60]) from None


def _merged(units: Iterable[SourceUnit]) -> tuple[SourceUnit, ...]:
    """Return each unit once: what stands twice keeps its first row and all its aliases."""
    found: dict[str, SourceUnit] = {}
    for unit in units:
        key = name_key(unit.name)
        if key in found:
            others = (*found[key].aliases, *((unit.name,) if unit.name != found[key].name else ()), *unit.aliases)
            unit = found[key].model_copy(update={"aliases": tuple(dict.fromkeys(others))})  # noqa: PLW2901
        found[key] = unit
    return tuple(found.values())


def _plain(cell: str) -> str:
    return normalise(cell).text.casefold().strip("*: ")
