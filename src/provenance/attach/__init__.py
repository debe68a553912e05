"""Attach labels: to one file, or to every asset of a post."""

from provenance.attach.file import Labelled, label_file
from provenance.attach.fixes import fixed
from provenance.attach.options import DrawOptions, VoiceClip
from provenance.attach.plan import OnConflict
from provenance.attach.post import Attached, attach_in_place, attach_media, attach_post

__all__ = [
    "Attached",
    "DrawOptions",
    "Labelled",
    "OnConflict",
    "VoiceClip",
    "attach_in_place",
    "attach_media",
    "attach_post",
    "fixed",
    "label_file",
]
