"""`provenance verify` of a finished post: its text, its media, and the links between them."""

import json
import shutil

import pytest


@pytest.fixture
def finished(run, write_post, post_data, tmp_path):
    out = tmp_path / "out"
    assert run("attach", write_post(post_data), "-o", out).code == 0
    return out


def verified(run, path, *options):
    done = run("verify", path, "--json", *options)
    (file,) = done.json["files"]
    return done.code, file


def test_a_finished_post_and_each_of_its_media_are_one_answer(run, finished, identity):
    code, file = verified(run, finished, "--trust", identity.ca)
    assert (code, file["format"], file["clean"], file["manifest"]["state"]) == (0, "post", True, "trusted")
    assert [each["path"].rpartition("/")[2] for each in file["files"]] == ["1-camera.jpg", "2-poster.png"]
    parts = [(each["title"], each["relationship"], each["state"]) for each in file["manifest"]["ingredients"]]
    assert parts == [("1-camera.jpg", "componentOf", "trusted"), ("2-poster.png", "componentOf", "trusted")]
    assert {each["kind"] for each in file["labels"]} >= {"source", "mcn"}
    assert all("files" not in each for each in file["files"])
    assert verified(run, finished / "post.json", "--trust", identity.ca)[1]["sha256"] == file["sha256"]


def test_a_changed_text_breaks_the_posts_manifest(run, finished):
    text = (finished / "post.json").read_text(encoding="utf-8")
    (finished / "post.json").write_text(text.replace("成都", "重庆"), encoding="utf-8")
    code, file = verified(run, finished)
    assert (code, file["manifest"]["state"], file["clean"]) == (1, "invalid", False)


def test_another_file_in_the_place_of_a_medium_is_a_conflict_whatever_it_says(run, finished, media):
    shutil.copyfile(media / "plain.jpg", finished / "media" / "1-camera.jpg")
    code, file = verified(run, finished)
    assert (code, file["clean"], file["files"][0]["clean"]) == (1, False, True)
    assert [(each["kind"], each["field"]) for each in file["conflicts"]] == [("asset", "sha256"), ("asset", "manifest")]


def test_a_medium_signed_again_is_not_the_one_that_the_post_speaks_of(run, finished, tmp_path):
    photo = finished / "media" / "1-camera.jpg"
    again = tmp_path / "again.jpg"
    assert run("attach", photo, "-o", again, "--opinion").code == 0
    data = json.loads((finished / "post.json").read_text(encoding="utf-8"))
    shutil.copyfile(again, photo)
    conflicts = verified(run, finished)[1]["conflicts"]
    assert data["assets"][0]["sha256"] in json.dumps(conflicts)
    assert conflicts[1]["field"] == "manifest"
    assert conflicts[1]["values"][1]["value"].startswith("urn:c2pa:")


@pytest.mark.parametrize("path", ["media/1-camera.jpg", "post.json.c2pa"])
def test_a_part_that_is_gone_is_said(run, finished, path):
    (finished / path).unlink()
    code, file = verified(run, finished)
    if path.endswith(".jpg"):
        assert (code, file["clean"], file["files"][0]["error"]["code"]) == (1, False, "asset-not-found")
    else:
        assert (code, file["clean"], file["manifest"]["state"]) == (0, True, "absent")
        assert verified(run, finished, "--require", "valid")[0] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "provenance/post/1"}'])
def test_a_file_that_is_no_post_is_reported_as_one_that_cannot_be_read(run, tmp_path, text):
    (tmp_path / "post.json").write_text(text, encoding="utf-8")
    code, file = verified(run, tmp_path / "post.json")
    assert (code, file["format"], file["clean"], file["files"]) == (3, "post", False, [])


def test_no_medium_outside_of_the_posts_folder_is_looked_at(run, finished, tmp_path, media):
    shutil.copyfile(media / "plain.jpg", tmp_path / "secret.jpg")
    data = json.loads((finished / "post.json").read_text(encoding="utf-8"))
    (finished / "media" / "1-camera.jpg").unlink()
    (finished / "media" / "1-camera.jpg").symlink_to(tmp_path / "secret.jpg")
    file = verified(run, finished)[1]
    assert data["assets"][0]["path"] == "media/1-camera.jpg"
    assert file["files"][0]["format"] is None
    assert file["files"][0]["error"] is not None


def test_people_see_the_post_first_and_then_its_media(run, finished):
    shown = [line for line in run("verify", finished).out.splitlines() if line.startswith(str(finished))]
    assert [line.split()[0].removeprefix(str(finished)) for line in shown] == [
        "",
        "/media/1-camera.jpg",
        "/media/2-poster.png",
    ]
