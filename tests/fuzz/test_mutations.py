"""Thousands of damaged and hostile files: each is labelled as it should be, or refused with an error of ours.

`PROVENANCE_PROOF=full` makes more than 5,000; the file of a failure stays in the folder of the test, named by its seed.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from provenance.formats import registry
from provenance.observe import observe
from provenance.sdk import Provenance

from .conftest import FULL_PROOF, LABELS, program
from .mutate import mutant, with_checksums
from .service import Service

WORKERS = 2
SAMPLES = 6000 if FULL_PROOF else 300
REAL = 3000 if FULL_PROOF else 60
SIGNED = 1500 if FULL_PROOF else 40


def run(count, pool, command, folder):
    """Label `count` mutants and return (seed, what it is, answer) of each."""
    services = SimpleQueue()
    running = [Service(command, folder / f"log-{number}") for number in range(WORKERS)]
    for service in running:
        services.put(service)

    def one(seed):
        name, content = mutant(seed, pool)
        source, out = folder / f"{seed}{suffix(name)}", folder / f"out-{seed}"
        source.write_bytes(content)
        out.mkdir()
        service = services.get()
        try:
            answer = service.ask(source=str(source), folder=str(out))
        finally:
            services.put(service)
        if not failed(answer):
            source.unlink()
            for each in out.iterdir():
                each.unlink()
            out.rmdir()
        return seed, name, answer

    try:
        with ThreadPoolExecutor(WORKERS) as threads:
            return list(threads.map(one, range(count)))
    finally:
        for service in running:
            service.close()


def suffix(name):
    """Return what a sample's or a real file's name must end with: one kind of text is told from another by it."""
    base = name.partition(":")[0]
    handler, is_sample, _ = base.partition("/")
    return registry.handler(handler).extensions[0] if is_sample else Path(base).suffix


def test_a_mutant_keeps_the_suffix_of_what_it_was_made_from():
    assert suffix("with-gps.mov: flip_bytes") == ".mov"
    assert suffix("mp4/full: flip_bytes, cut") == ".mp4"
    assert suffix("text/") == ".txt"


def failed(answer):
    return answer.get("outcome") not in {"labelled", "refused"} or bool(answer["problems"])


def classes(results):
    """Return how often each outcome came, the commonest first."""
    counted = Counter(answer.get("outcome") or answer.get("signal") or "ended" for _, _, answer in results)
    codes = Counter(answer["code"] for _, _, answer in results if answer.get("outcome") == "refused")
    return f"{dict(counted.most_common())}; refusals {dict(codes.most_common())}"


def test_a_mutated_sample_is_labelled_or_refused(samples, tmp_path, report):
    pool = {f"{name}/{each}": content for name, contents in samples.items() for each, content in contents.items()}
    refuse_failures(SAMPLES, pool, tmp_path, report)


def test_a_mutated_real_file_is_labelled_or_refused(corpus, real, tmp_path, report):
    refuse_failures(REAL, real, tmp_path, report)


def refuse_failures(count, pool, folder, report):
    results = run(count, pool, [*program("labelling.py"), json.dumps(LABELS)], folder)
    report(f"mutations of {len(pool)} files: {len(results)}; {classes(results)}")
    assert [each for each in results if failed(each[2])] == []
    assert len(results) == count
    outcomes = Counter(answer["outcome"] for _, _, answer in results)
    assert min(outcomes["labelled"], outcomes["refused"]) > count / 20


def test_a_manifest_with_an_assertion_that_is_no_json_is_invalid(samples, signer, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(samples["png"]["bare"])
    Provenance(signer=signer).attach_media(source, {"labels": LABELS}, into=target)
    content = target.read_bytes()
    assertion = content.rindex(b'{"', 0, content.index(b'"kind"', content.index(b"jumb")))
    target.write_bytes(with_checksums(content[:assertion] + b"!" + content[assertion + 1 :]))
    assert observe(target).manifest.state == "invalid"


def test_a_mutated_manifest_breaks_nothing_of_ours(samples, identity, signer, tmp_path, report):
    """The binding may end its process on a hostile manifest; that is counted, and is no failure of this test."""
    sdk = Provenance(signer=signer)
    signed = {}
    for name, contents in samples.items():
        if not registry.handler(name).signs:
            continue
        source, target = (tmp_path / f"{step}-{name}{suffix(f'{name}/')}" for step in ("plain", "signed"))
        source.write_bytes(contents.get("bare") or contents["full"])
        sdk.attach_media(source, {"labels": LABELS}, into=target)
        signed[f"{name}/signed"] = target.read_bytes()
    command = [*program("labelling.py"), json.dumps(LABELS), str(identity.certificate.parent)]
    results = run(SIGNED, signed, command, tmp_path)
    killed = [each for each in results if "signal" in each[2]]
    report(
        f"mutations of signed files, signed again: {len(results)}; processes ended by the binding: {len(killed)};"
        f" {classes(results)}"
    )
    assert [each for each in results if failed(each[2]) and each not in killed] == []
