"""Texts compared as their readers would: normal forms, numbers, negations and names; sources and their names.

Pure: nothing here knows a file, a label or a rule.
"""

from provenance.text.differences import Difference, Span, compare
from provenance.text.normal import Normal, normalise
from provenance.text.sources import is_vague_source, name_key, same_name

__all__ = ["Difference", "Normal", "Span", "compare", "is_vague_source", "name_key", "normalise", "same_name"]
