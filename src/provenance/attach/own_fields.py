"""What has to change in a container's own fields: the AIGC element, time, position, names and our record."""

from __future__ import annotations

from typing import Final

from provenance.attach.privacy import LocationPrivacy
from provenance.formats.base import FieldName, Fields
from provenance.metadata.position import coarse, to_iso6709
from provenance.model import geo
from provenance.model.labels import Capture, Source
from provenance.observe import Look

_SOURCE_FIELDS: Final[tuple[FieldName, ...]] = ("publisher", "author", "copyright_owner")


def holds(found: Look, name: FieldName) -> bool:
    """Say whether a file's container has a field of its own for it."""
    return name in found.handler.places.fields


def stated(capture: Capture | None, source: Source | None) -> dict[FieldName, str]:
    """Return what an asset's own labels state, field by field."""
    values: dict[FieldName, str | None] = {}
    if capture is not None:
        at = capture.place.coordinates if capture.place else None
        values["captured_at"] = capture.time
        values["place"] = capture.place.name if capture.place else None
        values["position"] = to_iso6709(geo.to_wgs84(at.latitude, at.longitude, at.datum)) if at else None
    if source is not None:
        values |= {name: getattr(source, name) for name in _SOURCE_FIELDS}
    return {name: value for name, value in values.items() if value}


def missing(found: Look, values: dict[FieldName, str]) -> dict[FieldName, str | None]:
    """Return of `values` what the container has a field for and the file does not state."""
    return {name: value for name, value in values.items() if holds(found, name) and found.container.field(name) is None}


def private(found: Look, privacy: LocationPrivacy) -> dict[FieldName, str | None]:
    """Return what a stated position becomes."""
    if privacy == "keep" or found.container.field("position") is None:
        return {}
    at = found.container.position
    return {"position": to_iso6709(coarse(at)) if at and privacy == "coarsen" else None}


def changes(found: Look, fields: Fields) -> Fields:
    """Return of `fields` those that say something else than the file does."""
    says = {name: [each.value for each in found.container.fields if each.name == name] for name in fields}
    return {name: value for name, value in fields.items() if says[name] != ([] if value is None else [value])}
