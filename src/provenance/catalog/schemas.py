"""JSON Schema 2020-12 of the files in `labels/`; `fixtures/schemas.py` writes it into `labels/schema/`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from provenance.catalog.conduct import Conduct
from provenance.catalog.data import Carriers, Instrument, Kind, Rule, SourceTypes, Style, Switches
from provenance.catalog.platforms import Declarations, Platform
from provenance.catalog.words import WordList
from provenance.model.base import Value

SCHEMAS: Final[Mapping[str, type[Value]]] = {
    "carriers": Carriers,
    "conduct": Conduct,
    "declarations": Declarations,
    "digital-source-type": SourceTypes,
    "kind": Kind,
    "notice": Style,
    "platform": Platform,
    "provision": Instrument,
    "rule": Rule,
    "switches": Switches,
    "words": WordList,
}


def schema_text(name: str) -> str:
    """Return one schema as the text of its file."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{name}.schema.json",
        **SCHEMAS[name].model_json_schema(by_alias=True),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def as_json_data(value: Any) -> Any:
    """Return TOML data as JSON data: dates become ISO text, which is what a JSON Schema can judge."""
    if isinstance(value, dict):
        return {key: as_json_data(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json_data(inner) for inner in value]
    return value.isoformat() if isinstance(value, date | datetime) else value
