"""Judging a post of four observed assets, against parsing its text; and many posts from a file of JSON lines."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from provenance import Catalog, Post, Provenance, rules
from provenance.bulk import check_lines
from provenance.observe import observe
from subjects import SOURCE, post_of_four
from timing import Row, in_turns, milliseconds

ON = date(2026, 11, 21)
QUICK = 5


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
        ("failing post", lost, False, None),
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


def line_rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Judge 100,000 posts without assets from a file of JSON lines, as `check --jsonl` does, and only validate them."""
    folder.mkdir()
    _, draft = post_of_four(folder)
    post = json.loads(draft.read_text(encoding="utf-8")) | {"assets": [], "labels": [SOURCE]}
    lines, count = folder / "posts.jsonl", 100_000 if rounds > QUICK else 10_000
    with lines.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(post | {"id": f"p-{number}"}, ensure_ascii=False) + "\n")
    sdk = Provenance(signer=None)
    sdk.check(Post.from_dict(post))
    times = [milliseconds(lambda: _judge_lines(lines, sdk))], [milliseconds(lambda: _validate_lines(lines))]
    grown = _memory(lambda: _judge_lines(lines, sdk))
    yield Row(f"check --jsonl, {count:,} posts", f"pydantic alone; memory + {grown / 1e6:.1f} MB", *times, bar=5)


def _judge_lines(path: Path, sdk: Provenance) -> None:
    with path.open("rb") as file:
        for line in check_lines(file, sdk.check):
            json.dumps(line.as_json(), ensure_ascii=False)


def _validate_lines(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            Post.model_validate(json.loads(line))


def _memory(call: Callable[[], None]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _without_labels(path: Path, numbers: tuple[int, ...]) -> str:
    data = json.loads(path.read_text(encoding="utf-8"))
    for number in numbers:
        del data["assets"][number]["labels"]
    return json.dumps(data, ensure_ascii=False, indent=2)
