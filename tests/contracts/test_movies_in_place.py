"""A film labelled in place: every moment of it is a sound file that says exactly what it said before, or says now."""

import io
import os

import pytest

from provenance.errors import MetadataNotWritten
from provenance.formats.handlers import mp4

from .media import packets
from .samples_images import XMP
from .samples_movies import SAMPLES, box, boxes
from .samples_sound import SAME

FILMS = {f"{name}-{sample}": content for name, build in SAMPLES.items() for sample, content in build()}
# Its packet lies apart from its index.
APART = FILMS.pop("mp4-full")
FILMS["mp4-first"] = APART[: -len(boxes(APART)[-1][1])]
FRAGMENTED = {name for name, content in FILMS.items() if any(kind == b"moof" for kind, _ in boxes(content))}
PACKET = XMP % b"new"
FIELDS = {
    "aigc": SAME.decode(),
    "captured_at": "2026-05-01T08:30:00+08:00",
    "place": "成都",
    "position": "+30.2741+120.1551/",
}
by_film = pytest.mark.parametrize("name", sorted(FILMS.keys() - FRAGMENTED))


class Recorder(io.FileIO):
    """A file that notes every change and counts the waits for the disk."""

    def __init__(self, path):
        super().__init__(path, "r+b")
        self.changes = []

    def write(self, data):
        self.changes.append((self.tell(), bytes(data)))
        return super().write(data)


def handler(content):
    return next(each for each in mp4.HANDLERS if each.sniff(content[:512]))


def said(content):
    """What a film says, in no particular order."""
    found = handler(content).read(io.BytesIO(content))
    return sorted((each.name, each.value) for each in found.fields), found.xmp, found.xmp_count


def changed(path, *, xmp=PACKET, fields=FIELDS):
    """Label a film in place; return every change made to it, in order."""
    with Recorder(path) as file:
        handler(path.read_bytes()).write_in_place(file, xmp=xmp, fields=fields)
    return file.changes


def states(before, changes, step=1):
    """Every file that a crash may leave: what is appended torn anywhere, what is overwritten whole or not."""
    content = bytearray(before)
    for offset, data in changes:
        if offset < len(content):
            content[offset : offset + len(data)] = data
            yield bytes(content)
            continue
        for length in range(1, len(data), step):
            yield bytes(content) + data[:length]
        content += data
        yield bytes(content)


@by_film
def test_a_film_labelled_in_place_says_so_and_its_packets_are_the_same(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILMS[name])
    changed(path)
    after = path.read_bytes()
    assert said(after) == (sorted(FIELDS.items()), PACKET, 1)
    assert packets(after, ".mp4") == packets(FILMS[name], ".mp4")
    assert changed(path) == []
    assert path.read_bytes() == after


@by_film
def test_what_lies_between_the_old_index_and_the_new_one_is_not_touched(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILMS[name])
    appended = 0
    for offset, data in changed(path):
        if offset >= len(FILMS[name]):
            appended += len(data)
        else:
            assert data[-4:] == b"free"
            assert len(data) <= 8
    assert len(path.read_bytes()) == len(FILMS[name]) + appended


@pytest.mark.parametrize("name", ["mp4-first", "mov-first", "mov-full", "m4a-bare"])
def test_every_torn_state_says_exactly_the_old_or_the_new(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILMS[name])
    for fields, xmp in ((FIELDS, PACKET), ({"position": None, "place": "杭州"}, XMP % b"second")):
        before = path.read_bytes()
        changes = changed(path, xmp=xmp, fields=fields)
        old, new = said(before), said(path.read_bytes())
        assert old != new
        found = [said(state) for state in states(before, changes)]
        turn = found.index(new)
        assert found == [old] * turn + [new] * (len(found) - turn)


@pytest.mark.parametrize("name", ["mp4-last", "mp4-first", "mov-full"])
def test_ffmpeg_decodes_every_torn_state_the_same(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILMS[name])
    expected = packets(FILMS[name], ".mp4")
    for state in states(FILMS[name], changed(path), step=301):
        assert packets(state, ".mp4") == expected


@pytest.mark.parametrize("again", ["in place", "copy"])
def test_the_next_change_removes_what_a_crash_left_behind(again, tmp_path):
    path = tmp_path / "film"
    before = FILMS["mov-first"]
    path.write_bytes(before)
    *torn, whole = states(before, changed(path), step=97)
    even = 8 + -len(before) % 8 if len(before) % 8 else 0
    for state in torn:
        path.write_bytes(state)
        warnings = handler(state).read(io.BytesIO(state)).warnings
        # The free box that makes the new index start at an even place says nothing and harms nobody.
        assert ("movie-change-interrupted" in warnings) == (len(state) - len(before) != even)
        if again == "in place":
            changed(path)
            assert path.read_bytes() == whole
        else:
            out = io.BytesIO()
            handler(state).write(io.BytesIO(state), out, exif=None, xmp=PACKET, fields=FIELDS)
            assert said(out.getvalue()) == said(whole)
            assert handler(state).read(out).warnings == ()


@pytest.mark.parametrize("name", sorted(FRAGMENTED))
def test_fragments_are_not_labelled_in_place(name, tmp_path):
    refused_in_place(tmp_path, FILMS[name], "movie-in-place-fragmented")


def test_a_film_whose_last_box_is_open_is_not_labelled_in_place(tmp_path):
    *others, (_, mdat) = boxes(FILMS["mov-first"])
    refused_in_place(tmp_path, b"".join(raw for _, raw in others) + bytes(4) + mdat[4:], "movie-in-place-open")


def test_a_packet_apart_from_the_index_is_not_replaced_in_place(tmp_path):
    refused_in_place(tmp_path, APART, "movie-in-place-apart")


def test_an_element_in_a_box_beside_the_index_is_not_replaced_in_place(tmp_path):
    refused_in_place(tmp_path, FILMS["mp4-last"] + box(b"aigc", SAME), "movie-in-place-apart")


def refused_in_place(tmp_path, content, code):
    path = tmp_path / "film"
    path.write_bytes(content)
    with pytest.raises(MetadataNotWritten) as caught:
        changed(path)
    assert caught.value.code == code
    assert path.read_bytes() == content


def test_a_full_disk_leaves_the_film_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "film"
    path.write_bytes(FILMS["mp4-last"])

    def full(_):
        raise OSError(28, "injected")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="injected"):
        changed(path)
    assert path.read_bytes() == FILMS["mp4-last"]


def test_a_packet_next_to_the_index_stays_next_to_it(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(FILMS["mp4-last"])
    for place in ("one", "two", "three"):
        changed(path, xmp=XMP % place.encode(), fields={"place": place})
        changed(path, xmp=None, fields={"place": place + " again"})
        assert said(path.read_bytes()) == ([("place", place + " again")], XMP % place.encode(), 1)
