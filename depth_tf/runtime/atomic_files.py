"""Writes files so that a reader never meets a half-written one."""

import contextlib
import csv
import json
import os
import pathlib
import uuid
from collections.abc import Iterator, Sequence

import numpy as np


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path in the same folder that takes `path`'s place once the block succeeds.

    The temporary name ends like `path`, because savers choose their format by the suffix. If the block
    raises, the temporary file is removed and what stood at `path` stays.

    Args:
      path: the file to write; its folder is made if missing.

    Yields:
      The path to write to.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".partial-{uuid.uuid4().hex}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, content: dict) -> None:
    """Writes `content` as indented JSON; NaN and infinity are refused, since JSON has neither."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_text(path: str | os.PathLike, content: str) -> None:
    """Writes `content` as UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(content, encoding="utf-8")


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
