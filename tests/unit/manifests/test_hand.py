"""A signer whose key is elsewhere: its hand signs, what it raises comes out, and a wrong signature is named."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from provenance.errors import CertificateRejected, SigningFailed
from provenance.manifests.read import read
from provenance.manifests.signer import Signer
from provenance.manifests.write import Claim, plan_actions, sign

CREATED = plan_actions(
    "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture", has_manifest=False, notice_drawn=False
)


def hand_of(key, *, raw=False):
    def ecdsa(data):
        made = key.sign(data, ec.ECDSA({256: hashes.SHA256(), 384: hashes.SHA384()}[key.curve.key_size]))
        return (
            b"".join(each.to_bytes(key.curve.key_size // 8, "big") for each in decode_dss_signature(made))
            if raw
            else made
        )

    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ecdsa
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    return lambda data: key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        (ec.generate_private_key(ec.SECP256R1()), False),
        (ec.generate_private_key(ec.SECP256R1()), True),
        (ec.generate_private_key(ec.SECP384R1()), False),
        (ed25519.Ed25519PrivateKey.generate(), False),
        (rsa.generate_private_key(65537, 2048), False),
    ],
    ids=["p256-der", "p256-raw", "p384", "ed25519", "rsa"],
)
def test_a_hand_signs_what_reads_as_trusted(authority, photo, tmp_path, key, raw):
    issued = authority.issue(key=key)
    signer = Signer.from_callback(issued.chain, hand_of(key, raw=raw))
    assert "PRIVATE" not in repr(signer)
    sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)
    assert read(tmp_path / "out.jpg", mime="image/jpeg", trust=issued.trust).state == "trusted"


class TokenGone(Exception):
    pass


def test_what_the_hand_raises_is_the_cause_and_nothing_is_left(issued, photo, tmp_path):
    def hand(_data):
        raise TokenGone("the token was pulled out")

    with pytest.raises(SigningFailed, match="the token was pulled out") as caught:
        sign(
            photo,
            tmp_path / "out.jpg",
            Claim({}, CREATED),
            mime="image/jpeg",
            signer=Signer.from_callback(issued.chain, hand),
        )
    assert isinstance(caught.value.__cause__, TokenGone)
    assert not (tmp_path / "out.jpg").exists()


@pytest.mark.parametrize("made", [b"\0" * 64, b"nonsense", b"\x30\x06\x02\x01\x01\x02\x01\x01"])
def test_a_signature_by_another_key_is_named_before_it_is_written(issued, photo, tmp_path, made):
    signer = Signer.from_callback(issued.chain, lambda _data: made)
    with pytest.raises(SigningFailed, match="Test signer") as caught:
        sign(photo, tmp_path / "out.jpg", Claim({}, CREATED), mime="image/jpeg", signer=signer)
    assert caught.value.code == "signature-wrong"
    assert not (tmp_path / "out.jpg").exists()


def test_the_certificate_is_checked_without_the_key(issued, authority):
    with pytest.raises(CertificateRejected) as caught:
        Signer.from_callback(authority.issue(ekus=()).chain, bytes)
    assert caught.value.code == "certificate-extended-key-usage-missing"
    assert Signer.from_callback(issued.chain, bytes).fingerprint == issued.signer.fingerprint
