"""`provenance demo`: refused, labelled, passed, verified, in under a minute."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from provenance import _files
from provenance.cli import output, tables
from provenance.cli.output import Lang
from provenance.errors import ConflictingLabels, ProvenanceError
from provenance.manifests import development
from provenance.manifests.signer import Signer
from provenance.manifests.trust import trust_from_files
from provenance.model.observation import Observation
from provenance.observe import observed
from provenance.sdk import Provenance

_FOLDER: Final = "provenance-demo"
_PRODUCER: Final = "001191510100MA0EXAMP0D10001"
_PLACE: Final = {"name": "四川省成都市", "province": "四川省", "city": "成都市", "precision": "city"}

_MCN: Final = {"name": "星河文化传媒(成都)有限公司", "as_of": "2026-05-01"}
_SOURCE: Final = {
    "kind": "source",
    "publisher": "新华社",
    "url": "https://example.com/news/20260501",
    "published_at": "2026-05-01",
    "copyright_owner": "新华社",
}


def demo(
    media: Annotated[
        list[Path] | None, typer.Argument(metavar="[MEDIA…]", help="Your own pictures. 你自己的图片。")
    ] = None,
    captured_at: Annotated[str | None, typer.Option("--captured-at", help="When yours were taken. 拍摄时间。")] = None,
    place: Annotated[str | None, typer.Option("--place", help="Where yours were taken. 拍摄地点。")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Who published what yours show. 信息来源。")] = None,
    into: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A new folder; one here by default. 新文件夹,默认建在当前目录。"),
    ] = None,
    lang: Lang = None,
) -> int:
    """Show the whole way of a post: refused, labelled, passed and verified; inputs are never changed.

    演示一篇帖子从被拒、添加标识、通过到核验的全过程;输入文件不会被改动。
    """
    from provenance.cli import demo_pictures

    del lang
    folder = into or _free_folder()
    drafts = folder / "input"
    with _files.new_folder(folder) as staging:
        (staging / "input").mkdir()
        if media:
            copies = [_copied(each, staging / "input", at) for at, each in enumerate(media)]
            data = _own_post(copies, captured_at, place, source)
        else:
            demo_pictures.photograph(staging / "input" / "scene.jpg")
            demo_pictures.poster(staging / "input" / "poster.png")
            data = _drawn_post(demo_pictures.CAPTURED_AT)
        _write(staging / "input" / "draft.json", _unlabelled(data))
        _write(staging / "input" / "post.json", data)
    try:
        made = development.create(folder / "identity")
        return _run(folder, drafts, Signer.from_pem(made.certificate, made.key), made.ca)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, ProvenanceError):
            given = {"time": captured_at and "--captured-at", "place": place and "--place"}
            raise _in_terms_of_the_demo(error, {**given, "publisher": source and "--source"}) from None
        raise


def _in_terms_of_the_demo(error: ProvenanceError, given: Mapping[str, str | None]) -> ProvenanceError:
    """Return a conflict with the user's own file as one that names the demo's option; any other error as it is."""
    if error.code != "file-says-otherwise":
        return error
    option = given.get(str(error.details["field"]).partition(".")[0])
    return ConflictingLabels("demo-conflict", **error.details, option=option)


def _run(folder: Path, drafts: Path, signer: Signer, authority: Path) -> int:
    sdk = Provenance(signer=signer)
    finished = folder / "labelled"
    _step("demo-before", drafts / "draft.json")
    tables.print_report(sdk.check(drafts / "draft.json"))
    _step("demo-attach", drafts / "post.json")
    with output.progress() as progress:
        item = sdk.attach(drafts / "post.json", into=finished, progress=progress)
    for warning in item.warnings:
        output.warn(warning)
    tables.print_attached(item)
    _step("demo-after", finished)
    report = sdk.check(item)
    tables.print_report(report)
    if not report.publishable:
        _name_the_missing_options(item.post.as_json())
        return 1
    _step("demo-verify", finished / "media")
    found = sdk.verify(*(asset.path for asset in item.assets), trust=trust_from_files([authority]))
    tables.print_verification(found)
    _step("demo-look", finished)
    return 0 if found.clean else 1


def _name_the_missing_options(post: dict[str, Any]) -> None:
    stated = [label for asset in post["assets"] for label in asset.get("labels", ())]
    captures = [label for label in stated if label["kind"] == "capture"]
    whole = len(post["assets"])
    if sum("time" in label for label in captures) < whole:
        output.say("demo-needs", option="--captured-at 2026-05-01T08:30:00+08:00")
    if sum("place" in label for label in captures) < whole:
        output.say("demo-needs", option="--place 四川省成都市")
    if not any(label["kind"] == "source" for label in (*post.get("labels", ()), *stated)):
        output.say("demo-needs", option="--source NAME")


def _drawn_post(captured_at: str) -> dict[str, Any]:
    capture = {"kind": "capture", "time": captured_at, "place": _PLACE}
    generated = {
        "kind": "ai-generated",
        "grade": "confirmed",
        "producer": _PRODUCER,
        "produce_id": "demo-1",
        "tool": "示例绘图",
    }
    return {
        **_post("五一假期成都大熊猫基地客流回升", "成都观察员", mcn=_MCN),
        "body": "五一假期首日,成都大熊猫基地客流回升。",
        "labels": [_SOURCE],
        "assets": [
            {"id": "1", "path": "scene.jpg", "origin": "self-shot", "labels": [capture]},
            {"id": "2", "path": "poster.png", "origin": "ai-generated", "labels": [generated]},
        ],
        "declaration": {"platform": "douyin", "option": "ai"},
    }


def _own_post(
    media: list[tuple[str, Observation]], captured_at: str | None, place: str | None, source: str | None
) -> dict[str, Any]:
    """Return a post of the user's own pictures; it states what the options and the files say, and nothing else."""
    assets = []
    for at, (name, seen) in enumerate(media, start=1):
        capture: dict[str, Any] = {"kind": "capture"}
        if time := captured_at or _said(seen, "time"):
            capture["time"] = time
        if name_of_place := place or (_said(seen, "place", inside="name") or _said(seen, "place", inside="city")):
            capture["place"] = {"name": name_of_place}
        asset: dict[str, Any] = {"id": str(at), "path": name, "origin": "self-shot"}
        assets.append({**asset, "labels": [capture]} if len(capture) > 1 else asset)
    labels = [{"kind": "source", "publisher": source}] if source else []
    return {**_post("我的照片", "我的账号"), "labels": labels, "assets": assets}


def _said(seen: Observation, field: str, inside: str | None = None) -> str | None:
    for each in seen.says("capture"):
        value = each.value.get(field)
        value = value.get(inside) if inside and isinstance(value, dict) else value
        if isinstance(value, str):
            return value
    return None


def _post(title: str, account: str, mcn: Mapping[str, str] | None = None) -> dict[str, Any]:
    managed = {"mcn_managed": True, "mcn": mcn} if mcn else {"mcn_managed": False}
    return {
        "schema": "provenance/post/1",
        "id": "demo-1",
        "kind": "image-text",
        "acting_as": "author",
        "title": title,
        "body_format": "text",
        "language": "zh-CN",
        "account": {"id": "a-1", "name": account, "anonymous": False, "self_media": True, "domains": [], **managed},
        "facts": {"topics": ["social-event"], "contains": [], "reposted": False},
    }


def _unlabelled(data: dict[str, Any]) -> dict[str, Any]:
    """Return the same post as somebody in a hurry would send it: no labels, no declaration."""
    assets = [{key: value for key, value in asset.items() if key != "labels"} for asset in data["assets"]]
    return {**{key: value for key, value in data.items() if key not in {"labels", "declaration"}}, "assets": assets}


def _copied(source: Path, folder: Path, at: int) -> tuple[str, Observation]:
    seen = observed(source)
    name = f"{at + 1}-{source.name}"
    shutil.copyfile(source, folder / name)
    return name, seen


def _write(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _free_folder() -> Path:
    candidates = (Path(_FOLDER if number == 1 else f"{_FOLDER}-{number}") for number in range(1, 1000))
    return next(each for each in candidates if not each.exists())


def _step(code: str, path: Path) -> None:
    typer.echo(f"\n── {output.text(code, path=path)}")
