"""Builds a folder aside and puts it in its place whole, one program at a time, after any interruption.

    with replacing_folder(data_dir, data_dir / "name") as staging:
        ...                                 # write staging/name, which takes the place of data_dir/name

A reader sees the old folder or the new one. What a killed run leaves has a hidden name that no reader looks for, and
the next run removes it. (TFDS's `incomplete_dir` removes the old folder before the new one is in, and keeps leftovers.)
"""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from depth_tf.runtime.errors import InputError

try:
    import fcntl
    import resource
except ImportError:  # Windows: two runs at once in one folder are not told apart
    fcntl = resource = None

PREFIX = ".nyu_depth_v2-partial-"
REPLACED = "replaced"  # in a staging folder: what stood at the final place before
DISK_ERRORS = [
    os.strerror(code)
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM)
]


@contextlib.contextmanager
def replacing_folder(data_dir: pathlib.Path, final: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a hidden folder in `data_dir`; what the block writes there, at the path of `final`, takes final's place.

    If the block writes nothing there, or fails, what stood at `final` stays.

    Args:
      data_dir: made if missing; on the file system of `final`, which is below it.
      final: the folder to write or replace.

    Raises:
      InputError: if another program is at work in `data_dir`, or the disk is full or cannot be written.
    """
    with disk_errors_named(data_dir), only_one_in(data_dir):
        remove_leftovers(data_dir, final)
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=PREFIX, ignore_cleanup_errors=True) as name:
            staging = pathlib.Path(name)
            yield staging
            written = staging / final.relative_to(data_dir)
            if written.exists():
                final.parent.mkdir(parents=True, exist_ok=True)
                if final.exists():
                    os.rename(final, staging / REPLACED)
                os.rename(written, final)


@contextlib.contextmanager
def only_one_in(data_dir: pathlib.Path) -> Iterator[None]:
    """Holds a lock on `data_dir`, which it makes if missing; the system drops it when the program dies.

    Raises:
      InputError: if another program holds it, or the folder cannot be made.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {data_dir} ({error.strerror}): choose another folder") from error
    if not fcntl:
        yield
        return
    descriptor = os.open(data_dir, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # network file systems without locks: as on Windows
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"another program is preparing a data set in {data_dir}: wait until it ends") from None
        yield
    finally:
        os.close(descriptor)


def remove_leftovers(data_dir: pathlib.Path, final: pathlib.Path) -> None:
    """Removes the staging folders of runs that were killed, under the lock of `only_one_in`.

    A run killed between its two renames had moved the old data set aside: that one is put back.
    """
    for leftover in data_dir.glob(PREFIX + "*"):
        if (leftover / REPLACED).exists() and not final.exists():
            os.rename(leftover / REPLACED, final)
        shutil.rmtree(leftover)


@contextlib.contextmanager
def disk_errors_named(folder: pathlib.Path) -> Iterator[None]:
    """Turns what Python, TensorFlow and TFDS raise for a full or unwritable disk into one InputError."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        cause = error
        while cause is not None:
            for line in str(cause).splitlines():
                if any(reason in line for reason in DISK_ERRORS):
                    raise InputError(
                        f"could not write in {folder} ({line}): what was begun is removed,"
                        f" {free_gb(folder):.1f} GB are free now"
                    ) from error
            cause = cause.__cause__ or cause.__context__
        raise


def require_free(folder: pathlib.Path, needed_gb: float, purpose: str) -> None:
    """Raises InputError if the disk of `folder` has less than `needed_gb` (10^9 bytes) free for `purpose`."""
    available_gb = free_gb(folder)
    if available_gb < needed_gb:
        raise InputError(
            f"{purpose} needs {needed_gb:.1f} GB in {folder}, which has {available_gb:.1f} GB free:"
            " free some, choose another --data_dir, or take fewer with --max_images"
        )


def free_gb(folder: pathlib.Path) -> float:
    """Returns the free space, 10^9 bytes, of the disk that `folder` is on or would be on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e9


def allow_open_files(count: int) -> None:
    """Raises this process's limit of open files to `count`, or as far as the system lets it."""
    if resource:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
