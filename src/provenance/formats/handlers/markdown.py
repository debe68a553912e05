"""Markdown: the AIGC element and our record in YAML front matter (TC260-PG-20258A, 6.5); the text is never touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from provenance.errors import MetadataNotWritten
from provenance.formats import front_matter
from provenance.formats.base import (
    BLOCK,
    NO_FIELDS,
    Container,
    Field,
    FieldName,
    Fields,
    Handler,
    Places,
    check_carrier_size,
)
from provenance.formats.front_matter import BOM, Entry, FrontMatter
from provenance.formats.splice import Edit, splice
from provenance.formats.utf8 import check_utf8
from provenance.formats.yaml_values import double_quoted, mapping_entries, mapping_of, quoted, text_of
from provenance.metadata.aigc import Slot

_KEYS: Final[dict[FieldName, str]] = {"aigc": "AIGC", "record": "PVL_LABELS"}
_NAMES: Final[dict[str, FieldName]] = {key.casefold(): name for name, key in _KEYS.items()}
_SLOTS: Final[dict[str, Slot]] = {"aigc": "front-matter"}
# Front matter that other tools know, and that would be none any more behind ours.
_OTHER_KINDS = re.compile(rb'\+\+\+\s*\n|\{\s*(?:"|\Z)')


def sniff(head: bytes) -> bool:  # noqa: ARG001 -- nothing but its name tells Markdown from other text
    """Say no: nothing in it tells Markdown from other text."""
    return False


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a Markdown file says of itself; with `whole`, all of it is seen to be UTF-8.

    Raises:
        MalformedMedia: ``text-not-utf-8``, or see `front_matter.find`.
        MediaTooLarge: Its front matter exceeds a limit.
        OSError: Reading failed.
    """
    head = front_matter.find(file)
    if whole:
        check_utf8(file)
    return Container(
        format="markdown",
        media="document",
        mime="text/markdown",
        fields=tuple(_stated(head)) if head else (),
    )


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    fields: Fields = NO_FIELDS,
    known: bool = False,
) -> None:
    """Append a copy of `source` to `target` with other labels in its front matter; a file without one gets it.

    Raises:
        MetadataNotWritten: ``container-holds-no-metadata``: EXIF or XMP is given; ``front-matter-of-other-kind``: the
            file starts with TOML or JSON; ``front-matter-shared``: a value to be changed is used elsewhere.
        MalformedMedia: See `read`.
        OSError: Reading or writing failed.
    """
    if exif is not None or xmp is not None:
        raise MetadataNotWritten("container-holds-no-metadata")
    head = front_matter.find(source)
    if not known:
        check_utf8(source)
    splice(source, target, _edits(head, fields) if head else _new(source, fields))


def _stated(head: FrontMatter) -> Iterator[Field]:
    for entry in head.entries:
        name = _NAMES.get(entry.key.casefold())
        if name:
            yield Field(name, text_of(head.data, entry), f"front matter:{entry.key}", _SLOTS.get(name))


def _new(source: BinaryIO, fields: Fields) -> list[Edit]:
    lines = [line for name, text in fields.items() if text is not None for line in _lines(name, text)]
    if not lines:
        return []
    source.seek(0)
    first = source.readline(BLOCK)
    start = len(BOM) if first.startswith(BOM) else 0
    if _OTHER_KINDS.match(first, start):
        raise MetadataNotWritten("front-matter-of-other-kind", offset=start)
    eol = b"\r\n" if first.endswith(b"\r\n") else b"\n"
    return [Edit(start, start, _joined(["---", *lines, "---"], eol))]


def _edits(head: FrontMatter, fields: Fields) -> list[Edit]:
    edits: list[Edit] = []
    for name, text in fields.items():
        present = [entry for entry in head.entries if _NAMES.get(entry.key.casefold()) == name]
        if text is None:
            edits += [_removal(head, entry) for entry in present]
        elif not present:
            edits.append(Edit(head.end, head.end, _joined(_lines(name, text), head.eol)))
        else:
            edits += _changes(head, present[0], name, text)
            edits += [_removal(head, entry) for entry in present[1:]]
    return edits


def _changes(head: FrontMatter, entry: Entry, name: FieldName, text: str) -> list[Edit]:
    """Return the edits that give an entry a value; in a mapping that has the same keys, only values change."""
    data = head.data
    wanted = mapping_of(text) if name == "aigc" else None
    inner = mapping_entries(data, entry) if wanted else []
    in_lines = all(data.count(b"\n", each.value, each.end) <= 1 for each in inner)
    if wanted and in_lines and entry.key == _KEYS[name] and sorted(each.key for each in inner) == sorted(wanted):
        changed = [each for each in inner if not _says(data, each, wanted[each.key])]
        edits = [Edit(each.value, each.stop, double_quoted(wanted[each.key]).encode()) for each in changed]
    elif not wanted and entry.key == _KEYS[name] and _says(data, entry, text):
        edits = []
    else:
        edits = [Edit(entry.start, entry.end, _joined(_lines(name, text), head.eol))]
    if edits:
        _refuse_shared(data, entry)
    return edits


def _removal(head: FrontMatter, entry: Entry) -> Edit:
    _refuse_shared(head.data, entry)
    return Edit(entry.start, entry.end, b"")


def _says(data: bytes, entry: Entry, text: str) -> bool:
    return data[entry.value : entry.value + 1] in {b'"', b"'"} and text_of(data, entry) == text


def _refuse_shared(data: bytes, entry: Entry) -> None:
    """Refuse to change what an anchor lets other lines refer to."""
    for each in (entry, *mapping_entries(data, entry)):
        if b"&" in data[each.start : each.value]:
            raise MetadataNotWritten("front-matter-shared", offset=each.start)


def _lines(name: FieldName, text: str) -> list[str]:
    mapping = mapping_of(text) if name == "aigc" else None
    if mapping is None:
        return [f"{_KEYS[name]}: {quoted(text)}"]
    return [f"{_KEYS[name]}:", *(f"  {key}: {double_quoted(value)}" for key, value in mapping.items())]


def _joined(lines: list[str], eol: bytes) -> bytes:
    new = b"".join(line.encode() + eol for line in lines)
    check_carrier_size(len(new), 0)
    return new


HANDLER: Final = Handler(
    "markdown",
    "document",
    "text/markdown",
    (".md", ".markdown"),
    sniff,
    read,
    write,
    holds_exif=False,
    signs=False,
    places=Places(
        fields={name: f"front matter {key}" for name, key in _KEYS.items()},
        aigc=("front-matter",),
    ),
    write_fields=write,
    is_text=True,
    draws_notices=True,
)
