"""`provenance compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import output, tables
from provenance.cli.output import AsJson, Lang
from provenance.sdk import Provenance


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="BEFORE", help="The file that went into the pipeline. 处理前的文件。")
    ],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The file that came out. 处理后的文件。")],
    json: AsJson = False,
    lang: Lang = None,
) -> int:
    """Say which labels, notices and manifests were lost or broken between two files; exit 1 when any was.

    比较处理前后的两个文件,说明哪些标识、声明和签名清单丢失或损坏;有则退出码为 1。
    """
    del lang
    found = Provenance(signer=None).compare(before, after)
    if json:
        output.document(found.as_json())
    else:
        tables.print_comparison(found)
    return 0 if found.survived else 1
