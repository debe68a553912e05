"""Times of the contract."""

from datetime import UTC, datetime

import pytest

from provenance.model.times import in_the_future, parts_of, same_time, shown

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026", "2026-05", "2026-05-01", "2026-05-01T08:30", "2026-05-01T08:30:00", "2026-05-01T08:30:00.5",
     "2026-05-01T08:30Z", "2026-05-01T08:30:00+08:00", "2024-02-29"],
)  # fmt: skip
def test_every_form_of_the_contract_is_a_time(text):
    assert parts_of(text)


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-5-1", "2026-13", "2026-02-30", "2025-02-29", "2026-05-01 08:30", "2026-05-01T24:00", "2026-05-01T08",
     "2026-05-01T08:30:60", "2026-05-01T08:30+15:00", "2026-05-01T08:30+08:60", "2026-05-01+08:00", "0000", "2026-05-01T08:30:00,5",
     "２０２６", "2026-05-01T08:30:00+0800", " 2026"],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        parts_of(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2026-05-01", "2026-05-01T08:30:00+08:00", True),
        ("2026", "2026-12-31", True),
        ("2026-05", "2026-06-01", False),
        ("2026-05-01T08:30:00+08:00", "2026-05-01T00:30:00Z", True),
        ("2026-05-01T08:30+08:00", "2026-05-01T00:30:45Z", True),
        ("2026-05-01T08:30:00+08:00", "2026-05-01T08:30:00Z", False),
        ("2026-05-01T08:30:00+08:00", "2026-05-01T08:30:00", True),
        ("2026-05-01T08:30:00.25", "2026-05-01T08:30:00.2", True),
        ("2026-05-01T08:30:00.25Z", "2026-05-01T08:30:00.3Z", False),
        ("2026-05-01T08:30:00Z", "2026-05-01T08:30:00.9Z", True),
        ("2026-05-01T08:30:00", "2026-05-01T08:30:01", False),
    ],
)
def test_times_agree_at_the_precision_of_the_shorter(one, other, same):
    assert same_time(one, other) is same
    assert same_time(other, one) is same


@pytest.mark.parametrize(
    ("text", "future"),
    [
        ("2026-11-21T12:04:59Z", False),
        ("2026-11-21T12:05:01Z", True),
        ("2026-11-22T02:00:00", False),  # it is that late already where the clock is 14 h ahead
        ("2026-11-22T02:00:01", True),
        ("2026-11-22", False),
        ("2026-11-23", True),
        ("2026", False),
        ("2027", True),
        ("2026-12", True),
    ],
)
def test_a_time_is_in_the_future_only_when_no_clock_could_show_it(text, future):
    assert in_the_future(text, NOW) is future


def test_a_notice_shows_a_time_to_the_minute_without_its_offset():
    assert shown("2026-05-01T08:30:59.25+08:00") == "2026-05-01 08:30"
    assert shown("2026-05") == "2026-05"
