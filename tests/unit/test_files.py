"""Writing: whole or not at all, never over something, nothing left behind."""

import errno
import os
from pathlib import Path

import pytest

from provenance import _files
from provenance.errors import AssetNotFound, OutputNotWritten, OutputRefused


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_gets_its_name_only_when_it_is_complete(tmp_path):
    target = tmp_path / "a"
    with _files.new_file(target) as file:
        file.write(b"half")
        file.flush()
        assert not target.exists()
        file.write(b" whole")
    assert target.read_bytes() == b"half whole"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failure_leaves_nothing(tmp_path, failure):
    with pytest.raises((failure, OutputNotWritten)), _files.new_file(tmp_path / "a") as file:
        file.write(b"x")
        raise failure
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["file", "folder", "dangling link"])
def test_what_is_there_is_never_overwritten(tmp_path, there):
    target = tmp_path / "a"
    {
        "file": lambda: target.write_bytes(b"old"),
        "folder": target.mkdir,
        "dangling link": lambda: target.symlink_to("gone"),
    }[there]()
    with pytest.raises(OutputRefused), _files.new_file(target):
        pass
    assert target.is_symlink() or target.exists()


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path):
    target = tmp_path / "a"
    with pytest.raises(OutputRefused), _files.new_file(target) as file:
        file.write(b"ours")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_without_hard_links_a_rename_does(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links here")))
    with _files.new_file(tmp_path / "a") as file:
        file.write(b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with _files.new_folder(tmp_path / "out") as part:
        (part / "inner").mkdir()
        (part / "inner/file").write_bytes(b"x")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out/inner/file").exists()
    with pytest.raises(RuntimeError), _files.new_folder(tmp_path / "other") as part:
        (part / "file").write_bytes(b"x")
        raise RuntimeError
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_a_used_folder_is_refused_and_an_empty_one_filled(tmp_path):
    used = tmp_path / "used"
    used.mkdir()
    with _files.new_folder(used):
        pass
    (used / "file").write_bytes(b"x")
    with pytest.raises(OutputRefused), _files.new_folder(used):
        pass
    with pytest.raises(OutputRefused), _files.new_folder(used / "file"):
        pass


@pytest.mark.parametrize("name", [".", "here", "../work"])
def test_the_working_folder_is_filled_and_stays_the_working_folder(tmp_path, monkeypatch, name):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    target = work if name == "here" else Path(name)
    with _files.new_folder(target) as part:
        (part / "inner").mkdir()
        (part / "inner/file").write_bytes(b"x")
        (part / "last").write_bytes(b"y")
        assert [each.name for each in work.iterdir()] == [part.name]
    assert names(Path()) == ["inner", "last"]
    assert Path("inner/file").read_bytes() == b"x"
    assert names(tmp_path) == ["work"]
    with pytest.raises(OutputRefused), _files.new_folder(target):
        pass


@pytest.mark.parametrize("failing", ["block", "first", "second", "end"])
def test_a_working_folder_gets_everything_or_nothing(tmp_path, monkeypatch, failing):
    monkeypatch.chdir(tmp_path)
    rename, calls = Path.rename, iter(["first", "second"])

    def full(path, target):
        if next(calls, None) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, target)

    def fill():
        with _files.new_folder(Path()) as part:
            (part / "inner").mkdir()
            (part / "last").write_bytes(b"y")
            if failing == "block":
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    if failing == "end":
        monkeypatch.setattr(Path, "rmdir", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises((OutputNotWritten, KeyboardInterrupt)):
        fill()
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_working_folder_that_got_something_meanwhile_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputRefused) as caught, _files.new_folder(Path()) as part:
        (part / "file").write_bytes(b"ours")
        Path("file").write_bytes(b"theirs")
    assert caught.value.code == "output-folder-not-empty"
    assert names(Path()) == ["file"]
    assert Path("file").read_bytes() == b"theirs"


def test_a_mount_point_is_filled(tmp_path, monkeypatch):
    target = tmp_path / "volume"
    target.mkdir()
    before = target.stat().st_ino
    monkeypatch.setattr(Path, "is_mount", lambda path: path == target)
    with _files.new_folder(target) as part:
        (part / "file").write_bytes(b"x")
    assert names(target) == ["file"]
    assert target.stat().st_ino == before


@pytest.mark.parametrize(("theirs", "code"), [("folder", "output-folder-not-empty"), ("file", "output-exists")])
def test_the_slower_of_two_is_refused_and_leaves_nothing(tmp_path, theirs, code):
    target = tmp_path / "out"
    with pytest.raises(OutputRefused) as caught, _files.new_folder(target) as part:
        (part / "file").write_bytes(b"ours")
        if theirs == "folder":
            with _files.new_folder(target) as other:
                (other / "file").write_bytes(b"theirs")
        else:
            target.write_bytes(b"theirs")
    assert (caught.value.code, caught.value.details["path"]) == (code, target)
    assert names(tmp_path) == ["out"]
    assert (target / "file" if theirs == "folder" else target).read_bytes() == b"theirs"


@pytest.mark.parametrize("relative", [True, False])
def test_an_error_inside_a_new_folder_names_the_place_it_was_to_get(tmp_path, monkeypatch, relative):
    monkeypatch.chdir(tmp_path)
    target = Path("out") if relative else tmp_path / "out"
    with pytest.raises(OutputNotWritten) as caught, _files.new_folder(target) as part:
        (part / "media").mkdir()
        with _files.new_file(part / "media/a.jpg"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.details["path"] == target / "media/a.jpg"
    assert ".part" not in str(caught.value)


def test_an_error_about_another_file_keeps_its_place(tmp_path):
    with pytest.raises(AssetNotFound) as caught, _files.new_folder(tmp_path / "out"):
        _files.open_input(tmp_path / "none")
    assert caught.value.details["path"] == tmp_path / "none"


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    for make in (_files.new_file, _files.new_folder):
        with pytest.raises(OutputRefused) as caught, make(tmp_path / "none" / "a"):
            pass
        assert caught.value.exit_code == 2


def test_a_name_that_no_file_system_takes_is_an_output_error(tmp_path):
    for make in (_files.new_file, _files.new_folder):
        with pytest.raises(OutputNotWritten), make(tmp_path / ("x" * 300)):
            pass


@pytest.mark.parametrize("failing", [errno.EXDEV, errno.EINVAL, errno.ENOSYS])
def test_copying_falls_back_where_the_kernel_cannot(tmp_path, monkeypatch, failing):
    def refuse(*_, **__):
        raise OSError(failing, "not here")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 9000)
    with source.open("rb") as file, _files.new_file(tmp_path / "copy") as target:
        target.write(b"head")
        _files.copy_range(file, target, 4, 2_000_000)
        target.write(b"tail")
    assert (tmp_path / "copy").read_bytes() == b"head" + source.read_bytes()[4:2_000_004] + b"tail"


@pytest.mark.parametrize(("start", "kernel"), [(1, False), (3, True), (4095, False), (4099, True)])
def test_copying_inside_and_outside_the_kernel_gives_the_same_bytes(tmp_path, monkeypatch, start, kernel):
    asked = []
    copy = os.copy_file_range
    monkeypatch.setattr(os, "copy_file_range", lambda *a, **k: asked.append(a) or copy(*a, **k))
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3_000_001))
    with source.open("rb") as file, _files.new_file(tmp_path / "copy") as target:
        target.write(b"one")
        _files.copy_range(file, target, start, 2_500_000)
        _files.copy_range(file, target, 5, 0)
        target.write(b"tail")
    assert (tmp_path / "copy").read_bytes() == b"one" + source.read_bytes()[start : start + 2_500_000] + b"tail"
    assert bool(asked) == kernel


def test_an_input_that_ends_early_is_an_error_not_a_short_copy(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x" * 10)
    with pytest.raises(OutputNotWritten), source.open("rb") as file, _files.new_file(tmp_path / "copy") as target:
        _files.copy_range(file, target, 0, 20)
    assert not (tmp_path / "copy").exists()


def test_an_error_of_the_disk_while_copying_is_not_hidden(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "copy_file_range", full)
    (tmp_path / "source").write_bytes(b"x" * 10)
    with (
        pytest.raises(OutputNotWritten) as caught,
        (tmp_path / "source").open("rb") as file,
        _files.new_file(tmp_path / "copy") as target,
    ):
        _files.copy_range(file, target, 0, 10)
    assert "No space left" in str(caught.value)


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "none", tmp_path / "a\0b", tmp_path / ("x" * 300)):
        with pytest.raises(AssetNotFound):
            _files.open_input(path)


def test_the_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert _files.sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_scratch_file_is_gone_afterwards(tmp_path):
    with _files.scratch_file(tmp_path, ".jpg") as path:
        assert path.exists()
    assert list(tmp_path.iterdir()) == []
