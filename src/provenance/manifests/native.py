"""What a worker does with the C2PA binding: read a manifest, take out a store, sign.

Files are open already, and nothing here opens another, so that what the binding parses decides nothing about paths.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

from provenance import _files
from provenance.manifests import binding, identity, verdict
from provenance.manifests.verdict import ManifestReading

Sign = Callable[[bytes], bytes]

_FLUSHED_AT_ONCE: Final = 1 << 20
_REFUSALS: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError, RuntimeError)


class Refused(Exception):
    """The binding refused, in its own words."""


def read(file: BinaryIO, request: Mapping[str, Any], store: bytes) -> ManifestReading:
    """Read and validate the manifest of a file: embedded in it, or `store`, which was found beside it or fetched."""
    c2pa = binding.load()
    mime: str = request["mime"]
    source: tuple[object, ...] = (file,)
    if request["store"] is not None:
        source = (file, store)
        # What lies beside a file is about its bytes, whatever they are; what a file names as its own, about its media.
        mime = binding.DETACHED if request["store"] == "beside" else mime
    elif not binding.supports(mime):
        return ManifestReading("absent")
    try:
        with binding.context(request["trust"]) as context, c2pa.Reader(mime, *source, context=context) as reader:
            return verdict.reading(reader)
    except c2pa.C2paError.ManifestNotFound:
        return ManifestReading("absent")
    except (c2pa.C2paError, *_REFUSALS) as error:
        return verdict.refused(str(error) or type(error).__name__)


def store(file: BinaryIO, request: Mapping[str, Any]) -> bytes | None:
    """Return the manifest store embedded in a file, in one piece; None where none can be read."""
    c2pa = binding.load()
    found = io.BytesIO()
    try:
        with binding.context() as context, c2pa.Reader(request["mime"], file, context=context) as reader:
            reader.resource_to_stream(json.loads(reader.json())["active_manifest"], found)
    except (c2pa.C2paError, *_REFUSALS):
        return None
    return found.getvalue()


def sign(files: Sequence[BinaryIO], request: Mapping[str, Any], signed: Mapping[str, Sign]) -> bytes:
    """Write the first file with a new manifest to the second; return that manifest.

    Args:
        files: The source, the target, and for each ingredient its file, then what lies beside it.
        request: ``definition`` in the binding's JSON, ``mime``, ``embedded``, ``signer`` (``algorithm`` and ``chain``),
            ``identity`` (the same of an organisation, or none), ``folder`` for what does not fit in memory, and
            ``ingredients``: of each its ``relationship``, ``mime``, ``title``, ``instance_id`` and whether its manifest
            lies ``beside`` it.
        signed: How the ``claim`` is signed, and the ``identity``, for whoever holds the keys.

    Raises:
        Refused: by the binding.
        OSError: by the file system.
    """
    # The binding asks for this whenever it spills.
    os.environ["TMPDIR"] = request["folder"]
    c2pa = binding.load()
    source, target, *rest = files
    sink = _Sink(target)
    stays = _files.kept() if request["embedded"] else contextlib.nullcontext()
    with stays, _refusals(sink):
        taken = list(_ingredients(request["ingredients"], iter(rest)))
        definition = _with_stores(request["definition"], taken)
        with (
            _signer(request, signed) as signer,
            binding.context() as context,
            c2pa.Builder(definition, context=context) as builder,
        ):
            for each in taken:
                _add(builder, each)
            if not request["embedded"]:
                builder.set_no_embed()
            manifest: bytes = builder.sign(signer, request["mime"], source, sink)
    target.flush()
    return manifest


def _signer(request: Mapping[str, Any], signed: Mapping[str, Sign]) -> Any:
    claim, organisation = request["signer"], request["identity"]
    if organisation:
        return identity.joined(claim, organisation, signed)
    c2pa = binding.load()
    return c2pa.Signer.from_callback(signed["claim"], c2pa.C2paSigningAlg[claim["algorithm"].upper()], claim["chain"])


class _Ingredient(NamedTuple):
    """A file that goes into another, and the store of manifests found beside it."""

    stated: Mapping[str, Any]
    file: BinaryIO
    store: bytes | None

    @property
    def definition(self) -> dict[str, Any]:
        """What the binding is told of it."""
        return {name: self.stated[name] for name in ("relationship", "title", "instance_id")}

    @property
    def store_name(self) -> str:
        """What the store is called among the builder's resources."""
        return f"{self.stated['instance_id'].rpartition(':')[2]}.c2pa"


def _ingredients(stated: Sequence[Mapping[str, Any]], files: Iterator[BinaryIO]) -> Iterator[_Ingredient]:
    for each in stated:
        file = next(files)
        yield _Ingredient(each, file, next(files).read() if each["beside"] else None)


def _with_stores(definition: str, taken: Sequence[_Ingredient]) -> str:
    """Return the definition with the ingredients whose manifest lies beside them.

    The binding takes such a manifest as a resource, and wants to be told how it held; it says so itself, asked first.
    """
    beside = [_with_store(each) for each in taken if each.store is not None]
    if not beside:
        return definition
    return json.dumps({**json.loads(definition), "ingredients": beside}, ensure_ascii=False, sort_keys=True)


def _with_store(taken: _Ingredient) -> dict[str, Any]:
    reader = binding.load().Reader
    with binding.context() as context, reader(binding.DETACHED, taken.file, taken.store, context=context) as own:
        told = json.loads(own.json())
    return {
        **taken.definition,
        "format": binding.DETACHED,
        "active_manifest": told["active_manifest"],
        "validation_results": told["validation_results"],
        "manifest_data": {"format": "application/c2pa", "identifier": taken.store_name},
    }


def _add(builder: Any, taken: _Ingredient) -> None:
    if taken.store is not None:
        builder.add_resource(taken.store_name, io.BytesIO(taken.store))
    else:
        builder.add_ingredient(json.dumps(taken.definition), taken.stated["mime"], taken.file)


@contextlib.contextmanager
def _refusals(sink: _Sink) -> Iterator[None]:
    c2pa = binding.load()
    try:
        yield
    except (c2pa.C2paError, *_REFUSALS) as error:
        if sink.error:
            # The binding says only that a stream failed; the file system said why.
            raise sink.error from None
        raise Refused(str(error) or type(error).__name__) from error


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
