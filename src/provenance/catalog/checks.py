"""What a schema cannot say: references that resolve, conditions that fit their rule, texts that can be filled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provenance._messages import fields_of
from provenance.catalog.conditions import (
    Condition,
    ElementHolds,
    EveryAsset,
    EveryLabel,
    FactIs,
    FileSays,
    FormatIs,
    HasLabel,
    HasQualification,
    MediumIs,
    NoticeFlawed,
    NoticeInBody,
    NoticeShown,
    PageLacks,
    RepostChanges,
    SomeAsset,
    TextSays,
    parts_of,
    walk,
)
from provenance.catalog.contents import HOUSE, Contents
from provenance.catalog.data import Evidence, Kind, Rule
from provenance.catalog.facts import ASSET_FACTS
from provenance.errors import DanglingCitation, SchemaViolation
from provenance.model.labels import KIND_TYPES
from provenance.model.report import Localized

# What the engine can put into a finding's texts.
TEXT_FIELDS: Final = frozenset(
    {
        "asset.id",
        "asset.path",
        "account.name",
        "kind",
        "text",
        "surface.zh",
        "surface.en",
        "rules",
        "key",
        "reason.zh",
        "reason.en",
        "stated",
        "found",
        "on",
        "matched",
        "changes.zh",
        "changes.en",
    }
)
HOUSE_RULES: Final = frozenset(
    {
        "undeclared-fact",
        "unreadable-asset",
        "label-not-found-in-file",
        "notice-not-verified",
        "exact-location-in-file",
        "asset-changed",
        "no-rule-in-force",
    }
)


def check_references(contents: Contents) -> None:
    """Raise unless everything the files refer to is there and fits.

    Raises:
        DanglingCitation: a provision, kind, style or switch is missing.
        SchemaViolation: a condition or a text cannot work where it stands.
    """
    if missing := sorted(HOUSE_RULES.difference(contents.jurisdictions[HOUSE])):
        raise SchemaViolation("data-file-missing", path=f"rules/{HOUSE}/{missing[0]}.toml")
    for kind in contents.kinds.values():
        _check_kind(kind, contents)
    _check_platforms(contents)
    for rule in contents.rules.values():
        _check_rule(rule, contents)
    cited = {each for rule in contents.rules.values() for each in cited_by(rule)}
    for provision in contents.provisions.values():
        if (provision.status == "automated") != (provision.id in cited):
            path = f"provisions/*/{contents.instrument_of(provision.id).id}.toml"
            raise SchemaViolation("provision-status", path=path, id=provision.id, value=provision.status)


def cited_by(rule: Rule) -> tuple[str, ...]:
    """Return the ids of every provision a rule may cite, as a duty or as advice."""
    return rule.cites + (rule.prefers.cites + rule.prefers.advised_by if rule.prefers else ())


def _check_platforms(contents: Contents) -> None:
    """Raise unless what is cited and named there is, and no two platforms share a name."""
    where = "vocabulary/declarations.toml"
    for path, cites in ((where, contents.declarations.cites), ("vocabulary/conduct.toml", contents.conduct.cited())):
        if strange := sorted(set(cites).difference(contents.provisions)):
            raise DanglingCitation("citation-dangling", path=path, value=strange[0])
    for kind in (kind for option in contents.declarations.option for kind in option.labels):
        if kind not in contents.kinds:
            raise DanglingCitation("reference-dangling", path=where, value=kind)
    taken: set[str] = set()
    for platform in contents.platforms.values():
        names = {each.casefold() for each in (platform.id, *platform.names)}
        if repeated := taken & names:
            raise SchemaViolation("data-id-repeated", path=f"platforms/{platform.id}.toml", value=min(repeated))
        taken |= names


def _check_kind(kind: Kind, contents: Contents) -> None:
    names = {field.name for field in kind.field}
    where = f"kinds/{kind.id}.toml"
    typed = KIND_TYPES.get(kind.id)
    if typed is not None and names != {info.alias or name for name, info in typed.model_fields.items()} - {"kind"}:
        raise SchemaViolation("kind-fields-differ", path=where, value=kind.id)
    if kind.notice.style is not None and kind.notice.style not in contents.styles:
        raise DanglingCitation("reference-dangling", path=where, value=kind.notice.style)
    if kind.notice.must_say is not None and kind.notice.must_say not in contents.words:
        raise DanglingCitation("reference-dangling", path=where, value=kind.notice.must_say)
    by = {kind.notice.by} if kind.notice.by else set()
    if strange := sorted({*kind.needs_all, *kind.needs_one_of, *by} - names):
        raise DanglingCitation("reference-dangling", path=where, value=strange[0])
    for wording in kind.notice.wording:
        _check_text(wording, {name.partition(".")[0] for name in _fields(wording)} - names, where)


def _check_rule(rule: Rule, contents: Contents) -> None:
    where = f"rules/*/{rule.id}.toml"
    _check_citations(rule, where, contents)
    open_questions = {*rule.switches, *({rule.inference.switch} if rule.inference else ())}
    if strange := sorted(open_questions.difference(contents.switches)):
        raise DanglingCitation("reference-dangling", path=where, value=strange[0])
    for text in _texts(rule):
        _check_text(text, _fields(text) - TEXT_FIELDS, where)
    binding = [contents.binding(cited) for cited in cited_by(rule)]
    for condition in (
        *rule.conditions(),
        *(each for each in binding if each),
        *(each.when for each in _chosen(rule) if each.when),
    ):
        _check_condition(condition, where, contents, in_asset=rule.scope == "asset")
    for text in _chosen(rule):
        if read := [each.fact for each in walk(text.when) if isinstance(each, FactIs)]:
            # A verdict may be certain while a fact is not; what is said to be found must be certain too.
            raise SchemaViolation("evidence-reads-fact", path=where, value=read[0])


def _check_citations(rule: Rule, where: str, contents: Contents) -> None:
    for cited in cited_by(rule):
        if cited not in contents.provisions:
            raise DanglingCitation("citation-dangling", path=where, value=cited)
        if contents.provisions[cited].in_force is None:
            raise SchemaViolation("citation-of-draft", path=where, value=cited)
    if strange := sorted(set(rule.cited_when).difference(rule.cites)):
        raise DanglingCitation("citation-dangling", path=where, value=strange[0])


def _check_condition(condition: Condition, where: str, contents: Contents, *, in_asset: bool) -> None:
    quantified = isinstance(condition, EveryAsset | SomeAsset)
    if quantified and in_asset:
        raise SchemaViolation("condition-out-of-place", path=where, value=next(iter(condition.as_json())))
    if not in_asset and _needs_asset(condition):
        raise SchemaViolation("condition-out-of-place", path=where, value=next(iter(condition.as_json())))
    if in_asset and isinstance(condition, TextSays | HasQualification | NoticeInBody | RepostChanges):
        raise SchemaViolation("condition-out-of-place", path=where, value=next(iter(condition.as_json())))
    for kind, fields in _kinds_in(condition):
        _check_kind_reference(kind, fields, where, contents)
    if strange := sorted(set(_lists_in(condition)).difference(contents.words)):
        raise DanglingCitation("reference-dangling", path=where, value=strange[0])
    for part in parts_of(condition):
        if quantified and any(isinstance(each, FactIs) for each in walk(part)):
            raise SchemaViolation("condition-out-of-place", path=where, value="fact")
        _check_condition(part, where, contents, in_asset=in_asset or quantified)


def _needs_asset(condition: Condition) -> bool:
    match condition:
        case MediumIs() | FormatIs() | NoticeShown() | NoticeFlawed() | ElementHolds() | FileSays():
            return True
        case HasLabel(on=level) | EveryLabel(on=level):
            return level != "post"
        case FactIs(fact=key):
            return key in ASSET_FACTS
        case _:
            return False


def _kinds_in(condition: Condition) -> Iterator[tuple[str, set[str]]]:
    """Yield the label kinds a condition names, each with the fields it asks of it."""
    match condition:
        case HasLabel(label=name, fields=fields, where=where, where_not=where_not):
            yield name, {*fields, *(each.field for each in (*where, *where_not))}
        case EveryLabel(every_label=name, fields=fields) | FileSays(file_says=name, fields=fields):
            yield name, set(fields)
        case NoticeShown(notice=name) | NoticeInBody(body_shows=name) | PageLacks(page_lacks=name):
            yield name, set()
        case NoticeFlawed(flawed=names):
            yield from ((name, set()) for name in names)


def _lists_in(condition: Condition) -> Iterator[str]:
    """Yield the word lists a condition names."""
    match condition:
        case TextSays(says=name):
            yield name
        case HasLabel(where=where, where_not=where_not):
            yield from (each.vague for each in (*where, *where_not) if each.vague is not None)


def _check_kind_reference(name: str, fields: set[str], where: str, contents: Contents) -> None:
    kind = contents.kinds.get(name)
    if kind is None or (strange := sorted(fields - {field.name for field in kind.field})):
        raise DanglingCitation("reference-dangling", path=where, value=name if kind is None else f"{name}.{strange[0]}")


def _texts(rule: Rule) -> Iterator[Localized]:
    yield from (rule.title, rule.message, rule.fix, *_chosen(rule))
    if rule.prefers:
        yield from (rule.prefers.message, rule.prefers.fix)
    if rule.inference:
        yield rule.inference.note


def _chosen(rule: Rule) -> tuple[Evidence, ...]:
    """Return the texts of which a condition chooses one."""
    return (*rule.evidence, *rule.fix_when, *(rule.prefers.fix_when if rule.prefers else ()))


def _fields(text: Localized) -> set[str]:
    return fields_of(text["zh-CN"]) | fields_of(text["en"])


def _check_text(text: Localized, strange: set[str], where: str) -> None:
    if strange:
        raise SchemaViolation("text-field-unknown", path=where, value=min(strange))
    if not (text["zh-CN"].strip() and text["en"].strip()):
        raise SchemaViolation("text-missing", path=where)
