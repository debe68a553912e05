"""The contents of an edition: everything that was read, by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from provenance.catalog.conditions import AllOf, Condition
from provenance.catalog.conduct import Conduct
from provenance.catalog.data import Carriers, Instrument, Kind, Provision, Rule, SourceTypes, Style, Switch
from provenance.catalog.platforms import Declarations, Platform
from provenance.catalog.words import WordList

HOUSE: Final = "house"


@dataclass(frozen=True, eq=False)
class Contents:
    """One edition as read.

    Attributes:
        edition: Its number, as every report names it.
        kinds: Label kinds by id.
        styles: Looks of drawn notices by id.
        instruments: Legal texts by id.
        provisions: Provisions by id, which is the regulation matrix's.
        rules: Rules by id, of every jurisdiction and of the house.
        jurisdictions: The ids of the rules of each jurisdiction, and of ``house``.
        switches: Open questions of law by id.
        words: Word lists by id.
        platforms: Platforms by id, with the options of their declarations.
        declarations: What leads to which option.
        conduct: Waits, mutes and sanctions of accounts.
    """

    edition: str
    kinds: Mapping[str, Kind]
    styles: Mapping[str, Style]
    instruments: Mapping[str, Instrument]
    provisions: Mapping[str, Provision]
    rules: Mapping[str, Rule]
    jurisdictions: Mapping[str, tuple[str, ...]]
    switches: Mapping[str, Switch]
    words: Mapping[str, WordList]
    platforms: Mapping[str, Platform]
    declarations: Declarations
    conduct: Conduct
    carriers: Carriers
    source_types: SourceTypes

    def instrument_of(self, provision_id: str) -> Instrument:
        """Return the legal text that a provision of this edition stands in."""
        return next(each for each in self.instruments.values() if any(one.id == provision_id for one in each.provision))

    def binding(self, provision_id: str) -> Condition | None:
        """Return the condition under which a provision binds anybody: its own and its instrument's."""
        both = (self.instrument_of(provision_id).binds, self.provisions[provision_id].binds)
        parts = tuple(part for part in both if part is not None)
        return AllOf(all=parts) if parts else None
