"""Trains a depth network and scores it: python -m depth_tf.train --optimizer=rmsprop.

Leaves in --workdir: config.json, flags.txt, environment.json, history.csv, speed.csv, best.keras, mean_depth.npy (the
mean depth map), metrics.json, per_image.csv, panels.png, panels/ and tensorboard/. A run that was killed goes on when
its command is given again. `python -m depth_tf.range_test` suggests a learning rate.
"""

from __future__ import annotations

import pathlib

from etils import epy

from depth_tf import losses, optimizers, schedules
from depth_tf.runtime import program, run_folder
from depth_tf.training import distribute
from depth_tf.training.settings import Settings

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import tensorflow as tf

    from depth_tf import callbacks
    from depth_tf.data import opening, splits
    from depth_tf.scoring import keras_metrics, mean_depth, score_run
    from depth_tf.training import logs, multi_worker, resume, stages


def main(settings: Settings) -> None:
    """Trains, scores, and prints the table."""
    train(settings)


def train(settings: Settings) -> dict:
    """Runs all stages and returns what metrics.json holds; empty on a worker that is not the chief."""
    strategy = distribute.build_strategy(settings.strategy, tpu=settings.tpu)
    settings, dataset, workdir = stages.open_run(settings)
    is_chief, result = distribute.is_chief(strategy), {}
    with opening.naming_bad_records(dataset), resume.explaining_signals(workdir):
        train_network(dataset, settings, workdir, strategy)
        if is_chief:
            result = score_run.score_run(workdir, dataset, command=program.command_line("depth_tf.train"))
        if distribute.is_multi_worker(strategy):
            multi_worker.wait_for_all(strategy)  # a chief that has to start again needs every worker
        if is_chief:
            resume.forget(workdir)
    return result


def train_network(
    dataset: splits.DepthDataset, settings: Settings, workdir: pathlib.Path, strategy: tf.distribute.Strategy
) -> None:
    """Leaves a trained network in `workdir`; goes on where a killed run left off."""
    stages.prepare_process(settings, strategy)
    mean_depth_m = mean_depth.mean_depth_map(dataset.split("train"), settings.size_px)
    is_chief = distribute.is_chief(strategy)

    with strategy.scope():
        network = stages.start_network(settings, mean_depth_m)
        epochs, steps = stages.plan(settings, dataset.split("train").num_images, network.name)
        compile_network(network, settings, total_steps=epochs * steps)

    with stages.claimed(workdir, settings, dataset, mean_depth_m, is_chief=is_chief) as saved_state:
        if is_chief:
            stages.announce(settings, dataset, network, workdir, saved_state, epochs=epochs, steps=steps)
        if saved_state and saved_state.stopped:
            return
        done = saved_state.epochs_done if saved_state else 0

        best_network, has_holdout = workdir / run_folder.BEST_NETWORK, "holdout" in dataset.splits
        chosen = callbacks.build_callbacks(
            settings, best_network, epochs=epochs, has_holdout=has_holdout, is_chief=is_chief
        )
        if is_chief:
            chosen += logs.build_callbacks(settings, dataset, workdir, epochs=epochs, steps=steps, done=done)
        chosen.append(resume.KeepState(workdir, list(chosen), saved_state, is_chief=is_chief))

        batches = stages.batches(dataset, settings, workdir, strategy, steps=epochs * steps, first_step=done * steps)
        with (
            batches as (training, holdout),
            multi_worker.fit_made_to_work(network, initial_epoch=done),
            logs.closing_files(chosen),
        ):
            network.fit(
                training,
                validation_data=holdout,
                initial_epoch=done,
                epochs=epochs,
                steps_per_epoch=steps,
                shuffle=False,  # the pipeline has its own order
                verbose=0,  # the callbacks report
                callbacks=chosen,
            )


def compile_network(network, settings: Settings, *, total_steps: int) -> None:
    """Gives the network its optimizer, loss and metrics."""
    rate = schedules.learning_rate(settings.schedule, settings.peak_learning_rate, steps=total_steps)
    network.compile(
        optimizer=optimizers.build_optimizer(settings.optimizer, rate, network=network, **settings.optimizer_options),
        loss=losses.depth_loss(settings.loss, settings.gradient_weight),
        weighted_metrics=keras_metrics.network_grid_metrics(),
        jit_compile=distribute.compile_with_xla(network.distribute_strategy),
    )
    network.optimizer.build(network.trainable_variables)  # or the first step, which would, is traced twice


if __name__ == "__main__":
    program.run(main, Settings)
