"""Ogg with Vorbis, Opus, FLAC or Speex: every statement in the comment header of the one stream it holds.

Sources: RFC 3533 (Ogg); Vorbis I specification, 4.2; RFC 7845, 5.2 (Opus); RFC 9639, 10.1 (FLAC); Speex manual, 7.3;
TC260-PG-202510A.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final, NamedTuple

from provenance.errors import MalformedMedia, MetadataNotWritten, UnsupportedFormat
from provenance.formats import ogg, vorbis_comment
from provenance.formats.base import NO_FIELDS, Container, Fields, Handler, Places
from provenance.formats.ogg import Headers, Page
from provenance.formats.splice import splice
from provenance.formats.vorbis_comment import Comments


class _Codec(NamedTuple):
    """How a codec is told, and what stands before the comments in its second packet."""

    name: str
    magic: bytes
    prefix: bytes = b""


_OPUS: Final = _Codec("opus", b"OpusHead", b"OpusTags")
_FLAC: Final = _Codec("flac", b"\x7fFLAC")
_SOUND: Final = (_Codec("vorbis", b"\x01vorbis", b"\x03vorbis"), _OPUS, _FLAC, _Codec("speex", b"Speex   "))
_PICTURES: Final = (b"\x80theora", b"BBCD\0", b"OVP80\x01", b"\x01video\0\0\0")
_FLAC_HEAD: Final = 4  # of a block: its kind and whether it is the last one, its size in three bytes
_FLAC_COMMENTS: Final = 4
_GLANCE: Final = 64
_MOST_STREAMS: Final = 100
_LACING_AT: Final = 26
_NOT_ENDED: Final = "ogg-not-ended"


@dataclass(slots=True)
class _Layout:
    codec: _Codec
    headers: Headers
    comments: Comments
    streams: int
    is_opus: bool
    last: Page


def read(name: str, file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what an Ogg file holds; without `whole`, its pages of sound are not looked at.

    Of several streams the first one with sound counts.

    Args:
        name: That of the handler.
        file: The file.
        whole: Whether to find out that page follows on page up to the end.

    Raises:
        UnsupportedFormat: ``ogg-holds-pictures``, ``ogg-codec-unknown``.
        MalformedMedia: ``ogg-truncated``, ``ogg-damaged``, ``ogg-checksum`` or ``vorbis-comment-damaged``.
        MediaTooLarge: The comments exceed their limit.
        OSError: Reading failed.
    """
    layout = _parse(file, whole=whole)
    if layout.is_opus != (name == _OPUS.name):
        raise MalformedMedia("ogg-damaged", offset=0)
    return Container(
        format=name,
        media="audio",
        mime="audio/ogg",
        fields=tuple(vorbis_comment.fields(layout.comments)),
        warnings=() if layout.last.flags & ogg.LAST else (_NOT_ENDED,),
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
    """Append a copy of `source` to `target` with other statements in its comments.

    Raises:
        MetadataNotWritten: ``vorbis-comment-only``: neither EXIF nor XMP has a place; ``ogg-several-streams``: side by
            side or one after the other, of which each would need the statements.
        UnsupportedFormat: See `read`.
        MalformedMedia: See `read`.
        MediaTooLarge: The comments exceed their limit.
        OSError: Reading or writing failed.
    """
    if exif is not None or xmp is not None:
        raise MetadataNotWritten("vorbis-comment-only")
    layout = _parse(source, whole=not known)
    comments = vorbis_comment.changed(layout.comments, fields)
    if comments == layout.comments:
        splice(source, target, ())
        return
    if layout.streams > 1 or layout.last.serial != layout.headers.pages[0].serial:
        raise MetadataNotWritten("ogg-several-streams")
    packets = [_packet(layout, vorbis_comment.pack(comments)), *layout.headers.packets[1:]]
    ogg.write(source, target, layout.headers.pages, packets)


def _parse(file: BinaryIO, *, whole: bool) -> _Layout:
    starts: list[tuple[Page, bytes]] = []
    for page in ogg.pages(file):
        if not page.flags & ogg.FIRST or len(starts) > _MOST_STREAMS:
            break
        starts.append((page, ogg.payload(file, page)[:_GLANCE]))
    if any(data.startswith(_PICTURES) for _, data in starts):
        raise UnsupportedFormat("ogg-holds-pictures")
    found = next(((page, codec) for page, data in starts if (codec := _codec(data))), None)
    if found is None:
        raise UnsupportedFormat("ogg-codec-unknown")
    first, codec = found
    headers = ogg.headers(file, ogg.pages(file, first.end), first)
    later = ogg.pages(file, headers.pages[-1].end) if whole else ()
    streams = len(starts) + sum(bool(page.flags & ogg.FIRST) for page in later)
    return _Layout(
        codec, headers, _comments(codec, headers), streams, starts[0][1].startswith(_OPUS.magic), ogg.last_page(file)
    )


def _codec(data: bytes) -> _Codec | None:
    return next((codec for codec in _SOUND if data.startswith(codec.magic)), None)


def _comments(codec: _Codec, headers: Headers) -> Comments:
    packet, offset = headers.packets[0], headers.pages[0].data
    if codec is _FLAC:
        size = int.from_bytes(packet[1:_FLAC_HEAD], "big")
        if len(packet) != _FLAC_HEAD + size or packet[0] & 0x7F != _FLAC_COMMENTS:
            raise MalformedMedia("ogg-damaged", offset=offset)
        return vorbis_comment.parse(packet[_FLAC_HEAD:], offset)
    if not packet.startswith(codec.prefix):
        raise MalformedMedia("ogg-damaged", offset=offset)
    return vorbis_comment.parse(packet[len(codec.prefix) :], offset)


def _packet(layout: _Layout, comments: bytes) -> bytes:
    if layout.codec is not _FLAC:
        return layout.codec.prefix + comments
    return layout.headers.packets[0][:1] + len(comments).to_bytes(_FLAC_HEAD - 1, "big") + comments


def _sniff(name: str) -> Callable[[bytes], bool]:
    """Return what tells Ogg with Opus from other Ogg."""

    def sniff(head: bytes) -> bool:
        if not head.startswith(ogg.MAGIC) or len(head) <= _LACING_AT:
            return False
        is_opus = _codec(head[_LACING_AT + 1 + head[_LACING_AT] :]) is _OPUS
        return is_opus == (name == _OPUS.name)

    return sniff


HANDLERS: Final = tuple(
    Handler(
        name,
        "audio",
        "audio/ogg",
        extensions,
        _sniff(name),
        partial(read, name),
        write,
        holds_exif=False,
        signs=False,
        places=Places(fields=vorbis_comment.NATIVE, aigc=(vorbis_comment.SLOT,)),
        write_fields=write,
        draws_notices=name == _OPUS.name,
    )
    for name, extensions in (("ogg", (".ogg", ".oga", ".spx")), (_OPUS.name, (".opus",)))
)
