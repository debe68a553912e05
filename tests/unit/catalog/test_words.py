"""Word lists find what a text says, however it is written, and nothing that only looks like it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.catalog import Catalog
from provenance.catalog.words import WordList

LISTS = Catalog.packaged().words
TITLE = {"zh-CN": "词", "en": "words"}


def words(*listed: str, **more: tuple[str, ...]) -> WordList:
    return WordList.model_validate({"id": "x", "title": TITLE, "source": "x", "words": listed, **more})


@pytest.mark.parametrize("text", ["由AI生成", "由ai生成。", "AI 生 成", "AI\u200b生成", "本图由人工智能技术合成"])
def test_both_elements_are_found_in_any_width_case_and_spacing(text: str) -> None:
    assert LISTS["explicit-ai-label"].said_in(text)


@pytest.mark.parametrize("text", ["AI", "AIGC", "AIGC生成", "OpenAI生成", "由AI创作", "生成", "AI\n生成", ""])
def test_one_element_or_a_longer_word_is_not_both(text: str) -> None:
    assert not LISTS["explicit-ai-label"].said_in(text)


def test_what_is_found_is_shown_as_it_is_written_and_once() -> None:
    assert words("防失联").said_in("防 失联!防 失联!防失联") == ("防 失联", "防失联")
    assert words("ai label").said_in("An AI  Label") == ("AI  Label",)


def test_a_gap_holds_eight_characters_of_a_line_at_most() -> None:
    gap = words("关注…不迷路")
    assert gap.said_in("关注12345678不迷路")
    assert not gap.said_in("关注123456789不迷路")
    assert not gap.said_in("关注\n不迷路")


def test_a_word_inside_an_innocent_one_does_not_count() -> None:
    spared = words("四川", unless=("四川菜",))
    assert spared.said_in("老王四川菜") == ()
    assert spared.said_in("四川菜与四川") == ("四川",)


def test_a_whole_text_is_that_text_and_no_longer_one() -> None:
    whole = words(whole=("网络",))
    assert whole.said_in(" 网络 ") == ("网络",)
    assert whole.said_in("央视网络") == ()


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert words("防失联").said_in("字" * 19_997 + "防失联")
    assert not words("防失联").said_in("字" * 19_998 + "防失联")


@pytest.mark.parametrize("name", LISTS)
def test_every_word_of_a_list_is_found_by_it(name: str) -> None:
    listed = LISTS[name]
    for word in listed.words:
        assert listed.said_in(word.replace("…", "和")), word


@pytest.mark.parametrize("piece", ["关注", "AI", "生成", "防", "  ", "盘点", "号"])
def test_hostile_texts_are_read_in_linear_time(piece: str) -> None:
    start = time.process_time()
    for listed in LISTS.values():
        listed.said_in(piece * 10_000)
    assert time.process_time() - start < 10


@given(st.text(max_size=80))
def test_no_text_makes_it_raise_and_what_is_found_stands_in_the_text(text: str) -> None:
    for listed in LISTS.values():
        for found in listed.said_in(text):
            assert found
