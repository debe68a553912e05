"""Attach, check and verify content labels: source, capture, AI-generated, fiction, MCN; China's rules first.

Names are loaded when they are first used, so that importing the package costs next to nothing.

Example:
    >>> import provenance as pv
    >>> pv.Post.from_dict({"schema": "provenance/post/1", "id": "p-1", "kind": "article",
    ...                    "account": {"id": "a-1", "name": "成都观察员"}}).acting_as
    'author'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provenance.attach import Attached, DrawOptions, Labelled, VoiceClip
    from provenance.catalog import Catalog
    from provenance.declare import Advice
    from provenance.errors import (
        AssetNotFound,
        CatalogError,
        CertificateRejected,
        ConflictingLabels,
        DanglingCitation,
        EditionNotFound,
        GlyphMissing,
        InvalidPost,
        LabelWouldBeLost,
        MalformedMedia,
        ManifestError,
        MediaError,
        MediaTooLarge,
        MetadataNotWritten,
        MissingExtra,
        NoticeDoesNotFit,
        NotPublishable,
        OutputError,
        OutputNotWritten,
        OutputRefused,
        ProvenanceError,
        SchemaViolation,
        SigningFailed,
        TrustListInvalid,
        UnknownLabelKind,
        UnsupportedFormat,
        UsageError,
    )
    from provenance.manifests.signer import Signer
    from provenance.manifests.trust import trust_from_files
    from provenance.model.comparison import Comparison
    from provenance.model.post import Asset, Post
    from provenance.model.report import Finding, Report
    from provenance.model.verification import FileVerification, Verification
    from provenance.sdk import Provenance
    from provenance.sources import SourceList

__all__ = [
    "Advice",
    "Asset",
    "AssetNotFound",
    "Attached",
    "Catalog",
    "CatalogError",
    "CertificateRejected",
    "Comparison",
    "ConflictingLabels",
    "DanglingCitation",
    "DrawOptions",
    "EditionNotFound",
    "FileVerification",
    "Finding",
    "GlyphMissing",
    "InvalidPost",
    "LabelWouldBeLost",
    "Labelled",
    "MalformedMedia",
    "ManifestError",
    "MediaError",
    "MediaTooLarge",
    "MetadataNotWritten",
    "MissingExtra",
    "NotPublishable",
    "NoticeDoesNotFit",
    "OutputError",
    "OutputNotWritten",
    "OutputRefused",
    "Post",
    "Provenance",
    "ProvenanceError",
    "Report",
    "SchemaViolation",
    "Signer",
    "SigningFailed",
    "SourceList",
    "TrustListInvalid",
    "UnknownLabelKind",
    "UnsupportedFormat",
    "UsageError",
    "Verification",
    "VoiceClip",
    "trust_from_files",
]
# Where each name lives; the others are errors.
_HOMES = {
    "Advice": "declare",
    "Asset": "model.post",
    "Attached": "attach",
    "Catalog": "catalog",
    "Comparison": "model.comparison",
    "DrawOptions": "attach",
    "FileVerification": "model.verification",
    "Finding": "model.report",
    "Labelled": "attach",
    "Post": "model.post",
    "Provenance": "sdk",
    "Report": "model.report",
    "Signer": "manifests.signer",
    "SourceList": "sources.registry",
    "Verification": "model.verification",
    "VoiceClip": "attach",
    "trust_from_files": "manifests.trust",
}
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"provenance.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
