"""The pages that show a post's notices: written to be pasted, and read to find the notices again."""

from provenance.pages.content import Sheet, sheet_of
from provenance.pages.html import html_page
from provenance.pages.markdown import markdown_page
from provenance.pages.read import Rendered, read_page

__all__ = ["Rendered", "Sheet", "html_page", "markdown_page", "read_page", "sheet_of"]
