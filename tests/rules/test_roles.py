"""Severity for roles other than the author follows from what the cited provisions say of them."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from provenance._resources import labels_root
from provenance.catalog import Catalog
from provenance.model.post import Post
from provenance.rules import evaluate

from .cases import base, merged

RULE = "current-affairs-without-source"


def edition(folder: Path, bearers: list[str], modality: str, certainty: str) -> Catalog:
    """Return the packaged edition with another version of SM2023-03-1."""
    root = Path(shutil.copytree(labels_root(), folder / "labels"))
    file = root / "provisions/cn/SM2023.toml"
    text = file.read_text("utf-8")
    row = next(each for each in text.split("[[provision]]") if 'id = "SM2023-03-1"' in each)
    changed = (
        row.replace('["author", "mcn", "platform"]', json.dumps(bearers))
        .replace('["MUST"]', json.dumps([modality]))
        .replace('certainty = "S"', f'certainty = "{certainty}"')
    )
    assert changed != row
    file.write_text(text.replace(row, changed), "utf-8")
    _cite_nothing_else(root)
    return Catalog.from_directory(root)


def _cite_nothing_else(root: Path) -> None:
    """Let the rule cite SM2023-03-1 alone, so that only that provision decides."""
    rule, campaign = root / f"rules/cn/{RULE}.toml", root / "provisions/cn/QL2025.toml"
    rule.write_text(rule.read_text("utf-8").replace(', "QL2025-3a"', ""), "utf-8")
    head, row, rest = campaign.read_text("utf-8").partition('id = "QL2025-3a"')
    campaign.write_text(head + row + rest.replace('"automated"', '"planned"', 1), "utf-8")


@pytest.mark.parametrize(
    ("bearers", "modality", "certainty", "role", "severity"),
    [
        (["platform"], "MUST", "S", "platform", "blocking"),
        (["platform"], "NOT", "V", "platform", "blocking"),
        (["platform"], "ENC", "S", "platform", "warning"),
        (["platform"], "MUST", "I", "platform", "warning"),
        (["platform"], "MAY", "S", "platform", "advisory"),
        (["platform"], "OBS", "P", "platform", "advisory"),
        (["platform"], "MUST", "S", "mcn", "advisory"),
        (["platform"], "ENC", "S", "generator", "advisory"),
        (["platform"], "MUST", "I", "generator", "advisory"),
        (["author", "mcn"], "MUST", "S", "mcn", "blocking"),
        (["author", "mcn"], "MUST", "S", "platform", "advisory"),
        (["platform"], "ENC", "S", "author", "blocking"),
    ],
)
def test_a_role_is_judged_by_what_binds_it(
    bearers: list[str], modality: str, certainty: str, role: str, severity: str, tmp_path: Path
) -> None:
    catalog = edition(tmp_path, bearers, modality, certainty)
    change = {"acting_as": role, "facts": {"topics": ["social-event"]}, "assets": []}
    post = Post.from_dict(merged(base()["post"], change))
    report = evaluate(post, [], catalog, on=date(2026, 11, 21))
    (finding,) = [each for each in report.findings if each.rule == RULE]
    assert (finding.severity, finding.certainty) == (severity, certainty)
    assert report.publishable is (severity != "blocking")


def test_a_house_finding_has_one_severity_for_every_role() -> None:
    catalog = Catalog.packaged()
    for role in ("author", "mcn", "generator", "platform"):
        data = merged(base()["post"], {"acting_as": role, "assets": []})
        del data["facts"]["reposted"]
        report = evaluate(Post.from_dict(data), [], catalog, on=date(2026, 11, 21))
        severities = {each.severity for each in report.findings if each.rule == "undeclared-fact"}
        assert severities == {"blocking"}
