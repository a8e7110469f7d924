"""Builds a folder aside and puts it in its place whole, one program at a time, after any interruption.

    with only_one_in(data_dir), disk_errors_named(data_dir):
        remove_leftovers(data_dir, final)
        with new_staging(data_dir) as staging:
            ...                                 # write staging/anything
            put_in_place(staging / "anything", final, staging)

A reader sees the old folder or the new one. What a killed run leaves has a hidden name that no reader
looks for, and the next run removes it.
"""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

import tensorflow as tf

from depth_tf.runtime.errors import InputError

try:
    import fcntl
    import resource
except ImportError:  # Windows: two runs at once in one folder are not told apart
    fcntl = resource = None

PREFIX = ".nyu_depth_v2-partial-"
REPLACED = "replaced"  # in a staging folder: what stood at the final place before
DISK_ERRORS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
)


@contextlib.contextmanager
def only_one_in(data_dir: pathlib.Path) -> Iterator[None]:
    """Holds a lock on `data_dir`, which it makes if missing; the system drops it when the program dies.

    Raises:
      InputError: if another program holds it, or the folder cannot be made.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {data_dir} ({error.strerror}): choose another --data_dir") from error
    descriptor = os.open(data_dir, os.O_RDONLY) if fcntl else None
    try:
        try:
            if fcntl:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another program is preparing a data set in {data_dir}: wait until it ends") from None
        except OSError:
            pass  # network file systems without locks: as on Windows
        yield
    finally:
        if fcntl:
            os.close(descriptor)


@contextlib.contextmanager
def new_staging(data_dir: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a new folder in `data_dir`, so on its file system, that is removed at the end."""
    staging = pathlib.Path(tempfile.mkdtemp(dir=data_dir, prefix=PREFIX))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def remove_leftovers(data_dir: pathlib.Path, final: pathlib.Path) -> None:
    """Removes the staging folders of runs that were killed, under the lock of `only_one_in`.

    A run killed between its two renames had moved the old data set aside: that one is put back.
    """
    for leftover in data_dir.glob(PREFIX + "*"):
        if (leftover / REPLACED).exists() and not final.exists():
            os.rename(leftover / REPLACED, final)
        shutil.rmtree(leftover)


def put_in_place(written: pathlib.Path, final: pathlib.Path, staging: pathlib.Path) -> None:
    """Renames the folder `written` to `final`; what stood there goes with `staging`, so after the new is in."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        os.rename(final, staging / REPLACED)
    os.rename(written, final)


def require_free(folder: pathlib.Path, needed_gb: float, purpose: str) -> None:
    """Raises InputError if the disk of `folder` has less than `needed_gb` (10^9 bytes) free for `purpose`."""
    found_gb = free_gb(folder)
    if found_gb < needed_gb:
        raise InputError(
            f"{purpose} needs {needed_gb:.1f} GB in {folder}, which has {found_gb:.1f} GB free:"
            " free some, choose another --data_dir, or take fewer with --max_images"
        )


def allow_open_files(count: int) -> None:
    """Raises this process's limit of open files to `count`, or as far as the system lets it."""
    if resource:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def disk_errors_named(data_dir: pathlib.Path) -> Iterator[None]:
    """Turns what Python and TensorFlow raise for a full or unwritable disk into one InputError."""
    try:
        yield
    except (OSError, tf.errors.OpError, RuntimeError) as error:
        found = _disk_error(error)
        if not found:
            raise
        raise InputError(
            f"could not write in {data_dir} ({found}): what was begun is removed,"
            f" {free_gb(data_dir):.1f} GB are free now"
        ) from error


def _disk_error(error: BaseException | None) -> str | None:
    """Returns the first line of the disk error in the chain that led to `error`, None if there is none."""
    while error is not None:
        lines = str(error).splitlines() or [""]
        if any(os.strerror(code) in str(error) for code in DISK_ERRORS):
            return next(line for line in lines if any(os.strerror(code) in line for code in DISK_ERRORS))
        error = error.__cause__ or error.__context__
    return None


def free_gb(folder: pathlib.Path) -> float:
    """Returns the free space, 10^9 bytes, of the disk that `folder` is on or would be on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e9
