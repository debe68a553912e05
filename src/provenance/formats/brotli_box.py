"""What a box holds that is compressed with Brotli (ISO/IEC 18181-2, ``brob``; RFC 7932)."""

from __future__ import annotations

from provenance.errors import MalformedMedia, MediaTooLarge
from provenance.formats.base import METADATA_LIMIT


def expanded(data: bytes, offset: int, limit: int = METADATA_LIMIT) -> bytes:
    """Return compressed data expanded; `offset` says where in the file they lie.

    Raises:
        MediaTooLarge: They expand to more than `limit` bytes.
        MalformedMedia: ``brotli-damaged``: they are cut off, or something follows them.
    """
    found, finished = _expanded(data, offset, limit + 1)
    if len(found) > limit:
        raise MediaTooLarge("metadata-too-large", size=len(found), limit=limit, offset=offset)
    if not finished:
        raise MalformedMedia("brotli-damaged", offset=offset)
    return found


def start(data: bytes, offset: int, size: int) -> bytes:
    """Return the first `size` bytes of what compressed data, of which these may be the first ones, expand to.

    Raises:
        MalformedMedia: ``brotli-damaged``.
    """
    return _expanded(data, offset, size)[0][:size]


def _expanded(data: bytes, offset: int, limit: int) -> tuple[bytes, bool]:
    """Return at least `limit` bytes unless there are fewer, and whether that is the whole; blocks may make it more."""
    import brotli

    stream = brotli.Decompressor()
    try:
        return stream.process(data, output_buffer_limit=limit), stream.is_finished()
    except brotli.error as error:
        raise MalformedMedia("brotli-damaged", offset=offset) from error
