"""Where the packaged data lies: `labels/` in a wheel, or in the checkout of an editable install."""

from __future__ import annotations

from pathlib import Path

from provenance.errors import EditionNotFound


def labels_root() -> Path:
    """Return the folder of the packaged edition.

    Raises:
        EditionNotFound: neither the wheel's copy nor a checkout's is there.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "_labels", package.parents[1] / "labels"):
        if (candidate / "EDITION").is_file():
            return candidate
    raise EditionNotFound("edition-not-packaged", path=package)
