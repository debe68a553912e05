"""Labels in a container's own fields: what is there stays, what is missing comes, and every statement is evidence."""

import subprocess

import pytest

from provenance.errors import ConflictingLabels, LabelWouldBeLost
from provenance.sdk import Provenance

CAPTURE = {
    "kind": "capture",
    "time": "2026-05-01T08:30:00+08:00",
    "place": {"name": "四川省成都市", "coordinates": {"latitude": 30.5728, "longitude": 104.0668, "datum": "wgs84"}},
}
SOURCE = {"kind": "source", "publisher": "新华社", "author": "记者甲", "copyright_owner": "新华社"}
GENERATED = {
    "kind": "ai-generated",
    "grade": "confirmed",
    "producer": "001191510100MA0EXAMP0D10001",
    "produce_id": "clip-1",
}
unsigned = Provenance(signer=None)


@pytest.fixture
def clip(tmp_path):
    """Return a function that makes a Matroska file with global tags."""

    def make(**tags):
        path = tmp_path / "clip.mkv"
        stated = [each for name, value in tags.items() for each in ("-metadata", f"{name}={value}")]
        tone = ("-f", "lavfi", "-i", "sine=sample_rate=8000:duration=0.2")
        subprocess.run(["ffmpeg", "-y", "-v", "error", *tone, *stated, str(path)], check=True, timeout=60)
        return path

    return make


def labelled(path, *labels, privacy="keep", into="out.mkv", **options):
    asset = {"labels": list(labels), "location_privacy": privacy}
    return unsigned.attach_media(path, asset, into=path.with_name(into), **options).path


def stated(path):
    (found,) = unsigned.verify(path).files
    return {(each.kind, each.carrier): each.value for each in found.labels}, found


def test_labels_stand_in_tags_of_their_own_and_in_our_record(clip):
    labels, found = stated(labelled(clip(), CAPTURE, SOURCE, GENERATED))
    assert labels["capture", "container"]["time"] == CAPTURE["time"]
    assert labels["source", "container"] == {"publisher": "新华社", "author": "记者甲", "copyright_owner": "新华社"}
    assert found.aigc.elements[0].slot == "matroska-tag"
    assert found.aigc.conformant
    assert found.clean


def test_a_file_that_says_it_all_is_copied_byte_for_byte(clip):
    once = labelled(clip(), CAPTURE, GENERATED)
    assert labelled(once, CAPTURE, GENERATED, into="twice.mkv").read_bytes() == once.read_bytes()


def test_a_tag_that_says_otherwise_is_a_conflict_that_names_it(clip):
    with pytest.raises(ConflictingLabels, match="PUBLISHER") as caught:
        labelled(clip(PUBLISHER="Somebody"), SOURCE)
    assert caught.value.details["carrier"] == "container"


def test_what_the_file_says_can_be_kept_and_ours_is_recorded(clip):
    _, found = stated(labelled(clip(PUBLISHER="Somebody"), SOURCE, on_conflict="keep"))
    said = {each.value.get("publisher") for each in found.labels if each.kind == "source"}
    assert said == {"Somebody", "新华社"}
    assert [each.kind for each in found.conflicts] == ["source"]


@pytest.mark.parametrize(
    ("privacy", "left"), [("remove", None), ("coarsen", "+30.6+104.1/"), ("keep", "+30.5728+104.0668/")]
)
def test_a_position_in_a_tag_is_left_as_precise_as_asked(clip, privacy, left):
    done = labelled(clip(LOCATION="+30.5728+104.0668/"), SOURCE, privacy=privacy)
    assert (b"+30.5728" in done.read_bytes()) == (privacy == "keep")
    found = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format_tags", str(done)], capture_output=True, check=True
    )
    assert (f"LOCATION={left}".encode() in found.stdout) == (left is not None)


def test_a_propagator_changes_its_own_fields_of_the_element_alone(clip):
    first = labelled(clip(), GENERATED)
    further = {**GENERATED, "propagator": "001191510100MA0EXAMP0D20001", "propagate_id": "p-9"}
    _, found = stated(labelled(first, further, into="further.mkv"))
    (element,) = found.aigc.elements
    assert (element.value["ContentProducer"], element.value["ProduceID"]) == (GENERATED["producer"], "clip-1")
    assert (element.value["ContentPropagator"], element.value["PropagateID"]) == (further["propagator"], "p-9")


def test_a_manifest_attached_where_nobody_can_read_it_is_neither_overlooked_nor_broken(clip):
    store = clip().with_name("store.c2pa")
    store.write_bytes(b"a manifest store")
    attached = store.with_name("attached.mkv")
    attach = ("-attach", str(store), "-metadata:s:t", "mimetype=application/c2pa")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(clip()), *attach, "-c", "copy", str(attached)], check=True, timeout=60
    )
    assert unsigned.verify(attached).files[0].manifest.state == "unreadable"
    with pytest.raises(LabelWouldBeLost):
        labelled(attached, SOURCE)


def test_a_text_shows_the_notices_of_its_own_labels_only(write_post, post_data, tmp_path):
    own = {"id": "1", "path": "a.md", "labels": [{"kind": "ai-generated", "grade": "confirmed"}]}
    bare = {"id": "2", "path": "b.md"}
    fiction = {"kind": "fiction", "form": "staged"}
    path = write_post({**post_data, "labels": [fiction], "assets": [own, bare]})
    for name in ("a.md", "b.md"):
        (path.parent / name).write_text("# 标题\n\n正文。\n", encoding="utf-8")
    done = Provenance(signer=None).attach(path, into=tmp_path / "out")
    assert [[notice.text for notice in each.notices] for each in done.assets] == [["AI生成"], []]
