"""A file that ends, fills or stops the native library ends one worker: the caller is told, and others go on."""

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from provenance.errors import CertificateRejected, ManifestError, SigningFailed
from provenance.manifests import frames, pool, worker
from provenance.manifests.read import read, store_in
from provenance.manifests.signer import Signer
from provenance.manifests.write import Claim, Ingredient, plan_actions, sign, sign_beside

FULL_PROOF = os.environ.get("PROVENANCE_PROOF") == "full"
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
CREATED = plan_actions(CAPTURE, has_manifest=False, notice_drawn=False)
OPENED = plan_actions(None, has_manifest=True, notice_drawn=False)
HEAD = struct.Struct(">IQ")


def jpeg(path, trust=()):
    return read(path, mime="image/jpeg", trust=trust)


@pytest.fixture
def workers(monkeypatch):
    """A pool of this test's own."""
    own = pool._Pool()
    monkeypatch.setattr(pool, "_pool", own)
    yield own
    own.close()


@pytest.fixture
def only(workers, monkeypatch):
    """The one worker there is, after it has served once; `only()` returns it."""
    monkeypatch.setattr(workers, "_most", 1)

    def one():
        (each,) = workers._all
        return each.process

    return one


@dataclass(frozen=True)
class Doing(Signer):
    """A signer of the caller's own, which does something else first."""

    does: object = None

    def sign(self, data):
        made = self.does()
        return super().sign(data) if made is None else made


def doing(signer, does):
    return Doing(**{each.name: getattr(signer, each.name) for each in fields(Signer)}, does=does)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def soon(holds, seconds=10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


# --- files that end a worker ----------------------------------------------------------------------------------------


def test_a_label_that_aborts_the_library_is_unreadable_and_nobody_else_is_hurt(hostile, signed, workers, trust):
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: jpeg(hostile if number % 3 == 0 else signed, trust), range(12)))
    assert [each.state for each in found] == ["unreadable" if number % 3 == 0 else "trusted" for number in range(12)]
    assert found[0].codes == ("crash",)
    assert "SIGABRT" in found[0].reason
    assert "char boundary" in found[0].reason


def test_no_store_is_taken_out_of_a_file_that_ends_the_worker(hostile):
    assert store_in(hostile, mime="image/jpeg") is None


def test_a_parent_that_aborts_the_library_stops_the_signing_and_leaves_nothing(hostile, tmp_path, signer):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SigningFailed) as caught:
        claim = Claim({}, OPENED, Ingredient(hostile, "image/jpeg", "hostile.jpg"))
        sign(hostile, tmp_path / "out.jpg", claim, mime="image/jpeg", signer=signer)
    assert (caught.value.code, caught.value.details["cause"]) == ("signing-broken-off", "crash")
    assert sorted(tmp_path.iterdir()) == before


def test_a_worker_that_does_not_answer_is_ended_when_its_time_is_up(signed, only, trust, monkeypatch):
    jpeg(signed)
    first = only()
    os.kill(first.pid, signal.SIGSTOP)
    monkeypatch.setattr(pool, "SECONDS", 0.3)
    began = time.monotonic()
    found = jpeg(signed)
    assert (found.state, found.codes) == ("unreadable", ("limit.time",))
    assert 0.3 <= time.monotonic() - began < 10
    assert first.returncode == -signal.SIGKILL
    monkeypatch.undo()
    assert jpeg(signed, trust).state == "trusted"


def test_more_processor_time_than_allowed_is_the_limit_of_time(signed, only):
    jpeg(signed)
    process = only()
    process.send_signal(signal.SIGXCPU)
    process.wait()
    # It ended while it waited, which is no file's fault.
    assert jpeg(signed).state == "valid"
    died = pool._Worker()
    died.process.send_signal(signal.SIGXCPU)
    assert died.failure().code == "limit.time"
    died.end()


def test_more_memory_than_allowed_is_the_limit_of_memory(signed, only):
    large = signed.with_name("large.jpg")
    large.write_bytes(signed.read_bytes() + bytes(96 << 20))
    assert jpeg(large).state == "invalid"
    process = only()
    used = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(process.pid, resource.RLIMIT_AS, (used + (1 << 16), resource.RLIM_INFINITY))
    manifest = b"".join(struct.pack(">I", 1 << 26) + b"jumb" for _ in range(2)) + bytes(64 << 20)
    found = read(signed, mime="image/jpeg", beside=manifest)
    assert (found.state, found.codes) == ("unreadable", ("limit.memory",)), found.reason
    assert jpeg(signed).state == "valid"


def test_an_answer_that_is_too_long_is_the_limit_of_size(signed, worker_in_thread, monkeypatch):
    monkeypatch.setattr(frames, "MOST_JSON", 600)
    found = jpeg(signed)
    assert (found.state, found.codes) == ("unreadable", ("limit.size",))


@pytest.mark.parametrize(
    ("raised", "code"), [(MemoryError(), "limit.memory"), (KeyError("x"), "crash"), (OSError(5, "I/O"), "crash")]
)
def test_what_goes_wrong_in_a_worker_is_unreadable(signed, worker_in_thread, monkeypatch, raised, code):
    def fails(*_):
        raise raised

    monkeypatch.setattr(worker.native, "read", fails)
    found = jpeg(signed)
    assert (found.state, found.codes) == ("unreadable", (code,)), found.reason


# --- signing --------------------------------------------------------------------------------------------------------


def test_a_worker_killed_in_the_middle_of_signing_is_said_and_leaves_nothing(photo, tmp_path, signer, only):
    killing = doing(signer, lambda: only().kill())
    for write, target in ((sign, "out.jpg"), (sign_beside, "out.c2pa")):
        options = {"mime": "image/jpeg"} if write is sign else {}
        with pytest.raises(SigningFailed) as caught:
            write(photo, tmp_path / target, Claim({}, CREATED), signer=killing, **options)
        assert (caught.value.code, caught.value.details["cause"]) == ("signing-broken-off", "crash")
        assert "crash" in str(caught.value)
        assert [each.name for each in tmp_path.iterdir()] == ["photo.jpg"]
        sign(photo, tmp_path / "good.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)
        (tmp_path / "good.jpg").unlink()


@pytest.mark.parametrize("raised", [ZeroDivisionError("1/0"), TimeoutError("token"), ConnectionResetError("kms")])
def test_what_a_signer_raises_comes_out(photo, tmp_path, signer, raised):
    def fails():
        raise raised

    with pytest.raises(SigningFailed) as caught:
        sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=doing(signer, fails))
    assert caught.value.code == "signer-failed"
    assert caught.value.__cause__ is raised
    assert str(raised) in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["photo.jpg"]


def test_our_own_error_and_an_interruption_of_a_signer_come_out_as_they_are(photo, tmp_path, signer):
    for raised in (CertificateRejected("certificate-not-pem"), KeyboardInterrupt()):

        def fails(raised=raised):
            raise raised

        with pytest.raises(type(raised)):
            sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=doing(signer, fails))
        assert [each.name for each in tmp_path.iterdir()] == ["photo.jpg"]


@pytest.mark.parametrize(("made", "code"), [(b"", "signer-failed"), (7, "signer-failed"), (b"wrong", "signing-failed")])
def test_what_is_no_signature_is_refused(photo, tmp_path, signer, made, code):
    with pytest.raises(SigningFailed) as caught:
        sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=doing(signer, lambda: made))
    assert caught.value.code == code
    assert [each.name for each in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_slow_signer_is_given_its_time(photo, tmp_path, signer, monkeypatch):
    jpeg(photo)
    monkeypatch.setattr(pool, "SECONDS", 1.5)
    slow = doing(signer, lambda: time.sleep(2))
    sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=slow)
    assert jpeg(tmp_path / "out.jpg").state == "valid"


def test_a_worker_gets_one_signature_of_one_claim():
    for signs, data in ((None, b"\x84jSignature1"), (bytes, b"pay me"), (bytes, b"\x84jSignature1" + bytes(1 << 20))):
        with pytest.raises(pool.WorkerFailed, match="no claim"):
            pool._signature(signs, data)
    assert pool._signature(bytes, b"\x84jSignature1.") == b"\x84jSignature1."


def test_no_worker_ever_holds_a_key(photo, tmp_path, signer, only):
    def looked():
        process = only()
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"PROVENANCE" not in environment
        secret = b"".join(signer.key.splitlines()[1:-1])[:48]
        with Path(f"/proc/{process.pid}/maps").open() as maps, Path(f"/proc/{process.pid}/mem").open("rb") as memory:
            for line in maps:
                span, access = line.split()[:2]
                if access.startswith("rw") and "[v" not in line:
                    start, end = (int(each, 16) for each in span.split("-"))
                    with contextlib.suppress(OSError):
                        memory.seek(start)
                        assert secret not in memory.read(end - start)

    sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=doing(signer, looked))


# --- processes ------------------------------------------------------------------------------------------------------


def test_workers_are_few_and_reused(signed, workers):
    with ThreadPoolExecutor(12) as threads:
        assert {each.state for each in threads.map(lambda _: jpeg(signed), range(60))} == {"valid"}
    assert 1 <= len(workers._all) <= max(2, min(pool.MOST_WORKERS, os.cpu_count()))
    assert len(workers._idle) == len(workers._all)


def test_large_files_are_read_two_at_a_time(signed, workers, monkeypatch):
    monkeypatch.setattr(workers, "_most", 4)
    monkeypatch.setattr(pool, "_LARGE", 0)
    now, most, lock = 0, 0, threading.Lock()
    taken, give_back = workers.taken, workers.give_back

    def take():
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        return taken()

    def back(worker):
        nonlocal now
        with lock:
            now -= 1
        give_back(worker)

    monkeypatch.setattr(workers, "taken", take)
    monkeypatch.setattr(workers, "give_back", back)
    with ThreadPoolExecutor(6) as threads:
        assert {each.state for each in threads.map(lambda _: jpeg(signed), range(12))} == {"valid"}
    assert most == 2


def test_they_serve_threads_of_an_event_loop(signed):
    async def many():
        return await asyncio.gather(*(asyncio.to_thread(jpeg, signed) for _ in range(8)))

    assert {each.state for each in asyncio.run(many())} == {"valid"}


def test_one_that_has_idled_for_long_or_was_killed_is_replaced(signed, only, monkeypatch):
    jpeg(signed)
    first = only()
    first.kill()
    first.wait()
    assert jpeg(signed).state == "valid"
    second = only()
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0)
    assert jpeg(signed).state == "valid"
    assert second.returncode == 0
    assert only().pid not in {first.pid, second.pid}


def test_one_that_nobody_asks_ends_by_itself():
    ours, theirs = socket.socketpair()
    theirs.settimeout(0.05)
    thread = threading.Thread(target=worker.serve, args=(theirs,))
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    ours.close()
    theirs.close()
    assert pool.IDLE_SECONDS < worker.IDLE_SECONDS


def test_ctrl_c_reaches_no_worker(signed, only):
    jpeg(signed)
    only().send_signal(signal.SIGINT)
    time.sleep(0.1)
    assert jpeg(signed).state == "valid"
    assert only().poll() is None


def test_limits_hold_in_a_worker(signed, only):
    jpeg(signed)
    limits = Path(f"/proc/{only().pid}/limits").read_text()
    soft = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
    assert soft["Max core file size"] == "0"
    assert int(soft["Max address space"]) == worker.MOST_MEMORY
    assert int(soft["Max open files"]) <= 512
    assert int(soft["Max cpu time"]) < 60
    assert int(soft["Max file size"]) < 1 << 30
    assert len(list(Path(f"/proc/{only().pid}/fd").iterdir())) < 8


def test_no_worker_outlives_a_killed_parent(photo, tmp_path, own):
    program = f"""
import os, sys, time
from pathlib import Path
from provenance.manifests import pool, write
from provenance.manifests.signer import Signer
class Waiting(Signer):
    def sign(self, data):
        (each,) = pool._pool._all
        print(each.process.pid, flush=True)
        time.sleep(60)
given = Signer.from_pem({str(own.certificate)!r}, {str(own.key)!r})
waiting = Waiting(*(getattr(given, name) for name in Signer.__dataclass_fields__))
claim = write.Claim({{}}, write.plan_actions({CAPTURE!r}, has_manifest=False, notice_drawn=False))
write.sign(Path({str(photo)!r}), Path({str(tmp_path / "out.jpg")!r}), claim, mime="image/jpeg", signer=waiting)
"""
    before = photo.read_bytes()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.kill()
    assert soon(lambda: gone(pid))
    assert photo.read_bytes() == before
    assert not (tmp_path / "out.jpg").exists()
    assert all(each.name.startswith(".provenance-") for each in tmp_path.iterdir() if each != photo)


def test_a_worker_ends_with_its_connection_though_the_main_thread_is_busy():
    program = (
        "import socket, threading, time; from provenance.manifests import worker; import os;"
        "threading.Thread(target=worker._end_with, args=(socket.socket(fileno=0), os.getppid())).start();"
        "time.sleep(60)"
    )
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen([sys.executable, "-c", program], stdin=theirs.fileno())
    time.sleep(0.2)
    ours.close()
    assert process.wait(10) == 0


@pytest.mark.parametrize("enough", [True, False])
def test_the_program_limits_itself_loads_the_library_and_serves(monkeypatch, enough):
    ours, theirs = socket.socketpair()
    limits, served, watched = {}, [], []
    monkeypatch.setattr(worker.signal, "signal", lambda *told: limits.update([told]))
    monkeypatch.setattr(worker.os, "set_blocking", lambda *_: None)
    monkeypatch.setattr(worker, "_limit", lambda kind, most: limits.update({kind: most}))
    monkeypatch.setattr(worker.socket, "socket", lambda fileno: theirs)
    monkeypatch.setattr(worker, "_end_with", lambda connection, parent: watched.append((connection, parent)))

    def serve(connection):
        served.append(connection.gettimeout())
        if not enough:
            raise MemoryError

    monkeypatch.setattr(worker, "serve", serve)
    with ours, theirs, contextlib.nullcontext() if enough else pytest.raises(SystemExit) as caught:
        worker.main()
    assert limits[signal.SIGINT] is signal.SIG_IGN
    assert limits[resource.RLIMIT_CORE] == 0
    assert limits[resource.RLIMIT_AS] == worker.MOST_MEMORY
    assert (served, watched) == ([worker.IDLE_SECONDS], [(theirs, os.getppid())])
    assert enough or caught.value.code == frames.NO_MEMORY


def test_it_ends_with_the_connection_or_the_parent(monkeypatch):
    ended = []
    monkeypatch.setattr(worker.os, "_exit", ended.append)
    monkeypatch.setattr(worker, "_LOOKED_FOR_MS", 20)
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            worker._end_with(theirs, os.getppid() + 1)
        worker._end_with(theirs, os.getppid())
    assert ended == [0, 0]


def test_a_limit_stays_below_the_hard_one(monkeypatch):
    told = []
    monkeypatch.setattr(worker.resource, "getrlimit", lambda _: (5, 1000))
    monkeypatch.setattr(worker.resource, "setrlimit", lambda *limit: told.append(limit))
    worker._limit(resource.RLIMIT_CPU, 2000)
    worker._limit(resource.RLIMIT_CPU, 20)
    assert told == [(resource.RLIMIT_CPU, (1000, 1000)), (resource.RLIMIT_CPU, (20, 1000))]


def test_none_is_left_when_a_program_has_ended(signed):
    program = f"""
from pathlib import Path
from provenance.manifests import pool, read
read.read(Path({str(signed)!r}), mime="image/jpeg")
print(*(each.process.pid for each in pool._pool._all))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert gone(int(done.stdout))


def test_a_python_that_cannot_start_programs_says_so(signed, workers, monkeypatch):
    monkeypatch.setattr(pool.sys, "executable", "/nowhere/python")
    with pytest.raises(ManifestError) as caught:
        jpeg(signed)
    assert caught.value.code == "manifest-worker-not-started"
    assert "/nowhere/python" in str(caught.value)
    monkeypatch.undo()
    assert jpeg(signed).state == "valid"


def test_rounds_without_end_hold_on_to_nothing(photo, tmp_path, signer, trust, only):
    def used(pid):
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
        return resident, len(list(Path(f"/proc/{pid}/fd").iterdir()))

    def rounds(count):
        for _ in range(count):
            sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)
            assert jpeg(tmp_path / "out.jpg", trust).state == "trusted"
            (tmp_path / "out.jpg").unlink()
        return [used(pid) for pid in (os.getpid(), only().pid)]

    first = rounds(20)
    second = rounds(2000 if FULL_PROOF else 60)
    for (memory, handles), (later, handles_later) in zip(first, second, strict=True):
        assert later - memory < 4 << 20
        assert handles_later == handles


class Stubborn:
    """A process that ends only when it is killed."""

    returncode = None
    stderr = None
    killed = 0

    def kill(self):
        self.killed += 1

    def wait(self, seconds=None):
        if seconds is not None and self.killed < 2:
            raise subprocess.TimeoutExpired("worker", seconds)


@pytest.mark.parametrize(
    ("said", "code"), [(b"hello, this is no worker", "limit.size"), (HEAD.pack(2, 0) + b"[]", "crash"), (b"", "crash")]
)
def test_one_that_says_what_it_should_not_is_ended(said, code):
    bad = object.__new__(pool._Worker)
    bad.connection, theirs = socket.socketpair()
    bad.process = Stubborn()
    theirs.sendall(said)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(pool.WorkerFailed) as caught:
        bad.ask({"seconds": 5}, b"", (), time.monotonic() + 5, None)
    assert caught.value.code == code
    bad.end(kill=False)
    theirs.close()
    assert bad.process.killed == 1


def test_what_belongs_to_the_parent_is_let_go_in_a_fork():
    workers = pool._Pool()
    worker = workers.taken()
    process = worker.process
    workers.forget()
    assert (workers._all, workers._idle, worker.connection.fileno(), process.returncode) == (set(), [], -1, 0)
    process.returncode = None
    assert process.wait(10) == 0


# --- messages -------------------------------------------------------------------------------------------------------

BROKEN = {
    "a text too long": HEAD.pack(frames.MOST_JSON + 1, 0),
    "bytes too long": HEAD.pack(2, frames.MOST_BYTES + 1) + b"{}",
    "no JSON": HEAD.pack(2, 0) + b"{]",
    "no text": HEAD.pack(2, 0) + b"\xff\xfe",
    "no object": HEAD.pack(2, 0) + b"[]",
    "bottomless": HEAD.pack(200_000, 0) + b"[" * 200_000,
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN)
def test_what_is_no_message_is_unusable(said):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        threading.Thread(target=theirs.sendall, args=(said,)).start()
        with pytest.raises(frames.Unusable):
            frames.receive(ours, until=time.monotonic() + 5)


def test_a_message_cut_off_and_a_closed_connection_are_told_apart():
    for said in (HEAD.pack(10, 0)[:5], HEAD.pack(10, 0) + b"{"):
        ours, theirs = socket.socketpair()
        with ours:
            theirs.sendall(said)
            theirs.close()
            with pytest.raises(ConnectionResetError):
                frames.receive(ours)
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        assert frames.receive(ours) is None


def test_files_of_a_broken_message_are_closed():
    ours, theirs = socket.socketpair()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with ours, theirs, Path("/dev/null").open() as file:
        socket.send_fds(theirs, [HEAD.pack(2, 0)], [file.fileno()])
        theirs.sendall(b"{]")
        with pytest.raises(frames.Unusable):
            frames.receive(ours)
        assert len(list(Path("/proc/self/fd").iterdir())) == before + 1


def test_a_message_comes_through_whole_and_in_time():
    ours, theirs = socket.socketpair()
    with ours, theirs, Path("/dev/null").open() as file:
        told = {"n": [1, 2**63], "t": "\ud800"}
        sent = threading.Thread(target=frames.send, args=(theirs, told, bytes(1 << 20), [file.fileno()]))
        sent.start()
        found = frames.receive(ours, until=time.monotonic() + 5)
        sent.join()
        assert (found.told, len(found.blob), len(found.files)) == (told, 1 << 20, 1)
        os.close(*found.files)
        with pytest.raises(TimeoutError):
            frames.receive(ours, until=time.monotonic() + 0.05)
        with pytest.raises(TimeoutError):
            frames.receive(ours, until=time.monotonic() - 1)
        with pytest.raises(frames.Unusable):
            frames.send(ours, {}, bytes(frames.MOST_BYTES + 1))
    assert json.dumps(told)
