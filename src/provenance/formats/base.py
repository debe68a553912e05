"""What every container handler takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Literal, Protocol

from provenance.errors import MediaTooLarge
from provenance.metadata.aigc import Slot

Media = Literal["image", "video", "audio"]

METADATA_LIMIT: Final = 10_000_000
"""Largest carrier that is read, in bytes; also of a compressed text once expanded."""
PIXEL_LIMIT: Final = 1 << 30
"""Largest picture, in pixels: five times what phones take, far below what exhausts a machine when it is decoded."""
BLOCK: Final = 1 << 16
"""How much of a file is in memory at once, in bytes."""


@dataclass(frozen=True, slots=True)
class Container:
    r"""What one file holds, its carriers unparsed.

    Attributes:
        format: The handler's name, such as ``jpeg``.
        mime: Media type of the content.
        width: Stored columns in pixels, before any orientation is applied.
        height: Stored rows in pixels, before any orientation is applied.
        exif: The TIFF stream, without an ``Exif\0\0`` prefix.
        xmp: The standard XMP packet; the first one if there are several.
        xmp_count: Number of standard XMP packets.
        xmp_extension: A second packet that the first one names, where one segment is too small.
        iim: The IPTC-IIM datasets.
        texts: Keyword and value of other text fields of the container.
        has_manifest: Whether a C2PA manifest store is embedded.
        orientation: Exif's number of the turn that the container itself asks for, which its EXIF then does not change;
            None where EXIF decides.
        unsignable: Message code of what embedding a manifest would lose; None where it would lose nothing.
        warnings: Message codes of what a reader should know about the file.
    """

    format: str
    media: Media
    mime: str
    width: int
    height: int
    exif: bytes | None = field(default=None, repr=False)
    xmp: bytes | None = field(default=None, repr=False)
    xmp_count: int = 0
    xmp_extension: bytes | None = field(default=None, repr=False)
    iim: bytes | None = field(default=None, repr=False)
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    has_manifest: bool = False
    orientation: int | None = None
    unsignable: str | None = None
    warnings: tuple[str, ...] = ()


class Read(Protocol):
    """How a handler reads."""

    def __call__(self, file: BinaryIO, *, whole: bool = True) -> Container:
        """Return what a file holds, never more than a few blocks of it in memory.

        Without `whole` the picture data are passed over: whether they are sound, and what only they or their end
        could tell, is not found out.
        """
        ...


class Write(Protocol):
    """How a handler writes."""

    def __call__(
        self, source: BinaryIO, target: BinaryIO, *, exif: bytes | None, xmp: bytes | None, known: bool = False
    ) -> None:
        """Append a copy of `source` to `target` with other carriers; ``None`` leaves that carrier byte-exact.

        The picture data of a `known` source have been read and found sound; they are copied without another look.
        """
        ...


@dataclass(frozen=True, slots=True)
class Places:
    """Where a container keeps each carrier, in the words of its own specification; `None` where it has no place.

    Attributes:
        exif: Read and written.
        xmp: Read and written.
        iptc: IPTC-IIM; only read.
        manifest: C2PA; without a place it goes into a sidecar.
        aigc: Slots in which an AIGC element is found; into the first it is written.
    """

    exif: str | None = None
    xmp: str | None = None
    iptc: str | None = None
    manifest: str | None = None
    aigc: tuple[Slot, ...] = ()


class WriteExtended(Protocol):
    """How a handler writes XMP that one place of its container is too small for."""

    def __call__(
        self,
        source: BinaryIO,
        target: BinaryIO,
        *,
        exif: bytes | None,
        xmp: bytes | None,
        extension: bytes | None,
        known: bool = False,
    ) -> None:
        """Write as `Write` does, with another extension of the XMP packet."""
        ...


@dataclass(frozen=True, slots=True)
class Handler:
    """One container format.

    Attributes:
        sniff: Says from the first `HEAD` bytes whether the content is this format.
        read: See `Read`.
        write: See `Write`.
        embeds: Whether the container itself can hold metadata; if not, they lie in a sidecar.
        holds_exif: Whether it has a place for an EXIF block.
        signs: Whether the C2PA binding embeds a manifest in it; if not, that lies in a sidecar.
        places: See `Places`.
        draws_notices: Whether `provenance.notices` draws on it.
    """

    name: str
    media: Media
    mime: str
    extensions: tuple[str, ...]
    sniff: Callable[[bytes], bool]
    read: Read
    write: Write
    embeds: bool = True
    holds_exif: bool = True
    signs: bool = True
    places: Places = Places()
    draws_notices: bool = False
    write_extended: WriteExtended | None = None


HEAD: Final = 512
"""How many first bytes identify a format."""


def check_carrier_size(size: int, offset: int) -> None:
    """Refuse a carrier that is too large to hold in memory.

    Raises:
        MediaTooLarge: `size` exceeds `METADATA_LIMIT`; `offset` says where it starts.
    """
    if size > METADATA_LIMIT:
        raise MediaTooLarge("metadata-too-large", size=size, limit=METADATA_LIMIT, offset=offset)


def check_picture_size(width: int, height: int) -> None:
    """Refuse a picture with more than `PIXEL_LIMIT` pixels.

    Raises:
        MediaTooLarge: It has.
    """
    if width * height > PIXEL_LIMIT:
        raise MediaTooLarge("picture-too-large", width=width, height=height, limit=PIXEL_LIMIT)
