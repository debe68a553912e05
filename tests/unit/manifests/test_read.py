"""A reading says what a manifest holds, whether it holds, and who signed; never more than is proved."""

import socket
import sys
import time
from datetime import timedelta

import pytest
from cryptography import x509

from provenance.errors import AssetNotFound, ManifestError
from provenance.manifests import binding
from provenance.manifests.read import ManifestReading, read
from provenance.manifests.verdict import _ingredient_state, _ingredients, _state
from provenance.manifests.write import Claim, Ingredient, plan_actions, sign

CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
CREATED = plan_actions(CAPTURE, has_manifest=False, notice_drawn=False)


def jpeg(path, trust=()) -> ManifestReading:
    return read(path, mime="image/jpeg", trust=trust)


def changed(path, change):
    path.write_bytes(change(path.read_bytes()))
    return path


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


# --- states ---------------------------------------------------------------------------------------------------------


def test_a_file_without_manifest_is_absent(photo):
    assert jpeg(photo) == ManifestReading("absent")


def test_a_format_that_cannot_embed_is_absent(tmp_path):
    (tmp_path / "clip.webm").write_bytes(b"\x1aE\xdf\xa3 and so on")
    assert read(tmp_path / "clip.webm", mime="video/webm").state == "absent"


def test_a_development_signer_is_valid_and_trusted_only_with_its_authority(signed, trust, issued, own):
    assert jpeg(signed).state == "valid"
    assert jpeg(signed, issued.trust).state == "valid"
    assert jpeg(signed, trust).state == "trusted"
    assert jpeg(signed, (*issued.trust, *trust)).state == "trusted"


def test_two_authorities_of_one_name_are_told_apart(photo, tmp_path, make_authority):
    first, second = make_authority(), make_authority()
    issued = first.issue()
    target = tmp_path / "out.jpg"
    sign(photo, target, Claim({}, CREATED), mime="image/jpeg", signer=issued.signer)
    assert jpeg(target, second.issue().trust).state == "valid"
    assert jpeg(target, (*second.issue().trust, *issued.trust)).state == "trusted"


def test_unusable_trust_trusts_nothing(signed):
    assert (
        jpeg(signed, [b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]).state == "valid"
    )


@pytest.mark.parametrize("usage", ["1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.76.59.1.9"])
def test_signers_with_any_official_key_usage_are_trusted(photo, tmp_path, authority, usage):
    issued = authority.issue(ekus=(x509.ObjectIdentifier(usage),))
    sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=issued.signer)
    assert jpeg(tmp_path / "out.jpg").state == "valid"
    assert jpeg(tmp_path / "out.jpg", issued.trust).state == "trusted"


TAMPERED = {
    "a picture byte": (lambda data: flipped(data, len(data) - 100), "assertion.dataHash.mismatch"),
    "bytes appended": (lambda data: data + b"more", "assertion.dataHash.mismatch"),
    "the tail cut off": (lambda data: data[:-100], "assertion.dataHash.mismatch"),
    "the date in the EXIF": (lambda data: data.replace(b"2026:05:01", b"2024:05:01"), "assertion.dataHash.mismatch"),
    "a label": (lambda data: data.replace(b'"p-1"', b'"p-2"'), "assertion.hashedURI.mismatch"),
    "the source type": (
        lambda data: data.replace(b"digitalCapture", b"digitalCaptura"),
        "assertion.hashedURI.mismatch",
    ),
    "the title": (lambda data: data.replace(b"dc:titleiphoto", b"dc:titleiphotO"), "claimSignature.mismatch"),
    "the signer's name": (
        lambda data: data.replace(b"provenance development0Y", b"provenance Development0Y"),
        "claimSignature.mismatch",
    ),
}


@pytest.mark.parametrize(("change", "code"), TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_file_is_invalid_and_says_how(signed, trust, change, code):
    before = signed.read_bytes()
    assert change(before) != before, "the test no longer finds what it changes"
    found = jpeg(changed(signed, change), trust)
    assert found.state == "invalid"
    assert code in found.codes
    assert found.signer_fingerprint is None


def test_a_manifest_moved_to_another_picture_is_invalid(signed, photo, trust, make_jpeg):
    extra = signed.read_bytes()[20 : 20 + signed.stat().st_size - photo.stat().st_size]
    other = make_jpeg(2)
    photo.write_bytes(other[:20] + extra + other[20:])
    found = jpeg(photo, trust)
    assert (found.state, found.codes[0]) == ("invalid", "assertion.dataHash.mismatch")


@pytest.mark.parametrize("seen", [b"jumdc2ma", b"jumdc2cl"])
def test_a_damaged_store_is_unreadable_and_says_why(signed, seen):
    found = jpeg(changed(signed, lambda data: data.replace(seen, b"jumX" + seen[4:])))
    assert found.state == "unreadable"
    assert found.codes == ("Verify",)
    assert found.reason


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0\x00"])
def test_what_is_not_what_its_type_says_is_unreadable(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    assert jpeg(tmp_path / "a.jpg").state == "unreadable"


def test_a_remote_manifest_is_named_and_not_fetched(photo, tmp_path, signer, forge):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/m.c2pa"
        target = forge({}, photo, tmp_path / "remote.jpg", signer, remote=url)
        found = jpeg(target)
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    assert found.state == "remote"
    assert url in found.reason


def test_a_certificate_that_has_expired_since_is_expired_while_the_bytes_are_intact(
    photo, tmp_path, authority, signer, resign
):
    brief = authority.issue(until=timedelta(seconds=2))
    target = tmp_path / "brief.jpg"
    once = brief.signer
    sign(photo, target, Claim({"n": 1}, CREATED), mime="image/jpeg", signer=once)
    child = resign(target, tmp_path / "child.jpg")
    assert jpeg(target, brief.trust).state == "trusted"
    time.sleep(max(0, once.not_after.timestamp() - time.time()) + 1.1)
    found = jpeg(target, brief.trust)
    assert found.state == "expired"
    assert "signingCredential.expired" in found.codes
    assert found.labels == ({"n": 1},)
    assert found.signer_fingerprint == once.fingerprint
    # A parent that runs out later takes nothing from what was signed on top of it.
    assert jpeg(child).state == "valid"
    assert jpeg(changed(target, lambda data: flipped(data, len(data) - 100)), brief.trust).state == "invalid"


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(AssetNotFound):
            jpeg(path)


def test_trust_from_a_list_that_is_not_ours_is_not_trusted():
    assert _state("Trusted", {"trustListUri": "urn:other"}) == "valid"
    assert _state("Trusted", {"trustListUri": binding.TRUST_URI}) == "trusted"


def test_expired_needs_a_signature_and_a_hash_that_hold():
    def results(success, failure):
        kinds = {"success": success, "failure": failure}
        return {"activeManifest": {kind: [{"code": code} for code in codes] for kind, codes in kinds.items()}}

    expired = ["signingCredential.untrusted", "signingCredential.expired"]
    signed, bound = "claimSignature.validated", "assertion.bmffHash.match"
    assert _state("Invalid", results([signed, bound], expired)) == "expired"
    assert _state("Invalid", results([signed], expired)) == "invalid"
    assert _state("Invalid", results([bound], expired)) == "invalid"
    assert _state("Invalid", results([signed, bound], [*expired, "assertion.hashedURI.mismatch"])) == "invalid"
    assert _state("Invalid", results([signed, bound], [])) == "invalid"
    assert _state(None, {}) == "invalid"
    tampered = {"validationDeltas": {"failure": [{"code": "assertion.hashedURI.mismatch"}]}}
    assert _state("Invalid", results([signed, bound], expired) | {"ingredientDeltas": [tampered]}) == "invalid"


def test_a_missing_library_is_our_error(photo, monkeypatch, worker_in_thread):
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(ManifestError) as caught:
        jpeg(photo)
    assert caught.value.code == "manifest-library-missing"


# --- what it says ---------------------------------------------------------------------------------------------------


def test_issuer_signer_source_type_and_codes_are_told(signed, signer, trust):
    found = jpeg(signed, trust)
    assert found.issuer == "provenance development"
    assert found.signer_fingerprint == signer.fingerprint
    assert found.digital_source_types == (CAPTURE,)
    assert {"signingCredential.trusted", "claimSignature.validated", "assertion.dataHash.match"} <= set(found.codes)
    assert jpeg(signed).codes[0] == "signingCredential.untrusted"


def test_an_imitated_certificate_has_another_fingerprint(photo, tmp_path, make_authority):
    readings = []
    for number in range(2):
        issued = make_authority().issue(serial=99)
        target = tmp_path / f"{number}.jpg"
        sign(photo, target, Claim({}, CREATED), mime="image/jpeg", signer=issued.signer)
        readings.append(jpeg(target))
    assert readings[0].issuer == readings[1].issuer
    assert readings[0].signer_fingerprint != readings[1].signer_fingerprint


def test_every_one_of_our_assertions_is_listed_and_similar_ones_are_not(photo, tmp_path, signer, forge):
    label = binding.LABELS
    stated = [
        (label, {"n": [1, 2]}),
        (label, {"n": [3.5]}),
        (label, "text"),
        (f"{label}.other", {"no": 1}),
        ("org.x", {}),
    ]
    definition = {"assertions": [{"label": each, "kind": "Json", "data": data} for each, data in stated]}
    target = forge(definition, photo, tmp_path / "out.jpg", signer)
    assert jpeg(target).labels == ({"n": [1, 2]}, {"n": [3.5]})


def test_labels_of_a_parent_are_not_those_of_the_file(signed, tmp_path, resign):
    assert jpeg(resign(signed, tmp_path / "out.jpg", labels={"mine": 1})).labels == ({"mine": 1},)


def test_a_foreign_manifest_has_no_labels(photo, tmp_path, signer, forge):
    found = jpeg(forge({}, photo, tmp_path / "out.jpg", signer))
    assert (found.state, found.labels) == ("valid", ())


def test_a_hostile_text_comes_through_as_text(photo, tmp_path, signer):
    nasty = "<script>alert(1)</script>" + "长" * 10_000 + "\u202e\x07"
    claim = Claim({"t": nasty}, CREATED, title=nasty)
    sign(photo, tmp_path / "out.jpg", claim, mime="image/jpeg", signer=signer)
    assert jpeg(tmp_path / "out.jpg").labels == ({"t": nasty},)


# --- ingredients ----------------------------------------------------------------------------------------------------


def test_a_tampered_ingredient_shows_though_the_file_itself_is_trusted(signed, tmp_path, resign, trust):
    changed(signed, lambda data: flipped(data, len(data) - 100))
    found = jpeg(resign(signed, tmp_path / "out.jpg"), trust)
    assert found.state == "trusted"
    (parent,) = found.ingredients
    assert parent["state"] == "invalid"
    assert "assertion.dataHash.mismatch" in parent["codes"]


def test_a_tampered_ingredient_two_levels_down_shows(signed, tmp_path, resign, trust):
    changed(signed, lambda data: flipped(data, len(data) - 100))
    found = jpeg(resign(resign(signed, tmp_path / "1.jpg"), tmp_path / "2.jpg"), trust)
    assert [each["state"] for each in found.ingredients] == ["trusted", "invalid"]


def test_an_ingredient_changed_after_signing_makes_the_file_invalid(signed, tmp_path, resign, trust):
    target = resign(signed, tmp_path / "out.jpg", labels={"mine": 1})
    found = jpeg(changed(target, lambda data: data.replace(b'"p-1"', b'"p-2"')), trust)
    assert found.state == "invalid"
    assert found.ingredients[0]["state"] == "invalid"


def test_an_ingredient_whose_manifest_is_elsewhere_is_remote(photo, tmp_path, signer, forge):
    source = forge({}, photo, tmp_path / "remote.jpg", signer, remote="http://127.0.0.1:9/m.c2pa")
    target = tmp_path / "out.jpg"
    claim = Claim(
        {}, plan_actions(None, has_manifest=True, notice_drawn=False), Ingredient(source, "image/jpeg", "remote.jpg")
    )
    sign(source, target, claim, mime="image/jpeg", signer=signer)
    (parent,) = jpeg(target).ingredients
    assert (parent["state"], parent["manifest"]) == ("remote", None)


def test_trust_in_an_ingredient_is_judged_by_this_list_not_by_the_record():
    assert _ingredient_state("urn:c2pa:1", set(), ()) == "valid"
    assert _ingredient_state("urn:c2pa:1", {"signingCredential.untrusted"}, ()) == "valid"
    assert _ingredient_state("urn:c2pa:1", set(), ("signingCredential.trusted",)) == "trusted"
    assert _ingredient_state("urn:c2pa:1", {"signingCredential.expired"}, ()) == "expired"
    assert _ingredient_state(None, {"manifest.unknown"}, ()) == "unreadable"


def test_ingredients_that_go_in_circles_or_without_end_are_bounded():
    ring = {name: {"ingredients": [{"active_manifest": other}]} for name, other in (("a", "b"), ("b", "a"))}
    assert [each["manifest"] for each in _ingredients(ring, "a", {})] == ["b", "a"]
    many = {"a": {"ingredients": [{"title": str(number)} for number in range(5000)]}}
    assert len(list(_ingredients(many, "a", {}))) == 1000
