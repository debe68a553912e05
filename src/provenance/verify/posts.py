"""A finished post, verified whole: its text by its manifest, each of its media, and the links between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from provenance import _files
from provenance.errors import ProvenanceError
from provenance.manifests.read import ManifestReading
from provenance.manifests.read import read as read_manifest
from provenance.manifests.trust import Trust
from provenance.model import record as records
from provenance.model.observation import AigcReading, Carrier
from provenance.model.post import Post
from provenance.model.post_file import POST_FILE
from provenance.model.verification import Conflict, ConflictingValue, FileVerification
from provenance.observe import LABELS_ASSERTION, MANIFEST_SUFFIX, beside, evidence, file_error, manifest_of
from provenance.verify import organisation

Judge = Callable[[Path], FileVerification]
POST_MIME: Final = "application/json"
_FORMAT: Final = "post"
_ABSENT: Final = ManifestReading("absent")


def judge_post(path: Path, *, trust: Trust, judge: Judge, fine: frozenset[str]) -> FileVerification:
    """Return the verification of a finished post: its file, or the folder with it.

    Args:
        path: The file or folder.
        trust: Authorities (PEM) whose signers count as trusted; `TrustLists` for other purposes too.
        judge: Verifies one of its media.
        fine: The states of a manifest that are clean.
    """
    file = path / POST_FILE if path.is_dir() else path
    try:
        return _judged(path, file, trust, judge, fine)
    except ProvenanceError as error:
        return _unreadable(file, error).model_copy(update={"path": str(path), "format": _FORMAT, "files": ()})


def _unreadable(path: Path, error: ProvenanceError) -> FileVerification:
    return FileVerification(
        path=str(path),
        format=None,
        sha256=None,
        clean=False,
        error=file_error(error, path),
        labels=(),
        conflicts=(),
        aigc=AigcReading(),
        manifest=manifest_of(_ABSENT),
        notices=(),
    )


def _judged(path: Path, file: Path, trust: Trust, judge: Judge, fine: frozenset[str]) -> FileVerification:
    post = Post.from_file(file)
    store = beside(file, MANIFEST_SUFFIX)
    reading = _ABSENT if store is None else read_manifest(file, mime=POST_MIME, trust=trust, beside=store)
    record = records.parse(reading.labels[0]) if reading.labels else None
    media = [_media(post, index, judge) for index in range(len(post.assets))]
    manifest = manifest_of(reading)
    said = tuple(evidence.in_record(record, "sidecar", LABELS_ASSERTION))
    conflicts = (*_broken_links(post, media, reading), *organisation.conflicts_with(said, manifest))
    return FileVerification(
        path=str(path),
        format=_FORMAT,
        sha256=_files.sha256_of(file),
        clean=reading.state in fine and not conflicts and all(each.clean for each in media),
        error=None,
        labels=tuple(organisation.said(said, manifest)),
        conflicts=conflicts,
        aigc=AigcReading(),
        manifest=manifest,
        notices=(),
        files=tuple(media),
    )


def _media(post: Post, index: int, judge: Judge) -> FileVerification:
    try:
        path = post.asset_path(index)
    except ProvenanceError as error:
        return _unreadable(Path(post.assets[index].path), error)
    return judge(path)


def _broken_links(post: Post, media: Sequence[FileVerification], reading: ManifestReading) -> Iterator[Conflict]:
    """Yield where a medium is not the one that the post's file or its manifest speaks of."""
    named = {each["title"]: each["manifest"] for each in reading.ingredients if each["relationship"] == "componentOf"}
    for index, (asset, found) in enumerate(zip(post.assets, media, strict=True)):
        pointer = f"/assets/{index}"
        if asset.sha256 and found.sha256 and asset.sha256 != found.sha256:
            yield _link("sha256", ("container", f"{pointer}/sha256", asset.sha256), (found.path, found.sha256))
        if reading.state in {"absent", "unreadable", "remote"} or found.error:
            continue
        stated = named.get(Path(asset.path).name)
        if stated != found.active_manifest:
            yield _link("manifest", ("sidecar", pointer, stated), (found.path, found.active_manifest))


def _link(field: str, said: tuple[Carrier, str, str | None], there: tuple[str, str | None]) -> Conflict:
    carrier, location, value = said
    path, found = there
    sides = (
        ConflictingValue(carrier=carrier, location=location, value=value),
        ConflictingValue(carrier="container" if field == "sha256" else "manifest", location=path, value=found),
    )
    return Conflict(kind="asset", field=field, values=sides)
