"""Every block of the READMEs and the how-to pages runs as it stands, and prints what it says it prints."""

import fnmatch
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
READMES = ("README.md", "README.zh-CN.md")
GUIDES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "how-to").glob("*.md"))


def environment(home):
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PROVENANCE_"))},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "LANG": "C.UTF-8",
    }


def run_console(block, folder, env):
    """Run each `$ ` line; `…` in the lines below it stands for anything, `[exit N]` for its exit code."""
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
        code = re.search(r"^\[exit (\d+)\]\n", expected, re.MULTILINE)
        wanted = expected.replace(code[0], "") if code else expected
        done = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == (int(code[1]) if code else 0), f"{command}\n{done.stdout}\n{done.stderr}"
        pattern = wanted.replace("[", "[[]").replace("…", "*")
        pattern = re.sub(r"^\*\n", "*", pattern, flags=re.MULTILINE)
        assert fnmatch.fnmatchcase(done.stdout, pattern or "*"), f"{command}\n{done.stdout}\n--- wanted\n{wanted}"


@pytest.mark.parametrize("name", [*READMES, *GUIDES])
def test_every_block_of_a_page_runs_and_prints_what_it_shows(name, tmp_path):
    env = environment(tmp_path / "home")
    blocks = BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))
    assert len(blocks) >= (5 if name in READMES else 1)
    for language, block in blocks:
        if language == "console":
            run_console(block, tmp_path, env)
        else:
            subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=env, check=True, capture_output=True)


def test_both_readmes_hold_the_same_blocks_and_headings():
    """A translation may differ in words only: same commands, same code, same number of sections and table rows."""
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in READMES)

    def skeleton(text):
        commands = [re.sub(r" --lang \S+", "", line) for line in re.findall(r"^\$ .*", text, re.MULTILINE)]
        code = [re.sub(r"\s*#.*", "", block) for kind, block in BLOCK.findall(text) if kind == "python"]
        return commands, code, len(re.findall(r"^#+ ", text, re.MULTILINE)), len(re.findall(r"^\|", text, re.MULTILINE))

    assert skeleton(english) == skeleton(chinese)


@pytest.mark.parametrize(
    "path", [*READMES, *GUIDES, "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "labels/README.md"]
)
def test_every_relative_link_leads_somewhere(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (ROOT / path).parent.joinpath(target).exists(), target
