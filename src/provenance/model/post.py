"""The post file: what an app or an author says about one item (contract, section 1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, Strict, ValidationError, model_validator

from provenance import _files
from provenance.errors import AssetNotFound, ConflictingLabels, InvalidPost
from provenance.model.base import Flag, Line, Name, Prose, Value, refuse
from provenance.model.compare import first_difference
from provenance.model.labels import REPEATABLE, Affiliation, Label
from provenance.model.notice import Notice, Surface
from provenance.model.pointers import invalid_post
from provenance.model.times import Time

MAX_POST_BYTES: Final = 8 << 20
Role = Literal["author", "mcn", "generator", "platform"]
MediaChange = Literal["none", "blocks", "head", "full"]
Topic = Literal[
    "current-affairs-domestic",
    "current-affairs-foreign",
    "public-policy",
    "social-event",
    "emergency",
    "livelihood",
    "other",
]
Content = Literal[
    "fictional",
    "dramatised",
    "staged",
    "past-event",
    "marketing",
    "opinion",
    "disputed",
    "rumor",
    "minors-risk",
    "ai-text",
]
Origin = Literal["self-shot", "reposted", "ai-generated", "ai-edited", "archive", "screen-capture", "other"]
Domain = Literal["finance", "education", "health", "judicial", "economy"]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Mcn(Value):
    """The network an account says it belongs to."""

    name: Name
    uscc: Annotated[str, Field(pattern=r"^[0-9A-HJ-NP-RT-UW-Y]{18}$")] | None = None
    as_of: Time | None = None


class MatrixAccount(Value):
    """Another account of the same operator."""

    id: Name
    name: Name


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise refuse("day-unknown", "no such day", value=text) from None
    return text


Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_day)]


class Qualification(Value):
    """A professional credential; `expires` is its last valid day."""

    name: Name
    domain: Domain
    status: Literal["verified", "unverified", "expired"]
    expires: Day | None = None


class Account(Value):
    """Who publishes."""

    id: Name
    name: Name
    anonymous: Flag | None = None
    self_media: Flag | None = None
    mcn_managed: Flag | None = None
    mcn: Mcn | None = None
    matrix: tuple[MatrixAccount, ...] = ()
    domains: tuple[Domain, ...] | None = None
    qualifications: tuple[Qualification, ...] = ()


class Facts(Value):
    """What is true of the item; an absent fact is unknown, never false."""

    topics: tuple[Topic, ...] | None = None
    contains: tuple[Content, ...] | None = None
    reposted: Flag | None = None
    original: Flag | None = None


class Declaration(Value):
    """The option chosen in a platform's declaration."""

    platform: Name | None = None
    option: Literal["ai", "fiction", "marketing", "repost", "opinion", "none"] | None = None


class Retention(Value):
    """For how many months a platform keeps its records; a platform states it of itself, and nobody else has to."""

    network_logs_months: Annotated[int, Strict(), Field(ge=0)] | None = None
    sharing_logs_months: Annotated[int, Strict(), Field(ge=0)] | None = None


class NoticeToShow(Value):
    """A notice that a page has to show; a finished post lists them."""

    kind: Name
    surface: Surface
    pointer: str
    text: Line


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not path or path.startswith(("/", "~")) or ".." in parts or "\x00" in path or "\\" in path or not parts:
        raise refuse("path-outside", "not a path inside the post's folder", value=path[:120])
    return path


class Asset(Value):
    """One media file of a post; the last three keys are what `attach` found out and are never trusted."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    path: Annotated[str, AfterValidator(_inside)]
    origin: Origin | None = None
    location_privacy: Literal["keep", "coarsen", "remove"] = "keep"
    draw: tuple[Name, ...] | None = None
    labels: tuple[Label, ...] = ()
    sha256: Digest | None = None
    notices: tuple[Notice, ...] = ()
    media_change: MediaChange | None = None


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A label with the level it was given on and the JSON pointer to it."""

    label: Value
    on: Literal["post", "asset"]
    pointer: str

    @property
    def kind(self) -> str:
        """Return the label's kind."""
        return str(self.label.kind)  # type: ignore[attr-defined]

    def value(self) -> dict[str, Any]:
        """Return the fields that may be written into a file: without the kind and the original's text."""
        return self.label.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"kind", "text"})


class Post(Value):
    """One item to publish."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, title="provenance/post/1")

    schema_: Annotated[Literal["provenance/post/1"], Field(alias="schema")]
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
    kind: Literal["short-video", "video", "image-text", "article", "audio"]
    acting_as: Role = "author"
    title: Line | None = None
    body: Prose | None = None
    body_format: Literal["text", "html", "markdown"] | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")] | None = None
    account: Account
    facts: Facts = Facts()
    labels: tuple[Label, ...] = ()
    assets: tuple[Asset, ...] = ()
    declaration: Declaration | None = None
    retention: Retention | None = None
    notices: tuple[NoticeToShow, ...] = ()
    edition: Name | None = None

    _folder: Path = PrivateAttr(default=Path())

    @classmethod
    def from_file(cls, path: str | Path) -> Post:
        """Load a post file; asset paths are relative to its folder.

        Raises:
            AssetNotFound: there is no such file.
            InvalidPost: it is not JSON, or breaks the schema; ``details["pointer"]`` says where.
            ConflictingLabels: two labels contradict each other.
        """
        location = Path(path)
        with _files.open_input(location) as file:
            text = file.read(MAX_POST_BYTES + 1)
        if len(text) > MAX_POST_BYTES:
            raise InvalidPost("post-too-large", pointer="", limit=f"{MAX_POST_BYTES >> 20} MiB")
        return cls.from_json(text, folder=location.parent)

    @classmethod
    def from_json(cls, text: str | bytes, *, folder: str | Path = ".") -> Post:
        """Parse a post; see `from_file` for the errors."""
        try:
            data = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidPost("post-not-json", pointer="", reason=str(error)) from None
        return cls.from_dict(data, folder=folder)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, folder: str | Path = ".") -> Post:
        """Build a post from plain data; see `from_file` for the errors."""
        try:
            post = cls.model_validate(data)
        except ValidationError as error:
            raise invalid_post(error, data) from None
        return post.in_folder(folder)

    def in_folder(self, folder: str | Path) -> Post:
        """Return the post with its asset paths taken relative to `folder`."""
        moved = self.model_copy()
        moved._folder = Path(folder)  # noqa: SLF001 - a copy of ourselves
        return moved

    @property
    def folder(self) -> Path:
        """Return the folder that asset paths are relative to."""
        return self._folder

    def asset_path(self, index: int) -> Path:
        """Return where an asset's file lies.

        Raises:
            AssetNotFound: nothing is there.
            InvalidPost: a link leads outside the post's folder.
        """
        asset = self.assets[index]
        path = self.folder / asset.path
        pointer = f"/assets/{index}/path"
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise AssetNotFound("asset-not-found", path=path, pointer=pointer) from None
        if not real.is_relative_to(self.folder.resolve()):
            raise InvalidPost("path-outside", pointer=pointer, value=asset.path)
        return path

    def labels_on_post(self) -> tuple[PlacedLabel, ...]:
        """Return the post's labels, with the account's MCN as the `mcn` label it implies."""
        placed = [PlacedLabel(self._completed(label), "post", f"/labels/{at}") for at, label in enumerate(self.labels)]
        mcn = self.account.mcn
        if mcn is not None and not any(each.kind == "mcn" for each in placed):
            placed.append(PlacedLabel(Affiliation(**dict(mcn)), "post", "/account/mcn"))
        return tuple(placed)

    def own_labels(self, index: int) -> tuple[PlacedLabel, ...]:
        """Return the labels given on one asset itself."""
        return tuple(
            PlacedLabel(self._completed(label), "asset", f"/assets/{index}/labels/{at}")
            for at, label in enumerate(self.assets[index].labels)
        )

    def labels_on_asset(self, index: int) -> tuple[PlacedLabel, ...]:
        """Return the labels in force on one asset: its own, and the post's of every kind it has none of."""
        own = self.own_labels(index)
        replaced = {each.kind for each in own}
        return own + tuple(each for each in self.labels_on_post() if each.kind not in replaced)

    def as_json(self) -> dict[str, Any]:
        """Return the post in the shape of the contract, without the keys that were not given."""
        data = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
        for asset, shown in zip(self.assets, data.get("assets", ()), strict=True):
            if asset.notices:
                shown["notices"] = [notice.as_json() for notice in asset.notices]
        return data

    def _completed(self, label: Value) -> Value:
        if not isinstance(label, Affiliation) or self.account.mcn is None:
            return label
        return label.model_copy(update={k: v for k, v in dict(self.account.mcn).items() if getattr(label, k) is None})

    @model_validator(mode="after")
    def _coherent(self) -> Post:
        seen: dict[str, int] = {}
        for at, asset in enumerate(self.assets):
            first = seen.setdefault(asset.id.casefold(), at)
            if first != at:
                raise InvalidPost(
                    "asset-id-repeated", pointer=f"/assets/{at}/id", value=asset.id, first=f"/assets/{first}/id"
                )
        for at, label in enumerate(self.labels):
            if label.kind == "capture":
                raise InvalidPost("capture-on-post", pointer=f"/labels/{at}")
        for pointer, level in self._levels():
            _refuse_repeats(pointer, level)
            _refuse_other_mcn(pointer, level, self.account)
        if self.account.mcn is not None and self.account.mcn_managed is False:
            raise ConflictingLabels("mcn-not-managed", pointer="/account/mcn_managed", value=self.account.mcn.name)
        return self

    def _levels(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        yield "/labels", self.labels
        for at, asset in enumerate(self.assets):
            yield f"/assets/{at}/labels", asset.labels


def _refuse_repeats(pointer: str, labels: tuple[Any, ...]) -> None:
    seen: dict[str, int] = {}
    for at, label in enumerate(labels):
        first = seen.setdefault(label.kind, at)
        if first != at and label.kind not in REPEATABLE:
            raise ConflictingLabels(
                "label-repeated", pointer=f"{pointer}/{at}", kind=label.kind, first=f"{pointer}/{first}"
            )


def _refuse_other_mcn(pointer: str, labels: tuple[Any, ...], account: Account) -> None:
    for at, label in enumerate(labels):
        if label.kind == "mcn" and account.mcn is not None:
            stated = account.mcn.model_dump(exclude_none=True)
            if found := first_difference(label.model_dump(exclude_none=True, exclude={"kind"}), stated):
                field, ours, theirs = found
                raise ConflictingLabels(
                    "mcn-differs",
                    pointer=f"{pointer}/{at}/{field}",
                    value=ours,
                    other=theirs,
                    first=f"/account/mcn/{field}",
                )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return data


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")
