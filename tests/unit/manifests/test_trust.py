"""A trust list holds authorities; anything else is said, not passed over."""

import pytest
from cryptography.hazmat.primitives import serialization

from provenance.errors import AssetNotFound, TrustListInvalid
from provenance.manifests.trust import trust_from_files


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def test_authorities_of_several_files_are_listed_one_by_one(tmp_path, own, issued):
    both = tmp_path / "both.pem"
    both.write_bytes(b"# a comment\n" + issued.trust[0] + own.ca.read_bytes())
    assert trust_from_files([both, own.ca]) == (issued.trust[0], own.ca.read_bytes(), own.ca.read_bytes())


def test_no_file_gives_no_trust():
    assert trust_from_files([]) == ()


def test_a_signers_chain_counts_by_its_authority(own):
    assert trust_from_files([own.certificate]) == (own.ca.read_bytes(),)


def test_a_der_certificate_is_read_too(tmp_path, issued):
    (tmp_path / "ca.cer").write_bytes(der(issued.authority))
    assert trust_from_files([tmp_path / "ca.cer"]) == issued.trust


def test_a_signer_is_no_authority(tmp_path, issued):
    (tmp_path / "leaf.pem").write_bytes(
        issued.chain.partition(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n"
    )
    with pytest.raises(TrustListInvalid) as caught:
        trust_from_files([tmp_path / "leaf.pem"])
    assert caught.value.code == "trust-list-without-authority"
    assert "leaf.pem" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"-----BEGIN CERTIFICATE-----"],
)
def test_a_file_without_a_readable_certificate_is_named(tmp_path, content):
    (tmp_path / "list.pem").write_bytes(content)
    with pytest.raises(TrustListInvalid) as caught:
        trust_from_files([tmp_path / "list.pem"])
    assert caught.value.code == "trust-list-unreadable"


def test_one_damaged_certificate_fails_the_list(tmp_path, issued):
    damaged = issued.trust[0].replace(b"\nMII", b"\nMAA", 1)
    assert damaged != issued.trust[0]
    (tmp_path / "list.pem").write_bytes(issued.trust[0] + damaged)
    with pytest.raises(TrustListInvalid):
        trust_from_files([tmp_path / "list.pem"])


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(AssetNotFound):
        trust_from_files([tmp_path / "none.pem"])
