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
    AddRate                 always: the learning rate for those below, and every step's for TensorBoard
    CSVLogger               --csv_logger: history.csv
    AddSpeed                always: images/s for those below and speed.csv; not in history.csv, which repeats exactly
    TensorBoard and more    --tensorboard: see `tensorboard`
    PredictionPanels        --panels: pictures of the hold-out every few epochs
    Progress                always: a line an epoch
    KeepState               always: what the run needs to go on if it is killed; see `resume`

Of several workers, all change the weights, the rate and the length alike, and the chief alone writes.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from depth_tf import range_test, schedules
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import flagfile_text
from depth_tf.runtime.run_folder import BEST_NETWORK, HISTORY, SPEED
from depth_tf.schedules import MONITOR, MONITOR_MODE
from depth_tf.training import panels, resume, tensorboard
from depth_tf.training.progress import AddRate, AddSpeed, Progress


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
    found: resume.State | None = None,
    writes: bool = True,
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
      found: the state to go on from, or None.
      writes: whether this process writes files.
    """
    chosen = _acting(settings, workdir, peak_learning_rate, epochs, has_holdout=has_holdout, writes=writes)
    if writes:
        chosen += _recording(settings, workdir, peak_learning_rate, epochs, steps, panel_pairs, found)
    if settings.schedule != "range_test":
        chosen.append(resume.KeepState(workdir, list(chosen), found, writes=writes))
    return chosen


def _acting(
    settings, workdir: pathlib.Path, peak: float, epochs: int, *, has_holdout: bool, writes: bool
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that change the weights, the rate, the length of the run or the network that is kept."""
    callbacks: list[keras.callbacks.Callback] = []
    if settings.ema:
        callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if settings.schedule in schedules.CALLBACKS:
        callbacks.append(schedules.CALLBACKS[settings.schedule](peak, epochs))
    elif settings.reduce_lr_on_plateau:
        callbacks.append(schedules.plateau(peak, epochs))
    if settings.schedule == "range_test":  # it is driven until it fails, so there is nothing to guard or to keep
        return [*callbacks, range_test.RangeTest(workdir)]
    callbacks += _guards(settings, workdir / BEST_NETWORK, epochs)
    return callbacks + ([KeepNetwork(workdir / BEST_NETWORK, best_only=has_holdout)] if writes else [])


def _recording(
    settings,
    workdir: pathlib.Path,
    peak: float,
    epochs: int,
    steps: int,
    panel_pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    found: resume.State | None,
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that write down what happens."""
    for name in (HISTORY, SPEED):
        resume.keep_first_rows(workdir / name, found.epochs_done if found else 0)
    callbacks: list[keras.callbacks.Callback] = [AddRate()]
    if settings.csv_logger:
        callbacks.append(keras.callbacks.CSVLogger(os.fspath(workdir / HISTORY), append=True))
    callbacks.append(AddSpeed(workdir / SPEED, images_per_epoch=steps * settings.global_batch_size))
    if settings.tensorboard:
        callbacks += tensorboard.board_callbacks(
            workdir / tensorboard.FOLDER,
            hyper_parameters=tensorboard.hyper_parameters(settings, learning_rate=peak, epochs=epochs),
            flags=flagfile_text(settings),
            histograms=settings.histograms,
            profile_steps=settings.profile_steps,
            total_steps=epochs * steps,
        )
    if settings.panels:
        callbacks.append(panels.PredictionPanels(workdir / panels.FOLDER, panel_pairs, epochs=epochs))
    return [*callbacks, Progress(epochs=epochs, steps=steps)]


def _guards(settings, best: pathlib.Path, epochs: int) -> list[keras.callbacks.Callback]:
    guards: list[keras.callbacks.Callback] = [StopAtNaN(best)]
    if settings.early_stopping:
        patience = max(3, epochs // 5)
        guards.append(
            keras.callbacks.EarlyStopping(
                MONITOR, mode=MONITOR_MODE, patience=patience, restore_best_weights=True, verbose=1
            )
        )
    return guards


@contextlib.contextmanager
def closing_files(callbacks: list[keras.callbacks.Callback]) -> Iterator[None]:
    """Ends the records where an exception, such as StopAtNaN's, keeps Keras from calling `on_train_end`."""
    try:
        yield
    except Exception:
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.CSVLogger | keras.callbacks.TensorBoard):
                callback.on_train_end()
        raise


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
