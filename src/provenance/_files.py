"""Every write of this package: whole or not at all, never over something, never over an input.

A file is written beside its final name, flushed to disk, then given that name; a folder likewise. A crash leaves at
most a hidden ``.….part`` beside it.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, Final, cast

from provenance.errors import AssetNotFound, OutputNotWritten, OutputRefused, ProvenanceError

_BLOCK: Final = 1 << 19  # beyond it, memory for each block is asked of the kernel anew
_PAGE: Final = 4096
_STEP: Final = 1 << 20  # what has been copied since the disk was last given something to do
_WRITE: Final = 2  # SYNC_FILE_RANGE_WRITE of Linux: start to write, and do not wait
_NO_KERNEL_COPY: Final = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}
_TAKEN: Final = {errno.ENOTEMPTY, errno.EEXIST}


_is_kept: ContextVar[bool] = ContextVar("is_kept", default=False)
_watcher: ContextVar[Callable[[int], None] | None] = ContextVar("watcher", default=None)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Let `begin_flush` know, inside the block, that what is written will stay."""
    token = _is_kept.set(True)
    try:
        yield
    finally:
        _is_kept.reset(token)


@contextlib.contextmanager
def watched(report: Callable[[int], None]) -> Iterator[None]:
    """Call `report` with the length in bytes of every piece that is copied or hashed inside the block."""
    token = _watcher.set(report)
    try:
        yield
    finally:
        _watcher.reset(token)


def _moved(length: int) -> None:
    report = _watcher.get()
    if report is not None:
        report(length)


def open_input(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        AssetNotFound: it is missing, not a regular file, or may not be read.
    """
    try:
        # O_NONBLOCK: a FIFO handed in as media must not hang the caller.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise AssetNotFound("asset-not-found", path=path) from None
    except (OSError, ValueError) as error:
        raise AssetNotFound("asset-not-readable", path=path, reason=_reason(error)) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise AssetNotFound("asset-not-a-file", path=path)
    return os.fdopen(handle, "rb")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in lower-case hex."""
    with open_input(path) as file:
        return _digest(file)


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
        _moved(len(block))
    return digest.hexdigest()


def copy_range(source: BinaryIO, target: BinaryIO, start: int, length: int) -> None:
    """Append `length` bytes of `source` from offset `start` to `target`, inside the kernel where that is faster.

    It is for whole pages. What moves by a part of a page, as all that follows new metadata does, the kernel copies and
    writes to disk in pieces of pages, which takes a third longer than large blocks through memory.
    """
    in_kernel = (target.tell() - start) % _PAGE == 0
    while length > 0:
        # To the end of a page: one that the disk is already writing would have to be waited for.
        step = min(_STEP - target.tell() % _PAGE, length)
        copied = _copy_in_kernel(source, target, start, step) if in_kernel else 0
        _copy_buffered(source, target, start + copied, step - copied)
        in_kernel = copied == step
        begin_flush(target, step)
        _moved(step)
        start, length = start + step, length - step


def _copy_in_kernel(source: BinaryIO, target: BinaryIO, start: int, length: int) -> int:
    """Copy as much as the kernel takes, and return how many bytes that was."""
    left = length
    try:
        target.flush()
        out = target.fileno()
        into = source.fileno()
        while left > 0:
            copied = os.copy_file_range(into, out, left, offset_src=start + length - left)
            if copied == 0:
                break
            left -= copied
        target.seek(0, os.SEEK_END)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None and error.errno not in _NO_KERNEL_COPY:
            raise
    return length - left


def _copy_buffered(source: BinaryIO, target: BinaryIO, start: int, left: int) -> None:
    if left <= 0:
        return
    source.seek(start)
    while left:
        block = source.read(min(_BLOCK, left))
        if not block:
            raise OSError(errno.EIO, "the input ended while it was being copied")
        target.write(block)
        left -= len(block)


def begin_flush(file: BinaryIO, length: int = 0) -> None:
    """Let the kernel start to write the last `length` bytes of `file`, or all, while the caller goes on to copy.

    The final fsync waits for the rest: begun early, a copy takes a quarter less. Only a hint, for Linux and inside a
    block of `new_file` or `kept`: what is written anywhere else, such as a scratch file, need never reach the disk.

    Raises:
        OSError: writing failed.
    """
    if not _is_kept.get():
        return
    file.flush()
    with contextlib.suppress(OSError):
        _sync_file_range()(file.fileno(), file.tell() - length if length else 0, length, _WRITE)


@functools.cache
def _sync_file_range() -> Callable[[int, int, int, int], int]:
    """Return the call of Linux for it; Python's own ``posix_fadvise`` would also drop from memory what was written."""
    import ctypes

    call = getattr(ctypes.CDLL(None), "sync_file_range", None) if sys.platform == "linux" else None
    if call is None:
        return lambda *_: -1
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return cast("Callable[[int, int, int, int], int]", call)


def finished_sha256(file: BinaryIO) -> str:
    """Return the SHA-256 of a file just written, hashed while the disk is already writing it.

    Raises:
        OSError: writing or reading failed.
    """
    begin_flush(file)
    file.seek(0)
    return _digest(file)


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[BinaryIO]:
    """Yield a file that gets the name `target` when the block ends without an error.

    Raises:
        OutputRefused: something has that name already.
        OutputNotWritten: the file system refused; nothing is left behind.
    """
    refuse_existing(target)
    part = _part_name(target)
    with _os_errors(target):
        try:
            with part.open("xb+") as file:
                with kept():
                    yield file
                file.flush()
                os.fsync(file.fileno())
            _give_name(part, target)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(target.parent)


@contextlib.contextmanager
def replaced_file(target: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the place of `target`, whole, when the block ends without an error.

    For what this package itself keeps for the user; never for media or anything else that a user named.

    Raises:
        OutputNotWritten: the file system refused; what was there stays.
    """
    part = _part_name(target)
    with _os_errors(target):
        try:
            with part.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(target.parent)


@contextlib.contextmanager
def opened_for_change(path: Path) -> Iterator[BinaryIO]:
    """Yield an existing file open for reading and writing.

    Raises:
        OutputNotWritten: the file system refused, at once or half-way.
    """
    with _os_errors(path), path.open("r+b") as file:
        yield file


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` when the block ends without an error.

    The working folder and a mount point cannot be replaced: if empty, they are filled, entry after entry.

    Raises:
        OutputRefused: `target` exists and is not an empty folder.
        OutputNotWritten: the file system refused; nothing is left behind.
    """
    refuse_used_folder(target)
    with _os_errors(target):
        # An empty folder that cannot be replaced is filled.
        fixed = target.is_dir() and (target.samefile(".") or target.is_mount())
        place = Path(os.path.realpath(target))
        part = _part_name(place / "part" if fixed else place)
        try:
            part.mkdir()
            yield part
            for folder in (part, *(entry for entry in part.rglob("*") if entry.is_dir())):
                _sync_folder(folder)
            if fixed:
                _fill(target, part)
            else:
                _replace(target, part)
        except BaseException as error:
            shutil.rmtree(part, ignore_errors=True)
            _name_final_place(error, part, target)
            raise
        _sync_folder(place if fixed else place.parent)


def _replace(target: Path, part: Path) -> None:
    """Give the folder `part` the name `target`, free or that of an empty folder."""
    try:
        part.rename(target)
    except OSError as error:
        # Somebody else was faster.
        if error.errno in _TAKEN:
            raise OutputRefused("output-folder-not-empty", path=target) from error
        if error.errno == errno.ENOTDIR and target.exists():
            raise OutputRefused("output-exists", path=target) from error
        raise


def _fill(target: Path, part: Path) -> None:
    """Move what `part` holds into `target`, all of it or nothing, folders first."""
    if any(entry.name != part.name for entry in target.iterdir()):
        raise OutputRefused("output-folder-not-empty", path=target)
    with contextlib.ExitStack() as undo:
        for entry in sorted(part.iterdir(), key=lambda each: (each.is_file(), each.name)):
            entry.rename(target / entry.name)
            undo.callback((target / entry.name).rename, entry)
        part.rmdir()
        undo.pop_all()


def _name_final_place(error: BaseException, part: Path, target: Path) -> None:
    """Let an error about a file in `part`, which is gone by then, speak of the one it was to become."""
    if isinstance(error, ProvenanceError):
        path = error.details.get("path")
        if isinstance(path, Path) and path.is_relative_to(part):
            error.details["path"] = target / path.relative_to(part)


@contextlib.contextmanager
def scratch_file(folder: Path, suffix: str = "") -> Iterator[Path]:
    """Yield the path of a new private file in `folder` that is gone when the block ends."""
    path = folder / f".provenance-{secrets.token_hex(8)}{suffix}.part"
    with _os_errors(folder):
        try:
            path.open("xb").close()
            yield path
        finally:
            path.unlink(missing_ok=True)


def refuse_existing(target: Path) -> None:
    """Raise `OutputRefused` when something has that name."""
    with _os_errors(target):
        if target.is_symlink() or target.exists():
            raise OutputRefused("output-exists", path=target)


def refuse_used_folder(target: Path) -> None:
    """Raise `OutputRefused` unless `target` is free or an empty folder."""
    with _os_errors(target):
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise OutputRefused("output-exists", path=target)
        if target.is_dir() and any(target.iterdir()):
            raise OutputRefused("output-folder-not-empty", path=target)


def _part_name(target: Path) -> Path:
    # The random part, not the name, makes it unique: a long name plus a suffix could exceed the name limit.
    return target.parent / f".provenance-{secrets.token_hex(8)}.part"


def _give_name(part: Path, target: Path) -> None:
    try:
        os.link(part, target)
    except FileExistsError:
        raise OutputRefused("output-exists", path=target) from None
    except OSError:
        # No hard links on this file system: rename, after one more look.
        refuse_existing(target)
        part.rename(target)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def _os_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT and not target.parent.is_dir():
            raise OutputRefused("output-folder-missing", path=target.parent) from error
        raise OutputNotWritten("output-not-written", path=target, reason=_reason(error)) from error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return text or str(error)
