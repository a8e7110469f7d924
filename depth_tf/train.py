"""Trains the depth network and scores it: python -m depth_tf.train --optimizer=rmsprop.

Leaves in --workdir: config.json, flags.txt, environment.json, history.csv, speed.csv, best.keras, mean_depth.npy,
metrics.json, per_image.csv, panels.png, panels/ and tensorboard/. A run that was killed continues when its command is
given again.
"""

from __future__ import annotations

import dataclasses
import pathlib

from etils import epy

from depth_tf.runtime import program, run_folder
from depth_tf.training.settings import Settings

with epy.lazy_imports():  # read when first used: --help does not wait for TensorFlow
    import keras
    import tensorflow as tf

    from depth_tf import callbacks, losses, optimizers, schedules
    from depth_tf.data import opening, splits
    from depth_tf.scoring import keras_metrics, mean_depth, score_run
    from depth_tf.training import distribute, multi_worker, recording, resume, stages


def main(settings: Settings) -> None:
    """Trains, scores, and prints the table."""
    train(settings)


def train(settings: Settings) -> dict:
    """Runs all stages and returns what metrics.json holds."""
    strategy = distribute.build_strategy(settings.strategy, tpu=settings.tpu)
    settings = dataclasses.replace(settings, dataset=opening.resolve_name(settings.dataset, settings.data_dir))
    dataset = opening.open_chosen(settings, max_train_images=settings.max_train_images)
    workdir = pathlib.Path(settings.workdir or run_folder.default_folder(dataset.name, settings.optimizer))
    scored = {}
    with opening.naming_bad_records(dataset), resume.leaving_on_signals(workdir):
        train_network(dataset, settings, workdir, strategy)
        if distribute.is_chief(strategy):
            scored = score_run.score_run(workdir, dataset, command=program.command_line("depth_tf.train"))
        multi_worker.wait_for_all(strategy)  # or a chief that must start again would miss a worker that has left
        if distribute.is_chief(strategy):
            resume.forget(workdir)
    return scored


def train_network(
    dataset: splits.DepthDataset, settings: Settings, workdir: pathlib.Path, strategy: tf.distribute.Strategy
) -> None:
    """Runs the stages up to a trained network in `workdir`; continues where a killed run left off."""
    stages.prepare_process(settings, strategy)
    plan = stages.plan(settings, dataset)
    mean_depth_m = mean_depth.mean_depth_map(dataset.split("train"), settings.size_px)

    with strategy.scope():
        network = stages.start_network(settings, mean_depth_m)
        compile_network(network, settings, total_steps=plan.total_steps)

    with stages.open_run(workdir, settings, dataset, network, plan, mean_depth_m) as saved:
        if saved and saved.stopped:
            return
        with stages.open_batches(dataset, settings, workdir, strategy, plan, saved) as batches:
            chosen = callbacks.build_callbacks(
                workdir,
                schedule=schedules.rate_callback(
                    settings.schedule, settings.peak_learning_rate, plan.epochs, callbacks.MONITOR
                ),
                peak_learning_rate=settings.peak_learning_rate,
                epochs=plan.epochs,
                ema=settings.ema,
                early_stopping=settings.early_stopping,
                reduce_on_plateau=settings.reduce_lr_on_plateau,
                has_holdout=batches.holdout is not None,
                is_chief=distribute.is_chief(strategy),
            )
            chosen += recording.build_callbacks(chosen, settings, workdir, dataset, strategy, plan, saved)
            with multi_worker.fit_enabled(network, batches.train), recording.closing_files(chosen):
                network.fit(
                    batches.train,
                    validation_data=batches.holdout,
                    validation_steps=batches.holdout_steps,
                    initial_epoch=saved.epochs_done if saved else 0,
                    epochs=plan.epochs,
                    steps_per_epoch=plan.steps,
                    callbacks=chosen,
                    shuffle=False,  # the pipeline has its own order
                    verbose=0,  # a callback reports
                )


def compile_network(network: keras.Model, settings: Settings, *, total_steps: int) -> None:
    """Gives the network its optimizer, loss and metrics."""
    rate = schedules.learning_rate(settings.schedule, settings.peak_learning_rate, steps=total_steps)
    network.compile(
        optimizer=optimizers.build_optimizer(
            settings.optimizer,
            rate,
            weight_decay=settings.weight_decay,
            ema=settings.ema,
            accumulation_steps=settings.gradient_accumulation_steps,
        ),
        loss=losses.depth_loss(settings.loss, settings.gradient_weight),
        weighted_metrics=keras_metrics.network_grid_metrics(),
        jit_compile=distribute.compile_with_xla(network.distribute_strategy),
        steps_per_execution=settings.steps_per_execution,
    )
    network.optimizer.build(network.trainable_variables)  # else the first step, which would, is traced twice


if __name__ == "__main__":
    program.run(main, Settings)
