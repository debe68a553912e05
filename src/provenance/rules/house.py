"""The house's own findings: what keeps the gate from judging, and what a reader should know beside the law."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final

from provenance._messages import message
from provenance.catalog import Catalog
from provenance.model.observation import FileError, Observation
from provenance.model.post import Post
from provenance.model.report import Finding, NoticeStatus
from provenance.rules.texts import localized
from provenance.rules.views import Case

_ON_PAGES: Final = {"required": "notice-not-verified", "missing": "notice-not-on-page"}


def house_finding(catalog: Catalog, rule_id: str, pointer: str, fields: Mapping[str, object]) -> Finding:
    """Return a finding of a house rule; its severity is the same for every role."""
    rule = catalog.rules[rule_id]
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        cites=(),
        certainty=None,
        pointer=pointer,
        evidence=localized(rule.evidence[0], fields),
        message=localized(rule.message, fields),
        fix=localized(rule.fix, fields),
    )


def undeclared(catalog: Catalog, missing: Mapping[str, Iterable[str]]) -> Iterator[Finding]:
    """Yield one finding for each absent key, naming the rules it leaves undecided."""
    for pointer, rules in missing.items():
        fields = {"key": pointer, "rules": ", ".join(sorted(set(rules)))}
        yield house_finding(catalog, "undeclared-fact", pointer, fields)


def unverified(catalog: Catalog, notices: Iterable[NoticeStatus]) -> Iterator[Finding]:
    """Yield one warning for each notice that a page has to show: nobody looked at one, or it is not there."""
    for notice in notices:
        rule = _ON_PAGES.get(notice.status) if notice.surface != "media" else None
        if rule is not None:
            fields = {"surface": _surface(notice.surface), "text": notice.text}
            yield house_finding(catalog, rule, notice.pointer, fields)


def in_files(catalog: Catalog, post: Post, case: Case, observations: Iterable[Observation]) -> Iterator[Finding]:
    """Yield what the finished files themselves show."""
    of_post = [(each, each.value()) for each in case.on_post]
    for at, (asset, seen) in enumerate(zip(post.assets, observations, strict=True)):
        fields = {"asset": asset}
        if seen.error is not None:
            yield house_finding(
                catalog, "unreadable-asset", f"/assets/{at}", {**fields, "reason": _reason(seen.error, asset.path)}
            )
            continue
        replaced = {each.kind for each in case.own[at]}
        own = [(each, each.value()) for each in case.own[at]]
        for placed, value in own + [each for each in of_post if each[0].kind not in replaced]:
            # Nearly always one carrier holds exactly this; only else do the carriers have to be put together.
            if value not in case.stated[at].get(placed.kind, ()) and not seen.holds(placed.kind, value):
                yield house_finding(catalog, "label-not-found-in-file", placed.pointer, {**fields, "kind": placed.kind})
        if seen.exact_location:
            yield house_finding(catalog, "exact-location-in-file", f"/assets/{at}", fields)
        if asset.sha256 is not None and asset.sha256 != seen.sha256:
            stated = {"stated": asset.sha256, "found": seen.sha256}
            yield house_finding(catalog, "asset-changed", f"/assets/{at}/sha256", {**fields, **stated})


def _reason(error: FileError, path: str) -> dict[str, str]:
    """Say in both languages what keeps the file from being read, naming it once and as the post does."""
    details = {**error.details, "path": path}
    zh, en = message(error.code, "zh-CN", details), message(error.code, "en", details)
    if error.code in {zh, en}:
        # A code without a text: what the reader of the file said is all there is.
        zh = en = error.message
    return {"zh": zh if path in zh else f"{path}:{zh}", "en": en if path in en else f"{path}: {en}"}


@cache
def _surface(name: str) -> dict[str, str]:
    return {"zh": message(f"surface-{name}", "zh-CN", {}), "en": message(f"surface-{name}", "en", {})}
