"""Ctrl-C while a library written in C calls back: Python would raise it inside the callback, where ctypes drops it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let no signal handler run before the block ends; then run those that are due, whatever they raise.

    Outside the main thread Python runs none, so there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    every = {int(number): signal.getsignal(number) for number in signal.valid_signals()}
    handlers = {number: own for number, own in every.items() if callable(own)}
    due: list[tuple[int, FrameType | None]] = []
    inside = True

    def note(number: int, frame: FrameType | None) -> None:
        if inside:
            due.append((number, frame))
        else:
            # Another signal broke off the loop below before it came to this one.
            handlers[number](number, frame)

    try:
        for number in handlers:
            signal.signal(number, note)
        yield
    finally:
        inside = False
        for number, own in handlers.items():
            signal.signal(number, own)
        for number, frame in due:
            handlers[number](number, frame)
