"""Signing: our labels, what was done to the file, and the manifest it had before, in a new C2PA manifest."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from provenance import _files
from provenance.errors import InvalidPost, ManifestError, ProvenanceError, SigningFailed
from provenance.manifests import binding, pool
from provenance.manifests.signer import Signer

ActionName = Literal["c2pa.created", "c2pa.opened", "c2pa.edited", "c2pa.placed"]

DETACHED: Final = binding.DETACHED
_GENERATOR: Final = "provenance-labels"
# Tie an action to its ingredients; the binding puts links in their place.
_PARENT_ID: Final = "xmp:iid:parent"
_COMPONENT_ID: Final = "xmp:iid:component-{number}"
_INTEGERS: Final = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done; `digital_source_type` is an IPTC URI.

    Source: C2PA Technical Specification 2.2, section 18.15 (actions).
    """

    name: ActionName
    digital_source_type: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A file that goes into another; its manifest, in it or in the file `beside` it, lives on in the new one."""

    path: Path
    mime: str
    title: str
    beside: Path | None = None


def plan_actions(source_type: str | None, *, has_manifest: bool, notice_drawn: bool) -> tuple[Action, ...]:
    """Return the actions of a file: created, or opened from its input, then edited when a notice was drawn.

    Created needs an IPTC `source_type` and an input that holds no manifest yet.
    """
    if source_type is None or has_manifest:
        first = Action("c2pa.opened")
    else:
        first = Action("c2pa.created", digital_source_type=source_type)
    drawn = Action("c2pa.edited", description="A visible notice was added.")
    return (first, drawn) if notice_drawn else (first,)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signer states about a file.

    Attributes:
        labels: The payload of the assertion `org.w3id.provenance-labels.labels`, plain JSON.
        actions: From `plan_actions`.
        parent: The original input; used, and needed, by an action `c2pa.opened`.
        title: The file's name, without a folder.
        components: The files that it is made up of; used by an action `c2pa.placed`.
    """

    labels: Mapping[str, Any]
    actions: Sequence[Action]
    parent: Ingredient | None = None
    title: str | None = None
    components: Sequence[Ingredient] = ()


def sign(
    source: Path, target: Path, claim: Claim, *, mime: str, signer: Signer, check: Callable[[Path], None] | None = None
) -> str:
    """Write `source` with a new manifest to `target`, validated before it gets that name; return its SHA-256 in hex.

    A manifest that `source` holds is replaced: it lives on only as that of the parent, in an action `c2pa.opened`.

    Args:
        source: The finished file of media type `mime`, its metadata already written; never changed.
        target: A name that is free.
        claim: What to state.
        mime: An IANA media type.
        signer: Who signs.
        check: Called with the signed file before it gets its name; raises if it is damaged.

    Raises:
        InvalidPost: the labels are no JSON, or hold an integer beyond 64 bits.
        SigningFailed: the binding refused; nothing is left behind.
        AssetNotFound: `source` or the parent cannot be read.
        OutputRefused: `target` exists.
        OutputNotWritten: the file system refused; nothing is left behind.
    """
    definition = _definition(claim, mime)
    with _files.open_input(source) as unsigned, _files.new_file(target) as file:
        request = {**_request(definition, signer, target), "mime": mime, "embedded": True}
        _asked(source, [unsigned, file], claim, request, signer)
        if check:
            check(Path(file.name))
        return _files.finished_sha256(file)


def sign_beside(source: Path, target: Path, claim: Claim, *, signer: Signer, mime: str = DETACHED) -> None:
    """Write a manifest about the exact bytes of `source`, of whatever kind, to the new file `target`.

    Raises:
        As `sign`.
    """
    definition = _definition(claim, mime)
    request = {**_request(definition, signer, target), "mime": mime, "embedded": False}
    with _files.open_input(source) as unsigned, _files.scratch_file(target.parent) as scratch:
        # The binding copies what it signs; nobody needs that copy.
        with scratch.open("r+b") as copy:
            manifest = _asked(source, [unsigned, copy], claim, request, signer)
        with _files.new_file(target) as file:
            file.write(manifest)


def _request(definition: str, signer: Signer, target: Path) -> dict[str, Any]:
    return {
        "do": "sign",
        "definition": definition,
        "signer": _public(signer),
        "identity": signer.organisation and _public(signer.organisation),
        "folder": str(target.parent.absolute()),
    }


def _asked(path: Path, files: list[BinaryIO], claim: Claim, request: dict[str, Any], signer: Signer) -> bytes:
    """Have a worker sign the first file into the second; return the manifest."""
    taken = list(_ingredients(claim))
    request["ingredients"] = [stated for stated, _ in taken]
    with contextlib.ExitStack() as opened:
        others = [each for _, paths in taken for each in paths]
        files = [*files, *(opened.enter_context(_files.open_input(each)) for each in others)]
        size = sum(os.fstat(each.fileno()).st_size for each in files)
        try:
            reply = pool.ask(request, files=files, size=size, signs=_hands(signer, path))
        except pool.WorkerFailed as error:
            raise SigningFailed("signing-broken-off", path=path, cause=error.code, reason=error.reason) from error
    told = reply.told
    if "errno" in told:
        raise OSError(told["errno"], told["reason"])
    if "refused" in told:
        raise SigningFailed("signing-failed", path=path, reason=told["refused"])
    if "library" in told:
        raise ManifestError("manifest-library-missing", reason=told["library"])
    return reply.blob


def _public(signer: Signer) -> dict[str, str]:
    return {"algorithm": signer.algorithm, "chain": signer.chain.decode("ascii")}


def _hands(signer: Signer, path: Path) -> dict[str, Callable[[bytes], bytes]]:
    """Return how the claim is signed, and the organisation's identity where there is one."""
    hands = {"claim": _signs(signer, path)}
    return hands | ({"identity": _signs(signer.organisation, path)} if signer.organisation else {})


def _signs(signer: Signer, path: Path) -> Callable[[bytes], bytes]:
    """Return how the signer signs, its failures told as ours: it may be the caller's own, somewhere in a network."""

    def signature(data: bytes) -> bytes:
        try:
            made = signer.sign(data)
        except ProvenanceError:
            raise
        except Exception as error:
            raise SigningFailed("signer-failed", path=path, reason=str(error) or type(error).__name__) from error
        if not isinstance(made, bytes) or not made:
            raise SigningFailed("signer-failed", path=path, reason=type(made).__name__)
        return made

    return signature


def _definition(claim: Claim, mime: str) -> str:
    """Return the manifest definition of the binding as JSON."""
    definition = {
        "claim_generator_info": [{"name": _GENERATOR, "version": _version()}],
        "title": claim.title,
        "format": mime,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [_action(each, claim) for each in claim.actions]}},
            {"label": binding.LABELS, "kind": "Json", "data": claim.labels},
        ],
    }
    try:
        text = json.dumps(definition, ensure_ascii=False, allow_nan=False, sort_keys=True)
        text.encode()
        json.loads(text, parse_int=_integer)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPost("labels-not-signable", reason=error) from error
    return text


@cache
def _version() -> str:
    return version(_GENERATOR)


def _integer(digits: str) -> int:
    # Beyond 64 bits the binding turns an integer into a float that is near it.
    value = int(digits)
    if value not in _INTEGERS:
        raise ValueError(digits)
    return value


def _action(action: Action, claim: Claim) -> dict[str, Any]:
    stated: dict[str, Any] = {"action": action.name}
    if action.digital_source_type:
        stated["digitalSourceType"] = action.digital_source_type
    if action.description:
        stated["description"] = action.description
    if action.name == "c2pa.opened":
        stated["parameters"] = {"ingredientIds": [_PARENT_ID]}
    if action.name == "c2pa.placed":
        numbers = range(len(claim.components))
        stated["parameters"] = {"ingredientIds": [_COMPONENT_ID.format(number=each) for each in numbers]}
    return stated


def _ingredients(claim: Claim) -> Iterator[tuple[dict[str, Any], list[Path]]]:
    """Yield what is stated of each ingredient, with its file and what lies beside it."""
    names = {each.name for each in claim.actions}
    if claim.parent is not None and "c2pa.opened" in names:
        yield _stated(claim.parent, "parentOf", _PARENT_ID)
    for number, each in enumerate(claim.components if "c2pa.placed" in names else ()):
        yield _stated(each, "componentOf", _COMPONENT_ID.format(number=number))


def _stated(taken: Ingredient, relationship: str, name: str) -> tuple[dict[str, Any], list[Path]]:
    paths = [taken.path] if taken.beside is None else [taken.path, taken.beside]
    stated = {"relationship": relationship, "mime": taken.mime, "title": taken.title, "instance_id": name}
    return {**stated, "beside": taken.beside is not None}, paths
