"""The gate: read the finished files, then ask the rules whether the item may be published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from provenance import rules
from provenance.catalog import Catalog
from provenance.errors import AssetNotFound
from provenance.model.notice import Notice, NoticeReading
from provenance.model.observation import FileError, Observation
from provenance.model.post import Post
from provenance.model.report import Report
from provenance.notices.safe_area import Area, area_of, fills_screen, outside
from provenance.observe import Sought, observe, observed
from provenance.pages import read_page

Progress = Callable[[int, int, str], None]
# All of China keeps one clock, without summer time; a fixed offset needs no time-zone database.
_TRACED: Final = "ai-generated"  # a platform looks for its notice on whatever it is handed (AIGC-M-6-3)
_BEIJING: Final = timezone(timedelta(hours=8))


def check_post(  # noqa: PLR0913 - the whole use case
    post: Post,
    *,
    catalog: Catalog,
    on: date | None = None,
    jurisdiction: str = "cn",
    sources: frozenset[str] | None = None,
    rendered: Sequence[Path] = (),
    platform: str | None = None,
    ocr: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Judge a post by its finished files.

    Args:
        post: The post; its asset paths are relative to its folder.
        catalog: The rule edition.
        on: The date whose rules apply; today in the jurisdiction by default.
        jurisdiction: Whose rules.
        sources: The keys of the list of news source units, where there is one.
        rendered: Pages that show the post, its account or its player, as they are shown: what they have to show and
            the body does not is looked for in them.
        platform: By its id or one of its names; None asks of no platform's controls whether they cover a notice.
        ocr: Read what stands in pictures, for notices in words that nothing states.
        progress: Called with assets done, assets in all, and the name of the next.

    Raises:
        UsageError: the edition does not know the platform.
        UnknownLabelKind: the edition lacks a kind the post uses.
        InvalidPost: an asset's path leads outside the post's folder.
        CatalogError: the edition has no rules for the jurisdiction.
        AssetNotFound: a page cannot be opened.
        MediaError: a page is no text, too large, or in an unknown encoding.
    """
    catalog.require_jurisdiction(jurisdiction)
    catalog.require_kinds(post)
    controls = _controls(platform, catalog)
    seen = [read_page(path).seen for path in rendered]
    observations = []
    for index, asset in enumerate(post.assets):
        if progress:
            progress(index, len(post.assets), asset.path)
        observations.append(controls(_observed(post, index, _sought(post, index, catalog, jurisdiction, ocr=ocr))))
    day = on or today()
    return rules.evaluate(post, observations, catalog, on=day, jurisdiction=jurisdiction, sources=sources, pages=seen)


def check_media(
    path: Path,
    *,
    catalog: Catalog,
    on: date | None = None,
    jurisdiction: str = "cn",
    platform: str | None = None,
    ocr: bool = False,
) -> Report:
    """Run the rules that one finished file alone can decide; never a publishing decision. See `check_post`.

    Raises:
        UsageError: the edition does not know the platform.
        AssetNotFound: the file cannot be opened.
        MediaError: it is not supported, or damaged.
    """
    catalog.require_jurisdiction(jurisdiction)
    sought = Sought(catalog.standard_notices(catalog.kinds, jurisdiction), catalog.kind_said if ocr else None)
    seen = _controls(platform, catalog)(observed(path, sought=sought))
    return rules.evaluate_media(seen, catalog, on=on or today(), jurisdiction=jurisdiction)


def today() -> date:
    """Return the date in Beijing, by which Chinese rules come into force."""
    return datetime.now(_BEIJING).date()


def _sought(post: Post, index: int, catalog: Catalog, jurisdiction: str, *, ocr: bool) -> Sought:
    """Return the notices that an asset should show, whatever its record says: of its labels' kinds, in any wording."""
    kinds = {each.kind for each in post.labels_on_asset(index)}
    if post.acting_as == "platform":
        kinds.add(_TRACED)
    return Sought(catalog.standard_notices(kinds, jurisdiction), catalog.kind_said if ocr else None)


def _observed(post: Post, index: int, sought: Sought) -> Observation:
    shown_as = post.assets[index].path
    try:
        path = post.asset_path(index)
    except AssetNotFound as error:
        details = {key: str(value) for key, value in error.details.items()}
        return Observation(
            path=shown_as, error=FileError(code=error.code, message=error.diagnostics(), details=details)
        )
    return observe(path, shown_as=shown_as, sought=sought)


def _controls(platform: str | None, catalog: Catalog) -> Callable[[Observation], Observation]:
    """Return what notes in an observation which notices a platform's controls may cover.

    Raises:
        UsageError: the edition does not know the platform.
    """
    if platform is None:
        return lambda seen: seen
    area = area_of(catalog.platform(platform).safe_area)

    def noted(seen: Observation) -> Observation:
        readings = tuple(each.model_copy(update={"under_controls": _under(each, seen, area)}) for each in seen.notices)
        return seen.model_copy(update={"notices": readings})

    return noted


def _under(reading: NoticeReading, seen: Observation, area: Area) -> bool | None:
    if reading.box is None or not (seen.width and seen.height) or not fills_screen(seen.width, seen.height):
        return None
    notice = Notice(kind=reading.kind, text=reading.text, box=reading.box)
    return bool(outside([notice], seen.width, seen.height, area))
