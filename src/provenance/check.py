"""The gate: read the finished files, then ask the rules whether the item may be published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from provenance import rules
from provenance.catalog import Catalog
from provenance.errors import AssetNotFound
from provenance.model.observation import FileError, Observation
from provenance.model.post import Post
from provenance.model.report import Report
from provenance.observe import observe, observed

Progress = Callable[[int, int, str], None]
# All of China keeps one clock, without summer time; a fixed offset needs no time-zone database.
_BEIJING: Final = timezone(timedelta(hours=8))


def check_post(
    post: Post,
    *,
    catalog: Catalog,
    on: date | None = None,
    jurisdiction: str = "cn",
    sources: frozenset[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judge a post by its finished files.

    Args:
        post: The post; its asset paths are relative to its folder.
        catalog: The rule edition.
        on: The date whose rules apply; today in the jurisdiction by default.
        jurisdiction: Whose rules.
        sources: The keys of the list of news source units, where there is one.
        progress: Called with assets done, assets in all, and the name of the next.

    Raises:
        UnknownLabelKind: the edition lacks a kind the post uses.
        InvalidPost: an asset's path leads outside the post's folder.
        CatalogError: the edition has no rules for the jurisdiction.
    """
    catalog.require_kinds(post)
    observations = []
    for index, asset in enumerate(post.assets):
        if progress:
            progress(index, len(post.assets), asset.path)
        observations.append(_observed(post, index))
    return rules.evaluate(post, observations, catalog, on=on or today(), jurisdiction=jurisdiction, sources=sources)


def check_media(path: Path, *, catalog: Catalog, on: date | None = None, jurisdiction: str = "cn") -> Report:
    """Run the rules that one finished file alone can decide; never a publishing decision.

    Raises:
        AssetNotFound: the file cannot be opened.
        MediaError: it is not supported, or damaged.
    """
    return rules.evaluate_media(observed(path), catalog, on=on or today(), jurisdiction=jurisdiction)


def today() -> date:
    """Return the date in Beijing, by which Chinese rules come into force."""
    return datetime.now(_BEIJING).date()


def _observed(post: Post, index: int) -> Observation:
    shown_as = post.assets[index].path
    try:
        path = post.asset_path(index)
    except AssetNotFound as error:
        details = {key: str(value) for key, value in error.details.items()}
        return Observation(
            path=shown_as, error=FileError(code=error.code, message=error.diagnostics(), details=details)
        )
    return observe(path, shown_as=shown_as)
