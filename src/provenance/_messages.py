"""Texts for people, in both languages, and the one template form they use.

A template holds ``{field}``, ``{field.part}`` and ``{field:date}`` (its first ten characters); a ``[ … ]`` part is
dropped when one of its fields is missing. Nothing else is special, so no text can reach beyond its fields.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal

Locale = Literal["zh-CN", "en"]
LOCALES: Final[tuple[Locale, ...]] = ("zh-CN", "en")

_FIELD = re.compile(r"\{([a-z0-9_.]+)(:date)?\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


def message(code: str, locale: Locale, fields: Mapping[str, object]) -> str:
    """Return the text of `code` with `fields` put in; an unknown code is returned as it is."""
    texts = _texts().get(code)
    return fill(texts[locale], fields) if texts else code


def fill(template: str, fields: Mapping[str, object]) -> str:
    """Expand `template`; a field that is missing outside ``[ … ]`` becomes an empty text."""

    def value(match: re.Match[str]) -> str:
        text = _look_up(fields, match[1])
        return text[:10] if match[2] else text

    def optional(match: re.Match[str]) -> str:
        complete = all(_look_up(fields, name) for name, _ in _FIELD.findall(match[1]))
        return _FIELD.sub(value, match[1]) if complete else ""

    # Optional parts first, each expanded once: a bracket or brace inside a value is never a template again.
    pieces = []
    end = 0
    for match in _OPTIONAL.finditer(template):
        pieces += [_FIELD.sub(value, template[end : match.start()]), optional(match)]
        end = match.end()
    pieces.append(_FIELD.sub(value, template[end:]))
    return "".join(pieces)


def fields_of(template: str) -> set[str]:
    """Return the names that `template` asks for."""
    return {name for name, _ in _FIELD.findall(template)}


def _look_up(fields: Mapping[str, object], dotted: str) -> str:
    value: object = fields
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    return "" if value is None else str(value)


@cache
def _texts() -> dict[str, dict[Locale, str]]:
    folder = files("provenance") / "messages"
    merged: dict[str, dict[Locale, str]] = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            merged.update(tomllib.loads(entry.read_text(encoding="utf-8")))
    return merged
