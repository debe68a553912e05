"""HTML: the AIGC element and our record in ``meta``, the rest in JSON-LD of our own; both in the head, in ASCII.

What is written are ASCII characters only, the others as references, so that it means the same in every encoding of the
page. All else in the page goes over byte-exact.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from provenance.errors import MetadataNotWritten
from provenance.formats import html_head, json_ld
from provenance.formats.base import (
    NO_FIELDS,
    Container,
    Field,
    FieldName,
    Fields,
    Handler,
    Places,
    check_carrier_size,
)
from provenance.formats.html_head import Head, Script, Tag
from provenance.formats.splice import Edit, splice
from provenance.metadata.aigc import Slot

_METAS: Final[dict[FieldName, str]] = {"aigc": "AIGC", "record": "PVL_LABELS"}
_NAMES: Final[dict[str, FieldName]] = {key.lower(): name for name, key in _METAS.items()}
_SLOTS: Final[dict[str, Slot]] = {"aigc": "html-meta"}
_SCRIPT_TYPE: Final = "application/ld+json"
_SCRIPT_ID: Final = "provenance-labels"
_CODECS: Final = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "shift_jis": "shift_jis",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
}
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!--.*?-->\s*+)*+<(?:!doctype\s++html|html)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_NOT_ASCII = re.compile(r"[^ -~]")
# Characters that HTML forbids, or that references to them do not mean; in JSON they have another spelling.
_NO_REFERENCE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef]|[\ufffe\uffff]")


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a page does: with its document type, or with ``html``."""
    return bool(_PAGE.match(head))


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a page says in its head; the body is never looked at, with `whole` or without.

    Raises:
        MalformedMedia: See `html_head.parse`.
        UnsupportedFormat: See `html_head.parse`.
        MediaTooLarge: Its head exceeds a limit.
        OSError: Reading failed.
    """
    del whole
    head = html_head.parse(file)
    return Container(
        format="html",
        media="document",
        mime="text/html",
        fields=tuple(_stated(head)),
    )


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    fields: Fields = NO_FIELDS,
    known: bool = False,  # noqa: ARG001 -- the body is never looked at
) -> None:
    """Append a copy of `source` to `target` with other labels in its head; new ones stand at its end.

    There they push no declaration of the encoding out of the first 1024 bytes, where browsers look for it.

    Raises:
        MetadataNotWritten: ``container-holds-no-metadata``: EXIF or XMP is given.
        MalformedMedia: See `read`.
        UnsupportedFormat: See `read`.
        OSError: Reading or writing failed.
    """
    if exif is not None or xmp is not None:
        raise MetadataNotWritten("container-holds-no-metadata")
    head = html_head.parse(source)
    edits = [*_meta_edits(head, fields), *_script_edits(head, fields)]
    check_carrier_size(sum(len(edit.new) for edit in edits), 0)
    splice(source, target, edits)


def _stated(head: Head) -> Iterator[Field]:
    for meta in head.metas:
        name = _NAMES.get(meta.keyword("name"))
        if name:
            yield Field(name, _content(head, meta), f"meta:{_METAS[name]}", _SLOTS.get(name))
    for script in _ours(head):
        for name, value in json_ld.stated(_data(head, script)):
            yield Field(name, value, f"JSON-LD:{json_ld.PATHS[name]}")


def _content(head: Head, meta: Tag) -> str:
    content = meta.attributes.get("content")
    return html.unescape(_decoded(head, content.value)) if content else ""


def _decoded(head: Head, text: bytes) -> str:
    codec = "utf-8" if head.data.startswith(html_head.BOM) else _CODECS.get(head.encoding, "utf-8")
    return text.decode(codec, "replace")


def _ours(head: Head) -> list[Script]:
    kinds = [(script, script.tag.keyword("type"), script.tag.keyword("id")) for script in head.scripts]
    return [script for script, kind, name in kinds if (kind, name) == (_SCRIPT_TYPE, _SCRIPT_ID)]


def _data(head: Head, script: Script) -> dict[str, object]:
    return json_ld.parse(_decoded(head, head.data[script.text : script.text_end]))


def _meta_edits(head: Head, fields: Fields) -> Iterator[Edit]:
    for name, key in _METAS.items():
        if name not in fields:
            continue
        text = fields[name]
        present = [meta for meta in head.metas if meta.keyword("name") == key.lower()]
        for meta in present if text is None else present[1:]:
            yield _removal(head, meta.start, meta.end)
        if text is None:
            continue
        new = f'<meta name="{key}" content={_quoted(text)} />'.encode()
        content = present[0].attributes.get("content") if present else None
        if not present:
            yield _insertion(head, new)
        elif content is None or content.start < 0:
            yield Edit(present[0].start, present[0].end, new)
        elif _content(head, present[0]) != text:
            yield Edit(content.start, content.end, _quoted(text).encode())


def _script_edits(head: Head, fields: Fields) -> Iterator[Edit]:
    if not fields.keys() & {"record", *json_ld.PATHS}:
        return
    present = _ours(head)
    merged: dict[str, object] = {}
    for script in present:
        merged = {**_data(head, script), **merged}
    new = json_ld.updated(merged, fields)
    for script in present[1:] if new else present:
        yield _removal(head, script.tag.start, script.end)
    if new and not present:
        tag = f'<script type="{_SCRIPT_TYPE}" id="{_SCRIPT_ID}">'
        yield _insertion(head, f"{tag}{json_ld.dump(new)}</script>".encode())
    elif new and new != _data(head, present[0]):
        yield Edit(present[0].text, present[0].text_end, json_ld.dump(new).encode())


def _quoted(text: str) -> str:
    spelt = _NO_REFERENCE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return '"' + _NOT_ASCII.sub(lambda found: f"&#{ord(found[0])};", html.escape(spelt)) + '"'


def _insertion(head: Head, new: bytes) -> Edit:
    return Edit(head.free, head.free, new + _eol(head))


def _removal(head: Head, start: int, end: int) -> Edit:
    """Return the edit that removes an element, with the end of the line if it follows."""
    eol = _eol(head)
    return Edit(start, end + len(eol) * head.data.startswith(eol, end), b"")


def _eol(head: Head) -> bytes:
    return b"\r\n" if b"\r\n" in head.data[: head.free] else b"\n"


HANDLER: Final = Handler(
    "html",
    "document",
    "text/html",
    (".html", ".htm", ".xhtml"),
    sniff,
    read,
    write,
    holds_exif=False,
    signs=False,
    places=Places(
        fields={
            **{name: f"meta {key}" for name, key in _METAS.items()},
            **{name: f"JSON-LD {path}" for name, path in json_ld.PATHS.items()},
        },
        aigc=("html-meta",),
    ),
    write_fields=write,
    is_text=True,
    draws_notices=True,
)
