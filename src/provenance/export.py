"""Labels in others' vocabularies: IPTC Photo Metadata for pictures, schema.org ClaimReview for rumors and disputes.

Pure: a post in, plain JSON data out. What a label does not say is not said here either: no rating on a scale, no author
that nobody named, no time that is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance._messages import Locale
from provenance.catalog import Catalog
from provenance.errors import UsageError
from provenance.metadata import iptc
from provenance.metadata.position import coarse
from provenance.metadata.xmp_values import PREFERRED_PREFIXES, LangAlt, Name, Struct, XmpValue
from provenance.model import geo
from provenance.model.labels import AIGenerated, Capture, Disputed, Place, Rumor, Source
from provenance.model.post import Asset, Post


def claim_reviews(
    post: Post, *, catalog: Catalog, url: str | None = None, locale: Locale = "zh-CN"
) -> tuple[dict[str, Any], ...]:
    """Return the post's labels `rumor` and `disputed` as schema.org ClaimReview, in JSON-LD.

    The rating is the label kind's name (谣言, 争议) and no number: the labels know no scale.

    Args:
        post: The post, with its labels on either level.
        catalog: The rule edition, which has the words.
        url: Where the post stands, as the claim's appearance.
        locale: The language of the rating's word.

    Raises:
        UsageError: a label names no claim, and the post has no title that could stand for it.
        UnknownLabelKind: the edition lacks a kind the post uses.
    """
    catalog.require_kinds(post)
    placed = [*post.labels_on_post(), *(each for at in range(len(post.assets)) for each in post.own_labels(at))]
    return tuple(
        _claim_review(post, each.label, each.pointer, catalog.kinds[each.kind].title[locale], url)
        for each in placed
        if isinstance(each.label, Rumor | Disputed)
    )


def iptc_fields(post: Post, at: int, *, catalog: Catalog) -> dict[str, Any]:
    """Return asset number `at` as IPTC Photo Metadata (2025.1), by XMP property as ``prefix:name``.

    Only the asset's own labels speak, as in a file; its position respects `location_privacy`. Structures are objects,
    arrays are lists, and a text with languages is an object by language.

    Raises:
        IndexError: there is no such asset.
    """
    asset = post.assets[at]
    labels = {each.kind: each.label for each in reversed(post.own_labels(at))}
    capture, source, generated = labels.get("capture"), labels.get("source"), labels.get("ai-generated")
    values: dict[str, Any] = {}
    if isinstance(capture, Capture):
        values |= {"captured_at": capture.time, "place": _place(capture.place)}
        values["coordinates"] = _coordinates(capture.place, asset)
    if isinstance(source, Source):
        values |= {"source": source.publisher, "credit": source.publisher}
        values["creators"] = (source.author,) if source.author else ()
        values["copyright_owners"] = (source.copyright_owner,) if source.copyright_owner else ()
    if isinstance(generated, AIGenerated):
        values["ai_system"] = generated.tool
    stated = generated if isinstance(generated, AIGenerated) else None
    values["digital_source_type"] = catalog.source_type(asset.origin, stated)
    return {_shown(name): _plain(value) for name, value in iptc.to_xmp(iptc.StandardFields(**values)).items()}


def _claim_review(post: Post, label: Rumor | Disputed, pointer: str, rating: str, url: str | None) -> dict[str, Any]:
    if isinstance(label, Rumor):
        claim, author, about = label.claim or post.title, label.authority or label.by, label.debunk_url
        publisher, reason = label.by if label.authority else None, None
    else:
        claim, author, about = post.title, label.by, label.url
        publisher, reason = None, label.reason
    if claim is None:
        raise UsageError("claim-not-named", pointer=pointer)
    appearance = {"@type": "CreativeWork", "headline": post.title, "url": url, "author": _named(post.account.name)}
    review = {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "claimReviewed": claim,
        "datePublished": label.at,
        "author": _named(author),
        "publisher": _named(publisher),
        "url": about,
        "reviewBody": reason,
        "inLanguage": post.language,
        "itemReviewed": {"@type": "Claim", "appearance": _given(appearance)},
        "reviewRating": {"@type": "Rating", "alternateName": rating},
    }
    return _given(review)


def _named(name: str | None) -> dict[str, str] | None:
    # Without a type: a label does not say whether a person or a body speaks.
    return None if name is None else {"name": name}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _place(place: Place | None) -> iptc.Location | None:
    if place is None:
        return None
    return iptc.Location(place.name, place.country_code, place.province, place.city, place.county)


def _coordinates(place: Place | None, asset: Asset) -> tuple[float, float] | None:
    if place is None or place.coordinates is None or asset.location_privacy == "remove":
        return None
    at = place.coordinates
    exact = geo.to_wgs84(at.latitude, at.longitude, at.datum)
    return coarse(exact) if asset.location_privacy == "coarsen" else exact


def _shown(name: Name) -> str:
    return f"{PREFERRED_PREFIXES[name.namespace]}:{name.local}"


def _plain(value: XmpValue) -> Any:
    match value:
        case str():
            return value
        case LangAlt(texts=texts):
            return dict(texts)
        case Struct(fields=fields):
            return {_shown(name): _plain(inner) for name, inner in fields.items()}
        case _:
            return [_plain(each) for each in value.items]
