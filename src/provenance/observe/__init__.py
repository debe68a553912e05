"""What a file already says, carrier by carrier: gathered here once, for attach, check and verify alike."""

from provenance.observe import evidence
from provenance.observe.evidence import AI_SOURCE_TYPES
from provenance.observe.look import (
    LABELS_ASSERTION,
    MANIFEST_SUFFIX,
    XMP_SUFFIX,
    Look,
    beside,
    file_error,
    look,
    manifest_of,
    measured,
    observe,
    observed,
)
from provenance.observe.sought import NOTHING, Sought

__all__ = [
    "AI_SOURCE_TYPES",
    "LABELS_ASSERTION",
    "MANIFEST_SUFFIX",
    "NOTHING",
    "XMP_SUFFIX",
    "Look",
    "Sought",
    "beside",
    "evidence",
    "file_error",
    "look",
    "manifest_of",
    "measured",
    "observe",
    "observed",
]
