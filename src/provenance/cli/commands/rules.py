"""`provenance rules`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer

from provenance._resources import labels_root
from provenance.catalog import Catalog
from provenance.catalog.checks import cited_by
from provenance.catalog.coverage import Cases, Coverage, coverage_of, find_provision, read_cases
from provenance.catalog.data import Provision, Rule, Status
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
_STATUSES: Final = {
    "automated": "status-automated",
    "manual": "status-manual",
    "planned": "status-planned",
    "out-of-scope": "status-out-of-scope",
}
Edition = Annotated[
    Path | None,
    typer.Option(
        "--edition",
        metavar="DIR",
        help="Another edition than the packaged one; it is checked as it is read. 另一规则版本,读取时即检查。",
    ),
]

app = typer.Typer(help="The rule edition. 规则版本。")
app.callback(invoke_without_command=True)(output.help_without_command)


@app.command("list", short_help="List the rules. 列出规则。")
def list_rules(edition: Edition = None, json: AsJson = False, lang: Lang = None) -> None:
    """List every rule of the edition.

    列出本版本的全部规则。
    """
    del lang
    catalog = _catalog(edition)
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
    edition: Edition = None,
    json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Explain a rule: what it flags, the provision's own words, how certain they are, and how to mend a finding.

    解释一条规则:管什么、条款原文、确定程度、如何补救。
    """
    del lang
    catalog = _catalog(edition)
    provision = find_provision(catalog, rule)
    cited = rule if provision is None else provision.id
    found = [each for each in _sorted(catalog) if cited in {each.id, *cited_by(each)}]
    if not found and provision is None:
        raise UsageError("rule-unknown", value=rule)
    if json:
        explained = [_as_json(each, catalog) for each in found]
        if provision is not None and not found:
            explained = [_provision_json(provision, catalog)]
        output.document(explained[0] if len(explained) == 1 else explained)
        return
    for each in found:
        for line in _explained(each, catalog):
            typer.echo(line)
    if provision is not None and not found:
        for line in (*_provision_lines(provision, catalog), *_status_lines(provision)):
            typer.echo(line)


@app.command("coverage", short_help="What becomes of each provision? 条款覆盖。")
def coverage(edition: Edition = None, json: AsJson = False, lang: Lang = None) -> None:
    """Show what becomes of every provision: decided by rules, left to people, planned, or out of scope.

    列出每一条款的处理方式:由规则判断、由人判断、计划中,或不在范围内。
    """
    del lang
    catalog = _catalog(edition)
    cases = read_cases(edition or labels_root())
    rows = list(coverage_of(catalog))
    counts = Counter(each.provision.status for each in rows)
    if json:
        output.document(
            {
                "edition": catalog.edition,
                "counts": {status: counts[status] for status in get_args(Status)},
                "provisions": [_coverage_json(each, cases) for each in rows],
            }
        )
        return
    for name in sorted(catalog.instruments):
        typer.echo(f"{name}  {catalog.instruments[name].title[output.locale()]}")
        for each in rows:
            if each.instrument.id == name:
                typer.echo(_coverage_line(each, cases))
    totals = ", ".join(f"{output.text(_STATUSES[status])} {counts[status]}" for status in get_args(Status))
    typer.echo(output.text("coverage-line", edition=catalog.edition, count=len(rows), totals=totals))


def _catalog(edition: Path | None) -> Catalog:
    return Catalog.packaged() if edition is None else Catalog.from_directory(edition)


def _sorted(catalog: Catalog) -> list[Rule]:
    return sorted(catalog.rules.values(), key=lambda rule: (rule.house, rule.id))


def _as_json(rule: Rule, catalog: Catalog) -> dict[str, Any]:
    provisions = [_provision_json(catalog.provisions[each], catalog) for each in rule.cites]
    return {**rule.as_json(), "provisions": provisions}


def _provision_json(provision: Provision, catalog: Catalog) -> dict[str, Any]:
    instrument = catalog.instrument_of(provision.id)
    return {**provision.as_json(), "instrument": instrument.title.as_json(), "source": instrument.source.as_json()}


def _coverage_json(row: Coverage, cases: Cases | None) -> dict[str, Any]:
    provision = row.provision
    return {
        "id": provision.id,
        "aliases": list(provision.aliases),
        "instrument": row.instrument.id,
        "article": provision.article,
        "status": provision.status,
        "reason": provision.reason.as_json() if provision.reason else None,
        "certainty": provision.certainty,
        "in_force": provision.in_force.as_json() if provision.in_force else None,
        "rules": [
            {"id": each.id, "cases": None if cases is None else list(cases.get(each.id, ()))} for each in row.rules
        ],
    }


def _coverage_line(row: Coverage, cases: Cases | None) -> str:
    status = output.text(_STATUSES[row.provision.status])
    told = [each.id if cases is None else _with_cases(each.id, cases) for each in row.rules]
    if row.provision.reason:
        told.append(row.provision.reason[output.locale()])
    return f"  {row.provision.id:<15} {row.provision.certainty:<3} {status}  {', '.join(told)}".rstrip()


def _with_cases(rule: str, cases: Cases) -> str:
    return output.text("rule-with-cases", rule=rule, count=len(cases.get(rule, ())))


def _explained(rule: Rule, catalog: Catalog) -> Iterator[str]:
    locale = output.locale()
    yield f"{rule.id}  {rule.title[locale]}"
    yield f"  {rule.message[locale]}"
    yield f"  → {rule.fix[locale]}"
    for cite in rule.cites:
        yield from _provision_lines(catalog.provisions[cite], catalog)
    for switch_id in dict.fromkeys((*rule.switches, *((rule.inference.switch,) if rule.inference else ()))):
        switch = catalog.switches[switch_id]
        yield f"  {switch.id}  {switch.question[locale]}"
        yield f"    {switch.default[locale]}  ({switch.source})"
        yield f"    {switch.effect[locale]}"


def _provision_lines(provision: Provision, catalog: Catalog) -> Iterator[str]:
    locale = output.locale()
    yield f"  {provision.id}  {catalog.instrument_of(provision.id).title[locale]} {provision.article}"
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


def _status_lines(provision: Provision) -> Iterator[str]:
    yield f"    {output.text(_STATUSES[provision.status])}"
    if provision.reason:
        yield f"    {provision.reason[output.locale()]}"


def _listed(codes: Mapping[str, str], names: Iterable[str]) -> str:
    return ("、" if output.locale() == "zh-CN" else ", ").join(output.text(codes[each]) for each in names)
