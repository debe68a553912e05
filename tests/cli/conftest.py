"""The command, run in this process: exit code, standard output, standard error."""

import json

import pytest

from provenance.cli.app import run as run_command


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run(capsys, monkeypatch, tmp_path, identity):
    """Return a function that runs one command line with a test identity and an English locale."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PROVENANCE_CERT", str(identity.certificate))
    monkeypatch.setenv("PROVENANCE_KEY", str(identity.key))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(*arguments):
        capsys.readouterr()
        code = run_command([str(each) for each in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Result(code, out, err)

    return run
