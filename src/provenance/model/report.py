"""The report of the gate: may this be published, and if not, why and how to mend it (contract, section 3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from provenance.errors import NotPublishable
from provenance.model.base import Value
from provenance.model.notice import Surface

Severity = Literal["blocking", "warning", "advisory"]
Certainty = Literal["S", "V", "V*", "P", "I"]


class Localized(Value):
    """One text in both languages."""

    zh_CN: Annotated[str, Field(alias="zh-CN")]
    en: str

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, populate_by_name=True)

    def __getitem__(self, locale: str) -> str:
        return self.zh_CN if locale == "zh-CN" else self.en


class Finding(Value):
    """One thing to mend: the rule, what it cites, where, what was found, and what to do."""

    rule: str
    severity: Severity
    cites: tuple[str, ...]
    certainty: Certainty | None
    pointer: str
    evidence: Localized
    message: Localized
    fix: Localized


class NoticeStatus(Value):
    """A notice and whether it was found: `present`, `missing` (looked for), or `required` (nowhere to look)."""

    kind: str
    surface: Surface
    pointer: str
    text: str
    status: Literal["present", "missing", "required"]


class NotEvaluated(Value):
    """A rule that could not be decided, with what would decide it: keys of a post, or a list that was not imported."""

    rule: str
    cites: tuple[str, ...]
    needs: tuple[str, ...]


class Report(Value):
    """The gate's answer; `publishable` is `None` for a file without a post."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, title="provenance/report/1", populate_by_name=True
    )

    schema_: Annotated[Literal["provenance/report/1"], Field(alias="schema")] = "provenance/report/1"
    scope: Literal["post", "media"]
    publishable: bool | None
    edition: str
    jurisdiction: str
    checked_on: str
    acting_as: Literal["author", "mcn", "generator", "platform"]
    subject: dict[str, Any]
    findings: tuple[Finding, ...]
    notices: tuple[NoticeStatus, ...]
    not_evaluated: tuple[NotEvaluated, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Return the findings that keep the item from being published."""
        return tuple(each for each in self.findings if each.severity == "blocking")

    def as_json(self) -> dict[str, Any]:
        """Return the report in the shape of the contract."""
        return self.model_dump(mode="json", by_alias=True)

    def raise_for_findings(self) -> None:
        """Raise unless the item is publishable.

        Raises:
            NotPublishable: something blocks it, or the check was of a file without a post; it carries this report.
        """
        if self.publishable is not True:
            code = "not-publishable" if self.publishable is False else "no-publishing-decision"
            rules = ", ".join(dict.fromkeys(each.rule for each in self.blocking))
            raise NotPublishable(code, report=self, count=len(self.blocking), rules=rules)
