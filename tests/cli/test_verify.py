"""`provenance verify`, `rules`, `schema`, `identity`, `demo`."""

import json
import re

import jsonschema
import pytest
import typer

from provenance._messages import message
from provenance.catalog import Catalog
from provenance.cli.app import app
from provenance.cli.commands.schema import json_schema
from provenance.manifests import read as manifests
from provenance.manifests import remote
from provenance.manifests.verdict import ManifestReading


@pytest.fixture
def labelled(run, media, tmp_path):
    out = tmp_path / "labelled.jpg"
    assert (
        run("attach", media / "camera.jpg", "-o", out, "--captured-at", "2026-05-01", "--fiction", "staged").code == 0
    )
    return out


def test_a_labelled_file_is_clean_and_valid_and_trusted_with_its_authority(run, labelled, identity):
    result = run("verify", labelled, "--json")
    jsonschema.validate(result.json, json_schema("verification"))
    file = result.json["files"][0]
    assert (result.code, file["clean"], file["manifest"]["state"]) == (0, True, "valid")
    assert file["manifest"]["identity"] is None
    trusted = run("verify", labelled, "--trust", identity.ca, "--json").json["files"][0]
    assert trusted["manifest"]["state"] == "trusted"
    assert {each["carrier"] for each in file["labels"] if each["kind"] == "capture"} == {"exif", "xmp", "manifest"}


def test_require_asks_for_more(run, labelled, media, identity):
    assert run("verify", labelled, "--require", "trusted").code == 1
    assert run("verify", labelled, "--require", "trusted", "--trust", identity.ca).code == 0
    assert run("verify", media / "camera.jpg").code == 0
    assert run("verify", media / "camera.jpg", "--require", "valid").code == 1


def test_a_changed_byte_shows(run, labelled):
    content = bytearray(labelled.read_bytes())
    content[-2000] ^= 1
    labelled.write_bytes(content)
    result = run("verify", labelled, "--json")
    manifest = result.json["files"][0]["manifest"]
    assert (result.code, manifest["state"]) == (1, "invalid")
    assert "assertion.dataHash.mismatch" in manifest["codes"]


def test_metadata_changed_by_others_shows_as_conflict_and_broken_manifest(run, labelled, exiftool, tmp_path):
    import subprocess

    subprocess.run(
        ["exiftool", "-q", "-overwrite_original", "-DateTimeOriginal=2020:01:01 00:00:00", labelled], check=True
    )
    file = run("verify", labelled, "--json").json["files"][0]
    assert file["manifest"]["state"] == "invalid"
    assert [(each["kind"], each["field"]) for each in file["conflicts"]] == [("capture", "time")]


def test_two_elements_and_a_non_conformant_one_are_not_clean(run, media):
    assert run("verify", media / "two-aigc-elements.jpg").code == 1
    assert run("verify", media / "one-aigc-element.jpg").code == 0


def test_every_file_is_reported_and_a_dirty_one_outranks_an_unreadable_one(run, labelled, media):
    unreadable, clean = media / "text-named.jpg", media / "camera.jpg"
    result = run("verify", clean, unreadable, "nowhere.jpg", "--json")
    assert result.code == 3
    assert [each["error"] and each["error"]["code"] for each in result.json["files"]] == [
        None, "format-is-text", "asset-not-found",
    ]  # fmt: skip
    assert run("verify", unreadable, media / "two-aigc-elements.jpg").code == 1


def test_an_error_says_at_which_byte(run, media):
    error = run("verify", media / "scan-cut.jpg", "--json").json["files"][0]["error"]
    assert set(error) == {"code", "message", "offset"}
    assert isinstance(error["offset"], int)


def test_a_bad_trust_list_is_refused(run, labelled, media):
    assert run("verify", labelled, "--trust", media / "text-named.jpg").code == 2


def test_values_from_files_cannot_write_to_the_terminal(run, media, tmp_path):
    from provenance.metadata import xmp

    packet = xmp.merge(None, {xmp.Name("http://ns.adobe.com/photoshop/1.0/", "Source"): "a\u009b31mred\u202e"})
    from PIL import Image

    hostile = tmp_path / "hostile.jpg"
    Image.new("RGB", (400, 400)).save(hostile, xmp=packet)
    out = run("verify", hostile).out
    assert "source" in out
    assert "\u009b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_rules_are_listed_and_each_can_be_explained(run, lang):
    listed = run("rules", "list", "--json").json["rules"]
    assert {"self-shot-without-time-and-place", "undeclared-fact"} <= {each["id"] for each in listed}
    for rule in listed:
        explained = run("rules", "explain", rule["id"], "--lang", lang)
        assert explained.code == 0
        for provision in rule["provisions"]:
            assert (provision.get("quote") or provision["zh"]) in explained.out
    assert run("rules", "list", "--lang", lang).code == 0


def test_a_rule_is_explained_in_one_language(run):
    english, chinese = (
        run("rules", "explain", "self-shot-without-time-and-place", "--lang", lang).out for lang in ("en", "zh-CN")
    )
    translation = "Self-shot images and videos are labelled one by one"
    assert (translation in english, translation in chinese) == (True, False)
    assert "must; binds author, MCN, platform;" in english
    assert "应当;约束 作者、MCN机构、平台;" in chinese


def test_every_role_and_modality_of_the_edition_has_a_word_in_both_languages(run):
    provisions = Catalog.packaged().provisions.values()
    codes = {f"role-{role}" for each in provisions for role in each.bearers}
    codes |= {f"modality-{word.lower()}" for each in provisions for word in each.modality}
    assert [code for code in codes for lang in ("en", "zh-CN") if message(code, lang, {}) == code] == []
    assert codes


def test_why_a_file_cannot_be_read_is_said_in_the_users_language(run, media, tmp_path):
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((media / "camera.jpg").read_bytes()[:500])
    for path in (tmp_path / "none.jpg", cut, media / "text-named.jpg"):
        out = run("verify", path, "--lang", "zh-CN").out.replace(str(path), "")
        assert "无法读取" in out
        assert not re.search(r"\b[a-z]{2,} [a-z]{2,}\b", out), out


def test_a_provision_leads_to_its_rules_and_an_unknown_id_is_refused(run):
    assert run("rules", "explain", "SM2023-03-2", "--json").json["id"] == "self-shot-without-time-and-place"
    result = run("rules", "explain", "no-such-rule")
    assert (result.code, "no-such-rule" in result.err) == (2, True)


@pytest.mark.parametrize("document", ["post", "report", "verification"])
def test_schemas_are_json_schema_2020_12(run, document):
    schema = run("schema", document).json
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["additionalProperties"] is False


def test_an_identity_is_made_once(run, tmp_path):
    folder = tmp_path / "id"
    assert run("identity", "new", folder).code == 0
    assert {each.name for each in folder.iterdir()} == {"ca.pem", "certificate.pem", "key.pem"}
    assert run("identity", "new", folder).code == 2


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_the_demo_refuses_labels_passes_and_verifies(run, tmp_path, lang):
    result = run("demo", "-o", tmp_path / "demo", "--lang", lang)
    assert result.code == 0, result.err
    assert "✗" in result.out
    assert "trusted" in result.out
    assert (tmp_path / "demo/labelled/post.json").exists()


def test_the_demo_on_ones_own_photograph_takes_the_time_from_it_and_asks_for_the_place(run, media, tmp_path):
    result = run("demo", media / "camera.jpg", "-o", tmp_path / "a")
    assert result.code == 1
    assert "self-shot-without-time-and-place" in result.out
    assert "--place" in result.err
    assert "--captured-at" not in result.err
    assert "--source" in result.err
    complete = ["--place", "四川省成都市", "--source", "成都观察员"]
    assert run("demo", media / "camera.jpg", *complete, "-o", tmp_path / "b").code == 0
    result = run("demo", media / "plain.jpg", "-o", tmp_path / "c")
    assert "--captured-at" in result.err
    assert run("demo", media / "text-named.jpg", "-o", tmp_path / "d").code == 3
    assert not (tmp_path / "d").exists()


def test_the_demo_signs_nothing_about_ones_own_photograph_that_nobody_said(run, media, tmp_path):
    run("demo", media / "camera.jpg", "--place", "四川省成都市", "-o", tmp_path / "out")
    post = json.loads((tmp_path / "out/labelled/post.json").read_text(encoding="utf-8"))
    assert (post.get("labels", []), post["account"]["mcn_managed"], "mcn" in post["account"]) == ([], False, False)
    files = run("verify", *(tmp_path / "out/labelled/media").iterdir(), "--json").json["files"]
    assert {label["kind"] for file in files for label in file["labels"]} == {"capture"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--captured-at", "2020-01-01"], "Leave out --captured-at."),
        (["--captured-at", "yesterday"], "is not a time"),
        (["--place", " "], "/assets/0/labels/0/place/name"),
    ],
)
def test_a_demo_that_cannot_go_on_says_why_and_leaves_nothing(run, media, tmp_path, options, words):
    result = run("demo", media / "camera.jpg", "--place", "x", *options, "-o", tmp_path / "out")
    assert (result.code, words in result.err, "--on-conflict" in result.err) == (2, True, False), result.err
    assert list(tmp_path.glob("out*")) == []


def test_an_interrupted_demo_leaves_nothing(run, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("provenance.sdk.Provenance.attach", interrupted)
    assert run("demo", "-o", tmp_path / "out").code == 130
    assert not (tmp_path / "out").exists()


def test_the_demo_picks_a_free_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [run("demo").code for _ in range(2)] == [0, 0]
    assert {each.name for each in tmp_path.iterdir()} >= {"provenance-demo", "provenance-demo-2"}


def commands(group, path=()):
    for command in group.registered_commands:
        yield (*path, command.name)
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance, (*path, inner.name))


@pytest.mark.parametrize("command", list(commands(app)), ids=" ".join)
def test_every_command_has_help_and_a_language(run, command):
    result = run(*command, "--help")
    assert result.code == 0
    assert "--lang" in result.out
    assert re.search(r"^  [A-Z].{30}", result.out, re.MULTILINE), "no description"
    described = re.sub(r"^  --help .*", "", result.out, flags=re.MULTILINE)
    assert re.search(r"^  [\u4e00-\u9fffA-Z]*[\u4e00-\u9fff].{8}", described, re.MULTILINE), "no Chinese description"


@pytest.mark.parametrize("path", list(commands(app)), ids=" ".join)
def test_every_option_is_explained_in_both_languages(path):
    command = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    for parameter in command.params:
        if parameter.name != "help":
            assert re.match(r"[^\u4e00-\u9fff]+[.:)] .*[\u4e00-\u9fff].*。$", parameter.help), parameter.name


@pytest.mark.parametrize("group", [[], ["rules"], ["identity"]], ids=str)
def test_a_group_without_a_command_prints_its_help_and_nothing_else(run, group):
    result = run(*group)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: provenance")
    assert "COMMAND --help" not in result.err
    assert all(re.search(r"[\u4e00-\u9fff]", line) for line in result.err.split("Commands:")[1].strip().splitlines())


@pytest.mark.parametrize("arguments", [["check", "--bogus", "--lang", "zh-CN"], ["verify", "--lang=zh-CN"]])
def test_a_usage_error_comes_in_the_language_that_was_asked_for(run, arguments):
    assert run(*arguments).err.startswith("命令行有误:")


def test_wrong_options_are_usage_errors(run):
    for arguments in ([], ["bogus"], ["verify"], ["check", "x", "--bogus"], ["verify", "x", "--lang", "fr"]):
        result = run(*arguments)
        assert result.code in {0, 2}
        assert arguments == [] or result.code == 2
        assert json.dumps(result.err)


def test_fetch_says_whom_it_asks(run, labelled, monkeypatch):
    url = "https://example.com/m.c2pa"
    asked = []

    def fetch(url):
        asked.append(url)
        raise remote.NotFetched("remote.timeout", "no answer in 5 s")

    monkeypatch.setattr(remote, "fetch", fetch)
    monkeypatch.setattr(manifests, "_read", lambda *_: ManifestReading("remote", codes=("Remote",), url=url))
    result = run("verify", "--fetch", labelled, "--json")
    manifest = result.json["files"][0]["manifest"]
    assert (result.code, manifest["state"], manifest["codes"]) == (1, "remote", ["Remote", "remote.timeout"])
    assert url in result.err
    assert asked == [url]
    result = run("verify", labelled, "--json")
    assert (result.code, result.json["files"][0]["manifest"]["codes"], url in result.err) == (1, ["Remote"], False)
    assert asked == [url]


def test_many_files_come_back_in_the_order_they_were_named(run, labelled, media, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    files = [labelled, broken, media / "camera.jpg", tmp_path / "none.jpg", *([labelled, media / "poster.png"] * 5)]
    result = run("verify", *files, "--json")
    assert [each["path"] for each in result.json["files"]] == [str(each) for each in files]
    states = [each["manifest"]["state"] for each in result.json["files"]]
    assert states == ["valid", "absent", "absent", "absent", *(["valid", "absent"] * 5)]
    assert [each["error"] is None for each in result.json["files"]][:4] == [True, False, True, False]
