"""The folder a run leaves behind: claimed before anything is written, and telling what made it."""

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from depth_tf.runtime import atomic_files, machine, program
from depth_tf.runtime.errors import InputError

BEST_NETWORK = "best.keras"
CONFIG = "config.json"
ENVIRONMENT = "environment.json"
METRICS = "metrics.json"
MEAN_DEPTH = "mean_depth.npy"
HISTORY = "history.csv"
SPEED = "speed.csv"


def default_folder(dataset: str, optimizer: str) -> pathlib.Path:
    """Returns runs/<time>-<dataset>-<optimizer>, the time to the second, local."""
    return pathlib.Path("runs") / f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{dataset}-{optimizer}"


def claim(workdir: pathlib.Path, settings: Any, data: dict, *, write: bool = True) -> None:
    """Makes the folder and writes config.json, flags.txt and environment.json (with `data`) into it.

    A folder that holds anything but an unfinished run of the same configuration and data is refused; with `write` false
    nothing else is done: of many workers, one writes.
    """
    config = {key: value for key, value in dataclasses.asdict(settings).items() if key != "workdir"}
    try:
        _refuse_occupied(workdir, config, data)
        if not write:
            return
        workdir.mkdir(parents=True, exist_ok=True)
        atomic_files.write_json(workdir / CONFIG, config)
        atomic_files.write_text(workdir / "flags.txt", program.flagfile_text(settings, without=["workdir"]))
        atomic_files.write_json(workdir / ENVIRONMENT, {**machine.describe_environment(), "data": data})
    except OSError as error:
        told = f"cannot write to --workdir={workdir}: {error.strerror}"
        raise InputError(f"{told}; name a folder you can write") from error


@contextlib.contextmanager
def locked(workdir: pathlib.Path) -> Iterator[None]:
    """Keeps other processes of this machine from going on with the same run; raises InputError if one does already."""
    with atomic_files.locked(workdir, f"--workdir={workdir}: another process is at this run; wait for it, or stop it"):
        for left in workdir.rglob(".partial-*"):  # by a process that was killed while it wrote
            left.unlink()
        yield


def read_config(workdir: str | os.PathLike) -> dict:
    """Returns a run's config.json; raises InputError where there is none."""
    path = pathlib.Path(workdir) / CONFIG
    if not path.is_file():
        raise InputError(f"{workdir} is not the folder of a run: it has no {CONFIG}; train one with depth_tf.train")
    return json.loads(path.read_text())


def lineage(workdir: pathlib.Path) -> list[pathlib.Path]:
    """Returns the run in `workdir`, and before it those whose networks it began with, the first of them first.

    The list begins later if a folder is gone, or with a network that no run left there: see "init_from" of its first.
    """
    runs = [workdir]
    while start := read_config(runs[0]).get("init_from"):
        path = pathlib.Path(start)
        if path.name != BEST_NETWORK or not (path.parent / CONFIG).is_file() or path.parent in runs:
            break
        runs.insert(0, path.parent)
    return runs


def _refuse_occupied(workdir: pathlib.Path, config: dict, data: dict) -> None:
    if not workdir.exists() or all(path.name.startswith(".partial-") for path in workdir.iterdir()):
        return
    if (workdir / METRICS).exists():
        raise InputError(f"--workdir={workdir} holds a finished run: name another folder, or remove it")
    if not (workdir / CONFIG).exists():
        raise InputError(f"--workdir={workdir} holds other files than a run's: name an empty or a new folder")
    before = read_config(workdir)
    if gone := sorted(before.keys() - config.keys()):
        found = f"an unfinished run of another version of this package, which had --{gone[0]}"
        raise InputError(f"--workdir={workdir} holds {found}: finish it with that version, or name another folder")
    for key in sorted(config):
        if config.get(key) != before.get(key):
            found = f"an unfinished run with --{key}={before.get(key)}, not {config.get(key)}"
            advice = f"use the same flags (--flagfile={workdir}/flags.txt) or another folder"
            raise InputError(f"--workdir={workdir} holds {found}: {advice}")
    environment = workdir / ENVIRONMENT
    if environment.exists() and (learnt := json.loads(environment.read_text())["data"]) != data:
        raise InputError(f"--workdir={workdir} holds a run on {learnt}, not {data}: name another folder")
