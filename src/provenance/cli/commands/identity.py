"""`provenance identity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import output
from provenance.cli.output import Lang

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
    from provenance.manifests import identity

    made = identity.create(folder)
    typer.echo(output.text("identity-made", certificate=made.certificate, key=made.key, ca=made.ca))
