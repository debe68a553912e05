"""Small sound and moving pictures made at run time, and what an independent demuxer finds in them."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000:duration=1")


@functools.cache
def ffmpeg(suffix, *arguments):
    """Return the file that ffmpeg makes, the same one at every run."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, f"made{suffix}")
        exact = ("-threads", "1", "-flags", "+bitexact", "-fflags", "+bitexact")
        subprocess.run(["ffmpeg", "-v", "error", *arguments, *exact, str(target)], check=True, timeout=60)
        return target.read_bytes()


def packets(content, suffix):
    """Return every packet of every stream with its times and digest, as ffmpeg reads them."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, f"read{suffix}")
        source.write_bytes(content)
        run = subprocess.run(
            [
                "ffmpeg",
                "-v",
                "error",
                "-copy_unknown",
                "-i",
                str(source),
                "-map",
                "0",
                "-c",
                "copy",
                "-f",
                "framehash",
                "-",
            ],
            capture_output=True,
            check=True,
            timeout=60,
        )
    return run.stdout
