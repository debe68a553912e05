"""Reading: what a file's manifest says, whether it holds, and who signed it; see `verdict` for what the states mean.

The binding parses the file in a worker: a hostile one ends that, and is `unreadable`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from provenance import _files
from provenance.errors import ManifestError
from provenance.manifests import pool, verdict
from provenance.manifests.remote import Fetch, NotFetched
from provenance.manifests.trust import Trust, TrustLists
from provenance.manifests.verdict import ManifestReading

__all__ = ["ManifestReading", "read", "store_in"]


def read(
    path: Path, *, mime: str, trust: Trust = (), beside: bytes | None = None, fetch: Fetch | None = None
) -> ManifestReading:
    """Read and validate the manifest embedded in a file, or the one that lies beside it.

    Args:
        path: The media file.
        mime: Its media type; for one that cannot embed a manifest, the state is `absent`.
        trust: The authorities to trust; a plain sequence are those of manifests.
        beside: A manifest store about the file's bytes, as `sign_beside` writes it.
        fetch: Fetches a manifest that is kept elsewhere; by default the state is `remote`, and nothing is asked.

    Raises:
        AssetNotFound: the file is missing or may not be read.
        ManifestError: there is no library, or no worker can be started.
    """
    request = {"mime": mime, "trust": TrustLists.of(trust).by_kind()}
    found = _read(path, {**request, "store": "beside" if beside is not None else None}, beside or b"")
    if fetch is None or found.state != "remote" or found.url is None:
        return found
    try:
        store = fetch(found.url)
    except NotFetched as error:
        return replace(found, codes=(*found.codes, error.code), reason=error.reason)
    return replace(_read(path, {**request, "store": "fetched"}, store), url=found.url)


def _read(path: Path, request: dict[str, Any], store: bytes) -> ManifestReading:
    try:
        told, _ = _asked("read", path, request, store)
        return verdict.from_plain(told["reading"])
    except pool.WorkerFailed as error:
        return ManifestReading("unreadable", codes=(error.code,), reason=error.reason)
    except (LookupError, TypeError, AttributeError) as error:  # a worker that a file has taken over says anything
        return ManifestReading("unreadable", codes=("crash",), reason=repr(error))


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
