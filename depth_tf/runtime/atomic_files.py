"""Writes files and folders so that a reader never meets a half-written one.

What a killed run leaves has a hidden name that no reader looks for, and the next run removes it. (TFDS's
`incomplete_dir` removes the old folder before the new one is in, and keeps leftovers.)
"""

import contextlib
import csv
import errno
import fcntl
import json
import os
import pathlib
import shutil
import tempfile
import traceback
import uuid
from collections.abc import Iterator, Sequence

import numpy as np

from depth_tf.runtime.errors import InputError

PREFIX = ".nyu_depth_v2-partial-"
REPLACED = "replaced"  # in a staging folder: what stood at the final place before
FULL_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # in the midst of writing
WRONG_CODES = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)
WRONG_CODES += (errno.ENOENT,)  # what making a folder in /proc or in a removed one ends in


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path in the same folder, made if missing, that takes `path`'s place once the block succeeds.

    The temporary name ends like `path`, because savers choose their format by the suffix. It may become a new folder.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".partial-{uuid.uuid4().hex}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: pathlib.Path, refusal: str) -> Iterator[None]:
    """Holds a lock on `folder`, made if missing, until block or program ends; InputError if another holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # network file systems without locks: two programs are not told apart
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(refusal) from None
        yield
    finally:
        os.close(descriptor)


def write_text(path: str | os.PathLike, content: str) -> None:
    """Writes UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(content, encoding="utf-8")


def write_json(path: str | os.PathLike, content: dict) -> None:
    """Writes `content` as indented JSON; NaN and infinity are refused, since JSON has neither."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_csv(path: str | os.PathLike, rows: Sequence[dict]) -> None:
    """Writes rows of equal keys under one header; None becomes an empty cell."""
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_array(path: str | os.PathLike, array: np.ndarray) -> None:
    """Writes one array as .npy."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)


@contextlib.contextmanager
def replacing_folder(data_dir: pathlib.Path, final: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a hidden folder in `data_dir`; what the block writes there, at the path of `final`, takes final's place.

    If the block writes nothing there, or fails, what stood at `final`, which is below `data_dir`, stays.
    """
    refusal = f"another program is preparing a data set in {data_dir}: wait until it ends"
    with disk_errors_named(data_dir), locked(data_dir, refusal):
        for leftover in data_dir.glob(PREFIX + "*"):  # of a run that was killed, perhaps between its two renames
            if (leftover / REPLACED).exists() and not final.exists():
                os.rename(leftover / REPLACED, final)
            shutil.rmtree(leftover)
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
def disk_errors_named(folder: pathlib.Path) -> Iterator[None]:
    """Turns what Python, TensorFlow and TFDS raise for a full or unwritable disk into one InputError."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        for line in "".join(traceback.format_exception(error, limit=0)).splitlines():  # with what caused it
            told = f"could not write in {folder} ({line})"
            if any(os.strerror(code) in line for code in FULL_CODES):
                raise InputError(f"{told}: what was begun is removed, {free_gb(folder):.1f} GB are free now") from error
            if any(os.strerror(code) in line for code in WRONG_CODES):
                raise InputError(f"{told}: expected a folder that can be written to, or a name for one") from error
        raise


def require_free(folder: pathlib.Path, needed_gb: float, purpose: str) -> None:
    """Raises InputError if the disk of `folder` has less than `needed_gb` (10^9 bytes) free for `purpose`."""
    if (available_gb := free_gb(folder)) < needed_gb:
        told = f"{purpose} needs {needed_gb:.1f} GB in {folder}, which has {available_gb:.1f} GB free"
        raise InputError(f"{told}: free some, choose another --data_dir, or take fewer with --max_images")


def free_gb(folder: pathlib.Path) -> float:
    """Returns the free space, 10^9 bytes, of the disk that `folder` is on or would be on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e9
