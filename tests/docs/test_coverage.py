"""What is generated from the rule data is what the rule data say today."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from provenance.catalog import Catalog

ROOT = Path(__file__).resolve().parents[2]
STALE = "run `python fixtures/coverage.py`"


@pytest.fixture(scope="module")
def coverage():
    spec = spec_from_file_location("coverage_pages", ROOT / "fixtures" / "coverage.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(coverage):
    return dict(coverage.pages(Catalog.packaged()))


def test_every_generated_file_is_current(pages):
    for path, text in pages.items():
        assert path.is_file(), STALE
        assert path.read_text("utf-8") == text, f"{path}: {STALE}"


def test_there_is_a_page_for_every_rule_and_for_nothing_else(coverage, pages):
    assert set(coverage.RULES.iterdir()) == {path for path in pages if path.parent == coverage.RULES}
    assert {path.stem for path in coverage.RULES.iterdir()} == set(Catalog.packaged().rules)


def test_a_rules_page_has_the_words_it_rests_on_and_all_its_cases(pages, coverage):
    catalog = Catalog.packaged()
    for rule in catalog.rules.values():
        page = pages[coverage.RULES / f"{rule.id}.md"]
        for cited in rule.cites:
            provision = catalog.provisions[cited]
            assert (provision.quote or provision.zh) in page
        for text in (rule.title, rule.message, rule.fix):
            assert text.en in page
            assert text.zh_CN in page
        for case in coverage.cases()[rule.id]:
            assert (coverage.RULES / f"../../../fixtures/rules/{rule.id}/{case}.toml").is_file()
            assert f"{rule.id}/{case}.toml" in page


def test_the_coverage_page_has_every_provision_once_with_its_status(pages, coverage):
    lines = pages[coverage.PAGE].splitlines()
    for provision in Catalog.packaged().provisions.values():
        (line,) = [each for each in lines if each.startswith((f"| `{provision.id}`<", f"| `{provision.id}`,"))]
        assert provision.en.replace("|", "\\|") in line
        if provision.status == "automated":
            assert "reference/rules/" in line
        if provision.reason:
            assert provision.reason.en in line


def test_every_link_between_the_pages_leads_somewhere(pages, coverage):
    import re

    for path, text in pages.items():
        if path.suffix == ".md":
            for link in re.findall(r"\]\(((?!http)[^)#]+)\)", text):
                assert (path.parent / link).is_file(), f"{path}: {link}"


def test_a_page_says_what_the_engine_finds_for_each_role(pages, coverage):
    """The severities of a page are those of a post that breaks the rule."""
    page = pages[coverage.RULES / "current-affairs-without-source.md"]
    assert "| blocking | blocking | advisory | blocking |" in page
    page = pages[coverage.RULES / "aigc-element-incomplete.md"]
    assert "| advisory | advisory | blocking | advisory |" in page
