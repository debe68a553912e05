"""One edition of the rule data, typed and checked: label kinds, provisions, rules, wordings, vocabularies."""

from provenance.catalog.edition import Catalog
from provenance.catalog.notices import PlannedNotice

__all__ = ["Catalog", "PlannedNotice"]
