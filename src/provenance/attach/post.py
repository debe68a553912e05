"""Label every asset of a post and write the finished post beside them, as one folder that appears whole."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from provenance import _files
from provenance.attach.file import Labelled, Progress, label_file
from provenance.attach.in_place import label_in_place
from provenance.attach.options import DEFAULT, DrawOptions, resolved
from provenance.attach.pages import PAGES, write_pages
from provenance.attach.plan import OnConflict, Wanted
from provenance.attach.post_manifest import component, sign_post
from provenance.attach.privacy import LocationPrivacy, private_label
from provenance.catalog import Catalog, PlannedNotice
from provenance.errors import InvalidPost, ProvenanceError
from provenance.formats import registry
from provenance.manifests.signer import Signer
from provenance.model.base import Value
from provenance.model.labels import AIGenerated, Capture
from provenance.model.post import Post
from provenance.model.post_file import POST_FILE
from provenance.observe import MANIFEST_SUFFIX

_MEDIA: Final = "media"


@dataclass(frozen=True, slots=True)
class Attached:
    """A finished post.

    Attributes:
        folder: Where it lies.
        post: The post as written there.
        assets: Each labelled asset, in order.
        fixes: What was filled in.
        unsaid: What its pages cannot say.
    """

    folder: Path
    post: Post
    assets: tuple[Labelled, ...]
    fixes: tuple[ProvenanceError, ...] = ()
    unsaid: tuple[ProvenanceError, ...] = ()

    @property
    def manifest(self) -> Path | None:
        """Return the manifest of the post, where it is signed."""
        path = self.folder / f"{POST_FILE}{MANIFEST_SUFFIX}"
        return path if path.exists() else None

    @property
    def pages(self) -> tuple[Path, ...]:
        """Return the notices to show as HTML, as Markdown and as JSON."""
        return tuple(self.folder / name for name in PAGES)

    @property
    def warnings(self) -> tuple[ProvenanceError, ...]:
        """Return what was filled in, and what went differently from what was asked, asset by asset."""
        return (*self.fixes, *(warning for asset in self.assets for warning in asset.warnings), *self.unsaid)


def attach_post(  # noqa: PLR0913 - the whole use case
    post: Post,
    folder: Path,
    *,
    catalog: Catalog,
    signer: Signer | None,
    on_conflict: OnConflict = "refuse",
    drawing: DrawOptions = DEFAULT,
    progress: Progress | None = None,
) -> Attached:
    """Write labelled copies of every asset and the finished post into a new folder.

    Raises:
        UnknownLabelKind: the edition lacks a kind the post uses.
        InvalidPost: an asset's path leaves the post's folder, or two assets would get one name.
        AssetNotFound: an asset is missing.
        OutputRefused: `folder` is not empty. See `label_file` for the rest; nothing is left behind.
    """
    catalog.require_kinds(post)
    drawing = resolved(drawing, catalog)
    sources = [post.asset_path(index) for index in range(len(post.assets))]
    names = _output_names(post)
    _files.refuse_used_folder(folder)
    labelled: list[Labelled] = []
    with _files.new_folder(folder) as staging:
        (staging / _MEDIA).mkdir()
        for index, (source, name) in enumerate(zip(sources, names, strict=True)):
            if progress:
                progress(index, len(sources), source.name)
            wanted = dataclasses.replace(_wanted(post, index, catalog), drawing=drawing)
            with _pointing_at(index):
                target = staging / _MEDIA / name
                done = label_file(source, target, wanted, signer=signer, on_conflict=on_conflict, progress=progress)
            labelled.append(done)
        containers = [registry.read(each.path, whole=False) for each in labelled]
        # A sound that says its notice itself needs no other surface.
        heard = [each.media == "audio" and bool(done.notices) for each, done in zip(containers, labelled, strict=True)]
        media = [None if own else each.media for each, own in zip(containers, heard, strict=True)]
        data = _finished(post, names, labelled, catalog.notices_of(post, media))
        data["edition"] = catalog.edition
        finished = Post.from_dict(data, folder=folder)
        unsaid = write_pages(staging, finished, media, catalog=catalog)
        with _files.new_file(staging / POST_FILE) as file:
            file.write((json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode())
        if signer is not None:
            parts = [component(done, each.mime) for done, each in zip(labelled, containers, strict=True)]
            sign_post(staging / POST_FILE, finished, parts, signer=signer)
    return Attached(folder, finished, tuple(_moved(labelled, folder / _MEDIA)), unsaid=unsaid)


@contextlib.contextmanager
def _pointing_at(index: int) -> Iterator[None]:
    try:
        yield
    except ProvenanceError as error:
        error.details.setdefault("pointer", f"/assets/{index}")
        raise


def attach_media(  # noqa: PLR0913 - the whole use case
    source: Path,
    target: Path,
    asset: Mapping[str, Any],
    *,
    catalog: Catalog,
    signer: Signer | None,
    on_conflict: OnConflict = "refuse",
    drawing: DrawOptions = DEFAULT,
    progress: Progress | None = None,
) -> Labelled:
    """Write a labelled copy of one file that belongs to no post.

    Args:
        source: The file.
        target: The copy.
        asset: ``labels`` and, where known, ``origin`` and ``draw``, as an asset of a post file has them.
        catalog: The rule edition.
        signer: Who signs; None signs nothing.
        on_conflict: ``keep`` leaves what the file says and records ours beside it.
        drawing: How notices are put in.
        progress: Called with pictures done, pictures in all, and the file's name while notices are put in.

    Raises:
        InvalidPost: a label is wrong; the pointer counts from the asset. See `label_file` for the rest.
    """

    def label(wanted: Wanted) -> Labelled:
        wanted = dataclasses.replace(wanted, drawing=resolved(drawing, catalog))
        return label_file(source, target, wanted, signer=signer, on_conflict=on_conflict, progress=progress)

    return one_file(asset, catalog, label)


def attach_in_place(
    path: Path, asset: Mapping[str, Any], *, catalog: Catalog, on_conflict: OnConflict = "refuse"
) -> Labelled:
    """Label one file that belongs to no post where it lies; see `attach_media` and `label_in_place`."""
    return one_file(asset, catalog, lambda wanted: label_in_place(path, wanted, on_conflict=on_conflict))


class _Warned(Protocol):
    @property
    def warnings(self) -> tuple[ProvenanceError, ...]: ...


_Done = TypeVar("_Done", bound=_Warned)


def one_file(asset: Mapping[str, Any], catalog: Catalog, label: Callable[[Wanted], _Done]) -> _Done:
    """Return what `label` makes of one file that belongs to no post; pointers count from the asset.

    Raises:
        InvalidPost: a label is wrong.
        UnknownLabelKind: the edition lacks a kind. And what `label` raises.
    """
    # The same checks as in a post, on the smallest post there can be.
    around = {"schema": "provenance/post/1", "id": "-", "kind": "image-text", "account": {"id": "-", "name": "-"}}
    try:
        post = Post.from_dict({**around, "assets": [{"id": "1", "path": "media", **asset}]})
        catalog.require_kinds(post)
        wanted = dataclasses.replace(_wanted(post, 0, catalog), post_id=None, asset_id=None)
        done = label(wanted)
    except ProvenanceError as error:
        _relative(error.details)
        for _, details in error.details.get("others", ()):  # type: ignore[attr-defined]
            _relative(details)
        raise
    for warning in done.warnings:
        _relative(warning.details)
    return done


def _relative(details: dict[str, object]) -> None:
    for key in ("pointer", "first"):
        if isinstance(value := details.get(key), str):
            details[key] = value.removeprefix("/assets/0")


def _output_names(post: Post) -> list[str]:
    names: list[str] = []
    for index, asset in enumerate(post.assets):
        plain = Path(asset.path).name
        name = plain if plain.startswith(f"{asset.id}-") else f"{asset.id}-{plain}"
        if name.casefold() in {each.casefold() for each in names}:
            raise InvalidPost("output-name-repeated", pointer=f"/assets/{index}", value=name)
        names.append(name)
    return names


def _wanted(post: Post, index: int, catalog: Catalog) -> Wanted:
    labels = post.labels_on_asset(index)
    own = next((each.label for each in labels if each.on == "asset" and isinstance(each.label, AIGenerated)), None)
    privacy = post.assets[index].location_privacy
    return Wanted(
        labels=tuple(dataclasses.replace(each, label=_private(each.label, privacy)) for each in labels),
        notices=tuple((kind, text) for kind, text, _ in catalog.notice_texts_for(post, index)),
        source_type=catalog.source_type(post.assets[index].origin, own),
        location_privacy=privacy,
        post_id=post.id,
        asset_id=post.assets[index].id,
    )


def _private(label: Value, privacy: LocationPrivacy) -> Value:
    if not isinstance(label, Capture) or privacy == "keep":
        return label
    return Capture.model_validate(private_label(label.as_json(), privacy))


def _finished(
    post: Post, names: list[str], labelled: list[Labelled], notices: Sequence[PlannedNotice]
) -> dict[str, Any]:
    data = post.as_json()
    for asset, name, done in zip(data.get("assets", ()), names, labelled, strict=True):
        asset.update(
            path=f"{_MEDIA}/{name}",
            sha256=done.sha256,
            notices=[notice.as_json() for notice in done.notices],
            media_change=done.media_change,
        )
        privacy = asset.get("location_privacy", "keep")
        if "labels" in asset:
            asset["labels"] = [private_label(label, privacy) for label in asset["labels"]]
    data["notices"] = [
        {"kind": each.kind, "surface": each.surface, "pointer": each.pointer, "text": each.text}
        for each in notices
        if each.surface != "media"
    ]
    return data


def _moved(labelled: list[Labelled], folder: Path) -> list[Labelled]:
    return [
        dataclasses.replace(
            done,
            path=folder / done.path.name,
            sidecars=tuple(folder / sidecar.name for sidecar in done.sidecars),
        )
        for done in labelled
    ]
