"""HTML taken apart as a browser's tokeniser does (WHATWG HTML, 13.2.5), with what of it a reader sees.

No tree is built: the trees that the standard asks for can be far larger than a hostile page, and what hides an element
(the element itself, ``hidden``, ``aria-hidden``, its own ``style``) shows in the tags. Style sheets are not read. Every
offset counts characters of the text given, so that a page decoded as Latin-1 gives offsets of bytes.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_COMMENT_END: Final = re.compile(r"-->|(?<!<!)--!>")
_TAG: Final = re.compile(r"<(/?)([A-Za-z][^ \t\n\r\f/>]*+)")
_ATTRIBUTE: Final = re.compile(
    r"""[ \t\n\r\f/]*+(?:(?P<close>>)|(?P<name>=?[^ \t\n\r\f/>=]*+)"""
    r"""(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'"""
    r"""|(?P<plain>[^ \t\n\r\f>"'][^ \t\n\r\f>]*+)|(?=>)|(?P<cut>)))?)"""
)
_HIDING_STYLE: Final = re.compile(
    r"(?<![a-z-])(?:display:none|visibility:(?:hidden|collapse)|content-visibility:hidden"
    r"|(?:opacity|font-size):0*\.?0*(?:px|em|rem|pt|%)?(?=[;!]|$))(?![a-z-])"
)
_STYLE_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID: Final = _names("area base basefont bgsound br col embed hr img input keygen link meta param source track wbr")
# Their text holds no tags; of these a reader sees that of the last two.
_RAW: Final = _names("script style title noscript iframe noembed noframes textarea xmp")
_SEEN_RAW: Final = frozenset(("textarea", "xmp"))
# What stands in them is shown by no browser that knows them, or only on demand.
_UNSEEN: Final = _names("template audio video canvas object datalist select rp")
# They stand inside a line and part nothing.
_INLINE: Final = _names(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rb rp rt rtc ruby s samp "
    "small span strike strong sub sup time tt u var wbr"
)
_FORMATTING: Final = _names("a b big code em font i nobr s small strike strong tt u")
_MOST_ALIKE: Final = 3  # formatting elements of one name that go on
# A start tag closes an open element of these names right inside which it stands (13.2.6.4.7, "in body").
_CLOSES: Final = {
    "li": frozenset({"li"}),
    **dict.fromkeys(("dd", "dt"), frozenset({"dd", "dt"})),
    **dict.fromkeys(("option", "optgroup"), frozenset({"option"})),
    **dict.fromkeys(("rb", "rt", "rtc", "rp"), frozenset({"rb", "rt", "rtc", "rp"})),
    **dict.fromkeys(("td", "th"), frozenset({"td", "th"})),
    "tr": frozenset({"td", "th", "tr"}),
    **dict.fromkeys(("tbody", "thead", "tfoot"), frozenset({"td", "th", "tr", "tbody", "thead", "tfoot"})),
}
_ENDS_PARAGRAPH: Final = _names(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer form h1 h2 h3 "
    "h4 h5 h6 header hgroup hr li main menu nav ol p plaintext pre search section summary table ul xmp"
)


class Part(NamedTuple):
    """A piece of a page.

    Attributes:
        start: Its first character.
        end: Behind its last one.
        name: A tag's name in lower case; empty for text, comments and the like.
        closes: It is an end tag.
        text: What a reader sees of it, references resolved; a line break where an element parts lines.
        inside: The open element that it stands in, itself not counted; empty for none.
        hidden: No reader sees what stands there.
    """

    start: int
    end: int
    name: str
    closes: bool
    text: str
    inside: str
    hidden: bool


def seen_in_html(source: str) -> str:
    """Return what a reader sees of a page or of a piece of one; what is cut short is dropped to the end."""
    return "".join(part.text for part in parts(source))


def parts(source: str) -> Iterator[Part]:
    """Yield the pieces of a page in their order, each once; the last one may be unfinished and is left out then."""
    open_elements = _Open()
    at = 0
    while at < len(source):
        start = _markup_from(source, at)
        if start > at:
            yield _text(source, at, start, open_elements)
        if start == len(source):
            return
        tag = _TAG.match(source, start)
        attributes: dict[str, str] = {}
        at = _tag_end(source, tag, attributes) if tag else _other_end(source, start)
        if at < 0:
            return
        if tag is None:
            yield Part(start, at, "", closes=False, text="", inside=open_elements.top, hidden=open_elements.hidden)
            continue
        name = _lower(tag[2])
        yield open_elements.take(name, bool(tag[1]), attributes, (start, at))
        if name in _RAW and not tag[1]:
            close = re.compile(rf"</{name}(?=[ \t\n\r\f/>])", re.IGNORECASE | re.ASCII).search(source, at)
            if close is None:
                return
            if name in _SEEN_RAW and close.start() > at:
                yield _text(source, at, close.start(), open_elements)
            at = close.start()


@dataclass(slots=True)
class _Open:
    """The elements that are open, each with whether it hides what is in it; how many of each name, how many hide."""

    elements: list[tuple[str, bool]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    hiding: int = 0

    @property
    def top(self) -> str:
        return self.elements[-1][0] if self.elements else ""

    @property
    def hidden(self) -> bool:
        return self.hiding > 0

    def take(self, name: str, closes: bool, attributes: dict[str, str], span: tuple[int, int]) -> Part:  # noqa: FBT001
        """Open or close an element and return its tag's part."""
        if closes:
            self.close(name)
        else:
            self.close_before(name)
        inside, hidden = self.top, self.hidden
        if not closes and name not in _VOID:
            self.push(name, hides=_hides(name, attributes))
        text = "" if hidden or name in _INLINE else "\n"
        return Part(*span, name, closes=closes, text=text, inside=inside, hidden=hidden)

    def close(self, name: str) -> None:
        """Close the innermost element of a name; formatting that began in it goes on behind it (13.2.4.3)."""
        if not self.counts[name]:
            return
        kept: dict[str, list[bool]] = {}
        while (popped := self.pop())[0] != name:
            if name not in _FORMATTING and popped[0] in _FORMATTING:
                kept.setdefault(popped[0], []).append(popped[1])
        for each, hides in kept.items():
            for one in hides[:_MOST_ALIKE]:
                self.push(each, hides=one)

    def close_before(self, name: str) -> None:
        """Close what a start tag closes without an end tag."""
        if name == "a":
            self.close("a")
        closing = _CLOSES.get(name, frozenset())
        while self.top in closing:
            self.pop()
        if name in _ENDS_PARAGRAPH and self.counts["p"]:
            inner = next((each for each, _ in reversed(self.elements) if each not in _INLINE), "")
            if inner == "p":
                self.close("p")

    def push(self, name: str, *, hides: bool) -> None:
        self.elements.append((name, hides))
        self.counts[name] += 1
        self.hiding += hides

    def pop(self) -> tuple[str, bool]:
        name, hides = self.elements.pop()
        self.counts[name] -= 1
        self.hiding -= hides
        return name, hides


def _text(source: str, start: int, end: int, open_elements: _Open) -> Part:
    hidden = open_elements.hidden
    text = "" if hidden else source[start:end]
    text = html.unescape(text) if "&" in text else text
    return Part(start, end, "", closes=False, text=text, inside=open_elements.top, hidden=hidden)


def _markup_from(source: str, at: int) -> int:
    """Return where the next tag, comment or the like starts; a ``<`` that starts none is text."""
    while (start := source.find("<", at)) >= 0:
        follows = source[start + 1 : start + 2]
        if follows in {"!", "/", "?"} or (follows.isascii() and follows.isalpha()):
            return start
        at = start + 1
    return len(source)


def _other_end(source: str, start: int) -> int:
    """Return where a comment, or what counts as one, ends; -1: nowhere."""
    if source.startswith("<!--", start):
        found = _COMMENT_END.search(source, start + 2)
        return found.end() if found else -1
    end = source.find(">", start)
    return end + 1 if end >= 0 else -1


def _tag_end(source: str, tag: re.Match[str], attributes: dict[str, str]) -> int:
    """Note a tag's attributes, the first of each name; return where it ends, or -1."""
    at = tag.end()
    while (found := _ATTRIBUTE.match(source, at)) and found["cut"] is None and found.end() > at:
        at = found.end()
        if found["close"]:
            return at
        value = next((found[each] for each in ("double", "single", "plain") if found[each] is not None), "")
        attributes.setdefault(_lower(found["name"]), value)
    return -1


def _hides(name: str, attributes: dict[str, str]) -> bool:
    """Say whether an element hides what is in it, by what it is or by its own attributes."""
    if name in _UNSEEN or "hidden" in attributes or (name == "dialog" and "open" not in attributes):
        return True
    if html.unescape(attributes.get("aria-hidden", "")).strip().lower() == "true":
        return True
    style = _STYLE_COMMENT.sub("", html.unescape(attributes.get("style", "")))
    return bool(style) and _HIDING_STYLE.search("".join(style.split()).lower()) is not None


def _lower(name: str) -> str:
    # As HTML does it: ASCII only.
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


_ASCII_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
