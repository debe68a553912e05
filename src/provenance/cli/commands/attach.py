"""`provenance attach`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from provenance import _files
from provenance.attach import Attached, DrawOptions, Labelled
from provenance.cli import output, tables
from provenance.cli.label_options import Given, given, with_label_options
from provenance.cli.notice_options import drawing, with_notice_options
from provenance.cli.output import AsJson, Lang
from provenance.cli.signers import Certificate, Key, McnCertificate, McnKey, NoManifest, signer_for, with_mcn
from provenance.errors import ProvenanceError, UsageError
from provenance.model.post_file import POST_FILE, is_post
from provenance.model.report import Report
from provenance.sdk import Provenance
from provenance.sources import SourceList

Conflict = Literal["refuse", "keep"]
Privacy = Literal["keep", "coarsen", "remove"]
Item = Annotated[
    Path, typer.Argument(metavar="POST.json|MEDIA", help="A post file, or one media file. 帖子文件,或一个媒体文件。")
]
Into = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", help="New folder for a post, new file for one medium. 帖子写入新文件夹,单个媒体写入新文件。"
    ),
]
LabelsFile = Annotated[
    Path | None, typer.Option("--labels", help="JSON list of labels for one media file. 单个媒体的标签列表(JSON)。")
]
Origin = Annotated[
    str | None, typer.Option("--origin", help="self-shot, reposted, ai-generated … (one file). 来历(仅单个文件)。")
]
Draw = Annotated[
    list[str] | None,
    typer.Option("--draw", help="Label kinds to draw, or none (one file). 须画出的标签类型,none 为不画(仅单个文件)。"),
]
LocationPrivacy = Annotated[
    Privacy | None, typer.Option(help="What to do with an exact position (one file). 如何处理精确位置(仅单个文件)。")
]
OnConflict = Annotated[
    Conflict,
    typer.Option("--on-conflict", help="What to do when the file says otherwise. 与文件所写不一致时如何处理。"),
]
InPlace = Annotated[
    bool,
    typer.Option(
        "--in-place",
        help="Label the file itself (MP4, MOV; with --no-manifest). 直接改写文件本身(MP4、MOV;须加 --no-manifest)。",
    ),
]
Fix = Annotated[
    bool,
    typer.Option(
        "--fix", help="Add labels that the post's own files state. 补上素材文件自身写明而帖子缺少的标签,绝不编造。"
    ),
]
Check = Annotated[
    bool,
    typer.Option("--check", help="Run the gate afterwards and exit as it does. 完成后做发布前检查,并以其结果退出。"),
]


@with_notice_options
@with_label_options
def attach(
    item: Item,
    fields: dict[str, Any],
    notice: dict[str, Any],
    into: Into = None,
    in_place: InPlace = False,
    labels: LabelsFile = None,
    origin: Origin = None,
    draw: Draw = None,
    location_privacy: LocationPrivacy = None,
    cert: Certificate = None,
    key: Key = None,
    mcn_cert: McnCertificate = None,
    mcn_key: McnKey = None,
    no_manifest: NoManifest = False,
    on_conflict: OnConflict = "refuse",
    fix: Fix = False,
    check: Check = False,
    json: AsJson = False,
    lang: Lang = None,
) -> int:
    """Attach labels to copies of a post's assets, or to a copy of one media file; inputs are never changed.

    为帖子素材的副本,或一个媒体文件的副本添加标识;输入文件不会被改动。
    """
    del lang
    if (into is None) is not in_place:
        raise UsageError("output-or-in-place")
    how = drawing(notice)
    one_file = {"--origin": origin, "--location-privacy": location_privacy, "--draw": draw}
    whole_post = is_post(item)  # before a signer is looked for: a wrong path must not make a development identity
    signer = with_mcn(signer_for(cert, key, no_manifest=no_manifest), mcn_cert, mcn_key)
    sdk = Provenance(signer=signer, sources=SourceList.stored() if check else None)
    done: Attached | Labelled
    if fix and not whole_post:
        raise UsageError("option-for-post-only", option="--fix")
    if whole_post:
        _refuse_media_options(item, fields, {**one_file, "--labels": labels, "--in-place": in_place})
    if whole_post and into is not None:
        with output.progress() as progress:
            done = sdk.attach(item, into=into, on_conflict=on_conflict, fix=fix, drawing=how, progress=progress)
    else:
        label = partial(_label, sdk, item, into, on_conflict=on_conflict, how=how)
        done = _media(item, given(fields, labels), one_file, label)
    for warning in done.warnings:
        output.warn(warning)
    report = sdk.check(done if isinstance(done, Attached) else done.path) if check else None
    _print(done, report, json=json)
    return 1 if report is not None and (report.publishable is False or report.blocking) else 0


def _media(item: Path, labels: Given, options: dict[str, Any], label: Callable[[dict[str, Any]], Labelled]) -> Labelled:
    asset: dict[str, Any] = {"labels": labels.labels}
    asset |= {flag.strip("-").replace("-", "_"): value for flag, value in options.items() if value}
    if not labels.labels and not options["--location-privacy"]:
        raise UsageError("no-label-given", path=item)
    if asset.get("draw") == ["none"]:
        asset["draw"] = []
    try:
        done = label(asset)
    except ProvenanceError as error:
        labels.explain(error)
        raise
    for warning in done.warnings:
        labels.explain(warning)
    return done


def _label(
    sdk: Provenance,
    item: Path,
    into: Path | None,
    asset: dict[str, Any],
    *,
    on_conflict: Conflict,
    how: DrawOptions,
) -> Labelled:
    with output.progress(item.name) as progress:
        if into is None:
            return sdk.attach_in_place(item, asset, on_conflict=on_conflict)
        return sdk.attach_media(item, asset, into=into, on_conflict=on_conflict, drawing=how, progress=progress)


def _refuse_media_options(item: Path, fields: dict[str, Any], options: dict[str, Any]) -> None:
    if item.is_dir():
        _files.open_input(item / POST_FILE).close()  # a folder without a post is no post
    used = [f"--{name.replace('_', '-')}" for name, value in fields.items() if value not in {None, False}]
    used += [flag for flag, value in options.items() if value]
    if used:
        raise UsageError("option-for-media-only", options=", ".join(used))


def _print(done: Attached | Labelled, report: Report | None, *, json: bool) -> None:
    if json:
        data = tables.attached_json(done)
        output.document(data if report is None else {**data, "report": report.as_json()})
        return
    tables.print_attached(done)
    if report is not None:
        tables.print_report(report)
