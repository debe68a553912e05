"""`--fix` takes what a file says of itself, and nothing else."""

import json

import pytest

from provenance.model.post import Post
from provenance.sdk import Provenance

sdk = Provenance(signer=None)


@pytest.fixture
def attached(post_data, write_post, tmp_path):
    """Attach a post of one asset with `fix`; return its finished asset and the notes."""

    def make(path, **asset):
        post_data["assets"] = [{"id": "1", "path": path, "draw": [], **asset}]
        done = sdk.attach(write_post(post_data), into=tmp_path / "out", fix=True, on_conflict="keep")
        finished = json.loads((tmp_path / "out" / "post.json").read_bytes())
        assert Post.from_dict(finished)
        return finished["assets"][0], [(each.code, each.details["field"]) for each in done.fixes]

    return make


def test_the_time_in_a_photograph_becomes_its_capture_label(attached):
    asset, notes = attached("camera.jpg", origin="self-shot")
    assert asset["labels"] == [{"kind": "capture", "time": "2026-05-01T08:30:00+08:00"}]
    assert notes == [("fixed-from-file", "time")]


def test_what_the_label_says_stays_and_only_what_it_lacks_comes(attached):
    label = {"kind": "capture", "place": {"name": "四川省成都市"}}
    asset, notes = attached("camera.jpg", origin="self-shot", labels=[label])
    assert asset["labels"] == [{**label, "time": "2026-05-01T08:30:00+08:00"}]
    assert [field for _, field in notes] == ["time"]


def test_nothing_is_invented_where_the_file_says_nothing(attached):
    asset, notes = attached("plain.jpg", origin="self-shot")
    assert (asset.get("labels", []), notes) == ([], [])


def test_somebody_elses_picture_gets_no_capture_label(attached):
    asset, notes = attached("camera.jpg", origin="reposted")
    assert (asset.get("labels", []), notes) == ([], [])


def test_coordinates_never_become_the_name_of_a_place(attached):
    asset, _ = attached("camera-with-gps.jpg", origin="self-shot")
    assert "place" not in asset["labels"][0]


def test_an_element_in_the_file_becomes_the_label_that_it_is(attached):
    asset, notes = attached("one-aigc-element.jpg", origin="ai-generated")
    (label,) = asset["labels"]
    assert (label["kind"], label["grade"], label["produce_id"]) == ("ai-generated", "confirmed", "img-1")
    assert {field for _, field in notes} == {"grade", "producer", "produce_id"}


def test_the_command_says_what_it_filled_in_and_the_gate_sees_it(post_data, write_post, tmp_path, capsys):
    from provenance.cli.app import run

    post_data["assets"][0] = {
        **post_data["assets"][0],
        "labels": [{"kind": "capture", "place": {"name": "四川省成都市"}}],
    }
    path = write_post(post_data)
    assert run(["attach", str(path), "-o", str(tmp_path / "plain"), "--no-manifest", "--check"]) == 1
    assert run(["attach", str(path), "-o", str(tmp_path / "out"), "--no-manifest", "--fix", "--check"]) == 0
    assert "taken from the file itself" in capsys.readouterr().err


def test_a_single_file_is_labelled_with_what_the_options_say(media, tmp_path, capsys):
    from provenance.cli.app import run

    assert run(["attach", str(media / "camera.jpg"), "-o", str(tmp_path / "out.jpg"), "--fix", "--source", "x"]) == 2
    assert "--fix" in capsys.readouterr().err
