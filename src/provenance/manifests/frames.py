"""Messages between this process and its workers: JSON, bytes, and open files, over a local socket.

Nothing is unpickled, and nothing is longer than its limit, so that neither side need trust the other.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_HEAD: Final = struct.Struct(">IQ")  # lengths in bytes: of the JSON, of what follows it
MOST_JSON: Final = 16 << 20
MOST_BYTES: Final = 80 << 20
MOST_FILES: Final = 253  # what Linux takes in one message
NO_MEMORY: Final = 12
"""Exit status of a worker that cannot even say that it has run out of memory."""


class Unusable(Exception):
    """The other side said something that is no message."""


class TooLong(Unusable):
    """A message is longer than its limit."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; `files` are descriptors that the receiver owns."""

    told: dict[str, Any]
    blob: bytes = b""
    files: tuple[int, ...] = ()


def send(
    connection: socket.socket,
    told: Mapping[str, Any],
    blob: bytes = b"",
    files: Sequence[int] = (),
    until: float | None = None,
) -> None:
    """Send a message, at the latest by `until` (`time.monotonic`).

    Raises:
        TooLong: it is.
        OSError: the other side is gone; a `TimeoutError` says that it does not listen.
    """
    text = json.dumps(told).encode()
    if len(text) > MOST_JSON or len(blob) > MOST_BYTES:
        raise TooLong("too long")
    _wait_until(connection, until)
    head = _HEAD.pack(len(text), len(blob))
    if files:
        socket.send_fds(connection, [head], files)
        connection.sendall(text)
    else:
        connection.sendall(head + text)
    if blob:  # even nothing cannot be sent to a side that has answered and gone
        connection.sendall(blob)


def receive(connection: socket.socket, *, until: float | None = None) -> Frame | None:
    """Return the next message, at the latest at `until` (`time.monotonic`); None when the other side has closed.

    Raises:
        Unusable: what came is no message.
        OSError: the other side is gone; a `TimeoutError` says that it has said nothing in time.
    """
    _wait_until(connection, until)
    head, files, _, _ = socket.recv_fds(connection, _HEAD.size, MOST_FILES)
    try:
        return _frame(connection, head, tuple(files), until) if head else None
    except BaseException:
        for each in files:
            os.close(each)
        raise


def _frame(connection: socket.socket, head: bytes, files: tuple[int, ...], until: float | None) -> Frame:
    head += _exactly(connection, _HEAD.size - len(head), until)
    length, rest = _HEAD.unpack(head)
    if length > MOST_JSON or rest > MOST_BYTES:
        raise TooLong("too long")
    try:
        told = json.loads(_exactly(connection, length, until))
    except (ValueError, RecursionError) as error:
        raise Unusable(str(error)) from error
    if not isinstance(told, dict):
        raise Unusable("no object")
    return Frame(told, _exactly(connection, rest, until), files)


def _exactly(connection: socket.socket, length: int, until: float | None) -> bytes:
    found = bytearray(length)
    view, at = memoryview(found), 0
    while at < length:
        _wait_until(connection, until)
        count = connection.recv_into(view[at:])
        if not count:
            raise ConnectionResetError("closed in the middle of a message")
        at += count
    return bytes(found)


def _wait_until(connection: socket.socket, until: float | None) -> None:
    if until is None:
        return
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
