"""What acts on a run between the steps of `fit`: on the weights, the rate, the length, and which network is kept.

The order is part of the contract: what changes the weights, the rate or the length of the run comes before what writes
them down. These come first, in this order; `training.logs` adds those that write, and `training.resume` the last.

    SwapEMAWeights          --ema: from the end of an epoch on, the averaged weights are the network
    LearningRateScheduler   --schedule=step
    ReduceLROnPlateau       --schedule=plateau, or --reduce_lr_on_plateau with a constant rate
    StopAtNaN               always: TerminateOnNaN that says what to do
    EarlyStopping           --early_stopping: stops at a stall, and puts the best weights back
    KeepNetwork             always: ModelCheckpoint that never leaves half a file

Of several workers, all change the weights, the rate and the length alike, and the chief alone writes.
"""

import os
import pathlib

import keras
import numpy as np

from depth_tf import schedules
from depth_tf.runtime.errors import InputError

# What early stopping, plateaus and the best network go by: the hold-out's log10. Not its AbsRel, which forgives
# predictions that are too near: half the true depth costs 0.5, twice the true depth 1. Predictions wander in scale from
# epoch to epoch, and the lowest AbsRel then keeps a near one: in one run, on 65 held-out NYU images, delta1 0.515;
# log10 finds 0.572.
MONITOR = "val_log10"
MONITOR_MODE = "min"


class Diverged(InputError):
    """The loss or a weight stopped being a number."""


def build_callbacks(
    settings, best_network: pathlib.Path, *, epochs: int, has_holdout: bool = True, is_chief: bool = True
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that act on a run, in the order that stands at the top of this file.

    Args:
      settings: the run's `schedule`, `peak_learning_rate`, `ema`, `reduce_lr_on_plateau`, and `early_stopping`, which
        stops once the hold-out stalls for a fifth of the epochs, at least three.
      best_network: file of the network that is kept.
      epochs: of the whole run.
      has_holdout: whether there is a split to judge by; without one the last epoch's network is kept.
      is_chief: whether this process writes files.
    """
    chosen: list[keras.callbacks.Callback] = []
    if settings.ema:
        chosen.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    schedule = "plateau" if settings.reduce_lr_on_plateau else settings.schedule
    if schedule in schedules.CALLBACKS:
        chosen.append(schedules.CALLBACKS[schedule](settings.peak_learning_rate, epochs, MONITOR))
    chosen.append(StopAtNaN(best_network))
    if settings.early_stopping:
        stall = {"mode": MONITOR_MODE, "patience": max(3, epochs // 5)}
        chosen.append(keras.callbacks.EarlyStopping(MONITOR, **stall, restore_best_weights=True, verbose=1))
    if is_chief:
        chosen.append(KeepNetwork(best_network, best_only=has_holdout))
    return chosen


class KeepNetwork(keras.callbacks.ModelCheckpoint):
    """Keras's ModelCheckpoint, made safe: the file appears under its name only once it is whole."""

    def __init__(self, path: pathlib.Path, *, best_only: bool):
        """Keeps the best network by the hold-out's log10, or with `best_only` false the last one, at `path`."""
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
