"""What has to change in a file so that it carries its labels: what is wanted compared with what is there.

Equal is not written again, missing is written, different is a conflict (contract, "A file that already says
something").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from provenance.attach import own_fields
from provenance.attach.options import DEFAULT, DrawOptions
from provenance.attach.privacy import FURTHER_POSITION, LocationPrivacy, private_label, private_value
from provenance.errors import ConflictingLabels, InvalidPost, MetadataNotWritten
from provenance.formats.base import Fields
from provenance.metadata import aigc, exif, iptc, position, xmp
from provenance.model import geo
from provenance.model import record as records
from provenance.model.labels import REPEATABLE, AIGenerated, Capture, Place, Source
from provenance.model.notice import Notice
from provenance.model.observation import Evidence, contradictions
from provenance.model.post import PlacedLabel
from provenance.model.record import Record
from provenance.observe import Look

OnConflict = Literal["refuse", "keep"]
_L = TypeVar("_L", AIGenerated, Capture, Source)


_PROPAGATION: Final = frozenset({"propagator", "propagate_id"})
_HEARD: Final = frozenset({"rhythm", "voice"})
_BROKEN: Final = frozenset({"invalid", "unreadable"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `attach` was asked to put on one file.

    `notices` are ``(kind, text)`` pairs to draw; `source_type` is an IPTC URI; the ids are those of the record. Labels
    come with the coordinates that `location_privacy` allows. `drawing` says how notices are put in.
    """

    labels: tuple[PlacedLabel, ...]
    notices: tuple[tuple[str, str], ...] = ()
    source_type: str | None = None
    location_privacy: LocationPrivacy = "keep"
    post_id: str | None = None
    asset_id: str | None = None
    drawing: DrawOptions = DEFAULT

    def own(self, kind: type[Any]) -> Iterator[PlacedLabel]:
        """Yield the asset's own labels of a type: only they are written into standard fields."""
        return (each for each in self.labels if each.on == "asset" and isinstance(each.label, kind))

    def first(self, kind: type[_L]) -> _L | None:
        """Return the first of the asset's own labels of a type."""
        label = next(self.own(kind), None)
        return label.label if label is not None and isinstance(label.label, kind) else None


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes; where all of them are empty and no notice is drawn, the metadata stay as they are.

    `fields` are those of the container's own, without the record, which grows with what is drawn; `draw` are the
    ``(kind, text)`` of notices that are not in the picture yet.
    """

    properties: Mapping[xmp.Name, xmp.XmpValue]
    removed: frozenset[xmp.Name]
    erase_position: bool
    captured_at: str | None
    coordinates: tuple[float, float] | None
    fields: Fields
    record: Record
    draw: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, dict[str, object]], ...]


def plan(found: Look, wanted: Wanted, *, on_conflict: OnConflict) -> Plan:
    """Compare what is wanted with what one file says.

    Raises:
        ConflictingLabels: the file says something else and `on_conflict` is ``refuse``, or it has two AIGC elements.
        InvalidPost: a value cannot stand in an AIGC element; ``details["pointer"]`` says which.
    """
    if found.observation.aigc.count > 1:
        raise ConflictingLabels("aigc-repeated-in-file", count=found.observation.aigc.count)
    if on_conflict == "refuse":
        _refuse_conflicts(found, wanted)
    warnings = [(each.code, dict(each.details)) for each in found.observation.remarks]
    fields = _missing_fields(found, wanted)
    if found.observation.manifest.state in _BROKEN:
        warnings.append(("input-manifest-broken", {"state": found.observation.manifest.state}))
    instead = _coarse_position(found, wanted)
    private = wanted.location_privacy != "keep"
    if private and (found.exif_damaged or FURTHER_POSITION in found.container.warnings):
        raise MetadataNotWritten("position-not-erased", where="EXIF" if found.exif_damaged else "moov/trak")
    cleaned, removed = position.without(found.properties, instead) if private else ({}, set())
    properties = cleaned | iptc.to_xmp(fields, {**found.properties, **_occurring(cleaned)})
    element = _new_element(found, wanted, warnings)
    own = own_fields.missing(found, own_fields.stated(wanted.first(Capture), wanted.first(Source)))
    own |= own_fields.private(found, wanted.location_privacy)
    if element is not None and own_fields.holds(found, "aigc"):
        own["aigc"] = element
    elif element is not None:
        properties[iptc.AIGC] = element
    captured_at, coordinates = _camera_values(found, wanted)
    standing = found.record or found.signed_record or Record()
    # One that may be there in a font that is not at hand is neither drawn over nor struck off the record.
    present = {(each.kind, each.text) for each in found.observation.notices if each.found or each.font_in_doubt}
    # A sound says it in a form of its own.
    heard = {each.kind for each in found.observation.notices if each.found and each.form in _HEARD}
    warnings += [
        ("label-beside-another", {"pointer": placed.pointer, "kind": placed.kind})
        for placed in wanted.labels
        if records.stands_beside_another(standing.labels, placed)
    ]
    return Plan(
        properties=properties,
        removed=frozenset(removed),
        erase_position=private,
        captured_at=captured_at,
        coordinates=(instead if found.camera and found.camera.coordinates else None) or coordinates,
        fields=own,
        record=_record(standing, wanted, present),
        draw=tuple(each for each in _due(found, wanted) if each not in present and each[0] not in heard),
        warnings=tuple(warnings),
    )


def _due(found: Look, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Yield the notices that belong into a medium: a text shows its own labels' only, not those of the post around."""
    own = {placed.kind for placed in wanted.labels if placed.on == "asset"}
    return (each for each in wanted.notices if found.container.media != "document" or each[0] in own)


def _record(standing: Record, wanted: Wanted, present: Collection[tuple[str, str]]) -> Record:
    """Return the record that stands in the file with what is wanted, and of its notices those that are there."""
    labels = [private_label(each, wanted.location_privacy) for each in standing.labels]
    return Record(
        post=wanted.post_id,
        asset=wanted.asset_id,
        labels=records.merged(labels, wanted.labels),
        notices=tuple(each for each in standing.notices if (each.kind, each.text) in present),
    )


def _coarse_position(found: Look, wanted: Wanted) -> tuple[float, float] | None:
    """Return what stands instead of an exact position that the file has."""
    exact = (found.camera.coordinates if found.camera else None) or found.fields.coordinates
    return position.coarse(exact) if exact and wanted.location_privacy == "coarsen" else None


def _occurring(properties: Mapping[xmp.Name, xmp.XmpValue]) -> dict[xmp.Name, tuple[xmp.Occurrence, ...]]:
    return {name: (xmp.Occurrence(name, value, "element", 0, 0),) for name, value in properties.items()}


def with_notices(plan: Plan, drawn: Sequence[Notice]) -> Record:
    """Return the plan's record with the notices that have been drawn."""
    return dataclasses.replace(plan.record, notices=(*plan.record.notices, *drawn))


def _refuse_conflicts(found: Look, wanted: Wanted) -> None:
    for placed in wanted.labels:
        said = [
            each.model_copy(update={"value": private_value(each.kind, each.value, wanted.location_privacy)})
            for each in found.observation.evidence
            if _about_the_same(placed, each, wanted)
        ]
        if conflict := next(contradictions(placed.value(), said), None):
            raise _conflict(placed, *conflict)
    stated = found.fields.digital_source_type
    if wanted.source_type and stated and stated != wanted.source_type:
        pointer = next((each.pointer for each in wanted.own(AIGenerated)), "")
        raise ConflictingLabels(
            "file-says-otherwise",
            pointer=pointer,
            field="digital_source_type",
            value=wanted.source_type,
            other=stated,
            carrier="xmp",
            location="Iptc4xmpExt:DigitalSourceType",
        )


def _about_the_same(placed: PlacedLabel, said: Evidence, wanted: Wanted) -> bool:
    """Say whether a file's statement and a label speak of one thing, so that a difference is a conflict."""
    if said.kind != placed.kind:
        return False
    if said.on is not None:
        # Several sources may stand side by side in a record; two forms of fiction may not.
        return placed.kind not in REPEATABLE and (said.on == placed.on or placed.kind != "ai-generated")
    if placed.kind == "source":
        return placed is next(wanted.own(Source), None)
    return placed.on == "asset"


def _conflict(placed: PlacedLabel, said: Evidence, field: str, value: object, theirs: object) -> ConflictingLabels:
    return ConflictingLabels(
        "file-says-otherwise",
        pointer=f"{placed.pointer}/{field.replace('.', '/')}",
        field=field,
        value=value,
        other=theirs,
        carrier=said.carrier,
        location=said.location,
    )


def _missing_fields(found: Look, wanted: Wanted) -> iptc.StandardFields:
    """Return the standard fields to write: what is wanted and not there."""
    has = found.fields
    capture, source, generated = wanted.first(Capture), wanted.first(Source), wanted.first(AIGenerated)
    values: dict[str, Any] = {}
    if capture is not None:
        values["captured_at"] = None if has.captured_at else capture.time
        values["place"] = _missing_place(has.place, capture.place)
        elsewhere = _writes_exif(found) or own_fields.holds(found, "position")
        values["coordinates"] = None if elsewhere else _missing_position(found, capture)
    if source is not None:
        values["source"] = None if has.source else source.publisher
        values["credit"] = None if has.credit else source.publisher
        values["creators"] = () if has.creators or not source.author else (source.author,)
        missing_owner = source.copyright_owner and not has.copyright_owners
        values["copyright_owners"] = (source.copyright_owner,) if missing_owner else ()
    if wanted.source_type and not has.digital_source_type:
        values["digital_source_type"] = wanted.source_type
    if generated is not None and not has.ai_system:
        values["ai_system"] = generated.tool
    return iptc.StandardFields(**values)


def _missing_place(has: iptc.Location | None, place: Place | None) -> iptc.Location | None:
    if place is None:
        return None
    parts = {part: getattr(place, part) for part in _PLACE_PARTS}
    missing = {part: text for part, text in parts.items() if text and not (has and getattr(has, part))}
    return iptc.Location(**missing) if missing else None


_PLACE_PARTS: Final = tuple(field.name for field in dataclasses.fields(iptc.Location))


def _camera_values(found: Look, wanted: Wanted) -> tuple[str | None, tuple[float, float] | None]:
    """Return the EXIF time and position to write; what the camera wrote is never replaced."""
    capture = wanted.first(Capture)
    if not _writes_exif(found) or capture is None:
        return None, None
    time = capture.time
    if (found.camera and found.camera.captured_at) or (time and not exif.can_hold(time)):
        time = None
    return time, _missing_position(found, capture)


def _missing_position(found: Look, capture: Capture) -> tuple[float, float] | None:
    """Return the stated position in WGS-84, unless the file has one."""
    stated = capture.place.coordinates if capture.place else None
    known = found.fields.coordinates or (found.camera and found.camera.coordinates)
    if stated is None or known:
        return None
    return geo.to_wgs84(stated.latitude, stated.longitude, stated.datum)


def _writes_exif(found: Look) -> bool:
    """Say whether fields go to EXIF; where it is damaged or the container has none, XMP holds them alone."""
    return found.handler.embeds and found.handler.holds_exif and not found.exif_damaged


def _new_element(found: Look, wanted: Wanted, warnings: list[tuple[str, dict[str, object]]]) -> str | None:
    """Return the AIGC element to write: the first one, or the one there with its propagation fields changed."""
    placed = next(wanted.own(AIGenerated), None)
    if placed is None or not isinstance(placed.label, AIGenerated):
        return None
    label = placed.label
    reading = found.elements[0] if found.elements else None
    existing = reading.element if reading else None
    departs = reading is not None and not reading.conformant
    if reading is not None and (existing is None or label.propagator is None):
        if departs:
            warnings.append(("aigc-not-completed", {"pointer": placed.pointer}))
        return None
    if not (label.producer and label.produce_id) and existing is None:
        warnings.append(("aigc-not-written", {"pointer": placed.pointer}))
        return None
    element = aigc.from_label(
        label.grade,
        label.producer or "",
        label.produce_id or "",
        propagator=label.propagator,
        propagate_id=label.propagate_id,
        existing=existing,
    )
    if element == existing:
        return None
    slot = found.observation.aigc.elements[0].slot if existing is not None else None
    if slot is not None and slot not in (found.handler.places.aigc or ("xmp",))[:1]:
        raise ConflictingLabels("aigc-slot-not-written", slot=slot, native=(found.handler.places.aigc or ("xmp",))[0])
    if departs:
        warnings.append(("aigc-rewritten", {"pointer": placed.pointer}))
    warnings += [(each.code, dict(each.details)) for each in aigc.check(element) if each.severity == "warning"]
    return _encoded(element, existing, placed.pointer)


def _encoded(element: aigc.Element, existing: aigc.Element | None, pointer: str) -> str:
    try:
        return aigc.encode(element)
    except InvalidPost as error:
        field, key = (str(error.details.get(each, "")) for each in ("field", "key"))
        if existing is not None and field not in _PROPAGATION:
            value = existing.as_json().get(key)
            raise ConflictingLabels("aigc-in-file-not-standard", key=key, value=value) from error
        error.details["pointer"] = f"{pointer}/{field}"
        raise
