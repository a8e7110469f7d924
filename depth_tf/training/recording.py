"""The callbacks that write down what happens in a run; they come after those that change it (`depth_tf.callbacks`).

AddRate                 always: the learning rate for those below, and every step's for TensorBoard
History                 --csv_logger: history.csv
AddSpeed                always: images/s for those below and speed.csv; not in history.csv, which repeats exactly
TensorBoard and more    --tensorboard: see `tensorboard`
PredictionPanels        --panels: pictures of the hold-out every few epochs
Progress                always: one line per epoch
KeepState               always: what the run needs to continue if it is killed; see `resume`
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from depth_tf.data.splits import DepthDataset
from depth_tf.runtime.program import flagfile_text
from depth_tf.runtime.run_folder import HISTORY, SPEED
from depth_tf.training import distribute, multi_worker, panels, resume, tensorboard
from depth_tf.training.progress import AddRate, AddSpeed, Progress
from depth_tf.training.settings import Settings
from depth_tf.training.stages import Plan


def build_callbacks(
    acting: Sequence[keras.callbacks.Callback],
    settings: Settings,
    workdir: pathlib.Path,
    dataset: DepthDataset,
    strategy: tf.distribute.Strategy,
    plan: Plan,
    saved: resume.State | None,
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that record a run, in the order that stands at the top of this file.

    Args:
      acting: the callbacks that change the run, whose memory is part of its state.
      settings: the run's flags.
      workdir: its folder.
      dataset: what it learns from; panels show the hold-out, or else training images.
      strategy: its devices; of several workers the chief alone records.
      plan: its length.
      saved: the state to continue from, or None.
    """
    is_chief = distribute.is_chief(strategy)
    multi_worker.check_same_start(strategy, saved.epochs_done if saved else 0)
    chosen = _writing(settings, workdir, dataset, plan, saved) if is_chief else []
    return [*chosen, resume.KeepState(workdir, [*acting, *chosen], saved, writes=is_chief)]


def _writing(
    settings: Settings, workdir: pathlib.Path, dataset: DepthDataset, plan: Plan, saved: resume.State | None
) -> list[keras.callbacks.Callback]:
    for name in (HISTORY, SPEED):
        resume.keep_first_rows(workdir / name, saved.epochs_done if saved else 0)
    chosen: list[keras.callbacks.Callback] = [AddRate()]
    if settings.csv_logger:
        chosen.append(History(os.fspath(workdir / HISTORY), append=True))
    chosen.append(AddSpeed(workdir / SPEED, images_per_epoch=plan.steps * settings.global_batch_size))
    if settings.tensorboard:
        chosen += tensorboard.board_callbacks(
            workdir / tensorboard.FOLDER,
            hyper_parameters=tensorboard.hyper_parameters(settings, epochs=plan.epochs),
            flags=flagfile_text(settings),
            histograms=settings.histograms,
            profile_steps=settings.profile_steps,
            total_steps=plan.total_steps,
        )
    if settings.panels:
        pairs = panels.panel_pairs(dataset.splits.get("holdout") or dataset.split("train"), settings.size_px)
        chosen.append(panels.PredictionPanels(workdir / panels.FOLDER, pairs, epochs=plan.epochs))
    return [*chosen, Progress(epochs=plan.epochs, steps=plan.steps)]


class History(keras.callbacks.CSVLogger):
    """Keras's CSVLogger without the columns val_... of NA that it adds where no epoch is ever validated."""

    def on_epoch_end(self, epoch, logs=None):
        """Fixes the columns as those of the first epoch, before Keras would guess more."""
        self.keys = self.keys or sorted(logs)
        super().on_epoch_end(epoch, logs)


@contextlib.contextmanager
def closing_files(callbacks: Sequence[keras.callbacks.Callback]) -> Iterator[None]:
    """Ends the records where an exception, such as StopAtNaN's, keeps Keras from calling `on_train_end`."""
    try:
        yield
    except Exception:
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.CSVLogger | keras.callbacks.TensorBoard):
                callback.on_train_end()
        raise
