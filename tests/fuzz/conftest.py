"""Samples of every handler, real files where there are any, and the figures that a run ends with."""

import importlib
import os
import sys
from pathlib import Path

import pytest

from provenance.errors import ProvenanceError
from provenance.formats import registry

FULL_PROOF = os.environ.get("PROVENANCE_PROOF") == "full"
LARGEST_REAL = 1_000_000  # bytes
LABELS = (
    {"kind": "source", "publisher": "新华社", "author": "张三"},
    {
        "kind": "capture",
        "time": "2026-05-01T08:30:00+08:00",
        "place": {
            "name": "四川省成都市",
            "coordinates": {"latitude": 30.73391, "longitude": 104.14672, "datum": "wgs84"},
        },
    },
)

_FIGURES: list[str] = []


@pytest.fixture(scope="session")
def report():
    """Return a function that keeps a line for the end of the run."""
    return _FIGURES.append


def pytest_terminal_summary(terminalreporter):
    if _FIGURES:
        terminalreporter.section("robustness")
        for line in _FIGURES:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def samples():
    """Handler name → sample name → bytes, as the format contract has them; no handler without."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    found = importlib.import_module("contracts.samples").every()
    assert found.keys() == {handler.name for handler in registry.handlers()}
    return found


@pytest.fixture(scope="session")
def real():
    """Name → bytes of the real files that are not too large and of a format we know; nothing without a corpus."""
    folder = os.environ.get("PROVENANCE_CORPUS")
    paths = sorted(Path(folder).rglob("*")) if folder else []
    return {path.name: path.read_bytes() for path in paths if path.is_file() and _known(path)}


def _known(path):
    if path.stat().st_size > LARGEST_REAL:
        return False
    try:
        with path.open("rb") as file:
            registry.identify(file, path)
    except ProvenanceError:
        return False
    return True


def program(name):
    """Return the command that runs a script of this folder."""
    return [sys.executable, str(Path(__file__).with_name(name))]
