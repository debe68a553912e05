"""Where a block goes in plain text and in Markdown, and how it is written there."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from provenance.formats import front_matter
from provenance.text.markdown import blocks_of, escaped

_LINE_END: Final = re.compile(rb"\r\n?|\n")
_BLANK: Final = re.compile(rb"(?:\A|(?<=\n)|(?<=\r))[ \t]*(?:\r\n?|\n)")


def blocks(
    data: bytes, texts: Sequence[str], position: Literal["start", "middle", "end"], form: str
) -> Iterator[tuple[int, bytes]]:
    """Yield the places of a block with its bytes for each, the best first; `form` is ``text`` or ``markdown``."""
    found = _LINE_END.search(data)
    eol = found[0] if found else b"\n"
    lines = [f"> {escaped(text)}" if form == "markdown" else text for text in texts]
    # In Markdown each text is a paragraph of the quotation, so that none runs into the next.
    block = ((eol + b">" + eol) if form == "markdown" else eol).join(line.encode() for line in lines)
    start, mark = _start(data, form), len(_mark(data))
    for offset in _offsets(data, start, position, form):
        yield offset, _parted(data[mark:], offset - mark, block, eol)


def front_matter_end(data: bytes, form: str) -> int:
    """Return how many characters of a text are front matter, the byte order mark not counted."""
    return len(data[len(_mark(data)) : _start(data, form)].decode())


def _mark(data: bytes) -> bytes:
    return front_matter.BOM if data.startswith(front_matter.BOM) else b""


def _start(data: bytes, form: str) -> int:
    """Return where the text itself starts: behind its byte order mark and its front matter."""
    found = front_matter.find(io.BytesIO(data)) if form == "markdown" else None
    return len(found.data) if found else len(_mark(data))


def _offsets(data: bytes, start: int, position: str, form: str) -> Iterator[int]:
    if position == "start":
        yield start
        return
    ends = _ends(data, start, form)
    if position == "end":
        # What nothing closes, such as a code block, goes on to the end of the file: then before it.
        if form != "markdown" or _takes_more(data[start:].decode()):
            yield len(data)
        yield from ends[-1:]
        return
    middle = start + (len(data) - start) // 2
    yield from sorted(ends, key=lambda offset: abs(offset - middle))


def _takes_more(text: str) -> bool:
    """Say whether what follows a Markdown text is a block of its own."""
    return any(block.kind == "blockquote" and block.start >= len(text) for block in blocks_of(f"{text}\n\n> …\n"))


def _ends(data: bytes, start: int, form: str) -> list[int]:
    """Return where something may be put between two paragraphs."""
    if form == "markdown":
        text = data[start:].decode()
        offsets, at, before = [], start, 0
        for block in blocks_of(text):
            at += len(text[before : block.start].encode())
            before = block.start
            offsets.append(at)
        return offsets[1:]
    rest = data[start:]
    inside = range(start + len(rest) - len(rest.lstrip()) + 1, start + len(rest.rstrip()))
    paragraphs = [found.end() for found in _BLANK.finditer(data, start) if found.end() in inside]
    return paragraphs or [found.end() for found in _LINE_END.finditer(data, start) if found.end() in inside]


def _parted(text: bytes, offset: int, block: bytes, eol: bytes) -> bytes:
    """Return a block with a blank line on each side, unless there is one or nothing stands there."""
    tail = text[max(0, offset - 4) : offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    before = eol * max(0, 2 - (len(tail) - len(tail.rstrip(b"\n")))) if tail else b""
    after = eol if offset < len(text) and not _LINE_END.match(text, offset) else b""
    return before + block + eol + after
