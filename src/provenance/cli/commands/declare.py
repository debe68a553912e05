"""`provenance declare`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from provenance.catalog import Catalog
from provenance.cli import output
from provenance.cli.output import AsJson, Lang, OnDay
from provenance.declare import Advice
from provenance.sdk import Provenance


def declare(
    post: Annotated[
        Path, typer.Argument(metavar="POST.json", help="A post file or an attached folder. 帖子文件或文件夹。")
    ],
    platform: Annotated[
        str, typer.Option("--platform", metavar="NAME", help="The platform: douyin, 抖音, … 平台。", show_default=False)
    ],
    on: OnDay = None,
    json: AsJson = False,
    lang: Lang = None,
) -> int:
    """Say which option of the platform's declaration to choose, why, and what to fill in beside it.

    说明在平台声明中选择哪一项、理由,以及需要填写的关联字段。
    """
    del lang
    sdk = Provenance(signer=None)
    advice = sdk.declare(post, platform=platform, on=on)
    if json:
        output.document(advice.as_json())
    else:
        for line in _lines(advice, sdk.catalog):
            typer.echo(line)
    return 1 if advice.missing else 0


def _lines(advice: Advice, catalog: Catalog) -> Iterator[str]:
    locale = output.locale()
    titles = {each.code: each.title[locale] for each in catalog.declarations.option}
    yield output.text("declare-platform", name=advice.title[locale], captured=advice.captured_at)
    yield from _what_to_choose(advice)
    for reason in advice.reasons:
        yield "  " + output.text(
            "declare-reason", title=titles[reason.code], pointer=reason.pointer, value=reason.value
        )
    if not advice.reasons and not advice.missing:
        yield "  " + output.text("declare-no-reason")
    if advice.show_otherwise:
        yield "  " + output.text("declare-otherwise", titles=_listed(titles[each] for each in advice.show_otherwise))
    if advice.agrees is False:
        yield "  " + output.text("declare-differs", declared=titles[advice.declared or "none"])
    yield "  " + output.text("declare-basis", cites=_listed(advice.cites), certainty=advice.certainty)
    if advice.note is not None:
        yield f"  {advice.note[locale]}"


def _what_to_choose(advice: Advice) -> Iterator[str]:
    for choice in advice.choose:
        texts = " / ".join(choice.texts)
        yield output.text("declare-choose", field=choice.field, texts=texts, certainty=choice.certainty)
        if choice.note is not None:
            yield f"  {choice.note[output.locale()]}"
        for each in choice.fill:
            code = "declare-fill" if each.value is not None else "declare-fill-missing"
            yield "  " + output.text(code, field=each.title or each.field, value=each.value, pointer=each.pointer)
    if advice.missing:
        yield output.text("declare-undecided", keys=_listed(advice.missing))
    elif advice.leave_empty:
        yield output.text("declare-leave-empty" if advice.reasons else "declare-none-needed")


def _listed(texts: Iterable[str]) -> str:
    return ("、" if output.locale() == "zh-CN" else ", ").join(texts)
