"""Texts for people, in both languages, and the one template form they use.

A template holds ``{field}``, ``{field.part}`` and ``{field:date}`` (its first ten characters); a ``[ … ]`` part with
fields is dropped when one of them is missing. Nothing else is special, so no text can reach beyond its fields.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal

Locale = Literal["zh-CN", "en"]
LOCALES: Final[tuple[Locale, ...]] = ("zh-CN", "en")

# Whether it may be dropped, its first text, and for each field its path, the most characters of it, the text behind it.
_Part = tuple[bool, str, tuple[tuple[tuple[str, ...], int | None, str], ...]]

_FIELD = re.compile(r"\{([a-z0-9_.]+)(:date)?\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*\{[^\[\]]*)\]")


def message(code: str, locale: Locale, fields: Mapping[str, object]) -> str:
    """Return the text of `code` with `fields` put in; an unknown code is returned as it is."""
    texts = _texts().get(code)
    return fill(texts[locale], fields) if texts else code


def fill(template: str, fields: Mapping[str, object]) -> str:
    """Expand `template`; a field that is missing outside ``[ … ]`` becomes an empty text."""
    pieces = []
    for optional, start, wanted in _parsed(template):
        text = start
        for path, most, after in wanted:
            value = _look_up(fields, path)[:most]
            if optional and not value:
                break
            text += value + after
        else:
            pieces.append(text)
    return "".join(pieces)


def fields_of(template: str) -> set[str]:
    """Return the names that `template` asks for."""
    return {name for name, _ in _FIELD.findall(template)}


@lru_cache(maxsize=2048)
def _parsed(template: str) -> tuple[_Part, ...]:
    # A template is read once; what fills it is never read as a template.
    parts = []
    end = 0
    for match in _OPTIONAL.finditer(template):
        parts += [_part(template[end : match.start()], optional=False), _part(match[1], optional=True)]
        end = match.end()
    return (*parts, _part(template[end:], optional=False))


def _part(text: str, *, optional: bool) -> _Part:
    start, *rest = _FIELD.split(text)
    found = zip(rest[0::3], rest[1::3], rest[2::3], strict=True)
    return optional, start, tuple((tuple(path.split(".")), 10 if date else None, after) for path, date, after in found)


def _look_up(fields: Mapping[str, object], path: tuple[str, ...]) -> str:
    value: object = fields
    for part in path:
        value = value.get(part) if isinstance(value, (dict, Mapping)) else getattr(value, part, None)
    return "" if value is None else str(value)


@cache
def _texts() -> dict[str, dict[Locale, str]]:
    folder = files("provenance") / "messages"
    merged: dict[str, dict[Locale, str]] = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            merged.update(tomllib.loads(entry.read_text(encoding="utf-8")))
    return merged
