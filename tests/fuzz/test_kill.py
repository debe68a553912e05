"""`kill -9` at any moment: no original is damaged, and what has its final name is complete."""

import hashlib
import itertools
import json
import random
import re
import shutil
import subprocess

import pytest

from provenance.formats import registry
from provenance.sdk import Provenance

from . import large
from .conftest import FULL_PROOF, LABELS, program
from .service import Service

SEED = 20260501
ROUNDS = 200 if FULL_PROOF else 15
MIB = 1 << 20
LARGE = {
    "jpeg": (large.noisy_jpeg, (64 if FULL_PROOF else 16) * MIB),
    "tiff": (large.tiff, (200 if FULL_PROOF else 50) * MIB),
    "mov": (large.film, (200 if FULL_PROOF else 50) * MIB),
}
PICTURES = [("jpeg", "unsigned"), ("jpeg", "signed"), ("jpeg", "post"), ("tiff", "unsigned"), ("tiff", "signed")]
FILMS = [("mov", "unsigned"), ("mov", "signed"), ("mov", "post")]
LEFTOVER = re.compile(r"\.provenance-[0-9a-f]{16}\.part")
KINDS = {label["kind"] for label in LABELS}
SIDECARS = (".xmp", ".c2pa")


@pytest.fixture(scope="module")
def service(identity, tmp_path_factory):
    command = [*program("attaching.py"), str(identity.certificate.parent), json.dumps(LABELS)]
    with Service(command, tmp_path_factory.mktemp("kill") / "log") as running:
        yield running


def digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def post_of(media, post):
    """Write a post of one photograph beside it and return its path."""
    path = media.with_name("post.json")
    asset = {"id": "1", "path": media.name, "origin": "self-shot", "labels": LABELS}
    path.write_text(json.dumps({**post, "labels": [], "assets": [asset]}, ensure_ascii=False), encoding="utf-8")
    return path


def media_in(target):
    """Return the labelled file that a final name stands for; of a post it must be the one that the post describes."""
    if not target.is_dir():
        return target
    post = json.loads((target / "post.json").read_bytes())
    pages = ["notices.html", "notices.json", "notices.md"]
    # The manifest of the post is there where the post is signed.
    assert {each.name for each in target.iterdir()} - {"post.json.c2pa"} == {"media", *pages, "post.json"}
    (asset,) = post["assets"]
    assert digest(target / asset["path"]) == asset["sha256"]
    return target / asset["path"]


def refuse_half_file(target, *, signed):
    """Fail unless everything that was asked for reads back from what has its final name."""
    (file,) = Provenance(signer=None).verify(media_in(target)).files
    assert file.error is None
    assert file.manifest.state == ("valid" if signed else "absent")
    for carriers in ({"xmp", "container"}, {"manifest"})[: 1 + signed]:
        assert {each.kind for each in file.labels if each.carrier in carriers | {"sidecar"}} >= KINDS


def after_death(folder, target, *, signed):
    """Return whether the final name is there; whatever else is must be hidden, or a whole sidecar."""
    others = {each.name for each in folder.iterdir()} - {target.name}
    visible = {name for name in others if not LEFTOVER.fullmatch(name)}
    assert visible <= {target.name + suffix for suffix in SIDECARS}
    if not target.exists():
        return False
    refuse_half_file(target, signed=signed)
    return True


@pytest.mark.parametrize("ways", [PICTURES, FILMS], ids=["pictures", "films"])
def test_a_kill_while_a_large_file_is_labelled_harms_nothing(service, post_data, tmp_path, report, ways):
    sources, digests = {}, {}
    for name in {name for name, _ in ways}:
        make, size = LARGE[name]
        sources[name] = tmp_path / f"large.{name}"
        make(sources[name], size)
        digests[name] = digest(sources[name])
    post = post_of(sources[ways[0][0]], post_data)
    chance = random.Random(SEED)
    seconds, ends = {}, {"nothing": 0, "hidden part": 0, "whole file": 0, "finished": 0}
    for number in itertools.count(-len(ways)):
        if sum(ends.values()) - ends["finished"] == ROUNDS:
            break
        name, way = ways[number % len(ways)]
        folder = tmp_path / "out"
        folder.mkdir()
        target = folder / ("post" if way == "post" else f"large.{name}")
        after = chance.uniform(0, seconds[name, way]) if number >= 0 else None
        source = post if way == "post" else sources[name]
        answer = service.ask(source=str(source), target=str(target), signed=way != "unsigned", after=after)
        there = after_death(folder, target, signed=way != "unsigned")
        assert digest(sources[name]) == digests[name], (number, name, way, after)
        if number < 0:
            assert there
            assert answer["code"] == 0
            seconds[name, way] = answer["seconds"]
        else:
            left = any(folder.iterdir())
            ends[
                "finished" if answer["code"] == 0 else "whole file" if there else "hidden part" if left else "nothing"
            ] += 1
        shutil.rmtree(folder)
    assert ends["hidden part"] >= ROUNDS / 4, "most moments missed the work"
    report(
        f"kill -9, large {'/'.join(sources)}: {ROUNDS} kills, damaged originals 0, half files 0; found afterwards: {ends}"
    )


def test_a_kill_while_a_film_is_labelled_in_place_leaves_the_old_one_or_the_new_one(service, tmp_path, report):
    film, target = tmp_path / "film.mov", tmp_path / "changed.mov"
    large.film(film, 20 * MIB)
    frames = decoded(film)
    chance = random.Random(SEED)
    ends = {"old": 0, "new": 0}
    seconds = None
    for number in range(-2, ROUNDS):
        shutil.copyfile(film, target)
        after = chance.uniform(0, seconds) if number >= 0 else None
        answer = service.ask(source=str(target), target=None, signed=False, after=after)
        seconds = answer["seconds"] if number < 0 else seconds
        (found,) = Provenance(signer=None).verify(target).files
        assert found.error is None, (number, after)
        kinds = {each.kind for each in found.labels if each.carrier in {"xmp", "container"}}
        assert kinds >= KINDS or not kinds, (number, after)
        assert kinds or number >= 0
        assert decoded(target) == frames, (number, after)
        ends["new" if kinds else "old"] += 1
    assert min(ends.values()) > ROUNDS / 20
    report(f"kill -9, in place: {ROUNDS} kills, damaged films 0; found afterwards: {ends}")


def decoded(film):
    """Return the digest of every frame, as ffmpeg decodes them."""
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-map", "0", "-f", "md5", "-"]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def test_a_kill_before_any_change_of_the_file_system_harms_nothing(service, samples, tmp_path, post_data, report):
    deaths = 0
    for name, contents in samples.items():
        source = tmp_path / f"source-{name}{registry.handler(name).extensions[0]}"
        source.write_bytes(contents.get("bare") or contents["full"])
        for way in ("unsigned", "signed", "post") if FULL_PROOF or not deaths else ("unsigned", "signed"):
            deaths += dies_everywhere(service, source, post_of(source, post_data), tmp_path / "out", way)
    report(f"kill -9, every change of the file system, {len(samples)} formats: {deaths} kills, half files 0")


def dies_everywhere(service, source, post, folder, way):
    """Kill before one change after another until an attach gets through; return how often."""
    content = source.read_bytes()
    for number in range(100):
        folder.mkdir()
        target = folder / ("post" if way == "post" else source.name)
        job = {"source": str(post if way == "post" else source), "target": str(target), "signed": way != "unsigned"}
        answer = service.ask(**job, at=number)
        there = after_death(folder, target, signed=way != "unsigned")
        assert source.read_bytes() == content
        shutil.rmtree(folder)
        if answer["code"] == 0:
            assert there
            return number
        assert answer["code"] == -9, (source.name, way, number)
    raise AssertionError(source.name)
