"""Copy a file with some spans replaced; everything between them goes over byte-exact, inside the kernel."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

from provenance._files import copy_range


class Edit(NamedTuple):
    """Put `new` where the bytes from `start` up to `end` were; an insertion has ``start == end``."""

    start: int
    end: int
    new: bytes

    @property
    def growth(self) -> int:
        """How many bytes what follows moves back."""
        return len(self.new) - (self.end - self.start)


def splice(source: BinaryIO, target: BinaryIO, edits: Iterable[Edit]) -> None:
    """Append `source` with `edits` applied to `target`; insertions at one place keep their order.

    Raises:
        OSError: Reading or writing failed.
        ValueError: Two edits overlap.
    """
    size = source.seek(0, os.SEEK_END)
    position = 0
    # What is inserted where another edit starts goes before it.
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            raise ValueError(edit.start)
        copy_range(source, target, position, edit.start - position)
        target.write(edit.new)
        position = edit.end
    copy_range(source, target, position, size - position)


def overwrite(file: BinaryIO, edits: Iterable[Edit]) -> None:
    """Apply `edits` to a file of ours itself; each replaces bytes by as many, or appends.

    Raises:
        OSError: Writing failed.
    """
    for edit in edits:
        file.seek(edit.start)
        file.write(edit.new)
