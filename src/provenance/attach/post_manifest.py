"""Sign a finished post: a manifest over the exact bytes of its file, with its media as what it is made up of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from provenance.attach.file import Labelled
from provenance.manifests.signer import Signer
from provenance.manifests.write import DETACHED, Action, Claim, Ingredient, sign_beside
from provenance.model import record as records
from provenance.model.labels import AIGenerated
from provenance.model.post import Post
from provenance.model.record import Record
from provenance.observe import MANIFEST_SUFFIX

POST_MIME: Final = "application/json"
_CODES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# IPTC's words for something put together of several parts, with and without parts made by a model.
_COMPOSITE: Final = _CODES + "composite"
_WITH_GENERATED: Final = _CODES + "compositeWithTrainedAlgorithmicMedia"


def sign_post(path: Path, post: Post, parts: Sequence[Ingredient], *, signer: Signer) -> None:
    """Write the manifest of the finished post at `path`, made up of `parts`, beside it under its name and ``.c2pa``.

    Raises:
        SigningFailed: the binding refused.
        OutputNotWritten: the file system refused.
    """
    record = Record(post=post.id, labels=records.merged((), post.labels_on_post()))
    generated = any(
        isinstance(each.label, AIGenerated)
        for index in range(len(post.assets))
        for each in (*post.labels_on_post(), *post.labels_on_asset(index))
    )
    created = Action("c2pa.created", digital_source_type=_WITH_GENERATED if generated else _COMPOSITE)
    claim = Claim(
        labels=record.payload(),
        actions=(created, Action("c2pa.placed")) if parts else (created,),
        title=path.name,
        components=parts,
    )
    sign_beside(path, path.with_name(path.name + MANIFEST_SUFFIX), claim, signer=signer, mime=POST_MIME)


def component(asset: Labelled, mime: str) -> Ingredient:
    """Return a labelled asset of media type `mime`, with the manifest that it holds or that lies beside it."""
    beside = next((each for each in asset.sidecars if each.suffix == MANIFEST_SUFFIX), None)
    return Ingredient(path=asset.path, mime=DETACHED if beside else mime, title=asset.path.name, beside=beside)
