"""What is wrong with the notices that were found in a finished file; what was not measured is no flaw.

The numbers are the style's (`labels/notices/`), the words and the rhythm the kind's (`labels/kinds/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from provenance.catalog import Catalog
from provenance.catalog.data import NoticeSpec, Style
from provenance.model.notice import Box, NoticeReading, Seconds
from provenance.model.observation import Observation

Flaws = Mapping[str, tuple[frozenset[str], ...]]
NO_FLAWS: Final[Flaws] = {}


def flaws_of(observation: Observation, catalog: Catalog) -> Flaws:
    """Return, by kind, the flaws of each notice that was found in a file or that something there resembled."""
    found: dict[str, tuple[frozenset[str], ...]] = {}
    for reading in observation.notices:
        kind = catalog.kinds.get(reading.kind)
        if kind is not None and (reading.found or reading.height_ratio is not None):
            flaws = frozenset(_flaws(reading, kind.notice, observation, catalog))
            found[reading.kind] = (*found.get(reading.kind, ()), flaws)
    return found


def large_and_clear(reading: NoticeReading, catalog: Catalog) -> bool:
    """Say whether a notice is as large and stands out as much as its style asks; speech and rhythm have no looks."""
    style = _style_of(reading, catalog)
    return (
        style is None
        or reading.form in {"voice", "rhythm"}
        or ((reading.height_ratio or 0) >= style.min_height_ratio and (reading.contrast or 0) >= style.min_contrast)
    )


def _style_of(reading: NoticeReading, catalog: Catalog) -> Style | None:
    kind = catalog.kinds.get(reading.kind)
    return catalog.styles[kind.notice.style] if kind is not None and kind.notice.style is not None else None


def _flaws(reading: NoticeReading, notice: NoticeSpec, seen: Observation, catalog: Catalog) -> Iterator[str]:
    style = _style_of(reading, catalog)
    if reading.covered:
        yield "covered"
    if reading.under_controls:
        yield "under-controls"
    if reading.over_content:
        yield "over-content"
    if reading.clear is False:
        yield "unclear"
    yield from _in_words(reading, notice, catalog, sound=seen.media == "audio")
    if style is not None:
        yield from _in_looks(reading, style, seen)
        if reading.seconds is not None and seen.media == "video":
            yield from _in_time(reading.seconds, style)
        if reading.pace is not None and not style.min_pace <= reading.pace <= style.max_pace:
            yield "unusual-pace"


def _in_words(reading: NoticeReading, notice: NoticeSpec, catalog: Catalog, *, sound: bool) -> Iterator[str]:
    if reading.form == "rhythm":
        if notice.rhythm is not None and reading.text != notice.rhythm:
            yield "other-rhythm"
        return
    if sound and reading.form == "text":
        yield "neither-voice-nor-rhythm"
    if notice.must_say is not None and not catalog.words[notice.must_say].said_in(reading.text):
        yield "words-missing"


def _in_looks(reading: NoticeReading, style: Style, seen: Observation) -> Iterator[str]:
    if reading.height_ratio is not None and reading.height_ratio < style.min_height_ratio:
        yield "too-small"
    if reading.contrast is not None and reading.contrast < style.min_contrast:
        yield "too-faint"
    if reading.box is not None and seen.width and seen.height:
        if min(_distances(reading.box, seen.width, seen.height)) > style.edge_ratio * min(seen.width, seen.height):
            yield "not-at-edge"
        if seen.media == "video" and reading.box.y >= seen.height * (1 - style.player_bar_ratio):
            yield "under-player-bar"


def _in_time(seconds: Seconds, style: Style) -> Iterable[str]:
    if seconds.start > 0:
        yield "not-from-start"
    if seconds.end is not None and seconds.end - seconds.start < style.min_seconds:
        yield "too-short"


def _distances(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    return box.x, box.y, width - box.x - box.width, height - box.y - box.height
