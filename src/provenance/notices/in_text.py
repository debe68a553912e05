"""Notices in text documents: put in as a block of their own, and found again in what a reader sees.

GB 45438-2025, 5.1: a text says it at its start, its end or a suitable place in its middle. Every byte but the blocks
put in stays; HTML, Markdown and plain text keep their encoding, line ends and byte order mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Final, Literal

from provenance._files import open_input
from provenance.errors import AssetNotFound, MalformedMedia, MediaError, MediaTooLarge, UnsupportedFormat
from provenance.model.notice import Notice, NoticeReading
from provenance.notices import in_html, in_lines
from provenance.notices.refusal import WAY_ON, does_not_fit
from provenance.text.visible import TextFormat, folded, seen, shown, shows

Position = Literal["start", "middle", "end"]
FORMATS: Final[dict[str, TextFormat]] = {"text": "text", "html": "html", "markdown": "markdown"}
WINDOW: Final = 64
"""So many characters are the start of a text, and as many its end; the standard gives no number."""
# The middle first: what is put at the ends shifts it.
_ORDER: Final[tuple[Position, ...]] = ("middle", "end", "start")
_LARGEST: Final = {"text": 10_000_000, "html": 10_000_000, "markdown": 2_000_000}  # bytes
_MOST_TRIED: Final = 8  # places, where what stands around a place hides what is put there


@dataclass(frozen=True, slots=True)
class TextResult:
    """What putting notices into a text did.

    Attributes:
        notices: Those that stand in it now, those that were there among them.
        media_change: ``none`` where all of them were there.
        method: How, for a person.
        reason: Why more changed than had to; never.
    """

    notices: tuple[Notice, ...]
    media_change: Literal["none", "blocks"]
    method: str | None
    reason: None = None


def draw_text(
    source: Path,
    target: BinaryIO,
    texts: Sequence[tuple[str, str]],
    *,
    format: str,  # noqa: A002 - the word of the whole package
    at: Sequence[Position] = ("start",),
) -> TextResult:
    """Write `source` with notices as blocks of their own to `target`; what stands in a place is not put there again.

    Args:
        source: The document.
        target: An open file; written from where it stands.
        texts: ``(kind, text)`` of each notice.
        format: ``text``, ``html`` or ``markdown``.
        at: Where, of the three places that the standard names.

    Raises:
        AssetNotFound: `source` cannot be read.
        MalformedMedia: it is not in the encoding that it has to be in.
        MediaTooLarge: more than 10 MB, of Markdown 2 MB.
        NoticeDoesNotFit: it has no such place; a text of one paragraph has no middle.
        UnsupportedFormat: another format.
    """
    form = _form(format, source)
    original = data = _read(source, form)
    try:
        every = [text for _, text in texts]
        for position in (each for each in _ORDER if each in at):
            missing = [text for text in every if position not in _places(original, form, every, text)]
            if missing:
                data = _with(data, form, missing, position)
    except MediaError as error:
        error.details.setdefault("path", source)
        raise
    target.write(data)
    notices = tuple(Notice(kind=kind, text=text) for kind, text in texts)
    if data == original:
        return TextResult(notices, "none", None)
    return TextResult(notices, "blocks", f"{format}-block")


def measure_text(path: Path, stated: Sequence[Notice], *, format: str) -> tuple[NoticeReading, ...]:  # noqa: A002
    """Look for stated notices in what a reader sees of a document.

    One is found among the first or the last 64 characters, or anywhere as a line of its own; elsewhere it is only
    mentioned.

    Raises:
        AssetNotFound: it cannot be read.
        MalformedMedia: it is not in the encoding that it has to be in.
        MediaTooLarge: more than 10 MB, of Markdown 2 MB.
        UnsupportedFormat: neither ``text``, ``html`` nor ``markdown``.
    """
    form = _form(format, path)
    text = seen(_decoded(_read(path, form), form), form)
    ends = tuple(_ends(text))
    alone = _lines(text)
    return tuple(
        NoticeReading(
            kind=each.kind,
            text=each.text,
            found=_bare(each.text) in alone or any(shows(shown(end, "text"), each.text) for end in ends),
            form="text",
        )
        for each in stated
    )


def _form(name: str, path: Path) -> TextFormat:
    if name not in FORMATS:
        raise UnsupportedFormat("notice-format", way_on=WAY_ON, path=path, format=name)
    return FORMATS[name]


def _read(path: Path, form: TextFormat) -> bytes:
    limit = _LARGEST[form]
    with open_input(path) as file:
        try:
            data = file.read(limit + 1)
        except OSError as error:
            raise AssetNotFound("asset-not-readable", path=path, reason=error.strerror or str(error)) from error
    if len(data) > limit:
        raise MediaTooLarge("notice-text-too-large", way_on=WAY_ON, path=path, limit=limit // 1_000_000)
    try:
        _decoded(data, form)
    except UnicodeDecodeError as error:
        raise MalformedMedia("text-not-utf-8", path=path, offset=error.start) from error
    except MediaError as error:
        error.details.setdefault("path", path)
        raise
    return data


def _decoded(data: bytes, form: TextFormat) -> str:
    if form == "html":
        return in_html.decoded(data)
    text = data.decode("utf-8-sig")
    return text[in_lines.front_matter_end(data, form) :] if form == "markdown" else text


def _with(data: bytes, form: TextFormat, texts: Sequence[str], position: Position) -> bytes:
    """Return a document with a block for each text at a position, at the first place where a reader sees them.

    Raises:
        NoticeDoesNotFit: there is none.
    """
    blocks = in_html.blocks(data, texts, position) if form == "html" else in_lines.blocks(data, texts, position, form)
    for _, (offset, block) in zip(range(_MOST_TRIED), blocks, strict=False):
        tried = data[:offset] + block + data[offset:]
        before, after = _counted(data, form, texts), _counted(tried, form, texts)
        if all(count > was for count, was in zip(after, before, strict=True)):
            return tried
    raise does_not_fit(f"notice-no-{position}", text=texts[0])


def _counted(data: bytes, form: TextFormat, texts: Sequence[str]) -> list[int]:
    lines = [_bare(line) for line in seen(_decoded(data, form), form).splitlines()]
    return [lines.count(_bare(text)) for text in texts]


def _places(data: bytes, form: TextFormat, texts: Sequence[str], text: str) -> frozenset[Position]:
    """Return in which places a text stands as a line of its own; `texts` are all the notices, which are no content."""
    lines = [line for line in map(folded, seen(_decoded(data, form), form).splitlines()) if line]
    wanted, notices = _bare(text), {_bare(each) for each in texts}
    content = [at for at, line in enumerate(lines) if _bare(line) not in notices]
    found: set[Position] = set()
    length, end = sum(map(len, lines)), 0
    for at, line in enumerate(lines):
        start, end = end, end + len(line)
        if _bare(line) == wanted:
            reached = {"start": start < WINDOW, "end": end > length - WINDOW}
            found |= {place for place in _ORDER if reached.get(place)}
            found |= {"middle"} if content and content[0] < at < content[-1] else set()
    return frozenset(found)


def _ends(text: str) -> Iterator[str]:
    """Yield the first and the last characters that a reader sees, with the white space between them."""
    yield _first(text)
    yield _first(text[::-1])[::-1]


def _first(text: str) -> str:
    seen_so_far = accumulate(not character.isspace() for character in text)
    return text[: next((at for at, count in enumerate(seen_so_far, 1) if count == WINDOW), len(text))]


def _lines(text: str) -> frozenset[str]:
    return frozenset(map(_bare, text.splitlines()))


def _bare(line: str) -> str:
    """Return a line without what may frame a notice: white space, brackets, marks."""
    found = folded(line)
    letters = [at for at, character in enumerate(found) if character.isalnum()]
    return found[letters[0] : letters[-1] + 1] if letters else ""
