"""`provenance schema`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from provenance.cli import output
from provenance.cli.output import Lang
from provenance.model.post import Post
from provenance.model.report import Report
from provenance.model.verification import Verification

_DOCUMENTS: dict[str, Any] = {"post": Post, "report": Report, "verification": Verification}


def schema(
    document: Annotated[Literal["post", "report", "verification"], typer.Argument(help="Which document. 哪种文档。")],
    lang: Lang = None,
) -> None:
    """Print the JSON Schema (2020-12) of a document.

    打印一种文档的 JSON Schema(2020-12)。
    """
    del lang
    output.document(json_schema(document))


def json_schema(document: str) -> dict[str, Any]:
    """Return the JSON Schema of a document by name."""
    model = _DOCUMENTS[document]
    mode = "validation" if document == "post" else "serialization"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://w3id.org/provenance-labels/1.0/{document}.schema.json",
        **model.model_json_schema(by_alias=True, mode=mode),
    }
