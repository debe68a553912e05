"""`provenance verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from provenance.cli import output, tables
from provenance.cli.output import AsJson, Lang, ReadPictures
from provenance.model.verification import Verification
from provenance.sdk import Provenance


def verify(
    media: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Finished media files. 成品媒体文件。")],
    trust: Annotated[
        list[Path] | None,
        typer.Option(
            "--trust",
            metavar="PEM",
            help="Authorities to trust, beside those kept with trust add. 另行信任的签发机构。",
        ),
    ] = None,
    trust_mcn: Annotated[
        list[Path] | None,
        typer.Option(
            "--trust-mcn", metavar="PEM", help="Authorities of organisations' identities. 机构身份的签发机构。"
        ),
    ] = None,
    require: Annotated[
        Literal["valid", "trusted"] | None,
        typer.Option("--require", help="The manifest state a clean file needs. 签名清单须达到的状态。"),
    ] = None,
    ocr: ReadPictures = False,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch manifests that are kept elsewhere. 下载存放在别处的签名清单。")
    ] = False,
    json: AsJson = False,
    lang: Lang = None,
) -> int:
    """Say what every carrier of each file states, whether it holds, and where carriers disagree.

    说明每个文件各处的标识写了什么、是否有效、哪里互相矛盾。
    """
    del lang
    from provenance.manifests.trust import TrustLists

    authorities = TrustLists.from_files(trust or [], cawg=trust_mcn or []) | TrustLists.stored()
    with output.progress() as progress:
        sdk = Provenance(signer=None, remote_manifests=_say_whom if fetch else False)
        found = sdk.verify(*media, trust=authorities, require=require, ocr=ocr, progress=progress)
    if json:
        output.document(found.as_json())
    else:
        tables.print_verification(found)
    return exit_code(found)


def _say_whom(url: str) -> None:
    output.say("manifest-asked", url=url)


def exit_code(found: Verification) -> int:
    """Return 1 when a file that was read is not clean, else 3 when one could not be read, else 0."""
    if any(not each.clean and each.error is None for each in found.files):
        return 1
    return 3 if any(each.error for each in found.files) else 0
