"""What our block of JSON-LD says of a page: a CreativeWork in the words of schema.org."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provenance.errors import MetadataNotWritten
from provenance.formats.base import FieldName, Fields

PATHS: Final[dict[FieldName, str]] = {
    "captured_at": "dateCreated",
    "place": "locationCreated.name",
    "position": "locationCreated.geo",
    "publisher": "publisher.name",
    "author": "author.name",
    "copyright_owner": "copyrightHolder.name",
}
"""Where each field stands in the block."""

_HEAD: Final = {"@context": "https://schema.org", "@type": "CreativeWork"}
_TYPES: Final = {
    "locationCreated": "Place",
    "publisher": "Organization",
    "author": "Person",
    "copyrightHolder": "Organization",
}
_SOURCE_TYPE: Final = "digitalSourceType"
_SOURCE_TYPES: Final = {
    "whole": "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
    "part": "https://schema.org/CompositeWithTrainedAlgorithmicMediaDigitalSource",
}
_POSITION = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)/")
_UNSAFE = re.compile("[<>&]")


def parse(text: str) -> dict[str, Any]:
    """Return a block as data; empty where it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def dump(data: Mapping[str, Any]) -> str:
    """Return a block as ASCII text that ends no element and starts no other, in HTML and in XML."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def stated(data: Mapping[str, Any]) -> Iterator[tuple[FieldName, str]]:
    """Yield the fields that a block states."""
    for name, path in PATHS.items():
        outer, _, inner = path.partition(".")
        value = data.get(outer)
        if inner:
            value = value.get(inner) if isinstance(value, dict) else None
        if name == "position" and isinstance(value, dict):
            value = _iso6709(value)
        if isinstance(value, str) and value:
            yield name, value


def updated(data: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Return a block with other fields; one that would say nothing is empty.

    Raises:
        MetadataNotWritten: ``position-not-iso-6709``.
    """
    new = dict(data)
    if "record" in fields:
        _set(new, _SOURCE_TYPE, _source_type(fields["record"]))
    for name, path in PATHS.items():
        if name not in fields:
            continue
        text = fields[name]
        value = _geo(text) if name == "position" and text is not None else text
        outer, _, inner = path.partition(".")
        if not inner:
            _set(new, outer, value)
            continue
        old = new.get(outer)
        part = dict(old) if isinstance(old, dict) else {"@type": _TYPES[outer]}
        _set(part, inner, value)
        _set(new, outer, part if part.keys() - {"@type"} else None)
    if all(key.startswith("@") for key in new):
        return {}
    return new if new == data else {**_HEAD, **new}


def _set(data: dict[str, Any], key: str, value: object) -> None:
    if value is None:
        data.pop(key, None)
    else:
        data[key] = value


def _source_type(record: str | None) -> str | None:
    """Return what our record says about the making of the whole page."""
    labels = parse(record or "").get("labels")
    for label in labels if isinstance(labels, list) else ():
        if isinstance(label, dict) and (label.get("kind"), label.get("grade")) == ("ai-generated", "confirmed"):
            return _SOURCE_TYPES.get(str(label.get("extent") or "whole")) if label.get("on") == "asset" else None
    return None


def _geo(text: str) -> dict[str, str]:
    found = _POSITION.fullmatch(text)
    if found is None:
        raise MetadataNotWritten("position-not-iso-6709", value=text)
    latitude, longitude = (part.removeprefix("+") for part in found.groups())
    return {"@type": "GeoCoordinates", "latitude": latitude, "longitude": longitude}


def _iso6709(geo: Mapping[str, Any]) -> str | None:
    parts = [str(geo.get(axis, "")) for axis in ("latitude", "longitude")]
    text = "".join(part if part.startswith("-") else f"+{part}" for part in parts) + "/"
    return text if _POSITION.fullmatch(text) else None
