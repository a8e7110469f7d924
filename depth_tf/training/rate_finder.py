"""The learning-rate range test: notes the loss under a growing rate, and reads off where to train.

Source: Smith 2017 (Cyclical learning rates for training neural networks), section 3.3.
"""

import json
import math
import pathlib
from collections.abc import Sequence

import keras
import numpy as np
from matplotlib.figure import Figure

from depth_tf.runtime import storage
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import say

STEPS = 800  # of a run where --epochs is not given: 160 for every factor of 10
REPORT = "range_test.json"
SMOOTHING = 0.98  # share of the running mean that stays at each step
FAILED = 1.3  # the run ends once the smoothed loss is this many times its lowest
EDGE_STEPS = 50  # the smoothed loss is not read earlier: it knows too few steps
TOLERANCE = 0.005  # share above the lowest smoothed loss that counts as reaching it


def growing_rate(peak: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns a rate that grows by the same factor every step, from a thousandth to a hundred times `peak`."""
    return keras.optimizers.schedules.ExponentialDecay(1e-3 * peak, decay_steps=steps, decay_rate=1e5)


class RangeTest(keras.callbacks.Callback):
    """Notes rate and loss of every step, stops when the loss has clearly risen, and suggests a rate."""

    def __init__(self, workdir: pathlib.Path):
        """Writes its files into `workdir`."""
        super().__init__()
        self._workdir = workdir
        self._rates: list[float] = []
        self._losses: list[float] = []
        self._smoothed: list[float] = []
        self._mean = FadingMean()
        self._lowest = math.inf
        self._rate = self._sum = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Forgets the sum: Keras's mean starts afresh."""
        self._sum = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        """Notes the rate that the step will take."""
        self._rate = float(self.model.optimizer.learning_rate.numpy())

    def on_train_batch_end(self, batch, logs=None):
        """Notes the step's own loss, which is the growth of the epoch's sum.

        Not for an epoch's last step: its batch is filled up with images that do not count, so its loss is too small.
        """
        total = float(logs["loss"]) * (batch + 1)
        loss, self._sum = total - self._sum, total
        if not math.isfinite(loss):
            self.model.stop_training = True
        elif batch + 1 < self.params["steps"]:
            self._note(loss)

    def _note(self, loss: float) -> None:
        self._rates.append(self._rate)
        self._losses.append(loss)
        self._smoothed.append(self._mean.add(loss))
        if len(self._losses) > EDGE_STEPS:
            self._lowest = min(self._lowest, self._smoothed[-1])
            self.model.stop_training = self._smoothed[-1] > FAILED * self._lowest

    def on_train_end(self, logs=None):
        """Writes the files, and says what they suggest."""
        if not self._losses:
            raise InputError("the range test has no step with a finite loss: expected two steps per epoch or more")
        columns = {
            "learning_rate": self._rates,
            "loss": self._losses,
            "smoothed_loss": self._smoothed,
        }
        suggested = suggest_rate(columns["learning_rate"], self._smoothed)
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        storage.write_csv(self._workdir / "range_test.csv", rows)
        draw(self._workdir / "range_test.png", columns, suggested)
        storage.write_json(self._workdir / REPORT, {"suggested_learning_rate": suggested, "steps": len(rows)})
        say(f"range test: try --learning_rate={suggested:.2g} (see {self._workdir / 'range_test.png'})")


class FadingMean:
    """A running mean in which older values fade; the first ones are not drawn to 0."""

    def __init__(self):
        self._mean = 0.0
        self._share = 0.0

    def add(self, value: float) -> float:
        """Takes a value in and returns the mean."""
        self._mean = SMOOTHING * self._mean + (1 - SMOOTHING) * value
        self._share = SMOOTHING * self._share + (1 - SMOOTHING)
        return self._mean / self._share


def read_report(workdir: pathlib.Path) -> dict:
    """Returns what range_test.json of a run holds."""
    return json.loads((workdir / REPORT).read_text())


def suggest_rate(rates: Sequence[float], smoothed: Sequence[float]) -> float:
    """Returns the lowest rate that already brings the loss down to its lowest: a higher one brings danger, no speed.

    The smoothed loss is late by the mean age of what it holds, so the rate is read that many steps before.

    Args:
      rates: [N], rising.
      smoothed: [N], finite.
    """
    first = min(EDGE_STEPS, len(smoothed) - 1)
    enough = (1 + TOLERANCE) * min(smoothed[first:])
    reached = next(step for step in range(first, len(smoothed)) if smoothed[step] <= enough)
    age_steps = round(SMOOTHING / (1 - SMOOTHING))
    return float(rates[max(0, reached - age_steps)])


def draw(path: pathlib.Path, columns: dict[str, list[float]], suggested: float) -> None:
    """Draws loss against rate, and marks the suggestion; `columns` are those of range_test.csv."""
    rates, losses = columns["learning_rate"], columns["loss"]
    figure = Figure(figsize=(7.0, 4.2), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.semilogx(rates, losses, color="0.8", label="loss of a step")
    axes.semilogx(rates, columns["smoothed_loss"], color="C0", label="smoothed")
    axes.axvline(suggested, color="C3", linestyle="--", label=f"suggested: {suggested:.2g}")
    axes.set_ylim(0.9 * min(losses), 1.1 * np.quantile(losses, 0.95))
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss")
    axes.legend(loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    with storage.replacing(path) as temporary:
        figure.savefig(temporary)
