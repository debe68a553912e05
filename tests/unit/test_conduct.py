"""Waits, mutes and sanctions of the 2023 notice: exact days, on both sides of each."""

import os
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from provenance.catalog import Catalog
from provenance.catalog.conduct import Conduct
from provenance.conduct import (
    BEIJING,
    Mute,
    day_in_beijing,
    dispositions,
    monetisation_opens,
    monetisation_waits,
    months_after,
    suspension_beside,
    while_muted,
)

CATALOG = Catalog.packaged()
DAY = date(2026, 11, 21)
DAYS = st.dates(date(2023, 7, 5), date(2099, 1, 1))


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        (date(2026, 5, 1), 3, date(2026, 8, 1)),
        (date(2026, 5, 31), 3, date(2026, 8, 31)),
        (date(2026, 3, 31), 3, date(2026, 6, 30)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2027, 11, 29), 3, date(2028, 2, 29)),
        (date(2026, 11, 29), 3, date(2027, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 10, 15), 3, date(2027, 1, 15)),
        (date(2026, 12, 31), 0, date(2026, 12, 31)),
    ],
)
def test_a_period_of_months_ends_on_the_same_number_or_the_months_last_day(day, months, last):
    assert months_after(day, months) == last


@given(DAYS, st.integers(0, 240))
def test_a_period_of_months_ends_in_the_month_it_should(day, months):
    last = months_after(day, months)
    assert (last.year * 12 + last.month) - (day.year * 12 + day.month) == months
    assert last.day == day.day or (last + timedelta(days=1)).day == 1


@pytest.mark.parametrize(("on", "waits"), [(date(2026, 8, 31), 1), (date(2026, 9, 1), 0)])
@pytest.mark.parametrize(("event", "name"), [("violations", "clean-record"), ("owner_changes", "owner-change")])
def test_monetisation_waits_to_the_last_day_of_three_calendar_months(event, name, on, waits):
    found = monetisation_waits(CATALOG, on=on, **{event: [date(2026, 5, 31)]})
    assert [(each.id, each.last_day, each.cites) for each in found] == [
        (name, date(2026, 8, 31), ("SM2023-08",))
    ] * waits


def test_the_latest_event_counts_and_the_longest_wait_decides():
    events = {"violations": [date(2026, 9, 1), date(2026, 10, 5)], "owner_changes": [date(2026, 11, 2)]}
    assert [each.id for each in monetisation_waits(CATALOG, on=DAY, **events)] == ["owner-change", "clean-record"]
    assert monetisation_opens(CATALOG, on=DAY, **events) == date(2027, 2, 3)


def test_nothing_bars_an_account_without_events():
    assert monetisation_waits(CATALOG, on=DAY) == ()
    assert monetisation_opens(CATALOG, on=DAY) == DAY


def test_an_event_that_has_not_happened_yet_bars_nothing():
    assert monetisation_waits(CATALOG, on=DAY, owner_changes=[DAY + timedelta(days=1)]) == ()


@pytest.mark.parametrize(("on", "waits"), [(date(2023, 7, 4), 0), (date(2023, 7, 5), 1)])
def test_the_waits_hold_from_the_day_the_notice_does(on, waits):
    assert len(monetisation_waits(CATALOG, on=on, violations=[date(2023, 7, 1)])) == waits


@given(DAYS, st.lists(DAYS), st.lists(DAYS))
def test_on_the_day_it_opens_nothing_waits_and_the_day_before_something_does(on, violations, changes):
    events = {
        "violations": [each for each in violations if each <= on],
        "owner_changes": [each for each in changes if each <= on],
    }
    opens = monetisation_opens(CATALOG, on=on, **events)
    assert monetisation_waits(CATALOG, on=opens, **events) == ()
    assert opens == on or monetisation_waits(CATALOG, on=opens - timedelta(days=1), **events)


def beijing(*parts):
    return datetime(*parts, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("mute", "shortest", "longest"),
    [
        (Mute(beijing(2026, 11, 21, 9, 30), days=7), beijing(2026, 12, 5, 9, 30), beijing(2026, 12, 12, 9, 30)),
        (Mute(beijing(2026, 12, 31), months=1), beijing(2027, 2, 28), beijing(2027, 3, 31)),
        (Mute(beijing(2027, 12, 31), months=1), beijing(2028, 2, 29), beijing(2028, 3, 31)),
        (Mute(datetime(2026, 11, 20, 20, tzinfo=UTC), days=1), beijing(2026, 11, 23, 4), beijing(2026, 11, 24, 4)),
    ],
)
def test_monetisation_is_suspended_two_to_three_times_as_long_as_a_mute(mute, shortest, longest):
    found = suspension_beside(CATALOG, mute)
    assert (found.start, found.shortest, found.longest) == (mute.start, shortest, longest)
    assert found.cites == ("SM2023-09",)


@given(st.dates(date(2023, 7, 6), date(2090, 1, 1)), st.times(), st.integers(1, 3650))
def test_a_mute_of_days_is_multiplied_exactly(day, time, days):
    start = datetime.combine(day, time, tzinfo=BEIJING)
    mute = Mute(start, days=days)
    found = suspension_beside(CATALOG, mute)
    assert mute.end() - start == timedelta(days=days)
    assert found.shortest - start == 2 * timedelta(days=days)
    assert found.longest - start == 3 * timedelta(days=days)


@pytest.mark.parametrize(
    ("start", "known"), [(beijing(2023, 7, 4, 23, 59), False), (datetime(2023, 7, 4, 16, tzinfo=UTC), True)]
)
def test_a_mute_counts_from_the_day_the_notice_holds_in_beijing(start, known):
    assert (suspension_beside(CATALOG, Mute(start, days=1)) is not None) is known


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (beijing(2026, 1, 1).replace(tzinfo=None), {"days": 1}),
        (beijing(2026, 1, 1), {}),
        (beijing(2026, 1, 1), {"days": -1, "months": 2}),
    ],
)
def test_a_mute_has_a_moment_and_a_length(start, length):
    with pytest.raises(ValueError):
        Mute(start, **length)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 21, 15, 59, tzinfo=UTC), date(2026, 11, 21)),
        (datetime(2026, 11, 21, 16, 0, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 21, 23, 0, tzinfo=timezone(timedelta(hours=14))), date(2026, 11, 21)),
    ],
)
def test_a_day_is_beijings(moment, day):
    assert day_in_beijing(moment) == day


def test_a_time_without_an_offset_is_on_no_certain_day():
    with pytest.raises(ValueError):
        day_in_beijing(beijing(2026, 11, 21).replace(tzinfo=None))


def test_what_holds_while_muted_is_listed_with_its_provision():
    assert [(each.id, each.cites) for each in while_muted(CATALOG, DAY)] == [
        ("monetisation-suspended", ("SM2023-09",)),
        ("no-new-followers", ("SM2023-10",)),
        ("not-recommended", ("SM2023-10",)),
    ]
    assert while_muted(CATALOG, date(2023, 7, 4)) == ()


def test_the_dispositions_name_their_measures_in_the_provisions_order():
    found = {
        each.id: (each.taken, [one.title["zh-CN"] for one in measures]) for each, measures in dispositions(CATALOG, DAY)
    }
    assert found["rumor-forwarded"] == ("graded", ["取消互动功能", "清理粉丝", "取消营利权限", "禁言", "关闭账号"])
    assert found["rumor-made"][0] == "all"
    assert dispositions(CATALOG, date(2023, 7, 4)) == ()


def test_the_measures_stand_in_the_quote_of_their_provision():
    for disposition, measures in dispositions(CATALOG, DAY):
        quote = "".join(CATALOG.provisions[each].quote for each in disposition.cites)
        named = [each.title["zh-CN"].removesuffix("账号") for each in measures]
        assert [each for each in named if each not in quote] == []


@pytest.mark.parametrize(
    "change",
    [
        {"mute": {"cites": ["SM2023-09"], "shortest": 3, "longest": 2, "title": {"zh-CN": "a", "en": "a"}}},
        {"measure": []},
        {"wait": []},
        {"strange": 1},
    ],
)
def test_data_that_contradicts_itself_is_refused(change):
    data = CATALOG.conduct.model_dump(by_alias=True)
    Conduct.model_validate(data)
    with pytest.raises(ValidationError):
        Conduct.model_validate(data | change)


@pytest.mark.skipif("PROVENANCE_SOURCES" not in os.environ, reason="not run: PROVENANCE_SOURCES names no legal texts")
def test_the_sentences_this_rests_on_stand_in_the_notice():
    text = (Path(os.environ["PROVENANCE_SOURCES"]) / "C-2023-self-media-notice.txt").read_text(encoding="utf-8")
    plain = text.replace("“", "").replace("”", "").replace(",", ",")
    for sentence in ("需3个月内无违规记录", "自变更之日起3个月内", "时长为禁言期限的2至3倍", "不得新增粉丝"):
        assert sentence in plain
