"""`provenance check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import output, tables
from provenance.cli.output import AsJson, Lang, OnDay
from provenance.sdk import Provenance


def check(
    item: Annotated[
        Path,
        typer.Argument(
            metavar="POST.json|DIR|MEDIA",
            help="A post file, an attached folder, or one file. 帖子文件、已完成的文件夹,或一个文件。",
        ),
    ],
    on: OnDay = None,
    jurisdiction: Annotated[str, typer.Option("--jurisdiction", help="Whose rules. 适用哪个法域的规则。")] = "cn",
    json: AsJson = False,
    lang: Lang = None,
) -> int:
    """Say whether a post may be published, and if not, why and how to mend it; reads the finished files.

    检查帖子能否发布,不能则说明原因和补救办法;检查的是成品文件。
    """
    del lang
    sdk = Provenance(signer=None, jurisdiction=jurisdiction)
    with output.progress() as progress:
        report = sdk.check(item, on=on, progress=progress)
    if json:
        output.document(report.as_json())
    else:
        tables.print_report(report)
    return 1 if report.blocking else 0
