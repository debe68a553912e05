"""Every rule has cases, and every case comes out exactly as its file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.catalog import Catalog

from .cases import FOLDER, case_files, read_case

_KEYS = {"pages", "sources", "why", "on", "without", "post", "observation", "finding", "publishable"}


@pytest.mark.parametrize("path", case_files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_case_comes_out_as_its_file_says(path: Path, catalog: Catalog) -> None:
    case = read_case(path)
    assert case.data.keys() <= _KEYS
    assert case.data["why"].strip()
    report = case.run(catalog)
    found = [each for each in report.findings if each.rule == case.rule]
    wanted = case.data.get("finding", [])
    assert bool(wanted) == case.expects_finding
    assert len(found) == len(wanted), [each.as_json() for each in report.findings]
    for finding, expected in zip(found, wanted, strict=True):
        shown = finding.as_json()
        assert {key: shown.get(key) for key in expected} == expected
    if "publishable" in case.data:
        assert report.publishable is case.data["publishable"], [each.rule for each in report.blocking]


def test_every_rule_has_a_case_that_passes_and_one_that_fails(catalog: Catalog) -> None:
    for rule in catalog.rules:
        names = [path.name for path in (FOLDER / rule).glob("*.toml")]
        assert any(name.endswith(".pass.toml") for name in names), rule
        assert any(name.endswith(".fail.toml") for name in names), rule


def test_every_folder_of_cases_is_named_after_a_rule(catalog: Catalog) -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(catalog.rules)


def test_the_texts_of_every_finding_are_whole_in_both_languages(catalog: Catalog) -> None:
    for path in case_files():
        for finding in read_case(path).run(catalog).findings:
            for text in (finding.evidence, finding.message, finding.fix):
                for locale in ("zh-CN", "en"):
                    assert text[locale].strip()
                    assert not set("{}") & set(text[locale]), (path, text)
                    assert "None" not in text[locale], (path, text)
