"""What is unknown: the engine agrees with trying every value, and learning a fact never makes less certain."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations, product
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.catalog import Catalog
from provenance.model.post import Content, Domain, Origin, Post, Topic
from provenance.model.report import Report
from provenance.rules import evaluate
from provenance.text.visible import Shown

from .cases import observed, remove

CATALOG = Catalog.packaged()


def lists_of(kind: Any) -> list[list[str]]:
    # Every rule asks a list for one set of values, so none, each alone, and all together are every case there is.
    return [[], *([value] for value in get_args(kind)), list(get_args(kind))]


def every_choice(kind: Any) -> list[list[str]]:
    # Rules ask for each domain by itself, so every combination is a case.
    values = get_args(kind)
    return [list(chosen) for size in range(len(values) + 1) for chosen in combinations(values, size)]


POSSIBLE: dict[str, list[Any]] = {
    "/account/self_media": [True, False],
    "/account/anonymous": [True, False],
    "/account/mcn_managed": [True, False],
    "/account/domains": every_choice(Domain),
    "/facts/topics": lists_of(Topic),
    "/facts/contains": lists_of(Content),
    "/facts/reposted": [True, False],
    "/assets/0/origin": list(get_args(Origin)),
}
POST_LABELS = [
    {"kind": "source", "publisher": "新华社"},
    {"kind": "source", "publisher": "新华社", "copyright_owner": "新华社"},
    {"kind": "past-event", "time": "2024-05-01"},
    {"kind": "past-event", "time": "2024-05-01", "place": {"name": "成都"}},
    {"kind": "fiction", "form": "staged"},
    {"kind": "mcn", "name": "星河文化"},
    {"kind": "source", "publisher": "网传", "text": "客流回升3万人,没有事故。"},
    {"kind": "source", "publisher": "成都速报", "copyright_owner": "成都速报"},
    {"kind": "ai-generated", "grade": "confirmed"},
    {"kind": "marketing"},
    {"kind": "opinion"},
    {"kind": "disputed", "by": "平台", "at": "2026-01-01"},
    {"kind": "rumor", "by": "平台", "at": "2026-01-01"},
    {"kind": "minors-risk", "class": "values"},
]
ASSET_LABELS = [
    {"kind": "capture", "time": "2026-05-01"},
    {"kind": "capture", "time": "2026-05-01", "place": {"name": "成都"}},
    {"kind": "ai-generated", "grade": "confirmed", "producer": "x", "produce_id": "y"},
    {"kind": "ai-generated", "grade": "suspected"},
    {"kind": "source", "publisher": "某报"},
    {"kind": "past-event", "place": {"name": "成都"}},
    {"kind": "fiction", "form": "fictional"},
]


BODIES = ["客流回升30万人,没有事故。", "客流回升。未成年人请在监护下观看", "本文由AI生成。防失联"]
DECLARATIONS = [{}, *({"option": option} for option in ("ai", "fiction", "marketing", "repost", "opinion", "none"))]
QUALIFICATIONS: list[list[dict[str, str]]] = [
    [],
    [{"name": "x", "domain": "finance", "status": "verified", "expires": "2026-11-20"}],
    [
        {"name": "x", "domain": "health", "status": "verified"},
        {"name": "y", "domain": "economy", "status": "unverified"},
    ],
]


def one_of_each_kind(labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({label["kind"]: label for label in labels}.values())


@st.composite
def posts(draw: st.DrawFn) -> dict[str, Any]:
    facts = {pointer: draw(st.sampled_from(values)) for pointer, values in POSSIBLE.items()}
    post: dict[str, Any] = {
        "schema": "provenance/post/1",
        "id": "p",
        "kind": draw(st.sampled_from(["image-text", "short-video"])),
        "acting_as": draw(st.sampled_from(["author", "mcn", "generator", "platform"])),
        "body": draw(st.sampled_from(BODIES)),
        "account": {
            "id": "a",
            "name": draw(st.sampled_from(["b", "成都公安在线"])),
            "matrix": [{"id": "a-2", "name": "成都速报"}],
            "qualifications": draw(st.sampled_from(QUALIFICATIONS)),
        },
        "facts": {},
        "labels": one_of_each_kind(draw(st.lists(st.sampled_from(POST_LABELS), max_size=3))),
        "assets": [
            {
                "id": "1",
                "path": "a.jpg",
                "labels": one_of_each_kind(draw(st.lists(st.sampled_from(ASSET_LABELS), max_size=3))),
            }
        ],
        "declaration": draw(st.sampled_from(DECLARATIONS)),
    }
    if draw(st.booleans()):
        post["assets"][0]["draw"] = []
    for pointer, value in facts.items():
        put(post, pointer, value)
    return post


days = st.sampled_from([date(2021, 2, 22), date(2023, 7, 5), date(2025, 9, 1), date(2026, 5, 12), date(2026, 11, 21)])
absences = st.lists(st.sampled_from(list(POSSIBLE)), min_size=1, max_size=3, unique=True)
SMALL = {"kind": "ai-generated", "text": "AI生成", "found": False, "height_ratio": 0.02, "contrast": 9.0}
COVERED = {"kind": "fiction", "text": "虚构内容", "found": True, "height_ratio": 0.06, "contrast": 9.0, "covered": True}
looks = st.sampled_from(
    [
        *({}, {"media": "video"}, {"media": "audio"}, {"media": "document"}),
        *({"aigc": []}, {"notices": []}, {"notices": [SMALL]}, {"notices": [COVERED]}),
        *({"aigc": [{"Label": "1"}]}, {"aigc": [{"Label": "2"}, {"Label": "3"}], "problems": ["aigc-key-missing"]}),
    ]
)


def put(post: dict[str, Any], pointer: str, value: Any) -> None:
    *path, last = pointer.strip("/").split("/")
    here: Any = post
    for step in path:
        here = here[int(step) if isinstance(here, list) else step]
    here[last] = value


def judged(data: dict[str, Any], on: date, look: dict[str, Any], pages: Sequence[Shown] = ()) -> Report:
    post = Post.from_dict(data)
    return evaluate(post, [observed(post, 0, CATALOG, look)], CATALOG, on=on, pages=pages)


def outcomes(report: Report) -> dict[str, tuple[str, str]]:
    """Return ``(severity, message)`` of each legal rule that found something; one asset, so at most one each."""
    legal = [each for each in report.findings if each.cites]
    assert len({each.rule for each in legal}) == len(legal)
    return {each.rule: (each.severity, each.message.en) for each in legal}


def asked(report: Report) -> dict[str, set[str]]:
    """Return the rules left open by each absent key."""
    return {
        each.pointer: set(each.evidence.en.partition(": ")[2].rstrip(".").split(", "))
        for each in report.findings
        if each.rule == "undeclared-fact"
    }


def completions(data: dict[str, Any], absent: list[str]) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    for chosen in product(*(range(len(POSSIBLE[pointer])) for pointer in absent)):
        complete = copy.deepcopy(data)
        for pointer, number in zip(absent, chosen, strict=True):
            put(complete, pointer, POSSIBLE[pointer][number])
        yield chosen, complete


@settings(max_examples=150, deadline=None, derandomize=True)
@given(posts(), absences, days, looks)
def test_the_verdict_is_the_one_of_trying_every_value(
    data: dict[str, Any], absent: list[str], on: date, look: dict[str, Any]
) -> None:
    open_post = copy.deepcopy(data)
    for pointer in absent:
        remove(open_post, pointer)
    report = judged(open_post, on, look)
    found, open_keys = outcomes(report), asked(report)
    tried = {chosen: outcomes(judged(complete, on, look)) for chosen, complete in completions(data, absent)}
    for rule in {rule for rule in CATALOG.rules if not CATALOG.rules[rule].house}:
        results = {chosen: each.get(rule) for chosen, each in tried.items()}
        if len(set(results.values())) == 1:
            assert found.get(rule) == next(iter(results.values())), rule
            assert all(rule not in rules for rules in open_keys.values()), rule
            continue
        assert rule not in found, rule
        blamed = {pointer for pointer, rules in open_keys.items() if rule in rules}
        assert blamed == {pointer for at, pointer in enumerate(absent) if matters(results, at)}, rule
    assert not open_keys.keys() - set(absent)
    assert not open_keys or report.publishable is False


def matters(results: dict[tuple[int, ...], Any], at: int) -> bool:
    seen: dict[tuple[int, ...], set[Any]] = {}
    for chosen, outcome in results.items():
        seen.setdefault(chosen[:at] + chosen[at + 1 :], set()).add(outcome)
    return any(len(each) > 1 for each in seen.values())


@settings(max_examples=150, deadline=None, derandomize=True)
@given(posts(), absences, days, looks)
def test_declaring_a_fact_opens_nothing_and_changes_nothing_that_was_decided(
    data: dict[str, Any], absent: list[str], on: date, look: dict[str, Any]
) -> None:
    fewer = copy.deepcopy(data)
    for pointer in absent:
        remove(fewer, pointer)
    more = copy.deepcopy(data)
    for pointer in absent[1:]:
        remove(more, pointer)
    before, after = judged(fewer, on, look), judged(more, on, look)
    assert asked(after).keys() <= asked(before).keys() - {absent[0]}
    assert outcomes(before).items() <= outcomes(after).items()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(posts(), days, st.integers(min_value=0))
def test_a_required_label_never_adds_a_finding(data: dict[str, Any], on: date, which: int) -> None:
    # Labels that say all they have to: neither vague nor half.
    whole = [
        label for label in POST_LABELS if label.get("copyright_owner") == "新华社" or {"time", "place"} <= set(label)
    ]
    label = whole[which % len(whole)]
    put(data, "/assets/0/labels", [])
    data["assets"][0].pop("draw", None)
    with_label = {**data, "labels": [each for each in data["labels"] if each["kind"] != label["kind"]] + [label]}
    without = {**data, "labels": with_label["labels"][:-1]}
    assert outcomes(judged(with_label, on, {})).items() <= outcomes(judged(without, on, {})).items()
