"""An independent implementation agrees: what we sign in each container that can embed, it finds whole and trusted."""

import pytest

from provenance.formats import registry

LABELS = {"draw": [], "labels": [{"kind": "source", "publisher": "新华社"}]}
SIGNING = [handler for handler in registry.handlers() if handler.signs]


@pytest.fixture
def second(monkeypatch, tmp_path):
    """Return the other validator, which asks nobody and keeps nothing of ours."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return pytest.importorskip("encypher_c2pa", reason="not run: encypher-c2pa is not installed")


def verdict(second, path, identity):
    told = second.verify(path, trust_pem=identity.ca.read_text(), no_default_trust=True, telemetry=False, online=False)
    return told["validation_state"], told["integrity"], told["hard_binding"], told["trust"]["status"]


@pytest.mark.parametrize("handler", SIGNING, ids=[handler.name for handler in SIGNING])
def test_another_implementation_finds_our_manifest_whole_and_trusted(handler, samples, sdk, identity, second, tmp_path):
    for name, content in samples[handler.name].items():
        source, out = (tmp_path / f"{name}-{step}{handler.extensions[0]}" for step in ("source", "out"))
        source.write_bytes(content)
        if sdk.attach_media(source, LABELS, into=out, on_conflict="keep").sidecars:
            continue
        expected = ("Trusted", "valid", "match", "valid_for_supplied_material")
        assert verdict(second, out, identity) == expected, name


def test_both_see_a_changed_byte(samples, sdk, identity, second, tmp_path):
    source, out = tmp_path / "in.jpg", tmp_path / "out.jpg"
    source.write_bytes(samples["jpeg"]["full"])
    sdk.attach_media(source, LABELS, into=out, on_conflict="keep")
    content = bytearray(out.read_bytes())
    content[-40] ^= 1
    out.write_bytes(content)
    assert sdk.verify(out).files[0].manifest.state == "invalid"
    assert verdict(second, out, identity)[0] == "Invalid"
