"""Label one file: look at it, plan, draw, and have the result carried out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from provenance import _files
from provenance.attach import drawing, own_fields
from provenance.attach.carry import Job, carry
from provenance.attach.plan import OnConflict, Plan, Wanted, plan, with_notices
from provenance.errors import ConflictingLabels, LabelWouldBeLost, MediaError, ProvenanceError, UsageError
from provenance.formats.base import Carriers
from provenance.manifests.signer import Signer
from provenance.metadata import exif, iptc, xmp, xmp_split
from provenance.model.compare import same
from provenance.model.labels import Affiliation
from provenance.model.notice import Notice
from provenance.model.post import MediaChange
from provenance.observe import MANIFEST_SUFFIX, XMP_SUFFIX, Look, look

Progress = Callable[[int, int, str], None]
_EXTENSION_DAMAGED: Final = "xmp-extension-damaged"
# What readers look for in the first packet, even where it is parted.
_IN_FIRST_PACKET: Final = frozenset(
    {
        iptc.DATE_CREATED,
        iptc.SOURCE,
        iptc.CREDIT,
        iptc.CREATOR,
        iptc.COPYRIGHT_OWNER,
        iptc.DIGITAL_SOURCE_TYPE,
        iptc.AI_SYSTEM_USED,
        iptc.LOCATION_CREATED,
        iptc.GPS_LATITUDE,
        iptc.GPS_LONGITUDE,
        iptc.GPS_MAP_DATUM,
    }
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled file.

    Attributes:
        path: Where it lies.
        sha256: Of its bytes; None where it was labelled in place, which takes no time to read it all.
        sidecars: What lies beside it, where the container cannot hold it.
        notices: Those in the picture, drawn now or before.
        media_change: What happened to the picture itself.
        method: How a notice was drawn: ``libturbojpeg``, ``re-encode`` …; None where none was.
        warnings: What went differently from what was asked.
    """

    path: Path
    sha256: str | None
    sidecars: tuple[Path, ...]
    notices: tuple[Notice, ...]
    media_change: MediaChange
    method: str | None
    warnings: tuple[ProvenanceError, ...]


def label_file(
    source: Path,
    target: Path,
    wanted: Wanted,
    *,
    signer: Signer | None,
    on_conflict: OnConflict = "refuse",
    progress: Progress | None = None,
) -> Labelled:
    """Write a labelled copy of `source` to `target`; `source` is never changed.

    A file that already says all this, signed by the same signer, is copied byte for byte. `progress` is called with
    pictures done, pictures in all, and the file's name while notices are put in.

    Raises:
        AssetNotFound: `source` cannot be read.
        OutputRefused: `target` exists.
        ConflictingLabels: the file says something else.
        MediaError: the file cannot hold a label without losing something.
        ManifestError: signing failed.
        OutputNotWritten: the file system refused. In every case nothing is left behind.
    """
    if on_conflict not in get_args(OnConflict):
        raise UsageError("option-unknown", option="on_conflict", value=on_conflict, known="refuse, keep")
    _files.refuse_existing(target)
    try:
        return _labelled(source, target, wanted, signer, on_conflict, progress)
    except (ConflictingLabels, MediaError) as error:
        error.details.setdefault("path", source)
        raise


def _labelled(  # noqa: PLR0917 - all that `label_file` was given
    source: Path,
    target: Path,
    wanted: Wanted,
    signer: Signer | None,
    on_conflict: OnConflict,
    progress: Progress | None,
) -> Labelled:
    _refuse_other_organisation(wanted, signer)
    found = look(source)
    _refuse_loss(found, signer)
    planned = plan(found, wanted, on_conflict=on_conflict)
    _refuse_existing_sidecars(found, target, signer)
    with contextlib.ExitStack() as stack:
        drawn, warnings = stack.enter_context(
            drawing.drawn(source, target.parent, found, planned, wanted.drawing, progress)
        )
        record = with_notices(planned, drawn.notices)
        carriers = metadata_to_write(found, planned, record.text())
        job = Job(
            source=source,
            target=target,
            found=found,
            drawn=drawn,
            packet=carriers["xmp"],
            extension=carriers["extension"],
            fields=carriers["fields"],
            block=_block(found, planned),
            payload=record.payload(),
            source_type=wanted.source_type,
            hide_position=planned.erase_position,
            signer=signer,
        )
        carried = carry(job)
    return Labelled(
        path=target,
        sha256=carried.sha256,
        sidecars=carried.sidecars,
        notices=record.notices,
        media_change=drawn.media_change,
        method=drawn.method,
        warnings=(
            *told(source, planned, without=found.container.unsignable if signer is None else None),
            *warnings,
            *carried.warnings,
            *_signed_no_more(source, found, signer),
            *_misnamed(target, found),
        ),
    )


def told(source: Path, planned: Plan, *, without: str | None) -> Iterator[MediaError]:
    """Yield what a plan warns of, with the file's name where no pointer tells which label is meant.

    `without` is the code of what concerns a manifest, where none is written.
    """
    for code, details in planned.warnings:
        if code != without:
            yield MediaError(code, **details if "pointer" in details else {"path": source, **details})


def _signed_no_more(source: Path, found: Look, signer: Signer | None) -> Iterator[MediaError]:
    """Yield the warning that an organisation signed beside the old claim, and none signs beside the new one."""
    there = found.observation.manifest.identity
    if there and signer is not None and signer.organisation is None:
        yield MediaError("organisation-signs-no-more", path=source, name=there["name"])


def _misnamed(target: Path, found: Look) -> Iterator[MediaError]:
    known = found.handler.extensions
    if target.suffix and target.suffix.lower() not in known:
        names = {"format": found.handler.name, "extensions": " ".join(known)}
        # The name alone: the files of a post still lie in a folder that is renamed when all are done.
        yield MediaError("output-name-misleads", path=target.name, **names)


def _refuse_other_organisation(wanted: Wanted, signer: Signer | None) -> None:
    """Refuse to have an organisation sign that the labels name another."""
    if signer is None or signer.organisation is None:
        return
    own = signer.organisation.name
    for placed in wanted.labels:
        if isinstance(placed.label, Affiliation) and not same("name", placed.label.name, own):
            raise ConflictingLabels("mcn-not-the-signer", pointer=placed.pointer, value=placed.label.name, other=own)


def _refuse_loss(found: Look, signer: Signer | None) -> None:
    if signer is None and found.observation.manifest.state != "absent":
        raise LabelWouldBeLost("manifest-needs-signer")
    if signer is not None and found.container.has_manifest and not found.signs_inside:
        raise LabelWouldBeLost("manifest-not-replaceable")


def _refuse_existing_sidecars(found: Look, target: Path, signer: Signer | None) -> None:
    for suffix, used in ((XMP_SUFFIX, not found.handler.embeds), (MANIFEST_SUFFIX, signer and not found.signs_inside)):
        if used:
            _files.refuse_existing(target.with_name(target.name + suffix))


def metadata_to_write(found: Look, planned: Plan, record: str) -> Carriers:
    """Return XMP and the container's own fields with what was planned and our record; EXIF comes apart from them."""
    packet = extension = None
    fields = dict(planned.fields)
    if own_fields.holds(found, "record"):
        fields["record"] = record
    else:
        packet, extension = _packets(found, planned, record)
    return {"xmp": packet, "extension": extension, "fields": own_fields.changes(found, fields)}


def _packets(found: Look, planned: Plan, record: str) -> tuple[bytes, bytes | None]:
    """Return the XMP packet to write and, where it changes, its extension: a property stands in one of them only."""
    properties: dict[xmp.Name, xmp.XmpValue] = {**planned.properties, iptc.RECORD: record}
    present = extension = found.container.xmp_extension
    if present is not None:
        extension = xmp.merge(present, {}, properties.keys() | planned.removed)
        if extension != present:
            properties[xmp_split.HAS_EXTENDED] = xmp_split.name_of(extension)
    packet = xmp.merge(found.packet, properties, planned.removed)
    limit = found.handler.xmp_limit
    # Beside an extension that cannot be read no other one can be named.
    if limit is not None and _EXTENSION_DAMAGED not in found.container.warnings:
        packet, extension = xmp_split.split(packet, extension, limit=limit, keep=properties.keys() | _IN_FIRST_PACKET)
    return packet, None if extension == present else extension


def _block(found: Look, planned: Plan) -> bytes | None:
    """Return the EXIF block to write, or None when it stays as it is."""
    present = found.container.exif
    erase = planned.erase_position and present is not None
    states = planned.captured_at is not None or planned.coordinates is not None
    if not (states or erase) or not (found.handler.holds_exif and found.handler.embeds):
        return None
    block = exif.write(present, captured_at=planned.captured_at, coordinates=planned.coordinates, erase_position=erase)
    return None if block == present else block
