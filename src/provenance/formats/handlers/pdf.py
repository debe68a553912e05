"""PDF: the AIGC element in the information dictionary (TC260-PG-20258A, 6.3), XMP in the catalog's metadata stream.

Every change is an incremental update: the original bytes are the exact start of the labelled copy.
"""

from __future__ import annotations

import os
from typing import BinaryIO, Final

from provenance._files import copy_range
from provenance.errors import MetadataNotWritten
from provenance.formats import pdf
from provenance.formats.base import NO_FIELDS, Container, Field, Fields, Handler, Places
from provenance.formats.pdf import Document

_KEY: Final = "/AIGC"


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a PDF file does."""
    return head.startswith(b"%PDF-")


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a PDF file says of itself; its pages are never looked at, with `whole` or without.

    Raises:
        MissingExtra: ``extra-missing``.
        UnsupportedFormat: ``pdf-encrypted`` or ``pdf-xmp-filter``.
        MalformedMedia: ``pdf-damaged``: readers would have to repair it.
        MediaTooLarge: Its XMP packet exceeds a limit.
        OSError: Reading failed.
    """
    del whole
    with pdf.opened(file) as document:
        found = pdf.taken_apart(file, document)
    return Container(
        format="pdf",
        media="document",
        mime="application/pdf",
        xmp=found.xmp,
        xmp_count=int(found.xmp is not None),
        fields=tuple(Field("aigc", text, f"Info:{key}", "pdf-info") for key, text in found.aigc),
        has_manifest=found.has_manifest,
        warnings=("pdf-signed",) if found.is_signed else (),
    )


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    fields: Fields = NO_FIELDS,
    known: bool = False,  # noqa: ARG001 -- the pages are never looked at
) -> None:
    """Append a copy of `source` to `target`, with an incremental update behind it where something changes.

    Raises:
        MetadataNotWritten: ``container-holds-no-metadata``: EXIF is given; ``pdf-signed``: a change would break a
            signature or cast doubt on it.
        MissingExtra: See `read`.
        UnsupportedFormat: See `read`.
        MalformedMedia: See `read`.
        OSError: Reading or writing failed.
    """
    if exif is not None:
        raise MetadataNotWritten("container-holds-no-metadata")
    with pdf.opened(source) as document:
        found = pdf.taken_apart(source, document)
        entries = {_KEY: fields["aigc"]} if "aigc" in fields and _differs(found, fields["aigc"]) else {}
        packet = xmp if xmp != found.xmp else None
        changes = bool(entries) or packet is not None
        if changes and found.is_signed:
            raise MetadataNotWritten("pdf-signed")
        update = pdf.update(document, found, entries=entries, xmp=packet) if changes else b""
    copy_range(source, target, 0, source.seek(0, os.SEEK_END))
    target.write(update)


def _differs(found: Document, text: str | None) -> bool:
    return found.aigc != (() if text is None else ((_KEY, text),))


HANDLER: Final = Handler(
    "pdf",
    "document",
    "application/pdf",
    (".pdf",),
    sniff,
    read,
    write,
    holds_exif=False,
    # The binding writes the whole file anew, without its earlier versions.
    signs=False,
    places=Places(
        xmp="metadata stream",
        fields={"aigc": f"Info {_KEY}"},
        aigc=("pdf-info", "xmp"),
    ),
    write_fields=write,
)
