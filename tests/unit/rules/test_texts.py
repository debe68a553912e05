"""The texts of findings."""

from __future__ import annotations

from provenance.catalog.data import Evidence
from provenance.model.report import Localized
from provenance.rules.texts import localized


def test_a_text_without_fields_is_used_as_it_is() -> None:
    text = Localized(zh_CN="删去 [] 即可", en="Remove []")
    assert localized(text, {}) is text


def test_a_text_of_the_rule_data_is_shown_without_its_condition() -> None:
    text = Evidence.model_validate({"zh-CN": "没有", "en": "none", "when": {"media": ["image"]}})
    assert localized(text, {}).as_json() == {"zh-CN": "没有", "en": "none"}


def test_a_value_is_never_read_as_a_template() -> None:
    text = localized(Localized(zh_CN="[:{text}]", en="{text}"), {"text": "{rules}[x]"})
    assert (text["zh-CN"], text["en"]) == (":{rules}[x]", "{rules}[x]")
