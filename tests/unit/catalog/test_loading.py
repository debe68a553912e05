"""A broken edition is refused with the file, the place and the way on; none is ever half loaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from provenance._resources import labels_root
from provenance.catalog import Catalog
from provenance.errors import (
    CatalogError,
    DanglingCitation,
    EditionNotFound,
    InvalidPost,
    SchemaViolation,
    UnknownLabelKind,
    UsageError,
)
from provenance.model.post import Post

RULE = "rules/cn/account-name-not-shown.toml"
Break = Callable[[Path], None]


@pytest.fixture
def edition(tmp_path: Path) -> Path:
    return Path(shutil.copytree(labels_root(), tmp_path / "edition"))


def replaced(file: str, old: str, new: str) -> Break:
    def apply(root: Path) -> None:
        text = (root / file).read_text("utf-8")
        assert old in text
        (root / file).write_text(text.replace(old, new, 1), "utf-8")

    return apply


def added(file: str, text: str) -> Break:
    def apply(root: Path) -> None:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        with (root / file).open("a", encoding="utf-8") as target:
            target.write(text)

    return apply


def removed(file: str) -> Break:
    return lambda root: (root / file).unlink()


BROKEN: dict[str, tuple[Break, type[CatalogError], str, str]] = {
    "no EDITION": (removed("EDITION"), EditionNotFound, "edition-not-found", ""),
    "EDITION is no number": (replaced("EDITION", "2026", "two"), SchemaViolation, "edition-number", "EDITION"),
    "no legal rule": (lambda root: shutil.rmtree(root / "rules/cn"), EditionNotFound, "edition-without-rules", ""),
    "a house rule is gone": (
        removed("rules/house/undeclared-fact.toml"),
        SchemaViolation,
        "data-file-missing",
        "rules/house/undeclared-fact.toml",
    ),
    "a vocabulary is gone": (
        removed("vocabulary/carriers.toml"),
        SchemaViolation,
        "data-file-missing",
        "vocabulary/carriers.toml",
    ),
    "not TOML": (added(RULE, "\n= 3\n"), SchemaViolation, "data-not-toml", RULE),
    "misspelt key": (replaced(RULE, "severity", "severty"), SchemaViolation, "data-breaks-schema", RULE),
    "misspelt key in a condition": (
        replaced("rules/cn/current-affairs-without-source.toml", "any_of", "anyof"),
        SchemaViolation,
        "data-breaks-schema",
        "rules/cn/current-affairs-without-source.toml",
    ),
    "unknown fact": (
        replaced(RULE, 'fact = "account.', 'fact = "accounts.'),
        SchemaViolation,
        "data-breaks-schema",
        RULE,
    ),
    "impossible value": (replaced(RULE, "is = true", 'is = "yes"'), SchemaViolation, "data-breaks-schema", RULE),
    "two tests at once": (
        replaced(RULE, "is = true", "is = true\nany_of = ['x']"),
        SchemaViolation,
        "data-breaks-schema",
        RULE,
    ),
    "given asked of a fact": (replaced(RULE, "is = true", "given = true"), SchemaViolation, "data-breaks-schema", RULE),
    "unknown severity": (replaced(RULE, "blocking", "fatal"), SchemaViolation, "data-breaks-schema", RULE),
    "dates reversed": (
        replaced(RULE, "{ from = 2023-07-05 }", "{ from = 2023-07-05, until = 2023-07-04 }"),
        SchemaViolation,
        "data-breaks-schema",
        RULE,
    ),
    "a rule without citation": (replaced(RULE, '["SM2023-04-2"]', "[]"), SchemaViolation, "data-breaks-schema", RULE),
    "citation of nothing": (
        replaced(RULE, "SM2023-04-2", "SM2023-99"),
        DanglingCitation,
        "citation-dangling",
        "rules/cn/account-name-not-shown.toml",
    ),
    "a citation in the house": (
        replaced("rules/house/asset-changed.toml", "house = true", 'house = true\ncites = ["PA2021-17"]'),
        SchemaViolation,
        "data-breaks-schema",
        "rules/house/asset-changed.toml",
    ),
    "a house rule among the laws": (
        lambda root: (root / "rules/house/asset-changed.toml").rename(root / "rules/cn/asset-changed.toml"),
        SchemaViolation,
        "data-rule-in-wrong-folder",
        "rules/cn/asset-changed.toml",
    ),
    "name and id differ": (
        lambda root: (root / RULE).rename(root / "rules/cn/another-name.toml"),
        SchemaViolation,
        "data-id-not-file-name",
        "rules/cn/another-name.toml",
    ),
    "one id in two jurisdictions": (
        lambda root: shutil.copytree(root / "rules/cn", root / "rules/eu"),
        SchemaViolation,
        "data-id-repeated",
        "rules/eu/account-name-needs-review.toml",
    ),
    "one provision in two texts": (
        replaced("provisions/cn/PA2021.toml", "PA2021-17", "GB-6.1a"),
        SchemaViolation,
        "data-id-repeated",
        "provisions/cn/PA2021.toml",
    ),
    "an automated provision without a rule": (
        removed(RULE),
        SchemaViolation,
        "provision-status",
        "provisions/cn/SM2023.toml",
    ),
    "unknown label in a condition": (
        replaced("rules/cn/past-event-without-time-and-place.toml", 'label = "past-event"', 'label = "past"'),
        DanglingCitation,
        "reference-dangling",
        "rules/cn/past-event-without-time-and-place.toml",
    ),
    "unknown field of a label": (
        replaced("rules/cn/past-event-without-time-and-place.toml", '["time", "place"]', '["time", "plaice"]'),
        DanglingCitation,
        "reference-dangling",
        "rules/cn/past-event-without-time-and-place.toml",
    ),
    "an asset's question in a rule about the post": (
        replaced(RULE, 'fact = "account.anonymous"\nis = true', 'notice = "fiction"'),
        SchemaViolation,
        "condition-out-of-place",
        "rules/cn/account-name-not-shown.toml",
    ),
    "a fact inside a condition about assets": (
        replaced(RULE, 'fact = "account.anonymous"\nis = true', 'some_asset = { fact = "asset.origin", is = "other" }'),
        SchemaViolation,
        "condition-out-of-place",
        "rules/cn/account-name-not-shown.toml",
    ),
    "assets counted from an asset": (
        replaced(
            "rules/cn/aigc-element-incomplete.toml", "all = [", 'all = [\n  { some_asset = { media = ["image"] } },'
        ),
        SchemaViolation,
        "condition-out-of-place",
        "rules/cn/aigc-element-incomplete.toml",
    ),
    "evidence that reads a fact": (
        replaced(RULE, "[[evidence]]", '[[evidence]]\nwhen = { fact = "facts.reposted", is = true }'),
        SchemaViolation,
        "evidence-reads-fact",
        "rules/cn/account-name-not-shown.toml",
    ),
    "a remedy that reads a fact": (
        replaced(
            RULE,
            "[[evidence]]",
            '[[fix_when]]\nwhen = { fact = "facts.reposted", is = true }\nzh-CN = "甲"\nen = "a"\n[[evidence]]',
        ),
        SchemaViolation,
        "evidence-reads-fact",
        "rules/cn/account-name-not-shown.toml",
    ),
    "every label of an unknown kind": (
        replaced(RULE, "[[evidence]]", '[[evidence]]\nwhen = { every_label = "rumor", on = "post", with = ["time"] }'),
        DanglingCitation,
        "reference-dangling",
        "rules/cn/account-name-not-shown.toml",
    ),
    "the format of a post": (
        replaced(RULE, "[[evidence]]", '[[evidence]]\nwhen = { format = ["jpeg"] }'),
        SchemaViolation,
        "condition-out-of-place",
        "rules/cn/account-name-not-shown.toml",
    ),
    "an alias that is somebody's id": (
        replaced("provisions/cn/PA2021.toml", 'aliases = ["MCN-3"]', 'aliases = ["GB-6.1a"]'),
        SchemaViolation,
        "data-id-repeated",
        "provisions/cn/PA2021.toml",
    ),
    "citation of a draft": (
        replaced(RULE, '"SM2023-04-2"', '"SM2023-04-2", "MCN-2-5"'),
        SchemaViolation,
        "citation-of-draft",
        RULE,
    ),
    "a provision in two sets of words": (
        replaced("provisions/cn/MIN2026.toml", "quote =", 'zh = "甲"\nquote ='),
        SchemaViolation,
        "data-breaks-schema",
        "provisions/cn/MIN2026.toml",
    ),
    "a reason where a rule is to come": (
        replaced("provisions/cn/PG.toml", 'status = "out-of-scope"', 'status = "planned"'),
        SchemaViolation,
        "data-breaks-schema",
        "provisions/cn/PG.toml",
    ),
    "out of scope without a reason": (
        replaced("provisions/cn/PG.toml", "reason = {", 'note = "x" # {'),
        SchemaViolation,
        "data-breaks-schema",
        "provisions/cn/PG.toml",
    ),
    "advice by a provision that is not there": (
        replaced("rules/cn/fiction-without-label.toml", 'advised_by = ["SM2023-05-1"]', 'advised_by = ["SM2023-99"]'),
        DanglingCitation,
        "citation-dangling",
        "rules/cn/fiction-without-label.toml",
    ),
    "a preference without a provision": (
        replaced("rules/cn/fiction-without-label.toml", 'advised_by = ["SM2023-05-1"]', ""),
        SchemaViolation,
        "data-breaks-schema",
        "rules/cn/fiction-without-label.toml",
    ),
    "a text asks for an unknown field": (
        replaced(RULE, "{account.name}", "{account.nickname}"),
        SchemaViolation,
        "text-field-unknown",
        "rules/cn/account-name-not-shown.toml",
    ),
    "a wording asks for an unknown field": (
        replaced("kinds/mcn.toml", "机构:{name}", "机构:{brand}"),
        SchemaViolation,
        "text-field-unknown",
        "kinds/mcn.toml",
    ),
    "a translation is empty": (
        replaced("kinds/mcn.toml", 'en = "Multi-channel network: {name}"', 'en = " "'),
        SchemaViolation,
        "text-missing",
        "kinds/mcn.toml",
    ),
    "fields unlike the post's": (
        replaced(
            "kinds/fiction.toml", '[[field]]\nname = "form"', '[[field]]\nname = "form"\n[[field]]\nname = "plot"'
        ),
        SchemaViolation,
        "kind-fields-differ",
        "kinds/fiction.toml",
    ),
    "unknown style": (
        replaced("kinds/fiction.toml", 'style = "plate"', 'style = "neon"'),
        DanglingCitation,
        "reference-dangling",
        "kinds/fiction.toml",
    ),
    "unknown switch of an inference": (
        replaced("rules/cn/self-shot-without-time-and-place.toml", 'switch = "Q1"', 'switch = "Q98"'),
        DanglingCitation,
        "reference-dangling",
        "rules/cn/self-shot-without-time-and-place.toml",
    ),
    "unknown field that a kind needs": (
        replaced("kinds/fiction.toml", 'needs_all = ["form"]', 'needs_all = ["shape"]'),
        DanglingCitation,
        "reference-dangling",
        "kinds/fiction.toml",
    ),
    "unknown switch": (
        replaced("rules/cn/fiction-without-label.toml", '["Q11"]', '["Q99"]'),
        DanglingCitation,
        "reference-dangling",
        "rules/cn/fiction-without-label.toml",
    ),
    "below asked of what is no number": (
        replaced(RULE, "is = true", "below = 6"),
        SchemaViolation,
        "data-breaks-schema",
        RULE,
    ),
    "a citation that is not cited": (
        replaced(
            RULE, "[[evidence]]", '[cited_when]\nPA2021-17 = { fact = "facts.reposted", is = true }\n[[evidence]]'
        ),
        DanglingCitation,
        "citation-dangling",
        RULE,
    ),
    "a word list that is not there": (
        replaced("rules/cn/follow-bait.toml", 'says = "follow-bait"', 'says = "follow-bite"'),
        DanglingCitation,
        "reference-dangling",
        "rules/cn/follow-bait.toml",
    ),
    "a list of vague sources that is not there": (
        replaced("rules/cn/untraceable-source.toml", 'vague = "vague-sources"', 'vague = "vague"'),
        DanglingCitation,
        "reference-dangling",
        "rules/cn/untraceable-source.toml",
    ),
    "a notice that has to say a list that is not there": (
        replaced("kinds/ai-generated.toml", 'must_say = "explicit-ai-label"', 'must_say = "explicit"'),
        DanglingCitation,
        "reference-dangling",
        "kinds/ai-generated.toml",
    ),
    "two tests of a field": (
        replaced("rules/cn/untraceable-source.toml", "own_matrix = true", 'own_matrix = true, any_of = ["x"]'),
        SchemaViolation,
        "data-breaks-schema",
        "rules/cn/untraceable-source.toml",
    ),
    "a tested field that its label lacks": (
        replaced("rules/cn/untraceable-source.toml", 'field = "publisher"', 'field = "publishers"'),
        DanglingCitation,
        "reference-dangling",
        "rules/cn/untraceable-source.toml",
    ),
    "an unknown flaw": (
        replaced("rules/cn/notice-covered.toml", '"covered"', '"coverd"'),
        SchemaViolation,
        "data-breaks-schema",
        "rules/cn/notice-covered.toml",
    ),
    "words asked of an asset": (
        replaced(
            "rules/cn/notice-covered.toml",
            "[applies_to]",
            '[requires]\ntext = ["body"]\nsays = "ai-alone"\n[applies_to]',
        ),
        SchemaViolation,
        "condition-out-of-place",
        "rules/cn/notice-covered.toml",
    ),
    "flaws asked of a post": (
        replaced(RULE, 'fact = "account.anonymous"\nis = true', 'flawed = ["fiction"]\nby = ["covered"]'),
        SchemaViolation,
        "condition-out-of-place",
        RULE,
    ),
    "a file where none belongs": (
        added("rulez/cn/x.toml", "id = 'x'"),
        SchemaViolation,
        "data-file-misplaced",
        "rulez/cn/x.toml",
    ),
    "too large": (added(RULE, "#" * (257 << 10)), SchemaViolation, "data-file-too-large", RULE),
    "nested too deeply": (
        added("kinds/deep.toml", "x = " + "[" * 60 + "]" * 60),
        SchemaViolation,
        "data-too-deep",
        "kinds/deep.toml",
    ),
    "nested absurdly": (
        added("kinds/deep.toml", "x = " + "[" * 20000 + "]" * 20000),
        SchemaViolation,
        "data-not-toml",
        "kinds/deep.toml",
    ),
    "not UTF-8": (
        lambda root: (root / RULE).write_bytes(b'id = "\xff"'),
        SchemaViolation,
        "data-file-unreadable",
        RULE,
    ),
    "a folder named as a file": (
        lambda root: (root / "kinds/odd.toml").mkdir(),
        SchemaViolation,
        "data-file-unreadable",
        "kinds/odd.toml",
    ),
    "a pipe": (
        lambda root: os.mkfifo(root / "kinds/pipe.toml"),
        SchemaViolation,
        "data-file-unreadable",
        "kinds/pipe.toml",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_edition_is_refused(name: str, edition: Path) -> None:
    apply, kind, code, path = BROKEN[name]
    apply(edition)
    with pytest.raises(CatalogError) as caught:
        Catalog.from_directory(edition)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert caught.value.exit_code == 5
    assert str(caught.value.details["path"]) == (path or str(edition))
    for locale in ("en", "zh-CN"):
        shown = caught.value.diagnostics(locale)
        assert shown != code
        assert str(caught.value.details["path"]) in shown
        assert not set("{}") & set(shown)


LINES: dict[str, tuple[Break, str]] = {
    "a misspelt key": (replaced(RULE, "severity =", "severty ="), "severty ="),
    "a misspelt key inside a value": (
        replaced("rules/cn/current-affairs-without-source.toml", "every_asset", "each_asset"),
        "each_asset",
    ),
    "a citation of nothing": (replaced(RULE, '"SM2023-04-2"', '\n  "SM2023-99",\n'), "SM2023-99"),
    "a period that ends before it begins": (
        replaced(RULE, "2023-07-05 }", "2023-07-05, until = 2023-07-04 }"),
        "until = 2023-07-04",
    ),
    "a provision's period": (
        replaced("provisions/cn/MIN2026.toml", "2026-03-01 }", "2026-03-01, until = 2026-02-28 }"),
        "until = 2026-02-28",
    ),
    "an id used twice in one text": (
        replaced("provisions/cn/PA2021.toml", "PA2021-9-2", "PA2021-9-1"),
        'id = "PA2021-9-1"',
    ),
    "an id used in two texts": (replaced("provisions/cn/PA2021.toml", "PA2021-19", "OP2021-6"), 'id = "OP2021-6"'),
    "no TOML": (replaced(RULE, "scope =", "scope"), "scope"),
    "a value of the wrong type": (replaced(RULE, '["SM2023-04-2"]', '"SM2023-04-2"'), "cites ="),
    "an unknown label": (
        replaced("rules/cn/past-event-without-time-and-place.toml", '"past-event"', '"past"'),
        '"past"',
    ),
    "a status that no rule bears out": (removed(RULE), 'id = "SM2023-04-2"'),
    "no number": (replaced("EDITION", "2026", "two"), "two"),
}


@pytest.mark.parametrize("name", LINES)
def test_an_error_names_the_line(name: str, edition: Path) -> None:
    apply, words = LINES[name]
    apply(edition)
    with pytest.raises(CatalogError) as caught:
        Catalog.from_directory(edition)
    path, line = caught.value.details["path"], int(str(caught.value.details["line"]))
    assert words in (edition / str(path)).read_text("utf-8").splitlines()[line - 1]
    for locale in ("en", "zh-CN"):
        assert caught.value.diagnostics(locale).startswith(f"{path}:{line}")


def test_an_id_used_twice_is_reported_where_it_is_used_again(edition: Path) -> None:
    replaced("provisions/cn/PA2021.toml", "PA2021-9-2", "PA2021-9-1")(edition)
    with pytest.raises(SchemaViolation) as caught:
        Catalog.from_directory(edition)
    lines = (edition / "provisions/cn/PA2021.toml").read_text("utf-8").splitlines()
    first, second = [at for at, text in enumerate(lines, 1) if text == 'id = "PA2021-9-1"']
    assert (first, caught.value.details["line"]) == (first, second)


def test_a_misspelt_key_is_named_with_its_place(edition: Path) -> None:
    replaced("rules/cn/current-affairs-without-source.toml", "every_asset", "each_asset")(edition)
    with pytest.raises(SchemaViolation) as caught:
        Catalog.from_directory(edition)
    assert caught.value.details["pointer"].startswith("/requires/any/1")


def test_a_copy_in_a_folder_is_the_packaged_edition(edition: Path) -> None:
    loaded, packaged = Catalog.from_directory(edition), Catalog.packaged()
    assert loaded.rules == packaged.rules
    assert loaded.provisions == packaged.provisions
    assert loaded.kinds == packaged.kinds
    assert Catalog.packaged() is packaged


def test_a_folder_that_is_not_there_holds_no_edition(tmp_path: Path) -> None:
    with pytest.raises(EditionNotFound):
        Catalog.from_directory(tmp_path / "nowhere")


def test_a_repealed_rule_stays_and_is_not_in_force_after_its_last_day(edition: Path) -> None:
    replaced(RULE, "{ from = 2023-07-05 }", "{ from = 2023-07-05, until = 2024-12-31 }")(edition)
    catalog = Catalog.from_directory(edition)
    name = "account-name-not-shown"
    assert name in catalog.rules
    assert name in {rule.id for rule in catalog.in_force(date(2024, 12, 31))}
    assert name not in {rule.id for rule in catalog.in_force(date(2025, 1, 1))}


@pytest.mark.parametrize("jurisdiction", ["eu", "house", "", "CN", "../cn"])
def test_an_unknown_jurisdiction_is_refused(jurisdiction: str) -> None:
    with pytest.raises(UsageError) as caught:
        Catalog.packaged().in_force(date(2026, 11, 21), jurisdiction)
    assert caught.value.code == "jurisdiction-unknown"
    assert "cn" in caught.value.diagnostics("en")


def test_a_new_label_kind_is_one_file(edition: Path) -> None:
    post = {
        "schema": "provenance/post/1",
        "id": "p",
        "kind": "article",
        "account": {"id": "a", "name": "b"},
        "labels": [{"kind": "sponsor", "name": "某公司"}],
    }
    with pytest.raises(UnknownLabelKind) as caught:
        Catalog.packaged().require_kinds(Post.from_dict(post))
    assert caught.value.details["pointer"] == "/labels/0/kind"
    added(
        "kinds/sponsor.toml",
        'id = "sponsor"\nneeds_all = ["name"]\ncarriers = ["xmp"]\ntitle = { zh-CN = "赞助", en = "Sponsor" }\n'
        'about = { zh-CN = "赞助", en = "Sponsor" }\n[notice]\nsurfaces = ["post"]\n'
        '[[notice.wording]]\nzh-CN = "赞助:{name}"\nen = "Sponsored by {name}"\n[[field]]\nname = "name"\n',
    )(edition)
    catalog = Catalog.from_directory(edition)
    catalog.require_kinds(Post.from_dict(post))
    assert [each.text for each in catalog.notices_of(Post.from_dict(post))] == ["赞助:某公司"]
    for label, pointer in (({"name": "x", "colour": "red"}, "/labels/0/colour"), ({}, "/labels/0/name")):
        with pytest.raises(InvalidPost) as refused:
            catalog.require_kinds(Post.from_dict({**post, "labels": [{"kind": "sponsor", **label}]}))
        assert refused.value.details["pointer"] == pointer
