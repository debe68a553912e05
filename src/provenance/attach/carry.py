"""Write what was decided: a copy, a file with its labels inside, or a file with sidecars; whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

from provenance import _files
from provenance.attach import privacy
from provenance.errors import LabelWouldBeLost, MediaError, MetadataNotWritten
from provenance.formats import registry
from provenance.formats.base import NO_FIELDS, Carriers, Container, Fields
from provenance.manifests.signer import Signer
from provenance.manifests.write import DETACHED, Claim, Ingredient, plan_actions, sign, sign_beside
from provenance.metadata import iptc, xmp
from provenance.model.notice import Notice
from provenance.model.post import MediaChange
from provenance.observe import MANIFEST_SUFFIX, XMP_SUFFIX, Look, beside

_INTACT: Final = frozenset({"valid", "trusted"})
_NO_PARENT: Final = frozenset({"unreadable", "remote"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """The file whose pixels are final: the source itself, or a scratch file with notices drawn."""

    path: Path
    notices: tuple[Notice, ...] = ()
    media_change: MediaChange = "none"
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be written where; an absent `block`, `packet` or `extension` leaves EXIF, XMP or its extension alone.

    `fields` are those of the container's own that change.
    """

    source: Path
    target: Path
    found: Look
    drawn: Drawn
    packet: bytes | None
    extension: bytes | None
    fields: Fields
    block: bytes | None
    payload: dict[str, Any]
    source_type: str | None
    hide_position: bool
    signer: Signer | None

    @property
    def claim(self) -> Claim:
        """Return what the signer states."""
        has_manifest = self.found.observation.manifest.state != "absent"
        # A file that cannot hold a manifest is one of bytes to the binding, which may refuse to parse it as media.
        mime = self.found.container.mime if self.found.signs_inside else DETACHED
        embedded = self.found.container.has_manifest or not has_manifest
        manifest = None if embedded else _aside(self.source, MANIFEST_SUFFIX)
        parent = Ingredient(path=self.source, mime=mime, title=self.source.name, beside=manifest)
        actions = plan_actions(self.source_type, has_manifest=has_manifest, notice_drawn=bool(self.drawn.notices))
        return Claim(labels=self.payload, actions=actions, parent=parent, title=self.source.name)


@dataclass(frozen=True, slots=True)
class Carried:
    """What was written."""

    sha256: str
    sidecars: tuple[Path, ...] = ()
    warnings: tuple[MediaError, ...] = ()


def carry(job: Job) -> Carried:
    """Write the labelled copy, in the way its container allows.

    Raises:
        MediaError: a label cannot be kept.
        ManifestError: signing failed.
        OutputNotWritten: the file system refused. In every case nothing is left behind.
    """
    handler = job.found.handler
    if job.hide_position:
        parent = job.claim.parent
        store = beside(job.source, MANIFEST_SUFFIX) if parent and parent.beside else None
        privacy.refuse_signed(job.source, job.found.container, store)
    if not (handler.embeds and (job.found.signs_inside or job.signer is None)):
        return _beside(job)
    if _says_it_all(job):
        return Carried(_copied(job.source, job.target))
    if job.signer is None:
        with _files.new_file(job.target) as file:
            warnings = _written(job, file)
            return Carried(_files.finished_sha256(file), warnings=warnings)
    with _scratch(job) as (finished, warnings):
        mime, signer = job.found.container.mime, job.signer
        sha256 = sign(finished, job.target, job.claim, mime=mime, signer=signer, check=partial(_read_back, job=job))
        return Carried(sha256, warnings=warnings)


def _beside(job: Job) -> Carried:
    """Write the sidecars first and the file last: whoever sees the file sees all of it."""
    if _says_it_all(job):
        return _copied_with_sidecars(job)
    if job.found.observation.manifest.state in _NO_PARENT:
        raise LabelWouldBeLost("sidecar-manifest-would-be-lost")
    sidecars: list[Path] = []
    warnings: tuple[MediaError, ...] = ()
    with contextlib.ExitStack() as undo:
        finished = job.drawn.path
        if job.found.handler.embeds:
            finished, warnings = undo.enter_context(_scratch(job))
        else:
            if job.hide_position:
                privacy.refuse_any(finished, job.found.container, job.packet or b"")
            sidecars.append(_aside(job.target, XMP_SUFFIX))
            with _files.new_file(sidecars[-1]) as file:
                file.write(job.packet or b"")
            undo.callback(sidecars[-1].unlink)
        if job.signer is not None:
            sidecars.append(_aside(job.target, MANIFEST_SUFFIX))
            sign_beside(finished, sidecars[-1], job.claim, signer=job.signer)
            undo.callback(sidecars[-1].unlink)
        sha256 = _copied(finished, job.target)
        undo.pop_all()
    names = ", ".join(path.name for path in sidecars)
    told = MediaError("label-in-sidecar", path=job.source, format=job.found.handler.name, sidecars=names)
    return Carried(sha256, tuple(sidecars), (*warnings, told))


def _copied_with_sidecars(job: Job) -> Carried:
    pairs = [(_aside(job.source, suffix), _aside(job.target, suffix)) for suffix in (XMP_SUFFIX, MANIFEST_SUFFIX)]
    there = [(source, target) for source, target in pairs if source.is_file()]
    with contextlib.ExitStack() as undo:
        for source, target in there:
            _copied(source, target)
            undo.callback(target.unlink)
        sha256 = _copied(job.source, job.target)
        undo.pop_all()
    return Carried(sha256, tuple(target for _, target in there))


def _aside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _says_it_all(job: Job) -> bool:
    """Say whether the source, as it is, is the result."""
    found = job.found
    if job.drawn.notices or job.fields or job.block is not None or job.packet not in {None, found.packet}:
        return False
    if job.hide_position:
        if privacy.left_elsewhere(job.source, found.container):
            return False
        privacy.refuse_left(job.source, found.container, job.packet or b"")
    return job.signer is None or (
        found.observation.manifest.state in _INTACT
        and found.observation.signer == job.signer.fingerprint
        and _same_organisation(found, job.signer)
        and found.signed_record is not None
        and found.signed_record.payload() == job.payload
    )


def _same_organisation(found: Look, signer: Signer) -> bool:
    there = found.observation.manifest.identity
    return (there and there["name"]) == (signer.organisation and signer.organisation.name)


@contextlib.contextmanager
def _scratch(job: Job) -> Iterator[tuple[Path, tuple[MediaError, ...]]]:
    """Yield a file beside the target with the metadata in it, not signed yet."""
    with _files.scratch_file(job.target.parent) as path:
        with path.open("r+b") as file:
            warnings = _written(job, file)
        yield path, warnings


def _written(job: Job, file: BinaryIO) -> tuple[MediaError, ...]:
    """Write the metadata; an EXIF block with no room left stays as it is, and its fields are in XMP alone."""
    known = job.drawn.path == job.source
    warnings: tuple[MediaError, ...] = ()
    carriers: Carriers = {"exif": job.block, "xmp": job.packet, "extension": job.extension, "fields": job.fields}
    try:
        registry.write(job.drawn.path, file, **carriers, known=known, known_as=job.found.handler)
    except MetadataNotWritten as error:
        if job.block is None or error.code != "exif-segment-full":
            raise
        file.seek(0)
        file.truncate()
        carriers["exif"] = None
        registry.write(job.drawn.path, file, **carriers, known=known, known_as=job.found.handler)
        warnings = (error,)
    file.flush()
    _finish(Path(file.name), job)
    return warnings


def _finish(path: Path, job: Job) -> None:
    """Make sure that what was written is what a reader finds, before anything gets its name."""
    if job.hide_position:
        privacy.erase_elsewhere(path, job.found.container, job.block or job.found.container.exif)
        privacy.refuse_left(path, job.found.container, job.packet or b"")
    _read_back(path, job)


def _read_back(path: Path, job: Job) -> None:
    # Also after signing: the binding has its own idea of some containers, and has broken them without a word.
    read_back(path, job.found, {"xmp": job.packet, "extension": job.extension, "fields": job.fields})


def read_back(path: Path, found: Look, carriers: Carriers) -> None:
    """Make sure that a file says what was written, and nothing that it said before is gone.

    Raises:
        MetadataNotWritten: ``metadata-did-not-read-back``.
    """
    there = registry.read(path, whole=False, known_as=found.handler)
    before, packet, extension = found.container, carriers.get("xmp"), carriers.get("extension")
    elements = sum(len(iptc.aigc_texts(xmp.read(each))) for each in (there.xmp, there.xmp_extension) if each)
    elements += sum(each.name == "aigc" for each in there.fields)
    kept = (
        there.xmp == (before.xmp if packet is None else packet)
        and there.xmp_extension == (extension or before.xmp_extension)
        and (packet is None or there.xmp_count == 1)
        and _stated(there) == _expected(before, carriers.get("fields", NO_FIELDS))
    )
    if not kept or elements > 1:
        raise MetadataNotWritten("metadata-did-not-read-back")


def _stated(container: Container) -> dict[str, list[str]]:
    """Return every statement of the container's own fields by its name."""
    found: dict[str, list[str]] = {}
    for each in container.fields:
        found.setdefault(each.name, []).append(each.value)
    return found


def _expected(before: Container, fields: Fields) -> dict[str, list[str]]:
    kept = {name: values for name, values in _stated(before).items() if name not in fields}
    return kept | {name: [value] for name, value in fields.items() if value is not None}


def _copied(source: Path, target: Path) -> str:
    with _files.open_input(source) as original, _files.new_file(target) as file:
        _files.copy_range(original, file, 0, source.stat().st_size)
        return _files.finished_sha256(file)
