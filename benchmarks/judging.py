"""Judging a post of four observed assets, against parsing its text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from provenance import Catalog, Post, Provenance, rules
from provenance.observe import observe
from subjects import post_of_four
from timing import Row, in_turns, milliseconds

ON = date(2026, 11, 21)


def judge_rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Judge a finished post that passes, the same when two assets have lost their labels, and a draft without any."""
    folder.mkdir()
    post, draft = post_of_four(folder)
    finished = Provenance(signer=None).attach(post, into=folder / "finished").folder / "post.json"
    lost = finished.with_name("lost.json")
    lost.write_text(_without_labels(finished, (0, 3)), encoding="utf-8")
    catalog = Catalog.packaged()
    cases = (
        ("passing post", finished, True, 20),
        ("failing post", lost, False, 20),
        ("bare draft", draft, False, None),
    )
    for name, path, passes, bar in cases:
        text = path.read_text(encoding="utf-8")
        parsed = Post.from_file(path)
        seen = [observe(path.parent / asset.path) for asset in parsed.assets]

        def judge(parsed=parsed, seen=seen):
            return rules.evaluate(parsed, seen, catalog, on=ON)

        report = judge()
        if report.publishable is not passes:
            raise SystemExit(f"the {name} does not do what it is for: {report.as_json()['findings']}")
        times = in_turns(
            rounds,
            lambda judge=judge: milliseconds(judge, 20),
            lambda text=text: milliseconds(lambda: json.loads(text), 200),
        )
        yield Row(f"rules on 4 assets, {name}", f"json.loads of its {len(text.encode()):,} bytes", *times, bar=bar)


def _without_labels(path: Path, numbers: tuple[int, ...]) -> str:
    data = json.loads(path.read_text(encoding="utf-8"))
    for number in numbers:
        del data["assets"][number]["labels"]
    return json.dumps(data, ensure_ascii=False, indent=2)
