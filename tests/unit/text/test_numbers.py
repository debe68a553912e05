"""Numbers of Chinese news."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.text.normal import normalise
from provenance.text.numbers import number_at
from provenance.text.symbols import symbols_of


def numbers(text):
    return [each.number for each in symbols_of(normalise(text).text) if each.number is not None]


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("120人", "人", 120),
        ("一百二十人", "人", 120),
        ("一百二人", "人", 120),
        ("两名男子", "人", 2),
        ("1,234,567元", "元", 1234567),
        ("3.5亿元", "元", 350000000),
        ("三亿五千万元", "元", 350000000),
        ("三万亿元", "元", 3 * 10**12),
        ("二〇二六人", "人", 2026),
        ("一千零三吨", "g", 1003 * 10**6),
        ("3000万美元", "美元", 30000000),
        ("百分之三十", "%", 30),
        ("百分之三点五", "%", Decimal("3.5")),
        ("30%", "%", 30),
        ("0.5个百分点", "%", Decimal("0.5")),
        ("三成,", "%", 30),
        ("零下五度", "°C", -5),
        ("降到-5℃", "°C", -5),
        ("5千瓦", "W", 5000),
        ("2GB", "MB", 2048),
        ("10公里", "m", 10000),
        ("2小时", "s", 7200),
        ("第三名", "第名", 3),
        ("两点五亿元", "元", 250000000),
        ("叁拾元", "元", 30),
    ],
)
def test_one_value_whatever_the_numerals(text, dimension, value):
    (found,) = numbers(text)
    assert (found.dimension, found.value) == (dimension, Decimal(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026年5月1日", (2026, 5, 1)),
        ("二〇二六年五月一日", (2026, 5, 1)),
        ("2026-05-01", (2026, 5, 1)),
        ("2026/5/1", (2026, 5, 1)),
        ("5月1日", (None, 5, 1)),
        ("5月1号", (None, 5, 1)),
        ("1日", (None, None, 1)),
        ("2026年", (2026, None, None)),
        ("2026年5月", (2026, 5, None)),
    ],
)
def test_a_date_is_the_parts_it_states(text, value):
    (found,) = numbers(text)
    assert (found.dimension, found.value) == ("date", value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("08:30", (8, 30)),
        ("8时30分", (8, 30)),
        ("上午八点半", (8, 30)),
        ("20时", (20, None)),
        ("晚8点", (8, None)),
        ("9点整", (9, 0)),
    ],
)
def test_a_time_of_day_is_an_hour_and_perhaps_a_minute(text, value):
    (found,) = numbers(text)
    assert (found.dimension, found.value) == ("clock", value)


@pytest.mark.parametrize(
    "text",
    [
        "十分感谢",
        "一名男子",
        "一直以来",
        "百度公司",
        "数十人",
        "几百万人",
        "千家万户",
        "第三方",
        "万岁",
        "两会",
        "双十一",
        "九江",
        "一带一路",
        "千万不要",
    ],
)
def test_a_word_that_only_looks_like_a_number_is_none(text):
    assert numbers(text) == []


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("12345人", "1.2万人", True),
        ("12345人", "1.2万余人", True),
        ("12800人", "1.2万人", True),
        ("12800人", "1.3万人", True),
        ("19000人", "1万人", False),
        ("3.5亿元", "3亿元", False),
        ("29.8%", "30%", True),
        ("29.4%", "30%", False),
        ("2987人", "近3000人", True),
        ("500人", "近3000人", False),
        ("12人", "十余人", True),
        ("12人", "10人", False),
        ("2026年5月1日", "5月1日", True),
        ("2026年5月1日", "5月2日", False),
        ("2026年5月1日", "1日", True),
        ("20时", "晚8点", True),
        ("20时30分", "晚8点", True),
        ("20时30分", "8点15分", False),
        ("1.5吨", "1500公斤", True),
        ("三成,", "29%", True),
        ("10人", "10元", False),
        ("编号3", "3人", True),
        ("编号3", "3日", False),
        ("零下5度", "气温-5℃", True),
        ("5度", "气温-5℃", False),
        ("三分之一", "33.3%", True),
        ("三分之二", "33.3%", False),
    ],
)
def test_numbers_agree_as_far_as_each_is_written(one, other, agree):
    (first,), (second,) = numbers(one), numbers(other)
    assert first.agrees(second) is agree
    assert second.agrees(first) is agree


def test_a_dash_between_two_temperatures_is_no_minus():
    assert [each.value for each in numbers("3℃-5℃")] == [3, 5]


@given(st.integers(1, 10**8 - 1))
def test_a_number_agrees_with_itself_in_chinese_numerals(value):
    (arabic,), (chinese,) = numbers(f"{value}元"), numbers(f"{in_chinese(value)}元")
    assert arabic.value == chinese.value


@given(st.text(alphabet="0123456789一二两十百千万亿点年月日时分第%人元.,:-/成余多约", max_size=40))
def test_no_text_makes_it_raise_and_every_number_advances(text):
    normal = normalise(text).text
    for at in range(len(normal)):
        found = number_at(normal, at)
        assert found is None or at < found.end <= len(normal)


def in_chinese(value):
    """Write a number below 10^8 as it is read."""

    def below_myriad(number):
        text, zero = "", False
        for place, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = number // place % 10
            if digit:
                text += ("零" if zero and text else "") + "零一二三四五六七八九"[digit] + name
            zero = not digit
        return text

    high, low = divmod(value, 10**4)
    if not high:
        return below_myriad(low)
    gap = "零" if low and low < 1000 else ""
    return below_myriad(high) + "万" + gap + below_myriad(low)
