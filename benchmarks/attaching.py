"""Attaching to one photograph, against the least that it consists of: a metadata write, a signature, a reading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import c2pa

from provenance import Provenance, Signer
from provenance.manifests import development
from provenance.metadata import iptc
from subjects import CAPTURE, SOURCE
from timing import Row, in_turns, milliseconds
from writing import COPY, RECORD, copy, timed, write_metadata

# As little as the binding can do: no thumbnail, which alone costs more than all the rest, and nothing fetched.
SETTINGS = {"builder": {"thumbnail": {"enabled": False}}, "verify": {"remote_manifest_fetch": False}}
LABELS = [CAPTURE, SOURCE]
PARENT = "xmp:iid:parent"
CREATED = {"action": "c2pa.created", "digitalSourceType": iptc.SOURCE_TYPE_BASE + "digitalCapture"}
OPENED = {"action": "c2pa.opened", "parameters": {"ingredientIds": [PARENT]}}


def attach_rows(photo: Path, names: Iterator[Path], rounds: int) -> Iterator[Row]:
    """Compare attaching without a notice with its parts done barely, for both first actions; then unsigned."""
    made = development.create(photo.with_name("identity"))
    signer = Signer.from_pem(made.certificate, made.key)
    for name, asset, action in (("created", {"origin": "self-shot"}, CREATED), ("opened", {}, OPENED)):
        bare = _Bare(photo, signer, action)
        ours = timed(_attach(photo, signer, asset), names)
        attached, written, signed, read = in_turns(
            rounds,
            ours,
            timed(lambda target: write_metadata(photo, target), names),
            timed(bare.sign, names),
            bare.read,
        )
        parts = [sum(times) for times in zip(written, signed, read, strict=True)]
        yield Row(f"attach, c2pa.{name}", "metadata write + bare sign + bare read", attached, parts, bar=1.2)
    times = in_turns(
        rounds,
        timed(_attach(photo, None, {"origin": "self-shot"}), names),
        timed(lambda target: copy(photo, target), names),
    )
    yield Row("attach, unsigned", COPY, *times)


def _attach(photo: Path, signer: Signer | None, asset: dict[str, object]):
    sdk = Provenance(signer=signer)
    return lambda target: sdk.attach_media(photo, {**asset, "labels": LABELS}, into=target)


class _Bare:
    """The binding alone, called as its documentation does, on plain files."""

    def __init__(self, photo: Path, signer: Signer, action: dict[str, object]) -> None:
        self.photo, self.signer, self.action = photo, signer, action
        self.signed = photo.with_name(f"bare-{action['action']}.jpg")
        self.sign(self.signed)

    def sign(self, target: Path) -> None:
        definition = {
            "claim_generator_info": [{"name": "bench", "version": "1"}],
            "title": target.name,
            "format": "image/jpeg",
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": [self.action]}},
                {"label": "org.w3id.provenance-labels.labels", "kind": "Json", "data": json.loads(RECORD)},
            ],
        }
        secret = c2pa.C2paSignerInfo(self.signer.algorithm, self.signer.chain, self.signer.key, None)
        with (
            c2pa.Context.from_dict(SETTINGS) as context,
            c2pa.Builder(definition, context=context) as builder,
            c2pa.Signer.from_info(secret) as signer,
        ):
            if self.action is OPENED:
                parent = {"relationship": "parentOf", "title": self.photo.name, "instance_id": PARENT}
                with self.photo.open("rb") as original:
                    builder.add_ingredient(json.dumps(parent), "image/jpeg", original)
            builder.sign_file(self.photo, target, signer)

    def read(self) -> float:
        def one() -> None:
            with c2pa.Context.from_dict(SETTINGS) as context, c2pa.Reader(str(self.signed), context=context) as reader:
                json.loads(reader.json())

        return milliseconds(one)
