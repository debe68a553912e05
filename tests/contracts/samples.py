"""Every handler's samples, and what an independent decoder sees in them.

Each ``samples_*.py`` beside this file brings those of some containers: `SAMPLES`, handler name → builder of
``(sample name, bytes)``; `DECODED`, handler name → function of bytes; and `OPEN_ENDED`, the handlers whose format does not
say where a file ends.
"""

import importlib
from pathlib import Path

MODULES = [
    importlib.import_module(f"{__package__}.{path.stem}") for path in sorted(Path(__file__).parent.glob("samples_*.py"))
]
DECODED = {name: decode for module in MODULES for name, decode in module.DECODED.items()}
OPEN_ENDED = {name for module in MODULES for name in getattr(module, "OPEN_ENDED", ())}


def every():
    """Return handler name → sample name → bytes."""
    return {name: dict(build()) for module in MODULES for name, build in module.SAMPLES.items()}
