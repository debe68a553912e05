"""The language the user's environment asks for; nothing heavy is imported here."""

from __future__ import annotations

import os

from provenance._messages import Locale


def default_locale() -> Locale:
    """Return the language of the locale variables, in their order of precedence."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh-CN" if value.lower().startswith("zh") else "en"
    return "en"
