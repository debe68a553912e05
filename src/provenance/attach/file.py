"""Carry a plan out on one file: draw, write metadata, sign, and only then give the result its name."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from provenance import _files
from provenance.attach import privacy
from provenance.attach.plan import OnConflict, Plan, Wanted, plan, with_notices
from provenance.errors import LabelWouldBeLost, MediaError, MetadataNotWritten, ProvenanceError
from provenance.formats import registry
from provenance.manifests.signer import Signer
from provenance.manifests.write import Claim, Parent, plan_actions, sign
from provenance.metadata import exif, iptc, xmp
from provenance.model.notice import Notice
from provenance.model.post import MediaChange
from provenance.observe import Look, look

_INTACT: Final = frozenset({"valid", "trusted"})


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled file.

    Attributes:
        path: Where it lies.
        sha256: Of its bytes.
        notices: Those in the picture, drawn now or before.
        media_change: What happened to the picture itself.
        method: How a notice was drawn: ``libturbojpeg``, ``re-encode`` …; None where none was.
        warnings: What went differently from what was asked.
    """

    path: Path
    sha256: str
    notices: tuple[Notice, ...]
    media_change: MediaChange
    method: str | None
    warnings: tuple[ProvenanceError, ...]


@dataclass(frozen=True, slots=True)
class _Drawn:
    path: Path
    notices: tuple[Notice, ...] = ()
    media_change: MediaChange = "none"
    method: str | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """What is written into a copy of `source`; `known` says that it has been checked whole already."""

    source: Path
    exif: bytes | None
    xmp: bytes
    known: bool


def label_file(
    source: Path, target: Path, wanted: Wanted, *, signer: Signer | None, on_conflict: OnConflict = "refuse"
) -> Labelled:
    """Write a labelled copy of `source` to `target`; `source` is never changed.

    A file that already says all this, signed by the same signer, is copied byte for byte.

    Raises:
        AssetNotFound: `source` cannot be read.
        OutputRefused: `target` exists.
        ConflictingLabels: the file says something else.
        MediaError: the file cannot hold a label without losing something.
        ManifestError: signing failed.
        OutputNotWritten: the file system refused. In every case nothing is left behind.
    """
    _files.refuse_existing(target)
    try:
        return _labelled(source, target, wanted, signer, on_conflict)
    except MediaError as error:
        error.details.setdefault("path", source)
        raise


def _labelled(source: Path, target: Path, wanted: Wanted, signer: Signer | None, on_conflict: OnConflict) -> Labelled:
    found = look(source)
    if signer is None and found.observation.manifest.state != "absent":
        raise LabelWouldBeLost("manifest-needs-signer", path=source)
    planned = plan(found, wanted, on_conflict=on_conflict)
    with contextlib.ExitStack() as stack:
        drawn = _draw(source, target.parent, found, planned, stack)
        record = with_notices(planned, drawn.notices)
        packet = _packet(found, planned, record.text())
        block = _block(found, planned)
        changed = bool(drawn.notices) or block is not None or packet != found.container.xmp
        warnings = [MediaError(code, **details) for code, details in planned.warnings]
        written = _Written(drawn.path, block, packet, known=drawn.path == source)
        private = not planned.erase_position or not privacy.left_elsewhere(source, found.container.exif)
        if private and not changed and _signed_alike(found, record.payload(), signer):
            sha256 = _copy(source, target)
        elif signer is None:
            with _files.new_file(target) as file:
                warnings += _write(written, file)
                _finish(Path(file.name), written, found, planned)
                sha256 = _files.finished_sha256(file)
        else:
            finished = stack.enter_context(_files.scratch_file(target.parent))
            with finished.open("r+b") as file:
                warnings += _write(written, file)
            _finish(finished, written, found, planned)
            claim = _claim(source, found, wanted, record.payload(), drawn)
            sha256 = sign(finished, target, claim, mime=found.container.mime, signer=signer)
    return Labelled(
        path=target,
        sha256=sha256,
        notices=record.notices,
        media_change=drawn.media_change,
        method=drawn.method,
        warnings=tuple(warnings),
    )


def _draw(source: Path, folder: Path, found: Look, planned: Plan, stack: contextlib.ExitStack) -> _Drawn:
    if not planned.draw:
        return _Drawn(source)
    from provenance import notices

    seen = found.observation
    taken = [notice.box for notice in planned.record.notices]
    placed = notices.layout(planned.draw, seen.width or 0, seen.height or 0, taken)
    path = stack.enter_context(_files.scratch_file(folder))
    with path.open("wb") as file:
        result = notices.draw(source, file, placed, orientation=seen.orientation, format=str(seen.format))
    return _Drawn(path, placed, result.media_change, result.method)


def _packet(found: Look, planned: Plan, record: str) -> bytes:
    return xmp.merge(found.container.xmp, {**planned.properties, iptc.RECORD: record}, planned.removed)


def _block(found: Look, planned: Plan) -> bytes | None:
    """Return the EXIF block to write, or None when it stays as it is."""
    present = found.container.exif
    erase = planned.erase_position and present is not None
    if planned.captured_at is None and planned.coordinates is None and not erase:
        return None
    block = exif.write(present, captured_at=planned.captured_at, coordinates=planned.coordinates, erase_position=erase)
    return None if block == present else block


def _signed_alike(found: Look, payload: dict[str, object], signer: Signer | None) -> bool:
    if signer is None:
        return True
    return (
        found.observation.manifest.state in _INTACT
        and found.observation.signer == signer.fingerprint
        and found.signed_record is not None
        and found.signed_record.payload() == payload
    )


def _copy(source: Path, target: Path) -> str:
    with _files.open_input(source) as original, _files.new_file(target) as file:
        _files.copy_range(original, file, 0, source.stat().st_size)
        return _files.finished_sha256(file)


def _write(written: _Written, file: BinaryIO) -> list[MediaError]:
    """Write the metadata; an EXIF block with no room left stays as it is, and its fields are in XMP alone."""
    try:
        registry.write(written.source, file, exif=written.exif, xmp=written.xmp, known=written.known)
    except MetadataNotWritten as error:
        if written.exif is None or error.code != "exif-segment-full":
            raise
        file.seek(0)
        file.truncate()
        registry.write(written.source, file, exif=None, xmp=written.xmp, known=written.known)
        return [error]
    finally:
        file.flush()
    return []


def _finish(path: Path, written: _Written, found: Look, planned: Plan) -> None:
    """Make sure that what was written is what a reader finds, before anything gets its name."""
    if planned.erase_position:
        privacy.erase_elsewhere(path, found.container, written.exif or found.container.exif)
        privacy.refuse_left(path, written.xmp)
    there = registry.read(path, whole=False)
    elements = len(iptc.aigc_texts(xmp.read(written.xmp)))
    if there.xmp != written.xmp or there.xmp_count != 1 or elements > 1:
        raise MetadataNotWritten("metadata-did-not-read-back")


def _claim(source: Path, found: Look, wanted: Wanted, payload: dict[str, object], drawn: _Drawn) -> Claim:
    has_manifest = found.observation.manifest.state != "absent"
    return Claim(
        labels=payload,
        actions=plan_actions(wanted.source_type, has_manifest=has_manifest, notice_drawn=bool(drawn.notices)),
        parent=Parent(path=source, mime=found.container.mime, title=source.name),
        title=source.name,
    )
