"""`provenance rules`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

import typer

from provenance.catalog import Catalog
from provenance.catalog.data import Provision, Rule
from provenance.cli import output, tables
from provenance.cli.output import AsJson, Lang
from provenance.errors import UsageError

_MODALITIES: Final = {
    "MUST": "modality-must",
    "NOT": "modality-not",
    "MAY": "modality-may",
    "ENC": "modality-enc",
    "OBS": "modality-obs",
}

app = typer.Typer(help="The rule edition. 规则版本。")
app.callback(invoke_without_command=True)(output.help_without_command)


@app.command("list", short_help="List the rules. 列出规则。")
def list_rules(json: AsJson = False, lang: Lang = None) -> None:
    """List every rule of the edition.

    列出本版本的全部规则。
    """
    del lang
    catalog = Catalog.packaged()
    if json:
        output.document({"edition": catalog.edition, "rules": [_as_json(rule, catalog) for rule in _sorted(catalog)]})
        return
    for rule in _sorted(catalog):
        since = rule.in_force.from_.isoformat() if rule.in_force else ""
        typer.echo(f"{rule.id:<44} {output.text(f'severity-{rule.severity}'):<9} {since:<11} {', '.join(rule.cites)}")
        typer.echo(f"    {rule.title[output.locale()]}")
    typer.echo(output.text("edition-line", edition=catalog.edition, count=len(catalog.rules)))


@app.command("explain", short_help="Explain a rule. 解释规则。")
def explain(
    rule: Annotated[str, typer.Argument(metavar="ID", help="A rule's id, or a provision's. 规则或条款的编号。")],
    json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Explain a rule: what it flags, the provision's own words, how certain they are, and how to mend a finding.

    解释一条规则:管什么、条款原文、确定程度、如何补救。
    """
    del lang
    catalog = Catalog.packaged()
    found = [each for each in _sorted(catalog) if rule in {each.id, *each.cites}]
    if not found:
        raise UsageError("rule-unknown", value=rule)
    if json:
        explained = [_as_json(each, catalog) for each in found]
        output.document(explained[0] if len(explained) == 1 else explained)
        return
    for each in found:
        for line in _explained(each, catalog):
            typer.echo(line)


def _sorted(catalog: Catalog) -> list[Rule]:
    return sorted(catalog.rules.values(), key=lambda rule: (rule.house, rule.id))


def _as_json(rule: Rule, catalog: Catalog) -> dict[str, Any]:
    provisions = [_provision_json(catalog.provisions[each], catalog) for each in rule.cites]
    return {**rule.as_json(), "provisions": provisions}


def _provision_json(provision: Provision, catalog: Catalog) -> dict[str, Any]:
    instrument = next(each for each in catalog.instruments.values() if provision in each.provision)
    return {**provision.as_json(), "instrument": instrument.title.as_json(), "source": instrument.source.as_json()}


def _explained(rule: Rule, catalog: Catalog) -> Iterator[str]:
    locale = output.locale()
    yield f"{rule.id}  {rule.title[locale]}"
    yield f"  {rule.message[locale]}"
    yield f"  → {rule.fix[locale]}"
    for cite in rule.cites:
        provision = catalog.provisions[cite]
        instrument = next(each for each in catalog.instruments.values() if provision in each.provision)
        yield f"  {cite}  {instrument.title[locale]} {provision.article}"
        yield f"    「{provision.quote}」" if provision.quote else f"    {provision.zh}"
        if locale == "en":
            yield f"    {provision.en}"
        yield "    " + output.text(
            "provision-line",
            certainty=output.text(f"certainty-{provision.certainty.rstrip('*')}"),
            since=provision.in_force.from_.isoformat() if provision.in_force else "",
            bearers=_listed(tables.ROLES, provision.bearers),
            modality=_listed(_MODALITIES, provision.modality),
        )
        if not provision.quote_verified:
            yield "    " + output.text("quote-not-verified")
    for switch_id in dict.fromkeys((*rule.switches, *((rule.inference.switch,) if rule.inference else ()))):
        switch = catalog.switches[switch_id]
        yield f"  {switch.id}  {switch.question[locale]}"
        yield f"    {switch.default[locale]}  ({switch.source})"


def _listed(codes: Mapping[str, str], names: Iterable[str]) -> str:
    return ("、" if output.locale() == "zh-CN" else ", ").join(output.text(codes[each]) for each in names)
