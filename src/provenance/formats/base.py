"""What every container handler takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import BinaryIO, Final, Literal, NamedTuple, Protocol, TypedDict

from provenance.errors import MediaTooLarge
from provenance.formats.splice import Edit
from provenance.metadata.aigc import Slot
from provenance.metadata.position import from_iso6709

Media = Literal["image", "video", "audio", "document"]
FieldName = Literal["aigc", "record", "captured_at", "place", "position", "publisher", "author", "copyright_owner"]
"""What a container may state in fields of its own.

``aigc`` is the AIGC element and ``record`` our own record, both as JSON; ``captured_at`` is a time of the contract;
``place`` is a name; ``position`` is ISO 6709 in degrees of WGS-84, such as ``+30.2741+120.1551/``; the others are
names.
"""
Fields = Mapping[FieldName, str | None]
NO_FIELDS: Final[Fields] = MappingProxyType({})

METADATA_LIMIT: Final = 10_000_000
"""Largest carrier that is read, in bytes; also of a compressed text once expanded."""
PIXEL_LIMIT: Final = 1 << 30
"""Largest picture, in pixels: five times what phones take, far below what exhausts a machine when it is decoded."""
BLOCK: Final = 1 << 16
"""How much of a file is in memory at once, in bytes."""


class Field(NamedTuple):
    """One statement in a container's own fields.

    Attributes:
        name: What it states.
        value: The statement, in the form that `FieldName` gives for it.
        location: Its place and native name, such as ``moov.udta.meta:AIGC``, for messages and reports.
        slot: Where an AIGC element stands; None for the others.
    """

    name: FieldName
    value: str
    location: str
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class Container:
    r"""What one file holds, its carriers unparsed.

    Attributes:
        format: The handler's name, such as ``jpeg``.
        mime: Media type of the content.
        width: Stored columns in pixels, before any orientation is applied; None where nothing is seen.
        height: Stored rows in pixels, before any orientation is applied; None where nothing is seen.
        exif: The TIFF stream, without an ``Exif\0\0`` prefix.
        xmp: The standard XMP packet; the first one if there are several.
        xmp_count: Number of standard XMP packets.
        xmp_extension: A second packet that the first one names, where one segment is too small.
        iim: The IPTC-IIM datasets.
        texts: Keyword and value of other text fields of the container.
        fields: Every statement in the container's own fields, in the order of the file.
        has_manifest: Whether a C2PA manifest store is embedded.
        orientation: Exif's number of the turn that the container itself asks for, which its EXIF then does not change;
            None where EXIF decides.
        unsignable: Message code of what embedding a manifest would lose; None where it would lose nothing.
        warnings: Message codes of what a reader should know about the file.
    """

    format: str
    media: Media
    mime: str
    width: int | None = None
    height: int | None = None
    exif: bytes | None = field(default=None, repr=False)
    xmp: bytes | None = field(default=None, repr=False)
    xmp_count: int = 0
    xmp_extension: bytes | None = field(default=None, repr=False)
    iim: bytes | None = field(default=None, repr=False)
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    fields: tuple[Field, ...] = field(default=(), repr=False)
    has_manifest: bool = False
    orientation: int | None = None
    unsignable: str | None = None
    warnings: tuple[str, ...] = ()

    def field(self, name: FieldName) -> Field | None:
        """Return the first statement of that name in the container's own fields."""
        return next((each for each in self.fields if each.name == name), None)

    @property
    def position(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees of WGS-84, where the container's own fields state them."""
        stated = self.field("position")
        return from_iso6709(stated.value) if stated else None


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
        fields: Native name of each of the container's own fields that is read and written.
        aigc: Slots in which an AIGC element is found; into the first it is written.
    """

    exif: str | None = None
    xmp: str | None = None
    iptc: str | None = None
    manifest: str | None = None
    fields: Mapping[FieldName, str] = field(default_factory=dict)
    aigc: tuple[Slot, ...] = ()


class WriteFields(Protocol):
    """How a handler writes fields of its container."""

    def __call__(
        self,
        source: BinaryIO,
        target: BinaryIO,
        *,
        exif: bytes | None,
        xmp: bytes | None,
        fields: Fields,
        known: bool = False,
    ) -> None:
        """Write as `Write` does, with other fields.

        A field given a text is stated once afterwards, in its native place, whatever forms of it there were; one given
        None is stated nowhere; all others stay byte-exact.
        """
        ...


class WriteInPlace(Protocol):
    """How a handler changes a file without copying it, such that every moment of it is a sound file."""

    def __call__(self, file: BinaryIO, *, xmp: bytes | None, fields: Fields) -> None:
        """Change a file open for reading and writing; see `WriteFields` for the fields."""
        ...


class Carriers(TypedDict, total=False):
    """New carriers of a file; one that is None or absent stays byte-exact.

    Attributes:
        exif: A whole TIFF stream, as `provenance.metadata.exif.write` returns it.
        xmp: A whole XMP packet, in UTF-8.
        extension: Another extension of it, for a file that has one; `xmp` must name it.
        fields: Fields of the container's own to set, or to remove where None; its handler must have them.
    """

    exif: bytes | None
    xmp: bytes | None
    extension: bytes | None
    fields: Fields


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
        write_extended: See `WriteExtended`; None where one place holds any packet.
        xmp_limit: Most bytes of a packet in that place; None where it holds any.
        positions_elsewhere: Returns the edits that take positions out of where `write` does not reach, each of which
            replaces bytes by as many or appends to the file; raises `MetadataNotWritten` where that cannot be done.
        write_fields: See `WriteFields`; None where the container has no fields of its own that hold labels.
        write_in_place: See `WriteInPlace`; None where a file has to be copied.
        is_text: Whether its content is text that nothing but its name tells from other text.
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
    xmp_limit: int | None = None
    positions_elsewhere: Callable[[BinaryIO], list[Edit]] | None = None
    write_fields: WriteFields | None = None
    write_in_place: WriteInPlace | None = None
    is_text: bool = False


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
