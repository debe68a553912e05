"""A link to a manifest can neither leave its attribute nor its header."""

import html.parser

import pytest

from provenance.errors import UsageError
from provenance.manifests.link import html_link, link_header


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("url", ["post.json.c2pa", "/a/b.c2pa?x=1&y=2", "https://example.com/p.c2pa#x", "a'b.c2pa"])
def test_a_page_and_a_header_name_the_manifest(url):
    parser = Links()
    parser.feed(html_link(url))
    assert parser.found == [("link", {"rel": "c2pa-manifest", "href": url})]
    assert link_header(url) == f'<{url}>; rel="c2pa-manifest"'


@pytest.mark.parametrize(
    "url",
    ["", "a b", "a>b", 'a"b', "a\r\nSet-Cookie: x", "javascript:alert(1)", "data:text/html,x", "成都.c2pa", "a\x7f"],
)
def test_what_is_no_address_is_refused(url):
    for make in (html_link, link_header):
        with pytest.raises(UsageError, match="percent"):
            make(url)
