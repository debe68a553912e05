"""Trust lists: the authorities whose signers read as `trusted`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from provenance import _files
from provenance.errors import TrustListInvalid

_PEM_MARK: Final = b"-----BEGIN CERTIFICATE-----"
_MAX_BYTES: Final = 16 << 20


def trust_from_files(paths: Iterable[Path]) -> tuple[bytes, ...]:
    """Load the authorities of PEM (or single-certificate DER) files; return one PEM per authority.

    Certificates that are no authority, such as the first one of a signer's chain, are passed over. A damaged one fails
    the whole file: the binding would accept it in silence and then trust nothing by it.

    Raises:
        AssetNotFound: a file is missing or may not be read.
        TrustListInvalid: a file holds no authority, or a damaged certificate.
    """
    return tuple(pem for path in paths for pem in _authorities(path))


def _authorities(path: Path) -> list[bytes]:
    from cryptography import x509

    from provenance.manifests import certificates

    with _files.open_input(path) as file:
        data = file.read(_MAX_BYTES)
    try:
        found = x509.load_pem_x509_certificates(data) if _PEM_MARK in data else [x509.load_der_x509_certificate(data)]
        authorities = [each for each in found if certificates.is_authority(each)]
    except certificates.UNREADABLE as error:
        raise TrustListInvalid("trust-list-unreadable", path=path, reason=error) from error
    if not authorities:
        raise TrustListInvalid("trust-list-without-authority", path=path)
    return [certificates.pem_of([each]) for each in authorities]
