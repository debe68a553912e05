"""What a certificate is, and everything that keeps it from signing: the pre-flight of a signer, explained in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from provenance import _files
from provenance.errors import CertificateRejected
from provenance.manifests import certificates

SOON: Final = timedelta(days=30)
"""How long before its end a certificate is worth a warning."""
_MAX_BYTES: Final = 16 << 20
_PEM_MARK: Final = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Description:
    """One certificate.

    Attributes:
        name: Its subject's common name.
        issuer: The common name of who issued it.
        key: Kind and size of its key: ``EC secp256r1``, ``RSA 2048`` …
        since: From when it is valid, in UTC.
        until: Up to when.
        is_authority: Whether it may issue others.
        usages: Object identifiers of its extended key usages.
        fingerprint: SHA-256 of its DER form in hex.
        defects: Message codes of all that keeps it from signing claims now; empty for a signing certificate in order.
        ends_soon: Whether it ends within thirty days.
    """

    name: str
    issuer: str
    key: str
    since: datetime
    until: datetime
    is_authority: bool
    usages: tuple[str, ...]
    fingerprint: str
    defects: tuple[str, ...]
    ends_soon: bool

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON data; times in UTC."""
        return {
            "name": self.name,
            "issuer": self.issuer,
            "key": self.key,
            "since": f"{self.since:%Y-%m-%dT%H:%M:%SZ}",
            "until": f"{self.until:%Y-%m-%dT%H:%M:%SZ}",
            "authority": self.is_authority,
            "usages": list(self.usages),
            "sha256": self.fingerprint,
            "defects": list(self.defects),
            "ends_soon": self.ends_soon,
        }


def inspect_file(path: Path) -> tuple[Description, ...]:
    """Describe every certificate of a PEM file, or the one of a DER file, in the file's order.

    Raises:
        AssetNotFound: the file is missing or may not be read.
        CertificateRejected: it holds no certificate, or a damaged one.
    """
    with _files.open_input(path) as file:
        data = file.read(_MAX_BYTES)
    try:
        found = x509.load_pem_x509_certificates(data) if _PEM_MARK in data else [x509.load_der_x509_certificate(data)]
        return tuple(map(described, found))
    except certificates.UNREADABLE as error:
        code = "certificate-malformed" if _PEM_MARK in data else "certificate-none"
        raise CertificateRejected(code, path=path, reason=error) from error


def described(certificate: x509.Certificate) -> Description:
    """Describe one certificate; an unreadable extension raises one of `certificates.UNREADABLE`."""
    until = certificate.not_valid_after_utc
    now = datetime.now(UTC)
    return Description(
        name=certificates.name_of(certificate),
        issuer=_common_name(certificate.issuer),
        key=_key(certificate),
        since=certificate.not_valid_before_utc,
        until=until,
        is_authority=certificates.is_authority(certificate),
        usages=tuple(sorted(certificates.usages_of(certificate))),
        fingerprint=certificates.fingerprint_of(certificate),
        defects=tuple(_defects(certificate, now)),
        ends_soon=now <= until < now + SOON,
    )


def _defects(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    yield from certificates.defects_of(certificate)
    if now < certificate.not_valid_before_utc:
        yield "certificate-not-yet-valid"
    if now > certificate.not_valid_after_utc:
        yield "certificate-expired"


def _common_name(name: x509.Name) -> str:
    names = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else name.rfc4514_string()


def _key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey")
