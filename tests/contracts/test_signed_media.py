"""The whole path on every container: labelled, signed, read back as trusted, decoded as before, and labelled again."""

import pytest

from provenance.formats import registry

ASSET = {
    "origin": "self-shot",
    "draw": [],
    "labels": [
        {"kind": "capture", "time": "2026-05-01T08:30:00+08:00", "place": {"name": "四川省成都市", "city": "成都市"}},
        {
            "kind": "ai-generated",
            "grade": "confirmed",
            "producer": "001191510100MA0EXAMP0D10001",
            "produce_id": "img-20260501-77",
        },
    ],
}
HANDLERS = registry.handlers()


@pytest.mark.parametrize("handler", HANDLERS, ids=[handler.name for handler in HANDLERS])
def test_labels_and_manifest_hold_and_nothing_else_changes(handler, samples, decoded, sdk, trust, tmp_path):
    for name, content in samples[handler.name].items():
        names = (f"{name}-{step}{handler.extensions[0]}" for step in ("source", "once", "twice"))
        source, once, twice = (tmp_path / each for each in names)
        source.write_bytes(content)
        done = sdk.attach_media(source, ASSET, into=once, on_conflict="keep")
        (verified,) = sdk.verify(once, trust=trust).files
        assert (verified.manifest.state, verified.aigc.count) == ("trusted", 1), name
        assert verified.clean or name != "bare"  # the others say things of their own
        carriers = {each.carrier for each in verified.labels if each.kind == "capture"}
        assert carriers == carriers_of(handler, sidecar=bool(done.sidecars)), name
        assert bool(done.sidecars) == (not handler.signs or registry.read(source).unsignable is not None), name
        assert decoded(handler.name, once.read_bytes()) == decoded(handler.name, content)
        sdk.attach_media(once, ASSET, into=twice, on_conflict="keep")
        assert twice.read_bytes() == once.read_bytes()


def carriers_of(handler, *, sidecar):
    """Return where the capture label must be found."""
    found = {"sidecar" if sidecar else "manifest"}
    found |= {"xmp"} if handler.places.xmp else set()
    found |= {"exif"} if handler.places.exif else set()
    return found | ({"container"} if {"captured_at", "place", "record"} & handler.places.fields.keys() else set())
