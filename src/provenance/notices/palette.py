"""Ink and plate in pictures of few colours: the nearest there are, or new ones in entries that nothing uses."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.notices.overlay import Weights

Colours = NDArray[np.uint8]
Indexes = NDArray[np.uint8]

SHADES: Final = 6
"""Most new colours of a notice: plate, ink, and what smooths the edges between them."""
_LEAST_SHADES: Final = 2
_LEVELS: Final = 256
_HALF: Final = 0.5
_LINEAR_UP_TO: Final = 0.04045  # IEC 61966-2-1
_CLEAR: Final = 15.0
_NEAR: Final = 48.0  # from a shade that is wanted to one that smooths an edge and tints none
_LEGIBLE: Final = 5.5  # WCAG 2.2, 1.4.3 asks for 4.5, also after the file has been encoded anew


def ramp(colours: Colours, allowed: NDArray[np.intp], least: float) -> Indexes | None:
    """Return the palette index for each of 256 levels of coverage from plate to ink; None without enough contrast.

    Args:
        colours: The palette, (entries, 3).
        allowed: The indexes to choose from.
        least: Contrast that ink and plate must have, by WCAG.
    """
    if not allowed.size:
        return None
    some = colours[allowed].astype(np.float32)
    light = _luminance(some)
    # Next to black and white where they stand out enough, else whatever stands out most.
    dark, bright = (some**2).sum(axis=1).argmin(), ((255 - some) ** 2).sum(axis=1).argmin()
    if _contrast(light[dark], light[bright]) < least:
        dark, bright = light.argmin(), light.argmax()
    if _contrast(light[dark], light[bright]) < least:
        return None
    plate, ink = some[dark], some[bright]
    steps = np.linspace(0, 1, _LEVELS, dtype=np.float32)[:, None]
    wanted = plate + steps * (ink - plate)
    distances = ((wanted[:, None, :] - some) ** 2).sum(axis=2)
    edges = np.where(steps[:, 0] < _HALF, dark, bright)
    nearest = np.where(distances.min(axis=1) <= _NEAR**2, distances.argmin(axis=1), edges)
    return np.asarray(allowed[nearest], dtype=np.uint8)


def with_notice(
    colours: Colours, number: int, free: NDArray[np.intp], barred: int | None, *, sure: bool = False
) -> tuple[Colours, Indexes] | None:
    """Return a palette in which a notice can be drawn, and the index for each level of coverage; None if there is none.

    Colours that are there already are taken where they stand out clearly; else entries in `free` are given new ones;
    else what is there is taken as long as it is legible.

    Args:
        colours: The palette, (entries, 3); it is returned itself where nothing needs to be added.
        number: How many of its entries are colours already.
        free: Indexes that no pixel has which stays.
        barred: The index that is transparent.
        sure: Whether to take nothing but what stands out clearly.
    """
    present = np.array([index for index in range(number) if index != barred], dtype=np.intp)
    indexes = ramp(colours, present, _CLEAR)
    if indexes is not None or sure:
        return None if indexes is None else (colours, indexes)
    chosen = free[free != barred][:SHADES] if barred is not None else free[:SHADES]
    if len(chosen) >= _LEAST_SHADES:
        colours = colours.copy()
        colours[chosen] = np.linspace(0, 255, len(chosen)).round().astype(np.uint8)[:, None]
        indexes = ramp(colours, chosen, _LEGIBLE)
    else:
        indexes = ramp(colours, present, _LEGIBLE)
    return None if indexes is None else (colours, indexes)


def inked(ink: Weights, indexes: Indexes) -> Indexes:
    """Return the palette indexes of a notice, given how much ink covers each pixel."""
    return np.asarray(indexes[np.rint(np.clip(ink, 0, 1) * (_LEVELS - 1)).astype(np.intp)])


def _contrast(dark: np.float32, bright: np.float32) -> float:
    return float((bright + 0.05) / (dark + 0.05))


def _luminance(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return relative luminance as WCAG 2.2 defines it."""
    scaled = colours / 255
    linear = np.where(scaled <= _LINEAR_UP_TO, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return linear @ np.array((0.2126, 0.7152, 0.0722), np.float32)
