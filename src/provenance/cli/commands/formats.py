"""`provenance formats`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import typer

from provenance.cli import output
from provenance.cli.output import AsJson, Lang
from provenance.formats.base import Handler
from provenance.formats.registry import handlers
from provenance.metadata.aigc import FORM_OF_SLOT

COLUMNS: Final = (
    "formats-container",
    "formats-reads",
    "formats-labels",
    "formats-aigc",
    "formats-aigc-also",
    "formats-manifest",
    "formats-notice",
)
"""Message codes of the headings."""

_CARRIERS: Final = {"exif": "EXIF", "xmp": "XMP", "iptc": "IPTC-IIM", "manifest": "C2PA"}
_WRITTEN: Final = ("exif", "xmp")
_SLOTS: Final = {
    "xmp": "XMP TC260:AIGC",
    "png-text": "tEXt AIGC",
    "exif-user-comment": "EXIF UserComment",
    "exif-image-description": "EXIF ImageDescription",
    "quicktime-keys": "moov.udta.meta keys AIGC",
    "quicktime-meta": "moov.meta keys AIGC",
    "quicktime-list": "ilst AIGC",
    "quicktime-box": "aigc box",
    "matroska-tag": "SimpleTag AIGC",
    "riff-info": "LIST INFO AIGC",
    "riff-chunk": "AIGC chunk",
    "flv-metadata": "onMetaData AIGC",
    "id3-text": "TXXX AIGC",
    "vorbis-comment": "Vorbis comment AIGC",
    "pdf-info": "Info /AIGC",
    "ooxml-property": "docProps/custom.xml AIGC",
    "front-matter": "front matter AIGC",
    "html-meta": 'meta name="AIGC"',
}


def formats(json: AsJson = False, lang: Lang = None) -> None:
    """Show each container: what is read, where labels go, the AIGC element's slot and form, manifest and notice.

    列出每种格式:读取什么、标识写在何处、AIGC 标识的位置与形式、签名清单和显式标识。
    """
    del lang
    if json:
        output.document({"schema": "provenance/formats/1", "formats": [_as_json(each) for each in handlers()]})
        return
    for handler in handlers():
        container, *cells = row(handler)
        typer.echo(container)
        for column, cell in zip(COLUMNS[1:], cells, strict=True):
            typer.echo(f"  {output.text(column)}: {cell}")


def row(handler: Handler) -> tuple[str, ...]:
    """Return one container's cells, in the order of `COLUMNS` and in the user's language."""
    places = _places(handler)
    written, *also = handler.places.aigc or (None,)
    own = [native for name, native in handler.places.fields.items() if name != "aigc"]
    sidecar = output.text("formats-sidecar")
    return (
        f"{handler.name.upper()} ({' '.join(handler.extensions)})",
        ", ".join([*(_CARRIERS[each] for each in places), *handler.places.fields.values()]) or "–",
        ", ".join([*(f"{_CARRIERS[each]}: {places[each]}" for each in _WRITTEN if each in places), *own]) or sidecar,
        _SLOTS[written] + f", {output.text(_FORM_TEXTS[FORM_OF_SLOT[written]])}" if written else sidecar,
        ", ".join(_SLOTS[each] for each in also) or "–",
        f"{output.text('formats-embedded')}: {places['manifest']}" if "manifest" in places else sidecar,
        output.text("formats-drawn" if handler.draws_notices else "formats-not-drawn"),
    )


_FORM_TEXTS: Final[Mapping[str, str]] = {"bare": "formats-bare", "wrapped": "formats-wrapped"}


def _places(handler: Handler) -> dict[str, str]:
    return {each: place for each in _CARRIERS if (place := getattr(handler.places, each)) is not None}


def _as_json(handler: Handler) -> dict[str, Any]:
    places = _places(handler)
    written, *also = handler.places.aigc or (None,)
    return {
        "format": handler.name,
        "media": handler.media,
        "mime": handler.mime,
        "extensions": list(handler.extensions),
        "reads": list(places),
        "writes": [each for each in places if each != "iptc"],
        "places": places,
        "fields": dict(handler.places.fields),
        "aigc": {"slot": written, "form": FORM_OF_SLOT[written], "also_read": also} if written else None,
        "manifest": "embedded" if "manifest" in places else "sidecar",
        "notice": handler.draws_notices,
    }
