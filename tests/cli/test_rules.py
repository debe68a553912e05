"""`provenance rules coverage`, and `--edition` on every command about rules."""

import json
import shutil

import pytest

from provenance._resources import labels_root
from provenance.catalog import Catalog


@pytest.fixture
def edition(tmp_path):
    return shutil.copytree(labels_root(), tmp_path / "edition")


def change(edition, file, old, new):
    text = (edition / file).read_text("utf-8")
    assert old in text
    (edition / file).write_text(text.replace(old, new, 1), "utf-8")


def test_coverage_names_every_provision_its_status_and_the_rules_and_cases_behind_it(run):
    document = run("rules", "coverage", "--json").json
    provisions = {each["id"]: each for each in document["provisions"]}
    assert set(provisions) == set(Catalog.packaged().provisions)
    assert sum(document["counts"].values()) == len(provisions)
    for each in provisions.values():
        assert (each["status"] == "automated") == bool(each["rules"]), each["id"]
        assert (each["reason"] is not None) == (each["status"] in {"manual", "out-of-scope"}), each["id"]
        assert all(rule["cases"] for rule in each["rules"]), each["id"]
    (rule,) = provisions["SM2023-03-2"]["rules"]
    assert rule["id"] == "self-shot-without-time-and-place"
    assert {"no-place.fail", "time-and-place.pass"} <= set(rule["cases"])
    assert provisions["MCN-2-5"]["in_force"] is None


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_coverage_has_a_line_for_every_provision_in_either_language(run, lang):
    lines = run("rules", "coverage", "--lang", lang).out.splitlines()
    for provision in Catalog.packaged().provisions.values():
        (line,) = [each for each in lines if each.startswith(f"  {provision.id} ")]
        assert provision.reason is None or provision.reason[lang] in line
    assert str(len(Catalog.packaged().provisions)) in lines[-1]


def test_an_edition_without_its_cases_is_covered_all_the_same(run, edition):
    (edition / "cases.json").unlink()
    document = run("rules", "coverage", "--edition", edition, "--json").json
    rules = [rule for each in document["provisions"] for rule in each["rules"]]
    assert {rule["cases"] for rule in rules} == {None}
    assert "self-shot-without-time-and-place" in run("rules", "coverage", "--edition", edition).out


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"'])
def test_a_broken_list_of_cases_is_no_list(run, edition, text):
    (edition / "cases.json").write_text(text, "utf-8")
    document = run("rules", "coverage", "--edition", edition, "--json").json
    assert {rule["cases"] for each in document["provisions"] for rule in each["rules"]} == {None}


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_a_provision_that_no_rule_cites_is_explained_by_itself(run, lang):
    provision = Catalog.packaged().provisions["PA2021-18-4"]
    out = run("rules", "explain", "PA2021-18-4", "--lang", lang).out
    assert provision.quote in out
    assert provision.reason[lang] in out
    assert run("rules", "explain", "PA2021-18-4", "--json").json["status"] == "manual"


def test_a_provision_is_found_by_its_other_numbers(run):
    assert run("rules", "explain", "MCN-1", "--json").json["id"] == "mcn-managed-account-without-name"
    assert run("rules", "explain", "MCN-3", "--json").json["id"] == "PA2021-16"


def test_another_edition_is_listed_and_explained(run, edition):
    change(edition, "EDITION", "2026", "2027")
    change(edition, "rules/cn/account-name-not-shown.toml", 'en = "', 'en = "ANOTHER ')
    assert run("rules", "list", "--edition", edition, "--json").json["edition"].startswith("2027.")
    assert "ANOTHER" in run("rules", "explain", "account-name-not-shown", "--edition", edition).out


RULE = "rules/cn/account-name-not-shown.toml"
BROKEN = {
    "a misspelt key": (RULE, "severity =", "severty ="),
    "a dangling citation": (RULE, "SM2023-04-2", "SM2023-99"),
    "a duplicate id": ("provisions/cn/PA2021.toml", "PA2021-9-2", "PA2021-9-1"),
    "a date that ends before it begins": (RULE, "2023-07-05 }", "2023-07-05, until = 2023-07-04 }"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("command", [("list",), ("explain", "PA2021-17"), ("coverage",)])
def test_broken_rule_data_exit_with_5_file_and_line(run, edition, name, command):
    file, old, new = BROKEN[name]
    change(edition, file, old, new)
    lines = (edition / file).read_text("utf-8").splitlines()
    result = run("rules", *command, "--edition", edition)
    assert (result.code, result.out) == (5, "")
    line = int(result.err.split(f"{file}:", 1)[1].split(":")[0].split()[0])
    assert new.split(" =")[0].split(",")[0] in lines[line - 1]


@pytest.mark.parametrize("empty", [(), ("EDITION",), ("EDITION", "rules/house", "vocabulary")])
def test_an_empty_edition_exits_with_5(run, tmp_path, empty):
    folder = tmp_path / "empty"
    folder.mkdir()
    for name in empty:
        source = labels_root() / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    result = run("rules", "list", "--edition", folder)
    assert (result.code, str(folder) in result.err) == (5, True)


def test_the_list_of_cases_is_sorted_and_names_every_rule():
    listed = json.loads((labels_root() / "cases.json").read_text("utf-8"))
    assert list(listed) == sorted(listed)
    assert set(listed) == set(Catalog.packaged().rules)
