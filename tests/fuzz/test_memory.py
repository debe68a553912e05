"""Memory does not grow with the file: a gigabyte is labelled in a few blocks."""

import subprocess

import pytest

from . import large
from .conftest import FULL_PROOF, program

BAR = 40 << 20
GROWING = {
    "tiff": (large.tiff, 1000 if FULL_PROOF else 200),
    "png": (large.png, 500 if FULL_PROOF else 100),
    "jpeg": (large.jpeg, 500 if FULL_PROOF else 100),
    "avif": (large.boxes, 500 if FULL_PROOF else 100),
    "mov": (large.long_film, 2000 if FULL_PROOF else 200),
}


@pytest.mark.parametrize("name", GROWING)
def test_labelling_a_large_file_needs_little_memory(name, tmp_path, report):
    make, size = GROWING[name]
    source, small, out = (tmp_path / f"{part}.{name}" for part in ("large", "small", "out"))
    make(source, size << 20)
    make(small, 1000)
    command = [*program("measure.py"), source, small, out]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert out.stat().st_size > source.stat().st_size
    out.unlink()
    grown = int(run.stdout)
    report(f"memory: {size} MiB {name}, unsigned attach: {grown / (1 << 20):.1f} MiB above import (bar 40)")
    assert grown <= BAR
