"""MP3 and MP2: the AIGC element in an ID3v2 text ``AIGC``, XMP in ``PRIV``, C2PA in ``GEOB``.

Every other frame of the tags goes over byte-exact, and so does what stands behind the sound: ID3v1, APE, Lyrics3.

Sources: ID3 tag versions 2.3.0 and 2.4.0; XMP specification, part 3, 1.1.4; TC260-PG-202510A.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia, MetadataNotWritten
from provenance.formats import id3, id3_signing, mpeg_audio
from provenance.formats.base import BLOCK, NO_FIELDS, Container, Field, FieldName, Fields, Handler, Places
from provenance.formats.id3 import Frame, Tag
from provenance.formats.mpeg_audio import HEAD
from provenance.formats.splice import splice

_NATIVE: Final[tuple[FieldName, ...]] = ("aigc", "position")
_XMP_OWNER: Final = b"XMP\0"


@dataclass(slots=True)
class _Layout:
    tags: list[Tag]
    statements: list[tuple[Tag, Frame, Field]]
    packets: list[tuple[Tag, Frame, bytes]] = field(default_factory=list)


def sniff(head: bytes) -> bool:
    """Say whether the content starts as an MP3 file does: with a frame of sound, or with a tag and perhaps one."""
    length = id3.end_of(head)
    if length is None:
        return _is_sound(head, 0, cut=True)
    if length >= len(head):
        return True
    behind = head[length:].lstrip(b"\0")
    return len(behind) < HEAD or id3.end_of(behind) is not None or _is_sound(behind, 0, cut=True)


def read(file: BinaryIO, *, whole: bool = True) -> Container:
    """Return what an MP3 file holds; of the sound only the first frames are looked at, with `whole` or without.

    Raises:
        MalformedMedia: ``id3-truncated``, ``id3-damaged``, or ``mp3-no-sound``: no frames follow the tags.
        MediaTooLarge: A carrier exceeds its limit.
        OSError: Reading failed.
    """
    del whole
    layout = _parse(file)
    return Container(
        format="mp3",
        media="audio",
        mime="audio/mpeg",
        xmp=layout.packets[0][2] if layout.packets else None,
        xmp_count=len(layout.packets),
        fields=tuple(each for _, _, each in layout.statements),
        has_manifest=id3_signing.has_manifest(layout.tags),
        unsignable=id3_signing.unsignable(layout.tags),
        warnings=("xmp-repeated",) if len(layout.packets) > 1 else (),
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
    """Append a copy of `source` to `target` with another XMP packet or AIGC element in its first tag.

    A file without a tag gets one of version 2.4.

    Raises:
        MetadataNotWritten: ``id3-holds-no-exif``; ``id3-version``: the tag has a version without a place for them;
            ``xmp-repeated``: the file has several packets and readers would not agree on one.
        MalformedMedia: See `read`.
        MediaTooLarge: A carrier exceeds its limit.
        OSError: Reading or writing failed.
    """
    del known
    if exif is not None:
        raise MetadataNotWritten("id3-holds-no-exif")
    layout = _parse(source)
    first = layout.tags[0] if layout.tags else None
    dropped: list[tuple[Tag, Frame]] = []
    new = b""
    for name in _NATIVE:
        if name not in fields:
            continue
        value = fields[name]
        present = [each for each in layout.statements if each[2].name == name]
        if [each.value for _, _, each in present] != ([] if value is None else [value]):
            dropped += [each[:2] for each in present]
            new += b"" if value is None else id3.statement(first, name, value)
    if xmp is not None and [each[2] for each in layout.packets] != [xmp]:
        if len(layout.packets) > 1:
            raise MetadataNotWritten("xmp-repeated", offset=layout.packets[1][1].start)
        dropped += [each[:2] for each in layout.packets]
        new += id3.frame(first, id3.PRIVATE, _XMP_OWNER + xmp)
    splice(source, target, id3.edits(layout.tags, dropped, new))


def _parse(file: BinaryIO) -> _Layout:
    found = id3.tags(file)
    _check_sound(file, found[-1].end if found else 0)
    layout = _Layout(found, list(id3.statements(found)))
    for tag, frame, data in id3.frames_named(found, id3.PRIVATE, lambda data: data.startswith(_XMP_OWNER)):
        layout.packets.append((tag, frame, data[len(_XMP_OWNER) :]))
    return layout


def _check_sound(file: BinaryIO, start: int) -> None:
    """Refuse a file that holds no frames of sound where its tags end; behind tags there may be stray bytes."""
    file.seek(start)
    block = file.read(BLOCK)
    zeros = len(block) - len(block.lstrip(b"\0")) if start else 0
    if _is_sound(block, zeros, cut=len(block) < BLOCK):
        return
    if not start or not any(_is_sound(block, match.start(), cut=False) for match in mpeg_audio.SYNC.finditer(block)):
        raise MalformedMedia("mp3-no-sound", offset=start)


def _is_sound(data: bytes, at: int, *, cut: bool) -> bool:
    """Say whether a frame of sound starts at an offset and another one behind it, if that is not `cut` off."""
    head = mpeg_audio.head_of(data[at : at + HEAD])
    if head is None:
        return False
    following = data[at + head.length : at + head.length + HEAD]
    if len(following) < HEAD:
        return cut
    return mpeg_audio.go_together(data[at : at + HEAD], following) and mpeg_audio.head_of(following) is not None


HANDLER: Final = Handler(
    "mp3",
    "audio",
    "audio/mpeg",
    (".mp3", ".mp2"),
    sniff,
    read,
    write,
    holds_exif=False,
    places=Places(
        xmp="ID3v2 PRIV",
        manifest="ID3v2 GEOB",
        fields={"aigc": "TXXX:AIGC"},
        aigc=("id3-text",),
    ),
    write_fields=write,
    draws_notices=True,
)
