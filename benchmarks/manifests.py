"""Signing and verifying through the worker, against the binding in this process; many files, against two processes."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import c2pa

from movies import movie
from provenance import Signer
from provenance.manifests import binding, development, native
from provenance.manifests.read import read
from provenance.manifests.write import Claim, plan_actions, sign
from provenance.metadata import iptc
from provenance.verify import verify
from subjects import picture
from timing import Row, in_turns, milliseconds
from writing import RECORD, fresh_names, timed

JPEG, MP4 = "image/jpeg", "video/mp4"
LARGE = 500_000_000
CAPTURED = iptc.SOURCE_TYPE_BASE + "digitalCapture"
CLAIM = Claim(json.loads(RECORD), plan_actions(CAPTURED, has_manifest=False, notice_drawn=False), title="file")
FILES = 100
BLOCK = 32 << 20


def manifest_rows(photo: Path, folder: Path, rounds: int) -> Iterator[Row]:
    """Compare one signature, one reading of a photograph and of a film, and a hundred readings side by side."""
    folder.mkdir()
    made = development.create(folder / "identity")
    signer = Signer.from_pem(made.certificate, made.key)
    signed = folder / "signed.jpg"
    sign(photo, signed, CLAIM, mime=JPEG, signer=signer)
    bare = _bare_signing(photo, signer)
    ours, barely_signed, barely_read = in_turns(
        rounds,
        timed(lambda target: sign(photo, target, CLAIM, mime=JPEG, signer=signer), fresh_names(folder)),
        timed(bare, fresh_names(folder)),
        lambda: milliseconds(lambda: _in_process(signed, JPEG)),
    )
    parts = [first + second for first, second in zip(barely_signed, barely_read, strict=True)]
    yield Row("sign, JPEG 6 MB", "bare sign + bare read, same settings", ours, parts, bar=1.2)
    yield _reading("verify through a worker, JPEG 6 MB", signed, JPEG, rounds, bar=1.5)
    source, film = folder / "film.mp4", folder / "signed.mp4"
    movie(source, LARGE, first=True, sparse=False)
    sign(source, film, CLAIM, mime=MP4, signer=signer)
    source.unlink()
    os.sync()
    yield _reading("verify through a worker, MP4 500 MB", film, MP4, max(3, rounds // 6), bar=1.1)
    film.unlink()
    yield _side_by_side(folder, signer, max(3, rounds // 3))


def _bare_signing(photo: Path, signer: Signer) -> Callable[[Path], object]:
    definition = {
        "claim_generator_info": [{"name": "bench", "version": "1"}],
        "title": "file",
        "format": JPEG,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": CAPTURED}]},
            },
            {"label": binding.LABELS, "kind": "Json", "data": json.loads(RECORD)},
        ],
    }
    secret = c2pa.C2paSignerInfo(signer.algorithm, signer.chain, signer.key, None)

    def write(target: Path) -> None:
        with (
            binding.context() as context,
            c2pa.Builder(definition, context=context) as builder,
            c2pa.Signer.from_info(secret) as holder,
        ):
            builder.sign_file(photo, target, holder)

    return write


def _in_process(path: Path, mime: str) -> None:
    with path.open("rb") as file:
        found = native.read(file, {"mime": mime, "trust": "", "store": None}, b"")
    assert found.state == "valid"


def _through_worker(path: Path, mime: str) -> None:
    assert read(path, mime=mime).state == "valid"


def _reading(what: str, path: Path, mime: str, rounds: int, bar: float) -> Row:
    times = in_turns(
        rounds,
        lambda: milliseconds(lambda: _through_worker(path, mime)),
        lambda: milliseconds(lambda: _in_process(path, mime)),
    )
    return Row(what, "the same in this process", *times, bar=bar)


def _side_by_side(folder: Path, signer: Signer, rounds: int) -> Row:
    """Compare how much faster many files are than one after another with how much faster two processes are than one."""
    paths = [folder / f"small-{number}.jpg" for number in range(FILES)]
    for path in paths:
        source = path.with_suffix(".src.jpg")
        source.write_bytes(_small())
        sign(source, path, CLAIM, mime=JPEG, signer=signer)
        source.unlink()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as two:
        together, alone, by_two, by_one = in_turns(
            rounds,
            lambda: milliseconds(lambda: verify(paths)),
            lambda: milliseconds(lambda: [verify([path]) for path in paths]),
            lambda: milliseconds(lambda: list(two.map(_work, [10, 10]))),
            lambda: milliseconds(lambda: list(two.map(_work, [20]))),
        )
    # A scaling of at least 0.75 of the control's is a time of at most 1/0.75 of what the control's would give.
    expected = [time * half / whole for time, half, whole in zip(alone, by_two, by_one, strict=True)]
    return Row(f"verify {FILES} small JPEG", "one by one, sped up as 2 processes are", together, expected, bar=1 / 0.75)


def _small() -> bytes:
    out = io.BytesIO()
    picture((320, 240)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _work(blocks: int) -> str:
    digest = hashlib.sha256()
    for _ in range(blocks):
        digest.update(bytes(BLOCK >> 3))
    return digest.hexdigest()
