"""Every error this package raises.

::

    ProvenanceError
    ├── UsageError          exit 2   the caller's input or options
    │   ├── InvalidPost  UnknownLabelKind  ConflictingLabels  AssetNotFound
    │   └── OutputRefused  CertificateRejected  TrustListInvalid  GlyphMissing  MissingExtra
    ├── MediaError          exit 3   a media file that cannot be read or labelled
    │   ├── UnsupportedFormat  MalformedMedia  MediaTooLarge
    │   └── MetadataNotWritten  LabelWouldBeLost  NoticeDoesNotFit
    ├── OutputError         exit 4   OutputNotWritten
    ├── ManifestError       exit 4   SigningFailed  TimestampUnavailable
    ├── LedgerError         exit 4   LedgerUnavailable  LedgerConflict
    ├── CatalogError        exit 5   SchemaViolation  DanglingCitation  EditionNotFound
    │                              EditionNotSigned
    └── NotPublishable      exit 1   raised only by ``Report.raise_for_findings``

An item that breaks a rule is a finding and a broken signature is a state; an exception means "I could not answer".
"""

from __future__ import annotations

from typing import ClassVar, cast

from provenance._messages import Locale, message


class ProvenanceError(Exception):
    """Root of the tree.

    Attributes:
        code: Stable kebab-case id of the situation; the key of its message in ``messages/*.toml``.
        details: What the message names: ``path``, ``pointer``, ``offset``, both values of a conflict …
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, code: str, /, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details

    def diagnostics(self, locale: Locale = "en") -> str:
        """Say what is wrong, where, and what to do."""
        text = message(self.code, locale, self.details)
        where = [str(self.details[key]) for key in ("path", "pointer") if self.details.get(key)]
        return ": ".join([*(each for each in where if each not in text), text])

    def __str__(self) -> str:
        return self.diagnostics()

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.code, self.details))


def _rebuild(kind: type[ProvenanceError], code: str, details: dict[str, object]) -> ProvenanceError:
    return kind(code, **details)


class UsageError(ProvenanceError):
    """The caller's input or options are wrong."""

    exit_code = 2


class InvalidPost(UsageError):
    """A post file breaks its schema; ``details["pointer"]`` says where, ``details["others"]`` what else is wrong."""

    def diagnostics(self, locale: Locale = "en") -> str:
        """Say what is wrong, one line a problem."""
        others = cast("list[tuple[str, dict[str, object]]]", self.details.get("others", []))
        problems = [(self.code, self.details), *others]
        return "\n".join(message(code, locale, details) for code, details in problems)


class UnknownLabelKind(UsageError):
    """The edition has no such label kind."""


class ConflictingLabels(UsageError):
    """Two statements about one thing differ; both values are in the details."""


class AssetNotFound(UsageError):
    """A named media file is missing, not a file, or outside the post's folder."""


class OutputRefused(UsageError):
    """The output would overwrite something."""


class CertificateRejected(UsageError):
    """A certificate or key cannot sign; the code names the defect."""


class TrustListInvalid(UsageError):
    """A trust list holds no usable certificate."""


class GlyphMissing(UsageError):
    """No font at hand can draw a character of a notice."""


class MissingExtra(UsageError):
    """A feature needs an extra that is not installed."""


class MediaError(ProvenanceError):
    """A media file cannot be read or labelled."""

    exit_code = 3


class UnsupportedFormat(MediaError):
    """No handler knows this content."""


class MalformedMedia(MediaError):
    """The file breaks its format; ``details["offset"]`` is the byte where."""


class MediaTooLarge(MediaError):
    """A limit on size or dimensions is exceeded."""


class MetadataNotWritten(MediaError):
    """A field did not read back as written."""


class LabelWouldBeLost(MediaError):
    """Going on would drop a label, a manifest or an element that is already there."""


class NoticeDoesNotFit(MediaError):
    """A notice cannot be drawn at its legal size."""


class OutputError(ProvenanceError):
    """Writing failed."""

    exit_code = 4


class OutputNotWritten(OutputError):
    """The file system refused: disk full, no permission, gone."""


class ManifestError(ProvenanceError):
    """Signing failed for a reason outside the input."""

    exit_code = 4


class SigningFailed(ManifestError):
    """The signer or the C2PA binding refused."""


class TimestampUnavailable(ManifestError):
    """The time-stamping authority did not answer."""


class LedgerError(ProvenanceError):
    """The label ledger failed."""

    exit_code = 4


class LedgerUnavailable(LedgerError):
    """The ledger's database cannot be reached."""


class LedgerConflict(LedgerError):
    """The ledger moved on under this write."""


class CatalogError(ProvenanceError):
    """The rule data is broken."""

    exit_code = 5


class SchemaViolation(CatalogError):
    """A data file breaks its schema."""


class DanglingCitation(CatalogError):
    """A rule cites a provision that the edition does not hold."""


class EditionNotFound(CatalogError):
    """There is no edition at that place, or it is empty."""


class EditionNotSigned(CatalogError):
    """A signature was asked for, and the edition has none that holds."""


class NotPublishable(ProvenanceError):
    """Findings block the item, or nobody can say that they do not; ``report`` holds them."""

    exit_code = 1

    def __init__(self, code: str, /, *, report: object, **details: object) -> None:
        super().__init__(code, report=report, **details)
        self.report = report
