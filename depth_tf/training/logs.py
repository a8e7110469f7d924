"""The callbacks that write down what happens, in their order; those that act on the run come before, see `callbacks`.

    AddRate            always: the learning rate for those below, and every step's for TensorBoard
    HistoryFile        --csv_logger: history.csv
    Progress           always: a line per epoch, images/s for those below, speed.csv; not in history.csv, which repeats
    TensorBoard, more  --tensorboard: see `tensorboard`
    PredictionPanels   --panels: pictures of the hold-out every few epochs

`resume.KeepState`, which comes last of all, is the program's to add: it remembers the other callbacks.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator

import keras

from depth_tf.data.splits import DepthDataset
from depth_tf.runtime.run_folder import HISTORY, SPEED
from depth_tf.training import panels, resume, tensorboard
from depth_tf.training.progress import AddRate, Progress
from depth_tf.training.settings import Settings


def build_callbacks(
    settings: Settings, dataset: DepthDataset, workdir: pathlib.Path, *, epochs: int, steps: int, done: int = 0
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that record a run of `epochs` of `steps` batches, in the order given above.

    The pictures are of the hold-out, or of `train` where there is none; the files' rows after `done` epochs are cut.
    """
    for name in (HISTORY, SPEED):
        resume.keep_first_rows(workdir / name, done)
    chosen: list[keras.callbacks.Callback] = [AddRate()]
    if settings.csv_logger:
        chosen.append(HistoryFile(os.fspath(workdir / HISTORY), append=True))
    images_per_epoch = steps * settings.global_batch_size
    chosen.append(Progress(epochs=epochs, steps=steps, images_per_epoch=images_per_epoch, file=workdir / SPEED))
    if settings.tensorboard:
        chosen += tensorboard.board_callbacks(workdir / tensorboard.FOLDER, settings, epochs=epochs)
    if settings.panels:
        shown = panels.panel_pairs(dataset.splits.get("holdout") or dataset.split("train"), settings.size_px)
        chosen.append(panels.PredictionPanels(workdir / panels.FOLDER, shown, epochs=epochs))
    return chosen


class HistoryFile(keras.callbacks.CSVLogger):
    """Keras's CSVLogger, without the `val_` columns of "NA" that it adds where nothing is held out."""

    def on_epoch_end(self, epoch, logs=None):
        """Writes the epoch's row."""
        if self.keys is None:
            self.keys = sorted(logs)
        super().on_epoch_end(epoch, logs)


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
