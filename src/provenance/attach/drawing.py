"""Draw the notices that a file lacks: the step between planning and writing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from provenance import _files
from provenance.attach.carry import Drawn
from provenance.attach.options import DrawOptions
from provenance.attach.plan import Plan
from provenance.errors import MediaError, MissingExtra
from provenance.model.notice import Box, Seconds
from provenance.observe import Look

Progress = Callable[[int, int, str], None]
_SHOWN: Final = frozenset({"image", "video"})


@contextlib.contextmanager
def drawn(  # noqa: PLR0917 - what is there, what is wanted, and where
    source: Path, folder: Path, found: Look, planned: Plan, options: DrawOptions, progress: Progress | None
) -> Iterator[tuple[Drawn, list[MediaError]]]:
    """Yield the file whose picture is final, and what went differently; a scratch file in `folder` is gone afterwards.

    Raises:
        GlyphMissing: the shipped font lacks a character.
        NoticeDoesNotFit: the picture is too small, or cannot be drawn on without losing something.
        MediaError: the file cannot be decoded.
    """
    if not planned.draw:
        yield Drawn(source), []
    elif not _drawable(source, found):
        yield Drawn(source), [not_drawn(source, found, planned)]
    else:
        with _files.scratch_file(folder) as path:
            try:
                if found.container.media == "video":
                    result = _on_film(source, path, planned, options, progress)
                else:
                    result = _on_picture(source, path, found, planned)
            except MissingExtra as error:
                result = Drawn(source), [not_drawn(source, found, planned), MediaError(error.code, **error.details)]
            yield result


def not_drawn(source: Path, found: Look, planned: Plan) -> MediaError:
    """Return the warning that a file carries its label without the notice."""
    texts = ", ".join(text for _, text in planned.draw)
    still_only = found.handler.draws_notices and found.container.media == "image"
    code = "notice-not-drawn" if found.container.media in _SHOWN else "notice-not-on-medium"
    return MediaError(code, path=source, format="apng" if still_only else found.handler.name, text=texts)


def _drawable(source: Path, found: Look) -> bool:
    if not found.handler.draws_notices or found.container.media not in _SHOWN:
        return False
    if found.container.media == "video":
        return True
    from provenance import notices

    return notices.drawable(source, found.container.format)


def _on_picture(source: Path, path: Path, found: Look, planned: Plan) -> tuple[Drawn, list[MediaError]]:
    from provenance import notices

    seen = found.observation
    placed = notices.layout(planned.draw, seen.width or 0, seen.height or 0, _taken(planned))
    with path.open("wb") as file:
        result = notices.draw(source, file, placed, orientation=seen.orientation, format=str(seen.format))
    return Drawn(path, placed, result.media_change, result.method), []


def _on_film(
    source: Path, path: Path, planned: Plan, options: DrawOptions, progress: Progress | None
) -> tuple[Drawn, list[MediaError]]:
    from provenance import notices
    from provenance.notices import video

    film = video.probe(source)
    end = options.seconds if film.duration > options.seconds else None
    shown = Seconds(start=0, end=end)
    placed = tuple(
        notice.model_copy(update={"seconds": shown})
        for notice in notices.layout(planned.draw, film.width, film.height, _taken(planned))
    )
    with path.open("r+b") as file:
        result = video.draw_video(
            source,
            file,
            placed,
            seconds=(0, end),
            reencode="auto" if options.reencode else "never",
            progress=_named(progress, source),
        )
    why = [MediaError(result.reason, path=source)] if result.reason else []
    return Drawn(path, placed, result.media_change, result.method), why


def _named(progress: Progress | None, source: Path) -> Progress | None:
    """Return a callback that shows the file's name instead of what its notices need at the moment."""
    return progress and (lambda done, total, _: progress(done, total, source.name))


def _taken(planned: Plan) -> list[Box]:
    return [notice.box for notice in planned.record.notices if notice.box]
