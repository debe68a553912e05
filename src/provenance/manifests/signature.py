"""Signatures as COSE wants them, made where the private key is.

Source: RFC 9053, section 2 (ECDSA, EdDSA); RFC 8230, section 2 (RSASSA-PSS).
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from provenance.errors import SigningFailed
from provenance.manifests import certificates

_EC_HASHES: Final = {"es256": hashes.SHA256(), "es384": hashes.SHA384(), "es512": hashes.SHA512()}
_SALT: Final = 32


def signature(algorithm: str, key_pem: bytes, data: bytes) -> bytes:
    """Sign `data` with a key that has passed the pre-flight; an ECDSA signature is r and s, each as long as the curve.

    Raises:
        ValueError: `algorithm` is not that of the key.
    """
    # Checking a large RSA key again would take longer than all the rest.
    key = load_pem_private_key(key_pem, password=None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, ec.EllipticCurvePrivateKey) and algorithm in _EC_HASHES:
        length = (key.curve.key_size + 7) // 8
        parts = decode_dss_signature(key.sign(data, ec.ECDSA(_EC_HASHES[algorithm])))
        return b"".join(part.to_bytes(length, "big") for part in parts)
    if isinstance(key, rsa.RSAPrivateKey) and algorithm == "ps256":
        return key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), _SALT), hashes.SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey) and algorithm == "ed25519":
        return key.sign(data)
    raise ValueError(algorithm)


def checked(algorithm: str, chain: bytes, data: bytes, made: bytes) -> bytes:
    """Return a signature that somebody else made, as COSE wants it, once it is seen to be one of `data`.

    Raises:
        SigningFailed: ``signature-wrong``: it is none by the key of the first certificate of `chain`.
    """
    leaf = x509.load_pem_x509_certificates(chain)[0]
    key = leaf.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            return _checked_ecdsa(algorithm, key, data, made)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(made, data, padding.PSS(padding.MGF1(hashes.SHA256()), _SALT), hashes.SHA256())
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(made, data)
    except (InvalidSignature, TypeError, ValueError) as error:
        raise SigningFailed("signature-wrong", name=certificates.name_of(leaf)) from error
    return made


def _checked_ecdsa(algorithm: str, key: ec.EllipticCurvePublicKey, data: bytes, made: bytes) -> bytes:
    length = (key.curve.key_size + 7) // 8
    if len(made) == 2 * length:
        parts = (int.from_bytes(made[:length], "big"), int.from_bytes(made[length:], "big"))
    else:
        parts = decode_dss_signature(made)
    key.verify(encode_dss_signature(*parts), data, ec.ECDSA(_EC_HASHES[algorithm]))
    return b"".join(part.to_bytes(length, "big") for part in parts)
