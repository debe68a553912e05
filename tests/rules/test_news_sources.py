"""Reposted news and the list of news source units: with a list a rule, without one a person's task."""

from datetime import date
from pathlib import Path

import pytest

from provenance.catalog import Catalog
from provenance.model.post import Post
from provenance.rules import evaluate
from provenance.sdk import Provenance
from provenance.sources import SourceList, SourceUnit
from provenance.text import name_key

ON = date(2026, 11, 21)
RULE = "reposted-news-from-unlisted-source"
POST = {
    "schema": "provenance/post/1",
    "id": "p-1",
    "kind": "article",
    "title": "五一客流回升",
    "account": {"id": "a-1", "name": "成都观察员", "anonymous": False, "self_media": True, "mcn_managed": False},
    "facts": {"topics": ["social-event"], "contains": [], "reposted": True, "original": False},
    "labels": [{"kind": "source", "publisher": "成都速报", "copyright_owner": "成都速报"}],
}


def report(sources, **changes):
    return evaluate(Post.from_dict(POST | changes), [], Catalog.packaged(), on=ON, sources=sources)


def keys(*names):
    return frozenset(map(name_key, names))


def rules_of(found):
    return [each.rule for each in found.findings]


def test_a_publisher_that_is_not_listed_is_named_in_the_finding():
    (finding,) = [each for each in report(keys("人民网")).findings if each.rule == RULE]
    assert "成都速报" in finding.evidence["zh-CN"]
    assert (finding.severity, finding.certainty) == ("warning", "I")


def test_without_a_list_the_rule_is_not_evaluated_and_says_what_it_needs():
    found = report(None)
    assert RULE not in rules_of(found)
    assert [(each.rule, each.needs) for each in found.not_evaluated] == [(RULE, ("provenance sources import",))]


def test_an_empty_list_is_a_list():
    assert RULE in rules_of(report(frozenset()))


@pytest.mark.parametrize(
    "changes",
    [
        {"facts": {"topics": ["social-event"], "contains": [], "reposted": False}},
        {"facts": {"topics": ["other"], "contains": [], "reposted": True}},
        {"labels": []},
    ],
)
def test_where_the_rule_could_not_find_anything_nothing_is_left_to_a_person(changes):
    assert report(None, **changes).not_evaluated == ()


def test_an_unknown_fact_is_not_asked_for_by_a_rule_that_is_not_evaluated():
    found = report(None, facts={"topics": ["social-event"], "contains": []})
    assert [each.rule for each in found.not_evaluated] == [RULE]
    asked = [each.evidence["en"] for each in found.findings if each.rule == "undeclared-fact"]
    assert not [each for each in asked if RULE in each]


def test_the_sdk_checks_against_the_list_it_is_given():
    units = SourceList(
        jurisdiction="cn", file="a.csv", sha256="0" * 64, imported_on=ON, units=(SourceUnit(name="成都速报社"),)
    )
    post = Post.from_dict(POST).in_folder(Path())
    listed = Provenance(signer=None, sources=units).check(post, on=ON)
    assert RULE not in rules_of(listed)
    assert listed.not_evaluated == ()
    other = units.model_copy(update={"units": (SourceUnit(name="人民网"),)})
    assert RULE in rules_of(Provenance(signer=None, sources=other).check(post, on=ON))
