"""Attach in a child process that is killed: one job a line on standard input, one answer a line on standard output.

A job names `source` and `target`, null for in place, whether to sign, and the moment of death: `after` so many seconds, or `at` the so
many-th change of the file system. Without either the child lives.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from provenance import Provenance, Signer
from provenance.manifests import binding

CHANGES = {"os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}


def main():
    folder = Path(sys.argv[1])
    labels = json.loads(sys.argv[2])
    signer = Signer.from_pem(folder / "certificate.pem", folder / "key.pem")
    unsigned = Provenance(signer=None)
    signed = Provenance(signer=signer, catalog=unsigned.catalog)
    binding.load()
    for line in sys.stdin:
        job = json.loads(line)
        start = time.perf_counter()
        if (child := os.fork()) == 0:
            attach(job, labels, signed if job["signed"] else unsigned)
        if job.get("after") is not None:
            time.sleep(job["after"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        seconds = time.perf_counter() - start
        answer = {"code": os.waitstatus_to_exitcode(status), "seconds": seconds}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def attach(job, labels, sdk):
    """Attach and leave, as if nothing of the parent's were there."""
    code = 1
    try:
        if job.get("at") is not None:
            die_at(job["at"])
        if job["source"].endswith(".json"):
            sdk.attach(job["source"], into=job["target"], on_conflict="keep")
        elif job["target"] is None:
            sdk.attach_in_place(job["source"], {"labels": labels})
        else:
            sdk.attach_media(job["source"], {"labels": labels}, into=job["target"], on_conflict="keep")
        code = 0
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def die_at(number):
    """Die before the `number`-th change of the file system, counted from 0."""
    left = number

    def hook(event, arguments):
        nonlocal left
        creates = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_CREAT | os.O_WRONLY)
        if creates or event in CHANGES:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    main()
