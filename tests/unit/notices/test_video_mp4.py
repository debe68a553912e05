"""Indexes of MP4 and QuickTime files in every form that the standard allows, and in some that it does not."""

import struct

import numpy as np
import pytest

from provenance.errors import MalformedMedia, MediaTooLarge, NoticeDoesNotFit
from provenance.notices import layout
from provenance.notices.video import draw_video, probe, video_drawable
from provenance.notices.video_measure import measure_video

from .conftest import TEXTS
from .films import GOP, RATE, SECONDS, Films, packets, pictures
from .mp4_boxes import (
    ENTRY_HEAD,
    TABLES,
    added,
    box,
    boxes,
    changed,
    full,
    numbers,
    payload_of,
    replaced,
    with_entry,
    with_inner,
)

pytest.importorskip("av")

TKHD, ELST, SIZES = "moov/trak/tkhd", "moov/trak/edts/elst", f"{TABLES}/stsz"
ONE = 1 << 16  # of fixed-point numbers
TWO_SECONDS = (0.0, 2.0)
COUNT = RATE * SECONDS


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return a film with sound whose index comes last."""
    return Films(tmp_path_factory.mktemp("films"))("h264").read_bytes()


def written(data, folder, name="made.mp4"):
    path = folder / name
    path.write_bytes(data)
    return path


def refusal(data, folder):
    """Return the kind of the error that such a film is refused with, and its code and name."""
    error = video_drawable(written(data, folder))
    assert error is not None
    return type(error), error.code, error.details.get("name")


def drawn_well(data, folder):
    """Draw on a film of which only the head needs it, and hold all the rest to the source; return the new film."""
    source, target = written(data, folder), folder / "drawn.mp4"
    size = probe(source)
    notices = layout(TEXTS, size.width, size.height)
    result = draw_video(source, target, notices, seconds=TWO_SECONDS)
    assert result.media_change == "head"
    old, new = pictures(source), pictures(target)
    assert [time for time, _ in old] == [time for time, _ in new]
    assert old[2 * GOP :] == new[2 * GOP :]
    assert packets(source)[1] == packets(target)[1]
    assert all(reading.found for reading in measure_video(target, notices))
    return target.read_bytes()


def matrix(*turn):
    return numbers(*(value * ONE for value in (*turn[:2], 0, *turn[2:], 0)), 0, 0, 1 << 30, form="i")


def turned(data, *turn):
    return changed(data, TKHD, lambda old: box(b"tkhd", old[:40] + matrix(*turn) + old[76:]))


def spread(payload, places):
    """Return a header of version 0 as one of version 1: `places` of its numbers take eight bytes."""
    values = numbers(*struct.unpack(f">{len(places)}I", payload[4 : 4 + 4 * len(places)]), form="I")
    wide = b"".join(bytes(4) * is_wide + values[4 * at : 4 * at + 4] for at, is_wide in enumerate(places))
    return b"\1" + payload[1:4] + wide + payload[4 + 4 * len(places) :]


def edits(*entries, version=0):
    form = {0: ">IiI", 1: ">QqI"}[version]
    return full(b"elst", numbers(len(entries)) + b"".join(struct.pack(form, *each) for each in entries), version)


def film_scale(data):
    return int.from_bytes(payload_of(data, "moov/mvhd")[12:16], "big")


def sizes_of(data):
    return np.frombuffer(payload_of(data, SIZES)[12:], ">u4")


@pytest.mark.parametrize(
    ("turn", "orientation"),
    [
        ((1, 0, 0, 1), 1),
        ((-1, 0, 0, 1), 2),
        ((-1, 0, 0, -1), 3),
        ((1, 0, 0, -1), 4),
        ((0, 1, -1, 0), 6),
        ((0, -1, 1, 0), 8),
    ],
)
def test_a_matrix_is_a_turn(plain, tmp_path, turn, orientation):
    size = probe(written(turned(plain, *turn), tmp_path))
    assert size.orientation == orientation
    assert (size.width, size.height) == ((320, 432) if orientation >= 5 else (432, 320))


@pytest.mark.parametrize("turn", [(-1, 0, 0, -1), (0, -1, 1, 0)])
def test_a_notice_stands_upright_on_a_turned_film(plain, tmp_path, turn):
    drawn_well(turned(plain, *turn), tmp_path)


def test_headers_edits_and_offsets_of_64_bits(plain, tmp_path):
    data = changed(plain, "moov/trak/mdia/mdhd", lambda old: box(b"mdhd", spread(old, (1, 1, 0, 1))))
    data = changed(data, TKHD, lambda old: box(b"tkhd", spread(old, (1, 1, 0, 0, 1))))
    data = changed(data, "moov/mvhd", lambda old: box(b"mvhd", spread(old, (1, 1, 0, 1))))
    _, count, length, start, speed = struct.unpack(">IIIiI", payload_of(plain, ELST))
    assert count == 1
    data = replaced(data, ELST, edits((length, start, speed), version=1))
    starts = starts_of(plain)
    data = replaced(data, f"{TABLES}/stco", full(b"co64", numbers(len(starts)) + numbers(*starts, form="Q")))
    assert probe(written(data, tmp_path)) == probe(written(plain, tmp_path, "plain.mp4"))
    assert b"co64" in drawn_well(data, tmp_path)


@pytest.mark.parametrize("bits", [8, 16])
def test_compact_sizes_are_read(plain, tmp_path, bits):
    sizes = np.minimum(sizes_of(plain), (1 << bits) - 1)
    table = numbers(bits, len(sizes)) + sizes.astype({8: ">u1", 16: ">u2"}[bits]).tobytes()
    data = replaced(plain, SIZES, full(b"stz2", table))
    assert probe(written(data, tmp_path)).rate == pytest.approx(RATE, abs=0.1)
    if bits == 16:
        assert (sizes == sizes_of(plain)).all()
        assert b"stz2" not in drawn_well(data, tmp_path)


def test_offsets_of_presentation_may_be_negative_in_either_version(plain, tmp_path):
    old = payload_of(plain, f"{TABLES}/ctts")
    runs = np.frombuffer(old[8:], ">u4").reshape(-1, 2).astype(np.int64)
    start = struct.unpack(">i", payload_of(plain, ELST)[12:16])[0]
    runs[:, 1] -= start
    assert (runs[:, 1] < 0).any()
    table = numbers(len(runs)) + runs.astype(np.uint32).astype(">u4").tobytes()
    scale = film_scale(plain)
    for version in (0, 1):
        data = replaced(plain, f"{TABLES}/ctts", full(b"ctts", table, version))
        data = replaced(data, ELST, edits((SECONDS * scale, 0, ONE)))
        (tmp_path / str(version)).mkdir()
        drawn_well(data, tmp_path / str(version))


def test_tables_that_speak_of_the_old_pictures_stop_doing_so(plain, tmp_path):
    depends = bytes([0x10] * COUNT)
    nearly = numbers(3, 5, 30, 100)
    rolls = numbers(4, 10, 1, 30, 0, 60, 2, 20, 1)
    names = b"roll" + rolls
    data = added(
        plain,
        TABLES,
        full(b"sdtp", depends),
        full(b"stps", nearly),
        full(b"sbgp", names),
        full(b"sbgp", b"tscl" + bytes(4) + rolls, version=1),
    )
    new = drawn_well(data, tmp_path)
    said = payload_of(new, f"{TABLES}/sdtp")[4:]
    assert said[: 2 * GOP] == bytes(0x20 if at % GOP == 0 else 0 for at in range(2 * GOP))
    assert said[2 * GOP :] == depends[2 * GOP :]
    # The fifth and the thirtieth sample are encoded anew.
    assert payload_of(new, f"{TABLES}/stps")[4:] == numbers(1, 100)
    expected = np.repeat([1, 0, 2, 1], [10, 30, 60, 20])
    expected[: 2 * GOP] = 0
    for nth, head in ((0, 8), (1, 12)):
        tables = [each for kind, each in boxes_of(new) if kind == b"sbgp"]
        runs = np.frombuffer(tables[nth][head + 4 :], ">u4").reshape(-1, 2)
        assert np.repeat(runs[:, 1], runs[:, 0]).tolist() == expected.tolist()


def boxes_of(data):
    return list(boxes(payload_of(data, TABLES)))


def test_a_dependency_table_that_is_too_short_is_kept_as_it_is(plain, tmp_path):
    new = drawn_well(added(plain, TABLES, full(b"sdtp", b"")), tmp_path)
    assert payload_of(new, f"{TABLES}/sdtp") == bytes(4)


def test_every_picture_may_be_a_key(plain, tmp_path):
    """Without a table of them all samples are keys; those that are none in truth are no place to cut."""
    drawn_well(replaced(plain, f"{TABLES}/stss", b""), tmp_path)


def test_edits(plain, tmp_path):
    scale = film_scale(plain)
    start = struct.unpack(">i", payload_of(plain, ELST)[12:16])[0]
    later = replaced(plain, ELST, edits((scale, -1, ONE), (SECONDS * scale, start, ONE)))
    assert probe(written(later, tmp_path)).duration == pytest.approx(SECONDS + 1, abs=0.01)
    whole = replaced(plain, ELST, edits((0, start, ONE)))
    assert probe(written(whole, tmp_path)).duration == pytest.approx(SECONDS, abs=0.05)
    without = replaced(plain, "moov/trak/edts", b"")
    assert probe(written(without, tmp_path)).duration == pytest.approx(SECONDS, abs=0.1)
    beyond = replaced(plain, ELST, edits((scale, 1 << 30, ONE)))
    assert refusal(beyond, tmp_path)[1] == "video-no-duration"


REFUSED = {
    "shear": (lambda film: turned(film, 1, 1, 0, 1), "video-kind", "tkhd"),
    "slow motion": (lambda film: replaced(film, ELST, edits((5000, 0, ONE // 2))), "video-kind", "elst"),
    "elsewhere": (
        lambda film: replaced(
            film, "moov/trak/mdia/minf/dinf/dref", full(b"dref", numbers(1) + full(b"url ", b"file:other.mp4\0"))
        ),
        "video-kind",
        "dref",
    ),
    "two descriptions": (lambda film: with_entry(film, lambda entry: entry, 2), "video-kind", "stsd"),
    "sizes of 4 bits": (lambda film: replaced(film, SIZES, full(b"stz2", numbers(4, 0))), "video-kind", "stz2"),
    "compact groups": (lambda film: added(film, TABLES, full(b"csgp", bytes(8))), "video-kind", "csgp"),
    "padding": (lambda film: added(film, TABLES, full(b"padb", bytes(4))), "video-kind", "padb"),
    "priorities": (lambda film: added(film, TABLES, full(b"stdp", bytes(2))), "video-kind", "stdp"),
    "parts of samples": (lambda film: added(film, TABLES, full(b"subs", bytes(4))), "video-kind", "subs"),
    "keys": (lambda film: added(film, TABLES, full(b"senc", bytes(4))), "video-kind", "encrypted"),
    "rim": (
        lambda film: with_inner(film, box(b"clap", numbers(400, 1, 320, 1, 0, 1, 0, 1))),
        "video-kind",
        "clap",
    ),
    "layers": (lambda film: with_inner(film, box(b"lhvC", b"")), "video-kind", "several layers"),
    "two eyes": (lambda film: with_inner(film, box(b"st3d", bytes(5))), "video-kind", "stereoscopic"),
    "dolby": (
        lambda film: with_entry(film, lambda entry: entry[:4] + b"dvh1" + entry[8:]),
        "video-kind",
        "Dolby Vision",
    ),
    "two tracks": (
        lambda film: added(film, "moov", box(b"trak", payload_of(film, "moov/trak"))),
        "video-several-tracks",
        None,
    ),
    "no handler": (lambda film: replaced(film, "moov/trak/mdia/hdlr", b""), "video-no-pictures", None),
    "shown as chapters": (
        lambda film: added(film, "moov/trak", box(b"tref", box(b"chap", numbers(1))), nth=1),
        "video-no-pictures",
        None,
    ),
    "one sample": (
        lambda film: replaced(
            replaced(film, SIZES, full(b"stsz", numbers(0, 1, 100))), f"{TABLES}/stss", full(b"stss", numbers(1, 1))
        ),
        "video-no-duration",
        None,
    ),
}


def test_a_still_that_is_not_shown_is_no_second_track(plain, tmp_path):
    still = replaced(plain, SIZES, full(b"stsz", numbers(0, 1, 100)))
    still = changed(still, TKHD, lambda old: box(b"tkhd", old[:3] + b"\0" + old[4:]))
    data = added(plain, "moov", box(b"trak", payload_of(still, "moov/trak")))
    assert video_drawable(written(data, tmp_path)) is None


@pytest.mark.parametrize("name", REFUSED)
def test_what_drawing_would_break_is_refused(plain, tmp_path, name):
    made, code, said = REFUSED[name]
    assert refusal(made(plain), tmp_path) == (NoticeDoesNotFit, code, said)


def with_number(data, path, at, value, width=4):
    kind = path.rsplit("/", 1)[-1].encode()
    return changed(data, path, lambda old: box(kind, old[:at] + value.to_bytes(width, "big") + old[at + width :]))


DAMAGED = {
    "no clock": lambda film: with_number(film, "moov/trak/mdia/mdhd", 12, 0),
    "two headers": lambda film: added(film, "moov/trak", box(b"tkhd", payload_of(film, TKHD))),
    "two tables": lambda film: added(film, TABLES, box(b"stsz", payload_of(film, SIZES))),
    "no tables": lambda film: replaced(film, TABLES, b""),
    "a short description": lambda film: with_entry(film, lambda entry: box(entry[4:8], entry[8:80])),
    "no description": lambda film: changed(film, f"{TABLES}/stsd", lambda _: full(b"stsd", numbers(1))),
    "two records": lambda film: with_inner(film, box(b"avcC", b"\1")),
    "too many samples": lambda film: with_number(film, SIZES, 8, (1 << 23) + 1),
    "more samples than sizes": lambda film: with_number(film, SIZES, 8, 1 << 20),
    "first chunk is not the first": lambda film: with_number(film, f"{TABLES}/stsc", 8, 2),
    "no chunks": lambda film: replaced(film, f"{TABLES}/stco", full(b"stco", numbers(0))),
    "chunks of too many": lambda film: with_number(film, f"{TABLES}/stsc", 12, 1 << 30),
    "chunks of too few": lambda film: replaced(film, f"{TABLES}/stsc", full(b"stsc", numbers(1, 1, 1, 1))),
    "times of too few": lambda film: replaced(film, f"{TABLES}/stts", full(b"stts", numbers(1, 5, 512))),
    "no times": lambda film: replaced(film, f"{TABLES}/stts", full(b"stts", numbers(0))),
    "offsets below zero": lambda film: replaced(film, f"{TABLES}/stco", full(b"co64", numbers(1) + b"\xff" * 8)),
    "far too many edits": lambda film: replaced(film, ELST, edits(*([(1, 0, ONE)] * 1001))),
    "one time twice": lambda film: replaced(film, f"{TABLES}/stts", full(b"stts", numbers(1, COUNT, 0))),
    "no key in front": lambda film: replaced(film, f"{TABLES}/stss", full(b"stss", numbers(1, 2))),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_breaks_its_form_is_refused(plain, tmp_path, name):
    kind, _, _ = refusal(DAMAGED[name](plain), tmp_path)
    assert kind is MalformedMedia


def test_samples_beyond_the_end_are_refused(plain, tmp_path):
    data = with_number(plain, SIZES, 12 + 4 * (COUNT - 1), 1 << 30)
    assert refusal(data, tmp_path)[:2] == (MalformedMedia, "bmff-truncated")


def test_a_picture_larger_than_any_may_be_is_refused(plain, tmp_path):
    data = with_entry(plain, lambda entry: entry[:32] + numbers(65535, 65535, form="H") + entry[36:])
    assert refusal(data, tmp_path)[0] is MediaTooLarge


@pytest.mark.parametrize(
    "inner", [box(b"pasp", bytes(8)), box(b"clap", b""), box(b"clap", numbers(432, 1, 320, 1, 0, 1, 0, 1))]
)
def test_boxes_that_say_nothing_of_a_rim_or_of_pixels_are_passed_over(plain, tmp_path, inner):
    data = with_entry(plain, lambda entry: box(entry[4:8], entry[8:ENTRY_HEAD] + inner + entry[ENTRY_HEAD:]))
    assert video_drawable(written(data, tmp_path)) is None


def draws_not(data, folder):
    """Return the code with which a film is refused when it is drawn on; nothing is left then."""
    source, target = written(data, folder), folder / "drawn.mp4"
    with pytest.raises(NoticeDoesNotFit) as caught:
        draw_video(source, target, layout(TEXTS, 432, 320), seconds=TWO_SECONDS)
    assert sorted(each.name for each in folder.iterdir()) == ["made.mp4"]
    return caught.value.code


def starts_of(data, nth=0):
    table = payload_of(data, f"{TABLES}/stco", nth)
    return list(struct.unpack(f">{int.from_bytes(table[4:8], 'big')}I", table[8:]))


def with_starts(data, starts, nth=0):
    return replaced(data, f"{TABLES}/stco", full(b"stco", numbers(len(starts), *starts)), nth)


def test_samples_that_sound_lies_in_are_not_replaced(plain, tmp_path):
    pictures_at, sound_at = starts_of(plain), starts_of(plain, 1)
    for start in (pictures_at[0], pictures_at[0] + 5):
        data = with_starts(plain, [start, *sound_at[1:]], nth=1)
        assert draws_not(data, tmp_path) == "video-samples-shared"


def test_samples_outside_the_media_data_are_not_replaced(plain, tmp_path):
    data = plain.replace(b"mdat", b"free", 1)
    assert draws_not(data, tmp_path) == "video-samples-shared"
