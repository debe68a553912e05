"""One edition of the rule data, typed and checked: the only way the rest of the package sees `labels/`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypeVar

from provenance._messages import Locale
from provenance._resources import labels_root
from provenance.catalog import checks, loading, notices
from provenance.catalog.conduct import Conduct
from provenance.catalog.contents import HOUSE, Contents
from provenance.catalog.data import Carriers, Instrument, Kind, Provision, Rule, SourceTypes, Style, Switches
from provenance.catalog.notices import LEGAL_LOCALE, PlannedNotice
from provenance.catalog.platforms import Declarations, Platform
from provenance.catalog.signatures import PublicKey, require_signature
from provenance.catalog.words import WordList
from provenance.errors import CatalogError, EditionNotFound, InvalidPost, SchemaViolation, UnknownLabelKind, UsageError
from provenance.model.base import Value
from provenance.model.labels import AIGenerated, ExtensionLabel
from provenance.model.post import PlacedLabel, Post

_Named = TypeVar("_Named", Kind, Style, Instrument, Rule, WordList, Platform)
_Sole = TypeVar("_Sole", Carriers, SourceTypes, Switches, Declarations, Conduct)


@dataclass(frozen=True, eq=False)
class Catalog(Contents):
    """One edition, and what can be asked of it."""

    @classmethod
    def packaged(cls) -> Catalog:
        """Return the edition that came with this package; loaded once.

        Raises:
            CatalogError: the package is damaged.
        """
        return _packaged()

    @classmethod
    def from_directory(cls, path: str | Path, *, key: PublicKey | None = None) -> Catalog:
        """Load an edition from a folder laid out as `labels/` is.

        Args:
            path: The folder.
            key: Whose signature it has to carry, as PEM of an Ed25519 public key or as the path of one; without it,
                any edition is taken.

        Raises:
            EditionNotFound: there is no edition, or it holds no rules.
            EditionNotSigned: a key was given, and `EDITION.sig` is missing or not its signature of these files.
            CertificateRejected: the key is not an Ed25519 public key.
            SchemaViolation: a file breaks its schema; the details say which, where and in which line.
            DanglingCitation: something refers to what the edition does not hold.
        """
        return _load(Path(path), key)

    def in_force(self, on: date, jurisdiction: str = "cn") -> tuple[Rule, ...]:
        """Return the rules in force on a day, by id: the jurisdiction's, and the house's, which always are.

        Raises:
            UsageError: the edition holds no rules for that jurisdiction.
        """
        self.require_jurisdiction(jurisdiction)
        legal = [
            rule for rule in map(self.rules.__getitem__, self.jurisdictions[jurisdiction]) if self._holds(rule, on)
        ]
        house = [self.rules[each] for each in self.jurisdictions[HOUSE]]
        return tuple(sorted(legal + house, key=lambda rule: rule.id))

    def require_jurisdiction(self, jurisdiction: str) -> None:
        """Raise `UsageError` unless the edition judges that jurisdiction."""
        if jurisdiction == HOUSE or jurisdiction not in self.jurisdictions:
            known = ", ".join(sorted(set(self.jurisdictions) - {HOUSE}))
            raise UsageError("jurisdiction-unknown", value=jurisdiction[:40], edition=self.edition, known=known)

    def require_kinds(self, post: Post) -> None:
        """Raise unless the edition knows every label kind of `post` and every notice it asks to draw.

        Raises:
            UnknownLabelKind: a label's kind is not in the edition.
            InvalidPost: an extension label breaks its kind, or `draw` names a kind the edition lacks.
        """
        for at, label in enumerate(post.labels):
            self._require(label, f"/labels/{at}")
        for number, asset in enumerate(post.assets):
            for at, label in enumerate(asset.labels):
                self._require(label, f"/assets/{number}/labels/{at}")
            for at, name in enumerate(asset.draw or ()):
                self._require_drawable(name, f"/assets/{number}/draw/{at}")

    def notices_of(
        self, post: Post, media: Sequence[str | None] | None = None, jurisdiction: str = "cn"
    ) -> tuple[PlannedNotice, ...]:
        """Return every notice of `post`, sorted by pointer, kind and surface.

        `media` is what each asset is (``image``, ``video``, ``audio``, `None`); without it all are taken as pictures.
        A sound that carries its notice is none of these: `None`.
        """
        own = [post.own_labels(at) for at in range(len(post.assets))]
        return self.notices_for(
            post.labels_on_post(), own, ["image"] * len(own) if media is None else media, jurisdiction
        )

    def notices_for(
        self,
        on_post: Sequence[PlacedLabel],
        own: Sequence[Sequence[PlacedLabel]],
        media: Sequence[str | None],
        jurisdiction: str = "cn",
    ) -> tuple[PlannedNotice, ...]:
        """Return the notices of a post's labels and of each asset's own, sorted as `notices_of` sorts them."""
        found = notices.planned(on_post, own, self.kinds, media, LEGAL_LOCALE[jurisdiction])
        return tuple(sorted(found, key=lambda each: (each.pointer, each.kind, each.surface)))

    def notice_texts_for(self, post: Post, at: int, jurisdiction: str = "cn") -> tuple[tuple[str, str, str], ...]:
        """Return ``(kind, text, pointer)`` of each notice to draw on asset number `at`; empty when `draw` is ``[]``."""
        return tuple(notices.drawn_on(post, at, self.kinds, LEGAL_LOCALE[jurisdiction]))

    def standard_notices(self, kinds: Iterable[str], jurisdiction: str = "cn") -> tuple[tuple[str, str], ...]:
        """Return ``(kind, text)`` of every standard notice that some of `kinds` have on media."""
        known = [self.kinds[each] for each in sorted(set(kinds)) if each in self.kinds]
        return tuple(notices.standard_texts(known, LEGAL_LOCALE[jurisdiction]))

    def kind_said(self, text: str) -> str | None:
        """Return the kind of label that a text read in a picture is the notice of, if of any."""
        return notices.kind_said(text, self.kinds, self.words)

    def wording(self, label: Value, locale: Locale = "zh-CN") -> str:
        """Return the text of a label's notice."""
        return notices.text_for(self.kinds[str(label.kind)], label, locale)  # type: ignore[attr-defined]

    def source_type(self, origin: str | None, ai_label: AIGenerated | None) -> str | None:
        """Return the URI of the IPTC digital source type of an asset, or `None` when none may be stated."""
        stated = {"origin": origin, "grade": ai_label and ai_label.grade, "extent": ai_label and ai_label.extent}
        for choice in self.source_types.choice:
            wanted = {name: getattr(choice, name) for name in stated}
            if choice.grade == stated["grade"] and all(value in {None, stated[name]} for name, value in wanted.items()):
                return self.source_types.base + choice.type
        return None

    def platform(self, name: str) -> Platform:
        """Return a platform by its id or one of its names, upper or lower case.

        Raises:
            UsageError: the edition does not know it; the error lists those it does.
        """
        wanted = name.strip().casefold()
        for platform in self.platforms.values():
            if wanted in {each.casefold() for each in (platform.id, *platform.names)}:
                return platform
        known = ", ".join(sorted(f"{each.id} ({each.title['zh-CN']})" for each in self.platforms.values()))
        raise UsageError("platform-unknown", value=name[:40], edition=self.edition, known=known)

    def _holds(self, rule: Rule, on: date) -> bool:
        return (
            rule.in_force is not None
            and rule.in_force.covers(on)
            and any(self.provisions[each].covers(on) for each in rule.cites)
        )

    def _require(self, label: Value, pointer: str) -> None:
        name = str(label.kind)  # type: ignore[attr-defined]
        kind = self.kinds.get(name)
        if kind is None:
            known = ", ".join(self.kinds)
            raise UnknownLabelKind(
                "label-kind-unknown", pointer=f"{pointer}/kind", value=name[:80], edition=self.edition, known=known
            )
        if isinstance(label, ExtensionLabel):
            given = label.model_extra or {}
            if strange := sorted(set(given) - {each.name for each in kind.field}):
                raise InvalidPost("key-unknown", pointer=f"{pointer}/{strange[0]}")
            if missing := [each for each in kind.needs_all if given.get(each) is None]:
                raise InvalidPost("key-missing", pointer=f"{pointer}/{missing[0]}")

    def _require_drawable(self, name: str, pointer: str) -> None:
        if name not in self.kinds:
            known = ", ".join(self.kinds)
            raise InvalidPost("draw-kind-unknown", pointer=pointer, value=name[:80], edition=self.edition, known=known)


@cache
def _packaged() -> Catalog:
    return _load(labels_root())


def _load(root: Path, key: PublicKey | None = None) -> Catalog:
    texts = loading.read_texts(root)
    if key is not None:
        require_signature(root, texts, key)
    if {Path(name).parent.name for name in texts if name.startswith("rules/")} <= {HOUSE}:
        raise EditionNotFound("edition-without-rules", path=root)
    try:
        catalog = _assembled(texts)
        checks.check_references(catalog)
    except CatalogError as error:
        raise loading.with_line(error, texts) from None
    return catalog


def _assembled(texts: Mapping[str, str]) -> Catalog:
    files = loading.typed_files(texts)
    instruments = _by_id(files, Instrument)
    return Catalog(
        edition=loading.edition_number(texts),
        kinds=_by_id(files, Kind),
        styles=_by_id(files, Style),
        instruments=instruments,
        provisions=_provisions(instruments),
        rules=_by_id(files, Rule),
        jurisdictions=_jurisdictions(files),
        switches={each.id: each for each in _only(files, "vocabulary/switches.toml", Switches).switch},
        words=_by_id(files, WordList),
        platforms=_by_id(files, Platform),
        declarations=_only(files, "vocabulary/declarations.toml", Declarations),
        conduct=_only(files, "vocabulary/conduct.toml", Conduct),
        carriers=_only(files, "vocabulary/carriers.toml", Carriers),
        source_types=_only(files, "vocabulary/digital-source-type.toml", SourceTypes),
    )


def _by_id(files: Mapping[str, Value], kind: type[_Named]) -> dict[str, _Named]:
    found: dict[str, _Named] = {}
    for name, content in files.items():
        if isinstance(content, kind):
            if content.id != Path(name).stem:
                raise SchemaViolation("data-id-not-file-name", path=name, value=content.id)
            if content.id in found:
                raise SchemaViolation("data-id-repeated", path=name, value=content.id)
            found[content.id] = content
    return found


def _provisions(instruments: Mapping[str, Instrument]) -> dict[str, Provision]:
    found: dict[str, Provision] = {}
    taken: set[str] = set()
    for instrument in instruments.values():
        for at, each in enumerate(instrument.provision):
            if repeated := taken.intersection({each.id, *each.aliases}):
                path, place = f"provisions/*/{instrument.id}.toml", f"/provision/{at}/id"
                raise SchemaViolation("data-id-repeated", path=path, at=place, value=min(repeated))
            taken |= {each.id, *each.aliases}
            found[each.id] = each
    return found


def _jurisdictions(files: Mapping[str, Value]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {HOUSE: ()}
    for name, content in files.items():
        if isinstance(content, Rule):
            folder = Path(name).parent.name
            if content.house != (folder == HOUSE):
                raise SchemaViolation("data-rule-in-wrong-folder", path=name, value=content.id)
            found[folder] = (*found.get(folder, ()), content.id)
    return found


def _only(files: Mapping[str, Value], name: str, kind: type[_Sole]) -> _Sole:
    content = files.get(name)
    if not isinstance(content, kind):
        raise SchemaViolation("data-file-missing", path=name)
    return content
