"""Show what a file would look like with its notices, before anything is labelled."""

from provenance.preview.page import page
from provenance.preview.picture import Preview, preview

__all__ = ["Preview", "page", "preview"]
