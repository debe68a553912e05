"""The label fields as options of `attach MEDIA`: one table, from which the command's signature and help are made."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from provenance import _files
from provenance.cli.option_groups import with_group
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
    _Option("--ai-generated", "ai-generated", "", "Made with AI. 由人工智能生成。", bool),
    _Option("--grade", "ai-generated", "grade", "confirmed (default), possible or suspected. 确认(默认)、可能或疑似。"),
    _Option(
        "--producer",
        "ai-generated",
        "producer",
        "Provider's 27-character code, or its name. 服务提供者的27位编码或名称。",
    ),
    _Option(
        "--produce-id",
        "ai-generated",
        "produce_id",
        "The provider's number for this content. 提供者为该内容编的制作编号。",
    ),
    _Option(
        "--propagator",
        "ai-generated",
        "propagator",
        "Code or name of the platform that passes it on. 传播平台的编码或名称。",
    ),
    _Option("--propagate-id", "ai-generated", "propagate_id", "That platform's number for it. 该平台的传播编号。"),
    _Option("--tool", "ai-generated", "tool", "The tool it was made with. 生成所用的工具。"),
    _Option("--extent", "ai-generated", "extent", "whole or part. 整体或部分。"),
    _Option(
        "--captured-at",
        "capture",
        "time",
        "When it was recorded: 2026-05-01T08:30:00+08:00, or shorter. 拍摄时间,可只写到日。",
    ),
    _Option("--place", "capture", "place.name", "Where it was recorded. 拍摄地点。"),
    _Option("--country-code", "capture", "place.country_code", "ISO 3166 code. 国家代码。"),
    _Option("--province", "capture", "place.province", "Province. 省份。"),
    _Option("--city", "capture", "place.city", "City. 城市。"),
    _Option("--county", "capture", "place.county", "County or district. 区县。"),
    _Option(
        "--precision", "capture", "place.precision", "exact, county, city, province or country. 地点精确到哪一级。"
    ),
    _Option("--latitude", "capture", "place.coordinates.latitude", "Degrees north. 北纬度数。", float),
    _Option("--longitude", "capture", "place.coordinates.longitude", "Degrees east. 东经度数。", float),
    _Option("--datum", "capture", "place.coordinates.datum", "wgs84, gcj02 or bd09. 坐标系。"),
    _Option("--source", "source", "publisher", "Who published the information. 信息的发布者。"),
    _Option("--source-title", "source", "title", "Title of the original. 原文标题。"),
    _Option("--source-url", "source", "url", "Address of the original. 原文网址。"),
    _Option("--published-at", "source", "published_at", "When the original was published. 原文发布时间。"),
    _Option("--copyright-owner", "source", "copyright_owner", "Who owns the copyright. 版权所有者。"),
    _Option("--author", "source", "author", "Author of the original. 原文作者。"),
    _Option(
        "--event-time", "past-event", "time", "When the old event that is quoted took place. 所引旧事件的发生时间。"
    ),
    _Option("--event-place", "past-event", "place.name", "Where it took place. 发生地点。"),
    _Option("--fiction", "fiction", "form", "fictional, dramatised or staged. 虚构、演绎或摆拍。"),
    _Option("--disputed-by", "disputed", "by", "Who marked it as disputed. 由谁标为有争议。"),
    _Option("--disputed-at", "disputed", "at", "When. 何时。"),
    _Option("--disputed-reason", "disputed", "reason", "Why. 原因。"),
    _Option("--disputed-url", "disputed", "url", "Where more is said of it. 说明网址。"),
    _Option("--rumor-by", "rumor", "by", "Who found it to be a rumor. 由谁认定为谣言。"),
    _Option("--rumor-at", "rumor", "at", "When. 何时。"),
    _Option("--rumor-claim", "rumor", "claim", "What the rumor says. 谣言的说法。"),
    _Option("--debunk-url", "rumor", "debunk_url", "Where it is debunked. 辟谣网址。"),
    _Option("--rumor-authority", "rumor", "authority", "The authority that debunked it. 辟谣机构。"),
    _Option("--marketing", "marketing", "", "It is advertising. 含营销推广。", bool),
    _Option("--advertiser", "marketing", "advertiser", "Who advertises. 广告主。"),
    _Option("--opinion", "opinion", "", "It is somebody's opinion. 为个人观点。", bool),
    _Option(
        "--minors-risk",
        "minors-risk",
        "class",
        "imitation, values, image-misuse or data-misuse. 模仿、价值观、形象滥用或数据滥用。",
    ),
    _Option("--mcn", "mcn", "name", "The MCN the account belongs to. 账号所属MCN机构。"),
    _Option("--mcn-uscc", "mcn", "uscc", "Its unified social credit code. 机构的统一社会信用代码。"),
    _Option("--mcn-as-of", "mcn", "as_of", "As of when. 截至何时。"),
)

_ASSET_OPTIONS: Final = {"/origin": "--origin", "/draw": "--draw", "/location_privacy": "--location-privacy"}


@dataclass(frozen=True, slots=True)
class Given:
    """The labels given by options or a labels file, and which option stands behind each pointer."""

    labels: list[dict[str, Any]]
    options: Mapping[str, str]

    def explain(self, error: ProvenanceError) -> None:
        """Name the option instead of the pointer, where an option is what the user typed."""
        others = cast("list[tuple[str, dict[str, object]]]", error.details.get("others", []))
        for details in (error.details, *(details for _, details in others)):
            for key in ("pointer", "first"):
                if isinstance(pointer := details.get(key), str):
                    details[key] = self._named(pointer.removeprefix("/assets/0"))
        if error.code == "draw-kind-unknown":
            error.code = "draw-option-kind-unknown"
        if "way_on" in error.details:
            error.details["way_on"] = f"{error.details['way_on']} (--draw none)"

    def _named(self, pointer: str) -> str:
        """Return the option at a pointer, else the nearest one above it, else the first one given below it."""
        for end in (len(pointer), *(at for at in range(len(pointer) - 1, 0, -1) if pointer[at] == "/")):
            if flag := self.options.get(pointer[:end]):
                return flag
        below = (flag for at, flag in self.options.items() if at.startswith(f"{pointer}/"))
        return next(below, pointer) if pointer.count("/") > 1 else pointer


def with_label_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each label field; it receives them as ``fields``."""
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
    return with_group(command, "fields", added)


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
    return Given([*labels, *by_kind.values()], _ASSET_OPTIONS | _pointers(fields, list(by_kind), len(labels)))


def _pointers(fields: Mapping[str, Any], kinds: Sequence[str], before: int) -> dict[str, str]:
    """Return the option for each pointer into the labels that options made; those that were given come first."""
    options = sorted((each for each in _OPTIONS if each.kind in kinds), key=lambda each: not fields[each.name])
    return {
        f"/labels/{before + kinds.index(each.kind)}/{each.field.replace('.', '/')}".rstrip("/"): each.flag
        for each in options
    }


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
