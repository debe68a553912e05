"""The signatures that the reserved codes of an AIGC element may hold (TC260-PG-202511A, annex A).

A reserved code is free text: a digest, a UUID, anything (GB 45438-2025, Annex E). Only one of the guide's form,
``{"SecurityData": {…}}``, is looked into, in the spellings that real files have. The key lies beside the signature, so
an intact one says that the label is as it was signed, not who signed it.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from provenance.metadata import sm2

_Entry = dict[str, Any]
State = Literal["absent", "opaque", "intact", "broken", "unsupported"]

_SM3_WITH_SM2: Final = "SM3withSM2"
_ALGORITHMS: Final = {
    "1.2.156.10197.1.501": _SM3_WITH_SM2,
    "1.2.840.10045.4.3.2": "SHA256withECDSA",
    "1.2.840.10045.4.3.3": "SHA384withECDSA",
    "1.2.840.10045.4.3.4": "SHA512withECDSA",
    "1.2.840.113549.1.1.1": "SHA256withRSA",  # the key's identifier, written for the signature's
    "1.2.840.113549.1.1.11": "SHA256withRSA",
    "1.2.840.113549.1.1.12": "SHA384withRSA",
    "1.2.840.113549.1.1.13": "SHA512withRSA",
}
_KNOWN: Final = frozenset(_ALGORITHMS.values())
_BY_NAME: Final = {name.casefold(): name for name in _KNOWN}
# What the guide calls a signature over the label, what a provider calls it, and how that one spells it.
_OVER_LABEL: Final = frozenset({"md", "labelmetadata", "labelmatadata"})
_MOST_ENTRIES: Final = 32
_MOST_CHECKS: Final = 4  # of up to 0.1 s each; real files need one or two
_LARGEST_RSA: Final = 8192  # bits
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Security:
    """What a reserved code holds.

    Attributes:
        state: ``absent`` is empty, ``opaque`` anything but the guide's form. Of that form, the signature over the label
            is ``intact``, ``broken``, or ``unsupported``: nothing here can check it with what the file holds.
        algorithm: Of that signature: its usual name, or what the file calls an unknown one.
    """

    state: State
    algorithm: str | None = None


def read(code: str, *messages: Sequence[tuple[str, str]]) -> Security:
    """Return what a reserved code holds; never raises.

    Args:
        code: Its text.
        messages: Key and value of the texts that its signature covers, in order; several where signers differ.
    """
    if not code:
        return Security("absent")
    data = _security_data(code)
    if data is None:
        return Security("opaque")
    entries = _entries(data)
    signatures = [each for each in entries if each.get("type") == "DS" and _subject(each) in _OVER_LABEL]
    algorithm = _algorithm(signatures[0]) if signatures else None
    verdicts = set(islice(_verdicts(signatures, entries, messages), _MOST_CHECKS))
    if True in verdicts:
        return Security("intact", algorithm)
    return Security("broken" if False in verdicts else "unsupported", algorithm)


def message_of(texts: Sequence[tuple[str, str]]) -> bytes:
    """Return what a label's signature signs: ``"key":"value"`` joined by commas, without braces."""
    return ",".join(f'"{key}":{json.dumps(value, ensure_ascii=False)}' for key, value in texts).encode()


def _verdicts(
    signatures: Sequence[_Entry], entries: Sequence[_Entry], messages: Sequence[Sequence[tuple[str, str]]]
) -> Iterator[bool | None]:
    for signature in signatures:
        for key in entries:
            if key.get("type") == "PubKey" and key.get("keyid") == signature.get("keyid"):
                value, proof = _bytes(key.get("keyvalue")), _bytes(signature.get("signature"))
                for message in messages:
                    yield _holds(_algorithm(signature), value, message_of(message), proof)


def _entries(data: _Entry) -> list[_Entry]:
    listed = data.get("pubsd")
    found = listed[:_MOST_ENTRIES] if isinstance(listed, list) else []
    return [_folded(each) for each in found if isinstance(each, dict)]


def _holds(algorithm: str | None, key: bytes, message: bytes, signature: bytes) -> bool | None:
    """Say whether a signature holds; `None` where its algorithm or its key cannot be used."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        if algorithm == _SM3_WITH_SM2:
            return _holds_sm2(key, message, signature)
        return _holds_sha(algorithm, key, message, signature) if algorithm in _KNOWN else None
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return None


def _holds_sm2(key: bytes, message: bytes, signature: bytes) -> bool | None:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    points = sm2.points(key)
    if not points:
        return None
    try:
        pair = decode_dss_signature(signature)
    except ValueError:
        return False
    # The guide signs the message; a provider signs its digest, which is digested once more.
    return any(sm2.verify(point, signed, pair) for signed in (message, sm2.sm3(message)) for point in points)


def _holds_sha(algorithm: str | None, key: bytes, message: bytes, signature: bytes) -> bool | None:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    name, _, kind = (algorithm or "").partition("with")
    digest = getattr(hashes, name)()
    public = serialization.load_der_public_key(key)
    if kind == "ECDSA" and isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(digest))
    elif kind == "RSA" and isinstance(public, rsa.RSAPublicKey) and public.key_size <= _LARGEST_RSA:
        public.verify(signature, message, padding.PKCS1v15(), digest)
    else:
        return None
    return True


def _security_data(code: str) -> _Entry | None:
    """Return the value of ``SecurityData`` with its keys in lower case; `None` if the code is something else."""
    data: object = code
    for _ in range(2):  # the object, or a text of it
        try:
            data = json.loads(data) if isinstance(data, str) else data
        except (ValueError, RecursionError):
            return None
    inner = _folded(data).get("securitydata") if isinstance(data, dict) else None
    return _folded(inner) if isinstance(inner, dict) else None


def _folded(data: _Entry) -> _Entry:
    return {key.casefold(): value for key, value in data.items()}


def _subject(signature: _Entry) -> str:
    subject = signature.get("tbsdata")
    return str(_folded(subject).get("type")).casefold() if isinstance(subject, dict) else ""


def _algorithm(signature: _Entry) -> str | None:
    said = signature.get("algid")
    if not isinstance(said, str):
        return None
    return _ALGORITHMS.get(said) or _BY_NAME.get(said.casefold()) or said[:_SHOWN]


def _bytes(text: object) -> bytes:
    """Return the bytes of a hexadecimal or base64 text; none if it is neither."""
    if not isinstance(text, str):
        return b""
    with contextlib.suppress(ValueError):
        return bytes.fromhex(text)
    with contextlib.suppress(ValueError):
        return base64.b64decode(text, validate=True)
    return b""
