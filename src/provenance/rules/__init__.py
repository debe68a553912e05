"""The rule engine: pure, dated, exact about what is unknown."""

from provenance.rules.engine import evaluate, evaluate_media

__all__ = ["evaluate", "evaluate_media"]
