"""Notices: the text a viewer sees, where it was drawn, and what was measured of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from provenance.model.base import Line, Name, Number, Pixels, Value

Surface = Literal["media", "post", "account", "player"]


class Box(Value):
    """A rectangle in pixels of the displayed (oriented) picture, plate included; the origin is its top left."""

    x: Annotated[Pixels, Field(ge=0)]
    y: Annotated[Pixels, Field(ge=0)]
    width: Annotated[Pixels, Field(gt=0)]
    height: Annotated[Pixels, Field(gt=0)]


class Seconds(Value):
    """When a notice is shown in video or audio; `end` is `None` up to the end."""

    start: Annotated[Number, Field(ge=0)]
    end: Annotated[Number, Field(ge=0)] | None = None


class Notice(Value):
    """A notice drawn into a medium."""

    kind: Name
    text: Line
    box: Box
    seconds: Seconds | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the shape of the record and of `post.json`: `seconds` is always there."""
        return {**self.model_dump(mode="json", exclude={"seconds"}), "seconds": self.seconds and self.seconds.as_json()}


class NoticeReading(Value):
    """What was measured of a stated notice in the finished file.

    `height_ratio` is ink height / short side of the picture; `contrast` is the WCAG ratio of ink to what surrounds it.
    """

    kind: Name
    text: Line
    found: bool
    height_ratio: float | None = None
    contrast: float | None = None
