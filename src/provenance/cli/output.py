"""What the commands print: results on standard output, everything else on standard error, in the user's language."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console

from provenance._messages import Locale, message
from provenance.cli.locale import default_locale
from provenance.errors import ProvenanceError


class _Language:
    locale: Locale = default_locale()


def _set_locale(value: str | None) -> str | None:
    if value is None:
        _Language.locale = default_locale()
    elif value in {"zh-CN", "en"}:
        _Language.locale = value  # type: ignore[assignment]
    else:
        raise typer.BadParameter("zh-CN | en")
    return value


Lang = Annotated[
    str | None,
    typer.Option(
        "--lang", help="Language of messages: zh-CN or en.", callback=_set_locale, is_eager=True, metavar="zh-CN|en"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]


def locale() -> Locale:
    """Return the language of messages."""
    return _Language.locale


def text(code: str, /, **fields: object) -> str:
    """Return a message in the user's language."""
    return message(code, locale(), fields)


def say(code: str, /, **fields: object) -> None:
    """Print a message on standard error."""
    sys.stderr.write(text(code, **fields) + "\n")


def warn(error: ProvenanceError) -> None:
    """Print what went differently from what was asked, on standard error."""
    sys.stderr.write(text("warning-line", code=error.code, text=error.diagnostics(locale())) + "\n")


def error(problem: ProvenanceError) -> None:
    """Print an error with its stable code, on standard error."""
    sys.stderr.write(text("error-line", code=problem.code, text=problem.diagnostics(locale())) + "\n")


def document(data: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def console() -> Console:
    """Return a console on standard output; plain text when it is not a terminal."""
    width = None if sys.stdout.isatty() else 120
    return Console(file=sys.stdout, highlight=False, emoji=False, markup=False, soft_wrap=True, width=width)


@contextlib.contextmanager
def progress() -> Iterator[Any]:
    """Yield a callback ``(done, total, what)`` that shows progress on standard error when it is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def step(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield step


def use_utf_8() -> None:
    """Make standard output and error take Chinese text whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
