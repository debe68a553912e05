"""One HTML page that shows a preview under what the controls of players cover: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Final

from provenance._messages import Locale, message
from provenance.catalog import Catalog
from provenance.catalog.data import SafeArea
from provenance.model.notice import Notice
from provenance.preview.picture import Preview

_STYLE: Final = "plate"
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_WHAT: Final = {"image": "preview-what-image", "video": "preview-what-video"}
_COLUMNS: Final = ("preview-column-text", "preview-column-box", "preview-column-seconds")
_NO_PLAYER: Final = frozenset({"cac"})  # labels that a regulator asks for, on any platform


@dataclass(frozen=True, slots=True)
class _Profile:
    """What covers a picture the same way: on which platforms, and how sure that is."""

    names: tuple[str, ...]
    area: SafeArea
    own: bool


def page(found: Preview, *, catalog: Catalog, locale: Locale, platform: str | None = None) -> str:
    """Return the page.

    Args:
        found: What is shown.
        catalog: The rule edition, which knows the platforms.
        locale: The language of the page.
        platform: The only platform to show; by default all.

    Raises:
        UsageError: the edition does not know the platform.
    """
    from provenance.notices import safe_area

    figures, remark = [_plain(found, locale)], f"<p>{_text('preview-not-tall', locale)}</p>"
    if safe_area.fills_screen(found.width, found.height):
        profiles = _profiles(catalog, locale, platform)
        figures += [_figure(found, each, locale) for each in profiles]
        remark = f"<p>{_text('preview-legend', locale)}</p>"
    title = _text("preview-title", locale, name=found.path.name)
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="{locale}">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="robots" content="noindex">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{title}</title>",
            f"<style>\n{(files('provenance.preview') / 'page.css').read_text(encoding='utf-8')}</style>",
            "</head>",
            "<body>",
            "<main>",
            f"<h1>{title}</h1>",
            f"<p>{_text(_WHAT[found.media], locale, width=found.width, height=found.height)}</p>",
            *(f'<p class="warning" role="note">{escape(each.diagnostics(locale))}</p>' for each in found.warnings),
            f'<div class="{"figures" if len(figures) > 1 else "alone"}">',
            *figures,
            "</div>",
            remark,
            _table(found, locale),
            f"<footer>{_text('preview-footer', locale, edition=catalog.edition)}</footer>",
            "</main>",
            "</body>",
            "</html>",
            "",
        )
    )


def _profiles(catalog: Catalog, locale: Locale, platform: str | None) -> list[_Profile]:
    """Return the platforms by what covers pictures there: those with numbers of their own first."""
    asked = [catalog.platform(platform)] if platform else list(catalog.platforms.values())
    own = [_Profile((each.title[locale],), each.safe_area, own=True) for each in asked if each.safe_area]
    rest = tuple(each.title[locale] for each in asked if not each.safe_area and each.id not in _NO_PLAYER)
    common = catalog.styles[_STYLE].safe_area
    return [*own, _Profile(rest, common, own=False)] if rest or not own else own


def _plain(found: Preview, locale: Locale) -> str:
    width, height = found.width, found.height
    data = base64.b64encode(found.encoded("JPEG")).decode()
    said = ", ".join(notice.text for notice in found.notices)
    alternative = _text("preview-alt", locale, texts=said) if said else _text("preview-alt-none", locale)
    return (
        f'<figure>\n<svg viewBox="0 0 {width} {height}" role="img" aria-label="{alternative}">'
        f'<image id="media" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'href="data:image/jpeg;base64,{data}"/></svg>\n'
        f"<figcaption>{_text('preview-plain', locale)}</figcaption>\n</figure>"
    )


def _table(found: Preview, locale: Locale) -> str:
    if not found.notices:
        return f"<p>{_text('preview-none', locale)}</p>"
    heads = "".join(f'<th scope="col">{_text(column, locale)}</th>' for column in _COLUMNS)
    rows = "\n".join(_row(notice, locale) for notice in found.notices)
    return (
        f"<table>\n<caption>{_text('preview-notices', locale)}</caption>\n"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _row(notice: Notice, locale: Locale) -> str:
    box, seconds = notice.box, notice.seconds
    where = _text("preview-box", locale, **box.as_json()) if box else ""
    when = _text("preview-always", locale)
    if seconds is not None:
        code = "preview-from" if seconds.end is None else "preview-from-to"
        when = _text(code, locale, start=f"{seconds.start:g}", end=f"{seconds.end or 0:g}")
    return f'<tr><th scope="row">{escape(notice.text)}</th><td>{where}</td><td>{when}</td></tr>'


def _figure(found: Preview, profile: _Profile, locale: Locale) -> str:
    from provenance.notices import safe_area

    area = safe_area.area_of(profile.area)
    covered = safe_area.outside(found.notices, found.width, found.height, area)
    texts = ", ".join(notice.text for notice in covered)
    verdict = _text("preview-covered", locale, texts=texts) if covered else _text("preview-clear", locale)
    names = ("、" if locale == "zh-CN" else ", ").join(profile.names)
    heading = names if profile.own else _text("preview-any-platform", locale)
    source = _text("preview-source", locale, certainty=profile.area.certainty, source=profile.area.source)
    lines = [
        f"<strong>{escape(heading)}</strong>",
        f'<span class="{"covered" if covered else "clear"}">{verdict}</span>',
        *([] if profile.own else [_text("preview-applies", locale, names=names)]),
        *([escape(profile.area.note[locale])] if profile.area.note else []),
        source,
    ]
    caption = "".join(f"<p>{line}</p>" for line in lines)
    label = f"{escape(heading)}: {verdict}"
    return (
        f'<figure>\n<svg viewBox="0 0 {found.width} {found.height}" role="img" aria-label="{label}">'
        f'<use href="#media"/>{"".join(_overlay(found, area))}</svg>\n'
        f"<figcaption>{caption}</figcaption>\n</figure>"
    )


def _overlay(found: Preview, area: tuple[float, float, float, float]) -> Iterator[str]:
    """Yield what is drawn over the picture: a veil on what controls cover, and a frame around each notice."""
    width, height = found.width, found.height
    top, right, bottom, left = area
    x, y = round(left * width), round(top * height)
    across, down = round((1 - left - right) * width), round((1 - top - bottom) * height)
    ring = f"M0 0h{width}v{height}h-{width}z M{x} {y}v{down}h{across}v-{down}z"
    yield f'<path class="veil" fill-rule="evenodd" d="{ring}"/>'
    yield f'<rect class="free" x="{x}" y="{y}" width="{across}" height="{down}"/>'
    for box in (notice.box for notice in found.notices if notice.box):
        yield f'<rect class="notice" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"/>'


def _text(code: str, locale: Locale, **fields: object) -> str:
    return escape(message(code, locale, fields))
