"""A browser for all tests of a run, and films to show in it."""

import importlib
import sys
from pathlib import Path

import pytest

from .chromium import running


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Return a running Chromium; `browser.page(url)` opens a page, `page.shot(path)` takes a picture of it."""
    with running(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def contracts(name):
    """Return a module beside the contracts, which no import reaches from here."""
    folder = str(Path(__file__).parents[1])
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(f"contracts.{name}")


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Return a function that makes a film of a shape by name, as the contract of films has them."""
    return contracts("film_shapes").Films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="session")
def readers():
    """Return what readers that are not ours find in a film."""
    return contracts("film_readers")
