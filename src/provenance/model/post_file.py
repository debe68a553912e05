"""Where a post lies: a folder that `attach` wrote, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from provenance import _files
from provenance.model.post import Post

POST_FILE: Final = "post.json"
"""The post of a finished folder."""
_HEAD: Final = 64


def is_post(path: Path) -> bool:
    """Say whether a path names a post: a folder, a ``.json`` file, or a file whose text begins like one.

    Raises:
        AssetNotFound: nothing readable is there.
    """
    if is_folder(path):
        return True
    with _files.open_input(path) as file:
        return path.suffix.lower() == ".json" or file.read(_HEAD).lstrip().startswith(b"{")


def post_at(path: Path) -> Post:
    """Load the post that a file or a folder holds; see `Post.from_file` for the errors."""
    return Post.from_file(path / POST_FILE if is_folder(path) else path)


def is_folder(path: Path) -> bool:
    """Say whether a path names a folder."""
    try:
        return path.is_dir()
    except OSError:  # a name too long to look up: opening it says so
        return False
