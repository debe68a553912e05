"""Validation errors as our errors: a message id and a JSON pointer (RFC 6901) into what the user wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from provenance.errors import InvalidPost

_MOST_PROBLEMS: Final = 20
# pydantic's error types, grouped into what a user has to do about them.
_CODES: Final = {
    "missing": "key-missing",
    "extra_forbidden": "key-unknown",
    "literal_error": "value-not-allowed",
    "string_pattern_mismatch": "value-pattern",
    "string_too_long": "text-too-long",
    "string_unicode": "text-not-unicode",
}
_TYPES: Final = {
    "string": ("a text", "文本"),
    "bool": ("true or false", "true 或 false"),
    "int": ("a whole number", "整数"),
    "float": ("a number", "数字"),
    "tuple": ("a list", "列表"),
    "list": ("a list", "列表"),
    "model": ("an object", "对象"),
    "dict": ("an object", "对象"),
}


def invalid_post(error: ValidationError, data: object) -> InvalidPost:
    """Return the `InvalidPost` that says what `error` found in `data`, the first problem first."""
    problems = [_problem(each, data) for each in error.errors(include_url=False)[:_MOST_PROBLEMS]]
    (code, details), *others = problems
    return InvalidPost(code, others=others, **details)


def pointer_to(location: Sequence[str | int], data: object, *, missing: bool = False) -> str:
    """Return the pointer of a validator's location, leaving out the steps that are not in the data."""
    steps: list[str] = []
    here: Any = data
    for at, step in enumerate(location):
        inside = (isinstance(here, Mapping) and step in here) or (
            isinstance(here, Sequence) and not isinstance(here, str) and isinstance(step, int) and step < len(here)
        )
        if inside:
            here = here[step]
        elif not (missing and at == len(location) - 1):
            continue
        steps.append(str(step).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{step}" for step in steps)


def _problem(each: Mapping[str, Any], data: object) -> tuple[str, dict[str, object]]:
    kind, context = each["type"], each.get("ctx", {})
    details: dict[str, object] = {
        "pointer": pointer_to(each["loc"], data, missing=kind == "missing"),
        "value": str(each.get("input"))[:80],
        **context,
    }
    code = _CODES.get(kind)
    if code is None and (wanted := _TYPES.get(kind.split("_")[0])) and kind.endswith(("_type", "_parsing")):
        code = "value-type"
        details["wanted"], details["wanted_zh"] = wanted
    elif code is None:
        # Ours carry their own id; what is left of pydantic's are limits on numbers and sizes.
        code = kind if "-" in kind else "value-limit"
        details.setdefault("reason", each["msg"])
    return code, details
