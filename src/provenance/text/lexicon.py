"""Words known beforehand, which are data: `words.toml`, `bodies.toml`, `places.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Sort = Literal["character", "number", "negation", "denial", "place", "body", "word", "mark"]


class Lexicon:
    """Words, each with the sort and key of its symbol, found by their first character."""

    def __init__(self, entries: Mapping[str, tuple[Sort, str]]) -> None:
        self.entries = entries
        lengths: dict[str, set[int]] = {}
        for word in entries:
            lengths.setdefault(word[0], set()).add(len(word))
        self._lengths = {first: sorted(each, reverse=True) for first, each in lengths.items()}

    def longest(self, text: str, at: int) -> int | None:
        """Return the end of the longest word that begins at `at`."""
        for length in self._lengths.get(text[at], ()):
            if text[at : at + length] in self.entries:
                return at + length
        return None


@cache
def words(name: str) -> frozenset[str]:
    """Return one list of `words.toml`; of the surnames, each character."""
    text = _data("words")[name]
    return frozenset(text if name == "surnames" else text.split())


@cache
def lexicons() -> tuple[Lexicon, ...]:
    """Return the lexicons in the order in which they are asked: what is no negation before what is one."""
    ordinary: dict[str, tuple[Sort, str]] = {word: ("character", word) for word in words("no_negations")}
    denials: dict[str, tuple[Sort, str]] = {word: ("denial", word) for word in words("denials")}
    negations: dict[str, tuple[Sort, str]] = dict.fromkeys(words("negations"), ("negation", "¬"))
    return Lexicon(ordinary), Lexicon(negations | denials), _names()


def _names() -> Lexicon:
    # A city named like an ordinary word (朝阳, 白山) is one only where 市 says so.
    found: dict[str, tuple[Sort, str]] = {
        name: ("place", name.removesuffix("市").removesuffix("地区")) for name in _places()
    }
    for line in _data("bodies")["bodies"].strip().splitlines():
        names = line.split()
        found.update(dict.fromkeys(names, ("body", names[0])))
    return Lexicon(found)


@cache
def part_of() -> Mapping[str, str]:
    """Return the places that are known, each with the one it lies in; a country lies in itself."""
    return {name.removesuffix("市").removesuffix("地区"): outer for name, outer in _places().items()}


def _places() -> dict[str, str]:
    data = _data("places")
    found = {name: name for name in data["countries"].split()}
    for province, cities in data["provinces"].items():
        found[province] = "中国"
        found.update(dict.fromkeys(cities.split(), province))
    return found


@cache
def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((files("provenance.text") / f"{name}.toml").read_text(encoding="utf-8"))
