"""The worker process: it alone loads the binding, and parses what strangers wrote, under limits, without a key.

It is started by `pool` and talks over its standard input, a local socket. It ends when that closes, at once even in
the middle of native code, and when nobody has asked anything for a while.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any, BinaryIO, Final

from provenance.errors import ManifestError
from provenance.manifests import binding, frames, native, verdict

IDLE_SECONDS: Final = 60
MOST_MEMORY: Final = 1536 << 20
"""Address space in bytes; signing a film of any size takes less than a third of it as resident memory."""
_MOST_OPEN: Final = 512
_WRITTEN: Final = 1  # of the files of a request, the one that is written
_LOOKED_FOR_MS: Final = 5000
_SLACK_SECONDS: Final = 2

Reply = tuple[dict[str, Any], bytes]


def main() -> None:
    """Serve the process at the other end of standard input until it closes."""
    # Ctrl-C reaches every process of a terminal; the one that started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_blocking(2, False)
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MOST_OPEN),
        (resource.RLIMIT_AS, MOST_MEMORY),
    ):
        _limit(kind, most)
    connection = socket.socket(fileno=0)
    threading.Thread(target=_end_with, args=(connection, os.getppid()), daemon=True).start()
    connection.settimeout(IDLE_SECONDS)
    with contextlib.suppress(ManifestError):
        binding.load()  # while the first request is still being written
    try:
        serve(connection)
    except MemoryError:
        sys.exit(frames.NO_MEMORY)


def serve(connection: socket.socket) -> None:
    """Answer requests until the other side closes, says what no request is, or one has gone wrong.

    Raises:
        MemoryError: not even the request fits.
    """
    with contextlib.suppress(frames.Unusable, OSError):
        while (request := frames.receive(connection)) is not None:
            told, blob = _answered(connection, request)
            try:
                frames.send(connection, told, blob)
            except frames.Unusable as error:
                told = {"failed": "limit.size", "reason": str(error)}
                frames.send(connection, told)
            if "failed" in told:
                return


def _answered(connection: socket.socket, request: frames.Frame) -> Reply:
    with contextlib.ExitStack() as opened:
        files = [
            opened.enter_context(os.fdopen(each, "r+b" if number == _WRITTEN else "rb"))
            for number, each in enumerate(request.files)
        ]
        told: dict[str, Any]
        try:
            _limit_request(request.told)
            return _done(connection, request, files)
        except native.Refused as error:
            told = {"refused": str(error)}
        except ManifestError as error:
            told = {"library": str(error.details["reason"])}
        except MemoryError:
            told = {"failed": "limit.memory"}
        except OSError as error:
            told = {"errno": error.errno, "reason": error.strerror or str(error)}
        except (LookupError, TypeError, ValueError) as error:
            told = {"failed": "crash", "reason": repr(error)}
        return told, b""


def _done(connection: socket.socket, request: frames.Frame, files: list[BinaryIO]) -> Reply:
    told = request.told
    if told["do"] == "read":
        return {"reading": verdict.as_plain(native.read(files[0], told, request.blob))}, b""
    if told["do"] == "store":
        found = native.store(files[0], told)
        return {"found": found is not None}, found or b""
    return {}, native.sign(files, told, {name: partial(_asked, connection, name) for name in ("claim", "identity")})


def _asked(connection: socket.socket, name: str, data: bytes) -> bytes:
    """Return a signature by whoever holds the key of that name."""
    connection.settimeout(None)  # a signature may take as long as who signs needs; the other side keeps the time
    frames.send(connection, {"sign": name}, data)
    reply = frames.receive(connection)
    connection.settimeout(IDLE_SECONDS)
    return reply.blob if reply else b""


def _limit_request(told: Mapping[str, Any]) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + told["seconds"]) + _SLACK_SECONDS)
    _limit(resource.RLIMIT_FSIZE, told["most_written"])


def _limit(kind: int, most: int) -> None:
    """Lower the soft limit only: one that is told per request must go up again."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, hard))


def _end_with(connection: socket.socket, parent: int) -> None:
    """End this process when the one that started it has ended or closed the connection."""
    closed = getattr(select, "POLLRDHUP", 0)  # Linux: says so while the main thread does not read
    watch = select.poll()
    watch.register(connection.fileno(), closed)
    # A fork of the parent may keep the connection open after the parent itself has ended.
    while not watch.poll(_LOOKED_FOR_MS) and os.getppid() == parent:
        continue
    os._exit(0)
