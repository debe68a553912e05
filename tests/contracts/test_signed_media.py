"""The whole path on every container that holds a manifest: labelled, signed, read back as trusted, decoded as before."""

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
SIGNING = [each for each in registry.handlers() if each.embeds and each.signs and each.media == "image"]


@pytest.mark.parametrize("handler", SIGNING, ids=lambda handler: handler.name)
def test_labels_and_manifest_hold_and_nothing_else_changes(handler, samples, decoded, sdk, trust, tmp_path):
    for name, content in samples[handler.name].items():
        source, once, twice = (tmp_path / f"{name}-{step}" for step in ("source", "once", "twice"))
        source.write_bytes(content)
        if registry.read(source).unsignable:
            continue
        sdk.attach_media(source, ASSET, into=once)
        (verified,) = sdk.verify(once, trust=trust).files
        assert (verified.clean, verified.manifest.state, verified.aigc.count) == (True, "trusted", 1), name
        carriers = {each.carrier for each in verified.labels if each.kind == "capture"}
        assert carriers == {"xmp", "manifest", *(["exif"] if handler.holds_exif else [])}, name
        assert decoded(handler.name, once.read_bytes()) == decoded(handler.name, content)
        sdk.attach_media(once, ASSET, into=twice)
        assert twice.read_bytes() == once.read_bytes()
