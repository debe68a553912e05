"""Draw the notices that a file lacks: the step between planning and writing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from provenance import _files
from provenance.attach.carry import Drawn
from provenance.attach.options import DrawOptions
from provenance.attach.plan import Plan
from provenance.errors import MediaError, MissingExtra, NoticeDoesNotFit
from provenance.model.notice import Notice
from provenance.observe import Look

Progress = Callable[[int, int, str], None]
Result = tuple[Drawn, list[MediaError]]


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
    elif not _drawable(found):
        yield Drawn(source), [not_drawn(source, found, planned)]
    else:
        with _files.scratch_file(folder) as path:
            try:
                result = _put_in(source, path, found, planned, options, _named(progress, source))
            except MissingExtra as error:
                result = Drawn(source), [not_drawn(source, found, planned), MediaError(error.code, **error.details)]
            yield result


def _put_in(  # noqa: PLR0917 - as `drawn`
    source: Path, path: Path, found: Look, planned: Plan, options: DrawOptions, progress: Progress | None
) -> Result:
    media = found.container.media
    if media == "video":
        return _on_film(source, path, planned, options, progress)
    if media == "audio":
        return _in_sound(source, path, planned, options, progress)
    if media == "document":
        return _in_text(source, path, found, planned, options)
    return _on_picture(source, path, found, planned, options)


def not_drawn(source: Path, found: Look, planned: Plan) -> MediaError:
    """Return the warning that a file carries its label without the notice."""
    texts = ", ".join(text for _, text in planned.draw)
    code = "notice-not-drawn" if found.container.media in {"image", "video"} else "notice-not-on-medium"
    return MediaError(code, path=source, format=found.handler.name, text=texts)


def _drawable(found: Look) -> bool:
    """Say whether a notice can be put in at all; a picture that cannot take it is refused, not labelled without."""
    media = found.container.media
    return media == "image" or (found.handler.draws_notices and media == found.handler.media)


def laid_out(
    source: Path, planned: Plan, size: tuple[int, int], options: DrawOptions
) -> tuple[tuple[Notice, ...], list[MediaError]]:
    """Place the notices that a picture of `size` (width and height as displayed) lacks, and warn of covered ones.

    Raises:
        GlyphMissing: no font at hand has every character of a text.
        NoticeDoesNotFit: the picture is too small for them.
    """
    from provenance import notices
    from provenance.notices import safe_area

    area = safe_area.area_of(options.area)
    taken = [notice.box for notice in planned.record.notices if notice.box]
    placed = notices.layout(planned.draw, *size, taken, area=area, font=options.font)
    covered = safe_area.outside(placed, *size, area)
    return placed, [MediaError("notice-outside-safe-area", path=source, text=notice.text) for notice in covered]


def _on_picture(source: Path, path: Path, found: Look, planned: Plan, options: DrawOptions) -> Result:
    from provenance import notices

    seen = found.observation
    placed, warnings = laid_out(source, planned, (seen.width or 0, seen.height or 0), options)
    with path.open("wb") as file:
        result = notices.draw(source, file, placed, orientation=seen.orientation, format=str(seen.format))
    why = [MediaError(result.reason, path=source)] if result.reason else []
    return Drawn(path, placed, result.media_change, result.method), [*warnings, *why]


def _on_film(source: Path, path: Path, planned: Plan, options: DrawOptions, progress: Progress | None) -> Result:
    from provenance.notices import video

    film = video.probe(source)
    # A film shows its notice from the start whatever else is asked for: GB 45438-2025, 5.4 c.
    shown = video.shown_at(film.duration, ("start", *options.at), options.seconds)
    bare, warnings = laid_out(source, planned, (film.width, film.height), options)
    placed = tuple(notice.model_copy(update={"seconds": each}) for each in shown for notice in bare)
    with path.open("r+b") as file:
        result = video.draw_video(
            source,
            file,
            placed,
            reencode="auto" if options.reencode else "never",
            progress=progress,
        )
    if result.reason:
        warnings.append(MediaError(result.reason, path=source))
    return Drawn(path, placed, result.media_change, result.method), warnings


def _in_sound(source: Path, path: Path, planned: Plan, options: DrawOptions, progress: Progress | None) -> Result:
    from provenance.notices import audio

    try:
        with path.open("r+b") as file:
            result = audio.draw_audio(
                source,
                file,
                planned.draw,
                at=options.at,
                voice=options.voice,
                reencode=options.reencode,
                progress=progress and (lambda done, total, what: progress(round(done), round(total), what)),
            )
    except NoticeDoesNotFit as error:
        if error.code != "audio-not-sayable" or not _may_stay_unsaid(planned):
            raise
        return Drawn(source), [_unsaid(source, planned.draw)]
    why = [MediaError(result.reason, path=source)] if result.reason else []
    if result.unsaid:
        why.append(_unsaid(source, result.unsaid))
    return Drawn(path, result.notices, result.media_change, result.method), why


def _may_stay_unsaid(planned: Plan) -> bool:
    """Say whether a sound may go without the notices it lacks: it says another, or none of them is its own."""
    own = {label["kind"] for label in planned.record.labels if label["on"] == "asset"}
    return bool(planned.record.notices) or own.isdisjoint(kind for kind, _ in planned.draw)


def _unsaid(source: Path, texts: Sequence[tuple[str, str]]) -> MediaError:
    return MediaError("notice-not-on-medium", path=source, text=", ".join(text for _, text in texts))


def _in_text(source: Path, path: Path, found: Look, planned: Plan, options: DrawOptions) -> Result:
    from provenance.notices.in_text import draw_text

    with path.open("wb") as file:
        result = draw_text(source, file, planned.draw, format=found.handler.name, at=options.at)
    return Drawn(path, result.notices, result.media_change, result.method), []


def _named(progress: Progress | None, source: Path) -> Progress | None:
    """Return a callback that shows the file's name instead of what its notices need at the moment."""
    return progress and (lambda done, total, _: progress(done, total, source.name))
