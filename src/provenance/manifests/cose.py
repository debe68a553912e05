"""The signing certificate out of a manifest store: JUMBF boxes, then a COSE signature in CBOR.

The binding shows only names and a serial number, which anybody can imitate. Whatever is not exactly in the expected
form has no certificate here; nothing is guessed.

Source: C2PA Technical Specification 2.2, section 11 (JUMBF) and 13.2 (COSE); RFC 9360 (x5chain); RFC 8949 (CBOR).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, TypeVar

_Item = TypeVar("_Item", list[Any], tuple[Any, ...], bytes)

_SUPERBOX: Final = b"jumb"
_DESCRIPTION: Final = b"jumd"
_CBOR: Final = b"cbor"
_LABEL_AT: Final = 17  # after the 16 bytes of type and one of toggles
_HAS_LABEL: Final = 2
_X5CHAIN: Final = (33, "x5chain")
_MAX_DEPTH: Final = 8
# CBOR: three bits of major type, five of a number or of how many bytes hold it.
_SHORT: Final = 31
_FIRST_WIDE: Final = 24
_WIDTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_BYTES: Final = 2
_STRINGS: Final = (_BYTES, 3)
_ARRAY: Final = 4
_CONTAINERS: Final = {_ARRAY: 1, 5: 2}
_TAG: Final = 6


def signing_certificate(store: bytes, manifest: str) -> bytes | None:
    """Return the DER of the certificate that signed the manifest labelled `manifest`; `None` when not to be told."""
    try:
        box = _child(_child(_only(_boxes(store), _SUPERBOX), manifest), "c2pa.signature")
        sign1, _ = _decode(_only(_boxes(box), _CBOR), 0, _MAX_DEPTH)
        chains = [value for key, value in _headers(sign1) if key in _X5CHAIN]
    except (ValueError, TypeError, LookupError, OverflowError, struct.error):
        return None
    if len(chains) != 1:
        return None
    first = chains[0][0] if isinstance(chains[0], list) and chains[0] else chains[0]
    return first if isinstance(first, bytes) else None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of each box; raise `ValueError` where a length lies."""
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        end = at + length if length else len(data)
        if not at + head <= end <= len(data):
            raise ValueError
        yield kind, data[at + head : end]
        at = end


def _only(boxes: Iterator[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    found = [content for kind, content in boxes if kind == wanted]
    if len(found) != 1:
        raise ValueError
    return found[0]


def _child(superbox: bytes, label: str) -> bytes:
    """Return the content of the one superbox labelled so inside another."""
    return _only(
        ((_label(content), content) for kind, content in _boxes(superbox) if kind == _SUPERBOX), label.encode()
    )


def _label(superbox: bytes) -> bytes:
    kind, description = next(_boxes(superbox), (b"", b""))
    if kind != _DESCRIPTION or len(description) < _LABEL_AT or not description[_LABEL_AT - 1] & _HAS_LABEL:
        raise ValueError
    return description[_LABEL_AT:].partition(b"\0")[0]


def _headers(sign1: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the entries of the protected, then of the unprotected header of a COSE_Sign1."""
    protected, unprotected, _payload, _signature = _fields(sign1, list)
    header, _ = _decode(_fields(protected, bytes), 0, _MAX_DEPTH)
    yield from _fields(header, tuple)
    yield from _fields(unprotected, tuple)


def _fields(item: Any, kind: type[_Item]) -> _Item:
    if not isinstance(item, kind):
        raise TypeError
    return item


def _decode(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Decode one CBOR item of definite length at offset `at`; return it and the offset after it.

    An array becomes a list, a map a tuple of pairs (so that a repeated key shows), a float or simple value `None`.
    """
    if not depth or at >= len(data):
        raise ValueError
    major, number = data[at] >> 5, data[at] & _SHORT
    at += 1
    if number >= _FIRST_WIDE:
        wide = data[at : at + _WIDTHS[number]]
        number, at = int.from_bytes(wide), at + len(wide)
    if major in _STRINGS:
        text = data[at : at + number]
        if len(text) != number:
            raise ValueError
        return text if major == _BYTES else text.decode(), at + number
    if major in _CONTAINERS:
        items, at = _sequence(data, at, number * _CONTAINERS[major], depth - 1)
        return items if major == _ARRAY else tuple(zip(items[::2], items[1::2], strict=True)), at
    if major == _TAG:
        return _decode(data, at, depth - 1)
    return {0: number, 1: -1 - number}.get(major), at


def _sequence(data: bytes, at: int, count: int, depth: int) -> tuple[list[Any], int]:
    items = []
    # Each item takes a byte at least, so a count that lies ends with the data.
    for _ in range(count):
        item, at = _decode(data, at, depth)
        items.append(item)
    return items, at
