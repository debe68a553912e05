"""Results as people read them: one block a file or a finding, the verdict last."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from provenance.attach import Attached, Labelled
from provenance.cli import output
from provenance.model.comparison import Change, Comparison
from provenance.model.notice import Notice
from provenance.model.observation import AigcReading
from provenance.model.report import Finding, NoticeStatus, Report
from provenance.model.verification import FileVerification, Verification

_MARKS: Final = {"blocking": "✗", "warning": "!", "advisory": "·"}
_SIGNER: Final = {"producer": "aigc-by-producer", "propagator": "aigc-by-propagator"}
_SIGNATURE: Final = {
    "intact": "aigc-signature-intact",
    "broken": "aigc-signature-broken",
    "unsupported": "aigc-signature-unsupported",
}
_CHANGE_MARKS: Final = {"lost": "✗", "altered": "!", "added": "+"}
_CHANGES: Final = {"lost": "compare-lost", "altered": "compare-altered", "added": "compare-added"}
_COMPARED: Final = {"notice": "compare-notice", "manifest": "compare-manifest", "aigc": "compare-aigc"}
ROLES: Final = {
    "author": "role-author",
    "mcn": "role-mcn",
    "generator": "role-generator",
    "platform": "role-platform",
}
"""Message codes of the roles."""
_BROKEN: Final = frozenset({"invalid", "unreadable"})
_STATUS_MARKS: Final = {"present": "✓", "missing": "✗", "required": "?"}


def attached_json(done: Attached | Labelled) -> dict[str, Any]:
    """Return what `attach` did as plain JSON data."""
    if isinstance(done, Labelled):
        return {
            "schema": "provenance/attachment/1",
            "path": str(done.path),
            "sha256": done.sha256,
            "sidecars": [str(sidecar) for sidecar in done.sidecars],
            "notices": [notice.as_json() for notice in done.notices],
            "media_change": done.media_change,
            "warnings": [{"code": each.code, "message": output.told(each)} for each in done.warnings],
        }
    return {
        "schema": "provenance/attachment/1",
        "path": str(done.folder),
        "post": done.post.as_json(),
        "assets": [attached_json(asset) for asset in done.assets],
        "manifest": str(done.manifest) if done.manifest else None,
        "pages": [str(page) for page in done.pages],
    }


def print_attached(done: Attached | Labelled) -> None:
    """Print where the labelled files lie and what still has to be shown beside them."""
    for asset in done.assets if isinstance(done, Attached) else (done,):
        _line(f"{asset.path}  {_change(asset)}")
        for sidecar in asset.sidecars:
            _line(str(sidecar))
        for notice in asset.notices:
            _line(f"  {_put_in(notice)}")
    if not isinstance(done, Attached):
        return
    _line(str(done.folder / "post.json"))
    if done.manifest:
        _line(str(done.manifest))
    for page in done.pages:
        _line(str(page))
    if done.post.notices:
        _line(output.text("notices-to-show"))
        for shown in done.post.notices:
            _line(f"  {output.text(f'surface-{shown.surface}')}  {shown.text}  ({shown.pointer})")


def print_report(report: Report) -> None:
    """Print the gate's answer."""
    for finding in report.findings:
        _print_finding(finding)
    for notice in report.notices:
        _line(_notice_line(notice))
    for rule in report.not_evaluated:
        _line(output.text("not-evaluated", rule=rule.rule, cites=", ".join(rule.cites), needs=", ".join(rule.needs)))
    counts = {
        severity: sum(each.severity == severity for each in report.findings)
        for severity in ("blocking", "warning", "advisory")
    }
    verdict = {True: "verdict-publishable", False: "verdict-not-publishable", None: "verdict-none"}[report.publishable]
    _line(
        output.text(
            verdict,
            edition=report.edition,
            date=report.checked_on,
            role=output.text(ROLES[report.acting_as]),
            **counts,
        )
    )


def print_verification(found: Verification) -> None:
    """Print what each file says."""
    for post in found.files:
        for file in (post, *(post.files or ())):
            for line in _file_lines(file):
                _line(line)


def print_comparison(found: Comparison) -> None:
    """Print what became of every label, notice and manifest that changed."""
    for change in found.changes:
        _line(_change_line(change))
    verdict = "compare-survived" if found.survived else "compare-not-survived"
    counts = {each: sum(change.change == each for change in found.changes) for each in _CHANGE_MARKS}
    _line(output.text(verdict, before=found.before, after=found.after, **counts))


def _change_line(change: Change) -> str:
    what = change.kind if change.what == "label" else output.text(_COMPARED[change.what], kind=change.kind)
    head = f"{_CHANGE_MARKS[change.change]} {output.text(_CHANGES[change.change])}  {what}  ({change.carrier})"
    sides = [_fields(_flat(each)) for each in (change.before, change.after) if each]
    return f"{head}  {' → '.join(sides)}"


def _flat(side: Mapping[str, Any]) -> dict[str, Any]:
    """Return one side of a change; of an AIGC element its slot and the texts that are there."""
    if "slot" not in side:
        return dict(side)
    return {"slot": side["slot"], **{key: text for key, text in side["value"].items() if text}}


def _fields(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{field}={_plain(content)}" for field, content in value.items())


def _print_finding(finding: Finding) -> None:
    locale = output.locale()
    cites = f"  [{', '.join(finding.cites)} · {finding.certainty}]" if finding.cites else ""
    severity = output.text(f"severity-{finding.severity}")
    _line(f"{_MARKS[finding.severity]} {severity}  {finding.rule}  {finding.pointer or '/'}{cites}")
    for text in (finding.message[locale], finding.evidence[locale]):
        if text:
            _line(f"    {text}")
    if finding.fix[locale]:
        _line(f"    → {finding.fix[locale]}")


def _notice_line(notice: NoticeStatus) -> str:
    surface = output.text(f"surface-{notice.surface}")
    status = output.text(f"notice-{notice.status}")
    return f"{_STATUS_MARKS[notice.status]} {surface}  {notice.text}  {status}  ({notice.pointer})"


def _file_lines(file: FileVerification) -> Iterator[str]:
    if file.error is not None:
        yield f"{file.path}  {output.text('file-unreadable')}"
        yield f"  {output.text(file.error.code, **file.error.details)}"
        return
    state = output.text("manifest-line", state=file.manifest.state, issuer=file.manifest.issuer)
    yield f"{file.path}  {output.text('file-clean' if file.clean else 'file-not-clean')}  {state}"
    for label in file.labels:
        signed = (
            "" if label.signed is None else f"  [{output.text('label-signed' if label.signed else 'label-stated')}]"
        )
        yield f"  {label.kind}  ({label.carrier})  {_fields(label.value)}{signed}"
    if identity := file.manifest.identity:
        yield f"  {output.text('identity-line', name=identity['name'], state=identity['state'])}"
    yield from _ingredient_lines(file.manifest.ingredients)
    for notice in file.notices:
        key = "notice-measured" if notice.found else "notice-not-found" if notice.stated else "notice-too-weak"
        measured = {"height": _percent(notice.height_ratio), "contrast": notice.contrast and round(notice.contrast, 1)}
        yield f"  {output.text(key, text=notice.text, **measured)}"
        if notice.font_in_doubt:
            yield f"    {output.text('notice-font-in-doubt', extra='provenance-labels[fonts]')}"
    yield from _aigc_lines(file.aigc)
    for conflict in file.conflicts:
        sides = "; ".join(f"{each.carrier} ({each.location}): {_plain(each.value)}" for each in conflict.values)
        yield f"  {output.text('conflict-line', kind=conflict.kind, field=conflict.field, sides=sides)}"
    if not file.clean and file.manifest.codes:
        yield f"  {', '.join(file.manifest.codes)}"


def _ingredient_lines(ingredients: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield those whose own manifest does not hold: the manifest around them says nothing of it."""
    for each in ingredients:
        if each["state"] in _BROKEN:
            yield f"  {output.text('ingredient-broken', title=each['title'], state=each['state'])}"


def _aigc_lines(found: AigcReading) -> Iterator[str]:
    for element in found.elements:
        if element.problems:
            yield f"  {output.text('aigc-problems', slot=element.slot, problems=', '.join(element.problems))}"
        for signature in element.signatures:
            by = output.text(_SIGNER[signature.by])
            yield f"  {output.text(_SIGNATURE[signature.state], by=by, algorithm=signature.algorithm)}"
    if found.count > 1:
        yield f"  {output.text('aigc-count', count=found.count)}"


def _change(asset: Labelled) -> str:
    beside = asset.notices and all(notice.box is None for notice in asset.notices)
    code = f"media-change-{asset.media_change}"
    return output.text(
        f"{code}-beside" if beside and asset.media_change in {"blocks", "head"} else code, method=asset.method
    )


def _put_in(notice: Notice) -> str:
    """Say where a notice is: in the picture, in the sound, or in the text."""
    seconds = notice.seconds
    times = {}
    if seconds and seconds.end is not None:
        times = {"start": f"{seconds.start:g}", "end": f"{seconds.end:g}"}
    elif seconds and seconds.start:
        times = {"since": f"{seconds.start:g}"}
    if notice.box is None:
        return output.text("notice-heard" if seconds else "notice-written", text=notice.text, **times)
    return output.text("notice-drawn", text=notice.text, **times)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_plain(inner) for inner in value.values())
    # Values come from files anybody may have written: no terminal sequence of theirs reaches the screen.
    return "".join(character if character.isprintable() else "�" for character in str(value))


def _percent(ratio: float | None) -> str | None:
    return None if ratio is None else f"{ratio:.1%}"


def _line(text: str) -> None:
    sys.stdout.write("".join(c if c.isprintable() else "�" for c in text) + "\n")
