"""Read a folder of rule data: every file typed and checked, every reference resolved, or an error that says where.

The folder may come from an operator, so sizes, numbers and nesting are limited, and a file that is not where it belongs
is refused rather than left unread.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from provenance import _files
from provenance._messages import LOCALES, message
from provenance.catalog.data import Carriers, Instrument, Kind, Rule, SourceTypes, Style, Switches
from provenance.errors import EditionNotFound, ProvenanceError, SchemaViolation
from provenance.model.base import Value
from provenance.model.pointers import invalid_post

MAX_FILE_BYTES: Final = 256 << 10
MAX_FILES: Final = 5000
MAX_NESTING: Final = 24
_EDITION: Final = re.compile(r"\d{4}\.\d{1,2}\.\d{1,4}")
# Folder (a jurisdiction's name as `*`) or file -> what a file there holds.
LAYOUT: Final[Mapping[str, type[Value]]] = {
    "kinds": Kind,
    "notices": Style,
    "provisions/*": Instrument,
    "rules/*": Rule,
    "vocabulary/carriers.toml": Carriers,
    "vocabulary/digital-source-type.toml": SourceTypes,
    "vocabulary/switches.toml": Switches,
}


def read_edition(root: Path) -> str:
    """Return the edition's number.

    Raises:
        EditionNotFound: the folder holds no edition.
        SchemaViolation: its number is malformed.
    """
    if not (root / "EDITION").is_file():
        raise EditionNotFound("edition-not-found", path=root)
    number = _text_of(root / "EDITION", "EDITION").strip()
    if not _EDITION.fullmatch(number):
        raise SchemaViolation("edition-number", path="EDITION", value=number[:40])
    return number


def read_files(root: Path) -> Iterator[tuple[str, Value]]:
    """Yield ``(path below root, content)`` of every data file, in the order of their names.

    Raises:
        SchemaViolation: a file is misplaced, too large, not TOML, or breaks its schema.
    """
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.toml"))
    if len(found) > MAX_FILES:
        raise SchemaViolation("data-too-many-files", path=root, limit=MAX_FILES)
    for name in found:
        yield name, _typed(name, plain_data(_text_of(root / name, name), name))


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
        raise SchemaViolation("data-not-toml", path=name, reason=str(error)) from None
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
        code = "data-key-unknown" if found.code == "key-unknown" else found.code
        zh, en = (message(code, locale, found.details) for locale in LOCALES)
        pointer = found.details["pointer"]
        raise SchemaViolation("data-breaks-schema", path=name, pointer=pointer, en=en, zh=zh) from None
