"""`location_privacy`: no exact position leaves with the copy, wherever in the file it lies."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import bmff, registry
from provenance.formats.base import Container
from provenance.formats.splice import overwrite
from provenance.manifests import read as manifests
from provenance.metadata import exif, position
from provenance.model.geo import to_wgs84
from provenance.observe import Look

LocationPrivacy = Literal["keep", "coarsen", "remove"]

_BLOCK: Final = re.compile(rb"Exif\0\0(?=II\*\0|MM\0\*)")
_LONGEST_BLOCK: Final = 1 << 20
FURTHER_POSITION: Final = "video-track-position"
"""Warning of a container: its samples, where nothing is edited, state positions."""


def private_label(label: Mapping[str, Any], privacy: LocationPrivacy) -> dict[str, Any]:
    """Return a recorded or posted label without the exact coordinates of where the asset was captured."""
    return private_value(str(label.get("kind")), label, privacy)


def private_value(kind: str, value: Mapping[str, Any], privacy: LocationPrivacy) -> dict[str, Any]:
    """Return the fields of a label of some kind as `private_label` does."""
    place = value.get("place")
    if privacy == "keep" or kind != "capture" or not isinstance(place, Mapping):
        return dict(value)
    kept = {part: inner for part, inner in place.items() if part != "coordinates"}
    if privacy == "coarsen" and (rounded := _rounded(place.get("coordinates"))):
        kept["coordinates"] = rounded
    return {**value, "place": kept}


def erase_elsewhere(path: Path, container: Container, own: bytes | None) -> None:
    """Erase positions from a picture of ours: from further pages, and from every EXIF block but `own`.

    Raises:
        MetadataNotWritten: a position cannot be erased without breaking something: in samples of a video, for example.
    """
    if any(keyword.casefold().startswith("raw profile type") for keyword, _ in container.texts):
        raise MetadataNotWritten("position-not-erased", where="Raw profile")
    if further := registry.handler(container.format).positions_elsewhere:
        with path.open("r+b") as target:
            overwrite(target, further(target))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        for start, cleaned in _positions_elsewhere(view, own):
            if container.media != "image":
                raise MetadataNotWritten("position-not-erased", where="EXIF", offset=start)
            view[start : start + len(cleaned)] = cleaned


def left_elsewhere(path: Path, container: Container) -> bool:
    """Say whether a position stands on a further page, or in an EXIF block other than the first.

    Raises:
        MetadataNotWritten: one that cannot be erased does.
    """
    own = container.exif
    if further := registry.handler(container.format).positions_elsewhere:
        with path.open("rb") as source:
            if further(source):
                return True
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return any(True for _ in _positions_elsewhere(view, own))


def _positions_elsewhere(view: mmap.mmap, own: bytes | None) -> Iterator[tuple[int, bytes]]:
    """Yield offset and cleaned bytes of every EXIF block that holds a position."""
    for found in _BLOCK.finditer(view):
        start = found.end()
        block = view[start : start + _block_length(view, found.start())]
        if own and block.startswith(own):
            continue
        try:
            cleaned = exif.without_position(block)
        except MalformedMedia as error:
            raise MetadataNotWritten("position-not-erased", where="EXIF", offset=start) from error
        if cleaned != block:
            yield start, cleaned


def refuse_left(path: Path, container: Container, packet: bytes) -> None:
    """Raise when a position is named anywhere in a file outside `packet`, the XMP that has been cleaned already.

    Raises:
        MetadataNotWritten: such as one in a video behind the picture, or as a text in the XMP.
    """
    if text := position.value_stated(packet):
        raise MetadataNotWritten("position-not-erased", where="XMP", text=text)
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        start = view.find(packet) if packet else -1
        cleaned = range(start, start + len(packet)) if start >= 0 else range(0)
        for found in position.stated(view, tags=container.media != "document"):
            if found.start not in cleaned:
                where = found.name or container.format
                raise MetadataNotWritten("position-not-erased", where=where, text=found.text, offset=found.start)


def refuse_any(path: Path, container: Container, packet: bytes) -> None:
    """Raise as `refuse_left` does, and for any EXIF too, in a file that goes over as it is, its XMP beside it.

    Raises:
        MetadataNotWritten: it states a position.
    """
    if left_elsewhere(path, container):
        raise MetadataNotWritten("position-not-erased", where="EXIF")
    refuse_left(path, container, packet)


def refuse_signed(path: Path, container: Container, sidecar: bytes | None) -> None:
    """Raise when the manifest of a file, in it or its `sidecar`, states a position: as a parent it lives on unchanged.

    Raises:
        MetadataNotWritten: it does, or an earlier manifest in it.
    """
    store = sidecar
    if container.has_manifest:
        # A container may cut what it embeds into pieces, so that its bytes do not tell.
        store = manifests.store_in(path, mime=container.mime)
    for found in position.stated(store or b"", tags=False):
        raise MetadataNotWritten("position-not-erased", manifest=path.name, text=found.text)


def stands_in_movie(path: Path, found: Look) -> bool:
    """Say whether a movie states any position, exact or not; its media data are not read."""
    named = found.container.field("position") is not None or any(position.without(found.properties, None))
    if named or found.observation.exact_location or (found.camera and found.camera.coordinates):
        return True
    if FURTHER_POSITION in found.container.warnings:
        return True
    with path.open("rb") as file:
        return any(_states(bmff.content(file, box)) for box in bmff.boxes(file, padded=True) if box.kind != b"mdat")


def _states(data: bytes) -> bool:
    return any(True for _ in position.stated(data)) or _BLOCK.search(data) is not None


def _block_length(view: mmap.mmap, at: int) -> int:
    """Return how long an EXIF block is: its JPEG segment says so, elsewhere it is taken as far as one may reach."""
    if view[at - 4 : at - 2] == b"\xff\xe1":
        return int.from_bytes(view[at - 2 : at], "big") - 8
    return _LONGEST_BLOCK


def _rounded(coordinates: object) -> dict[str, Any] | None:
    try:
        stated = coordinates["latitude"], coordinates["longitude"], coordinates["datum"]  # type: ignore[index]
        latitude, longitude = position.coarse(to_wgs84(float(stated[0]), float(stated[1]), stated[2]))
    except (KeyError, TypeError, ValueError, OverflowError):
        # A record that anybody may have written: what cannot be made coarse is left out.
        return None
    return {"latitude": latitude, "longitude": longitude, "datum": "wgs84"}
