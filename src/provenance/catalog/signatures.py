"""Detached Ed25519 signatures of editions, so that an operator loads only what its publisher released.

`EDITION.sig` holds one line of base64: the signature of a text with a line ``SHA-256  path`` for `EDITION` and every
data file, sorted by path as `sha256sum` prints them, below a line that names this use. Prose and schemas in the
folder decide nothing and are not signed.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from provenance import _files
from provenance.catalog.loading import read_texts
from provenance.errors import AssetNotFound, CertificateRejected, EditionNotSigned

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE: Final = "EDITION.sig"
PublicKey: TypeAlias = str | Path | bytes
"""PEM, or where it lies."""
_USE: Final = "provenance/edition/1\n"
_MAX_KEY: Final = 16 << 10
_MAX_SIGNATURE: Final = 1 << 10


def digests(texts: Mapping[str, str]) -> bytes:
    """Return what is signed: the digest of every file an edition is made of."""
    lines = (f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(texts.items()))
    return (_USE + "".join(lines)).encode()


def signature_of(folder: str | Path, key: PublicKey) -> bytes:
    """Return the content of `EDITION.sig` for the edition in `folder`, signed with an Ed25519 private key.

    Args:
        folder: The edition.
        key: The private key as PEM without a password, or its path.

    Raises:
        CatalogError: there is no edition, or a file of it cannot be read.
        CertificateRejected: the key is not a plain Ed25519 private key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(_pem(key), password=None)
    except (ValueError, TypeError) as error:
        raise CertificateRejected("edition-key-unusable", reason=error) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise CertificateRejected("edition-key-unusable", reason=type(private).__name__)
    return b64encode(private.sign(digests(read_texts(Path(folder))))) + b"\n"


def require_signature(root: Path, texts: Mapping[str, str], key: PublicKey) -> None:
    """Raise unless `EDITION.sig` in `root` is the signature of `texts` by the holder of `key`.

    Raises:
        EditionNotSigned: there is no signature, or it is another's or of other files.
        CertificateRejected: the key is not an Ed25519 public key.
    """
    from cryptography.exceptions import InvalidSignature

    public = _public(key)
    try:
        with _files.open_input(root / SIGNATURE) as file:
            written = file.read(_MAX_SIGNATURE)
    except AssetNotFound:
        raise EditionNotSigned("edition-not-signed", path=root / SIGNATURE) from None
    try:
        public.verify(b64decode(written.strip(), validate=True), digests(texts))
    except (InvalidSignature, binascii.Error):
        raise EditionNotSigned("edition-signature-wrong", path=root / SIGNATURE) from None


def _public(key: PublicKey) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(_pem(key))
    except ValueError as error:
        raise CertificateRejected("edition-key-unusable", reason=error) from error
    if not isinstance(public, Ed25519PublicKey):
        raise CertificateRejected("edition-key-unusable", reason=type(public).__name__)
    return public


def _pem(key: PublicKey) -> bytes:
    if isinstance(key, bytes):
        return key
    with _files.open_input(Path(key)) as file:
        return file.read(_MAX_KEY)
