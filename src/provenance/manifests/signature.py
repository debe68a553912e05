"""Signatures as COSE wants them, made where the private key is.

Source: RFC 9053, section 2 (ECDSA, EdDSA); RFC 8230, section 2 (RSASSA-PSS).
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

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
