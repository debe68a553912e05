"""The list as it is kept, and what it is asked."""

from __future__ import annotations

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, ValidationError

from provenance import _files
from provenance.errors import AssetNotFound, OutputNotWritten, UsageError
from provenance.model.base import Line, Name, Value
from provenance.text import name_key

FILE: Final = "news-sources-{jurisdiction}.json"
_JURISDICTION: Final = "[a-z]{2,8}"
_MAX_BYTES: Final = 128 << 20


class SourceUnit(Value):
    """One listed unit: its name, other names of it, its website, and the class the list puts it in."""

    name: Name
    aliases: tuple[Name, ...] = ()
    website: Line | None = None
    category: Line | None = None


class SourceList(Value):
    """A list of news source units, and where it came from.

    Attributes:
        jurisdiction: Whose list it is.
        file: The name of the file it was read from.
        sha256: The digest of that file.
        imported_on: The day it was read, in Beijing.
        units: The units, in the file's order.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, title="provenance/sources/1", populate_by_name=True
    )

    schema_: Annotated[Literal["provenance/sources/1"], Field(alias="schema")] = "provenance/sources/1"
    jurisdiction: Annotated[str, Field(pattern=f"^{_JURISDICTION}$")]
    file: Line
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    imported_on: date
    units: Annotated[tuple[SourceUnit, ...], Field(min_length=1)]

    def keys(self) -> frozenset[str]:
        """Return the keys (`text.name_key`) of every name, alias and website; what the rules look a publisher up in."""
        names = (text for each in self.units for text in (each.name, *each.aliases, each.website or ""))
        return frozenset(filter(None, map(name_key, names)))

    def lists(self, publisher: str) -> bool:
        """Say whether a publisher is on the list, under its name, an alias or its website."""
        return name_key(publisher) in self.keys()

    def save(self, folder: Path | None = None) -> Path:
        """Keep the list in the user's data folder, in the place of an older one, and return where.

        Raises:
            OutputNotWritten: the file system refused; an older list stays as it was.
        """
        target = (folder or data_folder()) / FILE.format(jurisdiction=self.jurisdiction)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputNotWritten("output-not-written", path=target.parent, reason=error.strerror or "") from error
        text = json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n"
        with _files.replaced_file(target) as file:
            file.write(text.encode())
        return target

    @classmethod
    def stored(cls, folder: Path | None = None, jurisdiction: str = "cn") -> SourceList | None:
        """Return the list that was imported, or `None` where none was.

        Raises:
            UsageError: the file is damaged.
        """
        path = (folder or data_folder()) / FILE.format(jurisdiction=jurisdiction)
        # What is no jurisdiction has no list, whatever path its name would make.
        if not re.fullmatch(_JURISDICTION, jurisdiction) or not path.is_file():
            return None
        try:
            with _files.open_input(path) as file:
                return cls.model_validate_json(file.read(_MAX_BYTES))
        except (ValidationError, AssetNotFound) as error:
            raise UsageError("sources-list-damaged", path=path) from error


def data_folder() -> Path:
    """Return the user's data folder: ``$XDG_DATA_HOME/provenance-labels``, or ``~/.local/share/provenance-labels``."""
    base = os.environ.get("XDG_DATA_HOME", "")
    # The specification ignores a relative path.
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "provenance-labels"
