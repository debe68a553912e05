"""Notices of which the file's own record says nothing: looked for where they are expected, or read where asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provenance.errors import MediaError, MissingExtra
from provenance.model.notice import NoticeReading
from provenance.model.observation import Evidence, Observation, Remark

_SHOWN: Final = frozenset({"image", "video"})


@dataclass(frozen=True, slots=True)
class Sought:
    """What to look for beyond what a file's record states.

    Attributes:
        texts: Notices that may be there, as (kind, text).
        kind_of: Says of which kind a text is the notice, if of any, to read whatever stands in pictures; `None` reads
            nothing. Reading needs the ``[ocr]`` extra.
    """

    texts: tuple[tuple[str, str], ...] = ()
    kind_of: Callable[[str], str | None] | None = None


NOTHING: Final = Sought()


def with_sought(seen: Observation, path: Path, sought: Sought) -> Observation:
    """Return an observation with the notices that were sought and found; each is evidence of its own carrier.

    Raises:
        MissingExtra: text is to be read, and the extra is not installed.
    """
    if seen.media not in _SHOWN or sought == NOTHING:
        return seen
    # A kind whose notice is there already needs no second one.
    there = {each.kind for each in seen.notices if each.found}
    found = [*_expected(seen, path, [each for each in sought.texts if each[0] not in there])]
    remarks: list[Remark] = []
    if sought.kind_of is not None and seen.media == "image":
        try:
            found += _read(seen, path, sought.kind_of, {each.text for each in (*seen.notices, *found)})
        except MediaError as error:
            remarks.append(Remark(code=error.code, details=error.details))
    return seen.model_copy(
        update={
            "notices": (*seen.notices, *found),
            "evidence": (*seen.evidence, *(Evidence(**_statement(each)) for each in found if each.found)),
            "remarks": (*seen.remarks, *remarks),
        }
    )


def _expected(seen: Observation, path: Path, texts: Sequence[tuple[str, str]]) -> Iterator[NoticeReading]:
    """Yield what is there of `texts`; nothing where the file cannot be looked at, since nothing states them."""
    if not texts:
        return
    with contextlib.suppress(MediaError, MissingExtra):
        yield from map(_unstated, _searched(seen, path, texts))


def _searched(seen: Observation, path: Path, texts: Sequence[tuple[str, str]]) -> tuple[NoticeReading, ...]:
    if seen.media == "video":
        from provenance.notices.video_measure import search_video

        return search_video(path, texts)
    from provenance import notices

    return notices.search(path, texts, orientation=seen.orientation)


def _read(
    seen: Observation, path: Path, kind_of: Callable[[str], str | None], known: set[str]
) -> Iterator[NoticeReading]:
    from provenance.notices.ocr import read_notices

    for reading in read_notices(path, kind_of, orientation=seen.orientation):
        if reading.text not in known:
            yield _unstated(reading)


def _unstated(reading: NoticeReading) -> NoticeReading:
    return reading.model_copy(update={"stated": False})


def _statement(reading: NoticeReading) -> dict[str, object]:
    return {"kind": reading.kind, "carrier": "notice", "location": reading.text, "value": {}}
