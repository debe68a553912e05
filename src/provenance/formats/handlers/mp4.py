"""MP4, QuickTime, M4A and 3GP: labels in keys and XMP; media data and every other box go over byte-exact.

Source: ISO/IEC 14496-12 and 14496-14; QuickTime File Format; 3GPP TS 26.244; TC260-PG-20257A, 6.1.1; XMP Specification
part 3, 1.1.1 and 2.1.1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import BinaryIO, Final, NamedTuple

from provenance.formats import bmff, movie, movie_edit, movie_in_place, movie_samples
from provenance.formats.base import HEAD, NO_FIELDS, Container, Fields, Handler, Media, Places
from provenance.formats.quicktime import NATIVE
from provenance.formats.splice import splice
from provenance.metadata.aigc import Slot


class _Family(NamedTuple):
    media: Media
    mime: str
    extensions: tuple[str, ...]
    xmp: str
    signs: bool = True


_USER_DATA: Final = "moov.udta.XMP_"
_FAMILIES: Final = {
    "mp4": _Family("video", "video/mp4", (".mp4", ".m4v", ".f4v"), "uuid box"),
    "mov": _Family("video", "video/quicktime", (".mov", ".qt"), _USER_DATA),
    "m4a": _Family("audio", "audio/mp4", (".m4a", ".m4b"), "uuid box"),
    # The C2PA binding does not know its media types.
    "3gp": _Family("video", "video/3gpp", (".3gp", ".3g2"), "uuid box", signs=False),
}
_BRANDS: Final = (
    ("mov", (b"qt  ",)),
    ("m4a", (b"M4A ", b"M4B ", b"M4P ")),
    ("3gp", (b"3g",)),
    ("mp4", (b"iso", b"mp4", b"avc1", b"M4V", b"dash", b"cmf", b"mmp4", b"MSNV", b"f4v ", b"XAVC", b"piff", b"NDS")),
)
# Without a file type box, as QuickTime wrote films before there was one.
_FIRST_OF_OLD: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_SMALL_FIRST: Final = frozenset({b"wide", b"free", b"skip", b"pnot"})
_MOST_EMPTY: Final = 1 << 27
_SLOTS: Final[tuple[Slot, ...]] = ("quicktime-keys", "quicktime-meta", "quicktime-list", "quicktime-box", "xmp")


def _format_of(head: bytes) -> str | None:
    """Return which family a file is of: its major brand decides, else the first compatible one that is known."""
    if head[4:8] in _FIRST_OF_OLD:
        # Any text may have such a word in its fifth place, but none starts with a byte below that of a tabulator.
        empty = head[4:8] in _SMALL_FIRST and int.from_bytes(head[:4], "big") >= _MOST_EMPTY
        return None if empty else "mov"
    if bmff.picture_format(head):
        return None
    for brand in bmff.brands(head):
        for name, known in _BRANDS:
            if brand.startswith(known):
                return name
        if brand == b"crx ":
            return None
    return None


def _sniff(name: str, head: bytes) -> bool:
    return _format_of(head) == name


def _read(name: str, file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what a film holds; with `whole`, make sure that its media data are there, which have no checksum.

    Raises:
        MalformedMedia: See `movie_samples.check`, `movie.read` and `quicktime.user_statements`.
        UnsupportedFormat: See `movie.read`.
        MediaTooLarge: The index or one of its carriers exceeds a limit.
        OSError: Reading failed.
    """
    family = _FAMILIES[name]
    found = _film(file, name)
    if whole:
        movie_samples.check(file, found)
    warnings = {
        "xmp-repeated": len(found.packets) > 1,
        "movie-change-interrupted": found.tail is not None and found.is_ours,
        "movie-index-joined": found.tail is not None and not found.is_ours,
        "video-track-position": found.states_position,
    }
    seen = family.media == "video"
    return Container(
        format=name,
        media=family.media,
        mime=family.mime,
        width=(found.width or None) if seen else None,
        height=(found.height or None) if seen else None,
        orientation=found.orientation if seen and found.orientation > 1 else None,
        xmp=found.packets[0].data if found.packets else None,
        xmp_count=len(found.packets),
        fields=tuple(field for each in found.statements(file) if not each.beside and (field := each.field)),
        has_manifest=any(bmff.is_manifest(file, box) for box in found.top),
        # The C2PA binding tells films by their first box.
        unsignable=None if found.top[0].kind == b"ftyp" else "movie-type-missing",
        warnings=tuple(code for code, holds in warnings.items() if holds),
    )


def write(
    source: BinaryIO,
    target: BinaryIO,
    *,
    exif: bytes | None,
    xmp: bytes | None,
    fields: Fields = NO_FIELDS,
    known: bool = False,
) -> None:
    """Append a copy of `source` to `target` with other carriers; `exif` has no place in a film.

    Raises:
        MetadataNotWritten: See `movie_edit.plan` and `movie_edit.edits`.
        MalformedMedia: See `_read` and `movie_edit.plan`.
        UnsupportedFormat: See `_read`.
        MediaTooLarge: See `_read`.
        OSError: Reading or writing failed.
    """
    del exif, known
    found = _film(source)
    planned = movie_edit.plan(source, found, xmp=xmp, fields=fields, packet_inside=_packet_inside(source))
    # What an interrupted change left behind goes with the next one, even with one that finds all said already.
    asked = xmp is not None or bool(fields)
    changes = planned.changes or (asked and found.tail is not None)
    splice(source, target, movie_edit.edits(source, found, planned) if changes else [])


def write_in_place(file: BinaryIO, *, xmp: bytes | None, fields: Fields) -> None:
    """Change a film where it lies; see `movie_in_place.write`, and `write` for other errors."""
    found = _film(file)
    planned = movie_edit.plan(file, found, xmp=xmp, fields=fields, packet_inside=_packet_inside(file))
    movie_in_place.write(file, found, planned)


def _packet_inside(file: BinaryIO) -> bool:
    return _FAMILIES[_format_in(file) or "mp4"].xmp == _USER_DATA


def _film(file: BinaryIO, name: str | None = None) -> movie.Movie:
    found = _format_in(file)
    if found is None or name not in {None, found}:
        raise bmff.damaged(0)
    return movie.read(file)


def _format_in(file: BinaryIO) -> str | None:
    file.seek(0)
    return _format_of(file.read(HEAD))


def _handler(name: str) -> Handler:
    family = _FAMILIES[name]
    sniff: Callable[[bytes], bool] = partial(_sniff, name)
    native = {each: f"keys {key}" for each, key in NATIVE.items()}
    native["aigc"] = "moov.udta.meta keys AIGC"
    return Handler(
        name,
        family.media,
        family.mime,
        family.extensions,
        sniff,
        partial(_read, name),
        write,
        holds_exif=False,
        signs=family.signs,
        places=Places(xmp=family.xmp, manifest="uuid box" if family.signs else None, fields=native, aigc=_SLOTS),
        draws_notices=True,
        write_fields=write,
        write_in_place=write_in_place,
    )


HANDLERS: Final = tuple(map(_handler, _FAMILIES))
