"""The implicit label of GB 45438-2025, Annex E: written strictly, read leniently.

The element is a JSON object of seven texts. Practice guide TC260-PG-20259A puts the bare object into XMP and the
wrapped one, ``{"AIGC": {…}}``, into PNG ``tEXt`` and the EXIF user comment. In the wild it is also found wrapped in
XMP, with other letter case, with numbers, with escaped quotes and in an older schema: a reader names that and reads on.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from provenance.errors import InvalidPost
from provenance.metadata import aigc_security
from provenance.metadata.aigc_security import Security
from provenance.metadata.problems import Problem
from provenance.metadata.uscc import looks_like_provider_code, provider_code_defect

Grade = Literal["confirmed", "possible", "suspected"]
Slot = Literal[
    "xmp",
    "png-text",
    "exif-user-comment",
    "exif-image-description",
    "quicktime-keys",  # moov.udta.meta, keys and ilst
    "quicktime-meta",  # the same in moov.meta
    "quicktime-list",  # an ilst without keys
    "quicktime-box",  # a box of its own
    "matroska-tag",
    "riff-info",
    "riff-chunk",
    "flv-metadata",
    "id3-text",
    "vorbis-comment",
    "pdf-info",
    "ooxml-property",
    "front-matter",
    "html-meta",
]
Form = Literal["bare", "wrapped", "legacy", "unreadable"]

KEYS: Final = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
LABEL_OF_GRADE: Final[dict[Grade, str]] = {"confirmed": "1", "possible": "2", "suspected": "3"}
GRADE_OF_LABEL: Final[dict[str, Grade]] = {label: grade for grade, label in LABEL_OF_GRADE.items()}
FORM_OF_SLOT: Final[dict[Slot, Form]] = {
    "xmp": "bare",
    "png-text": "wrapped",
    "exif-user-comment": "wrapped",
    "quicktime-keys": "bare",
    "matroska-tag": "bare",
    "riff-info": "bare",
    "riff-chunk": "bare",
    "flv-metadata": "bare",
    "id3-text": "bare",
    "vorbis-comment": "bare",
    "pdf-info": "bare",
    "ooxml-property": "bare",
    "front-matter": "bare",
    "html-meta": "bare",
}
"""What the guides put where; HTML, which they do not name, is here too, other slots that they do not name are not."""

MAX_CHARACTERS: Final = 1 << 18  # reserved codes hold signatures of a few kilobytes

_FIELDS: Final = dict(zip(KEYS, ("grade", "producer", "produce_id", "", "propagator", "propagate_id", ""), strict=True))
_RESERVED: Final = ("ReservedCode1", "ReservedCode2")
_CANONICAL: Final = {key.casefold(): key for key in KEYS}
_LEGACY: Final = {"serviceprovider", "serviceuser", "contentid"}
_QUOTE: Final = r"(?:\"|&quot;|&#0*34;)"
_KEY = re.compile(
    rf"{_QUOTE}(?:aigc|contentproducer|produceid|serviceprovider|contentid)\\?{_QUOTE}\s{{0,20}}:", re.IGNORECASE
)
_OUTSIDE = re.compile(r"[^\x21\x23-\x5b\x5d-\x7e]")
_OUTSIDE_WITH_QUOTE = re.compile(r"[^\x21-\x5b\x5d-\x7e]")


@dataclass(frozen=True, slots=True)
class Element:
    """The seven texts of the element, in their order."""

    label: str
    content_producer: str
    produce_id: str
    reserved_code1: str = ""
    content_propagator: str = ""
    propagate_id: str = ""
    reserved_code2: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the texts under the keys of the standard."""
        return dict(zip(KEYS, asdict(self).values(), strict=True))


@dataclass(frozen=True, slots=True)
class Reading:
    """What one AIGC text holds.

    Attributes:
        element: Its seven texts, those missing empty; None if it is no element at all.
        form: How it was written.
        problems: Where it departs from the standard, and (as warnings) from the provider code.
        security: What its two reserved codes hold, the producer's first; filled in by `with_security`.
    """

    element: Element | None
    form: Form
    problems: tuple[Problem, ...]
    security: tuple[Security, ...] = ()

    @property
    def conformant(self) -> bool:
        """Whether it keeps Annex E in the form its slot asks for."""
        return self.element is not None and not any(problem.severity == "error" for problem in self.problems)


def from_label(
    grade: Grade,
    producer: str,
    produce_id: str,
    *,
    propagator: str | None = None,
    propagate_id: str | None = None,
    existing: Element | None = None,
) -> Element:
    """Return the element to write for a label.

    On the first write the propagation texts equal the production texts unless a propagator is named (Annex E, note 1).
    Of an element already in the file only the propagation texts may change, and only when a propagator is named.

    Raises:
        InvalidPost: a new propagator without its own `propagate_id` on a file that has an element.
    """
    if existing is None:
        return Element(
            label=LABEL_OF_GRADE[grade],
            content_producer=producer,
            produce_id=produce_id,
            content_propagator=propagator or producer,
            propagate_id=propagate_id or produce_id,
        )
    if propagator is None:
        return existing
    kept_id = existing.propagate_id if propagator == existing.content_propagator else None
    if not (new_id := propagate_id or kept_id):
        raise InvalidPost("aigc-propagate-id-missing", propagator=propagator)
    return replace(existing, content_propagator=propagator, propagate_id=new_id)


def encode(element: Element, *, pointer: str | None = None) -> str:
    """Return the element as the bare JSON text of the XMP slot.

    Raises:
        InvalidPost: `check` finds an error; the message names the field and the character.
    """
    for problem in check(element):
        if problem.severity == "error":
            raise InvalidPost(problem.code, pointer=pointer, **problem.details)
    return json.dumps(element.as_json(), separators=(",", ":"))


def check(element: Element) -> tuple[Problem, ...]:
    """Return what keeps an element from being written (errors), and what is worth knowing (warnings).

    Stricter than the standard: a quote, which it allows escaped, is taken only inside the reserved codes, and a text in
    the shape of a service provider code must be a valid one.
    """
    return tuple(_value_problems(element, strict=True))


def decode(text: str, slot: Slot = "xmp") -> Reading:
    """Read an AIGC text in any form known from real files; never raises."""
    if len(text) > MAX_CHARACTERS:
        return Reading(None, "unreadable", (Problem("aigc-too-long", details={"limit": MAX_CHARACTERS}),))
    problems: list[Problem] = []
    data, wrapped = _unwrapped(_loaded(text.strip().strip("\0"), problems), problems)
    if not isinstance(data, dict):
        return Reading(None, "unreadable", (Problem("aigc-not-json"),))
    folded = {key.casefold() for key in data}
    if folded & _LEGACY and not folded & _CANONICAL.keys():
        return Reading(None, "legacy", (Problem("aigc-legacy-schema"),))
    element = _element(data, problems)
    form: Form = "wrapped" if wrapped else "bare"
    if slot not in FORM_OF_SLOT:
        problems.append(Problem("aigc-slot-not-named", details={"slot": slot}))
    elif form != FORM_OF_SLOT[slot]:
        problems.append(Problem(f"aigc-{form}-in-slot", details={"slot": slot}))
    problems += _value_problems(element, strict=False)
    return Reading(element, form, tuple(problems))


def with_security(reading: Reading) -> Reading:
    """Return a reading with what its reserved codes hold, the signatures in them checked; a broken one is a problem.

    The guide gives the message that a producer signs. What a propagator signs is not published, and real ones sign
    something else: of these, one that does not hold over what is known is unsupported, never broken.
    """
    if reading.element is None:
        return reading
    texts = reading.element.as_json()
    produced = [(key, texts[key]) for key in ("Label", "ContentProducer", "ProduceID")]
    passed_on = [(key, texts[key]) for key in ("Label", "ContentPropagator", "PropagateID")]
    producer = aigc_security.read(reading.element.reserved_code1, produced)
    propagator = aigc_security.read(reading.element.reserved_code2, passed_on, produced)
    if propagator.state == "broken":
        propagator = replace(propagator, state="unsupported")
    problems = reading.problems
    if producer.state == "broken":
        problems = (*problems, Problem("aigc-signature-broken", details={"algorithm": producer.algorithm}))
    return replace(reading, problems=problems, security=(producer, propagator))


def mentions_element(text: str) -> bool:
    """Say whether a free text, such as an EXIF user comment, seems to hold an AIGC element, of either schema."""
    return _KEY.search(text[:MAX_CHARACTERS]) is not None


def to_label_value(element: Element) -> dict[str, str]:
    """Return the element in the field names of a label; propagation only where it differs from production."""
    value: dict[str, str] = {"grade": GRADE_OF_LABEL.get(element.label, "")}
    value |= {"producer": element.content_producer, "produce_id": element.produce_id}
    propagation = (element.content_propagator, element.propagate_id)
    if propagation != (element.content_producer, element.produce_id):
        value |= dict(zip(("propagator", "propagate_id"), propagation, strict=True))
    return {field: text for field, text in value.items() if text}


def _loaded(text: str, problems: list[Problem]) -> object:
    """Parse JSON, once more with its quotes unescaped if need be; None if it is none."""
    for attempt in _attempts(text):
        repeated: list[str] = []
        try:
            data = json.loads(attempt, object_pairs_hook=_pairs_into(repeated))
        except (ValueError, RecursionError):
            continue
        if isinstance(data, str):
            continue
        if attempt != text:
            problems.append(Problem("aigc-quotes-escaped"))
        if repeated:
            problems.append(_about_keys("aigc-key-repeated", repeated))
        return data
    return None


def _attempts(text: str) -> Iterator[str]:
    """Yield a text as it is, and then without the escapes of XML and of a JSON text around it."""
    yield text
    yield html.unescape(text)
    try:
        inner = json.loads(text if text.startswith('"') else f'"{text}"')
    except ValueError:
        return
    yield inner


def _pairs_into(repeated: list[str]) -> Callable[[list[tuple[str, object]]], dict[str, object]]:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in items:
            if key in found:
                repeated.append(key)
            found.setdefault(key, value)
        return found

    return pairs


def _unwrapped(data: object, problems: list[Problem]) -> tuple[object, bool]:
    if not isinstance(data, dict):
        return data, False
    wrapper = next((key for key in data if key.casefold() == "aigc"), None)
    if wrapper is None:
        return data, False
    if wrapper != "AIGC":
        problems.append(_about_keys("aigc-key-case", [wrapper]))
    if beside := [key for key in data if key != wrapper]:
        problems.append(_about_keys("aigc-key-unknown", beside))
    inner = data[wrapper]
    return (_loaded(inner, problems) if isinstance(inner, str) else inner), True


def _element(data: dict[str, object], problems: list[Problem]) -> Element:
    texts = dict.fromkeys(KEYS, "")
    seen: dict[str, str] = {}
    faults: dict[str, list[str]] = {"aigc-key-unknown": [], "aigc-key-repeated": [], "aigc-key-case": []}
    for written, value in data.items():
        key = _CANONICAL.get(written.casefold())
        if key is None:
            faults["aigc-key-unknown"].append(written)
        elif key in seen:
            faults["aigc-key-repeated"].append(written)
        else:
            seen[key] = written
            texts[key] = _as_text(key, value, problems)
            if written != key:
                faults["aigc-key-case"].append(written)
    faults["aigc-key-missing"] = [key for key in KEYS if key not in seen]
    problems += [_about_keys(code, keys) for code, keys in faults.items() if keys]
    return Element(*texts.values())


def _as_text(key: str, value: object, problems: list[Problem]) -> str:
    if isinstance(value, str):
        # JSON can spell half a surrogate pair, which no output could encode.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    problems.append(_about_keys("aigc-value-not-text", [key]))
    return "" if value is None else json.dumps(value, separators=(",", ":"))


def _value_problems(element: Element, *, strict: bool) -> Iterator[Problem]:
    for key, value in element.as_json().items():
        names = {"key": key, "field": _FIELDS[key]}
        if not value:
            if key not in _RESERVED:
                yield Problem("aigc-value-empty", details=names)
            continue
        outside = _OUTSIDE if strict and key not in _RESERVED else _OUTSIDE_WITH_QUOTE
        if found := outside.search(value):
            yield Problem("aigc-character", details={**names, "character": _shown(found[0])})
        elif key == "Label":
            if value not in GRADE_OF_LABEL:
                yield Problem("aigc-label-unknown", details={**names, "value": _shown(value)})
        elif key in {"ContentProducer", "ContentPropagator"}:
            yield from _provider_problems(names, value, strict=strict)


def _provider_problems(names: dict[str, str], value: str, *, strict: bool) -> Iterator[Problem]:
    details = {**names, "value": _shown(value)}
    if not looks_like_provider_code(value):
        yield Problem("aigc-producer-is-a-name", "warning", details)
    elif defect := provider_code_defect(value):
        # Annex E allows any name or code; that a code be valid is the coding rule's demand, not the standard's.
        yield Problem(defect, "error" if strict else "warning", details)


def _about_keys(code: str, keys: list[str]) -> Problem:
    return Problem(code, details={"keys": ", ".join(_shown(key) for key in keys[:7])})


def _shown(text: str) -> str:
    """Make a text from a hostile file safe to print."""
    return "".join(one if one.isprintable() and one != " " else f"U+{ord(one):04X}" for one in text[:40])
