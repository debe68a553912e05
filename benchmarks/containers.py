"""Writing metadata into every kind of container, against a plain copy of it, and into a PNG against ExifTool."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from subjects import FIVE_MB, avif, photograph, screenshot
from timing import Row, in_turns
from writing import COPY, copy, exiftool_row, fresh_names, timed, write_metadata


def container_rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Compare a JPEG of 5 MB, a PNG of 20 MB, an AVIF and a real HEIC."""
    folder.mkdir()
    drawn = [
        ("JPEG", photograph(folder / "five.jpg", FIVE_MB), 1.3),
        ("PNG", screenshot(folder / "screenshot.png"), 1.3),
        ("AVIF", avif(folder / "drawn.avif"), 3),
    ]
    os.sync()
    for name, source, bar in drawn:
        yield _against_copy(name, source, folder, rounds, bar)
        if name == "PNG":
            yield exiftool_row("metadata write, PNG", source, fresh_names(folder, ".png"), rounds)
    heic = _largest_heic()
    if heic is None:
        yield Row("metadata write, HEIC", COPY, not_run="PROVENANCE_CORPUS names no folder with heic/ in it")
    else:
        yield _against_copy("HEIC", heic, folder, rounds, 3)


def _against_copy(name: str, source: Path, folder: Path, rounds: int, bar: float) -> Row:
    names = fresh_names(folder, source.suffix)
    ours = timed(lambda target: write_metadata(source, target), names)
    times = in_turns(rounds, ours, timed(lambda target: copy(source, target), names))
    return Row(f"metadata write, {name} {source.stat().st_size / 1e6:.1f} MB", COPY, *times, bar=bar)


def _largest_heic() -> Path | None:
    corpus = os.environ.get("PROVENANCE_CORPUS")
    found = [path for path in Path(corpus, "heic").rglob("*") if path.suffix.lower() == ".heic"] if corpus else []
    return max(found, key=lambda path: path.stat().st_size, default=None)
