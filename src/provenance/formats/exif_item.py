"""EXIF as HEIF and JPEG XL hold it: behind the offset of its TIFF stream (ISO/IEC 23008-12, A.2.1)."""

from __future__ import annotations

from typing import Final

_OFFSET_SIZE: Final = 4
_JPEG_PREFIX: Final = b"Exif\0\0"
_TIFF: Final = (b"II*\0", b"MM\0*")


def split(data: bytes) -> tuple[bytes, bytes]:
    r"""Return what stands before the TIFF stream, and the stream.

    Writers leave out the offset, or leave an ``Exif\0\0`` uncounted. What cannot be understood counts as a stream: a
    reader of EXIF will find it damaged, and nobody will replace it.
    """
    start = _OFFSET_SIZE + int.from_bytes(data[:_OFFSET_SIZE], "big")
    if start > len(data):
        start = 0 if data.startswith(_TIFF) else min(_OFFSET_SIZE, len(data))
    if data.startswith(_JPEG_PREFIX, start):
        start += len(_JPEG_PREFIX)
    return data[:start], data[start:]
