"""`provenance trust` and `provenance identity inspect`."""

import pytest

from provenance.manifests import development


@pytest.fixture
def labelled(run, media, tmp_path):
    out = tmp_path / "out.jpg"
    assert run("attach", media / "camera.jpg", "-o", out, "--fiction", "staged").code == 0
    return out


def state(run, path, *options):
    return run("verify", path, "--json", *options).json["files"][0]["manifest"]["state"]


def test_a_kept_list_makes_its_signers_trusted(run, labelled, identity, tmp_path):
    assert state(run, labelled) == "valid"
    done = run("trust", "add", identity.ca, "--name", "own")
    assert done.code == 0
    kept = tmp_path / "config" / "provenance" / "trust" / "manifest" / "own.pem"
    assert str(kept) in done.out
    assert state(run, labelled) == "trusted"
    kept.unlink()
    assert state(run, labelled) == "valid"


@pytest.mark.parametrize("kind", ["tsa", "cawg"])
def test_a_list_for_another_purpose_makes_no_signer_trusted(run, labelled, identity, kind):
    assert run("trust", "add", identity.ca, "--kind", kind).code == 0
    assert state(run, labelled) == "valid"


def test_what_is_kept_is_listed_by_purpose_with_its_authorities(run, identity):
    assert "No trust list is kept" in run("trust", "list").out
    run("trust", "add", identity.ca, "--kind", "tsa")
    run("trust", "add", identity.certificate, "--name", "own")
    rows = run("trust", "list", "--json").json["lists"]
    assert [(each["kind"], each["name"]) for each in rows] == [("manifest", "own"), ("tsa", "ca")]
    assert [one["authority"] for each in rows for one in each["authorities"]] == [True, True]
    assert "tsa  ca: 1 authorities" in run("trust", "list").out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--kind", "signer"), "option-unknown"),
        (("--name", "../own"), "trust-list-name"),
        (("--name", ".own"), "trust-list-name"),
        (("--name", ""), "trust-list-name"),
    ],
)
def test_a_purpose_or_name_that_does_not_do_is_refused(run, identity, tmp_path, options, code):
    done = run("trust", "add", identity.ca, *options)
    assert done.code == 2
    assert f"({code})" in done.err
    assert not (tmp_path / "config" / "provenance").exists()


def test_a_file_without_an_authority_is_not_kept(run, tmp_path):
    (tmp_path / "list.pem").write_text("hello")
    done = run("trust", "add", tmp_path / "list.pem")
    assert (done.code, "(trust-list-unreadable)" in done.err) == (2, True)


def test_a_folder_that_cannot_be_made_is_an_output_error(run, identity, tmp_path):
    (tmp_path / "config").write_text("a file in the way")
    done = run("trust", "add", identity.ca)
    assert (done.code, "(output-not-written)" in done.err) == (4, True)


def test_each_certificate_of_a_file_is_explained(run, identity):
    done = run("trust", "inspect", identity.certificate)
    assert "provenance development (issued by provenance development CA)" in done.out
    assert "no authority: a trust list passes it over" in done.out
    assert "an authority: it can stand in a trust list" in done.out
    rows = run("trust", "inspect", identity.certificate, "--json").json["certificates"]
    assert [each["authority"] for each in rows] == [False, True]


def test_a_signing_certificate_in_order_is_said_to_sign(run, identity):
    done = run("identity", "inspect", identity.certificate)
    assert (done.code, "It can sign." in done.out) == (0, True)


def test_everything_that_keeps_a_certificate_from_signing_is_named_at_once(run, identity):
    done = run("identity", "inspect", identity.ca)
    assert done.code == 1
    for code in ("self-signed", "is-authority", "key-usage", "extended-key-usage-missing"):
        assert f"[certificate-{code}]" in done.out
    first = run("identity", "inspect", identity.ca, "--json").json["certificates"][0]
    assert "certificate-extended-key-usage" not in first["defects"]


@pytest.mark.parametrize("content", [b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b""])
def test_a_file_without_a_certificate_is_named(run, tmp_path, content):
    (tmp_path / "some.pem").write_bytes(content)
    done = run("identity", "inspect", tmp_path / "some.pem")
    assert done.code == 2
    assert "some.pem" in done.err


def test_a_list_is_never_replaced_by_other_authorities_without_a_word(run, identity, tmp_path):
    other = development.create(tmp_path / "other")
    assert run("trust", "add", identity.ca, "--name", "own").code == 0
    assert run("trust", "add", identity.ca, "--name", "own").code == 0
    done = run("trust", "add", other.ca, "--name", "own")
    assert (done.code, "(trust-list-exists)" in done.err) == (2, True)
    assert run("trust", "add", other.ca, "--name", "other").code == 0
