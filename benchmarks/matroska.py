"""Labelling a Matroska video of some 200 MB, against what copies its packets into a new one: ffmpeg."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from provenance import _files
from provenance.formats import registry
from subjects import CAPTURED_AT
from timing import Row, in_turns
from writing import COPY, ELEMENT, RECORD, copy, fresh_names, timed

FIELDS = {"aigc": ELEMENT, "record": RECORD, "captured_at": CAPTURED_AT, "place": "四川省成都市", "publisher": "新华社"}
LARGE = 200_000_000
REMUX = "ffmpeg -c copy"


def matroska_rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Compare writing every field with a remux, and with a plain copy."""
    if shutil.which("ffmpeg") is None:
        yield Row("metadata write, MKV", REMUX, bar=1.2, not_run="ffmpeg is not installed")
        return
    folder.mkdir()
    video = _video(folder)
    names = fresh_names(folder, ".mkv")
    ours = timed(lambda target: _write(video, target), names)
    what = f"metadata write, MKV {video.stat().st_size / 1e6:.0f} MB"
    few = max(3, rounds // 3)
    yield Row(what, REMUX, *in_turns(few, ours, timed(lambda target: _remux(video, target), names)), bar=1.2)
    yield Row(what, COPY, *in_turns(few, ours, timed(lambda target: copy(video, target), names)))


def _video(folder: Path) -> Path:
    """Draw noise, which no codec makes small, and chain as many copies of it as it takes."""
    short, video, chain = folder / "short.mkv", folder / "video.mkv", folder / "chain.txt"
    source = ("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=2,noise=alls=60:allf=t")
    _ffmpeg(*source, "-f", "lavfi", "-i", "sine=duration=2", "-c:v", "mjpeg", "-q:v", "2", "-c:a", "flac", short)
    chain.write_text(f"file '{short.name}'\n" * (LARGE // short.stat().st_size + 1), encoding="utf-8")
    _ffmpeg("-f", "concat", "-i", chain, "-c", "copy", video)
    os.sync()
    return video


def _write(source: Path, target: Path) -> None:
    registry.read(source)
    with _files.new_file(target) as file:
        registry.write(source, file, fields=FIELDS, known=True)


def _remux(source: Path, target: Path) -> None:
    """Copy every packet with the same statements, and wait for the disk as we do."""
    stated = [part for name, text in FIELDS.items() for part in ("-metadata", f"{name}={text}")]
    _ffmpeg("-i", source, "-map", "0", "-c", "copy", *stated, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)
