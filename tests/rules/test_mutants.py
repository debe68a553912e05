"""The tests of the rules notice changes of their source: twelve here, the whole sample with `PROVENANCE_PROOF=full`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .mutants import KNOWN, ROOT, all_mutants, known, sampled

FULL_PROOF = os.environ.get("PROVENANCE_PROOF") == "full"
SCRIPT = ROOT / "tests" / "rules" / "mutants.py"
MUST_DIE = (
    "compiled._fact: facts[key] < limit -> facts[key] <= limit",
    "compiled._every.holds: each.medium in media -> each.medium not in media",
    "engine.evaluate: each.severity == 'blocking' -> each.severity != 'blocking'",
    "engine._statuses: 'present' if shown else 'missing' -> 'present' if shown else 'present'",
    "flaws._in_time: seconds.start > 0 -> seconds.start >= 0",
    "house.unverified: notice.surface != 'media' -> notice.surface == 'media'",
    "judges.Judge._judge: not live -> not not live",
    "judges._duty: {'MUST', 'NOT'} -> {'NOT'}",
    "said.Said.qualified: each.expires < self.on -> each.expires <= self.on",
    "said.Said.status: 'missing' if self.pages else 'required' -> 'missing' if self.pages else 'missing'",
    "views._readable: each.found and (is_text or large_and_clear(each, catalog)) -> each.found or (is_text or large_and_clear(each, catalog))",
    "views._says: each.on != 'post' -> each.on == 'post'",
)


def tried(*names: str) -> subprocess.CompletedProcess[str]:
    # Nothing of a measurement of coverage reaches the runs on changed sources.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, str(SCRIPT), *names]
    return subprocess.run(command, env=kept, capture_output=True, text=True, encoding="utf-8", check=False)


def test_the_tests_notice_twelve_changes() -> None:
    done = tried(*MUST_DIE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("killed  ") == len(MUST_DIE), done.stdout


@pytest.mark.skipif(not FULL_PROOF, reason="not run: PROVENANCE_PROOF=full tries the sample")
def test_the_tests_notice_every_change_of_the_sample_but_those_listed() -> None:
    done = tried()
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_listed_survivor_is_a_mutant_with_a_reason_and_stands_in_the_documentation() -> None:
    names = [each.name for each in all_mutants()]
    page = (ROOT / "docs" / "mutation.md").read_text("utf-8")
    assert len(set(names)) == len(names)
    for name, why in known().items():
        assert name in names, KNOWN
        assert why.strip()
        assert f"| `{name.replace('|', chr(92) + '|')}` | {why} |" in page


def test_the_sample_is_the_same_every_time() -> None:
    assert [each.name for each in sampled(all_mutants())] == [each.name for each in sampled(all_mutants())]
