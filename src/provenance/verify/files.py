"""What every carrier of a finished file says, and whether it agrees with the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Final, Literal

from provenance.errors import AssetNotFound, UsageError
from provenance.manifests.remote import Fetch
from provenance.manifests.trust import Trust
from provenance.model.compare import PROPAGATION, fields_of, same
from provenance.model.labels import REPEATABLE
from provenance.model.observation import Evidence, Observation, contradictions
from provenance.model.post_file import is_post
from provenance.model.verification import Conflict, ConflictingValue, FileVerification, Verification
from provenance.observe import AI_SOURCE_TYPES, NOTHING, Sought, observe
from provenance.verify import organisation
from provenance.verify.posts import judge_post

Requirement = Literal["valid", "trusted"]
Progress = Callable[[int, int, str], None]
Judge = Callable[[Path], FileVerification]

_SIDE_BY_SIDE: Final = min(4, os.cpu_count() or 1)
_OF_TEXT_TOO: Final = "ai-generated"  # on a post it speaks of title and body
_BROKEN: Final = frozenset({"invalid", "expired", "unreadable", "remote"})
_MEETS: Final[dict[Requirement | None, frozenset[str]]] = {
    None: frozenset({"absent", "valid", "trusted"}),
    "valid": frozenset({"valid", "trusted"}),
    "trusted": frozenset({"trusted"}),
}


def verify(
    paths: Sequence[Path],
    *,
    trust: Trust = (),
    require: Requirement | None = None,
    sought: Sought = NOTHING,
    progress: Progress | None = None,
    fetch: Fetch | None = None,
) -> Verification:
    """Verify finished files; one that cannot be read is reported with its error, never left out.

    Args:
        paths: The files, in the order of the result; of a post, its file or folder.
        trust: Authorities (PEM) whose signers count as trusted; `TrustLists` for other purposes too.
        require: The manifest state that a clean file needs at least.
        sought: Notices to look for beyond those that a file's record states.
        progress: Called with files done, files in all, and the name of the next.
        fetch: Fetches manifests that are kept elsewhere; by default nothing is fetched.
    """
    if require not in _MEETS:
        raise UsageError("option-unknown", option="require", value=require, known="valid, trusted")

    def one(path: Path) -> FileVerification:
        if _is_post(path):
            return judge_post(path, trust=trust, judge=medium, fine=_MEETS[require])
        return medium(path)

    def medium(path: Path) -> FileVerification:
        return judge(observe(path, trust=trust, sought=sought, fetch=fetch), require=require)

    judged = []
    alone: list[Callable[[], FileVerification]] = [partial(one, path) for path in paths]
    # Whoever reads pictures uses all processors already.
    calls = _side_by_side(one, paths) if len(paths) > 1 and sought is NOTHING else alone
    for number, found in enumerate(calls):
        if progress:
            progress(number, len(paths), paths[number].name)
        judged.append(found())
    return Verification(files=tuple(judged))


def _side_by_side(one: Judge, paths: Sequence[Path]) -> Iterator[Callable[[], FileVerification]]:
    """Yield, in order, what waits for each file, while several are worked on.

    The threads are nobody's to wait for: when the caller is interrupted, the program may end at once.
    """
    futures = [(path, Future[FileVerification]()) for path in paths]
    left = iter(futures)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                path, future = next(left, (None, None))
            if path is None or future is None:
                return
            try:
                future.set_result(one(path))
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                future.set_exception(error)

    for _ in range(min(_SIDE_BY_SIDE, len(paths))):
        threading.Thread(target=copy_context().run, args=(work,), daemon=True).start()
    try:
        yield from (future.result for _, future in futures)
    finally:
        with lock:
            for _ in left:
                pass


def judge(found: Observation, *, require: Requirement | None = None) -> FileVerification:
    """Return the verification of one observed file."""
    conflicts = tuple(conflicts_in(found))
    clean = (
        found.error is None
        and found.manifest.state not in _BROKEN
        and found.manifest.state in _MEETS[require]
        and not conflicts
        and found.aigc.conformant is not False
        and all(notice.found for notice in found.notices if notice.stated)
    )
    return FileVerification(
        path=found.path,
        format=found.format,
        sha256=found.sha256,
        clean=clean,
        error=found.error,
        labels=tuple(organisation.said(found.evidence, found.manifest)),
        conflicts=conflicts,
        aigc=found.aigc,
        manifest=found.manifest,
        notices=found.notices,
        active_manifest=found.active_manifest,
    )


def _is_post(path: Path) -> bool:
    try:
        return is_post(path)
    except AssetNotFound:  # looking at it as a medium says so
        return False


def conflicts_in(found: Observation) -> Iterator[Conflict]:
    """Yield every field of a label kind of which the carriers say different things."""
    for kind in dict.fromkeys(each.kind for each in found.evidence):
        evidence = [each for each in found.evidence if each.kind == kind]
        yield from _of_repeatable(kind, evidence) if kind in REPEATABLE else _of_single(kind, evidence)
    yield from _of_source_types(found)
    yield from organisation.conflicts_with(found.evidence, found.manifest)


def _of_single(kind: str, evidence: Sequence[Evidence]) -> Iterator[Conflict]:
    values: dict[str, list[ConflictingValue]] = {}
    # What a post says of its own text (`on`: post) is no statement about the asset.
    about = [each for each in evidence if each.on != "post"] if kind == _OF_TEXT_TOO else evidence
    for each in about:
        for field, value in fields_of(each.value).items():
            values.setdefault(field, []).append(
                ConflictingValue(carrier=each.carrier, location=each.location, value=value)
            )
    for field, said in values.items():
        # The propagator changes from hop to hop.
        if field not in PROPAGATION and any(not same(field, said[0].value, other.value) for other in said[1:]):
            yield Conflict(kind=kind, field=field, values=tuple(_distinct(field, said)))


def _of_repeatable(kind: str, evidence: Sequence[Evidence]) -> Iterator[Conflict]:
    """A standard field that agrees with none of the recorded labels contradicts them."""
    recorded = [each for each in evidence if each.on is not None]
    standard = [each for each in evidence if each.on is None]
    found = [list(contradictions(each.value, standard)) for each in recorded]
    for said, field, ours, theirs in found[0] if found else ():
        if all(any((other, name) == (said, field) for other, name, *_ in each) for each in found):
            sides = ((recorded[0], ours), (said, theirs))
            yield Conflict(
                kind=kind,
                field=field,
                values=tuple(
                    ConflictingValue(carrier=each.carrier, location=each.location, value=value) for each, value in sides
                ),
            )


def _of_source_types(found: Observation) -> Iterator[Conflict]:
    stated = found.source_types
    about = [each for each in found.says(_OF_TEXT_TOO) if each.on != "post"]
    says_ai = any(each.value.get("grade") == "confirmed" for each in about)
    captured = says_ai and any(uri.rpartition("/")[2] not in AI_SOURCE_TYPES for uri in stated.values())
    if captured or len(set(stated.values())) > 1:
        locations = {"xmp": "Iptc4xmpExt:DigitalSourceType", "manifest": "c2pa.actions"}
        values = tuple(
            ConflictingValue(carrier=carrier, location=locations[carrier], value=uri) for carrier, uri in stated.items()
        )
        yield Conflict(kind="ai-generated", field="digital_source_type", values=values)


def _distinct(field: str, said: Sequence[ConflictingValue]) -> Iterator[ConflictingValue]:
    """Keep one value a carrier and location, and every value that differs."""
    kept: list[ConflictingValue] = []
    for each in said:
        if not any(each.carrier == other.carrier and same(field, each.value, other.value) for other in kept):
            kept.append(each)
            yield each
