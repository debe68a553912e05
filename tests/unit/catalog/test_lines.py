"""The line that an error about rule data names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance._resources import labels_root
from provenance.catalog.lines import line_of, line_with

TEXT = """\
# id of nothing
id = "a"
cites = [
  "X-1",  # X-2
  "X-2",
]
[title]
en = "x"

[requires]
any = [
  { fact = "a", is = true },
  { every_asset = { label = "b" }, of = ["image"] },
]
in_force = { from = 2023-07-05 }

[[evidence]]
en = "first"
text = \'\'\'
en = "not a key"
\'\'\'

[[evidence]]
en = "second"
[evidence.when]
"odd/key" = 1
[a.b]
[[a.b.c]]
x.y = 1
[[a.b.c]]
x.y = 2
"""
FILES = sorted(path.relative_to(labels_root()).as_posix() for path in labels_root().rglob("*.toml"))


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 1),
        ("/id", 2),
        ("/cites", 3),
        ("/cites/1", 3),
        ("/title", 7),
        ("/title/en", 8),
        ("/title/zh-CN", 7),
        ("/requires/any/1/every_asset", 13),
        ("/requires/any/1/every_asset/label", 13),
        ("/requires/any/0/fact", 12),
        ("/requires/in_force/from", 15),
        ("/evidence/0", 17),
        ("/evidence/0/en", 18),
        ("/evidence/0/zh-CN", 17),
        ("/evidence/0/text", 19),
        ("/evidence/1/en", 24),
        ("/evidence/1/when", 25),
        ("/evidence/1/when/odd~1key", 26),
        ("/a/b/c/0/x/y", 29),
        ("/a/b/c/1/x/y", 31),
        ("/nothing", 1),
    ],
)
def test_a_pointer_leads_to_the_line_where_it_begins_or_belongs(pointer: str, line: int) -> None:
    assert line_of(TEXT, pointer) == line


@pytest.mark.parametrize(("word", "line"), [("X-1", 4), ("X-2", 5), ("every_asset", 13), ("X", None), ("", None)])
def test_a_word_is_found_whole_and_outside_comments_of_their_own(word: str, line: int | None) -> None:
    assert line_with(TEXT, word) == line


def test_a_long_list_hides_nothing_behind_it() -> None:
    text = "a = [\n" + "  1,\n" * 20_000 + "]\n[t]\nb = 1  # one,\nc = 2\n"
    assert line_of(text, "/t/b") == 20_004
    assert line_of(text, "/t/c") == 20_005


def test_a_file_made_to_be_slow_is_given_up() -> None:
    text = "a = [\n" + "  1\n  ,\n" * 20_000 + "]\nb = 1\n"
    begun = process_time()
    assert line_of(text, "/b") in range(1, 40_004)
    assert process_time() - begun < 20


@settings(deadline=None)
@given(st.sampled_from(FILES), st.text("/~01abprovisonquet-", max_size=30))
def test_any_pointer_leads_into_the_file(file: str, pointer: str) -> None:
    text = (labels_root() / file).read_text("utf-8")
    assert 1 <= line_of(text, pointer) <= len(text.splitlines())


@pytest.mark.parametrize("file", FILES)
def test_every_value_of_the_edition_is_found_in_a_line_with_its_key(file: str) -> None:
    text = (labels_root() / file).read_text("utf-8")
    lines = text.splitlines()
    for pointer, key in keys(tomllib.loads(text), ""):
        assert key in lines[line_of(text, pointer) - 1], pointer


def keys(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{pointer}/{key}", key
            yield from keys(inner, f"{pointer}/{key}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from keys(inner, f"{pointer}/{at}")
