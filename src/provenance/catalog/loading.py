"""Read a folder of rule data: every file typed and checked, every reference resolved, or an error that says where.

The folder may come from an operator, so sizes, numbers and nesting are limited, and a file that is not where it belongs
is refused rather than left unread.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from pydantic import ValidationError

from provenance import _files
from provenance._messages import LOCALES, message
from provenance.catalog.conduct import Conduct
from provenance.catalog.data import Carriers, Instrument, Kind, Rule, SourceTypes, Style, Switches
from provenance.catalog.lines import line_of, line_with
from provenance.catalog.platforms import Declarations, Platform
from provenance.catalog.words import WordList
from provenance.errors import CatalogError, EditionNotFound, ProvenanceError, SchemaViolation
from provenance.model.base import Value
from provenance.model.pointers import invalid_post

_Problem: TypeAlias = tuple[str, dict[str, object]]
MAX_FILE_BYTES: Final = 256 << 10
MAX_FILES: Final = 5000
MAX_NESTING: Final = 24
EDITION: Final = "EDITION"
_NUMBER: Final = re.compile(r"\d{4}\.\d{1,2}\.\d{1,4}")
# Folder (a jurisdiction's name as `*`) or file -> what a file there holds.
LAYOUT: Final[Mapping[str, type[Value]]] = {
    "kinds": Kind,
    "notices": Style,
    "platforms": Platform,
    "provisions/*": Instrument,
    "rules/*": Rule,
    "vocabulary/carriers.toml": Carriers,
    "vocabulary/conduct.toml": Conduct,
    "vocabulary/declarations.toml": Declarations,
    "vocabulary/digital-source-type.toml": SourceTypes,
    "vocabulary/switches.toml": Switches,
    "vocabulary/words": WordList,
}


def read_texts(root: Path) -> dict[str, str]:
    """Return what an edition is made of, by path below `root`: its number and every data file, sorted.

    Raises:
        EditionNotFound: the folder holds no edition.
        SchemaViolation: a file cannot be read, is too large, or there are too many.
    """
    if not (root / EDITION).is_file():
        raise EditionNotFound("edition-not-found", path=root)
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.toml"))
    if len(found) > MAX_FILES:
        raise SchemaViolation("data-too-many-files", path=root, limit=MAX_FILES)
    return {name: _text_of(root / name, name) for name in (EDITION, *found)}


def edition_number(texts: Mapping[str, str]) -> str:
    """Return the edition's number.

    Raises:
        SchemaViolation: it is malformed.
    """
    number = texts[EDITION].strip()
    if not _NUMBER.fullmatch(number):
        raise SchemaViolation("edition-number", path=EDITION, value=number[:40], line=1)
    return number


def typed_files(texts: Mapping[str, str]) -> dict[str, Value]:
    """Return the content of every data file by its path.

    Raises:
        SchemaViolation: a file is misplaced, not TOML, or breaks its schema.
    """
    return {name: _typed(name, plain_data(text, name)) for name, text in texts.items() if name != EDITION}


def with_line(error: CatalogError, texts: Mapping[str, str]) -> CatalogError:
    """Return an error with the file's path in full and, where it is known, the line.

    A check that looks at one entry among all jurisdictions writes ``*`` for the folder, and ``at`` for a pointer that
    the message does not show.
    """
    details = error.details
    name = next((each for each in texts if fnmatchcase(each, str(details.get("path")))), None)
    if name is None or "line" in details:
        return error
    pointer = details.get("at", details.get("pointer"))
    word = str(details.get("id", details.get("value")))
    line = line_with(texts[name], word) if pointer is None else line_of(texts[name], str(pointer))
    return type(error)(error.code, **{**details, "path": name, "line": line})


def schema_for(name: str) -> type[Value]:
    """Return the class of the file at `name` (a path below the edition's folder).

    Raises:
        SchemaViolation: no data file belongs there.
    """
    folder, _, file = name.rpartition("/")
    parent = folder.rpartition("/")[0]
    kind = LAYOUT.get(name) or LAYOUT.get(folder) or (LAYOUT.get(f"{parent}/*") if parent else None)
    if kind is None or not re.fullmatch(r"[A-Za-z0-9-]+\.toml", file):
        raise SchemaViolation("data-file-misplaced", path=name)
    return kind


def plain_data(text: str, name: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        SchemaViolation: it is not TOML, or nested too deeply.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        at = re.search(r"line (\d+)", str(error))
        line = at[1] if at else text.count("\n") + 1
        raise SchemaViolation("data-not-toml", path=name, reason=str(error), line=line) from None
    level: list[Any] = [data]
    for _ in range(MAX_NESTING):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return data
    raise SchemaViolation("data-too-deep", path=name, limit=MAX_NESTING)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _text_of(path: Path, name: str) -> str:
    try:
        with _files.open_input(path) as file:
            content = file.read(MAX_FILE_BYTES + 1)
        text = content.decode("utf-8")
    except (ProvenanceError, UnicodeDecodeError, OSError) as error:
        raise SchemaViolation("data-file-unreadable", path=name, reason=str(error)) from error
    if len(content) > MAX_FILE_BYTES:
        raise SchemaViolation("data-file-too-large", path=name, limit=f"{MAX_FILE_BYTES >> 10} KiB")
    return text


def _typed(name: str, data: dict[str, Any]) -> Value:
    kind = schema_for(name)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        found = invalid_post(error, data)
        problems = [(found.code, found.details), *cast("list[_Problem]", found.details["others"])]
        # A misspelt key is unknown and, under its right name, missing: say where it stands.
        code, details = next((each for each in problems if each[0] == "key-unknown"), problems[0])
        code = "data-key-unknown" if code == "key-unknown" else code
        zh, en = (message(code, locale, details) for locale in LOCALES)
        raise SchemaViolation("data-breaks-schema", path=name, pointer=details["pointer"], en=en, zh=zh) from None
