"""The gate over many posts: one JSON line each in, one result each out, in order, none held longer than its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from provenance.errors import AssetNotFound, ConflictingLabels, InvalidPost, ProvenanceError, UnknownLabelKind
from provenance.model.post import MAX_POST_BYTES, Post
from provenance.model.report import Report

Gate = Callable[[Post], Report]
_BLANK: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one line: a report, or the error that kept it from being judged.

    Attributes:
        number: Counted from 1.
        report: The gate's report; None where there is an `error`.
        error: What is wrong with the post.
    """

    number: int
    report: Report | None = None
    error: ProvenanceError | None = None

    def as_json(self) -> dict[str, Any]:
        """Return ``{"line", "report"}`` or ``{"line", "error": {"code", "message", "pointer"}}``."""
        if self.report is not None:
            return {"line": self.number, "report": self.report.as_json()}
        error = self.error or InvalidPost("post-not-json", pointer="", reason="")
        pointer = error.details.get("pointer")
        return {
            "line": self.number,
            "error": {"code": error.code, "message": error.diagnostics(), "pointer": pointer},
        }


def check_lines(lines: BinaryIO, gate: Gate, *, folder: str = ".") -> Iterator[Line]:
    """Judge every post of a file of JSON lines; blank lines are passed over, and a wrong one stops nothing.

    Args:
        lines: A file, read line by line.
        gate: Judges one post, such as `Provenance.check`.
        folder: What asset paths are relative to.
    """
    number = 0
    while line := lines.readline(MAX_POST_BYTES + 2):
        number += 1
        if line.strip(_BLANK):
            yield _judged(number, line, gate, folder)
        while not line.endswith(b"\n"):  # the rest of a line that is too long, or the end
            line = lines.readline(MAX_POST_BYTES)
            if not line:
                return


def _judged(number: int, line: bytes, gate: Gate, folder: str) -> Line:
    if len(line) > MAX_POST_BYTES + 1:
        return Line(number, error=InvalidPost("post-too-large", pointer="", limit=f"{MAX_POST_BYTES >> 20} MiB"))
    try:
        return Line(number, report=gate(Post.from_json(line, folder=folder)))
    except (AssetNotFound, ConflictingLabels, InvalidPost, UnknownLabelKind) as error:
        return Line(number, error=error)
