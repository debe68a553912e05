"""The ground of every public value: frozen, and strict about unknown keys."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

# C0, DEL, C1, the non-characters XML cannot hold, and the marks that reorder what a reader sees.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_UNPRINTABLE_BUT_BREAKS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


class Value(BaseModel):
    """A frozen value; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, str_strip_whitespace=False)

    def as_json(self) -> dict[str, Any]:
        """Return the value as plain JSON data, without the keys that were not given."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def refuse(code: str, text: str, **context: Any) -> PydanticCustomError:
    """Return the error a validator raises; `code` is our message id."""
    return PydanticCustomError(code, text, context)


def _one_line(text: str) -> str:
    if found := _UNPRINTABLE.search(text):
        raise refuse("text-character", "a control or direction character", character=f"U+{ord(found[0]):04X}")
    if not text.strip():
        raise refuse("text-empty", "an empty text")
    return text


def _many_lines(text: str) -> str:
    if found := _UNPRINTABLE_BUT_BREAKS.search(text):
        raise refuse("text-character", "a control or direction character", character=f"U+{ord(found[0]):04X}")
    return text


def _url(text: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s<>\"\\^`{|}]", text):
        raise refuse("url-not-absolute", "not an absolute http(s) URL", value=text[:80])
    return text


Name = Annotated[str, StringConstraints(max_length=300), AfterValidator(_one_line)]
Line = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_one_line)]
Prose = Annotated[str, StringConstraints(max_length=1_000_000), AfterValidator(_many_lines)]
Url = Annotated[
    str,
    StringConstraints(max_length=2048),
    AfterValidator(_url),
    Field(json_schema_extra={"format": "uri", "pattern": "^https?://"}),
]
Flag = Annotated[bool, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Pixels = Annotated[int, Strict()]
