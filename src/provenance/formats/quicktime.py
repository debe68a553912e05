"""What ``udta`` and ``meta`` boxes of films state, and how to state it once.

Names and texts stand in a list with keys (QuickTime File Format, "Metadata Atoms and Types"), in a list without keys as
iTunes writes it, or in user data boxes of their own (QuickTime File Format, "User Data Atoms"; 3GPP TS 26.244). All
works on what such a box holds, in memory; every box that need not change keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import bmff
from provenance.formats.base import Field, FieldName
from provenance.formats.bmff import Atom, atoms
from provenance.formats.quicktime_values import (
    data_text,
    json_text,
    loci_position,
    position_of,
    text_data,
    time_of,
    user_text,
)
from provenance.metadata.aigc import Slot

Form = Literal["key", "item", "box"]

USER_DATA: Final = "moov.udta"
NATIVE: Final[Mapping[FieldName, str]] = {
    "aigc": "AIGC",
    "captured_at": "com.apple.quicktime.creationdate",
    "place": "com.apple.quicktime.location.name",
    "position": "com.apple.quicktime.location.ISO6709",
}
"""The key under which each field is written."""

_HANDLER_OF_KEYS: Final = b"mdta"
_FREEFORM: Final = b"----"
_ACCURACY: Final = "com.apple.quicktime.location.accuracy.horizontal"
# What states something of ours, by form and name without regard to case.
_NAMES: Final[Mapping[Form, Mapping[str, FieldName]]] = {
    "key": {
        **{key.casefold(): name for name, key in NATIVE.items()},
        _ACCURACY: "position",
        "location.iso6709": "position",
    },
    "item": {"aigc": "aigc", "----:aigc": "aigc", "©xyz": "position"},
    "box": {"aigc": "aigc", "©xyz": "position", "loci": "position", "©day": "captured_at"},
}
_DATED: Final = frozenset({USER_DATA})  # of a track, the day would say nothing of the film


class Key(NamedTuple):
    """An entry of a list of keys."""

    namespace: bytes
    name: bytes


class Statement(NamedTuple):
    """One statement of a field; its value is None where this cannot read it.

    One that is `native` stands where it is written; one that is `beside` only adds to another.
    """

    name: FieldName
    value: str | None
    location: str
    slot: Slot | None
    native: bool = False
    beside: bool = False

    @property
    def field(self) -> Field | None:
        """Return it as a handler states it."""
        return Field(self.name, self.value, self.location, self.slot) if self.value is not None else None


class Change(NamedTuple):
    """Of `names`, take out every statement; then state `texts`, each under its native key, and put in an `xmp` packet.

    Where `keys` are given, a list with keys has them afterwards: its own and more. An `xmp` of None leaves the packet.
    """

    names: AbstractSet[FieldName]
    texts: Mapping[FieldName, str]
    keys: Sequence[Key] | None = None
    xmp: bytes | None = None


@dataclass(slots=True)
class _List:
    """What a ``meta`` box holds: its boxes, and the names and items of its list; without keys, `names` is None."""

    head: bytes
    parts: list[Atom]
    rest: bytes
    names: list[Key] | None
    items: list[Atom]
    items_rest: bytes
    is_keyed: bool

    def name_of(self, item: Atom) -> tuple[Form, str]:
        """Return how an item is named."""
        if self.names is None:
            return "item", _item_name(item)
        index = int.from_bytes(item.kind, "big")
        known = 0 < index <= len(self.names)
        return "key", self.names[index - 1].name.decode("utf-8", "replace") if known else ""


def user_statements(payload: bytes, path: str) -> Iterator[Statement]:
    """Yield what a ``udta`` box states.

    Raises:
        MalformedMedia: ``quicktime-keys-damaged``.
    """
    for box in atoms(payload)[0]:
        if box.kind == b"meta":
            yield from list_statements(box.payload, f"{path}.meta")
        elif (name := _field_of("box", _shown(box.kind), path)) is not None:
            yield box_statement(name, box, path)


def box_statement(name: FieldName, box: Atom, path: str) -> Statement:
    """Return what a box of its own states."""
    location = f"{path}:{_shown(box.kind)}" if path else _shown(box.kind)
    if name == "aigc":
        return Statement(name, json_text(box.payload), location, "quicktime-box")
    if box.kind == b"loci":
        return Statement(name, loci_position(box.payload), location, None)
    return Statement(name, _value_of(name, user_text(box.payload)), location, None)


def list_statements(payload: bytes, path: str) -> Iterator[Statement]:
    """Yield what a ``meta`` box states; see `user_statements` for the error."""
    found = _parsed(payload, path)
    for item in found.items:
        form, key = found.name_of(item)
        name = _field_in(found, item, path)
        if name is None:
            continue
        slot = _slot(form, path) if name == "aigc" else None
        native = found.is_keyed and key == NATIVE[name] and path in _homes(name)
        for text in _texts_of(item):
            value = _value_of(name, text)
            yield Statement(name, value, f"{path}:{key}", slot, native, key.casefold() == _ACCURACY)


def packets(payload: bytes) -> list[bytes]:
    """Return the XMP packets in what a ``udta`` box holds (XMP Specification part 3, 2.1.1)."""
    return [box.payload for box in atoms(payload)[0] if box.kind == b"XMP_"]


def changed_user_data(payload: bytes, path: str, change: Change) -> bytes:
    """Return what a ``udta`` box holds after a change.

    Args:
        payload: What it holds now.
        path: Where it stands, such as ``moov.udta``.
        change: What to state there.

    Raises:
        MalformedMedia: ``quicktime-keys-damaged``.
        MetadataNotWritten: ``quicktime-keys-unknown``: items refer to keys that are not there.
    """
    parts, rest = atoms(payload)
    home = _home(parts, f"{path}.meta")
    out = []
    placed = change.xmp is None
    for number, box in enumerate(parts):
        if box.kind == b"XMP_" and not placed:
            out.append(box.raw if box.payload == change.xmp else bmff.pack(box.kind, change.xmp or b""))
            placed = True
        elif box.kind == b"meta":
            inner = change if number == home else Change(change.names, {})
            new = changed_list(box.payload, f"{path}.meta", inner)
            out.append(box.raw if new == box.payload else bmff.pack(box.kind, new))
        elif _field_of("box", _shown(box.kind), path) not in change.names:
            out.append(box.raw)
    if change.texts and home is None:
        # With version and flags in QuickTime files too: ExifTool and ffmpeg look for the list there in no other form.
        new = bytes(4) + bmff.pack(b"hdlr", bytes(8) + _HANDLER_OF_KEYS + bytes(13))
        new += bmff.pack(b"keys", bytes(8)) + bmff.pack(b"ilst", b"")
        out.append(bmff.pack(b"meta", changed_list(new, f"{path}.meta", change)))
    if not placed:
        out.append(bmff.pack(b"XMP_", change.xmp or b""))
    return b"".join(out) + rest


def changed_list(payload: bytes, path: str, change: Change) -> bytes:
    """Return what a ``meta`` box holds after a change; `texts` only where it has keys. See `changed_user_data`.

    A key that nothing states any more stays: the items count on their places, and a key alone says nothing.
    """
    found = _parsed(payload, path)
    texts = dict(change.texts)
    items = []
    for item in found.items:
        name = _field_in(found, item, path)
        if name is None or name not in change.names:
            items.append(item.raw)
        elif found.name_of(item)[1] == NATIVE[name] and name in texts:
            items.append(bmff.pack(item.kind, text_data(texts.pop(name))))
    old = found.names or []
    keys = old if change.keys is None else list(change.keys)
    if len(keys) > len(old) and any(int.from_bytes(item.kind, "big") > len(old) for item in found.items):
        raise MetadataNotWritten("quicktime-keys-unknown", where=path)
    for name, text in texts.items():
        number = keys.index(native_key(name)) + 1
        items.append(bmff.pack(number.to_bytes(4, "big"), text_data(text)))
    if items == [item.raw for item in found.items] and keys == old:
        return payload
    new = {b"ilst": b"".join(items) + found.items_rest}
    if keys != old:
        new[b"keys"] = bytes(4) + len(keys).to_bytes(4, "big") + b"".join(bmff.pack(*key) for key in keys)
    parts = [bmff.pack(box.kind, new.pop(box.kind)) if box.kind in new else box.raw for box in found.parts]
    return found.head + b"".join(parts) + found.rest


def native_key(name: FieldName) -> Key:
    """Return the key of a field."""
    return Key(_HANDLER_OF_KEYS, NATIVE[name].encode())


def keys_of(payload: bytes, path: str) -> list[Key] | None:
    """Return the keys of the list in a ``meta`` box, or of the first one in ``udta``; None where there is none.

    Raises:
        MalformedMedia: ``quicktime-keys-damaged``.
    """
    if path != USER_DATA:
        found = _parsed(payload, path)
        return found.names if found.is_keyed else None
    parts, _ = atoms(payload)
    home = _home(parts, f"{path}.meta")
    return None if home is None else keys_of(parts[home].payload, f"{path}.meta")


def _home(parts: Sequence[Atom], path: str) -> int | None:
    lists = (number for number, box in enumerate(parts) if box.kind == b"meta")
    return next((number for number in lists if keys_of(parts[number].payload, path) is not None), None)


def _homes(name: FieldName) -> tuple[str, ...]:
    """Return where a field is at home: the practice guide puts the element into user data, Apple the others into both.

    TC260-PG-20257A, 6.1.1.
    """
    return ("moov.udta.meta",) if name == "aigc" else ("moov.meta", "moov.udta.meta")


def _field_of(form: Form, name: str, path: str) -> FieldName | None:
    folded = name.casefold()
    found = _NAMES[form].get(folded)
    return None if form == "box" and found == "captured_at" and path not in _DATED else found


def _field_in(found: _List, item: Atom, path: str) -> FieldName | None:
    """Return what an item of a list states."""
    form, key = found.name_of(item)
    # ffmpeg writes `location` and `location-eng`; others may put the name of a place there.
    if form == "key" and key.casefold().partition("-")[0] == "location":
        return "position" if any(map(position_of, _texts_of(item))) else None
    return _field_of(form, key, path)


def _slot(form: Form, path: str) -> Slot:
    if form == "item":
        return "quicktime-list"
    return "quicktime-keys" if path in _homes("aigc") else "quicktime-meta"


def _value_of(name: FieldName, text: str) -> str | None:
    if name == "captured_at":
        return time_of(text)
    return position_of(text) if name == "position" else text


def _texts_of(item: Atom) -> Iterator[str]:
    for box in atoms(item.payload)[0]:
        if box.kind == b"data" and (text := data_text(box.payload)) is not None:
            yield text


def _item_name(item: Atom) -> str:
    """Return the four characters of an item, or the free name that it bears (as iTunes writes ``----``)."""
    if item.kind != _FREEFORM:
        return _shown(item.kind)
    named = (box.payload[4:] for box in atoms(item.payload)[0] if box.kind == b"name")
    return "----:" + next(named, b"").decode("utf-8", "replace")


def _shown(kind: bytes) -> str:
    return kind.decode("mac-roman")  # in which the first byte of such kinds is the copyright sign


def _parsed(payload: bytes, path: str) -> _List:
    start = 0 if payload[4:8] == b"hdlr" else 4
    parts, rest = atoms(payload[start:])
    by_kind = {box.kind: box for box in reversed(parts)}
    keys, items = by_kind.get(b"keys"), by_kind.get(b"ilst")
    handler = by_kind[b"hdlr"].payload[8:12] if b"hdlr" in by_kind else b""
    inner, inner_rest = atoms(items.payload) if items else ([], b"")
    names = _listed(keys.payload, path) if keys else None
    is_keyed = names is not None and items is not None and handler == _HANDLER_OF_KEYS
    return _List(payload[:start], parts, rest, names, inner, inner_rest, is_keyed)


def _listed(payload: bytes, path: str) -> list[Key]:
    count = int.from_bytes(payload[4:8], "big")
    found = atoms(payload[8:])[0][:count]
    if len(found) < count:
        raise MalformedMedia("quicktime-keys-damaged", where=path)
    return [Key(each.kind, each.payload) for each in found]
