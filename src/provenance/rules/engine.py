"""The gate: a post or a file, what was observed of its finished files, an edition and a day give a report.

Pure: nothing here reads a file, a clock or the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from pathlib import PurePath
from typing import Any, Final, Literal

from provenance.catalog import Catalog
from provenance.catalog.facts import ASSET_FACTS, FACTS
from provenance.model.observation import Observation
from provenance.model.post import Post
from provenance.model.report import Finding, Localized, NotEvaluated, NoticeStatus, Report
from provenance.rules import house
from provenance.rules.guards import tokens_of_fact, tokens_of_post
from provenance.rules.judges import Bench, Judge, Texts, Verdict, bench_for
from provenance.rules.matched import changes_shown, matched
from provenance.rules.texts import localized
from provenance.rules.views import NO_FACTS, Case, Facts, View, case_of, view_of_file
from provenance.text.visible import Shown

NEEDS_SOURCES: Final = "provenance sources import"
"""What `not_evaluated` says a rule needs that asks for the list of news source units, where none was imported."""


def evaluate(  # noqa: PLR0913 - all that a verdict rests on
    post: Post,
    observations: Sequence[Observation],
    catalog: Catalog,
    *,
    on: date,
    jurisdiction: str = "cn",
    sources: frozenset[str] | None = None,
    pages: Sequence[Shown] = (),
) -> Report:
    """Judge a post by what was observed of its finished files, one observation an asset, in the order of its assets.

    `sources` are the keys (`text.name_key`) of the names on the list of news source units. Without a list, a rule that
    asks for it and could find something is left to a person: it stands in `not_evaluated`. `pages` are what a reader
    sees of the pages that show the post, where there are any: a notice that stands on none of them is missing.

    Raises:
        UsageError: the edition does not judge that jurisdiction.
        UnknownLabelKind: the edition does not know a label's kind.
        InvalidPost: an extension label or `draw` breaks the edition's kinds.
        ValueError: there is not one observation for each asset.
    """
    if len(observations) != len(post.assets):
        raise ValueError(f"{len(observations)} observations for {len(post.assets)} assets")
    bench = bench_for(catalog, jurisdiction, on)
    catalog.require_kinds(post)
    case = case_of(post, observations, catalog, jurisdiction, on, sources=sources, pages=pages)
    notices = tuple(_statuses(case))
    findings, missing, manual = _heard(bench, case, post, sources)
    findings += house.undeclared(catalog, missing)
    findings += house.in_files(catalog, post, case, observations)
    findings += house.unverified(catalog, notices)
    if not (bench.post.every or bench.asset.every):
        findings.append(house.house_finding(catalog, "no-rule-in-force", "", {"on": on.isoformat()}))
    return Report(
        scope="post",
        publishable=not any(each.severity == "blocking" for each in findings),
        edition=catalog.edition,
        jurisdiction=jurisdiction,
        checked_on=on.isoformat(),
        acting_as=post.acting_as,
        subject=_subject(post, observations),
        findings=_sorted(findings),
        notices=notices,
        not_evaluated=tuple(manual),
    )


def _heard(
    bench: Bench, case: Case, post: Post, sources: frozenset[str] | None
) -> tuple[list[Finding], dict[str, list[str]], list[NotEvaluated]]:
    """Return what the judges find, which rules each absent fact leaves undecided, and what is left to a person."""
    missing: dict[str, list[str]] = {}
    findings: list[Finding] = []
    manual: list[NotEvaluated] = []
    for judge, view, facts, at in _hearings(bench, case):
        verdict, absent = judge.decide(view, facts, post.acting_as)
        if judge.reads_sources and sources is None:
            if verdict is not None or absent:
                manual.append(NotEvaluated(rule=judge.rule.id, cites=_cites(judge), needs=(NEEDS_SOURCES,)))
            continue
        for key in absent:
            missing.setdefault(FACTS[key].pointer.format(at=at), []).append(judge.rule.id)
        if verdict is not None:
            findings.append(_finding(judge, verdict, view, *_place(post, at, judge)))
    return findings, missing, manual


def _place(post: Post, at: int, judge: Judge) -> tuple[str, dict[str, object]]:
    """Return where a finding about asset number `at`, or the post, points, and what its texts may name."""
    asset = post.assets[at] if at >= 0 else None
    pointer = f"/assets/{at}{judge.rule.pointer}" if at >= 0 else judge.rule.pointer
    return pointer, {"asset": asset, "account": post.account}


def _subject(post: Post, observations: Sequence[Observation]) -> dict[str, Any]:
    assets = [{"pointer": f"/assets/{at}", "sha256": seen.sha256} for at, seen in enumerate(observations)]
    return {"id": post.id, "assets": assets}


def evaluate_media(observation: Observation, catalog: Catalog, *, on: date, jurisdiction: str = "cn") -> Report:
    """Judge a file without its post, as an author: only what the file alone can decide; no publishing decision.

    It is a file that could be read. Its labels are what its own carriers say; every fact, the declaration and the
    labels of the post are unknown.

    Raises:
        UsageError: the edition does not judge that jurisdiction.
    """
    bench = bench_for(catalog, jurisdiction, on)
    view = view_of_file(observation, catalog)
    name = PurePath(observation.path).name
    fields: dict[str, object] = {"asset": {"id": name, "path": name}}
    findings: list[Finding] = []
    open_rules = [NotEvaluated(rule=each.rule.id, cites=_cites(each), needs=_needs(each)) for each in bench.post.every]
    facts = Facts(acting_as="author")
    for judge in bench.asset.every:
        verdict, absent = judge.decide(view, facts, "author")
        if absent:
            needs = tuple(FACTS[key].pointer.format(at=0) for key in absent)
            open_rules.append(NotEvaluated(rule=judge.rule.id, cites=_cites(judge), needs=needs))
        if verdict is not None:
            findings.append(_finding(judge, verdict, view, judge.rule.pointer, fields))
    if observation.exact_location:
        findings.append(house.house_finding(catalog, "exact-location-in-file", "", fields))
    return Report(
        scope="media",
        publishable=None,
        edition=catalog.edition,
        jurisdiction=jurisdiction,
        checked_on=on.isoformat(),
        acting_as="author",
        subject={"path": observation.path, "sha256": observation.sha256},
        findings=_sorted(findings),
        notices=(),
        not_evaluated=tuple(sorted(open_rules, key=lambda each: each.rule)),
    )


def _hearings(bench: Bench, case: Case) -> Iterator[tuple[Judge, View, Facts, int]]:
    """Yield every judge that a case gives cause to, with what to judge and the number of the asset (-1: the post)."""
    of_post = tokens_of_post(case.view, case.facts)
    of_assets = [
        [*view.tokens(), *(token for key in ASSET_FACTS for token in tokens_of_fact(key, facts))]
        for view, facts in zip(case.view.assets, case.asset_facts, strict=True)
    ]
    for judge in (*bench.post.unguarded, *bench.post.called({*of_post, *chain(*of_assets)}).values()):
        yield judge, case.view, case.facts, -1
    shared = bench.asset.called(of_post)
    for at, tokens in enumerate(of_assets):
        view = case.view.assets[at]
        for judge in (*bench.asset.unguarded, *{**shared, **bench.asset.called(tokens)}.values()):
            if judge.media is None or view.medium in judge.media:
                yield judge, view, case.asset_facts[at], at


def _finding(judge: Judge, verdict: Verdict, view: View, pointer: str, fields: dict[str, object]) -> Finding:
    rule = judge.rule
    if judge.finders:
        fields = {**fields, "matched": "、".join(matched(judge.finders, view))}
    if judge.reads_changes and view.said is not None:
        fields = {**fields, "changes": changes_shown(view.said.changes)}
    says = rule.prefers.message if verdict.preferred and rule.prefers else rule.message
    evidence = localized(_chosen(judge.evidence, view), fields)
    if verdict.certainty == "I" and rule.inference is not None:
        note = rule.inference.note
        evidence = Localized(zh_CN=evidence["zh-CN"] + note["zh-CN"], en=f"{evidence['en']} {note['en']}")
    return Finding(
        rule=rule.id,
        severity=verdict.severity,
        cites=verdict.cites,
        certainty=verdict.certainty,
        pointer=pointer,
        evidence=evidence,
        message=localized(says, fields),
        fix=localized(_chosen(judge.preferred_fixes if verdict.preferred else judge.fixes, view), fields),
    )


def _chosen(texts: Texts, view: View) -> Localized:
    # The conditions of texts never read facts (the catalog sees to it), so none are needed here.
    return next(text for check, text in texts if check is None or check(view, NO_FACTS))


def _statuses(case: Case) -> Iterable[NoticeStatus]:
    for each in case.notices:
        if each.surface == "media":
            shown = all((each.kind, each.text) in case.readable[at] for at in each.assets)
            status: Literal["present", "missing", "required"] = "present" if shown else "missing"
        else:
            status = case.said.status(each)
        yield NoticeStatus(kind=each.kind, surface=each.surface, pointer=each.pointer, text=each.text, status=status)


def _cites(judge: Judge) -> tuple[str, ...]:
    return tuple(each.id for each in judge.duties)


def _needs(judge: Judge) -> tuple[str, ...]:
    labels = ("/labels",) if judge.reads_labels else ()
    return tuple(sorted({FACTS[key].pointer for key in judge.keys}.union(labels)))


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda each: (each.pointer, each.rule)))
