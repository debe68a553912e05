"""An MCN's affiliation is signed by the organisation itself, or only stated; readers see which."""

import pytest

from provenance.manifests import development, identity
from provenance.manifests.signer import Signer

NAME = development.NAME  # whom a development certificate names


@pytest.fixture(scope="module")
def mcn(tmp_path_factory):
    return development.create(tmp_path_factory.mktemp("mcn") / "identity")


@pytest.fixture
def signed(run, media, tmp_path, mcn):
    out = tmp_path / "signed.jpg"
    keys = ("--mcn-cert", mcn.certificate, "--mcn-key", mcn.key)
    assert run("attach", media / "camera.jpg", "-o", out, "--mcn", NAME, *keys).code == 0
    return out


def verified(run, path, *options):
    return run("verify", path, "--json", *options).json["files"][0]


def affiliations(file):
    return {each["carrier"]: each["signed"] for each in file["labels"] if each["kind"] == "mcn"}


def test_the_organisation_signs_its_affiliation_beside_the_claim(run, signed):
    file = verified(run, signed)
    assert (file["clean"], file["manifest"]["state"]) == (True, "valid")
    assert affiliations(file) == {"xmp": False, "manifest": True}
    found = file["manifest"]["identity"]
    assert (found["name"], found["state"], found["roles"]) == (NAME, "valid", ["cawg.publisher"])
    assert found["covers_labels"]
    assert "[signed by the organisation]" in run("verify", signed).out


def test_an_affiliation_without_that_signature_is_stated_only(run, media, tmp_path):
    out = tmp_path / "stated.jpg"
    assert run("attach", media / "camera.jpg", "-o", out, "--mcn", NAME).code == 0
    file = verified(run, out)
    assert (affiliations(file), file["manifest"]["identity"]) == ({"xmp": False, "manifest": False}, None)
    assert "[stated, not signed by the organisation]" in run("verify", out).out


def test_each_is_trusted_by_its_own_list_only(run, signed, mcn, identity):
    def states(*options):
        manifest = verified(run, signed, *options)["manifest"]
        return manifest["state"], manifest["identity"]["state"]

    assert states("--trust", identity.ca) == ("trusted", "valid")
    assert states("--trust", identity.ca, "--trust-mcn", mcn.ca) == ("trusted", "trusted")
    assert states("--trust-mcn", mcn.ca) == ("valid", "trusted")
    assert states("--trust-mcn", identity.ca) == ("valid", "valid")
    assert states("--trust", mcn.ca) == ("valid", "valid")
    run("trust", "add", mcn.ca, "--kind", "cawg")
    assert states() == ("valid", "trusted")


def test_a_label_that_names_another_organisation_is_refused_before_it_is_signed(run, media, tmp_path, mcn):
    out = tmp_path / "out.jpg"
    done = run(
        *("attach", media / "camera.jpg", "-o", out, "--mcn", "星河文化传媒"),
        *("--mcn-cert", mcn.certificate, "--mcn-key", mcn.key),
    )
    assert (done.code, "(mcn-not-the-signer)" in done.err, out.exists()) == (2, True, False)
    assert "--mcn" in done.err


def test_a_signer_other_than_the_stated_organisation_is_a_conflict(run, media, tmp_path, mcn, monkeypatch):
    monkeypatch.setattr("provenance.attach.file._refuse_other_organisation", lambda *_: None)
    out = tmp_path / "out.jpg"
    run(
        *("attach", media / "camera.jpg", "-o", out, "--mcn", "星河文化传媒"),
        *("--mcn-cert", mcn.certificate, "--mcn-key", mcn.key),
    )
    file = verified(run, out)
    (conflict,) = file["conflicts"]
    assert (file["clean"], conflict["kind"], conflict["field"]) == (False, "mcn", "name")
    assert [(each["location"], each["value"]) for each in conflict["values"]] == [
        ("org.w3id.provenance-labels.labels", "星河文化传媒"),
        ("cawg.identity", NAME),
    ]
    assert affiliations(file)["manifest"] is False


def test_a_changed_file_carries_nobodys_signature(run, signed):
    content = bytearray(signed.read_bytes())
    content[-1000] ^= 1
    signed.write_bytes(content)
    file = verified(run, signed)
    assert (file["manifest"]["state"], file["manifest"]["identity"]["state"]) == ("invalid", "invalid")
    assert affiliations(file)["manifest"] is False


def test_labelling_again_with_the_same_signers_copies_the_file_and_with_fewer_says_so(run, signed, tmp_path, mcn):
    keys = ("--mcn-cert", mcn.certificate, "--mcn-key", mcn.key)
    assert run("attach", signed, "-o", tmp_path / "again.jpg", "--mcn", NAME, *keys).code == 0
    assert (tmp_path / "again.jpg").read_bytes() == signed.read_bytes()
    alone = run("attach", signed, "-o", tmp_path / "alone.jpg", "--mcn", NAME)
    assert (alone.code, "(organisation-signs-no-more)" in alone.err, NAME in alone.err) == (0, True, True)
    assert verified(run, tmp_path / "alone.jpg")["manifest"]["identity"] is None


@pytest.mark.parametrize(
    ("options", "code"),
    [(("--mcn-cert", "x"), "signer-half-given"), (("--mcn-key", "x"), "signer-half-given")],
)
def test_half_an_identity_is_refused(run, media, tmp_path, options, code):
    done = run("attach", media / "camera.jpg", "-o", tmp_path / "o.jpg", "--mcn", NAME, *options)
    assert (done.code, f"({code})" in done.err) == (2, True)


def test_an_organisation_cannot_sign_where_nothing_is_signed(run, media, tmp_path, mcn):
    keys = ("--mcn-cert", mcn.certificate, "--mcn-key", mcn.key)
    done = run("attach", media / "camera.jpg", "-o", tmp_path / "o.jpg", "--mcn", NAME, "--no-manifest", *keys)
    assert (done.code, "(mcn-signs-nothing)" in done.err) == (2, True)


def test_another_native_library_is_refused_by_its_version(monkeypatch, mcn):
    monkeypatch.setattr(identity, "TESTED", frozenset({"0.1.0"}))
    signer = Signer.from_pem(mcn.certificate, mcn.key)
    with pytest.raises(Exception, match=r"0\.91\.3.*0\.1\.0") as caught:
        signer.with_organisation(signer)
    assert (caught.value.code, caught.value.exit_code) == ("identity-not-supported", 4)


def test_a_posts_manifest_is_signed_by_the_organisation_too(run, write_post, post_data, tmp_path, mcn):
    post_data["account"]["mcn"] = {"name": NAME, "as_of": "2026-05-01"}
    keys = ("--mcn-cert", mcn.certificate, "--mcn-key", mcn.key)
    assert run("attach", write_post(post_data), "-o", tmp_path / "out", *keys).code == 0
    file = verified(run, tmp_path / "out")
    assert (file["clean"], file["manifest"]["identity"]["name"]) == (True, NAME)
    assert affiliations(file) == {"sidecar": True}
    assert [each["manifest"]["identity"]["name"] for each in file["files"]] == [NAME, NAME]
