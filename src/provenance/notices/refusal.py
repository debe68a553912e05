"""The one way on from every notice that cannot be drawn."""

from __future__ import annotations

from typing import Final

from provenance.errors import NoticeDoesNotFit

# A value, not a part of the message: brackets in a message mark its optional parts.
WAY_ON: Final = '"draw": []'


def does_not_fit(code: str, **details: object) -> NoticeDoesNotFit:
    """Return the error that says why, and names the post's key that goes on without the notice."""
    return NoticeDoesNotFit(code, way_on=WAY_ON, **details)
