"""Importing, in whole fresh processes without the start of the bare interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from timing import Row, in_turns, milliseconds

BASELINE = "from pydantic import BaseModel"
IMPORTS = (
    ("import provenance", "import provenance", 0.5),
    ("provenance.Post", "import provenance; provenance.Post", 2.5),
)


def import_rows(rounds: int) -> Iterator[Row]:
    """Compare with the import of pydantic's BaseModel."""
    bare, baseline, *ours = in_turns(
        2 * rounds,
        *(lambda code=code: _process(code) for code in ("pass", BASELINE, *(code for _, code, _ in IMPORTS))),
    )
    # The start varies more than a light import takes: best with best, and median with median, not round by round.
    for (what, _, bar), times in zip(IMPORTS, ours, strict=True):
        yield Row(what, BASELINE, _without(times, bare), _without(baseline, bare), bar=bar)


def _without(times: list[float], bare: list[float]) -> list[float]:
    return [min(times) - min(bare), median(times) - median(bare)]


def _process(code: str) -> float:
    return milliseconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))
