"""Finds a learning rate: it grows through one short run, and where the loss falls is where to train.

    python -m depth_tf.range_test --optimizer=sgd --data_dir=DIR --workdir=runs/range

Takes the flags of depth_tf.train. Leaves range_test.csv, range_test.json and range_test.png in --workdir, and prints
the rate to try; there is no network to keep, since the run is driven until it fails.
"""

from __future__ import annotations

import dataclasses
import pathlib

from etils import epy

from depth_tf.runtime import program, run_folder
from depth_tf.runtime.errors import InputError
from depth_tf.training.settings import Settings

with epy.lazy_imports():
    from depth_tf import losses, optimizers
    from depth_tf.data import opening
    from depth_tf.scoring import mean_depth
    from depth_tf.training import distribute, rate_finder, stages


def main(settings: Settings) -> None:
    """Runs the test and prints what it suggests."""
    find_rate(settings)


def find_rate(settings: Settings) -> dict:
    """Trains with a growing rate and returns what range_test.json holds."""
    if settings.strategy == "multi_worker":
        raise InputError("a range test is for one process: expected another --strategy")
    strategy = distribute.build_strategy(settings.strategy, tpu=settings.tpu)
    settings = dataclasses.replace(settings, dataset=opening.resolve_name(settings.dataset, settings.data_dir))
    dataset = opening.open_chosen(settings, max_train_images=settings.max_train_images)
    workdir = pathlib.Path(settings.workdir or run_folder.default_folder(dataset.name, settings.optimizer))
    stages.prepare_process(settings, strategy)
    plan = stages.plan(settings, dataset, default_steps=rate_finder.STEPS)
    mean_depth_m = mean_depth.mean_depth_map(dataset.split("train"), settings.size_px)
    with strategy.scope():
        network = stages.start_network(settings, mean_depth_m)
        rate = rate_finder.growing_rate(settings.peak_learning_rate, plan.total_steps)
        network.compile(
            optimizers.build_optimizer(settings.optimizer, rate, weight_decay=settings.weight_decay),
            loss=losses.depth_loss(settings.loss, settings.gradient_weight),
            jit_compile=distribute.compile_with_xla(strategy),
        )
    with opening.naming_bad_records(dataset):
        run = stages.open_run(workdir, settings, dataset, network, plan, mean_depth_m)
        with run, stages.open_batches(dataset, settings, workdir, strategy, plan, None) as batches:
            test = rate_finder.RangeTest(workdir)
            network.fit(
                batches.train,
                epochs=plan.epochs,
                steps_per_epoch=plan.steps,
                shuffle=False,
                verbose=0,
                callbacks=[test],
            )
    return rate_finder.read_report(workdir)


if __name__ == "__main__":
    program.run(main, Settings)
