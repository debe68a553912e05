"""What every carrier of finished files and posts says, whether it holds, and where carriers disagree."""

from provenance.verify.files import Progress, Requirement, judge, verify

__all__ = ["Progress", "Requirement", "judge", "verify"]
