"""Many posts, one a line: each is judged by itself, and a wrong one stops nothing."""

import io
import json

import pytest

from provenance.bulk import check_lines
from provenance.errors import UsageError
from provenance.model.post import MAX_POST_BYTES
from provenance.sdk import Provenance

sdk = Provenance(signer=None)


@pytest.fixture
def lines(post_data):
    """Return a function that makes a file of posts; a text stands for itself."""
    post_data["assets"] = []

    def make(*changes):
        texts = (each if isinstance(each, str) else json.dumps({**post_data, **each}) for each in changes)
        return io.BytesIO("\n".join(texts).encode())

    return make


def judged(file, gate=sdk.check):
    return [each.as_json() for each in check_lines(file, gate)]


def test_each_line_gets_the_report_that_its_post_gets_alone(lines, write_post, post_data):
    first, second = judged(lines({"id": "a"}, {"id": "b", "labels": []}))
    assert [first["line"], second["line"]] == [1, 2]
    assert (first["report"]["publishable"], second["report"]["publishable"]) == (True, False)
    alone = sdk.check(write_post({**post_data, "id": "b", "labels": []})).as_json()
    assert second["report"] == alone


def test_a_wrong_line_is_reported_with_its_number_and_pointer_and_the_others_are_judged(lines):
    found = judged(lines("{", "", {"colour": "red"}, {"kind": "leaflet"}, {"id": "ok"}))
    assert [each["line"] for each in found] == [1, 3, 4, 5]
    assert [each["error"]["code"] for each in found[:-1]] == ["post-not-json", "key-unknown", "value-not-allowed"]
    assert found[1]["error"]["pointer"] == "/colour"
    assert found[-1]["report"]["subject"]["id"] == "ok"


def test_a_line_that_is_too_long_is_passed_over_whole(lines):
    long = '{"id": "' + "x" * (3 * MAX_POST_BYTES) + '"}'
    found = judged(lines(long, {"id": "ok"}, long))
    assert [each.get("error", {}).get("code") for each in found] == ["post-too-large", None, "post-too-large"]
    assert [each["line"] for each in found] == [1, 2, 3]


def test_a_gate_that_cannot_judge_at_all_is_an_error_not_a_line(lines):
    with pytest.raises(UsageError):
        judged(lines({"id": "a"}), Provenance(signer=None, jurisdiction="nowhere").check)


def test_the_command_prints_a_line_for_each_and_exits_with_the_worst(lines, tmp_path, capsys):
    from provenance.cli.app import run

    path = tmp_path / "posts.jsonl"
    for changes, code in ((({"id": "a"},), 0), (({"id": "a"}, "{"), 2), (({"labels": []}, "{"), 1)):
        path.write_bytes(lines(*changes).getvalue())
        assert run(["check", "--jsonl", str(path)]) == code
        printed = capsys.readouterr().out.splitlines()
        assert [json.loads(each)["line"] for each in printed] == list(range(1, len(changes) + 1))
