"""Labelling one file: its digest, and that every picture is checked before it gets a name."""

import hashlib
import shutil

import pytest

from provenance import notices
from provenance.errors import MalformedMedia

CAPTURE = {"kind": "capture", "time": "2026-05-01T08:30:00+08:00", "place": {"name": "四川省成都市"}}
LABELS = {"origin": "self-shot", "labels": [CAPTURE]}
FICTION = {"labels": [{"kind": "fiction", "form": "staged"}]}


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("asset", [LABELS, FICTION], ids=["metadata", "notice"])
def test_the_digest_is_that_of_the_finished_file(sdk, media, tmp_path, asset, signed):
    sdk.signer = sdk.signer if signed else None
    done = sdk.attach_media(media / "camera.jpg", asset, into=tmp_path / "out.jpg")
    assert done.sha256 == hashlib.sha256(done.path.read_bytes()).hexdigest()


def test_the_digest_of_an_exact_copy_is_that_of_its_source(sdk, media, tmp_path):
    once = sdk.attach_media(media / "camera.jpg", LABELS, into=tmp_path / "once.jpg")
    twice = sdk.attach_media(once.path, LABELS, into=tmp_path / "twice.jpg")
    assert twice.sha256 == once.sha256 == hashlib.sha256(twice.path.read_bytes()).hexdigest()


@pytest.mark.parametrize("signed", [True, False])
def test_a_cut_photograph_is_refused_and_leaves_nothing(sdk, media, tmp_path, signed):
    sdk.signer = sdk.signer if signed else None
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((media / "camera.jpg").read_bytes()[:-2000])
    with pytest.raises(MalformedMedia):
        sdk.attach_media(cut, LABELS, into=tmp_path / "out.jpg")
    assert [each.name for each in tmp_path.iterdir()] == ["cut.jpg"]


@pytest.mark.parametrize("signed", [True, False])
def test_a_picture_that_was_drawn_on_is_checked_before_it_gets_its_name(sdk, media, tmp_path, monkeypatch, signed):
    sdk.signer = sdk.signer if signed else None
    draw = notices.draw

    def drawing_breaks_off(source, target, *arguments, **options):
        done = draw(source, target, *arguments, **options)
        target.truncate(target.tell() - 2000)
        return done

    monkeypatch.setattr(notices, "draw", drawing_breaks_off)
    shutil.copyfile(media / "camera.jpg", tmp_path / "in.jpg")
    with pytest.raises(MalformedMedia):
        sdk.attach_media(tmp_path / "in.jpg", FICTION, into=tmp_path / "out.jpg")
    assert [each.name for each in tmp_path.iterdir()] == ["in.jpg"]
