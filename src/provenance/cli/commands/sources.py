"""`provenance sources`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.check import today
from provenance.cli import output
from provenance.cli.output import AsJson, Lang
from provenance.errors import UsageError
from provenance.sources import SourceList, import_list

app = typer.Typer(help="The official list of news source units. 稿源单位名单。")
app.callback(invoke_without_command=True)(output.help_without_command)


@app.command("import", short_help="Import the list. 导入名单。")
def import_sources(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The list as CSV, TSV or XLSX. 名单文件:CSV、TSV 或 XLSX。")
    ],
    column: Annotated[
        str | None,
        typer.Option("--column", metavar="HEADING", help="The heading of the column with the names. 名称列的表头。"),
    ] = None,
    json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Import the official list of news source units, which the user supplies; an older one is replaced.

    导入用户提供的互联网新闻信息稿源单位名单;已有的名单会被取代。
    """
    del lang
    found = import_list(file, on=today(), column=column)
    before = _stored()
    path = found.sources.save()
    names = len(found.sources.keys())
    if json:
        summary = {key: value for key, value in found.sources.as_json().items() if key != "units"}
        counts = {"units": len(found.sources.units), "names": names, "skipped": found.skipped}
        output.document({**summary, **counts, "form": found.form, "columns": found.columns, "path": str(path)})
        return
    shown = {"file": found.sources.file, "form": found.form, "column": found.columns["name"]}
    typer.echo(
        output.text("sources-imported", count=len(found.sources.units), names=names, skipped=found.skipped, **shown)
    )
    if before is not None:
        typer.echo(
            output.text(
                "sources-replaced", file=before.file, date=before.imported_on.isoformat(), count=len(before.units)
            )
        )
    typer.echo(output.text("sources-kept", path=path))


def _stored() -> SourceList | None:
    try:
        return SourceList.stored()
    except UsageError:
        return None  # a damaged list is replaced like any other
