"""The command's frame: interruption, closed pipes, progress, languages, and the way in."""

import os
import pty
import runpy
import signal
import subprocess
import sys
import zlib

import pytest

from provenance.cli import app, output
from provenance.cli.locale import default_locale


def test_the_module_runs_as_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["provenance", "rules", "list"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("provenance", run_name="__main__")
    assert caught.value.code == 0
    assert "self-shot-without-time-and-place" in capsys.readouterr().out


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, app.typer.Abort])
def test_an_interruption_ends_with_130_and_a_word(run, monkeypatch, media, interruption):
    def interrupted(*_, **__):
        raise interruption

    monkeypatch.setattr("provenance.sdk.Provenance.verify", interrupted)
    result = run("verify", media / "plain.jpg")
    assert (result.code, "nothing was left behind" in result.err) == (130, True)


def test_a_stop_signal_unwinds_and_leaves_nothing(media, tmp_path, identity):
    """The process is stopped while it signs; a service manager's TERM must clean up like Ctrl-C."""
    script = (
        "import sys, os, signal\n"
        "from provenance.cli.app import run\n"
        "import provenance.attach.carry as carry\n"
        "carry.sign = lambda *a, **k: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    options = ["--source", "x", "--cert", identity.certificate, "--key", identity.key]
    command = [sys.executable, "-c", script, "attach", media / "plain.jpg", "-o", tmp_path / "out.jpg", *options]
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    command = f"{sys.executable} -m provenance schema post | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ('{\n  "$sche', "")


def test_progress_shows_on_a_terminal_only(monkeypatch):
    with output.progress() as step:
        assert step is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with output.progress() as step:
        step(1, 3, "a.jpg")
        step(2, 3, "b.jpg")


def test_one_large_file_shows_how_much_has_been_copied(media, tmp_path):
    """The terminal is a real one: a progress bar is drawn nowhere else."""
    big = tmp_path / "big.png"
    plain = (media / "poster.png").read_bytes()
    chunk = (40_000_000).to_bytes(4, "big") + b"prVt" + bytes(40_000_000)
    big.write_bytes(plain[:33] + chunk + zlib.crc32(chunk[4:]).to_bytes(4, "big") + plain[33:])
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "provenance", "attach", str(big), "-o", str(tmp_path / "out.png"), "--source", "S"]
    done = subprocess.run(
        [*command, "--no-manifest"], stdout=subprocess.DEVNULL, stderr=follower, timeout=60, check=True
    )
    os.close(follower)
    shown = os.read(leader, 100_000).decode()
    assert done.returncode == 0
    assert "big.png" in shown
    assert " MB" in shown


@pytest.mark.parametrize(
    ("variables", "locale"),
    [({"LANG": "zh_CN.UTF-8"}, "zh-CN"), ({"LC_ALL": "C", "LANG": "zh_CN"}, "en"), ({}, "en"), ({"LC_MESSAGES": "zh_TW"}, "zh-CN")],
)  # fmt: skip
def test_the_locale_chooses_the_language(monkeypatch, variables, locale):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_locale() == locale


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_an_interruption_while_modules_load_is_no_traceback(monkeypatch, capsys, lang):
    """Half a second passes before the command's own frame stands; Ctrl-C may fall into it."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8" if lang == "zh-CN" else "C.UTF-8")
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "provenance.cli.app")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["provenance"])
    monkeypatch.delitem(sys.modules, "provenance.__main__", raising=False)
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("provenance", run_name="__main__")
    assert caught.value.code == 130
    assert (
        capsys.readouterr().err
        == {"en": "Cancelled; nothing was left behind.\n", "zh-CN": "已取消,未留下任何文件。\n"}[lang]
    )


class Interrupting:
    def find_spec(self, name, *_):
        if name == "provenance.cli.app":
            raise KeyboardInterrupt


@pytest.mark.parametrize("command", ["check", "attach"])
@pytest.mark.parametrize("suffix", [".json", ".jpg"])
def test_a_name_too_long_for_the_file_system_is_a_usage_error(run, tmp_path, command, suffix):
    result = run(command, tmp_path / ("a" * 300 + suffix), *(["-o", tmp_path / "out"] if command == "attach" else []))
    assert (result.code, "asset-not-readable" in result.err) == (2, True)
