"""Small branches of the engine that a change of its source would otherwise slip through."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from provenance._messages import message
from provenance.catalog import Catalog
from provenance.catalog.conditions import ElementHolds, EveryAsset, FactIs, HasLabel
from provenance.model.notice import NoticeReading
from provenance.model.observation import Evidence, Observation
from provenance.model.post import Post
from provenance.model.report import Finding
from provenance.rules import evaluate, evaluate_media
from provenance.rules.compiled import compiled
from provenance.rules.flaws import flaws_of, large_and_clear
from provenance.rules.judges import _cases
from provenance.rules.matched import changes_shown, finders_of, matched
from provenance.rules.views import NO_FACTS, View, view_of_file
from provenance.text import compare
from provenance.text.visible import shown, shows

from .cases import merged, observed, remove
from .test_contract import ON, POST

LEAST = {"kind": "ai-generated", "text": "AI生成", "found": True, "height_ratio": 0.05, "contrast": 4.5}


def reading(**changes: Any) -> NoticeReading:
    return NoticeReading.model_validate({**LEAST, **changes})


@pytest.mark.parametrize(
    ("changes", "large"),
    [
        ({}, True),
        ({"height_ratio": 0.0499}, False),
        ({"contrast": 4.49}, False),
        ({"height_ratio": None}, False),
        ({"contrast": None}, False),
        ({"form": "voice", "height_ratio": None, "contrast": None}, True),
        ({"form": "rhythm", "height_ratio": None, "contrast": None}, True),
        ({"kind": "horoscope", "height_ratio": None}, True),
    ],
    ids=str,
)
def test_a_notice_is_large_and_clear_from_just_the_least_on(
    changes: dict[str, Any], large: bool, catalog: Catalog
) -> None:
    assert large_and_clear(reading(**changes), catalog) is large


def test_every_notice_of_a_kind_has_its_own_flaws(catalog: Catalog) -> None:
    notices = (reading(covered=True), reading(), reading(contrast=1.0))
    seen = Observation(path="a", media="image", notices=notices)
    assert flaws_of(seen, catalog) == {"ai-generated": (frozenset({"covered"}), frozenset(), frozenset({"too-faint"}))}


def test_five_changes_of_a_repost_are_shown_and_no_sixth() -> None:
    six = [next(iter(compare("接待游客3万人", f"接待游客{number}0万人"))) for number in range(3, 9)]
    shown = changes_shown(six)
    assert [shown[name].count("→") for name in ("zh", "en")] == [5, 5]


def test_what_every_asset_has_to_be_holds_of_no_post_without_one() -> None:
    check = compiled(EveryAsset.model_validate({"every_asset": {"media": ["image"]}, "of": ["image", "video"]}), {})
    image, video, sound = (View(medium=medium) for medium in ("image", "video", "audio"))
    assert not check(View(), NO_FACTS)
    assert not check(View(assets=(sound,)), NO_FACTS)
    assert check(View(assets=(image, sound)), NO_FACTS)
    assert not check(View(assets=(image, video)), NO_FACTS)


def test_as_many_elements_have_to_fit_as_the_condition_says() -> None:
    check = compiled(ElementHolds.model_validate({"aigc": [], "least": 2}), {})
    seen = observed(Post.from_dict(POST), 1, Catalog.packaged(), {"aigc": [{"Label": "1"}] * 2})
    assert check(View(elements=seen.aigc.elements), NO_FACTS)
    assert not check(View(elements=seen.aigc.elements[:1]), NO_FACTS)


def test_a_file_alone_is_judged_by_its_own_carriers_on_either_level(catalog: Catalog) -> None:
    said = [
        ("xmp", "post", "source"),
        ("exif", None, "capture"),
        ("xmp", "asset", "capture"),
        ("picture", None, "fiction"),
    ]
    values = [{"publisher": "新华社"}, {"time": "2026-05-01"}, {"place": {"name": "成都"}}, {"form": "staged"}]
    evidence = tuple(
        Evidence.model_construct(kind=kind, carrier=carrier, location="x", value=value, on=on)
        for (carrier, on, kind), value in zip(said, values, strict=True)
    )
    view = view_of_file(Observation.model_construct(**{**_blank(), "evidence": evidence}), catalog)
    assert view.on_post == {"source": [values[0]]}
    assert view.own == {"capture": [{**values[1], **values[2]}]}
    assert view.says == {"capture": values[1:3]}


def _blank() -> dict[str, Any]:
    return dict(Observation(path="a.jpg", format="jpeg", media="image"))


def test_the_findings_and_open_rules_of_a_file_alone_name_it_and_stand_in_order(catalog: Catalog) -> None:
    seen = observed(Post.from_dict(POST), 1, catalog, {"aigc": [], "exact_location": True, "path": "a/b.png"})
    report = evaluate_media(seen, catalog, on=ON)
    rules = [each.rule for each in report.findings]
    assert rules == sorted(rules)
    assert len(rules) == 3
    assert all("b.png" in each.evidence["zh-CN"] and "a/b" not in each.evidence["zh-CN"] for each in report.findings)
    open_rules = [each.rule for each in report.not_evaluated]
    assert open_rules == sorted(open_rules)
    assert all(each.cites and list(each.needs) == sorted(each.needs) for each in report.not_evaluated)


@pytest.mark.parametrize(
    ("body", "found"),
    [("来源", True), ("来源甲 来源", True), ("来源甲来源", True), ("来源甲", False), ("无", False)],
)
def test_a_notice_is_found_wherever_it_ends_as_such(body: str, found: bool) -> None:
    assert shows(shown(body, None), "来源") is found


@pytest.mark.parametrize(
    "tag", ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
def test_an_element_without_an_end_tag_hides_nothing_behind_it(tag: str) -> None:
    assert shows(shown(f"<{tag} hidden>来源", "html"), "来源")


@pytest.mark.parametrize(
    "tag",
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "cite",
        "code",
        "data",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "time",
        "u",
        "wbr",
    ],
)
def test_an_element_inside_a_line_parts_no_words(tag: str) -> None:
    assert not shows(shown(f"来源<{tag}>甲", "html"), "来源")


@pytest.mark.parametrize("tag", ["script", "style", "template", "title", "noscript"])
def test_what_is_in_an_element_that_is_never_shown_does_not_count(tag: str) -> None:
    assert not shows(shown(f"<{tag}>来源</{tag}>", "html"), "来源")
    assert shows(shown(f"<{tag}></{tag}>来源", "html"), "来源")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<div hidden><br>甲</div>来源", True),
        ("<div hidden><p>甲</div>来源", True),
        ("<div hidden></p>来源</div>", False),
        ("甲--><!-- 来源 -->", False),
        ("İİİİ<P HIDDEN>来源</P>", False),
        ("İİİİ<P>来源</P>", True),
    ],
)
def test_only_its_own_end_tag_ends_what_is_hidden(body: str, found: bool) -> None:
    assert shows(shown(body, "html"), "来源") is found


def _house(catalog: Catalog, rule: str, change: dict[str, Any], *seen: dict[str, Any], on: date = ON) -> list[Finding]:
    post = Post.from_dict(merged(POST, change))
    found = [observed(post, at, catalog, seen[at] if at < len(seen) else {}) for at in range(len(post.assets))]
    return [each for each in evaluate(post, found, catalog, on=on).findings if each.rule == rule]


@pytest.mark.parametrize(
    ("rule", "change", "seen", "said"),
    [
        ("label-not-found-in-file", {}, {"evidence": []}, ["scene.jpg", "mcn"]),
        ("exact-location-in-file", {}, {"exact_location": True}, ["scene.jpg"]),
        ("unreadable-asset", {}, {"error": {"code": "none", "message": "broken"}}, ["scene.jpg", "broken"]),
        ("notice-not-verified", {}, {}, ["所属MCN机构"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_finding_of_the_house_says_what_it_is_about(
    rule: str, change: dict[str, Any], seen: dict[str, Any], said: list[str], catalog: Catalog
) -> None:
    finding, *_ = _house(catalog, rule, change, seen)
    texts = [finding.evidence, finding.message, finding.fix]
    for locale in ("zh-CN", "en"):
        whole = "\n".join(text[locale] for text in texts)
        assert all(word in whole for word in said), whole


def test_a_changed_file_is_told_by_both_digests(catalog: Catalog) -> None:
    assets = [{**POST["assets"][0], "sha256": "b" * 64}]
    (finding,) = _house(catalog, "asset-changed", {"assets": assets})
    for locale in ("zh-CN", "en"):
        whole = "\n".join(text[locale] for text in (finding.evidence, finding.message, finding.fix))
        assert "scene.jpg" in whole
        assert "bbbbbbbb" in whole
        assert "aaaaaaaa" in whole
    assert not _house(catalog, "asset-changed", {"assets": [{**POST["assets"][0], "sha256": "a" * 64}]})


def test_a_page_is_named_in_the_language_of_the_text(catalog: Catalog) -> None:
    surfaces = [(each.evidence["zh-CN"], each.evidence["en"]) for each in _house(catalog, "notice-not-verified", {})]
    account = message("surface-account", "zh-CN", {}), message("surface-account", "en", {})
    assert all(word in text for word, text in zip(account, surfaces[0], strict=True))


def test_a_day_before_every_rule_is_named(catalog: Catalog) -> None:
    (finding,) = _house(catalog, "no-rule-in-force", {}, on=date(2001, 2, 3))
    assert all("2001-02-03" in finding.evidence[locale] for locale in ("zh-CN", "en"))


def test_an_absent_fact_is_named_with_the_rules_it_leaves_open(catalog: Catalog) -> None:
    data = merged(POST, {"assets": [], "labels": []})
    remove(data, "/facts/topics")
    findings = [
        each for each in evaluate(Post.from_dict(data), [], catalog, on=ON).findings if each.rule == "undeclared-fact"
    ]
    assert [each.pointer for each in findings] == ["/facts/topics"]
    for locale in ("zh-CN", "en"):
        assert "/facts/topics" in findings[0].evidence[locale]
        assert "current-affairs-without-source" in findings[0].evidence[locale]
        assert "/facts/topics" in findings[0].fix[locale]


def test_an_absent_number_is_tried_on_both_sides_of_its_limit() -> None:
    condition = FactIs.model_validate({"fact": "retention.network_logs_months", "below": 180})
    assert _cases("retention.network_logs_months", [condition]) == (None, 179)


@pytest.mark.parametrize("tests", ["where", "where_not"])
def test_the_words_of_a_field_are_found_whichever_way_it_is_tested(tests: str) -> None:
    condition = {"label": "source", "on": "effective", tests: [{"field": "publisher", "any_of": ["网传"]}]}
    finders = finders_of([HasLabel.model_validate(condition)], {})
    said = View(on_post={"source": [{"publisher": "网传"}, {"publisher": "新华社"}]})
    assert matched(finders, said) == ["网传"]
