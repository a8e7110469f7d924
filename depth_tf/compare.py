"""Trains a grid of optimizers, schedules and seeds on one budget, and shows what each does.

    python -m depth_tf.compare --data_dir=DIR --output=OUT                       # about 15 minutes on two cores
    python -m depth_tf.compare --data_dir=DIR --output=OUT --grid=full           # 4 optimizers x 5 schedules x 2 seeds
    python -m depth_tf.compare --data_dir=DIR --output=OUT --optimizers=sgd,adamw --schedules=step --seeds=0,1,2

Each run has a folder of its own in OUT/runs/, as `depth_tf.train` leaves it; its flags.txt repeats it. Killed and
started again, a comparison trains the runs that are missing. It ends in OUT/compare.json, compare.md and
compare.png. All figures are of the hold-out: `validation` is for reporting, not for choosing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import itertools
import os
import pathlib
import time

import numpy as np
from etils import epy

from depth_tf.data.settings import DataSettings
from depth_tf.optimizers import OPTIMIZERS
from depth_tf.runtime import atomic_files, program, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from depth_tf.schedules import SCHEDULES
from depth_tf.training.settings import Settings as RunSettings

with epy.lazy_imports():
    import keras

    from depth_tf import callbacks, train
    from depth_tf.data import cache, opening, resizing, splits
    from depth_tf.drawing import comparison
    from depth_tf.scoring import score, score_run
    from depth_tf.training import distribute, progress, resume

PROGRAM = "depth_tf.compare"
GRIDS = {  # optimizers, schedules, seeds
    "default": ("sgd,rmsprop,adam,adamw", "plateau,cosine", "0,1"),
    "full": ("sgd,rmsprop,adam,adamw", "step,plateau,exponential,cosine,piecewise", "0,1"),
}
CHOICES = {"optimizers": OPTIMIZERS, "schedules": SCHEDULES, "seeds": ()}  # seeds are any whole numbers
BUDGET = ("epochs", "global_batch_size", "image_height_px", "image_width_px", "width")
DIVERGED = "diverged.txt"  # in the folder of a run that came to no good end, with the reason


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What to compare; each field is the flag of its name."""

    grid: str = option("default", "named grid; the next flags replace its parts", group="grid", choices=tuple(GRIDS))
    optimizers: str | None = option(None, f"comma-separated, of {', '.join(OPTIMIZERS)}", group="grid")
    schedules: str | None = option(None, f"comma-separated, of {', '.join(SCHEDULES)}", group="grid")
    seeds: str | None = option(None, "comma-separated whole numbers", group="grid")
    output: str | None = option(None, "folder for the comparison's runs and results", group="grid", required=True)
    tensorboard: bool = option(False, "write TensorBoard event files: --logdir=OUT/runs compares them", group="grid")
    max_train_images: int = option(0, "train on the first this many images; 0: all", group="data")
    epochs: int = option(20, "passes over the training images, in every run", group="budget")
    global_batch_size: int = option(16, "images per step", group="budget")
    image_height_px: int = option(96, "height the network sees, divisible by 32", group="budget")
    image_width_px: int = option(128, "width the network sees, divisible by 32", group="budget")
    width: int = option(32, "channels of the first stage of small; the others are multiples", group="budget")

    def __post_init__(self):
        super().__post_init__()
        if not self.validation_fraction:
            raise InputError("a comparison needs a hold-out to judge by: expected --validation_fraction above 0")


def main(settings: Settings) -> None:
    """Runs what is missing of the grid, then writes the comparison."""
    settings = dataclasses.replace(settings, dataset=opening.resolve_name(settings.dataset, settings.data_dir))
    runs = [run_settings(settings, *cell) for cell in cells(settings)]
    for run in (run for run in runs if is_finished(run.workdir)):  # `train` itself checks an unfinished one
        found = run_folder.read_config(run.workdir)
        for key, value in dataclasses.asdict(run).items():
            if key != "workdir" and found.get(key) != value:
                made = f"{run.workdir} was trained with --{key}={found.get(key)}, not {value}"
                raise InputError(f"{made}: use the same flags, or another --output")
    dataset = opening.open_chosen(settings, max_train_images=settings.max_train_images)
    train_missing(runs, dataset)
    result = collect(runs, dataset)
    result |= score.describe(dataset, "holdout", command=program.command_line(PROGRAM))
    folder, table = pathlib.Path(settings.output), comparison.table(result)
    atomic_files.write_text(folder / "compare.json", comparison.dump(result))
    atomic_files.write_text(folder / "compare.md", table)
    comparison.draw(folder / "compare.png", result)
    say(f"{table}\nwrote {folder}/compare.json, compare.md and compare.png")


def cells(settings: Settings) -> list[tuple[str, str, int]]:
    """Returns (optimizer, schedule, seed) of every run, seed by seed, so that a killed grid is whole for one seed."""
    words = []
    for (flag, choices), default in zip(CHOICES.items(), GRIDS[settings.grid], strict=True):
        words.append((getattr(settings, flag) or default).split(","))
        for word in words[-1]:
            if not (word in choices if choices else word.isdecimal()):
                wanted = ", ".join(choices) or "whole numbers"
                raise InputError(f"expected --{flag} of {wanted}, separated by commas, got {word!r}")
    optimizers, schedules, seeds = words
    runs = itertools.product(seeds, optimizers, schedules)
    return [(optimizer, schedule, int(seed)) for seed, optimizer, schedule in runs]


def run_settings(settings: Settings, optimizer: str, schedule: str, seed: int) -> RunSettings:
    """Returns the settings of one run; the rate and the decay are the optimizer's own."""
    given = dataclasses.asdict(settings)
    shared = {field.name: given[field.name] for field in dataclasses.fields(RunSettings) if field.name in given}
    workdir = str(pathlib.Path(settings.output) / "runs" / f"{optimizer}-{schedule}-{seed}")
    return RunSettings(**shared, optimizer=optimizer, schedule=schedule, seed=seed, panels=False, workdir=workdir)


def train_missing(runs: list[RunSettings], dataset: splits.DepthDataset) -> None:
    """Trains the runs whose folders are not finished, one after the other, and says how long the rest will take."""
    missing = [run for run in runs if not is_finished(run.workdir)]
    images = runs[0].epochs * dataset.split("train").num_images
    say(f"{len(runs)} runs of {runs[0].epochs} epochs, {images:,} images each; {len(missing)} to do")
    with opening.naming_bad_records(dataset):
        shared = decoded_once(dataset, runs[0])
        started_s = time.perf_counter()
        for done, run in enumerate(missing, start=1):
            outcome = train_one(run, dataset, shared)
            left = progress.duration((time.perf_counter() - started_s) / done * (len(missing) - done))
            say(f"run {done}/{len(missing)} {pathlib.Path(run.workdir).name}: {outcome}; {left} left")


def train_one(run: RunSettings, dataset: splits.DepthDataset, shared: splits.DepthDataset) -> str:
    """Trains and scores one run, its messages going to a log beside its folder, and returns a line about it."""
    keras.backend.clear_session()  # runs share a process, but each must begin as a fresh one would
    gc.collect()
    workdir = pathlib.Path(run.workdir)
    workdir.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{workdir}.log", "w") as log, contextlib.redirect_stdout(log):
        try:
            train.train_network(shared, run, workdir, distribute.build_strategy(run.strategy))
        except callbacks.Diverged as error:
            atomic_files.write_text(workdir / DIVERGED, f"{error}\n")
            return f"diverged ({error})"
        scored = score_run.score_run(workdir, dataset, split="holdout", command=program.command_line(PROGRAM))
    resume.forget(workdir)
    return f"hold-out delta1 {scored['delta1']:.3f}, log10 {scored['log10']:.3f}"


def is_finished(workdir: str | os.PathLike) -> bool:
    """Says whether a run came to its end, good or bad."""
    return any(os.path.exists(os.path.join(workdir, name)) for name in (run_folder.METRICS, DIVERGED))


def collect(runs: list[RunSettings], dataset: splits.DepthDataset) -> dict:
    """Returns the budget and each run's curves, from finished runs on `dataset`."""
    curves = ("val_delta1", "val_loss", callbacks.MONITOR, "loss", "learning_rate")
    read_csv = functools.partial(np.genfromtxt, delimiter=",", names=True, ndmin=1)
    training_s, described = 0.0, []
    for run in runs:
        folder = pathlib.Path(run.workdir)
        training_s += sum(read_csv(folder / run_folder.SPEED)["training_s"])
        history = read_csv(folder / run_folder.HISTORY)
        about = {name: getattr(run, name) for name in ("optimizer", "schedule", "seed")}
        about |= {"peak_learning_rate": run.peak_learning_rate, "diverged": (folder / DIVERGED).exists()}
        about["curves"] = {name: [float(f"{value:.5g}") for value in history[name]] for name in curves}
        described.append(about)
    return {
        **{name: getattr(runs[0], name) for name in BUDGET},
        "num_train_images": dataset.split("train").num_images,
        "num_holdout_images": dataset.split("holdout").num_images,
        "judged_by": callbacks.MONITOR,
        "training_minutes": round(training_s / 60, 1),
        "runs": described,
    }


def decoded_once(dataset: splits.DepthDataset, run: RunSettings) -> splits.DepthDataset:
    """Returns the splits that training needs, already resized and kept in memory for all runs if they fit.

    Training resizes them again, to the size they have: the batches stay those of a run on its own.
    """
    shared = {name: dataset.split(name) for name in ("train", "holdout")}
    if cache.choose_cache("auto", sum(split.num_images for split in shared.values()), run.size_px) != "memory":
        return dataset
    for name, split in shared.items():
        pairs = resizing.resized(split, run.size_px).cache()
        shared[name] = dataclasses.replace(split, read=lambda pairs=pairs: pairs)
    return dataclasses.replace(dataset, splits=dataset.splits | shared)


if __name__ == "__main__":
    program.run(main, Settings)
