"""Vague sources, and one organisation under different spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.text import is_vague_source, name_key, same_name

PHRASES = ("来源于互联网", "网络", "网传", "网友", "网友表示", "自媒体")


@pytest.mark.parametrize(
    "text",
    [
        "来源于互联网",
        "来源:互联网",
        "网络",
        "图片来源于网络",
        "综合网络",
        "网传",
        "网友",
        "据网友爆料",
        "网友 提供",
        "网络、网友",
        "素材来源:网络,侵删",
        "(网络)",
        "",
    ],
)
def test_a_source_nobody_could_ask_is_vague(text):
    assert is_vague_source(text, PHRASES)


@pytest.mark.parametrize(
    "text",
    [
        "新华网",
        "新华社、网友",
        "网信中国",
        "互联网周刊",
        "中国网络电视台",
        "网易新闻",
        "成都发布",
        "据新华社报道",
        "网友张三",
    ],
)
def test_a_source_with_a_name_is_not_vague(text):
    assert not is_vague_source(text, PHRASES)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("新华社", "新华社客户端"),
        ("人民日报", "人民日报社"),
        ("人民日报", "人民日报客户端"),
        ("四川日报", "四川日报网"),
        ("星河文化传媒(成都)有限公司", "星河文化传媒(成都)有限责任公司"),
        ("央视新闻", "央视新闻 APP"),
        ("CGTN", "cgtn"),
        ("www.xinhuanet.com", "https://xinhuanet.com/"),
        ("《财经》杂志", "财经杂志社"),
        ("澎湃新闻", "澎湃新闻微信公众号"),
    ],
)
def test_spellings_of_one_name(one, other):
    assert same_name(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("新华社", "新华网"),
        ("人民日报", "人民网"),
        ("四川日报", "成都日报"),
        ("北京晚报", "北京日报"),
        ("星河(成都)公司", "星河(上海)公司"),
        ("公司", "客户端"),
    ],
)
def test_names_of_different_houses(one, other):
    assert not same_name(one, other)


def test_an_alias_is_the_same_name():
    assert same_name("央视", "中央广播电视总台", {"中央广播电视总台": ("央视", "CCTV")})
    assert same_name("CCTV", "央视客户端", {"中央广播电视总台": ("央视", "CCTV")})
    assert not same_name("央视", "新华社", {"中央广播电视总台": ("央视", "CCTV")})


@given(st.text(max_size=40))
def test_a_key_is_its_own_and_never_lost(text):
    key = name_key(text)
    assert name_key(key) == key
    assert name_key(f" {text} ") == key
