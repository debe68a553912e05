"""Reading: what a file's manifest says, whether it holds, and who signed it; see `verdict` for what the states mean.

The binding parses the file in a worker: a hostile one ends that, and is `unreadable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from provenance import _files
from provenance.errors import ManifestError
from provenance.manifests import pool, verdict
from provenance.manifests.verdict import ManifestReading

__all__ = ["ManifestReading", "read", "store_in"]


def read(
    path: Path, *, mime: str, trust: Sequence[bytes] = (), beside: bytes | None = None, fetched: bool = False
) -> ManifestReading:
    """Read and validate the manifest embedded in a file, or the one that lies beside it; nothing is fetched.

    Args:
        path: The media file.
        mime: Its media type; for one that cannot embed a manifest, the state is `absent`.
        trust: The authorities to trust, from `trust_from_files`.
        beside: A manifest store about the file's bytes, as `sign_beside` writes it.
        fetched: That `beside` is the store which the file itself names as its own, kept elsewhere.

    Raises:
        AssetNotFound: the file is missing or may not be read.
        ManifestError: there is no library, or no worker can be started.
    """
    anchors = b"\n".join(trust).decode("ascii", "replace")
    request = {"mime": mime, "trust": anchors, "beside": beside is not None, "fetched": fetched}
    try:
        told, _ = _asked("read", path, request, beside or b"")
        return verdict.from_plain(told["reading"])
    except pool.WorkerFailed as error:
        return ManifestReading("unreadable", codes=(error.code,), reason=error.reason)


def store_in(path: Path, *, mime: str) -> bytes | None:
    """Return the manifest store embedded in a file, in one piece; None where none can be read.

    Raises:
        AssetNotFound: the file is missing or may not be read.
        ManifestError: there is no library, or no worker can be started.
    """
    try:
        told, store = _asked("store", path, {"mime": mime})
    except pool.WorkerFailed:
        return None
    return store if told["found"] else None


def _asked(operation: str, path: Path, request: dict[str, Any], blob: bytes = b"") -> tuple[dict[str, Any], bytes]:
    with _files.open_input(path) as file:
        reply = pool.ask({"do": operation, **request}, blob=blob, files=[file], size=path.stat().st_size)
    if "library" in reply.told:
        raise ManifestError("manifest-library-missing", reason=reply.told["library"])
    if "errno" in reply.told:
        raise pool.WorkerFailed("crash", str(reply.told.get("reason")))
    return reply.told, reply.blob
