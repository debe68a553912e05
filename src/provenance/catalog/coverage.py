"""What becomes of every provision: its status, the rules that cite it, and the cases those rules are tested with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from provenance.catalog.checks import cited_by
from provenance.catalog.contents import Contents
from provenance.catalog.data import Instrument, Provision, Rule

CASES: Final = "cases.json"
Cases: TypeAlias = Mapping[str, Sequence[str]]
"""Names of a rule's cases by its id, as ``fixtures/rules/`` has them, without ``.toml``."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One provision and the rules that cite it, by id."""

    instrument: Instrument
    provision: Provision
    rules: tuple[Rule, ...]


def coverage_of(contents: Contents) -> Iterator[Coverage]:
    """Yield every provision of an edition: the texts in the order of their ids, a text's provisions in its own."""
    citing: dict[str, list[Rule]] = {}
    for rule in sorted(contents.rules.values(), key=lambda each: each.id):
        for cited in dict.fromkeys(cited_by(rule)):
            citing.setdefault(cited, []).append(rule)
    for name in sorted(contents.instruments):
        instrument = contents.instruments[name]
        for provision in instrument.provision:
            yield Coverage(instrument, provision, tuple(citing.get(provision.id, ())))


def find_provision(contents: Contents, name: str) -> Provision | None:
    """Return the provision with that id or alias, if the edition has one."""
    return next((each for each in contents.provisions.values() if name in {each.id, *each.aliases}), None)


def read_cases(root: Path) -> Cases | None:
    """Return the names of the cases of every rule, or `None` where the edition came without them."""
    try:
        listed = json.loads((root / CASES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return listed if isinstance(listed, dict) else None
