"""Options that several commands share, given to a command as one mapping."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any


def with_group(command: Callable[..., Any], name: str, added: Sequence[inspect.Parameter]) -> Callable[..., Any]:
    """Return the command with options added, whose values it receives as the mapping ``name``."""

    def gathered(**arguments: Any) -> Any:
        group = {each.name: arguments.pop(each.name) for each in added}
        return command(**arguments, **{name: group})

    plain = inspect.signature(command, eval_str=True)
    kept = [each for each in plain.parameters.values() if each.name != name]
    gathered.__signature__ = plain.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    gathered.__annotations__ = {each.name: each.annotation for each in (*kept, *added)}
    gathered.__doc__ = command.__doc__
    return gathered
