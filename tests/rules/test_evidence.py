"""A finding says what was found: the words of the post, the changed spans, the credential that fails."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from provenance.catalog import Catalog
from provenance.model.post import Post
from provenance.model.report import Finding
from provenance.rules import evaluate

from .cases import base, merged

ON = date(2026, 11, 21)
SOCIAL = {"topics": ["social-event"], "reposted": True}
FINANCE = {"name": "x", "domain": "finance", "status": "verified", "expires": "2026-11-20"}


def found(catalog: Catalog, rule: str, change: dict[str, Any]) -> Finding:
    post = Post.from_dict(merged(base()["post"], {**change, "assets": []}))
    (finding,) = [each for each in evaluate(post, [], catalog, on=ON).findings if each.rule == rule]
    return finding


def source(**fields: str) -> dict[str, str]:
    return {"kind": "source", "copyright_owner": "新华社", "publisher": "新华社", **fields}


def test_the_words_of_a_list_are_shown_as_the_post_says_them(catalog: Catalog) -> None:
    finding = found(catalog, "follow-bait", {"title": "防 失联", "body": "关注我就不迷路,防 失联"})
    assert finding.evidence["zh-CN"].startswith("标题或正文中有:防 失联、关注我就不迷路。")
    assert "防 失联、关注我就不迷路" in finding.evidence["en"]


def test_every_vague_source_and_every_account_of_the_matrix_is_named(catalog: Catalog) -> None:
    change = {
        "labels": [source(publisher="据网友爆料"), source(publisher="成都速报"), source(publisher="网传")],
        "account": {"matrix": [{"id": "a-2", "name": "成都速报"}]},
        "facts": SOCIAL,
    }
    assert found(catalog, "untraceable-source", change).evidence["zh-CN"] == (
        "source 标签的 publisher:据网友爆料、网传、成都速报。"
    )


def test_what_a_repost_changed_is_shown_with_the_original(catalog: Catalog) -> None:
    change = {
        "title": "成都大熊猫基地五一接待游客30万人",
        "labels": [source(title="成都大熊猫基地五一接待游客3万人")],
        "facts": SOCIAL,
    }
    finding = found(catalog, "repost-distorts-original", change)
    assert "“3万人”→“30万人”" in finding.evidence["zh-CN"]
    assert "“3万人” → “30万人”" in finding.evidence["en"]


@pytest.mark.parametrize(
    ("qualifications", "words"),
    [
        ([], "没有任何资质"),
        ([{**FINANCE, "status": "unverified"}], "未认证"),
        ([FINANCE], "已过期"),
        ([{**FINANCE, "domain": "health", "expires": "2027-01-01"}], "有领域没有对应的"),
    ],
)
def test_a_credential_that_fails_is_told_from_one_that_is_missing(
    qualifications: list[dict[str, str]], words: str, catalog: Catalog
) -> None:
    change = {"account": {"domains": ["finance"], "qualifications": qualifications}}
    assert words in found(catalog, "domain-without-qualification", change).evidence["zh-CN"]


def test_what_is_inferred_says_so_and_names_its_switch(catalog: Catalog) -> None:
    finding = found(catalog, "account-name-needs-review", {"account": {"name": "成都公安在线"}})
    assert finding.evidence["zh-CN"] == "账号名称“成都公安在线”中有:公安。词语来自本版本的词表(E1)。"
    assert finding.certainty == "I"


def test_every_rule_by_inference_names_a_switch_that_says_what_it_does(catalog: Catalog) -> None:
    for rule in catalog.rules.values():
        for name in {*rule.switches, *({rule.inference.switch} if rule.inference else ())}:
            assert catalog.switches[name].effect["zh-CN"].strip()
    used = {name for rule in catalog.rules.values() for name in rule.switches}
    used |= {rule.inference.switch for rule in catalog.rules.values() if rule.inference}
    assert used == set(catalog.switches)
