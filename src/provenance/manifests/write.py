"""Signing: our labels, what was done to the file, and the manifest it had before, in a new C2PA manifest."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from provenance import _files
from provenance._interruption import held_back
from provenance.errors import InvalidPost, SigningFailed
from provenance.manifests import binding
from provenance.manifests.signer import Signer

ActionName = Literal["c2pa.created", "c2pa.opened", "c2pa.edited"]

DETACHED: Final = "application/octet-stream"
"""Media type under which a manifest beside a file is signed and read: any bytes at all."""
_GENERATOR: Final = "provenance-labels"
_PARENT_ID: Final = "xmp:iid:parent"  # ties the action to the ingredient; the binding puts a link in its place
_PARENT_STORE: Final = "parent.c2pa"
_FLUSHED_AT_ONCE: Final = 1 << 20
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
class Parent:
    """The input that an opened file comes from; its manifest, in it or `beside` it, lives on in the new one."""

    path: Path
    mime: str
    title: str
    beside: bytes | None = None


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
    """

    labels: Mapping[str, Any]
    actions: Sequence[Action]
    parent: Parent | None = None
    title: str | None = None


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
        sink = _Sink(file)
        with _binding_errors(source, sink), _native(signer) as native, _builder(definition) as builder:
            _add_parent(builder, claim)
            with held_back():
                builder.sign(native, mime, unsigned, sink)
        file.flush()
        if check:
            check(Path(file.name))
        return _files.finished_sha256(file)


def sign_beside(source: Path, target: Path, claim: Claim, *, signer: Signer) -> None:
    """Write a manifest about the exact bytes of `source`, of whatever kind, to the new file `target`.

    Raises:
        As `sign`.
    """
    definition = _definition(claim, DETACHED)
    with _files.open_input(source) as unsigned, _files.scratch_file(target.parent) as scratch:
        # The binding copies what it signs; nobody needs that copy.
        with (
            scratch.open("r+b") as copy,
            _binding_errors(source, sink := _Sink(copy)),
            _native(signer) as native,
            _builder(definition) as builder,
        ):
            _add_parent(builder, claim)
            builder.set_no_embed()
            with held_back():
                manifest = builder.sign(native, DETACHED, unsigned, sink)
        with _files.new_file(target) as file:
            file.write(manifest)


def _definition(claim: Claim, mime: str) -> str:
    """Return the manifest definition of the binding as JSON."""
    definition = {
        "claim_generator_info": [{"name": _GENERATOR, "version": _version()}],
        "title": claim.title,
        "format": mime,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [_action(each) for each in claim.actions]}},
            {"label": binding.LABELS, "kind": "Json", "data": claim.labels},
        ],
        "ingredients": [_beside(parent)] if (parent := _parent(claim)) and parent.beside else [],
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


def _action(action: Action) -> dict[str, Any]:
    stated: dict[str, Any] = {"action": action.name}
    if action.digital_source_type:
        stated["digitalSourceType"] = action.digital_source_type
    if action.description:
        stated["description"] = action.description
    if action.name == "c2pa.opened":
        stated["parameters"] = {"ingredientIds": [_PARENT_ID]}
    return stated


@contextmanager
def _builder(definition: str) -> Iterator[Any]:
    with binding.context() as context, binding.load().Builder(definition, context=context) as builder:
        yield builder


def _parent(claim: Claim) -> Parent | None:
    return claim.parent if claim.actions[0].name == "c2pa.opened" else None


def _beside(parent: Parent) -> dict[str, Any]:
    """Return the ingredient of an input whose manifest lies beside it.

    The binding takes such a manifest as a resource, and wants to be told how it held; it says so itself, asked first.
    """
    with _binding_errors(parent.path), _files.open_input(parent.path) as file, binding.context() as context:
        reader = binding.load().Reader(DETACHED, file, parent.beside, context=context)
        with reader:
            told = json.loads(reader.json())
    return {
        **_ingredient(parent),
        "format": DETACHED,
        "active_manifest": told["active_manifest"],
        "validation_results": told["validation_results"],
        "manifest_data": {"format": "application/c2pa", "identifier": _PARENT_STORE},
    }


def _ingredient(parent: Parent) -> dict[str, Any]:
    return {"relationship": "parentOf", "title": parent.title, "instance_id": _PARENT_ID}


def _add_parent(builder: Any, claim: Claim) -> None:
    parent = _parent(claim)
    if parent is None:
        return
    if parent.beside is not None:
        builder.add_resource(_PARENT_STORE, io.BytesIO(parent.beside))
        return
    with _files.open_input(parent.path) as original:
        builder.add_ingredient(json.dumps(_ingredient(parent)), parent.mime, original)


def _native(signer: Signer) -> Any:
    c2pa = binding.load()
    return c2pa.Signer.from_info(c2pa.C2paSignerInfo(signer.algorithm, signer.chain, signer.key, None))


@contextmanager
def _binding_errors(path: Path, sink: _Sink | None = None) -> Iterator[None]:
    c2pa = binding.load()
    try:
        yield
    except (c2pa.C2paError, ValueError, TypeError, RuntimeError) as error:
        if sink and sink.error:
            # The binding says only that a stream failed; the file system said why.
            raise sink.error from None
        raise SigningFailed("signing-failed", path=path, reason=error) from error


class _Sink:
    """A file that remembers the error which the binding, calling it from native code, swallows."""

    def __init__(self, file: BinaryIO) -> None:
        self.error: OSError | None = None
        self._file, self._unflushed = file, 0
        for name in ("read", "readinto", "seek", "tell", "flush"):
            setattr(self, name, self._remembering(getattr(file, name)))
        self.write = self._remembering(self._write)

    def _write(self, data: bytes) -> int:
        """Write, and let the disk begin while the binding goes on."""
        written = self._file.write(data)
        self._unflushed += written
        if self._unflushed >= _FLUSHED_AT_ONCE:
            _files.begin_flush(self._file, self._unflushed)
            self._unflushed = 0
        return written

    def _remembering(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            try:
                return call(*arguments)
            except OSError as error:
                self.error = error
                raise

        return called
