"""The stages of `train`, most of which `range_test` shares, from the flags to the batches."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from depth_tf import pipeline
from depth_tf.augmentation import Augmentation
from depth_tf.data import cache, survey
from depth_tf.data.opening import open_chosen, resolve_name, rooms_beside
from depth_tf.data.splits import DepthDataset
from depth_tf.model import NETWORKS
from depth_tf.runtime import atomic_files, memory, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say
from depth_tf.saved import load_network
from depth_tf.scoring.mean_depth import log_mean_depth_m
from depth_tf.training import distribute, multi_worker, normalization, resume
from depth_tf.training.settings import IMAGE_BUDGETS, Settings


def open_run(settings: Settings, *, suffix: str = "") -> tuple[Settings, DepthDataset, pathlib.Path]:
    """Returns the settings with the data set's own name, the data set, and the run's folder, which is not made yet."""
    settings = dataclasses.replace(settings, dataset=resolve_name(settings.dataset, settings.data_dir))
    dataset = open_chosen(settings, max_train_images=settings.max_train_images)
    if settings.with_rooms:
        dataset = rooms_beside(dataset, settings)
    workdir = settings.workdir or run_folder.default_folder(dataset.name, settings.optimizer + suffix)
    return settings, dataset, pathlib.Path(workdir)


def prepare_process(settings: Settings, strategy: tf.distribute.Strategy) -> None:
    """Seeds everything random, sets determinism and memory; InputError if the devices cannot share the batch."""
    keras.utils.set_random_seed(settings.seed)
    distribute.make_repeatable(settings.deterministic)
    distribute.check_batch(strategy, settings)
    memory.keep_freed_memory()


def plan(settings: Settings, num_images: int, network: str = "small") -> tuple[int, int]:
    """Returns the number of epochs, and of steps per epoch, for a network of this name.

    An epoch shows each of the `num_images` once, and with --with_rooms as many rooms.
    """
    num_images *= 1 + settings.with_rooms
    steps = settings.steps_per_epoch or pipeline.steps_per_epoch(num_images, settings.global_batch_size)
    seen = steps * settings.global_batch_size if settings.steps_per_epoch else num_images
    budget = IMAGE_BUDGETS.get(network, IMAGE_BUDGETS["small"])
    return settings.epochs or max(1, round(budget / seen)), steps


def start_network(settings: Settings, mean_depth_m: np.ndarray) -> keras.Model:
    """Returns a fresh network that predicts the data's log-mean depth, or the one that `--init_from` names."""
    if settings.init_from:
        network = load_network(settings.init_from, size_px=settings.size_px)
        has_statistics = any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers)
        if settings.strategy == "multi_worker" and has_statistics:
            raise InputError(
                f"{settings.init_from} has batch statistics, which would differ by device: see --normalization"
            )
    else:
        with distribute.computing_in(settings.precision):
            network = NETWORKS[settings.network](
                *settings.size_px,
                width=settings.width,
                min_depth_m=settings.min_depth_m,
                max_depth_m=settings.max_depth_m,
                initial_depth_m=log_mean_depth_m(mean_depth_m),
                normalization=settings.normalization,
                encoder=settings.encoder,
                encoder_weights=settings.encoder_weights,
            )
    normalization.fuse(network)
    return network


@contextlib.contextmanager
def claimed(
    workdir: pathlib.Path, settings: Settings, dataset: DepthDataset, mean_depth_m: np.ndarray, *, is_chief: bool
) -> Iterator[resume.State | None]:
    """Makes the run's folder, keeps other processes out of it, and yields the saved state to go on from, if any."""
    run_folder.claim(workdir, settings, dataset.describe(), write=is_chief)
    with run_folder.locked(workdir) if is_chief else contextlib.nullcontext():
        saved_state = resume.newest(workdir)
        if is_chief:
            if not saved_state:
                (workdir / run_folder.BEST_NETWORK).unlink(missing_ok=True)  # of a run cut off before its first state
            atomic_files.write_array(workdir / run_folder.MEAN_DEPTH, mean_depth_m)
        yield saved_state


def announce(
    settings: Settings,
    dataset: DepthDataset,
    network: keras.Model,
    workdir: pathlib.Path,
    saved_state: resume.State | None,
    *,
    epochs: int,
    steps: int,
) -> None:
    """Says what is about to happen."""
    counts = ", ".join(f"{split.num_images} {name}" for name, split in dataset.splits.items())
    say(f"data: {dataset.name} ({dataset.source}): {counts} images")
    if not saved_state:
        survey.tell(dataset, settings.depth_scale)
    say(f"network: {network.count_params():,} parameters at {settings.image_height_px}x{settings.image_width_px} px")
    length = f"{epochs} epochs of {steps} steps of {settings.global_batch_size} images"
    say(f"training: {settings.optimizer}, {settings.schedule}, {length} -> {workdir}")
    if saved_state:
        say(f"going on after epoch {saved_state.epochs_done}, whose state is in {workdir / resume.FOLDER}")


@contextlib.contextmanager
def batches(
    dataset: DepthDataset,
    settings: Settings,
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
    *,
    steps: int,
    first_step: int = 0,
) -> Iterator[tuple[tf.data.Dataset, tf.data.Dataset | None]]:
    """Yields what `fit` takes: augmented training batches, and the hold-out's, or None where there is none.

    They go from `first_step` up to, not including, `steps`; of several workers, each gets its own rows of every batch.
    """
    train_split, rooms_split, holdout_split = map(dataset.splits.get, ("train", "rooms", "holdout"))
    kept = sum(split.num_images for split in (train_split, rooms_split, holdout_split) if split)
    kind = cache.choose_cache(settings.cache, kept, settings.size_px)
    worker, num_workers = distribute.place_among_workers(strategy)
    many = distribute.is_multi_worker(strategy)
    with cache.cache_folder(workdir, kind, worker) as cache_dir:
        how = pipeline.Input(
            kind,
            cache_dir,
            worker=worker,
            num_workers=num_workers,
            batches_per_step=strategy.num_replicas_in_sync // num_workers if many else 1,
            deterministic=settings.deterministic,
        )
        shared = {"batch_size": settings.global_batch_size, "how": how}
        training = pipeline.training_batches(
            train_split,
            settings.size_px,
            seed=settings.seed,
            steps=steps,
            first_step=first_step,
            strength=Augmentation(),
            beside=rooms_split,
            **shared,
        )
        holdout = holdout_split and pipeline.scoring_batches(holdout_split, settings.size_px, **shared)
        if many:
            training, holdout = (rows and multi_worker.own_rows(strategy, rows) for rows in (training, holdout))
        yield training, holdout
