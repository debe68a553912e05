"""Where a manifest that lies beside a page is, said in the page or in the answer that carries it.

Source: C2PA Technical Specification 2.2, section 11 (external manifests); RFC 8288 (Link header).
"""

from __future__ import annotations

import html
from typing import Final

from provenance.errors import UsageError

RELATION: Final = "c2pa-manifest"
_UNSAFE: Final = frozenset(' <>"\\^`{|}')


def html_link(url: str) -> str:
    """Return the ``<link>`` element for a page's head, the address escaped.

    Raises:
        UsageError: it is no address.
    """
    return f'<link rel="{RELATION}" href="{html.escape(_checked(url))}">'


def link_header(url: str) -> str:
    """Return the value of the HTTP ``Link`` header.

    Raises:
        UsageError: it is no address: a character of it would end the header, or its address.
    """
    return f'<{_checked(url)}>; rel="{RELATION}"'


def _checked(url: str) -> str:
    scheme, colon, _ = url.partition(":")
    relative = not colon or "/" in scheme
    if not url or not url.isascii() or not url.isprintable() or _UNSAFE & set(url):
        raise UsageError("manifest-link-url", value=url[:80])
    if not relative and scheme.lower() not in {"http", "https"}:
        raise UsageError("manifest-link-url", value=url[:80])
    return url
