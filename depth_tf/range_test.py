"""Suggests a learning rate: python -m depth_tf.range_test --optimizer=sgd.

The rate grows through one short run, from a thousandth to a hundred times --learning_rate or the optimizer's own; where
the loss falls is where to train. Takes the flags of `train` (those of the schedule, the hold-out, the callbacks and
the records have no effect), ends once the loss has clearly risen, and leaves range_test.csv, range_test.json and
range_test.png in --workdir instead of a network and its score.

Source: Smith 2017 (Cyclical learning rates for training neural networks), section 3.3.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np
from etils import epy

from depth_tf import losses, optimizers
from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say
from depth_tf.training import distribute, settings

with epy.lazy_imports():  # read when first used: --help must not wait for TensorFlow
    import keras
    from keras.optimizers import schedules as keras_schedules
    from matplotlib import figure as matplotlib_figure

    from depth_tf.data import opening
    from depth_tf.scoring import mean_depth
    from depth_tf.training import resume, stages

STEPS = 800  # of the whole test: 160 for every factor of 10; with --epochs, what those hold
SMOOTHING = 0.98  # share of the running mean that stays at each step
FAILED = 1.3  # the run ends once the smoothed loss is this many times its lowest
EDGE_STEPS = 50  # the smoothed loss is not read earlier: it knows too few steps
TOLERANCE = 0.005  # share above the lowest smoothed loss that counts as reaching it


@dataclasses.dataclass(frozen=True)
class Settings(settings.Settings):
    """The flags of `train`."""

    def __post_init__(self):
        super().__post_init__()
        if self.strategy == "multi_worker":
            raise InputError("a range test is for one process: expected another --strategy than multi_worker")


def main(settings: Settings) -> None:
    """Runs the test and prints what it suggests."""
    strategy = distribute.build_strategy(settings.strategy, tpu=settings.tpu)
    settings, dataset, workdir = stages.open_run(settings, suffix="-range_test")
    with opening.naming_bad_records(dataset), resume.explaining_signals(workdir):
        stages.prepare_process(settings, strategy)
        mean_depth_m = mean_depth.mean_depth_map(dataset.split("train"), settings.size_px)
        epochs, steps = plan(settings, dataset.split("train").num_images)
        with strategy.scope():
            network = stages.start_network(settings, mean_depth_m)
            rate = growing(settings.peak_learning_rate, epochs * steps)
            options = {"network": network, **settings.optimizer_options}
            optimizer = optimizers.build_optimizer(settings.optimizer, rate, **options)
            loss = losses.depth_loss(settings.loss, settings.gradient_weight)
            network.compile(optimizer, loss, jit_compile=distribute.compile_with_xla(strategy))
        test, length = LossByRate(), f"{epochs * steps} steps of {settings.global_batch_size} images"
        chosen = [test.callback(network, steps=steps)]
        with stages.claimed(workdir, settings, dataset, mean_depth_m, is_chief=True):
            say(f"range test: {settings.optimizer}, up to {length}")
            with stages.batches(dataset, settings, workdir, strategy, steps=epochs * steps) as (training, _):
                # not shuffled: the pipeline has its own order
                network.fit(training, epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=chosen)
        report(workdir, test)


def plan(settings: Settings, num_images: int) -> tuple[int, int]:
    """Returns the number of epochs and the steps of each: about `STEPS` in all, unless `--epochs` is given."""
    _, steps = stages.plan(settings, num_images)
    return settings.epochs or max(1, round(STEPS / steps)), steps


def growing(peak: float, steps: int) -> keras_schedules.LearningRateSchedule:
    """Returns a rate that grows by the same factor every step, from a thousandth to a hundred times `peak`."""
    return keras_schedules.ExponentialDecay(1e-3 * peak, decay_steps=steps, decay_rate=1e5)


class LossByRate:
    """Notes rate and loss of every step until the loss has clearly risen."""

    def __init__(self):
        self.rows: list[dict[str, float]] = []  # of each step: "learning_rate", "loss" and "smoothed_loss"
        self._sum = self._weight = 0.0

    def smoothed(self, loss: float) -> float:
        """Takes a loss in and returns the mean, in which older ones fade; the first ones are not drawn to 0."""
        self._sum, self._weight = SMOOTHING * self._sum + loss, SMOOTHING * self._weight + 1
        return self._sum / self._weight

    def callback(self, network: keras.Model, *, steps: int) -> keras.callbacks.Callback:
        """Returns the callback that notes the steps of `network.fit`, of `steps` per epoch, and ends it.

        Not an epoch's last step: its batch is filled up with images that do not count, so its loss is too small.
        """
        next_rate, total = float(network.optimizer.learning_rate.numpy()), 0.0

        def after(batch, logs):
            nonlocal next_rate, total
            rate, next_rate = next_rate, float(network.optimizer.learning_rate.numpy())
            last_total = total if batch else 0.0  # Keras's mean starts afresh with every epoch
            total = float(logs["loss"]) * (batch + 1)
            if not math.isfinite(total):
                network.stop_training = True
            elif batch + 1 < steps:
                loss = total - last_total  # the step's own
                self.rows.append({"learning_rate": rate, "loss": loss, "smoothed_loss": self.smoothed(loss)})
                read = [row["smoothed_loss"] for row in self.rows[EDGE_STEPS:]]
                network.stop_training = bool(read) and read[-1] > FAILED * min(read)

        return keras.callbacks.LambdaCallback(on_train_batch_end=after)


def report(workdir: pathlib.Path, test: LossByRate) -> None:
    """Writes the files, and says what they suggest; raises InputError where no step has a finite loss."""
    if not test.rows:
        raise InputError("the range test has no step with a finite loss: expected two steps per epoch or more")
    columns = {name: [row[name] for row in test.rows] for name in test.rows[0]}
    suggested = suggest_rate(columns["learning_rate"], columns["smoothed_loss"])
    atomic_files.write_csv(workdir / "range_test.csv", test.rows)
    draw(workdir / "range_test.png", columns, suggested)
    told = {"suggested_learning_rate": suggested, "steps": len(test.rows)}
    atomic_files.write_json(workdir / "range_test.json", told)
    say(f"range test: try --learning_rate={suggested:.2g} (see {workdir / 'range_test.png'})")


def suggest_rate(rates: Sequence[float], smoothed: Sequence[float]) -> float:
    """Returns the lowest rate that already brings the loss down to its lowest: a higher one brings danger, no speed.

    The smoothed loss lags by the mean age of what it holds, so the rate is read that many steps before.
    """
    first = min(EDGE_STEPS, len(smoothed) - 1)
    enough = (1 + TOLERANCE) * min(smoothed[first:])
    reached = next(step for step in range(first, len(smoothed)) if smoothed[step] <= enough)
    age_steps = round(SMOOTHING / (1 - SMOOTHING))
    return float(rates[max(0, reached - age_steps)])


def draw(path: pathlib.Path, columns: dict[str, list[float]], suggested: float) -> None:
    """Draws loss against rate, and marks the suggestion; `columns` are those of range_test.csv."""
    rates, losses = columns["learning_rate"], columns["loss"]
    figure = matplotlib_figure.Figure(figsize=(7.0, 4.2), dpi=110, layout="constrained")
    axes = figure.add_subplot(xlabel="learning rate", ylabel="training loss")
    axes.semilogx(rates, losses, color="0.8", label="loss of a step")
    axes.semilogx(rates, columns["smoothed_loss"], color="C0", label="smoothed")
    axes.axvline(suggested, color="C3", linestyle="--", label=f"suggested: {suggested:.2g}")
    axes.set_ylim(0.9 * min(losses), 1.1 * np.quantile(losses, 0.95))
    axes.legend(loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    with atomic_files.replacing(path) as temporary:
        figure.savefig(temporary)


if __name__ == "__main__":
    program.run(main, Settings)
