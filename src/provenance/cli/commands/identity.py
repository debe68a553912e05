"""`provenance identity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import certificates, output
from provenance.cli.output import AsJson, Lang

app = typer.Typer(help="Signing identities. 签名身份。")
app.callback(invoke_without_command=True)(output.help_without_command)


@app.command("new", short_help="Make one for development. 生成开发用身份。")
def new(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder for certificates and key. 存放证书和私钥的新文件夹。")
    ],
    lang: Lang = None,
) -> None:
    """Make a development identity: an authority, a certificate it issued, and the private key.

    生成开发用签名身份:签发机构、由其签发的证书和私钥。
    """
    del lang
    from provenance.manifests import development

    made = development.create(folder)
    typer.echo(output.text("identity-made", certificate=made.certificate, key=made.key, ca=made.ca))


@app.command("inspect", short_help="Explain a certificate. 说明证书。")
def inspect(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A certificate chain, signing certificate first. 证书链,签名证书在前。"),
    ],
    json: AsJson = False,
    lang: Lang = None,
) -> int:
    """Say whether a certificate can sign, everything that keeps it from it, and until when; exits 1 if it cannot.

    说明证书能否用于签名、有哪些缺陷、何时到期;不能签名时退出码为 1。
    """
    del lang
    from provenance.manifests.inspection import inspect_file

    first, *issuers = inspect_file(file)
    if json:
        rows = [each.as_json() for each in (first, *issuers)]
        output.document({"schema": "provenance/certificates/1", "certificates": rows})
    else:
        shown = [*certificates.lines(first, as_signer=True)]
        shown += [line for each in issuers for line in certificates.lines(each, as_signer=False)]
        typer.echo("\n".join(shown))
    return 1 if first.defects else 0
