"""The signer of manifests: a certificate chain, and its private key or whoever holds that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from provenance.errors import SigningFailed


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate chain that has passed the pre-flight, and its key.

    Attributes:
        algorithm: `es256` `es384` `es512` `ps256` or `ed25519`.
        chain: PEM, signing certificate first.
        key: Unencrypted PKCS #8 PEM; never shown. None where `hand` signs.
        hand: Signs where the key is: in a token, a key management service.
        fingerprint: SHA-256 of the signing certificate's DER, lower-case hex.
        common_name: Who signs.
        not_after: Until when, in UTC.
        organisation: Signs beside it that the labels are the organisation's: an MCN's affiliation, not only stated.
    """

    algorithm: str
    chain: bytes = field(repr=False)
    key: bytes | None = field(repr=False)
    fingerprint: str
    common_name: str
    not_after: datetime
    organisation: Signer | None = None
    hand: Callable[[bytes], bytes] | None = field(default=None, repr=False)

    def with_organisation(self, organisation: Signer) -> Signer:
        """Return the same signer, with an organisation whose certificate signs beside it (CAWG identity).

        Raises:
            ManifestError: the native library is none that this was tested with.
        """
        from provenance.manifests.identity import require_supported

        require_supported()
        return replace(self, organisation=organisation)

    @property
    def name(self) -> str:
        """The organisation that the certificate names, else its common name: whom readers are shown."""
        from provenance.manifests import certificates

        return certificates.shown_name_of(certificates.chain_of(self.chain)[0])

    @classmethod
    def from_pem(cls, certificate: Path | bytes | str, key: Path | bytes | str) -> Signer:
        """Load a signer from PEM, each argument a path, bytes or text.

        `certificate` holds the signing certificate, then those that issued it.

        Raises:
            AssetNotFound: a file is missing or may not be read.
            CertificateRejected: the pair cannot sign; the code names the defect.
        """
        from provenance.manifests import certificates

        chain_pem, chain_path = certificates.material(certificate)
        secret_pem, secret_path = certificates.material(key)
        chain = certificates.chain_of(chain_pem, chain_path)
        secret = certificates.key_of(secret_pem, secret_path)
        algorithm = certificates.algorithm_of(secret, secret_path)
        certificates.check_signer(chain, secret, chain_path)
        return cls(
            algorithm=algorithm,
            chain=certificates.pem_of(chain),
            key=certificates.key_pem(secret),
            fingerprint=certificates.fingerprint_of(chain[0]),
            common_name=certificates.name_of(chain[0]),
            not_after=chain[0].not_valid_after_utc,
        )

    @classmethod
    def from_callback(cls, certificate: Path | bytes | str, sign: Callable[[bytes], bytes]) -> Signer:
        """Return a signer whose key never comes here: one in a PKCS #11 token or a key management service.

        Args:
            certificate: As for `from_pem`; its key decides the algorithm: ECDSA with the hash of its curve, RSASSA-PSS
                with SHA-256 and a salt of 32 bytes, or Ed25519.
            sign: Gets the bytes to sign, which it hashes itself, and returns the signature; one of ECDSA in DER or as
                r and s. What it raises comes out of signing as the cause of `SigningFailed`.

        Raises:
            AssetNotFound: a file is missing or may not be read.
            CertificateRejected: the certificate cannot sign; the code names the defect.
        """
        from provenance.manifests import certificates

        chain_pem, path = certificates.material(certificate)
        chain = certificates.chain_of(chain_pem, path)
        algorithm = certificates.algorithm_of(chain[0].public_key(), path)
        certificates.check_signer(chain, None, path)
        return cls(
            algorithm=algorithm,
            chain=certificates.pem_of(chain),
            key=None,
            fingerprint=certificates.fingerprint_of(chain[0]),
            common_name=certificates.name_of(chain[0]),
            not_after=chain[0].not_valid_after_utc,
            hand=sign,
        )

    def sign(self, data: bytes) -> bytes:
        """Return the COSE signature of `data`.

        Raises:
            SigningFailed: ``signature-wrong``: what `hand` returned is no signature by the certificate's key.
        """
        from provenance.manifests import signature

        if self.hand is not None:
            return signature.checked(self.algorithm, self.chain, data, self.hand(data))
        if self.key is None:
            raise SigningFailed("signature-wrong", name=self.common_name)
        return signature.signature(self.algorithm, self.key, data)
