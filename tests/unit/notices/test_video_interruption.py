"""The command is broken off while it draws on a film: nothing of its work stays, neither beside the film nor elsewhere."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import FULL_PROOF

pytest.importorskip("av")
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="not run: needs /proc to see files being used"
)

PATIENCE = 60  # seconds
INTERRUPTED = 130
AFTER = (0.02, 0.2, 0.5, 0.9) if FULL_PROOF else (0.2,)  # seconds from when encoding begins


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Return a film of which all pictures must be encoded anew, larger than a processor does in a second."""
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    path = tmp_path_factory.mktemp("long") / "large.mp4"
    told = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=6", "-c:v", "libx264", "-preset", "ultrafast", "-g", "900"]
    subprocess.run(["ffmpeg", "-v", "error", *told, str(path)], check=True)
    return path


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_film_is_rendered_leaves_nothing(film, tmp_path, number, after):
    before = film.read_bytes()
    folder, scratch = tmp_path / "into", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    command = [sys.executable, "-m", "provenance", "attach", str(film), "-o", str(folder / "out.mp4")]
    environment = {**os.environ, "TMPDIR": str(scratch), "XDG_CONFIG_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    # A shell that put the tests into the background has SIGINT ignored, and children inherit that.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        child = subprocess.Popen(
            [*command, "--ai-generated", "--no-manifest"], env=environment, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, heard)
    try:
        wait_for_rendering(child, tmp_path)
        time.sleep(after)
        child.send_signal(number)
        _, errors = child.communicate(timeout=PATIENCE)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == INTERRUPTED
    assert "Traceback" not in errors
    assert errors.strip()
    assert list(folder.iterdir()) == []
    assert list(scratch.iterdir()) == []
    assert list(film.parent.iterdir()) == [film]
    assert film.read_bytes() == before


def wait_for_rendering(child, folder):
    """Wait until the child holds a file below `folder` that has no name any more: new pictures go there."""
    until = time.monotonic() + PATIENCE
    while not any(held.startswith(str(folder)) and held.endswith("(deleted)") for held in files_of(child.pid)):
        assert child.poll() is None, "it ended before it drew anything"
        assert time.monotonic() < until, "it has not begun to draw"
        time.sleep(0.01)


def files_of(pid):
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield str(each.readlink())
        except OSError:  # closed in the meantime
            continue
