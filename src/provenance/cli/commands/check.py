"""`provenance check`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from provenance import _files
from provenance.bulk import Gate, check_lines
from provenance.cli import output, tables
from provenance.cli.output import AsJson, Lang, OnDay, ReadPictures
from provenance.errors import UsageError
from provenance.sdk import Provenance
from provenance.sources import SourceList

_STEP: Final = 100  # lines between two looks of the progress bar

OfPlatform = Annotated[
    str | None,
    typer.Option(
        "--platform",
        help="Also tell notices that this platform's controls may cover. 同时指出可能被该平台控件遮挡的提示。",
    ),
]
Rendered = Annotated[
    list[Path] | None,
    typer.Option(
        "--rendered",
        metavar="PAGE",
        help="A page as shown (HTML, Markdown, text) in which notices are looked for; repeatable. "
        "实际展示的页面(HTML、Markdown、文本),在其中查找提示;可重复。",
    ),
]


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
    platform: OfPlatform = None,
    rendered: Rendered = None,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help="The file holds one post a line; print one result a line. 文件每行一篇帖子,逐行输出结果。",
        ),
    ] = False,
    ocr: ReadPictures = False,
    json: AsJson = False,
    lang: Lang = None,
) -> int:
    """Say whether a post may be published, and if not, why and how to mend it; reads the finished files.

    检查帖子能否发布,不能则说明原因和补救办法;检查的是成品文件。
    """
    del lang
    sdk = Provenance(signer=None, jurisdiction=jurisdiction, sources=SourceList.stored(jurisdiction=jurisdiction))
    if jsonl and rendered:
        raise UsageError("rendered-with-jsonl")
    if jsonl:
        return _lines(item, partial(sdk.check, on=on, platform=platform, ocr=ocr))
    with output.progress() as progress:
        report = sdk.check(item, on=on, rendered=rendered or (), platform=platform, ocr=ocr, progress=progress)
    if json:
        output.document(report.as_json())
    else:
        tables.print_report(report)
    return 1 if report.blocking else 0


def _lines(path: Path, gate: Gate) -> int:
    """Return 1 when a post is blocked, else 2 when one could not be judged, else 0: every line is reported."""
    codes = {0}
    with _files.open_input(path) as file, output.progress() as progress:
        size = path.stat().st_size
        for line in check_lines(file, gate, folder=str(path.parent)):
            output.line(line.as_json())
            codes.add(2 if line.report is None else int(bool(line.report.blocking)))
            if progress and line.number % _STEP == 0:
                progress(file.tell(), size, str(line.number))
    return next(code for code in (1, 2, 0) if code in codes)
