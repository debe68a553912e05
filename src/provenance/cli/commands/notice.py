"""`provenance notice`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from provenance import _files
from provenance.attach import DrawOptions
from provenance.catalog import Catalog
from provenance.cli import output
from provenance.cli.commands.attach import Draw, LabelsFile, OnConflict, Origin
from provenance.cli.label_options import given, with_label_options
from provenance.cli.notice_options import drawing, with_notice_options
from provenance.cli.output import AsJson, Lang
from provenance.errors import ProvenanceError, UsageError
from provenance.preview import Preview, page
from provenance.preview import preview as previewed
from provenance.preview.picture import without_pixels

app = typer.Typer(help="Notices in media. 媒体中的标识。")
app.callback(invoke_without_command=True)(output.help_without_command)

_PAGES = frozenset({".html", ".htm"})
_PICTURE = ".png"


@app.command("preview", short_help="See it first. 预览标识。")
@with_notice_options
@with_label_options
def preview(
    media: Annotated[Path, typer.Argument(metavar="MEDIA", help="An image or a video. 图片或视频。")],
    fields: dict[str, Any],
    notice: dict[str, Any],
    into: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT.png|OUT.html",
            help="Picture or page to write; by default a page here. 写成图片或网页,默认在当前目录写网页。",
        ),
    ] = None,
    labels: LabelsFile = None,
    origin: Origin = None,
    draw: Draw = None,
    on_conflict: OnConflict = "refuse",
    json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show what a file would look like with its notices, and what players' controls would cover; change nothing.

    显示文件加上标识后的样子,以及播放器控件会遮挡哪里;不改动任何文件。
    """
    del lang
    target = into or Path(f"{media.stem}-preview.html")
    if target.suffix.lower() not in {*_PAGES, _PICTURE}:
        raise UsageError("preview-output-kind", path=target)
    _files.refuse_existing(target)
    how = drawing(notice)
    asset = {"origin": origin, "draw": [] if draw == ["none"] else draw}
    stated = given(fields, labels)
    try:
        if not stated.labels:
            raise UsageError("no-label-given", path=media)
        with output.progress(media.name):
            whole = {"labels": stated.labels, **{key: value for key, value in asset.items() if value is not None}}
            found = previewed(media, whole, catalog=Catalog.packaged(), options=how, on_conflict=on_conflict)
    except ProvenanceError as error:
        stated.explain(error)
        raise
    _write(found, target, how)
    for warning in found.warnings:
        output.warn(warning)
    if json:
        output.document({**without_pixels(found), "output": str(target)})
    else:
        typer.echo(output.text("preview-written", path=target))


def _write(found: Preview, target: Path, how: DrawOptions) -> None:
    if target.suffix.lower() == _PICTURE:
        content = found.encoded("PNG")
    else:
        text = page(found, catalog=Catalog.packaged(), locale=output.locale(), platform=how.platform)
        content = text.encode()
    with _files.new_file(target) as file:
        file.write(content)
