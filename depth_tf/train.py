"""Trains the depth network and scores it: python -m depth_tf.train --optimizer=rmsprop.

Leaves in --workdir: config.json, flags.txt, environment.json, history.csv, speed.csv, best.keras, mean_depth.npy (the
floor), metrics.json, per_image.csv, panels.png, panels/ and tensorboard/. A run that was killed goes on when its
command is given again. With --schedule=range_test: see `range_test`.
"""

import contextlib
import dataclasses
import pathlib

import keras
import numpy as np
import tensorflow as tf

from depth_tf import callbacks, optimizers, pipeline, range_test, schedules
from depth_tf.augmentation import Augmentation
from depth_tf.data import cache
from depth_tf.data.opening import naming_bad_records, open_chosen, resolve_name
from depth_tf.data.splits import DepthDataset
from depth_tf.losses import DepthLoss
from depth_tf.model import build_network, load_network
from depth_tf.runtime import memory, program, run_folder, storage
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say
from depth_tf.scoring.keras_metrics import network_grid_metrics
from depth_tf.scoring.mean_depth import log_mean_depth_m, mean_depth_map
from depth_tf.scoring.score_run import score_run
from depth_tf.training import distribute, multi_worker, panels, resume
from depth_tf.training.settings import IMAGE_BUDGET, Settings


def main(settings: Settings) -> None:
    """Trains, scores, and prints the table."""
    train(settings)


def train(settings: Settings) -> dict:
    """Runs all stages and returns what metrics.json holds, or for a range test its report."""
    strategy = distribute.build_strategy(settings.strategy, tpu=settings.tpu)
    settings = dataclasses.replace(settings, dataset=resolve_name(settings.dataset, settings.data_dir))
    dataset = open_chosen(settings, max_train_images=settings.max_train_images)
    workdir = pathlib.Path(settings.workdir or run_folder.default_folder(dataset.name, settings.optimizer))
    with naming_bad_records(dataset), resume.leaving_on_sigterm(workdir):
        train_network(dataset, settings, workdir, strategy)
        if settings.schedule == "range_test":  # a network driven until it fails is not worth a score
            return range_test.read_report(workdir)
        scored = {}
        if distribute.is_chief(strategy):
            scored = score_run(workdir, dataset, command=program.command_line("depth_tf.train"))
        if distribute.is_multi_worker(strategy):
            multi_worker.wait_for_all(strategy)  # lest one that is done be missed by a chief that must start again
        if distribute.is_chief(strategy):
            resume.forget(workdir)
    return scored


def train_network(
    dataset: DepthDataset, settings: Settings, workdir: pathlib.Path, strategy: tf.distribute.Strategy
) -> None:
    """Runs the stages up to a trained network in `workdir`; goes on where a killed run left off."""
    keras.utils.set_random_seed(settings.seed)
    distribute.make_repeatable(settings.deterministic)
    distribute.check_batch(strategy, settings)
    memory.keep_freed_memory()
    size_px = (settings.image_height_px, settings.image_width_px)
    floor_m = mean_depth_map(dataset.split("train"), size_px)
    epochs, steps = plan(settings, dataset.split("train").num_images)
    with strategy.scope():
        network = start_network(settings, floor_m)
        compile_network(network, settings, total_steps=epochs * steps)
    writes = distribute.is_chief(strategy)
    run_folder.claim(workdir, settings, dataset.describe(), write=writes)
    with run_folder.locked(workdir) if writes else contextlib.nullcontext():
        found = resume.newest(workdir)
        if writes:
            if not found:
                (workdir / run_folder.BEST_NETWORK).unlink(missing_ok=True)  # of a run cut off before its first state
            storage.write_array(workdir / run_folder.MEAN_DEPTH, floor_m)
            announce(settings, dataset, network, workdir, found=found, epochs=epochs, steps=steps)
        if not (found and found.stopped):
            fit(network, dataset, size_px, settings, workdir, strategy, found=found, epochs=epochs, steps=steps)


def plan(settings: Settings, num_images: int) -> tuple[int, int]:
    """Returns the epochs, and the steps of each."""
    steps = settings.steps_per_epoch or pipeline.steps_per_epoch(num_images, settings.global_batch_size)
    seen = steps * settings.global_batch_size if settings.steps_per_epoch else num_images
    enough = range_test.STEPS / steps if settings.schedule == "range_test" else IMAGE_BUDGET / seen
    return settings.epochs or max(1, round(enough)), steps


def start_network(settings: Settings, floor_m: np.ndarray) -> keras.Model:
    """Returns a fresh network that answers the data's log-mean depth, or the one `--init_from` names."""
    if settings.init_from:
        network = load_network(settings.init_from, size_px=(settings.image_height_px, settings.image_width_px))
        if settings.strategy == "multi_worker" and any(
            isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers
        ):
            raise InputError(
                f"{settings.init_from} has batch statistics, which would differ by device: see --normalization"
            )
        return network
    with distribute.computing_in(settings.precision):
        return build_network(
            settings.image_height_px,
            settings.image_width_px,
            width=settings.width,
            min_depth_m=settings.min_depth_m,
            max_depth_m=settings.max_depth_m,
            initial_depth_m=log_mean_depth_m(floor_m),
            normalization=settings.normalization,
        )


def compile_network(network: keras.Model, settings: Settings, *, total_steps: int) -> None:
    """Gives the network its optimizer, loss and metrics."""
    rate = schedules.learning_rate(settings.schedule, peak_learning_rate(settings), steps=total_steps)
    network.compile(
        optimizer=optimizers.build_optimizer(
            settings.optimizer,
            rate,
            weight_decay=settings.weight_decay,
            ema=settings.ema,
            accumulation_steps=settings.gradient_accumulation_steps,
        ),
        loss=DepthLoss(settings.loss, settings.gradient_weight),
        weighted_metrics=network_grid_metrics(),
        jit_compile=distribute.compile_with_xla(network.distribute_strategy),
        steps_per_execution=settings.steps_per_execution,
    )
    network.optimizer.build(network.trainable_variables)  # else the first step, which would, is traced twice


def peak_learning_rate(settings: Settings) -> float:
    """Returns `--learning_rate`, or the optimizer's own default."""
    if settings.learning_rate is None:
        return optimizers.default_learning_rate(settings.optimizer)
    return settings.learning_rate


def announce(
    settings: Settings,
    dataset: DepthDataset,
    network: keras.Model,
    workdir: pathlib.Path,
    *,
    found: resume.State | None,
    epochs: int,
    steps: int,
) -> None:
    """Says what is about to happen."""
    counts = ", ".join(f"{split.num_images} {name}" for name, split in dataset.splits.items())
    say(f"data: {dataset.name} ({dataset.source}): {counts} images")
    say(f"network: {network.count_params():,} parameters at {settings.image_height_px}x{settings.image_width_px} px")
    length = f"{epochs} epochs of {steps} steps of {settings.global_batch_size} images"
    say(f"training: {settings.optimizer}, {settings.schedule}, {length} -> {workdir}")
    if found:
        say(f"going on after epoch {found.epochs_done}, whose state is in {workdir / resume.FOLDER}")


def fit(
    network: keras.Model,
    dataset: DepthDataset,
    size_px: tuple[int, int],
    settings: Settings,
    workdir: pathlib.Path,
    strategy: tf.distribute.Strategy,
    *,
    found: resume.State | None,
    epochs: int,
    steps: int,
) -> None:
    """Calls `model.fit`, which leaves the best network and the history in `workdir`."""
    train_split, holdout = dataset.split("train"), dataset.splits.get("holdout")
    done = found.epochs_done if found else 0
    kept = train_split.num_images + (holdout.num_images if holdout else 0)
    kind = cache.choose_cache(settings.cache, kept, size_px)
    worker, num_workers = distribute.place_among_workers(strategy)
    with cache.cache_folder(workdir, kind, worker) as cache_dir:
        how = pipeline.Input(
            kind,
            cache_dir,
            worker=worker,
            num_workers=num_workers,
            batches_a_step=strategy.num_replicas_in_sync // num_workers if distribute.is_multi_worker(strategy) else 1,
            deterministic=settings.deterministic,
            threads=settings.input_threads,
            data_service=settings.data_service,
        )
        batches = pipeline.training_batches(
            train_split,
            size_px,
            batch_size=settings.global_batch_size,
            seed=settings.seed,
            steps=epochs * steps,
            first_step=done * steps,
            strength=Augmentation(),
            how=how,
        )
        judged = holdout and pipeline.scoring_batches(holdout, size_px, batch_size=settings.global_batch_size, how=how)
        chosen = callbacks.build_callbacks(
            settings,
            workdir,
            peak_learning_rate=peak_learning_rate(settings),
            epochs=epochs,
            steps=steps,
            has_holdout=holdout is not None,
            panel_pairs=panels.panel_pairs(holdout or train_split, size_px) if settings.panels else [],
            found=found,
            writes=distribute.is_chief(strategy),
        )
        run = multi_worker.fit if distribute.is_multi_worker(strategy) else keras.Model.fit
        with callbacks.closing_files(chosen):
            run(
                network,
                batches,
                initial_epoch=done,
                epochs=epochs,
                steps_per_epoch=steps,
                validation_data=judged,
                shuffle=False,  # the pipeline has its own order
                verbose=0,
                callbacks=chosen,
            )


if __name__ == "__main__":
    program.run(main, Settings)
