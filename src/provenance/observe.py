"""What a file already says, carrier by carrier: gathered here once, for attach, check and verify alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provenance import _files
from provenance.errors import MalformedMedia, MediaTooLarge, ProvenanceError
from provenance.formats import registry
from provenance.formats.base import Container, Handler
from provenance.manifests.read import ManifestReading
from provenance.manifests.read import read as read_manifest
from provenance.metadata import aigc, exif, iim, iptc, xmp
from provenance.metadata.position import coarse
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

# IPTC digital source types that say a trained model made the picture, or a part of it.
AI_SOURCE_TYPES: Final = {
    "trainedAlgorithmicMedia": {"grade": "confirmed"},
    "compositeWithTrainedAlgorithmicMedia": {"grade": "confirmed", "extent": "part"},
    "compositeSynthetic": {"grade": "confirmed", "extent": "part"},
}
_REMOTE_MANIFEST: Final = xmp.Name("http://purl.org/dc/terms/", "provenance")
LABELS_ASSERTION: Final = "org.w3id.provenance-labels.labels"
XMP_SUFFIX: Final = ".xmp"
MANIFEST_SUFFIX: Final = ".c2pa"
_LARGEST_SIDECAR: Final = 64 << 20
_FIRST_TURNED: Final = 5
_AXES: Final = ("latitude", "longitude")
_ROUNDING: Final = 1e-6  # degrees
_MOST_SIGNED: Final = 4  # elements whose signatures are checked; a sound file has one element
_XMP_LOCATIONS: Final = {
    "time": "photoshop:DateCreated",
    "place": "Iptc4xmpExt:LocationCreated",
    "source": "photoshop:Source",
    "credit": "photoshop:Credit",
    "creator": "dc:creator",
    "owner": "plus:CopyrightOwner",
}
_IIM_LOCATIONS: Final = {
    "time": "2:55 DateCreated",
    "place": "2:90 City",
    "source": "2:115 Source",
    "credit": "2:110 Credit",
    "creator": "2:80 By-line",
}


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


def observe(path: Path, *, trust: Sequence[bytes] = (), shown_as: str | None = None) -> Observation:
    """Return everything that one file says; a file that cannot be read gives an observation with its `error`.

    Args:
        path: The file.
        trust: Certificates (PEM) of authorities whose signers count as trusted.
        shown_as: The path to report instead of `path`.
    """
    name = shown_as if shown_as is not None else str(path)
    try:
        return observed(path, trust=trust).model_copy(update={"path": name})
    except ProvenanceError as error:
        return Observation(path=name, error=_file_error(error, path))


def observed(path: Path, *, trust: Sequence[bytes] = ()) -> Observation:
    """Return everything that one readable file says, its digest included; see `look` for the errors."""
    return look(path, trust=trust).observation.model_copy(update={"sha256": _files.sha256_of(path)})


def look(path: Path, *, trust: Sequence[bytes] = ()) -> Look:
    """Read every carrier of one file.

    Raises:
        AssetNotFound: it cannot be opened.
        MediaError: it is not supported, or damaged so that nothing may be written into it.
    """
    container = registry.read(path)
    remarks = [Remark(code=code) for code in container.warnings]
    camera = _camera(container, remarks)
    handler = registry.handler(container.format)
    packet = container.xmp if handler.embeds else _beside(path, XMP_SUFFIX)
    properties = _properties(packet, container.xmp_extension)
    reading = _manifest(path, container, properties, trust)
    found = _Carriers(
        container=container,
        handler=handler,
        camera=camera,
        fields=iptc.from_xmp(properties),
        datasets=iim.read_iim(container.iim) if container.iim else iptc.StandardFields(),
        record=_record(properties, remarks),
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
        manifest=_verdict(reading),
        source_types=_source_types(found.fields, reading),
        signer=reading.signer_fingerprint,
        active_manifest=reading.active,
        notices_stated=stated,
        notices=measured(path, stated, orientation),
        exact_location=any(map(_exact, _positions(found))),
        remarks=(*remarks, *_problems(found.fields), *_problems(found.datasets)),
    )


def _evidence_in(found: _Carriers) -> Iterator[Evidence]:
    """Yield every statement of every carrier; what lies in a sidecar is the sidecar's."""
    in_xmp: Carrier = "xmp" if found.handler.embeds else "sidecar"
    in_manifest: Carrier = "manifest" if found.signs_inside or found.container.has_manifest else "sidecar"
    yield from _camera_evidence(found.camera)
    yield from _standard_evidence(found.fields, in_xmp)
    yield from _standard_evidence(found.datasets, "iptc")
    yield from _recorded_evidence(found.record, in_xmp, "pvl:Labels")
    for slot, element in found.elements:
        yield from _element_evidence(slot, element)
    yield from _recorded_evidence(found.signed_record, in_manifest, LABELS_ASSERTION)
    yield from _source_type_evidence(found.fields.digital_source_type, in_xmp, "Iptc4xmpExt:DigitalSourceType")
    yield from _source_type_evidence(_first(found.reading.digital_source_types), in_manifest, "c2pa.actions")


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


def _record(properties: xmp.Properties, remarks: list[Remark]) -> Record | None:
    text = iptc.record_of(properties)
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
    comment = camera.user_comment if camera else None
    if comment and aigc.mentions_element(comment):
        yield "exif-user-comment", aigc.decode(comment, "exif-user-comment")
    description = camera.image_description if camera else None
    if description and aigc.mentions_element(description):
        yield "exif-image-description", aigc.decode(description, "exif-image-description")


def _checked(elements: Iterable[tuple[aigc.Slot, aigc.Reading]]) -> Iterator[tuple[aigc.Slot, aigc.Reading]]:
    for number, (slot, found) in enumerate(elements):
        yield slot, aigc.with_security(found) if number < _MOST_SIGNED else found


def _manifest(path: Path, container: Container, properties: xmp.Properties, trust: Sequence[bytes]) -> ManifestReading:
    # The binding reads the whole file to find out that nothing is there; the container knows already.
    if container.has_manifest or _REMOTE_MANIFEST in properties:
        return read_manifest(path, mime=container.mime, trust=trust)
    signs_inside = registry.handler(container.format).signs and container.unsignable is None
    beside = None if signs_inside else _beside(path, MANIFEST_SUFFIX)
    if beside is None:
        return ManifestReading("absent")
    return read_manifest(path, mime=container.mime, trust=trust, beside=beside)


def _beside(path: Path, suffix: str) -> bytes | None:
    """Return what lies beside a file under its whole name and a suffix."""
    sidecar = path.with_name(path.name + suffix)
    if not sidecar.is_file():
        return None
    with _files.open_input(sidecar) as file:
        content = file.read(_LARGEST_SIDECAR + 1)
    if len(content) > _LARGEST_SIDECAR:
        raise MediaTooLarge("metadata-too-large", path=sidecar, size=len(content), limit=_LARGEST_SIDECAR, offset=0)
    return content


def _verdict(reading: ManifestReading) -> Manifest:
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
    return tuple({(each.kind, each.text, each.box): each for each in stated}.values())


def measured(path: Path, stated: tuple[Notice, ...], orientation: int) -> tuple[NoticeReading, ...]:
    """Look for stated notices in a picture; `orientation` is its EXIF orientation. See `notices.measure` for errors."""
    if not stated:
        return ()
    from provenance import notices

    return notices.measure(path, stated, orientation=orientation)


def _displayed_size(container: Container, orientation: int) -> dict[str, int | None]:
    # Exif 3.0, 4.6.5.1.6: orientations 5 to 8 show rows as columns.
    turned = orientation >= _FIRST_TURNED
    width, height = (container.height, container.width) if turned else (container.width, container.height)
    return {"width": width, "height": height}


def _camera_evidence(camera: exif.Exif | None) -> Iterator[Evidence]:
    if camera is None:
        return
    if camera.captured_at:
        yield _evidence("capture", "exif", "ExifIFD:DateTimeOriginal", time=camera.captured_at)
    if camera.coordinates:
        yield _evidence("capture", "exif", "GPS", place={"coordinates": _degrees(camera.coordinates)})


def _standard_evidence(fields: iptc.StandardFields, carrier: Carrier) -> Iterator[Evidence]:
    location = _IIM_LOCATIONS if carrier == "iptc" else _XMP_LOCATIONS
    if fields.captured_at:
        yield _evidence("capture", carrier, location["time"], time=fields.captured_at)
    if fields.place:
        parts = {part: text for part, text in dataclasses.asdict(fields.place).items() if text}
        yield _evidence("capture", carrier, location["place"], place=parts)
    if fields.coordinates:
        yield _evidence("capture", carrier, "exif:GPSLatitude", place={"coordinates": _degrees(fields.coordinates)})
    if fields.source:
        yield _evidence("source", carrier, location["source"], publisher=fields.source)
    if fields.credit:
        yield _evidence("source", carrier, location["credit"], publisher=fields.credit)
    for creator in fields.creators:
        yield _evidence("source", carrier, location["creator"], author=creator)
    if fields.ai_system:
        yield _evidence("ai-generated", carrier, "Iptc4xmpExt:AISystemUsed", tool=fields.ai_system)
    for owner in fields.copyright_owners:
        yield _evidence("source", carrier, location["owner"], copyright_owner=owner)


def _recorded_evidence(record: Record | None, carrier: Carrier, location: str) -> Iterator[Evidence]:
    for label in record.labels if record else ():
        yield Evidence(
            kind=label["kind"], carrier=carrier, location=location, value=records.fields_of_label(label), on=label["on"]
        )


def _element_evidence(slot: str, reading: aigc.Reading) -> Iterator[Evidence]:
    if reading.element is not None:
        yield _evidence("ai-generated", "aigc", slot, **aigc.to_label_value(reading.element))


def _source_type_evidence(uri: str | None, carrier: Carrier, location: str) -> Iterator[Evidence]:
    says = AI_SOURCE_TYPES.get((uri or "").rpartition("/")[2])
    if says is not None:
        yield _evidence("ai-generated", carrier, location, **says)


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


def _evidence(kind: str, carrier: Carrier, location: str, **value: Any) -> Evidence:
    return Evidence(kind=kind, carrier=carrier, location=location, value=value)


def _positions(found: _Carriers) -> Iterator[tuple[float, float] | None]:
    """Yield every position of the capture that a carrier states."""
    yield found.fields.coordinates
    yield found.camera.coordinates if found.camera else None
    for record in (found.record, found.signed_record):
        for label in record.labels if record else ():
            # Anybody may have written the record.
            place = label.get("place") if label["kind"] == "capture" else None
            stated = place.get("coordinates") if isinstance(place, dict) else None
            latitude, longitude = (stated.get(axis) if isinstance(stated, dict) else None for axis in _AXES)
            if isinstance(latitude, int | float) and isinstance(longitude, int | float):
                yield latitude, longitude


def _exact(coordinates: tuple[float, float] | None) -> bool:
    """Say whether a position is finer than `location_privacy: coarsen` leaves it."""
    if coordinates is None:
        return False
    return any(abs(one - other) > _ROUNDING for one, other in zip(coordinates, coarse(coordinates), strict=True))


def _degrees(coordinates: tuple[float, float]) -> dict[str, Any]:
    return {"latitude": coordinates[0], "longitude": coordinates[1], "datum": "wgs84"}


def _first(items: Sequence[str]) -> str | None:
    return items[0] if items else None


def _file_error(error: ProvenanceError, path: Path) -> FileError:
    error.details.setdefault("path", path)
    offset = error.details.get("offset")
    return FileError(
        code=error.code,
        message=error.diagnostics(),
        offset=offset if isinstance(offset, int) else None,
        details={key: value if isinstance(value, int | float) else str(value) for key, value in error.details.items()},
    )
