"""Callbacks that tell how training goes: the rate, the speed, one line per epoch."""

import pathlib
import time

import keras
import tensorflow as tf

from depth_tf.callbacks import MONITOR
from depth_tf.runtime.program import say

FIRST_STEPS = 10  # after this many the time left is announced; the first ones also build the graph


class AddRate(keras.callbacks.Callback):
    """Adds `learning_rate` to an epoch's logs, whatever form the schedule has.

    The rate is that of the epoch's last step. At the end of the epoch the optimizer holds another one already: a
    schedule object gives that of the next step, and ReduceLROnPlateau may just have cut it.
    """

    def __init__(self):
        super().__init__()
        self._rate = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        """Notes the rate that the step will take; where TensorBoard is on, its writer is TensorFlow's default one."""
        optimizer = self.model.optimizer
        self._rate = float(optimizer.learning_rate.numpy())
        tf.summary.scalar("learning_rate", self._rate, step=optimizer.iterations)

    def on_epoch_end(self, epoch, logs=None):
        """Adds the rate."""
        logs["learning_rate"] = self._rate


class AddSpeed(keras.callbacks.Callback):
    """Adds `images_per_s` to an epoch's logs, and a row to a CSV file."""

    def __init__(self, path: pathlib.Path, images_per_epoch: int):
        super().__init__()
        self._path, self._images = path, images_per_epoch
        self._started_s = self._trained_s = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock."""
        self._started_s, self._trained_s = time.perf_counter(), 0.0

    def on_test_begin(self, logs=None):
        """Stops the clock: scoring the hold-out is not training."""
        self._trained_s = time.perf_counter() - self._started_s

    def on_epoch_end(self, epoch, logs=None):
        """Adds the figures."""
        trained_s = self._trained_s or time.perf_counter() - self._started_s
        logs["images_per_s"] = self._images / trained_s
        new = not self._path.exists()
        with self._path.open("a") as file:
            file.write(("epoch,training_s,images_per_s\n" if new else "") + f"{epoch},{trained_s:.3f},")
            file.write(f"{logs['images_per_s']:.1f}\n")


class Progress(keras.callbacks.Callback):
    """Prints one line per epoch with the time left, and a first estimate after a few steps."""

    def __init__(self, epochs: int, steps: int):
        super().__init__()
        self._epochs, self._steps = epochs, steps
        self._epoch, self._first_epoch = 0, None
        self._started_s = self._warm_s = None
        self._warm_batch = 0

    def on_train_begin(self, logs=None):
        """Starts the clock."""
        self._started_s = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers the epoch."""
        self._epoch = epoch
        self._first_epoch = epoch if self._first_epoch is None else self._first_epoch

    def on_train_batch_end(self, batch, logs=None):
        """Announces the time left once, when the steps' pace is known."""
        if self._warm_s is None:
            self._warm_s, self._warm_batch = time.perf_counter(), batch
        elif batch - self._warm_batch == FIRST_STEPS and self._epoch == self._first_epoch:
            pace_s = (time.perf_counter() - self._warm_s) / FIRST_STEPS
            left = (self._epochs - self._epoch) * self._steps - batch
            say(f"about {duration(pace_s * left)} left at {pace_s * 1000:.0f} ms a step")

    def on_epoch_end(self, epoch, logs=None):
        """Prints the epoch's figures."""
        logs = logs or {}
        spent_s = time.perf_counter() - self._started_s
        left_s = spent_s / (epoch + 1 - self._first_epoch) * (self._epochs - epoch - 1)
        shown = [f"epoch {epoch + 1}/{self._epochs}", f"loss {logs['loss']:.4f}"]
        if MONITOR in logs:
            shown.append(f"holdout log10 {logs[MONITOR]:.3f} delta1 {logs['val_delta1']:.3f}")
        shown += [
            f"rate {logs['learning_rate']:.2g}",
            f"{logs['images_per_s']:.0f} images/s",
            f"{duration(left_s)} left",
        ]
        say("  ".join(shown))


def duration(seconds: float) -> str:
    """Returns a time as people say it: "45 s", "12 min", "3.4 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
