"""Which signer a command uses: options, environment, or a development identity made once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import output
from provenance.errors import UsageError
from provenance.manifests.signer import Signer

Certificate = Annotated[
    Path | None,
    typer.Option(
        "--cert",
        help="Certificate chain (PEM), signing certificate first. 证书链(PEM),签名证书在前。",
        show_default=False,
    ),
]
Key = Annotated[Path | None, typer.Option("--key", help="Its private key (PEM). 其私钥(PEM)。", show_default=False)]
McnCertificate = Annotated[
    Path | None,
    typer.Option(
        "--mcn-cert",
        help="Certificate chain (PEM) of the MCN, which signs its affiliation. MCN机构的证书链(PEM),用于签署所属关系。",
        show_default=False,
    ),
]
McnKey = Annotated[
    Path | None, typer.Option("--mcn-key", help="The MCN's private key (PEM). MCN机构的私钥(PEM)。", show_default=False)
]
NoManifest = Annotated[bool, typer.Option("--no-manifest", help="Sign nothing. 不签名。")]


def signer_for(certificate: Path | None, key: Path | None, *, no_manifest: bool) -> Signer | None:
    """Return the signer; the first of options, environment and the development identity that is there.

    Raises:
        UsageError: only one of certificate and key is given.
        CertificateRejected: the pair cannot sign.
    """
    if no_manifest:
        return None
    certificate = certificate or _from_environment("PROVENANCE_CERT")
    key = key or _from_environment("PROVENANCE_KEY")
    if (certificate is None) != (key is None):
        raise UsageError("signer-half-given", given="--cert" if certificate else "--key")
    if certificate is not None and key is not None:
        return Signer.from_pem(certificate, key)
    from provenance.manifests import development

    made, new = development.development()
    if new:
        output.say("development-identity-made", path=made.certificate.parent)
    return Signer.from_pem(made.certificate, made.key)


def with_mcn(signer: Signer | None, certificate: Path | None, key: Path | None) -> Signer | None:
    """Return the signer, with the MCN that signs beside it where one is given.

    Raises:
        UsageError: only one of certificate and key is given, or nothing is signed at all.
        CertificateRejected: the pair cannot sign.
        ManifestError: the native library is none that this was tested with.
    """
    if certificate is None and key is None:
        return signer
    if certificate is None or key is None:
        raise UsageError("signer-half-given", given="--mcn-cert" if certificate else "--mcn-key")
    if signer is None:
        raise UsageError("mcn-signs-nothing")
    return signer.with_organisation(Signer.from_pem(certificate, key))


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None
