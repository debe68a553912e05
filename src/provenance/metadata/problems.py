"""What a reader of metadata noticed: not an exception, because the rest of the carrier is still worth reporting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provenance._messages import Locale, message


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a value found in a carrier.

    Attributes:
        code: Stable kebab-case id; the key of its text in ``messages/metadata.toml``.
        severity: ``error`` breaks the standard, ``warning`` does not.
        details: What the text names.
    """

    code: str
    severity: Literal["error", "warning"] = "error"
    details: Mapping[str, object] = field(default_factory=dict, hash=False)

    def text(self, locale: Locale = "en") -> str:
        """Say what is wrong and what to do."""
        return message(self.code, locale, self.details)
