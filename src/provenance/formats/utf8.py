"""See that a file is text in UTF-8, block by block."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from provenance.errors import MalformedMedia
from provenance.formats.base import BLOCK


def check_utf8(file: BinaryIO) -> None:
    """Read a file from its start to its end.

    Raises:
        MalformedMedia: ``text-not-utf-8``: it holds other bytes, or NULs; the offset is where.
        OSError: Reading failed.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    at = 0
    while True:
        block = file.read(BLOCK)
        # Bytes of a character that the last block began are in front of those that the decoder counts.
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise MalformedMedia("text-not-utf-8", offset=at - held + error.start) from error
        if b"\0" in block:
            raise MalformedMedia("text-not-utf-8", offset=at + block.index(b"\0"))
        if not block:
            return
        at += len(block)
