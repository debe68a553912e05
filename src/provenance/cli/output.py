"""What the commands print: results on standard output, everything else on standard error, in the user's language."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Annotated, Any, cast

import typer
from rich.console import Console

from provenance import _files
from provenance._messages import Locale, message
from provenance.cli.locale import default_locale
from provenance.errors import ProvenanceError, UsageError


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


def use_language_of(arguments: Sequence[str]) -> None:
    """Use the language that a command line asks for, even when nothing else of it can be understood."""
    asked = [value for option, value in itertools.pairwise(arguments) if option == "--lang"]
    asked += [each.removeprefix("--lang=") for each in arguments if each.startswith("--lang=")]
    _Language.locale = "zh-CN" if "zh-CN" in asked else "en" if "en" in asked else default_locale()


Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        help="Language of messages: zh-CN or en. 消息语言。",
        callback=_set_locale,
        is_eager=True,
        metavar="zh-CN|en",
    ),
]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError("date-form", option="--on", value=text) from None


OnDay = Annotated[
    date | None,
    typer.Option("--on", parser=_day, metavar="DATE", help="Apply the rules of this date. 按该日期的规则。"),
]
ReadPictures = Annotated[
    bool,
    typer.Option(
        "--ocr", help="Read pictures for notices that nothing states ([ocr]). 识别画面文字,查找未记载的提示。"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output. 输出 JSON。")]


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
    sys.stderr.write(text("warning-line", code=error.code, text=told(error)) + "\n")


def error(problem: ProvenanceError) -> None:
    """Print an error with its stable code, on standard error."""
    sys.stderr.write(text("error-line", code=problem.code, text=told(problem)) + "\n")


def told(problem: ProvenanceError) -> str:
    """Return what an error or a warning says in the user's language, its values as people write them."""
    others = cast("list[tuple[str, dict[str, object]]]", problem.details.get("others", []))
    for details in (problem.details, *(details for _, details in others)):
        details.update({key: _readable(details[key]) for key in ("value", "other") if key in details})
        if details.get("pointer") == "":  # the whole document
            details["pointer"] = "/"
    return problem.diagnostics(locale())


def _readable(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if {"latitude", "longitude"} <= value.keys():
        datum = f" ({value['datum']})" if value.get("datum") else ""
        return f"{value['latitude']}, {value['longitude']}{datum}"
    return ", ".join(f"{key}={_readable(inner)}" for key, inner in value.items())


def not_one_of(option: str, value: object, known: Sequence[str]) -> UsageError:
    """Return the error for a value that an option does not take."""
    return UsageError("option-unknown", option=option, value=value, known=", ".join(known))


def document(data: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def line(data: Any) -> None:
    """Print one JSON document as one line on standard output."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")


def console() -> Console:
    """Return a console on standard output; plain text when it is not a terminal."""
    width = None if sys.stdout.isatty() else 120
    return Console(file=sys.stdout, highlight=False, emoji=False, markup=False, soft_wrap=True, width=width)


@contextlib.contextmanager
def progress(what: str = "") -> Iterator[Callable[[int, int, str], None] | None]:
    """Yield a callback ``(done, total, what)`` that shows progress on standard error when it is a terminal.

    Beside it stands how much has been copied and hashed, and for how long: one large file moves too.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.filesize import decimal
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[moved]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    moved = 0
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, moved="")

        def step(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        def count(length: int) -> None:
            nonlocal moved
            moved += length
            bar.update(task, moved=decimal(moved))

        with _files.watched(count):
            yield step


def help_without_command(context: typer.Context) -> None:
    """Print a group's help, and nothing else, when no command of it was given."""
    if context.invoked_subcommand is None:
        sys.stderr.write(context.get_help() + "\n")
        raise typer.Exit(2)


def use_utf_8() -> None:
    """Make standard output and error take Chinese text whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
