"""What each parsed carrier states, in the fields of the contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Final

from provenance.formats.base import Field
from provenance.metadata import aigc, exif, iptc, position
from provenance.model import record as records
from provenance.model.observation import Carrier, Evidence
from provenance.model.record import Record

# IPTC digital source types that say a trained model made the picture, or a part of it.
AI_SOURCE_TYPES: Final = {
    "trainedAlgorithmicMedia": {"grade": "confirmed"},
    "compositeWithTrainedAlgorithmicMedia": {"grade": "confirmed", "extent": "part"},
    "compositeSynthetic": {"grade": "confirmed", "extent": "part"},
}
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
_SOURCE_FIELDS: Final = frozenset({"publisher", "author", "copyright_owner"})
_AXES: Final = ("latitude", "longitude")
_ROUNDING: Final = 1e-6  # degrees


def in_camera(camera: exif.Exif | None) -> Iterator[Evidence]:
    """Yield what EXIF states of the capture."""
    if camera is None:
        return
    if camera.captured_at:
        yield _evidence("capture", "exif", "ExifIFD:DateTimeOriginal", time=camera.captured_at)
    if camera.coordinates:
        yield _evidence("capture", "exif", "GPS", place={"coordinates": _degrees(camera.coordinates)})


def in_standard_fields(fields: iptc.StandardFields, carrier: Carrier) -> Iterator[Evidence]:
    """Yield what the IPTC fields of XMP or of IIM state."""
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


def in_container(fields: Iterable[Field]) -> Iterator[Evidence]:
    """Yield what a container's own fields state of capture and source."""
    for each in fields:
        if each.name in _SOURCE_FIELDS:
            yield _evidence("source", "container", each.location, **{each.name: each.value})
        elif each.name == "captured_at":
            yield _evidence("capture", "container", each.location, time=each.value)
        elif each.name == "place":
            yield _evidence("capture", "container", each.location, place={"name": each.value})
        elif each.name == "position" and (degrees := position.from_iso6709(each.value)):
            yield _evidence("capture", "container", each.location, place={"coordinates": _degrees(degrees)})


def in_record(record: Record | None, carrier: Carrier, location: str) -> Iterator[Evidence]:
    """Yield every label of our own record."""
    for label in record.labels if record else ():
        yield Evidence(
            kind=label["kind"], carrier=carrier, location=location, value=records.fields_of_label(label), on=label["on"]
        )


def in_element(slot: str, reading: aigc.Reading) -> Iterator[Evidence]:
    """Yield what an AIGC element states."""
    if reading.element is not None:
        yield _evidence("ai-generated", "aigc", slot, **aigc.to_label_value(reading.element))


def in_source_type(uri: str | None, carrier: Carrier, location: str) -> Iterator[Evidence]:
    """Yield what an IPTC digital source type says of generation."""
    says = AI_SOURCE_TYPES.get((uri or "").rpartition("/")[2])
    if says is not None:
        yield _evidence("ai-generated", carrier, location, **says)


def recorded_positions(records_found: Iterable[Record | None]) -> Iterator[tuple[float, float]]:
    """Yield every position of a capture in our own records, which anybody may have written."""
    for record in records_found:
        for label in record.labels if record else ():
            place = label.get("place") if label["kind"] == "capture" else None
            stated = place.get("coordinates") if isinstance(place, dict) else None
            latitude, longitude = (stated.get(axis) if isinstance(stated, dict) else None for axis in _AXES)
            if isinstance(latitude, int | float) and isinstance(longitude, int | float):
                yield latitude, longitude


def is_exact(coordinates: tuple[float, float] | None) -> bool:
    """Say whether a position is finer than `location_privacy: coarsen` leaves it."""
    if coordinates is None:
        return False
    rounded = position.coarse(coordinates)
    return any(abs(one - other) > _ROUNDING for one, other in zip(coordinates, rounded, strict=True))


def _evidence(kind: str, carrier: Carrier, location: str, **value: Any) -> Evidence:
    return Evidence(kind=kind, carrier=carrier, location=location, value=value)


def _degrees(coordinates: tuple[float, float]) -> dict[str, Any]:
    return {"latitude": coordinates[0], "longitude": coordinates[1], "datum": "wgs84"}
