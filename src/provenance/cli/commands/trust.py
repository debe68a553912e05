"""`provenance trust`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import certificates, output
from provenance.cli.output import AsJson, Lang
from provenance.manifests import trust as lists

app = typer.Typer(help="Authorities to trust. 信任的签发机构。")
app.callback(invoke_without_command=True)(output.help_without_command)
_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="PEM certificates, or one in DER. PEM 证书或单个 DER 证书。")
]


@app.command("list", short_help="The lists that are kept. 已保存的名单。")
def list_kept(json: AsJson = False, lang: Lang = None) -> None:
    """List the trust lists that `verify` uses beside those given with `--trust`.

    列出 `verify` 除 `--trust` 外使用的信任名单。
    """
    del lang
    from provenance.manifests.inspection import inspect_file

    found = [(each, inspect_file(each.path)) for each in lists.kept()]
    if json:
        rows = [
            {
                "kind": each.kind,
                "name": each.name,
                "path": str(each.path),
                "authorities": [one.as_json() for one in some],
            }
            for each, some in found
        ]
        output.document({"schema": "provenance/trust/1", "lists": rows})
        return
    for each, some in found:
        typer.echo(output.text("trust-row", kind=each.kind, name=each.name, count=len(some), path=each.path))
        for one in some:
            typer.echo(f"  {one.name}  {one.until:%Y-%m-%d}")
    if not found:
        typer.echo(output.text("trust-none"))


@app.command("add", short_help="Keep one. 保存名单。")
def add(
    file: _File,
    kind: Annotated[
        str,
        typer.Option("--kind", metavar="manifest|tsa|cawg", help="What they are trusted for. 信任的用途。"),
    ] = "manifest",
    name: Annotated[str | None, typer.Option("--name", help="What to call the list. 名单名称。")] = None,
    lang: Lang = None,
) -> None:
    """Keep the authorities of a file: those who sign manifests, time stamps, or identities of organisations.

    保存文件中的签发机构:清单签名、时间戳或机构身份。
    """
    del lang
    chosen = next((each for each in lists.KINDS if each == kind), None)
    if chosen is None:
        raise output.not_one_of("--kind", kind, lists.KINDS)
    made = lists.add(file, kind=chosen, name=name)
    typer.echo(output.text("trust-added", kind=made.kind, name=made.name, path=made.path))


@app.command("inspect", short_help="What a list holds. 查看名单。")
def inspect(file: _File, json: AsJson = False, lang: Lang = None) -> None:
    """Say what each certificate of a file is, and which of them are authorities.

    说明文件中每个证书是什么,哪些是签发机构。
    """
    del lang
    from provenance.manifests.inspection import inspect_file

    found = inspect_file(file)
    if json:
        output.document({"schema": "provenance/certificates/1", "certificates": [each.as_json() for each in found]})
        return
    for each in found:
        typer.echo("\n".join(certificates.lines(each, as_signer=False)))
