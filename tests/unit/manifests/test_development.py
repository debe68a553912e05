"""A development identity is private, complete, made once, and says nothing about its user."""

import getpass
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provenance.errors import OutputNotWritten, OutputRefused
from provenance.manifests import development
from provenance.manifests.signer import Signer


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_key_is_for_its_owner_alone(tmp_path, open_umask):
    made = development.create(tmp_path / "id")
    assert mode(made.key) == 0o600
    assert mode(made.key.parent) == 0o700


def test_the_key_is_private_from_its_first_moment(tmp_path, open_umask, monkeypatch):
    opened = []
    real = os.open

    def spy(path, flags, mode=0o777, **more):
        handle = real(path, flags, mode, **more)
        if str(path).endswith("key.pem"):
            opened.append((stat.S_IMODE(os.fstat(handle).st_mode), mode, bool(flags & os.O_EXCL)))
        return handle

    monkeypatch.setattr(os, "open", spy)
    development.create(tmp_path / "id")
    assert opened == [(0o600, 0o600, True)]


def test_openssl_accepts_the_chain(own):
    told = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", own.ca, own.certificate],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.strip().endswith(": OK"), told.stderr


def test_it_lasts_ten_years_and_names_neither_user_nor_host(own):
    chain = x509.load_pem_x509_certificates(own.certificate.read_bytes())
    leaf = chain[0]
    assert leaf.subject.rfc4514_string() == "CN=provenance development"
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 3652
    for certificate in chain:
        der = certificate.public_bytes(serialization.Encoding.DER)
        assert certificate.not_valid_before_utc.hour == certificate.not_valid_before_utc.second == 0
        assert len(socket.gethostname()) < 5 or socket.gethostname().encode() not in der  # short ones occur by chance
        assert getpass.getuser().encode() not in der.replace(b"provenance", b"")


def test_every_identity_has_keys_of_its_own(own, tmp_path):
    other = development.create(tmp_path / "id")
    assert other.key.read_bytes() != own.key.read_bytes()
    assert other.ca.read_bytes() != own.ca.read_bytes()


def test_an_existing_identity_is_never_replaced(tmp_path):
    made = development.create(tmp_path / "id")
    before = made.key.read_bytes()
    with pytest.raises(OutputRefused):
        development.create(tmp_path / "id")
    assert made.key.read_bytes() == before


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "id").mkdir()
    assert development.create(tmp_path / "id").key.is_file()


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, nth):
    calls = []

    def failing(handle):
        calls.append(handle)
        if len(calls) == nth:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OutputNotWritten):
        development.create(tmp_path / "id")
    assert list(tmp_path.iterdir()) == []


def test_the_users_identity_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made, new = development.development()
    assert new
    assert made.key == tmp_path / "config" / "provenance" / "identity" / "key.pem"
    assert development.development() == (made, False)
    assert Signer.from_pem(made.certificate, made.key).common_name == "provenance development"


@pytest.mark.parametrize("given", ["", "relative/config"])
def test_without_an_absolute_xdg_folder_it_lives_under_home(tmp_path, monkeypatch, given):
    monkeypatch.setenv("XDG_CONFIG_HOME", given)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    made, _ = development.development()
    assert made.key.parent == tmp_path / ".config" / "provenance" / "identity"
    assert not (tmp_path / "relative").exists()


def test_without_a_home_the_way_on_is_named(monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(OutputNotWritten, match="XDG_CONFIG_HOME"):
        development.development()


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputRefused):
        development.development(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_way_of_the_folder_is_an_output_error(tmp_path):
    (tmp_path / "config").write_text("a file")
    with pytest.raises(OutputNotWritten):
        development.development(tmp_path / "config" / "identity")


def test_processes_that_race_end_with_one_identity(tmp_path):
    script = (
        "import sys, pathlib; from provenance.manifests import development; sys.stdin.read();"
        "made, new = development.development(pathlib.Path(sys.argv[1]));"
        "print(new, hash(made.key.read_bytes()), hash(made.certificate.read_bytes()))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, tmp_path / "config" / "identity"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        for _ in range(4)
    ]
    for process in running:
        process.stdin.close()  # every one has imported; all start at once
    said = [process.stdout.read().split() for process in running]
    for process in running:
        process.stdout.close()
        assert process.wait() == 0
    assert [new for new, *_ in said].count("True") == 1
    assert len({tuple(hashes) for _, *hashes in said}) == 1
    assert [entry.name for entry in (tmp_path / "config").iterdir()] == ["identity"]


def test_a_race_that_is_lost_returns_the_winner(tmp_path, monkeypatch):
    folder = tmp_path / "identity"
    real = development._make

    def overtaken():
        made = real()
        monkeypatch.setattr(development, "_make", real)
        development.create(folder)
        return made

    monkeypatch.setattr(development, "_make", overtaken)
    made, new = development.development(folder)
    assert not new
    assert Signer.from_pem(made.certificate, made.key)
