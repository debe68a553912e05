"""The label fields as options of `attach MEDIA`: one table, from which the command's signature and help are made."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from provenance import _files
from provenance.errors import InvalidPost, ProvenanceError

_LARGEST_LABELS_FILE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Option:
    flag: str
    kind: str
    field: str  # dotted path in the label
    help: str
    type: type = str

    @property
    def name(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


_OPTIONS: Final = (
    _Option("--ai-generated", "ai-generated", "", "Made with AI.", bool),
    _Option("--grade", "ai-generated", "grade", "confirmed (default), possible or suspected."),
    _Option("--producer", "ai-generated", "producer", "Provider's 27-character code, or its name."),
    _Option("--produce-id", "ai-generated", "produce_id", "The provider's number for this content."),
    _Option("--propagator", "ai-generated", "propagator", "Code or name of the platform that passes it on."),
    _Option("--propagate-id", "ai-generated", "propagate_id", "That platform's number for it."),
    _Option("--tool", "ai-generated", "tool", "The tool it was made with."),
    _Option("--extent", "ai-generated", "extent", "whole or part."),
    _Option("--captured-at", "capture", "time", "When it was recorded: 2026-05-01T08:30:00+08:00, or shorter."),
    _Option("--place", "capture", "place.name", "Where it was recorded."),
    _Option("--country-code", "capture", "place.country_code", "ISO 3166 code."),
    _Option("--province", "capture", "place.province", "Province."),
    _Option("--city", "capture", "place.city", "City."),
    _Option("--county", "capture", "place.county", "County or district."),
    _Option("--precision", "capture", "place.precision", "exact, county, city, province or country."),
    _Option("--latitude", "capture", "place.coordinates.latitude", "Degrees north.", float),
    _Option("--longitude", "capture", "place.coordinates.longitude", "Degrees east.", float),
    _Option("--datum", "capture", "place.coordinates.datum", "wgs84, gcj02 or bd09."),
    _Option("--source", "source", "publisher", "Who published the information."),
    _Option("--source-title", "source", "title", "Title of the original."),
    _Option("--source-url", "source", "url", "Address of the original."),
    _Option("--published-at", "source", "published_at", "When the original was published."),
    _Option("--copyright-owner", "source", "copyright_owner", "Who owns the copyright."),
    _Option("--author", "source", "author", "Author of the original."),
    _Option("--event-time", "past-event", "time", "When the old event that is quoted took place."),
    _Option("--event-place", "past-event", "place.name", "Where it took place."),
    _Option("--fiction", "fiction", "form", "fictional, dramatised or staged."),
    _Option("--mcn", "mcn", "name", "The MCN the account belongs to."),
    _Option("--mcn-uscc", "mcn", "uscc", "Its unified social credit code."),
    _Option("--mcn-as-of", "mcn", "as_of", "As of when."),
)


@dataclass(frozen=True, slots=True)
class Given:
    """The labels given by options or a labels file, and which option stands behind each pointer."""

    labels: list[dict[str, Any]]
    options: Mapping[str, str]

    def explain(self, error: ProvenanceError) -> None:
        """Name the option instead of the pointer, where an option is what the user typed."""
        pointer = str(error.details.get("pointer", ""))
        if flag := self.options.get(pointer):
            error.details["pointer"] = flag


def with_label_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each label field; it receives them as ``fields``."""

    def with_fields(**arguments: Any) -> Any:
        fields = {option.name: arguments.pop(option.name) for option in _OPTIONS}
        return command(**arguments, fields=fields)

    plain = inspect.signature(command, eval_str=True)
    kept = [each for name, each in plain.parameters.items() if name != "fields"]
    added = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if option.type is bool else None,
            annotation=Annotated[
                bool if option.type is bool else option.type | None,
                typer.Option(option.flag, help=option.help, rich_help_panel="Labels"),
            ],
        )
        for option in _OPTIONS
    ]
    with_fields.__signature__ = plain.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    with_fields.__annotations__ = {each.name: each.annotation for each in (*kept, *added)}
    with_fields.__doc__ = command.__doc__
    return with_fields


def given(fields: Mapping[str, Any], labels_file: Path | None) -> Given:
    """Return the labels that the options and the file describe.

    Raises:
        InvalidPost: the labels file is no JSON list.
        AssetNotFound: it cannot be read.
    """
    labels = _from_file(labels_file) if labels_file else []
    by_kind: dict[str, dict[str, Any]] = {}
    for option in _OPTIONS:
        value = fields[option.name]
        if value is not None and value is not False:
            _put(by_kind.setdefault(option.kind, _new(option.kind)), option.field, value)
    places = {kind: f"/labels/{len(labels) + at}" for at, kind in enumerate(by_kind)}
    options = {
        f"{places[option.kind]}/{option.field.replace('.', '/')}".rstrip("/"): option.flag
        for option in _OPTIONS
        if option.kind in places
    }
    return Given([*labels, *by_kind.values()], options)


def _new(kind: str) -> dict[str, Any]:
    return {"kind": kind, "grade": "confirmed"} if kind == "ai-generated" else {"kind": kind}


def _put(label: dict[str, Any], dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    for step in path:
        label = label.setdefault(step, {})
    if last:
        label[last] = value


def _from_file(path: Path) -> list[dict[str, Any]]:
    with _files.open_input(path) as file:
        text = file.read(_LARGEST_LABELS_FILE)
    try:
        labels = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidPost("labels-not-json", path=path, reason=error) from None
    if not isinstance(labels, list):
        raise InvalidPost("labels-not-json", path=path, reason="not a list")
    return labels
