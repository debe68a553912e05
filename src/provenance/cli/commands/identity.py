"""`provenance identity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import output
from provenance.cli.output import Lang

app = typer.Typer(no_args_is_help=True, help="Signing identities.")


@app.callback()
def identities() -> None:
    """Make signing identities."""


@app.command("new")
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for certificates and key.")],
    lang: Lang = None,
) -> None:
    """Make a development identity: an authority, a certificate it issued, and the private key."""
    del lang
    from provenance.manifests import identity

    made = identity.create(folder)
    typer.echo(output.text("identity-made", certificate=made.certificate, key=made.key, ca=made.ca))
