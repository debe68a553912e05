"""PDF: what a document says of itself, and what an incremental update of it takes (ISO 32000-2, 7.5.6).

pikepdf reads the structure; nothing is ever saved by it. What changes is appended, with a cross-reference section of
the kind that the document ends with, so that the original is the exact start of every labelled copy.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from provenance.errors import MalformedMedia, MissingExtra, UnsupportedFormat
from provenance.formats import pdf_section
from provenance.formats.base import METADATA_LIMIT, check_carrier_size
from provenance.formats.pdf_section import Number, Section

if TYPE_CHECKING:
    import pikepdf

_LIMITS: Final = ("flate_max_memory", "png_max_memory", "tiff_max_memory", "run_length_max_memory")
_LIMITS_LOCK: Final = Lock()
_MOST_INFLATED: Final = 1 << 26  # bytes of one stream of the structure
_MOST_FIELDS: Final = 20_000
_SIGNATURES_EXIST: Final = 1  # bit of SigFlags (12.7.3)
# What the reader says of files that nobody reads in another way.
_HARMLESS: Final = "handled correctly by qpdf and most other applications"
_OF_TRAILER: Final = frozenset({"/Size", "/Prev", "/XRefStm", "/Root", "/Info", "/ID"})
_OF_STREAM: Final = frozenset({"/Filter", "/DecodeParms", "/DL", "/Length", "/F", "/FFilter", "/FDecodeParms"})
_OF_SECTION: Final = _OF_TRAILER | _OF_STREAM | {"/Type", "/W", "/Index"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document, taken apart into what an update needs.

    Attributes:
        section: Its last cross-reference section.
        count: One more than the highest object number.
        root: Its catalog.
        info: Its information dictionary; None where that is no object of its own.
        metadata: Its XMP stream; None where there is none.
        aigc: Name and text of AIGC entries of the information dictionary.
        xmp: Its XMP packet.
        ids: Its two identifiers; empty where there are none.
        trailer: The other entries of its trailer, in the syntax of PDF.
        is_signed: Whether it has a signature, or permissions that depend on one.
        has_manifest: Whether a C2PA manifest store is embedded.
    """

    section: Section
    count: int
    root: Number
    info: Number | None
    metadata: Number | None
    aigc: tuple[tuple[str, str], ...]
    xmp: bytes | None
    ids: tuple[bytes, ...]
    trailer: bytes
    is_signed: bool
    has_manifest: bool


@contextmanager
def opened(file: BinaryIO) -> Iterator[pikepdf.Pdf]:
    """Yield a document as pikepdf reads it, never repaired, with limits on what it inflates.

    Raises:
        MissingExtra: ``extra-missing``.
        UnsupportedFormat: ``pdf-encrypted``.
        MalformedMedia: ``pdf-damaged``.
        OSError: Reading failed.
    """
    library = _library()
    with _LIMITS_LOCK:
        # The limits are those of the process: others get theirs back.
        before = library.settings.set_qpdf_limits(**dict.fromkeys(_LIMITS, _MOST_INFLATED))
        try:
            file.seek(0)
            with library.open(
                file, attempt_recovery=False, inherit_page_attributes=False, access_mode=library.AccessMode.stream
            ) as document:
                if document.is_encrypted:
                    raise UnsupportedFormat("pdf-encrypted")
                yield document
        except library.PasswordError as error:
            raise UnsupportedFormat("pdf-encrypted") from error
        except (library.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            raise MalformedMedia("pdf-damaged", reason=_reason(error)) from error
        finally:
            library.settings.set_qpdf_limits(**before)


def taken_apart(file: BinaryIO, document: pikepdf.Pdf) -> Document:
    """Return what an update of an open document needs.

    Raises:
        MalformedMedia: ``pdf-damaged``: readers may disagree on what it holds.
        UnsupportedFormat: ``pdf-xmp-filter``.
        MediaTooLarge: Its XMP packet exceeds a limit.
        OSError: Reading failed.
    """
    trailer, root = document.trailer, document.Root
    info, metadata = trailer.get("/Info"), root.get("/Metadata")
    numbers = [_number(each) for each in (root, info, metadata)]
    known = [each for each in numbers if each]
    if numbers[0] is None or len(set(known)) != len(known) or (metadata is not None and numbers[2] is None):
        raise MalformedMedia("pdf-damaged", reason="Root, Info, Metadata")
    found = Document(
        section=pdf_section.last(file),
        count=int(trailer["/Size"]),
        root=numbers[0],
        info=numbers[1],
        metadata=numbers[2],
        aigc=tuple(_aigc_entries(info)) if info is not None else (),
        xmp=_packet(metadata) if metadata is not None else None,
        ids=tuple(map(_identifier, trailer.get("/ID", ()))),
        trailer=_entries({key: value for key, value in trailer.items() if key not in _OF_SECTION}),
        is_signed=_is_signed(root),
        has_manifest=_has_manifest(root),
    )
    for warning in document.get_warnings():
        # Other readers may repair it in another way, or it is beyond our limits.
        if _HARMLESS not in str(warning):
            raise MalformedMedia("pdf-damaged", reason=_reason(warning))
    return found


def update(
    document: pikepdf.Pdf, found: Document, *, entries: Mapping[str, str | None], xmp: bytes | None = None
) -> bytes:
    """Return what to append to a document.

    Args:
        document: The open document; it is changed in memory.
        found: What `taken_apart` found in it.
        entries: Entries of the information dictionary to set, or to remove where None, however they are spelt.
        xmp: A whole packet; None leaves the one there is.
    """
    objects: dict[Number, bytes] = {}
    count, info, metadata = found.count, found.info, found.metadata
    if entries:
        if info is None:
            info, count = Number(count, 0), count + 1
        objects[info] = _info(document, entries)
    if xmp is not None:
        check_carrier_size(len(xmp), 0)
        if metadata is None:
            metadata, count = Number(count, 0), count + 1
            catalog = _entries(dict(document.Root.items()))
            objects[found.root] = pdf_section.dictionary(catalog, b"/Metadata %d %d R" % metadata)
            own = b"/Subtype /XML /Type /Metadata"
        else:
            stated = document.Root.Metadata.stream_dict
            own = _entries({key: value for key, value in stated.items() if key not in _OF_STREAM})
        head = pdf_section.dictionary(own, b"/Length %d" % len(xmp))
        objects[metadata] = head + b"\nstream\n" + xmp + b"\nendstream"
    trailer = [b"/Root %d %d R" % found.root, b"/Info %d %d R" % info if info else b"", _ids(found, objects)]
    return pdf_section.appended(found.section, objects, count, b" ".join([*trailer, found.trailer]))


def _library() -> Any:
    try:
        import pikepdf
    except ImportError as error:
        raise MissingExtra("extra-missing", feature="PDF", requirement="provenance-labels[pdf]") from error
    return pikepdf


def _number(value: Any) -> Number | None:
    """Return number and generation of an object; None where it is none, or stands directly in another."""
    return Number(*value.objgen) if value is not None and value.is_indirect else None


def _identifier(value: Any) -> bytes:
    if not isinstance(value, _library().String):
        raise MalformedMedia("pdf-damaged", reason="ID")
    return bytes(value)


def _aigc_entries(info: Any) -> Iterator[tuple[str, str]]:
    for key, value in info.items():
        if key.casefold() == "/aigc":
            yield key, str(value)


def _info(document: pikepdf.Pdf, entries: Mapping[str, str | None]) -> bytes:
    """Return the information dictionary with other entries, in the syntax of PDF."""
    library = _library()
    info = document.trailer.get("/Info")
    doomed = {key.casefold() for key in entries}
    kept = {key: value for key, value in info.items() if key.casefold() not in doomed} if info is not None else {}
    new = {key: library.String(text) for key, text in entries.items() if text is not None}
    return pdf_section.dictionary(_entries({**kept, **new}))


def _ids(found: Document, objects: Mapping[Number, bytes]) -> bytes:
    """Return the identifiers of the new version: that of the first one, and one that follows from what changes."""
    if len(found.ids) != 2:  # noqa: PLR2004 -- of the first version, and of the last one
        return b""
    new = hashlib.sha256(b"\0".join([found.ids[1], *objects.values()])).digest()[:16]
    return b"/ID [<%s> <%s>]" % (found.ids[0].hex().encode(), new.hex().encode())


def _packet(stream: Any) -> bytes:
    """Return the XMP packet of a stream, which is bare as a rule and at most deflated."""
    filters = stream.get("/Filter", ())
    names = list(map(str, filters)) if isinstance(filters, (tuple, _library().Array)) else [str(filters)]
    check_carrier_size(int(stream.get("/Length", 0)), 0)
    data: bytes = stream.read_raw_bytes()
    if not names:
        return data
    if names != ["/FlateDecode"] or "/DecodeParms" in stream:
        raise UnsupportedFormat("pdf-xmp-filter", filter=", ".join(names)[:100])
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(data, METADATA_LIMIT + 1)
    except zlib.error as error:
        raise MalformedMedia("pdf-damaged", reason="XMP") from error
    check_carrier_size(len(data), 0)
    return data


def _is_signed(root: Any) -> bool:
    """Say whether a signature is there, or permissions that one grants (12.8.4, 12.8.6)."""
    if root.get("/Perms") is not None:
        return True
    form = root.get("/AcroForm")
    if form is None:
        return False
    return bool(int(form.get("/SigFlags", 0)) & _SIGNATURES_EXIST) or any(map(_is_signature, _fields(form)))


def _is_signature(field: Any) -> bool:
    return str(field.get("/FT", "")) == "/Sig" and field.get("/V") is not None


def _fields(form: Any) -> Iterator[Any]:
    """Yield the fields of a form, those in others too."""
    waiting = [form]
    for _ in range(_MOST_FIELDS):
        if not waiting:
            return
        field = waiting.pop()
        yield field
        inner = field.get("/Fields" if field is form else "/Kids", ())
        if len(inner) > _MOST_FIELDS:
            break
        waiting += list(inner)[: _MOST_FIELDS - len(waiting) + 1]
    raise MalformedMedia("pdf-damaged", reason="AcroForm")


def _has_manifest(root: Any) -> bool:
    """Say whether an associated file is a C2PA manifest store (C2PA 2.2, A.4)."""
    files = list(root.get("/AF", ()))[:_MOST_FIELDS]
    return any(str(each.get("/AFRelationship", "")) == "/C2PA_Manifest" for each in files)


def _entries(values: Mapping[str, Any]) -> bytes:
    """Return the entries of a dictionary in the syntax of PDF, references kept."""
    text: bytes = _library().Dictionary(values).unparse(resolved=True)
    return text[2:-2].strip()


def _reason(error: object) -> str:
    """Return what the reader said, on one line and without the name of a file."""
    text = str(error)
    return " ".join((text.partition(": ")[2] or text).split())[:120]
