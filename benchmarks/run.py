"""Measure this package against what it is built on, side by side in one run: `make bench`, or `run.py --quick`.

Each pair is timed in turns. The ratio is ours divided by the baseline: of the best times, and the median of the rounds'
ratios, which the bar judges. Ratios carry over to other machines, milliseconds do not. A metadata write and an attach
wait for the disk as a copy does; c2pa-python and ExifTool do not, which favours them.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from attaching import attach_rows
from containers import container_rows
from importing import import_rows
from judging import judge_rows, line_rows
from manifests import manifest_rows
from matroska import matroska_rows
from movies import movie_rows
from subjects import photograph
from timing import Row
from writing import fresh_names, metadata_rows, notice_rows

LINE = "{:<32} {:>9} {:>9}  {:<40} {:>7} {:>7} {:>7}  {}"
HEAD = ("ours", "ms best", "ms median", "baseline", "ms", "best", "median", "bar")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure this package against what it is built on.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds; figures vary more")
    rounds = 5 if parser.parse_args().quick else 30
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as name:
        folder = Path(name)
        photo = photograph(folder / "photo.jpg")
        os.sync()  # what drawing has left for the disk must not fall on the first row
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores, a JPEG of {photo.stat().st_size:,} bytes")
        print(LINE.format(*HEAD))
        rows = []
        for row in _rows(folder, photo, rounds):
            print(_line(row), flush=True)
            rows.append(row)
    short = [row.what for row in rows if not row.not_run and not row.holds]
    print(f"short of bar: {', '.join(short)}" if short else "every bar that was measured holds")


def _rows(folder: Path, photo: Path, rounds: int) -> Iterator[Row]:
    names = fresh_names(folder)
    yield from metadata_rows(photo, names, rounds)
    yield from container_rows(folder / "containers", rounds)
    yield from movie_rows(folder / "movies", rounds)
    yield from matroska_rows(folder / "matroska", max(3, rounds // 3))
    yield from attach_rows(photo, names, rounds)
    yield from manifest_rows(photo, folder / "manifests", rounds)
    yield from judge_rows(folder / "post", rounds)
    yield from line_rows(folder / "lines", rounds)
    yield from import_rows(rounds)
    yield from notice_rows(photo, names, rounds)


def _line(row: Row) -> str:
    if row.not_run:
        return f"{row.what:<32} not run: {row.not_run}"
    bar = "for information" if row.bar is None else f"<= {row.bar:g}: {'holds' if row.holds else 'SHORT OF BAR'}"
    figures = (f"{min(row.ours):.2f}", f"{median(row.ours):.2f}", row.against, f"{median(row.baseline):.2f}")
    return LINE.format(row.what, *figures, f"{row.of_bests:.2f}", f"{row.ratio:.2f}", bar)


if __name__ == "__main__":
    main()
