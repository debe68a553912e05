"""Certificates and keys: parsed, and checked against the profile of a C2PA claim signer before anything is signed.

The binding answers every defect with "the certificate is invalid"; these checks name it.

Source: C2PA Technical Specification 2.2, section 14.5.1 (certificate profiles).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance import _files
from provenance.errors import CertificateRejected
from provenance.manifests.binding import CLAIM_SIGNING_EKUS

Check = Callable[[x509.Certificate], bool]
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

_EC: Final = (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)
_RSA: Final = (rsa.RSAPrivateKey, rsa.RSAPublicKey)
_ED25519: Final = (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)
_CURVES: Final = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_RSA_BITS: Final = range(2048, 16385)
_HASHES: Final = {"sha256", "sha384", "sha512"}
_FORBIDDEN_EKUS: Final = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string,
    ExtendedKeyUsageOID.TIME_STAMPING.dotted_string,
    ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string,
}
# The PEM parser and the lazy extension parser raise these for what they cannot read.
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_PEM: Final = b"-----BEGIN "
_MAX_BYTES: Final = 1 << 20


def material(given: Path | bytes | str) -> tuple[bytes, str | None]:
    """Return PEM bytes and the path they came from; a text is a path unless it holds PEM.

    Raises:
        AssetNotFound: the file is missing or may not be read.
    """
    if isinstance(given, bytes):
        return given, None
    if isinstance(given, str) and _PEM.decode() in given:
        return given.encode(), None
    with _files.open_input(Path(given)) as file:
        return file.read(_MAX_BYTES), str(given)


def chain_of(pem: bytes, path: str | None = None) -> list[x509.Certificate]:
    """Parse the certificates of a PEM text.

    Raises:
        CertificateRejected: there is none, or one is damaged.
    """
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise CertificateRejected("certificate-not-pem", path=path)
    try:
        return x509.load_pem_x509_certificates(pem)
    except UNREADABLE as error:
        raise CertificateRejected("certificate-malformed", path=path, reason=error) from error


def key_of(pem: bytes, path: str | None = None) -> PrivateKeyTypes:
    """Parse a private key.

    Raises:
        CertificateRejected: it is no PEM key, protected by a passphrase, or damaged.
    """
    if b"PRIVATE KEY-----" not in pem:
        raise CertificateRejected("key-not-pem", path=path)
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError as error:  # the parser's word for a key that wants a passphrase
        raise CertificateRejected("key-encrypted", path=path) from error
    except UNREADABLE as error:
        raise CertificateRejected("key-malformed", path=path, reason=error) from error


def algorithm_of(key: PrivateKeyTypes | CertificatePublicKeyTypes, path: str | None = None) -> str:
    """Return the C2PA signature algorithm of a key.

    Raises:
        CertificateRejected: C2PA has none for this kind, curve or size of key.
    """
    if isinstance(key, _EC) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, _RSA) and key.key_size in _RSA_BITS:
        return "ps256"
    if isinstance(key, _ED25519):
        return "ed25519"
    raise CertificateRejected("key-unsupported", path=path, kind=_kind(key))


def check_signer(chain: Sequence[x509.Certificate], key: PrivateKeyTypes | None, path: str | None = None) -> None:
    """Check that `chain` (signing certificate first) and `key` can sign a claim now; a key that is elsewhere is None.

    Raises:
        CertificateRejected: its code is the first defect found.
    """
    leaf = chain[0]
    try:
        if key is not None and not _belongs(leaf, key):
            code = "certificate-order" if any(_belongs(other, key) for other in chain) else "key-mismatch"
            raise CertificateRejected(code, path=path)
        for code in defects_of(leaf):
            raise CertificateRejected(code, path=path, name=name_of(leaf), oids=", ".join(CLAIM_SIGNING_EKUS))
    except UNREADABLE as error:
        raise CertificateRejected("certificate-malformed", path=path, reason=error) from error
    for number, (issued, issuer) in enumerate(pairwise(chain), start=1):
        if not _issued_by(issued, issuer):
            raise CertificateRejected("certificate-chain", path=path, number=number, next=number + 1)
    _check_dates(leaf, path)


def defects_of(leaf: x509.Certificate) -> Iterator[str]:
    """Yield the message codes of what in a certificate keeps it from signing claims, dates aside.

    An extension that cannot be read raises one of `UNREADABLE`.
    """
    return (code for code, defect in _DEFECTS if defect(leaf))


def usages_of(leaf: x509.Certificate) -> set[str]:
    """Return the object identifiers of the extended key usages."""
    usage = _extension(leaf, x509.ExtendedKeyUsage)
    return {oid.dotted_string for oid in usage} if usage else set()


def is_authority(certificate: x509.Certificate) -> bool:
    """Say whether a certificate may issue others."""
    basic = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    return bool(basic and basic.ca) or bool(usage and usage.key_cert_sign)


def name_of(certificate: x509.Certificate) -> str:
    """Return the subject's common name; without one, the whole subject."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def shown_name_of(certificate: x509.Certificate) -> str:
    """Return the organisation that the subject names, else `name_of`."""
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else name_of(certificate)


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the DER form in lower-case hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def pem_of(certificates: Sequence[x509.Certificate]) -> bytes:
    """Return certificates as one PEM text."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def key_pem(key: PrivateKeyTypes) -> bytes:
    """Return a key as unencrypted PKCS #8 PEM, the one form the binding reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _belongs(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


def _issued_by(issued: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        issued.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _check_dates(leaf: x509.Certificate, path: str | None) -> None:
    now = datetime.now(UTC)
    since, until = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now < since:
        raise CertificateRejected("certificate-not-yet-valid", path=path, since=f"{since:%Y-%m-%d %H:%M} UTC")
    if now > until:
        raise CertificateRejected("certificate-expired", path=path, until=f"{until:%Y-%m-%d %H:%M} UTC")


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _is_self_signed(leaf: x509.Certificate) -> bool:
    return leaf.issuer == leaf.subject and _issued_by(leaf, leaf)


def _is_weakly_signed(leaf: x509.Certificate) -> bool:
    if leaf.signature_algorithm_oid == x509.SignatureAlgorithmOID.ED25519:
        return False
    algorithm = leaf.signature_hash_algorithm
    return algorithm is None or algorithm.name not in _HASHES


def _cannot_sign(leaf: x509.Certificate) -> bool:
    usage = _extension(leaf, x509.KeyUsage)
    return usage is None or not usage.digital_signature


def _is_for_other_things(leaf: x509.Certificate) -> bool:
    usages = usages_of(leaf)
    return bool(usages) and not usages & set(CLAIM_SIGNING_EKUS)


def _lacks_authority_key(leaf: x509.Certificate) -> bool:
    return _extension(leaf, x509.AuthorityKeyIdentifier) is None


def _has_unknown_critical(leaf: x509.Certificate) -> bool:
    return any(each.critical and isinstance(each.value, x509.UnrecognizedExtension) for each in leaf.extensions)


_DEFECTS: Final[tuple[tuple[str, Check], ...]] = (
    ("certificate-version", lambda leaf: leaf.version is not x509.Version.v3),
    ("certificate-self-signed", _is_self_signed),
    ("certificate-is-authority", is_authority),
    ("certificate-signature-weak", _is_weakly_signed),
    ("certificate-key-usage-missing", lambda leaf: _extension(leaf, x509.KeyUsage) is None),
    ("certificate-key-usage", _cannot_sign),
    ("certificate-extended-key-usage-missing", lambda leaf: not usages_of(leaf)),
    ("certificate-extended-key-usage-forbidden", lambda leaf: bool(usages_of(leaf) & _FORBIDDEN_EKUS)),
    ("certificate-extended-key-usage", _is_for_other_things),
    ("certificate-authority-key-missing", _lacks_authority_key),
    ("certificate-extension-unknown", _has_unknown_critical),
)


def _kind(key: PrivateKeyTypes | CertificatePublicKeyTypes) -> str:
    if isinstance(key, _EC):
        return f"EC {key.curve.name}"
    if isinstance(key, _RSA):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey")
