"""The workers of this process: started when first needed, kept warm, few, and replaced when a file has ended one.

Started as programs of their own, never forked off: a fork of a process with threads may hang, and would hold its keys.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from provenance.errors import ManifestError
from provenance.manifests import frames

Signs = Callable[[bytes], bytes]

MOST_WORKERS: Final = 4
IDLE_SECONDS: Final = 50
"""Less than a worker itself waits, so that none is asked while it ends."""
SECONDS: Final = 30
_BYTES_A_SECOND: Final = 4 << 20
_LARGE: Final = 64 << 20
_LARGE_AT_ONCE: Final = 2  # each takes half a gigabyte of memory, however many workers there are
_GROWTH: Final = 256 << 20  # what a manifest, with all those before it, may add to a file
_DYING_SECONDS: Final = 5
_TOLD: Final = 65536
# All that a worker gets to know: no credentials.
_ENVIRONMENT: Final = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "TZ",
    "COVERAGE_PROCESS_START",
)
# glibc gives large blocks back to the kernel at once and has them cleared anew for the next: a third of a signature.
_ALLOCATION: Final = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
_PROGRAM: Final = "import sys; sys.path[:0] = sys.argv[1:]; from provenance.manifests.worker import main; main()"
# What is signed is a COSE Sig_structure over a claim (RFC 9052, 4.4) and nothing else that a key might be asked for.
_SIGNED: Final = b"\x84\x6aSignature1"
_LONGEST_SIGNED: Final = 1 << 20


class WorkerFailed(Exception):
    """A file has ended its worker; `code` is ``crash``, ``limit.time``, ``limit.memory`` or ``limit.size``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


def ask(
    request: Mapping[str, Any],
    *,
    blob: bytes = b"",
    files: Sequence[BinaryIO] = (),
    size: int,
    signs: Mapping[str, Signs] | None = None,
) -> frames.Frame:
    """Have a worker do something, and return its answer.

    Args:
        request: Plain JSON, ``do`` the operation; see `worker`.
        blob: Bytes that belong to it.
        files: Open files that belong to it; the second is written to.
        size: How many bytes there are to go through, which gives the time.
        signs: How a ``claim`` and an ``identity`` are signed; whatever that raises comes out of this call.

    Raises:
        WorkerFailed: the worker ended, or had to be ended.
        ManifestError: no worker can be started.
    """
    seconds = SECONDS + size / _BYTES_A_SECOND
    told = {**request, "seconds": seconds, "most_written": _most_written(size)}
    with _pool.large if size > _LARGE else contextlib.nullcontext():
        worker = _pool.taken()
        try:
            answer = worker.ask(told, blob, [each.fileno() for each in files], time.monotonic() + seconds, signs)
        except BaseException:
            _pool.drop(worker)
            raise
        _pool.give_back(worker)
    return answer


def _most_written(size: int) -> int:
    own, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = size + _GROWTH
    return most if own == resource.RLIM_INFINITY else min(own, most)


class _Worker:
    """One process and the socket to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        roots = [str(Path(__file__).parents[2]), *(each for each in sys.path if each)]
        command = [sys.executable, "-I", "-c", _PROGRAM, *roots]
        environment = _ALLOCATION | {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            with theirs:
                self.process = subprocess.Popen(  # noqa: S603 - this program, again
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    cwd="/",
                    env=environment,
                )
        except OSError as error:
            ours.close()
            raise ManifestError("manifest-worker-not-started", reason=error, python=sys.executable) from error
        self.connection, self.idle_since = ours, 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether it still waits for a request."""
        return time.monotonic() - self.idle_since < IDLE_SECONDS and self.process.poll() is None

    def ask(
        self,
        told: Mapping[str, Any],
        blob: bytes,
        files: Sequence[int],
        until: float,
        signs: Mapping[str, Signs] | None,
    ) -> frames.Frame:
        try:
            left = dict(signs or {})
            frames.send(self.connection, told, blob, files, until)
            while True:
                reply = frames.receive(self.connection, until=until)
                if reply is None:
                    raise self.failure()
                if "failed" in reply.told:
                    raise WorkerFailed(str(reply.told["failed"]), str(reply.told.get("reason", "")))
                if "sign" not in reply.told:
                    return reply
                began = time.monotonic()
                signature = _signature(left.pop(str(reply.told["sign"]), None), reply.blob)
                until += time.monotonic() - began
                frames.send(self.connection, {}, signature, until=until)
        except TimeoutError:
            raise WorkerFailed("limit.time", f"no answer in {told['seconds']:.0f} s") from None
        except frames.Unusable as error:
            code = "limit.size" if isinstance(error, frames.TooLong) else "crash"
            raise WorkerFailed(code, str(error)) from error
        except OSError as error:
            raise self.failure() from error

    def failure(self) -> WorkerFailed:
        """Say why a worker that has closed its connection ended."""
        try:
            status = self.process.wait(_DYING_SECONDS)
        except subprocess.TimeoutExpired:
            return WorkerFailed("crash", "connection closed")
        told = self.told()
        if status == -signal.SIGXCPU:
            return WorkerFailed("limit.time", "SIGXCPU")
        if status == frames.NO_MEMORY or "memory allocation of" in told:
            return WorkerFailed("limit.memory", told.strip())
        name = signal.Signals(-status).name if -status in signal.valid_signals() else f"exit status {status}"
        return WorkerFailed("crash", f"{name} {told.strip()}".strip())

    def told(self) -> str:
        """Return what the native library has printed."""
        errors = self.process.stderr
        if errors is None:
            return ""
        os.set_blocking(errors.fileno(), False)
        with contextlib.suppress(OSError):
            return os.read(errors.fileno(), _TOLD).decode("utf-8", "replace")
        return ""

    def end(self, *, kill: bool = True) -> None:
        """Close the connection, at which a worker ends by itself, and wait until it has."""
        if kill:
            self.process.kill()
        self.connection.close()
        try:
            self.process.wait(_DYING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()

    def forget(self) -> None:
        """Let go, in a forked child, of a worker that is the parent's."""
        self.connection.close()
        if self.process.stderr:
            self.process.stderr.close()
        self.process.returncode = 0


def _signature(signs: Signs | None, data: bytes) -> bytes:
    """Sign each once a request: whatever else it is asked for, a worker that is no longer ours has made up."""
    if signs is None or not data.startswith(_SIGNED) or len(data) > _LONGEST_SIGNED:
        raise WorkerFailed("crash", "asked to sign what is no claim")
    return signs(data)


class _Pool:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._starting = 0
        self.large = threading.BoundedSemaphore(_LARGE_AT_ONCE)
        self._most = max(2, min(MOST_WORKERS, _processors()))

    def taken(self) -> _Worker:
        """Return a worker that nobody else uses; start one, or wait, where there is none."""
        with self._changed:
            while True:
                while self._idle:
                    worker = self._idle.pop()
                    if worker.is_fresh:
                        return worker
                    self._all.discard(worker)
                    worker.end(kill=False)
                if len(self._all) + self._starting < self._most:
                    self._starting += 1
                    break
                self._changed.wait()
        try:
            worker = _Worker()
        except BaseException:
            with self._changed:
                self._starting -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._starting -= 1
            self._all.add(worker)
        return worker

    def give_back(self, worker: _Worker) -> None:
        """Let others use a worker."""
        worker.told()
        worker.idle_since = time.monotonic()
        with self._changed:
            self._idle.append(worker)
            self._changed.notify()

    def drop(self, worker: _Worker) -> None:
        """End a worker that cannot be used again."""
        worker.end()
        with self._changed:
            self._all.discard(worker)
            self._changed.notify()

    def close(self) -> None:
        """End those that wait."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._all.difference_update(idle)
        for worker in idle:
            worker.end(kill=False)

    def forget(self) -> None:
        """Start anew in a forked child, where whoever held the lock is gone."""
        for worker in self._all:
            worker.forget()
        self.__init__()  # type: ignore[misc]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_pool: Final = _Pool()
atexit.register(_pool.close)
os.register_at_fork(after_in_child=_pool.forget)
