"""Change one box of an MP4 file whose index comes last, so that nothing else moves (ISO/IEC 14496-12)."""

import struct
from collections.abc import Callable, Iterator

TABLES = "moov/trak/mdia/minf/stbl"
ENTRY_HEAD = 86  # bytes of a sample entry of pictures before its boxes


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload) + 8) + kind + payload


def full(kind: bytes, payload: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags) + payload)


def numbers(*values: int, form: str = "I") -> bytes:
    return struct.pack(f">{len(values)}{form}", *values)


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and payload of each box in a row of them."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size


def payload_of(data: bytes, path: str, nth: int = 0) -> bytes:
    """Return the payload of the first box at a path; `nth` is which one of the outermost kind but `moov`."""
    for at, step in enumerate(path.split("/")):
        found = [payload for kind, payload in boxes(data) if kind == step.encode()]
        data = found[nth if at == 1 else 0]
    return data


def changed(data: bytes, path: str, change: Callable[[bytes], bytes], nth: int = 0) -> bytes:
    """Return a file in which `change` made of the payload of a box what stands in the place of the whole box."""
    return _changed(data, path.split("/"), change, nth)


def _changed(data: bytes, path: list[str], change: Callable[[bytes], bytes], nth: int) -> bytes:
    pieces, seen = [], 0
    for kind, payload in boxes(data):
        piece = box(kind, payload)
        if kind == path[0].encode():
            if seen == nth or kind == b"moov":
                inner = path[1:]
                # Only the track is counted: of all else the first one is meant.
                at = nth if inner[:1] == ["trak"] else 0
                piece = box(kind, _changed(payload, inner, change, at)) if inner else change(payload)
            seen += 1
        pieces.append(piece)
    assert seen > nth or path[0] == "moov"
    return b"".join(pieces)


def added(data: bytes, path: str, *new: bytes, nth: int = 0) -> bytes:
    """Return a file with boxes behind the others in a box."""
    kind = path.rsplit("/", 1)[-1].encode()
    return changed(data, path, lambda payload: box(kind, payload + b"".join(new)), nth)


def replaced(data: bytes, path: str, new: bytes, nth: int = 0) -> bytes:
    """Return a file with a whole box, or nothing, in the place of one."""
    payload_of(data, path, nth)
    return changed(data, path, lambda _: new, nth)


def with_entry(data: bytes, change: Callable[[bytes], bytes], count: int = 1) -> bytes:
    """Return a file whose first sample entry `change` has made something else of; it takes and returns it whole."""

    def description(payload: bytes) -> bytes:
        size = int.from_bytes(payload[8:12], "big")
        return full(b"stsd", numbers(count) + change(payload[8 : 8 + size]) * count)

    return changed(data, f"{TABLES}/stsd", description)


def with_inner(data: bytes, *new: bytes) -> bytes:
    """Return a file with more boxes in its first sample entry."""
    return with_entry(data, lambda entry: box(entry[4:8], entry[8:] + b"".join(new)))
