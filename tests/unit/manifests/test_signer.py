"""The pre-flight names the exact defect of a certificate or key, and refuses nothing that the binding takes."""

from datetime import timedelta
from inspect import signature

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.errors import AssetNotFound, CertificateRejected
from provenance.manifests.signer import Signer


def key_usage(**allowed):
    every = signature(x509.KeyUsage).parameters
    return x509.KeyUsage(**{one: allowed.get(one, False) for one in every})


DEFECTS = {
    "certificate-not-yet-valid": {"since": timedelta(days=1)},
    "certificate-expired": {"since": timedelta(days=-3), "until": timedelta(days=-1)},
    "certificate-is-authority": {"basic": x509.BasicConstraints(ca=True, path_length=None)},
    "certificate-signature-weak": {"digest": hashes.SHA3_256()},
    "certificate-key-usage-missing": {"key_usage": None},
    "certificate-key-usage": {"key_usage": key_usage(content_commitment=True)},
    "certificate-extended-key-usage-missing": {"ekus": ()},
    "certificate-extended-key-usage": {"ekus": (ExtendedKeyUsageOID.SERVER_AUTH,)},
    "certificate-extended-key-usage-forbidden": {
        "ekus": (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.TIME_STAMPING)
    },
    "certificate-authority-key-missing": {"authority_key": False},
    "certificate-malformed": {"extra": x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x05\x00")},
    "certificate-extension-unknown": {
        "extra": x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    },
}


def code_of(certificate, key):
    with pytest.raises(CertificateRejected) as caught:
        Signer.from_pem(certificate, key)
    for locale in ("en", "zh-CN"):
        text = caught.value.diagnostics(locale)
        assert text != caught.value.code
        assert "None" not in text
    return caught.value.code


@pytest.mark.parametrize(("code", "defect"), DEFECTS.items(), ids=DEFECTS)
def test_a_certificate_defect_is_named(authority, code, defect):
    bad = authority.issue(**defect)
    assert code_of(bad.chain, bad.key_pem) == code


def test_an_authority_by_key_usage_alone_is_named(authority):
    bad = authority.issue(key_usage=key_usage(digital_signature=True, key_cert_sign=True))
    assert code_of(bad.chain, bad.key_pem) == "certificate-is-authority"


def test_a_self_signed_certificate_is_named(authority):
    key = serialization.load_pem_private_key(
        authority.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        None,
    )
    bad = authority.issue(key=key, common_name="Test CA")
    pem = bad.leaf.public_bytes(serialization.Encoding.PEM)
    assert code_of(pem, bad.key_pem) == "certificate-self-signed"


def test_the_key_of_another_certificate_is_named(authority, issued):
    assert code_of(issued.chain, authority.issue().key_pem) == "key-mismatch"


def test_a_chain_that_starts_with_the_authority_is_named(issued):
    pem = serialization.Encoding.PEM
    chain = issued.authority.public_bytes(pem) + issued.leaf.public_bytes(pem)
    assert code_of(chain, issued.key_pem) == "certificate-order"


def test_a_chain_with_a_foreign_authority_is_named(issued, make_authority):
    pem = serialization.Encoding.PEM
    chain = issued.leaf.public_bytes(pem) + make_authority().certificate.public_bytes(pem)
    assert code_of(chain, issued.key_pem) == "certificate-chain"


@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        (b"", "certificate-not-pem"),
        (b"\x30\x82\x01\x00", "certificate-not-pem"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate-malformed"),
        (b"-----BEGIN CERTIFICATE-----\n!!", "certificate-malformed"),
    ],
)
def test_a_certificate_that_is_none_is_named(issued, certificate, code):
    assert code_of(certificate, issued.key_pem) == code


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (b"", "key-not-pem"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "key-not-pem"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key-malformed"),
    ],
)
def test_a_key_that_is_none_is_named(issued, key, code):
    assert code_of(issued.chain, key) == code


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL], ids=["PKCS8", "old"]
)
def test_a_key_behind_a_passphrase_is_named(issued, form):
    locked = issued.private(form, serialization.BestAvailableEncryption(b"secret"))
    assert code_of(issued.chain, locked) == "key-encrypted"


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: rsa.generate_private_key(65537, 1024),
        ed448.Ed448PrivateKey.generate,
    ],
    ids=["curve", "short RSA", "Ed448"],
)
def test_an_unsupported_key_is_named(authority, make):
    bad = authority.issue(key=make())
    assert code_of(bad.chain, bad.key_pem) == "key-unsupported"


@pytest.mark.parametrize(
    "accepted",
    [
        {"subject_key": False},
        {"basic": x509.BasicConstraints(ca=False, path_length=None)},
        {"ekus": (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.SERVER_AUTH)},
        {"ekus": (x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1"),)},
        {"digest": hashes.SHA512()},
    ],
    ids=str,
)
def test_what_c2pa_allows_is_accepted(authority, accepted):
    assert authority.issue(**accepted).signer.algorithm == "es256"


@pytest.mark.parametrize("kind", ["path", "text path", "bytes", "text"])
def test_certificate_and_key_come_as_paths_bytes_or_text(tmp_path, issued, kind):
    forms = {"bytes": lambda data: data, "text": bytes.decode}

    def given(file, data):
        if kind in forms:
            return forms[kind](data)
        path = tmp_path / file
        path.write_bytes(data)
        return path if kind == "path" else str(path)

    made = Signer.from_pem(given("c.pem", issued.chain), given("k.pem", issued.key_pem))
    assert made == issued.signer


def test_a_missing_file_is_named(tmp_path, issued):
    with pytest.raises(AssetNotFound) as caught:
        Signer.from_pem(tmp_path / "none.pem", issued.key_pem)
    assert "none.pem" in str(caught.value)


def test_a_traditional_key_signs_too(issued):
    old = issued.private(serialization.PrivateFormat.TraditionalOpenSSL)
    assert Signer.from_pem(issued.chain, old) == issued.signer


def test_a_signer_says_who_signs_and_until_when(issued):
    signer = issued.signer
    assert signer.fingerprint == issued.leaf.fingerprint(hashes.SHA256()).hex()
    assert signer.common_name == "Test signer"
    assert signer.not_after == issued.leaf.not_valid_after_utc


def test_a_subject_without_common_name_is_shown_whole(authority):
    assert authority.issue(common_name=None, organisation="星河").signer.common_name == "O=星河"


def test_the_key_never_shows(issued):
    assert "PRIVATE" not in repr(issued.signer)


def test_a_certificate_signed_by_an_ed25519_authority_is_accepted(make_authority, ed25519_key):
    assert make_authority(key=ed25519_key).issue(digest=None).signer.algorithm == "es256"
