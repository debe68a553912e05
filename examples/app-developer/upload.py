"""An upload handler: label what the user sent, ask the gate, publish or answer with what is missing.

    python upload.py POST.json OUTBOX IDENTITY

IDENTITY is a folder made by `provenance identity new`; a service loads its production certificate instead.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import provenance as pv


@dataclass
class Answer:
    """What the app tells its user."""

    published: bool
    messages: list[str]


def on_upload(sdk: pv.Provenance, post_file: Path, outbox: Path) -> Answer:
    """Attach labels, check the finished files, and publish only what the gate lets through."""
    try:
        item = sdk.attach(pv.Post.from_file(post_file), into=outbox)
    except pv.ProvenanceError as error:  # wrong input, unreadable media, disk full: nothing was left behind
        return Answer(published=False, messages=[error.diagnostics("zh-CN")])
    report = sdk.check(item)
    if not report.publishable:
        problems = [f"{each.message['zh-CN']} {each.fix['zh-CN']}" for each in report.blocking]
        return Answer(published=False, messages=problems)
    return Answer(published=True, messages=[notice.text for notice in report.notices if notice.status == "required"])


def main() -> int:
    """Handle one upload from the command line."""
    post_file, outbox, identity = map(Path, sys.argv[1:4])
    signer = pv.Signer.from_pem(identity / "certificate.pem", identity / "key.pem")
    answer = on_upload(pv.Provenance(signer=signer), post_file, outbox)
    print("published; show on the page:" if answer.published else "refused:")
    for message in answer.messages:
        print(" ", message)
    return 0 if answer.published else 1


if __name__ == "__main__":
    sys.exit(main())
