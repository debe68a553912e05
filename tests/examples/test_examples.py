"""The examples run as their own first lines say."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Return a folder made by `provenance demo`, which the examples start from."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    subprocess.run([sys.executable, "-m", "provenance", "demo", "-o", str(folder)], check=True, capture_output=True)
    return folder


def run(*command, home):
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(home)}
    return subprocess.run([str(each) for each in command], env=env, capture_output=True, text=True, check=False)


def test_the_upload_handler_publishes_a_complete_post_and_refuses_a_draft(demo, tmp_path):
    script = ROOT / "examples/app-developer/upload.py"
    done = run(sys.executable, script, demo / "input/post.json", tmp_path / "out", demo / "identity", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "信息来源:新华社" in done.stdout
    refused = run(sys.executable, script, demo / "input/draft.json", tmp_path / "no", demo / "identity", home=tmp_path)
    assert refused.returncode == 1
    assert "拍摄时间" in refused.stdout


def test_the_creators_script_labels_both_pictures_and_verifies_them(demo, tmp_path):
    script = ROOT / "examples/creator/label.sh"
    done = run("sh", script, demo / "input/scene.jpg", demo / "input/poster.png", tmp_path / "out", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {each.name for each in (tmp_path / "out").iterdir()} == {"photo.jpg", "generated.png"}


def test_the_moderator_keeps_what_holds_and_escalates_what_was_changed(demo, tmp_path):
    script = ROOT / "examples/moderator/review.py"
    good = demo / "labelled/media/1-scene.jpg"
    kept = run(sys.executable, script, demo / "identity/ca.pem", good, home=tmp_path)
    assert (kept.returncode, "keep: capture, mcn, source (trusted)" in kept.stdout) == (0, True), kept.stdout
    changed = tmp_path / "changed.jpg"
    shutil.copyfile(good, changed)
    content = bytearray(changed.read_bytes())
    content[-1000] ^= 1
    changed.write_bytes(content)
    assert "escalate" in run(sys.executable, script, demo / "identity/ca.pem", changed, home=tmp_path).stdout
