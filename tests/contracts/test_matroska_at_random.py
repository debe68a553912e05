"""Segments laid out at random, written several times over: every position holds, and nothing else changes."""

import io
import random

import pytest

from provenance.errors import MetadataNotWritten
from provenance.formats import registry

from .matroska_bytes import (
    CLUSTER,
    CUES,
    INFO,
    POSITION,
    SEEK_HEAD,
    TAGS,
    TRACKS,
    VOID,
    check,
    checked,
    cluster,
    cues,
    element,
    find,
    laid_out,
    number,
    seek_head,
    simple,
    tag,
    track,
    void,
)

NAMES = {
    "aigc": "AIGC",
    "record": "PVL_LABELS",
    "captured_at": "DATE_RECORDED",
    "place": "RECORDING_LOCATION",
    "position": "LOCATION",
    "publisher": "PUBLISHER",
    "author": "ARTIST",
}
TIMES = ("2026-05-01T08:30:00+08:00", "2026-05-01T08:30", "2026-05-01", "2026")
PLACES = ("+30.5728+104.0668/", "+01.0+002.0/")
TARGETS = (b"", b"", element(0x63C5, b"\5"), element(0x68CA, bytes([30])), element(0x68CA, bytes([50])))
INDEXED = {VOID, TAGS, SEEK_HEAD}


def value(chance, name):
    if name == "captured_at":
        return chance.choice(TIMES)
    return chance.choice(PLACES) if name == "position" else "v" * chance.choice([1, 3, 20, 100, 300, 3000])


def some_tags(chance):
    tags = []
    for _ in range(chance.randint(1, 3)):
        names = chance.choices([*NAMES, "x"], k=chance.randint(1, 4))
        nested = simple(chance.choice(["AIGC", "KEPT"]), "nested")
        simples = [
            simple(
                chance.choice([str.upper, str.lower])(NAMES.get(name, "KEPT")),
                "2020" if name == "captured_at" else value(chance, name),
                *([nested] if chance.random() < 0.2 else []),
            )
            for name in names
        ]
        tags.append(tag(*simples, targets=chance.choice(TARGETS)))
    return checked(TAGS, *tags) if chance.random() < 0.3 else element(TAGS, *tags, width=chance.choice([None, 3, 4, 8]))


def stating(name, count, length):
    return lambda where: cluster(count, element(POSITION, number(where[name], 4)), length=length)


def segment(chance, *, fixed):
    """Return a file with its elements in any order that a sound one may have, and Voids between them."""
    clusters = [f"c{count}" for count in range(chance.randint(1, 6))]
    others = [(f"t{count}", TAGS, some_tags(chance)) for count in range(chance.choice([0, 1, 1, 2, 3]))]
    if chance.random() < 0.7:
        listed = chance.sample(clusters, chance.randint(1, len(clusters)))
        others.append(("cues", CUES, cues(*listed, width=chance.choice([None, 4, 8]))))
    has_index = chance.random() < 0.8
    if has_index and chance.random() < 0.2:
        others.append(("more", SEEK_HEAD, seek_head(*((name, CLUSTER) for name in clusters))))
    places = [[] for _ in range(len(clusters) + 1)]
    for other in others:
        chance.choice([places[0], places[0], places[-1], chance.choice(places)]).append(other)
    parts = [("info", INFO, element(INFO)), ("tracks", TRACKS, element(TRACKS, track()))]
    for count, found in enumerate(places):
        parts += found
        if count < len(clusters):
            name, length = clusters[count], chance.choice([10, 200, 5000, 20_000, 60_000])
            made = stating(name, count, length) if fixed else cluster(count, length=length)
            parts.append((name, CLUSTER, made))
    if has_index:
        listed = [(name, kind) for name, kind, _ in parts if kind != CLUSTER and chance.random() < 0.85]
        index = seek_head(
            *(listed or [("info", INFO)]), seek_checked=chance.random() < 0.3, width=chance.choice([None, 8])
        )
        parts.insert(0, ("seek", SEEK_HEAD, index))
    spaced = []
    for name, _, made in parts:
        spaced.append((name, made))
        if chance.random() < 0.3:
            spaced.append((f"void {name}", void(chance.choice([2, 3, 10, 50, 128, 129, 140, 400, 900, 5000]))))
    return laid_out(*spaced, endless_segment=chance.random() < 0.15)


def write(content, fields):
    out = io.BytesIO()
    registry.handler("mkv").write_fields(io.BytesIO(content), out, exif=None, xmp=None, fields=fields)
    return out.getvalue()


def stated(content):
    found = {}
    for each in registry.handler("mkv").read(io.BytesIO(content)).fields:
        found.setdefault(each.name, []).append(each.value)
    return {name: sorted(values) for name, values in found.items()}


def clusters_of(content):
    return [content[start:end] for start, _, end in find(content, CLUSTER)]


@pytest.mark.parametrize("fixed", [False, True])
def test_whatever_is_written_every_position_holds(fixed):
    chance = random.Random(4)
    written = refused = 0
    for _ in range(80):
        content = segment(chance, fixed=fixed)
        for _ in range(3):
            order = [kind for kind in check(content) if kind not in INDEXED]
            chosen = [name for name in NAMES if chance.random() < 0.6]
            fields = {name: value(chance, name) if chance.random() < 0.75 else None for name in chosen}
            try:
                after = write(content, fields)
            except MetadataNotWritten:
                refused += 1
                break
            expected = {name: values for name, values in stated(content).items() if name not in fields}
            assert stated(after) == expected | {name: [text] for name, text in fields.items() if text}
            assert [kind for kind in check(after) if kind not in INDEXED] == order
            assert clusters_of(after) == clusters_of(content)
            assert write(after, fields) == after
            content = after
            written += 1
    assert written > 180
    assert fixed or not refused
