"""Read every carrier of a file and gather what it says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provenance import _files
from provenance.errors import MalformedMedia, MediaTooLarge, ProvenanceError
from provenance.formats import registry
from provenance.formats.base import Container, Handler
from provenance.manifests.read import ManifestReading
from provenance.manifests.read import read as read_manifest
from provenance.manifests.remote import Fetch
from provenance.manifests.trust import Trust
from provenance.metadata import aigc, exif, iim, iptc, xmp
from provenance.model import record as records
from provenance.model.notice import Notice, NoticeReading
from provenance.model.observation import (
    AigcElement,
    AigcReading,
    Carrier,
    ElementSignature,
    Evidence,
    FileError,
    Manifest,
    Observation,
    Remark,
)
from provenance.model.record import Record
from provenance.observe import evidence
from provenance.observe.sought import NOTHING, Sought, with_sought

_REMOTE_MANIFEST: Final = xmp.Name("http://purl.org/dc/terms/", "provenance")
LABELS_ASSERTION: Final = "org.w3id.provenance-labels.labels"
XMP_SUFFIX: Final = ".xmp"
MANIFEST_SUFFIX: Final = ".c2pa"
_LARGEST_SIDECAR: Final = 64 << 20
_FIRST_TURNED: Final = 5
_MOST_SIGNED: Final = 4  # elements whose signatures are checked; a sound file has one element


@dataclass(frozen=True, slots=True)
class Look:
    """An observation with the parsed carriers behind it, for `attach`.

    `packet` is the XMP packet, embedded or in a sidecar; `exif_damaged` forbids editing that block; `signs_inside` says
    that a manifest can be embedded without losing something.
    """

    observation: Observation
    container: Container
    handler: Handler
    signs_inside: bool
    packet: bytes | None
    camera: exif.Exif | None
    exif_damaged: bool
    properties: xmp.Properties
    fields: iptc.StandardFields
    record: Record | None
    elements: tuple[aigc.Reading, ...]
    signed_record: Record | None


@dataclass(frozen=True, slots=True)
class _Carriers:
    """The parsed carriers of one file."""

    container: Container
    handler: Handler
    camera: exif.Exif | None
    fields: iptc.StandardFields
    datasets: iptc.StandardFields
    record: Record | None
    elements: tuple[tuple[aigc.Slot, aigc.Reading], ...]
    reading: ManifestReading
    signed_record: Record | None

    @property
    def signs_inside(self) -> bool:
        """Whether a manifest can be embedded without losing something."""
        return self.handler.signs and self.container.unsignable is None


def observe(
    path: Path,
    *,
    trust: Trust = (),
    shown_as: str | None = None,
    sought: Sought = NOTHING,
    fetch: Fetch | None = None,
) -> Observation:
    """Return everything that one file says; a file that cannot be read gives an observation with its `error`.

    Args:
        path: The file.
        trust: Authorities (PEM) whose signers count as trusted; `TrustLists` for other purposes too.
        shown_as: The path to report instead of `path`.
        sought: Notices to look for beyond those that the file's record states.
        fetch: Fetches a manifest that is kept elsewhere; by default nothing is fetched.
    """
    name = shown_as if shown_as is not None else str(path)
    try:
        return observed(path, trust=trust, sought=sought, fetch=fetch).model_copy(update={"path": name})
    except ProvenanceError as error:
        return Observation(path=name, error=file_error(error, path))


def observed(path: Path, *, trust: Trust = (), sought: Sought = NOTHING, fetch: Fetch | None = None) -> Observation:
    """Return everything that one readable file says, its digest included; see `look` for the errors."""
    seen = look(path, trust=trust, fetch=fetch).observation.model_copy(update={"sha256": _files.sha256_of(path)})
    return with_sought(seen, path, sought)


def look(path: Path, *, trust: Trust = (), fetch: Fetch | None = None) -> Look:
    """Read every carrier of one file.

    Raises:
        AssetNotFound: it cannot be opened.
        MediaError: it is not supported, or damaged so that nothing may be written into it.
    """
    container = registry.read(path)
    remarks = [Remark(code=code) for code in container.warnings]
    camera = _camera(container, remarks)
    handler = registry.handler(container.format)
    packet = container.xmp if handler.embeds else beside(path, XMP_SUFFIX)
    properties = _properties(packet, container.xmp_extension)
    reading = _manifest(path, container, properties, trust, fetch)
    found = _Carriers(
        container=container,
        handler=handler,
        camera=camera,
        fields=iptc.from_xmp(properties),
        datasets=iim.read_iim(container.iim) if container.iim else iptc.StandardFields(),
        record=_record(container, properties, remarks),
        elements=tuple(_checked(_elements(container, camera, properties))),
        reading=reading,
        signed_record=records.parse(reading.labels[0]) if reading.labels else None,
    )
    return Look(
        observation=_observation(path, found, remarks),
        container=container,
        handler=handler,
        signs_inside=found.signs_inside,
        packet=packet,
        camera=camera,
        exif_damaged=container.exif is not None and camera is None,
        properties=properties,
        fields=found.fields,
        record=found.record,
        elements=tuple(each for _, each in found.elements),
        signed_record=found.signed_record,
    )


def _observation(path: Path, found: _Carriers, remarks: Sequence[Remark]) -> Observation:
    container, reading = found.container, found.reading
    orientation = container.orientation or (found.camera.orientation if found.camera else 1)
    stated = _stated(found.record, found.signed_record)
    return Observation(
        path=str(path),
        format=container.format,
        media=container.media,
        mime=container.mime,
        **_displayed_size(container, orientation),
        orientation=orientation,
        evidence=tuple(_evidence_in(found)),
        aigc=_aigc_reading(found.elements),
        manifest=manifest_of(reading),
        source_types=_source_types(found.fields, reading),
        signer=reading.signer_fingerprint,
        active_manifest=reading.active,
        notices_stated=stated,
        notices=measured(path, stated, orientation, media=container.media, format=container.format),
        exact_location=any(map(evidence.is_exact, _positions(found))),
        remarks=(*remarks, *_problems(found.fields), *_problems(found.datasets)),
    )


def _evidence_in(found: _Carriers) -> Iterator[Evidence]:
    """Yield every statement of every carrier; what lies in a sidecar is the sidecar's."""
    in_xmp: Carrier = "xmp" if found.handler.embeds else "sidecar"
    in_manifest: Carrier = "manifest" if found.signs_inside or found.container.has_manifest else "sidecar"
    yield from evidence.in_camera(found.camera)
    yield from evidence.in_standard_fields(found.fields, in_xmp)
    yield from evidence.in_standard_fields(found.datasets, "iptc")
    yield from evidence.in_container(found.container.fields)
    if (field := found.container.field("record")) is not None:
        yield from evidence.in_record(found.record, "container", field.location)
    else:
        yield from evidence.in_record(found.record, in_xmp, "pvl:Labels")
    for slot, element in found.elements:
        yield from evidence.in_element(slot, element)
    yield from evidence.in_record(found.signed_record, in_manifest, LABELS_ASSERTION)
    yield from evidence.in_source_type(found.fields.digital_source_type, in_xmp, "Iptc4xmpExt:DigitalSourceType")
    yield from evidence.in_source_type(_first(found.reading.digital_source_types), in_manifest, "c2pa.actions")


def _properties(packet: bytes | None, extension: bytes | None) -> xmp.Properties:
    """Return the properties of a packet and of its extension together."""
    joined: dict[xmp.Name, tuple[xmp.Occurrence, ...]] = {}
    for each in (packet, extension):
        for name, occurrences in (xmp.read(each) if each else {}).items():
            joined[name] = joined.get(name, ()) + occurrences
    return joined


def _camera(container: Container, remarks: list[Remark]) -> exif.Exif | None:
    if container.exif is None:
        return None
    try:
        return exif.read(container.exif)
    except MalformedMedia as error:
        remarks.append(Remark(code=error.code, details=error.details))
        return None


def _record(container: Container, properties: xmp.Properties, remarks: list[Remark]) -> Record | None:
    field = container.field("record")
    text = field.value if field else iptc.record_of(properties)
    if text is None:
        return None
    record = records.parse(text)
    if record is None:
        remarks.append(Remark(code="record-damaged"))
    return record


def _problems(fields: iptc.StandardFields) -> Iterator[Remark]:
    return (Remark(code=each.code, details=dict(each.details)) for each in fields.problems)


def _elements(
    container: Container, camera: exif.Exif | None, properties: xmp.Properties
) -> Iterator[tuple[aigc.Slot, aigc.Reading]]:
    """Yield every AIGC element of the file, whatever slot it stands in (GB 45438-2025, 6.1 c: one at most)."""
    for found in iptc.aigc_texts(properties):
        yield "xmp", aigc.decode(found.text, "xmp")
    for keyword, value in container.texts:
        if keyword.casefold() == "aigc":
            yield "png-text", aigc.decode(value, "png-text")
    for field in container.fields:
        if field.slot is not None:
            yield field.slot, aigc.decode(field.value, field.slot)
    comment = camera.user_comment if camera else None
    if comment and aigc.mentions_element(comment):
        yield "exif-user-comment", aigc.decode(comment, "exif-user-comment")
    description = camera.image_description if camera else None
    if description and aigc.mentions_element(description):
        yield "exif-image-description", aigc.decode(description, "exif-image-description")


def _checked(elements: Iterable[tuple[aigc.Slot, aigc.Reading]]) -> Iterator[tuple[aigc.Slot, aigc.Reading]]:
    for number, (slot, found) in enumerate(elements):
        yield slot, aigc.with_security(found) if number < _MOST_SIGNED else found


def _manifest(
    path: Path, container: Container, properties: xmp.Properties, trust: Trust, fetch: Fetch | None
) -> ManifestReading:
    # The binding reads the whole file to find out that nothing is there; the container knows already.
    if container.has_manifest or _REMOTE_MANIFEST in properties:
        reading = read_manifest(path, mime=container.mime, trust=trust, fetch=fetch)
        # One that the binding cannot look for in this container is there all the same.
        hidden = reading.state == "absent" and container.has_manifest
        return ManifestReading("unreadable") if hidden else reading
    signs_inside = registry.handler(container.format).signs and container.unsignable is None
    store = None if signs_inside else beside(path, MANIFEST_SUFFIX)
    if store is None:
        return ManifestReading("absent")
    return read_manifest(path, mime=container.mime, trust=trust, beside=store)


def beside(path: Path, suffix: str) -> bytes | None:
    """Return what lies beside a file under its whole name and a suffix."""
    sidecar = path.with_name(path.name + suffix)
    if not sidecar.is_file():
        return None
    with _files.open_input(sidecar) as file:
        content = file.read(_LARGEST_SIDECAR + 1)
    if len(content) > _LARGEST_SIDECAR:
        raise MediaTooLarge("metadata-too-large", path=sidecar, size=len(content), limit=_LARGEST_SIDECAR, offset=0)
    return content


def manifest_of(reading: ManifestReading) -> Manifest:
    """Return what the verification says of a manifest."""
    return Manifest(
        state=reading.state,
        issuer=reading.issuer,
        codes=reading.codes,
        ingredients=reading.ingredients,
        identity=reading.identity,
    )


def _stated(record: Record | None, signed: Record | None) -> tuple[Notice, ...]:
    """Return the notices that the record in XMP or the signed one says were drawn."""
    stated = [*(record.notices if record else ()), *(signed.notices if signed else ())]
    return tuple({(each.kind, each.text, each.box, each.seconds): each for each in stated}.values())


def measured(
    path: Path,
    stated: tuple[Notice, ...],
    orientation: int,
    *,
    media: str | None,
    format: str | None,  # noqa: A002
) -> tuple[NoticeReading, ...]:
    """Look for stated notices in a file of a medium and format; `orientation` is a picture's EXIF orientation.

    Raises:
        MissingExtra: films or sound cannot be looked at here; see the measuring function of each medium for others.
    """
    if not stated:
        return ()
    if media == "video":
        from provenance.notices.video_measure import measure_video

        return measure_video(path, stated)
    if media == "audio":
        from provenance.notices.audio_measure import measure_audio

        return measure_audio(path, stated)
    if media == "document":
        return _read_in_text(path, stated, str(format))
    from provenance import notices

    return notices.measure(path, stated, orientation=orientation)


def _read_in_text(path: Path, stated: tuple[Notice, ...], name: str) -> tuple[NoticeReading, ...]:
    from provenance.notices import in_text

    if name not in in_text.FORMATS:
        return tuple(NoticeReading(kind=each.kind, text=each.text, found=False) for each in stated)
    return in_text.measure_text(path, stated, format=name)


def _displayed_size(container: Container, orientation: int) -> dict[str, int | None]:
    # Exif 3.0, 4.6.5.1.6: orientations 5 to 8 show rows as columns.
    turned = orientation >= _FIRST_TURNED
    width, height = (container.height, container.width) if turned else (container.width, container.height)
    return {"width": width, "height": height}


def _source_types(fields: iptc.StandardFields, reading: ManifestReading) -> dict[str, str]:
    stated = {"xmp": fields.digital_source_type, "manifest": _first(reading.digital_source_types)}
    return {carrier: uri for carrier, uri in stated.items() if uri}


def _aigc_reading(elements: Sequence[tuple[aigc.Slot, aigc.Reading]]) -> AigcReading:
    if not elements:
        return AigcReading()
    return AigcReading(
        count=len(elements),
        conformant=len(elements) == 1 and elements[0][1].conformant,
        elements=tuple(
            AigcElement(
                slot=slot,
                form=found.form,
                problems=tuple(problem.code for problem in found.problems),
                value=found.element.as_json() if found.element else {},
                signatures=tuple(_signatures(found)),
            )
            for slot, found in elements
        ),
    )


def _signatures(found: aigc.Reading) -> Iterator[ElementSignature]:
    for by, security in zip(("producer", "propagator"), found.security, strict=False):
        if security.state not in {"absent", "opaque"}:
            yield ElementSignature.model_validate({"by": by, **dataclasses.asdict(security)})


def _positions(found: _Carriers) -> Iterator[tuple[float, float] | None]:
    """Yield every position of the capture that a carrier states."""
    yield found.fields.coordinates
    yield found.camera.coordinates if found.camera else None
    yield found.container.position
    yield from evidence.recorded_positions((found.record, found.signed_record))


def _first(items: Sequence[str]) -> str | None:
    return items[0] if items else None


def file_error(error: ProvenanceError, path: Path) -> FileError:
    """Return what the verification says of a file that cannot be read."""
    error.details.setdefault("path", path)
    offset = error.details.get("offset")
    return FileError(
        code=error.code,
        message=error.diagnostics(),
        offset=offset if isinstance(offset, int) else None,
        details={key: value if isinstance(value, int | float) else str(value) for key, value in error.details.items()},
    )
