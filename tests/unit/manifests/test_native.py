"""What a worker does, done in this process: every way to read and to sign."""

import io
import json
import subprocess

import pytest

from provenance.errors import SigningFailed
from provenance.manifests import binding, native, pool, signature, verdict
from provenance.manifests.read import ManifestReading, read, store_in
from provenance.manifests.signer import Signer
from provenance.manifests.trust import TrustLists
from provenance.manifests.write import Action, Claim, Ingredient, plan_actions, sign, sign_beside

CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
CREATED = plan_actions(CAPTURE, has_manifest=False, notice_drawn=False)
OPENED = plan_actions(None, has_manifest=True, notice_drawn=False)

pytestmark = pytest.mark.usefixtures("worker_in_thread")


def jpeg(path, **options):
    return read(path, mime="image/jpeg", **options)


def test_every_state_of_what_is_embedded(photo, signed, trust, tmp_path):
    assert jpeg(photo) == ManifestReading("absent")
    assert jpeg(signed).state == "valid"
    assert jpeg(signed, trust=trust).state == "trusted"
    assert read(photo, mime="video/webm").state == "absent"
    (tmp_path / "none.jpg").write_bytes(b"hello")
    assert jpeg(tmp_path / "none.jpg").state == "unreadable"


def test_what_lies_beside_and_what_was_fetched(photo, signed, signer, trust, tmp_path, forge):
    sign_beside(photo, tmp_path / "photo.c2pa", Claim({"n": [1, 2, 300]}, CREATED), signer=signer)
    beside = (tmp_path / "photo.c2pa").read_bytes()
    found = jpeg(photo, beside=beside, trust=trust)
    assert (found.state, found.labels) == ("trusted", ({"n": [1, 2, 300]},))
    assert jpeg(signed, beside=beside).state == "invalid"
    remote = forge({}, photo, tmp_path / "remote.jpg", signer, remote="https://example.com/m.c2pa")
    assert jpeg(remote).url == "https://example.com/m.c2pa"
    assert jpeg(remote, fetch=lambda _: remote.with_suffix(".c2pa").read_bytes()).state == "valid"


def test_a_store_is_taken_out_in_one_piece(photo, signed, tmp_path):
    store = store_in(signed, mime="image/jpeg")
    assert store.startswith((len(store)).to_bytes(4, "big") + b"jumb")
    assert store_in(photo, mime="image/jpeg") is None


def test_a_parent_inside_and_one_with_its_manifest_beside_it(photo, signed, signer, tmp_path):
    beside = tmp_path / "photo.jpg.c2pa"
    sign_beside(photo, beside, Claim({"first": 1}, CREATED), signer=signer)
    for parent in (
        Ingredient(signed, "image/jpeg", "signed.jpg"),
        Ingredient(photo, "application/octet-stream", "photo.jpg", beside=beside),
    ):
        target = tmp_path / f"of-{parent.title}"
        sign(photo, target, Claim({}, OPENED, parent), mime="image/jpeg", signer=signer)
        (found,) = jpeg(target).ingredients
        assert (found["title"], found["state"], found["relationship"]) == (parent.title, "valid", "parentOf")
        assert found["manifest"] is not None


def test_what_the_binding_and_the_file_system_refuse(tmp_path, photo, signer, monkeypatch):
    with pytest.raises(SigningFailed) as caught:
        sign(tmp_path / "photo.jpg", tmp_path / "out.jpg", Claim({}, CREATED), mime="video/webm", signer=signer)
    assert caught.value.code == "signing-failed"
    monkeypatch.setattr(binding, "load", lambda: (_ for _ in ()).throw(AssertionError))
    with pytest.raises(AssertionError):
        native.read(io.BytesIO(), {"mime": "image/jpeg", "trust": "", "store": None}, b"")


def test_a_reading_survives_the_way_through_json(signed, trust, tmp_path, resign):
    found = jpeg(resign(signed, tmp_path / "again.jpg"), trust=trust)
    assert verdict.from_plain(json.loads(json.dumps(verdict.as_plain(found)))) == found
    with pytest.raises(TypeError):
        verdict.from_plain({"state": "valid", "surprise": 1})


def test_an_answer_that_is_no_reading_is_a_crash(signed, monkeypatch):
    monkeypatch.setattr(pool, "ask", lambda *_, **__: pool.frames.Frame({"reading": {"surprise": 1}}))
    found = jpeg(signed)
    assert (found.state, found.codes) == ("unreadable", ("crash",))


@pytest.mark.parametrize("told", [{}, [], {"active_manifest": 1}, {"active_manifest": "a", "manifests": {"a": 7}}])
def test_what_no_manifest_can_hold_is_unreadable(signed, monkeypatch, told):
    class Reader:
        def json(self):
            return json.dumps(told)

    with pytest.raises((LookupError, TypeError, AttributeError)):
        verdict.reading(Reader())


def test_a_key_of_another_algorithm_makes_no_signature(signer):
    with pytest.raises(ValueError, match="ps256"):
        signature.signature("ps256", signer.key, b"data")


def test_an_unsigned_film_is_signed_where_it_is_told_to(tmp_path, signer, trust):
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=teal:s=32x32:r=2:d=1", str(source)]
    subprocess.run(command, check=True)
    sign(source, target, Claim({"n": [1]}, CREATED), mime="video/mp4", signer=signer)
    assert read(target, mime="video/mp4", trust=trust).labels == ({"n": [1]},)


def test_an_organisation_signs_beside_the_claim(photo, signer, authority, tmp_path, trust):
    organisation = authority.issue(organisation="星河文化传媒")
    both = signer.with_organisation(organisation.signer)
    sign(photo, tmp_path / "out.jpg", Claim({"n": 1}, CREATED), mime="image/jpeg", signer=both)
    found = jpeg(tmp_path / "out.jpg", trust=TrustLists(trust, cawg=organisation.trust))
    assert (found.state, found.identity["state"], found.identity["name"]) == ("trusted", "trusted", "星河文化传媒")
    assert found.identity["covers_labels"]


@pytest.mark.parametrize("raised", [OSError("gone"), ValueError("no")])
def test_a_hand_of_the_organisation_that_fails_ends_the_signing(photo, signer, issued, tmp_path, raised):
    def hand(_data):
        raise raised

    both = signer.with_organisation(Signer.from_callback(issued.chain, hand))
    with pytest.raises(SigningFailed):
        sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=both)
    assert not (tmp_path / "out.jpg").exists()


def test_parts_are_named_with_what_lies_beside_them(photo, signed, signer, trust, tmp_path):
    beside = tmp_path / "photo.jpg.c2pa"
    sign_beside(photo, beside, Claim({}, CREATED), signer=signer)
    parts = [
        Ingredient(signed, "image/jpeg", "a.jpg"),
        Ingredient(photo, "application/octet-stream", "b.jpg", beside=beside),
    ]
    whole = tmp_path / "post.json"
    whole.write_text("{}")
    claim = Claim({}, (*CREATED, Action("c2pa.placed")), title="post.json", components=parts)
    sign_beside(whole, tmp_path / "post.c2pa", claim, signer=signer, mime="application/json")
    found = read(whole, mime="application/json", trust=trust, beside=(tmp_path / "post.c2pa").read_bytes())
    told = [(each["title"], each["relationship"], each["state"]) for each in found.ingredients]
    assert found.state == "trusted"
    assert sorted(told) == [("a.jpg", "componentOf", "trusted"), ("b.jpg", "componentOf", "trusted")]
