"""Writes files so that a reader never meets a half-written one."""

import contextlib
import csv
import fcntl
import json
import os
import pathlib
import uuid
from collections.abc import Iterator, Sequence

import numpy as np

from depth_tf.runtime.errors import InputError


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path in the same folder, made if missing, that takes `path`'s place once the block succeeds.

    The temporary name ends like `path`, because savers choose their format by the suffix.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".partial-{uuid.uuid4().hex}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
