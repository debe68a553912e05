"""Values of YAML as far as a label is concerned: texts, and mappings of texts; read leniently, written quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from provenance.formats.front_matter import TOKEN, Entry, entries

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_ESCAPED: Final = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029", "\n": "",
}  # fmt: skip
_FOLD = re.compile(r"[ \t]*+\r?\n\s*+")
_HARMFUL = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_INTEGER = re.compile(r"-?\d{1,18}")
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LARGEST_CODE_POINT: Final = 0x10FFFF


def text_of(data: bytes, entry: Entry) -> str:
    """Return the value of an entry: a scalar as the text that it means, a mapping as JSON.

    Raises:
        MalformedMedia: ``front-matter-damaged``: it is a block mapping whose lines cannot be told apart.
    """
    start = data[entry.value : entry.stop]
    if not start:
        return _as_json({each.key: _inner(data, each) for each in mapping_entries(data, entry)})
    if start.startswith(b"{"):
        text = start.decode()
        return text if _is_json(text) else _as_json(dict(_flow_pairs(start)))
    return _scalar(data, entry)


def mapping_entries(data: bytes, entry: Entry) -> list[Entry]:
    """Return the entries of a value that is a block mapping; none where it is something else.

    Raises:
        MalformedMedia: ``front-matter-damaged``: its lines cannot be told apart.
    """
    at = data.find(b"\n", entry.stop, entry.end) + 1
    if entry.stop > entry.value or not at:
        return []
    first = re.compile(rb"(?:[ \t]*+(?:#[^\n]*+)?\r?\n)*+([ ]++)(?=[^\s#])").match(data, at, entry.end)
    return entries(data, at, entry.end, first[1]) if first else []


def quoted(text: str) -> str:
    """Return a text as a scalar in quotes, on one line."""
    return "'" + text.replace("'", "''") + "'" if text.isprintable() else double_quoted(text)


def double_quoted(text: str) -> str:
    """Return a text as a scalar in double quotes, on one line, as JSON and YAML both read it."""
    return _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def mapping_of(text: str) -> dict[str, str] | None:
    """Return a JSON text as a mapping of texts under plain keys; None where it is something else."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    if not (pairs and isinstance(pairs, list) and all(isinstance(pair, tuple) for pair in pairs)):
        return None
    mapping = dict(pairs)
    plain = all(_PLAIN_KEY.fullmatch(key) and isinstance(value, str) for key, value in pairs)
    return mapping if plain and len(mapping) == len(pairs) else None


def _as_json(pairs: dict[str, str | int | None]) -> str:
    return json.dumps(pairs, ensure_ascii=True, separators=(",", ":"))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _scalar(data: bytes, entry: Entry) -> str:
    start = data[entry.value : entry.stop].decode()
    if start[:1] in {'"', "'"}:
        return _text(start)
    below = data[data.find(b"\n", entry.stop, entry.end) + 1 or entry.end : entry.end].decode()
    if start[:1] in {"|", ">"}:
        lines = [line.strip() for line in below.split("\n")]
        return ("\n" if start[0] == "|" else " ").join(lines).strip()
    return _text(" ".join([start, *(line.strip() for line in below.split("\n"))]))


def _inner(data: bytes, entry: Entry) -> str | int | None:
    """Return a value inside a mapping; what is a number there is none of the texts of the standard."""
    return _typed(_scalar(data, entry), data[entry.value : entry.value + 1])


def _typed(text: str, first: bytes) -> str | int | None:
    if first in {b'"', b"'"}:
        return text
    if text in {"", "~", "null", "{}"}:
        return None
    return int(text) if _INTEGER.fullmatch(text) else text


def _flow_pairs(data: bytes) -> Iterator[tuple[str, str | int | None]]:
    """Yield the pairs of a mapping in flow style; what is nested in it is passed over."""
    depth = 0
    parts: list[bytes] = []
    for token in TOKEN.finditer(data):
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        if depth <= 1 and (token.lastgroup == "close" or token[0] == b","):
            if len(parts) > 1:
                yield _text(parts[0].decode()), _typed(_text(parts[1].decode()), parts[1][:1])
            parts = []
        elif depth == 1 and token.lastgroup in {"quoted", "plain"}:
            parts.append(token[0])


def _text(scalar: str) -> str:
    scalar = scalar.strip()
    if scalar.startswith("'"):
        return _FOLD.sub(" ", scalar[1:-1]).replace("''", "'")
    if scalar.startswith('"'):
        text = _ESCAPE.sub(_unescaped, _FOLD.sub(" ", scalar[1:-1]))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return scalar


def _unescaped(found: re.Match[str]) -> str:
    name = found[1]
    if name[0] in "xuU" and len(name) > 1:
        code = int(name[1:], 16)
        return chr(code) if code <= _LARGEST_CODE_POINT else "\ufffd"
    return _ESCAPED.get(name, name)
