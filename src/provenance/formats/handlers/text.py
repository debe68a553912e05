"""Plain text: it has no place for a label, so that lies in a sidecar."""

from __future__ import annotations

from typing import BinaryIO, Final

from provenance.errors import MetadataNotWritten
from provenance.formats.base import Container, Handler
from provenance.formats.splice import splice
from provenance.formats.utf8 import check_utf8


def sniff(head: bytes) -> bool:  # noqa: ARG001 -- nothing but its name tells one text from another
    """Say no: nothing but its name tells one text from another."""
    return False


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a text is; with `whole`, all of it is seen to be UTF-8.

    Raises:
        MalformedMedia: ``text-not-utf-8``.
        OSError: Reading failed.
    """
    if whole:
        check_utf8(file)
    return Container(format="text", media="document", mime="text/plain")


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    known: bool = False,  # noqa: ARG001 -- nothing is checked
) -> None:
    """Append a copy of `source` to `target`.

    Raises:
        MetadataNotWritten: ``container-holds-no-metadata``: a carrier is given.
        OSError: Reading or writing failed.
    """
    if exif is not None or xmp is not None:
        raise MetadataNotWritten("container-holds-no-metadata")
    splice(source, target, [])


HANDLER: Final = Handler(
    "text",
    "document",
    "text/plain",
    (".txt",),
    sniff,
    read,
    write,
    embeds=False,
    holds_exif=False,
    signs=False,
    is_text=True,
    draws_notices=True,
)
