"""The packaged edition: valid, complete in both languages, true to the texts it quotes."""

from __future__ import annotations

import json
import os
import re
import tomllib
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from provenance._messages import fields_of
from provenance._resources import labels_root
from provenance.catalog import Catalog
from provenance.catalog.data import Carriers, Instrument, Kind, Rule, SourceTypes, Style, Switches
from provenance.catalog.loading import schema_for
from provenance.catalog.schemas import SCHEMAS, as_json_data, schema_text

ROOT = labels_root()
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.toml"))
EXPECTED = Path(__file__).parents[3] / "fixtures" / "expected"
CATALOG = Catalog.packaged()
NAMES = {kind: name for name, kind in SCHEMAS.items()}
SOURCES = os.environ.get("PROVENANCE_SOURCES")


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_on_disk_are_those_of_the_reader(name: str) -> None:
    on_disk = (ROOT / "schema" / f"{name}.schema.json").read_text("utf-8")
    assert on_disk == schema_text(name), "run fixtures/schemas.py"
    Draft202012Validator.check_schema(json.loads(on_disk))


@pytest.mark.parametrize("file", FILES)
def test_every_file_satisfies_its_schema(file: str) -> None:
    data = tomllib.loads((ROOT / file).read_text("utf-8"))
    schema = json.loads((ROOT / "schema" / f"{NAMES[schema_for(file)]}.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(as_json_data(data))


def test_the_schema_refuses_a_misspelt_key_at_any_depth() -> None:
    data = as_json_data(tomllib.loads((ROOT / "rules/cn/fiction-without-label.toml").read_text("utf-8")))
    validator = Draft202012Validator(json.loads(schema_text("rule")))
    assert validator.is_valid(data)
    assert not validator.is_valid({**data, "pointr": ""})
    assert not validator.is_valid({**data, "applies_to": {"fact": "facts.contains", "anyof": ["staged"]}})


def test_no_schema_leaves_an_object_open() -> None:
    for kind in (Kind, Style, Instrument, Rule, Carriers, SourceTypes, Switches):
        schema = json.loads(schema_text(NAMES[kind]))
        for definition in (schema, *schema.get("$defs", {}).values()):
            if definition.get("type") == "object":
                assert definition["additionalProperties"] is False


def test_the_wordings_are_the_contracts() -> None:
    wordings = {(kind.id, text.when): text["zh-CN"] for kind in CATALOG.kinds.values() for text in kind.notice.wording}
    not_in_the_contract = {"disputed", "rumor", "marketing", "opinion", "minors-risk"}
    assert {each: text for each, text in wordings.items() if each[0] not in not_in_the_contract} == {
        ("ai-generated", "confirmed"): "AI生成",
        ("ai-generated", "possible"): "可能为AI生成",
        ("ai-generated", "suspected"): "疑似AI生成",
        ("fiction", "fictional"): "虚构内容",
        ("fiction", "dramatised"): "演绎内容",
        ("fiction", "staged"): "摆拍演绎",
        ("source", None): "信息来源:{publisher}[ {published_at:date}]",
        ("capture", None): "拍摄于[ {time}][ {place.name}]",
        ("past-event", None): "旧闻:事件发生于[ {time}][ {place.name}]",
        ("mcn", None): "所属MCN机构:{name}",
    }


def test_both_languages_of_a_wording_ask_for_the_same_fields() -> None:
    for kind in CATALOG.kinds.values():
        for text in kind.notice.wording:
            assert fields_of(text["zh-CN"]) == fields_of(text["en"]), kind.id


def test_every_ai_wording_has_both_elements_of_gb_45438() -> None:
    for text in CATALOG.kinds["ai-generated"].notice.wording:
        assert re.search("人工智能|AI", text["zh-CN"])
        assert re.search("生成|合成", text["zh-CN"])


def test_drawn_notices_are_drawn_larger_than_they_must_be() -> None:
    for kind in CATALOG.kinds.values():
        if "media" in kind.notice.surfaces:
            style = CATALOG.styles[str(kind.notice.style)]
            assert style.min_height_ratio == 0.05
            assert style.min_height_ratio < style.drawn_height_ratio <= 0.06


def test_what_binds_an_author_binds_an_mcn() -> None:
    for provision in CATALOG.provisions.values():
        assert "author" not in provision.bearers or "mcn" in provision.bearers, provision.id


def test_reconstructed_wordings_are_marked_and_copies_named() -> None:
    for provision in CATALOG.provisions.values():
        damaged = CATALOG.instrument_of(provision.id).document == "D" and provision.copied_from is None
        reconstructed = provision.quote is not None and (damaged or provision.certainty in {"V*", "P", "I"})
        assert provision.quote_verified is not reconstructed, provision.id


def test_what_was_copied_names_its_copy() -> None:
    for provision in CATALOG.provisions.values():
        clean_copy_of_damaged = CATALOG.instrument_of(provision.id).document == "D" and provision.quote_verified
        copied = provision.certainty.startswith("V") or clean_copy_of_damaged
        assert (provision.copied_from is not None) == copied, provision.id


def test_only_drafts_are_never_in_force_and_no_rule_cites_one() -> None:
    drafts = {each.id for each in CATALOG.provisions.values() if each.in_force is None}
    assert drafts == {each.id for each in CATALOG.instruments["MCN"].provision}
    assert drafts.isdisjoint({cite for rule in CATALOG.rules.values() for cite in rule.cites})
    assert not any(CATALOG.provisions[each].covers(day) for each in drafts for day in (date(2025, 1, 10), date.max))


def test_only_a_definition_or_another_trade_binds_nobody() -> None:
    for provision in CATALOG.provisions.values():
        if not provision.bearers:
            assert not provision.modality or provision.id == "AIGC-M-7"
            assert provision.status == "out-of-scope"


def test_quotes_of_supplied_documents_stand_in_those_documents() -> None:
    if SOURCES is None:
        pytest.skip("PROVENANCE_SOURCES is not set: the legal texts are not part of the repository")
    compared = 0
    for provision in CATALOG.provisions.values():
        document = CATALOG.instrument_of(provision.id).document
        if provision.certainty == "S" and document in {"A", "B", "C"}:
            (text,) = Path(SOURCES).glob(f"{document}-*.txt")
            assert folded(provision.quote) in folded(text.read_text("utf-8")), provision.id
            compared += 1
    assert compared


def folded(text: str) -> str:
    marks = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "、": ",", "。": "."})
    return "".join(unicodedata.normalize("NFKC", text).translate(marks).split())


def test_a_rule_begins_with_the_first_provision_it_cites() -> None:
    for rule in CATALOG.rules.values():
        if rule.in_force is not None:
            cited = [CATALOG.provisions[each].in_force for each in rule.cites]
            assert rule.in_force.from_ == min(each.from_ for each in cited), rule.id


def test_the_rules_in_force_on_each_side_of_each_date_are_the_golden_ones() -> None:
    golden = tomllib.loads((EXPECTED / "rules-in-force-cn.toml").read_text("utf-8"))
    days = {each.in_force.from_ for each in CATALOG.provisions.values() if each.in_force}
    assert {date.fromisoformat(day) for day in golden} >= days
    for day, wanted in golden.items():
        found = CATALOG.in_force(date.fromisoformat(day), "cn")
        assert [rule.id for rule in found if not rule.house] == wanted, day
        assert {rule.id for rule in found if rule.house} == set(CATALOG.jurisdictions["house"])


def test_the_edition_is_in_its_changelog() -> None:
    assert f"## {CATALOG.edition}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_only_the_severities_of_the_contract_belong_to_house_rules() -> None:
    severities = {rule.id: rule.severity for rule in CATALOG.rules.values() if rule.house}
    assert severities == {
        "undeclared-fact": "blocking",
        "unreadable-asset": "blocking",
        "label-not-found-in-file": "blocking",
        "no-rule-in-force": "blocking",
        "notice-not-verified": "warning",
        "notice-not-on-page": "warning",
        "exact-location-in-file": "warning",
        "asset-changed": "warning",
    }
