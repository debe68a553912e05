"""Attach to the file argv[1] without a manifest, as argv[3], and print by how many bytes memory has grown at most.

Before that the small file argv[2] is labelled: what is imported on first use counts as import.
"""

import sys
from pathlib import Path

from provenance.sdk import Provenance

LABELS = [{"kind": "source", "publisher": "新华社"}, {"kind": "capture", "time": "2026-05-01T08:30:00+08:00"}]


def memory(field):
    """Return `VmRSS`, what is resident now, or `VmHWM`, the most that was; `ru_maxrss` would count the parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024


source, small, target = map(Path, sys.argv[1:])
sdk = Provenance(signer=None)
sdk.attach_media(small, {"labels": LABELS}, into=target.with_name(f"small-{target.name}"))
before = memory("VmRSS")
sdk.attach_media(source, {"labels": LABELS}, into=target)
sys.stdout.write(str(memory("VmHWM") - before))
