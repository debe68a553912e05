"""What a notice puts on stored pixels: white ink on a dark, slightly transparent plate, as weights per pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.model.notice import Notice
from provenance.notices.faces import face_for
from provenance.notices.place import Placed, Rectangle, ink_target, stored_rectangle, to_stored
from provenance.notices.refusal import does_not_fit
from provenance.notices.typeset import coverage, sized_by_ink

# White shows through black at 28 %: white ink on it still has a contrast of 9 : 1 (WCAG 2.2, 1.4.3 asks for 4.5 : 1).
_OPACITY: Final = 0.72

Weights = NDArray[np.float32]


class Drawing(NamedTuple):
    """A new file: its bytes in pieces, what changed, how, and the message code of what a user should know."""

    pieces: Iterable[bytes]
    change: Literal["blocks", "full"]
    method: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """A notice in stored pixels: `keep` and `ink` weigh the picture and the ink, the plate has what is left of 1."""

    x: int
    y: int
    keep: Weights
    ink: Weights

    def over(self, samples: Weights, ink: float, plate: float) -> Weights:
        """Blend onto `samples`, shaped as the patch, with the sample values of ink and plate."""
        blended: Weights = self.keep * samples + self.ink * ink + (1 - self.keep - self.ink) * plate
        return blended


def patches(notices: Sequence[Notice], width: int, height: int, orientation: int) -> list[Patch]:
    """Return the notices as patches of the stored picture; `width` and `height` are those displayed.

    Raises:
        GlyphMissing: no font at hand has every character of a text.
        NoticeDoesNotFit: a box leaves the picture or is too small for its text.
    """
    return [_patch(notice, width, height, orientation) for notice in notices]


def _patch(notice: Notice, width: int, height: int, orientation: int) -> Patch:
    box = notice.box
    if box is None or box.x + box.width > width or box.y + box.height > height:
        raise does_not_fit("notice-box-outside", text=notice.text, width=width, height=height)
    face = face_for(notice.text, notice.font if isinstance(notice, Placed) else None)
    setting = sized_by_ink(notice.text, ink_target(min(width, height)), box.width, face)
    if setting.width > box.width or setting.height > box.height:
        raise does_not_fit("notice-box-too-small", text=notice.text, width=setting.width, height=setting.height)
    ink = coverage(setting, box.width, box.height)
    rectangle: Rectangle = (box.x, box.y, box.width, box.height)
    x, y, _, _ = stored_rectangle(rectangle, width, height, orientation)
    stored = to_stored(ink, orientation)
    return Patch(x, y, (1 - stored) * np.float32(1 - _OPACITY), stored)
