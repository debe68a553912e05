"""Word, PowerPoint and Excel: labels as custom properties (TC260-PG-20258A, 6.1); all else goes over byte-exact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from provenance.errors import MetadataNotWritten, UnsupportedFormat
from provenance.formats import opc, zip_parts
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
from provenance.formats.opc import Package
from provenance.formats.splice import splice
from provenance.metadata.aigc import Slot

_NAMES: Final[dict[FieldName, str]] = {"aigc": "AIGC", "record": "PVL_LABELS"}
_FIELDS: Final[dict[str, FieldName]] = {name.casefold(): field for field, name in _NAMES.items()}
_SLOTS: Final[dict[str, Slot]] = {"aigc": "ooxml-property"}
_MANIFEST: Final = "META-INF/content_credential.c2pa"
_OPEN: Final = "application/vnd.openxmlformats-officedocument."
# Content types of main parts without their ending, and of the files that hold them.
_KINDS: Final = {
    **{
        _OPEN + kind: _OPEN + kind
        for kind in (
            "wordprocessingml.document",
            "wordprocessingml.template",
            "presentationml.presentation",
            "presentationml.template",
            "presentationml.slideshow",
            "spreadsheetml.sheet",
            "spreadsheetml.template",
        )
    },
    **{
        f"application/vnd.ms-{kind}": f"application/vnd.ms-{kind}.12"
        for kind in (
            "word.document.macroEnabled",
            "word.template.macroEnabled",
            "powerpoint.presentation.macroEnabled",
            "powerpoint.template.macroEnabled",
            "powerpoint.slideshow.macroEnabled",
            "excel.sheet.macroEnabled",
            "excel.template.macroEnabled",
            "excel.sheet.binary.macroEnabled",
        )
    },
    "application/vnd.ms-word.template.macroEnabledTemplate": "application/vnd.ms-word.template.macroEnabled.12",
}


def sniff(head: bytes) -> bool:
    """Say whether the content starts as a ZIP archive does; `read` finds out whether an Office document is in it."""
    return head.startswith(b"PK\x03\x04")


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what an Office document says of itself; no part of its content is unpacked, with `whole` or without.

    Raises:
        UnsupportedFormat: ``zip-not-ooxml``, or see `opc.read`.
        MalformedMedia: See `opc.read`.
        MediaTooLarge: See `opc.read`.
        OSError: Reading failed.
    """
    del whole
    package = opc.read(file)
    return Container(
        format="ooxml",
        media="document",
        mime=_mime(package),
        fields=tuple(_stated(package)),
        has_manifest=_MANIFEST in package.archive.entries,
        warnings=("ooxml-signed",) if package.is_signed else (),
    )


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    fields: Fields = NO_FIELDS,
    known: bool = False,  # noqa: ARG001 -- the content is never looked at
) -> None:
    """Append a copy of `source` to `target` with other custom properties.

    Raises:
        MetadataNotWritten: ``container-holds-no-metadata``: EXIF or XMP is given; ``ooxml-signed``: a change would
            break its signature; ``zip-full``.
        UnsupportedFormat: See `read`.
        MalformedMedia: See `read`.
        OSError: Reading or writing failed.
    """
    if exif is not None or xmp is not None:
        raise MetadataNotWritten("container-holds-no-metadata")
    package = opc.read(source)
    _mime(package)
    for text in fields.values():
        check_carrier_size(len(text or ""), 0)
    parts = opc.updated(package, {_NAMES[name]: text for name, text in fields.items()})
    if parts and package.is_signed:
        raise MetadataNotWritten("ooxml-signed")
    splice(source, target, zip_parts.edits(source, package.archive, parts))


def _mime(package: Package) -> str:
    kind = package.main_type.removesuffix("+xml").removesuffix(".main")
    if kind not in _KINDS:
        raise UnsupportedFormat("ooxml-kind-unknown", kind=package.main_type[:100])
    return _KINDS[kind]


def _stated(package: Package) -> Iterator[Field]:
    for name, text in package.properties():
        field = _FIELDS.get(name.casefold())
        if field:
            yield Field(field, text, f"{package.custom_name}:{name}", _SLOTS.get(field))


HANDLER: Final = Handler(
    "ooxml",
    "document",
    _KINDS[_OPEN + "wordprocessingml.document"],
    (".docx", ".pptx", ".xlsx", ".docm", ".pptm", ".xlsm", ".dotx", ".potx", ".xltx"),
    sniff,
    read,
    write,
    holds_exif=False,
    # The binding unpacks no deflated part, and embeds as one that the content types do not know: damage, to Office.
    signs=False,
    places=Places(
        fields={field: f"docProps/custom.xml {name}" for field, name in _NAMES.items()},
        aigc=("ooxml-property",),
    ),
    write_fields=write,
)
