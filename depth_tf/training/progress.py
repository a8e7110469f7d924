"""Callbacks that tell how training goes: the rate, the speed, a line per epoch."""

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
    schedule object has moved to the next step, and ReduceLROnPlateau may just have cut it.
    """

    def on_train_batch_begin(self, batch, logs=None):
        """Notes the rate that the step will take; where TensorBoard is on, its writer is TensorFlow's default one."""
        optimizer = self.model.optimizer
        self._rate = float(optimizer.learning_rate.numpy())
        tf.summary.scalar("learning_rate", self._rate, step=optimizer.iterations)

    def on_epoch_end(self, epoch, logs=None):
        """Adds the rate."""
        logs["learning_rate"] = self._rate


class Progress(keras.callbacks.Callback):
    """Prints a line per epoch, and once, after a few steps, the time left; adds `images_per_s` to an epoch's logs."""

    def __init__(self, *, epochs: int, steps: int, images_per_epoch: int, file: pathlib.Path):
        """Prepares for a run of `epochs` of `steps` batches; `file` gains a row per epoch: seconds, images/s."""
        super().__init__()
        self._epochs, self._steps, self._images, self._file = epochs, steps, images_per_epoch, file
        self._first_epoch = None

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the epoch's clock, and the run's."""
        self._epoch_s, self._trained_s = time.perf_counter(), None
        if self._first_epoch is None:
            self._first_epoch, self._run_s = epoch, self._epoch_s
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Announces the time left once, when the pace is known; the first step, which builds the graph, is left out."""
        if self._epoch > self._first_epoch:
            return
        if batch == 0:
            self._warm_s = time.perf_counter()
        elif batch == FIRST_STEPS:
            pace_s = (time.perf_counter() - self._warm_s) / FIRST_STEPS
            left = (self._epochs - self._epoch) * self._steps - batch
            say(f"about {duration(pace_s * left)} left at {pace_s * 1000:.0f} ms per step")

    def on_test_begin(self, logs=None):
        """Stops the epoch's clock: scoring the hold-out is not training."""
        self._trained_s = time.perf_counter() - self._epoch_s

    def on_epoch_end(self, epoch, logs=None):
        """Prints the epoch's figures, adds the speed to them, and writes the row."""
        now_s = time.perf_counter()
        trained_s = self._trained_s or now_s - self._epoch_s
        speed = logs["images_per_s"] = self._images / trained_s
        header = "" if self._file.exists() else "epoch,training_s,images_per_s\n"
        with self._file.open("a") as file:
            file.write(f"{header}{epoch},{trained_s:.3f},{speed:.1f}\n")
        left_s = (now_s - self._run_s) / (epoch + 1 - self._first_epoch) * (self._epochs - epoch - 1)
        shown = [f"epoch {epoch + 1}/{self._epochs}", f"loss {logs['loss']:.4f}"]
        if MONITOR in logs:
            shown.append(f"holdout log10 {logs[MONITOR]:.3f} delta1 {logs['val_delta1']:.3f}")
        shown += [f"rate {logs['learning_rate']:.2g}", f"{speed:.0f} images/s", f"{duration(left_s)} left"]
        say("  ".join(shown))


def duration(seconds: float) -> str:
    """Returns a time as people say it: "45 s", "12 min", "3.4 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
