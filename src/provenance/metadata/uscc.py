"""The unified social credit code of an organisation, and the service provider code built on it."""

from __future__ import annotations

import re
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015 leaves out I, O, S, V and Z
_CODE = re.compile(rf"[{_ALPHABET}]{{18}}")
_PROVIDER = re.compile(r"[0-9A-Z]{27}")


def uscc_valid(code: str) -> bool:
    """Say whether a code has the 18 characters and the check character of GB 32100-2015 (weights 3^i, modulus 31)."""
    if not _CODE.fullmatch(code):
        return False
    total = sum(_ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(code[:17]))
    return _ALPHABET[-total % 31] == code[17]


def looks_like_provider_code(text: str) -> bool:
    """Say whether a text has the shape of a service provider code: 27 digits and capital letters."""
    return _PROVIDER.fullmatch(text) is not None


def provider_code_defect(code: str) -> str | None:
    """Return the message code of what is wrong with a 27-character service provider code, or None.

    ``00``, subject type, binding, the 18 characters of the credit code, then 5 of the service. Only binding ``1``
    (credit code) is accepted: the other one would put a person's identity number into a public file.
    """
    if not code.startswith("00"):
        return "aigc-code-format"
    if code[3] != "1":
        return "aigc-code-binding"
    return None if uscc_valid(code[4:22]) else "aigc-code-check-character"
