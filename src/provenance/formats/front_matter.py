"""YAML front matter at the head of a text, taken apart line by line; nothing in it is ever emitted anew.

Only one margin at a time is understood: which keys stand there, and where the value of each ends. Whatever is indented
further, and every comment, goes over as it is (YAML 1.2.2, chapters 6 to 8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from provenance.errors import MalformedMedia, MediaTooLarge

LIMIT: Final = 1 << 20
"""Largest front matter that is read, in bytes."""
BOM: Final = b"\xef\xbb\xbf"
QUOTED: Final = rb""""(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'"""

_OPENS = re.compile(rb"---[ \t]*\r?\n?")
_CLOSES = re.compile(rb"(?:---|\.\.\.)[ \t]*\r?\n?")
_SILENT = re.compile(rb"[ \t]*+(?:#[^\n]*+)?\r?\n?")
# An anchor or a tag, or both, may stand before the value.
_KEY = re.compile(
    rb"""("(?:[^"\\\n]|\\.)*+"[ \t]*+|'(?:[^'\n]|'')*+'[ \t]*+"""
    rb"""|[^\s\-?:,\[\]{}#&*!|>'"%@`](?:[^:#\n]|:(?=\S)|(?<=\S)\#)*+):(?=\s|\Z)[ \t]*+"""
    rb"""(?:[&!][^\s,\[\]{}]*+(?:[ \t]++|(?=\s|\Z)))*+"""
)
_CONTINUES = re.compile(rb"[ \t]|-(?=\s|\Z)")
# Mappings that are not taken apart: in braces, or with keys behind a question mark, an anchor or a tag.
_OTHER_MAPPING = re.compile(rb"\{(?![{%%<])|\?\s|[&!][^\s,\[\]{}]*+[ \t]++%s" % _KEY.pattern)
# What a value in flow style is made of; a quote counts as one only where a scalar starts.
TOKEN = re.compile(
    rb"(?P<quoted>%s)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<mark>[,:])|(?P<gap>\s++|\#[^\n]*+)" % QUOTED
    + rb"""|(?P<plain>[^\s,:\[\]{}"'#](?:[^,:\[\]{}\n#]|:(?=[^\s,\[\]{}"'])|(?<=\S)\#)*+)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One key at a margin, with byte offsets into the file.

    Attributes:
        key: The key without its quotes.
        start: Where its line starts.
        value: Where its value starts, behind an anchor or a tag.
        stop: Where the part of the value that starts on the key's line ends, without a comment.
        end: Where its last line ends; what follows are comments, blank lines or another key.
    """

    key: str
    start: int
    value: int
    stop: int
    end: int


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The front matter of a text.

    Attributes:
        data: The file from its first byte to the end of the closing line.
        entries: Its keys, in their order.
        end: Where its closing line starts.
        eol: How its lines end.
    """

    data: bytes
    entries: tuple[Entry, ...]
    end: int
    eol: bytes


def find(file: BinaryIO) -> FrontMatter | None:
    """Return the front matter that a text starts with, or None: a line of three hyphens can be a thematic break too.

    It is front matter where the first line that says something is a key, and a closing line follows.

    Raises:
        MalformedMedia: ``front-matter-unfinished``, ``front-matter-damaged``, or ``text-not-utf-8``.
        MediaTooLarge: It has more than `LIMIT` bytes.
        OSError: Reading failed.
    """
    file.seek(0)
    first = file.readline(LIMIT)
    if not _OPENS.fullmatch(first, len(BOM) if first.startswith(BOM) else 0):
        return None
    data = bytearray(first)
    blank = says_something = False
    while line := file.readline(LIMIT):
        if _CLOSES.fullmatch(line):
            is_empty = len(data) == len(first)
            return _taken_apart(bytes(data) + line, len(first), blank) if says_something or is_empty else None
        if not says_something:
            blank |= not line.strip()
            says_something = bool(_KEY.match(line) or _OTHER_MAPPING.match(line))
            if not (says_something or _SILENT.fullmatch(line)):
                return None
        data += line
        if len(data) > LIMIT:
            raise MediaTooLarge("metadata-too-large", size=len(data), limit=LIMIT, offset=0)
    if says_something and not blank:
        raise MalformedMedia("front-matter-unfinished", offset=len(data))
    return None


def entries(data: bytes, at: int, end: int, margin: bytes = b"") -> list[Entry]:
    """Return the keys that stand at a margin between two offsets.

    Raises:
        MalformedMedia: ``front-matter-damaged``: a line there is neither key, comment nor part of a value.
    """
    found: list[Entry] = []
    while at < end:
        after = _line_end(data, at, end)
        inner = at + len(margin)
        if _SILENT.fullmatch(data, at, after):
            at = after
        elif not data.startswith(margin, at):
            raise MalformedMedia("front-matter-damaged", offset=at)
        elif key := _KEY.match(data, inner, after):
            found.append(_entry(data, at, key, end))
            at = found[-1].end
        elif found and _CONTINUES.match(data, inner):
            found[-1] = replace(found[-1], end=after)
            at = after
        else:
            raise MalformedMedia("front-matter-damaged", offset=at)
    return found


def _taken_apart(data: bytes, start: int, blank: bool) -> FrontMatter | None:  # noqa: FBT001
    end = data.rindex(b"\n", 0, -1) + 1
    try:
        data.decode()
        found = tuple(entries(data, start, end))
    except UnicodeDecodeError as error:
        raise MalformedMedia("text-not-utf-8", offset=error.start) from error
    except MalformedMedia:
        # Prose between two thematic breaks: YAML hardly ever starts with a blank line, and pandoc forbids it.
        if blank:
            return None
        raise
    return FrontMatter(data, found, end, b"\r\n" if data.endswith(b"\r\n", 0, start) else b"\n")


def _entry(data: bytes, start: int, key: re.Match[bytes], end: int) -> Entry:
    at = key.end()
    name = key[1].strip()
    if name[:1] in {b'"', b"'"}:
        name = name[1:-1]
    if data[at : at + 1] in {b'"', b"'", b"[", b"{"}:
        stop = _flow_end(data, at, end)
        after = _line_end(data, stop, end)
        if not _SILENT.fullmatch(data, stop, after):
            raise MalformedMedia("front-matter-damaged", offset=stop)
        return Entry(name.decode(), start, at, stop, after)
    after = _line_end(data, at, end)
    text = data[at:after]
    for comment in (b" #", b"\t#"):
        text = text.partition(comment)[0]
    text = b"" if text.startswith(b"#") else text.rstrip()
    return Entry(name.decode(), start, at, at + len(text), after)


def _flow_end(data: bytes, at: int, end: int) -> int:
    """Return where a quoted scalar or a flow collection ends, which may be some lines below."""
    depth = 0
    while token := TOKEN.match(data, at, end):
        at = token.end()
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        if depth <= 0:
            return at
    raise MalformedMedia("front-matter-damaged", offset=at)


def _line_end(data: bytes, at: int, end: int) -> int:
    return data.find(b"\n", at, end) + 1 or end
