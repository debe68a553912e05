"""A moderator's desk: what do flagged files say of themselves, does it hold, and who contradicts whom?

python review.py CA.pem FILE…
"""

import sys
from pathlib import Path

import provenance as pv


def decide(found: pv.FileVerification) -> str:
    """Say what to do with one file; a person reads the reasons either way."""
    if found.error:
        return f"unreadable: {found.error.message}"
    if found.manifest.state == "invalid":
        return "escalate: the bytes are not those that were signed"
    if found.conflicts:
        sides = [f"{side.carrier} says {side.value!r}" for side in found.conflicts[0].values]
        return f"escalate: {found.conflicts[0].kind}.{found.conflicts[0].field}: {'; '.join(sides)}"
    missing = [notice.text for notice in found.notices if not notice.found]
    if missing:
        return f"relabel: the notice {missing[0]!r} is no longer in the picture"
    if not found.labels:
        return "no labels: ask the author"
    return f"keep: {', '.join(sorted({label.kind for label in found.labels}))} ({found.manifest.state})"


def main() -> int:
    """Review files from the command line."""
    authority, *files = map(Path, sys.argv[1:])
    desk = pv.Provenance(signer=None)
    result = desk.verify(*files, trust=pv.trust_from_files([authority]))
    for found in result.files:
        print(f"{Path(found.path).name}: {decide(found)}")
    return 0 if result.clean else 1


if __name__ == "__main__":
    sys.exit(main())
