"""In which line of a TOML file something stands: `tomllib` keeps no positions, and a lawyer needs one."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Final

_Path = tuple[str, ...]
_MOST_READINGS: Final = 20  # a long value is tried again at each of its lines; beyond this, the line is a rough one


def line_of(text: str, pointer: str) -> int:
    """Return the line in which the value at a JSON pointer begins; of what is not there, the line it belongs to."""
    wanted = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    best, found, statement = 0, 1, ""
    for line, path, lines in _statements(text):
        shared = _shared(path, wanted)
        # A statement counts if it lies on the way to what is wanted, or if what is wanted begins with it.
        if shared > best and shared in {len(path), len(wanted)}:
            best, found, statement = shared, line, lines
    # Inside a value that spans lines, the key that is meant is looked for by its name.
    name = next((step for step in reversed(wanted[best:]) if not step.isdecimal()), "")
    return found - 1 + (line_with(statement, name) or 1)


def line_with(text: str, word: str) -> int | None:
    """Return the first line that holds `word` as a whole, outside comments; better in quotes; `None` if none does."""
    for pattern in (rf"[\"']{re.escape(word)}[\"']", rf"(?<![\w.-]){re.escape(word)}(?![\w-])"):
        for number, line in enumerate(text.splitlines(), 1):
            if word and not line.lstrip().startswith("#") and re.search(pattern, line):
                return number
    return None


def _statements(text: str) -> Iterator[tuple[int, _Path, str]]:
    """Yield line, path and text of every table head and every `key = value`, in their order."""
    table: _Path = ()
    arrays: Counter[_Path] = Counter()
    lines: list[str] = []
    budget = _MOST_READINGS * len(text)
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        lines.append(line)
        if "#" not in line and line.rstrip().endswith((",", "[", "{")):
            continue  # inside an array; a string or a comment may end so too
        if (budget := budget - sum(map(len, lines))) < 0:
            return
        try:
            content = tomllib.loads("".join(lines))
        except tomllib.TOMLDecodeError:
            continue  # a value over several lines
        statement, lines = "".join(lines), []
        if not content:
            continue
        head = line.lstrip().startswith("[") and statement == line
        names, is_array = _names(content, head=head)
        if head:
            table = _resolved(names, arrays, is_array=is_array)
        yield number - statement.count("\n", 0, -1), table if head else table + names, statement


def _names(content: object, *, head: bool) -> tuple[_Path, bool]:
    """Return the keys of a statement, and whether it opens the next table of an array."""
    names: list[str] = []
    while isinstance(content, dict) and len(content) == 1 and (head or not names):
        ((name, content),) = content.items()
        names.append(name)
    return tuple(names), head and isinstance(content, list)


def _resolved(names: _Path, arrays: Counter[_Path], *, is_array: bool) -> _Path:
    """Return the path of a table head, with the number of every array of tables on the way."""
    path: _Path = ()
    for at, name in enumerate(names):
        path += (name,)
        if is_array and at == len(names) - 1:
            arrays[path] += 1
        if arrays[path]:
            path += (str(arrays[path] - 1),)
    return path


def _shared(one: _Path, other: _Path) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
