"""The normal form of a text and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.text import normalise


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ABC123", "ABC123"),
        ("「新规」『办法』", "“新规”“办法”"),
        ("〈办法〉", "《办法》"),
        ("客 流  回升 3 人", "客流回升3人"),
        ("Mate  80\tPro", "Mate 80 Pro"),
        ("K¸", "K"),
        ("零\u200b宽\ufeff字", "零宽字"),
        ("一\r二", "一\n二"),
        ("8℃", "8°C"),
        ("3—5", "3-5"),
        ("e\u0301", "é"),
        ("ﾊﾞ", "バ"),
        ("繁體不變", "繁體不變"),
        ("", ""),
    ],
)
def test_one_form_of_what_means_the_same(given, expected):
    assert normalise(given).text == expected


@given(st.text())
def test_every_character_leads_back_into_the_given_text_in_order(text):
    normal = normalise(text)
    assert len(normal.starts) == len(normal.ends) == len(normal.text)
    assert all(0 <= start < end <= len(text) for start, end in zip(normal.starts, normal.ends, strict=True))
    assert list(normal.starts) == sorted(normal.starts)


@given(st.text())
def test_a_normal_form_is_its_own(text):
    once = normalise(text).text
    assert normalise(once).text == once


def test_a_span_names_the_characters_it_stands_for():
    given = "共 120 人"
    normal = normalise(given)
    start, end = normal.given(normal.text.index("1"), len(normal.text))
    assert given[start:end] == "120 人"
