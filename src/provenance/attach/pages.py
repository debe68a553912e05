"""The notices that a finished post's pages have to show, written beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from provenance import _files
from provenance.catalog import Catalog
from provenance.errors import ProvenanceError, UsageError
from provenance.export import claim_reviews
from provenance.model.post import Post
from provenance.pages import html_page, markdown_page, sheet_of

PAGES: Final = ("notices.html", "notices.md", "notices.json")
"""The pages of a finished post, in its folder: to paste from, and for apps that draw their own."""


def write_pages(
    folder: Path, post: Post, media: Sequence[str | None], *, catalog: Catalog
) -> tuple[ProvenanceError, ...]:
    """Write the pages of a finished post into its folder; return what they cannot say.

    Args:
        folder: The post's folder.
        post: The finished post.
        media: What each asset is: ``image``, ``video``, ``audio`` or ``document``.
        catalog: The rule edition, which has the words.

    Raises:
        OutputNotWritten: the file system refused.
    """
    reviews, unsaid = _reviews(post, catalog)
    sheet = sheet_of(post, catalog.notices_of(post, media), catalog=catalog, json_ld=reviews)
    data = json.dumps(sheet.as_json(), ensure_ascii=False, indent=2) + "\n"
    for name, text in zip(PAGES, (html_page(sheet), markdown_page(sheet), data), strict=True):
        with _files.new_file(folder / name) as file:
            file.write(text.encode())
    return unsaid


def _reviews(post: Post, catalog: Catalog) -> tuple[tuple[dict[str, Any], ...], tuple[ProvenanceError, ...]]:
    try:
        return claim_reviews(post, catalog=catalog), ()
    except UsageError as error:
        # No claim is named and the post has no title: the notice stands, its JSON-LD would be about nothing.
        return (), (error,)
