"""The generated reference pages are what the code and other people's programs say today."""

import os
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from provenance.formats.registry import handlers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference():
    spec = spec_from_file_location("reference", ROOT / "fixtures" / "reference.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name):
    return (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


def test_the_page_of_formats_is_what_the_handlers_declare(reference, monkeypatch):
    from provenance.cli import output

    monkeypatch.setattr(output._Language, "locale", "en")
    assert page("formats.md") == reference.formats_page()
    assert all(handler.name.upper() in page("formats.md") for handler in handlers())


def test_the_page_of_readers_is_what_they_read(reference):
    missing = [tool for tool in reference.TOOLS if shutil.which(tool) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"{missing} missing: make deps installs them")
    if missing:
        pytest.skip(f"not run: {missing} not installed")
    assert page("readers.md") == reference.readers_page()


def test_other_programs_see_every_label_in_jpeg_and_png():
    """What the page claims for the two containers everybody uses, so that no run can write a page of dashes."""
    for section in page("readers.md").split("\n## ")[1:3]:
        assert section.startswith(("JPEG", "PNG"))
        rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
        assert len(rows) == 10
        assert all("–" not in row for row in rows), section
