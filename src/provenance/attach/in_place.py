"""Label a file where it lies, for the user who asks for it: a large video is then done at once, whatever its size."""

from __future__ import annotations

import os
from pathlib import Path

from provenance import _files
from provenance.attach import privacy
from provenance.attach.carry import read_back
from provenance.attach.file import Labelled, metadata_to_write, told
from provenance.attach.plan import OnConflict, Wanted, plan
from provenance.errors import LabelWouldBeLost, MediaError, UsageError
from provenance.observe import look


def label_in_place(path: Path, wanted: Wanted, *, on_conflict: OnConflict = "refuse") -> Labelled:
    """Write labels into the file itself, in such an order that a crash at any moment leaves a sound file.

    Nothing is signed, which would take a copy, and nothing is drawn. The media data are neither read nor moved.

    Raises:
        AssetNotFound: the file cannot be read.
        UsageError: its container cannot be edited in place, or a position is to be taken out that it states:
            what is taken out of a file in place stays readable in it.
        ConflictingLabels: the file says something else.
        MediaError: it cannot hold a label without losing something; or it is signed, which the change would break.
        OutputNotWritten: the file system refused.
    """
    try:
        return _labelled(path, wanted, on_conflict)
    except MediaError as error:
        error.details.setdefault("path", path)
        raise


def _labelled(path: Path, wanted: Wanted, on_conflict: OnConflict) -> Labelled:
    found = look(path)
    edit = found.handler.write_in_place
    if edit is None:
        raise UsageError("in-place-not-supported", path=path, format=found.handler.name)
    if wanted.location_privacy != "keep" and privacy.stands_in_movie(path, found):
        raise UsageError("in-place-keeps-position", path=path)
    if found.observation.manifest.state != "absent":
        raise LabelWouldBeLost("manifest-needs-signer")
    planned = plan(found, wanted, on_conflict=on_conflict)
    carriers = metadata_to_write(found, planned, planned.record.text())
    with _files.opened_for_change(path) as file:
        edit(file, xmp=None if carriers["xmp"] == found.packet else carriers["xmp"], fields=carriers["fields"])
        file.flush()
        os.fsync(file.fileno())
    read_back(path, found, carriers)
    warnings = [*told(path, planned, without=found.container.unsignable)]
    if planned.draw:
        texts = ", ".join(text for _, text in planned.draw)
        warnings.append(MediaError("notice-not-in-place", path=path, text=texts))
    return Labelled(path, None, (), planned.record.notices, "none", None, tuple(warnings))
