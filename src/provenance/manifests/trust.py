"""Trust lists: the authorities whose signers, time stamps and identities read as `trusted`.

A list is kept for one purpose. The binding does not hold to that: an authority of time stamps that it was given makes a
signer `trusted` too. So each list has a name of its own, and a verdict counts only when it says that it came from a
list of that purpose.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from provenance import _files
from provenance.errors import OutputNotWritten, TrustListInvalid, UsageError

Kind = Literal["manifest", "tsa", "cawg"]
"""What an authority is trusted for: signing manifests, time stamps, or identities of organisations."""

_PEM_MARK: Final = b"-----BEGIN CERTIFICATE-----"
_MAX_BYTES: Final = 16 << 20
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class TrustLists:
    """Authorities by purpose, one PEM each."""

    manifest: tuple[bytes, ...] = ()
    tsa: tuple[bytes, ...] = ()
    cawg: tuple[bytes, ...] = ()

    @classmethod
    def from_files(
        cls, manifest: Iterable[Path] = (), *, tsa: Iterable[Path] = (), cawg: Iterable[Path] = ()
    ) -> TrustLists:
        """Load lists from PEM files; see `trust_from_files` for the errors."""
        return cls(trust_from_files(manifest), trust_from_files(tsa), trust_from_files(cawg))

    @classmethod
    def stored(cls, folder: Path | None = None) -> TrustLists:
        """Return the lists that the user keeps (`add`); see `trust_from_files` for the errors."""
        lists = {kind: trust_from_files(each.path for each in kept(folder) if each.kind == kind) for kind in KINDS}
        return cls(**lists)

    @classmethod
    def of(cls, trust: Trust) -> TrustLists:
        """Return lists; plain PEM texts are authorities of manifests."""
        return trust if isinstance(trust, TrustLists) else cls(manifest=tuple(trust))

    def by_kind(self) -> dict[str, str]:
        """Return one text of PEM certificates for each purpose."""
        lists = {"manifest": self.manifest, "tsa": self.tsa, "cawg": self.cawg}
        return {kind: b"\n".join(each).decode("ascii", "replace") for kind, each in lists.items()}

    def __or__(self, other: TrustLists) -> TrustLists:
        """Return both together."""
        return TrustLists(self.manifest + other.manifest, self.tsa + other.tsa, self.cawg + other.cawg)


Trust = Sequence[bytes] | TrustLists
"""Whom to trust: PEM texts of authorities of manifests, or lists by purpose."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Kept:
    """A list that the user keeps: its purpose, its name, and where it lies."""

    kind: Kind
    name: str
    path: Path


def trust_from_files(paths: Iterable[Path]) -> tuple[bytes, ...]:
    """Load the authorities of PEM (or single-certificate DER) files; return one PEM per authority.

    Certificates that are no authority, such as the first one of a signer's chain, are passed over. A damaged one fails
    the whole file: the binding would accept it in silence and then trust nothing by it.

    Raises:
        AssetNotFound: a file is missing or may not be read.
        TrustListInvalid: a file holds no authority, or a damaged certificate.
    """
    return tuple(pem for path in paths for pem in _authorities(path))


def add(path: Path, *, kind: Kind = "manifest", name: str | None = None, folder: Path | None = None) -> Kept:
    """Keep the authorities of a file as a list of the user's.

    Args:
        path: PEM certificates, or one in DER.
        kind: What they are trusted for.
        name: What the list is called; the file's name without its ending by default.
        folder: Where lists are kept; ``$XDG_CONFIG_HOME/provenance/trust`` by default.

    Raises:
        AssetNotFound, TrustListInvalid: see `trust_from_files`.
        UsageError: the name is none for a file, or that of a list of other authorities.
        OutputNotWritten: the file system refused; an older list stays.
    """
    authorities = trust_from_files([path])
    name = path.stem if name is None else name
    if not _NAME.fullmatch(name) or name.startswith("."):
        raise UsageError("trust-list-name", value=name)
    target = (folder or _folder()) / kind / f"{name}.pem"
    if target.exists() and trust_from_files([target]) != authorities:
        raise UsageError("trust-list-exists", value=name, path=target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputNotWritten("output-not-written", path=target.parent, reason=error.strerror or "") from error
    with _files.replaced_file(target) as file:
        file.writelines(authorities)
    return Kept(kind, name, target)


def kept(folder: Path | None = None) -> Iterator[Kept]:
    """Yield the lists that the user keeps, by purpose and name."""
    for kind in KINDS:
        for path in sorted((folder or _folder()).joinpath(kind).glob("*.pem")):
            yield Kept(kind, path.stem, path)


def _folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification has relative values ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "provenance" / "trust"


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
