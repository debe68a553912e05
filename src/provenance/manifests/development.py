"""Development identities: a certificate authority of one's own and one signing certificate.

Good for trying out and for one's own files: such a signer verifies as `valid`, and as `trusted` only where its
``ca.pem`` is given as trust. A public signer needs a certificate from an authority on the C2PA trust list.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance import _files
from provenance.errors import OutputNotWritten, OutputRefused
from provenance.manifests.certificates import key_pem, pem_of

Extensions = tuple[tuple[x509.ExtensionType, bool], ...]
"""Extension values, each with whether it is critical."""

NAME: Final = "provenance development"
_LIFE: Final = timedelta(days=3652)  # ten years
_CLOCK_SKEW: Final = timedelta(days=1)
_PRIVATE_FILE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True)
class Identity:
    """Where an identity's files lie: `certificate` is the chain, signing certificate first."""

    ca: Path
    certificate: Path
    key: Path


def create(folder: Path) -> Identity:
    """Make a development identity in a new (or empty) folder, whole or not at all.

    The authority's key is thrown away once it has signed, so nobody can issue a second certificate with it. Names and
    dates say nothing about the user: the validity starts at a midnight UTC.

    Raises:
        OutputRefused: `folder` exists and is not empty.
        OutputNotWritten: the file system refused; nothing is left behind.
    """
    ca, chain, key = _make()
    with _files.new_folder(folder) as part:
        part.chmod(_PRIVATE_FOLDER)
        made = _identity(part)
        for path, content in ((made.ca, ca), (made.certificate, chain), (made.key, key)):
            _write_private(path, content)
    return _identity(folder)


def development(folder: Path | None = None) -> tuple[Identity, bool]:
    """Return the user's development identity and whether this call has made it.

    `folder` defaults to ``$XDG_CONFIG_HOME/provenance/identity`` (``~/.config/…``). Of processes that race, one makes
    the identity and all return it.

    Raises:
        OutputRefused: the folder holds something else.
        OutputNotWritten: the file system refused.
    """
    folder = folder or _default_folder()
    identity = _identity(folder)
    if _is_whole(identity):
        return identity, False
    _make_parents(folder)
    try:
        return create(folder), True
    except (OutputRefused, OutputNotWritten):
        # Another process was first; its folder appeared whole, in one rename.
        if _is_whole(identity):
            return identity, False
        raise


def _identity(folder: Path) -> Identity:
    return Identity(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")


def _is_whole(identity: Identity) -> bool:
    return identity.ca.is_file() and identity.certificate.is_file() and identity.key.is_file()


def _default_folder() -> Path:
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    # The XDG specification has relative values ignored.
    if given.is_absolute():
        return given / "provenance" / "identity"
    with suppress(RuntimeError):
        return Path.home() / ".config" / "provenance" / "identity"
    raise OutputNotWritten("identity-without-home")


def _make_parents(folder: Path) -> None:
    try:
        folder.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputNotWritten("output-not-written", path=folder, reason=error.strerror) from error


def _write_private(path: Path, content: bytes) -> None:
    # The mode is given at creation: at no moment can anybody else open the file.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE_FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make() -> tuple[bytes, bytes, bytes]:
    """Return the PEM of the authority, of the chain and of the signing key."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _certificate(f"{NAME} CA", ca_key, ca_key, _usage(authority=True))
    leaf = _certificate(NAME, key, ca_key, _usage(authority=False))
    return pem_of([ca]), pem_of([leaf, ca]), key_pem(key)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, ca_key: ec.EllipticCurvePrivateKey, usage: Extensions
) -> x509.Certificate:
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - _CLOCK_SKEW
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(_common_name(f"{NAME} CA"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    for value, critical in usage:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(ca_key, hashes.SHA256())


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, authority: bool) -> Extensions:
    basic = x509.BasicConstraints(ca=authority, path_length=0 if authority else None)
    usage = x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
    shared: Extensions = ((basic, True), (usage, True))
    if authority:
        return shared
    return (*shared, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False))
