"""Mutation testing of `provenance.rules`: one small change of the source at a time, and the tests have to notice.

`python tests/rules/mutants.py` tries a sample, the same one every time; `--all` tries all; names of mutants as
arguments try those; `--list` prints the names. What is known to survive, and why, is in `survivors.toml`.
Exit code 1: another one survived, or a listed one died. Each mutant has a forked process of its own.
"""

from __future__ import annotations

import ast
import copy
import os
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "src" / "provenance" / "rules"
KNOWN: Final = Path(__file__).with_name("survivors.toml")
# Cheap tests first: the first failure ends a mutant.
STAGES: Final = (
    (
        *("tests/unit/rules/test_flaws.py", "tests/rules/test_evidence.py", "tests/rules/test_contract.py"),
        *("tests/rules/test_branches.py", "tests/rules/test_cases.py", "tests/rules/test_decision_table.py"),
        "tests/unit/rules/test_texts.py",
    ),
    (
        *("tests/rules/test_news_sources.py", "tests/rules/test_guards.py", "tests/rules/test_roles.py"),
        *("tests/rules/test_missing_notices.py", "tests/rules/test_unknown_facts.py"),
    ),
)
SAMPLE: Final = 16  # of each module
SECONDS: Final = 60  # a mutant's time of the processor; one that needs more never ends

Edit = Callable[[Any], None]
_SWAPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_TURNED: Final = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}


class Mutant(NamedTuple):
    """One change: a name that lines added elsewhere leave alone, and what to do to which node of the module's tree."""

    name: str
    path: Path
    at: int
    edit: Edit

    def tree(self) -> ast.Module:
        """Return the changed module."""
        tree = ast.parse(self.path.read_text("utf-8"))
        self.edit(list(ast.walk(tree))[self.at])
        return ast.fix_missing_locations(tree)


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield the mutants of a module in the order of its lines."""
    tree = ast.parse(path.read_text("utf-8"))
    seen: Counter[str] = Counter()
    places = {id(node): at for at, node in enumerate(ast.walk(tree))}
    found = sorted(_eligible(tree, ""), key=lambda each: (each[0].lineno, each[0].col_offset))
    for node, where in found:
        for edit in _edits(node):
            changed = copy.deepcopy(node)
            edit(changed)
            name = f"{path.stem}{where}: {_brief(node)} -> {_brief(changed)}"
            seen[name] += 1
            number = f" #{seen[name]}" if seen[name] > 1 else ""
            yield Mutant(name + number, path, places[id(node)], edit)


def _eligible(node: ast.AST, where: str) -> Iterator[tuple[Any, str]]:
    """Yield what can be changed, with the name of the function it is in."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}"
    for name, value in ast.iter_fields(node):
        # Types and decorators decide nothing; `strict=True` guards against a mistake of ours.
        if name in {"annotation", "returns", "decorator_list"} or (name == "value" and _names_type(node)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.keyword) and child.arg == "strict":
                continue
            if isinstance(child, ast.AST):
                if hasattr(child, "lineno"):
                    yield child, where
                yield from _eligible(child, where)


def _names_type(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
        return False
    name = node.targets[0].id
    return name == "__all__" or (name[:1].isupper() and not name.isupper())


def _edits(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                for other in (_SWAPPED[type(op)], _TURNED.get(type(op))):
                    if other is not None:
                        yield _setting_item("ops", at, other())
        case ast.BoolOp(op=op):
            yield _setting("op", ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _setting("operand", ast.UnaryOp(ast.Not(), operand))
        case ast.BinOp(op=ast.Add() | ast.Sub() as op):
            yield _setting("op", ast.Sub() if isinstance(op, ast.Add) else ast.Add())
        case ast.Constant(value=bool(value)):
            yield _setting("value", not value)
        case ast.Constant(value=int(value)):
            yield _setting("value", value + 1)
            yield _setting("value", value - 1)
        case _:
            yield from _removals(node)


def _removals(node: ast.AST) -> Iterator[Edit]:
    match node:
        case ast.If(orelse=orelse):
            yield _setting("body", [ast.Pass()])
            if orelse:
                yield _setting("orelse", [])
        case ast.IfExp(body=body, orelse=orelse):
            yield _setting("body", orelse)
            yield _setting("orelse", body)
        case ast.ListComp(generators=loops) | ast.GeneratorExp(generators=loops) | ast.SetComp(generators=loops):
            yield from (_unfiltered(at) for at, loop in enumerate(loops) if loop.ifs)
        case ast.DictComp(generators=loops):
            yield from (_unfiltered(at) for at, loop in enumerate(loops) if loop.ifs)
        case ast.Match(cases=cases):
            yield from (_without(at, "cases") for at in range(len(cases)))
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield _setting("value", ast.Constant(None))
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
            yield _setting("value", ast.YieldFrom(ast.Tuple([], ast.Load())))
        case ast.List(elts=parts, ctx=ast.Load()) | ast.Set(elts=parts):
            yield from (_without(at, "elts") for at in range(len(parts)))
        # Another tuple is a record: without one part nothing fits it.
        case ast.Tuple(elts=parts, ctx=ast.Load()) if any(
            isinstance(each, ast.Starred | ast.Constant) for each in parts
        ):
            yield from (_without(at, "elts") for at in range(len(parts)))
        case ast.Dict(keys=parts):
            yield from (_without(at, "keys", "values") for at in range(len(parts)))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _setting(name: str, value: object) -> Edit:
    return lambda node: setattr(node, name, value)


def _setting_item(name: str, at: int, value: object) -> Edit:
    return lambda node: getattr(node, name).__setitem__(at, value)


def _without(at: int, *names: str) -> Edit:
    def edit(node: Any) -> None:
        for name in names:
            del getattr(node, name)[at]

    return edit


def _unfiltered(at: int) -> Edit:
    return lambda node: node.generators[at].ifs.clear()


def _brief(node: Any) -> str:
    match node:
        case ast.If():
            text = f"if {ast.unparse(node.test)}: {ast.unparse(node.body[0])}{' else …' if node.orelse else ''}"
        case ast.Match():
            heads = (ast.unparse(each.pattern).partition("(")[0] for each in node.cases)
            text = f"match {', '.join(heads)}"
        case _:
            text = ast.unparse(node)
    return " ".join(text.split())


def all_mutants() -> list[Mutant]:
    """Return every mutant of the package."""
    return [each for path in sorted(PACKAGE.glob("*.py")) for each in mutants_of(path)]


def sampled(mutants: Iterable[Mutant]) -> list[Mutant]:
    """Return at most `SAMPLE` mutants of each module, spread evenly over it."""
    by_module: dict[str, list[Mutant]] = {}
    for each in mutants:
        by_module.setdefault(each.path.stem, []).append(each)
    spread = ((group, min(SAMPLE, len(group))) for group in by_module.values())
    return [group[at * len(group) // size] for group, size in spread for at in range(size)]


class _Changed(SourceFileLoader):
    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self._tree = tree

    def get_code(self, fullname: str) -> Any:
        return compile(self._tree, self.get_filename(fullname), "exec")


class _Finder:
    def __init__(self, mutant: Mutant) -> None:
        self._name = f"provenance.rules.{mutant.path.stem}"
        self._path = str(mutant.path)
        self._tree = mutant.tree()

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != self._name:
            return None
        return spec_from_file_location(name, self._path, loader=_Changed(name, self._path, self._tree))


def prepare(compiled_files: str) -> None:
    """Import and read once what no mutant changes; the rules and what builds on them are imported by each fork."""
    from hypothesis import Phase, settings

    from provenance.catalog import Catalog

    settings.register_profile("mutants", database=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")
    # What the forks import is compiled once, wherever the caller keeps or forbids compiled files.
    sys.dont_write_bytecode, sys.pycache_prefix = False, compiled_files
    Catalog.packaged()
    kept = set(sys.modules)
    __import__("provenance.sdk")
    for name in [each for each in sys.modules if each.startswith("provenance.") and each not in kept]:
        del sys.modules[name]


def _start(mutant: Mutant | None) -> int:
    pid = os.fork()
    if pid:
        return pid
    import resource

    import pytest

    if mutant is not None:
        sys.meta_path.insert(0, _Finder(mutant))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    if not os.environ.get("MUTANTS_SHOW"):
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
    # Hypothesis works without its plugin, which would read every module's source before the first test.
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    code = 2
    try:
        code = next((failed for tests in STAGES if (failed := pytest.main([*options, *tests]))), 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _outcome(status: int) -> str:
    if os.WIFSIGNALED(status):
        return "timeout" if os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL} else "killed"
    return "killed" if os.WEXITSTATUS(status) else "survived"


def run(mutants: Iterable[Mutant], workers: int) -> Iterator[tuple[Mutant, str, float]]:
    """Run the tests on each mutant; yield it with ``killed``, ``survived`` or ``timeout``, and the seconds it took."""
    waiting, running = iter(mutants), dict[int, tuple[Mutant, float]]()
    while True:
        while len(running) < workers and (mutant := next(waiting, None)) is not None:
            running[_start(mutant)] = (mutant, time.monotonic())
        if not running:
            return
        pid, status = os.wait()
        mutant, began = running.pop(pid)
        yield mutant, _outcome(status), time.monotonic() - began


def known() -> dict[str, str]:
    """Return why each listed mutant survives, by its name."""
    return {each["name"]: each["why"] for each in tomllib.loads(KNOWN.read_text("utf-8"))["survivor"]}


def main(arguments: list[str]) -> int:
    """Try mutants and print what became of them."""
    os.chdir(ROOT)
    os.environ.pop("PROVENANCE_PROOF", None)
    every = all_mutants()
    if arguments == ["--list"]:
        _say(*(each.name for each in every))
        return 0
    chosen = {(): sampled(every), ("--all",): every}.get(tuple(arguments))
    if chosen is None:
        chosen = [each for each in every if each.name in arguments]
        if unknown := set(arguments) - {each.name for each in chosen}:
            _say("no such mutant:", *sorted(unknown))
            return 2
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        # A few by name are tried by the suite, which runs these tests without a change itself.
        if len(chosen) > SAMPLE and _outcome(os.waitpid(_start(None), 0)[1]) != "survived":
            _say("the tests fail without a change")
            return 2
        return _tried(chosen)


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _tried(chosen: Iterable[Mutant]) -> int:
    listed, unexpected = known(), 0
    totals: dict[str, Counter[str]] = {}
    for mutant, outcome, seconds in run(chosen, os.cpu_count() or 1):
        equivalent = mutant.name in listed
        unexpected += (outcome == "survived") != equivalent
        counted = "equivalent" if equivalent and outcome == "survived" else outcome
        totals.setdefault(mutant.path.stem, Counter())[counted] += 1
        _say(f"{counted:10} {seconds:5.1f} s  {mutant.name}")
    for module, counts in [*sorted(totals.items()), ("all", sum(totals.values(), Counter()))]:
        shown = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
        _say(f"{module:10} {counts.total():4} tried: {shown}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
