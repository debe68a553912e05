"""Notices: the text a viewer sees, where it was drawn, and what was measured of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from provenance.model.base import Line, Name, Number, Pixels, Value

Surface = Literal["media", "post", "account", "player"]
Recognised = Literal["template", "ocr", "rhythm", "voice", "text"]
_Any = TypeVar("_Any")
_Unsaid = Annotated[SkipJsonSchema[_Any], Field(exclude=True)]


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
    """A notice put into a medium.

    Attributes:
        kind: The label kind it is the notice of.
        text: What it says; of a rhythm, its rhythm, ``短`` and ``长`` with a space between letters.
        box: Where it stands in the displayed picture; None for sound and text.
        seconds: When it is shown or heard; None where it always is.
    """

    kind: Name
    text: Line
    box: Box | None = None
    seconds: Seconds | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the shape of the record and of `post.json`: `box` and `seconds` are always there."""
        return {
            "kind": self.kind,
            "text": self.text,
            "box": self.box and self.box.as_json(),
            "seconds": self.seconds and self.seconds.as_json(),
        }


class NoticeReading(Value):
    """What was measured of a stated notice in the finished file; `None` is not measured.

    What is not part of the JSON is for the rules.

    Attributes:
        kind: The label kind it is the notice of.
        text: What it says; of a rhythm, its rhythm, ``短`` and ``长`` with a space between letters.
        found: It is there, large and clear enough.
        height_ratio: Ink height / short side of the picture.
        contrast: WCAG ratio of ink to what surrounds it.
        evidence: What it was recognised by: the likeness of its picture, characters read in the picture, the rhythm or
            the speech heard, the text itself; None where nothing like it was.
        box: Where it stands in the displayed picture.
        seconds: When it is shown or heard.
        font_in_doubt: It was not found, and its text needs another font than the shipped one: it may be there in a
            font that is not at hand.
        covered: Something of the player or the page lies over it.
        under_controls: It lies where controls of the platform that was asked for may cover it.
        form: Text in a picture, speech or rhythm in sound.
        pace: Chinese characters a minute of speech.
        over_content: It sounds while the content does.
        stated: The file's own record says that it was put in.
        clear: It can be told from what sounds beside it.
    """

    kind: Name
    text: Line
    found: bool
    height_ratio: float | None = None
    contrast: float | None = None
    evidence: Recognised | None = None
    box: _Unsaid[Box | None] = None
    seconds: _Unsaid[Seconds | None] = None
    stated: _Unsaid[bool] = True
    font_in_doubt: _Unsaid[bool] = False
    covered: _Unsaid[bool | None] = None
    under_controls: _Unsaid[bool | None] = None
    form: _Unsaid[Literal["text", "voice", "rhythm"] | None] = None
    pace: _Unsaid[float | None] = None
    over_content: _Unsaid[bool | None] = None
    clear: _Unsaid[bool | None] = None
