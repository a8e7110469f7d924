"""What happens around the steps of `fit`: the rate, the best network, the records, the news.

The order is part of the contract: what changes the weights, the rate or the length of the run comes before what
writes them down.

    SwapEMAWeights          --ema: from the end of an epoch on, the averaged weights are the network
    LearningRateScheduler   --schedule=step
    ReduceLROnPlateau       --schedule=plateau, or --reduce_lr_on_plateau with a constant rate
    RangeTest               --schedule=range_test
    StopAtNaN               always: TerminateOnNaN that says what to do
    EarlyStopping           --early_stopping: stops at a stall, and puts the best weights back
    KeepNetwork             always: ModelCheckpoint that never leaves half a file
    AddRateAndSpeed         always: learning rate and images/s for those below, and every step's rate for TensorBoard
    CSVLogger               --csv_logger: history.csv
    TensorBoard and more    --tensorboard: see `tensorboard`
    PredictionPanels        --panels: pictures of the hold-out every few epochs
    Progress                always: a line an epoch
"""

import contextlib
import os
import pathlib
import time
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from depth_tf import panels, range_test, schedules, tensorboard
from depth_tf.errors import InputError
from depth_tf.program import flagfile_text, say
from depth_tf.run_folder import BEST_NETWORK
from depth_tf.schedules import MONITOR, MONITOR_MODE

HISTORY = "history.csv"
FIRST_STEPS = 10  # after this many the time left is announced; the first ones also build the graph


class Diverged(InputError):
    """The loss or a weight stopped being a number."""


def build_callbacks(
    settings,
    workdir: pathlib.Path,
    *,
    peak_learning_rate: float,
    epochs: int,
    steps: int,
    has_holdout: bool,
    panel_pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a run, in the order that stands at the top of this file.

    Args:
      settings: a `train.Settings`.
      workdir: the run's folder.
      peak_learning_rate: highest rate.
      epochs: of the whole run.
      steps: batches an epoch.
      has_holdout: whether there is a split to judge by; without one the last epoch is kept.
      panel_pairs: what `--panels` shows: images [H, W, 3] uint8 with depths [H, W, 1] float32, metres.
    """
    callbacks: list[keras.callbacks.Callback] = []
    if settings.ema:
        callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if settings.schedule in schedules.CALLBACKS:
        callbacks.append(schedules.CALLBACKS[settings.schedule](peak_learning_rate, epochs))
    elif settings.reduce_lr_on_plateau:
        callbacks.append(schedules.plateau(peak_learning_rate, epochs))
    if settings.schedule == "range_test":  # it is driven until it fails, so there is nothing to guard or to keep
        callbacks.append(range_test.RangeTest(workdir))
    else:
        callbacks += _guards(settings, workdir / BEST_NETWORK, epochs, has_holdout=has_holdout)
    callbacks.append(AddRateAndSpeed(images_per_epoch=steps * settings.global_batch_size))
    if settings.csv_logger:
        callbacks.append(keras.callbacks.CSVLogger(os.fspath(workdir / HISTORY)))
    if settings.tensorboard:
        callbacks += tensorboard.board_callbacks(
            workdir / tensorboard.FOLDER,
            hyper_parameters=tensorboard.hyper_parameters(settings, learning_rate=peak_learning_rate, epochs=epochs),
            flags=flagfile_text(settings),
            histograms=settings.histograms,
            profile_steps=settings.profile_steps,
            total_steps=epochs * steps,
        )
    if settings.panels:
        callbacks.append(panels.PredictionPanels(workdir / panels.FOLDER, panel_pairs, epochs=epochs))
    callbacks.append(Progress(epochs=epochs, steps=steps))
    return callbacks


def _guards(settings, best: pathlib.Path, epochs: int, *, has_holdout: bool) -> list[keras.callbacks.Callback]:
    guards: list[keras.callbacks.Callback] = [StopAtNaN(best)]
    if settings.early_stopping:
        patience = max(3, epochs // 5)
        guards.append(
            keras.callbacks.EarlyStopping(
                MONITOR, mode=MONITOR_MODE, patience=patience, restore_best_weights=True, verbose=1
            )
        )
    return [*guards, KeepNetwork(best, best_only=has_holdout)]


@contextlib.contextmanager
def closing_files(callbacks: list[keras.callbacks.Callback]) -> Iterator[None]:
    """Ends the records where StopAtNaN ends the run: an exception keeps Keras from calling `on_train_end`."""
    try:
        yield
    except Diverged:
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.CSVLogger | keras.callbacks.TensorBoard):
                callback.on_train_end()
        raise


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


class StopAtNaN(keras.callbacks.TerminateOnNaN):
    """Keras's TerminateOnNaN, made final: it ends the run with a message.

    Keras's own stops the epoch, but then scores and saves the broken network as if the epoch had ended well.
    """

    def __init__(self, best_network: pathlib.Path):
        """Watches the loss; the message tells whether there is already a network at `best_network`."""
        super().__init__()
        self._best_network = best_network

    def on_batch_end(self, batch, logs=None):
        """Checks the epoch's mean loss so far."""
        super().on_batch_end(batch, logs)
        if self.model.stop_training:
            self._end(f"the loss became {float(logs['loss'])} at step {batch + 1} of an epoch")

    def on_epoch_end(self, epoch, logs=None):
        """Checks the weights: the last step may have broken them after its loss was taken."""
        if not all(np.isfinite(weight).all() for weight in self.model.get_weights()):
            self._end(f"a weight of the network stopped being a number in epoch {epoch + 1}")

    def _end(self, what: str):
        kept = f"{self._best_network} holds the last good network"
        raise Diverged(
            f"{what}: expected finite numbers; try a smaller --learning_rate. "
            + (kept if self._best_network.exists() else "No epoch had ended yet, so there is no network")
        )


class AddRateAndSpeed(keras.callbacks.Callback):
    """Adds `learning_rate` and `images_per_s` to an epoch's logs, whatever form the schedule has.

    The rate is that of the epoch's last step. At the end of the epoch the optimizer holds another one already: a
    schedule object answers for the next step, and ReduceLROnPlateau may just have cut it.
    """

    def __init__(self, images_per_epoch: int):
        super().__init__()
        self._images = images_per_epoch
        self._rate = self._started_s = self._trained_s = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock."""
        self._started_s, self._trained_s = time.perf_counter(), 0.0

    def on_train_batch_begin(self, batch, logs=None):
        """Notes the rate that the step will take; where TensorBoard is on, its writer is TensorFlow's default one."""
        optimizer = self.model.optimizer
        self._rate = float(optimizer.learning_rate.numpy())
        tf.summary.scalar("learning_rate", self._rate, step=optimizer.iterations)

    def on_test_begin(self, logs=None):
        """Stops the clock: scoring the hold-out is not training."""
        self._trained_s = time.perf_counter() - self._started_s

    def on_epoch_end(self, epoch, logs=None):
        """Adds the figures."""
        trained_s = self._trained_s or time.perf_counter() - self._started_s
        logs["learning_rate"] = self._rate
        logs["images_per_s"] = self._images / trained_s


class Progress(keras.callbacks.Callback):
    """Prints one line an epoch with the time left, and a first estimate after a few steps."""

    def __init__(self, epochs: int, steps: int):
        super().__init__()
        self._epochs, self._steps = epochs, steps
        self._epoch = 0
        self._started_s = self._warm_s = None
        self._warm_batch = 0

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
