"""What a post's pages have to show, surface by surface: the one source of its notices in HTML, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provenance._messages import Locale, message
from provenance.catalog import Catalog, PlannedNotice
from provenance.catalog.notices import LEGAL_LOCALE
from provenance.model.notice import Surface
from provenance.model.post import Post, Qualification
from provenance.model.times import shown

SCHEMA: Final = "provenance/notices/1"
# The field of a kind's label that leads further, and the message that names it.
_LINKS: Final = {
    "source": ("url", "page-link-source"),
    "disputed": ("url", "page-link-dispute"),
    "rumor": ("debunk_url", "page-link-debunk"),
}
_DETAILS: Final = {"source": "page-detail-source", "disputed": "page-detail-disputed", "rumor": "page-detail-rumor"}
# What has to be seen before the content stands before everything else (MIN2026-1).
_FIRST: Final = ("minors-risk",)
_PLAIN_STYLE: Final = "plate"


@dataclass(frozen=True, slots=True)
class Link:
    """Where a notice leads: an absolute http(s) address, and what it is called."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """One notice on one page.

    Attributes:
        kind: The label kind it is the notice of.
        surface: ``post``, ``account`` or ``player``.
        pointer: Its label in the post file.
        text: The notice itself, to be shown whole.
        asset: The id of the asset beside which it stands; None for the post itself.
        detail: What the label says beyond it, for a second line; empty where nothing.
        links: Where it leads.
        overlay: For a player, where and when: ``anchor``, ``seconds`` and ``min_height_ratio`` of the short side.
    """

    kind: str
    surface: Surface
    pointer: str
    text: str
    asset: str | None = None
    detail: str = ""
    links: tuple[Link, ...] = ()
    overlay: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        plain = {
            "surface": self.surface,
            "kind": self.kind,
            "pointer": self.pointer,
            "asset": self.asset,
            "text": self.text,
            "detail": self.detail or None,
            "links": [{"url": link.url, "text": link.text} for link in self.links],
        }
        return plain if self.overlay is None else {**plain, "overlay": dict(self.overlay)}


@dataclass(frozen=True, slots=True)
class Account:
    """The account's card: its name, its domains by id and title, and its credentials."""

    id: str
    name: str
    domains: tuple[tuple[str, str], ...]
    qualifications: tuple[Qualification, ...]

    @property
    def verified(self) -> tuple[Qualification, ...]:
        """Return the credentials that may be shown as such (SM2023-02-1); the others are data only."""
        return tuple(each for each in self.qualifications if each.status == "verified")

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "id": self.id,
            "name": self.name,
            "domains": [{"id": each, "title": title} for each, title in self.domains],
            "qualifications": [each.as_json() for each in self.qualifications],
        }


@dataclass(frozen=True, slots=True)
class Section:
    """The notices that stand together: what for, beside which asset, under which heading."""

    name: str
    asset: str | None
    heading: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that a post's pages have to show.

    Attributes:
        post: The post's id.
        edition: The rule edition whose words these are.
        locale: The language of the notices.
        notes: The notices of the post's page, of the player and of the account's page, in this order.
        account: The account's card.
        json_ld: What else says it to machines: schema.org ClaimReview of rumors and disputes.
    """

    post: str
    edition: str
    locale: Locale
    notes: tuple[Note, ...]
    account: Account
    json_ld: tuple[Mapping[str, Any], ...] = ()

    def sections(self) -> Iterator[Section]:
        """Yield the notices page by page: the post's, beside each of its assets, the player's, the account's."""
        post = [each for each in self.notes if each.surface == "post"]
        yield self._section("post", [each for each in post if each.asset is None])
        for asset in dict.fromkeys(each.asset for each in post if each.asset is not None):
            yield self._section("asset", [each for each in post if each.asset == asset], asset)
        if overlaid := [each for each in self.notes if each.surface == "player"]:
            yield self._section("player", overlaid)
        yield self._section("account", [each for each in self.notes if each.surface == "account"])

    def say(self, code: str, **fields: object) -> str:
        """Return a text of the pages in the language of the notices."""
        return message(code, self.locale, fields)

    def domains(self) -> str:
        """Return the account's domains in one line; empty where it has none."""
        titles = self.say("page-list-mark").join(title for _, title in self.account.domains)
        return self.say("page-domains", domains=titles) if titles else ""

    def credentials(self) -> list[str]:
        """Return each credential that may be shown as such, with its domain and its last valid day."""
        return [
            self.say(
                "page-qualification",
                name=each.name,
                domain=self.say(f"page-domain-{each.domain}"),
                expires=each.expires,
            )
            for each in self.account.verified
        ]

    def _section(self, name: str, notes: Sequence[Note], asset: str | None = None) -> Section:
        return Section(name, asset, self.say(f"page-{name}", asset=asset), tuple(notes))

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON data, for apps that draw their own pages."""
        return {
            "schema": SCHEMA,
            "post": self.post,
            "edition": self.edition,
            "language": self.locale,
            "notices": [note.as_json() for note in self.notes],
            "account": self.account.as_json(),
            "json_ld": [dict(each) for each in self.json_ld],
        }


def sheet_of(
    post: Post,
    planned: Sequence[PlannedNotice],
    *,
    catalog: Catalog,
    json_ld: Sequence[Mapping[str, Any]] = (),
    jurisdiction: str = "cn",
) -> Sheet:
    """Gather what the pages of a post have to show.

    Args:
        post: The post.
        planned: Its notices on every surface, as `Catalog.notices_of` returns them.
        catalog: The rule edition.
        json_ld: JSON-LD to publish beside them.
        jurisdiction: Whose language the notices are in.
    """
    locale = LEGAL_LOCALE[jurisdiction]
    labels = {each.pointer: each.label.fields() for each in _every_label(post)}
    notes = [_note(each, labels[each.pointer], post, catalog, locale) for each in planned if each.surface != "media"]
    surfaces = ("post", "player", "account")
    notes.sort(key=lambda each: (surfaces.index(each.surface), each.kind not in _FIRST))
    account = post.account
    return Sheet(
        post=post.id,
        edition=catalog.edition,
        locale=locale,
        notes=tuple(notes),
        account=Account(
            account.id,
            account.name,
            tuple((each, message(f"page-domain-{each}", locale, {})) for each in account.domains or ()),
            account.qualifications,
        ),
        json_ld=tuple(json_ld),
    )


def _every_label(post: Post) -> Iterator[Any]:
    yield from post.labels_on_post()
    for at in range(len(post.assets)):
        yield from post.own_labels(at)


def _note(planned: PlannedNotice, label: Mapping[str, Any], post: Post, catalog: Catalog, locale: Locale) -> Note:
    times = {name: shown(label[name]) for name in ("at", "time", "published_at") if isinstance(label.get(name), str)}
    detail = message(_DETAILS[planned.kind], locale, {**label, **times}) if planned.kind in _DETAILS else ""
    return Note(
        kind=planned.kind,
        surface=planned.surface,
        pointer=planned.pointer,
        text=planned.text,
        asset=_asset_of(planned.pointer, post),
        detail=" ".join(detail.split()),
        links=tuple(_links(planned.kind, label, locale)),
        overlay=_overlay(planned.kind, catalog) if planned.surface == "player" else None,
    )


def _asset_of(pointer: str, post: Post) -> str | None:
    where = pointer.split("/")
    return post.assets[int(where[2])].id if where[1] == "assets" else None


def _links(kind: str, label: Mapping[str, Any], locale: Locale) -> Iterator[Link]:
    field, code = _LINKS.get(kind, ("", ""))
    if url := label.get(field):
        yield Link(str(url), message(code, locale, {}))


def _overlay(kind: str, catalog: Catalog) -> dict[str, Any]:
    style = catalog.styles[catalog.kinds[kind].notice.style or _PLAIN_STYLE]
    return {
        "anchor": style.position,
        "seconds": {"start": 0, "end": None},
        "min_height_ratio": style.min_height_ratio,
    }
