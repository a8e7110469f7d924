"""What happens around the steps of `fit`: the rate, the best network, the records, the news.

The order is part of the contract: what changes the rate or ends the run comes before what writes it down.
"""

import os
import pathlib
import time

import keras
import numpy as np

from depth_tf import schedules
from depth_tf.errors import InputError
from depth_tf.program import say
from depth_tf.schedules import MONITOR, MONITOR_MODE

BEST_NETWORK = "best.keras"
HISTORY = "history.csv"
FIRST_STEPS = 10  # after this many the time left is announced; the first ones also build the graph


def build_callbacks(
    workdir: pathlib.Path,
    *,
    schedule: str,
    peak_learning_rate: float,
    epochs: int,
    steps: int,
    batch_size: int,
    has_holdout: bool,
    early_stopping: bool,
    tensorboard: bool,
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a run, in this order: schedule, NaN, early stopping, best network, records, news.

    Args:
      workdir: the run's folder.
      schedule: a name of `schedules.SCHEDULES`; only callback schedules add anything here.
      peak_learning_rate: highest rate.
      epochs: of the whole run.
      steps: batches an epoch.
      batch_size: images a batch.
      has_holdout: whether there is a split to judge by; without one the last epoch is kept.
      early_stopping: stop once the hold-out has not improved for a fifth of the epochs.
      tensorboard: write event files.
    """
    callbacks: list[keras.callbacks.Callback] = []
    if schedule in schedules.CALLBACKS:
        callbacks.append(schedules.CALLBACKS[schedule](peak_learning_rate, epochs))
    callbacks.append(StopAtNaN())
    if early_stopping:
        patience = max(3, epochs // 5)
        callbacks.append(keras.callbacks.EarlyStopping(MONITOR, mode=MONITOR_MODE, patience=patience, verbose=1))
    callbacks.append(KeepNetwork(workdir / BEST_NETWORK, best_only=has_holdout))
    callbacks.append(AddRateAndSpeed(images_per_epoch=steps * batch_size))
    callbacks.append(keras.callbacks.CSVLogger(os.fspath(workdir / HISTORY)))
    if tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(os.fspath(workdir / "tensorboard"), write_graph=False))
    callbacks.append(Progress(epochs=epochs, steps=steps))
    return callbacks


class KeepNetwork(keras.callbacks.ModelCheckpoint):
    """Keras's ModelCheckpoint, made safe: the file appears under its name only once it is whole."""

    def __init__(self, path: pathlib.Path, *, best_only: bool):
        """Keeps the best network by the hold-out's AbsRel, or with `best_only` false the last one, at `path`."""
        self._path = path
        self._partial = path.with_name(".partial-" + path.name)
        super().__init__(os.fspath(self._partial), monitor=MONITOR, mode=MONITOR_MODE, save_best_only=best_only)

    def on_epoch_end(self, epoch, logs=None):
        """Saves, then renames."""
        super().on_epoch_end(epoch, logs)
        if self._partial.exists():
            os.replace(self._partial, self._path)


class StopAtNaN(keras.callbacks.Callback):
    """Ends the run at the first loss that is not a finite number, saying what to try."""

    def on_train_batch_end(self, batch, logs=None):
        """Checks the running mean of the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            raise InputError(
                f"the loss became {loss} at step {batch} of an epoch: expected a finite number; try a smaller "
                f"--learning_rate. {BEST_NETWORK} holds the last good network, if an epoch had ended"
            )


class AddRateAndSpeed(keras.callbacks.Callback):
    """Adds `learning_rate` and `images_per_s` to an epoch's logs, whatever form the schedule has."""

    def __init__(self, images_per_epoch: int):
        super().__init__()
        self._images = images_per_epoch
        self._started_s = self._trained_s = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock."""
        self._started_s = time.perf_counter()

    def on_test_begin(self, logs=None):
        """Stops the clock: scoring the hold-out is not training."""
        self._trained_s = time.perf_counter() - self._started_s

    def on_epoch_end(self, epoch, logs=None):
        """Adds the figures."""
        trained_s = self._trained_s or time.perf_counter() - self._started_s
        logs["learning_rate"] = float(self.model.optimizer.learning_rate.numpy())
        logs["images_per_s"] = self._images / trained_s


class Progress(keras.callbacks.Callback):
    """Prints one line an epoch with the time left, and a first estimate after a few steps."""

    def __init__(self, epochs: int, steps: int):
        super().__init__()
        self._epochs, self._steps = epochs, steps
        self._epoch = 0
        self._started_s = self._warm_s = None

    def on_train_begin(self, logs=None):
        """Starts the clock."""
        self._started_s = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Announces the time left once, when the steps' pace is known."""
        if self._warm_s is None:
            self._warm_s, self._warm_batch = time.perf_counter(), batch
        elif batch - self._warm_batch == FIRST_STEPS and self._epoch == 0:
            pace_s = (time.perf_counter() - self._warm_s) / FIRST_STEPS
            left = self._epochs * self._steps - batch
            say(f"about {duration(pace_s * left)} left at {pace_s * 1000:.0f} ms a step")

    def on_epoch_end(self, epoch, logs=None):
        """Prints the epoch's figures."""
        logs = logs or {}
        spent_s = time.perf_counter() - self._started_s
        left_s = spent_s / (epoch + 1) * (self._epochs - epoch - 1)
        shown = [f"epoch {epoch + 1}/{self._epochs}", f"loss {logs['loss']:.4f}"]
        if MONITOR in logs:
            shown.append(f"holdout AbsRel {logs['val_abs_rel']:.3f} delta1 {logs['val_delta1']:.3f}")
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
