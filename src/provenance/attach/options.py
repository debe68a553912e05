"""How notices are put into media, where the caller wants it otherwise than by default."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from provenance.catalog import Catalog
from provenance.catalog.data import SafeArea

Position = Literal["start", "middle", "end"]
FILM_SECONDS: Final = 3.0
"""How long a notice shows in a film by default; GB 45438-2025, 5.4 g, asks for 2 s at normal speed."""


@dataclass(frozen=True, slots=True)
class VoiceClip:
    """A recording that speaks a notice: its file, and word for word what it says."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class DrawOptions:
    """How notices are put into media.

    Attributes:
        at: Where in a film, sound or text: at the start (which films always show), the middle, the end.
        seconds: How long each shows in a film; ``math.inf`` shows the first for the whole film.
        reencode: Whether all of a film or sound may be encoded anew where a part does not do.
        platform: The platform that tall pictures are for; None keeps clear of what controls cover on any.
        voice: Speaks the notice in sound; None puts in the rhythm.
        font: Draws what the shipped font lacks.
        area: What that platform's controls cover, where that is known; taken from the edition (`resolved`).
    """

    at: tuple[Position, ...] = ("start",)
    seconds: float = FILM_SECONDS
    reencode: bool = True
    platform: str | None = None
    voice: VoiceClip | None = None
    font: Path | None = None
    area: SafeArea | None = None


DEFAULT: Final = DrawOptions()


def resolved(options: DrawOptions, catalog: Catalog) -> DrawOptions:
    """Return the options with what the edition knows of the platform that they name.

    Raises:
        UsageError: the edition does not know it.
    """
    if options.platform is None:
        return options
    return replace(options, area=catalog.platform(options.platform).safe_area)
