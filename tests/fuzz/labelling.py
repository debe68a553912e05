"""Observe and label one file a job, under the limits of a machine that has little left; judge what came of it.

A job names the `source`, an empty `folder` and the format's decoder; the answer is what happened, and every promise
that was broken. Seconds beyond the limit end the process by SIGALRM, whatever it is in.
"""

import contextlib
import importlib
import io
import json
import os
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path

from PIL import Image

from provenance import Provenance, ProvenanceError, Signer
from provenance.manifests import binding
from provenance.observe import look, observe

SECONDS = 10
DECODING_SECONDS = 120
MEMORY = 512 << 20
LABELS = json.loads(sys.argv[1])
KINDS = {label["kind"] for label in LABELS}


def main():
    warnings.simplefilter("ignore")
    sdk = Provenance(signer=signer())
    binding.load()
    frames = decoder()
    for line in sys.stdin:
        job = json.loads(line)
        source, folder = Path(job["source"]), Path(job["folder"])
        content = source.read_bytes()
        answer = limited(sdk, source, folder / source.name)
        problems = [] if source.read_bytes() == content else ["the source has changed"]
        problems += broken(answer["outcome"], folder, source, frames)
        sys.stdout.write(json.dumps({**answer, "problems": problems}) + "\n")
        sys.stdout.flush()


def signer():
    """Return who signs, from the folder named last; nobody where none is named."""
    if len(sys.argv) < 3:
        return None
    folder = Path(sys.argv[2])
    return Signer.from_pem(folder / "certificate.pem", folder / "key.pem")


def decoder():
    """Return the function of the format contract that decodes a picture, for real HEIF files as well."""
    try:
        import pi_heif

        pi_heif.register_heif_opener()
    except ImportError:
        pass
    sys.path.insert(0, str(Path(__file__).parents[1]))
    samples = importlib.import_module("contracts.samples")
    return lambda name, content: samples.DECODED[name](content)


def limited(sdk, source, target):
    """Return the outcome of observing and labelling within the limits."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, resource.RLIM_INFINITY))
    signal.alarm(SECONDS)
    try:
        seen = observe(source)
        sdk.attach_media(source, {"labels": LABELS}, into=target, on_conflict="keep")
    except ProvenanceError as error:
        # Its message must be made too.
        return {"outcome": "refused", "code": error.code, "format": seen.format, "said": error.diagnostics("zh-CN")}
    except BaseException as error:
        return {"outcome": "crashed", "code": type(error).__name__, "trace": traceback.format_exc()}
    else:
        return {"outcome": "labelled", "code": "", "format": seen.format}
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def broken(outcome, folder, source, frames):
    """Yield what is wrong with what was left behind."""
    left = sorted(each.name for each in folder.iterdir())
    if outcome != "labelled":
        return [f"left behind: {left}"] if left else []
    target = folder / source.name
    allowed = {source.name, source.name + ".xmp", source.name + ".c2pa"}
    problems = [] if source.name in left and allowed >= set(left) else [f"left behind: {left}"]
    try:
        found = look(target)
    except ProvenanceError as error:
        return [*problems, f"does not read back: {error}"]
    if not found.record or not {label["kind"] for label in found.record.labels} >= KINDS:
        problems.append("a label does not read back")
    if decodes_differently(frames, found.container.format, source, target):
        problems.append("decodes differently")
    return problems


def decodes_differently(frames, name, source, target):
    """Say whether a picture that a decoder takes whole has changed."""

    def differs():
        before = pixels(frames, name, source)
        if before is None:
            return False
        return pixels(frames, name, target) != before

    found = apart(differs)
    if found is None:  # which of the two did the decoder not survive?
        return apart(lambda: pixels(frames, name, source) is not None) or False
    return found


def apart(question):
    """Return the answer from a process of its own, or None when a decoder ends that, or does not end."""
    if (child := os.fork()) == 0:
        signal.alarm(DECODING_SECONDS)
        os._exit(question())
    _, status = os.waitpid(child, 0)
    return bool(os.WEXITSTATUS(status)) if os.WIFEXITED(status) else None


def pixels(frames, name, path):
    """Return every frame, or None of what no decoder takes whole."""
    content = path.read_bytes()
    with contextlib.suppress(BaseException):  # decoders raise whatever their input makes them raise
        return frames(name, content)
    if name in {"heic", "heif"}:
        with contextlib.suppress(BaseException), Image.open(io.BytesIO(content)) as image:
            return [image.tobytes()]
    return None


if __name__ == "__main__":
    main()
