"""The stages of a run around the network itself, which `train` and `range_test` share."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from depth_tf import pipeline
from depth_tf.augmentation import Augmentation
from depth_tf.data import cache
from depth_tf.data.splits import DepthDataset
from depth_tf.model import NETWORKS, load_network
from depth_tf.runtime import memory, run_folder, storage
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say
from depth_tf.scoring.mean_depth import log_mean_depth_m
from depth_tf.training import distribute, resume
from depth_tf.training.settings import IMAGE_BUDGET, Settings


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long a run is: `epochs` of `steps` batches."""

    epochs: int
    steps: int

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps


@dataclasses.dataclass(frozen=True)
class Batches:
    """What `fit` reads: this process's batches of the steps that are left, and those of the hold-out, if any."""

    train: tf.data.Dataset | tf.distribute.DistributedDataset
    holdout: tf.data.Dataset | tf.distribute.DistributedDataset | None
    holdout_steps: int | None


def prepare_process(settings: Settings, strategy: tf.distribute.Strategy) -> None:
    """Fixes all randomness, and refuses what the devices cannot do."""
    keras.utils.set_random_seed(settings.seed)
    distribute.make_repeatable(settings.deterministic)
    distribute.check_batch(strategy, settings)
    memory.keep_freed_memory()


def plan(settings: Settings, dataset: DepthDataset, *, default_steps: int | None = None) -> Plan:
    """Returns the length of a run; without --epochs that of the image budget, or of about `default_steps`."""
    num_images = dataset.split("train").num_images
    steps = settings.steps_per_epoch or pipeline.steps_per_epoch(num_images, settings.global_batch_size)
    seen = steps * settings.global_batch_size if settings.steps_per_epoch else num_images
    enough = default_steps / steps if default_steps else IMAGE_BUDGET / seen
    return Plan(settings.epochs or max(1, round(enough)), steps)


def start_network(settings: Settings, mean_depth_m: np.ndarray) -> keras.Model:
    """Returns a fresh network that predicts the data's log-mean depth, or the one that `--init_from` names."""
    if settings.init_from:
        network = load_network(settings.init_from, size_px=settings.size_px)
        if settings.strategy == "multi_worker" and any(
            isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers
        ):
            raise InputError(
                f"{settings.init_from} has batch statistics, which would differ by device: see --normalization"
            )
        return network
    with distribute.computing_in(settings.precision):
        return NETWORKS[settings.network](
            *settings.size_px,
            width=settings.width,
            min_depth_m=settings.min_depth_m,
            max_depth_m=settings.max_depth_m,
            initial_depth_m=log_mean_depth_m(mean_depth_m),
            normalization=settings.normalization,
        )


@contextlib.contextmanager
def open_run(
    workdir: pathlib.Path,
    settings: Settings,
    dataset: DepthDataset,
    network: keras.Model,
    plan: Plan,
    mean_depth_m: np.ndarray,
) -> Iterator[resume.State | None]:
    """Claims the run's folder, locks it and says what is about to happen; yields the state to continue from, or None.

    Of several workers the chief alone writes.
    """
    is_chief = distribute.is_chief(network.distribute_strategy)
    run_folder.claim(workdir, settings, dataset.describe(), write=is_chief)
    with run_folder.locked(workdir) if is_chief else contextlib.nullcontext():
        saved = resume.newest(workdir)
        if is_chief:
            if not saved:
                (workdir / run_folder.BEST_NETWORK).unlink(missing_ok=True)  # of a run cut off before its first state
            storage.write_array(workdir / run_folder.MEAN_DEPTH, mean_depth_m)
            _announce(settings, dataset, network, plan, workdir, saved)
        yield saved


@contextlib.contextmanager
def open_batches(
    dataset: DepthDataset,
    settings: Settings,
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
    plan: Plan,
    saved: resume.State | None,
) -> Iterator[Batches]:
    """Yields what `fit` reads; what the cache holds on disk is removed afterwards."""
    train, holdout = dataset.split("train"), dataset.splits.get("holdout")
    kept = train.num_images + (holdout.num_images if holdout else 0)
    kind = cache.choose_cache(settings.cache, kept, settings.size_px)
    worker, num_workers = distribute.place_among_workers(strategy)
    is_many = distribute.is_multi_worker(strategy)
    with cache.cache_folder(workdir, kind, worker) as cache_dir:
        how = pipeline.Input(
            kind,
            cache_dir,
            worker=worker,
            num_workers=num_workers,
            batches_per_step=strategy.num_replicas_in_sync // num_workers if is_many else 1,
            deterministic=settings.deterministic,
            threads=settings.input_threads,
            data_service=settings.data_service,
        )
        batches = pipeline.training_batches(
            train,
            settings.size_px,
            batch_size=settings.global_batch_size,
            seed=settings.seed,
            steps=plan.total_steps,
            first_step=plan.steps * (saved.epochs_done if saved else 0),
            strength=Augmentation(),
            how=how,
        )
        judged = steps = None
        if holdout:
            judged = pipeline.scoring_batches(holdout, settings.size_px, batch_size=settings.global_batch_size, how=how)
            steps = pipeline.steps_per_epoch(holdout.num_images, settings.global_batch_size)
        if is_many:
            batches, judged = distribute.own_batches(strategy, batches), judged and judged.repeat()
            judged = judged and distribute.own_batches(strategy, judged)
        yield Batches(batches, judged, steps)


def _announce(
    settings: Settings,
    dataset: DepthDataset,
    network: keras.Model,
    plan: Plan,
    workdir: pathlib.Path,
    saved: resume.State | None,
) -> None:
    counts = ", ".join(f"{split.num_images} {name}" for name, split in dataset.splits.items())
    say(f"data: {dataset.name} ({dataset.source}): {counts} images")
    say(f"network: {network.count_params():,} parameters at {settings.image_height_px}x{settings.image_width_px} px")
    length = f"{plan.epochs} epochs of {plan.steps} steps of {settings.global_batch_size} images"
    say(f"training: {settings.optimizer}, {settings.schedule}, {length} -> {workdir}")
    if saved:
        say(f"continuing after epoch {saved.epochs_done}, whose state is in {workdir / resume.FOLDER}")
