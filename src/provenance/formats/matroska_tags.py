"""The tags of Matroska and WebM: which state something about the whole file, and how they change (RFC 9559, 5.1.8).

A ``SimpleTag`` speaks of the file when its ``Tag`` targets no track, edition, chapter or attachment and it lies in no
other ``SimpleTag``, whose attribute it would be. An AIGC element is one wherever it stands, and where a track, chapter
or attachment was taken is a position of the file too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from types import MappingProxyType
from typing import Final, get_args

from provenance.formats.base import Field, FieldName, Fields
from provenance.formats.ebml import Node
from provenance.metadata.position import from_iso6709
from provenance.model import times

TAGS: Final = 0x1254C367
_TAG, _TARGETS, _SIMPLE_TAG = 0x7373, 0x63C0, 0x67C8
_TARGET_LEVEL, _WHOLE_FILE = 0x68CA, 50  # TargetTypeValue, and what it is where it is absent
_UIDS: Final = {
    0x63C5: "TagTrackUID",
    0x63C9: "TagEditionUID",
    0x63C4: "TagChapterUID",
    0x63C6: "TagAttachmentUID",
}
_NAME, _STRING, _BINARY = 0x45A3, 0x4487, 0x4485

MASTERS: Final = frozenset({_TAG, _TARGETS, _SIMPLE_TAG})
"""What of a Tags element holds elements of its own."""
NATIVE: Final = MappingProxyType[FieldName, str](
    {
        "aigc": "AIGC",
        "record": "PVL_LABELS",
        "captured_at": "DATE_RECORDED",
        "place": "RECORDING_LOCATION",
        "position": "LOCATION",
        "publisher": "PUBLISHER",
        "author": "ARTIST",
        "copyright_owner": "COPYRIGHT",
    }
)
"""The name of the tag that states each field: of the registry where it has one, else what ffmpeg writes."""

# What ffmpeg makes of the keys of a MOV; its box of 3GPP gives a name with a language.
_VARIANTS: Final[dict[str, FieldName]] = {
    "COM.APPLE.QUICKTIME.CREATIONDATE": "captured_at",
    "COM.APPLE.QUICKTIME.LOCATION.ISO6709": "position",
}
_LOCATION_IN_LANGUAGE: Final = re.compile(r"LOCATION-[A-Z]{3}")
_FIELD_OF: Final[dict[str, FieldName]] = {name: field for field, name in NATIVE.items()} | _VARIANTS
# What a SimpleTag speaks of, by where it stands: of the file, of a part of it, of another SimpleTag.
_OF_FILE: Final[frozenset[FieldName]] = frozenset(get_args(FieldName))
_OF_PART: Final[frozenset[FieldName]] = frozenset({"aigc", "position"})
_OF_TAG: Final[frozenset[FieldName]] = frozenset({"aigc"})
# DATE_RECORDED is in UTC and has no place for an offset. What it cannot say stands in a tag within it.
_EXACT_TIME: Final = "_ISO8601"
_TIME: Final = re.compile(
    r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:[T ](\d\d)(?:(:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d\d:?\d\d)?)?)?", re.ASCII
)


def statements(tags: Iterable[Node]) -> Iterator[Field]:
    """Yield what Tags elements state, in their order."""
    for element in tags:
        for tag in _of_kind(element, _TAG):
            target = _target(tag)
            for simple in _of_kind(tag, _SIMPLE_TAG):
                yield from _stated(simple, f"Tags.Tag{target}", _OF_PART if target else _OF_FILE)


def edited(tags: Sequence[Node], fields: Fields) -> list[Node | None]:
    """Return Tags elements in which each of `fields` is stated once or, where None, nowhere.

    One that does not change is the same object, None stands for one of which nothing is left, and a last one is new if
    there was none to take what is stated. Only one of them grows.
    """
    stated: set[FieldName] = set()
    at = next((index for index, each in enumerate(tags) if any(map(_is_plain, each.children))), len(tags) - 1)
    found = [
        _with_tags(each, tuple(_rewritten(child, fields, stated, grows=index == at) for child in each.children))
        for index, each in enumerate(tags)
    ]
    new = tuple(_simple(name, value) for name, value in fields.items() if value is not None and name not in stated)
    if new and not found:
        return [Node(TAGS, 1, (Node(_TAG, 1, (Node(_TARGETS, 1, ()), *new)),))]
    if new:
        found[at] = _with_tags(found[at], tuple(_extended(found[at].children, new)))
    return [_pruned(old, now) for old, now in zip(tags, found, strict=True)]


def _stated(simple: Node, location: str, told: frozenset[FieldName]) -> Iterator[Field]:
    location += ".SimpleTag"
    name = _field(simple)
    if name == "aigc":
        yield Field(name, _text(simple) or "", f"{location}:AIGC", "matroska-tag")
    elif name and name in told and (value := _value(simple, name)):
        yield Field(name, value, f"{location}:{_name(simple)}")
    for nested in _of_kind(simple, _SIMPLE_TAG):
        yield from _stated(nested, location, _OF_TAG)


def _rewritten(tag: Node, fields: Fields, stated: set[FieldName], *, grows: bool) -> Node:
    """Return a Tag without what `fields` replace; what they state is put in the place of the old, where that grows."""
    if tag.kind != _TAG:
        return tag
    told = _OF_PART if _target(tag) else _OF_FILE
    return _with_tags(tag, tuple(_replaced(tag, fields, stated, told, grows=grows)))


def _replaced(
    parent: Node, fields: Fields, stated: set[FieldName], told: frozenset[FieldName], *, grows: bool = False
) -> Iterator[Node]:
    for child in parent.children:
        if child.kind != _SIMPLE_TAG:
            yield child
            continue
        name = _field(child)
        inner = _with_tags(child, tuple(_replaced(child, fields, stated, _OF_TAG)))
        of_file = told is _OF_FILE
        if name is None or name not in told or name not in fields or not _states(child, name, of_file=of_file):
            yield inner
            continue
        value = fields[name]
        if value is not None and name not in stated and of_file and _name(child) == NATIVE[name]:
            if _says(child, name, value):
                stated.add(name)
                yield inner
                continue
            if grows:
                stated.add(name)
                yield _simple(name, value)
        yield from _elements_in(inner)


def _elements_in(simple: Node) -> Iterator[Node]:
    """Yield the AIGC elements within a tag that goes, which are to stay."""
    for nested in _of_kind(simple, _SIMPLE_TAG):
        if _field(nested) == "aigc":
            yield nested
        else:
            yield from _elements_in(nested)


def _says(simple: Node, name: FieldName, value: str) -> bool:
    return simple.data(_STRING) is not None and _value(simple, name) == value


def _states(simple: Node, name: FieldName, *, of_file: bool) -> bool:
    """Say whether a tag is to go when its field changes: not a foreign one that says something else."""
    return (_name(simple).upper() == NATIVE[name] and (of_file or name == "aigc")) or _value(simple, name) is not None


def _with_tags(node: Node, children: tuple[Node, ...]) -> Node:
    same = len(children) == len(node.children) and all(map(_is, children, node.children))
    return node if same else node.holding(children)


def _is(one: object, other: object) -> bool:
    return one is other


def _extended(tags: Sequence[Node], new: tuple[Node, ...]) -> Iterator[Node]:
    """Yield Tags with more in the first one that speaks of the whole file, which is made if there is none."""
    plain = next((tag for tag in tags if _is_plain(tag)), None)
    for tag in tags:
        yield tag.holding((*tag.children, *new)) if tag is plain else tag
    if plain is None:
        yield Node(_TAG, 1, (Node(_TARGETS, 1, ()), *new))


def _pruned(old: Node, now: Node) -> Node | None:
    """Return a Tags element without the Tags that have lost all they held; None if no Tag is left."""
    if now is old:
        return now
    before = {id(child) for child in old.children}
    kept = [
        child
        for child in now.children
        if child.kind != _TAG or id(child) in before or any(_of_kind(child, _SIMPLE_TAG))
    ]
    if not any(child.kind == _TAG for child in kept):
        return None
    return now if len(kept) == len(now.children) else now.holding(tuple(kept))


def _is_plain(tag: Node) -> bool:
    """Say whether a Tag speaks of the whole file, and not of the collection it belongs to or of its parts."""
    if tag.kind != _TAG or _target(tag):
        return False
    levels = [targets.number(_TARGET_LEVEL) for targets in _of_kind(tag, _TARGETS)]
    return all(level in {None, _WHOLE_FILE} for level in levels)


def _target(tag: Node) -> str:
    """Return what a Tag speaks of, in brackets; nothing for the file. A UID of zero stands for all there are."""
    found = [
        f"{_UIDS[each.kind]} {int.from_bytes(each.body[:8], 'big')}"
        for targets in _of_kind(tag, _TARGETS)
        for each in targets.children
        if each.kind in _UIDS and isinstance(each.body, bytes) and any(each.body)
    ]
    return f"({', '.join(found[:3])[:80]})" if found else ""


def _of_kind(node: Node, kind: int) -> Iterator[Node]:
    return (child for child in node.children if child.kind == kind)


def _name(simple: Node) -> str:
    return simple.text(_NAME) or ""


def _field(simple: Node) -> FieldName | None:
    name = _name(simple).upper()
    return "position" if _LOCATION_IN_LANGUAGE.fullmatch(name) else _FIELD_OF.get(name)


def _text(simple: Node) -> str | None:
    text = simple.text(_STRING)
    return simple.text(_BINARY) if text is None else text


def _value(simple: Node, name: FieldName) -> str | None:
    """Return what a tag states, in the form of its field; None if it states nothing in that form."""
    text = _text(simple)
    if text is None or name not in {"captured_at", "position"}:
        return text
    if name == "position":
        return text if from_iso6709(text) else None
    return _time(simple, text)


def _time(simple: Node, text: str) -> str | None:
    """Return the time of a tag: the exact one in the tag within it, unless somebody has changed only the outer one."""
    is_native = _name(simple).upper() == NATIVE["captured_at"]
    for nested in _of_kind(simple, _SIMPLE_TAG):
        exact = _checked(_text(nested) or "") if _name(nested) == _EXACT_TIME else None
        if is_native and exact and _in_utc(exact) == text:
            return exact
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    date, hour, rest, zone = match.groups()
    if rest is None:
        return _checked(date)
    zone = ("Z" if is_native else "") if zone is None else zone.replace("UTC", "Z")
    if len(zone) > 1 and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    return _checked(f"{date}T{hour}{rest}{zone}")


def _checked(time: str) -> str | None:
    try:
        times.parts_of(time)
    except ValueError:
        return None
    return time


def _in_utc(time: str) -> str:
    """Return a time as the date tags give it: in UTC, to a millisecond at most, or the date where no zone is known."""
    parts = times.parts_of(time)
    if "offset" in parts:
        try:
            moment = times.start_of(parts).astimezone(UTC)
        except OverflowError:
            return time[:10]
        text = moment.isoformat(" ", "milliseconds")
        return text[:23] if "fraction" in parts else text[:19] if "second" in parts else text[:16]
    return time[:10]


def _simple(name: FieldName, value: str) -> Node:
    if name != "captured_at":
        return _named(NATIVE[name], value)
    plain = _named(NATIVE[name], _in_utc(value))
    if _value(plain, name) == value:
        return plain
    return plain._replace(body=(*plain.children, _named(_EXACT_TIME, value)))


def _named(name: str, value: str) -> Node:
    return Node(_SIMPLE_TAG, 1, (Node(_NAME, 1, name.encode()), Node(_STRING, 1, value.encode())))
