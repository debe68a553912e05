"""What embedding a manifest does to an ID3v2 tag.

The C2PA binding puts the manifest into a ``GEOB`` frame and writes the whole tag anew in version 2.4: it encodes
Latin-1 as UTF-8, leaves one of several frames alike, and drops every frame where it cannot read one. So a manifest goes
inside only where all frames are of forms that it was seen to keep.

Source: C2PA Technical Specification, A.3.5 (embedding manifests into ID3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from provenance.formats import id3
from provenance.formats.base import BLOCK
from provenance.formats.id3 import Frame, Tag

_MANIFESTS: Final = (b"application/c2pa", b"application/x-c2pa-manifest-store")
_UTF8: Final = b"\3"
_TEXT: Final = b"T"
# From the encoding of a frame up to where its texts end.
_KEPT: Final = {
    _TEXT: re.compile(rb"([\0\3])(.*)", re.DOTALL),
    id3.TEXT: re.compile(rb"([\0\3])([^\0]*\0.*)", re.DOTALL),
    b"COMM": re.compile(rb"([\0\3])(...[^\0]*\0.*)", re.DOTALL),
    b"USLT": re.compile(rb"([\0\3])(...[^\0]*\0.*)", re.DOTALL),
    b"APIC": re.compile(rb"([\0\3])([^\0]*\0.[^\0]*\0)", re.DOTALL),
    id3.PRIVATE: re.compile(rb"()([^\0]*\0)"),
}
_LONG: Final = frozenset({b"APIC", id3.PRIVATE})  # whose texts stand in front of data


def has_manifest(tags: Sequence[Tag]) -> bool:
    """Say whether a frame holds a manifest.

    Raises:
        OSError: Reading failed.
    """
    return any(_is_manifest(tag, each) for tag in tags for each in tag.frames)


def unsignable(tags: Sequence[Tag]) -> str | None:
    """Return the message code of what a manifest inside would cost the tags; None where nothing.

    Raises:
        OSError: Reading failed.
    """
    if not tags:
        return None
    tag = tags[0]
    seen = set()
    kept = (len(tags), tag.version, tag.flags, tag.damage) == (1, 4, 0, None)
    for frame in tag.frames if kept else ():
        identity = _identity(tag, frame)
        kept = kept and identity is not None and identity not in seen
        seen.add(identity)
    return None if kept else "id3-would-be-recoded"


def _is_manifest(tag: Tag, frame: Frame) -> bool:
    return frame.name == id3.OBJECT and id3.beginning(tag, frame, 1 + len(_MANIFESTS[1]))[1:].startswith(_MANIFESTS)


def _identity(tag: Tag, frame: Frame) -> object:
    """Return what a second frame must not have in common with this one to be kept too; None if this one is not."""
    if _is_manifest(tag, frame):
        return _MANIFESTS
    data = id3.beginning(tag, frame, BLOCK)
    form = _KEPT.get(frame.name, _KEPT[_TEXT] if frame.name.startswith(_TEXT) else None)
    match = form.match(data) if form else None
    if match is None or frame.flags or (len(data) == BLOCK and frame.name not in _LONG):
        return None
    try:
        match[2].decode("utf-8" if match[1] == _UTF8 else "ascii")
    except UnicodeDecodeError:
        return None
    if frame.name == id3.PRIVATE:
        return frame
    return (frame.name, match[2].split(b"\0")[0]) if frame.name == id3.TEXT else frame.name
