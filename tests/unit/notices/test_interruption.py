"""A signal while C calls back reaches the caller: none is dropped, and every handler is as before."""

import os
import signal
import threading
import time

import pytest

from provenance._interruption import held_back
from provenance.notices import jpeg_blocks

from .conftest import drawn, encoded, notices_for, scene


@pytest.fixture(autouse=True)
def handlers_stay():
    """Make both signals unwind, as the command does, and see to it that no handler was left changed.

    A shell that put the tests into the background has SIGINT ignored.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    expected = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield
    assert {number: signal.getsignal(number) for number in signal.valid_signals()} == expected
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)
    time.sleep(0)  # a place where Python may run its handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_raised_when_the_block_has_ended(number):
    reached = False
    with pytest.raises(KeyboardInterrupt), held_back():
        send(number)
        reached = True
    assert reached


def test_a_signal_counts_more_than_the_error_it_may_have_caused():
    with pytest.raises(KeyboardInterrupt) as caught, held_back():
        send(signal.SIGINT)
        raise RuntimeError
    assert isinstance(caught.value.__context__, RuntimeError)


def test_a_handler_that_raises_nothing_runs_once_and_the_block_goes_on():
    seen = []
    before = signal.signal(signal.SIGALRM, lambda number, _: seen.append(number))
    try:
        with held_back():
            send(signal.SIGALRM)
            assert seen == []
        assert seen == [signal.SIGALRM]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_what_has_no_handler_in_python_stays_so():
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        with held_back():
            assert signal.getsignal(signal.SIGALRM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_signal_while_handlers_come_back_is_not_lost(monkeypatch):
    """The first one restored breaks off the restoring; the other must not vanish into the list of what is due."""
    install, restored = signal.signal, []

    def interrupted(number, handler):
        result = install(number, handler)
        if handler is signal.default_int_handler and not restored:
            restored.append(number)
            send(number)
        return result

    monkeypatch.setattr(signal, "signal", interrupted)
    with pytest.raises(KeyboardInterrupt), held_back():
        pass
    monkeypatch.undo()
    (other,) = {signal.SIGINT, signal.SIGTERM} - set(restored)
    assert signal.getsignal(other) is not signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        send(other)
    signal.signal(other, signal.default_int_handler)


def test_another_thread_leaves_the_handlers_alone():
    seen = []

    def look():
        with held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


@pytest.mark.skipif(not jpeg_blocks.available(), reason="libturbojpeg is not installed")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("call", [0, 1, 40])
def test_a_signal_in_a_row_of_blocks_ends_the_drawing(tmp_path, monkeypatch, number, call):
    blender = jpeg_blocks._blender

    def signalled(*arguments):
        blend = blender(*arguments)
        calls = iter(range(100_000))

        def row(*given):
            if next(calls) == call:
                # Outside the part that catches: where ctypes would print the interruption and drop it.
                send(number)
            return blend(*given)

        return row

    monkeypatch.setattr(jpeg_blocks, "_blender", signalled)
    with pytest.raises(KeyboardInterrupt):
        drawn(encoded(scene(), "JPEG"), notices_for(701, 541), tmp_path)
    assert (tmp_path / "out.jpeg").read_bytes() == b""


@pytest.mark.skipif(not jpeg_blocks.available(), reason="libturbojpeg is not installed")
def test_a_signal_at_any_moment_ends_the_drawing(tmp_path):
    data, notices = encoded(scene(4000, 3000), "JPEG", quality=90), notices_for(4000, 3000)
    drawn(data, notices, tmp_path)  # loads what is loaded once
    begun = time.perf_counter()
    drawn(data, notices, tmp_path)
    whole = time.perf_counter() - begun
    for share in (0.1, 0.3, 0.5, 0.6, 0.7, 0.8):
        timer = threading.Timer(whole * share, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            drawn(data, notices, tmp_path)
            # The drawing was faster than before: the signal comes here, and is no proof of anything.
            timer.join()
            time.sleep(whole)
