"""Organisational identity: an organisation signs, beside whoever signs the claim, which labels it stands for.

The binding can do this but its Python module does not offer it: the native function is called by its C signature, and
only where the native library is one that this was tested with.

Source: CAWG Identity Assertion 1.1, sections 5 and 8.2 (X.509 certificates and COSE signatures).
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from provenance.errors import ManifestError
from provenance.manifests import binding

Sign = Callable[[bytes], bytes]

TESTED: Final = frozenset({"0.91.3"})
"""Native versions whose function was seen to do what is relied on here."""
ROLE: Final = "cawg.publisher"
"""What the organisation is to the item: it publishes it."""
REFERENCED: Final = (binding.LABELS, "c2pa.actions.v2")
"""What it signs; the hard binding is always among it."""

_FUNCTION: Final = "c2pa_identity_signer_create"
_CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t,
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_ubyte),
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_ubyte),
    ctypes.c_size_t,
)
_FAILED: Final = -1


@contextlib.contextmanager
def joined(claim: Mapping[str, Any], identity: Mapping[str, Any], signed: Mapping[str, Sign]) -> Iterator[Any]:
    """Yield the binding's signer of a claim and, in it, of an identity.

    Args:
        claim: ``algorithm`` and ``chain`` (PEM) of whoever signs the claim.
        identity: The same of the organisation.
        signed: How ``claim`` and ``identity`` are signed.

    Raises:
        ManifestError: ``identity-not-supported``: this native library is none of those tested.
        ValueError: the library refuses one of them.
    """
    library, c2pa = _library(), binding.load()
    kept = [_callback(signed[name]) for name in ("claim", "identity")]  # the library calls them until it has signed
    parts = [_signer(library, each, call) for each, call in zip((claim, identity), kept, strict=True)]
    handle = getattr(library, _FUNCTION)(*parts, _strings(REFERENCED), _strings((ROLE,)))
    if not handle:
        raise ValueError(_FUNCTION)
    with c2pa.Signer(ctypes.cast(handle, ctypes.POINTER(c2pa.c2pa.C2paSigner))) as signer:
        yield signer
    kept.clear()


def require_supported() -> None:
    """Refuse a native library that this was not tested with.

    Raises:
        ManifestError: ``identity-not-supported``.
    """
    version = str(binding.load().sdk_version())
    if version not in TESTED or not hasattr(_loaded(), _FUNCTION):
        raise ManifestError("identity-not-supported", version=version, tested=", ".join(sorted(TESTED)))


def _library() -> Any:
    require_supported()
    library = _loaded()
    strings = ctypes.POINTER(ctypes.c_char_p)
    _declare(library.c2pa_signer_create, (ctypes.c_void_p, _CALLBACK, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p))
    _declare(getattr(library, _FUNCTION), (ctypes.c_void_p, ctypes.c_void_p, strings, strings))
    return library


def _loaded() -> Any:
    # The one that the binding has loaded: the loader knows it by its path.
    return ctypes.CDLL(str(files("c2pa") / "libs" / "libc2pa_c.so"))


def _declare(function: Any, arguments: Sequence[Any]) -> None:
    function.restype, function.argtypes = ctypes.c_void_p, list(arguments)


def _signer(library: Any, part: Mapping[str, Any], call: Any) -> int:
    algorithm = binding.load().C2paSigningAlg[part["algorithm"].upper()]
    handle: int | None = library.c2pa_signer_create(None, call, int(algorithm), part["chain"].encode("ascii"), None)
    if not handle:
        raise ValueError(part["algorithm"])
    return handle


def _callback(signed: Sign) -> Any:
    def call(_context: object, data: Any, length: int, out: Any, most: int) -> int:
        try:
            signature = signed(ctypes.string_at(data, length))
        except (OSError, ValueError):  # nobody is left to ask; the library says that signing failed
            return _FAILED
        if not signature or len(signature) > most:
            return _FAILED
        ctypes.memmove(out, signature, len(signature))
        return len(signature)

    return _CALLBACK(call)


def _strings(values: Sequence[str]) -> Any:
    return (ctypes.c_char_p * (len(values) + 1))(*(each.encode("ascii") for each in values), None)
